#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

enum { MS_PER_DAY = 86400000, YEAR_FAR = 292300000 };

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    int failed = clock_gettime(id, &t);
    assert(!failed);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t now_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t cpu_us(void)
{
    return read_us(CLOCK_PROCESS_CPUTIME_ID);
}

void sleep_ms(int64_t ms)
{
    if (ms <= 0) return;
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
}

static int64_t real_now_ms(void *ctx)
{
    (void)ctx;
    return now_ms();
}

const clk clk_real = {real_now_ms, NULL};

/* Days and civil dates: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (eras of 400
 * years from 1 March). */
static int64_t days_of_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

civil civil_of_ms(int64_t t_ms)
{
    int64_t days = t_ms / MS_PER_DAY, ms = t_ms % MS_PER_DAY;
    if (ms < 0) {
        ms += MS_PER_DAY;
        days--;
    }
    const int64_t z = days + 719468;
    const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const int64_t doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    const int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    return (civil){
        .year = (int)(yoe + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .hour = (int)(ms / 3600000),
        .minute = (int)(ms / 60000 % 60),
        .second = (int)(ms / 1000 % 60),
        .ms = (int)(ms % 1000),
        .weekday = (int)((days % 7 + 11) % 7), /* 1970-01-01 was a Thursday */
    };
}

int64_t civil_to_ms(const civil *c)
{
    assert(c);
    assert(c->month >= 1);
    assert(c->month <= 12);
    assert(c->year > -YEAR_FAR);
    assert(c->year < YEAR_FAR);
    const int64_t in_day =
        c->hour * INT64_C(3600000) + c->minute * INT64_C(60000) + c->second * INT64_C(1000) + c->ms;
    const __int128 t = (__int128)days_of_civil(c->year, c->month, c->day) * MS_PER_DAY + in_day;
    assert(t >= INT64_MIN);
    assert(t <= INT64_MAX);
    return (int64_t)t;
}

const char *time_print(int64_t t_ms, char ret[TIME_PRINT_MAX])
{
    assert(ret);
    const civil c = civil_of_ms(t_ms);
    int n = snprintf(ret, TIME_PRINT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year, c.month,
                     c.day, c.hour, c.minute, c.second, c.ms);
    assert(n < TIME_PRINT_MAX);
    return ret;
}

const char *date_print(int64_t t_ms, char ret[TIME_PRINT_MAX])
{
    assert(ret);
    const civil c = civil_of_ms(t_ms);
    int n = snprintf(ret, TIME_PRINT_MAX, "%04d-%02d-%02d", c.year, c.month, c.day);
    assert(n < TIME_PRINT_MAX);
    return ret;
}

/* take_digits reads exactly n digits at the front of s; take_char one of the two. */
static bool take_digits(str *s, size_t n, int *ret)
{
    if (s->n < n) return false;
    int v = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9') return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = (str){s->p + n, s->n - n};
    *ret = v;
    return true;
}

static bool take_char(str *s, const char *any_of, char *ret)
{
    if (!s->n || !strchr(any_of, s->p[0]) || !s->p[0]) return false;
    *ret = s->p[0];
    *s = (str){s->p + 1, s->n - 1};
    return true;
}

/* take_fraction reads ".123456": digits behind the third are dropped. */
static bool take_fraction(str *s, int *ret_ms)
{
    char c;
    if (!take_char(s, ".,", &c)) return true;
    int ms = 0, n = 0;
    for (; s->n && s->p[0] >= '0' && s->p[0] <= '9'; n++) {
        if (n < 3) ms = ms * 10 + (s->p[0] - '0');
        *s = (str){s->p + 1, s->n - 1};
    }
    for (int i = n; i < 3; i++)
        ms *= 10;
    *ret_ms = ms;
    return n > 0;
}

static bool take_offset(str *s, int *ret_minutes)
{
    char c;
    int h = 0, m = 0;
    if (!s->n) return true;
    if (take_char(s, "Zz", &c)) return true;
    if (!take_char(s, "+-", &c) || !take_digits(s, 2, &h)) return false;
    char colon;
    if (take_char(s, ":", &colon) || s->n)
        if (!take_digits(s, 2, &m)) return false;
    if (h > 23 || m > 59) return false;
    *ret_minutes = (c == '-' ? -1 : 1) * (h * 60 + m);
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(str *s, civil *c)
{
    char dash;
    if (!take_digits(s, 4, &c->year) || !take_char(s, "-", &dash)) return false;
    if (!take_digits(s, 2, &c->month) || !take_char(s, "-", &dash)) return false;
    if (!take_digits(s, 2, &c->day) || c->month < 1 || c->month > 12) return false;
    return c->day >= 1 && c->day <= days_in_month(c->year, c->month);
}

/* A leap second (:60) is the first of the next minute. */
static bool take_time(str *s, civil *c)
{
    char colon;
    if (!take_digits(s, 2, &c->hour) || !take_char(s, ":", &colon)) return false;
    if (!take_digits(s, 2, &c->minute) || !take_char(s, ":", &colon)) return false;
    if (!take_digits(s, 2, &c->second) || !take_fraction(s, &c->ms)) return false;
    return c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

err time_parse(str s, int64_t *ret_ms)
{
    assert(ret_ms);
    civil c = {0};
    str rest = s;
    int offset = 0;
    char t;
    bool ok = take_date(&rest, &c);
    if (ok && rest.n)
        ok = take_char(&rest, "Tt ", &t) && take_time(&rest, &c) && take_offset(&rest, &offset) &&
             !rest.n;
    if (ok) {
        *ret_ms = civil_to_ms(&c) - offset * INT64_C(60000);
        return ERR_OK;
    }
    if (parse_i64(s, ret_ms) == ERR_OK) return ERR_OK;
    return err_set(ERR_FORMAT,
                   "\"%.*s\" is no time, want for example 2026-01-31T12:00:00Z, 2026-01-31 or "
                   "milliseconds since 1970",
                   s.n > 60 ? 60 : (int)s.n, s.n ? s.p : "");
}
