/* db, inside the room: one SQLite connection (sqlite.c, the only file that includes sqlite3.h) and
 * the thread that writes (writer.c). */
#ifndef TIDEMILL_DB_SQLITE_INT_H
#define TIDEMILL_DB_SQLITE_INT_H

#include <stdbool.h>

#include "db/db_int.h"

/* One thread at a time. */
typedef struct sq_conn sq_conn;

typedef enum sq_mode { SQ_WRITER, SQ_READER } sq_mode;

/* sq_open: the writer makes the file when it is missing; a reader can change nothing. */
MUST_CHECK err sq_open(const char *path, sq_mode mode, sq_conn **ret);
void sq_close(sq_conn *c); /* NULL is a no-op */

/* Transaction control. */
typedef enum sq_verb {
    SQ_BEGIN_WRITE,
    SQ_BEGIN_READ,
    SQ_COMMIT,
    SQ_ROLLBACK,
    SQ_SAVE,
    SQ_SAVE_KEEP,
    SQ_SAVE_UNDO, /* undone; the savepoint itself stays until SQ_SAVE_KEEP */
    SQ_VERB_N
} sq_verb;
MUST_CHECK err sq_do(sq_conn *c, sq_verb verb);
/* sq_in_tx: false also after a failure (full disk, damage) that made SQLite roll back by itself. */
bool sq_in_tx(const sq_conn *c);
/* sq_abandon rolls back whatever is open; the thread's error message stays. */
void sq_abandon(sq_conn *c);

/* The statements of db_backend; tx->conn is the sq_conn. */
err sq_exec(db_tx *tx, const char *sql, const db_val *args, size_t n_args, int64_t *ret_changed);
err sq_rows(db_tx *tx, arena *a, const char *sql, const db_val *args, size_t n_args, db_rows *ret);
err sq_script(db_tx *tx, const char *sql);

/* The writer: a thread with a bounded queue in front of one connection; commits in groups.
 * Thread-safe. */
typedef struct writer writer;
writer *writer_new(sq_conn *c); /* takes c. Owner: the caller */
void writer_free(writer *w);    /* finishes what is queued, joins, closes c; NULL is a no-op */
err writer_run(writer *w, db_fn fn, void *arg, db_share share);

#endif
