/* base/clock: time. Points in time are int64_t milliseconds since 1970 UTC, named _ms. Code whose
 * result depends on time takes a `const clk *` so that tests and the simulator drive it.
 * Thread-safe. */
#ifndef TIDEMILL_BASE_CLOCK_H
#define TIDEMILL_BASE_CLOCK_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

typedef struct clk {
    int64_t (*now_ms)(void *ctx);
    void *ctx;
} clk;

extern const clk clk_real;
static inline int64_t clk_now_ms(const clk *c)
{
    return c->now_ms(c->ctx);
}

int64_t now_ms(void);      /* wall clock */
int64_t mono_us(void);     /* monotonic, microseconds */
int64_t cpu_us(void);      /* CPU time of this process */
void sleep_ms(int64_t ms); /* returns early on nothing */

/* time_print: RFC 3339 in UTC with milliseconds, "2026-01-31T12:00:00.123Z"; ret holds
 * TIME_PRINT_MAX bytes, NUL-terminated. */
enum { TIME_PRINT_MAX = 32 };
const char *time_print(int64_t t_ms, char ret[TIME_PRINT_MAX]);
/* date_print: "2026-01-31". */
const char *date_print(int64_t t_ms, char ret[TIME_PRINT_MAX]);
/* time_parse: RFC 3339 ("2026-01-31T12:00:00Z", with offset, fraction; a space for T; a bare date
 * is midnight UTC; without an offset it is UTC) or integer milliseconds. ERR_FORMAT otherwise. */
MUST_CHECK err time_parse(str s, int64_t *ret_ms);

/* Proleptic Gregorian calendar in UTC, without libc's locale or zone. month 1..12, day 1..31,
 * weekday 0 = Sunday. */
typedef struct civil {
    int year, month, day, hour, minute, second, ms, weekday;
} civil;
civil civil_of_ms(int64_t t_ms);
int64_t civil_to_ms(const civil *c);

#endif
