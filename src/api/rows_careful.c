#include <assert.h>
#include <math.h>

#include "api/rows_int.h"
#include "base/json.h"

/* got_text: a value as an error shows it, short. */
static const char *got_text(arena *a, yyjson_val *v)
{
    if (yyjson_is_str(v)) {
        str s = json_str(v);
        return cstr_fmt(a, "string \"%.*s\"%s", (int)(s.n > 40 ? 40 : s.n), s.p,
                        s.n > 40 ? "…" : "");
    }
    if (yyjson_is_real(v)) return cstr_fmt(a, "%.17g", yyjson_get_real(v));
    if (yyjson_is_sint(v)) return cstr_fmt(a, "%lld", (long long)yyjson_get_sint(v));
    if (yyjson_is_uint(v)) return cstr_fmt(a, "%llu", (unsigned long long)yyjson_get_uint(v));
    if (yyjson_is_bool(v)) return yyjson_get_bool(v) ? "true" : "false";
    return yyjson_is_null(v) ? "null" : yyjson_is_arr(v) ? "an array" : "an object";
}

static err wrong(arena *a, const field *f, const char *path, yyjson_val *v)
{
    return err_set(ERR_INVALID, "%s: want %s, got %s", path, field_type_name(f->type),
                   got_text(a, v));
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
        *ret = yyjson_get_num(v);
        return yyjson_is_int(v) && fabs(*ret) <= 2147483647.0;
    case FIELD_LONG:
        *ret = yyjson_get_num(v);
        return yyjson_is_int(v) &&
               fabs(*ret) <=
                   9007199254740992.0; /* beyond 2^53 the model's double could not hold it */
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

static err cell(arena *a, const rows_form *f, size_t column, const char *path, yyjson_val *v,
                double *row)
{
    const field *in = &f->inputs->fields[column];
    double *to = &row[f->to_model[column]];
    if (yyjson_is_null(v)) {
        if (in->required)
            return err_set(ERR_INVALID, "%s: is null, but the signature requires a %s", path,
                           field_type_name(in->type));
        *to = (double)NAN;
        return ERR_OK;
    }
    return to_number(in, v, to) ? ERR_OK : wrong(a, in, path, v);
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
static err absent(const rows_form *f, size_t column, const char *where, double *row)
{
    const field *in = &f->inputs->fields[column];
    if (in->required)
        return err_set(ERR_INVALID, "%s.%.*s: is missing, the signature requires it", where,
                       STR_ARG(in->name));
    row[f->to_model[column]] = (double)NAN;
    return ERR_OK;
}

static err read_record(arena *a, const rows_form *f, size_t r, yyjson_val *v, bool *seen,
                       double *row)
{
    const char *where = cstr_fmt(a, "dataframe_records[%zu]", r);
    if (!yyjson_is_obj(v))
        return err_set(ERR_INVALID, "%s: want an object with a value for each column, got %s",
                       where, got_text(a, v));
    memset(seen, 0, f->inputs->n * sizeof *seen);
    size_t i, max;
    yyjson_val *k, *x;
    yyjson_obj_foreach(v, i, max, k, x)
    {
        const char *path = cstr_fmt(a, "%s.%.*s", where, STR_ARG(json_str(k)));
        ptrdiff_t at = schema_find(f->inputs, json_str(k), i);
        if (at < 0) return unknown(a, f, path, json_str(k));
        seen[at] = true;
        TRY(cell(a, f, (size_t)at, path, x, row));
    }
    for (size_t c = 0; c < f->inputs->n; c++)
        if (!seen[c]) TRY(absent(f, c, where, row));
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

/* read_columns: (*ret_at)[k] is the schema's position of the k-th column. */
static err read_columns(arena *a, const rows_form *f, yyjson_val *columns, size_t **ret_at,
                        bool **ret_seen)
{
    size_t n = yyjson_arr_size(columns), k, max;
    size_t *at = arena_array(a, size_t, n);
    bool *seen = arena_array(a, bool, f->inputs->n);
    yyjson_val *v;
    yyjson_arr_foreach(columns, k, max, v)
    {
        const char *path = cstr_fmt(a, "dataframe_split.columns[%zu]", k);
        if (!yyjson_is_str(v))
            return err_set(ERR_INVALID, "%s: want the name of a column, got %s", path,
                           got_text(a, v));
        ptrdiff_t found = schema_find(f->inputs, json_str(v), k);
        if (found < 0)
            return unknown(a, f, cstr_fmt(a, "%s \"%.*s\"", path, STR_ARG(json_str(v))),
                           json_str(v));
        if (seen[found])
            return err_set(ERR_INVALID, "%s: column %.*s stands there twice", path,
                           STR_ARG(json_str(v)));
        seen[found] = true;
        at[k] = (size_t)found;
    }
    for (size_t c = 0; c < f->inputs->n; c++)
        if (!seen[c] && f->inputs->fields[c].required)
            return err_set(ERR_INVALID,
                           "dataframe_split.columns: %.*s is missing, the signature requires it",
                           STR_ARG(f->inputs->fields[c].name));
    *ret_at = at;
    *ret_seen = seen;
    return ERR_OK;
}

static err read_split(arena *a, const rows_form *f, yyjson_val *split, matrix *ret)
{
    static const char *const keys[] = {"columns", "data", "index", NULL};
    yyjson_val *columns, *data, *row, *v;
    if (!yyjson_is_obj(split))
        return err_set(ERR_INVALID, "dataframe_split: want an object with columns and data, got %s",
                       got_text(a, split));
    TRY(json_only(split, "dataframe_split", keys));
    TRY(json_get_arr(split, "dataframe_split", "columns", &columns));
    TRY(json_get_arr(split, "dataframe_split", "data", &data));
    size_t *at, r, c, max, n = yyjson_arr_size(columns);
    bool *seen;
    TRY(read_columns(a, f, columns, &at, &seen));
    matrix x;
    TRY(new_matrix(a, f, yyjson_arr_size(data), &x));
    yyjson_arr_foreach(data, r, max, row)
    {
        size_t n_cells;
        if (!yyjson_is_arr(row) || yyjson_arr_size(row) != n)
            return err_set(
                ERR_INVALID,
                "dataframe_split.data[%zu]: want an array of %zu values, one for each column", r,
                n);
        yyjson_arr_foreach(row, c, n_cells, v)
            TRY(cell(a, f, at[c], cstr_fmt(a, "dataframe_split.data[%zu][%zu]", r, c), v,
                     x.v + r * x.stride));
        for (c = 0; c < f->inputs->n; c++)
            if (!seen[c]) TRY(absent(f, c, "dataframe_split", x.v + r * x.stride));
    }
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
