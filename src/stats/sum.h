/* stats/sum: sums that do not depend on threads and lose little. Pure. */
#ifndef TIDEMILL_STATS_SUM_H
#define TIDEMILL_STATS_SUM_H

#include <stddef.h>

/* sum_f64: pairwise summation in blocks of 128 with 8 accumulators, numpy's order for contiguous
 * doubles, so that means equal numpy's to the bit. NaN anywhere gives NaN. n = 0 gives 0. Source:
 * numpy pairwise_sum (Higham 1993). */
double sum_f64(const double *v, size_t n);
double mean_f64(const double *v, size_t n); /* n = 0: NaN */

#endif
