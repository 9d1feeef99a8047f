/* jobs: job runs: journaled before they start, executed as child processes, fenced, recovered.
 *
 *   QUEUED --(owner takes it: attempt + 1)--> RUNNING --> SUCCEEDED | FAILED | CANCELLED
 *      ^                                        |
 *      +---- owner died; the next owner's jobs_recover (at most JOB_ATTEMPTS_MAX)
 *
 * A scheduled firing is one row, unique by (bundle, target, job, fire time), written in the same
 * transaction that moves the job's next fire time: a kill between any two instructions neither
 * loses nor doubles it. Firings missed while no server ran are made up for by one run, for the
 * latest of them. A firing while max_concurrent_runs runs of its job are under way waits as QUEUED;
 * behind JOB_QUEUE_MAX waiting ones it is recorded as CANCELLED. Within a run a task that SUCCEEDED
 * is not run again. A task is `tidemill task …`, a child of the owner with a fencing token; its
 * effects are idempotent (Delta txn, `once` keys). Thread-safe. */
#ifndef TIDEMILL_JOBS_JOBS_H
#define TIDEMILL_JOBS_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "home/home.h"
#include "jobs/bundle.h"

enum { JOB_ATTEMPTS_MAX = 20, JOB_QUEUE_MAX = 100, JOB_PARAMS_MAX = 100 };

extern const db_migration jobs_migration;

/* One parameter of a task that a run overrides: "batch_predict.source=airport_trips". */
typedef struct task_param {
    str task, key, value;
} task_param;
MUST_CHECK err jobs_param(arena *a, const char *text,
                          task_param *ret); /* ERR_INVALID: not task.key=value */

typedef struct job_submit {
    const bundle *b;
    str job;
    str only_task; /* "" : the whole graph. Alone, a task takes the values of the newest succeeded
                      run of the tasks it depends on */
    int64_t at_ms; /* the job's time; 0: now */
    int64_t now_ms;
    const task_param *params; /* which there are: task_params in jobs/tasks.c */
    size_t n_params;
    bool alone; /* nobody executes runs on this home now: those that a dead owner left behind do not
                   count */
} job_submit;
/* jobs_submit journals a run as QUEUED, from any process, and tells the owner. ERR_MISSING: no such
 * job or task (did-you-mean); ERR_INVALID: a parameter that its task does not have, or a value that
 * it does not take; ERR_BUSY over max_concurrent_runs. */
MUST_CHECK err jobs_submit(home *h, arena *a, const job_submit *o, int64_t *ret_run);
MUST_CHECK err jobs_cancel(home *h, int64_t run); /* ERR_CONFLICT when it has ended */

/* --- the owner's side */
typedef struct jobs jobs;
typedef struct jobs_options {
    const clk *clock;
    int parallel;     /* runs at a time; 0: 2 */
    bool schedule;    /* fire schedules (the server does, a command does not) */
    int64_t only_run; /* 0: everything queued; else execute just that run (a command that owns the
                         home) */
    const char *program; /* what runs a task; NULL: this program */
} jobs_options;
/* jobs_start recovers, then starts its threads; sets home's fence and notify hook, so it is called
 * once for an opened home. */
MUST_CHECK err jobs_start(home *h, const jobs_options *o, jobs **ret);
void jobs_poke(jobs *j); /* something was queued or cancelled */
void jobs_stop(jobs *j); /* stops its children (SIGTERM, then SIGKILL after 5 s; their runs stay
                            RUNNING and are recovered by the next owner), joins. NULL is a no-op */

/* jobs_follow copies the output of the run's tasks to out_fd as it grows, until the run ends;
 * *cancel (may change from a signal handler) asks for its end once. *ret_exit: the run's exit code
 * (0, 1, 3, 130, …). */
MUST_CHECK err jobs_follow(home *h, int64_t run, int out_fd, const volatile int *cancel,
                           int *ret_exit);

/* --- in the child */
typedef struct task_args {
    const char *home_dir, *token;
    int64_t run;
    const char *task;
} task_args;
/* task_main is the whole of `tidemill task`: opens the home as a guest, reads the run's snapshot,
 * calls the room's function, writes the task's values and end. Returns the exit code. */
int task_main(const task_args *o);

/* --- reading */
typedef struct task_record {
    str key, state, message,
        values_json; /* state: PENDING RUNNING SUCCEEDED FAILED SKIPPED CANCELLED */
    str log_path;    /* of the last attempt, relative to the home; "" before the first */
    int64_t attempt, started_ms, ended_ms;
    int exit_code;
} task_record;
typedef struct run_record {
    int64_t id, fire_ms, at_ms, attempt, created_ms, started_ms, ended_ms;
    str bundle, target, job, trigger, state,
        outcome; /* trigger: manual, schedule; outcome: readable end ("promoted version 2", "not
                    promoted: …", error) */
    int exit_code;
    const task_record *tasks;
    size_t n_tasks;
} run_record;
typedef struct job_record {
    str bundle, target, name, cron, timezone;
    bool paused;
    int64_t next_fire_ms; /* 0: none */
    str last_state;
    int64_t last_run;
} job_record;
MUST_CHECK err jobs_list(db *d, arena *a, job_record **ret, size_t *ret_n);
MUST_CHECK err jobs_runs(db *d, arena *a, str job, size_t max, run_record **ret,
                         size_t *ret_n); /* newest first; job "": all */
MUST_CHECK err jobs_run_get(db *d, arena *a, int64_t run, run_record *ret);

/* job_run_json writes one run with its tasks as an object: what the command prints and what the
 * HTTP interface answers. */
void job_run_json(jw *w, const run_record *r);

#endif
