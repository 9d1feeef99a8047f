/* registry/registry_int: what the files of this room share. */
#ifndef TIDEMILL_REGISTRY_REGISTRY_INT_H
#define TIDEMILL_REGISTRY_REGISTRY_INT_H

#include "registry/registry.h"

enum {
    REGISTRY_NAME_MAX = 256,
    REGISTRY_KEY_MAX = 250,
    REGISTRY_VALUE_MAX = 100000,
    REGISTRY_ALIAS_MAX = 255,
    REGISTRY_TEXT_MAX = 100000, /* descriptions, sources */
    REGISTRY_TAGS_MAX = 1000,
    REGISTRY_LIST_MAX = 50000,
};

/* --- check.c */
MUST_CHECK err check_model_name(str name);
MUST_CHECK err check_alias(str alias);
MUST_CHECK err check_tag(str key, str value);
MUST_CHECK err check_text(const char *what, str text, size_t max);

/* --- models.c */
MUST_CHECK err model_missing(str name);
MUST_CHECK err model_row(db_tx *tx, arena *a, str name, int64_t *ret); /* ERR_MISSING */

/* --- lists.c: what belongs to many rows at once: SELECT owner, a, b … ordered by owner. fn gets
 * each owner's stretch of rows. */
typedef void (*stretch_fn)(void *ctx, size_t at, const db_rows *r, size_t from, size_t to);
MUST_CHECK err lists_load(db_tx *tx, arena *a, const char *head, const int64_t *ids, size_t n,
                          stretch_fn fn, void *ctx);
/* tags_of_rows: columns 1 and 2 of rows from..to-1, sorted by key. Owner: a. */
const key_value *tags_of_rows(arena *a, const db_rows *r, size_t from, size_t to);
MUST_CHECK err tags_put(db_tx *tx, const char *sql, int64_t owner, const key_value *v, size_t n);

#endif
