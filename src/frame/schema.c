#include "frame/schema.h"

#include <assert.h>
#include <stdint.h>

#include "base/mem.h"

/* Open addressing, linear probing, at most half full; a slot holds position + 1, 0 is empty. */
struct schema_index {
    uint32_t mask;
    bool plain; /* no name needs an escape in JSON */
    uint32_t slots[];
};

static const char *const type_names[] = {
    [FIELD_BOOLEAN] = "boolean", [FIELD_INTEGER] = "integer",   [FIELD_LONG] = "long",
    [FIELD_FLOAT] = "float",     [FIELD_DOUBLE] = "double",     [FIELD_STRING] = "string",
    [FIELD_BINARY] = "binary",   [FIELD_DATETIME] = "datetime",
};
_Static_assert(countof(type_names) == FIELD_N, "every field type has a name");

const char *field_type_name(field_type t)
{
    assert((unsigned)t < FIELD_N);
    return type_names[t];
}

err field_type_parse(str name, field_type *ret)
{
    assert(ret);
    for (int i = 0; i < FIELD_N; i++) {
        if (str_is(name, type_names[i])) {
            *ret = (field_type)i;
            return ERR_OK;
        }
    }
    return err_set(ERR_INVALID,
                   "column type \"%.*s\" is not supported, want boolean, integer, long, float, "
                   "double, string, binary or datetime",
                   STR_ARG(name));
}

bool field_type_numeric(field_type t)
{
    return t == FIELD_BOOLEAN || t == FIELD_INTEGER || t == FIELD_LONG || t == FIELD_FLOAT ||
           t == FIELD_DOUBLE;
}

/* The slot where name is, or the empty one where it would go. */
static uint32_t index_slot(const struct schema_index *x, const schema *s, str name)
{
    uint32_t at = (uint32_t)str_hash(name) & x->mask;
    while (x->slots[at] && !str_eq(s->fields[x->slots[at] - 1].name, name))
        at = (at + 1) & x->mask;
    return at;
}

static bool name_plain(str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '"' || name.p[i] == '\\' || (unsigned char)name.p[i] < 0x20) return false;
    return true;
}

err schema_make_index(arena *a, schema *s)
{
    assert(a && s);
    if (s->n > SCHEMA_FIELDS_MAX)
        return err_set(ERR_LIMIT, "schema: %zu columns, at most %d are supported", s->n,
                       SCHEMA_FIELDS_MAX);
    uint32_t size = 8;
    while (size < 2 * s->n)
        size *= 2;
    struct schema_index *x = arena_alloc(a, 1, sizeof *x + size * sizeof x->slots[0]);
    x->mask = size - 1;
    x->plain = true;
    for (size_t i = 0; i < s->n; i++) {
        uint32_t *slot = &x->slots[index_slot(x, s, s->fields[i].name)];
        x->plain = x->plain && name_plain(s->fields[i].name);
        if (*slot)
            return err_set(ERR_INVALID,
                           "schema: column \"%.*s\" is there twice, at positions %u and %zu; "
                           "names must differ",
                           STR_ARG(s->fields[i].name), *slot - 1, i);
        *slot = (uint32_t)i + 1;
    }
    s->index = x;
    return ERR_OK;
}

ptrdiff_t schema_find(const schema *s, str name, size_t hint)
{
    assert(s && (s->index || !s->n));
    if (hint < s->n && str_eq(s->fields[hint].name, name)) return (ptrdiff_t)hint;
    return s->n ? (ptrdiff_t)s->index->slots[index_slot(s->index, s, name)] - 1 : -1;
}

bool schema_plain(const schema *s)
{
    assert(s && s->index);
    return s->index->plain;
}

const char *schema_nearest(arena *a, const schema *s, str name)
{
    assert(a && s);
    const char **names = arena_alloc(a, s->n + 1, sizeof *names);
    for (size_t i = 0; i < s->n; i++)
        names[i] = str_c(a, s->fields[i].name);
    return str_nearest(name, names, s->n);
}

static err field_from_json(arena *a, yyjson_val *v, const char *where, field *ret)
{
    if (!yyjson_is_obj(v))
        return err_set(ERR_INVALID,
                       "%s: want an object such as {\"type\": \"double\", \"name\": "
                       "\"x\", \"required\": true}",
                       where);
    str type = {0}, name = {"", 0};
    bool required = true, optional = false;
    TRY(json_get_str(v, where, "type", &type));
    if (str_is(type, "tensor"))
        return err_set(ERR_INVALID,
                       "%s: type \"tensor\" is not supported, want named columns (infer the "
                       "signature from a data frame)",
                       where);
    TRY(json_opt_str(v, where, "name", &name));
    TRY(json_opt_bool(v, where, "required", &required));
    TRY(json_opt_bool(v, where, "optional", &optional)); /* MLflow before 2.6 */
    field f = {.name = str_dup(a, name), .required = required && !optional};
    TRY(err_add(field_type_parse(type, &f.type), "%s", where));
    *ret = f;
    return ERR_OK;
}

err schema_from_json(arena *a, yyjson_val *v, const char *where, schema *ret)
{
    assert(a && where && ret);
    if (!yyjson_is_arr(v)) return err_set(ERR_INVALID, "%s: want an array of columns", where);
    size_t n = yyjson_arr_size(v), i = 0, max = 0;
    if (n > SCHEMA_FIELDS_MAX)
        return err_set(ERR_LIMIT, "%s: %zu columns, at most %d are supported", where, n,
                       SCHEMA_FIELDS_MAX);
    schema s = {.fields = arena_array(a, field, n), .n = n};
    yyjson_val *item = NULL;
    yyjson_arr_foreach(v, i, max, item)
    {
        TRY(field_from_json(a, item, cstr_fmt(a, "%s[%zu]", where, i), &s.fields[i]));
        if (!s.fields[i].name.n && n > 1)
            return err_set(ERR_INVALID,
                           "%s[%zu].name: missing; only a single column may go "
                           "without a name",
                           where, i);
    }
    TRY(err_add(schema_make_index(a, &s), "%s", where));
    *ret = s;
    return ERR_OK;
}

void schema_to_json(jw *w, const schema *s)
{
    assert(w && s);
    jw_arr(w);
    for (size_t i = 0; i < s->n; i++) {
        jw_obj(w);
        jw_kcstr(w, "type", field_type_name(s->fields[i].type));
        if (s->fields[i].name.n) jw_kstr(w, "name", s->fields[i].name);
        jw_kbool(w, "required", s->fields[i].required);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}
