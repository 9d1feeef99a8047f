/* filter/sql: statements that are put together, and filters as SQL (db.h's common subset). One
 * thread a statement.
 *
 * Texts become arguments while there is room for arguments, then literals; numbers are literals. */
#ifndef TIDEMILL_FILTER_SQL_H
#define TIDEMILL_FILTER_SQL_H

#include "base/buf.h"
#include "db/db.h"
#include "filter/filter.h"

typedef struct sql_text {
    buf b;
    db_val args[DB_ARGS_MAX]; /* borrow their texts */
    size_t n_args;
} sql_text;

void sql_init(sql_text *s);
void sql_done(sql_text *s);
void sql_put(sql_text *s, const char *sql); /* trusted words, never a user's */
void sql_put_text(sql_text *s, str value);  /* UTF-8 without NUL bytes; borrowed until sql_rows */
void sql_put_i64(sql_text *s, int64_t value);
/* sql_put_i64s writes "1,2,3"; of none "NULL", which equals nothing. */
void sql_put_i64s(sql_text *s, const int64_t *v, size_t n);
/* sql_put_texts writes "'a','b'". n > 0. */
void sql_put_texts(sql_text *s, const str *v, size_t n);
/* sql_rows runs the statement. ERR_INVALID when it is over DB_SQL_MAX. */
MUST_CHECK err sql_rows(sql_text *s, db_tx *tx, arena *a, db_rows *ret);

/* Where an entity, or one field of it, is found; all are parts of SQL. The first that fits is
 * taken, and there must be one for whatever the rules admit.
 *   column of the row    expr "r.status"
 *   pairs                exists "SELECT 1 FROM run_tag t WHERE t.run = r.id AND t.key = ", expr
 * "t.value" field of many        exists "SELECT 1 FROM dataset d WHERE d.run = r.id", expr
 * "d.name", key "name" */
typedef struct filter_place {
    filter_entity entity;
    const char *key; /* of this field only; NULL: of every key, which exists ends by asking for */
    const char *exists;  /* NULL: expr is of the row itself */
    const char *rest;    /* what follows the key in exists; may be NULL */
    const char *expr;    /* the value that is compared */
    const char *is_nan;  /* the flag that says that expr is NaN (1) or not (0); may be NULL */
    bool may_be_null;    /* expr, where exists is NULL */
    bool text_is_number; /* the column holds integers and the language texts of digits */
} filter_place;

/* filter_sql appends a condition that is true or false, never NULL; n NULL: true. ERR_INVALID: a
 * text that should hold an integer does not. */
MUST_CHECK err filter_sql(sql_text *to, const filter_node *n, const filter_place *places,
                          size_t n_places);

#endif
