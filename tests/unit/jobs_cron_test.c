#include "jobs/cron.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "test.h"

/* The n firings after a moment, in UTC, to the second, joined by commas. */
static const char *fires(arena *a, const char *expression, const char *zone, const char *after,
                         int n)
{
    cron *c;
    int64_t t;
    buf b;
    buf_init(&b, 4096);
    ck_ok(cron_parse(a, str_of(expression), str_of(zone), &c));
    ck_ok(time_parse(str_of(after), &t));
    for (int i = 0; i < n; i++) {
        char text[TIME_PRINT_MAX];
        ck_ok(cron_next(c, t, &t));
        buf_fmt(&b, "%s%.19s", i ? "," : "", time_print(t, text));
    }
    const char *s = str_c(a, buf_str(&b));
    buf_done(&b);
    return s;
}

static void ck_fires(const char *expression, const char *zone, const char *after, int n,
                     const char *want)
{
    AUTO(arena) a = arena_new(0);
    ck_assert_str_eq(fires(a, expression, zone, after, n), want);
}

static void ck_refused(const char *expression, const char *zone, const char *words)
{
    AUTO(arena) a = arena_new(0);
    cron *c = NULL;
    err e = cron_parse(a, str_of(expression), str_of(zone), &c);
    ck_assert_msg(e == ERR_INVALID || e == ERR_LIMIT, "%s was taken", expression);
    ck_assert_msg(strstr(err_message(), words) != NULL, "%s: %s", expression, err_message());
    ck_assert_ptr_null(c);
}

TEST(five_fields_as_in_crontab)
{
    ck_fires("30 6 * * *", "", "2026-01-31T06:30:00Z", 2,
             "2026-02-01T06:30:00,2026-02-02T06:30:00");
    ck_fires("*/20 8-9 * * *", "UTC", "2026-01-31T08:00:00Z", 6,
             "2026-01-31T08:20:00,2026-01-31T08:40:00,2026-01-31T09:00:00,2026-01-31T09:20:00,"
             "2026-01-31T09:40:00,2026-02-01T08:00:00");
    ck_fires("0 0 1 jan,Jul *", "UTC", "2026-01-31T00:00:00Z", 2,
             "2026-07-01T00:00:00,2027-01-01T00:00:00");
    ck_fires("0 12 * * mon-fri", "UTC", "2026-11-20T12:00:00Z", 1, "2026-11-23T12:00:00");
    ck_fires("0 12 * * 7", "UTC", "2026-11-20T12:00:00Z", 1, "2026-11-22T12:00:00");
    ck_fires("5/25 0 * * *", "UTC", "2026-11-20T00:00:00Z", 3,
             "2026-11-20T00:05:00,2026-11-20T00:30:00,2026-11-20T00:55:00");
}

TEST(a_firing_is_strictly_after)
{
    ck_fires("* * * * *", "UTC", "2026-01-31T06:30:00Z", 1, "2026-01-31T06:31:00");
    ck_fires("* * * * *", "UTC", "2026-01-31T06:29:59.999Z", 1, "2026-01-31T06:30:00");
    ck_fires("* * * * *", "UTC", "2026-01-31T06:30:00.001Z", 1, "2026-01-31T06:31:00");
}

TEST(day_or_weekday_when_both_are_given)
{
    ck_fires("0 0 13 * fri", "UTC", "2026-02-01T00:00:00Z", 5,
             "2026-02-06T00:00:00,2026-02-13T00:00:00,2026-02-20T00:00:00,2026-02-27T00:00:00,"
             "2026-03-06T00:00:00");
    ck_fires("0 0 15 * fri", "UTC", "2026-02-13T00:00:00Z", 2,
             "2026-02-15T00:00:00,2026-02-20T00:00:00");
    /* a field that begins with a star restricts nothing by itself: both must hold (crontab(5)) */
    ck_fires("0 0 */10 * fri", "UTC", "2026-01-01T00:00:00Z", 2,
             "2026-05-01T00:00:00,2026-07-31T00:00:00");
}

TEST(leap_days)
{
    ck_fires("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 2,
             "2028-02-29T00:00:00,2032-02-29T00:00:00");
    ck_fires("0 0 29 2 *", "UTC", "2096-02-29T00:00:00Z", 1, "2104-02-29T00:00:00");
    AUTO(arena) a = arena_new(0);
    cron *c;
    int64_t t = 7;
    ck_ok(cron_parse(a, STR("0 0 31 2 *"), STR(""), &c));
    ck_err(cron_next(c, 0, &t), ERR_MISSING);
    ck_assert_int_eq(t, 7);
}

