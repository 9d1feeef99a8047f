/* The writer: every write of this process goes through one thread, so that commits can be shared.
 *
 *   queued ──(its turn)──> running ──> waiting for the commit ──> done
 *                             │ fn fails: its savepoint is undone          ▲
 *                             └────────────────────────────────────────────┘
 *
 * A batch is one BEGIN IMMEDIATE … COMMIT with a savepoint for each request. It takes what is
 * queued, up to BATCH_N requests or BATCH_US; its waiters are released after the commit, so what
 * was acknowledged is on the disk. When the commit fails, or SQLite had to roll back the whole
 * transaction, every request of the batch fails. A DB_ALONE request is a batch of its own.
 */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "base/fault.h"
#include "db/sqlite_int.h"

enum {
    QUEUE_N = 256,
    QUEUE_WAIT_S =
        30, /* for a place in the queue: longer than one stopped peer can hold the writer */
    BATCH_N = 64,
    BATCH_US = 5000,
};

/* Lives on the stack of the thread that waits. */
typedef struct request {
    db_fn fn;
    void *arg;
    db_share share;
    err_kept result;
    bool done;
    pthread_cond_t cond;
    struct request *next;
} request;

struct writer {
    sq_conn *c;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work, room;
    request *head, *tail;
    size_t n;
    bool stopping;
};

/* take: the next request; waits for one when the batch is empty. NULL: the batch ends here. */
static request *take(writer *w, size_t in_batch)
{
    pthread_mutex_lock(&w->lock);
    while (!in_batch && !w->head && !w->stopping)
        pthread_cond_wait(&w->work, &w->lock);
    request *r = w->head;
    if (r && in_batch && r->share == DB_ALONE) r = NULL;
    if (r) {
        w->head = r->next;
        if (!w->head) w->tail = NULL;
        w->n--;
        pthread_cond_signal(&w->room);
    }
    pthread_mutex_unlock(&w->lock);
    return r;
}

static void finish(writer *w, request **batch, size_t n)
{
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < n; i++) {
        batch[i]->done = true;
        pthread_cond_signal(
            &batch[i]->cond); /* under the lock: the request lives until its thread has it */
    }
    pthread_mutex_unlock(&w->lock);
}

/* run_one: the request inside its own savepoint; its result is that of fn, to be confirmed by the
 * commit. */
static void run_one(writer *w, request *r)
{
    db_tx tx = {.backend = &db_sqlite, .conn = w->c, .write = true};
    err e = sq_do(w->c, SQ_SAVE);
    if (!e) e = db_run_tx(&tx, r->fn, r->arg);
    err_keep(&r->result, e);
    if (!sq_in_tx(w->c)) return;
    if (e) e = sq_do(w->c, SQ_SAVE_UNDO);
    if (!e) e = sq_do(w->c, SQ_SAVE_KEEP);
    if (e && !r->result.e) err_keep(&r->result, e);
    if (e) sq_abandon(w->c); /* an undo that fails leaves nothing to trust */
}

static err commit(writer *w)
{
    if (!sq_in_tx(w->c))
        return err_set(
            ERR_IO,
            "db: the transaction was rolled back because another write that shared it failed");
    if (fault_hit("db_commit")) return err_sys(ERR_IO, "db: \"COMMIT\"");
    err e = sq_do(w->c, SQ_COMMIT);
    if (e) err_add(e, "nothing was kept");
    return e ? ERR_IO : ERR_OK;
}

/* settle: commit, or roll back when no request of the batch wants to be kept. */
static void settle(writer *w, request **batch, size_t n)
{
    size_t n_ok = 0;
    for (size_t i = 0; i < n; i++)
        n_ok += !batch[i]->result.e;
    err_kept failed = {0};
    if (n_ok) err_keep(&failed, commit(w));
    sq_abandon(w->c);
    for (size_t i = 0; failed.e && i < n; i++)
        if (!batch[i]->result.e) batch[i]->result = failed;
}

/* run_batch returns false when the writer shall stop. */
static bool run_batch(writer *w)
{
    request *batch[BATCH_N];
    request *r = take(w, 0);
    if (!r) return false;
    size_t n = 0;
    batch[n++] = r;
    err e = sq_do(w->c, SQ_BEGIN_WRITE);
    if (e) {
        err_keep(&r->result, e);
        finish(w, batch, n);
        return true;
    }
    run_one(w, r);
    int64_t until = mono_us() + BATCH_US;
    while (r->share == DB_TOGETHER && n < BATCH_N && sq_in_tx(w->c) && mono_us() < until) {
        r = take(w, n);
        if (!r) break;
        batch[n++] = r;
        run_one(w, r);
    }
    settle(w, batch, n);
    finish(w, batch, n);
    return true;
}

static void *writer_main(void *arg)
{
    while (run_batch(arg))
        continue;
    return NULL;
}

writer *writer_new(sq_conn *c)
{
    assert(c);
    writer *w = mem_new(1, sizeof *w);
    w->c = c;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    pthread_cond_init(&w->room, NULL);
    sigset_t all, before; /* signals are for the threads that await them */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&w->thread, NULL, writer_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(rc == 0);
    pthread_setname_np(w->thread, "db-writer");
    return w;
}

void writer_free(writer *w)
{
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    assert(!w->n);
    pthread_cond_destroy(&w->room);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    sq_close(w->c);
    mem_free(w);
}

static err enqueue(writer *w, request *r)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += QUEUE_WAIT_S;
    int rc = 0;
    while (w->n == QUEUE_N && !rc)
        rc = pthread_cond_timedwait(&w->room, &w->lock, &until);
    if (w->n == QUEUE_N)
        return err_set(ERR_BUSY,
                       "db: %d writes wait already, none got done in %d s: try again later",
                       QUEUE_N, QUEUE_WAIT_S);
    if (w->tail)
        w->tail->next = r;
    else
        w->head = r;
    w->tail = r;
    w->n++;
    pthread_cond_signal(&w->work);
    return ERR_OK;
}

err writer_run(writer *w, db_fn fn, void *arg, db_share share)
{
    assert(!pthread_equal(pthread_self(),
                          w->thread)); /* a write inside a write would wait for itself */
    request r = {.fn = fn, .arg = arg, .share = share};
    pthread_cond_init(&r.cond, NULL);
    pthread_mutex_lock(&w->lock);
    assert(!w->stopping);
    err e = enqueue(w, &r);
    while (!e && !r.done)
        pthread_cond_wait(&r.cond, &w->lock);
    pthread_mutex_unlock(&w->lock);
    pthread_cond_destroy(&r.cond);
    return e ? e : err_again(&r.result);
}
