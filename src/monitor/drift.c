#include <assert.h>
#include <math.h>

#include "base/clock.h"
#include "monitor/records_int.h"
#include "registry/registry.h"
#include "table/sources.h"

double drift_z(double window_mean, double baseline_mean, double baseline_std)
{
    double change = fabs(window_mean - baseline_mean);
    if (isnan(change) || isnan(baseline_std)) return (double)NAN;
    if (baseline_std > 0) return change / baseline_std;
    return change > 0 ? (double)INFINITY : 0;
}

/* One call of monitor_run on its way. */
typedef struct watch {
    home *h;
    arena *a;
    const monitor_spec *o;
    duck *d;
    const baseline_row *base;
    size_t n_base;
    int64_t rows;
    double *means; /* of the window, per baseline row; NaN where there is none */
    double mae;    /* NaN without actuals */
} watch;

static bool watched(const baseline_row *b)
{
    return !str_is(b->kind, "label"); /* the label is judged by the error */
}

static void put_ident(watch *w, buf *b, str name)
{
    buf_puts(b, duck_ident(w->a, name));
}

/* window_sql: one row: number of rows, mean error, and the mean of each watched column over its
 * finite values. */
static err window_sql(watch *w, str relation, const char **ret)
{
    char from[TIME_PRINT_MAX], to[TIME_PRINT_MAX], first[TIME_PRINT_MAX], last[TIME_PRINT_MAX];
    int64_t start = w->o->at_ms - w->o->window_ms;
    buf b;
    buf_init(&b, 16 << 20);
    buf_puts(&b, STR("SELECT count(*) AS n, avg(abs(prediction - actual)) FILTER (WHERE "
                     "isfinite(prediction) AND isfinite(actual)) AS mae"));
    for (size_t i = 0; i < w->n_base; i++) {
        if (!watched(&w->base[i])) continue;
        buf_puts(&b, STR(", avg(CAST("));
        put_ident(w, &b, w->base[i].column);
        buf_puts(&b, STR(" AS DOUBLE)) FILTER (WHERE isfinite(CAST("));
        put_ident(w, &b, w->base[i].column);
        buf_fmt(&b, " AS DOUBLE))) AS m%zu", i);
    }
    buf_fmt(&b,
            " FROM %.*s WHERE model_name = %.*s AND scored_date BETWEEN DATE '%s' AND DATE '%s' "
            "AND scored_at >= TIMESTAMPTZ '%s'"
            " AND scored_at < TIMESTAMPTZ '%s'",
            STR_ARG(relation), STR_ARG(duck_literal(w->a, w->o->registered_model)),
            date_print(start, first), date_print(w->o->at_ms, last), time_print(start, from),
            time_print(w->o->at_ms, to));
    err e = buf_err(&b, "monitor: the query over the window");
    if (!e) *ret = str_c(w->a, buf_str(&b));
    buf_done(&b);
    return e;
}

static err read_window(watch *w)
{
    w->means = arena_array(w->a, double, w->n_base);
    for (size_t i = 0; i < w->n_base; i++)
        w->means[i] = (double)NAN;
    w->mae = (double)NAN;
    const char *dir, *sql;
    TRY(home_table_dir(w->h, w->a, w->o->predictions_table, &dir));
    delta_snapshot *s;
    err e = delta_read(w->a, w->d, dir, -1, &s);
    if (e == ERR_MISSING) return ERR_OK; /* nothing was ever predicted: no rows */
    TRY(e);
    str relation;
    TRY(delta_relation(w->a, s, NULL, STR(""), &relation));
    TRY(window_sql(w, relation, &sql));
    frame *f;
    TRY(duck_query(w->d, w->a, "read the window of predictions", sql, &f));
    assert(f->n_rows == 1);
    w->rows = f->cols[0].i64[0];
    w->mae = column_f64(&f->cols[1], 0);
    for (size_t i = 0, c = 2; i < w->n_base; i++)
        if (watched(&w->base[i])) w->means[i] = column_f64(&f->cols[c++], 0);
    return ERR_OK;
}

/* A column that had values at training and has none in a window full of rows has changed as much as
 * a column can. */
static double z_of(const watch *w, size_t i)
{
    const description *d = &w->base[i].d;
    if (w->rows > 0 && isnan(w->means[i]) && d->count > 0) return (double)INFINITY;
    return drift_z(w->means[i], d->mean, d->std);
}

