/* tracking/models: changing and finding logged models; tracking.h makes and reads them. As there:
 * blocks, thread-safe, results live in the arena handed in. ERR_MISSING "Logged model with ID '…'
 * not found."; ERR_INVALID in MLflow's words. */
#ifndef TIDEMILL_TRACKING_MODELS_H
#define TIDEMILL_TRACKING_MODELS_H

#include "tracking/tracking.h"

/* Also deleted ones, which tracking_model_get does not show. */
MUST_CHECK err tracking_model_get_any(db *d, arena *a, str model_id, logged_model *ret);
MUST_CHECK err tracking_model_delete(db *d, str model_id);
/* Params cannot change: one that is there with another value is ERR_INVALID, with the same fine. */
MUST_CHECK err tracking_model_log_params(db *d, str model_id, const key_value *v, size_t n);
MUST_CHECK err tracking_model_set_tags(db *d, str model_id, const key_value *v, size_t n);
/* ERR_MISSING "No tag with key '…' found for model with ID '…'." */
MUST_CHECK err tracking_model_delete_tag(db *d, str model_id, str key);

typedef struct dataset_filter {
    str name, digest; /* digest "": any */
} dataset_filter;

typedef struct model_order {
    str field; /* an attribute, or metrics.<key> */
    bool descending;
    dataset_filter dataset; /* name "": any; for metrics */
} model_order;

typedef struct model_search {
    const str *experiment_ids;
    size_t n_experiment_ids;
    /* metrics, params, tags, attributes name, model_id, model_type, status, source_run_id,
     * creation_timestamp, last_updated_timestamp; a metric is its latest value (step, then time,
     * then value) on one of datasets, if there are any */
    str filter;
    const dataset_filter *datasets; /* without a metric in filter: models with a metric on one */
    size_t n_datasets;
    const model_order *order_by; /* missing ones last; then creation_timestamp DESC, model_id */
    size_t n_order_by;
    size_t max;     /* 0: 100; <= 50,000 */
    str page_token; /* base64 JSON as MLflow's: it holds the query, another query is ERR_INVALID */
} model_search;
/* Active ones. *ret_token is "" after the last page. */
MUST_CHECK err tracking_models_search(db *d, arena *a, const model_search *q, logged_model **ret,
                                      size_t *ret_n, str *ret_token);

#endif
