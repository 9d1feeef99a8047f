/* home: the folder that holds everything, and the one process that owns it.
 *
 *     <home>/lock            flock'ed by the owner; its text is {"pid":…,"url":…}
 *     <home>/tidemill.db     metadata
 *     <home>/tidemill.sock   the owner's Unix socket (mode 0600; relay of db transactions)
 *     <home>/blobs/          artifacts
 *     <home>/tables/<catalog>/<schema>/<table>/   Delta tables
 *     <home>/logs/jobs/<run>/<task>.<attempt>.log
 *
 * Whoever gets the lock is the owner: it opens the SQLite file, migrates, raises the epoch by one
 * and serves the socket, so that its children (and other commands) reach the metadata through it.
 * Everybody else is a guest and gets a db that relays; when the owner ends, a guest's transactions
 * fail with ERR_IO. Only processes of the same user are served.
 *
 * A token "<epoch>:<job run>:<attempt>" fences children: a commit or publication with a token of an
 * older epoch, or one that the jobs room's fence refuses (the job run is not RUNNING with that
 * attempt), is refused (ERR_DENIED), metadata and Delta log alike, so an orphan of a killed server
 * can commit nothing. A person's command beside a server has no token (an empty one): it passes,
 * since its connection is to the current owner. Thread-safe after home_open. */
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
    HOME_OWN,   /* be the owner or fail: ERR_CONFLICT with the owner's pid and url */
    HOME_ANY,   /* be the owner when nobody is, else a guest without a token */
    HOME_GUEST, /* a child: only through the owner's socket, with the token */
} home_mode;

typedef struct home_options {
    const char *dir;
    home_mode mode;
    const char *token;              /* HOME_GUEST: fencing token; else NULL */
    const db_migration *migrations; /* of all rooms; used by an owner. This room's own is added */
    size_t n_migrations;
    bool
        must_exist; /* do not make the folder: ERR_MISSING naming it and `tidemill server --home` */
} home_options;

/* home_open: ERR_MISSING (must_exist, or HOME_GUEST and no owner), ERR_CONFLICT (owned; or a
 * database of another version), ERR_DENIED (stale token; a folder of somebody else), ERR_BUSY
 * (HOME_ANY: the owner neither answers nor ends), ERR_FORMAT (damaged database), ERR_INVALID
 * (token), ERR_IO. Owner: the caller. */
MUST_CHECK err home_open(const home_options *o, home **ret);
void home_free(
    home *h); /* an owner: stops the socket, closes the database, drops the lock. NULL is a no-op */
AUTO_DEFINE(home)

db *home_db(home *h);                /* Borrowed until home_free */
blobs *home_blobs(home *h);          /* Borrowed until home_free */
const char *home_dir(const home *h); /* absolute */
bool home_is_owner(const home *h);
int64_t home_epoch(const home *h); /* the owner's number: +1 each time the home gets an owner */

/* home_set_url: the server tells others where it listens ("http://127.0.0.1:5000"); owner only,
 * kept in lock. home_url: what the owner told; ERR_MISSING when no server runs (the message names
 * the command that starts one). Owner of *ret: a. */
MUST_CHECK err home_set_url(home *h, const char *url);
MUST_CHECK err home_url(home *h, arena *a, str *ret);

/* home_fence: who may commit with a token. Called in the owner, on any thread, inside the
 * committing transaction and, to greet a guest, inside a read. Set by jobs before it starts
 * children; the epoch is checked before. Without it every token of this epoch passes. */
typedef err (*home_fence)(void *ctx, db_tx *tx, int64_t job_run, int64_t attempt);
void home_set_fence(home *h, home_fence fn, void *ctx);
/* home_token: owner only. Owner: a. */
const char *home_token(home *h, arena *a, int64_t job_run, int64_t attempt);

/* home_table_dir: <home>/tables/<catalog>/<schema>/<table> of a one-, two- or three-level name
 * (missing levels: main, default). Each level [A-Za-z0-9_-]{1,128}, else ERR_INVALID. Makes
 * nothing. Owner: a. */
MUST_CHECK err home_table_dir(const home *h, arena *a, str name, const char **ret);

extern const db_migration home_migration; /* owner_epoch(id, epoch, pid, since_ms) */

#endif
