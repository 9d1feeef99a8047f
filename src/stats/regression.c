#include "stats/regression.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/sum.h"

typedef struct weighted {
    double value, weight;
} weighted;

/* One sample, and room for n terms that are to be summed. */
typedef struct sample {
    const double *actual, *predicted, *weights;
    size_t n;
    double *terms;
} sample;

static err check(const char *what, const double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(v[i]))
            return err_set(ERR_INVALID, "regression: %s of row %zu is %s, want finite numbers",
                           what, i, isnan(v[i]) ? "NaN" : "infinite");
    }
    return ERR_OK;
}

static err check_weights(const double *w, size_t n)
{
    TRY(check("the weight", w, n));
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (w[i] < 0)
            return err_set(ERR_INVALID, "regression: the weight of row %zu is %g, want >= 0", i,
                           w[i]);
        any |= w[i] > 0;
    }
    return any ? ERR_OK : err_set(ERR_INVALID, "regression: all %zu weights are 0", n);
}

/* The (weighted) mean of s->terms, as numpy.average. Multiplies the terms by the weights. */
static double average(const sample *s, double weight_sum)
{
    if (!s->weights) return mean_f64(s->terms, s->n);
    for (size_t i = 0; i < s->n; i++)
        s->terms[i] *= s->weights[i];
    return sum_f64(s->terms, s->n) / weight_sum;
}

static int cmp_weighted(const void *pa, const void *pb)
{
    double a = ((const weighted *)pa)->value, b = ((const weighted *)pb)->value;
    return (a > b) - (a < b);
}

/* The absolute error that half of the weight lies below; between two when it is met exactly
 * (scikit-learn's averaged inverted CDF, which is the plain median when all weights are 1). */
static double median_error(const sample *s, double weight_sum)
{
    weighted *e = mem_new(s->n, sizeof *e);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        double w = s->weights ? s->weights[i] : 1;
        if (w > 0) e[n++] = (weighted){fabs(s->predicted[i] - s->actual[i]), w};
    }
    qsort(e, n, sizeof *e, cmp_weighted);
    double half = 0.5 * weight_sum, below = 0, ret = e[n - 1].value;
    for (size_t i = 0; i < n; i++) {
        below += e[i].weight;
        if (below < half) continue;
        bool on_it = below == half && i + 1 < n;
        ret = on_it ? (e[i].value + e[i + 1].value) / 2 : e[i].value;
        break;
    }
    mem_free(e);
    return ret;
}

static double r2_of(const sample *s, double weight_sum)
{
    for (size_t i = 0; i < s->n; i++)
        s->terms[i] = s->actual[i];
    double mean = average(s, weight_sum);
    for (size_t i = 0; i < s->n; i++) {
        double d = s->actual[i] - mean;
        s->terms[i] = (s->weights ? s->weights[i] : 1) * (d * d);
    }
    double spread = sum_f64(s->terms, s->n);
    for (size_t i = 0; i < s->n; i++) {
        double d = s->actual[i] - s->predicted[i];
        s->terms[i] = (s->weights ? s->weights[i] : 1) * (d * d);
    }
    double left = sum_f64(s->terms, s->n);
    if (spread == 0) return left == 0 ? 1 : 0;
    return 1 - left / spread;
}

static void score(const sample *s, regression_metrics *m)
{
    double weight_sum = s->weights ? sum_f64(s->weights, s->n) : (double)s->n;
    double *t = s->terms;
    for (size_t i = 0; i < s->n; i++) {
        t[i] = fabs(s->predicted[i] - s->actual[i]);
        if (t[i] > m->max_error) m->max_error = t[i];
    }
    m->mae = average(s, weight_sum);
    for (size_t i = 0; i < s->n; i++) {
        double d = s->actual[i] - s->predicted[i];
        t[i] = d * d;
    }
    m->mse = average(s, weight_sum);
    m->rmse = sqrt(m->mse);
    for (size_t i = 0; i < s->n; i++)
        t[i] = fabs(s->predicted[i] - s->actual[i]) / fmax(fabs(s->actual[i]), DBL_EPSILON);
    m->mape = average(s, weight_sum);
    for (size_t i = 0; i < s->n; i++)
        t[i] = s->predicted[i] - s->actual[i];
    m->mean_error = average(s, weight_sum);
    m->r2 = r2_of(s, weight_sum);
    m->median_ae = median_error(s, weight_sum);
}

err regression_score(const double *actual, const double *predicted, const double *weights, size_t n,
                     regression_metrics *ret)
{
    assert(ret);
    if (!n) return err_set(ERR_INVALID, "regression: no rows, want at least one");
    assert(actual && predicted);
    TRY(check("the actual value", actual, n));
    TRY(check("the prediction", predicted, n));
    if (weights) TRY(check_weights(weights, n));
    sample s = {actual, predicted, weights, n, mem_new(n, sizeof(double))};
    regression_metrics m = {.n = n};
    score(&s, &m);
    mem_free(s.terms);
    *ret = m;
    return ERR_OK;
}
