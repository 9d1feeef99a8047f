/* Suites over real DuckDB: every kind, who drops which row, samples, what is refused. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "expectations/expectations.h"
#include "test.h"

static duck *opened(const char *sql)
{
    duck *d = NULL;
    static const char *const dirs[] = {TIDEMILL_SOURCE_DIR "/examples"};
    ck_ok(duck_open(&(duck_options){.dirs = dirs, .n_dirs = 1}, &d));
    ck_ok(duck_lock(d));
    ck_ok(duck_exec(d, "test", sql));
    return d;
}

#define LOW  (-(double)INFINITY)
#define HIGH ((double)INFINITY)
#define RULE(k, c, act, low, high, ...)                                                            \
    {                                                                                              \
        .kind = (k), .column = STR(c), .action = (act), .min = (low), .max = (high), __VA_ARGS__   \
    }

static suite_report run(duck *d, arena *a, const expectation *v, size_t n)
{
    suite_report r;
    ck_ok(suite_run(d, a, &(suite){STR("s"), v, n}, "t", "kept", &r));
    ck_assert_int_eq(r.rows, r.kept + r.dropped);
    return r;
}

TEST(each_kind_counts_the_rows_that_fail_it)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck)
    d = opened("CREATE TABLE t AS SELECT * FROM (VALUES (1, 1.0::DOUBLE, 'a'), (2, 'NaN'::DOUBLE, "
               "'b'), (3, 'inf'::DOUBLE, NULL), "
               "(4, NULL, 'zz'), (5, -3.0, 'a')) v(i, x, s)");
    const str set[] = {STR("a"), STR("b")}, ones[] = {STR("1.0"), STR("2")};
    const expectation v[] = {
        RULE(EXPECT_NOT_NULL, "x", EXPECT_WARN, LOW, HIGH),
        RULE(EXPECT_FINITE, "x", EXPECT_WARN, LOW, HIGH),
        RULE(EXPECT_BETWEEN, "x", EXPECT_WARN, 0, HIGH),
        RULE(EXPECT_BETWEEN, "i", EXPECT_WARN, 1, 5, .name = STR("strict"), .strict_min = true,
             .strict_max = true),
        RULE(EXPECT_IN_SET, "s", EXPECT_WARN, LOW, HIGH, .values = set, .n_values = 2),
        RULE(EXPECT_IN_SET, "i", EXPECT_WARN, LOW, HIGH, .values = ones + 1, .n_values = 1),
        RULE(EXPECT_IN_SET, "x", EXPECT_WARN, LOW, HIGH, .values = ones, .n_values = 1),
        RULE(EXPECT_UNIQUE, "s", EXPECT_WARN, LOW, HIGH),
        RULE(EXPECT_CONDITION, "", EXPECT_WARN, LOW, HIGH,
             .condition = STR("x > 0 -- and no more")),
        RULE(EXPECT_ROW_COUNT, "", EXPECT_WARN, 6, HIGH),
        RULE(EXPECT_COLUMN, "x", EXPECT_WARN, LOW, HIGH),
        RULE(EXPECT_COLUMN, "gone", EXPECT_WARN, LOW, HIGH),
    };
    const int64_t unexpected[] = {1, 3, 2, 2, 1, 4, 3, 1, 2, 1, 0, 1};
    suite_report r = run(d, a, v, countof(v));
    for (size_t i = 0; i < countof(v); i++)
        ck_assert_msg(r.v[i].unexpected == unexpected[i], "%zu: %lld", i,
                      (long long)r.v[i].unexpected);
    ck_assert_int_eq(r.kept, 5);
    ck_assert(r.passed);
    ck_assert(str_is(r.v[1].sample, "[\"NaN\",\"Infinity\",null]"));
    ck_assert(str_is(r.v[3].sample, "[1,5]"));
    ck_assert(str_is(r.v[7].sample, "[\"a\"]"));
    ck_assert_msg(str_is(r.v[8].sample,
                         "[{\"i\":4,\"x\":null,\"s\":\"zz\"},{\"i\":5,\"x\":-3.0,\"s\":\"a\"}]"),
                  "%.*s", STR_ARG(r.v[8].sample));
    ck_assert(str_is(r.of->v[1].name, "column_values_to_be_finite(x)"));
}
END_TEST

TEST(a_dropped_row_belongs_to_the_first_rule_that_drops_it)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck)
    d = opened(
        "CREATE TABLE t AS SELECT 99999 - i AS i, (i * 7919) % 1000 AS k FROM range(100000) r(i)");
    const expectation v[] = {
        RULE(EXPECT_BETWEEN, "i", EXPECT_DROP, 50000, HIGH, .name = STR("small")),
        RULE(EXPECT_CONDITION, "", EXPECT_DROP, LOW, HIGH, .name = STR("even"),
             .condition = STR("i % 2 = 0")),
        RULE(EXPECT_CONDITION, "", EXPECT_FAIL, LOW, HIGH, .name = STR("third"),
             .condition = STR("i % 3 = 0"), .mostly = 0.3),
        RULE(EXPECT_UNIQUE, "k", EXPECT_DROP, LOW, HIGH, .name = STR("unique")),
    };
    suite_report r = run(d, a, v, countof(v));
    ck_assert_int_eq(r.v[0].unexpected, 50000);
    ck_assert_int_eq(r.v[0].dropped, 50000);
    ck_assert_int_eq(r.v[1].unexpected, 50000);
    ck_assert_int_eq(r.v[1].dropped, 25000);
    ck_assert(r.v[2].passed && r.passed);
    ck_assert_int_eq(r.v[3].unexpected, 99000);
    frame *f = NULL;
    ck_ok(duck_query(d, a, "test", "SELECT * FROM kept", &f));
    ck_assert_int_eq((int64_t)f->n_rows, r.kept);
    ck_assert_uint_eq(f->n_cols, 2);
    for (size_t i = 1; i < f->n_rows; i++)
        ck_assert(f->cols[0].i64[i] < f->cols[0].i64[i - 1]); /* the order of the source */
    ck_assert(duck_exec(d, "test", "SELECT * FROM \"tidemill checked\""));
}
END_TEST

