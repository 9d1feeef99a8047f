#include <assert.h>

#include "base/log.h"
#include "jobs/cron.h"
#include "jobs/jobs_int.h"

/* When a job is due: one transaction journals the run and moves the next time, so that a kill finds
 * either both or none. */

typedef struct firing {
    arena *a;
    int64_t now_ms, next_ms;
    size_t fired;
} firing;

/* The latest firing in [first, now]; first is one. Looks back from now in growing steps, so that a
 * year of missed seconds costs nothing. */
static err latest_firing(const cron *c, int64_t first_ms, int64_t now_ms, int64_t *ret_ms)
{
    int64_t latest = first_ms, t;
    for (int64_t back = 60000; latest < now_ms && back < INT64_MAX / 16; back *= 16) {
        int64_t from = now_ms - back;
        if (from < latest) from = latest;
        err e = cron_next(c, from, &t);
        if (e == ERR_MISSING) break;
        if (e) return e;
        if (t > now_ms && from > latest) continue;
        for (; !e && t <= now_ms; e = cron_next(c, t, &t))
            latest = t;
        if (e && e != ERR_MISSING) return e;
        break;
    }
    *ret_ms = latest;
    return ERR_OK;
}

static err waiting(db_tx *tx, arena *a, const new_run *n, int64_t *ret)
{
    db_rows r;
    TRY(tx_rows(tx, a,
                "SELECT COUNT(*) FROM job_run WHERE bundle = ? AND target = ? AND job = ? AND "
                "state = 'QUEUED'",
                DB_ARGS(db_text(n->bundle), db_text(n->target), db_text(n->job)), &r));
    *ret = db_cell_i(&r, 0, 0);
    return ERR_OK;
}

static err journal_firing(db_tx *tx, firing *f, const new_run *n)
{
    int64_t id, n_waiting;
    TRY(waiting(tx, f->a, n, &n_waiting));
    TRY(journal_insert(tx, f->a, n, &id));
    if (id) f->fired++;
    if (!id || n_waiting < JOB_QUEUE_MAX) return ERR_OK;
    return tx_exec(tx,
                   "UPDATE job_run SET state = 'CANCELLED', exit_code = 130, ended_ms = ?,"
                   " outcome = 'not started: too many runs of this job are waiting' WHERE id = ?",
                   DB_ARGS(db_int(f->now_ms), db_int(id)), NULL);
}

static err fire_one(db_tx *tx, firing *f, const db_rows *r, size_t i)
{
    new_run n = {.bundle = db_cell_s(r, i, 0),
                 .target = db_cell_s(r, i, 1),
                 .job = db_cell_s(r, i, 2),
                 .trigger = STR("schedule"),
                 .params_json = STR("[]"),
                 .max_concurrent = db_cell_i(r, i, 5),
                 .task_keys = db_cell_s(r, i, 6),
                 .snapshot_sha = db_cell_s(r, i, 7),
                 .now_ms = f->now_ms};
    cron *c;
    int64_t next;
    TRY(cron_parse(f->a, db_cell_s(r, i, 3), db_cell_s(r, i, 4), &c));
    TRY(latest_firing(c, db_cell_i(r, i, 8), f->now_ms, &n.fire_ms));
    n.at_ms = n.fire_ms;
    TRY(journal_firing(tx, f, &n));
    err e = cron_next(c, f->now_ms, &next);
    if (e == ERR_MISSING)
        next = 0; /* it will not fire again */
    else if (e)
        return e;
    return tx_exec(
        tx, "UPDATE job SET next_fire_ms = ? WHERE bundle = ? AND target = ? AND name = ?",
        DB_ARGS(db_int(next), db_text(n.bundle), db_text(n.target), db_text(n.job)), NULL);
}

/* A job whose schedule cannot be read any more (its zone is gone) must not stop the others. */
static err put_aside(db_tx *tx, const db_rows *r, size_t i)
{
    log_error("jobs", "schedule: %s job=%.*s: paused, apply its bundle again", err_message(),
              STR_ARG(db_cell_s(r, i, 2)));
    return tx_exec(
        tx,
        "UPDATE job SET paused = 1, next_fire_ms = 0 WHERE bundle = ? AND target = ? AND name = ?",
        DB_ARGS(*db_at(r, i, 0), *db_at(r, i, 1), *db_at(r, i, 2)), NULL);
}

