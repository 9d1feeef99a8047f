#include <assert.h>
#include <math.h>

#include "api/rows_int.h"
#include "base/json.h"

enum { SHOWN_MAX = 40, NAME_SHOWN_MAX = 100 }; /* bytes of the caller's text in a message */

/* shown cuts a text where a character ends. */
static str shown(str s, size_t max)
{
    if (s.n <= max) return s;
    while (max && ((unsigned char)s.p[max] & 0xC0) == 0x80)
        max--;
    return (str){s.p, max};
}

/* got_text: a value as an error shows it, short. */
static const char *got_text(arena *a, yyjson_val *v)
{
    if (yyjson_is_str(v)) {
        str s = shown(json_str(v), SHOWN_MAX);
        return cstr_fmt(a, "string \"%.*s\"%s", STR_ARG(s), s.n < json_str(v).n ? "…" : "");
    }
    if (yyjson_is_real(v)) {
        char text[F64_PRINT_MAX];
        return cstr_fmt(a, "%.*s", (int)f64_print(yyjson_get_real(v), text), text);
    }
    if (yyjson_is_sint(v)) return cstr_fmt(a, "%lld", (long long)yyjson_get_sint(v));
    if (yyjson_is_uint(v)) return cstr_fmt(a, "%llu", (unsigned long long)yyjson_get_uint(v));
    if (yyjson_is_bool(v)) return yyjson_get_bool(v) ? "true" : "false";
    return yyjson_is_null(v) ? "null" : yyjson_is_arr(v) ? "an array" : "an object";
}

/* Where a value stands; made into words only when it is wrong. key.p NULL: data[r][c] of a split.
 */
typedef struct place {
    size_t r, c;
    str key;
} place;

static const char *place_text(arena *a, const place *p)
{
    str k = shown(p->key, NAME_SHOWN_MAX);
    return k.p ? cstr_fmt(a, "dataframe_records[%zu].%.*s", p->r, STR_ARG(k))
               : cstr_fmt(a, "dataframe_split.data[%zu][%zu]", p->r, p->c);
}

/* Whole numbers up to 2^53: beyond, the model's double could not hold them. */
static bool to_whole(yyjson_val *v, double *ret)
{
    *ret = yyjson_get_num(v);
    if (yyjson_is_uint(v)) return yyjson_get_uint(v) <= UINT64_C(1) << 53;
    return yyjson_is_sint(v) && yyjson_get_sint(v) >= -(INT64_C(1) << 53);
}

/* to_number: the value of one cell as MLflow's schema enforcement takes it: whole numbers do for
 * double, fractions do not for long and integer, booleans only for boolean. */
static bool to_number(const field *f, yyjson_val *v, double *ret)
{
    switch (f->type) {
    case FIELD_BOOLEAN:
        *ret = yyjson_get_bool(v) ? 1 : 0;
        return yyjson_is_bool(v);
    case FIELD_INTEGER:
        return to_whole(v, ret) && *ret <= INT32_MAX && *ret >= INT32_MIN;
    case FIELD_LONG:
        return to_whole(v, ret);
    case FIELD_FLOAT:
        *ret = (double)(float)yyjson_get_num(v);
        return yyjson_is_num(v) && isfinite(*ret);
    case FIELD_DOUBLE:
        *ret = yyjson_get_num(v);
        return yyjson_is_num(v);
    case FIELD_STRING:
    case FIELD_BINARY:
    case FIELD_DATETIME:
    case FIELD_N:
        break;
    }
    return false;
}

static err wrong(arena *a, const field *f, const place *p, yyjson_val *v)
{
    const char *where = place_text(a, p), *type = field_type_name(f->type);
    if (!field_type_numeric(f->type) && f->type != FIELD_BOOLEAN)
        return err_set(ERR_INVALID, "%s: the signature wants a %s, which this model cannot take",
                       where, type);
    if (yyjson_is_int(v) && f->type == FIELD_LONG)
        return err_set(ERR_INVALID, "%s: want a long of at most 2^53 in size, got %s", where,
                       got_text(a, v));
    return err_set(ERR_INVALID, "%s: want %s, got %s", where, type, got_text(a, v));
}

