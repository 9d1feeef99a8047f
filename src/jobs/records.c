#include <assert.h>

#include "jobs/jobs_int.h"

/* Reading the journal. */

enum { RUNS_MAX = 10000 };

#define RUN_COLUMNS                                                                                \
    "id, bundle, target, job, started_by, state, outcome, attempt, fire_ms, at_ms, created_ms,"    \
    " started_ms, ended_ms, exit_code"
enum { RUN_COLUMNS_N = 14 };

const char *job_log_path(arena *a, int64_t run_id, str task, int64_t attempt)
{
    return cstr_fmt(a, "logs/jobs/%lld/%.*s.%lld.log", (long long)run_id, STR_ARG(task),
                    (long long)attempt);
}

static run_record record_of(const db_rows *r, size_t i)
{
    return (run_record){.id = db_cell_i(r, i, 0),
                        .bundle = db_cell_s(r, i, 1),
                        .target = db_cell_s(r, i, 2),
                        .job = db_cell_s(r, i, 3),
                        .trigger = db_cell_s(r, i, 4),
                        .state = db_cell_s(r, i, 5),
                        .outcome = db_cell_s(r, i, 6),
                        .attempt = db_cell_i(r, i, 7),
                        .fire_ms = db_cell_i(r, i, 8),
                        .at_ms = db_cell_i(r, i, 9),
                        .created_ms = db_cell_i(r, i, 10),
                        .started_ms = db_cell_i(r, i, 11),
                        .ended_ms = db_cell_i(r, i, 12),
                        .exit_code = (int)db_cell_i(r, i, 13)};
}

static err read_tasks(db_tx *tx, arena *a, run_record *rec)
{
    db_rows r;
    TRY(tx_rows(tx, a,
                "SELECT task, state, message, values_json, attempt, started_ms, ended_ms, exit_code"
                " FROM task_run WHERE run = ? ORDER BY position",
                DB_ARGS(db_int(rec->id)), &r));
    task_record *v = arena_array(a, task_record, r.n + 1);
    for (size_t i = 0; i < r.n; i++) {
        v[i] = (task_record){.key = db_cell_s(&r, i, 0),
                             .state = db_cell_s(&r, i, 1),
                             .message = db_cell_s(&r, i, 2),
                             .values_json = db_cell_s(&r, i, 3),
                             .attempt = db_cell_i(&r, i, 4),
                             .started_ms = db_cell_i(&r, i, 5),
                             .ended_ms = db_cell_i(&r, i, 6),
                             .exit_code = (int)db_cell_i(&r, i, 7)};
        if (v[i].attempt) v[i].log_path = str_of(job_log_path(a, rec->id, v[i].key, v[i].attempt));
    }
    rec->tasks = v;
    rec->n_tasks = r.n;
    return ERR_OK;
}

/* --- many */

typedef struct list_query {
    arena *a;
    str job;
    size_t max;
    run_record *v;
    size_t n;
} list_query;

static err runs_tx(db_tx *tx, void *arg)
{
    list_query *q = arg;
    db_rows r;
    TRY(tx_rows(tx, q->a,
                "SELECT " RUN_COLUMNS
                " FROM job_run WHERE (? = '' OR job = ?) ORDER BY id DESC LIMIT ?",
                DB_ARGS(db_text(q->job), db_text(q->job), db_int((int64_t)q->max)), &r));
    q->v = arena_array(q->a, run_record, r.n + 1);
    q->n = r.n;
    for (size_t i = 0; i < r.n; i++) {
        q->v[i] = record_of(&r, i);
        TRY(read_tasks(tx, q->a, &q->v[i]));
    }
    return ERR_OK;
}

err jobs_runs(db *d, arena *a, str job, size_t max, run_record **ret, size_t *ret_n)
{
    assert(d && a && ret && ret_n);
    list_query q = {.a = a, .job = job, .max = max > RUNS_MAX ? RUNS_MAX : max};
    TRY(db_read(d, runs_tx, &q));
    *ret = q.v;
    *ret_n = q.n;
    return ERR_OK;
}

/* --- one, with what executing it needs */

typedef struct work_query {
    arena *a;
    int64_t run;
    run_work w;
} work_query;

