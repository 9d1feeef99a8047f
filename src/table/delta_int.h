/* table/delta_int: what the files of this room share about Delta tables; not for other rooms.
 *
 * Reading: delta_list (which files the log has) -> delta_log (actions replayed, one commit after
 * the other) -> delta_table (a snapshot and what a writer must know). Writing: delta_table -> COPY
 * into a staging folder -> delta_stats -> delta_commit. */
#ifndef TIDEMILL_TABLE_DELTA_INT_H
#define TIDEMILL_TABLE_DELTA_INT_H

#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "table/delta.h"
#include "table/duck_copy_int.h"

enum {
    DELTA_LOG_NAMES_MAX = 1000000, /* files in _delta_log */
    DELTA_COMMIT_MAX = 256 << 20,  /* bytes of one commit */
    DELTA_LINE_MAX = 32 << 20,     /* bytes of one action */
    DELTA_FILES_MAX = 2000000,     /* data files ever named by the log that is read */
    DELTA_FIELDS_MAX = SCHEMA_FIELDS_MAX,
    DELTA_DEPTH_MAX = 16, /* nesting of types */
    DELTA_FEATURES_MAX = 64,
};

/* A column of a Delta schema. */
typedef struct delta_field {
    str name;
    str type; /* Delta's word ("long", "decimal(10,2)"); "struct", "array", "map" for nested ones */
    str sql;  /* DuckDB's type */
    bool required;
    str rule; /* a rule in the field's metadata that a writer would have to obey, "" none */
} delta_field;

typedef struct delta_pair {
    str key, value; /* value.p NULL: null */
} delta_pair;

/* A data file while the log is replayed. */
typedef struct delta_entry {
    str raw, path; /* as logged; decoded */
    int64_t size;
    str stats;
    const delta_pair *partition;
    size_t n_partition;
    bool removed;
    bool row_deletions; /* a deletion vector hides some of its rows */
} delta_entry;

typedef struct delta_log {
    arena *a;   /* what outlives the replay */
    map *files; /* decoded path -> delta_entry, also of removed files */
    map *txns;  /* application -> delta_txn */
    bool has_protocol, has_metadata;
    int64_t reader_version, writer_version;
    const str *reader_features, *writer_features;
    size_t n_reader_features, n_writer_features;
    str id, name, description, schema_json;
    int64_t created_ms;
    const str *partition_by;
    size_t n_partition_by;
    const delta_pair *settings;
    size_t n_settings;
} delta_log;

void delta_log_init(delta_log *l, arena *a);
/* delta_log_commit replays the bytes of one commit; file names it in errors. ERR_FORMAT, ERR_LIMIT.
 * Pure: bytes in. */
MUST_CHECK err delta_log_commit(delta_log *l, const char *file, str bytes);
/* delta_log_action replays one action, a JSON object; where is "file:line". */
MUST_CHECK err delta_log_action(delta_log *l, const char *where, str line);
/* delta_log_end checks that the log is whole and makes the snapshot. ERR_FORMAT, ERR_INVALID
 * (features). */
MUST_CHECK err delta_log_end(const delta_log *l, const char *dir, int64_t version,
                             delta_snapshot **ret);

/* delta_can_read, delta_can_write: ERR_INVALID naming the feature, table property or column rule
 * that we do not know how to obey. */
MUST_CHECK err delta_can_read(const delta_log *l);
MUST_CHECK err delta_can_write(const delta_log *l, const delta_field *fields, size_t n,
                               bool removes);

/* A table as a writer sees it: its log and the snapshot made of it. Owner: the arena. ERR_MISSING:
 * no table. */
MUST_CHECK err delta_load(arena *a, duck *d, const char *dir, int64_t version, delta_log *log,
                          delta_snapshot **ret);

/* What _delta_log holds. */
typedef struct delta_checkpoint {
    int64_t version, part, parts; /* parts 0: a single file */
    str name;
} delta_checkpoint;
typedef struct delta_names {
    const char *dir; /* <table>/_delta_log */
    const int64_t *commits;
    size_t n_commits; /* ascending */
    const delta_checkpoint *checkpoints;
    size_t n_checkpoints;
} delta_names;
MUST_CHECK err delta_list(arena *a, const char *dir, delta_names *ret);
const char *delta_commit_path(arena *a, const char *dir, int64_t version);
/* delta_checkpoint_read replays the parts of one checkpoint. */
MUST_CHECK err delta_checkpoint_read(delta_log *l, duck *d, const char *dir,
                                     const delta_checkpoint *parts, size_t n);

/* delta_schema_parse reads a schemaString. ERR_FORMAT. delta_schema_write makes one of top level
 * columns. */
MUST_CHECK err delta_schema_parse(arena *a, str json, const char *where, delta_field **ret,
                                  size_t *ret_n);
str delta_schema_write(arena *a, const delta_field *f, size_t n);
/* delta_field_of: how a DuckDB column is stored; ERR_INVALID naming the column when it cannot be.
 */
MUST_CHECK err delta_field_of(arena *a, const duck_column *c, delta_field *ret);
/* delta_widens: every value of type from is one of type to. */
bool delta_widens(str from, str to);

/* delta_path_decode: of an add or remove. ERR_FORMAT: absolute, leaves the table, bad escapes. */
MUST_CHECK err delta_path_decode(arena *a, str raw, str *ret);
str delta_path_encode(arena *a, str path);
/* delta_partition_text: DuckDB's text of a value as Delta logs it (timestamps lose "+00"). */
str delta_partition_text(arena *a, const delta_field *f, str value);

/* delta_stats writes {"numRecords":…,"minValues":…,"maxValues":…,"nullCount":…}: only bounds that
 * certainly hold. */
void delta_stats(buf *out, const duck_copied *f,
                 const map *fields); /* fields: name -> delta_field */

#endif
