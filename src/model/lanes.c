#include "model/lanes.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "model/lanes_int.h"

/* ---- walking in plain C ---- */

static void walk_narrow_c(const lanes *l, const uint32_t *row, uint32_t *at, size_t n,
                          uint32_t depth)
{
    for (uint32_t d = 0; d < depth; d++) {
        for (size_t i = 0; i < n; i++) {
            uint32_t w = l->word[at[i]];
            uint32_t rank = row[w >> NARROW_SLOT_SHIFT & (NARROW_SLOTS - 1)];
            at[i] = (w >> NARROW_CHILD_SHIFT) + (rank > (w & UINT8_MAX));
        }
    }
}

static void walk_wide_c(const lanes *l, const uint32_t *row, uint32_t *at, size_t n, uint32_t depth)
{
    for (uint32_t d = 0; d < depth; d++) {
        for (size_t i = 0; i < n; i++) {
            uint32_t test = l->test[at[i]];
            at[i] = l->child[at[i]] + (row[test >> WIDE_SLOT_SHIFT] > (test & UINT16_MAX));
        }
    }
}

static lanes_walk *choose_walk(lanes_code code, bool narrow)
{
    lanes_walk *walk = code == LANES_C ? NULL : lanes_walk_avx512(narrow);
    if (!walk && code != LANES_AVX512) walk = narrow ? walk_narrow_c : walk_wide_c;
    return walk;
}

/* ---- scoring ---- */

static void score_chunk(const lanes *l, size_t first, const uint32_t *row, double *out)
{
    size_t n = l->n_trees - first < LANES_CHUNK ? l->n_trees - first : LANES_CHUNK;
    uint32_t at[LANES_CHUNK] __attribute__((aligned(64)));
    memcpy(at, l->root + first, sizeof at);
    l->walk(l, row, at, n, l->depth[first / LANES_CHUNK]);
    if (l->n_outputs == 1) {
        double sum = out[0];
        for (size_t i = 0; i < n; i++)
            sum += l->value[at[i]];
        out[0] = sum;
        return;
    }
    size_t k = first % l->n_outputs;
    for (size_t i = 0; i < n; i++) {
        out[k] += l->value[at[i]];
        k = k + 1 < l->n_outputs ? k + 1 : 0;
    }
}

static void score(const lanes *l, const uint32_t *row, double *out)
{
    for (size_t k = 0; k < l->n_outputs; k++)
        out[k] = 0;
    for (size_t t = 0; t < l->n_trees; t += LANES_CHUNK)
        score_chunk(l, t, row, out);
}

void lanes_score(const lanes *l, const double *x, double *out)
{
    if (l->word) {
        uint32_t row[NARROW_SLOTS] __attribute__((aligned(64)));
        ranks_of_row(l->ranks, x, row);
        score(l, row, out);
    } else {
        uint32_t row[RANKS_SLOTS_MAX] __attribute__((aligned(64)));
        ranks_of_row(l->ranks, x, row);
        score(l, row, out);
    }
}

/* ---- making ---- */

static void put_node(lanes *l, size_t at, ranks_test test, uint32_t child)
{
    if (l->word) {
        l->word[at] = child << NARROW_CHILD_SHIFT | test.slot << NARROW_SLOT_SHIFT | test.bound;
    } else {
        assert(l->test && l->child);
        l->test[at] = test.slot << WIDE_SLOT_SHIFT | test.bound;
        l->child[at] = child;
    }
}

static void put_leaf(lanes *l, size_t at, double value)
{
    put_node(l, at, (ranks_test){0, l->word ? UINT8_MAX : UINT16_MAX}, (uint32_t)at);
    l->value[at] = value;
}

/* Lays tree t out level by level from node `base` on, root first and pairs of children at even
 * places; queue has room for its nodes and leaves. Returns the first node behind it. */
static uint32_t put_tree(lanes *l, const forest *f, size_t t, uint32_t base, int32_t *queue)
{
    const forest_node *nodes = f->nodes + f->node_at[t];
    const ranks_test *tests = l->tests + f->node_at[t];
    bool stump = f->node_at[t] == f->node_at[t + 1];
    size_t n = 1;
    queue[0] = stump ? ~0 : 0;
    for (size_t i = 0; i < n; i++) {
        int32_t q = queue[i];
        if (q < 0) {
            put_leaf(l, base + i, f->leaves[f->leaf_at[t] + (size_t)~q]);
            continue;
        }
        put_node(l, base + i, tests[q], (uint32_t)(base + n));
        queue[n++] = nodes[q].left;
        queue[n++] = nodes[q].right;
    }
    l->root[t] = base;
    return (uint32_t)(base + n);
}

static void put_forest(lanes *l, const forest *f, arena *scratch)
{
    size_t most = 1;
    for (size_t t = 0; t < f->n_trees; t++) {
        size_t n = 2 * (size_t)(f->leaf_at[t + 1] - f->leaf_at[t]);
        most = n > most ? n : most;
        uint32_t *depth = &l->depth[t / LANES_CHUNK];
        *depth = f->depth[t] > *depth ? f->depth[t] : *depth;
    }
    int32_t *queue = arena_array(scratch, int32_t, most);
    put_leaf(l, 0, 0);
    uint32_t at = 1; /* roots at odd places */
    for (size_t t = 0; t < f->n_trees; t++)
        at = put_tree(l, f, t, at, queue) | 1;
}

static void *aligned(arena *a, size_t n, size_t size)
{
    enum { LINE = 64 };
    char *p = arena_alloc(a, 1, n * size + LINE);
    return p + (LINE - (uintptr_t)p % LINE) % LINE;
}

lanes *lanes_new(const forest *f, lanes_code code)
{
    assert(f);
    AUTO(arena) scratch = arena_new(0);
    arena *a = arena_new(0);
    ranks_test *tests = arena_array(a, ranks_test, f->n_nodes);
    const ranks *r = ranks_new(a, f, tests);
    size_t n_nodes = f->n_nodes + f->n_leaves + f->n_trees + 2;
    bool narrow =
        r && ranks_fit_byte(r) && ranks_slots(r) <= NARROW_SLOTS && n_nodes <= NARROW_NODES_MAX;
    lanes_walk *walk = choose_walk(code, narrow);
    if (!r || !walk || n_nodes > INT32_MAX) {
        arena_free(a);
        return NULL;
    }
    lanes *l = arena_new_of(a, lanes);
    size_t chunks = f->n_trees / LANES_CHUNK + 1;
    *l = (lanes){.memory = a,
                 .ranks = r,
                 .tests = tests,
                 .n_trees = f->n_trees,
                 .n_outputs = f->n_outputs,
                 .n_nodes = n_nodes,
                 .walk = walk};
    l->root = aligned(a, chunks * LANES_CHUNK, sizeof *l->root);
    l->depth = arena_array(a, uint32_t, chunks);
    l->value = aligned(a, n_nodes, sizeof *l->value);
    if (narrow) {
        l->word = aligned(a, n_nodes, sizeof *l->word);
    } else {
        l->test = aligned(a, n_nodes, sizeof *l->test);
        l->child = aligned(a, n_nodes, sizeof *l->child);
    }
    put_forest(l, f, scratch);
    return l;
}

void lanes_free(lanes *l)
{
    if (l) arena_free(l->memory);
}

size_t lanes_bytes(const lanes *l)
{
    return arena_bytes(l->memory);
}

const ranks *lanes_ranks(const lanes *l)
{
    return l->ranks;
}

const ranks_test *lanes_tests(const lanes *l)
{
    return l->tests;
}
