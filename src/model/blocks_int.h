/* model/blocks_int: the layout that blocks' machine code works on. Private to blocks*.c. */
#ifndef TIDEMILL_MODEL_BLOCKS_INT_H
#define TIDEMILL_MODEL_BLOCKS_INT_H

#include "model/blocks.h"

enum {
    BLOCKS_LANE = 64, /* rows in a register, one byte each */
    BLOCKS_LANES = 4, /* registers worked on together */
    BLOCKS_ROWS = BLOCKS_LANE * BLOCKS_LANES,
    BLOCKS_LEAVES_MAX = 64,
    BLOCKS_HALF = 32, /* leaves whose values fit a pair of registers */
    BLOCKS_SLOTS_MAX = 64,
    BLOCKS_STACK = 6, /* partial results of a tree of 64 leaves: log2 */
    BLOCKS_CELLS = BLOCKS_LEAVES_MAX + BLOCKS_STACK,
};

/* One node: for every row, cell[to] = rank[slot] > bound ? cell[right] : cell[left]. Cells below
 * BLOCKS_LEAVES_MAX are the leaves (each holds its own number), the others are partial results. */
typedef struct blocks_op {
    uint32_t bound; /* in each of the four bytes */
    uint8_t slot, left, right, to;
} blocks_op;

/* The low and high halves of the doubles of a tree's leaves, so that they can be looked up by
 * 32-bit permutes. */
typedef struct blocks_leaves {
    uint32_t low[BLOCKS_LEAVES_MAX], high[BLOCKS_LEAVES_MAX];
} __attribute__((aligned(64))) blocks_leaves;

struct blocks {
    arena *memory;
    const ranks *ranks;
    size_t n_trees, n_slots;
    const blocks_op *ops;        /* tree after tree, leaves to root */
    const uint8_t *n_ops;        /* of each tree */
    const uint8_t *root;         /* the cell that holds each tree's answer */
    const blocks_leaves *leaves; /* of each tree */
};

/* The rank of each slot and row, as bytes. */
typedef struct blocks_columns {
    uint8_t rank[BLOCKS_SLOTS_MAX][BLOCKS_ROWS];
} __attribute__((aligned(64))) blocks_columns;

/* blocks_sum adds up the trees for n rows (at most BLOCKS_ROWS); those of the columns beyond n are
 * any bytes. */
typedef void blocks_sum(const blocks *b, const blocks_columns *c, size_t n, double *out);

/* NULL where the CPU cannot. */
blocks_sum *blocks_sum_avx512(void);

#endif
