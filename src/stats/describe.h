/* stats/describe: one sample in a few numbers. Pure; missing values (NaN) are counted and left out.
 */
#ifndef TIDEMILL_STATS_DESCRIBE_H
#define TIDEMILL_STATS_DESCRIBE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* Quantiles and histogram bins kept in a description. */
enum { DESCRIBE_QUANTILES = 9, DESCRIBE_BINS = 20 };
extern const double
    describe_quantile_at[DESCRIBE_QUANTILES]; /* 0.01 0.05 0.10 0.25 0.50 0.75 0.90 0.95 0.99 */

typedef struct description {
    size_t count, missing; /* rows that were numbers; rows that were NaN */
    double mean, std;      /* std is the population's (ddof 0), as numpy.std; NaN when count is 0 */
    double min, max;
    double quantiles[DESCRIBE_QUANTILES]; /* linear interpolation, numpy's default (Hyndman & Fan
                                             type 7) */
    double edges[DESCRIBE_BINS +
                 1]; /* equal widths from min to max, the last bin closed, as numpy.histogram */
    double counts[DESCRIBE_BINS];
} description;

/* describe fills *ret. Infinite values: ERR_INVALID naming the row. n = 0 or all missing: count 0
 * and NaN numbers, ERR_OK. */
MUST_CHECK err describe(const double *v, size_t n, description *ret);
/* quantile of a sorted array without NaN; 0 <= q <= 1, n > 0. */
double quantile_sorted(const double *sorted, size_t n, double q);

#endif
