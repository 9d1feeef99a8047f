#include "stats/describe.h"

#include <math.h>

#include "base/file.h"
#include "base/json.h"
#include "stats/sum.h"
#include "test.h"

static double num(yyjson_val *v)
{
    return yyjson_is_str(v) ? (double)NAN : yyjson_get_num(v);
}

static void check_exact(const char *what, double got, double want)
{
    ck_assert_msg(got == want, "%s: %.17g, want %.17g", what, got, want);
}

static void check_list(const char *what, const double *got, size_t n, yyjson_val *want)
{
    ck_assert_uint_eq(yyjson_arr_size(want), n);
    for (size_t i = 0; i < n; i++)
        check_exact(what, got[i], num(yyjson_arr_get(want, i)));
}

TEST(descriptions_are_those_of_numpy_to_the_bit)
{
    arena *a = arena_new(0);
    str text;
    yyjson_val *all = NULL, *key = NULL, *c = NULL;
    size_t i = 0, max = 0;
    ck_ok(file_read(a, TIDEMILL_SOURCE_DIR "/tests/golden/describe.json", 8 << 20, &text));
    ck_ok(json_parse(a, text, "describe.json", &all));
    yyjson_obj_foreach(all, i, max, key, c)
    {
        yyjson_val *values = yyjson_obj_get(c, "values");
        size_t n = yyjson_arr_size(values), there = 0;
        double *v = arena_array(a, double, n), *w = arena_array(a, double, n);
        for (size_t k = 0; k < n; k++) {
            v[k] = num(yyjson_arr_get(values, k));
            if (!isnan(v[k])) w[there++] = v[k];
        }
        description d = {0};
        ck_ok(describe(v, n, &d));
        ck_assert_uint_eq(d.count, yyjson_get_uint(yyjson_obj_get(c, "count")));
        ck_assert_uint_eq(d.missing, yyjson_get_uint(yyjson_obj_get(c, "missing")));
        check_exact("sum", sum_f64(w, there), num(yyjson_obj_get(c, "sum")));
        check_exact("mean", d.mean, num(yyjson_obj_get(c, "mean")));
        check_exact("std", d.std, num(yyjson_obj_get(c, "std")));
        check_exact("min", d.min, num(yyjson_obj_get(c, "min")));
        check_exact("max", d.max, num(yyjson_obj_get(c, "max")));
        check_list("quantiles", d.quantiles, DESCRIBE_QUANTILES, yyjson_obj_get(c, "quantiles"));
        check_list("edges", d.edges, DESCRIBE_BINS + 1, yyjson_obj_get(c, "edges"));
        check_list("counts", d.counts, DESCRIBE_BINS, yyjson_obj_get(c, "counts"));
    }
    ck_assert_uint_ge(max, 9);
    arena_free(a);
}
END_TEST

TEST(nothing_to_describe_gives_no_numbers_and_no_error)
{
    double missing[] = {NAN, NAN};
    description d = {0};
    ck_ok(describe(NULL, 0, &d));
    ck_assert(d.count == 0 && d.missing == 0 && isnan(d.mean) && isnan(d.std) &&
              isnan(d.quantiles[4]));
    ck_ok(describe(missing, 2, &d));
    ck_assert(d.count == 0 && d.missing == 2 && isnan(d.min) && isnan(d.edges[20]));
    ck_assert(d.counts[0] == 0);
}
END_TEST

TEST(infinity_is_refused_with_its_row_and_leaves_the_result_alone)
{
    double v[] = {1, NAN, INFINITY};
    description d = {.count = 42};
    ck_err(describe(v, 3, &d), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "row 2"));
    ck_assert_uint_eq(d.count, 42);
}
END_TEST

TEST(the_widest_range_of_doubles_has_finite_edges_and_counts_every_row)
{
    double v[] = {-1.7e308, 0, 1.7e308}, total = 0;
    description d = {0};
    ck_ok(describe(v, 3, &d));
    for (int i = 0; i < DESCRIBE_BINS; i++) {
        ck_assert(isfinite(d.edges[i]) && d.edges[i] <= d.edges[i + 1]);
        total += d.counts[i];
    }
    ck_assert(total == 3);
}
END_TEST

TEST(a_sum_keeps_what_adding_in_a_row_would_lose)
{
    double v[4096];
    for (int i = 0; i < 4096; i++)
        v[i] = i % 2 ? 1e-9 : 1e7;
    ck_near(sum_f64(v, 4096), 2048 * 1e7 + 2048 * 1e-9, 1e-16, 0);
    ck_assert(sum_f64(v, 0) == 0 && isnan(mean_f64(v, 0)));
    v[17] = NAN;
    ck_assert(isnan(sum_f64(v, 4096)));
}
END_TEST

TEST(quantiles_at_the_ends_are_the_ends)
{
    double v[] = {1, 2, 4};
    ck_assert(quantile_sorted(v, 3, 0) == 1 && quantile_sorted(v, 3, 1) == 4 &&
              quantile_sorted(v, 3, 0.75) == 3 && quantile_sorted(v, 1, 0.3) == 1);
}
END_TEST

TESTS("stats_describe", descriptions_are_those_of_numpy_to_the_bit,
      nothing_to_describe_gives_no_numbers_and_no_error,
      infinity_is_refused_with_its_row_and_leaves_the_result_alone,
      the_widest_range_of_doubles_has_finite_edges_and_counts_every_row,
      a_sum_keeps_what_adding_in_a_row_would_lose, quantiles_at_the_ends_are_the_ends)
