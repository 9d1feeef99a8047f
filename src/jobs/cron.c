#include "jobs/cron.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "jobs/tz_int.h"

enum {
    DAY_S = 86400,
    FIELDS_MAX = 7,
    EXPRESSION_MAX = 1024,
    YEAR_MIN = 1970,
    YEAR_MAX = 2199,
    SEARCH_DAYS = 3653, /* ten years */
};
static const int64_t t_ms_max = 7258118400000; /* the year 2200 */

struct cron {
    uint64_t seconds, minutes, hours; /* bit i: fires in second, minute, hour i */
    uint32_t months;                  /* bit 1..12 */
    uint64_t years[(YEAR_MAX - YEAR_MIN) / 64 + 1];
    /* Days of the month: by number, the weekday nearest to a number (15W), n before the last (L,
     * L-3), the last weekday (LW). */
    uint32_t days, days_nearest, days_before_last;
    bool last_weekday;
    /* Weekdays, 0 = Sunday: every one, the last one of the month (6L), the kth one (2#1). */
    uint8_t weekdays, weekdays_last, weekdays_nth[6];
    bool any_day, any_weekday; /* the field says nothing: begins with `*`, or is `?` */
    const tz *zone;
};

typedef enum field_id { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, YEAR } field_id;

typedef struct field {
    const char *name;
    int min, max;
    const char *const *names; /* NULL-terminated, the first stands for first_named */
    int first_named;
} field;

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
                                          "AUG", "SEP", "OCT", "NOV", "DEC", NULL};
static const char *const weekday_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL};

static const field unix_fields[] = {
    [SECOND] = {"second", 0, 59, NULL, 0},
    [MINUTE] = {"minute", 0, 59, NULL, 0},
    [HOUR] = {"hour", 0, 23, NULL, 0},
    [DAY] = {"day of month", 1, 31, NULL, 0},
    [MONTH] = {"month", 1, 12, month_names, 1},
    [WEEKDAY] = {"day of week", 0, 7, weekday_names, 0},
    [YEAR] = {"year", YEAR_MIN, YEAR_MAX, NULL, 0},
};
static const field quartz_weekday = {"day of week", 1, 7, weekday_names, 1};

/* One field being read. */
typedef struct reader {
    const field *f;
    field_id id;
    bool quartz;
    str expression;
    cron *c;
} reader;