static err cell(arena *a, const rows_form *f, size_t at, const place *p, yyjson_val *v, double *row)
{
    const field *in = &f->inputs->fields[at];
    double *to = &row[f->to_model[at]], x;
    if (yyjson_is_null(v)) {
        if (in->required)
            return err_set(ERR_INVALID, "%s: is null, but the signature requires a %s",
                           place_text(a, p), field_type_name(in->type));
        *to = (double)NAN;
        return ERR_OK;
    }
    if (!to_number(in, v, &x)) return wrong(a, in, p, v);
    *to = x;
    return ERR_OK;
}

static err unknown(arena *a, const rows_form *f, const char *path, str name)
{
    const char *near = schema_nearest(a, f->inputs, name);
    return near ? err_set(ERR_INVALID, "%s: the model has no input of that name, did you mean %s?",
                          path, near)
                : err_set(ERR_INVALID, "%s: the model has no input of that name", path);
}

static err new_matrix(arena *a, const rows_form *f, size_t rows, matrix *ret)
{
    size_t cells;
    if (rows > ROWS_MAX || !size_mul(rows, f->n_features, &cells) || cells > ROWS_CELLS_MAX)
        return err_set(ERR_LIMIT,
                       "%zu rows of %zu columns in one request, want at most %d rows and %d cells: "
                       "send several requests",
                       rows, f->n_features, ROWS_MAX, ROWS_CELLS_MAX);
    *ret = (matrix){arena_alloc_raw(a, cells, sizeof(double)), rows, f->n_features, f->n_features};
    return ERR_OK;
}

/* What is not there is NaN where the signature allows it. */
static err absent(const rows_form *f, size_t at, const char *list, size_t r, double *row)
{
    const field *in = &f->inputs->fields[at];
    if (in->required)
        return err_set(ERR_INVALID, "%s[%zu].%.*s: is missing, the signature requires it", list, r,
                       STR_ARG(in->name));
    row[f->to_model[at]] = (double)NAN;
    return ERR_OK;
}

static err read_record(arena *a, const rows_form *f, size_t r, yyjson_val *v, bool *seen,
                       double *row)
{
    if (!yyjson_is_obj(v))
        return err_set(
            ERR_INVALID,
            "dataframe_records[%zu]: want an object with a value for each column, got %s", r,
            got_text(a, v));
    memset(seen, 0, f->inputs->n * sizeof *seen);
    size_t i, max;
    yyjson_val *k, *x;
    yyjson_obj_foreach(v, i, max, k, x)
    {
        const place p = {.r = r, .key = json_str(k)};
        ptrdiff_t at = schema_find(f->inputs, p.key, i);
        if (at < 0) return unknown(a, f, place_text(a, &p), p.key);
        seen[at] = true;
        TRY(cell(a, f, (size_t)at, &p, x, row));
    }
    for (size_t c = 0; c < f->inputs->n; c++)
        if (!seen[c]) TRY(absent(f, c, "dataframe_records", r, row));
    return ERR_OK;
}

static err read_records(arena *a, const rows_form *f, yyjson_val *records, matrix *ret)
{
    if (!yyjson_is_arr(records))
        return err_set(ERR_INVALID, "dataframe_records: want an array of records, got %s",
                       got_text(a, records));
    matrix x;
    TRY(new_matrix(a, f, yyjson_arr_size(records), &x));
    bool *seen = arena_array(a, bool, f->inputs->n);
    size_t r, max;
    yyjson_val *v;
    yyjson_arr_foreach(records, r, max, v) TRY(read_record(a, f, r, v, seen, x.v + r * x.stride));
    *ret = x;
    return ERR_OK;
}

/* What "columns" says. */
typedef struct split_columns {
    size_t *at; /* the schema's position of the k-th */
    size_t n;
    bool *seen; /* per column of the schema */
} split_columns;

