#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"
#include "jobs/jobs_int.h"

/* One run from QUEUED to its end: its tasks in order, each a child of this process. */

enum {
    LOOK_MS = 200,
    GRACE_MS = 5000,
    BACKOFF_MAX_MS = 30000,
    WARN_EVERY = 20,
    WRITE_WAIT_MS = 500
};

typedef enum verdict {
    TASK_OK,
    TASK_FAILED,
    TASK_CANCELLED, /* somebody asked for the run's end */
    TASK_LEFT,      /* the owner stops: all stays RUNNING, the next owner goes on */
} verdict;

typedef struct execution {
    jobs *j;
    arena *a;
    run_work w;
    const bundle_job *job;
    char *state;   /* per task of the job: verdict + 1, 0: not yet (or not part of this run) */
    int exit_code; /* of the first failed task */
    str outcome;
} execution;

/* --- taking one */

typedef struct taking {
    arena *a;
    int64_t only, now_ms, run;
} taking;

static err take_tx(db_tx *tx, void *arg)
{
    taking *t = arg;
    db_rows r;
    TRY(tx_rows(
        tx, t->a,
        "SELECT q.id FROM job_run q WHERE q.state = 'QUEUED' AND (? = 0 OR q.id = ?)"
        " AND (SELECT COUNT(*) FROM job_run o WHERE o.state = 'RUNNING' AND o.bundle = q.bundle"
        " AND o.target = q.target AND o.job = q.job) < q.max_concurrent ORDER BY q.id LIMIT 1",
        DB_ARGS(db_int(t->only), db_int(t->only)), &r));
    t->run = r.n ? db_cell_i(&r, 0, 0) : 0;
    if (!r.n) return ERR_OK;
    return tx_exec(tx,
                   "UPDATE job_run SET state = 'RUNNING', attempt = attempt + 1,"
                   " started_ms = CASE WHEN started_ms = 0 THEN ? ELSE started_ms END WHERE id = ?",
                   DB_ARGS(db_int(t->now_ms), db_int(t->run)), NULL);
}

static err take(jobs *j, int64_t *ret_run)
{
    AUTO(arena) a = arena_new(0);
    db_rows r;
    *ret_run = 0;
    TRY(db_rows_of(home_db(j->h), a, "SELECT 1 FROM job_run WHERE state = 'QUEUED' LIMIT 1",
                   DB_NO_ARGS, &r));
    if (!r.n) return ERR_OK;
    taking t = {.a = a, .only = j->o.only_run, .now_ms = clk_now_ms(j->o.clock)};
    TRY(db_write(home_db(j->h), take_tx, &t));
    *ret_run = t.run;
    return ERR_OK;
}

/* --- writing what happened. The disk may be full for a while: what ended must be said, so this
 * tries until it is said or the owner stops (then the next one finds the run RUNNING). */

static err write_row(execution *x, const char *sql, const db_val *args, size_t n_args)
{
    for (int tries = 0;; tries++) {
        err e = db_exec(home_db(x->j->h), sql, args, n_args, NULL);
        if ((e != ERR_IO && e != ERR_BUSY) || atomic_load(&x->j->stopping)) return e;
        if (tries % WARN_EVERY == 0)
            log_warn("jobs", "run=%lld: %s: trying again", (long long)x->w.r.id, err_message());
        sleep_ms(WRITE_WAIT_MS);
    }
}

static int64_t now(const execution *x)
{
    return clk_now_ms(x->j->o.clock);
}

static err task_state(execution *x, str key, const char *state, str message, int exit_code)
{
    return write_row(x,
                     "UPDATE task_run SET state = ?, message = ?, exit_code = ?, ended_ms = ? "
                     "WHERE run = ? AND task = ?",
                     DB_ARGS(db_ctext(state), db_text(message), db_int(exit_code), db_int(now(x)),
                             db_int(x->w.r.id), db_text(key)));
}

static err task_started(execution *x, str key, int64_t attempt)
{
    return write_row(
        x,
        "UPDATE task_run SET state = 'RUNNING', attempt = ?, message = '', values_json = '',"
        " exit_code = 0, started_ms = ?, ended_ms = 0 WHERE run = ? AND task = ?",
        DB_ARGS(db_int(attempt), db_int(now(x)), db_int(x->w.r.id), db_text(key)));
}

