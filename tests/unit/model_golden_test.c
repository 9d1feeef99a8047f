/* Every model that tests/golden/make_lgb.py made, every way of predicting, against LightGBM's own
 * answers, bit for bit. */
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/model.h"
#include "model/trees.h"
#include "test.h"

static const char *const names[] = {
    "taxi",
    "v3",
    "nan",
    "zero",
    "no_missing",
    "regression_sqrt",
    "l1",
    "huber",
    "fair",
    "quantile",
    "mape",
    "poisson",
    "gamma",
    "tweedie",
    "binary",
    "cross_entropy",
    "cross_entropy_lambda",
    "multiclass",
    "multiclassova",
    "lambdarank",
    "rf",
    "rf_binary",
    "dart",
    "stump",
    "trees_500",
    "deep",
    "many_thresholds",
    "wide",
    "categorical",
};

typedef struct golden {
    arena *a;
    str text; /* of the model */
    size_t n_outputs;
    matrix x;
    double *raw, *out;
} golden;

static str read_golden(arena *a, const char *name, const char *ending)
{
    str s;
    ck_ok(file_read(a, cstr_fmt(a, TIDEMILL_SOURCE_DIR "/tests/golden/lgb_%s.%s", name, ending),
                    64 << 20, &s));
    return s;
}

static golden load_golden(arena *a, const char *name)
{
    golden g = {.a = a, .text = read_golden(a, name, "txt")};
    AUTO(model) m = NULL;
    ck_ok(model_load(g.text, NULL, name, &m));
    g.n_outputs = model_get_facts(m)->n_outputs;
    str rest = read_golden(a, name, "csv"), line, word;
    size_t rows = 0;
    for (size_t i = 0; i < rest.n; i++)
        rows += rest.p[i] == '\n';
    size_t n = model_get_facts(m)->n_features;
    g.x = (matrix){arena_array(a, double, rows *n), rows, n, n};
    g.raw = arena_array(a, double, rows *g.n_outputs);
    g.out = arena_array(a, double, rows *g.n_outputs);
    for (size_t r = 0; r < rows; r++) {
        str_cut(rest, '\n', &line, &rest);
        for (size_t c = 0; c < n + 2 * g.n_outputs; c++) {
            str_cut(line, ',', &word, &line);
            double *to = c < n                 ? &g.x.v[r * n + c]
                         : c < n + g.n_outputs ? &g.raw[r * g.n_outputs + c - n]
                                               : &g.out[(r - 1) * g.n_outputs + c - n];
            ck_ok(parse_f64(word, to));
        }
    }
    return g;
}

static void check_bits(const golden *g, const char *name, const char *how, const double *got,
                       const double *want)
{
    for (size_t i = 0; i < g->x.rows * g->n_outputs; i++)
        ck_assert_msg(!memcmp(&got[i], &want[i], sizeof *got),
                      "%s by %s, row %zu: %.17g, want %.17g", name, how, i / g->n_outputs, got[i],
                      want[i]);
}

TEST(every_model_predicts_as_lightgbm_to_the_bit)
{
    arena *a = arena_new(0);
    golden g = load_golden(a, names[_i]);
    AUTO(model) m = NULL;
    ck_ok(model_load(g.text, "lightgbm", names[_i], &m));
    double *got = arena_array(a, double, g.x.rows *g.n_outputs);
    model_predict_raw(m, g.x, got);
    check_bits(&g, names[_i], "raw batch", got, g.raw);
    model_predict(m, g.x, got);
    check_bits(&g, names[_i], "batch", got, g.out);
    for (size_t r = 0; r < g.x.rows; r++) {
        matrix row = {g.x.v + r * g.x.stride, 1, g.x.cols, g.x.stride};
        model_predict(m, row, got + r * g.n_outputs);
    }
    check_bits(&g, names[_i], "single rows", got, g.out);
    arena_free(a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("model_golden");
    TCase *c = tcase_create("model_golden");
    tcase_add_loop_test(c, every_model_predicts_as_lightgbm_to_the_bit, 0, countof(names));
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
