#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "model/lgb_int.h"

enum { SHOWN_MAX = 60 };

bool lgb_next(lgb_lines *l)
{
    if (l->at >= l->all.n) return false;
    const char *p = l->all.p + l->at;
    size_t left = l->all.n - l->at;
    const char *end = memchr(p, '\n', left);
    size_t n = end ? (size_t)(end - p) : left;
    l->line_at = l->at;
    l->at += n + (end != NULL);
    l->line++;
    if (n && p[n - 1] == '\r') n--;
    l->text = (str){p, n};
    return true;
}

err lgb_err(const char *name, size_t line, err e, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(e, "%s:%zu: %s", name, line, text);
}

static int shown(str s)
{
    return s.n < SHOWN_MAX ? (int)s.n : SHOWN_MAX;
}

err lgb_put(const lgb_section *s, const lgb_lines *l)
{
    str key = {0}, value = {0};
    str_cut(l->text, '=', &key, &value);
    for (size_t i = 0; i < s->n; i++) {
        if (!str_is(key, s->keys[i])) continue;
        if (s->values[i].line)
            return lgb_err(s->file, l->line, ERR_FORMAT, "%s: \"%s\" stands on line %zu already",
                           s->what, s->keys[i], s->values[i].line);
        s->values[i] = (lgb_value){value, l->line};
        return ERR_OK;
    }
    return lgb_err(s->file, l->line, ERR_INVALID,
                   "%s: unknown key \"%.*s\"; the versions read here are v3 and v4", s->what,
                   shown(key), key.p);
}

err lgb_need(const lgb_section *s, size_t key, size_t end_line, lgb_value *ret)
{
    assert(key < s->n);
    if (!s->values[key].line)
        return lgb_err(s->file, end_line, ERR_FORMAT, "%s: \"%s\" is missing", s->what,
                       s->keys[key]);
    *ret = s->values[key];
    return ERR_OK;
}

bool lgb_word(str *rest, str *ret)
{
    *ret = *rest;
    if (!rest->n) return false;
    const char *p = rest->p, *end = rest->p + rest->n;
    while (p < end && *p == ' ')
        p++;
    const char *from = p;
    while (p < end && *p != ' ')
        p++;
    *ret = (str){from, (size_t)(p - from)};
    *rest = (str){p, (size_t)(end - p)};
    return ret->n > 0;
}

size_t lgb_count(str text)
{
    size_t n = 0;
    str word = {0};
    while (lgb_word(&text, &word))
        n++;
    return n;
}

/* A number of a list that could not be read; this thread's message says what it was. */
static err bad_item(const lgb_section *s, size_t key, size_t i)
{
    return err_add(ERR_FORMAT, "%s:%zu: %s: %s, number %zu", s->file, s->values[key].line, s->what,
                   s->keys[key], i + 1);
}

static err parse_int(str word, int64_t min, int64_t max, int64_t *ret)
{
    int64_t v = 0;
    TRY(parse_i64(word, &v));
    if (v < min || v > max)
        return err_set(ERR_FORMAT, "%lld is not between %lld and %lld", (long long)v,
                       (long long)min, (long long)max);
    *ret = v;
    return ERR_OK;
}

err lgb_int(const lgb_section *s, size_t key, int64_t min, int64_t max, int64_t *ret)
{
    lgb_value v = {0};
    TRY(lgb_need(s, key, 1, &v));
    return parse_int(v.text, min, max, ret) ? bad_item(s, key, 0) : ERR_OK;
}

static err check_count(const lgb_section *s, size_t key, size_t n)
{
    const lgb_value *v = &s->values[key];
    size_t got = lgb_count(v->text);
    if (got == n) return ERR_OK;
    return lgb_err(s->file, v->line, ERR_FORMAT, "%s: %s has %zu numbers, want %zu", s->what,
                   s->keys[key], got, n);
}

err lgb_f64s(const lgb_section *s, size_t key, size_t n, double *ret)
{
    TRY(check_count(s, key, n));
    str rest = s->values[key].text, word = {0};
    for (size_t i = 0; i < n && lgb_word(&rest, &word); i++) {
        if (parse_f64(word, &ret[i])) return bad_item(s, key, i);
    }
    return ERR_OK;
}

err lgb_ints(const lgb_section *s, size_t key, size_t n, int64_t min, int64_t max, int64_t *ret)
{
    TRY(check_count(s, key, n));
    str rest = s->values[key].text, word = {0};
    for (size_t i = 0; i < n && lgb_word(&rest, &word); i++) {
        if (parse_int(word, min, max, &ret[i])) return bad_item(s, key, i);
    }
    return ERR_OK;
}