TEST(quartz_with_seconds_and_question_mark)
{
    ck_fires("0 0 0/6 * * ?", "UTC", "2026-01-31T00:00:00Z", 4,
             "2026-01-31T06:00:00,2026-01-31T12:00:00,2026-01-31T18:00:00,2026-02-01T00:00:00");
    ck_fires("*/20 * * * * ?", "UTC", "2026-01-31T00:00:00Z", 3,
             "2026-01-31T00:00:20,2026-01-31T00:00:40,2026-01-31T00:01:00");
    ck_fires("0 15 10 ? * 1", "UTC", "2026-11-20T00:00:00Z", 1, "2026-11-22T10:15:00");
    ck_fires("0 15 10 ? * MON-FRI", "UTC", "2026-11-20T12:00:00Z", 1, "2026-11-23T10:15:00");
    ck_fires("0 0 12 1 1 ? 2030", "UTC", "2026-11-20T12:00:00Z", 1, "2030-01-01T12:00:00");
    ck_fires("0 0 22-1 * * ?", "UTC", "2026-11-20T12:00:00Z", 4,
             "2026-11-20T22:00:00,2026-11-20T23:00:00,2026-11-21T00:00:00,2026-11-21T01:00:00");
    ck_fires("0 0 0 ? * FRI-MON", "UTC", "2026-11-20T12:00:00Z", 4,
             "2026-11-21T00:00:00,2026-11-22T00:00:00,2026-11-23T00:00:00,2026-11-27T00:00:00");
}

TEST(quartz_days_from_the_end_and_nearest_weekdays)
{
    ck_fires("0 0 0 L * ?", "UTC", "2028-01-01T00:00:00Z", 3,
             "2028-01-31T00:00:00,2028-02-29T00:00:00,2028-03-31T00:00:00");
    ck_fires("0 0 0 L-3 * ?", "UTC", "2026-02-01T00:00:00Z", 2,
             "2026-02-25T00:00:00,2026-03-28T00:00:00");
    /* 31 January 2026 is a Saturday, 31 May a Sunday */
    ck_fires("0 0 0 LW 1,5,6 ?", "UTC", "2026-01-01T00:00:00Z", 3,
             "2026-01-30T00:00:00,2026-05-29T00:00:00,2026-06-30T00:00:00");
    /* 15 August 2026 is a Saturday, 15 November a Sunday */
    ck_fires("0 0 0 15W 8,11 ?", "UTC", "2026-08-01T00:00:00Z", 2,
             "2026-08-14T00:00:00,2026-11-16T00:00:00");
    /* 1 August 2026 is a Saturday: not back into July; 31 May a Sunday: not on into June */
    ck_fires("0 0 0 1W 8 ?", "UTC", "2026-01-01T00:00:00Z", 1, "2026-08-03T00:00:00");
    ck_fires("0 0 0 31W 5 ?", "UTC", "2026-01-01T00:00:00Z", 1, "2026-05-29T00:00:00");
}

TEST(quartz_weekdays_by_count)
{
    ck_fires("0 0 0 ? * 6L", "UTC", "2026-11-01T00:00:00Z", 2,
             "2026-11-27T00:00:00,2026-12-25T00:00:00");
    ck_fires("0 0 0 ? * FRI#2", "UTC", "2026-11-01T00:00:00Z", 2,
             "2026-11-13T00:00:00,2026-12-11T00:00:00");
    ck_fires("0 0 0 ? * 2#5", "UTC", "2026-11-01T00:00:00Z", 1, "2026-11-30T00:00:00");
    ck_fires("0 0 0 ? * L", "UTC", "2026-11-20T00:00:00Z", 1, "2026-11-21T00:00:00");
}

TEST(local_time_follows_the_zone)
{
    ck_fires("30 6 * * *", "America/New_York", "2026-01-31T00:00:00Z", 1, "2026-01-31T11:30:00");
    ck_fires("30 6 * * *", "America/New_York", "2026-07-31T00:00:00Z", 1, "2026-07-31T10:30:00");
    ck_fires("0 0 * * *", "Asia/Kolkata", "2026-07-31T00:00:00Z", 1, "2026-07-31T18:30:00");
    ck_fires("0 0 1 * *", "Pacific/Kiritimati", "2026-07-15T00:00:00Z", 1, "2026-07-31T10:00:00");
    /* far behind the last transition that the file lists: by the rule in its footer */
    ck_fires("0 12 * * *", "Europe/Berlin", "2150-07-01T00:00:00Z", 1, "2150-07-01T10:00:00");
    ck_fires("0 12 * * *", "Europe/Berlin", "2150-01-01T00:00:00Z", 1, "2150-01-01T11:00:00");
    ck_fires("0 12 * * *", "Australia/Lord_Howe", "2150-01-01T01:00:00Z", 1, "2150-01-02T01:00:00");
}

