#include <assert.h>

#include "base/json.h"
#include "filter/page.h"

enum { TOKEN_SIZE_MAX = 1 << 20 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

str base64_write(arena *a, str bytes)
{
    size_t n = (bytes.n + 2) / 3 * 4, at = 0;
    char *to = arena_alloc_raw(a, n + 1, 1);
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        unsigned x = (unsigned)(unsigned char)bytes.p[i] << 16;
        if (left > 1) x |= (unsigned)(unsigned char)bytes.p[i + 1] << 8;
        if (left > 2) x |= (unsigned char)bytes.p[i + 2];
        to[at++] = digits[x >> 18];
        to[at++] = digits[x >> 12 & 63];
        to[at++] = left > 1 ? digits[x >> 6 & 63] : '=';
        to[at++] = left > 2 ? digits[x & 63] : '=';
    }
    to[at] = 0;
    return (str){to, at};
}

bool base64_read(arena *a, str text, str *ret)
{
    if (text.n % 4 || text.n > TOKEN_SIZE_MAX) return false;
    char *to = arena_alloc_raw(a, text.n / 4 * 3 + 1, 1);
    size_t n = 0, padding = 0;
    unsigned x = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char *digit = text.p[i] ? strchr(digits, text.p[i]) : NULL;
        if (text.p[i] == '=' && i + 2 >= text.n)
            padding++;
        else if (!digit || padding)
            return false;
        x = x << 6 | (unsigned)(digit ? digit - digits : 0);
        if (i % 4 != 3) continue;
        to[n++] = (char)(unsigned char)(x >> 16);
        to[n++] = (char)(unsigned char)(x >> 8);
        to[n++] = (char)(unsigned char)x;
        x = 0;
    }
    n -= padding;
    to[n] = 0;
    *ret = (str){to, n};
    return true;
}

str page_token_make(arena *a, size_t offset)
{
    return base64_write(a, str_fmt(a, "{\"offset\": %zu}", offset));
}

err page_token_read(str token, size_t *ret_offset)
{
    if (!token.n) {
        *ret_offset = 0;
        return ERR_OK;
    }
    AUTO(arena) a = arena_new(0);
    str text;
    if (!base64_read(a, token, &text))
        return err_set(ERR_INVALID, "Invalid page token, could not base64-decode");
    yyjson_val *o;
    int64_t offset = 0;
    if (json_parse(a, text, "page token", &o) || !yyjson_is_obj(o))
        return err_set(ERR_INVALID, "Invalid page token, decoded value=b'%.*s'",
                       (int)(text.n < 200 ? text.n : 200), text.p);
    if (json_get_i64(o, "", "offset", &offset) || offset <= 0 || offset > INT32_MAX)
        return err_set(ERR_INVALID, "Invalid page token, parsed value=%.*s",
                       (int)(text.n < 200 ? text.n : 200), text.p);
    *ret_offset = (size_t)offset;
    return ERR_OK;
}
