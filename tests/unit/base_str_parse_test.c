#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>

#include "base/rng.h"
#include "base/str.h"
#include "test.h"

TEST(whole_numbers_are_read_to_their_limits)
{
    int64_t i = 5;
    uint64_t u = 5;
    ck_ok(parse_i64(STR("-9223372036854775808"), &i));
    ck_assert_int_eq(i, INT64_MIN);
    ck_ok(parse_i64(STR("9223372036854775807"), &i));
    ck_assert_int_eq(i, INT64_MAX);
    ck_ok(parse_i64(STR("+7"), &i));
    ck_assert_int_eq(i, 7);
    ck_ok(parse_u64(STR("18446744073709551615"), &u));
    ck_assert_uint_eq(u, UINT64_MAX);
    ck_ok(parse_u64(STR("007"), &u));
    ck_assert_uint_eq(u, 7);
}

TEST(what_is_no_whole_number_is_refused_and_nothing_written)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "1e3",
                                      "0x10",
                                      "--1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999",
                                      "1_000",
                                      "\xD9\xA1"};
    int64_t i = 42;
    for (size_t k = 0; k < countof(bad); k++)
        ck_err(parse_i64(str_of(bad[k]), &i), ERR_FORMAT);
    ck_assert_int_eq(i, 42);
    uint64_t u = 42;
    ck_err(parse_u64(STR("-1"), &u), ERR_FORMAT);
    ck_err(parse_u64(STR("+1"), &u), ERR_FORMAT);
    ck_err(parse_u64(STR("18446744073709551616"), &u), ERR_FORMAT);
    ck_assert_uint_eq(u, 42);
    ck_err(parse_i64(STR("12x"), &i), ERR_FORMAT);
    ck_assert_str_eq(err_message(), "\"12x\" is no 64-bit whole number");
}

TEST(real_numbers_are_read_whole)
{
    double d = 0;
    ck_ok(parse_f64(STR("1.5e3"), &d));
    ck_assert_double_eq(d, 1500);
    ck_ok(parse_f64(STR(".5"), &d));
    ck_assert_double_eq(d, 0.5);
    ck_ok(parse_f64(STR("nan"), &d));
    ck_assert(isnan(d));
    ck_ok(parse_f64(STR("-Infinity"), &d));
    ck_assert_double_eq(d, -(double)INFINITY);
    ck_ok(parse_f64(STR("INF"), &d));
    ck_ok(parse_f64(STR("4.9e-324"), &d));
    ck_assert_double_eq(d, 0x1p-1074);
    ck_ok(parse_f64(STR("1e-400"), &d));
    ck_assert_double_eq(d, 0);
    ck_ok(parse_f64(STR("-0"), &d));
    ck_assert(signbit(d));
    ck_ok(parse_f64(STR("9007199254740993"), &d)); /* halfway: to even */
    ck_assert_double_eq(d, 9007199254740992);
    ck_ok(parse_f64(STR("18446744073709551615"), &d));
    ck_assert_double_eq(d, 0x1p64);
    ck_ok(parse_f64(STR("-9223372036854775809"), &d));
    ck_assert_double_eq(d, -0x1p63);
    /* only the first bytes of the text belong to it */
    ck_ok(parse_f64((str){"12345", 2}, &d));
    ck_assert_double_eq(d, 12);
}

TEST(what_is_no_real_number_is_refused)
{
    static const char *const bad[] = {"",   " 1",     "1 ", "1,5",   "1.5.2",  "e5",
                                      "1e", "nan(5)", "0x", "1e999", "-1e999", "twelve"};
    double d = 42;
    for (size_t k = 0; k < countof(bad); k++)
        ck_err(parse_f64(str_of(bad[k]), &d), ERR_FORMAT);
    ck_err(parse_f64((str){"1\0002", 3}, &d), ERR_FORMAT);
    AUTO(arena) a = arena_new(0);
    ck_err(parse_f64(str_fmt(a, "%02000d", 1), &d), ERR_FORMAT);
    ck_assert_double_eq(d, 42);
}

TEST(sizes_have_units)
{
    uint64_t u = 0;
    ck_ok(parse_size(STR("64MiB"), &u));
    ck_assert_uint_eq(u, 64u << 20);
    ck_ok(parse_size(STR("1GB"), &u));
    ck_assert_uint_eq(u, 1000000000);
    ck_ok(parse_size(STR("4096"), &u));
    ck_assert_uint_eq(u, 4096);
    ck_ok(parse_size(STR("0B"), &u));
    ck_assert_uint_eq(u, 0);
    ck_err(parse_size(STR("1Gb"), &u), ERR_FORMAT);
    ck_err(parse_size(STR("MiB"), &u), ERR_FORMAT);
    ck_err(parse_size(STR("-1MB"), &u), ERR_FORMAT);
    ck_err(parse_size(STR("1.5GiB"), &u), ERR_FORMAT);
    ck_err(parse_size(STR("99999999999TiB"), &u), ERR_FORMAT);
    ck_assert_uint_eq(u, 0);
}

