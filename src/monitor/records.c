#include "monitor/records_int.h"

#include <assert.h>
#include <math.h>

static const char *const steps[] = {
    "CREATE TABLE monitor_result ("
    " id BIGINT PRIMARY KEY, name TEXT NOT NULL, registered_model TEXT NOT NULL, at_ms BIGINT NOT "
    "NULL,"
    " window_start_ms BIGINT NOT NULL, window_end_ms BIGINT NOT NULL, n_rows BIGINT NOT NULL, "
    "verdict BIGINT NOT NULL,"
    " should_retrain BIGINT NOT NULL, reason TEXT NOT NULL, job_run TEXT NOT NULL, UNIQUE (name, "
    "at_ms));"
    "CREATE TABLE monitor_metric ("
    " result BIGINT NOT NULL REFERENCES monitor_result(id) ON DELETE CASCADE, seq BIGINT NOT NULL, "
    "metric TEXT NOT NULL,"
    " kind TEXT NOT NULL, column_name TEXT NOT NULL, value DOUBLE PRECISION, is_inf BIGINT NOT "
    "NULL, window_mean DOUBLE PRECISION,"
    " baseline_mean DOUBLE PRECISION, baseline_std DOUBLE PRECISION, threshold DOUBLE PRECISION, "
    "alert BIGINT NOT NULL,"
    " PRIMARY KEY (result, seq));",
};
const db_migration monitor_migration = {
    .room = "monitor", .steps = steps, .n_steps = countof(steps)};

typedef struct put {
    const monitor_spec *o;
    const monitor_result *r;
} put;

/* Infinity has a flag of its own: not every database stores it. */
static db_val real_or_null(double v)
{
    return isfinite(v) ? db_real(v) : db_null();
}

static err put_lines(db_tx *tx, int64_t id, const monitor_result *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const monitor_line *l = &r->v[i];
        TRY(tx_exec(tx,
                    "INSERT INTO monitor_metric (result, seq, metric, kind, column_name, value, "
                    "is_inf, window_mean, baseline_mean,"
                    " baseline_std, threshold, alert) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    DB_ARGS(db_int(id), db_int((int64_t)i), db_text(l->metric), db_text(l->kind),
                            db_text(l->column), real_or_null(l->value),
                            db_int(isinf(l->value) != 0), real_or_null(l->window_mean),
                            real_or_null(l->baseline_mean), real_or_null(l->baseline_std),
                            real_or_null(l->threshold), db_int(l->alert)),
                    NULL));
    }
    return ERR_OK;
}

static err put_tx(db_tx *tx, void *arg)
{
    const put *p = arg;
    AUTO(arena) a = arena_new(0);
    db_rows rows;
    TRY(tx_rows(tx, a,
                "INSERT INTO monitor_result (id, name, registered_model, at_ms, window_start_ms, "
                "window_end_ms, n_rows, verdict,"
                " should_retrain, reason, job_run) VALUES ((SELECT coalesce(max(id), 0) + 1 FROM "
                "monitor_result), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (name, at_ms) DO NOTHING RETURNING id",
                DB_ARGS(db_text(p->o->name), db_text(p->o->registered_model), db_int(p->o->at_ms),
                        db_int(p->r->window_start_ms), db_int(p->r->window_end_ms),
                        db_int(p->r->rows), db_int(p->r->verdict), db_int(p->r->should_retrain),
                        db_text(p->r->reason), db_text(p->o->job_run)),
                &rows));
    return rows.n ? put_lines(tx, db_cell_i(&rows, 0, 0), p->r) : ERR_OK;
}

err record_put(db *d, const monitor_spec *o, const monitor_result *r)
{
    put p = {o, r};
    err e = db_write(d, put_tx, &p);
    return e ? err_add(e, "monitor %.*s: keep the result", STR_ARG(o->name)) : ERR_OK;
}

