#include "filter/filter.h"

#include <assert.h>

#include "base/buf.h"
#include "base/mem.h"
#include "filter/filter_int.h"

typedef struct parser {
    lexer l;
    const filter_rules *rules;
    size_t depth, n_terms, n_values;
} parser;

static const char *const op_names[FILTER_OP_N] = {
    [FILTER_EQ] = "=",
    [FILTER_NE] = "!=",
    [FILTER_LT] = "<",
    [FILTER_LE] = "<=",
    [FILTER_GT] = ">",
    [FILTER_GE] = ">=",
    [FILTER_LIKE] = "LIKE",
    [FILTER_ILIKE] = "ILIKE",
    [FILTER_IN] = "IN",
    [FILTER_NOT_IN] = "NOT IN",
    [FILTER_IS_NULL] = "IS NULL",
    [FILTER_IS_NOT_NULL] = "IS NOT NULL",
};

const char *filter_op_name(filter_op op)
{
    assert(op < FILTER_OP_N);
    return op_names[op];
}

static err invalid_clause(const token *t)
{
    if (t->kind == TOKEN_END)
        return err_set(ERR_INVALID,
                       "Invalid clause(s) in filter string: it ends too early (position %zu)",
                       t->at);
    return err_set(ERR_INVALID, "Invalid clause(s) in filter string: '%.*s' (position %zu)",
                   STR_ARG(t->raw), t->at);
}

