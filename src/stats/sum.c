#include "stats/sum.h"

#include <assert.h>
#include <math.h>

enum { BLOCK = 128 };

static double sum_block(const double *v, size_t n)
{
    if (n < 8) {
        double s = -0.0; /* so that a sum of negative zeros stays one, as numpy's */
        for (size_t i = 0; i < n; i++)
            s += v[i];
        return s;
    }
    double r[8];
    for (size_t k = 0; k < 8; k++)
        r[k] = v[k];
    size_t i = 8;
    for (; i + 8 <= n; i += 8) {
        for (size_t k = 0; k < 8; k++)
            r[k] += v[i + k];
    }
    double s = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; i++)
        s += v[i];
    return s;
}

static double sum_pairwise(const double *v, size_t n)
{
    if (n <= BLOCK) return sum_block(v, n);
    size_t half = n / 2;
    half -= half % 8;
    return sum_pairwise(v, half) + sum_pairwise(v + half, n - half);
}

double sum_f64(const double *v, size_t n)
{
    assert(v || !n);
    return 0.0 + sum_pairwise(v, n);
}

double mean_f64(const double *v, size_t n)
{
    return n ? sum_f64(v, n) / (double)n : (double)NAN;
}
