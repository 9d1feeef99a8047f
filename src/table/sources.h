/* table/sources: an engine opened for one task: it may read the folders of a bundle's sources and
 * the tables of a home, and nothing else. */
#ifndef TIDEMILL_TABLE_SOURCES_H
#define TIDEMILL_TABLE_SOURCES_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "home/home.h"
#include "table/duck.h"

/* sources_open opens and locks a duck with every source defined, in their order. v may be NULL when
 * n is 0. threads 0: the machine's. Owner: the caller. */
MUST_CHECK err sources_open(home *h, arena *a, const source_spec *v, size_t n, int threads,
                            duck **ret);

#endif
