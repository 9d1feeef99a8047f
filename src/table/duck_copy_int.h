/* table/duck_copy_int: what COPY wrote, for the Delta files of this room; needs nothing of DuckDB's
 * header. */
#ifndef TIDEMILL_TABLE_DUCK_COPY_INT_H
#define TIDEMILL_TABLE_DUCK_COPY_INT_H

#include <stdbool.h>

#include "table/duck.h"

/* One parquet file that COPY wrote, as DuckDB reports it. */
typedef struct duck_stat {
    str column; /* unquoted; nested ones are left out */
    str min, max;
    bool has_min, has_max, has_nan;
    int64_t n_null; /* -1: not told */
} duck_stat;

typedef struct duck_copied {
    str path;
    int64_t n_rows, size;
    const duck_stat *stats;
    size_t n_stats;
    const str
        *partition; /* values as text in the order of the COPY's PARTITION_BY; .p NULL: null */
    size_t n_partition;
} duck_copied;

/* duck_copy runs a COPY … (RETURN_STATS). Owner: a. */
MUST_CHECK err duck_copy(duck *d, arena *a, const char *what, const char *sql,
                         const str *partition_by, size_t n_partition_by, duck_copied **ret,
                         size_t *ret_n);

/* duck_statement is a statement with an "(…)" around it left possible: without the white space and
 * semicolons at its end. */
str duck_statement(str sql);

#endif
