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

struct scan {
    arena *memory;
    const ranks *ranks;
    size_t n_trees, n_outputs, n_slots, n_planes;
    size_t step_size;        /* bytes of a step */
    const uint32_t *n_steps; /* of each group */
    const char *steps;       /* group after group */
    const double *value;     /* n_planes × SCAN_PLANE leaves of each tree, from left to right */
    void (*sum)(const scan *s, const uint32_t *row, double *out);
};

typedef void scan_sum(const scan *s, const uint32_t *row, double *out);

/* The sum for this many slots and planes; row has room for SCAN_SLOTS_MAX. NULL where the CPU
 * cannot. */
scan_sum *scan_sum_avx512(size_t n_slots, size_t n_planes);

#endif
