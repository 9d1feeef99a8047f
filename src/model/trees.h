/* model/trees: an ensemble ready to predict: the forest as it was read, the layouts compiled from
 * it, and the output transformation. Every reader of a tree format makes one. Immutable after
 * trees_finish. */
#ifndef TIDEMILL_MODEL_TREES_H
#define TIDEMILL_MODEL_TREES_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "frame/frame.h"
#include "model/blocks.h"
#include "model/forest.h"
#include "model/lanes.h"
#include "model/scan.h"
#include "model/transform.h"

typedef struct trees {
    forest forest;
    transform transform;
    bool average; /* divide by the number of iterations (random forests); raw scores are not divided
                   */
    lanes *lanes; /* NULL: the forest does not fit this layout */
    scan *scan;   /* NULL: neither does it fit this one, or the CPU cannot run it */
    blocks *blocks; /* NULL: neither does it fit this one, or the CPU cannot run it */
} trees;

/* Which way a prediction goes; tests walk them all. */
typedef enum trees_path {
    TREES_AUTO,   /* the quickest for this many rows */
    TREES_WALK,   /* the exact walk on doubles */
    TREES_LANES,  /* ranks, several trees at a time */
    TREES_SCAN,   /* all nodes of a row at once */
    TREES_BLOCKS, /* ranks as bytes, many rows at a time */
} trees_path;

/* trees_new: an empty one that is freed with a. Fill forest, transform and average, then
 * trees_finish. */
trees *trees_new(arena *a, size_t n_features, size_t n_outputs);
void trees_finish(trees *t);
size_t trees_bytes(const trees *t);

void trees_predict(const void *self, matrix x, bool raw, double *out);
/* trees_predict_by: a path that this forest or CPU does not have falls back to the next simpler
 * one. */
void trees_predict_by(const trees *t, trees_path path, matrix x, bool raw, double *out);
MUST_CHECK err trees_importance(const void *self, const char *kind, double *ret);

#endif
