#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { BUF_FIRST = 256 };

void buf_init(buf *b, size_t max)
{
    assert(b);
    assert(max > 0);
    *b = (buf){.max = max};
}

void buf_done(buf *b)
{
    assert(b);
    mem_free(b->p);
    *b = (buf){.max = b->max};
}

void buf_reset(buf *b)
{
    assert(b);
    b->n = 0;
    b->over = false;
}

/* grow makes cap at least need; one byte more is always there for the NUL that vsnprintf writes. */
static void grow(buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : BUF_FIRST;
    while (cap < need)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    if (cap > b->max) cap = b->max;
    b->p = mem_grow(b->p, cap + 1, 1);
    b->cap = cap;
}

char *buf_room(buf *b, size_t n)
{
    assert(b);
    assert(b->max > 0);
    if (b->over) return NULL;
    if (n > b->max - b->n) {
        b->over = true;
        return NULL;
    }
    if (!b->p || n > b->cap - b->n) grow(b, b->n + n);
    return b->p + b->n;
}

void buf_put(buf *b, const void *p, size_t n)
{
    assert(p || !n);
    if (!n) return;
    char *to = buf_room(b, n);
    if (!to) return;
    memcpy(to, p, n);
    b->n += n;
}

void buf_puts(buf *b, str s)
{
    buf_put(b, s.p, s.n);
}

void buf_putc(buf *b, char c)
{
    if (!b->over && b->n < b->cap) {
        b->p[b->n++] = c;
        return;
    }
    buf_put(b, &c, 1);
}

void buf_fmt(buf *b, const char *fmt, ...)
{
    assert(b);
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(len >= 0);
    size_t n = (size_t)len;
    char *to = buf_room(b, n);
    if (!to) return;
    va_start(ap, fmt);
    vsnprintf(to, n + 1, fmt, ap);
    va_end(ap);
    b->n += n;
}

err buf_err(const buf *b, const char *what)
{
    assert(b);
    assert(what);
    if (!b->over) return ERR_OK;
    return err_set(ERR_LIMIT, "%s: more than %zu bytes", what, b->max);
}