static err work_tx(db_tx *tx, void *arg)
{
    work_query *q = arg;
    db_rows r;
    TRY(tx_rows(tx, q->a,
                "SELECT " RUN_COLUMNS ", json, only_task, params, cancel FROM job_run"
                " JOIN bundle_snapshot ON sha256 = snapshot_sha WHERE id = ?",
                DB_ARGS(db_int(q->run)), &r));
    if (!r.n) return err_set(ERR_MISSING, "job run %lld: there is no such run", (long long)q->run);
    q->w = (run_work){.r = record_of(&r, 0),
                      .snapshot = db_cell_s(&r, 0, RUN_COLUMNS_N),
                      .only_task = db_cell_s(&r, 0, RUN_COLUMNS_N + 1),
                      .params_json = db_cell_s(&r, 0, RUN_COLUMNS_N + 2),
                      .cancel = db_cell_i(&r, 0, RUN_COLUMNS_N + 3) != 0};
    return read_tasks(tx, q->a, &q->w.r);
}

err journal_work(db *d, arena *a, int64_t run_id, run_work *ret)
{
    work_query q = {.a = a, .run = run_id};
    TRY(db_read(d, work_tx, &q));
    *ret = q.w;
    return ERR_OK;
}

static err run_tx(db_tx *tx, void *arg)
{
    work_query *q = arg;
    db_rows r;
    TRY(tx_rows(tx, q->a, "SELECT " RUN_COLUMNS " FROM job_run WHERE id = ?",
                DB_ARGS(db_int(q->run)), &r));
    if (!r.n) return err_set(ERR_MISSING, "job run %lld: there is no such run", (long long)q->run);
    q->w.r = record_of(&r, 0);
    return read_tasks(tx, q->a, &q->w.r);
}

err jobs_run_get(db *d, arena *a, int64_t run_id, run_record *ret)
{
    assert(d && a && ret);
    work_query q = {.a = a, .run = run_id};
    TRY(db_read(d, run_tx, &q));
    *ret = q.w.r;
    return ERR_OK;
}

/* --- jobs */

err jobs_list(db *d, arena *a, job_record **ret, size_t *ret_n)
{
    assert(d && a && ret && ret_n);
    db_rows r;
    TRY(db_rows_of(
        d, a,
        "SELECT j.bundle, j.target, j.name, j.cron, j.timezone, j.paused, j.next_fire_ms,"
        " COALESCE(r.state, ''), COALESCE(r.id, 0) FROM job j LEFT JOIN job_run r ON r.id ="
        " (SELECT MAX(id) FROM job_run l WHERE l.bundle = j.bundle AND l.target = j.target"
        " AND l.job = j.name) ORDER BY j.bundle, j.target, j.position",
        DB_NO_ARGS, &r));
    job_record *v = arena_array(a, job_record, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        v[i] = (job_record){.bundle = db_cell_s(&r, i, 0),
                            .target = db_cell_s(&r, i, 1),
                            .name = db_cell_s(&r, i, 2),
                            .cron = db_cell_s(&r, i, 3),
                            .timezone = db_cell_s(&r, i, 4),
                            .paused = db_cell_i(&r, i, 5) != 0,
                            .next_fire_ms = db_cell_i(&r, i, 6),
                            .last_state = db_cell_s(&r, i, 7),
                            .last_run = db_cell_i(&r, i, 8)};
    *ret = v;
    *ret_n = r.n;
    return ERR_OK;
}

static void task_json(jw *w, const task_record *t)
{
    jw_obj(w);
    jw_kstr(w, "key", t->key);
    jw_kstr(w, "state", t->state);
    jw_kstr(w, "message", t->message);
    jw_ki64(w, "attempt", t->attempt);
    jw_ki64(w, "started_ms", t->started_ms);
    jw_ki64(w, "ended_ms", t->ended_ms);
    jw_ki64(w, "exit_code", t->exit_code);
    jw_kstr(w, "log", t->log_path);
    jw_key(w, "values");
    jw_raw(w, t->values_json.n ? t->values_json : STR("{}"));
    jw_obj_end(w);
}

void job_run_json(jw *w, const run_record *r)
{
    jw_obj(w);
    jw_ki64(w, "id", r->id);
    jw_kstr(w, "bundle", r->bundle);
    jw_kstr(w, "target", r->target);
    jw_kstr(w, "job", r->job);
    jw_kstr(w, "trigger", r->trigger);
    jw_kstr(w, "state", r->state);
    jw_kstr(w, "outcome", r->outcome);
    jw_ki64(w, "attempt", r->attempt);
    jw_ki64(w, "fire_ms", r->fire_ms);
    jw_ki64(w, "at_ms", r->at_ms);
    jw_ki64(w, "created_ms", r->created_ms);
    jw_ki64(w, "started_ms", r->started_ms);
    jw_ki64(w, "ended_ms", r->ended_ms);
    jw_ki64(w, "exit_code", r->exit_code);
    jw_key(w, "tasks");
    jw_arr(w);
    for (size_t i = 0; i < r->n_tasks; i++)
        task_json(w, &r->tasks[i]);
    jw_arr_end(w);
    jw_obj_end(w);
}
