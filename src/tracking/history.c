#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "filter/page.h"
#include "tracking/runs.h"
#include "tracking/tracking_int.h"

enum { BULK_RUNS_MAX = 100 };

/* As MLflow: a run that is not there has no history. */
static err history_or_none(db *d, arena *a, str run_id, str key, metric **ret, size_t *ret_n)
{
    err e = tracking_metric_history(d, a, run_id, key, ret, ret_n);
    return e == ERR_MISSING ? ERR_OK : e;
}

err tracking_metric_page(db *d, arena *a, str run_id, str key, size_t max, str page_token,
                         metric **ret, size_t *ret_n, str *ret_token)
{
    assert(d && a && ret && ret_n && ret_token);
    size_t at = 0, n = 0;
    TRY(page_token_read(page_token, &at));
    if (!max)
        return err_set(
            ERR_INVALID,
            "Invalid value 0 for parameter 'max_results' supplied. It must be a positive "
            "integer.");
    AUTO(arena) scratch = arena_new(0);
    metric *all = NULL;
    TRY(history_or_none(d, scratch, run_id, key, &all, &n));
    if (at > n) at = n;
    size_t part = n - at < max ? n - at : max;
    metric *v = arena_array(a, metric, part ? part : 1);
    str name = str_dup(a, key);
    for (size_t i = 0; i < part; i++) {
        v[i] = all[at + i];
        v[i].key = name;
    }
    *ret = v;
    *ret_n = part;
    *ret_token = at + part < n ? page_token_make(a, at + part) : STR("");
    return ERR_OK;
}

/* --- many runs */
typedef struct run_metrics { /* growing */
    arena *a;
    run_metric *v;
    size_t n, cap;
} run_metrics;

static void run_metrics_add(run_metrics *to, str run_id, metric m)
{
    if (to->n == to->cap) {
        size_t cap = to->cap ? to->cap * 2 : 256;
        run_metric *v = arena_array(to->a, run_metric, cap);
        if (to->n) memcpy(v, to->v, to->n * sizeof *v);
        to->v = v;
        to->cap = cap;
    }
    to->v[to->n++] = (run_metric){run_id, m};
}

static int id_order(const void *x, const void *y)
{
    return str_cmp(*(const str *)x, *(const str *)y);
}

static err check_runs(const char *what, size_t n)
{
    if (!n) return err_set(ERR_INVALID, "%s request must specify at least one run_id.", what);
    if (n <= BULK_RUNS_MAX) return ERR_OK;
    return err_set(ERR_INVALID,
                   "%s request cannot specify more than %d run_ids. Received %zu run_ids.", what,
                   BULK_RUNS_MAX, n);
}

err tracking_metric_bulk(db *d, arena *a, const str *run_ids, size_t n, str key, size_t max,
                         run_metric **ret, size_t *ret_n)
{
    assert(d && a && ret && ret_n && (run_ids || !n));
    TRY(check_runs("GetMetricHistoryBulk", n));
    str ids[BULK_RUNS_MAX];
    for (size_t i = 0; i < n; i++)
        ids[i] = str_dup(a, run_ids[i]);
    qsort(ids, n, sizeof *ids, id_order);
    run_metrics out = {.a = a, .v = arena_array(a, run_metric, 1), .cap = 1};
    str name = str_dup(a, key);
    for (size_t i = 0; i < n && out.n < max; i++) {
        if (i && str_eq(ids[i], ids[i - 1])) continue;
        AUTO(arena) scratch = arena_new(0);
        metric *v = NULL;
        size_t n_points = 0;
        TRY(history_or_none(d, scratch, ids[i], key, &v, &n_points));
        for (size_t k = 0; k < n_points && out.n < max; k++) {
            v[k].key = name;
            run_metrics_add(&out, ids[i], v[k]);
        }
    }
    *ret = out.v;
    *ret_n = out.n;
    return ERR_OK;
}

/* --- a sample */
/* step, timestamp, value; NaN counts as 0 and comes behind it, as in MLflow's tables. */
static int step_order(const void *x, const void *y)
{
    const metric *a = x, *b = y;
    if (a->step != b->step) return a->step < b->step ? -1 : 1;
    if (a->timestamp_ms != b->timestamp_ms) return a->timestamp_ms < b->timestamp_ms ? -1 : 1;
    double p = isnan(a->value) ? 0.0 : a->value, q = isnan(b->value) ? 0.0 : b->value;
    if (p < q || p > q) return p < q ? -1 : 1;
    return (isnan(a->value) != 0) - (isnan(b->value) != 0);
}

/* Where part i of n things in parts starts: the first n % parts are one longer. */
static size_t part_start(size_t n, size_t parts, size_t i)
{
    size_t longer = n % parts;
    return i * (n / parts) + (i < longer ? i : longer);
}

static err interval_of_run(db *d, const metric_interval *q, str run_id, run_metrics *to)
{
    AUTO(arena) scratch = arena_new(0);
    metric *v = NULL;
    size_t n = 0, kept = 0;
    TRY(history_or_none(d, scratch, run_id, q->key, &v, &n));
    for (size_t i = 0; i < n; i++) {
        if (q->has_range && (v[i].step < q->start_step || v[i].step > q->end_step)) continue;
        v[kept++] = v[i];
    }
    if (kept) qsort(v, kept, sizeof *v, step_order);
    size_t parts = kept < q->max ? kept : q->max;
    str id = str_dup(to->a, run_id), name = str_dup(to->a, q->key);
    for (size_t i = 0; i < parts; i++) {
        metric m = v[i + 1 < parts ? part_start(kept, parts, i) : kept - 1];
        m.key = name;
        run_metrics_add(to, id, m);
    }
    return ERR_OK;
}

err tracking_metric_interval(db *d, arena *a, const metric_interval *q, run_metric **ret,
                             size_t *ret_n)
{
    assert(d && a && q && ret && ret_n);
    TRY(check_runs("GetMetricHistoryBulkInterval", q->n_run_ids));
    if (!q->max) return err_set(ERR_INVALID, "max_results must be at least 1.");
    if (q->has_range && q->start_step > q->end_step)
        return err_set(ERR_INVALID,
                       "end_step must be greater than start_step. Found start_step=%lld and "
                       "end_step=%lld.",
                       (long long)q->start_step, (long long)q->end_step);
    run_metrics out = {.a = a, .v = arena_array(a, run_metric, 1), .cap = 1};
    for (size_t i = 0; i < q->n_run_ids; i++)
        TRY(interval_of_run(d, q, q->run_ids[i], &out));
    *ret = out.v;
    *ret_n = out.n;
    return ERR_OK;
}
