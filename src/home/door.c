#include "home/door_int.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    GUESTS_N = 64,     /* connections at a time; more wait in the backlog */
    ACCEPT_PAUSE = 50, /* ms, when the process is out of descriptors */
};

/* A place for one connection. Guarded by the door's lock: fd, taken, ended; thread belongs to the
 * accepting thread. */
typedef struct guest {
    door *d;
    int fd;
    bool taken, ended;
    pthread_t thread;
} guest;

struct door {
    db_relay relay;
    char *path;
    int fd, wake;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a connection ended, or stopping */
    bool stopping;
    guest guests[GUESTS_N];
};

static void *guest_main(void *arg)
{
    guest *g = arg;
    door *d = g->d;
    db_relay_serve(&d->relay, g->fd); /* fd stays as it is while the thread runs */
    pthread_mutex_lock(&d->lock);
    close(g->fd);
    g->fd = -1;
    g->ended = true;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* free_place: NULL when the door is to stop. Called under the lock; waits for a connection to end
 * when all are taken. */
static guest *free_place(door *d)
{
    while (!d->stopping) {
        for (size_t i = 0; i < GUESTS_N; i++) {
            guest *g = &d->guests[i];
            if (g->ended) {
                pthread_join(g->thread, NULL); /* it has left the lock for good: ends at once */
                *g = (guest){.d = d, .fd = -1};
            }
            if (!g->taken) return g;
        }
        pthread_cond_wait(&d->changed, &d->lock);
    }
    return NULL;
}

/* admit gives fd a thread. */
static void admit(door *d, guest *g, int fd)
{
    pthread_mutex_lock(&d->lock);
    g->fd = fd;
    g->taken = true;
    int rc = pthread_create(&g->thread, NULL, guest_main, g);
    if (rc) {
        close(fd);
        *g = (guest){.d = d, .fd = -1};
        log_debug("home", "no thread for a connection: %s", strerror(rc));
    } else {
        pthread_setname_np(g->thread, "home-guest");
    }
    pthread_mutex_unlock(&d->lock);
}

static void *door_main(void *arg)
{
    door *d = arg;
    for (;;) {
        pthread_mutex_lock(&d->lock);
        guest *g = free_place(d);
        pthread_mutex_unlock(&d->lock);
        if (!g) return NULL;
        struct pollfd p[2] = {{.fd = d->fd, .events = POLLIN}, {.fd = d->wake, .events = POLLIN}};
        if (poll(p, 2, -1) < 0) continue; /* EINTR */
        if (p[1].revents) return NULL;
        int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            admit(d, g, fd);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            sleep_ms(ACCEPT_PAUSE);
    }
}

/* start_thread: with all signals blocked, which the guests' threads inherit: they are for the
 * threads that await them. */
static int start_thread(door *d)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&d->thread, NULL, door_main, d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

err door_open(const char *path, const db_relay *relay, door **ret)
{
    assert(path && relay && ret);
    int fd;
    TRY(db_relay_listen(path, &fd));
    door *d = mem_new(1, sizeof *d);
    size_t n = strlen(path) + 1;
    *d = (door){.relay = *relay, .path = mem_new(n, 1), .fd = fd};
    memcpy(d->path, path, n);
    for (size_t i = 0; i < GUESTS_N; i++)
        d->guests[i] = (guest){.d = d, .fd = -1};
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    d->wake = eventfd(0, EFD_CLOEXEC);
    int rc = d->wake < 0 ? errno : start_thread(d);
    if (rc) {
        errno = rc;
        err e = err_sys(ERR_IO, "home: cannot serve %s", path);
        if (d->wake >= 0) close(d->wake);
        close(fd);
        mem_free(d->path);
        mem_free(d);
        return e;
    }
    pthread_setname_np(d->thread, "home-door");
    *ret = d;
    return ERR_OK;
}

void door_free(door *d)
{
    if (!d) return;
    unlink(d->path);
    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
    uint64_t one = 1;
    ssize_t n = write(d->wake, &one, sizeof one);
    assert(n == sizeof one);
    pthread_join(d->thread, NULL);
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < GUESTS_N; i++)
        if (d->guests[i].fd >= 0) shutdown(d->guests[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < GUESTS_N; i++)
        if (d->guests[i].taken) pthread_join(d->guests[i].thread, NULL);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    close(d->wake);
    close(d->fd);
    mem_free(d->path);
    mem_free(d);
}
