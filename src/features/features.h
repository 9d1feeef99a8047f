/* features: feature tables: SQL over a checked source, kept as Delta with the time of the event. */
#ifndef TIDEMILL_FEATURES_FEATURES_H
#define TIDEMILL_FEATURES_FEATURES_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "home/home.h"
#include "table/delta.h"
#include "table/duck.h"

typedef struct feature_def {
    str name, sql; /* sql: an expression over the source's columns */
} feature_def;

typedef struct feature_spec {
    str name;             /* of the feature table in the bundle */
    str table;            /* catalog.schema.feature_table */
    const feature_def *v; /* model inputs, in this order */
    size_t n;
    feature_def label;
    str timestamp; /* expression of the event time; "" none */
} feature_spec;

/* features_select: the SELECT that computes the spec over relation: row_index (position among the
 * rows, 0-based), event_time, features…, label. Every expression is checked on its own
 * (duck_check_select) so that a mistake names its feature. Numeric features are cast to their
 * natural type: integers and truth values to BIGINT, other numbers to DOUBLE. relation is a name,
 * or
 * "(SELECT …)". ERR_INVALID with DuckDB's words. Owner: a. */
MUST_CHECK err features_select(duck *d, arena *a, const feature_spec *f, const char *relation,
                               str *ret);
/* features_write overwrites the feature table with the rows of relation, also when the features are
 * other ones than before. ret->version is what a training set names. Errors as features_select and
 * delta_write. */
MUST_CHECK err features_write(duck *d, home *h, arena *a, const feature_spec *f,
                              const char *relation, int64_t now_ms, delta_written *ret);
/* features_read: rows of the feature table at a version (-1: latest), in row_index order: columns
 * row_index, event_time, features…, label. where: an SQL condition or NULL ("row_index % 5 = 0").
 * Owner: a. */
MUST_CHECK err features_read(duck *d, home *h, arena *a, str table, int64_t version,
                             const char *where, frame **ret);

#endif
