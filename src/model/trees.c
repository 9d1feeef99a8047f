#include "model/trees.h"

#include <assert.h>

#include "base/mem.h"
#include "base/str.h"

/* Blocks work on this many rows at once; with fewer than the minimum, one row after the other is
 * quicker. */
enum { BLOCKS_LANE_ROWS = 64, BLOCKS_ROWS_MIN = 36 };

static void done(void *p)
{
    trees *t = p;
    lanes_free(t->lanes);
    scan_free(t->scan);
    blocks_free(t->blocks);
    forest_done(&t->forest);
}

trees *trees_new(arena *a, size_t n_features, size_t n_outputs)
{
    assert(a);
    trees *t = arena_new_of(a, trees);
    forest_init(&t->forest, n_features, n_outputs);
    arena_on_free(a, done, t);
    return t;
}

void trees_finish(trees *t)
{
    assert(t && !t->lanes && !t->scan && !t->blocks);
    t->lanes = lanes_new(&t->forest, LANES_BEST);
    if (!t->lanes) return;
    t->scan = scan_new(&t->forest, t->lanes, SCAN_BEST);
    t->blocks = blocks_new(&t->forest, t->lanes);
}

size_t trees_bytes(const trees *t)
{
    return forest_bytes(&t->forest) + (t->lanes ? lanes_bytes(t->lanes) : 0) +
           (t->scan ? scan_bytes(t->scan) : 0) + (t->blocks ? blocks_bytes(t->blocks) : 0);
}

static void finish_row(const trees *t, bool raw, double *out)
{
    size_t k = t->forest.n_outputs;
    if (raw) return;
    if (t->average) {
        size_t iterations = t->forest.n_trees / k;
        for (size_t i = 0; i < k; i++)
            out[i] /= (double)iterations;
    }
    transform_apply(&t->transform, out, k);
}

static trees_path choose(const trees *t, trees_path path)
{
    if (path == TREES_BLOCKS && !t->blocks) path = TREES_SCAN;
    if (path == TREES_SCAN && !t->scan) path = TREES_LANES;
    if (path == TREES_LANES && !t->lanes) path = TREES_WALK;
    return path;
}

/* How many of the rows go through blocks: whole registers, and a last one when enough of it is
 * filled. */
static size_t rows_for_blocks(size_t rows)
{
    size_t last = rows % BLOCKS_LANE_ROWS;
    return last < BLOCKS_ROWS_MIN ? rows - last : rows;
}

void trees_predict_by(const trees *t, trees_path path, matrix x, bool raw, double *out)
{
    assert(t && x.cols == t->forest.n_features);
    size_t k = t->forest.n_outputs, in_blocks = 0;
    if (path == TREES_AUTO) {
        in_blocks = t->blocks ? rows_for_blocks(x.rows) : 0;
        path = TREES_SCAN;
    } else if (path == TREES_BLOCKS && t->blocks) {
        in_blocks = x.rows;
    }
    path = choose(t, path);
    if (in_blocks) blocks_score(t->blocks, (matrix){x.v, in_blocks, x.cols, x.stride}, out);
    for (size_t r = 0; r < x.rows; r++) {
        const double *row = x.v + r * x.stride;
        double *to = out + r * k;
        if (r >= in_blocks) {
            if (path == TREES_SCAN) scan_score(t->scan, row, to);
            if (path == TREES_LANES) lanes_score(t->lanes, row, to);
            if (path == TREES_WALK) forest_score(&t->forest, row, to);
        }
        finish_row(t, raw, to);
    }
}

void trees_predict(const void *self, matrix x, bool raw, double *out)
{
    trees_predict_by(self, TREES_AUTO, x, raw, out);
}

err trees_importance(const void *self, const char *kind, double *ret)
{
    const trees *t = self;
    bool gain = str_is(str_of(kind), "gain");
    if (!gain && !str_is(str_of(kind), "split"))
        return err_set(ERR_INVALID, "importance \"%s\" is not known, want \"gain\" or \"split\"",
                       kind);
    for (size_t i = 0; i < t->forest.n_features; i++)
        ret[i] = 0;
    for (size_t i = 0; i < t->forest.n_nodes; i++) {
        const forest_node *n = &t->forest.nodes[i];
        if (n->gain > 0) ret[n->feature] += gain ? (double)n->gain : 1;
    }
    return ERR_OK;
}
