/* jobs/bundle: a project folder with its tidemill.yaml, read, checked and made into the specs that
 * the rooms below take.
 *
 * Shape and rules: docs/bundle.md; JSON Schema: docs/tidemill.schema.json (both say the same as the
 * table in jobs/bundle_keys.c). Unknown keys, wrong types, unknown references and cycles are errors
 * with file:line:column. `${var.x}`,
 * `${bundle.name}`, `${bundle.target}` are replaced in every scalar. Immutable after loading;
 * everything lives in the arena given. */
#ifndef TIDEMILL_JOBS_BUNDLE_H
#define TIDEMILL_JOBS_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "evaluate/evaluate.h"
#include "expectations/expectations.h"
#include "features/features.h"
#include "monitor/monitor.h"
#include "serving/serving.h"
#include "table/duck.h"
#include "train/train.h"

enum { BUNDLE_FILES_MAX = 100, BUNDLE_TASKS_MAX = 100, BUNDLE_JOBS_MAX = 1000 };

typedef struct bundle_features {
    str name, source; /* source or "" when checks name it */
    suite checks;     /* run before; n = 0: none */
    feature_spec spec;
} bundle_features;

typedef struct bundle_training {
    str name;
    const bundle_features *features;
    train_spec spec; /* without sources, at_ms, job_run: filled when run */
} bundle_training;

typedef struct bundle_endpoint {
    str key, name, registered_model, workload_size;
    bool scale_to_zero;
} bundle_endpoint;

typedef struct bundle_batch {
    str name, model_uri, source, label; /* source "": the feature table of features */
    const bundle_features *features;    /* NULL: the source has the model's inputs */
    str predictions_table;
} bundle_batch;

typedef struct bundle_monitor {
    str name;
    monitor_spec spec; /* without at_ms, job_run */
} bundle_monitor;

typedef enum task_kind {
    TASK_TRAIN,
    TASK_VALIDATE,
    TASK_DEPLOY,
    TASK_BATCH_PREDICT,
    TASK_MONITOR_DRIFT,
    TASK_N
} task_kind;

typedef struct bundle_task {
    str key;
    task_kind kind;
    const size_t *depends_on; /* positions in the job's tasks */
    size_t n_depends_on;
    const bundle_training *training; /* train, validate */
    const gate_spec *gates;          /* validate */
    size_t n_gates;
    const bundle_endpoint *endpoint; /* deploy */
    const bundle_batch *batch;       /* batch_predict */
    const bundle_monitor *monitor;   /* monitor_drift */
    int64_t timeout_ms;              /* 0: none */
    int max_retries;
    uint64_t memory_max; /* 0: none */
} bundle_task;

typedef struct bundle_job {
    str name, description;
    const bundle_task *tasks; /* in an order that respects depends_on */
    size_t n_tasks;
    str cron, timezone; /* cron "": only by hand */
    bool paused;
    int max_concurrent_runs;
} bundle_job;

typedef struct bundle {
    str name, target, dir; /* dir: absolute, paths are relative to it */
    const source_spec *sources;
    size_t n_sources;
    const bundle_features *features;
    size_t n_features;
    const bundle_training *trainings;
    size_t n_trainings;
    const bundle_endpoint *endpoints;
    size_t n_endpoints;
    const bundle_batch *batches;
    size_t n_batches;
    const bundle_monitor *monitors;
    size_t n_monitors;
    const bundle_job *jobs;
    size_t n_jobs;
    bool development; /* the target's mode: schedules are paused unless they say otherwise */
    str snapshot;     /* the merged, substituted tree as canonical JSON with dir and target:
                         bundle_from_snapshot reads it back */
} bundle;

typedef struct bundle_var {
    str name, value;
} bundle_var;

/* bundle_vars parses the values of --var: "a=1,b=2" or "a=1"; a value may be quoted ("a='x,y'").
 * Twice the same name: the last wins. ERR_INVALID. */
MUST_CHECK err bundle_vars(arena *a, const char *const *texts, size_t n, bundle_var **ret,
                           size_t *ret_n);
/* bundle_load: path is a tidemill.yaml or its folder; target "": the one marked default, or the
 * only one. */
MUST_CHECK err bundle_load(arena *a, const char *path, str target, const bundle_var *vars,
                           size_t n_vars, bundle **ret);
MUST_CHECK err bundle_from_snapshot(arena *a, str json, bundle **ret);
const bundle_job *bundle_find_job(const bundle *b, str name);
/* bundle_schema writes the JSON Schema (draft 2020-12) of a bundle: docs/tidemill.schema.json. */
void bundle_schema(buf *out);
/* What apply would do: one line a resource. */
typedef enum change_kind { CHANGE_CREATE, CHANGE_UPDATE, CHANGE_DELETE, CHANGE_NONE } change_kind;
typedef struct bundle_change {
    change_kind kind;
    str type, name; /* "job", "ml_monitoring" */
    str detail;     /* what differs: "schedule: … -> …" */
} bundle_change;
/* bundle_plan compares with what is applied on the home (d NULL, or nothing applied: everything is
 * created). bundle_apply makes it so, in one transaction, and says what it did; repeated, it
 * changes nothing. Owner: a. */
MUST_CHECK err bundle_plan(db *d, arena *a, const bundle *b, bundle_change **ret, size_t *ret_n);
MUST_CHECK err bundle_apply(db *d, arena *a, const bundle *b, int64_t now_ms, bundle_change **ret,
                            size_t *ret_n);

#endif
