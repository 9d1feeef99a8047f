#include "jobs/jobs.h"

#include <assert.h>

#include "base/digest.h"
#include "jobs/jobs_int.h"

/* The journal: what is queued, runs and has ended. Every change of a state is one transaction. */

static const char *const steps[] = {
    "CREATE TABLE bundle ("
    " name TEXT NOT NULL, target TEXT NOT NULL, snapshot_sha TEXT NOT NULL, applied_ms BIGINT NOT "
    "NULL,"
    " PRIMARY KEY (name, target));"
    "CREATE TABLE bundle_snapshot (sha256 TEXT NOT NULL PRIMARY KEY, json TEXT NOT NULL);"
    "CREATE TABLE job ("
    " bundle TEXT NOT NULL, target TEXT NOT NULL, name TEXT NOT NULL, position BIGINT NOT NULL,"
    " cron TEXT NOT NULL, timezone TEXT NOT NULL, paused BIGINT NOT NULL, max_concurrent BIGINT "
    "NOT NULL,"
    " task_keys TEXT NOT NULL, snapshot_sha TEXT NOT NULL, next_fire_ms BIGINT NOT NULL,"
    " PRIMARY KEY (bundle, target, name));"
    "CREATE TABLE job_run ("
    " id BIGINT NOT NULL PRIMARY KEY, bundle TEXT NOT NULL, target TEXT NOT NULL, job TEXT NOT "
    "NULL,"
    " started_by TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT NOT NULL, attempt BIGINT NOT "
    "NULL,"
    " fire_ms BIGINT, at_ms BIGINT NOT NULL, created_ms BIGINT NOT NULL, started_ms BIGINT NOT "
    "NULL,"
    " ended_ms BIGINT NOT NULL, exit_code BIGINT NOT NULL, snapshot_sha TEXT NOT NULL,"
    " only_task TEXT NOT NULL, params TEXT NOT NULL, cancel BIGINT NOT NULL,"
    " max_concurrent BIGINT NOT NULL, UNIQUE (bundle, target, job, fire_ms));"
    "CREATE INDEX job_run_by_state ON job_run (state, id);"
    "CREATE INDEX job_run_by_job ON job_run (job, id);"
    "CREATE TABLE task_run ("
    " run BIGINT NOT NULL REFERENCES job_run (id), task TEXT NOT NULL, position BIGINT NOT NULL,"
    " state TEXT NOT NULL, message TEXT NOT NULL, values_json TEXT NOT NULL, attempt BIGINT NOT "
    "NULL,"
    " started_ms BIGINT NOT NULL, ended_ms BIGINT NOT NULL, exit_code BIGINT NOT NULL,"
    " PRIMARY KEY (run, task));",
};
const db_migration jobs_migration = {"jobs", steps, countof(steps)};

bool job_state_ended(str state)
{
    return str_is(state, "SUCCEEDED") || str_is(state, "FAILED") || str_is(state, "CANCELLED");
}

str journal_sha(arena *a, str snapshot)
{
    char hex[SHA256_HEX + 1];
    sha256_hex_of(snapshot, hex);
    return str_dup(a, str_of(hex));
}

str journal_task_keys(arena *a, const bundle_job *job, str only_task)
{
    buf b;
    buf_init(&b, 64 << 10); /* BUNDLE_TASKS_MAX names of at most 128 bytes */
    for (size_t i = 0; i < job->n_tasks; i++)
        if (!only_task.n || str_eq(only_task, job->tasks[i].key))
            buf_fmt(&b, "%.*s\n", STR_ARG(job->tasks[i].key));
    str s = str_dup(a, buf_str(&b));
    buf_done(&b);
    return s;
}

err journal_keep(db_tx *tx, str sha, str snapshot)
{
    return tx_exec(
        tx,
        "INSERT INTO bundle_snapshot (sha256, json) VALUES (?, ?) ON CONFLICT (sha256) DO NOTHING",
        DB_ARGS(db_text(sha), db_text(snapshot)), NULL);
}

static err insert_tasks(db_tx *tx, int64_t run_id, str keys)
{
    str key, rest = keys;
    for (int64_t position = 0; rest.n; position++) {
        str_cut(rest, '\n', &key, &rest);
        TRY(tx_exec(
            tx,
            "INSERT INTO task_run (run, task, position, state, message, values_json, attempt,"
            " started_ms, ended_ms, exit_code) VALUES (?, ?, ?, 'PENDING', '', '', 0, 0, 0, 0)",
            DB_ARGS(db_int(run_id), db_text(key), db_int(position)), NULL));
    }
    return ERR_OK;
}

