/* Any bytes as a LightGBM file: load, and when it loads, predict rows of awkward values by every
 * way and compare. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/model.h"
#include "model/runtime.h"
#include "model/trees.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 70, OUTPUTS_MAX = 1000, CELLS_MAX = 1 << 20 };

static void same(const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (memcmp(&a[i], &b[i], sizeof *a) && !(isnan(a[i]) && isnan(b[i]))) abort();
    }
}

static void predict(const model_loaded *m, arena *a)
{
    static const double odd[] = {NAN,   0,  -0.0,  1,      -1,       0.5,
                                 1e-36, 32, 1e300, -1e300, INFINITY, -INFINITY};
    size_t n = m->facts.n_features, k = m->facts.n_outputs;
    if (n * ROWS > CELLS_MAX || k > OUTPUTS_MAX) return;
    matrix x = {arena_array(a, double, n *ROWS), ROWS, n, n};
    for (size_t i = 0; i < n * ROWS; i++)
        x.v[i] = odd[(i * 7 + i / n) % countof(odd)];
    double *walk = arena_array(a, double, ROWS *k), *got = arena_array(a, double, ROWS *k);
    trees_predict_by(m->self, TREES_WALK, x, false, walk);
    trees_predict_by(m->self, TREES_LANES, x, false, got);
    same(walk, got, ROWS * k);
    trees_predict_by(m->self, TREES_SCAN, x, false, got);
    same(walk, got, ROWS * k);
    trees_predict_by(m->self, TREES_BLOCKS, x, false, got);
    same(walk, got, ROWS * k);
    if (trees_importance(m->self, "gain", arena_array(a, double, n))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena *a = arena_new(0);
    model_loaded m = {0};
    if (!lightgbm_runtime.load(a, (str){(const char *)data, size}, "fuzz", &m)) predict(&m, a);
    arena_free(a);
    return 0;
}
