/* model/lanes_int: the layout that the walks share. Private to lanes*.c. */
#ifndef TIDEMILL_MODEL_LANES_INT_H
#define TIDEMILL_MODEL_LANES_INT_H

#include "model/lanes.h"

enum {
    LANES_GROUP = 16,              /* trees in step */
    LANES_CHUNK = 4 * LANES_GROUP, /* trees of one call, for latency to overlap */
    /* A narrow node is one word: child << 13 | slot << 8 | bound. */
    NARROW_SLOTS = 32,
    NARROW_SLOT_SHIFT = 8,
    NARROW_CHILD_SHIFT = 13,
    NARROW_NODES_MAX = 1 << (32 - NARROW_CHILD_SHIFT),
    /* A wide node is two words: slot << 16 | bound, and child. */
    WIDE_SLOT_SHIFT = 16,
    /* Levels that are walked before it is asked whether all trees are at a leaf. */
    LEVELS_UNASKED = 6,
};

/* lanes_walk takes n trees (at most LANES_CHUNK) from their roots to their leaves. at: the nodes,
 * in and out, room for LANES_CHUNK; those beyond n are any valid node. */
typedef void lanes_walk(const lanes *l, const uint32_t *row, uint32_t *at, size_t n,
                        uint32_t depth);

struct lanes {
    arena *memory;
    const ranks *ranks;
    const ranks_test *tests;
    size_t n_trees, n_outputs, n_nodes;
    uint32_t *root;  /* n_trees, and node 0 (a leaf) up to a full chunk */
    uint32_t *depth; /* the greatest of each chunk */
    uint32_t *word;  /* narrow form; NULL: the wide one */
    uint32_t *test, *child;
    double *value; /* of the leaves */
    lanes_walk *walk;
};

/* NULL where the CPU cannot. */
lanes_walk *lanes_walk_avx512(bool narrow);

#endif
