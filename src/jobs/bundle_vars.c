#include "jobs/bundle_int.h"

#include <assert.h>

enum { VARS_MAX = 1000, VALUE_MAX = 64 << 10 };

/* --- the texts of --var */

static bool is_var_name(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                  (i && c >= '0' && c <= '9') || (i && c == '-');
        if (!ok) return false;
    }
    return s.n && s.n <= 128;
}

/* One name=value from *text on; a quoted value may hold commas. */
static err take_var(arena *a, str *text, bundle_var *ret)
{
    str name, rest;
    if (!str_cut(*text, '=', &name, &rest) || !is_var_name(str_trim(name)))
        return err_set(ERR_INVALID, "--var \"%.*s\": want name=value", STR_ARG(*text));
    str value;
    char quote = rest.n ? rest.p[0] : 0;
    if (quote == '\'' || quote == '"') {
        str tail;
        if (!str_cut((str){rest.p + 1, rest.n - 1}, quote, &value, &tail))
            return err_set(ERR_INVALID, "--var \"%.*s\": the quote is not closed", STR_ARG(*text));
        if (tail.n && tail.p[0] != ',')
            return err_set(ERR_INVALID, "--var \"%.*s\": want a comma after the quote",
                           STR_ARG(*text));
        *text = tail.n ? (str){tail.p + 1, tail.n - 1} : tail;
    } else {
        str_cut(rest, ',', &value, text);
    }
    *ret = (bundle_var){str_dup(a, str_trim(name)), str_dup(a, value)};
    return ERR_OK;
}

err bundle_vars(arena *a, const char *const *texts, size_t n, bundle_var **ret, size_t *ret_n)
{
    assert(a && (texts || !n) && ret && ret_n);
    bundle_var *v = arena_array(a, bundle_var, VARS_MAX);
    size_t n_v = 0;
    for (size_t i = 0; i < n; i++) {
        str text = str_of(texts[i]);
        if (!text.n) return err_set(ERR_INVALID, "--var \"\": want name=value");
        while (text.n) {
            bundle_var one;
            TRY(take_var(a, &text, &one));
            size_t at = 0;
            while (at < n_v && !str_eq(v[at].name, one.name))
                at++;
            if (at == VARS_MAX) return err_set(ERR_LIMIT, "--var: more than %d", VARS_MAX);
            v[at] = one; /* the last wins */
            if (at == n_v) n_v++;
        }
    }
    *ret = v;
    *ret_n = n_v;
    return ERR_OK;
}

/* --- the target and the values */

static err target_names(arena *a, const yaml *targets, const char ***ret)
{
    const char **names = arena_array(a, const char *, targets->n + 1);
    for (size_t i = 0; i < targets->n; i++)
        names[i] = str_c(a, targets->pairs[i].key);
    *ret = names;
    return ERR_OK;
}

static err named_target(arena *a, const yaml *targets, str name, const yaml_pair **ret)
{
    for (size_t i = 0; targets && i < targets->n; i++)
        if (str_eq(targets->pairs[i].key, name)) {
            *ret = &targets->pairs[i];
            return ERR_OK;
        }
    const char **names = NULL;
    if (targets) TRY(target_names(a, targets, &names));
    const char *near = targets ? str_nearest(name, names, targets->n) : NULL;
    return err_set(ERR_MISSING, "target \"%.*s\": the bundle has no such target%s%s%s",
                   STR_ARG(name), near ? ", did you mean \"" : "", near ? near : "",
                   near ? "\"?" : "");
}

/* The target that was asked for, else the one marked default, else the only one; *ret NULL: the
 * bundle has none. */
static err choose_target(arena *a, const yaml *root, str target, const yaml_pair **ret)
{
    const yaml *targets = yaml_find(root, "targets");
    *ret = NULL;
    if (target.n) return named_target(a, targets, target, ret);
    for (size_t i = 0; targets && i < targets->n; i++) {
        if (!bundle_bool(targets->pairs[i].value, "default", false)) continue;
        if (*ret)
            return yaml_err(targets->pairs[i].value,
                            "targets: \"%.*s\" and \"%.*s\" are both default", STR_ARG((*ret)->key),
                            STR_ARG(targets->pairs[i].key));
        *ret = &targets->pairs[i];
    }
    if (*ret || !targets || !targets->n) return ERR_OK;
    if (targets->n > 1)
        return yaml_err(targets, "targets: none is default: choose one with --target");
    *ret = &targets->pairs[0];
    return ERR_OK;
}

