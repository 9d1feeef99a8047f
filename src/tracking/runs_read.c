#include "tracking/tracking_int.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"

/* --- the latest metrics of many runs */
typedef struct metric_fill {
    arena *a;
    const int64_t *ids;
    run *runs;
    size_t n;
} metric_fill;

static int metric_order(const void *x, const void *y)
{
    const metric *a = x, *b = y;
    return str_cmp(a->key, b->key);
}

static run *run_of_row(const metric_fill *f, int64_t id)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->ids[i] == id) return &f->runs[i];
    return NULL;
}

/* Rows come ordered by run, so each run's metrics are one stretch. */
static err metric_take(void *ctx, const db_rows *r)
{
    const metric_fill *f = ctx;
    for (size_t i = 0, end; i < r->n; i = end) {
        int64_t id = db_cell_i(r, i, 0);
        for (end = i + 1; end < r->n && db_cell_i(r, end, 0) == id; end++)
            ;
        run *to = run_of_row(f, id);
        assert(to);
        metric *v = arena_array(f->a, metric, end - i);
        for (size_t k = i; k < end; k++)
            v[k - i] = (metric){
                .key = db_cell_s(r, k, 1),
                .value = db_cell_i(r, k, 3) ? (double)NAN : db_cell_f(r, k, 2),
                .timestamp_ms = db_cell_i(r, k, 4),
                .step = db_cell_i(r, k, 5),
            };
        qsort(v, end - i, sizeof *v, metric_order);
        to->metrics = v;
        to->n_metrics = end - i;
    }
    return ERR_OK;
}

static err metrics_load(db_tx *tx, arena *a, const int64_t *ids, run *runs, size_t n)
{
    enum { AT_ONCE = DB_ARGS_MAX };
    db_val list[AT_ONCE];
    for (size_t at = 0; at < n; at += AT_ONCE) {
        size_t part = n - at < AT_ONCE ? n - at : AT_ONCE;
        for (size_t i = 0; i < part; i++)
            list[i] = db_int(ids[at + i]);
        metric_fill f = {a, ids + at, runs + at, part};
        rows_in_list q = {
            .head = "SELECT l.run, k.name, l.value, l.is_nan, l.timestamp_ms, l.step"
                    " FROM metric_latest l JOIN metric_key k ON k.id = l.key WHERE l.run IN (",
            .tail = ") ORDER BY 1",
            .list = list,
            .n_list = part,
        };
        TRY(rows_in(tx, a, &q, metric_take, &f));
    }
    return ERR_OK;
}

static void run_of_cells(arena *a, const db_rows *r, size_t i, run *ret)
{
    long long exp_row = (long long)db_cell_i(r, i, 2);
    str uuid = db_cell_s(r, i, 1), uri = db_cell_s(r, i, 7);
    *ret = (run){
        .id = uuid,
        .experiment_id = str_fmt(a, "%lld", exp_row),
        .name = db_cell_s(r, i, 3),
        .status = db_cell_s(r, i, 4),
        .lifecycle_stage = db_cell_s(r, i, 5),
        .user_id = db_cell_s(r, i, 6),
        .artifact_uri =
            uri.n ? uri
                  : str_fmt(a, "mlflow-artifacts:/%lld/%.*s/artifacts", exp_row, STR_ARG(uuid)),
        .start_ms = db_cell_i(r, i, 8),
        .end_ms = db_cell_i(r, i, 9),
    };
}

/* Seven statements a page, whatever its length up to DB_ARGS_MAX runs. */
err runs_of(db_tx *tx, arena *a, const db_rows *r, run **ret)
{
    size_t n = r->n ? r->n : 1;
    run *v = arena_array(a, run, n);
    int64_t *ids = arena_array(a, int64_t, n);
    kv_list *params = arena_array(a, kv_list, n), *tags = arena_array(a, kv_list, n);
    for (size_t i = 0; i < r->n; i++) {
        ids[i] = db_cell_i(r, i, 0);
        run_of_cells(a, r, i, &v[i]);
    }
    TRY(metrics_load(tx, a, ids, v, r->n));
    TRY(kv_load(tx, a, "SELECT run, key, value FROM run_param WHERE run IN (", ids, r->n, params));
    TRY(kv_load(tx, a, "SELECT run, key, value FROM run_tag WHERE run IN (", ids, r->n, tags));
    for (size_t i = 0; i < r->n; i++) {
        v[i].params = params[i].v;
        v[i].n_params = params[i].n;
        v[i].tags = tags[i].v;
        v[i].n_tags = tags[i].n;
    }
    TRY(run_links_load(tx, a, ids, v, r->n));
    *ret = v;
    return ERR_OK;
}

/* --- by row ids */
typedef struct row_place {
    int64_t id;
    size_t at;
} row_place;

static int row_order(const void *x, const void *y)
{
    const row_place *a = x, *b = y;
    return (a->id > b->id) - (a->id < b->id);
}

typedef struct ids_take {
    const row_place *places; /* sorted by id */
    size_t n;
    const db_val **rows; /* at its place, the row's cells */
} ids_take;

