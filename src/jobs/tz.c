#include "jobs/tz_int.h"

#include <assert.h>

#include "base/clock.h"
#include "base/file.h"

enum {
    DAY_S = 86400,
    FILE_MAX = 1 << 20,
    TRANSITIONS_MAX = 10000,
    TYPES_MAX = 256,
    OFFSET_MAX_S = 26 * 3600, /* RFC 8536 §3.2: -25 h to +26 h */
    NAMES_MAX = 2000,
    HEADER_SIZE = 44,
};

static const char folder[] = "/usr/share/zoneinfo";

/* When summer time begins or ends: the rule of a POSIX TZ string. */
typedef struct rule {
    char kind; /* 'M' month.week.weekday, 'J' day 1..365 without 29 February, 'N' day 0..365 */
    int month, week, day;
    int32_t time_s; /* of local time, may be negative or over a day */
} rule;

struct tz {
    const int64_t *at;     /* moments at which the offset changes, ascending */
    const int32_t *offset; /* n + 1: before the first, then from each on */
    size_t n;
    bool has_tail, has_dst; /* after the last transition a rule goes on for ever */
    int32_t std_s, dst_s;
    rule start, end;
};

/* --- the footer: a POSIX TZ string, "EST5EDT,M3.2.0,M11.1.0" */

static bool take(str *s, char c)
{
    if (!s->n || s->p[0] != c) return false;
    *s = (str){s->p + 1, s->n - 1};
    return true;
}

static bool take_int(str *s, int max, int *ret)
{
    int v = 0;
    size_t n = 0;
    for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        v = v * 10 + (s->p[n] - '0');
        if (v > max) return false;
    }
    if (!n) return false;
    *s = (str){s->p + n, s->n - n};
    *ret = v;
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(str *s, int hours_max, int32_t *ret_s)
{
    bool minus = take(s, '-');
    if (!minus) take(s, '+');
    int h, m = 0, sec = 0;
    if (!take_int(s, hours_max, &h)) return false;
    if (take(s, ':') && !take_int(s, 59, &m)) return false;
    if (take(s, ':') && !take_int(s, 59, &sec)) return false;
    int32_t t = h * 3600 + m * 60 + sec;
    *ret_s = minus ? -t : t;
    return true;
}

static bool take_name(str *s)
{
    size_t n = 0;
    if (take(s, '<')) {
        while (n < s->n && s->p[n] != '>')
            n++;
        if (n == s->n) return false;
        *s = (str){s->p + n + 1, s->n - n - 1};
        return true;
    }
    while (n < s->n && ((s->p[n] >= 'A' && s->p[n] <= 'Z') || (s->p[n] >= 'a' && s->p[n] <= 'z')))
        n++;
    *s = (str){s->p + n, s->n - n};
    return n >= 3;
}

static bool take_rule(str *s, rule *r)
{
    *r = (rule){.time_s = 2 * 3600};
    if (!take(s, ',')) return false;
    if (take(s, 'M')) {
        r->kind = 'M';
        if (!take_int(s, 12, &r->month) || r->month < 1 || !take(s, '.')) return false;
        if (!take_int(s, 5, &r->week) || r->week < 1 || !take(s, '.')) return false;
        if (!take_int(s, 6, &r->day)) return false;
    } else if (take(s, 'J')) {
        r->kind = 'J';
        if (!take_int(s, 365, &r->day) || r->day < 1) return false;
    } else {
        r->kind = 'N';
        if (!take_int(s, 365, &r->day)) return false;
    }
    return !take(s, '/') || take_time(s, 167, &r->time_s);
}

static bool read_footer(str s, tz *z)
{
    if (!s.n) return true; /* none: the last offset stays */
    int32_t west;
    if (!take_name(&s) || !take_time(&s, 24, &west)) return false;
    z->has_tail = true;
    z->std_s = -west;
    if (!s.n) return true;
    if (!take_name(&s)) return false;
    z->dst_s = z->std_s + 3600;
    if (s.n && s.p[0] != ',') {
        if (!take_time(&s, 24, &west)) return false;
        z->dst_s = -west;
    }
    z->has_dst = true;
    return take_rule(&s, &z->start) && take_rule(&s, &z->end) && !s.n;
}

