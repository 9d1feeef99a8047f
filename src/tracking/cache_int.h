/* tracking/cache_int: what the search of runs asks the cache. */
#ifndef TIDEMILL_TRACKING_CACHE_INT_H
#define TIDEMILL_TRACKING_CACHE_INT_H

#include "tracking/cache.h"
#include "tracking/search_int.h"

typedef struct cache_query {
    const filter_node *filter;
    const filter_order *order;
    size_t n_order;
    const int64_t *experiments;
    size_t n_experiments;
    tracking_view view;
    size_t n; /* rows wanted */
} cache_query;

/* Whether the cache holds all that the question is about, and it is about a metric. */
bool cache_fits(const cache_query *q);
/* Whether the cache can decide a condition. */
bool cache_knows(const filter_node *n);
/* cache_search brings c up to date inside tx and finds the row ids in order. *ret_ok is false when
 * the cache is too small for this database: ask it. Owner: a. */
MUST_CHECK err cache_search(tracking_cache *c, db_tx *tx, arena *a, const cache_query *q,
                            bool *ret_ok, int64_t **ret, size_t *ret_n);

#endif
