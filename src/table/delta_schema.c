/* Delta's types and DuckDB's. Source: Delta protocol, "Schema Serialization Format". */
#include <assert.h>

#include "table/delta_int.h"

enum { SCHEMA_JSON_MAX = 64 << 20 };

/* The primitive types. The first row of a Delta type is the one that is read back. */
static const struct {
    const char *delta, *sql;
} types[] = {
    {"boolean", "BOOLEAN"},
    {"byte", "TINYINT"},
    {"short", "SMALLINT"},
    {"integer", "INTEGER"},
    {"long", "BIGINT"},
    {"float", "FLOAT"},
    {"double", "DOUBLE"},
    {"string", "VARCHAR"},
    {"binary", "BLOB"},
    {"date", "DATE"},
    {"timestamp", "TIMESTAMP WITH TIME ZONE"},
    {"timestamp_ntz", "TIMESTAMP"},
};

/* Types of DuckDB that have no Delta type of their own, and what they are cast to. */
static const struct {
    const char *sql, *delta;
} casts[] = {
    {"UTINYINT", "short"},
    {"USMALLINT", "integer"},
    {"UINTEGER", "long"},
    {"UBIGINT", "long"},
    {"HUGEINT", "long"}, /* sum() of integers; a value that does not fit fails the write */
    {"UHUGEINT", "long"},
    {"TIMESTAMP", "timestamp"}, /* naive: taken as UTC */
    {"TIMESTAMP_S", "timestamp"},
    {"TIMESTAMP_MS", "timestamp"},
    {"TIMESTAMP_NS", "timestamp"},
    {"UUID", "string"},
    {"JSON", "string"},
};

static const char *sql_of(str delta)
{
    for (size_t i = 0; i < countof(types); i++)
        if (str_is(delta, types[i].delta)) return types[i].sql;
    return NULL;
}

/* decimal(p,s): both are DuckDB's limits too. */
static bool is_decimal(str t)
{
    int64_t p, s;
    str head, tail;
    if (!str_starts(t, "decimal(") || !str_ends(t, ")")) return false;
    t = (str){t.p + 8, t.n - 9};
    if (!str_cut(t, ',', &head, &tail)) return false;
    if (parse_i64(str_trim(head), &p) || parse_i64(str_trim(tail), &s)) return false;
    return p >= 1 && p <= 38 && s >= 0 && s <= p;
}

static err sql_type(arena *a, yyjson_val *v, buf *out, int depth);

static err sql_struct(arena *a, yyjson_val *v, buf *out, int depth)
{
    yyjson_val *fields, *one;
    yyjson_arr_iter it;
    TRY(json_get_arr(v, "struct", "fields", &fields));
    buf_puts(out, STR("STRUCT("));
    yyjson_arr_iter_init(fields, &it);
    for (size_t i = 0; (one = yyjson_arr_iter_next(&it)); i++) {
        str name;
        if (!yyjson_is_obj(one)) return err_set(ERR_FORMAT, "a field of a struct is no object");
        TRY(json_get_str(one, "field", "name", &name));
        if (i) buf_puts(out, STR(", "));
        buf_puts(out, duck_ident(a, name));
        buf_putc(out, ' ');
        TRY(sql_type(a, yyjson_obj_get(one, "type"), out, depth + 1));
    }
    buf_putc(out, ')');
    return ERR_OK;
}

