#include "model/ranks.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    CELLS_MIN = 16,
    CELLS_MAX = 8192,
    IN_CELL_MAX = 4, /* compares behind a look-up in the grid; more: binary search */
    THRESHOLDS_MAX = UINT16_MAX - 1,
    COMBOS = 8,                   /* see combo_of */
    CATEGORY_CELLS_MAX = 4 << 20, /* of one feature's table, in slots */
};

/* How a numeric feature's values become ranks: a grid of equal cells over the thresholds says how
 * many lie in lower cells; the few in the value's own cell are compared. Every step is monotonic in
 * x, so the rank is exact. */
typedef struct numeric {
    uint32_t feature, slot, n_slots;
    uint32_t n, zero_rank;
    const double *t;  /* n thresholds and IN_CELL_MAX infinities */
    uint32_t in_cell; /* most thresholds in a cell; 0: binary search */
    double lo, scale, cell_max;
    const uint16_t *start; /* thresholds in lower cells */
} numeric;

typedef struct categorical {
    uint32_t feature, slot, n_slots;
    uint32_t n_categories;
    uint32_t *table; /* n_slots ranks for each category, and a last row for what is none */
} categorical;

/* What a numeric slot holds: `missing` where the value is missing in the sense of `kind`, else
 * (rank & keep) | fixed. */
typedef struct slot_rule {
    missing_kind kind;
    uint32_t missing, keep, fixed;
} slot_rule;

struct ranks {
    size_t n_slots, n_numeric, n_categorical;
    uint32_t right;
    numeric *numeric;
    categorical *categorical;
    slot_rule *rules; /* a slot's */
};

size_t ranks_slots(const ranks *r)
{
    return r->n_slots;
}

bool ranks_fit_byte(const ranks *r)
{
    return r->right == RANKS_BYTE_RIGHT;
}

uint32_t ranks_right(const ranks *r)
{
    return r->right;
}

/* ---- a row ---- */

static inline uint32_t cell_of(const numeric *q, double x)
{
    double c = (x - q->lo) * q->scale;
    c = c > 0 ? c : 0;
    c = c < q->cell_max ? c : q->cell_max;
    return (uint32_t)(int32_t)c;
}

static uint32_t search(const numeric *q, double x)
{
    const double *p = q->t;
    for (size_t left = q->n; left > 0;) {
        size_t half = (left + 1) / 2;
        p += p[half - 1] < x ? half : 0;
        left -= half;
    }
    return (uint32_t)(p - q->t);
}

static inline uint32_t rank_of(const numeric *q, double x)
{
    if (!q->in_cell) return search(q, x);
    uint32_t from = q->start[cell_of(q, x)], r = from;
    for (uint32_t k = 0; k < q->in_cell; k++)
        r += x > q->t[from + k];
    return r;
}

void ranks_of_row(const ranks *r, const double *x, uint32_t *ret)
{
    for (size_t i = 0; i < r->n_numeric; i++) {
        const numeric *q = &r->numeric[i];
        double v = forest_clean(x[q->feature]);
        bool nan = isnan(v);
        uint32_t rank = nan ? q->zero_rank : rank_of(q, v);
        for (uint32_t s = q->slot; s < q->slot + q->n_slots; s++) {
            const slot_rule *m = &r->rules[s];
            bool missing =
                m->kind == MISSING_NAN ? nan : m->kind == MISSING_ZERO && (nan || v == 0);
            ret[s] = missing ? m->missing : (rank & m->keep) | m->fixed;
        }
    }
    for (size_t i = 0; i < r->n_categorical; i++) {
        const categorical *q = &r->categorical[i];
        int64_t c = forest_category(x[q->feature]);
        size_t row = c < 0 || c >= q->n_categories ? q->n_categories : (size_t)c;
        memcpy(ret + q->slot, q->table + row * q->n_slots, q->n_slots * sizeof *ret);
    }
}

/* ---- making ---- */

static bool is_categorical(const forest_node *n)
{
    return n->how & HOW_CATEGORICAL;
}

/* A numeric node by its feature and threshold, for sorting. */
typedef struct cut {
    double t;
    uint32_t feature;
} cut;

static int cmp_cut(const void *pa, const void *pb)
{
    const cut *a = pa, *b = pb;
    if (a->feature != b->feature) return a->feature < b->feature ? -1 : 1;
    return (a->t > b->t) - (a->t < b->t);
}

/* A feature needs a slot for each of these that its nodes are: 0 no missing values; 1, 2 zero is
 * missing, to the left, right; 3, 4 NaN is missing, to the left, right. A threshold that is NaN
 * sends everything else to the right: 5, and 6, 7 where zero, NaN goes left. */