__attribute__((format(printf, 3, 4))) static err refuse(const reader *r, str item, const char *fmt,
                                                        ...)
{
    char why[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return err_set(ERR_INVALID, "cron \"%.*s\": %s \"%.*s\": %s", STR_ARG(r->expression),
                   r->f->name, STR_ARG(item), why);
}

static err read_value(const reader *r, str item, str text, int *ret)
{
    for (int i = 0; r->f->names && r->f->names[i]; i++)
        if (str_eq_nocase(text, str_of(r->f->names[i]))) {
            *ret = r->f->first_named + i;
            return ERR_OK;
        }
    int64_t v;
    if (parse_i64(text, &v) || v < r->f->min || v > r->f->max)
        return refuse(r, item, "want %d to %d%s", r->f->min, r->f->max,
                      r->f->names ? " or a name of three letters" : "");
    *ret = (int)v;
    return ERR_OK;
}

/* Weekday as written to 0 = Sunday. */
static int weekday_of(const reader *r, int v)
{
    return r->quartz ? v - 1 : v % 7;
}

static void set_value(const reader *r, int v)
{
    cron *c = r->c;
    switch (r->id) {
    case SECOND:
        c->seconds |= 1ull << v;
        break;
    case MINUTE:
        c->minutes |= 1ull << v;
        break;
    case HOUR:
        c->hours |= 1ull << v;
        break;
    case DAY:
        c->days |= 1u << v;
        break;
    case MONTH:
        c->months |= 1u << v;
        break;
    case WEEKDAY:
        c->weekdays |= (uint8_t)(1u << weekday_of(r, v));
        break;
    case YEAR:
        c->years[(v - YEAR_MIN) / 64] |= 1ull << ((v - YEAR_MIN) % 64);
        break;
    }
}

/* L, L-3, LW, 15W */
static err read_special_day(const reader *r, str item, bool *ret_done)
{
    *ret_done = true;
    int64_t n;
    if (str_eq_nocase(item, STR("L"))) {
        r->c->days_before_last |= 1;
    } else if (str_eq_nocase(item, STR("LW"))) {
        r->c->last_weekday = true;
    } else if (item.n > 2 && (item.p[0] == 'L' || item.p[0] == 'l') && item.p[1] == '-') {
        if (parse_i64((str){item.p + 2, item.n - 2}, &n) || n < 0 || n > 30)
            return refuse(r, item, "want L-0 to L-30");
        r->c->days_before_last |= 1u << n;
    } else if (item.n > 1 && (item.p[item.n - 1] == 'W' || item.p[item.n - 1] == 'w')) {
        if (parse_i64((str){item.p, item.n - 1}, &n) || n < 1 || n > 31)
            return refuse(r, item, "want 1W to 31W");
        r->c->days_nearest |= 1u << n;
    } else {
        *ret_done = false;
    }
    return ERR_OK;
}

/* L (Saturday), 6L, 2#1 */
static err read_special_weekday(const reader *r, str item, bool *ret_done)
{
    *ret_done = true;
    str day, nth;
    int v;
    int64_t n;
    if (str_eq_nocase(item, STR("L"))) {
        r->c->weekdays |= 1u << 6;
    } else if (str_cut(item, '#', &day, &nth)) {
        TRY(read_value(r, item, day, &v));
        if (parse_i64(nth, &n) || n < 1 || n > 5) return refuse(r, item, "want #1 to #5");
        r->c->weekdays_nth[n] |= (uint8_t)(1u << weekday_of(r, v));
    } else if (item.n > 1 && (item.p[item.n - 1] == 'L' || item.p[item.n - 1] == 'l')) {
        TRY(read_value(r, item, (str){item.p, item.n - 1}, &v));
        r->c->weekdays_last |= (uint8_t)(1u << weekday_of(r, v));
    } else {
        *ret_done = false;
    }
    return ERR_OK;
}

/* *, 5, 1-5, each with /step; 5/10 goes on to the field's end. */
static err read_range(const reader *r, str item)
{
    str base = item, step_text = {0}, lo_text = {0}, hi_text = {0};
    bool stepped = str_cut(item, '/', &base, &step_text);
    int64_t step = 1;
    int span = r->f->max - r->f->min + 1, lo = r->f->min, hi = r->f->max;
    if (stepped && (parse_i64(step_text, &step) || step < 1 || step > span))
        return refuse(r, item, "want a step of 1 to %d", span);
    if (!str_is(base, "*")) {
        bool range = str_cut(base, '-', &lo_text, &hi_text);
        TRY(read_value(r, item, lo_text, &lo));
        if (range)
            TRY(read_value(r, item, hi_text, &hi));
        else if (!stepped)
            hi = lo;
    }
    if (lo > hi && !r->quartz) return refuse(r, item, "the range goes backwards");
    if (lo > hi && r->id == YEAR) return refuse(r, item, "the range goes backwards");
    int end = lo > hi ? hi + span : hi; /* Quartz: 22-2 goes round */
    for (int v = lo; v <= end; v += (int)step)
        set_value(r, v > r->f->max ? v - span : v);
    return ERR_OK;
}

static err read_item(const reader *r, str item)
{
    bool done = false;
    if (!item.n) return refuse(r, item, "a part of the list is empty");
    if (r->quartz && r->id == DAY) TRY(read_special_day(r, item, &done));
    if (r->quartz && r->id == WEEKDAY) TRY(read_special_weekday(r, item, &done));
    return done ? ERR_OK : read_range(r, item);
}

static err read_field(const reader *r, str text)
{
    bool day = r->id == DAY || r->id == WEEKDAY;
    bool ask = str_is(text, "?");
    if (ask && (!r->quartz || !day))
        return refuse(r, text, "`?` is for the two day fields of the six-field form");
    if (r->id == DAY) r->c->any_day = text.p[0] == '*' || ask;
    if (r->id == WEEKDAY) r->c->any_weekday = text.p[0] == '*' || ask;
    if (ask) text = STR("*");
    str item, rest = text;
    bool more = true;
    while (more) {
        more = str_cut(rest, ',', &item, &rest);
        TRY(read_item(r, item));
    }
    return ERR_OK;
}

static size_t split(str s, str *fields)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'))
            i++;
        size_t from = i;
        while (i < s.n && s.p[i] != ' ' && s.p[i] != '\t')
            i++;
        if (i == from) break;
        if (n == FIELDS_MAX) return FIELDS_MAX + 1;
        fields[n++] = (str){s.p + from, i - from};
    }
    return n;
}

