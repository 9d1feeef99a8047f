#include "http/h1_int.h"

#include <assert.h>
#include <string.h>

/* The coding (RFC 9112 7.1), with the state before each part:
 *
 * - SIZE hex+  EXTENSION [";" …]  CR  SIZE_LF LF  DATA …  DATA_CR CR  DATA_LF LF  and SIZE again;
 * - after a size of 0: LINE [TRAILER field CR  TRAILER_LF LF  and LINE again]  CR  END_LF LF  DONE.
 *
 * No white space around the size, no bare LF or CR anywhere: parsers in front of us might read
 * those differently. */
enum state {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    LINE,
    TRAILER,
    TRAILER_LF,
    END_LF,
    DONE
};

enum { DIGITS_MAX = 15 }; /* hexadecimal digits of a size, leading zeros included: no overflow */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool may_stand_in_line(char c)
{
    return c == '\t' || ((unsigned char)c >= ' ' && c != 127);
}

static const char *size_step(h1_chunks *d, char c)
{
    int v = hex_value(c);
    if (v >= 0) {
        if (d->digits == DIGITS_MAX) return "a chunk size is too long";
        d->digits++;
        d->left = d->left * 16 + (unsigned)v;
        return NULL;
    }
    if (!d->digits) return "a chunk size is missing";
    if (c != ';' && c != '\r') return "a chunk size is not hexadecimal";
    d->digits = 0;
    d->state = c == ';' ? EXTENSION : SIZE_LF;
    return NULL;
}

/* line_step: one more byte of an extension or a trailer, which end in CR. */
static const char *line_step(h1_chunks *d, char c, enum state at_cr)
{
    if (++d->extra > H1_CHUNK_EXTRA_MAX) return "chunk extensions and trailers are too large";
    if (c == '\r')
        d->state = (uint8_t)at_cr;
    else if (!may_stand_in_line(c))
        return "a control byte stands in a chunk extension or trailer";
    return NULL;
}

static const char *expect(h1_chunks *d, char c, char want, enum state next, const char *why)
{
    if (c != want) return why;
    d->state = (uint8_t)next;
    return NULL;
}

/* step takes one byte that is not data; returns what is wrong with it, or NULL. */
static const char *step(h1_chunks *d, char c)
{
    switch ((enum state)d->state) {
    case SIZE:
        return size_step(d, c);
    case EXTENSION:
        return line_step(d, c, SIZE_LF);
    case SIZE_LF:
        return expect(d, c, '\n', d->left ? DATA : LINE,
                      "the line of a chunk size ends in a bare CR");
    case DATA_CR:
        return expect(d, c, '\r', DATA_LF, "a chunk is longer than its size says");
    case DATA_LF:
        return expect(d, c, '\n', SIZE, "a chunk is not followed by CRLF");
    case LINE:
        if (c == '\r') {
            d->state = END_LF;
            return NULL;
        }
        if (c == ' ' || c == '\t' || c == ':') return "a trailer does not begin with a name";
        d->state = TRAILER;
        return line_step(d, c, TRAILER_LF);
    case TRAILER:
        return line_step(d, c, TRAILER_LF);
    case TRAILER_LF:
        return expect(d, c, '\n', LINE, "a trailer ends in a bare CR");
    case END_LF:
        return expect(d, c, '\n', DONE, "the chunked body does not end in CRLF");
    case DATA:
    case DONE:
        break;
    }
    assert(!"h1_chunks: no byte is taken one by one in this state");
    return NULL;
}

h1_result h1_chunks_read(h1_chunks *d, char *p, size_t n, size_t *ret_used, size_t *ret_data,
                         const char **ret_why)
{
    assert(d->state < DONE);
    size_t at = 0, data = 0;
    while (at < n && d->state != DONE) {
        if (d->state == DATA) {
            size_t k = d->left < n - at ? (size_t)d->left : n - at;
            if (data != at) memmove(p + data, p + at, k);
            data += k;
            at += k;
            d->left -= k;
            if (!d->left) d->state = DATA_CR;
            continue;
        }
        const char *why = step(d, p[at++]);
        if (why) {
            *ret_why = why;
            return H1_BAD;
        }
    }
    *ret_used = at;
    *ret_data = data;
    return d->state == DONE ? H1_READY : H1_MORE;
}
