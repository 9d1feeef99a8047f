/* base/buf: bytes that grow up to a stated maximum (curl's dynbuf is the model).
 *
 * Passing the maximum is a failure that sticks: further puts do nothing and buf_err() says so, so
 * callers check once at the end. One thread. */
#ifndef TIDEMILL_BASE_BUF_H
#define TIDEMILL_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

typedef struct buf {
    char *p;
    size_t n, cap, max;
    bool over; /* something did not fit */
} buf;

void buf_init(buf *b, size_t max); /* allocates nothing; max > 0 */
void buf_done(buf *b);             /* frees; b is empty again and usable */
void buf_reset(buf *b);            /* empty, keeps memory, clears over */

void buf_put(buf *b, const void *p, size_t n);
void buf_puts(buf *b, str s);
void buf_putc(buf *b, char c);
__attribute__((format(printf, 2, 3))) void buf_fmt(buf *b, const char *fmt, ...);
/* buf_room makes room for n more bytes and returns where they go (caller then adds to b->n), or
 * NULL when over. */
char *buf_room(buf *b, size_t n);

/* buf_err is ERR_LIMIT when something did not fit, naming what. */
MUST_CHECK err buf_err(const buf *b, const char *what);
static inline str buf_str(const buf *b)
{
    return (str){b->p ? b->p : "", b->n};
}

#endif
