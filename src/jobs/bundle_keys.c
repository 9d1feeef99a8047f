#include "jobs/bundle_int.h"

/* What tidemill.yaml may say. Order here is the order of the documents and of the snapshot. */

static const char *const modes[] = {"development", "production", NULL};
static const char *const metrics[] = {"mae", "rmse", NULL};
static const char *const gate_metrics[] = {"mae", "rmse", "r2", NULL};
static const char *const champions[] = {"champion", NULL};
static const char *const algorithms[] = {"lightgbm", NULL};
static const char *const actions[] = {"drop", "fail", "warn", NULL};
static const char *const sizes[] = {"Small", "Medium", "Large", NULL};
static const char *const pauses[] = {"PAUSED", "UNPAUSED", NULL};
static const char *const expectations[] = {"column_values_to_not_be_null",
                                           "column_values_to_be_finite",
                                           "column_values_to_be_between",
                                           "column_values_to_be_in_set",
                                           "column_values_to_be_unique",
                                           "row_condition",
                                           "table_row_count_to_be_between",
                                           "column_to_exist",
                                           NULL};

#define TABLE(name_, what_, one_of_)                                                               \
    static const key_table name_##_table = {what_, one_of_, name_##_keys, countof(name_##_keys)}

static const key_def bundle_keys[] = {
    {.name = "name", .type = KEY_NAME, .required = true, .doc = "Name of the bundle."},
    {.name = "description", .type = KEY_SCALAR, .doc = "For people."},
};
TABLE(bundle, "bundle", NULL);

static const key_def variable_keys[] = {
    {.name = "description", .type = KEY_SCALAR, .doc = "For people."},
    {.name = "default",
     .type = KEY_SCALAR,
     .doc = "Value where none is given; a variable without it is required."},
};
TABLE(variable, "variable", NULL);

static const key_def target_keys[] = {
    {.name = "default", .type = KEY_BOOL, .doc = "Taken where no --target is given."},
    {.name = "mode",
     .type = KEY_WORD,
     .words = modes,
     .doc = "development: schedules are paused unless they say pause_status: UNPAUSED."},
    {.name = "variables", .type = KEY_TEXT_MAP, .doc = "Values of variables in this target."},
};
TABLE(target, "target", NULL);

static const char *const source_one_of[] = {"path", "table", "sql", NULL};
static const key_def source_keys[] = {
    {.name = "path",
     .type = KEY_TEXT,
     .doc = "A file beside tidemill.yaml: .parquet, .csv, .csv.gz, .json, .ndjson or a folder that "
            "is a Delta table; * globs."},
    {.name = "table", .type = KEY_TABLE, .doc = "A Delta table of the home."},
    {.name = "sql", .type = KEY_TEXT, .doc = "A SELECT over the sources before this one."},
};
TABLE(source, "source", source_one_of);

static const key_def expectation_keys[] = {
    {.name = "expect",
     .type = KEY_WORD,
     .words = expectations,
     .required = true,
     .doc = "What must hold (names of Great Expectations)."},
    {.name = "name",
     .type = KEY_NAME,
     .doc = "Name in reports; made from expect and column where not given."},
    {.name = "column", .type = KEY_TEXT, .doc = "The column it is about."},
    {.name = "condition",
     .type = KEY_TEXT,
     .doc = "row_condition: SQL that is true for a good row."},
    {.name = "min", .type = KEY_NUMBER, .doc = "Least value."},
    {.name = "max", .type = KEY_NUMBER, .doc = "Greatest value."},
    {.name = "strict_min", .type = KEY_BOOL, .doc = "min itself is not allowed."},
    {.name = "strict_max", .type = KEY_BOOL, .doc = "max itself is not allowed."},
    {.name = "value_set", .type = KEY_TEXTS, .doc = "column_values_to_be_in_set: the values."},
    {.name = "mostly",
     .type = KEY_NUMBER,
     .min = 0,
     .max = 1,
     .doc = "Share of the rows that must hold (1)."},
    {.name = "on_fail",
     .type = KEY_WORD,
     .words = actions,
     .doc = "drop the rows, fail the task, or warn (fail)."},
};
TABLE(expectation, "expectation", NULL);

