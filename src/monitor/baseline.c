#include <assert.h>
#include <math.h>

#include "base/buf.h"
#include "base/json.h"
#include "monitor/monitor.h"

/* Names of the quantile columns, in the order of describe_quantile_at. */
static const char *const quantile_names[DESCRIBE_QUANTILES] = {"p01", "p05", "p10", "p25", "p50",
                                                               "p75", "p90", "p95", "p99"};

static const field fields[] = {
    {STR("model_name"), FIELD_STRING, true},   {STR("run_id"), FIELD_STRING, true},
    {STR("created_at"), FIELD_DATETIME, true}, {STR("kind"), FIELD_STRING, true},
    {STR("column_name"), FIELD_STRING, true},  {STR("count"), FIELD_LONG, true},
    {STR("missing"), FIELD_LONG, true},        {STR("mean"), FIELD_DOUBLE, false},
    {STR("std"), FIELD_DOUBLE, false},         {STR("min"), FIELD_DOUBLE, false},
    {STR("max"), FIELD_DOUBLE, false},         {STR("p01"), FIELD_DOUBLE, false},
    {STR("p05"), FIELD_DOUBLE, false},         {STR("p10"), FIELD_DOUBLE, false},
    {STR("p25"), FIELD_DOUBLE, false},         {STR("p50"), FIELD_DOUBLE, false},
    {STR("p75"), FIELD_DOUBLE, false},         {STR("p90"), FIELD_DOUBLE, false},
    {STR("p95"), FIELD_DOUBLE, false},         {STR("p99"), FIELD_DOUBLE, false},
    {STR("bin_edges"), FIELD_STRING, true},    {STR("bin_counts"), FIELD_STRING, true},
};
enum { COL_COUNT = 5, COL_MEAN = 7, COL_QUANTILE = 11, COL_EDGES = 11 + DESCRIBE_QUANTILES };
static_assert(countof(fields) == COL_EDGES + 2,
              "one column each for edges and counts behind the quantiles");

static str numbers_json(arena *a, const double *v, size_t n)
{
    buf b;
    buf_init(&b, 65536);
    jw w;
    jw_init(&w, &b, false);
    jw_arr(&w);
    for (size_t i = 0; i < n; i++)
        jw_f64(&w, v[i]);
    jw_arr_end(&w);
    str s = str_dup(a, buf_str(&b));
    buf_done(&b);
    return s;
}

static void set_f64(arena *a, frame *f, size_t col, size_t row, double v)
{
    column *c = &f->cols[col];
    if (!c->valid) {
        c->valid = arena_alloc(a, f->n_rows, 1);
        memset(c->valid, 1, f->n_rows);
    }
    c->f64[row] = isnan(v) ? 0 : v;
    c->valid[row] = !isnan(v);
}

static void set_row(arena *a, frame *f, size_t r, const baseline_row *b)
{
    f->cols[3].s[r] = b->kind;
    f->cols[4].s[r] = b->column;
    f->cols[COL_COUNT].i64[r] = (int64_t)b->d.count;
    f->cols[COL_COUNT + 1].i64[r] = (int64_t)b->d.missing;
    const double moments[] = {b->d.mean, b->d.std, b->d.min, b->d.max};
    for (size_t i = 0; i < countof(moments); i++)
        set_f64(a, f, COL_MEAN + i, r, moments[i]);
    for (size_t i = 0; i < DESCRIBE_QUANTILES; i++)
        set_f64(a, f, COL_QUANTILE + i, r, b->d.quantiles[i]);
    f->cols[COL_EDGES].s[r] = numbers_json(a, b->d.edges, DESCRIBE_BINS + 1);
    f->cols[COL_EDGES + 1].s[r] = numbers_json(a, b->d.counts, DESCRIBE_BINS);
}