static err id_rows_take(void *ctx, const db_rows *r)
{
    const ids_take *t = ctx;
    for (size_t i = 0; i < r->n; i++) {
        row_place want = {.id = db_cell_i(r, i, 0)};
        const row_place *p = bsearch(&want, t->places, t->n, sizeof want, row_order);
        assert(p);
        t->rows[p->at] = db_at(r, i, 0);
    }
    return ERR_OK;
}

err runs_of_ids(db_tx *tx, arena *a, const int64_t *ids, size_t n, run **ret, size_t *ret_n)
{
    enum { COLS = 10 };
    row_place *places = arena_array(a, row_place, n + 1);
    db_val *list = arena_array(a, db_val, n + 1), *cells = arena_array(a, db_val, (n + 1) * COLS);
    ids_take t = {places, n, arena_array(a, const db_val *, n + 1)};
    for (size_t i = 0; i < n; i++) {
        places[i] = (row_place){ids[i], i};
        list[i] = db_int(ids[i]);
    }
    qsort(places, n, sizeof *places, row_order);
    rows_in_list q = {.head = "SELECT " RUN_COLS " FROM run r WHERE r.id IN (",
                      .tail = ")",
                      .list = list,
                      .n_list = n};
    TRY(rows_in(tx, a, &q, id_rows_take, &t));
    db_rows r = {.cols = COLS, .v = cells};
    for (size_t i = 0; i < n; i++)
        if (t.rows[i]) memcpy(cells + COLS * r.n++, t.rows[i], COLS * sizeof *cells);
    *ret_n = r.n;
    return runs_of(tx, a, &r, ret);
}

/* --- one run */
typedef struct run_get {
    arena *a;
    str id;
    run *v;
} run_get;

static err run_get_tx(db_tx *tx, void *arg)
{
    run_get *g = arg;
    db_rows r = {0};
    TRY(tx_rows(tx, g->a, "SELECT " RUN_COLS " FROM run r WHERE r.uuid = ?",
                DB_ARGS(db_text(g->id)), &r));
    if (!r.n) return run_missing(g->id);
    return runs_of(tx, g->a, &r, &g->v);
}

err tracking_run_get(db *d, arena *a, str run_id, run *ret)
{
    assert(d && a && ret);
    run_get g = {.a = a, .id = run_id};
    TRY(db_read(d, run_get_tx, &g));
    *ret = g.v[0];
    return ERR_OK;
}

/* --- many */
typedef struct runs_get {
    arena *a;
    const run_query *q;
    run *v;
    size_t n;
} runs_get;

static err query_where(const run_query *q, buf *sql, db_val *args, size_t *n)
{
    buf_fmt(sql, "SELECT " RUN_COLS " FROM run r WHERE r.lifecycle_stage = 'active'");
    for (size_t i = 0; i < q->n_experiment_ids; i++) {
        buf_puts(sql, i ? STR(",?") : STR(" AND r.experiment IN (?"));
        args[(*n)++] = db_int(experiment_row(q->experiment_ids[i]));
    }
    if (q->n_experiment_ids) buf_putc(sql, ')');
    if (q->parent_run_id.n) {
        buf_fmt(sql, " AND r.parent = ?");
        args[(*n)++] = db_text(q->parent_run_id);
    }
    if (q->roots_only) buf_fmt(sql, " AND r.parent = ''");
    if (q->tag_key.n) {
        buf_fmt(sql, " AND r.id IN (SELECT t.run FROM run_tag t WHERE t.key = ? AND t.value = ?)");
        args[(*n)++] = db_text(q->tag_key);
        args[(*n)++] = db_text(q->tag_value);
    }
    buf_fmt(sql, " ORDER BY r.start_ms DESC, r.uuid LIMIT ? OFFSET ?");
    args[(*n)++] = db_int((int64_t)(q->max < TRACKING_LIST_MAX ? q->max : TRACKING_LIST_MAX));
    args[(*n)++] = db_int((int64_t)q->offset);
    buf_putc(sql, 0);
    return buf_err(sql, "statement");
}

static err runs_get_tx(db_tx *tx, void *arg)
{
    runs_get *g = arg;
    db_val args[DB_ARGS_MAX];
    size_t n = 0;
    db_rows r = {0};
    buf sql;
    buf_init(&sql, DB_SQL_MAX);
    err e = query_where(g->q, &sql, args, &n);
    if (!e) e = tx_rows(tx, g->a, sql.p, args, n, &r);
    buf_done(&sql);
    if (!e) e = runs_of(tx, g->a, &r, &g->v);
    g->n = r.n;
    return e;
}

err tracking_runs(db *d, arena *a, const run_query *q, run **ret, size_t *ret_n)
{
    assert(d && a && q && ret && ret_n);
    if (q->n_experiment_ids > DB_ARGS_MAX - 8)
        return err_set(ERR_INVALID, "experiment_ids: %zu, at most %d at once", q->n_experiment_ids,
                       DB_ARGS_MAX - 8);
    if (q->offset > INT32_MAX)
        return err_set(ERR_INVALID, "offset: %zu, at most %d", q->offset, INT32_MAX);
    runs_get g = {.a = a, .q = q};
    TRY(db_read(d, runs_get_tx, &g));
    *ret = g.v;
    *ret_n = g.n;
    return ERR_OK;
}