static err fire_tx(db_tx *tx, void *arg)
{
    firing *f = arg;
    db_rows r;
    f->fired = 0;
    TRY(tx_rows(
        tx, f->a,
        "SELECT bundle, target, name, cron, timezone, max_concurrent, task_keys, snapshot_sha,"
        " next_fire_ms FROM job WHERE next_fire_ms > 0 AND next_fire_ms <= ? AND paused = 0"
        " ORDER BY next_fire_ms, bundle, target, name",
        DB_ARGS(db_int(f->now_ms)), &r));
    for (size_t i = 0; i < r.n; i++) {
        err e = fire_one(tx, f, &r, i);
        if (e == ERR_INVALID || e == ERR_FORMAT) e = put_aside(tx, &r, i);
        if (e) return e;
    }
    return ERR_OK;
}

static err next_of_all(db *d, arena *a, int64_t *ret_ms)
{
    db_rows r;
    TRY(db_rows_of(
        d, a,
        "SELECT COALESCE(MIN(next_fire_ms), 0) FROM job WHERE next_fire_ms > 0 AND paused = 0",
        DB_NO_ARGS, &r));
    *ret_ms = db_cell_i(&r, 0, 0);
    return ERR_OK;
}

err schedule_fire(db *d, int64_t now_ms, size_t *ret_fired, int64_t *ret_next_ms)
{
    assert(d && ret_fired && ret_next_ms);
    AUTO(arena) a = arena_new(0);
    firing f = {.a = a, .now_ms = now_ms};
    int64_t next;
    TRY(next_of_all(d, a, &next));
    if (next && next <= now_ms) {
        TRY(db_write(d, fire_tx, &f));
        TRY(next_of_all(d, a, &next));
    }
    *ret_fired = f.fired;
    *ret_next_ms = next;
    return ERR_OK;
}

/* --- after a crash */

typedef struct recovery {
    arena *a;
    int64_t now_ms;
    size_t n;
} recovery;

static err recover_one(db_tx *tx, const recovery *c, int64_t run_id, int64_t attempt, bool cancel)
{
    TRY(tx_exec(tx,
                "UPDATE task_run SET state = 'PENDING', message = 'its owner died' WHERE run = ? "
                "AND state = 'RUNNING'",
                DB_ARGS(db_int(run_id)), NULL));
    if (!cancel && attempt < JOB_ATTEMPTS_MAX)
        return tx_exec(tx, "UPDATE job_run SET state = 'QUEUED' WHERE id = ?",
                       DB_ARGS(db_int(run_id)), NULL);
    TRY(tx_exec(tx, "UPDATE task_run SET state = 'CANCELLED' WHERE run = ? AND state = 'PENDING'",
                DB_ARGS(db_int(run_id)), NULL));
    return tx_exec(
        tx, "UPDATE job_run SET state = ?, outcome = ?, exit_code = ?, ended_ms = ? WHERE id = ?",
        DB_ARGS(db_ctext(cancel ? "CANCELLED" : "FAILED"),
                db_ctext(cancel ? "cancelled" : "given up: its owner died at every attempt"),
                db_int(cancel ? 130 : 1), db_int(c->now_ms), db_int(run_id)),
        NULL);
}

static err recover_tx(db_tx *tx, void *arg)
{
    recovery *c = arg;
    db_rows r;
    TRY(tx_rows(tx, c->a,
                "SELECT id, attempt, cancel FROM job_run WHERE state = 'RUNNING' ORDER BY id",
                DB_NO_ARGS, &r));
    for (size_t i = 0; i < r.n; i++)
        TRY(recover_one(tx, c, db_cell_i(&r, i, 0), db_cell_i(&r, i, 1), db_cell_i(&r, i, 2) != 0));
    c->n = r.n;
    return ERR_OK;
}

err schedule_recover(db *d, int64_t now_ms, size_t *ret_n)
{
    assert(d && ret_n);
    AUTO(arena) a = arena_new(0);
    db_rows r;
    TRY(db_rows_of(d, a, "SELECT id FROM job_run WHERE state = 'RUNNING'", DB_NO_ARGS, &r));
    for (size_t i = 0; i < r.n; i++) {
        /* Before the row changes: a kill in between only repeats it. */
        int64_t closed;
        str run_id = str_fmt(a, "%lld", (long long)db_cell_i(&r, i, 0));
        TRY(tracking_close_runs(d, STR("tidemill.jobRun"), run_id, "KILLED", now_ms, &closed));
    }
    recovery c = {.a = a, .now_ms = now_ms};
    if (r.n) TRY(db_write(d, recover_tx, &c));
    *ret_n = c.n;
    return ERR_OK;
}
