/* tracking/runs: changing runs, single values, inputs and outputs, metric histories. As tracking.h
 * says: blocks, thread-safe, results live in the arena handed in. ERR_MISSING "Run with id=… not
 * found"; ERR_INVALID in MLflow's words, also for a deleted run where it must be active. */
#ifndef TIDEMILL_TRACKING_RUNS_H
#define TIDEMILL_TRACKING_RUNS_H

#include "tracking/tracking.h"

typedef struct run_update {
    const char *status; /* NULL: as it is */
    bool has_end;       /* end_ms is meant, be it 0 */
    int64_t end_ms;
    str name; /* "": as it is; else the tag mlflow.runName follows */
} run_update;
/* *ret is the run afterwards. */
MUST_CHECK err tracking_run_update(db *d, arena *a, str run_id, const run_update *o, run *ret);
/* Any lifecycle stage; twice is fine. */
MUST_CHECK err tracking_run_delete(db *d, str run_id);
MUST_CHECK err tracking_run_restore(db *d, str run_id);

/* --- single values: as tracking_log with one, but for the words: paths are "key", not
 * "params[0].key", and a changed param is "Param with key='…' was already logged with value='…'".
 */
MUST_CHECK err tracking_log_param(db *d, str run_id, str key, str value);
/* of may be NULL; see run_batch.of. */
MUST_CHECK err tracking_log_metric(db *d, str run_id, const metric *m, const metric_subject *of);
/* mlflow.runName renames the run, mlflow.parentRunId makes it a child. */
MUST_CHECK err tracking_set_tag(db *d, str run_id, str key, str value);
/* ERR_MISSING "No tag with name: … in run with id …". Without mlflow.parentRunId a run is a root;
 * without mlflow.runName it keeps its name. */
MUST_CHECK err tracking_delete_tag(db *d, str run_id, str key);

/* Adds a model's description, a JSON object, to the list in tag mlflow.log-model.history (what
 * clients before MLflow 3 do). ERR_FORMAT: not an object; ERR_LIMIT: the list passes a megabyte. */
MUST_CHECK err tracking_log_model(db *d, str run_id, str model_json);

/* --- inputs and outputs (run.inputs and run.outputs show them) */
/* At most 1,000 datasets and 1,000 models. A dataset is one per experiment, name and digest; given
 * again for this run it adds nothing, not even tags. ERR_MISSING: no such run. model_ids need not
 * exist. */
MUST_CHECK err tracking_log_inputs(db *d, str run_id, const dataset_input *v, size_t n,
                                   const str *model_ids, size_t n_models);
/* A model logged again for this run with another step takes the new step. */
MUST_CHECK err tracking_log_outputs(db *d, str run_id, const model_link *v, size_t n);

typedef struct dataset_summary {
    str experiment_id, name, digest, context; /* context: tag mlflow.data.context, "": none */
} dataset_summary;
/* What the runs of these active experiments (1..20) used, each combination once, by experiment,
 * name, digest, context; at most 1,000. */
MUST_CHECK err tracking_datasets_search(db *d, arena *a, const str *experiment_ids, size_t n,
                                        dataset_summary **ret, size_t *ret_n);

/* --- metric histories; tracking_metric_history in tracking.h gives a whole one. As in MLflow a run
 * that is not there has none, and that is no error here. */
/* One page by timestamp, step, value; max 1.. *ret_token is "" after the last. */
MUST_CHECK err tracking_metric_page(db *d, arena *a, str run_id, str key, size_t max,
                                    str page_token, metric **ret, size_t *ret_n, str *ret_token);

typedef struct run_metric {
    str run_id;
    metric m;
} run_metric;
/* By run id, timestamp, step, value; at most max. Runs that are not there give nothing. n 1..100.
 */
MUST_CHECK err tracking_metric_bulk(db *d, arena *a, const str *run_ids, size_t n, str key,
                                    size_t max, run_metric **ret, size_t *ret_n);

typedef struct metric_interval {
    const str *run_ids; /* 1..100 */
    size_t n_run_ids;
    str key;
    bool has_range; /* only start_step <= step <= end_step */
    int64_t start_step, end_step;
    size_t max; /* points a run, >= 1 */
} metric_interval;
/* At most max points a run, in order of step, timestamp, value, spread evenly over what there is:
 * the first and the last are among them (max 1: the last). As MLflow: NTILE(max), the first of each
 * part, the very last in place of the last part's. */
MUST_CHECK err tracking_metric_interval(db *d, arena *a, const metric_interval *q, run_metric **ret,
                                        size_t *ret_n);

#endif
