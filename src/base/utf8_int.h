/* base/utf8: one character of UTF-8 (RFC 3629). Inside base only. */
#ifndef TIDEMILL_BASE_UTF8_INT_H
#define TIDEMILL_BASE_UTF8_INT_H

#include <stddef.h>

/* utf8_len returns the length of the well-formed character at p (1..4), of which n > 0 bytes are
 * there; 0 when it is not one (overlong, surrogate, above U+10FFFF, cut off). */
static inline size_t utf8_len(const unsigned char *p, size_t n)
{
    unsigned char c = p[0];
    if (c < 0x80) return 1;
    if (c < 0xC2) return 0;
    if (c < 0xE0) return n >= 2 && (p[1] & 0xC0) == 0x80 ? 2 : 0;
    if (c < 0xF0) {
        if (n < 3 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80) return 0;
        if (c == 0xE0 && p[1] < 0xA0) return 0;
        if (c == 0xED && p[1] >= 0xA0) return 0;
        return 3;
    }
    if (c > 0xF4 || n < 4) return 0;
    if ((p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80 || (p[3] & 0xC0) != 0x80) return 0;
    if (c == 0xF0 && p[1] < 0x90) return 0;
    if (c == 0xF4 && p[1] >= 0x90) return 0;
    return 4;
}

#endif