err journal_insert(db_tx *tx, arena *a, const new_run *n, int64_t *ret)
{
    db_rows rows;
    int64_t changed;
    TRY(tx_rows(tx, a, "SELECT COALESCE(MAX(id), 0) + 1 FROM job_run", DB_NO_ARGS, &rows));
    int64_t id = db_cell_i(&rows, 0, 0);
    TRY(tx_exec(
        tx,
        "INSERT INTO job_run (id, bundle, target, job, started_by, state, outcome, attempt, "
        "fire_ms,"
        " at_ms, created_ms, started_ms, ended_ms, exit_code, snapshot_sha, only_task, params,"
        " cancel, max_concurrent)"
        " VALUES (?, ?, ?, ?, ?, 'QUEUED', '', 0, ?, ?, ?, 0, 0, 0, ?, ?, ?, 0, ?)"
        " ON CONFLICT (bundle, target, job, fire_ms) DO NOTHING",
        DB_ARGS(db_int(id), db_text(n->bundle), db_text(n->target), db_text(n->job),
                db_text(n->trigger), n->fire_ms ? db_int(n->fire_ms) : db_null(), db_int(n->at_ms),
                db_int(n->now_ms), db_text(n->snapshot_sha), db_text(n->only_task),
                db_text(n->params_json), db_int(n->max_concurrent)),
        &changed));
    *ret = 0;
    if (!changed) return ERR_OK;
    TRY(insert_tasks(tx, id, n->task_keys));
    *ret = id;
    return ERR_OK;
}

/* --- submitting */

err jobs_param(arena *a, const char *text, task_param *ret)
{
    assert(a && text && ret);
    str left, value, task, key;
    if (!str_cut(str_of(text), '=', &left, &value) || !str_cut(left, '.', &task, &key) || !task.n ||
        !key.n)
        return err_set(ERR_INVALID, "--param \"%s\": want task.parameter=value", text);
    *ret = (task_param){str_dup(a, task), str_dup(a, key), str_dup(a, value)};
    return ERR_OK;
}

static err no_such_job(arena *a, const bundle *b, str name)
{
    const char **names = arena_array(a, const char *, b->n_jobs + 1);
    for (size_t i = 0; i < b->n_jobs; i++)
        names[i] = str_c(a, b->jobs[i].name);
    const char *near = str_nearest(name, names, b->n_jobs);
    return err_set(ERR_MISSING, "job %.*s: bundle %.*s has no such job%s%s%s", STR_ARG(name),
                   STR_ARG(b->name), near ? ", did you mean \"" : "", near ? near : "",
                   near ? "\"?" : "");
}

static err check_task(arena *a, const bundle_job *job, str name)
{
    const char **names = arena_array(a, const char *, job->n_tasks + 1);
    for (size_t i = 0; i < job->n_tasks; i++) {
        if (str_eq(job->tasks[i].key, name)) return ERR_OK;
        names[i] = str_c(a, job->tasks[i].key);
    }
    const char *near = str_nearest(name, names, job->n_tasks);
    return err_set(ERR_MISSING, "task %.*s: job %.*s has no such task%s%s%s", STR_ARG(name),
                   STR_ARG(job->name), near ? ", did you mean \"" : "", near ? near : "",
                   near ? "\"?" : "");
}

static err params_json(arena *a, const bundle_job *job, const job_submit *o, str *ret)
{
    buf out;
    jw w;
    if (o->n_params > JOB_PARAMS_MAX)
        return err_set(ERR_LIMIT, "job %.*s: %zu parameters, want at most %d", STR_ARG(job->name),
                       o->n_params, JOB_PARAMS_MAX);
    for (size_t i = 0; i < o->n_params; i++)
        TRY(task_param_check(a, o->b, job, &o->params[i]));
    buf_init(&out, 1 << 20);
    jw_init(&w, &out, false);
    jw_arr(&w);
    for (size_t i = 0; i < o->n_params; i++) {
        jw_obj(&w);
        jw_kstr(&w, "task", o->params[i].task);
        jw_kstr(&w, "key", o->params[i].key);
        jw_kstr(&w, "value", o->params[i].value);
        jw_obj_end(&w);
    }
    jw_arr_end(&w);
    *ret = str_dup(a, buf_str(&out));
    err e = buf_err(&out, "parameters of the run");
    buf_done(&out);
    return e;
}

