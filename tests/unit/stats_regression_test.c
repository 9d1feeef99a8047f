#include <math.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "stats/regression.h"
#include "test.h"

static yyjson_val *golden(arena *a, const char *name)
{
    str text;
    yyjson_val *v = NULL;
    ck_ok(file_read(a, cstr_fmt(a, TIDEMILL_SOURCE_DIR "/tests/golden/%s", name), 1 << 20, &text));
    ck_ok(json_parse(a, text, name, &v));
    return v;
}

static void check_scores(const regression_metrics *m, yyjson_val *want)
{
    const struct {
        const char *name;
        double got;
    } all[] = {{"mae", m->mae},
               {"mse", m->mse},
               {"rmse", m->rmse},
               {"median_ae", m->median_ae},
               {"max_error", m->max_error},
               {"r2", m->r2},
               {"mape", m->mape},
               {"mean_error", m->mean_error}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        double w = yyjson_get_num(yyjson_obj_get(want, all[i].name));
        ck_assert_msg(fabs(all[i].got - w) <= 1e-14 * fabs(w) + 1e-15, "%s: %.17g, want %.17g",
                      all[i].name, all[i].got, w);
    }
}

TEST(three_hundred_trips_score_as_scikit_learn_with_and_without_weights)
{
    arena *a = arena_new(0);
    yyjson_val *want = golden(a, "regression_300.json");
    str text, line, word;
    ck_ok(file_read(a, TIDEMILL_SOURCE_DIR "/tests/golden/regression_300.csv", 1 << 20, &text));
    double v[3][300];
    str_cut(text, '\n', &line, &text);
    for (size_t i = 0; i < 300; i++) {
        str_cut(text, '\n', &line, &text);
        line = str_trim(line);
        for (size_t c = 0; c < 3; c++) {
            str_cut(line, ',', &word, &line);
            ck_ok(parse_f64(word, &v[c][i]));
        }
    }
    regression_metrics m = {0};
    ck_ok(regression_score(v[0], v[1], NULL, 300, &m));
    ck_assert_uint_eq(m.n, 300);
    check_scores(&m, yyjson_obj_get(want, "unweighted"));
    ck_ok(regression_score(v[0], v[1], v[2], 300, &m));
    check_scores(&m, yyjson_obj_get(want, "weighted"));
    arena_free(a);
}
END_TEST

static const double *numbers(arena *a, yyjson_val *v, size_t *n)
{
    if (!yyjson_is_arr(v)) return NULL;
    *n = yyjson_arr_size(v);
    double *d = arena_array(a, double, *n);
    for (size_t i = 0; i < *n; i++)
        d[i] = yyjson_get_num(yyjson_arr_get(v, i));
    return d;
}

TEST(edge_cases_score_as_scikit_learn)
{
    arena *a = arena_new(0);
    yyjson_val *all = golden(a, "regression_edge.json"), *key = NULL, *c = NULL;
    size_t i = 0, max = 0, n = 0;
    yyjson_obj_foreach(all, i, max, key, c)
    {
        const double *y = numbers(a, yyjson_obj_get(c, "y"), &n);
        const double *p = numbers(a, yyjson_obj_get(c, "pred"), &n);
        regression_metrics m = {0};
        ck_ok(regression_score(y, p, numbers(a, yyjson_obj_get(c, "weight"), &n), n, &m));
        check_scores(&m, yyjson_obj_get(c, "want"));
    }
    ck_assert_uint_ge(max, 6);
    arena_free(a);
}
END_TEST

TEST(numbers_that_are_not_finite_are_refused_with_their_row_and_leave_the_result_alone)
{
    double good[] = {1, 2, 3}, nan[] = {1, NAN, 3}, inf[] = {1, 2, -INFINITY};
    regression_metrics m = {.n = 42};
    ck_err(regression_score(nan, good, NULL, 3, &m), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "row 1"));
    ck_err(regression_score(good, inf, NULL, 3, &m), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "row 2"));
    ck_err(regression_score(good, good, inf, 3, &m), ERR_INVALID);
    ck_assert_uint_eq(m.n, 42);
}
END_TEST

TEST(no_rows_and_useless_weights_are_refused)
{
    double one[] = {1, 2}, zero[] = {0, 0}, negative[] = {1, -1};
    regression_metrics m = {.n = 42};
    ck_err(regression_score(NULL, NULL, NULL, 0, &m), ERR_INVALID);
    ck_err(regression_score(one, one, zero, 2, &m), ERR_INVALID);
    ck_err(regression_score(one, one, negative, 2, &m), ERR_INVALID);
    ck_assert_uint_eq(m.n, 42);
}
END_TEST

TESTS("stats_regression", three_hundred_trips_score_as_scikit_learn_with_and_without_weights,
      edge_cases_score_as_scikit_learn,
      numbers_that_are_not_finite_are_refused_with_their_row_and_leave_the_result_alone,
      no_rows_and_useless_weights_are_refused)
