#include "base/pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/die_int.h"

enum { NAME_SIZE = 16 }; /* Linux: 15 bytes and a NUL */

typedef struct job {
    void (*fn)(void *);
    void *arg;
} job;

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    /* guarded by lock */
    job *ring;
    size_t head;
    bool ending;
    atomic_size_t n; /* queued; written under lock, read by anyone */
    /* immutable after pool_new */
    size_t cap, n_threads;
    pthread_t *threads;
    char name[NAME_SIZE];
};

static void *work(void *arg)
{
    pool *p = arg;
    pthread_setname_np(pthread_self(), p->name);
    for (;;) {
        pthread_mutex_lock(&p->lock);
        while (!atomic_load(&p->n) && !p->ending)
            pthread_cond_wait(&p->work, &p->lock);
        if (!atomic_load(&p->n)) break;
        job j = p->ring[p->head];
        p->head = (p->head + 1) % p->cap;
        atomic_fetch_sub(&p->n, 1);
        pthread_mutex_unlock(&p->lock);
        j.fn(j.arg);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

pool *pool_new(const char *name, size_t n_threads, size_t queue_max)
{
    assert(name);
    assert(n_threads > 0);
    assert(queue_max > 0);
    pool *p = mem_new(1, sizeof *p);
    int n = snprintf(p->name, sizeof p->name, "%s", name);
    assert(n < NAME_SIZE);
    p->ring = mem_new(queue_max, sizeof *p->ring);
    p->cap = queue_max;
    p->threads = mem_new(n_threads, sizeof *p->threads);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    /* Signals are the main thread's: the pool's threads start with all of them blocked. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (; p->n_threads < n_threads; p->n_threads++)
        if (pthread_create(&p->threads[p->n_threads], NULL, work, p))
            die(p->name, "cannot start a thread");
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return p;
}

void pool_free(pool *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    assert(!atomic_load(&p->n));
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    mem_free(p->threads);
    mem_free(p->ring);
    mem_free(p);
}

err pool_run(pool *p, void (*fn)(void *), void *arg)
{
    assert(p);
    assert(fn);
    pthread_mutex_lock(&p->lock);
    size_t n = atomic_load(&p->n);
    bool full = n == p->cap;
    if (!full) {
        p->ring[(p->head + n) % p->cap] = (job){fn, arg};
        atomic_store(&p->n, n + 1);
        pthread_cond_signal(&p->work);
    }
    pthread_mutex_unlock(&p->lock);
    if (full) return err_set(ERR_BUSY, "%s: %zu jobs wait already, try again", p->name, p->cap);
    return ERR_OK;
}

size_t pool_queued(const pool *p)
{
    assert(p);
    return atomic_load(&p->n);
}
