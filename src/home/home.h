/* home: the folder that holds everything, and the one process that owns it.
 *
 *     <home>/lock            flock'ed by the owner; its text is {"pid":…,"url":…}
 *     <home>/tidemill.db     metadata            <home>/tidemill.sock   the owner's Unix socket (mode 0600; relay of db transactions)
 *     <home>/blobs/          artifacts           <home>/tables/<catalog>/<schema>/<table>/   Delta tables
 *     <home>/logs/jobs/<run>/<task>.<attempt>.log
 *
 * Whoever gets the lock is the owner: it opens the SQLite file, migrates, raises the epoch by one and serves the socket, so that its children (and other
 * commands) reach the metadata through it. Everybody else gets a db that relays. A token "<epoch>:<job run>:<attempt>" fences children: a commit with a token of an older
 * epoch, or of a job run that is not RUNNING with that attempt, is refused (ERR_DENIED), metadata and Delta log alike, so an orphan of a killed server can
 * commit nothing. Thread-safe. */
#ifndef TIDEMILL_HOME_HOME_H
#define TIDEMILL_HOME_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "blob/blob.h"
#include "db/db.h"

typedef struct home home;

typedef enum home_mode {
    HOME_OWN,    /* be the owner or fail: ERR_CONFLICT with the owner's pid */
    HOME_ANY,    /* be the owner when nobody is, else a guest */
    HOME_GUEST,  /* a child: only through the owner's socket, with the token */
} home_mode;

typedef struct home_options {
    const char *dir;
    home_mode mode;
    const char *token;               /* HOME_GUEST: fencing token; else NULL */
    const db_migration *migrations;  /* of all rooms; used by an owner */
    size_t n_migrations;
    bool must_exist;                 /* do not create the folder: ERR_MISSING naming it and `tidemill server --home` */
} home_options;

MUST_CHECK err home_open(const home_options *o, home **ret);
void home_free(home *h); /* an owner: stops the socket, closes the database, drops the lock */
AUTO_DEFINE(home)

db *home_db(home *h);       /* Borrowed until home_free */
blobs *home_blobs(home *h); /* Borrowed until home_free */
const char *home_dir(const home *h); /* absolute */
bool home_is_owner(const home *h);
int64_t home_epoch(const home *h); /* the owner's number: +1 each time the home gets an owner */

/* home_set_url: the server tells others where it listens ("http://127.0.0.1:5000"); kept in lock. home_url: what the owner told; ERR_MISSING when no server runs
 * (the message names the command that starts one). */
MUST_CHECK err home_set_url(home *h, const char *url);
MUST_CHECK err home_url(home *h, arena *a, str *ret);

/* home_fence: who may commit with a token. Called in the owner inside the committing transaction. Set by jobs; the epoch is checked before. */
typedef err (*home_fence)(void *ctx, db_tx *tx, int64_t job_run, int64_t attempt);
void home_set_fence(home *h, home_fence fn, void *ctx);
const char *home_token(home *h, arena *a, int64_t job_run, int64_t attempt); /* owner only */

/* home_table_dir: <home>/tables/<catalog>/<schema>/<table> of a one-, two- or three-level name (missing levels: main, default). Each level [A-Za-z0-9_-]{1,128}. */
MUST_CHECK err home_table_dir(const home *h, arena *a, str name, const char **ret);

extern const db_migration home_migration; /* owner(epoch, …) */

#endif
