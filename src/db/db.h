/* db: the metadata database behind one small interface.
 *
 * Backends (a struct of functions each, listed in db/backends.c): sqlite (a file, owned by this process) and relay (a Unix socket to the
 * process that owns the home; see home/). PostgreSQL joins later. SQL is the common subset: `?` placeholders, ON CONFLICT, RETURNING, TEXT, BIGINT, DOUBLE
 * PRECISION, BLOB; no AUTOINCREMENT, no backend functions.
 *
 * A db is thread-safe. Writes of all threads go through one writer thread and are group-committed: each db_write runs in its own savepoint and
 * returns when it is durable (WAL, synchronous=FULL). Reads run on the caller's thread on a pooled read connection and see the last commit.
 * Not for loop threads: everything here may block. */
#ifndef TIDEMILL_DB_DB_H
#define TIDEMILL_DB_DB_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum { DB_ROWS_MAX = 1000000, DB_ARGS_MAX = 128, DB_SQL_MAX = 65536, DB_TX_MS_MAX = 10000 };

typedef enum db_type { DB_NULL, DB_INT, DB_REAL, DB_TEXT, DB_BLOB } db_type;
typedef struct db_val {
    db_type type;
    union {
        int64_t i;
        double f;
        str s; /* DB_TEXT, DB_BLOB */
    };
} db_val;
#define db_null() ((db_val){.type = DB_NULL})
#define db_int(v) ((db_val){.type = DB_INT, .i = (v)})
#define db_real(v) ((db_val){.type = DB_REAL, .f = (v)}) /* NaN is stored as NULL: rooms that care keep a flag column */
#define db_text(v) ((db_val){.type = DB_TEXT, .s = (v)})
#define db_ctext(v) ((db_val){.type = DB_TEXT, .s = str_of(v)})
#define db_blob(v) ((db_val){.type = DB_BLOB, .s = (v)})
/* The argument list of a statement: DB_ARGS(db_int(1), db_text(name)). */
#define DB_ARGS(...) ((const db_val[]){__VA_ARGS__}), (sizeof((const db_val[]){__VA_ARGS__}) / sizeof(db_val))
#define DB_NO_ARGS NULL, 0

typedef struct db_rows {
    size_t n, cols;
    const db_val *v; /* n × cols */
} db_rows;

typedef struct db db;
typedef struct db_tx db_tx;

/* db_open: url "sqlite:<path>" (made when missing) or "relay:<socket path>?token=<token>". ERR_IO, ERR_DENIED (stale token), ERR_FORMAT (not a database). */
MUST_CHECK err db_open(const char *url, db **ret);
void db_free(db *d); /* waits for the writer; NULL is a no-op */
AUTO_DEFINE(db)

/* db_write runs fn inside a write transaction; commits when fn returns ERR_OK, else rolls back and returns fn's error with its message. fn runs on another
 * thread when the backend has one: it must not touch the caller's thread-local state or call db_write. ERR_IO when the commit fails (nothing was kept). */
MUST_CHECK err db_write(db *d, err (*fn)(db_tx *tx, void *arg), void *arg);
/* db_read runs fn in a read transaction: one consistent snapshot. */
MUST_CHECK err db_read(db *d, err (*fn)(db_tx *tx, void *arg), void *arg);

/* Inside a transaction. tx_exec: *ret_changed (may be NULL) gets the number of rows changed. tx_rows: all rows (ERR_LIMIT over DB_ROWS_MAX); Owner: a.
 * A broken UNIQUE or FOREIGN KEY is ERR_CONFLICT, a broken CHECK or NOT NULL ERR_INVALID. */
MUST_CHECK err tx_exec(db_tx *tx, const char *sql, const db_val *args, size_t n_args, int64_t *ret_changed);
MUST_CHECK err tx_rows(db_tx *tx, arena *a, const char *sql, const db_val *args, size_t n_args, db_rows *ret);

/* One-statement forms. */
MUST_CHECK err db_exec(db *d, const char *sql, const db_val *args, size_t n_args, int64_t *ret_changed);
MUST_CHECK err db_rows_of(db *d, arena *a, const char *sql, const db_val *args, size_t n_args, db_rows *ret);

static inline const db_val *db_at(const db_rows *r, size_t row, size_t col)
{
    return &r->v[row * r->cols + col];
}
/* Cell readers: NULL gives 0, NaN, "". */
int64_t db_cell_i(const db_rows *r, size_t row, size_t col);
double db_cell_f(const db_rows *r, size_t row, size_t col);
str db_cell_s(const db_rows *r, size_t row, size_t col);

/* Migrations: every room that owns tables hands over its steps, in order, once each; a step that ran is never changed. Applied under the database's
 * write lock, recorded in schema_migration(room, step, sha256, applied_ms). A recorded step that this program does not know, or that differs: ERR_CONFLICT
 * ("made by a newer version"). */
typedef struct db_migration {
    const char *room;
    const char *const *steps; /* SQL scripts, `;`-separated */
    size_t n_steps;
} db_migration;
MUST_CHECK err db_migrate(db *d, const db_migration *rooms, size_t n_rooms);

/* The owner's side of the relay: serves one connected socket until it closes, running the peer's transactions on d. check is asked before every commit with
 * the token that the peer gave and may refuse (a fence). publish (may be NULL) serves db_publish. Blocks; one thread a connection. */
typedef struct db_relay {
    db *d;
    err (*check)(void *ctx, db_tx *tx, str token);
    err (*publish)(void *ctx, str token, str temp, str target);
    void (*notify)(void *ctx, str topic);
    void *ctx;
} db_relay;
void db_relay_serve(const db_relay *r, int fd);

/* db_publish asks the owner of the metadata to move a finished temp file to its final name (link(2): ERR_CONFLICT when target exists), in one step with the
 * check of the fence. With the sqlite backend it is done here, after the hook set by db_set_publish. db_notify tells the owner that something changed ("jobs",
 * "endpoints"). */
MUST_CHECK err db_publish(db *d, const char *temp, const char *target);
MUST_CHECK err db_notify(db *d, const char *topic);
/* In the owner: who is told by db_notify, from this process or through the relay. Set once before use. */
void db_on_notify(db *d, void (*fn)(void *ctx, str topic), void *ctx);

#endif
