#include "api/api_int.h"

/* RFC 4648, with padding. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { TOKEN_MAX = 100, OFFSET_MAX = 1 << 30 };

str page_token_make(arena *a, size_t offset)
{
    str plain = str_fmt(a, "{\"offset\": %zu}", offset);
    char *out = arena_alloc(a, plain.n * 2 + 8, 1);
    size_t n = 0;
    for (size_t i = 0; i < plain.n; i += 3) {
        size_t have = plain.n - i < 3 ? plain.n - i : 3;
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < have ? (unsigned char)plain.p[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            out[n++] = k <= have ? alphabet[v >> (18 - 6 * k) & 63] : '=';
    }
    return (str){out, n};
}

/* plain_of undoes it; false: not base64. */
static bool plain_of(str token, char *ret, size_t *ret_n)
{
    while (token.n && token.p[token.n - 1] == '=')
        token.n--;
    uint32_t v = 0, bits = 0;
    for (size_t i = 0; i < token.n; i++) {
        const char *at = memchr(alphabet, token.p[i], sizeof alphabet - 1);
        if (!at) return false;
        v = v << 6 | (uint32_t)(at - alphabet);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        ret[(*ret_n)++] = (char)(v >> bits & 255);
    }
    return true;
}

err page_token_read(arena *a, str token, size_t *ret)
{
    char plain[TOKEN_MAX];
    size_t n = 0;
    yyjson_val *v;
    int64_t offset = -1;
    bool ok = token.n <= TOKEN_MAX && plain_of(token, plain, &n) &&
              !json_parse(a, (str){plain, n}, "page_token", &v) && yyjson_is_obj(v) &&
              !json_get_i64(v, "page_token", "offset", &offset) && offset >= 0 &&
              offset <= OFFSET_MAX;
    if (!ok)
        return err_set(ERR_INVALID, "page_token '%.*s' is none that this server gave",
                       (int)(token.n < TOKEN_MAX ? token.n : TOKEN_MAX), token.p);
    *ret = (size_t)offset;
    return ERR_OK;
}
