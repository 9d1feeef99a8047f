/* jobs, inside: what the journal (jobs.c, records.c), the scheduler, the executor and the child
 * share. */
#ifndef TIDEMILL_JOBS_JOBS_INT_H
#define TIDEMILL_JOBS_JOBS_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/json.h"
#include "base/progress.h"
#include "jobs/jobs.h"

/* --- the bell: rung when something was queued, cancelled, applied or ended. One a process, since a
 * home's hook is set once and may be called until the home is closed, when its engine is long gone.
 */
void bell_ring(void);
uint64_t bell_count(void);
/* bell_wait returns when the bell was rung more often than seen, or after timeout_ms; the count
 * then. */
uint64_t bell_wait(uint64_t seen, int64_t timeout_ms);

/* --- journal */

typedef struct new_run {
    str bundle, target, job, trigger, snapshot_sha, only_task, params_json;
    str task_keys;   /* one a line, in order */
    int64_t fire_ms; /* 0: by hand */
    int64_t at_ms, now_ms, max_concurrent;
} new_run;
/* journal_insert, inside a write transaction: the run and its tasks. *ret 0: that firing is there
 * already. */
MUST_CHECK err journal_insert(db_tx *tx, arena *a, const new_run *n, int64_t *ret);
/* journal_keep stores a snapshot once, under its digest (64 hex digits). */
MUST_CHECK err journal_keep(db_tx *tx, str sha, str snapshot);
str journal_sha(arena *a, str snapshot);
str journal_task_keys(arena *a, const bundle_job *job, str only_task);

/* What executing a run needs beyond its record. */
typedef struct run_work {
    run_record r;
    str snapshot, only_task, params_json;
    bool cancel;
} run_work;
MUST_CHECK err journal_work(db *d, arena *a, int64_t run, run_work *ret);

/* --- scheduler */

/* schedule_fire journals one run for every job that is due at now_ms and moves its next time;
 * *ret_next_ms: the earliest next time of all, 0: none. */
MUST_CHECK err schedule_fire(db *d, int64_t now_ms, size_t *ret_fired, int64_t *ret_next_ms);
/* schedule_recover makes ready what a dead owner left RUNNING. */
MUST_CHECK err schedule_recover(db *d, int64_t now_ms, size_t *ret_n);

/* --- executor */

struct jobs {
    home *h;
    jobs_options o;
    atomic_bool stopping;
    pthread_t *threads; /* the executors, then the scheduler */
    size_t n_threads;
};
/* execute_next takes one queued run and executes it to its end; false: there was none. */
bool execute_next(jobs *j);

/* --- tasks (tasks.c): what a child does */

typedef struct task_call {
    home *h;
    arena *a;
    const bundle *b;
    const bundle_job *job;
    const bundle_task *task;
    int64_t run, at_ms;
    const char *params_json;
    yyjson_val *params; /* array of {task, key, value}, or NULL */
    const progress *p;
} task_call;
/* task_run does the task's work: writes its values (the fields of an object) and a readable line.
 */
MUST_CHECK err task_run(task_call *c, jw *values, str *ret_message);
/* task_param_check: ERR_INVALID unless the task of the job has that parameter and takes the value.
 */
MUST_CHECK err task_param_check(arena *a, const bundle *b, const bundle_job *job,
                                const task_param *p);
/* task_values: of a task that this one depends on: this run's, else the newest that succeeded.
 * ERR_MISSING. */
MUST_CHECK err task_values(task_call *c, str key, yyjson_val **ret);

/* task_end, in the child: how it ended, in one transaction. */
typedef struct task_end_spec {
    int64_t run;
    str key, message, values_json;
    err e;
    int64_t now_ms;
} task_end_spec;
MUST_CHECK err task_end(db *d, const task_end_spec *o);

const char *job_log_path(arena *a, int64_t run, str task,
                         int64_t attempt); /* relative to the home */
bool job_state_ended(str state);

#endif