typedef struct submission {
    arena *a;
    new_run n;
    str snapshot;
    bool alone;
    int64_t id;
} submission;

static err submit_tx(db_tx *tx, void *arg)
{
    submission *s = arg;
    db_rows rows;
    TRY(tx_rows(tx, s->a,
                "SELECT id, state FROM job_run WHERE bundle = ? AND target = ? AND job = ?"
                " AND state IN ('QUEUED', 'RUNNING') ORDER BY id",
                DB_ARGS(db_text(s->n.bundle), db_text(s->n.target), db_text(s->n.job)), &rows));
    if (!s->alone && (int64_t)rows.n >= s->n.max_concurrent)
        return err_set(
            ERR_BUSY,
            "job %.*s: run %lld is %.*s, and max_concurrent_runs is %lld: wait for it, or "
            "`tidemill jobs cancel %lld`",
            STR_ARG(s->n.job), (long long)db_cell_i(&rows, 0, 0), STR_ARG(db_cell_s(&rows, 0, 1)),
            (long long)s->n.max_concurrent, (long long)db_cell_i(&rows, 0, 0));
    TRY(journal_keep(tx, s->n.snapshot_sha, s->snapshot));
    return journal_insert(tx, s->a, &s->n, &s->id);
}

err jobs_submit(home *h, arena *a, const job_submit *o, int64_t *ret_run)
{
    assert(h && a && o && o->b && ret_run && (o->params || !o->n_params));
    const bundle_job *job = bundle_find_job(o->b, o->job);
    if (!job) return no_such_job(a, o->b, o->job);
    if (o->only_task.n) TRY(check_task(a, job, o->only_task));
    submission s = {.a = a, .snapshot = o->b->snapshot, .alone = o->alone};
    s.n = (new_run){.bundle = o->b->name,
                    .target = o->b->target,
                    .job = job->name,
                    .trigger = STR("manual"),
                    .snapshot_sha = journal_sha(a, o->b->snapshot),
                    .only_task = o->only_task,
                    .task_keys = journal_task_keys(a, job, o->only_task),
                    .at_ms = o->at_ms ? o->at_ms : o->now_ms,
                    .now_ms = o->now_ms,
                    .max_concurrent = job->max_concurrent_runs};
    TRY(params_json(a, job, o, &s.n.params_json));
    TRY(db_write(home_db(h), submit_tx, &s));
    *ret_run = s.id;
    return db_notify(home_db(h), "jobs");
}

/* --- cancelling */

typedef struct cancellation {
    arena *a;
    int64_t run, now_ms;
} cancellation;

static err cancel_tx(db_tx *tx, void *arg)
{
    const cancellation *c = arg;
    db_rows rows;
    TRY(tx_rows(tx, c->a, "SELECT state FROM job_run WHERE id = ?", DB_ARGS(db_int(c->run)),
                &rows));
    if (!rows.n)
        return err_set(ERR_MISSING, "job run %lld: there is no such run", (long long)c->run);
    str state = db_cell_s(&rows, 0, 0);
    if (str_is(state, "RUNNING"))
        return tx_exec(tx, "UPDATE job_run SET cancel = 1 WHERE id = ?", DB_ARGS(db_int(c->run)),
                       NULL);
    if (!str_is(state, "QUEUED"))
        return err_set(ERR_CONFLICT, "job run %lld: it has ended: %.*s", (long long)c->run,
                       STR_ARG(state));
    TRY(tx_exec(tx,
                "UPDATE task_run SET state = 'CANCELLED', message = 'cancelled' WHERE run = ? AND "
                "state = 'PENDING'",
                DB_ARGS(db_int(c->run)), NULL));
    return tx_exec(
        tx,
        "UPDATE job_run SET state = 'CANCELLED', outcome = 'cancelled before it started',"
        " exit_code = 130, cancel = 1, ended_ms = ? WHERE id = ?",
        DB_ARGS(db_int(c->now_ms), db_int(c->run)), NULL);
}

err jobs_cancel(home *h, int64_t run_id)
{
    assert(h);
    AUTO(arena) a = arena_new(0);
    cancellation c = {a, run_id, now_ms()};
    TRY(db_write(home_db(h), cancel_tx, &c));
    return db_notify(home_db(h), "jobs");
}
