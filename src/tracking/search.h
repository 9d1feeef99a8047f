/* tracking/search: finding runs. As tracking.h says: blocks, thread-safe, results live in the arena
 * handed in. The language is filter.h's. */
#ifndef TIDEMILL_TRACKING_SEARCH_H
#define TIDEMILL_TRACKING_SEARCH_H

#include "tracking/cache.h"
#include "tracking/experiments.h"
#include "tracking/tracking.h"

enum { RUN_SEARCH_MAX = 50000 };

typedef struct run_search {
    const str *experiment_ids; /* none or unknown ones: nothing is found */
    size_t n_experiment_ids;
    /* metrics, params, tags, datasets.{name,digest,context}, attributes run_id, run_name, status,
     * user_id, artifact_uri, start_time (created), end_time */
    str filter;
    /* Metrics: values, then NaN, then missing ones, whichever the direction; the others: missing
     * ones last. Then start_time DESC, run_id. */
    const str *order_by;
    size_t n_order_by;
    tracking_view view;
    size_t max;            /* 0..RUN_SEARCH_MAX */
    str page_token;        /* "": from the start */
    tracking_cache *cache; /* NULL: none; makes searches by metric fast */
} run_search;
/* *ret_token is "" after the last page. ERR_INVALID: filter, order_by, page_token, max, an
 * experiment id that is no number. */
MUST_CHECK err tracking_runs_search(db *d, arena *a, const run_search *q, run **ret, size_t *ret_n,
                                    str *ret_token);

#endif