static const key_def suite_keys[] = {
    {.name = "source",
     .type = KEY_REF,
     .section = "sources",
     .required = true,
     .doc = "The rows that are checked."},
    {.name = "expectations",
     .type = KEY_OBJECTS,
     .of = &expectation_table,
     .required = true,
     .doc = "In this order."},
};
TABLE(suite, "checks", NULL);

static const char *const features_one_of[] = {"source", "checks", NULL};
static const key_def features_keys[] = {
    {.name = "source",
     .type = KEY_REF,
     .section = "sources",
     .doc = "Where the rows come from, unchecked."},
    {.name = "checks",
     .type = KEY_REF,
     .section = "checks",
     .doc = "The suite whose good rows are taken."},
    {.name = "table",
     .type = KEY_TABLE,
     .required = true,
     .doc = "The feature table that is written."},
    {.name = "timestamp", .type = KEY_TEXT, .doc = "SQL of the time of the event."},
    {.name = "columns",
     .type = KEY_TEXT_MAP,
     .required = true,
     .doc = "The model's inputs, in this order: name and SQL."},
    {.name = "label",
     .type = KEY_TEXT_MAP,
     .required = true,
     .doc = "What is predicted: one name and its SQL."},
};
TABLE(features, "features", features_one_of);

static const key_def training_keys[] = {
    {.name = "features",
     .type = KEY_REF,
     .section = "features",
     .required = true,
     .doc = "What is learned from."},
    {.name = "experiment",
     .type = KEY_TEXT,
     .doc = "Experiment of the runs (/<bundle>/<training>)."},
    {.name = "registered_model",
     .type = KEY_MODEL,
     .required = true,
     .doc = "Where versions are registered."},
    {.name = "baseline_table",
     .type = KEY_TABLE,
     .required = true,
     .doc = "What was normal at training; monitors compare with it."},
    {.name = "algorithm", .type = KEY_WORD, .words = algorithms, .doc = "lightgbm."},
    {.name = "seed",
     .type = KEY_INT,
     .min = 0,
     .max = 9007199254740992.0,
     .doc = "Of everything random (42)."},
    {.name = "folds",
     .type = KEY_INT,
     .min = 2,
     .max = TRAIN_FOLDS_MAX,
     .doc = "Of the cross-validation (5)."},
    {.name = "holdout_every",
     .type = KEY_INT,
     .min = 2,
     .max = 1000000,
     .doc = "Every nth kept row is held out (5)."},
    {.name = "metric",
     .type = KEY_WORD,
     .words = metrics,
     .doc = "What the search makes small (mae)."},
    {.name = "params", .type = KEY_TEXT_MAP, .doc = "Parameters of the algorithm that stay fixed."},
    {.name = "search", .type = KEY_LIST_MAP, .doc = "The grid: every combination is a candidate."},
};
TABLE(training, "training", NULL);

static const key_def gate_keys[] = {
    {.name = "metric",
     .type = KEY_WORD,
     .words = gate_metrics,
     .required = true,
     .doc = "On the held-out rows."},
    {.name = "against",
     .type = KEY_WORD,
     .words = champions,
     .doc = "Must be better than the champion's; decides whether the model is promoted."},
    {.name = "max", .type = KEY_NUMBER, .doc = "Passing it fails the job with exit code 3."},
    {.name = "min", .type = KEY_NUMBER, .doc = "Falling below it fails the job with exit code 3."},
};
TABLE(gate, "gate", NULL);

static const key_def endpoint_keys[] = {
    {.name = "name", .type = KEY_NAME, .doc = "Name in the URL (the key)."},
    {.name = "registered_model",
     .type = KEY_MODEL,
     .required = true,
     .doc = "The model that is served."},
    {.name = "workload_size", .type = KEY_WORD, .words = sizes, .doc = "Small."},
    {.name = "scale_to_zero_enabled", .type = KEY_BOOL, .doc = "Unload when idle (false)."},
};
TABLE(endpoint, "endpoint", NULL);

