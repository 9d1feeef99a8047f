/* model/forest: an ensemble of decision trees as a model file tells it, and the exact walk through
 * it: one double compare a node. Slow and plainly right; the quick layouts (lanes.h, blocks.h) are
 * compiled from it and tested against it.
 *
 * Grown by one thread tree by tree, immutable afterwards. */
#ifndef TIDEMILL_MODEL_FOREST_H
#define TIDEMILL_MODEL_FOREST_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The bits of forest_node.how are LightGBM's decision_type. */
enum { HOW_CATEGORICAL = 1, HOW_DEFAULT_LEFT = 2, HOW_MISSING_SHIFT = 2 };
typedef enum missing_kind { MISSING_NONE, MISSING_ZERO, MISSING_NAN } missing_kind;

/* Values this near to 0 are 0: LightGBM's kZeroThreshold, a float. */
#define FOREST_ZERO ((double)1e-35f)

/* One inner node. A child >= 0 is an inner node of the same tree, a child < 0 is leaf ~child of the
 * same tree. Numerical: x <= threshold goes left; LightGBM writes thresholds that are NaN, which
 * nothing but a missing value passes. Categorical: the bit of category (int)x set in words[word_at
 * … word_at + n_words) goes left. */
typedef struct forest_node {
    union {
        double threshold;
        struct {
            uint32_t word_at, n_words;
        };
    };
    int32_t left, right;
    float gain;
    uint16_t feature;
    uint8_t how;
} forest_node;
_Static_assert(sizeof(forest_node) == 24, "a node stays small");

/* Tree t's inner nodes are nodes[node_at[t] … node_at[t + 1]), root first; its leaves the same in
 * leaves. It adds to output t % n_outputs. */
typedef struct forest {
    size_t n_features, n_outputs, n_trees, n_nodes, n_leaves, n_words, depth_max;
    uint32_t *node_at, *leaf_at; /* n_trees + 1 */
    uint32_t *depth;             /* levels of inner nodes of each tree */
    forest_node *nodes;
    double *leaves;
    uint32_t *words;
    size_t trees_cap, nodes_cap, leaves_cap, words_cap;
} forest;

static inline missing_kind how_missing(uint8_t how)
{
    return (missing_kind)(how >> HOW_MISSING_SHIFT & 3);
}

void forest_init(forest *f, size_t n_features, size_t n_outputs);
void forest_done(forest *f);
size_t forest_bytes(const forest *f);

/* One tree on its way in: n_leaves - 1 nodes. Borrowed until forest_add returns. */
typedef struct forest_tree {
    size_t n_leaves;
    forest_node *nodes; /* word_at is relative to words; moved by forest_add */
    const double *leaves;
    const uint32_t *words;
    size_t n_words;
} forest_tree;

/* forest_add checks the tree (features and children in range, every node and leaf reached from the
 * root exactly once, finite numbers) and appends it. ERR_FORMAT says which node is wrong; f is
 * unchanged then. */
MUST_CHECK err forest_add(forest *f, const forest_tree *t);

/* forest_leaf: which leaf (position in f->leaves) row x of n_features doubles falls into. */
size_t forest_leaf(const forest *f, size_t tree, const double *x);
/* forest_score adds up the leaves in tree order: n_outputs doubles. */
void forest_score(const forest *f, const double *x, double *out);

/* Shared by every layout: what a value is before it is compared. */
static inline double forest_clean(double v)
{
    return fabs(v) <= FOREST_ZERO ? 0.0 : v;
}

/* forest_category: the category of value v, or -1 when it can be in no set (NaN, negative, over
 * 2^31). (-1, 0) is 0, as a C cast. */
static inline int64_t forest_category(double v)
{
    return v > -1 && v < 2147483648.0 ? (int64_t)v : -1;
}

#endif