static err read_fields(cron *c, str expression, const str *fields, size_t n)
{
    bool quartz = n > 5;
    for (size_t i = 0; i < n; i++) {
        field_id id = (field_id)(quartz ? i : i + MINUTE);
        const field *f = quartz && id == WEEKDAY ? &quartz_weekday : &unix_fields[id];
        reader r = {f, id, quartz, expression, c};
        TRY(read_field(&r, fields[i]));
    }
    if (!quartz) c->seconds = 1;
    if (n < FIELDS_MAX) memset(c->years, 0xff, sizeof c->years);
    if (quartz && str_is(fields[DAY], "?") == str_is(fields[WEEKDAY], "?"))
        return err_set(
            ERR_INVALID,
            "cron \"%.*s\": day of month and day of week: want `?` in exactly one of them",
            STR_ARG(expression));
    return ERR_OK;
}

err cron_parse(arena *a, str expression, str zone, cron **ret)
{
    assert(a && ret);
    str fields[FIELDS_MAX];
    if (expression.n > EXPRESSION_MAX)
        return err_set(ERR_LIMIT, "cron: %zu bytes, want at most %d", expression.n, EXPRESSION_MAX);
    size_t n = split(expression, fields);
    if (n < 5 || n > FIELDS_MAX)
        return err_set(
            ERR_INVALID,
            "cron \"%.*s\": want five fields (minute hour day month weekday) or Quartz's "
            "six or seven (second minute hour day month weekday [year])",
            STR_ARG(expression));
    cron *c = arena_new_of(a, cron);
    TRY(read_fields(c, expression, fields, n));
    TRY(tz_load(a, zone, &c->zone));
    *ret = c;
    return ERR_OK;
}

/* --- when */

typedef struct date {
    int year, month, day, weekday, last; /* last: day of this month */
} date;

static date date_of(int64_t day)
{
    civil c = civil_of_ms(day * DAY_S * 1000);
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (c.year % 4 == 0 && c.year % 100 != 0) || c.year % 400 == 0;
    return (date){c.year, c.month, c.day, c.weekday, lengths[c.month - 1] + (c.month == 2 && leap)};
}

static int weekday_at(const date *d, int day)
{
    return ((d->weekday + day - d->day) % 7 + 7) % 7;
}

/* The weekday nearest to a day, within its month. */
static int nearest_weekday(const date *d, int day)
{
    int w = weekday_at(d, day);
    if (w == 6) return day == 1 ? 3 : day - 1;
    if (w == 0) return day == d->last ? day - 2 : day + 1;
    return day;
}

static bool day_fits(const cron *c, const date *d)
{
    if (c->days >> d->day & 1) return true;
    if (c->days_before_last >> (d->last - d->day) & 1) return true;
    if (c->last_weekday) {
        int w = weekday_at(d, d->last);
        if (d->day == d->last - (w == 6 ? 1 : w == 0 ? 2 : 0)) return true;
    }
    for (int n = 1; n <= d->last && c->days_nearest >> n; n++)
        if ((c->days_nearest >> n & 1) && nearest_weekday(d, n) == d->day) return true;
    return false;
}