static unsigned combo_of(const forest_node *n)
{
    missing_kind m = how_missing(n->how);
    bool left = n->how & HOW_DEFAULT_LEFT;
    if (isnan(n->threshold)) return m == MISSING_NONE || !left ? 5 : 5U + m;
    if (m == MISSING_NONE) return 0;
    return 2U * m - (left ? 1 : 0);
}

static slot_rule rule_of(unsigned combo, uint32_t right)
{
    static const slot_rule rules[COMBOS] = {
        {MISSING_NONE, 0, UINT32_MAX, 0}, {MISSING_ZERO, 0, UINT32_MAX, 0},
        {MISSING_ZERO, 1, UINT32_MAX, 0}, {MISSING_NAN, 0, UINT32_MAX, 0},
        {MISSING_NAN, 1, UINT32_MAX, 0},  {MISSING_NONE, 0, 0, 1},
        {MISSING_ZERO, 0, 0, 1},          {MISSING_NAN, 0, 0, 1},
    };
    slot_rule r = rules[combo];
    r.missing *= right;
    r.fixed *= right;
    return r;
}

/* What is known of each feature while the slots are dealt out. */
typedef struct plan {
    uint8_t combos;               /* bits of the missing rules that its nodes have */
    uint32_t slot_of[COMBOS];     /* of each rule */
    uint32_t numeric;             /* position + 1, 0: none */
    uint32_t n_sets, words_max;   /* categorical nodes */
    uint32_t set_slot, sets_done; /* their slots */
} plan;

typedef struct maker {
    arena *a, *scratch;
    const forest *f;
    ranks *r;
    plan *plans;
} maker;

static size_t most_in_cell(numeric *q, uint32_t cells, uint16_t *start, double lo, double hi)
{
    q->lo = lo;
    q->cell_max = cells - 1;
    q->scale = hi > lo ? (double)(cells - 1) / (hi - lo) : 0;
    memset(start, 0, cells * sizeof *start);
    for (uint32_t i = 0; i < q->n; i++)
        start[cell_of(q, q->t[i])]++;
    size_t most = 0, before = 0;
    for (uint32_t c = 0; c < cells; c++) {
        size_t here = start[c];
        most = here > most ? here : most;
        start[c] = (uint16_t)before;
        before += here;
    }
    return most;
}

/* Picks the smallest grid whose cells hold at most two thresholds, or IN_CELL_MAX when the finest
 * allowed has no fewer. */
static void make_grid(maker *m, numeric *q)
{
    double lo = q->t[0], hi = q->t[q->n - 1];
    uint16_t *start = arena_alloc_raw(m->scratch, CELLS_MAX, sizeof *start);
    size_t most = 0, want = 2;
    uint32_t cells = CELLS_MIN;
    for (;; cells *= 2) {
        bool finest = cells >= CELLS_MAX || cells >= 64 * q->n;
        if (finest) want = IN_CELL_MAX;
        most = most_in_cell(q, cells, start, lo, hi);
        if (most <= want || finest) break;
    }
    bool usable = most <= IN_CELL_MAX && isfinite(q->scale) && isfinite(hi - lo);
    q->in_cell = usable ? (uint32_t)most : 0;
    if (!usable) return;
    uint16_t *kept = arena_alloc_raw(m->a, cells, sizeof *kept);
    memcpy(kept, start, cells * sizeof *kept);
    q->start = kept;
}

static bool add_numeric(maker *m, const cut *cuts, size_t n)
{
    ranks *r = m->r;
    double *t = arena_alloc_raw(m->a, n + IN_CELL_MAX, sizeof *t);
    uint32_t n_t = 0;
    for (size_t i = 0; i < n; i++) {
        if (n_t && t[n_t - 1] == cuts[i].t) continue;
        if (n_t == THRESHOLDS_MAX) return false;
        t[n_t++] = cuts[i].t;
    }
    for (size_t i = 0; i < IN_CELL_MAX; i++)
        t[n_t + i] = INFINITY;
    if (n_t >= RANKS_BYTE_RIGHT) r->right = RANKS_WIDE_RIGHT;
    numeric *q = &r->numeric[r->n_numeric++];
    *q = (numeric){.feature = cuts[0].feature, .n = n_t, .t = t};
    make_grid(m, q);
    q->zero_rank = rank_of(q, 0);
    plan *p = &m->plans[q->feature];
    p->numeric = (uint32_t)r->n_numeric;
    q->slot = (uint32_t)r->n_slots;
    for (unsigned c = 0; c < COMBOS; c++) {
        if (p->combos >> c & 1) p->slot_of[c] = (uint32_t)r->n_slots++;
    }
    q->n_slots = (uint32_t)r->n_slots - q->slot;
    return r->n_slots <= RANKS_SLOTS_MAX;
}

