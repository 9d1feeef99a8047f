/* model/scan_int: the layout that scan's machine code works on. Private to scan*.c. */
#ifndef TIDEMILL_MODEL_SCAN_INT_H
#define TIDEMILL_MODEL_SCAN_INT_H

#include "model/scan.h"

enum {
    SCAN_GROUP = 16, /* trees side by side */
    SCAN_NODES = 4,  /* nodes of each in one compare */
    SCAN_CELLS = SCAN_GROUP * SCAN_NODES,
    SCAN_SLOTS_FEW = 16, /* looked up by a shuffle that every AVX-512BW has; more need VBMI */
    SCAN_SLOTS_MAX = 64,
    SCAN_PLANE = 32, /* leaves of a mask; trees with more have two masks a node */
    SCAN_LEAVES_MAX = 2 * SCAN_PLANE,
};

/* Four nodes of sixteen trees; node j of tree i is cell 16 j + i. keep has a bit, from the top, for
 * each leaf that stays when the row goes right. A tree with fewer nodes has cells that never go
 * right. */
typedef struct scan_step {
    uint8_t slot[SCAN_CELLS], bound[SCAN_CELLS];
    uint32_t keep[][SCAN_CELLS]; /* one or two planes */
} __attribute__((aligned(64))) scan_step;

/* Adds up the trees; row has room for SCAN_SLOTS_MAX. */
typedef void scan_sum(const scan *s, const uint32_t *row, double *out);

struct scan {
    arena *memory;
    const ranks *ranks;
    size_t n_trees, n_outputs, n_slots, n_planes;
    size_t step_size;        /* bytes of a step */
    const uint32_t *n_steps; /* of each group */
    const char *steps;       /* group after group */
    const double *value;     /* n_planes × SCAN_PLANE leaves of each tree, from left to right */
    scan_sum *sum;
};

/* The sum for this many slots and planes. NULL where the CPU cannot. */
scan_sum *scan_sum_avx512(size_t n_slots, size_t n_planes);
scan_sum *scan_sum_avx2(size_t n_slots, size_t n_planes);

/* scan_add adds the leaves of the group that begins with tree `first`; at is the place of each
 * tree's leaf in its group's values. */
static inline void scan_add(const scan *s, size_t first, const uint32_t *at, double *out)
{
    const double *value = s->value + first * s->n_planes * SCAN_PLANE;
    size_t left = s->n_trees - first, n = left < SCAN_GROUP ? left : SCAN_GROUP;
    if (s->n_outputs == 1) {
        double sum = *out;
        for (size_t i = 0; i < n; i++)
            sum += value[at[i]];
        *out = sum;
        return;
    }
    size_t k = first % s->n_outputs;
    for (size_t i = 0; i < n; i++) {
        out[k] += value[at[i]];
        k = k + 1 < s->n_outputs ? k + 1 : 0;
    }
}

#endif