static const bundle_var *find_var(const bundle_var *v, size_t n, str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(v[i].name, name)) return &v[i];
    return NULL;
}

static err unknown_var(arena *a, const yaml *variables, str name, const char *where)
{
    size_t n = variables ? variables->n : 0;
    const char **names = arena_array(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        names[i] = str_c(a, variables->pairs[i].key);
    const char *near = str_nearest(name, names, n);
    return err_set(ERR_INVALID, "%s: the bundle has no variable \"%.*s\"%s%s%s", where,
                   STR_ARG(name), near ? ", did you mean \"" : "", near ? near : "",
                   near ? "\"?" : "");
}

/* Names of variables that were given a value but do not exist. */
static err check_given(arena *a, const yaml *variables, const yaml *of_target, const bundle_var *v,
                       size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool known = false;
        for (size_t j = 0; variables && j < variables->n; j++)
            known |= str_eq(variables->pairs[j].key, v[i].name);
        if (!known) return unknown_var(a, variables, v[i].name, "--var");
    }
    for (size_t i = 0; of_target && i < of_target->n; i++) {
        const yaml_pair *p = &of_target->pairs[i];
        bool known = false;
        for (size_t j = 0; variables && j < variables->n; j++)
            known |= str_eq(variables->pairs[j].key, p->key);
        if (!known)
            return unknown_var(a, variables, p->key,
                               cstr_fmt(a, "%s:%d:%d", p->value->file, p->key_line, p->key_col));
    }
    return ERR_OK;
}

static err missing_vars(const str *names, size_t n)
{
    buf list, give;
    buf_init(&list, 64 << 10);
    buf_init(&give, 64 << 10);
    for (size_t i = 0; i < n; i++) {
        buf_fmt(&list, "%s%.*s", !i ? "" : i + 1 == n ? " and " : ", ", STR_ARG(names[i]));
        buf_fmt(&give, "%s%.*s=…", i ? "," : "", STR_ARG(names[i]));
    }
    err e = err_set(ERR_INVALID, "variable%s %.*s %s no value: give %s with --var %.*s",
                    n > 1 ? "s" : "", STR_ARG(buf_str(&list)), n > 1 ? "have" : "has",
                    n > 1 ? "them" : "it", STR_ARG(buf_str(&give)));
    buf_done(&list);
    buf_done(&give);
    return e;
}

static err check_frame(arena *a, const yaml *root)
{
    key_def keys[4];
    size_t n = 0;
    for (size_t i = 0; i < bundle_root_keys.n; i++) {
        const key_def *k = &bundle_root_keys.keys[i];
        if (bundle_key_is_frame(str_of(k->name)) || !strcmp(k->name, "variables")) keys[n++] = *k;
    }
    yaml part = *root;
    part.pairs = arena_array(a, yaml_pair, root->n + 1);
    part.n = 0;
    for (size_t i = 0; i < root->n; i++)
        if (bundle_key_is_frame(root->pairs[i].key) || str_is(root->pairs[i].key, "variables"))
            part.pairs[part.n++] = root->pairs[i];
    key_table t = {bundle_root_keys.what, NULL, keys, n};
    return bundle_check(a, root, &part, &t);
}

err bundle_resolve(arena *a, const yaml *root, str target, const bundle_var *vars, size_t n_vars,
                   bundle_scope *ret)
{
    assert(a && root && (vars || !n_vars) && ret);
    TRY(check_frame(a, root));
    const yaml_pair *chosen;
    TRY(choose_target(a, root, target, &chosen));
    const yaml *variables = yaml_find(root, "variables");
    const yaml *of_target = chosen ? yaml_find(chosen->value, "variables") : NULL;
    TRY(check_given(a, variables, of_target, vars, n_vars));
    size_t n = variables ? variables->n : 0, n_missing = 0;
    bundle_var *v = arena_array(a, bundle_var, n + 1);
    str *missing = arena_array(a, str, n + 1);
    for (size_t i = 0; i < n; i++) {
        str name = variables->pairs[i].key;
        const bundle_var *given = find_var(vars, n_vars, name);
        const yaml *here = yaml_find(of_target, str_c(a, name));
        const yaml *fallback = yaml_find(variables->pairs[i].value, "default");
        v[i].name = name;
        if (!given && !here && !fallback) missing[n_missing++] = name;
        v[i].value = given ? given->value : here ? here->text : fallback ? fallback->text : STR("");
    }
    if (n_missing) return missing_vars(missing, n_missing);
    *ret = (bundle_scope){.name = bundle_text(yaml_find(root, "bundle"), "name", ""),
                          .target = chosen ? chosen->key : STR("default"),
                          .mode = chosen ? bundle_text(chosen->value, "mode", "") : STR(""),
                          .vars = v,
                          .n_vars = n};
    return ERR_OK;
}

