#include <assert.h>

#include "base/mem.h"
#include "filter/filter_int.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_bare(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80 || c == '_' || c == '-' || c == '.' || c == '/' || c == ':';
}

static bool is_op(char c)
{
    return c == '=' || c == '!' || c == '<' || c == '>' || c == '~';
}

static char peek(const lexer *l, size_t ahead)
{
    return l->at + ahead < l->text.n ? l->text.p[l->at + ahead] : 0;
}

static err unfinished(const lexer *l, size_t at)
{
    return err_set(ERR_INVALID,
                   "Invalid filter '%.*s'. Could not be parsed: the quote at position "
                   "%zu is not closed.",
                   (int)(l->text.n < 500 ? l->text.n : 500), l->text.p, at);
}

/* Reads what stands in quotes; single and double ones double to mean themselves. */
static err quoted(lexer *l, str *ret)
{
    char quote = peek(l, 0);
    size_t start = l->at++, n = 0;
    char *copy = arena_alloc_raw(l->a, l->text.n - start + 1, 1);
    for (;;) {
        if (l->at >= l->text.n) return unfinished(l, start);
        char c = l->text.p[l->at++];
        if (c == quote) {
            if (quote == '`' || peek(l, 0) != quote) break;
            l->at++;
        }
        copy[n++] = c;
    }
    copy[n] = 0;
    *ret = (str){copy, n};
    return ERR_OK;
}

/* A name: a bare word, or parts of which some are in quotes. */
static err name(lexer *l, token *t)
{
    size_t start = l->at;
    str first = {0};
    t->kind = TOKEN_WORD;
    if (peek(l, 0) == '`') {
        TRY(quoted(l, &first));
        t->kind = TOKEN_NAME;
        t->quoted = true;
        t->name = first;
        if (peek(l, 0) != '.') return ERR_OK;
        t->entity = first;
        start = ++l->at;
        t->quoted = false;
    }
    while (is_bare(peek(l, 0)))
        l->at++;
    str bare = {l->text.p + start, l->at - start};
    bool dotted = bare.n && bare.p[bare.n - 1] == '.';
    bool has_entity = t->entity.p != NULL;
    if ((peek(l, 0) == '`' || peek(l, 0) == '"') && (dotted || (has_entity && !bare.n))) {
        t->kind = TOKEN_NAME;
        if (dotted) t->entity = (str){bare.p, bare.n - 1};
        t->quoted = true;
        return quoted(l, &t->name);
    }
    t->name = bare;
    if (has_entity) return ERR_OK;
    str head, tail;
    if (!str_cut(bare, '.', &head, &tail)) return ERR_OK;
    t->kind = TOKEN_NAME;
    t->entity = head;
    t->name = tail;
    return ERR_OK;
}

static bool number_starts(const lexer *l)
{
    char c = peek(l, 0), d = peek(l, 1);
    if (is_digit(c)) return true;
    if (c == '.') return is_digit(d);
    return (c == '-' || c == '+') && (is_digit(d) || (d == '.' && is_digit(peek(l, 2))));
}

static void number(lexer *l)
{
    l->at++;
    for (char before = 0; is_bare(peek(l, 0)) || (peek(l, 0) == '+' && (before | 32) == 'e');) {
        before = peek(l, 0);
        l->at++;
    }
}

static err other(const lexer *l)
{
    char c = peek(l, 0);
    if (c == ';')
        return err_set(ERR_INVALID,
                       "Search filter contained multiple expression '%.*s'. Provide AND-ed "
                       "expression list. (position %zu)",
                       (int)(l->text.n < 500 ? l->text.n : 500), l->text.p, l->at);
    return err_set(ERR_INVALID, "Invalid clause(s) in filter string: '%c' (position %zu)", c,
                   l->at);
}

static err read_token(lexer *l, token *t)
{
    char c = peek(l, 0);
    if (c == '(' || c == ')' || c == ',') {
        t->kind = c == '(' ? TOKEN_OPEN : c == ')' ? TOKEN_CLOSE : TOKEN_COMMA;
        l->at++;
        return ERR_OK;
    }
    if (is_op(c)) {
        t->kind = TOKEN_OP;
        while (is_op(peek(l, 0)))
            l->at++;
        return ERR_OK;
    }
    if (c == '\'' || c == '"') {
        t->kind = TOKEN_TEXT;
        TRY(quoted(l, &t->text));
        t->name = t->text;
        t->quoted = true;
        return ERR_OK;
    }
    if (number_starts(l)) {
        t->kind = TOKEN_NUMBER;
        number(l);
        return ERR_OK;
    }
    if (c == '`' || is_bare(c)) return name(l, t);
    return other(l);
}

err lexer_next(lexer *l)
{
    while (l->at < l->text.n && is_space(l->text.p[l->at]))
        l->at++;
    token t = {.kind = TOKEN_END, .at = l->at};
    if (l->at < l->text.n) TRY(read_token(l, &t));
    t.raw = (str){l->text.p + t.at, l->at - t.at};
    l->now = t;
    return ERR_OK;
}

err lexer_start(lexer *l, arena *a, str text)
{
    assert(l && a);
    *l = (lexer){.a = a};
    if (text.n > FILTER_BYTES_MAX)
        return err_set(ERR_INVALID, "Invalid filter: %zu bytes, at most %d", text.n,
                       FILTER_BYTES_MAX);
    if (!str_utf8_ok(text) || (text.n && memchr(text.p, 0, text.n)))
        return err_set(ERR_INVALID, "Invalid filter: not UTF-8 text");
    l->text = str_dup(a, text);
    return lexer_next(l);
}

bool token_is(const token *t, const char *keyword)
{
    return t->kind == TOKEN_WORD && str_eq_nocase(t->raw, str_of(keyword));
}
