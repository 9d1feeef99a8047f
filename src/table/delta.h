/* table/delta: Delta Lake tables by our own log reader and writer; the Parquet files by DuckDB.
 * Source: Delta Transaction Log Protocol, github.com/delta-io/delta PROTOCOL.md.
 *
 * Here: create, append, overwrite, partitions, statistics, txn (exactly once), reading any version
 * from JSON commits and classic checkpoints. Reader or writer features that we do not know are
 * refused by name. A commit is put-if-absent through db_publish, so it is fenced, and a lost race
 * is retried against the new version (append) or is ERR_CONFLICT (overwrite). A snapshot is
 * immutable. */
#ifndef TIDEMILL_TABLE_DELTA_H
#define TIDEMILL_TABLE_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "db/db.h"
#include "table/duck.h"

typedef struct delta_file {
    str path;             /* relative to the table, decoded */
    str raw;              /* the same as logged */
    int64_t size, n_rows; /* n_rows -1: no statistics */
    const str *partition; /* values in the order of partition_by; .p NULL: null */
    str stats;            /* JSON as logged, "" when none */
} delta_file;

typedef struct delta_txn {
    str app;
    int64_t version;
} delta_txn;

typedef struct delta_snapshot {
    const char *dir;
    int64_t version; /* of the last commit read */
    str schema_json, id;
    const str *partition_by;
    size_t n_partition_by;
    const delta_file *files;
    size_t n_files;
    const delta_txn *txns;
    size_t n_txns;
} delta_snapshot;

/* delta_read: version -1 is the latest. ERR_MISSING (no table, or no such version), ERR_FORMAT
 * "<file>:<line>: …" for a damaged log, ERR_INVALID for unknown features. Pure file reading, but a
 * checkpoint needs d (may be NULL: then a table that needs its checkpoint is ERR_INVALID). Owner:
 * a. */
MUST_CHECK err delta_read(arena *a, duck *d, const char *dir, int64_t version,
                          delta_snapshot **ret);
/* delta_relation: an SQL relation "(SELECT …)" over the snapshot's files, partition columns with
 * their types, an empty relation with the right columns when there are no files.
 * filter_column/value (may be NULL) keeps only files of one partition value; the value as the log
 * writes it, .p NULL for null. ERR_INVALID when the column is no partition column. Owner: a. */
MUST_CHECK err delta_relation(arena *a, const delta_snapshot *s, const char *filter_column,
                              str filter_value, str *ret);

typedef enum delta_mode {
    DELTA_APPEND,
    DELTA_OVERWRITE
} delta_mode; /* both create the table when it is not there */

typedef struct delta_write_spec {
    const char *dir;
    str query;               /* the rows: one SELECT */
    const str *partition_by; /* used on creation; must equal the table's afterwards */
    size_t n_partition_by;
    delta_mode mode;
    bool new_schema; /* DELTA_OVERWRITE: the table takes the query's columns instead of refusing
                        other ones */
    str txn_app;     /* "" : none. A table that has txn_app at >= txn_version is left alone */
    int64_t txn_version;
    int64_t now_ms;
} delta_write_spec;

typedef struct delta_written {
    bool already; /* the txn was there: nothing was written */
    int64_t version, n_rows, n_files, bytes;
} delta_written;

/* delta_write: a schema that does not match the table's is ERR_INVALID naming the column; the order
 * of the columns does not matter, and types may be narrower than the table's. Naive timestamps are
 * taken as UTC. publish goes through pub (db_publish; w->dir is an absolute path below its home).
 * ERR_CONFLICT: others were faster. Whatever fails, the table is as it was and the files written
 * are removed. */
MUST_CHECK err delta_write(duck *d, db *pub, const delta_write_spec *w, delta_written *ret);

#endif
