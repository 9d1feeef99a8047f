/* filter/filter_int: the words of a filter, for filter.c and filter_order.c. */
#ifndef TIDEMILL_FILTER_FILTER_INT_H
#define TIDEMILL_FILTER_FILTER_INT_H

#include "filter/filter.h"

typedef enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* bare: a name, a keyword */
    TOKEN_NAME,   /* a bare or quoted name of several parts: metrics.`val loss` */
    TOKEN_NUMBER, /* as it stands; not yet read */
    TOKEN_TEXT,   /* in single or double quotes */
    TOKEN_OP,     /* = != < <= > >= and whatever else is made of these */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA
} token_kind;

typedef struct token {
    token_kind kind;
    str raw; /* as written */
    str entity,
        name;    /* TOKEN_WORD, TOKEN_NAME: what stands before the first dot, "": none; the rest */
    bool quoted; /* name was in backticks or double quotes */
    str text;    /* TOKEN_TEXT: the contents */
    size_t at;
} token;

typedef struct lexer {
    arena *a;
    str text;
    size_t at;
    token now; /* the word that comes next */
} lexer;

/* lexer_start checks size and encoding and reads the first word; lexer_next the following one. A
 * text in double quotes may be a name or a value: it comes as TOKEN_TEXT with name set too.
 * ERR_INVALID. */
MUST_CHECK err lexer_start(lexer *l, arena *a, str text);
MUST_CHECK err lexer_next(lexer *l);
bool token_is(const token *t, const char *keyword); /* in any case */

/* Finds what a key means under the rules. orders: to order by, not to compare. ERR_INVALID. */
typedef struct filter_key {
    filter_entity entity;
    str key;
    const filter_field *field;
} filter_key;
MUST_CHECK err filter_key_find(const filter_rules *rules, const token *t, bool orders,
                               filter_key *ret);
const char *filter_entity_name(filter_entity e);

#endif
