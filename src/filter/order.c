#include <assert.h>

#include "base/buf.h"
#include "base/json.h"
#include "filter/filter_int.h"

static err order_bad(str text)
{
    return err_set(ERR_INVALID, "Invalid order_by clause '%.*s'. Could not be parsed.",
                   (int)(text.n < 500 ? text.n : 500), text.n ? text.p : "");
}

err filter_order_parse(arena *a, const filter_rules *rules, str text, filter_order *ret)
{
    assert(a && rules && ret);
    lexer l;
    if (lexer_start(&l, a, text)) return order_bad(text);
    token key = l.now;
    bool name = key.kind == TOKEN_WORD || key.kind == TOKEN_NAME ||
                (key.kind == TOKEN_TEXT && key.raw.p[0] == '"');
    if (!name || lexer_next(&l)) return order_bad(text);
    bool descending = token_is(&l.now, "DESC");
    if (l.now.kind != TOKEN_END && !descending && !token_is(&l.now, "ASC")) {
        if (l.now.kind != TOKEN_WORD) return order_bad(text);
        return err_set(ERR_INVALID, "Invalid ordering key in order_by clause '%.*s'.",
                       STR_ARG(text));
    }
    if (l.now.kind != TOKEN_END && (lexer_next(&l) || l.now.kind != TOKEN_END))
        return order_bad(text);
    filter_key k;
    TRY(filter_key_find(rules, &key, true, &k));
    *ret = (filter_order){k.entity, k.key, k.field, descending};
    return ERR_OK;
}

static err order_twice(const str *v, size_t n)
{
    buf list;
    buf_init(&list, 1024);
    for (size_t i = 0; i < n; i++)
        buf_fmt(&list, "%s'%.*s'", i ? ", " : "", STR_ARG(v[i]));
    err e = err_set(ERR_INVALID, "`order_by` contains duplicate fields: [%.*s]", (int)list.n,
                    list.p ? list.p : "");
    buf_done(&list);
    return e;
}

err filter_orders_parse(arena *a, const filter_rules *rules, const str *v, size_t n,
                        filter_order **ret)
{
    assert(a && rules && ret && (v || !n));
    if (n > FILTER_TERMS_MAX)
        return err_set(ERR_INVALID, "order_by: %zu clauses, at most %d", n, FILTER_TERMS_MAX);
    filter_order *to = arena_array(a, filter_order, n ? n : 1);
    for (size_t i = 0; i < n; i++) {
        TRY(filter_order_parse(a, rules, v[i], &to[i]));
        for (size_t k = 0; k < i; k++)
            if (to[k].entity == to[i].entity && str_eq(to[k].key, to[i].key))
                return order_twice(v, n);
    }
    *ret = to;
    return ERR_OK;
}

/* --- LIKE */
static size_t char_size(const char *p, size_t n)
{
    size_t size = 1;
    while (size < n && ((unsigned char)p[size] & 0xC0) == 0x80)
        size++;
    return size;
}

static char lower(char c, bool nocase)
{
    return nocase && c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

/* Greedy, with one place to come back to: the last %. */
bool filter_like(str s, str pattern, bool nocase)
{
    size_t i = 0, k = 0, back_i = 0, back_k = SIZE_MAX;
    while (i < s.n) {
        if (k < pattern.n && pattern.p[k] == '%') {
            back_k = ++k;
            back_i = i;
        } else if (k < pattern.n && pattern.p[k] == '_') {
            i += char_size(s.p + i, s.n - i);
            k++;
        } else if (k < pattern.n && lower(pattern.p[k], nocase) == lower(s.p[i], nocase)) {
            i++;
            k++;
        } else if (back_k != SIZE_MAX) {
            back_i += char_size(s.p + back_i, s.n - back_i);
            i = back_i;
            k = back_k;
        } else {
            return false;
        }
    }
    while (k < pattern.n && pattern.p[k] == '%')
        k++;
    return k == pattern.n;
}