TEST(a_failed_rule_fails_the_suite_and_not_the_call)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck) d = opened("CREATE TABLE t AS SELECT i FROM range(10) r(i)");
    const expectation v[] = {RULE(EXPECT_BETWEEN, "i", EXPECT_FAIL, LOW, 5),
                             RULE(EXPECT_ROW_COUNT, "", EXPECT_FAIL, LOW, 9)};
    suite_report r = run(d, a, v, 2);
    ck_assert(!r.passed && !r.v[0].passed && !r.v[1].passed);
    ck_assert_int_eq(r.kept, 10);
    ck_assert(str_is(r.v[1].sample, "[10]"));
    buf b;
    jw w;
    buf_init(&b, 10000);
    jw_init(&w, &b, false);
    suite_report_json(&w, &r);
    ck_assert_ptr_nonnull(
        strstr(str_c(a, buf_str(&b)), "\"unexpected\":4,\"dropped\":0,\"sample\":[6,7,8,9]"));
    buf_done(&b);
}
END_TEST

TEST(no_rows_and_all_rows_dropped_are_errors_that_say_why)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck) d = opened("CREATE TABLE t AS SELECT i FROM range(10) r(i)");
    const expectation v[] = {RULE(EXPECT_BETWEEN, "i", EXPECT_DROP, 100, HIGH, .name = STR("low"))};
    suite_report r;
    ck_err(suite_run(d, a, &(suite){STR("s"), v, 1}, "t", "kept", &r), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "all 10 rows were dropped: low 10"));
    ck_err(suite_run(d, a, &(suite){STR("s"), v, 1}, "(SELECT * FROM t WHERE false)", "kept", &r),
           ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "there are no rows"));
}
END_TEST