static monitor_line line_of(const db_rows *r, size_t row)
{
    return (monitor_line){.metric = db_cell_s(r, row, 1),
                          .kind = db_cell_s(r, row, 2),
                          .column = db_cell_s(r, row, 3),
                          .value = db_cell_i(r, row, 4) ? (double)INFINITY : db_cell_f(r, row, 5),
                          .window_mean = db_cell_f(r, row, 6),
                          .baseline_mean = db_cell_f(r, row, 7),
                          .baseline_std = db_cell_f(r, row, 8),
                          .threshold = db_cell_f(r, row, 9),
                          .alert = db_cell_i(r, row, 10) != 0};
}

/* read_lines deals the lines out to their results; both are sorted the same way. */
static void read_lines(arena *a, const db_rows *r, monitor_record *v, size_t n)
{
    monitor_line *lines = arena_array(a, monitor_line, r->n);
    for (size_t row = 0, i = 0; row < r->n; row++) {
        while (i < n && v[i].id != db_cell_i(r, row, 0))
            i++;
        assert(i < n);
        lines[row] = line_of(r, row);
        if (!v[i].r.n) v[i].r.v = &lines[row];
        v[i].r.n++;
        v[i].r.n_alerts += lines[row].alert;
    }
}

typedef struct get {
    arena *a;
    str name;
    size_t max, n;
    monitor_record *v;
} get;

static const char select_results[] =
    "SELECT id, name, registered_model, at_ms, window_start_ms, window_end_ms, n_rows, verdict, "
    "should_retrain, reason"
    " FROM monitor_result WHERE (? = '' OR name = ?) ORDER BY at_ms DESC, id DESC LIMIT ?";

static const char select_lines[] =
    "SELECT r.id, m.metric, m.kind, m.column_name, m.is_inf, m.value, m.window_mean, "
    "m.baseline_mean, m.baseline_std, m.threshold,"
    " m.alert"
    " FROM (SELECT id, at_ms FROM monitor_result WHERE (? = '' OR name = ?) ORDER BY at_ms DESC, "
    "id DESC LIMIT ?) r"
    " JOIN monitor_metric m ON m.result = r.id ORDER BY r.at_ms DESC, r.id DESC, m.seq";

static err get_tx(db_tx *tx, void *arg)
{
    get *g = arg;
    db_rows r, lines;
    TRY(tx_rows(tx, g->a, select_results,
                DB_ARGS(db_text(g->name), db_text(g->name), db_int((int64_t)g->max)), &r));
    TRY(tx_rows(tx, g->a, select_lines,
                DB_ARGS(db_text(g->name), db_text(g->name), db_int((int64_t)g->max)), &lines));
    g->v = arena_array(g->a, monitor_record, r.n);
    for (size_t i = 0; i < r.n; i++)
        g->v[i] = (monitor_record){.id = db_cell_i(&r, i, 0),
                                   .name = db_cell_s(&r, i, 1),
                                   .registered_model = db_cell_s(&r, i, 2),
                                   .at_ms = db_cell_i(&r, i, 3),
                                   .r = {.window_start_ms = db_cell_i(&r, i, 4),
                                         .window_end_ms = db_cell_i(&r, i, 5),
                                         .rows = db_cell_i(&r, i, 6),
                                         .verdict = (monitor_verdict)db_cell_i(&r, i, 7),
                                         .should_retrain = db_cell_i(&r, i, 8) != 0,
                                         .reason = db_cell_s(&r, i, 9)}};
    g->n = r.n;
    read_lines(g->a, &lines, g->v, g->n);
    return ERR_OK;
}

err monitor_records(db *d, arena *a, str name, size_t max, monitor_record **ret, size_t *ret_n)
{
    assert(d && a && ret && ret_n);
    get g = {.a = a, .name = name, .max = max};
    TRY(db_read(d, get_tx, &g));
    *ret = g.v;
    *ret_n = g.n;
    return ERR_OK;
}
