/* table/duck: an embedded SQL engine for tables: Parquet, CSV, joins, aggregates. The only door to
 * DuckDB, which is dlopened at the first duck_open, in a child process only: the server never calls
 * this room's duck_* functions.
 *
 * One thread per duck. Extensions are neither installed nor loaded from outside. SQL that users
 * write (features, sources, checks) runs after duck_lock. */
#ifndef TIDEMILL_TABLE_DUCK_H
#define TIDEMILL_TABLE_DUCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "frame/frame.h"

enum { DUCK_ROWS_MAX = 50000000 };

typedef struct duck duck;

typedef struct duck_options {
    int threads;             /* 0: 2 */
    uint64_t memory_max;     /* bytes; 0: 4 GiB */
    const char *temp_dir;    /* spill files; NULL: no spilling */
    const char *const *dirs; /* folders that SQL may read and write after duck_lock */
    size_t n_dirs;
} duck_options;

/* duck_open: an empty in-memory database, time zone UTC, insertion order kept. ERR_MISSING when the
 * library is not installed (says where it was looked for). */
MUST_CHECK err duck_open(const duck_options *o, duck **ret);
void duck_free(duck *d);
AUTO_DEFINE(duck)

/* duck_lock: external access off, only o.dirs readable, configuration locked. Cannot be undone. */
MUST_CHECK err duck_lock(duck *d);

/* duck_exec runs our own statements. what names the purpose in errors; DuckDB's message is passed
 * on with its position. */
MUST_CHECK err duck_exec(duck *d, const char *what, const char *sql);
/* duck_query: the whole result as a frame (at most DUCK_ROWS_MAX rows: ERR_LIMIT). DECIMAL, HUGEINT
 * -> double; DATE -> string "2026-01-31"; TIMESTAMP(TZ) -> datetime. Other nested types:
 * ERR_INVALID. Owner: a. */
MUST_CHECK err duck_query(duck *d, arena *a, const char *what, const char *sql, frame **ret);
/* duck_check_select: sql is exactly one SELECT (or VALUES/FROM) statement, nothing else.
 * ERR_INVALID with DuckDB's words and position. */
MUST_CHECK err duck_check_select(duck *d, const char *what, str sql);
/* duck_put creates (or replaces) table `name` from a frame. */
MUST_CHECK err duck_put(duck *d, const char *name, const frame *f);

/* duck_add_function registers a scalar SQL function of n_args DOUBLEs to DOUBLE; NULL arguments
 * arrive as NaN, a NaN answer stays NaN. fn is called by DuckDB's threads at once with up to 2,048
 * rows: x is n_args arrays of n. */
typedef void (*duck_fn)(void *ctx, const double *const *x, size_t n_args, size_t n, double *out);
MUST_CHECK err duck_add_function(duck *d, const char *name, size_t n_args, duck_fn fn, void *ctx);

/* duck_describe: names and DuckDB's types ("BIGINT", "DECIMAL(10,2)") of the columns of a SELECT,
 * without running it. Owner: a. */
typedef struct duck_column {
    str name, type;
} duck_column;
MUST_CHECK err duck_describe(duck *d, arena *a, const char *what, str query, duck_column **ret,
                             size_t *ret_n);

str duck_ident(arena *a, str name);        /* "name" quoted as an identifier */
str duck_literal(arena *a, str text);      /* 'text' quoted as a string */
str duck_relation(arena *a, str relation); /* what stands behind FROM: a "(SELECT …)" or a quoted
                                              name as it is, else the name quoted */
const char *
duck_version(void); /* of the library, "" as long as nobody opened it; process lifetime */

/* A named source of rows of a bundle: a file or a query over earlier sources. */
typedef struct source_spec {
    str name;
    str path;  /* absolute; "" when sql or table is given. By ending: .parquet .csv .csv.gz
                  .tsv .json .ndjson .jsonl; a folder with _delta_log is Delta; '*' globs */
    str table; /* catalog.schema.name of a Delta table of the home, whose folder the caller
                  puts into path */
    str sql;   /* SELECT over sources named before */
} source_spec;
/* source_define makes view o->name. Missing, empty or unreadable files: ERR_MISSING / ERR_FORMAT
 * with the path. */
MUST_CHECK err source_define(duck *d, const source_spec *o);

#endif
