#include "registry/probes.h"

#include <assert.h>
#include <math.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "tracking/tracking.h"

enum { PROBES_BYTES_MAX = 64 << 20 };

/* read_columns: file column c is the model's feature ret[c]; each feature is named once. */
static err read_columns(arena *a, yyjson_val *columns, const model *m, size_t **ret)
{
    size_t n = model_get_facts(m)->n_features;
    if (yyjson_arr_size(columns) != n)
        return err_set(ERR_FORMAT, "probes.json: %zu columns, the model has %zu features",
                       yyjson_arr_size(columns), n);
    size_t *to = arena_array(a, size_t, n ? n : 1), c, max;
    bool *taken = arena_array(a, bool, n ? n : 1);
    map *features = map_new(a); /* name to 1 + position */
    for (size_t i = 0; i < n; i++)
        map_put(features, model_features(m)[i], (void *)(uintptr_t)(i + 1));
    yyjson_val *v;
    yyjson_arr_foreach(columns, c, max, v)
    {
        size_t i = yyjson_is_str(v) ? (size_t)(uintptr_t)map_find(features, json_str(v)) : 0;
        if (!i || taken[i - 1])
            return err_set(ERR_FORMAT, "probes.json: columns[%zu]: %s of the model", c,
                           i ? "a second time a feature" : "no feature");
        to[c] = i - 1;
        taken[i - 1] = true;
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

/* One prediction: a number, or an array of numbers where the model has several outputs. */
static err read_outputs(yyjson_val *v, size_t row, size_t n_out, double *ret)
{
    if (n_out == 1) return read_number(v, "predictions", row, ret);
    if (yyjson_arr_size(v) != n_out)
        return err_set(ERR_FORMAT, "probes.json: predictions[%zu]: want %zu numbers", row, n_out);
    for (size_t k = 0; k < n_out; k++)
        TRY(read_number(yyjson_arr_get(v, k), "predictions", row, &ret[k]));
    return ERR_OK;
}

/* Before anything of that size is allocated. */
static err check_shape(yyjson_val *rows, size_t cols)
{
    size_t r, max;
    yyjson_val *row;
    yyjson_arr_foreach(rows, r, max, row)
    {
        if (!yyjson_is_arr(row) || yyjson_arr_size(row) != cols)
            return err_set(ERR_FORMAT, "probes.json: rows[%zu]: want %zu numbers", r, cols);
    }
    return ERR_OK;
}

static err read_matrix(yyjson_val *rows, const size_t *to, matrix x)
{
    size_t r, max, c, n_cells;
    yyjson_val *row, *v;
    yyjson_arr_foreach(rows, r, max, row)
    {
        yyjson_arr_foreach(row, c, n_cells, v)
            TRY(read_number(v, "rows", r, &x.v[r * x.stride + to[c]]));
    }
    return ERR_OK;
}

typedef struct scoring {
    arena *a;
    const model *m;
    double tolerance, error_max;
} scoring;

/* "{x: 1.5, y: NaN}" of a row; long ones are cut by err_set. */
static str row_text(arena *a, const model *m, matrix x, size_t r)
{
    buf b;
    buf_init(&b, 4096);
    for (size_t c = 0; c < x.cols && b.n < 1200; c++) {
        char text[F64_PRINT_MAX];
        size_t n = f64_print(x.v[r * x.stride + c], text);
        buf_fmt(&b, "%s%.*s: %.*s", c ? ", " : "{", STR_ARG(model_features(m)[c]), (int)n, text);
    }
    buf_puts(&b, STR("}"));
    str text = str_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

static bool near_enough(scoring *s, double got, double want)
{
    if (same_bits(got, want)) return true;
    double scale = fabs(want) > 1 ? fabs(want) : 1, apart = fabs(got - want) / scale;
    if (!(apart <= s->tolerance)) return false; /* NaN too */
    if (apart > s->error_max) s->error_max = apart;
    return s->tolerance > 0;
}

/* Both ways of predicting, many rows at once and one row, must give what training gave. */
static err check_row(scoring *s, matrix x, size_t r, const double *many, const double *want,
                     double *one)
{
    size_t n_out = model_get_facts(s->m)->n_outputs;
    model_predict(s->m, (matrix){x.v + r * x.stride, 1, x.cols, x.stride}, one);
    for (size_t k = 0; k < n_out; k++) {
        double got = near_enough(s, many[k], want[k]) ? one[k] : many[k];
        if (near_enough(s, got, want[k])) continue;
        if (s->tolerance > 0) {
            str row = row_text(s->a, s->m, x, r);
            return err_set(ERR_GATE,
                           "probes.json: row %zu: the stored model answers %.17g, the logged one "
                           "answered %.17g, for %.*s",
                           r, got, want[k], STR_ARG(row));
        }
        return err_set(ERR_INTERNAL,
                       "probes.json: row %zu: the model answers %.17g, at training it answered "
                       "%.17g",
                       r, got, want[k]);
    }
    return ERR_OK;
}

static err check_rows(scoring *s, yyjson_val *rows, yyjson_val *predictions, const size_t *to)
{
    arena *a = s->a;
    const model *m = s->m;
    size_t cols = model_get_facts(m)->n_features, n_out = model_get_facts(m)->n_outputs;
    size_t n = yyjson_arr_size(rows), r, max;
    if (yyjson_arr_size(predictions) != n)
        return err_set(ERR_FORMAT, "probes.json: %zu predictions for %zu rows",
                       yyjson_arr_size(predictions), n);
    if (!n) return ERR_OK;
    TRY(check_shape(rows, cols));
    matrix x = {arena_array(a, double, n *cols), n, cols, cols};
    double *got = arena_array(a, double, n *n_out), *want = arena_array(a, double, 2 * n_out);
    TRY(read_matrix(rows, to, x));
    model_predict(m, x, got);
    yyjson_val *v;
    yyjson_arr_foreach(predictions, r, max, v)
    {
        TRY(read_outputs(v, r, n_out, want));
        TRY(check_row(s, x, r, got + r * n_out, want, want + n_out));
    }
    return ERR_OK;
}

static err compare(scoring *s, str text, size_t *ret_n)
{
    yyjson_val *root, *columns, *rows, *predictions;
    TRY(json_parse(s->a, text, "probes.json", &root));
    TRY(json_get_arr(root, "probes.json", "columns", &columns));
    TRY(json_get_arr(root, "probes.json", "rows", &rows));
    TRY(json_get_arr(root, "probes.json", "predictions", &predictions));
    size_t *to;
    TRY(read_columns(s->a, columns, s->m, &to));
    TRY(check_rows(s, rows, predictions, to));
    *ret_n = yyjson_arr_size(rows);
    return ERR_OK;
}

err probes_compare(str text, const model *m, size_t *ret_n)
{
    assert(m && ret_n);
    AUTO(arena) a = arena_new(0);
    scoring s = {.a = a, .m = m};
    return compare(&s, text, ret_n);
}

err probes_near(str text, const model *m, double tolerance, size_t *ret_n, double *ret_error_max)
{
    assert(m && tolerance > 0 && ret_n && ret_error_max);
    AUTO(arena) a = arena_new(0);
    scoring s = {.a = a, .m = m, .tolerance = tolerance};
    TRY(compare(&s, text, ret_n));
    *ret_error_max = s.error_max;
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
    return probes_compare(text, m, ret_n);
}
