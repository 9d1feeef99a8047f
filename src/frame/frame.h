/* frame/frame: columns in memory. Pure values in an arena; whoever made one may fill it, afterwards
 * it is only read. */
#ifndef TIDEMILL_FRAME_FRAME_H
#define TIDEMILL_FRAME_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "frame/schema.h"

/* A dense matrix, row-major; a missing value is NaN. v[r * stride + c]. Not owned. */
typedef struct matrix {
    double *v;
    size_t rows, cols, stride;
} matrix;

/* One column. Numbers of every width are widened: boolean, integer, long -> i64; float, double ->
 * f64; datetime -> i64 in microseconds UTC; string, binary -> s. */
typedef enum column_store { STORE_I64, STORE_F64, STORE_STR } column_store;

typedef struct column {
    str name;
    field_type type;
    column_store store;
    union {
        int64_t *i64;
        double *f64;
        str *s;
    };
    uint8_t *valid; /* one byte a row, 1 = there; NULL: all are */
} column;

typedef struct frame {
    size_t n_rows, n_cols;
    column *cols;
} frame;

column_store column_store_of(field_type t);
/* frame_new makes a frame of n_rows zeroed rows with s's columns, all valid (valid = NULL). */
frame *frame_new(arena *a, const schema *s, size_t n_rows);
/* frame_find: the column of that name, or NULL. */
const column *frame_find(const frame *f, const char *name);
MUST_CHECK err frame_need(const frame *f, const char *name,
                          const column **ret); /* ERR_MISSING, naming what there is */
bool column_is_null(const column *c, size_t row);
/* column_f64: any numeric column's value as double (boolean 0/1; null is NaN; datetime and strings:
 * NaN). */
double column_f64(const column *c, size_t row);
/* frame_matrix copies the named numeric columns into ret (rows × n doubles from a). Missing or
 * non-numeric column: ERR_INVALID. */
MUST_CHECK err frame_matrix(arena *a, const frame *f, const str *names, size_t n, matrix *ret);
void frame_schema(arena *a, const frame *f, schema *ret);

#endif
