/* expectations/suite_int: one run of a suite; shared by the files of this room. */
#ifndef TIDEMILL_EXPECTATIONS_SUITE_INT_H
#define TIDEMILL_EXPECTATIONS_SUITE_INT_H

#include "expectations/expectations.h"

#define EXPECT_ROW "\"tidemill row\"" /* the number of a row in the source */

typedef struct suite_run_state {
    duck *d;
    arena *a;
    const suite *suite;                    /* a copy with all names filled in */
    const char *from, *rows, *kept, *what; /* rows: from, each row with its number */
    duck_column *cols;
    size_t n_cols;
} suite_run_state;

bool expect_is_of_rows(expect_kind k);
/* expect_bad_sql: an SQL truth value, never NULL, that is true for a row that fails. c is the
 * column, NULL for a condition. */
MUST_CHECK err expect_bad_sql(arena *a, const expectation *x, const duck_column *c, buf *out);
/* expect_sample: up to 5 failing rows as JSON: the column's values, or whole rows for a condition.
 * rows follows FROM. */
MUST_CHECK err expect_sample(suite_run_state *r, const expectation *x, const char *rows, str *ret);

#endif
