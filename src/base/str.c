#include "base/str.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/utf8_int.h"

int str_cmp(str a, str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c) return c < 0 ? -1 : 1;
    return a.n < b.n ? -1 : a.n > b.n;
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool str_eq_nocase(str a, str b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    return true;
}

bool str_starts(str s, const char *prefix)
{
    assert(prefix);
    size_t n = strlen(prefix);
    return s.n >= n && (!n || !memcmp(s.p, prefix, n));
}

bool str_ends(str s, const char *suffix)
{
    assert(suffix);
    size_t n = strlen(suffix);
    return s.n >= n && (!n || !memcmp(s.p + s.n - n, suffix, n));
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

str str_trim(str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool str_cut(str s, char sep, str *head, str *tail)
{
    assert(head);
    assert(tail);
    const char *at = s.n ? memchr(s.p, sep, s.n) : NULL;
    if (!at) {
        *head = s;
        *tail = (str){s.p + s.n, 0};
        return false;
    }
    size_t n = (size_t)(at - s.p);
    *head = (str){s.p, n};
    *tail = (str){at + 1, s.n - n - 1};
    return true;
}

bool str_find(str s, str needle, size_t *ret_at)
{
    assert(ret_at);
    if (!needle.n) {
        *ret_at = 0;
        return true;
    }
    const char *at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    if (!at) return false;
    *ret_at = (size_t)(at - s.p);
    return true;
}

/* FNV-1a, then the finisher of splitmix64, so that the low bits are good too. */
uint64_t str_hash(str s)
{
    uint64_t h = 0xcbf29ce484222325U;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3U;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9U;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebU;
    return h ^ (h >> 31);
}

bool str_utf8_ok(str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t i = 0; i < s.n;) {
        size_t n = utf8_len(p + i, s.n - i);
        if (!n) return false;
        i += n;
    }
    return true;
}

str str_dup(arena *a, str s)
{
    char *p = arena_alloc_raw(a, s.n + 1, 1);
    if (s.n) memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (str){p, s.n};
}

const char *str_c(arena *a, str s)
{
    return str_dup(a, s).p;
}

__attribute__((format(printf, 2, 0))) static str vfmt(arena *a, const char *fmt, va_list ap)
{
    assert(fmt);
    char small[128]; /* most texts are short: one pass */
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(small, sizeof small, fmt, ap);
    assert(len >= 0);
    size_t n = (size_t)len;
    char *p = arena_alloc_raw(a, n + 1, 1);
    if (n < sizeof small)
        memcpy(p, small, n + 1);
    else
        vsnprintf(p, n + 1, fmt, again);
    va_end(again);
    return (str){p, n};
}

str str_fmt(arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str s = vfmt(a, fmt, ap);
    va_end(ap);
    return s;
}

const char *cstr_fmt(arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str s = vfmt(a, fmt, ap);
    va_end(ap);
    return s.p;
}
