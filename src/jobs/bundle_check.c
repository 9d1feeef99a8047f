#include "jobs/bundle_int.h"

#include <assert.h>
#include <math.h>

/* One value being checked: where names it for people ("training fare"). */
typedef struct place {
    arena *a;
    const yaml *root;
    const char *where;
} place;

static err check_table(const place *p, const yaml *y, const key_table *t);

static bool is_scalar(const yaml *y)
{
    return y->kind != YAML_SEQ && y->kind != YAML_MAP;
}

static err wrong(const place *p, const yaml *y, const key_def *k, const char *want)
{
    if (is_scalar(y) && y->kind != YAML_NULL)
        return yaml_err(y, "%s: %s: \"%.*s\": want %s", p->where, k->name,
                        (int)(y->text.n > 80 ? 80 : y->text.n), y->text.p, want);
    return yaml_err(y, "%s: %s: is %s, want %s", p->where, k->name, yaml_kind_name(y->kind), want);
}

static bool name_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static bool is_name(str s)
{
    if (!s.n || s.n > 128 || !(name_char(s.p[0]) && s.p[0] != '-')) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!name_char(s.p[i]) && s.p[i] != '.') return false;
    return true;
}

/* One to three levels of [A-Za-z0-9_-]{1,128}. */
static bool is_table_name(str s)
{
    size_t levels = 0, n = 0;
    for (size_t i = 0; i <= s.n; i++) {
        if (i < s.n && name_char(s.p[i])) {
            n++;
            continue;
        }
        if ((i < s.n && s.p[i] != '.') || !n || n > 128) return false;
        levels++;
        n = 0;
    }
    return levels <= 3;
}

static bool is_model_name(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || strchr("/:@%", s.p[i])) return false;
    return s.n && s.n <= 256;
}

static err check_number(const place *p, const yaml *y, const key_def *k)
{
    bool whole = k->type == KEY_INT;
    bool ok = y->kind == YAML_INT || (!whole && y->kind == YAML_FLOAT);
    if (!ok) return wrong(p, y, k, whole ? "a whole number" : "a number");
    if (!isfinite(y->f)) return wrong(p, y, k, "a finite number");
    if ((k->min != 0 || k->max != 0) && (y->f < k->min || y->f > k->max))
        return wrong(p, y, k, cstr_fmt(p->a, "%.15g to %.15g", k->min, k->max));
    return ERR_OK;
}

static err check_word(const place *p, const yaml *y, const key_def *k)
{
    size_t n = 0;
    buf list;
    buf_init(&list, 4096);
    for (; k->words[n]; n++) {
        if (str_is(y->text, k->words[n])) {
            buf_done(&list);
            return ERR_OK;
        }
        buf_fmt(&list, "%s%s", n ? ", " : "", k->words[n]);
    }
    const char *near = str_nearest(y->text, k->words, n);
    const char *want =
        near ? cstr_fmt(p->a, "one of %.*s; did you mean \"%s\"?", STR_ARG(buf_str(&list)), near)
             : cstr_fmt(p->a, "one of %.*s", STR_ARG(buf_str(&list)));
    buf_done(&list);
    return wrong(p, y, k, want);
}

static err check_ref(const place *p, const yaml *y, const key_def *k)
{
    if (!is_scalar(y)) return wrong(p, y, k, "a name");
    const yaml *section = yaml_find(p->root, k->section);
    size_t n = section ? section->n : 0;
    const char **names = arena_array(p->a, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (str_eq(section->pairs[i].key, y->text)) return ERR_OK;
        names[i] = str_c(p->a, section->pairs[i].key);
    }
    const char *near = str_nearest(y->text, names, n);
    return yaml_err(y, "%s: %s: there is no \"%.*s\" in %s%s%s%s", p->where, k->name,
                    STR_ARG(y->text), k->section, near ? ", did you mean \"" : "", near ? near : "",
                    near ? "\"?" : "");
}

static err check_texts(const place *p, const yaml *y, const key_def *k, bool refs)
{
    if (y->kind != YAML_SEQ) return wrong(p, y, k, "a list");
    for (size_t i = 0; i < y->n; i++) {
        if (refs) TRY(check_ref(p, y->items[i], k));
        if (!is_scalar(y->items[i]) || y->items[i]->kind == YAML_NULL)
            return wrong(p, y->items[i], k, "a string or a number");
    }
    return ERR_OK;
}

static err check_map(const place *p, const yaml *y, const key_def *k)
{
    if (y->kind != YAML_MAP) return wrong(p, y, k, "a mapping");
    for (size_t i = 0; i < y->n; i++) {
        const yaml *v = y->pairs[i].value;
        if (k->type == KEY_LIST_MAP && v->kind == YAML_SEQ) {
            if (!v->n) return wrong(p, v, k, "at least one value");
            TRY(check_texts(p, v, k, false));
        } else if (!is_scalar(v) || v->kind == YAML_NULL) {
            return wrong(p, v, k,
                         k->type == KEY_LIST_MAP ? "a value or a list of values"
                                                 : "a single value");
        }
    }
    return ERR_OK;
}

static err check_section(const place *p, const yaml *y, const key_def *k)
{
    if (y->kind != YAML_MAP) return wrong(p, y, k, "a mapping of names");
    for (size_t i = 0; i < y->n; i++) {
        const yaml_pair *pair = &y->pairs[i];
        place inner = *p;
        inner.where = cstr_fmt(p->a, "%s %.*s", k->of->what, STR_ARG(pair->key));
        if (!is_name(pair->key))
            return err_set(
                ERR_INVALID,
                "%s:%d:%d: %s: \"%.*s\" is no name: want letters, digits, _, - and dots, at "
                "most 128",
                pair->value->file, pair->key_line, pair->key_col, k->name,
                (int)(pair->key.n > 80 ? 80 : pair->key.n), pair->key.p);
        TRY(check_table(&inner, pair->value, k->of));
    }
    return ERR_OK;
}

