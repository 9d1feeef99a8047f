#include <assert.h>
#include <math.h>

#include "base/yaml_int.h"

static bool any_of(str s, const char *const *words)
{
    for (; *words; words++)
        if (str_is(s, *words)) return true;
    return false;
}

static size_t run_of_digits(str s, size_t i)
{
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    return i;
}

/* [-+]? [0-9]+ */
static bool looks_int(str s)
{
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
    return run_of_digits(s, i) > i && run_of_digits(s, i) == s.n;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool looks_float(str s)
{
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
    size_t whole = run_of_digits(s, i), at = whole;
    if (at < s.n && s.p[at] == '.') {
        size_t end = run_of_digits(s, at + 1);
        if (whole == i && end == at + 1) return false;
        at = end;
    } else if (whole == i) {
        return false;
    }
    if (at == s.n) return true;
    if (s.p[at] != 'e' && s.p[at] != 'E') return false;
    at++;
    if (at < s.n && (s.p[at] == '-' || s.p[at] == '+')) at++;
    return at < s.n && run_of_digits(s, at) == s.n;
}

/* 0o17 and 0x1F */
static bool radix_int(str s, int64_t *ret)
{
    if (s.n < 3 || s.p[0] != '0' || (s.p[1] != 'o' && s.p[1] != 'x')) return false;
    const int64_t base = s.p[1] == 'o' ? 8 : 16;
    int64_t v = 0;
    for (size_t i = 2; i < s.n; i++) {
        char c = s.p[i];
        int64_t d = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : 99;
        if (d >= base || __builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, d, &v))
            return false;
    }
    *ret = v;
    return true;
}

static bool special_float(str s, double *ret)
{
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    static const char *const infs[] = {".inf", ".Inf", ".INF", NULL};
    if (any_of(s, nans)) {
        *ret = (double)NAN;
        return true;
    }
    bool minus = s.n && s.p[0] == '-';
    if (s.n && (minus || s.p[0] == '+')) s = (str){s.p + 1, s.n - 1};
    if (!any_of(s, infs)) return false;
    *ret = minus ? -(double)INFINITY : (double)INFINITY;
    return true;
}

void yaml_type_plain(yaml *y)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    assert(y);
    assert(y->plain);
    const str s = y->text;
    y->kind = YAML_STR;
    if (any_of(s, nulls)) {
        y->kind = YAML_NULL;
    } else if (any_of(s, trues) || any_of(s, falses)) {
        y->kind = YAML_BOOL;
        y->b = s.p[0] == 't' || s.p[0] == 'T';
    } else if ((looks_int(s) && parse_i64(s, &y->i) == ERR_OK) || radix_int(s, &y->i)) {
        y->kind = YAML_INT;
        y->f = (double)y->i;
    } else if ((looks_float(s) && parse_f64(s, &y->f) == ERR_OK) || special_float(s, &y->f)) {
        y->kind = YAML_FLOAT; /* also a whole number of more than 64 bits */
    }
}