static bool weekday_fits(const cron *c, const date *d)
{
    if (c->weekdays >> d->weekday & 1) return true;
    if ((c->weekdays_last >> d->weekday & 1) && d->day + 7 > d->last) return true;
    return c->weekdays_nth[(d->day - 1) / 7 + 1] >> d->weekday & 1;
}

static bool date_fits(const cron *c, const date *d)
{
    if (d->year < YEAR_MIN || d->year > YEAR_MAX) return false;
    int y = d->year - YEAR_MIN;
    if (!(c->years[y / 64] >> (y % 64) & 1) || !(c->months >> d->month & 1)) return false;
    if (c->any_day || c->any_weekday) return day_fits(c, d) && weekday_fits(c, d);
    return day_fits(c, d) || weekday_fits(c, d); /* crontab(5): either, when both are given */
}

static int next_bit(uint64_t bits, int from)
{
    bits = from < 64 ? bits >> from << from : 0;
    return bits ? __builtin_ctzll(bits) : -1;
}

/* The first second of a day, at or after from_s, at which c fires; -1: none. */
static int next_second(const cron *c, int from_s)
{
    int h = from_s / 3600, m = from_s / 60 % 60, s = from_s % 60;
    for (h = next_bit(c->hours, h); h >= 0; h = next_bit(c->hours, h + 1)) {
        if (h != from_s / 3600) m = s = 0;
        for (m = next_bit(c->minutes, m); m >= 0; m = next_bit(c->minutes, m + 1)) {
            int minute = h * 60 + m;
            int second = next_bit(c->seconds, minute == from_s / 60 ? s : 0);
            if (second >= 0) return minute * 60 + second;
        }
        m = 0;
    }
    return -1;
}

/* The first firing after t_ms on one local day, from local second from_s on; false: none. */
static bool next_on_day(const cron *c, int64_t day, int from_s, int64_t t_ms, int64_t *ret_ms)
{
    for (int s = next_second(c, from_s); s >= 0; s = s + 1 < DAY_S ? next_second(c, s + 1) : -1) {
        int64_t utc_ms = tz_utc(c->zone, day * DAY_S + s) * 1000;
        if (utc_ms <= t_ms) continue;
        *ret_ms = utc_ms;
        return true;
    }
    return false;
}

/* What local_s is mapped to never goes back as local_s grows, so the first local time whose moment
 * is after t is the answer. No local time up to t + the least offset around t can be mapped behind
 * t: there the search begins. */
err cron_next(const cron *c, int64_t t_ms, int64_t *ret_ms)
{
    assert(c && ret_ms);
    if (t_ms < 0 || t_ms > t_ms_max)
        return err_set(ERR_INVALID, "cron: time %lld: want one between 1970 and 2200",
                       (long long)t_ms);
    int64_t t = t_ms / 1000;
    int32_t offset = tz_offset(c->zone, t),
            near[] = {tz_offset(c->zone, t - DAY_S), tz_offset(c->zone, t + DAY_S)};
    if (near[0] < offset) offset = near[0];
    if (near[1] < offset) offset = near[1];
    int64_t local = t + offset;
    int64_t first = local >= 0 ? local / DAY_S : -((-local + DAY_S - 1) / DAY_S);
    for (int64_t day = first; day <= first + SEARCH_DAYS; day++) {
        date d = date_of(day);
        if (!date_fits(c, &d)) continue;
        int from_s = day == first ? (int)(local - first * DAY_S) : 0;
        if (next_on_day(c, day, from_s, t_ms, ret_ms)) return ERR_OK;
    }
    return err_set(ERR_MISSING, "cron: it does not fire within ten years");
}