static err check_objects(const place *p, const yaml *y, const key_def *k)
{
    if (y->kind != YAML_SEQ) return wrong(p, y, k, "a list");
    if (!y->n) return wrong(p, y, k, "at least one");
    for (size_t i = 0; i < y->n; i++) {
        place inner = *p;
        inner.where = cstr_fmt(p->a, "%s: %s[%zu]", p->where, k->name, i);
        TRY(check_table(&inner, y->items[i], k->of));
    }
    return ERR_OK;
}

static err check_object(const place *p, const yaml *y, const key_def *k)
{
    place inner = *p;
    inner.where = cstr_fmt(p->a, "%s: %s", p->where, k->name);
    return check_table(&inner, y, k->of);
}

static err check_scalar(const place *p, const yaml *y, const key_def *k)
{
    int64_t ms;
    uint64_t bytes;
    bool empty = k->type == KEY_SCALAR;
    if (!is_scalar(y)) return wrong(p, y, k, "a single value");
    if (!empty && !y->text.n) return wrong(p, y, k, "something that is not empty");
    if (k->type == KEY_NAME && !is_name(y->text))
        return wrong(p, y, k, "letters, digits, _, - and dots, at most 128");
    if (k->type == KEY_TABLE && !is_table_name(y->text))
        return wrong(p, y, k, "catalog.schema.table of letters, digits, _ and -");
    if (k->type == KEY_MODEL && !is_model_name(y->text))
        return wrong(p, y, k, "a model's name, without spaces, / : @ and %");
    if (k->type == KEY_DURATION && (parse_duration_ms(y->text, &ms) || ms <= 0))
        return wrong(p, y, k, "a duration such as 30m, 24h or 7d");
    if (k->type == KEY_SIZE && (parse_size(y->text, &bytes) || !bytes))
        return wrong(p, y, k, "a size such as 512MiB or 4GiB");
    return ERR_OK;
}

static err check_value(const place *p, const yaml *y, const key_def *k)
{
    switch (k->type) {
    case KEY_TEXT:
    case KEY_SCALAR:
    case KEY_NAME:
    case KEY_TABLE:
    case KEY_MODEL:
    case KEY_DURATION:
    case KEY_SIZE:
        return check_scalar(p, y, k);
    case KEY_BOOL:
        return y->kind == YAML_BOOL ? ERR_OK : wrong(p, y, k, "true or false");
    case KEY_INT:
    case KEY_NUMBER:
        return check_number(p, y, k);
    case KEY_WORD:
        return check_word(p, y, k);
    case KEY_REF:
        return check_ref(p, y, k);
    case KEY_REFS:
        return check_texts(p, y, k, true);
    case KEY_TEXTS:
        return check_texts(p, y, k, false);
    case KEY_TEXT_MAP:
    case KEY_LIST_MAP:
        return check_map(p, y, k);
    case KEY_OBJECT:
        return check_object(p, y, k);
    case KEY_OBJECTS:
        return check_objects(p, y, k);
    case KEY_SECTION:
        return check_section(p, y, k);
    }
    return err_set(ERR_INTERNAL, "bundle: key %s has no type", k->name);
}

static err check_one_of(const place *p, const yaml *y, const key_table *t)
{
    size_t found = 0;
    buf list;
    buf_init(&list, 1024);
    for (size_t i = 0; t->one_of[i]; i++) {
        found += yaml_find(y, t->one_of[i]) != NULL;
        buf_fmt(&list, "%s%s", i ? ", " : "", t->one_of[i]);
    }
    err e = found == 1 ? ERR_OK
                       : yaml_err(y, "%s: has %zu of these keys, want exactly one: %.*s", p->where,
                                  found, STR_ARG(buf_str(&list)));
    buf_done(&list);
    return e;
}

static err check_table(const place *p, const yaml *y, const key_table *t)
{
    const char **names = arena_array(p->a, const char *, t->n + 1);
    for (size_t i = 0; i < t->n; i++)
        names[i] = t->keys[i].name;
    TRY(yaml_only(y, p->where, names));
    for (size_t i = 0; i < t->n; i++) {
        const key_def *k = &t->keys[i];
        const yaml *v = yaml_find(y, k->name);
        if (v)
            TRY(check_value(p, v, k));
        else if (k->required)
            return yaml_err(y, "%s: key \"%s\" is missing", p->where, k->name);
    }
    return t->one_of ? check_one_of(p, y, t) : ERR_OK;
}

err bundle_check(arena *a, const yaml *root, const yaml *y, const key_table *t)
{
    assert(a && root && y && t);
    place p = {a, root, t->what};
    return check_table(&p, y, t);
}

str bundle_text(const yaml *y, const char *key, const char *fallback)
{
    const yaml *v = yaml_find(y, key);
    return v ? v->text : str_of(fallback);
}

double bundle_number(const yaml *y, const char *key, double fallback)
{
    const yaml *v = yaml_find(y, key);
    return v ? v->f : fallback;
}

bool bundle_bool(const yaml *y, const char *key, bool fallback)
{
    const yaml *v = yaml_find(y, key);
    return v ? v->b : fallback;
}