static err read_task(execution *x, str key, task_record *ret)
{
    run_record r;
    TRY(jobs_run_get(home_db(x->j->h), x->a, x->w.r.id, &r));
    for (size_t i = 0; i < r.n_tasks; i++)
        if (str_eq(r.tasks[i].key, key)) {
            *ret = r.tasks[i];
            return ERR_OK;
        }
    return err_set(ERR_INTERNAL, "job run %lld: task %.*s is gone", (long long)r.id, STR_ARG(key));
}

/* --- a child */

static err open_log(execution *x, str key, int64_t attempt, int *ret_fd)
{
    const char *path =
        path_join(x->a, home_dir(x->j->h), job_log_path(x->a, x->w.r.id, key, attempt));
    const char *dir = str_c(x->a, (str){path, (size_t)(strrchr(path, '/') - path)});
    TRY(dir_make(dir));
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return err_sys(ERR_IO, "job log %s", path);
    *ret_fd = fd;
    return ERR_OK;
}

static err spawn(execution *x, const bundle_task *t, int64_t attempt, pid_t *ret_pid)
{
    arena *a = x->a;
    int log_fd;
    const char *program = x->j->o.program ? x->j->o.program : proc_self();
    const char *argv[] = {
        program,           "task",           "--home",
        home_dir(x->j->h), "--run",          cstr_fmt(a, "%lld", (long long)x->w.r.id),
        "--task",          str_c(a, t->key), NULL};
    const char *env[] = {
        cstr_fmt(a, "TIDEMILL_TOKEN=%s", home_token(x->j->h, a, x->w.r.id, x->w.r.attempt)), NULL};
    TRY(open_log(x, t->key, attempt, &log_fd));
    proc_options o = {.argv = argv,
                      .env_add = env,
                      .out_fd = log_fd,
                      .err_fd = log_fd,
                      .memory_max = t->memory_max,
                      .new_group = true};
    err e = proc_start(&o, ret_pid);
    close(log_fd);
    return e;
}

static bool cancel_asked(execution *x)
{
    AUTO(arena) a = arena_new(0);
    db_rows r;
    if (db_rows_of(home_db(x->j->h), a, "SELECT cancel FROM job_run WHERE id = ?",
                   DB_ARGS(db_int(x->w.r.id)), &r))
        return false;
    return r.n && db_cell_i(&r, 0, 0) != 0;
}

/* Waits for the child; *ret_status is its exit code, *ret_why is set when we ended it. */
static verdict wait_child(execution *x, const bundle_task *t, pid_t pid, int *ret_status,
                          str *ret_why)
{
    int64_t start_us = mono_us();
    uint64_t seen = bell_count() - 1; /* whatever was said before it started counts too */
    bool done = false;
    while (!done) {
        verdict v = TASK_OK;
        uint64_t count = bell_count();
        if (t->timeout_ms && mono_us() - start_us > t->timeout_ms * 1000) {
            *ret_why = str_fmt(x->a, "stopped: it took longer than timeout_seconds: %lld",
                               (long long)t->timeout_ms / 1000);
            v = TASK_FAILED;
        } else if (count != seen && cancel_asked(x)) {
            v = TASK_CANCELLED;
        } else if (atomic_load(&x->j->stopping)) {
            v = TASK_LEFT;
        }
        seen = count;
        if (v) {
            proc_stop(pid, GRACE_MS);
            *ret_status = 128 + SIGTERM;
            return v;
        }
        if (proc_wait(pid, LOOK_MS, &done, ret_status)) {
            *ret_why = str_dup(x->a, str_of(err_message()));
            return TASK_FAILED;
        }
    }
    return *ret_status ? TASK_FAILED : TASK_OK;
}

static str say_status(arena *a, int status)
{
    if (status > 128)
        return str_fmt(a, "its process was killed by signal %d (%s)", status - 128,
                       strsignal(status - 128));
    return str_fmt(a, "its process ended with exit code %d and did not say why", status);
}

