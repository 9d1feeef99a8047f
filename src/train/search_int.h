/* train/search: the grid of candidates, and cross-validation over them on all threads. Private to
 * train. */
#ifndef TIDEMILL_TRAIN_SEARCH_INT_H
#define TIDEMILL_TRAIN_SEARCH_INT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/progress.h"
#include "train/lgb_int.h"
#include "train/train.h"

/* What all fits share: the training rows and how they are cut into folds. Read by all threads,
 * written by none. */
typedef struct train_data {
    matrix x; /* training rows only */
    const double *label;
    const char *const *names; /* of the features */
    const int *fold;          /* fold of each row, 0..folds-1 */
    int folds;
} train_data;

typedef struct candidate {
    const key_value *params; /* the fixed ones and this point of the grid */
    size_t n_params;
    int iterations;
    const char *text;   /* params for LightGBM, without iterations */
    double *mae, *rmse; /* per fold */
    double mean_mae, mean_rmse;
} candidate;

/* candidates_make: every combination of the axes, the last axis fastest. ERR_INVALID: a parameter
 * that LightGBM does not know (with a did-you-mean), that is given twice, that training sets
 * itself, or that would name data, files or machines. ERR_LIMIT: more than TRAIN_CANDIDATES_MAX.
 * Owner: a.
 */
MUST_CHECK err candidates_make(lgb *l, arena *a, const train_spec *o, candidate **ret,
                               size_t *ret_n);
/* folds_make: a seeded permutation of n rows, dealt round. */
int *folds_make(arena *a, size_t n, int folds, uint64_t seed);
/* search_run fills mae, rmse and their means of every candidate; the answers do not depend on the
 * number of threads. */
MUST_CHECK err search_run(lgb *l, const train_data *d, candidate *v, size_t n, int threads,
                          const progress *p);
/* search_best: the candidate with the smallest mean of by ("mae" or "rmse"); of equals the
 * first. */
const candidate *search_best(const candidate *v, size_t n, str by);

#endif
