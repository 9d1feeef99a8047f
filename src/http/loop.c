/* One event loop: wait, take what happened, sweep time limits, free what died. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/conn_int.h"

enum {
    EVENTS_MAX = 256, /* a turn */
    ACCEPTS_MAX = 64, /* a turn */
    IN_SIZE_MIN = 64 * 1024,
    TOLD_MAX = 64, /* connections over the limit that are still told why they are refused */
    SWEEP_LEAST_MS = 20,
    SWEEP_MOST_MS = 1000
};

/* ---- making and freeing */

static int64_t sweep_every(const http_limits *m)
{
    const int64_t all[] = {m->head_ms, m->body_ms, m->idle_ms, m->write_ms, m->drain_ms};
    int64_t least = SWEEP_MOST_MS;
    for (size_t i = 0; i < countof(all); i++)
        if (all[i] / 4 < least) least = all[i] / 4;
    return least < SWEEP_LEAST_MS ? SWEEP_LEAST_MS : least;
}

static void close_if_open(int *fd)
{
    if (*fd >= 0) (void)close(*fd);
    *fd = -1;
}

static err watch_own(http_loop *l, int *fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = fd};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, *fd, &e)) return err_sys(ERR_IO, "http: epoll_ctl");
    return ERR_OK;
}

static err open_files(http_loop *l)
{
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (l->epoll < 0 || l->wake < 0 || l->reserve < 0)
        return err_sys(ERR_IO, "http: cannot open the files of an event loop");
    TRY(watch_own(l, &l->wake));
    return watch_own(l, &l->listener);
}

err http_loop_new(http_server *s, size_t id, int listener, http_loop **ret)
{
    const http_limits *m = &s->limits;
    http_loop *l = mem_new(1, sizeof *l);
    *l = (http_loop){.s = s, .id = id, .epoll = -1, .wake = -1, .reserve = -1, .listener = -1};
    l->listener = listener;
    err e = open_files(l);
    if (e) {
        l->listener = -1; /* stays the caller's */
        http_loop_free(l);
        return e;
    }
    l->in_size = m->head_max > IN_SIZE_MIN / 2 ? 2 * m->head_max : IN_SIZE_MIN;
    l->in = mem_new(l->in_size, 1);
    l->out = mem_new(OUT_SIZE, 1);
    l->a = arena_new(64 * 1024);
    l->headers = mem_new(m->headers_max, sizeof *l->headers);
    l->sweep_every_ms = sweep_every(m);
    *ret = l;
    return ERR_OK;
}

static void free_graves(http_loop *l)
{
    while (l->grave) {
        http_conn *c = l->grave;
        l->grave = c->turn_next;
        http_conn_free(c);
    }
}

/* Whatever is left when neither the loop nor the pool runs any more. */
static void free_connections(http_loop *l)
{
    while (l->conns)
        http_conn_drop(l, l->conns);
    while (l->again) {
        http_conn *c = l->again;
        l->again = c->turn_next;
        c->again = false;
        http_conn_bury(l, c);
    }
    http_kept *k = atomic_load(&l->done);
    while (k) {
        http_kept *next = k->next;
        k->c->kept = NULL;
        http_conn_bury(l, k->c);
        http_kept_free(k);
        k = next;
    }
    free_graves(l);
    while (l->spare) {
        k = l->spare;
        l->spare = k->next;
        http_kept_free(k);
    }
}

void http_loop_free(http_loop *l)
{
    if (!l) return;
    free_connections(l);
    close_if_open(&l->epoll);
    close_if_open(&l->wake);
    close_if_open(&l->reserve);
    close_if_open(&l->listener);
    mem_free(l->in);
    mem_free(l->out);
    arena_free(l->a);
    mem_free(l->headers);
    mem_free(l);
}

void http_loop_wake(http_loop *l)
{
    const uint64_t one = 1;
    ssize_t r = write(l->wake, &one, sizeof one); /* full is as good: it is readable */
    assert(r == sizeof one || errno == EAGAIN);
    (void)r;
}

/* ---- accepting */

static void refuse_connection(http_loop *l, http_conn *c)
{
    http_response w;
    http_refusal(l->s, STR(""), 503, "too many connections, try again later", l->a, &w);
    http_reply(l, c, &w, (reply_form){0});
    c->linger = true;
    count_add(&l->count.refused, 1);
    arena_reset(l->a);
    http_conn_settle(l, c);
}

static void take_connection(http_loop *l, int fd)
{
    size_t open = atomic_load_explicit(&l->s->n_open, memory_order_relaxed);
    size_t max = l->s->limits.connections_max;
    http_conn *c = open < max + TOLD_MAX ? http_conn_new(l, fd) : NULL;
    if (!c) {
        (void)close(fd);
        count_add(&l->count.refused, 1);
        return;
    }
    count_add(&l->count.accepted, 1);
    if (open >= max) refuse_connection(l, c);
}

