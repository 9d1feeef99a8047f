#include "model/blocks.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "model/blocks_int.h"

void blocks_free(blocks *b)
{
    if (b) arena_free(b->memory);
}

size_t blocks_bytes(const blocks *b)
{
    return arena_bytes(b->memory);
}

static void fill_columns(const blocks *b, matrix x, size_t first, size_t n, blocks_columns *c)
{
    uint32_t row[BLOCKS_SLOTS_MAX];
    for (size_t r = 0; r < n; r++) {
        ranks_of_row(b->ranks, x.v + (first + r) * x.stride, row);
        for (size_t s = 0; s < b->n_slots; s++)
            c->rank[s][r] = (uint8_t)row[s];
    }
    size_t whole = (n + BLOCKS_LANE - 1) / BLOCKS_LANE * BLOCKS_LANE;
    for (size_t s = 0; s < b->n_slots; s++)
        memset(c->rank[s] + n, 0, whole - n);
}

void blocks_score(const blocks *b, matrix x, double *out)
{
    assert(b);
    blocks_sum *sum = blocks_sum_avx512();
    assert(sum);
    blocks_columns c;
    for (size_t first = 0; first < x.rows; first += BLOCKS_ROWS) {
        size_t n = x.rows - first < BLOCKS_ROWS ? x.rows - first : BLOCKS_ROWS;
        fill_columns(b, x, first, n, &c);
        sum(b, &c, n, out + first);
    }
}

/* ---- making ---- */

/* One tree while its nodes become operations. */
typedef struct plan {
    const forest_node *nodes;
    const ranks_test *tests;
    uint8_t need[BLOCKS_LEAVES_MAX]; /* cells that a node's subtree needs (Sethi and Ullman) */
    blocks_op *next;
} plan;

static uint8_t count_need(plan *p, int32_t node)
{
    if (node < 0) return 0;
    uint8_t left = count_need(p, p->nodes[node].left), right = count_need(p, p->nodes[node].right);
    uint8_t most = left > right ? left : right;
    if (left == right) most++;
    p->need[node] = most;
    return most;
}

/* Puts the operations of a subtree, the needier side first, with partial results from cell `free`
 * on. Returns the cell with its answer. The depth of the recursion is bounded by BLOCKS_LEAVES_MAX.
 */
static uint8_t put_ops(plan *p, int32_t node, uint8_t free_cell)
{
    if (node < 0) return (uint8_t)~node;
    const forest_node *n = &p->nodes[node];
    uint8_t need_left = n->left < 0 ? 0 : p->need[n->left];
    uint8_t need_right = n->right < 0 ? 0 : p->need[n->right];
    bool left_first = need_left >= need_right;
    uint8_t first = put_ops(p, left_first ? n->left : n->right, free_cell);
    uint8_t second = put_ops(p, left_first ? n->right : n->left,
                             first < BLOCKS_LEAVES_MAX ? free_cell : (uint8_t)(free_cell + 1));
    assert(free_cell < BLOCKS_CELLS);
    *p->next++ = (blocks_op){.bound = p->tests[node].bound * 0x01010101U,
                             .slot = (uint8_t)p->tests[node].slot,
                             .left = left_first ? first : second,
                             .right = left_first ? second : first,
                             .to = free_cell};
    return free_cell;
}

static void put_leaves(const forest *f, size_t t, blocks_leaves *to)
{
    size_t n = f->leaf_at[t + 1] - f->leaf_at[t];
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &f->leaves[f->leaf_at[t] + i], sizeof bits);
        to->low[i] = (uint32_t)bits;
        to->high[i] = (uint32_t)(bits >> 32);
    }
}

static bool fits(const forest *f, const lanes *l)
{
    const ranks *r = lanes_ranks(l);
    if (!blocks_sum_avx512() || f->n_outputs != 1) return false;
    if (!ranks_fit_byte(r) || ranks_slots(r) > BLOCKS_SLOTS_MAX) return false;
    for (size_t t = 0; t < f->n_trees; t++) {
        if (f->leaf_at[t + 1] - f->leaf_at[t] > BLOCKS_LEAVES_MAX) return false;
    }
    return true;
}

blocks *blocks_new(const forest *f, const lanes *l)
{
    assert(f && l);
    if (!fits(f, l)) return NULL;
    arena *a = arena_new(0);
    blocks *b = arena_new_of(a, blocks);
    blocks_op *ops = arena_array(a, blocks_op, f->n_nodes + 1);
    uint8_t *n_ops = arena_array(a, uint8_t, f->n_trees + 1);
    uint8_t *root = arena_array(a, uint8_t, f->n_trees + 1);
    char *raw = arena_alloc(a, f->n_trees + 1, sizeof(blocks_leaves));
    size_t past = (uintptr_t)raw % _Alignof(blocks_leaves);
    blocks_leaves *leaves =
        (blocks_leaves *)(void *)(raw + (past ? _Alignof(blocks_leaves) - past : 0));
    plan p = {.next = ops};
    for (size_t t = 0; t < f->n_trees; t++) {
        p.nodes = f->nodes + f->node_at[t];
        p.tests = lanes_tests(l) + f->node_at[t];
        n_ops[t] = (uint8_t)(f->node_at[t + 1] - f->node_at[t]);
        int32_t top = n_ops[t] ? 0 : ~0;
        uint8_t need = count_need(&p, top);
        assert(need <= BLOCKS_STACK);
        root[t] = put_ops(&p, top, BLOCKS_LEAVES_MAX);
        put_leaves(f, t, &leaves[t]);
    }
    *b = (blocks){.memory = a,
                  .ranks = lanes_ranks(l),
                  .n_trees = f->n_trees,
                  .n_slots = ranks_slots(lanes_ranks(l)),
                  .ops = ops,
                  .n_ops = n_ops,
                  .root = root,
                  .leaves = leaves};
    return b;
}
