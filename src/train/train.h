/* train: fits models. The task "train" as one function: read, check, build features, search, fit,
 * evaluate, log. The only door to LightGBM's library, dlopened here (a child process). */
#ifndef TIDEMILL_TRAIN_TRAIN_H
#define TIDEMILL_TRAIN_TRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/progress.h"
#include "base/str.h"
#include "expectations/expectations.h"
#include "features/features.h"
#include "home/home.h"
#include "table/duck.h"
#include "tracking/tracking.h"

enum {
    TRAIN_CANDIDATES_MAX = 1000,
    TRAIN_FOLDS_MAX = 20,
    TRAIN_ITERATIONS_MAX = 100000,
    TRAIN_ROWS_MAX = 20000000
};

typedef struct search_axis {
    str param;
    const str *values;
    size_t n;
} search_axis;

typedef struct train_spec {
    str name, experiment, registered_model;
    const source_spec *sources; /* all the bundle's, in order */
    size_t n_sources;
    str source;   /* which of them is read */
    suite checks; /* n = 0: none */
    feature_spec features;
    str baseline_table;
    str algorithm; /* "lightgbm" */
    uint64_t seed;
    int folds;               /* >= 2 */
    int holdout_every;       /* row_index % holdout_every == 0 is held out; >= 2 */
    str metric;              /* "mae" or "rmse": what the search minimises */
    const key_value *params; /* fixed LightGBM parameters */
    size_t n_params;
    const search_axis *axes; /* the grid: every combination is a candidate */
    size_t n_axes;
    int threads;   /* 0: the machine's */
    int64_t at_ms; /* the job's time */
    str job_run;   /* tag tidemill.jobRun on the runs; "" none */
} train_spec;

typedef struct train_result {
    str run_id, model_id, experiment_id;
    int64_t rows, dropped, rows_train, rows_test, feature_version, candidates;
    double mae, rmse, r2,
        mae_of_mean; /* on the held-out rows; mae_of_mean predicts the training mean */
    str drop_report; /* the suite report as JSON */
} train_result;

/* train_run: deterministic: the same rows, spec and library give the same bytes of model, whatever
 * the threads. Every candidate is a child run with its params and CV metrics. The parent run gets
 * params, metrics, the check report (checks.json),
 * plots/{predicted_vs_actual,residuals,importance}.svg, evaluation/heldout.json; the logged model
 * gets its package and probes.json (held-out rows with predictions, exact) and is READY. Tables
 * written: feature table, baseline. On failure the runs end FAILED with the reason in tag
 * tidemill.error. ERR_INVALID: bad data (non-finite label names the row), too few rows for the
 * folds; ERR_GATE: an EXPECT_FAIL failed. Owner: a. */
MUST_CHECK err train_run(home *h, arena *a, const train_spec *o, const progress *p,
                         train_result *ret);

#endif