TEST(mistakes_in_a_suite_name_the_expectation)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck) d = opened("CREATE TABLE t AS SELECT i, 'x' AS s FROM range(10) r(i)");
    const str word[] = {STR("five")};
    const struct {
        expectation x;
        const char *say;
    } bad[] = {
        {RULE(EXPECT_NOT_NULL, "far", EXPECT_WARN, LOW, HIGH),
         "no column \"far\"; there are: i, s"},
        {RULE(EXPECT_BETWEEN, "s", EXPECT_WARN, 0, HIGH), "is VARCHAR; want a number"},
        {RULE(EXPECT_BETWEEN, "i", EXPECT_WARN, LOW, HIGH), "want min, max or both"},
        {RULE(EXPECT_BETWEEN, "i", EXPECT_WARN, 2, 1), "over max"},
        {RULE(EXPECT_IN_SET, "i", EXPECT_WARN, LOW, HIGH), "value_set is empty"},
        {RULE(EXPECT_IN_SET, "i", EXPECT_WARN, LOW, HIGH, .values = word, .n_values = 1), "five"},
        {RULE(EXPECT_CONDITION, "", EXPECT_WARN, LOW, HIGH, .name = STR("c1")),
         "c1: empty condition"},
        {RULE(EXPECT_CONDITION, "", EXPECT_WARN, LOW, HIGH, .name = STR("c2"),
              .condition = STR("nothing > 1")),
         "expectation c2: Binder Error"},
        {RULE(EXPECT_CONDITION, "", EXPECT_WARN, LOW, HIGH, .name = STR("c3"),
              .condition = STR("true); DROP TABLE t; --")),
         "c3"},
        {RULE(EXPECT_CONDITION, "", EXPECT_WARN, LOW, HIGH, .name = STR("c4"),
              .condition = STR("max(i) > 1")),
         "c4"},
        {RULE(EXPECT_ROW_COUNT, "", EXPECT_DROP, 1, HIGH), "cannot drop rows"},
        {RULE(EXPECT_NOT_NULL, "i", EXPECT_WARN, LOW, HIGH, .mostly = 1.5), "want a share"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        suite_report r;
        ck_err(suite_run(d, a, &(suite){STR("s"), &bad[i].x, 1}, "t", "kept", &r), ERR_INVALID);
        ck_assert_msg(strstr(err_message(), bad[i].say), "%zu: %s", i, err_message());
    }
    const expectation twice[] = {RULE(EXPECT_NOT_NULL, "i", EXPECT_WARN, LOW, HIGH),
                                 RULE(EXPECT_NOT_NULL, "i", EXPECT_DROP, LOW, HIGH)};
    suite_report r;
    ck_err(suite_run(d, a, &(suite){STR("s"), twice, 2}, "t", "kept", &r), ERR_INVALID);
    ck_err(suite_run(d, a, &(suite){STR("s"), twice, 1}, "no_table", "kept", &r), ERR_INVALID);
}
END_TEST

TEST(kinds_have_names_and_a_near_miss_is_named)
{
    expect_kind k;
    for (int i = 0; i < EXPECT_N; i++) {
        ck_ok(expect_kind_parse(str_of(expect_kind_name((expect_kind)i)), &k));
        ck_assert_int_eq(k, i);
    }
    ck_ok(expect_kind_parse(STR("expect_column_values_to_be_unique"), &k));
    ck_assert_int_eq(k, EXPECT_UNIQUE);
    ck_err(expect_kind_parse(STR("column_values_to_be_betwen"), &k), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "did you mean \"column_values_to_be_between\""));
}
END_TEST

TEST(the_real_trips_lose_39_rows)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck) d = opened("SELECT 1");
    ck_ok(source_define(
        d, &(source_spec){
               .name = STR("t"),
               .path = STR(TIDEMILL_SOURCE_DIR "/examples/nyc_taxi/data/nyctaxi_trips.parquet")}));
    const expectation v[] = {
        RULE(EXPECT_BETWEEN, "fare_amount", EXPECT_DROP, 0, HIGH, .strict_min = true),
        RULE(EXPECT_BETWEEN, "trip_distance", EXPECT_DROP, 0, HIGH, .strict_min = true),
    };
    suite_report r = run(d, a, v, 2);
    ck_assert_int_eq(r.rows, 10000);
    ck_assert_int_eq(r.kept, 9961);
    ck_assert_int_eq(r.v[0].dropped + r.v[1].dropped, 39);
}
END_TEST

TESTS("expectations", each_kind_counts_the_rows_that_fail_it,
      a_dropped_row_belongs_to_the_first_rule_that_drops_it,
      a_failed_rule_fails_the_suite_and_not_the_call,
      no_rows_and_all_rows_dropped_are_errors_that_say_why,
      mistakes_in_a_suite_name_the_expectation, kinds_have_names_and_a_near_miss_is_named,
      the_real_trips_lose_39_rows)
