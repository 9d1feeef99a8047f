/* model/scan: one row against all nodes at once, for forests whose trees are small.
 *
 * Walking a tree waits at every level for a load. Here no node waits for another: each one that
 * sends the row to the right crosses out the leaves of its left subtree, and the leftmost leaf that
 * is left over is the answer (QuickScorer, Lucchese and others 2015). Sixteen trees lie side by
 * side, so that four nodes of each are one compare; the crossing out is an AND. Leaves are added in
 * the order of the trees: the sum is LightGBM's to the bit.
 *
 * Fits: every rank a byte, at most 64 slots, trees of at most 64 leaves. Immutable after scan_new.
 */
#ifndef TIDEMILL_MODEL_SCAN_H
#define TIDEMILL_MODEL_SCAN_H

#include <stddef.h>

#include "model/forest.h"
#include "model/lanes.h"

/* The machine code that scans; BEST is what this CPU does best. */
typedef enum scan_code { SCAN_BEST, SCAN_AVX2, SCAN_AVX512 } scan_code;

typedef struct scan scan;

/* scan_new returns NULL when the forest does not fit or the CPU lacks the code asked for: AVX-512
 * (with VBMI for more than 16 slots), or AVX2 for at most 16 slots. l must outlive it. Owner: the
 * caller. */
scan *scan_new(const forest *f, const lanes *l, scan_code code);
void scan_free(scan *s);
size_t scan_bytes(const scan *s);

/* scan_score: one row of n_features doubles; out gets the n_outputs raw scores. Allocates nothing.
 */
void scan_score(const scan *s, const double *x, double *out);

#endif
