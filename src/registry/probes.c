#include "registry/probes.h"

#include <assert.h>
#include <math.h>

#include "base/json.h"
#include "tracking/tracking.h"

enum { PROBES_BYTES_MAX = 64 << 20 };

/* read_columns: file column c is the model's feature ret[c]. */
static err read_columns(arena *a, yyjson_val *columns, const model *m, size_t **ret)
{
    size_t n = model_get_facts(m)->n_features;
    const str *names = model_features(m);
    if (yyjson_arr_size(columns) != n)
        return err_set(ERR_FORMAT, "probes.json: %zu columns, the model has %zu features",
                       yyjson_arr_size(columns), n);
    size_t *to = arena_array(a, size_t, n), c, max;
    yyjson_val *v;
    yyjson_arr_foreach(columns, c, max, v)
    {
        size_t i = 0;
        while (i < n && !(yyjson_is_str(v) && str_eq(json_str(v), names[i])))
            i++;
        if (i == n)
            return err_set(ERR_FORMAT, "probes.json: columns[%zu] is no feature of the model", c);
        to[c] = i;
    }
    *ret = to;
    return ERR_OK;
}

static err read_number(yyjson_val *v, const char *what, size_t row, double *ret)
{
    if (yyjson_is_null(v)) {
        *ret = (double)NAN;
        return ERR_OK;
    }
    if (yyjson_is_num(v)) {
        *ret = yyjson_get_num(v);
        return ERR_OK;
    }
    if (yyjson_is_str(v) && !parse_f64(json_str(v), ret)) return ERR_OK; /* "NaN", "Infinity" */
    return err_set(ERR_FORMAT, "probes.json: %s[%zu]: want a number", what, row);
}

static bool same_bits(double x, double y)
{
    return !memcmp(&x, &y, sizeof x) || (isnan(x) && isnan(y));
}

static err check_rows(arena *a, yyjson_val *rows, yyjson_val *predictions, const size_t *to,
                      const model *m)
{
    size_t cols = model_get_facts(m)->n_features, n = yyjson_arr_size(rows), r, max;
    if (yyjson_arr_size(predictions) != n)
        return err_set(ERR_FORMAT, "probes.json: %zu predictions for %zu rows",
                       yyjson_arr_size(predictions), n);
    if (n && model_get_facts(m)->n_outputs != 1)
        return err_set(ERR_FORMAT,
                       "probes.json: one prediction a row, but the model has several outputs");
    matrix x = {arena_array(a, double, n *cols), n, cols, cols};
    double *got = arena_array(a, double, n);
    yyjson_val *row, *v;
    yyjson_arr_foreach(rows, r, max, row)
    {
        if (yyjson_arr_size(row) != cols)
            return err_set(ERR_FORMAT, "probes.json: rows[%zu]: want %zu numbers", r, cols);
        size_t c, n_cells;
        yyjson_arr_foreach(row, c, n_cells, v)
            TRY(read_number(v, "rows", r, &x.v[r * cols + to[c]]));
    }
    model_predict(m, x, got);
    yyjson_arr_foreach(predictions, r, max, v)
    {
        double want = 0;
        TRY(read_number(v, "predictions", r, &want));
        if (!same_bits(got[r], want))
            return err_set(
                ERR_INTERNAL,
                "probes.json: row %zu: the model answers %.17g, at training it answered %.17g", r,
                got[r], want);
    }
    return ERR_OK;
}

err probes_check(db *d, blobs *b, const char *model_id, const model *m, size_t *ret_n)
{
    assert(d && b && model_id && m && ret_n);
    AUTO(arena) a = arena_new(0);
    str text;
    err e = artifact_get(d, b, a, str_fmt(a, "models/%s", model_id), STR("probes.json"),
                         PROBES_BYTES_MAX, &text);
    if (e == ERR_MISSING) {
        *ret_n = 0;
        return ERR_OK;
    }
    TRY(e);
    yyjson_val *root, *columns, *rows, *predictions;
    TRY(json_parse(a, text, "probes.json", &root));
    TRY(json_get_arr(root, "", "columns", &columns));
    TRY(json_get_arr(root, "", "rows", &rows));
    TRY(json_get_arr(root, "", "predictions", &predictions));
    size_t *to;
    TRY(read_columns(a, columns, m, &to));
    TRY(check_rows(a, rows, predictions, to, m));
    *ret_n = yyjson_arr_size(rows);
    return ERR_OK;
}