/* sql_type writes DuckDB's type of a Delta type: a word, or an object for nested ones. */
static err sql_type(arena *a, yyjson_val *v, buf *out, int depth)
{
    if (depth > DELTA_DEPTH_MAX)
        return err_set(ERR_LIMIT, "types nested deeper than %d", DELTA_DEPTH_MAX);
    if (yyjson_is_str(v)) {
        str word = json_str(v);
        const char *sql = sql_of(word);
        if (!sql && !is_decimal(word))
            return err_set(ERR_FORMAT, "unknown type \"%.*s\"", STR_ARG(word));
        buf_puts(out, sql ? str_of(sql) : word);
        return ERR_OK;
    }
    str kind;
    if (!yyjson_is_obj(v)) return err_set(ERR_FORMAT, "a type is neither a word nor an object");
    TRY(json_get_str(v, "type", "type", &kind));
    if (str_is(kind, "struct")) return sql_struct(a, v, out, depth);
    if (str_is(kind, "array")) {
        TRY(sql_type(a, yyjson_obj_get(v, "elementType"), out, depth + 1));
        buf_puts(out, STR("[]"));
        return ERR_OK;
    }
    if (!str_is(kind, "map")) return err_set(ERR_FORMAT, "unknown type \"%.*s\"", STR_ARG(kind));
    buf_puts(out, STR("MAP("));
    TRY(sql_type(a, yyjson_obj_get(v, "keyType"), out, depth + 1));
    buf_puts(out, STR(", "));
    TRY(sql_type(a, yyjson_obj_get(v, "valueType"), out, depth + 1));
    buf_putc(out, ')');
    return ERR_OK;
}

/* Metadata of a field that changes what a writer must do. */
static str field_rule(arena *a, yyjson_val *metadata)
{
    static const char *const rules[] = {"delta.invariants", "delta.generationExpression",
                                        "delta.identity."};
    yyjson_obj_iter it;
    yyjson_val *key;
    if (!yyjson_is_obj(metadata)) return STR("");
    yyjson_obj_iter_init(metadata, &it);
    while ((key = yyjson_obj_iter_next(&it)))
        for (size_t i = 0; i < countof(rules); i++)
            if (str_starts(json_str(key), rules[i])) return str_dup(a, json_str(key));
    return STR("");
}

static err parse_field(arena *a, yyjson_val *v, buf *out, delta_field *ret)
{
    bool nullable = true;
    str name;
    if (!yyjson_is_obj(v)) return err_set(ERR_FORMAT, "a field is no object");
    TRY(json_get_str(v, "field", "name", &name));
    TRY(json_opt_bool(v, "field", "nullable", &nullable));
    yyjson_val *type = yyjson_obj_get(v, "type");
    buf_reset(out);
    TRY(err_add(sql_type(a, type, out, 0), "field \"%.*s\"", STR_ARG(name)));
    TRY(buf_err(out, "a type"));
    *ret = (delta_field){
        .name = str_dup(a, name),
        .type = str_dup(a, yyjson_is_str(type) ? json_str(type)
                                               : json_str(yyjson_obj_get(type, "type"))),
        .sql = str_dup(a, buf_str(out)),
        .required = !nullable,
        .rule = field_rule(a, yyjson_obj_get(v, "metadata")),
    };
    return ERR_OK;
}

static err parse_fields(arena *a, yyjson_val *root, delta_field **ret, size_t *ret_n)
{
    yyjson_val *fields, *one;
    yyjson_arr_iter it;
    if (!yyjson_is_obj(root)) return err_set(ERR_FORMAT, "the schema is no object");
    TRY(json_get_arr(root, "", "fields", &fields));
    size_t n = yyjson_arr_size(fields);
    if (n > DELTA_FIELDS_MAX)
        return err_set(ERR_LIMIT, "%zu columns, at most %d", n, DELTA_FIELDS_MAX);
    delta_field *v = arena_array(a, delta_field, n);
    map *names = map_new(a);
    buf type;
    buf_init(&type, SCHEMA_JSON_MAX);
    err e = ERR_OK;
    yyjson_arr_iter_init(fields, &it);
    for (size_t i = 0; !e && (one = yyjson_arr_iter_next(&it)); i++) {
        e = parse_field(a, one, &type, &v[i]);
        if (!e && map_find(names, v[i].name))
            e = err_set(ERR_FORMAT, "two columns \"%.*s\"", STR_ARG(v[i].name));
        if (!e) map_put(names, v[i].name, &v[i]);
    }
    buf_done(&type);
    if (e) return e;
    *ret = v;
    *ret_n = n;
    return ERR_OK;
}

