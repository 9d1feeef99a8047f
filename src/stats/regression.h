/* stats/regression: how good are predicted numbers. Pure. Golden: tests/golden/regression_300.json
 * (scikit-learn 1.9.1). */
#ifndef TIDEMILL_STATS_REGRESSION_H
#define TIDEMILL_STATS_REGRESSION_H

#include <stddef.h>

#include "base/err.h"

typedef struct regression_metrics {
    size_t n;
    double mae, mse, rmse, median_ae, max_error, r2, mape,
        mean_error; /* mean_error = mean(predicted - actual) */
} regression_metrics;

/* regression_score: weights may be NULL (then all 1). NaN or infinity in any input, or n = 0:
 * ERR_INVALID naming the row; *ret untouched. R² of a constant truth is 0, or 1 when predicted
 * exactly; MAPE divides by max(|y|, 2^-52): both as scikit-learn. */
MUST_CHECK err regression_score(const double *actual, const double *predicted,
                                const double *weights, size_t n, regression_metrics *ret);

#endif