/* What the child left behind: its own word counts when it came to say one. */
static err settle(execution *x, const bundle_task *t, verdict *v, int status, str why)
{
    task_record r;
    TRY(read_task(x, t->key, &r));
    if (str_is(r.state, "SUCCEEDED")) {
        *v = TASK_OK;
        return ERR_OK;
    }
    if (str_is(r.state, "FAILED")) {
        if (*v == TASK_OK) *v = TASK_FAILED;
        return ERR_OK;
    }
    int64_t closed;
    TRY(tracking_close_runs(home_db(x->j->h), STR("tidemill.jobRun"),
                            str_fmt(x->a, "%lld", (long long)x->w.r.id), "KILLED", now(x),
                            &closed));
    if (*v == TASK_CANCELLED) return task_state(x, t->key, "CANCELLED", STR("cancelled"), 130);
    *v = TASK_FAILED;
    return task_state(x, t->key, "FAILED", why.n ? why : say_status(x->a, status),
                      status ? status : 1);
}

static err try_task(execution *x, const bundle_task *t, verdict *ret)
{
    task_record r;
    pid_t pid;
    int status = 0;
    str why = STR("");
    TRY(read_task(x, t->key, &r));
    TRY(task_started(x, t->key, r.attempt + 1));
    if (spawn(x, t, r.attempt + 1, &pid)) {
        *ret = TASK_FAILED;
        return task_state(x, t->key, "FAILED", str_dup(x->a, str_of(err_message())), 1);
    }
    *ret = wait_child(x, t, pid, &status, &why);
    return *ret == TASK_LEFT ? ERR_OK : settle(x, t, ret, status, why);
}

/* --- a task, with its retries */

/* A failed gate is an answer and not an accident: trying again would give the same one. */
static bool worth_a_retry(int exit_code)
{
    return exit_code != err_exit(ERR_GATE) && exit_code != err_exit(ERR_CANCELLED);
}

static bool wait_to_retry(execution *x, int retry)
{
    int64_t ms = 500LL << (retry < 6 ? retry : 6),
            until = mono_us() / 1000 + (ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS);
    for (int64_t left = ms; left > 0; left = until - mono_us() / 1000) {
        if (atomic_load(&x->j->stopping) || cancel_asked(x)) return false;
        bell_wait(bell_count(), left < LOOK_MS ? left : LOOK_MS);
    }
    return true;
}

static err run_task(execution *x, const bundle_task *t, verdict *ret)
{
    task_record r = {0};
    for (int retry = 0;; retry++) {
        TRY(try_task(x, t, ret));
        if (*ret == TASK_LEFT) return ERR_OK;
        TRY(read_task(x, t->key, &r));
        log_info("jobs", "task ended run=%lld task=%.*s attempt=%lld state=%.*s exit=%d",
                 (long long)x->w.r.id, STR_ARG(t->key), (long long)r.attempt, STR_ARG(r.state),
                 r.exit_code);
        if (*ret != TASK_FAILED || retry >= t->max_retries || !worth_a_retry(r.exit_code)) break;
        if (!wait_to_retry(x, retry)) {
            *ret = atomic_load(&x->j->stopping) ? TASK_LEFT : TASK_CANCELLED;
            return ERR_OK;
        }
    }
    if (*ret == TASK_OK && !x->exit_code) x->outcome = r.message;
    if (*ret == TASK_FAILED && !x->exit_code) {
        x->exit_code = r.exit_code;
        x->outcome = str_fmt(x->a, "%.*s: %.*s", STR_ARG(t->key), STR_ARG(r.message));
    }
    return ERR_OK;
}

/* --- the run */

static const task_record *record_of(const execution *x, str key)
{
    for (size_t i = 0; i < x->w.r.n_tasks; i++)
        if (str_eq(x->w.r.tasks[i].key, key)) return &x->w.r.tasks[i];
    return NULL;
}

/* The task that stands in the way of task i, or NULL. */
static const bundle_task *missing_before(const execution *x, size_t i)
{
    const bundle_task *t = &x->job->tasks[i];
    for (size_t k = 0; !x->w.only_task.n && k < t->n_depends_on; k++)
        if (x->state[t->depends_on[k]] != TASK_OK + 1) return &x->job->tasks[t->depends_on[k]];
    return NULL;
}

