#include "model/forest.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

void forest_init(forest *f, size_t n_features, size_t n_outputs)
{
    assert(f && n_features <= UINT16_MAX && n_outputs > 0);
    *f = (forest){.n_features = n_features, .n_outputs = n_outputs};
}

void forest_done(forest *f)
{
    mem_free(f->node_at);
    mem_free(f->leaf_at);
    mem_free(f->depth);
    mem_free(f->nodes);
    mem_free(f->leaves);
    mem_free(f->words);
    *f = (forest){0};
}

size_t forest_bytes(const forest *f)
{
    return (f->trees_cap + 1) * 3 * sizeof(uint32_t) + f->nodes_cap * sizeof *f->nodes +
           f->leaves_cap * sizeof *f->leaves + f->words_cap * sizeof *f->words;
}

static size_t grown(size_t cap, size_t want)
{
    size_t to = cap + cap / 2 + 16;
    return to < want ? want : to;
}

static void make_room(forest *f, const forest_tree *t)
{
    if (f->n_trees + 1 > f->trees_cap) {
        f->trees_cap = grown(f->trees_cap, f->n_trees + 1);
        f->node_at = mem_grow(f->node_at, f->trees_cap + 1, sizeof *f->node_at);
        f->leaf_at = mem_grow(f->leaf_at, f->trees_cap + 1, sizeof *f->leaf_at);
        f->depth = mem_grow(f->depth, f->trees_cap + 1, sizeof *f->depth);
    }
    if (f->n_nodes + t->n_leaves > f->nodes_cap) {
        f->nodes_cap = grown(f->nodes_cap, f->n_nodes + t->n_leaves);
        f->nodes = mem_grow(f->nodes, f->nodes_cap, sizeof *f->nodes);
    }
    if (f->n_leaves + t->n_leaves > f->leaves_cap) {
        f->leaves_cap = grown(f->leaves_cap, f->n_leaves + t->n_leaves);
        f->leaves = mem_grow(f->leaves, f->leaves_cap, sizeof *f->leaves);
    }
    if (f->n_words + t->n_words > f->words_cap) {
        f->words_cap = grown(f->words_cap, f->n_words + t->n_words);
        f->words = mem_grow(f->words, f->words_cap, sizeof *f->words);
    }
}

static err check_node(const forest *f, const forest_tree *t, size_t i)
{
    const forest_node *n = &t->nodes[i];
    if (n->feature >= f->n_features)
        return err_set(ERR_FORMAT, "node %zu splits on feature %u, the model has %zu", i,
                       n->feature, f->n_features);
    if (how_missing(n->how) > MISSING_NAN || n->how > 15)
        return err_set(ERR_FORMAT, "node %zu has decision type %u, which is not defined", i,
                       n->how);
    bool categorical = n->how & HOW_CATEGORICAL;
    if (categorical && (n->word_at > t->n_words || n->n_words > t->n_words - n->word_at))
        return err_set(ERR_FORMAT, "node %zu has a set of categories outside of cat_threshold", i);
    return ERR_OK;
}

/* Marks what a child leads to; the second visit of a node or leaf is a cycle or a join. */
static err visit(const forest_tree *t, size_t parent, int32_t child, uint8_t *seen, bool *ret_inner)
{
    size_t n_inner = t->n_leaves - 1;
    bool inner = child >= 0;
    size_t at = inner ? (size_t)child : (size_t)~child;
    if (at >= (inner ? n_inner : t->n_leaves))
        return err_set(ERR_FORMAT, "node %zu has child %d, but there are %zu nodes and %zu leaves",
                       parent, child, n_inner, t->n_leaves);
    uint8_t *mark = &seen[inner ? at : n_inner + at];
    if (*mark)
        return err_set(ERR_FORMAT, "node %zu leads to %s %zu, which another node leads to already",
                       parent, inner ? "node" : "leaf", at);
    *mark = 1;
    *ret_inner = inner;
    return ERR_OK;
}

/* Walks the tree level by level from the root; order and seen have room for its nodes and leaves.
 */
