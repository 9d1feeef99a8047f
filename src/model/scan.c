#include "model/scan.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "model/scan_int.h"

void scan_free(scan *s)
{
    if (s) arena_free(s->memory);
}

size_t scan_bytes(const scan *s)
{
    return arena_bytes(s->memory);
}

void scan_score(const scan *s, const double *x, double *out)
{
    uint32_t row[SCAN_SLOTS_MAX] __attribute__((aligned(64)));
    ranks_of_row(s->ranks, x, row);
    for (size_t k = 0; k < s->n_outputs; k++)
        out[k] = 0;
    s->sum(s, row, out);
}

/* ---- making ---- */

/* One tree while its leaves are numbered from left to right. */
typedef struct plan {
    const forest_node *nodes;
    uint8_t at[SCAN_LEAVES_MAX];     /* of each leaf: its place from the left */
    uint8_t from[SCAN_LEAVES_MAX];   /* of each node: the first leaf of its left subtree … */
    uint8_t behind[SCAN_LEAVES_MAX]; /* … and the first behind it */
    uint8_t n;                       /* leaves numbered so far */
} plan;

/* The depth of the recursion is bounded by SCAN_LEAVES_MAX. */
static void number_leaves(plan *p, int32_t node)
{
    if (node < 0) {
        p->at[~node] = p->n++;
        return;
    }
    p->from[node] = p->n;
    number_leaves(p, p->nodes[node].left);
    p->behind[node] = p->n;
    number_leaves(p, p->nodes[node].right);
}

/* The leaves of plane `plane` that are not in from … behind, first leaf in the top bit. */
static uint32_t keep_mask(size_t plane, unsigned from, unsigned behind)
{
    uint32_t keep = UINT32_MAX;
    for (unsigned i = from; i < behind; i++) {
        if (i / SCAN_PLANE == plane) keep &= ~(0x80000000U >> i % SCAN_PLANE);
    }
    return keep;
}

static scan_step *step_at(const scan *s, char *steps, size_t i)
{
    return (scan_step *)(void *)(steps + i * s->step_size);
}

static void put_tree(const scan *s, const forest *f, const ranks_test *tests, size_t t, char *steps,
                     double *value)
{
    size_t n = f->node_at[t + 1] - f->node_at[t], lane = t % SCAN_GROUP;
    plan p = {.nodes = f->nodes + f->node_at[t]};
    number_leaves(&p, n ? 0 : ~0);
    for (size_t i = 0; i <= n; i++)
        value[p.at[i]] = f->leaves[f->leaf_at[t] + i];
    for (size_t i = 0; i < n; i++) {
        scan_step *step = step_at(s, steps, i / SCAN_NODES);
        size_t cell = i % SCAN_NODES * SCAN_GROUP + lane;
        step->slot[cell] = (uint8_t)tests[i].slot;
        step->bound[cell] = (uint8_t)tests[i].bound;
        for (size_t k = 0; k < s->n_planes; k++)
            step->keep[k][cell] = keep_mask(k, p.from[i], p.behind[i]);
    }
}

/* Counts the steps of each group; returns their sum. */
static size_t count_steps(const forest *f, uint32_t *n_steps)
{
    size_t all = 0;
    for (size_t first = 0; first < f->n_trees; first += SCAN_GROUP) {
        uint32_t most = 0;
        for (size_t t = first; t < f->n_trees && t < first + SCAN_GROUP; t++) {
            uint32_t n = f->node_at[t + 1] - f->node_at[t];
            most = n > most ? n : most;
        }
        n_steps[first / SCAN_GROUP] = (most + SCAN_NODES - 1) / SCAN_NODES;
        all += n_steps[first / SCAN_GROUP];
    }
    return all;
}

static size_t most_leaves(const forest *f)
{
    size_t most = 1;
    for (size_t t = 0; t < f->n_trees; t++) {
        size_t n = f->leaf_at[t + 1] - f->leaf_at[t];
        most = n > most ? n : most;
    }
    return most;
}

static void put_forest(scan *s, const forest *f, const lanes *l, uint32_t *n_steps)
{
    size_t n = count_steps(f, n_steps), groups = f->n_trees / SCAN_GROUP + 1;
    size_t leaves = s->n_planes * SCAN_PLANE;
    char *steps = arena_alloc(s->memory, n + 1, s->step_size);
    size_t past = (uintptr_t)steps % _Alignof(scan_step);
    steps += past ? _Alignof(scan_step) - past : 0;
    double *value = arena_array(s->memory, double, groups *SCAN_GROUP *leaves);
    s->steps = steps;
    s->value = value;
    s->n_steps = n_steps;
    for (size_t i = 0; i < n; i++) {
        scan_step *step = step_at(s, steps, i);
        memset(step->bound, UINT8_MAX, sizeof step->bound);
        memset(step->keep, UINT8_MAX, s->n_planes * sizeof step->keep[0]);
    }
    for (size_t t = 0; t < f->n_trees; t++) {
        if (t && t % SCAN_GROUP == 0) steps += n_steps[t / SCAN_GROUP - 1] * s->step_size;
        put_tree(s, f, lanes_tests(l) + f->node_at[t], t, steps, value + t * leaves);
    }
}

static scan_sum *choose_sum(scan_code code, size_t n_slots, size_t n_planes)
{
    scan_sum *sum = code == SCAN_AVX2 ? NULL : scan_sum_avx512(n_slots, n_planes);
    return sum || code == SCAN_AVX512 ? sum : scan_sum_avx2(n_slots, n_planes);
}

scan *scan_new(const forest *f, const lanes *l, scan_code code)
{
    assert(f && l);
    const ranks *r = lanes_ranks(l);
    size_t leaves = most_leaves(f), planes = leaves <= SCAN_PLANE ? 1 : 2;
    if (!ranks_fit_byte(r) || ranks_slots(r) > SCAN_SLOTS_MAX || leaves > SCAN_LEAVES_MAX)
        return NULL;
    scan_sum *sum = choose_sum(code, ranks_slots(r), planes);
    if (!sum) return NULL;
    arena *a = arena_new(0);
    scan *s = arena_new_of(a, scan);
    *s = (scan){.memory = a,
                .ranks = r,
                .n_trees = f->n_trees,
                .n_outputs = f->n_outputs,
                .n_slots = ranks_slots(r),
                .n_planes = planes,
                .step_size = sizeof(scan_step) + planes * SCAN_CELLS * sizeof(uint32_t),
                .sum = sum};
    put_forest(s, f, l, arena_array(a, uint32_t, f->n_trees / SCAN_GROUP + 1));
    return s;
}
