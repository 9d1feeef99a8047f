#include <assert.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    NUMBER_MAX = 1024, /* bytes of a number that we are willing to look at */
    SHOWN_MAX = 60,    /* bytes of a wrong one that the message repeats */
};

static err bad(str s, const char *want)
{
    int n = s.n > SHOWN_MAX ? SHOWN_MAX : (int)s.n;
    return err_set(ERR_FORMAT, "\"%.*s%s\" is no %s", n, n ? s.p : "", s.n > SHOWN_MAX ? "..." : "",
                   want);
}

/* digits reads the decimal digits at the front of s and takes them off; false: none, or more than
 * 64 bits. */
static bool digits(str *s, uint64_t *ret)
{
    uint64_t v = 0;
    size_t i = 0;
    for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++)
        if (__builtin_mul_overflow(v, 10U, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s->p[i] - '0'), &v))
            return false;
    if (!i) return false;
    s->p += i;
    s->n -= i;
    *ret = v;
    return true;
}

err parse_u64(str s, uint64_t *ret)
{
    assert(ret);
    str rest = s;
    uint64_t v = 0;
    if (!digits(&rest, &v) || rest.n) return bad(s, "whole number from 0 to 18446744073709551615");
    *ret = v;
    return ERR_OK;
}

err parse_i64(str s, int64_t *ret)
{
    assert(ret);
    str rest = s;
    bool minus = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
        rest.p++;
        rest.n--;
    }
    uint64_t v = 0;
    const uint64_t most = (uint64_t)INT64_MAX + minus;
    if (!digits(&rest, &v) || rest.n || v > most) return bad(s, "64-bit whole number");
    *ret = minus ? (int64_t)(0 - v) : (int64_t)v;
    return ERR_OK;
}

/* Only the letters of numbers go to strtod, so no locale's white space and no "nan(...)" does. */
static bool number_bytes(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool digit = c >= '0' && c <= '9',
             letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!digit && !letter && c != '.' && c != '+' && c != '-') return false;
    }
    return s.n > 0;
}

err parse_f64(str s, double *ret)
{
    assert(ret);
    if (s.n >= NUMBER_MAX || !number_bytes(s)) return bad(s, "number");
    char text[NUMBER_MAX];
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    /* Nearly all numbers are written as JSON has them, and yyjson reads those five times faster, as
     * exactly. */
    yyjson_val val;
    const char *stop = yyjson_read_number(text, &val, YYJSON_READ_NOFLAG, NULL, NULL);
    if (stop == text + s.n) {
        *ret = text[0] == '-' ? -fabs(yyjson_get_num(&val)) : yyjson_get_num(&val); /* "-0" too */
        return ERR_OK;
    }
    /* glibc answers the C locale with a constant: nothing is allocated. */
    locale_t c = newlocale(LC_ALL_MASK, "C", NULL);
    assert(c);
    char *end = NULL;
    errno = 0;
    double v = strtod_l(text, &end, c);
    if (end != text + s.n) return bad(s, "number");
    if (errno == ERANGE && isinf(v)) return bad(s, "number that a double can hold");
    *ret = v;
    return ERR_OK;
}

typedef struct unit {
    const char *name;
    uint64_t factor;
} unit;

static const unit sizes[] = {
    {"", 1},
    {"B", 1},
    {"KB", 1000},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
    {"KiB", 1ULL << 10},
    {"MiB", 1ULL << 20},
    {"GiB", 1ULL << 30},
    {"TiB", 1ULL << 40},
};
static const unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
};

static bool with_unit(str s, const unit *units, size_t n, uint64_t *ret)
{
    uint64_t v = 0;
    if (!digits(&s, &v)) return false;
    for (size_t i = 0; i < n; i++)
        if (str_is(s, units[i].name)) return !__builtin_mul_overflow(v, units[i].factor, ret);
    return false;
}

err parse_size(str s, uint64_t *ret_bytes)
{
    assert(ret_bytes);
    uint64_t v = 0;
    if (!with_unit(s, sizes, countof(sizes), &v))
        return bad(s, "size in bytes, want for example 4096, 64MiB or 1GB");
    *ret_bytes = v;
    return ERR_OK;
}

err parse_duration_ms(str s, int64_t *ret_ms)
{
    assert(ret_ms);
    uint64_t v = 0;
    if (!with_unit(s, durations, countof(durations), &v) || v > INT64_MAX)
        return bad(s, "duration, want for example 250ms, 10s, 5m, 24h or 7d");
    *ret_ms = (int64_t)v;
    return ERR_OK;
}