static err check_shape(const forest_tree *t, int32_t *order, uint8_t *seen, size_t *ret_depth)
{
    size_t n_inner = t->n_leaves - 1, head = 0, tail = 0, depth = 0;
    if (n_inner) {
        order[tail++] = 0;
        seen[0] = 1;
    }
    for (size_t level_end = tail; head < tail; depth++, level_end = tail) {
        for (; head < level_end; head++) {
            const forest_node *n = &t->nodes[order[head]];
            bool inner = false;
            TRY(visit(t, (size_t)order[head], n->left, seen, &inner));
            if (inner) order[tail++] = n->left;
            TRY(visit(t, (size_t)order[head], n->right, seen, &inner));
            if (inner) order[tail++] = n->right;
        }
    }
    if (tail != n_inner)
        return err_set(ERR_FORMAT, "only %zu of %zu nodes are reached from the root", tail,
                       n_inner);
    *ret_depth = depth;
    return ERR_OK;
}

static err check_tree(const forest *f, const forest_tree *t, size_t *ret_depth)
{
    for (size_t i = 0; i + 1 < t->n_leaves; i++)
        TRY(check_node(f, t, i));
    for (size_t i = 0; i < t->n_leaves; i++) {
        if (!isfinite(t->leaves[i]))
            return err_set(ERR_FORMAT, "leaf %zu has a value that is not finite", i);
    }
    int32_t *order = mem_new(t->n_leaves, sizeof *order);
    uint8_t *seen = mem_new(2 * t->n_leaves, 1);
    err e = check_shape(t, order, seen, ret_depth);
    mem_free(order);
    mem_free(seen);
    return e;
}

err forest_add(forest *f, const forest_tree *t)
{
    assert(f && t && t->n_leaves > 0);
    if (f->n_leaves + t->n_leaves > INT32_MAX / 2 || f->n_words + t->n_words > INT32_MAX)
        return err_set(ERR_LIMIT, "more than %d leaves", INT32_MAX / 2);
    size_t depth = 0, n_inner = t->n_leaves - 1;
    TRY(check_tree(f, t, &depth));
    make_room(f, t);
    forest_node *to = f->nodes + f->n_nodes;
    if (n_inner) memcpy(to, t->nodes, n_inner * sizeof *to);
    for (size_t i = 0; i < n_inner; i++) {
        if (to[i].how & HOW_CATEGORICAL) to[i].word_at += (uint32_t)f->n_words;
    }
    memcpy(f->leaves + f->n_leaves, t->leaves, t->n_leaves * sizeof *f->leaves);
    if (t->n_words) memcpy(f->words + f->n_words, t->words, t->n_words * sizeof *f->words);
    f->node_at[f->n_trees] = (uint32_t)f->n_nodes;
    f->leaf_at[f->n_trees] = (uint32_t)f->n_leaves;
    f->depth[f->n_trees] = (uint32_t)depth;
    f->n_nodes += n_inner;
    f->n_leaves += t->n_leaves;
    f->n_words += t->n_words;
    f->n_trees++;
    f->node_at[f->n_trees] = (uint32_t)f->n_nodes;
    f->leaf_at[f->n_trees] = (uint32_t)f->n_leaves;
    if (depth > f->depth_max) f->depth_max = depth;
    return ERR_OK;
}

static bool in_set(const forest *f, const forest_node *n, double v)
{
    int64_t c = forest_category(v);
    return c >= 0 && c / 32 < n->n_words && f->words[n->word_at + c / 32] >> (c % 32) & 1;
}

static bool goes_left(const forest *f, const forest_node *n, double v)
{
    if (n->how & HOW_CATEGORICAL) return in_set(f, n, v);
    missing_kind m = how_missing(n->how);
    bool nan = isnan(v);
    if (nan && m != MISSING_NAN) v = 0;
    if (m == MISSING_NAN ? nan : m == MISSING_ZERO && v == 0) return n->how & HOW_DEFAULT_LEFT;
    return v <= n->threshold;
}

size_t forest_leaf(const forest *f, size_t tree, const double *x)
{
    assert(tree < f->n_trees);
    const forest_node *nodes = f->nodes + f->node_at[tree];
    int32_t at = f->node_at[tree] == f->node_at[tree + 1] ? ~0 : 0;
    while (at >= 0) {
        const forest_node *n = &nodes[at];
        at = goes_left(f, n, forest_clean(x[n->feature])) ? n->left : n->right;
    }
    return f->leaf_at[tree] + (size_t)~at;
}

void forest_score(const forest *f, const double *x, double *out)
{
    assert(f->n_outputs > 0);
    for (size_t k = 0; k < f->n_outputs; k++)
        out[k] = 0;
    for (size_t t = 0; t < f->n_trees; t++)
        out[t % f->n_outputs] += f->leaves[forest_leaf(f, t, x)];
}
