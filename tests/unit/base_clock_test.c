#include "base/clock.h"

#include <string.h>

#include "base/mem.h"

#include "test.h"

static const int64_t ms_of_2026_01_31_noon = 1769860800000;

TEST(points_in_time_print_as_rfc_3339)
{
    char text[TIME_PRINT_MAX];
    ck_assert_str_eq(time_print(0, text), "1970-01-01T00:00:00.000Z");
    ck_assert_str_eq(time_print(-1, text), "1969-12-31T23:59:59.999Z");
    ck_assert_str_eq(time_print(ms_of_2026_01_31_noon + 123, text), "2026-01-31T12:00:00.123Z");
    ck_assert_str_eq(date_print(ms_of_2026_01_31_noon, text), "2026-01-31");
    ck_assert_str_eq(time_print(951782400000, text), "2000-02-29T00:00:00.000Z");
    ck_assert_str_eq(time_print(INT64_MAX, text), "292278994-08-17T07:12:55.807Z");
    ck_assert_str_eq(time_print(INT64_MIN, text), "-292275055-05-16T16:47:04.192Z");
}

TEST(calendar_and_milliseconds_are_each_others_inverse)
{
    static const int64_t some[] = {INT64_MIN,    -62135596800001, -1,       0, 1,
                                   951868799999, 4102444800000,   INT64_MAX};
    for (size_t i = 0; i < countof(some); i++) {
        civil c = civil_of_ms(some[i]);
        ck_assert_int_eq(civil_to_ms(&c), some[i]);
    }
    for (int64_t day = -800000; day < 800000; day += 37) {
        civil c = civil_of_ms(day * 86400000);
        ck_assert_int_eq(civil_to_ms(&c), day * 86400000);
        ck_assert_int_eq(c.weekday, (int)(((day + 4) % 7 + 7) % 7));
    }
}

TEST(weekdays_begin_with_sunday)
{
    ck_assert_int_eq(civil_of_ms(0).weekday, 4);
    ck_assert_int_eq(civil_of_ms(ms_of_2026_01_31_noon).weekday, 6);
    ck_assert_int_eq(civil_of_ms(-86400000).weekday, 3);
}

TEST(times_are_read_in_their_forms)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"2026-01-31T12:00:00Z", 0},
        {"2026-01-31t12:00:00z", 0},
        {"2026-01-31 12:00:00", 0},
        {"2026-01-31T12:00:00.5Z", 500},
        {"2026-01-31T12:00:00.123456789", 123},
        {"2026-01-31T12:00:00,25Z", 250},
        {"2026-01-31T14:00:00+02:00", 0},
        {"2026-01-31T06:30:00-0530", 0},
        {"2026-01-31T13:00:00+01", 0},
        {"2026-01-31", -43200000},
        {"1769860800007", 7},
        {"2026-01-31T11:59:60Z", 0},
    };
    for (size_t i = 0; i < countof(good); i++) {
        int64_t t = 0;
        ck_ok(time_parse(str_of(good[i].text), &t));
        ck_assert_msg(t == ms_of_2026_01_31_noon + good[i].ms, "%s", good[i].text);
    }
    int64_t t = 1;
    ck_ok(time_parse(STR("-5"), &t));
    ck_assert_int_eq(t, -5);
    ck_ok(time_parse(STR("0000-02-29"), &t));
}

TEST(what_is_no_time_is_refused)
{
    static const char *const bad[] = {
        "",
        "noon",
        "2026-1-31",
        "2026-13-01",
        "2026-00-10",
        "2026-02-29",
        "2026-01-32",
        "2026-01-00",
        "2026-01-31T",
        "2026-01-31T12:00",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:61Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00+25:00",
        "2026-01-31T12:00:00Zx",
        "2026-01-31T12:00:00+02:",
        "2026-01-31x12:00:00Z",
        " 2026-01-31",
        "1900-02-29",
        "99999999999999999999",
    };
    int64_t t = 42;
    for (size_t i = 0; i < countof(bad); i++)
        ck_err(time_parse(str_of(bad[i]), &t), ERR_FORMAT);
    ck_assert_int_eq(t, 42);
    ck_assert_ptr_nonnull(strstr(err_message(), "want for example 2026-01-31T12:00:00Z"));
}

static int64_t fixed_now(void *ctx)
{
    return *(int64_t *)ctx;
}

TEST(a_clock_can_be_replaced)
{
    int64_t t = 77;
    const clk c = {fixed_now, &t};
    ck_assert_int_eq(clk_now_ms(&c), 77);
    ck_assert_int_gt(clk_now_ms(&clk_real), 1700000000000);
}

TEST(clocks_go_forward_and_sleep_sleeps)
{
    int64_t cpu = cpu_us(), before = mono_us();
    sleep_ms(20);
    sleep_ms(-5);
    ck_assert_int_ge(mono_us() - before, 20000);
    ck_assert_int_ge(cpu_us(), cpu);
}

TESTS("base/clock", points_in_time_print_as_rfc_3339,
      calendar_and_milliseconds_are_each_others_inverse, weekdays_begin_with_sunday,
      times_are_read_in_their_forms, what_is_no_time_is_refused, a_clock_can_be_replaced,
      clocks_go_forward_and_sleep_sleeps)
