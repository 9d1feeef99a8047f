/* model/lanes: a forest laid out so that one row goes down several trees at a time.
 *
 * A row becomes ranks (ranks.h). A node is "rank[slot] > bound"; its children lie side by side, so
 * the next node is child + (0 or 1). A leaf is a node that leads to itself, so that trees of
 * different depth walk in step: sixteen of them with AVX-512, the same in plain C elsewhere. Leaves
 * are added strictly in the order of the trees: the sum is LightGBM's to the bit.
 *
 * Immutable after lanes_new. */
#ifndef TIDEMILL_MODEL_LANES_H
#define TIDEMILL_MODEL_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/forest.h"
#include "model/ranks.h"

/* The machine code that walks; BEST is what this CPU does best. */
typedef enum lanes_code { LANES_BEST, LANES_C, LANES_AVX512 } lanes_code;

typedef struct lanes lanes;

/* lanes_new returns NULL when the forest does not fit (ranks.h) or the CPU lacks the code asked
 * for. Owner: the caller. */
lanes *lanes_new(const forest *f, lanes_code code);
void lanes_free(lanes *l);
size_t lanes_bytes(const lanes *l);
const ranks *lanes_ranks(const lanes *l); /* Borrowed until lanes_free */
/* lanes_tests: of each node of the forest, in its order. Borrowed until lanes_free. */
const ranks_test *lanes_tests(const lanes *l);

/* lanes_score: one row of n_features doubles; out gets the n_outputs raw scores. Allocates nothing.
 */
void lanes_score(const lanes *l, const double *x, double *out);

#endif