/* --- ${…} */

static err lookup(const bundle_scope *s, const yaml *at, str name, str *ret)
{
    if (str_is(name, "bundle.name")) {
        *ret = s->name;
    } else if (str_is(name, "bundle.target")) {
        *ret = s->target;
    } else if (str_starts(name, "var.")) {
        const bundle_var *v = find_var(s->vars, s->n_vars, (str){name.p + 4, name.n - 4});
        if (!v) return yaml_err(at, "${%.*s}: the bundle has no such variable", STR_ARG(name));
        *ret = v->value;
    } else {
        return yaml_err(at, "unknown ${%.*s}: want ${var.NAME}, ${bundle.name} or ${bundle.target}",
                        STR_ARG(name));
    }
    return ERR_OK;
}

/* Numbers and booleans that stood in a variable become what they would be in the file. */
static void type_again(yaml *y)
{
    str s = y->text;
    bool digit = s.n && strchr("+-.0123456789", s.p[0]) != NULL;
    if (!y->plain) return;
    if (str_is(s, "true") || str_is(s, "false")) {
        y->kind = YAML_BOOL;
        y->b = str_is(s, "true");
    } else if (digit && !parse_i64(s, &y->i)) {
        y->kind = YAML_INT;
        y->f = (double)y->i;
    } else if (digit && !parse_f64(s, &y->f)) {
        y->kind = YAML_FLOAT;
    }
}

static err substitute_scalar(arena *a, const bundle_scope *s, yaml *y)
{
    size_t at;
    if (!str_find(y->text, STR("${"), &at)) return ERR_OK;
    buf out;
    buf_init(&out, VALUE_MAX);
    str rest = y->text, name = {0}, value = {0};
    err e = ERR_OK;
    while (!e && str_find(rest, STR("${"), &at)) {
        buf_put(&out, rest.p, at);
        rest = (str){rest.p + at + 2, rest.n - at - 2};
        if (!str_cut(rest, '}', &name, &rest)) {
            e = yaml_err(y, "\"${%.*s\": the brace is not closed", STR_ARG(name));
            break;
        }
        e = lookup(s, y, name, &value);
        if (!e) buf_puts(&out, value);
    }
    buf_puts(&out, rest);
    if (!e) e = buf_err(&out, "bundle value");
    y->text = str_dup(a, buf_str(&out));
    y->kind = YAML_STR;
    buf_done(&out);
    type_again(y);
    return e;
}

static err copy(arena *a, const yaml *from, const bundle_scope *s, yaml **ret)
{
    yaml *y = arena_new_of(a, yaml);
    *y = *from;
    *ret = y;
    if (from->kind == YAML_MAP) {
        y->pairs = arena_array(a, yaml_pair, from->n + 1);
        for (size_t i = 0; i < from->n; i++) {
            y->pairs[i] = from->pairs[i];
            TRY(copy(a, from->pairs[i].value, s, &y->pairs[i].value));
        }
    } else if (from->kind == YAML_SEQ) {
        y->items = arena_array(a, yaml *, from->n + 1);
        for (size_t i = 0; i < from->n; i++)
            TRY(copy(a, from->items[i], s, &y->items[i]));
    } else if (from->kind == YAML_STR) {
        return substitute_scalar(a, s, y);
    }
    return ERR_OK;
}

err bundle_substitute(arena *a, const yaml *root, const bundle_scope *s, yaml **ret)
{
    assert(a && root && s && ret);
    yaml *y = arena_new_of(a, yaml);
    *y = *root;
    y->pairs = arena_array(a, yaml_pair, root->n + 1);
    y->n = 0;
    for (size_t i = 0; i < root->n; i++) {
        const yaml_pair *p = &root->pairs[i];
        bool skip =
            str_is(p->key, "include") || str_is(p->key, "targets") || str_is(p->key, "variables");
        if (skip) continue;
        y->pairs[y->n] = *p;
        TRY(copy(a, p->value, s, &y->pairs[y->n].value));
        y->n++;
    }
    *ret = y;
    return ERR_OK;
}