static err read_column(arena *a, const rows_form *f, yyjson_val *v, size_t k, split_columns *ret)
{
    if (!yyjson_is_str(v))
        return err_set(ERR_INVALID,
                       "dataframe_split.columns[%zu]: want the name of a column, got %s", k,
                       got_text(a, v));
    ptrdiff_t at = schema_find(f->inputs, json_str(v), k);
    str name = shown(json_str(v), NAME_SHOWN_MAX);
    const char *where = "";
    if (at < 0 || ret->seen[at])
        where = cstr_fmt(a, "dataframe_split.columns[%zu] \"%.*s\"", k, STR_ARG(name));
    if (at < 0) return unknown(a, f, where, json_str(v));
    if (ret->seen[at]) return err_set(ERR_INVALID, "%s: stands there twice", where);
    ret->seen[at] = true;
    ret->at[k] = (size_t)at;
    return ERR_OK;
}

static err read_columns(arena *a, const rows_form *f, yyjson_val *columns, split_columns *ret)
{
    *ret = (split_columns){.at = arena_array(a, size_t, yyjson_arr_size(columns)),
                           .n = yyjson_arr_size(columns),
                           .seen = arena_array(a, bool, f->inputs->n)};
    size_t k, max;
    yyjson_val *v;
    yyjson_arr_foreach(columns, k, max, v) TRY(read_column(a, f, v, k, ret));
    for (size_t c = 0; c < f->inputs->n; c++)
        if (!ret->seen[c] && f->inputs->fields[c].required)
            return err_set(ERR_INVALID,
                           "dataframe_split.columns: %.*s is missing, the signature requires it",
                           STR_ARG(f->inputs->fields[c].name));
    return ERR_OK;
}

static err read_split_row(arena *a, const rows_form *f, const split_columns *cols, size_t r,
                          yyjson_val *v, double *row)
{
    if (!yyjson_is_arr(v) || yyjson_arr_size(v) != cols->n)
        return err_set(
            ERR_INVALID,
            "dataframe_split.data[%zu]: want an array of %zu values, one for each column", r,
            cols->n);
    size_t c, max;
    yyjson_val *x;
    yyjson_arr_foreach(v, c, max, x)
    {
        const place p = {.r = r, .c = c};
        TRY(cell(a, f, cols->at[c], &p, x, row));
    }
    for (c = 0; c < f->inputs->n; c++)
        if (!cols->seen[c]) TRY(absent(f, c, "dataframe_split.data", r, row));
    return ERR_OK;
}

static err read_split(arena *a, const rows_form *f, yyjson_val *split, matrix *ret)
{
    static const char *const keys[] = {"columns", "data", "index", NULL};
    yyjson_val *columns, *data, *v;
    if (!yyjson_is_obj(split))
        return err_set(ERR_INVALID, "dataframe_split: want an object with columns and data, got %s",
                       got_text(a, split));
    TRY(json_only(split, "dataframe_split", keys));
    TRY(json_get_arr(split, "dataframe_split", "columns", &columns));
    TRY(json_get_arr(split, "dataframe_split", "data", &data));
    split_columns cols;
    TRY(read_columns(a, f, columns, &cols));
    matrix x;
    TRY(new_matrix(a, f, yyjson_arr_size(data), &x));
    size_t r, max;
    yyjson_arr_foreach(data, r, max, v) TRY(read_split_row(a, f, &cols, r, v, x.v + r * x.stride));
    *ret = x;
    return ERR_OK;
}

err rows_careful(arena *a, const rows_form *f, str body, matrix *ret)
{
    assert(a && f && ret);
    yyjson_val *root;
    TRY(json_parse(a, body, "request body", &root));
    if (!yyjson_is_obj(root))
        return err_set(
            ERR_INVALID,
            "request body: want an object with dataframe_records or dataframe_split, got %s",
            got_text(a, root));
    static const char *const keys[] = {"dataframe_records", "dataframe_split", NULL};
    TRY(json_only(root, "", keys));
    yyjson_val *records = yyjson_obj_get(root, "dataframe_records"),
               *split = yyjson_obj_get(root, "dataframe_split");
    if (!records == !split)
        return err_set(
            ERR_INVALID,
            "request body: want exactly one of dataframe_records and dataframe_split, got %s",
            records ? "both" : "neither");
    return records ? read_records(a, f, records, ret) : read_split(a, f, split, ret);
}
