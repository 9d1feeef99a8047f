/* filter/filter: MLflow's search language, read into a tree. Pure; immutable after parsing.
 *
 *   filter  := or            or  := and (OR and)*      and := not (AND not)*
 *   not     := NOT not | ( or ) | term
 *   term    := key op value | key [NOT] IN ( 'a', 'b' ) | key IS [NOT] NULL
 *            | key [NOT] LIKE 'a%' | key [NOT] ILIKE 'a%'
 *   key     := [entity .] name       entity: metric, param, tag, attribute, dataset or a short name
 *   name    := bare | `any text` | "any text"        bare: letters, digits, _ - . / :
 *   op      := = | != | < | <= | > | >=
 *   value   := number | 'text' ('' is one quote) | "text"
 *
 * MLflow knows AND, and neither OR, NOT nor parentheses; keywords are read in any case. What may be
 * asked of which entity is a filter_rules, which each room that searches brings along.
 *
 * What it means, wherever it is evaluated: a comparison with something that is not there (a missing
 * param, a run without an end) is false, NOT turns that into true. NaN is unequal to everything and
 * neither less nor greater. LIKE: % is any text, _ one character, no escapes; ILIKE ignores case.
 * Text compares by bytes. */
#ifndef TIDEMILL_FILTER_FILTER_H
#define TIDEMILL_FILTER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    FILTER_BYTES_MAX = 65536,
    FILTER_DEPTH_MAX = 64,   /* of parentheses and NOT */
    FILTER_TERMS_MAX = 64,   /* comparisons */
    FILTER_VALUES_MAX = 1000 /* in all IN lists */
};

typedef enum filter_entity {
    FILTER_ATTRIBUTE,
    FILTER_METRIC,
    FILTER_PARAM,
    FILTER_TAG,
    FILTER_DATASET,
    FILTER_ENTITY_N
} filter_entity;

typedef enum filter_op {
    FILTER_EQ,
    FILTER_NE,
    FILTER_LT,
    FILTER_LE,
    FILTER_GT,
    FILTER_GE,
    FILTER_LIKE,
    FILTER_ILIKE,
    FILTER_IN,
    FILTER_NOT_IN,
    FILTER_IS_NULL,
    FILTER_IS_NOT_NULL,
    FILTER_OP_N
} filter_op;
/* Sets of operators, as bits. */
#define FILTER_BIT(op) (1u << (op))
#define FILTER_ORDER_OPS                                                                           \
    (FILTER_BIT(FILTER_EQ) | FILTER_BIT(FILTER_NE) | FILTER_BIT(FILTER_LT) |                       \
     FILTER_BIT(FILTER_LE) | FILTER_BIT(FILTER_GT) | FILTER_BIT(FILTER_GE))
#define FILTER_EQUAL_OPS (FILTER_BIT(FILTER_EQ) | FILTER_BIT(FILTER_NE))
#define FILTER_LIKE_OPS  (FILTER_BIT(FILTER_LIKE) | FILTER_BIT(FILTER_ILIKE))
#define FILTER_LIST_OPS  (FILTER_BIT(FILTER_IN) | FILTER_BIT(FILTER_NOT_IN))
#define FILTER_NULL_OPS  (FILTER_BIT(FILTER_IS_NULL) | FILTER_BIT(FILTER_IS_NOT_NULL))

/* An attribute (or a dataset's field) that can be asked for, by any of its names. */
typedef struct filter_field {
    const char *name;      /* what people write */
    const char *canonical; /* what filter_node.key and filter_order.key say */
    bool is_number;
    unsigned ops; /* FILTER_BIT(…)|… ; 0: only to order by */
} filter_field;

typedef struct filter_rules {
    const char *subject; /* for messages: "run", "experiment", … */
    unsigned
        entity_ops[FILTER_ENTITY_N]; /* operators of metric, param and tag; 0: no such entity here.
                                     For attribute and dataset any bit admits the entity. */
    const filter_field *attributes, *dataset_fields;
    size_t n_attributes, n_dataset_fields;
} filter_rules;

typedef struct filter_value {
    bool is_number;
    double number; /* finite, or an infinity where the digits are too many */
    str text;      /* without its quotes; of a number its digits */
} filter_value;

typedef enum filter_kind { FILTER_AND, FILTER_OR, FILTER_NOT, FILTER_TERM } filter_kind;

typedef struct filter_node filter_node;
struct filter_node {
    filter_kind kind;
    const filter_node *left, *right; /* NOT: left only */
    /* FILTER_TERM */
    filter_entity entity;
    str key;                   /* attributes and dataset fields: the canonical name */
    const filter_field *field; /* of attribute and dataset, else NULL */
    filter_op op;
    const filter_value *values; /* IS NULL: none */
    size_t n_values;
    size_t at; /* byte in the text */
};

/* filter_parse: *ret is NULL when text is empty or blank (everything matches). Owner: a; strings
 * point into a. ERR_INVALID in MLflow's words where it has some, with the byte at fault
 * ("… at position 17"); the limits above too. */
MUST_CHECK err filter_parse(arena *a, const filter_rules *rules, str text, const filter_node **ret);

typedef struct filter_order {
    filter_entity entity;
    str key;
    const filter_field *field;
    bool descending;
} filter_order;
/* filter_order_parse reads "metrics.`val loss` DESC". Any entity that rules knows but datasets.
 * ERR_INVALID. */
MUST_CHECK err filter_order_parse(arena *a, const filter_rules *rules, str text, filter_order *ret);
/* All clauses; ERR_INVALID when a field comes twice or there are more than FILTER_TERMS_MAX. */
MUST_CHECK err filter_orders_parse(arena *a, const filter_rules *rules, const str *v, size_t n,
                                   filter_order **ret);

/* filter_like: LIKE and ILIKE as the databases do it; the case of ASCII letters only. */
bool filter_like(str text, str pattern, bool nocase);
const char *filter_op_name(filter_op op);

#endif