TEST(a_time_that_does_not_exist_fires_after_the_gap)
{
    /* New York, 8 March 2026: 02:00 EST becomes 03:00 EDT at 07:00Z */
    ck_fires("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", 2,
             "2026-03-08T07:00:00,2026-03-09T06:30:00");
    ck_fires("*/30 * * * *", "America/New_York", "2026-03-08T06:00:00Z", 4,
             "2026-03-08T06:30:00,2026-03-08T07:00:00,2026-03-08T07:30:00,2026-03-08T08:00:00");
    /* Berlin, 29 March 2026: at 01:00Z */
    ck_fires("15 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2,
             "2026-03-29T01:00:00,2026-03-30T00:15:00");
    /* Lord Howe moves by half an hour: 4 October 2026, 02:00 becomes 02:30, at 15:30Z the day
     * before */
    ck_fires("10 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2,
             "2026-10-03T15:30:00,2026-10-04T15:10:00");
}

TEST(a_time_that_happens_twice_fires_once)
{
    /* New York, 1 November 2026: 01:30 is 05:30Z and 06:30Z */
    ck_fires("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2,
             "2026-11-01T05:30:00,2026-11-02T06:30:00");
    ck_fires("30 1 * * *", "America/New_York", "2026-11-01T05:30:00Z", 1, "2026-11-02T06:30:00");
    ck_fires("30 1 * * *", "America/New_York", "2026-11-01T06:10:00Z", 1, "2026-11-02T06:30:00");
    ck_fires("0 * * * *", "America/New_York", "2026-11-01T04:00:00Z", 3,
             "2026-11-01T05:00:00,2026-11-01T07:00:00,2026-11-01T08:00:00");
    ck_fires("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2,
             "2026-10-25T00:30:00,2026-10-26T01:30:00");
    ck_fires("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", 2,
             "2026-04-04T14:45:00,2026-04-05T15:15:00");
}

TEST(mistakes_name_the_field_and_what_it_wants)
{
    ck_refused("", "", "five fields");
    ck_refused("* * * *", "", "five fields");
    ck_refused("* * * * * * * *", "", "five fields");
    ck_refused("60 * * * *", "", "minute \"60\": want 0 to 59");
    ck_refused("* 24 * * *", "", "hour \"24\"");
    ck_refused("* * 0 * *", "", "day of month \"0\": want 1 to 31");
    ck_refused("* * * 13 *", "", "month \"13\"");
    ck_refused("* * * foo *", "", "month \"foo\": want 1 to 12 or a name");
    ck_refused("* * * * 8", "", "day of week \"8\"");
    ck_refused("*/0 * * * *", "", "step");
    ck_refused("*/99 * * * *", "", "step");
    ck_refused("5-2 * * * *", "", "backwards");
    ck_refused("1,,2 * * * *", "", "empty");
    ck_refused("? * * * *", "", "`?`");
    ck_refused("* * ? * *", "", "`?`");
    ck_refused("0 0 0 * * *", "", "exactly one");
    ck_refused("0 0 0 ? * ?", "", "exactly one");
    ck_refused("0 0 0 32W * ?", "", "want 1W to 31W");
    ck_refused("0 0 0 L-31 * ?", "", "want L-0 to L-30");
    ck_refused("0 0 0 ? * 2#6", "", "want #1 to #5");
    ck_refused("0 0 0 ? * 0", "", "day of week \"0\": want 1 to 7");
    ck_refused("0 0 0 1 1 ? 1969", "", "year \"1969\"");
    ck_refused("-1 * * * *", "", "minute");
    char long_one[2000];
    memset(long_one, ' ', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = 0;
    ck_refused(long_one, "", "at most");
}

TEST(unknown_zones_are_refused_with_the_nearest)
{
    ck_refused("* * * * *", "Europe/Berln", "did you mean \"Europe/Berlin\"");
    ck_refused("* * * * *", "america/new_york", "unknown time zone");
    ck_refused("* * * * *", "../../etc/passwd", "unknown time zone");
    ck_refused("* * * * *", "/etc/localtime", "unknown time zone");
    ck_refused("* * * * *", "tzdata.zi", "unknown time zone");
    ck_refused("* * * * *", "Europe", "unknown time zone");
}

TEST(moments_outside_of_the_calendar_are_refused)
{
    AUTO(arena) a = arena_new(0);
    cron *c;
    int64_t t;
    ck_ok(cron_parse(a, STR("* * * * *"), STR(""), &c));
    ck_err(cron_next(c, -1, &t), ERR_INVALID);
    ck_err(cron_next(c, INT64_MAX, &t), ERR_INVALID);
    ck_ok(cron_next(c, 0, &t));
    ck_assert_int_eq(t, 60000);
}

TESTS("jobs/cron", five_fields_as_in_crontab, a_firing_is_strictly_after,
      day_or_weekday_when_both_are_given, leap_days, quartz_with_seconds_and_question_mark,
      quartz_days_from_the_end_and_nearest_weekdays, quartz_weekdays_by_count,
      local_time_follows_the_zone, a_time_that_does_not_exist_fires_after_the_gap,
      a_time_that_happens_twice_fires_once, mistakes_name_the_field_and_what_it_wants,
      unknown_zones_are_refused_with_the_nearest, moments_outside_of_the_calendar_are_refused)
