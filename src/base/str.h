/* base/str: text that somebody else owns, and reading numbers out of it.
 *
 * A str is a pointer and a length; it need not end in NUL and is valid as long as its owner says.
 * Immutable plain value. */
#ifndef TIDEMILL_BASE_STR_H
#define TIDEMILL_BASE_STR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct str {
    const char *p; /* never NULL in a valid str of n > 0 */
    size_t n;
} str;

#define STR(lit)   ((str){"" lit, sizeof(lit) - 1})
#define STR_ARG(s) (int)(s).n, (s).p /* for "%.*s" */

static inline str str_of(const char *cstr)
{
    return cstr ? (str){cstr, strlen(cstr)} : (str){"", 0};
}
static inline bool str_eq(str a, str b)
{
    return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}
static inline bool str_is(str a, const char *cstr)
{
    return str_eq(a, str_of(cstr));
}
int str_cmp(str a, str b);        /* bytewise, shorter first */
bool str_eq_nocase(str a, str b); /* ASCII only */
bool str_starts(str s, const char *prefix);
bool str_ends(str s, const char *suffix);
str str_trim(str s); /* without ASCII white space at both ends */
/* str_cut splits s at the first sep: *head gets what stands before, *tail what follows (empty when
 * there is no sep); false then. */
bool str_cut(str s, char sep, str *head, str *tail);
bool str_find(str s, str needle, size_t *ret_at);
uint64_t str_hash(str s); /* not keyed: for tables of our own names */
bool str_utf8_ok(str s);

/* Copies into an arena; the results end in NUL one byte behind n. Owner: a. */
str str_dup(arena *a, str s);
const char *str_c(arena *a, str s);
__attribute__((format(printf, 2, 3))) str str_fmt(arena *a, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) const char *cstr_fmt(arena *a, const char *fmt, ...);

/* parse_*: the whole of s is the number, no white space, no locale. parse_f64 takes what strtod
 * takes in the C locale, so also "NaN", "Infinity", "-Infinity" in any case; a caller that wants
 * finite numbers asks isfinite. A number too large for a double is refused. ERR_FORMAT says what
 * stood there; *ret untouched. */
MUST_CHECK err parse_i64(str s, int64_t *ret);
MUST_CHECK err parse_u64(str s, uint64_t *ret);
MUST_CHECK err parse_f64(str s, double *ret);
/* parse_size: "64MiB", "1GB", "4096": bytes. parse_duration_ms: "250ms", "10s", "5m", "24h", "7d".
 */
MUST_CHECK err parse_size(str s, uint64_t *ret_bytes);
MUST_CHECK err parse_duration_ms(str s, int64_t *ret_ms);

/* f64_print writes the shortest decimal that reads back as v (as JSON prints it: 1.0, 1e300), not
 * NUL-terminated; returns the length, at most F64_PRINT_MAX. NaN and infinities print as NaN,
 * Infinity, -Infinity. Allocates nothing. */
enum { F64_PRINT_MAX = 32, I64_PRINT_MAX = 20 };
size_t f64_print(double v, char *ret);
size_t i64_print(int64_t v, char *ret);

/* str_nearest returns the candidate closest to word by Damerau-Levenshtein distance, or NULL when
 * none is near (> max(2, n/3)): the "did you mean". */
const char *str_nearest(str word, const char *const *candidates, size_t n);

#endif
