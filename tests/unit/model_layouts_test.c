/* Every layout and every machine code against the exact walk, bit for bit, on forests made at
 * random: all kinds of nodes, shapes and sizes, and rows that sit on the thresholds. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/trees.h"
#include "test.h"

/* What a forest is made like. */
typedef struct recipe {
    const char *what;
    size_t n_features, n_outputs, n_trees, leaves_max;
    size_t cuts;      /* different thresholds of a feature; 0: any number */
    bool missing;     /* nodes with missing values and thresholds that are not finite */
    bool categorical; /* some nodes */
    bool chain;       /* as deep as can be */
} recipe;

static const recipe recipes[] = {
    {"one tree", 3, 1, 1, 8, 20, false, false, false},
    {"fifteen trees", 3, 1, 15, 8, 20, false, false, false},
    {"sixteen trees", 6, 1, 16, 31, 100, true, false, false},
    {"seventeen trees", 6, 1, 17, 31, 100, true, false, false},
    {"a chunk but one", 6, 1, 63, 31, 254, true, false, false},
    {"a chunk", 6, 1, 64, 32, 254, true, false, false},
    {"a chunk and one", 6, 1, 65, 33, 254, true, false, false},
    {"a hundred small trees", 5, 1, 100, 64, 200, false, false, false},
    {"trees of 65 leaves", 5, 1, 40, 65, 200, true, false, false},
    {"chains", 4, 1, 30, 64, 200, true, false, true},
    {"long chains", 4, 1, 10, 600, 200, true, false, true},
    {"twenty features", 20, 1, 50, 31, 100, true, false, false},
    {"twenty features, large trees", 20, 3, 51, 64, 30, true, false, false},
    {"255 thresholds", 2, 1, 60, 31, 255, true, false, false},
    {"many thresholds", 2, 1, 60, 200, 0, true, false, false},
    {"many features", 300, 1, 50, 31, 40, true, false, false},
    {"four outputs", 5, 4, 80, 31, 60, true, false, false},
    {"three outputs, odd chunks", 5, 3, 99, 31, 60, true, false, false},
    {"categories", 4, 1, 40, 31, 30, true, true, false},
    {"categories, three outputs", 4, 3, 60, 31, 30, true, true, false},
    {"too many categorical nodes", 4, 1, 200, 60, 30, true, true, false},
    {"stumps", 2, 1, 70, 1, 3, false, false, false},
    {"no trees", 2, 2, 0, 1, 3, false, false, false},
};

enum { ROWS = 333, FEATURES_MAX = 300, CUTS_MAX = 255, WORDS = 3 };

typedef struct maker {
    rng r;
    arena *a;
    const recipe *recipe;
    double cuts[FEATURES_MAX][CUTS_MAX];
} maker;

static double some_double(rng *r)
{
    static const double odd[] = {0.0, -0.0, 1e-36, -1e-36, 1e-35, 1e300, -1e300, 5e-324};
    if (rng_below(r, 12) == 0) return odd[rng_below(r, countof(odd))];
    return (rng_f64(r) - 0.5) * pow(10, (double)rng_below(r, 5));
}

static void make_node(maker *m, forest_node *n)
{
    const recipe *c = m->recipe;
    n->feature = (uint16_t)rng_below(&m->r, c->n_features);
    n->threshold = c->cuts ? m->cuts[n->feature][rng_below(&m->r, c->cuts)] : some_double(&m->r);
    if (c->missing) {
        n->how = (uint8_t)(rng_below(&m->r, 3) << HOW_MISSING_SHIFT | rng_below(&m->r, 2) << 1);
        if (rng_below(&m->r, 40) == 0)
            n->threshold = rng_below(&m->r, 2) ? (double)NAN : (double)INFINITY;
        if (rng_below(&m->r, 80) == 0) n->threshold = -INFINITY;
    }
    if (c->categorical && rng_below(&m->r, 2)) {
        n->how |= HOW_CATEGORICAL;
        n->n_words = (uint32_t)rng_below(&m->r, WORDS + 1);
        n->word_at = (uint32_t)rng_below(&m->r, 32);
    }
}

/* Splits leaf after leaf at random (or always the newest), as LightGBM numbers nodes and leaves. */
static void add_tree(maker *m, forest *f)
{
    const recipe *c = m->recipe;
    size_t n =
        c->chain || c->leaves_max < 3 ? c->leaves_max : 2 + rng_below(&m->r, c->leaves_max - 1);
    forest_node *nodes = arena_array(m->a, forest_node, n);
    int32_t **link = arena_array(m->a, int32_t *, n);
    double *leaves = arena_array(m->a, double, n);
    uint32_t *words = arena_array(m->a, uint32_t, 64);
    int32_t root = ~0;
    link[0] = &root;
    for (size_t i = 0; i + 1 < n; i++) {
        size_t leaf = c->chain ? i : rng_below(&m->r, i + 1);
        make_node(m, &nodes[i]);
        *link[leaf] = (int32_t)i;
        nodes[i].left = ~(int32_t)leaf;
        nodes[i].right = ~(int32_t)(i + 1);
        link[leaf] = &nodes[i].left;
        link[i + 1] = &nodes[i].right;
    }
    for (size_t i = 0; i < n; i++)
        leaves[i] = rng_below(&m->r, 20) ? (rng_f64(&m->r) - 0.5) * 10 : -0.0;
    for (size_t i = 0; i < 64; i++)
        words[i] = (uint32_t)rng_u64(&m->r);
    ck_ok(forest_add(f, &(forest_tree){n, nodes, leaves, words, 64}));
}

