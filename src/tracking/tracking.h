/* tracking: experiments, runs, params, metrics, tags, logged models and their artifacts: MLflow's
 * nouns on our own tables.
 *
 * Ids are MLflow's: experiment ids decimal strings ("0" is Default), run ids 32 hex digits, logged
 * model ids "m-" + 32 hex digits. Everything here works in the owner and, through the relay, in a
 * child. Blocks: not for loop threads. Thread-safe as far as the db is. Results: Owner: the arena
 * handed in. Limits are MLflow's (key 250 bytes, param value 6,000, tag value 8,000, batch
 * 1,000/100/100): ERR_INVALID. */
#ifndef TIDEMILL_TRACKING_TRACKING_H
#define TIDEMILL_TRACKING_TRACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "blob/blob.h"
#include "db/db.h"

extern const db_migration tracking_migration;

typedef struct key_value {
    str key, value;
} key_value;

typedef struct metric {
    str key;
    double value; /* NaN allowed; an infinity becomes ±DBL_MAX, as in MLflow */
    int64_t timestamp_ms, step;
} metric;

/* Which model and which dataset a metric is about; each "" where there is none. */
typedef struct metric_subject {
    str model_id, dataset_name, dataset_digest;
} metric_subject;

typedef struct dataset {
    str name, digest, source_type, source; /* <= 500, 36, any and 65,535 characters */
    str schema, profile;                   /* "": none; <= 1,048,575 and 16,777,215 characters */
} dataset;

typedef struct dataset_input {
    dataset dataset;
    const key_value *tags; /* keys <= 255, values <= 500 characters */
    size_t n_tags;
} dataset_input;

typedef struct model_link {
    str model_id;
    int64_t step;
} model_link;

typedef struct experiment {
    str id, name, artifact_location, lifecycle_stage; /* "active", "deleted" */
    int64_t created_ms, updated_ms;
    const key_value *tags;
    size_t n_tags;
} experiment;

typedef struct run {
    str id, name, experiment_id, lifecycle_stage, user_id, artifact_uri;
    str status;                     /* RUNNING SCHEDULED FINISHED FAILED KILLED */
    int64_t start_ms, end_ms;       /* end 0: not ended */
    const metric *metrics;          /* the latest of each key, sorted by key */
    const key_value *params, *tags; /* sorted by key */
    size_t n_metrics, n_params, n_tags;
    const dataset_input *datasets;                  /* by name, digest; their tags by key */
    const model_link *model_inputs, *model_outputs; /* by model id; an input's step is 0 */
    size_t n_datasets, n_model_inputs, n_model_outputs;
} run;

typedef struct model_metric { /* a metric of a logged model */
    metric m;
    str run_id; /* that logged it */
    metric_subject of;
} model_metric;

typedef struct logged_model {
    str id, name, experiment_id, source_run_id, artifact_uri, model_type;
    str status; /* PENDING READY UPLOAD_FAILED; MLflow's wire form puts LOGGED_MODEL_ before it */
    int64_t created_ms, updated_ms;
    const key_value *params, *tags; /* sorted by key */
    size_t n_params, n_tags;
    str status_message;
    const model_metric *metrics; /* by key, step, time */
    size_t n_metrics;
} logged_model;

/* --- experiments */
/* tracking_experiment_ensure finds the experiment of that name (1..500 bytes) or makes it.
 * ERR_CONFLICT: it is deleted. */
MUST_CHECK err tracking_experiment_ensure(db *d, arena *a, str name, str *ret_id);
/* In any lifecycle stage. ERR_MISSING in MLflow's words, ERR_INVALID for an id that is no number.
 */
MUST_CHECK err tracking_experiment_get(db *d, arena *a, str id, experiment *ret);
MUST_CHECK err tracking_experiment_by_name(db *d, arena *a, str name, experiment *ret);
/* The active ones, newest first, at most max (and at most 50,000). */
MUST_CHECK err tracking_experiments(db *d, arena *a, size_t max, experiment **ret, size_t *ret_n);

/* --- runs */
typedef struct run_spec {
    str experiment_id, name; /* name "": tag mlflow.runName, else generated: adjective-noun-number,
                                <= 20 characters */
    str user;
    int64_t start_ms;
    const key_value *tags; /* mlflow.parentRunId makes it a child */
    size_t n_tags;         /* <= 1,000 */
} run_spec;
/* tracking_run_create makes a RUNNING run; its name is also tag mlflow.runName. ERR_MISSING: no
 * such experiment; ERR_INVALID: it is deleted, a key or value breaks a rule. */
