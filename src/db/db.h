/* db: the metadata database behind one small interface.
 *
 * Backends (a struct of functions each, listed in db/backends.c): sqlite (a file, owned by this
 * process) and relay (a Unix socket to the process that owns the home; see home/). PostgreSQL joins
 * later. SQL is the common subset: `?` placeholders, ON CONFLICT, RETURNING, TEXT, BIGINT, DOUBLE
 * PRECISION, BLOB; no AUTOINCREMENT, no backend functions.
 *
 * A db is thread-safe. Writes of all threads go through one writer thread and are group-committed:
 * each db_write runs in its own savepoint and returns when it is durable (WAL, synchronous=FULL).
 * Reads run on the caller's thread on a pooled read connection and see the last commit. Not for
 * loop threads: everything here may block. */
#ifndef TIDEMILL_DB_DB_H
#define TIDEMILL_DB_DB_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum {
    DB_ROWS_MAX = 1000000,
    DB_ARGS_MAX = 128,
    DB_SQL_MAX = 65536,          /* bytes of one statement */
    DB_VALUE_MAX = 16 << 20,     /* bytes of one text or blob */
    DB_RESULT_MAX = 256 << 20,   /* bytes of all rows of one answer */
    DB_TX_MS_MAX = 10000,        /* a relayed write transaction, from begin to commit */
    DB_RELAY_READ_MS_MAX = 60000 /* a relayed read transaction */
};

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
#define db_real(v)                                                                                 \
    ((db_val){.type = DB_REAL,                                                                     \
              .f = (v)}) /* NaN is stored as NULL: rooms that care keep a flag column */
#define db_text(v)  ((db_val){.type = DB_TEXT, .s = (v)})
#define db_ctext(v) ((db_val){.type = DB_TEXT, .s = str_of(v)})
#define db_blob(v)  ((db_val){.type = DB_BLOB, .s = (v)})
/* The argument list of a statement: DB_ARGS(db_int(1), db_text(name)). */
#define DB_ARGS(...)                                                                               \
    ((const db_val[]){__VA_ARGS__}), (sizeof((const db_val[]){__VA_ARGS__}) / sizeof(db_val))
#define DB_NO_ARGS NULL, 0

typedef struct db_rows {
    size_t n, cols;
    const db_val *v; /* n × cols */
} db_rows;

typedef struct db db;
typedef struct db_tx db_tx;

/* db_open: url "sqlite:<path>" (made when missing) or "relay:<socket path>?token=<token>".
 * ERR_INVALID (url), ERR_IO (cannot be read or reached), ERR_MISSING (its folder), ERR_DENIED
 * (stale token, no rights), ERR_FORMAT (not a database, or damaged). Owner: the caller. */
MUST_CHECK err db_open(const char *url, db **ret);
void db_free(db *d); /* finishes what is queued; nobody may use d any more; NULL is a no-op */
AUTO_DEFINE(db)

/* db_write runs fn inside a write transaction; commits when fn returns ERR_OK, else rolls back and
 * returns fn's error with its message. fn runs on another thread when the backend has one: it must
 * not touch the caller's thread-local state, call db_write, or wait for anything. As in PostgreSQL
 * a failed statement fails the whole transaction: further statements are refused, and it rolls back
 * even when fn returns ERR_OK (use ON CONFLICT where a conflict is expected). ERR_IO when the
 * commit fails (nothing was kept; with relay a lost connection says that the outcome is not known),
 * ERR_BUSY when the queue stays full. */
MUST_CHECK err db_write(db *d, err (*fn)(db_tx *tx, void *arg), void *arg);
/* db_read runs fn on this thread in a read transaction: one consistent snapshot, the last commit at
 * its first statement. Do not nest: each holds one of a few connections (ERR_BUSY when none gets
 * free). */
MUST_CHECK err db_read(db *d, err (*fn)(db_tx *tx, void *arg), void *arg);