/* --- values */
static bool in_number(char c)
{
    return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

static err number_read(const parser *p, const token *t, filter_value *ret)
{
    (void)p;
    double v = 0;
    bool plain = t->kind == TOKEN_NUMBER;
    for (size_t i = 0; plain && i < t->raw.n; i++)
        plain = in_number(t->raw.p[i]);
    if (!plain || parse_f64(t->raw.p[0] == '+' ? (str){t->raw.p + 1, t->raw.n - 1} : t->raw, &v))
        return ERR_INVALID; /* the caller says what was expected */
    *ret = (filter_value){.is_number = true, .number = v, .text = t->raw};
    return ERR_OK;
}

static err value_expected(const filter_node *n, const token *t)
{
    const char *name = filter_entity_name(n->entity);
    if (n->entity == FILTER_METRIC)
        return err_set(ERR_INVALID,
                       "Expected numeric value type for metric. Found %.*s (position %zu)",
                       STR_ARG(t->raw), t->at);
    if (n->field && n->field->is_number)
        return err_set(ERR_INVALID,
                       "Expected numeric value type for numeric attribute: %.*s. Found %.*s "
                       "(position %zu)",
                       STR_ARG(n->key), STR_ARG(t->raw), t->at);
    if (n->entity == FILTER_ATTRIBUTE || n->entity == FILTER_DATASET)
        return err_set(ERR_INVALID,
                       "Expected a quoted string value for %s. Got value %.*s (position %zu)",
                       n->entity == FILTER_ATTRIBUTE ? "attributes" : "dataset attributes",
                       STR_ARG(t->raw), t->at);
    return err_set(ERR_INVALID,
                   "Expected a quoted string value for %s (e.g. 'my-value'). Got value %.*s "
                   "(position %zu)",
                   name, STR_ARG(t->raw), t->at);
}

static bool wants_number(const filter_node *n)
{
    return n->entity == FILTER_METRIC || (n->field && n->field->is_number);
}

static err value(parser *p, filter_node *n)
{
    const token *t = &p->l.now;
    filter_value *v = arena_new_of(p->l.a, filter_value);
    if (t->kind == TOKEN_END) return invalid_clause(t);
    if (wants_number(n)) {
        if (number_read(p, t, v)) return value_expected(n, t);
    } else {
        if (t->kind != TOKEN_TEXT) return value_expected(n, t);
        v->text = t->text;
    }
    n->values = v;
    n->n_values = 1;
    return lexer_next(&p->l);
}

static err list_bad(const token *t, const char *got)
{
    return err_set(ERR_INVALID,
                   "While parsing a list in the query, expected a non-empty list of string values, "
                   "but got %s list (position %zu)",
                   got, t->at);
}

static err list_item(parser *p, const filter_value *v, size_t n)
{
    const token *t = &p->l.now;
    (void)v;
    if (n + p->n_values >= FILTER_VALUES_MAX)
        return err_set(ERR_INVALID, "Invalid filter: over %d values in lists (position %zu)",
                       FILTER_VALUES_MAX, t->at);
    if (t->kind == TOKEN_TEXT) return ERR_OK;
    if (t->kind == TOKEN_NUMBER || t->kind == TOKEN_WORD)
        return err_set(ERR_INVALID,
                       "While parsing a list in the query, expected string value, punctuation, or "
                       "whitespace, but got different type in list: %.*s (position %zu)",
                       STR_ARG(t->raw), t->at);
    return list_bad(t, "ill-formed");
}

static err list(parser *p, filter_node *to)
{
    const token *t = &p->l.now;
    if (t->kind != TOKEN_OPEN) return list_bad(t, "ill-formed");
    TRY(lexer_next(&p->l));
    if (t->kind == TOKEN_CLOSE) return list_bad(t, "empty");
    size_t n = 0, cap = 8;
    filter_value *v = arena_array(p->l.a, filter_value, cap);
    for (;;) {
        TRY(list_item(p, v, n));
        if (n == cap) {
            filter_value *more = arena_array(p->l.a, filter_value, cap * 2);
            memcpy(more, v, n * sizeof *v);
            v = more;
            cap *= 2;
        }
        v[n++].text = t->text;
        TRY(lexer_next(&p->l));
        if (t->kind == TOKEN_COMMA)
            TRY(lexer_next(&p->l));
        else if (t->kind != TOKEN_CLOSE)
            return list_bad(t, "ill-formed");
        if (t->kind == TOKEN_CLOSE) break;
    }
    p->n_values += n;
    to->values = v;
    to->n_values = n;
    return lexer_next(&p->l);
}

/* --- a term */
static err op_bad(const parser *p, const filter_node *n, str op, unsigned ops, size_t at)
{
    (void)p;
    buf names;
    buf_init(&names, 4096);
    for (unsigned i = 0; i < FILTER_OP_N; i++)
        if (ops & FILTER_BIT(i)) buf_fmt(&names, "%s'%s'", names.n ? ", " : "", op_names[i]);
    err e = err_set(ERR_INVALID,
                    "Invalid comparator '%.*s' not one of '{%.*s}' for %s '%.*s' (position %zu)",
                    STR_ARG(op), (int)names.n, names.p ? names.p : "",
                    filter_entity_name(n->entity), STR_ARG(n->key), at);
    buf_done(&names);
    return e;
}

static unsigned ops_of(const parser *p, const filter_node *n)
{
    return n->field ? n->field->ops : p->rules->entity_ops[n->entity];
}

/* Behind IS: NULL or NOT NULL. */
static err op_is(parser *p, filter_node *n)
{
    n->op = FILTER_IS_NULL;
    if (token_is(&p->l.now, "NOT")) {
        n->op = FILTER_IS_NOT_NULL;
        TRY(lexer_next(&p->l));
    }
    if (!token_is(&p->l.now, "NULL")) return invalid_clause(&p->l.now);
    if (!(ops_of(p, n) & FILTER_NULL_OPS))
        return err_set(ERR_INVALID,
                       "IS NULL / IS NOT NULL is only supported for %s, not for '%s' '%.*s' "
                       "(position %zu)",
                       p->rules->entity_ops[FILTER_PARAM] & FILTER_NULL_OPS ? "tags and params"
                                                                            : "tags",
                       filter_entity_name(n->entity), STR_ARG(n->key), n->at);
    return lexer_next(&p->l);
}

/* The operator; *ret_not: NOT stood before LIKE or ILIKE. raw is what the user wrote. */
static err op(parser *p, filter_node *n, bool *ret_not, str *ret_raw)
{
    const token *t = &p->l.now;
    bool negated = token_is(t, "NOT");
    if (negated) TRY(lexer_next(&p->l));
    *ret_raw = t->raw;
    if (token_is(t, "IS") && !negated) {
        TRY(lexer_next(&p->l));
        return op_is(p, n);
    }
    if (token_is(t, "IN")) {
        n->op = negated ? FILTER_NOT_IN : FILTER_IN;
    } else if (token_is(t, "LIKE") || token_is(t, "ILIKE")) {
        n->op = token_is(t, "LIKE") ? FILTER_LIKE : FILTER_ILIKE;
        *ret_not = negated;
    } else if (t->kind == TOKEN_OP && !negated) {
        n->op = FILTER_OP_N;
        for (unsigned i = 0; i <= FILTER_GE; i++)
            if (str_is(t->raw, op_names[i])) n->op = (filter_op)i;
    } else {
        return invalid_clause(t);
    }
    return lexer_next(&p->l);
}

static filter_node *node_new(parser *p, filter_kind kind, const filter_node *left,
                             const filter_node *right)
{
    filter_node *n = arena_new_of(p->l.a, filter_node);
    n->kind = kind;
    n->left = left;
    n->right = right;
    return n;
}

static err term(parser *p, const filter_node **ret)
{
    const token *t = &p->l.now;
    bool name = t->kind == TOKEN_WORD || t->kind == TOKEN_NAME ||
                (t->kind == TOKEN_TEXT && t->raw.p[0] == '"');
    if (!name) return invalid_clause(t);
    if (p->n_terms++ >= FILTER_TERMS_MAX)
        return err_set(ERR_INVALID, "Invalid filter: over %d comparisons (position %zu)",
                       FILTER_TERMS_MAX, t->at);
    token key_token = *t;
    TRY(lexer_next(&p->l));
    if (t->kind == TOKEN_END || t->kind == TOKEN_CLOSE) return invalid_clause(&key_token);
    filter_key k;
    TRY(filter_key_find(p->rules, &key_token, false, &k));
    filter_node *n = node_new(p, FILTER_TERM, NULL, NULL);
    n->entity = k.entity;
    n->key = k.key;
    n->field = k.field;
    n->at = key_token.at;
    bool negated = false;
    str raw;
    size_t op_at = t->at;
    TRY(op(p, n, &negated, &raw));
    unsigned ops = ops_of(p, n);
    if (n->op == FILTER_IN || n->op == FILTER_NOT_IN) {
        if (!(ops & FILTER_BIT(n->op))) return op_bad(p, n, str_of(op_names[n->op]), ops, op_at);
        TRY(list(p, n));
    } else if (n->op != FILTER_IS_NULL && n->op != FILTER_IS_NOT_NULL) {
        TRY(value(p, n));
        if (n->op == FILTER_OP_N || !(ops & FILTER_BIT(n->op)))
            return op_bad(p, n, raw, ops, op_at);
    }
    *ret = negated ? node_new(p, FILTER_NOT, n, NULL) : n;
    return ERR_OK;
}

/* --- around terms */
static err any_of(parser *p, const filter_node **ret);

static err not_or_term(parser *p, const filter_node **ret)
{
    const token *t = &p->l.now;
    bool negation = token_is(t, "NOT");
    if (!negation && t->kind != TOKEN_OPEN) return term(p, ret);
    if (p->depth >= FILTER_DEPTH_MAX)
        return err_set(ERR_INVALID, "Invalid filter: nested deeper than %d (position %zu)",
                       FILTER_DEPTH_MAX, t->at);
    p->depth++;
    TRY(lexer_next(&p->l));
    const filter_node *inner = NULL;
    if (negation) {
        TRY(not_or_term(p, &inner));
        *ret = node_new(p, FILTER_NOT, inner, NULL);
    } else {
        TRY(any_of(p, &inner));
        if (t->kind != TOKEN_CLOSE) return invalid_clause(t);
        TRY(lexer_next(&p->l));
        *ret = inner;
    }
    p->depth--;
    return ERR_OK;
}

static err all_of(parser *p, const filter_node **ret)
{
    const filter_node *left = NULL, *right = NULL;
    TRY(not_or_term(p, &left));
    while (token_is(&p->l.now, "AND")) {
        TRY(lexer_next(&p->l));
        TRY(not_or_term(p, &right));
        left = node_new(p, FILTER_AND, left, right);
    }
    *ret = left;
    return ERR_OK;
}

static err any_of(parser *p, const filter_node **ret)
{
    const filter_node *left = NULL, *right = NULL;
    TRY(all_of(p, &left));
    while (token_is(&p->l.now, "OR")) {
        TRY(lexer_next(&p->l));
        TRY(all_of(p, &right));
        left = node_new(p, FILTER_OR, left, right);
    }
    *ret = left;
    return ERR_OK;
}

err filter_parse(arena *a, const filter_rules *rules, str text, const filter_node **ret)
{
    assert(a && rules && ret);
    parser p = {.rules = rules};
    const filter_node *n = NULL;
    TRY(lexer_start(&p.l, a, text));
    if (p.l.now.kind != TOKEN_END) {
        TRY(any_of(&p, &n));
        if (p.l.now.kind != TOKEN_END) return invalid_clause(&p.l.now);
    }
    *ret = n;
    return ERR_OK;
}
