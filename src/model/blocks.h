/* model/blocks: many rows at a time, for forests whose trees are small. Rows become columns of byte
 * ranks; 64 rows are one AVX-512 register, and every node of a tree is one compare and one blend
 * for all of them, from the leaves up to the root. The leaf's value is then looked up in registers
 * and added, tree after tree, so that the sum is LightGBM's to the bit.
 *
 * Fits: every rank a byte, trees of at most 64 leaves, one output. Immutable after blocks_new. */
#ifndef TIDEMILL_MODEL_BLOCKS_H
#define TIDEMILL_MODEL_BLOCKS_H

#include <stddef.h>

#include "frame/frame.h"
#include "model/forest.h"
#include "model/lanes.h"

typedef struct blocks blocks;

/* blocks_new returns NULL when the forest does not fit or the CPU has no AVX-512BW. l must outlive
 * it. Owner: the caller. */
blocks *blocks_new(const forest *f, const lanes *l);
void blocks_free(blocks *b);
size_t blocks_bytes(const blocks *b);

/* blocks_score: x.rows raw scores. Allocates nothing. */
void blocks_score(const blocks *b, matrix x, double *out);

#endif