TEST(durations_have_units)
{
    int64_t i = 0;
    ck_ok(parse_duration_ms(STR("250ms"), &i));
    ck_assert_int_eq(i, 250);
    ck_ok(parse_duration_ms(STR("10s"), &i));
    ck_assert_int_eq(i, 10000);
    ck_ok(parse_duration_ms(STR("5m"), &i));
    ck_assert_int_eq(i, 300000);
    ck_ok(parse_duration_ms(STR("24h"), &i));
    ck_assert_int_eq(i, 86400000);
    ck_ok(parse_duration_ms(STR("7d"), &i));
    ck_assert_int_eq(i, 604800000);
    ck_err(parse_duration_ms(STR("7"), &i), ERR_FORMAT);
    ck_err(parse_duration_ms(STR("7w"), &i), ERR_FORMAT);
    ck_err(parse_duration_ms(STR("18446744073709551615ms"), &i), ERR_FORMAT);
    ck_assert_int_eq(i, 604800000);
}

static const char *print(arena *a, double v)
{
    char text[F64_PRINT_MAX];
    size_t n = f64_print(v, text);
    return str_c(a, (str){text, n});
}

TEST(reals_print_shortest_and_as_json)
{
    AUTO(arena) a = arena_new(0);
    ck_assert_str_eq(print(a, 1.0), "1.0");
    ck_assert_str_eq(print(a, 0.0), "0.0");
    ck_assert_str_eq(print(a, -0.0), "-0.0");
    ck_assert_str_eq(print(a, 0.1), "0.1");
    ck_assert_str_eq(print(a, 0.1 + 0.2), "0.30000000000000004");
    ck_assert_str_eq(print(a, 1e300), "1e300");
    ck_assert_str_eq(print(a, 5e-324), "5e-324");
    ck_assert_str_eq(print(a, DBL_MAX), "1.7976931348623157e308");
    ck_assert_str_eq(print(a, -DBL_MIN), "-2.2250738585072014e-308");
    ck_assert_str_eq(print(a, (double)NAN), "NaN");
    ck_assert_str_eq(print(a, (double)INFINITY), "Infinity");
    ck_assert_str_eq(print(a, -(double)INFINITY), "-Infinity");
}

TEST(random_reals_read_back_as_they_were)
{
    AUTO(arena) a = arena_new(0);
    rng r;
    rng_init(&r, 1);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rng_u64(&r);
        double v, back = 0;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v)) continue;
        const char *text = print(a, v);
        ck_ok(parse_f64(str_of(text), &back));
        ck_assert_mem_eq(&back, &v, sizeof v);
        arena_reset(a);
    }
}

TEST(texts_of_many_digits_are_read_as_strtod_reads_them)
{
    AUTO(arena) a = arena_new(0);
    rng r;
    rng_init(&r, 2);
    for (int i = 0; i < 20000; i++) {
        const char *text =
            cstr_fmt(a, "%s%" PRIu64 ".%" PRIu64 "e%d", i % 2 ? "-" : "",
                     rng_u64(&r) >> (rng_u64(&r) & 63), rng_u64(&r), (int)rng_below(&r, 600) - 320);
        const double want = strtod(text, NULL);
        double got = 42;
        err e = parse_f64(str_of(text), &got);
        ck_assert_msg(e == (isinf(want) ? ERR_FORMAT : ERR_OK), "%s", text);
        if (!e) ck_assert_mem_eq(&got, &want, sizeof got);
        arena_reset(a);
    }
}

TEST(whole_numbers_print)
{
    char text[I64_PRINT_MAX];
    ck_assert(str_is((str){text, i64_print(INT64_MIN, text)}, "-9223372036854775808"));
    ck_assert(str_is((str){text, i64_print(INT64_MAX, text)}, "9223372036854775807"));
    ck_assert(str_is((str){text, i64_print(0, text)}, "0"));
    ck_assert(str_is((str){text, i64_print(-10, text)}, "-10"));
}

TESTS("base/str_parse", whole_numbers_are_read_to_their_limits,
      what_is_no_whole_number_is_refused_and_nothing_written, real_numbers_are_read_whole,
      what_is_no_real_number_is_refused, sizes_have_units, durations_have_units,
      texts_of_many_digits_are_read_as_strtod_reads_them, reals_print_shortest_and_as_json,
      random_reals_read_back_as_they_were, whole_numbers_print)