static void judge(watch *w, monitor_result *r)
{
    monitor_line *v = arena_array(w->a, monitor_line, w->n_base + 2);
    const double nan = (double)NAN;
    bool enough = w->rows >= w->o->min_rows;
    size_t n = 0;
    v[n++] = (monitor_line){.metric = STR("rows"),
                            .kind = STR("window"),
                            .column = STR(""),
                            .value = (double)w->rows,
                            .window_mean = nan,
                            .baseline_mean = nan,
                            .baseline_std = nan,
                            .threshold = (double)w->o->min_rows};
    for (size_t i = 0; i < w->n_base; i++) {
        const baseline_row *b = &w->base[i];
        if (!watched(b)) continue;
        double z = z_of(w, i);
        v[n++] = (monitor_line){.metric = STR("drift_z"),
                                .kind = b->kind,
                                .column = b->column,
                                .value = z,
                                .window_mean = w->means[i],
                                .baseline_mean = b->d.mean,
                                .baseline_std = b->d.std,
                                .threshold = w->o->z_max,
                                .alert = enough && z > w->o->z_max};
    }
    v[n++] = (monitor_line){.metric = STR("mae"),
                            .kind = STR("performance"),
                            .column = STR("prediction"),
                            .value = w->mae,
                            .window_mean = nan,
                            .baseline_mean = nan,
                            .baseline_std = nan,
                            .threshold = w->o->mae_max,
                            .alert = enough && w->mae > w->o->mae_max};
    *r = (monitor_result){.rows = w->rows,
                          .window_start_ms = w->o->at_ms - w->o->window_ms,
                          .window_end_ms = w->o->at_ms,
                          .v = v,
                          .n = n};
    for (size_t i = 0; i < n; i++)
        r->n_alerts += v[i].alert;
    r->should_retrain = r->n_alerts > 0;
    r->verdict = !enough ? MONITOR_NOT_ENOUGH_DATA : r->n_alerts ? MONITOR_ALERT : MONITOR_OK;
}

static void put_reason(watch *w, monitor_result *r)
{
    if (r->verdict == MONITOR_NOT_ENOUGH_DATA) {
        r->reason = str_fmt(
            w->a, "not enough data: %lld rows in the window, want %lld, %lld are missing",
            (long long)r->rows, (long long)w->o->min_rows, (long long)(w->o->min_rows - r->rows));
        return;
    }
    buf b;
    buf_init(&b, 4096); /* what does not fit is in the table */
    buf_fmt(&b, "%zu alerts over %lld rows", r->n_alerts, (long long)r->rows);
    for (size_t i = 0; i < r->n; i++) {
        const monitor_line *l = &r->v[i];
        if (l->alert && b.n < 3500)
            buf_fmt(&b, "; %.*s%s%.*s %.3g > %g", STR_ARG(l->metric), l->column.n ? " of " : "",
                    STR_ARG(l->column), l->value, l->threshold);
    }
    r->reason = str_dup(w->a, buf_str(&b));
    buf_done(&b);
}

const char *monitor_verdict_name(monitor_verdict v)
{
    static const char *const names[] = {"ok", "alert", "not_enough_data"};
    assert((size_t)v < countof(names));
    return names[v];
}

static const field columns[] = {
    {STR("monitored_at"), FIELD_DATETIME, true}, {STR("monitor"), FIELD_STRING, true},
    {STR("model_name"), FIELD_STRING, true},     {STR("window_start"), FIELD_DATETIME, true},
    {STR("window_end"), FIELD_DATETIME, true},   {STR("rows"), FIELD_LONG, true},
    {STR("verdict"), FIELD_STRING, true},        {STR("should_retrain"), FIELD_BOOLEAN, true},
    {STR("metric"), FIELD_STRING, true},         {STR("kind"), FIELD_STRING, true},
    {STR("column_name"), FIELD_STRING, true},    {STR("alert"), FIELD_BOOLEAN, true},
    {STR("value"), FIELD_DOUBLE, false},         {STR("window_mean"), FIELD_DOUBLE, false},
    {STR("baseline_mean"), FIELD_DOUBLE, false}, {STR("baseline_std"), FIELD_DOUBLE, false},
    {STR("threshold"), FIELD_DOUBLE, false},
};
enum { FIRST_NUMBER = 12 };
static_assert(countof(columns) == FIRST_NUMBER + 5, "five numbers behind the alert");

static void table_row(watch *w, const monitor_result *r, frame *f, size_t i)
{
    const monitor_line *l = &r->v[i];
    column *c = f->cols;
    c[0].i64[i] = w->o->at_ms * 1000;
    c[1].s[i] = w->o->name;
    c[2].s[i] = w->o->registered_model;
    c[3].i64[i] = r->window_start_ms * 1000;
    c[4].i64[i] = r->window_end_ms * 1000;
    c[5].i64[i] = r->rows;
    c[6].s[i] = str_of(monitor_verdict_name(r->verdict));
    c[7].i64[i] = r->should_retrain;
    c[8].s[i] = l->metric;
    c[9].s[i] = l->kind;
    c[10].s[i] = l->column;
    c[11].i64[i] = l->alert;
    const double numbers[] = {l->value, l->window_mean, l->baseline_mean, l->baseline_std,
                              l->threshold};
    for (size_t k = 0; k < countof(numbers); k++) {
        c[FIRST_NUMBER + k].f64[i] = numbers[k];
        c[FIRST_NUMBER + k].valid[i] = !isnan(numbers[k]);
    }
}