/* Inside a transaction; one statement a call, no transaction control, ATTACH or PRAGMA
 * (ERR_INVALID). Text must be UTF-8 without NUL bytes. tx_exec: *ret_changed (may be NULL) gets the
 * number of rows changed. tx_rows: all rows (ERR_LIMIT over DB_ROWS_MAX or DB_RESULT_MAX); text
 * cells have a NUL behind their end. Owner: a. A broken UNIQUE or FOREIGN KEY is ERR_CONFLICT, a
 * broken CHECK or NOT NULL ERR_INVALID, wrong SQL ERR_INTERNAL, a full disk ERR_IO, a damaged file
 * ERR_FORMAT. */
MUST_CHECK err tx_exec(db_tx *tx, const char *sql, const db_val *args, size_t n_args,
                       int64_t *ret_changed);
MUST_CHECK err tx_rows(db_tx *tx, arena *a, const char *sql, const db_val *args, size_t n_args,
                       db_rows *ret);

/* One-statement forms. */
MUST_CHECK err db_exec(db *d, const char *sql, const db_val *args, size_t n_args,
                       int64_t *ret_changed);
MUST_CHECK err db_rows_of(db *d, arena *a, const char *sql, const db_val *args, size_t n_args,
                          db_rows *ret);

static inline const db_val *db_at(const db_rows *r, size_t row, size_t col)
{
    return &r->v[row * r->cols + col];
}
/* Cell readers: NULL gives 0, NaN, "". */
int64_t db_cell_i(const db_rows *r, size_t row, size_t col);
double db_cell_f(const db_rows *r, size_t row, size_t col);
str db_cell_s(const db_rows *r, size_t row, size_t col);

/* Migrations: every room that owns tables hands over its steps, in order, once each; a step that
 * ran is never changed. All rooms are handed over in one call, which is one write transaction; what
 * ran is recorded in schema_migration(room, step, sha256, applied_ms). A recorded step that this
 * program does not know, or that differs: ERR_CONFLICT ("made by another version"). Only with the
 * sqlite backend: the owner migrates. */
typedef struct db_migration {
    const char *room;
    const char *const *steps; /* SQL scripts, `;`-separated */
    size_t n_steps;
} db_migration;
MUST_CHECK err db_migrate(db *d, const db_migration *rooms, size_t n_rooms);

/* db_publish moves a finished temp file to its final name in one step with the check of the fence,
 * by the owner of the metadata: temp is synced and linked to target (of many publishers exactly one
 * wins: ERR_CONFLICT when target exists), then unlinked. Both are absolute, below the owner's
 * publish root, and no folder on the way from there is a symbolic link (ERR_DENIED, also for a
 * stale token). temp stays on failure. */
MUST_CHECK err db_publish(db *d, const char *temp, const char *target);
/* In the owner, once before use: the folder below which db_publish works. Without it every
 * db_publish is ERR_DENIED. */
void db_set_publish_root(db *d, const char *root);

/* db_notify tells the owner that something changed ("jobs", "endpoints"; 1..64 bytes). It is a
 * hint: nothing is stored. */
MUST_CHECK err db_notify(db *d, const char *topic);
/* In the owner, once before use: who is told by db_notify, from this process or through the relay.
 * fn is called on any thread. */
void db_on_notify(db *d, void (*fn)(void *ctx, str topic), void *ctx);

/* The owner's side of the relay: serves one connected socket until the peer closes it, breaks the
 * protocol or somebody calls shutdown(fd); runs the peer's transactions on d. check is asked at the
 * greeting and inside every committing write transaction, with the token that the peer gave, and
 * may refuse (a fence). A peer of another user is refused. A write transaction that the peer does
 * not finish within tx_ms_max is rolled back and the peer dropped, so that a stopped child
 * cannot hold the writer. Blocks; one thread a connection; fd stays the caller's. */
typedef struct db_relay {
    db *d; /* sqlite backend */
    err (*check)(void *ctx, db_tx *tx, str token);
    void *ctx;
    int64_t tx_ms_max; /* 0: DB_TX_MS_MAX */
} db_relay;
void db_relay_serve(const db_relay *r, int fd);
/* db_relay_listen makes the listening socket (mode 0600, close-on-exec); path may be longer than a
 * socket address holds. A socket file that lies there is replaced: only for the owner of the
 * folder. Owner: the caller closes *ret_fd. */
MUST_CHECK err db_relay_listen(const char *path, int *ret_fd);

#endif
