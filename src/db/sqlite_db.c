/* The sqlite backend: the writer, and a few connections for readers that are opened when first
 * needed. */
#include <assert.h>
#include <pthread.h>
#include <time.h>

#include "db/sqlite_int.h"

enum { READERS_N = 8, READER_WAIT_S = 30 };

/* Guarded by lock: the readers. */
typedef struct sqlite_db {
    char *path;
    writer *w;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    sq_conn *idle[READERS_N];
    size_t n_idle, n_open;
} sqlite_db;

static err sqlite_open(const char *path, void **ret_self)
{
    sq_conn *c = NULL;
    TRY(sq_open(path, SQ_WRITER, &c));
    sqlite_db *q = mem_new(1, sizeof *q);
    size_t n = strlen(path) + 1;
    q->path = mem_new(n, 1);
    memcpy(q->path, path, n);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->freed, NULL);
    q->w = writer_new(c);
    *ret_self = q;
    return ERR_OK;
}

static void sqlite_free(void *self)
{
    sqlite_db *q = self;
    assert(q->n_idle == q->n_open); /* nobody reads any more */
    for (size_t i = 0; i < q->n_idle; i++)
        sq_close(q->idle[i]);
    writer_free(q->w); /* the last connection: folds the log into the file */
    pthread_cond_destroy(&q->freed);
    pthread_mutex_destroy(&q->lock);
    mem_free(q->path);
    mem_free(q);
}

static err sqlite_write(void *self, db_fn fn, void *arg, db_share share)
{
    sqlite_db *q = self;
    return writer_run(q->w, fn, arg, share);
}

static void reader_gone(sqlite_db *q, sq_conn *idle)
{
    pthread_mutex_lock(&q->lock);
    if (idle)
        q->idle[q->n_idle++] = idle;
    else
        q->n_open--;
    pthread_cond_signal(&q->freed);
    pthread_mutex_unlock(&q->lock);
}

static err reader_take(sqlite_db *q, sq_conn **ret)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += READER_WAIT_S;
    sq_conn *c = NULL;
    pthread_mutex_lock(&q->lock);
    int rc = 0;
    while (!q->n_idle && q->n_open == READERS_N && !rc)
        rc = pthread_cond_timedwait(&q->freed, &q->lock, &until);
    bool room = q->n_open < READERS_N;
    if (q->n_idle)
        c = q->idle[--q->n_idle];
    else if (room)
        q->n_open++;
    pthread_mutex_unlock(&q->lock);
    if (!c && !room)
        return err_set(ERR_BUSY, "db: %d reads run already, none ended in %d s: try again later",
                       READERS_N, READER_WAIT_S);
    if (!c) {
        err e = sq_open(q->path, SQ_READER, &c);
        if (e) {
            reader_gone(q, NULL);
            return e;
        }
    }
    *ret = c;
    return ERR_OK;
}

static err sqlite_read(void *self, db_fn fn, void *arg)
{
    sqlite_db *q = self;
    sq_conn *c = NULL;
    TRY(reader_take(q, &c));
    db_tx tx = {.backend = &db_sqlite, .conn = c};
    err e = sq_do(c, SQ_BEGIN_READ);
    if (!e) e = db_run_tx(&tx, fn, arg);
    sq_abandon(c);
    reader_gone(q, c);
    return e;
}

const db_backend db_sqlite = {
    .scheme = "sqlite",
    .open = sqlite_open,
    .free = sqlite_free,
    .write = sqlite_write,
    .read = sqlite_read,
    .exec = sq_exec,
    .rows = sq_rows,
    .script = sq_script,
};