MUST_CHECK err tracking_run_create(db *d, arena *a, const run_spec *o, str *ret_id);

typedef struct run_batch {
    const metric *metrics;
    const metric_subject
        *of; /* NULL, or one a metric: what is logged for a model is shown by both */
    const key_value *params, *tags;
    size_t n_metrics, n_params, n_tags;
} run_batch;
/* tracking_log: all or nothing. A param that exists with another value: ERR_INVALID in MLflow's
 * words, with the same value it is fine; of equal tag keys the last wins, mlflow.runName renames
 * the run; metrics are de-duplicated on (key, timestamp, step, value). ERR_MISSING: no such run;
 * ERR_INVALID: it is deleted, a limit or a rule for keys is broken (the message names the field:
 * "params[3].key"). */
MUST_CHECK err tracking_log(db *d, str run_id, const run_batch *b);
/* tracking_run_end sets status and end; end_ms 0 takes the end back. */
MUST_CHECK err tracking_run_end(db *d, str run_id, const char *status, int64_t end_ms);
/* In any lifecycle stage. ERR_MISSING in MLflow's words. */
MUST_CHECK err tracking_run_get(db *d, arena *a, str run_id, run *ret);
/* Every point of one key, by timestamp, step, value (NaN last). None: n 0. ERR_LIMIT over 20
 * million. */
MUST_CHECK err tracking_metric_history(db *d, arena *a, str run_id, str key, metric **ret,
                                       size_t *ret_n);

typedef struct run_query {
    const str *experiment_ids; /* none: of all; <= 120 */
    size_t n_experiment_ids;
    str parent_run_id;      /* "": any */
    bool roots_only;        /* without a parent */
    str tag_key, tag_value; /* tag_key "": any */
    size_t max, offset;
} run_query;
/* tracking_runs: active ones, start_ms DESC, id. */
MUST_CHECK err tracking_runs(db *d, arena *a, const run_query *q, run **ret, size_t *ret_n);
/* tracking_close_runs ends every RUNNING run with that tag (used when a job's child died). *ret_n
 * (may be NULL): how many. */
MUST_CHECK err tracking_close_runs(db *d, str tag_key, str tag_value, const char *status,
                                   int64_t end_ms, int64_t *ret_n);

/* --- logged models */
typedef struct logged_model_spec {
    str name, experiment_id, source_run_id, model_type; /* source_run_id "": none */
    int64_t now_ms;
    const key_value *params, *tags;
    size_t n_params, n_tags;
    bool unlinked; /* as MLflow's own: source_run_id is noted, but neither has the run to be there
                      nor gets it the model as its output; without a name one is generated */
} logged_model_spec;
/* tracking_model_create: PENDING, and linked as the run's output. ERR_MISSING: no such run or
 * experiment. */
MUST_CHECK err tracking_model_create(db *d, arena *a, const logged_model_spec *o, str *ret_id);
/* status: READY or UPLOAD_FAILED, with or without LOGGED_MODEL_ before it. */
MUST_CHECK err tracking_model_finish(db *d, str model_id, const char *status, int64_t now_ms);
MUST_CHECK err tracking_model_get(db *d, arena *a, str model_id, logged_model *ret);

/* --- artifacts: names over blobs. root is "runs/<run id>" or "models/<model id>"; path as in
 * MLflow
 * ("plots/residuals.svg"): relative, <= 1,024 bytes, no "..", no empty level, no backslash
 * (ERR_INVALID). ERR_MISSING: no such root or path. */
typedef struct artifact {
    str path; /* from the root */
    bool is_dir;
    int64_t size;
    str sha256; /* "" for folders */
} artifact;
typedef struct artifact_item {
    str path, bytes;
} artifact_item;
/* artifact_put replaces; artifact_put_all does so for n <= 10,000 files in one transaction. A
 * folder never becomes a file nor a file a folder: ERR_CONFLICT. */
MUST_CHECK err artifact_put(db *d, blobs *b, str root, str path, str bytes);
MUST_CHECK err artifact_put_all(db *d, blobs *b, str root, const artifact_item *v, size_t n);
/* The bytes, verified; ERR_LIMIT over max, ERR_IO naming artifact and blob when it is damaged. */
MUST_CHECK err artifact_get(db *d, blobs *b, arena *a, str root, str path, size_t max, str *ret);
/* The direct children of folder dir ("": the root), sorted; none of a folder that is not there. */
MUST_CHECK err artifact_list(db *d, arena *a, str root, str dir, artifact **ret, size_t *ret_n);

#endif