static const char *const batch_one_of[] = {"alias", "version", NULL};
static const key_def batch_keys[] = {
    {.name = "features",
     .type = KEY_REF,
     .section = "features",
     .doc = "How the model's inputs are computed (the source has them already)."},
    {.name = "registered_model",
     .type = KEY_MODEL,
     .required = true,
     .doc = "The model that scores."},
    {.name = "alias", .type = KEY_NAME, .doc = "Which version: the one with this alias."},
    {.name = "version",
     .type = KEY_INT,
     .min = 1,
     .max = 2147483647,
     .doc = "Which version: this one."},
    {.name = "source",
     .type = KEY_REF,
     .section = "sources",
     .doc = "Rows to score (the feature table)."},
    {.name = "label",
     .type = KEY_NAME,
     .doc = "Column of the source that becomes actual (the features' label)."},
    {.name = "predictions_table",
     .type = KEY_TABLE,
     .required = true,
     .doc = "Where predictions are appended."},
};
TABLE(batch, "batch", batch_one_of);

static const key_def monitor_keys[] = {
    {.name = "registered_model",
     .type = KEY_MODEL,
     .required = true,
     .doc = "Whose predictions are watched."},
    {.name = "baseline_table", .type = KEY_TABLE, .required = true, .doc = "Written by training."},
    {.name = "predictions_table",
     .type = KEY_TABLE,
     .required = true,
     .doc = "Written by batch scoring."},
    {.name = "monitoring_table",
     .type = KEY_TABLE,
     .required = true,
     .doc = "Where results are appended."},
    {.name = "window",
     .type = KEY_DURATION,
     .doc = "Predictions of this time before now count (24h)."},
    {.name = "drift_z",
     .type = KEY_NUMBER,
     .min = 0,
     .max = 1e9,
     .doc = "Alert when a mean moves by more than this many baseline standard deviations (2.0)."},
    {.name = "mae",
     .type = KEY_NUMBER,
     .min = 0,
     .max = 1e300,
     .doc = "Alert when the error passes it (5.0)."},
    {.name = "min_rows",
     .type = KEY_INT,
     .min = 1,
     .max = 1e12,
     .doc = "Fewer rows are not enough data (100)."},
};
TABLE(monitor, "monitor", NULL);

static const char *const schedule_one_of[] = {"cron", "quartz_cron_expression", NULL};
static const key_def schedule_keys[] = {
    {.name = "cron", .type = KEY_TEXT, .doc = "Five fields: minute hour day month weekday."},
    {.name = "quartz_cron_expression",
     .type = KEY_TEXT,
     .doc = "Six or seven: second minute hour day month weekday [year]."},
    {.name = "timezone_id", .type = KEY_TEXT, .doc = "Name of the IANA database (UTC)."},
    {.name = "pause_status",
     .type = KEY_WORD,
     .words = pauses,
     .doc = "UNPAUSED; in a target of mode development PAUSED."},
};
TABLE(schedule, "schedule", schedule_one_of);

static const key_def depends_keys[] = {
    {.name = "task_key", .type = KEY_NAME, .required = true, .doc = "A task of the same job."},
};
TABLE(depends, "depends_on", NULL);

static const key_def train_keys[] = {
    {.name = "training",
     .type = KEY_REF,
     .section = "training",
     .required = true,
     .doc = "What is trained."},
};
TABLE(train, "train", NULL);
static const key_def validate_keys[] = {
    {.name = "training",
     .type = KEY_REF,
     .section = "training",
     .required = true,
     .doc = "Whose model is validated."},
    {.name = "gates", .type = KEY_REFS, .section = "gates", .doc = "What it must pass."},
};
TABLE(validate, "validate", NULL);
static const key_def deploy_keys[] = {
    {.name = "endpoint",
     .type = KEY_REF,
     .section = "endpoints",
     .required = true,
     .doc = "What is updated."},
};
TABLE(deploy, "deploy", NULL);
static const key_def batch_predict_keys[] = {
    {.name = "batch",
     .type = KEY_REF,
     .section = "batch",
     .required = true,
     .doc = "What is scored."},
};
TABLE(batch_predict, "batch_predict", NULL);
static const key_def monitor_drift_keys[] = {
    {.name = "monitor",
     .type = KEY_REF,
     .section = "monitors",
     .required = true,
     .doc = "What is watched."},
};
TABLE(monitor_drift, "monitor_drift", NULL);

