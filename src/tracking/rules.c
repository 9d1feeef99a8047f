#include "base/mem.h"
#include "tracking/search_int.h"

/* What can be asked of what this room keeps. */
enum {
    TEXT_OPS = FILTER_EQUAL_OPS | FILTER_LIKE_OPS | FILTER_LIST_OPS,
    PAIR_OPS = TEXT_OPS | FILTER_NULL_OPS,
    NUMBER_OPS = FILTER_ORDER_OPS
};

static const filter_field run_fields[] = {
    {"run_id", "run_id", false, TEXT_OPS},
    {"run_name", "run_name", false, TEXT_OPS},
    {"run name", "run_name", false, TEXT_OPS},
    {"Run name", "run_name", false, TEXT_OPS},
    {"Run Name", "run_name", false, TEXT_OPS},
    {"status", "status", false, TEXT_OPS},
    {"user_id", "user_id", false, TEXT_OPS},
    {"artifact_uri", "artifact_uri", false, TEXT_OPS},
    {"start_time", "start_time", true, NUMBER_OPS},
    {"created", "start_time", true, NUMBER_OPS},
    {"Created", "start_time", true, NUMBER_OPS},
    {"end_time", "end_time", true, NUMBER_OPS},
};
static const filter_field run_dataset_fields[] = {
    {"name", "name", false, TEXT_OPS},
    {"digest", "digest", false, TEXT_OPS},
    {"context", "context", false, TEXT_OPS},
};
const filter_rules rules_run = {
    .subject = "run",
    .entity_ops = {[FILTER_ATTRIBUTE] = TEXT_OPS,
                   [FILTER_METRIC] = NUMBER_OPS,
                   [FILTER_PARAM] = PAIR_OPS,
                   [FILTER_TAG] = PAIR_OPS,
                   [FILTER_DATASET] = TEXT_OPS},
    .attributes = run_fields,
    .n_attributes = countof(run_fields),
    .dataset_fields = run_dataset_fields,
    .n_dataset_fields = countof(run_dataset_fields),
};

static const filter_field experiment_fields[] = {
    {"name", "name", false, TEXT_OPS},
    {"experiment_id", "experiment_id", false, FILTER_EQUAL_OPS | FILTER_LIST_OPS},
    {"creation_time", "creation_time", true, NUMBER_OPS},
    {"last_update_time", "last_update_time", true, NUMBER_OPS},
};
const filter_rules rules_experiment = {
    .subject = "experiment",
    .entity_ops = {[FILTER_ATTRIBUTE] = TEXT_OPS, [FILTER_TAG] = PAIR_OPS},
    .attributes = experiment_fields,
    .n_attributes = countof(experiment_fields),
};

static const filter_field logged_model_fields[] = {
    {"name", "name", false, TEXT_OPS},
    {"model_id", "model_id", false, TEXT_OPS},
    {"model_type", "model_type", false, TEXT_OPS},
    {"source_run_id", "source_run_id", false, TEXT_OPS},
    {"status", "status", false, FILTER_EQUAL_OPS | FILTER_LIST_OPS},
    {"creation_timestamp", "creation_timestamp", true, NUMBER_OPS},
    {"creation_time", "creation_timestamp", true, NUMBER_OPS},
    {"creation_timestamp_ms", "creation_timestamp", true, NUMBER_OPS},
    {"last_updated_timestamp", "last_updated_timestamp", true, NUMBER_OPS},
    {"last_updated_time", "last_updated_timestamp", true, NUMBER_OPS},
    {"last_updated_timestamp_ms", "last_updated_timestamp", true, NUMBER_OPS},
};
const filter_rules rules_logged_model = {
    .subject = "logged model",
    .entity_ops = {[FILTER_ATTRIBUTE] = TEXT_OPS,
                   [FILTER_METRIC] = NUMBER_OPS,
                   [FILTER_PARAM] = PAIR_OPS,
                   [FILTER_TAG] = PAIR_OPS},
    .attributes = logged_model_fields,
    .n_attributes = countof(logged_model_fields),
};