static err write_table(watch *w, const monitor_result *r)
{
    schema s = {.fields = arena_array(w->a, field, countof(columns)), .n = countof(columns)};
    memcpy(s.fields, columns, sizeof columns);
    frame *f = frame_new(w->a, &s, r->n);
    for (size_t k = FIRST_NUMBER; k < countof(columns); k++)
        f->cols[k].valid = arena_alloc(w->a, r->n, 1);
    for (size_t i = 0; i < r->n; i++)
        table_row(w, r, f, i);
    TRY(duck_put(w->d, "monitor_rows", f));
    delta_write_spec o = {
        .query = STR("SELECT * FROM monitor_rows"),
        .mode = DELTA_APPEND,
        .txn_app = str_fmt(w->a, "monitor/%.*s/%lld", STR_ARG(w->o->name), (long long)w->o->at_ms),
        .txn_version = 1,
        .now_ms = w->o->at_ms};
    TRY(home_table_dir(w->h, w->a, w->o->monitoring_table, &o.dir));
    delta_written written;
    return delta_write(w->d, home_db(w->h), &o, &written);
}

/* champion_baseline: the version of the baseline table that the champion's training wrote; the
 * latest when there is no champion, or one whose training left no word. */
static err champion_baseline(const watch *w, int64_t *ret)
{
    *ret = -1;
    model_version v;
    err e = registry_alias_get(home_db(w->h), w->a, w->o->registered_model, STR("champion"), &v);
    if (e == ERR_MISSING || (!e && !v.run_id.n)) return ERR_OK;
    TRY(e);
    run of;
    e = tracking_run_get(home_db(w->h), w->a, v.run_id, &of);
    if (e == ERR_MISSING) return ERR_OK;
    TRY(e);
    for (size_t i = 0; i < of.n_tags; i++)
        if (str_is(of.tags[i].key, BASELINE_TAG)) return parse_i64(of.tags[i].value, ret);
    return ERR_OK;
}

static err run_body(watch *w, monitor_result *r)
{
    int64_t version = -1;
    baseline_row *base;
    TRY(champion_baseline(w, &version));
    TRY(baseline_read(w->d, w->h, w->a, w->o->baseline_table, version, &base, &w->n_base));
    w->base = base;
    TRY(read_window(w));
    judge(w, r);
    put_reason(w, r);
    TRY(write_table(w, r));
    return record_put(home_db(w->h), w->o, r);
}

static err check_spec(const monitor_spec *o)
{
    if (o->window_ms <= 0)
        return err_set(ERR_INVALID, "monitor %.*s: window of %lld ms, want more than 0",
                       STR_ARG(o->name), (long long)o->window_ms);
    if (o->min_rows < 1)
        return err_set(ERR_INVALID, "monitor %.*s: min_rows %lld, want at least 1",
                       STR_ARG(o->name), (long long)o->min_rows);
    if (!(o->z_max >= 0) || !(o->mae_max >= 0))
        return err_set(ERR_INVALID, "monitor %.*s: drift_z %g, mae %g: want numbers from 0",
                       STR_ARG(o->name), o->z_max, o->mae_max);
    return ERR_OK;
}

err monitor_run(home *h, arena *a, const monitor_spec *o, const progress *p, monitor_result *ret)
{
    assert(h && a && o && ret);
    TRY(check_spec(o));
    watch w = {.h = h, .a = a, .o = o};
    TRY(sources_open(h, a, NULL, 0, 0, &w.d));
    monitor_result r;
    err e = run_body(&w, &r);
    duck_free(w.d);
    if (e) return err_add(e, "monitor %.*s", STR_ARG(o->name));
    for (size_t i = 0; i < r.n; i++)
        if (r.v[i].alert)
            progress_say(p, "alert: %.*s%s%.*s is %.3g, more than %g", STR_ARG(r.v[i].metric),
                         r.v[i].column.n ? " of " : "", STR_ARG(r.v[i].column), r.v[i].value,
                         r.v[i].threshold);
    progress_say(p, "monitor %.*s: %s: %.*s", STR_ARG(o->name), monitor_verdict_name(r.verdict),
                 STR_ARG(r.reason));
    *ret = r;
    return ERR_OK;
}