static err one_task(execution *x, size_t i, verdict *ret)
{
    const bundle_task *t = &x->job->tasks[i];
    const task_record *r = record_of(x, t->key);
    *ret = TASK_OK;
    if (!r) return ERR_OK;
    const bundle_task *missing = missing_before(x, i);
    if (str_is(r->state, "SUCCEEDED")) {
        x->outcome = r->message;
    } else if (missing) {
        x->state[i] = TASK_FAILED + 1;
        return task_state(x, t->key, "SKIPPED",
                          str_fmt(x->a, "%.*s did not succeed", STR_ARG(missing->key)), 0);
    } else {
        TRY(run_task(x, t, ret));
    }
    x->state[i] = (char)(*ret + 1);
    return ERR_OK;
}

static err finish(execution *x, verdict v)
{
    bool cancelled = v == TASK_CANCELLED;
    const char *state = cancelled ? "CANCELLED" : x->exit_code ? "FAILED" : "SUCCEEDED";
    int exit_code = cancelled ? err_exit(ERR_CANCELLED) : x->exit_code;
    str outcome = cancelled ? STR("cancelled") : x->outcome;
    if (cancelled)
        TRY(write_row(x,
                      "UPDATE task_run SET state = 'CANCELLED', message = 'cancelled' WHERE run = "
                      "? AND state = 'PENDING'",
                      DB_ARGS(db_int(x->w.r.id))));
    TRY(write_row(x,
                  "UPDATE job_run SET state = ?, outcome = ?, exit_code = ?, ended_ms = ? WHERE id "
                  "= ? AND state = 'RUNNING' AND attempt = ?",
                  DB_ARGS(db_ctext(state), db_text(outcome), db_int(exit_code), db_int(now(x)),
                          db_int(x->w.r.id), db_int(x->w.r.attempt))));
    log_info("jobs", "run ended run=%lld job=%.*s state=%s exit=%d", (long long)x->w.r.id,
             STR_ARG(x->w.r.job), state, exit_code);
    return ERR_OK;
}

static err run_tasks(execution *x)
{
    bundle *b;
    verdict v = TASK_OK;
    TRY(bundle_from_snapshot(x->a, x->w.snapshot, &b));
    x->job = bundle_find_job(b, x->w.r.job);
    if (!x->job)
        return err_set(ERR_MISSING, "its bundle has no job %.*s any more", STR_ARG(x->w.r.job));
    x->state = arena_array(x->a, char, x->job->n_tasks + 1);
    for (size_t i = 0; i < x->job->n_tasks && v != TASK_CANCELLED; i++) {
        if (cancel_asked(x)) {
            v = TASK_CANCELLED;
            break;
        }
        TRY(one_task(x, i, &v));
        if (v == TASK_LEFT) return ERR_OK;
    }
    return finish(x, v);
}

bool execute_next(jobs *j)
{
    assert(j);
    int64_t id;
    if (take(j, &id)) {
        log_error("jobs", "queue: %s", err_message());
        return false;
    }
    if (!id) return false;
    AUTO(arena) a = arena_new(0);
    execution x = {.j = j, .a = a, .outcome = STR("")};
    err e = journal_work(home_db(j->h), a, id, &x.w);
    if (!e) {
        log_info("jobs", "run started run=%lld job=%.*s by=%.*s attempt=%lld", (long long)id,
                 STR_ARG(x.w.r.job), STR_ARG(x.w.r.trigger), (long long)x.w.r.attempt);
        e = run_tasks(&x);
    }
    if (e && !atomic_load(&j->stopping)) {
        log_error("jobs", "run=%lld: %s", (long long)id, err_message());
        x.outcome = str_dup(a, str_of(err_message()));
        x.exit_code = err_exit(e);
        if (x.w.r.id && finish(&x, TASK_FAILED))
            log_error("jobs", "run=%lld: %s", (long long)id, err_message());
    }
    bell_ring(); /* another run of this job may have waited for it */
    return true;
}