static void hear(http_loop *l, bool on)
{
    struct epoll_event e = {.events = on ? EPOLLIN : 0, .data.ptr = &l->listener};
    int r = epoll_ctl(l->epoll, EPOLL_CTL_MOD, l->listener, &e);
    assert(!r);
    (void)r;
    l->deaf = !on;
}

/* Out of files: a connection that stays in the queue would wake the loop without end, so it is
 * taken by the reserve and cut. Where another thread snatched the reserve, nothing is accepted for
 * a while. */
static void cut_connection(http_loop *l)
{
    close_if_open(&l->reserve);
    int fd = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        hear(l, false);
    else
        count_add(&l->count.refused, 1);
    close_if_open(&fd);
    l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void hear_again(http_loop *l)
{
    if (l->reserve < 0) l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (l->deaf && l->listener >= 0) hear(l, true);
}

static void accept_some(http_loop *l)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = accept4(l->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_connection(l, fd);
        } else if (errno == EMFILE || errno == ENFILE) {
            cut_connection(l);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return; /* EAGAIN: all taken; anything else: tried again when the listener is ready
                       again */
        }
    }
}

/* ---- ending */

static void begin_drain(http_loop *l)
{
    l->draining = true;
    l->drain_end_ms = l->now_ms + l->s->limits.drain_ms;
    accept_some(l); /* those who connected before we said no */
    close_if_open(&l->listener);
}

/* Connections on which nothing is under way; a request that has just arrived is still answered. */
static void close_idle(http_loop *l)
{
    for (http_conn *c = l->conns, *next; c; c = next) {
        next = c->next;
        if (c->timer == TIMER_IDLE) http_conn_event(l, c, EPOLLIN);
        if (c->state != CONN_DEAD && c->timer == TIMER_IDLE) http_conn_drop(l, c);
    }
}

static bool drained(http_loop *l)
{
    if (!l->draining) return false;
    close_idle(l);
    if (l->now_ms >= l->drain_end_ms)
        while (l->conns)
            http_conn_drop(l, l->conns);
    return !l->conns; /* what is still on the pool is waited for by pool_free */
}

/* ---- the turn */

static void sweep(http_loop *l)
{
    if (l->now_ms < l->sweep_at_ms) return;
    l->sweep_at_ms = l->now_ms + l->sweep_every_ms;
    hear_again(l);
    for (http_conn *c = l->conns, *next; c; c = next) {
        next = c->next;
        http_conn_sweep(l, c);
    }
}

static void go_on(http_loop *l)
{
    http_conn *list = l->again;
    l->again = NULL;
    while (list) {
        http_conn *c = list;
        list = c->turn_next;
        c->again = false;
        if (c->state == CONN_DEAD)
            http_conn_bury(l, c);
        else
            http_conn_resume(l, c);
    }
}

static void woken(http_loop *l)
{
    uint64_t n;
    ssize_t r = read(l->wake, &n, sizeof n); /* only to make it unreadable */
    (void)r;
    http_deferred(l);
    bool end = atomic_load_explicit(&l->s->draining, memory_order_acquire);
    if (end && !l->draining) begin_drain(l);
}

static void take_event(http_loop *l, const struct epoll_event *e)
{
    if (e->data.ptr == &l->listener) {
        if (l->listener >= 0) accept_some(l);
    } else if (e->data.ptr == &l->wake) {
        woken(l);
    } else {
        http_conn_event(l, e->data.ptr, e->events);
    }
    assert(!l->out_n);
}

static int patience_ms(const http_loop *l)
{
    if (l->again) return 0;
    if (!l->conns && !l->deaf) return -1;
    return (int)l->sweep_every_ms;
}

void *http_loop_run(void *loop)
{
    http_loop *l = loop;
    const http_app *app = &l->s->app;
    struct epoll_event events[EVENTS_MAX];
    for (bool end = false; !end;) {
        int n = epoll_wait(l->epoll, events, EVENTS_MAX, patience_ms(l));
        assert(n >= 0 || errno == EINTR);
        l->now_us = mono_us();
        l->now_ms = l->now_us / 1000;
        http_reply_date(l);
        if (app->turn_enter) app->turn_enter(app->ctx, l->id);
        go_on(l);
        for (int i = 0; i < n; i++)
            take_event(l, &events[i]);
        sweep(l);
        end = drained(l);
        if (app->turn_leave) app->turn_leave(app->ctx, l->id);
        free_graves(l);
    }
    return NULL;
}