static int64_t day_of(int year, int month, int day)
{
    return civil_to_ms(&(civil){.year = year, .month = month, .day = day}) / 1000 / DAY_S;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The rule's moment in a year, in local seconds. */
static int64_t rule_local_s(const rule *r, int year)
{
    int64_t first = day_of(year, 1, 1);
    if (r->kind == 'N') return (first + r->day) * DAY_S + r->time_s;
    if (r->kind == 'J') {
        int leap = is_leap(year) && r->day > 59;
        return (first + r->day - 1 + leap) * DAY_S + r->time_s;
    }
    int64_t month = day_of(year, r->month, 1);
    int64_t next = r->month == 12 ? day_of(year + 1, 1, 1) : day_of(year, r->month + 1, 1);
    int weekday = (int)(((month + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    int64_t day = month + (r->day - weekday + 7) % 7 + 7 * (r->week - 1);
    if (day >= next) day -= 7;
    return day * DAY_S + r->time_s;
}

static int32_t tail_offset(const tz *z, int64_t utc_s)
{
    if (!z->has_dst) return z->std_s;
    int year = civil_of_ms((utc_s + z->std_s) * 1000).year;
    int64_t start = rule_local_s(&z->start, year) - z->std_s;
    int64_t end = rule_local_s(&z->end, year) - z->dst_s;
    bool dst = start < end ? utc_s >= start && utc_s < end : utc_s >= start || utc_s < end;
    return dst ? z->dst_s : z->std_s;
}

/* --- the file */

static uint32_t be32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static int64_t be64(const char *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

typedef struct counts {
    size_t isut, isstd, leap, time, type, chars;
} counts;

static bool read_header(str s, counts *c)
{
    if (s.n < HEADER_SIZE || memcmp(s.p, "TZif", 4) != 0) return false;
    const char *p = s.p + 20;
    *c = (counts){be32(p), be32(p + 4), be32(p + 8), be32(p + 12), be32(p + 16), be32(p + 20)};
    return c->time <= TRANSITIONS_MAX && c->type >= 1 && c->type <= TYPES_MAX && c->leap <= 10000 &&
           c->chars <= 10000 && c->isut <= TYPES_MAX && c->isstd <= TYPES_MAX;
}

/* Bytes behind the header; time_size is 4 in the first block, 8 in the second. */
static size_t body_size(const counts *c, size_t time_size)
{
    return c->time * (time_size + 1) + c->type * 6 + c->chars + c->leap * (time_size + 4) +
           c->isstd + c->isut;
}

static err damaged(const char *name, const char *what)
{
    return err_set(ERR_FORMAT, "time zone %s: %s is damaged: install the package tzdata again",
                   name, what);
}

static err read_body(arena *a, str s, const counts *c, const char *name, tz *z)
{
    int64_t *at = arena_array(a, int64_t, c->time + 1);
    int32_t *offset = arena_array(a, int32_t, c->time + 1);
    const char *times = s.p, *kinds = times + c->time * 8, *types = kinds + c->time;
    int32_t of_type[TYPES_MAX];
    for (size_t i = 0; i < c->type; i++) {
        of_type[i] = (int32_t)be32(types + 6 * i);
        if (of_type[i] > OFFSET_MAX_S || of_type[i] < -OFFSET_MAX_S)
            return damaged(name, "an offset");
    }
    offset[0] = of_type[0];
    for (size_t i = 0; i < c->time; i++) {
        unsigned char kind = (unsigned char)kinds[i];
        at[i] = be64(times + 8 * i);
        if (kind >= c->type) return damaged(name, "a transition's type");
        if (i && at[i] <= at[i - 1]) return damaged(name, "the order of its transitions");
        offset[i + 1] = of_type[kind];
    }
    z->at = at;
    z->offset = offset;
    z->n = c->time;
    return ERR_OK;
}

err tz_parse(arena *a, str bytes, const char *name, const tz **ret)
{
    assert(a && name && ret);
    counts c;
    if (!read_header(bytes, &c)) return damaged(name, "the header");
    if (bytes.p[4] < '2') return damaged(name, "the file (version 1 has no 64-bit times, it)");
    size_t first = HEADER_SIZE + body_size(&c, 4);
    if (bytes.n < first) return damaged(name, "the first block");
    str s = {bytes.p + first, bytes.n - first};
    if (!read_header(s, &c)) return damaged(name, "the second header");
    size_t second = HEADER_SIZE + body_size(&c, 8);
    if (s.n < second) return damaged(name, "the second block");
    tz *z = arena_new_of(a, tz);
    TRY(read_body(a, (str){s.p + HEADER_SIZE, s.n - HEADER_SIZE}, &c, name, z));
    str footer = {s.p + second, s.n - second};
    if (!take(&footer, '\n') || !footer.n || footer.p[footer.n - 1] != '\n')
        return damaged(name, "the footer");
    footer.n--;
    if (!read_footer(footer, z)) return damaged(name, "the rule in the footer");
    *ret = z;
    return ERR_OK;
}

/* --- finding a zone */

static bool is_zone_name(str s)
{
    if (!s.n || s.n > 64 || s.p[0] == '/' || s.p[s.n - 1] == '/') return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '+' || c == '/';
        if (!ok) return false;
    }
    return true;
}

/* The nearest name in the folder of the area that was asked for, else NULL. */
static const char *near_zone(arena *a, str name)
{
    str area, city;
    bool nested = str_cut(name, '/', &area, &city);
    const char *dir = nested ? cstr_fmt(a, "%s/%.*s", folder, STR_ARG(area)) : folder;
    str *names;
    size_t n;
    if (dir_list(a, dir, NAMES_MAX, &names, &n)) return NULL;
    const char **c = arena_array(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        c[i] = str_c(a, names[i]);
    const char *near = str_nearest(nested ? city : name, c, n);
    if (!near || !nested) return near;
    return cstr_fmt(a, "%.*s/%s", STR_ARG(area), near);
}

static err unknown_zone(arena *a, str name)
{
    const char *near = is_zone_name(name) ? near_zone(a, name) : NULL;
    if (near)
        return err_set(ERR_INVALID, "unknown time zone \"%.*s\", did you mean \"%s\"?",
                       STR_ARG(name), near);
    return err_set(ERR_INVALID,
                   "unknown time zone \"%.*s\": want a name of the IANA database, such as "
                   "\"Europe/Berlin\" (files in %s, package tzdata)",
                   STR_ARG(name), folder);
}

err tz_load(arena *a, str name, const tz **ret)
{
    assert(a && ret);
    if (!name.n || str_is(name, "UTC") || str_is(name, "Etc/UTC")) {
        tz *utc = arena_new_of(a, tz);
        utc->has_tail = true;
        *ret = utc;
        return ERR_OK;
    }
    if (!is_zone_name(name)) return unknown_zone(a, name);
    const char *path = cstr_fmt(a, "%s/%.*s", folder, STR_ARG(name));
    str bytes;
    err e = file_read(a, path, FILE_MAX, &bytes);
    if (e) return unknown_zone(a, name);
    if (!str_starts(bytes, "TZif")) return unknown_zone(a, name);
    return tz_parse(a, bytes, path, ret);
}

/* --- asking */

int32_t tz_offset(const tz *z, int64_t utc_s)
{
    assert(z);
    if (z->has_tail && (!z->n || utc_s >= z->at[z->n - 1])) return tail_offset(z, utc_s);
    size_t lo = 0, hi = z->n; /* the number of transitions at or before utc_s */
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (z->at[mid] <= utc_s)
            lo = mid + 1;
        else
            hi = mid;
    }
    assert(z->offset); /* only UTC has none, and that has a tail */
    return z->offset[lo];
}

int64_t tz_utc(const tz *z, int64_t local_s)
{
    int32_t before = tz_offset(z, local_s - DAY_S), after = tz_offset(z, local_s + DAY_S);
    int64_t by_before = local_s - before, by_after = local_s - after;
    if (tz_offset(z, by_before) == before) return by_before;
    if (tz_offset(z, by_after) == after) return by_after;
    if (before >= after) return local_s - tz_offset(z, by_before); /* two changes within two days */
    int64_t lo = by_after, hi = by_before;                         /* the change is in (lo, hi] */
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        if (tz_offset(z, mid) == before)
            lo = mid;
        else
            hi = mid;
    }
    return hi;
}