static bool make_numerics(maker *m)
{
    const forest *f = m->f;
    cut *cuts = arena_alloc_raw(m->scratch, f->n_nodes + 1, sizeof *cuts);
    size_t n = 0;
    for (size_t i = 0; i < f->n_nodes; i++) {
        const forest_node *node = &f->nodes[i];
        if (is_categorical(node)) continue;
        m->plans[node->feature].combos |= (uint8_t)(1U << combo_of(node));
        double t = isnan(node->threshold) ? 0 : node->threshold + 0.0; /* -0 becomes 0 */
        cuts[n++] = (cut){t, node->feature};
    }
    qsort(cuts, n, sizeof *cuts, cmp_cut);
    for (size_t from = 0, to = 0; from < n; from = to) {
        while (to < n && cuts[to].feature == cuts[from].feature)
            to++;
        if (!add_numeric(m, cuts + from, to - from)) return false;
    }
    return true;
}

static bool make_categoricals(maker *m)
{
    ranks *r = m->r;
    for (size_t i = 0; i < m->f->n_nodes; i++) {
        const forest_node *node = &m->f->nodes[i];
        if (!is_categorical(node)) continue;
        plan *p = &m->plans[node->feature];
        p->n_sets++;
        p->words_max = node->n_words > p->words_max ? node->n_words : p->words_max;
    }
    for (size_t i = 0; i < m->f->n_features; i++) {
        plan *p = &m->plans[i];
        if (!p->n_sets) continue;
        if (r->n_slots + p->n_sets > RANKS_SLOTS_MAX) return false;
        size_t cells = (32 * (size_t)p->words_max + 1) * p->n_sets;
        if (cells > CATEGORY_CELLS_MAX) return false;
        categorical *q = &r->categorical[r->n_categorical++];
        *q = (categorical){.feature = (uint32_t)i,
                           .slot = (uint32_t)r->n_slots,
                           .n_slots = p->n_sets,
                           .n_categories = 32 * p->words_max,
                           .table = arena_alloc_raw(m->a, cells, sizeof(uint32_t))};
        for (size_t c = 0; c < cells; c++)
            q->table[c] = 1;
        p->set_slot = (uint32_t)r->n_slots;
        r->n_slots += p->n_sets;
    }
    return true;
}

static void make_rules(maker *m)
{
    ranks *r = m->r;
    r->rules = arena_array(m->a, slot_rule, r->n_slots + 1);
    for (size_t i = 0; i < m->f->n_features; i++) {
        const plan *p = &m->plans[i];
        for (unsigned c = 0; c < COMBOS; c++) {
            if (p->combos >> c & 1) r->rules[p->slot_of[c]] = rule_of(c, r->right);
        }
    }
}

static ranks_test test_set(maker *m, const forest_node *node)
{
    plan *p = &m->plans[node->feature];
    categorical *q = m->r->categorical;
    while (q->feature != node->feature)
        q++;
    uint32_t at = p->sets_done++;
    for (uint32_t c = 0; c < 32 * node->n_words; c++) {
        if (m->f->words[node->word_at + c / 32] >> (c % 32) & 1) q->table[c * q->n_slots + at] = 0;
    }
    return (ranks_test){p->set_slot + at, 0};
}

static ranks_test test_number(const maker *m, const forest_node *node)
{
    const plan *p = &m->plans[node->feature];
    assert(p->numeric > 0);
    const numeric *q = &m->r->numeric[p->numeric - 1];
    double t = node->threshold;
    return (ranks_test){p->slot_of[combo_of(node)], isnan(t) ? 0 : search(q, t)};
}

static void make_tests(maker *m, ranks_test *tests)
{
    for (size_t i = 0; i < m->f->n_nodes; i++) {
        const forest_node *node = &m->f->nodes[i];
        tests[i] = is_categorical(node) ? test_set(m, node) : test_number(m, node);
    }
}

const ranks *ranks_new(arena *a, const forest *f, ranks_test *tests)
{
    assert(a && f && (tests || !f->n_nodes));
    AUTO(arena) scratch = arena_new(0);
    maker m = {a, scratch, f, arena_new_of(a, ranks), arena_array(scratch, plan, f->n_features)};
    m.r->right = RANKS_BYTE_RIGHT;
    m.r->numeric = arena_array(a, numeric, f->n_features);
    m.r->categorical = arena_array(a, categorical, f->n_features);
    if (!make_numerics(&m) || !make_categoricals(&m)) return NULL;
    make_rules(&m);
    make_tests(&m, tests);
    return m.r;
}
