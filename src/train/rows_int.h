/* train/rows: from sources to matrices: read, check, compute features, store, cut off what is held
 * out. Private to train. */
#ifndef TIDEMILL_TRAIN_ROWS_INT_H
#define TIDEMILL_TRAIN_ROWS_INT_H

#include "home/home.h"
#include "train/train.h"

typedef struct train_rows {
    suite_report checks;      /* of = NULL: there were none */
    int64_t read, kept;       /* rows of the source, rows that were kept */
    int64_t feature_version;  /* of the feature table */
    schema inputs;            /* the features, in order */
    const char *const *names; /* the same names for LightGBM */
    matrix train, test;       /* features of the rows for fitting, and of those held out */
    double *train_label, *test_label;
} train_rows;

/* rows_prepare does all of it and writes the feature table. ERR_GATE: a check that must hold does
 * not; ERR_INVALID: no rows, a label that is no finite number (names the row), a feature that is no
 * number. Owner: a. */
MUST_CHECK err rows_prepare(home *h, duck *d, arena *a, const train_spec *o, const progress *p,
                            train_rows *ret);

#endif
