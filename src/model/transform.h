/* model/transform: from the raw score of an ensemble to what its predict answers. Pure. The
 * operations and their order are LightGBM's (src/objective/, Common::Softmax), so that results are
 * equal to the last bit. */
#ifndef TIDEMILL_MODEL_TRANSFORM_H
#define TIDEMILL_MODEL_TRANSFORM_H

#include <stddef.h>

typedef enum transform_kind {
    TRANSFORM_IDENTITY,
    TRANSFORM_SIGNED_SQUARE, /* sign(s) s²: regression with reg_sqrt */
    TRANSFORM_EXP,           /* poisson, gamma, tweedie */
    TRANSFORM_SIGMOID,       /* 1 / (1 + exp(-k s)), each output for itself */
    TRANSFORM_SOFTMAX,
    TRANSFORM_LOG1P_EXP, /* cross_entropy_lambda */
} transform_kind;

typedef struct transform {
    transform_kind kind;
    double k; /* SIGMOID's */
} transform;

/* transform_apply changes one row's n outputs in place. */
void transform_apply(const transform *t, double *v, size_t n);

#endif
