#include "model/trees.h"

#include <assert.h>

#include "base/mem.h"
#include "base/str.h"

/* From this many rows on, blocks are quicker than one row after the other. */
enum { BLOCKS_ROWS_MIN = 32 };

static void done(void *p)
{
    trees *t = p;
    lanes_free(t->lanes);
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
    assert(t && !t->lanes && !t->blocks);
    t->lanes = lanes_new(&t->forest, LANES_BEST);
    if (t->lanes) t->blocks = blocks_new(&t->forest, t->lanes);
}

size_t trees_bytes(const trees *t)
{
    return forest_bytes(&t->forest) + (t->lanes ? lanes_bytes(t->lanes) : 0) +
           (t->blocks ? blocks_bytes(t->blocks) : 0);
}

static void finish_row(const trees *t, bool raw, double *out)
{
    size_t k = t->forest.n_outputs;
    if (raw) return;
    if (t->average) {
        double iterations = (double)(t->forest.n_trees / k);
        for (size_t i = 0; i < k; i++)
            out[i] /= iterations;
    }
    transform_apply(&t->transform, out, k);
}

static trees_path choose(const trees *t, trees_path path, size_t rows)
{
    if (path == TREES_AUTO) path = rows >= BLOCKS_ROWS_MIN ? TREES_BLOCKS : TREES_LANES;
    if (path == TREES_BLOCKS && !t->blocks) path = TREES_LANES;
    if (path == TREES_LANES && !t->lanes) path = TREES_WALK;
    return path;
}

void trees_predict_by(const trees *t, trees_path path, matrix x, bool raw, double *out)
{
    assert(t && x.cols == t->forest.n_features);
    size_t k = t->forest.n_outputs;
    path = choose(t, path, x.rows);
    if (path == TREES_BLOCKS) blocks_score(t->blocks, x, out);
    for (size_t r = 0; r < x.rows; r++) {
        if (path == TREES_LANES) lanes_score(t->lanes, x.v + r * x.stride, out + r * k);
        if (path == TREES_WALK) forest_score(&t->forest, x.v + r * x.stride, out + r * k);
        finish_row(t, raw, out + r * k);
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
