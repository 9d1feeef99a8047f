#include <assert.h>

#include "http/server.h"

enum { SHOWN_MAX = 100 }; /* bytes of somebody's input in a message */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static err unescape(arena *a, str s, bool plus_is_space, str *ret)
{
    char *out = arena_alloc_raw(a, s.n + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int hi = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
            int lo = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return err_set(ERR_FORMAT,
                               "http: byte %zu of '%.*s': want two hexadecimal digits behind %%",
                               i + 1, (int)(s.n < SHOWN_MAX ? s.n : SHOWN_MAX), s.p);
            c = (char)(hi * 16 + lo);
            i += 2;
        }
        if (!c)
            return err_set(
                ERR_FORMAT,
                "http: a name or value of the URL holds a zero byte, which is not allowed");
        out[n++] = c;
    }
    out[n] = 0;
    *ret = (str){out, n};
    return ERR_OK;
}

err http_unescape(arena *a, str s, str *ret)
{
    assert(a && ret);
    return unescape(a, s, false, ret);
}

err http_query(arena *a, str query, const char *key, bool *ret_found, str *ret)
{
    assert(a && key && ret_found && ret);
    while (query.n) {
        str pair, name, value, plain;
        str_cut(query, '&', &pair, &query);
        str_cut(pair, '=', &name, &value);
        TRY(unescape(a, name, true, &plain));
        if (!str_is(plain, key)) continue;
        TRY(unescape(a, value, true, ret));
        *ret_found = true;
        return ERR_OK;
    }
    *ret_found = false;
    *ret = STR("");
    return ERR_OK;
}
