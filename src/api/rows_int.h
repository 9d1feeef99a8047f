/* api/rows: the body of a scoring request as rows of numbers, by the model's signature. Private to
 * api.
 *
 *     {"dataframe_records": [{"a": 1.5, "b": 2}, …]}        {"dataframe_split": {"columns": ["a",
 * "b"], "data": [[1.5, 2], …]}}
 *
 * Two readers stand behind rows_parse. rows_fast knows only the common shape (plain keys, plain
 * numbers, every column there) and says "not mine" to everything else; rows_careful takes the whole
 * grammar and words all errors. On what both take they agree to the bit
 * (tests/fuzz/api_scoring_fuzz.c). */
#ifndef TIDEMILL_API_ROWS_INT_H
#define TIDEMILL_API_ROWS_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "frame/frame.h"

enum { ROWS_MAX = 1000000, ROWS_CELLS_MAX = 16 << 20 };

/* How a request's columns become the model's features: column i of inputs is feature to_model[i].
 */
typedef struct rows_form {
    const schema *inputs;
    const uint32_t *to_model;
    size_t n_features;
} rows_form;

/* rows_parse: *ret has n_features columns in the model's order. ERR_FORMAT "line:column" for bytes
 * that are no JSON; ERR_INVALID with the field's path for a missing, unknown or wrongly typed
 * column; ERR_LIMIT over ROWS_MAX or ROWS_CELLS_MAX. Owner: a. */
MUST_CHECK err rows_parse(arena *a, const rows_form *f, str body, matrix *ret);

bool rows_fast(arena *a, const rows_form *f, str body, matrix *ret);
MUST_CHECK err rows_careful(arena *a, const rows_form *f, str body, matrix *ret);

#endif
