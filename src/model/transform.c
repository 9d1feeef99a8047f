#include "model/transform.h"

#include <assert.h>
#include <math.h>

static void softmax(double *v, size_t n)
{
    double most = v[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        most = most < v[i] ? v[i] : most;
    for (size_t i = 0; i < n; i++) {
        v[i] = exp(v[i] - most);
        sum += v[i];
    }
    for (size_t i = 0; i < n; i++)
        v[i] /= sum;
}

void transform_apply(const transform *t, double *v, size_t n)
{
    assert(t && v && n > 0);
    if (t->kind == TRANSFORM_IDENTITY) return;
    if (t->kind == TRANSFORM_SOFTMAX) {
        softmax(v, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        double s = v[i];
        switch (t->kind) {
        case TRANSFORM_IDENTITY:
        case TRANSFORM_SOFTMAX:
            break;
        case TRANSFORM_SIGNED_SQUARE:
            v[i] = (double)((s > 0) - (s < 0)) * s * s;
            break;
        case TRANSFORM_EXP:
            v[i] = exp(s);
            break;
        case TRANSFORM_SIGMOID:
            v[i] = 1.0 / (1.0 + exp(-t->k * s));
            break;
        case TRANSFORM_LOG1P_EXP:
            v[i] = log1p(exp(s));
            break;
        }
    }
}
