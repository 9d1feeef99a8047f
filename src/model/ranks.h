/* model/ranks: a row of doubles as small whole numbers, so that a node's test is one integer
 * compare.
 *
 * For a feature with the sorted distinct thresholds t[0] < t[1] < … of the whole forest, rank(x) is
 * how many of them are < x; then x <= t[i] holds exactly when rank(x) <= i. A row becomes an array
 * of slots. A slot is a feature together with what its nodes do with a missing value: always left
 * (rank 0), always right (the greatest rank), or as 0. A categorical node has a slot of its own
 * that is 0 for the categories that go left and 1 for all others. So every kind of node is
 * "rank[slot] > bound goes right".
 *
 * Immutable after ranks_new. */
#ifndef TIDEMILL_MODEL_RANKS_H
#define TIDEMILL_MODEL_RANKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/forest.h"

enum {
    RANKS_SLOTS_MAX = 2048,       /* more: the row of slots would be dearer than the walk */
    RANKS_BYTE_RIGHT = 255,       /* "always right" when every rank fits a byte … */
    RANKS_WIDE_RIGHT = UINT16_MAX /* … and when it does not */
};

typedef struct ranks ranks;

/* Where the node went: rank[slot] > bound goes right. */
typedef struct ranks_test {
    uint32_t slot, bound;
} ranks_test;

/* ranks_new fills tests (f->n_nodes of them). NULL: the forest has too many slots, thresholds or
 * categories. Owner: a. */
const ranks *ranks_new(arena *a, const forest *f, ranks_test *tests);
size_t ranks_slots(const ranks *r);
bool ranks_fit_byte(const ranks *r); /* every rank and bound is <= 255 */
uint32_t ranks_right(const ranks *r);

/* ranks_of_row: x has n_features doubles; ret gets ranks_slots(r) numbers. Allocates nothing. */
void ranks_of_row(const ranks *r, const double *x, uint32_t *ret);

#endif
