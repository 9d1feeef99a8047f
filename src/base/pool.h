/* base/pool: a fixed number of threads behind a bounded queue, for work that may block.
 * Thread-safe. */
#ifndef TIDEMILL_BASE_POOL_H
#define TIDEMILL_BASE_POOL_H

#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

typedef struct pool pool;

/* pool_new starts n threads named name (<= 15 bytes); the queue holds queue_max jobs. Owner: the
 * caller. */
pool *pool_new(const char *name, size_t n_threads, size_t queue_max);
/* pool_free finishes what is queued, then joins. NULL is a no-op. */
void pool_free(pool *p);
AUTO_DEFINE(pool)
/* pool_run queues fn(arg) and returns at once; ERR_BUSY when the queue is full. fn runs exactly
 * once. */
MUST_CHECK err pool_run(pool *p, void (*fn)(void *), void *arg);
size_t pool_queued(const pool *p);

#endif
