/* expectations: data validation suites: what rows must look like, and what happens to those that do
 * not. Runs in SQL over a duck; the names are Great Expectations' without "expect_". */
#ifndef TIDEMILL_EXPECTATIONS_EXPECTATIONS_H
#define TIDEMILL_EXPECTATIONS_EXPECTATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "table/duck.h"

/* Nulls pass all but the first two; NaN fails every comparison. */
typedef enum expect_kind {
    EXPECT_NOT_NULL, /* column_values_to_not_be_null */
    EXPECT_FINITE,   /* column_values_to_be_finite: not null, not NaN, not infinite */
    EXPECT_BETWEEN,  /* column_values_to_be_between: min, max, strict_min, strict_max */
    EXPECT_IN_SET,   /* column_values_to_be_in_set: value_set */
    EXPECT_UNIQUE, /* column_values_to_be_unique: the first row of a value is good, later ones fail
                    */
    EXPECT_CONDITION, /* row_condition: an SQL expression that is true for a good row */
    EXPECT_ROW_COUNT, /* table_row_count_to_be_between: about the table */
    EXPECT_COLUMN,    /* column_to_exist */
    EXPECT_N
} expect_kind;

typedef enum expect_action {
    EXPECT_DROP,
    EXPECT_FAIL,
    EXPECT_WARN
} expect_action; /* of rows (or the table) that fail */

typedef struct expectation {
    str name; /* unique in the suite; made from kind and column when not given */
    expect_kind kind;
    expect_action action;
    str column, condition;
    double min, max; /* -INFINITY, INFINITY when not given */
    bool strict_min, strict_max;
    const str *values;
    size_t n_values;
    double mostly; /* share of all rows that must hold; 0: 1. What an EXPECT_DROP drops does not
                      depend on it */
} expectation;

typedef struct suite {
    str name;
    const expectation *v;
    size_t n;
} suite;

const char *expect_kind_name(expect_kind k);
MUST_CHECK err expect_kind_parse(str name, expect_kind *ret); /* with a did-you-mean */

typedef struct expectation_result {
    const expectation *of;
    bool passed;
    int64_t unexpected; /* rows that fail it, each counted for every expectation it fails */
    int64_t dropped; /* rows dropped by it: each row is counted for the first expectation that drops
                        it */
    str sample;      /* up to 5 failing rows' values as JSON array */
} expectation_result;

typedef struct suite_report {
    const suite *of;
    int64_t rows, kept, dropped;
    const expectation_result *v; /* of->n */
    bool passed;                 /* no EXPECT_FAIL failed */
} suite_report;

/* suite_run checks `relation` (a name, or "(SELECT …)") and makes table `kept` of the rows that no
 * EXPECT_DROP rejects, in their order. A missing column is ERR_INVALID listing those there are; an
 * EXPECT_FAIL that fails is not an error of the call (report.passed = false). ERR_INVALID when no
 * row is left
 * ("all 10,000 rows were dropped: …counts") or there was none. Owner: a. */
MUST_CHECK err suite_run(duck *d, arena *a, const suite *s, const char *relation, const char *kept,
                         suite_report *ret);
void suite_report_json(jw *w, const suite_report *r);

#endif
