#include "stats/describe.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/sum.h"

const double describe_quantile_at[DESCRIBE_QUANTILES] = {0.01, 0.05, 0.10, 0.25, 0.50,
                                                         0.75, 0.90, 0.95, 0.99};

static int cmp_f64(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

double quantile_sorted(const double *sorted, size_t n, double q)
{
    assert(sorted && n > 0);
    assert(q >= 0 && q <= 1);
    double at = q * (double)(n - 1);
    size_t lo = (size_t)at;
    if (lo >= n - 1) return sorted[n - 1];
    double t = at - (double)lo, a = sorted[lo], b = sorted[lo + 1], d = b - a;
    /* From the nearer end, as numpy's lerp: exact at both ends and monotonic. */
    return t >= 0.5 ? b - d * (1 - t) : a + d * t;
}

/* How many of the sorted values are < x. */
static size_t count_below(const double *sorted, size_t n, double x)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (sorted[mid] < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void histogram(const double *sorted, size_t n, description *d)
{
    double lo = sorted[0], hi = sorted[n - 1];
    if (lo == hi) {
        lo -= 0.5;
        hi += 0.5;
    }
    double width = hi - lo, step = width / DESCRIBE_BINS;
    for (int i = 0; i < DESCRIBE_BINS; i++) {
        double part = (double)i / DESCRIBE_BINS;
        d->edges[i] = isfinite(width) ? i * step + lo : lo * (1 - part) + hi * part;
    }
    d->edges[DESCRIBE_BINS] = hi;
    size_t before = 0;
    for (int i = 0; i < DESCRIBE_BINS; i++) {
        bool last = i == DESCRIBE_BINS - 1;
        size_t upto = last ? n : count_below(sorted, n, d->edges[i + 1]);
        d->counts[i] = (double)(upto - before);
        before = upto;
    }
}

static void describe_numbers(double *v, double *squares, size_t n, description *d)
{
    d->mean = mean_f64(v, n);
    for (size_t i = 0; i < n; i++) {
        double x = v[i] - d->mean;
        squares[i] = x * x;
    }
    d->std = sqrt(mean_f64(squares, n));
    qsort(v, n, sizeof *v, cmp_f64);
    d->min = v[0];
    d->max = v[n - 1];
    for (int i = 0; i < DESCRIBE_QUANTILES; i++)
        d->quantiles[i] = quantile_sorted(v, n, describe_quantile_at[i]);
    histogram(v, n, d);
}

static void describe_nothing(description *d)
{
    d->mean = d->std = d->min = d->max = NAN;
    for (int i = 0; i < DESCRIBE_QUANTILES; i++)
        d->quantiles[i] = NAN;
    for (int i = 0; i <= DESCRIBE_BINS; i++)
        d->edges[i] = NAN;
}

err describe(const double *v, size_t n, description *ret)
{
    assert(v || !n);
    assert(ret);
    for (size_t i = 0; i < n; i++) {
        if (isinf(v[i]))
            return err_set(ERR_INVALID,
                           "describe: row %zu is %sinfinite, want finite numbers or "
                           "missing ones",
                           i, v[i] < 0 ? "minus " : "");
    }
    double *there = mem_new(n + 1, sizeof *there);
    double *squares = mem_new(n + 1, sizeof *squares);
    description d = {0};
    for (size_t i = 0; i < n; i++) {
        if (!isnan(v[i])) there[d.count++] = v[i];
    }
    d.missing = n - d.count;
    if (d.count)
        describe_numbers(there, squares, d.count, &d);
    else
        describe_nothing(&d);
    mem_free(there);
    mem_free(squares);
    *ret = d;
    return ERR_OK;
}
