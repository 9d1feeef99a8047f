/* table/delta_write_int: one Delta write on its way; shared by delta_write.c and delta_commit.c
 * only. */
#ifndef TIDEMILL_TABLE_DELTA_WRITE_INT_H
#define TIDEMILL_TABLE_DELTA_WRITE_INT_H

#include "table/delta_int.h"

/* A data file at its final place. */
typedef struct delta_placed {
    const char *path;
    str rel; /* below the table, not encoded */
    const duck_copied *copied;
} delta_placed;

typedef struct delta_writing {
    arena *a;
    duck *d;
    db *pub;
    const delta_write_spec *spec;
    str id; /* of this write: names staging folder, files, temp file */
    delta_log log;
    delta_snapshot *table; /* as last read; NULL: does not exist */
    const delta_field *fields;
    size_t n_fields;
    str schema_json;
    bool new_metadata;
    bool written; /* the files are there; only the commit is tried again */
    const char *staging;
    duck_copied *copied;
    size_t n_copied;
    delta_placed *placed;
    size_t n_placed;
} delta_writing;

/* delta_commit publishes version with all files placed. ERR_CONFLICT: the version is taken. */
MUST_CHECK err delta_commit(delta_writing *w, int64_t version, delta_written *ret);

#endif
