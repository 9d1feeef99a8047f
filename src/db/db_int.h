/* db, inside the room: what a backend implements, and what the files of this room share. */
#ifndef TIDEMILL_DB_DB_INT_H
#define TIDEMILL_DB_DB_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

typedef err (*db_fn)(db_tx *tx, void *arg);

typedef enum db_share {
    DB_TOGETHER, /* may share its commit with other writes */
    DB_ALONE, /* a commit of its own: it waits for a peer, or its effect lies outside the database
               */
} db_share;

/* A backend. self is what open made. exec, rows and script see checked arguments. publish and
 * notify are NULL where this process is the owner. Thread-safe, but for the functions of a
 * transaction. */
typedef struct db_backend {
    const char *scheme;
    err (*open)(const char *where, void **ret_self);
    void (*free)(void *self);
    err (*write)(void *self, db_fn fn, void *arg, db_share share);
    err (*read)(void *self, db_fn fn, void *arg);
    err (*exec)(db_tx *tx, const char *sql, const db_val *args, size_t n_args,
                int64_t *ret_changed);
    err (*rows)(db_tx *tx, arena *a, const char *sql, const db_val *args, size_t n_args,
                db_rows *ret);
    err (*script)(db_tx *tx, const char *sql); /* several statements, `;`-separated */
    err (*publish)(void *self, const char *temp, const char *target);
    err (*notify)(void *self, str topic);
} db_backend;

extern const db_backend db_sqlite, db_relay_client;
/* db_backend_find: NULL when no backend has that scheme. */
const db_backend *db_backend_find(str scheme);

/* One thread. */
struct db_tx {
    const db_backend *backend;
    void *conn;
    bool write;
    int64_t deadline_us; /* monotonic; statements are interrupted then; 0: none */
    err failed;          /* of a write transaction: the kind of the first failure */
};

/* Immutable after its setters. */
struct db {
    const db_backend *backend;
    void *self;
    arena *a;
    const char *publish_root;
    void (*notified)(void *ctx, str topic);
    void *notified_ctx;
};

/* db_run_tx runs fn and adds the rule that a failed statement fails the transaction. */
err db_run_tx(db_tx *tx, db_fn fn, void *arg);
err db_tx_script(db_tx *tx, const char *sql);

/* An error that outlives other calls on this thread, or crosses to another one. */
typedef struct err_kept {
    err e;
    char text[2048];
} err_kept;
void err_keep(err_kept *k, err e); /* takes this thread's message when e is a failure */
err err_again(const err_kept *k);  /* returns it, the message set again */

/* publish_as is db_publish in the owner, with r's fence and the peer's token; r NULL: no fence. */
err publish_as(db *d, const db_relay *r, str token, const char *temp, const char *target);

/* The first words of a statement for messages: at most 60 bytes. ret is NUL-terminated. */
enum { SQL_WORDS_MAX = 64 };
const char *sql_words(const char *sql, char ret[SQL_WORDS_MAX]);

#endif