err baseline_write(duck *d, home *h, arena *a, str table, str model_name, str run_id,
                   int64_t now_ms, const baseline_row *v, size_t n, int64_t *ret_version)
{
    assert(d && h && a && v && n > 0 && ret_version);
    schema s = {.fields = arena_array(a, field, countof(fields)), .n = countof(fields)};
    memcpy(s.fields, fields, sizeof fields);
    frame *f = frame_new(a, &s, n);
    for (size_t r = 0; r < n; r++) {
        f->cols[0].s[r] = model_name;
        f->cols[1].s[r] = run_id;
        f->cols[2].i64[r] = now_ms * 1000;
        set_row(a, f, r, &v[r]);
    }
    TRY(duck_put(d, "tidemill baseline", f));
    delta_write_spec w = {.query = STR("SELECT * FROM \"tidemill baseline\""),
                          .mode = DELTA_OVERWRITE,
                          .now_ms = now_ms};
    TRY(home_table_dir(h, a, table, &w.dir));
    delta_written written;
    err e = delta_write(d, home_db(h), &w, &written);
    if (e) return err_add(e, "baseline %.*s", STR_ARG(table));
    *ret_version = written.version;
    return ERR_OK;
}

static err numbers_parse(arena *a, const frame *f, const char *name, size_t row, size_t want,
                         double *ret)
{
    const column *c;
    TRY(frame_need(f, name, &c));
    if (c->store != STORE_STR) return err_set(ERR_FORMAT, "column %s is no text", name);
    yyjson_val *v;
    TRY(json_parse(a, c->s[row], name, &v));
    if (!yyjson_is_arr(v) || yyjson_arr_size(v) != want)
        return err_set(ERR_FORMAT, "%s: want an array of %zu numbers", name, want);
    for (size_t i = 0; i < want; i++) {
        yyjson_val *x = yyjson_arr_get(v, i);
        ret[i] = yyjson_is_num(x) ? yyjson_get_num(x) : (double)NAN;
    }
    return ERR_OK;
}

static err get_f64(const frame *f, const char *name, size_t row, double *ret)
{
    const column *c;
    TRY(frame_need(f, name, &c));
    *ret = column_f64(c, row);
    return ERR_OK;
}

static err read_row(arena *a, const frame *f, size_t r, baseline_row *ret)
{
    const column *kind, *name;
    TRY(frame_need(f, "kind", &kind));
    TRY(frame_need(f, "column_name", &name));
    if (kind->store != STORE_STR || name->store != STORE_STR)
        return err_set(ERR_FORMAT, "columns kind and column_name are no text");
    baseline_row b = {.kind = kind->s[r], .column = name->s[r]};
    double count, missing;
    TRY(get_f64(f, "count", r, &count));
    TRY(get_f64(f, "missing", r, &missing));
    if (!(count >= 0 && missing >= 0))
        return err_set(ERR_FORMAT, "row %zu: count %g, missing %g: want numbers >= 0", r, count,
                       missing);
    b.d.count = (size_t)count;
    b.d.missing = (size_t)missing;
    TRY(get_f64(f, "mean", r, &b.d.mean));
    TRY(get_f64(f, "std", r, &b.d.std));
    TRY(get_f64(f, "min", r, &b.d.min));
    TRY(get_f64(f, "max", r, &b.d.max));
    for (size_t i = 0; i < DESCRIBE_QUANTILES; i++)
        TRY(get_f64(f, quantile_names[i], r, &b.d.quantiles[i]));
    TRY(numbers_parse(a, f, "bin_edges", r, DESCRIBE_BINS + 1, b.d.edges));
    TRY(numbers_parse(a, f, "bin_counts", r, DESCRIBE_BINS, b.d.counts));
    *ret = b;
    return ERR_OK;
}

err baseline_read(duck *d, home *h, arena *a, str table, int64_t version, baseline_row **ret,
                  size_t *ret_n)
{
    assert(d && h && a && ret && ret_n);
    const char *dir;
    TRY(home_table_dir(h, a, table, &dir));
    delta_snapshot *s;
    err e = delta_read(a, d, dir, version, &s);
    if (e) return err_add(e, "baseline %.*s (training writes it)", STR_ARG(table));
    str relation;
    TRY(delta_relation(a, s, NULL, STR(""), &relation));
    frame *f;
    TRY(duck_query(d, a, "read the baseline", cstr_fmt(a, "SELECT * FROM %.*s", STR_ARG(relation)),
                   &f));
    baseline_row *v = arena_array(a, baseline_row, f->n_rows);
    for (size_t r = 0; r < f->n_rows; r++) {
        e = read_row(a, f, r, &v[r]);
        if (e) return err_add(e, "baseline %.*s", STR_ARG(table));
    }
    *ret = v;
    *ret_n = f->n_rows;
    return ERR_OK;
}