err delta_schema_parse(arena *a, str json, const char *where, delta_field **ret, size_t *ret_n)
{
    assert(a && where && ret && ret_n);
    AUTO(arena) scratch = arena_new(0);
    yyjson_val *root;
    if (json.n > SCHEMA_JSON_MAX)
        return err_set(ERR_LIMIT, "%s: schema of %zu bytes", where, json.n);
    err e = json_parse(scratch, json, where, &root);
    if (!e) e = err_add(parse_fields(a, root, ret, ret_n), "%s: schemaString", where);
    return e == ERR_INVALID ? ERR_FORMAT : e;
}

str delta_schema_write(arena *a, const delta_field *f, size_t n)
{
    buf b;
    jw w;
    buf_init(&b, SCHEMA_JSON_MAX);
    jw_init(&w, &b, false);
    jw_obj(&w);
    jw_kcstr(&w, "type", "struct");
    jw_key(&w, "fields");
    jw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        jw_obj(&w);
        jw_kstr(&w, "name", f[i].name);
        jw_kstr(&w, "type", f[i].type);
        jw_kbool(&w, "nullable", true);
        jw_key(&w, "metadata");
        jw_obj(&w);
        jw_obj_end(&w);
        jw_obj_end(&w);
    }
    jw_arr_end(&w);
    jw_obj_end(&w);
    assert(!b.over); /* at most DELTA_FIELDS_MAX names that DuckDB took */
    str json = str_dup(a, buf_str(&b));
    buf_done(&b);
    return json;
}

static err field_name_ok(const duck_column *c)
{
    for (size_t i = 0; i < c->name.n; i++)
        if (strchr(" ,;{}()\n\t=", c->name.p[i]))
            return err_set(ERR_INVALID,
                           "column \"%.*s\": a Delta column's name cannot hold '%c' (nor any of \" "
                           ",;{}()=\"); "
                           "rename it with AS",
                           STR_ARG(c->name), c->name.p[i]);
    return c->name.n ? ERR_OK : err_set(ERR_INVALID, "a column has an empty name; name it with AS");
}

err delta_field_of(arena *a, const duck_column *c, delta_field *ret)
{
    str type = {"", 0};
    TRY(field_name_ok(c));
    for (size_t i = 0; i < countof(casts) && !type.n; i++)
        if (str_is(c->type, casts[i].sql)) type = str_of(casts[i].delta);
    for (size_t i = 0; i < countof(types) && !type.n; i++)
        if (str_is(c->type, types[i].sql)) type = str_of(types[i].delta);
    if (!type.n && str_starts(c->type, "ENUM(")) type = STR("string");
    if (!type.n && str_starts(c->type, "DECIMAL(") && !str_ends(c->type, "]"))
        type = str_fmt(a, "decimal%.*s", (int)(c->type.n - 7), c->type.p + 7);
    if (!type.n)
        return err_set(ERR_INVALID,
                       "column \"%.*s\": type %.*s cannot be stored in a Delta table here; cast it",
                       STR_ARG(c->name), STR_ARG(c->type));
    const char *sql = sql_of(type);
    *ret = (delta_field){.name = c->name, .type = type, .sql = sql ? str_of(sql) : c->type};
    return ERR_OK;
}

bool delta_widens(str from, str to)
{
    static const char *const wider[][2] = {
        {"byte", "short"},
        {"byte", "integer"},
        {"byte", "long"},
        {"byte", "double"},
        {"short", "integer"},
        {"short", "long"},
        {"short", "double"},
        {"integer", "long"},
        {"integer", "double"},
        {"float", "double"},
        {"byte", "float"},
        {"short", "float"},
        {"timestamp", "timestamp_ntz"},
    };
    if (str_eq(from, to)) return true;
    for (size_t i = 0; i < countof(wider); i++)
        if (str_is(from, wider[i][0]) && str_is(to, wider[i][1])) return true;
    return false;
}