static double some_value(maker *m, const forest *f, size_t feature)
{
    static const double odd[] = {
        NAN,    INFINITY, -INFINITY, 0.0,    -0.0,      1e-36, -1e-36, (double)1e-35f,
        -0.5,   -1,       31,        32,     95,        96,    0x1p31, -0x1p31,
        0x1p63, 1e300,    -1e300,    5e-324, 0x1p31 - 1};
    switch (rng_below(&m->r, 4)) {
    case 0:
        return odd[rng_below(&m->r, countof(odd))];
    case 1:
        return some_double(&m->r);
    case 2:
        return (double)rng_below(&m->r, 100);
    default:
        break;
    }
    if (!f->n_nodes) return 1;
    const forest_node *n = &f->nodes[rng_below(&m->r, f->n_nodes)];
    for (size_t i = 0; i < 20 && (n->feature != feature || n->how & HOW_CATEGORICAL); i++)
        n = &f->nodes[rng_below(&m->r, f->n_nodes)];
    double t = n->how & HOW_CATEGORICAL ? 1 : n->threshold;
    double to[] = {t, nextafter(t, INFINITY), nextafter(t, -INFINITY)};
    return to[rng_below(&m->r, 3)];
}

static trees *make_trees(maker *m, const recipe *c, uint64_t seed)
{
    m->recipe = c;
    rng_init(&m->r, seed);
    for (size_t i = 0; i < FEATURES_MAX; i++) {
        for (size_t k = 0; k < CUTS_MAX; k++)
            m->cuts[i][k] = some_double(&m->r);
    }
    trees *t = trees_new(m->a, c->n_features, c->n_outputs);
    for (size_t i = 0; i < c->n_trees; i++)
        add_tree(m, &t->forest);
    trees_finish(t);
    return t;
}

static void check_same(const recipe *c, const char *how, const double *got, const double *want,
                       size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(!memcmp(&got[i], &want[i], sizeof *got),
                      "%s, %s, output %zu: %.17g, want %.17g", c->what, how, i, got[i], want[i]);
}

TEST(all_ways_give_the_bits_of_the_exact_walk)
{
    static maker m;
    const recipe *c = &recipes[_i];
    m = (maker){.a = arena_new(0)};
    trees *t = make_trees(&m, c, 1000 + (uint64_t)_i);
    size_t stride = c->n_features + 3, k = c->n_outputs;
    matrix x = {arena_array(m.a, double, ROWS *stride), ROWS, c->n_features, stride};
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t i = 0; i < c->n_features; i++)
            x.v[r * stride + i] = some_value(&m, &t->forest, i);
    }
    double *want = arena_array(m.a, double, ROWS *k), *got = arena_array(m.a, double, ROWS *k);
    trees_predict_by(t, TREES_WALK, x, true, want);
    trees_predict_by(t, TREES_LANES, x, true, got);
    check_same(c, "lanes", got, want, ROWS * k);
    trees_predict_by(t, TREES_SCAN, x, true, got);
    check_same(c, "scan", got, want, ROWS * k);
    static const size_t rows[] = {1, 2, 31, 63, 64, 65, 127, 128, 129, 255, 256, 257, ROWS};
    for (size_t i = 0; i < countof(rows); i++) {
        x.rows = rows[i];
        memset(got, 0xA5, ROWS * k * sizeof *got);
        trees_predict_by(t, TREES_BLOCKS, x, true, got);
        check_same(c, "blocks", got, want, rows[i] * k);
        memset(got, 0xA5, ROWS * k * sizeof *got);
        trees_predict_by(t, TREES_AUTO, x, true, got);
        check_same(c, "the quickest", got, want, rows[i] * k);
    }
    for (lanes_code code = LANES_C; code <= LANES_AVX512; code++) {
        lanes *l = lanes_new(&t->forest, code);
        for (size_t r = 0; r < ROWS && l; r++)
            lanes_score(l, x.v + r * stride, got + r * k);
        if (l) check_same(c, "lanes of one code", got, want, ROWS * k);
        lanes_free(l);
    }
    for (scan_code code = SCAN_AVX2; t->lanes && code <= SCAN_AVX512; code++) {
        scan *q = scan_new(&t->forest, t->lanes, code);
        for (size_t r = 0; r < ROWS && q; r++)
            scan_score(q, x.v + r * stride, got + r * k);
        if (q) check_same(c, "scan of one code", got, want, ROWS * k);
        scan_free(q);
    }
    arena_free(m.a);
}
END_TEST

TEST(forests_that_fit_a_layout_have_it)
{
    static maker m;
    m = (maker){.a = arena_new(0)};
    for (size_t i = 0; i < countof(recipes); i++) {
        trees *t = make_trees(&m, &recipes[i], i);
        bool too_many = !strcmp(recipes[i].what, "too many categorical nodes");
        ck_assert_msg((t->lanes == NULL) == too_many, "%s", recipes[i].what);
        ck_assert_uint_gt(trees_bytes(t), 0);
    }
    arena_free(m.a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("model_layouts");
    TCase *c = tcase_create("model_layouts");
    tcase_add_loop_test(c, all_ways_give_the_bits_of_the_exact_walk, 0, countof(recipes));
    tcase_add_test(c, forests_that_fit_a_layout_have_it);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
