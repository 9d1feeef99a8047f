/* tracking/cache: the latest metrics of all runs in memory, so that a search by metric reads no row
 * but those of its page. Before each search it takes over what changed since, by run.rev, so it is
 * right whoever wrote; a search through it sees at least what was committed when it began.
 *
 * Thread-safe; lock guards everything and covers computing only. Memory: about 100 bytes a run,
 * 16 a metric, and 8 a run for each metric that searches asked about lately; over CACHE_RUNS_MAX or
 * CACHE_METRICS_MAX it empties itself and searches go to the database. It relies on revisions
 * becoming visible in their order, as with one writer. */
#ifndef TIDEMILL_TRACKING_CACHE_H
#define TIDEMILL_TRACKING_CACHE_H

#include "base/mem.h"

enum { CACHE_RUNS_MAX = 1000000, CACHE_METRICS_MAX = 16000000 };

typedef struct tracking_cache tracking_cache;
tracking_cache *tracking_cache_new(void); /* Owner: the caller; for one db */
void tracking_cache_free(tracking_cache *c);
AUTO_DEFINE(tracking_cache)
/* Bytes held now. */
size_t tracking_cache_bytes(tracking_cache *c);

#endif