static const char *const task_one_of[] = {"train",         "validate",      "deploy",
                                          "batch_predict", "monitor_drift", NULL};
static const key_def task_keys[] = {
    {.name = "task_key", .type = KEY_NAME, .required = true, .doc = "Name of the task."},
    {.name = "depends_on",
     .type = KEY_OBJECTS,
     .of = &depends_table,
     .doc = "Tasks that must have succeeded."},
    {.name = "train",
     .type = KEY_OBJECT,
     .of = &train_table,
     .doc = "Checks, features, search, fit, baseline."},
    {.name = "validate",
     .type = KEY_OBJECT,
     .of = &validate_table,
     .doc = "Registers, reloads, compares with the champion."},
    {.name = "deploy",
     .type = KEY_OBJECT,
     .of = &deploy_table,
     .doc = "Updates the endpoint and moves alias champion."},
    {.name = "batch_predict",
     .type = KEY_OBJECT,
     .of = &batch_predict_table,
     .doc = "Scores a table into a table."},
    {.name = "monitor_drift",
     .type = KEY_OBJECT,
     .of = &monitor_drift_table,
     .doc = "Compares predictions with the baseline."},
    {.name = "timeout_seconds",
     .type = KEY_INT,
     .min = 1,
     .max = 31536000,
     .doc = "Stop the task after that long."},
    {.name = "max_retries",
     .type = KEY_INT,
     .min = 0,
     .max = 10,
     .doc = "Try a failed task again (0)."},
    {.name = "memory_max", .type = KEY_SIZE, .doc = "Limit of the task's memory, such as 4GiB."},
};
TABLE(task, "task", task_one_of);

static const key_def job_keys[] = {
    {.name = "description", .type = KEY_SCALAR, .doc = "For people."},
    {.name = "schedule",
     .type = KEY_OBJECT,
     .of = &schedule_table,
     .doc = "When it starts by itself."},
    {.name = "max_concurrent_runs",
     .type = KEY_INT,
     .min = 1,
     .max = 100,
     .doc = "Runs at a time (1)."},
    {.name = "tasks",
     .type = KEY_OBJECTS,
     .of = &task_table,
     .required = true,
     .doc = "Its graph of tasks."},
};
TABLE(job, "job", NULL);

static const key_def root_keys[] = {
    {.name = "bundle",
     .type = KEY_OBJECT,
     .of = &bundle_table,
     .required = true,
     .doc = "The project itself."},
    {.name = "include", .type = KEY_TEXTS, .doc = "Further files, relative to this one; * globs."},
    {.name = "variables",
     .type = KEY_SECTION,
     .of = &variable_table,
     .doc = "Values given from outside by --var."},
    {.name = "targets",
     .type = KEY_SECTION,
     .of = &target_table,
     .doc = "Where the bundle is applied."},
    {.name = "sources",
     .type = KEY_SECTION,
     .of = &source_table,
     .doc = "Named rows: files and queries."},
    {.name = "checks", .type = KEY_SECTION, .of = &suite_table, .doc = "Suites of expectations."},
    {.name = "features", .type = KEY_SECTION, .of = &features_table, .doc = "Feature tables."},
    {.name = "training",
     .type = KEY_SECTION,
     .of = &training_table,
     .doc = "How models are fitted."},
    {.name = "gates", .type = KEY_SECTION, .of = &gate_table, .doc = "What a model must pass."},
    {.name = "endpoints",
     .type = KEY_SECTION,
     .of = &endpoint_table,
     .doc = "Where models are served."},
    {.name = "batch", .type = KEY_SECTION, .of = &batch_table, .doc = "Scoring of tables."},
    {.name = "monitors",
     .type = KEY_SECTION,
     .of = &monitor_table,
     .doc = "Watching what was predicted."},
    {.name = "jobs",
     .type = KEY_SECTION,
     .of = &job_table,
     .doc = "Tasks in an order, by hand or by schedule."},
};
const key_table bundle_root_keys = {"bundle file", NULL, root_keys, countof(root_keys)};

bool bundle_key_is_frame(str key)
{
    return str_is(key, "bundle") || str_is(key, "include") || str_is(key, "targets");
}
