/* monitor: what was normal at training, and whether what comes now still is. The task
 * "monitor_drift". */
#ifndef TIDEMILL_MONITOR_MONITOR_H
#define TIDEMILL_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/progress.h"
#include "base/str.h"
#include "db/db.h"
#include "home/home.h"
#include "stats/describe.h"
#include "table/delta.h"
#include "table/duck.h"

extern const db_migration monitor_migration;

/* One row of the baseline table: kind "feature", "label" or "prediction". */
typedef struct baseline_row {
    str kind, column;
    description d;
} baseline_row;

/* baseline_write overwrites the table (columns: model_name, run_id, created_at, kind, column_name,
 * count, missing, mean, std, min, max, p01…p99, bin_edges, bin_counts). *ret_version: the table's
 * version that holds it; training notes it on its run as tag BASELINE_TAG, so that the champion's
 * baseline is found again whatever was trained since. */
#define BASELINE_TAG "tidemill.baselineVersion"
MUST_CHECK err baseline_write(duck *d, home *h, arena *a, str table, str model_name, str run_id,
                              int64_t now_ms, const baseline_row *v, size_t n,
                              int64_t *ret_version);
/* baseline_read: version -1 is the latest. */
MUST_CHECK err baseline_read(duck *d, home *h, arena *a, str table, int64_t version,
                             baseline_row **ret, size_t *ret_n);

typedef struct monitor_spec {
    str name, registered_model;
    str baseline_table, predictions_table, monitoring_table;
    int64_t at_ms, window_ms; /* rows with scored_at in [at - window, at) */
    double z_max, mae_max;    /* 2.0, 5.0 */
    int64_t min_rows;         /* 100 */
    str job_run;
} monitor_spec;

typedef enum monitor_verdict { MONITOR_OK, MONITOR_ALERT, MONITOR_NOT_ENOUGH_DATA } monitor_verdict;

const char *monitor_verdict_name(monitor_verdict v); /* "ok", "alert", "not_enough_data" */

typedef struct monitor_line {
    str metric; /* "drift_z", "mae", "rows" */
    str kind, column;
    double value, window_mean, baseline_mean, baseline_std,
        threshold; /* NaN where it does not apply */
    bool alert;
} monitor_line;

typedef struct monitor_result {
    monitor_verdict verdict;
    bool should_retrain;
    int64_t rows, window_start_ms, window_end_ms;
    const monitor_line *v;
    size_t n, n_alerts;
    str reason; /* readable; for not enough data: how many rows are missing */
} monitor_result;

/* drift_z = |window mean - baseline mean| / baseline std; std 0: any change is +infinity, no change
 * 0; NaN where one of them is NaN: there is nothing to compare. */
double drift_z(double window_mean, double baseline_mean, double baseline_std);

/* monitor_run compares the window of the model's predictions with the baseline, column by column
 * (features and the prediction) and by the error where actuals are known. A column without any
 * value in the window that had some at training: +infinity. Fewer than min_rows rows, or no
 * predictions table: MONITOR_NOT_ENOUGH_DATA, no alerts. ERR_INVALID: window, min_rows or
 * thresholds that make no sense; ERR_MISSING: no baseline.
 *
 * It reads baseline and window, appends one row per metric to the monitoring table (txn
 * "monitor/<name>/<at_ms>": a repeated call adds nothing) and the same rows to the metadata
 * (monitor_result, monitor_metric), for the page. Owner: a. */
MUST_CHECK err monitor_run(home *h, arena *a, const monitor_spec *o, const progress *p,
                           monitor_result *ret);

/* For the page and the command: the last results of every monitor, newest first. */
typedef struct monitor_record {
    str name, registered_model;
    int64_t id, at_ms;
    monitor_result r;
} monitor_record;
MUST_CHECK err monitor_records(db *d, arena *a, str name, size_t max, monitor_record **ret,
                               size_t *ret_n); /* name "": all */

#endif
