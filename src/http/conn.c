/* The life of a connection: its buffers, what epoll watches, its time limits, its end. Knows
 * nothing of HTTP. */
#include "http/conn_int.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"

/* ---- plain sockets: system calls without libc's wrappers, which are points where a thread can be
 * cancelled and pay for it at every call; nothing is cancelled here */

static ssize_t plain_recv(http_conn *c, void *p, size_t n)
{
    return syscall(SYS_recvfrom, c->fd, p, n, 0, NULL, NULL);
}

static ssize_t plain_send(http_conn *c, const void *p, size_t n, bool more)
{
    if (fault_hit("net_send")) return -1;
    return syscall(SYS_sendto, c->fd, p, n, MSG_NOSIGNAL | (more ? MSG_MORE : 0), NULL, 0);
}

static void plain_shut(http_conn *c)
{
    (void)shutdown(c->fd, SHUT_WR); /* fails only when the peer is gone, which the next read says */
}

static void plain_close(http_conn *c)
{
    (void)close(c->fd); /* nothing can be done about a socket that does not close well */
}

const stream_ops http_stream_plain = {plain_recv, plain_send, plain_shut, plain_close};

/* ---- beginning and end */

/* Edge-triggered: half the polling inside the kernel, and nothing to change when reading pauses.
 * The price is c->ready, which remembers what an event said until the socket was read empty. */
#define WATCH_IN   (EPOLLIN | EPOLLRDHUP | EPOLLET)
#define WATCH_BOTH (WATCH_IN | EPOLLOUT)

static int64_t limit_of(const http_limits *m, conn_timer t)
{
    switch (t) {
    case TIMER_IDLE:
        return m->idle_ms;
    case TIMER_HEAD:
        return m->head_ms;
    case TIMER_BODY:
        return m->body_ms;
    case TIMER_WRITE:
        return m->write_ms;
    case TIMER_LINGER:
        return LINGER_MS;
    case TIMER_NONE:
        break;
    }
    assert(!"TIMER_NONE has no limit");
    return 0;
}

static void time_from_now(http_loop *l, http_conn *c, conn_timer t)
{
    c->timer = (uint8_t)t;
    c->deadline_ms = t == TIMER_NONE ? INT64_MAX : l->now_ms + limit_of(&l->s->limits, t);
}

http_conn *http_conn_new(http_loop *l, int fd)
{
    http_conn *c = mem_new(1, sizeof *c);
    struct epoll_event e = {.events = WATCH_IN, .data.ptr = c};
    *c = (http_conn){
        .stream = &http_stream_plain, .proto = &http_proto_h1, .fd = fd, .next = l->conns};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e)) { /* no kernel memory */
        mem_free(c);
        return NULL;
    }
    if (c->next) c->next->prev = c;
    l->conns = c;
    atomic_store_explicit(&l->count.open, ++l->n_conns, memory_order_relaxed);
    atomic_fetch_add_explicit(&l->s->n_open, 1, memory_order_relaxed);
    time_from_now(l, c, TIMER_IDLE);
    return c;
}

void http_conn_free(http_conn *c)
{
    mem_free(c->in);
    mem_free(c->out);
    mem_free(c);
}

void http_conn_bury(http_loop *l, http_conn *c)
{
    if (c->state != CONN_DEAD || c->kept || c->again) return; /* somebody will come back to it */
    c->turn_next = l->grave;
    l->grave = c;
}

void http_conn_drop(http_loop *l, http_conn *c)
{
    if (c->state == CONN_DEAD) return;
    c->stream->close(c);
    c->fd = -1;
    if (c->prev)
        c->prev->next = c->next;
    else
        l->conns = c->next;
    if (c->next) c->next->prev = c->prev;
    atomic_store_explicit(&l->count.open, --l->n_conns, memory_order_relaxed);
    atomic_fetch_sub_explicit(&l->s->n_open, 1, memory_order_relaxed);
    if (c->kept && c->state == CONN_BODY) {
        http_kept_release(c->kept);
        c->kept = NULL;
    }
    c->state = CONN_DEAD;
    http_conn_bury(l, c);
}

/* ---- bytes out */

/* The socket took less than it was given: the rest waits in c->out. */
static void hold_back(http_conn *c, const char *p, size_t n)
{
    if (c->out_at) {
        memmove(c->out, c->out + c->out_at, c->out_n - c->out_at);
        c->out_n -= c->out_at;
        c->out_at = 0;
    }
    c->out = mem_grow(c->out, c->out_n + n, 1);
    memcpy(c->out + c->out_n, p, n);
    c->out_n += n;
}

/* push sends what the socket takes of p[0..n); the peer being gone drops the connection. Returns
 * how much was taken. */
static size_t push(http_loop *l, http_conn *c, const char *p, size_t n, bool more)
{
    size_t at = 0;
    while (at < n) {
        ssize_t r = c->stream->send(c, p + at, n - at, more);
        if (r > 0) {
            at += (size_t)r;
            continue;
        }
        if (r < 0 && errno == EINTR) continue;
        if (r < 0 && errno != EAGAIN) http_conn_drop(l, c);
        break;
    }
    count_add(&l->count.bytes_out, at);
    return at;
}

static void flush(http_loop *l, http_conn *c, bool more)
{
    size_t n = l->out_n;
    l->out_n = 0;
    if (!n || c->state == CONN_DEAD) return;
    size_t sent = c->out_n ? 0 : push(l, c, l->out, n, more);
    if (sent < n && c->state != CONN_DEAD) hold_back(c, l->out + sent, n - sent);
}

char *http_conn_room(http_loop *l, http_conn *c, size_t n)
{
    assert(n <= OUT_SIZE);
    if (OUT_SIZE - l->out_n < n) flush(l, c, true);
    return l->out + l->out_n;
}

void http_conn_put(http_loop *l, http_conn *c, const char *p, size_t n)
{
    if (!n) return;
    if (n <= OUT_SIZE) {
        memcpy(http_conn_room(l, c, n), p, n);
        l->out_n += n;
        return;
    }
    flush(l, c, true); /* a large body is not copied, but for what the socket does not take */
    if (c->state == CONN_DEAD) return;
    size_t sent = c->out_n ? 0 : push(l, c, p, n, false);
    if (sent < n && c->state != CONN_DEAD) hold_back(c, p + sent, n - sent);
}

static void writable(http_loop *l, http_conn *c)
{
    size_t sent = push(l, c, c->out + c->out_at, c->out_n - c->out_at, false);
    if (c->state == CONN_DEAD || !sent) return;
    c->out_at += sent;
    if (c->out_at < c->out_n) {
        time_from_now(l, c, TIMER_WRITE);
        return;
    }
    mem_free(c->out);
    c->out = NULL;
    c->out_at = c->out_n = 0;
    http_conn_resume(l, c);
}

/* ---- bytes in */

void http_conn_keep(http_loop *l, http_conn *c, const char *p, size_t n)
{
    assert(n <= l->in_size && !c->in_n);
    if (!n) return;
    if (c->in_cap < n) {
        mem_free(c->in);
        c->in_cap = n < 1024 ? 1024 : (uint32_t)n;
        c->in = mem_grow(NULL, c->in_cap, 1);
    }
    memcpy(c->in, p, n);
    c->in_n = (uint32_t)n;
}

/* Brings the bytes that waited to the front of the read buffer; returns how many. */
static size_t fetch(http_loop *l, http_conn *c)
{
    size_t n = c->in_n;
    if (n) memcpy(l->in, c->in, n);
    c->in_n = 0;
    return n;
}

void http_conn_again(http_loop *l, http_conn *c)
{
    if (c->again) return;
    c->again = true;
    c->turn_next = l->again;
    l->again = c;
}

/* read_some reads once; false: the connection was dropped, since the peer is gone or will send no
 * more and nobody waits for an answer. */
static bool read_some(http_loop *l, http_conn *c, char *p, size_t n, size_t *ret_n)
{
    ssize_t r = c->stream->recv(c, p, n);
    bool later = r < 0 && (errno == EAGAIN || errno == EINTR);
    if (r <= 0 && !later) {
        http_conn_drop(l, c);
        return false;
    }
    *ret_n = r > 0 ? (size_t)r : 0;
    if (later ? errno == EAGAIN : *ret_n < n && !c->half) c->ready = false;
    return true;
}

static void drop_input(http_loop *l, http_conn *c)
{
    size_t n;
    if (!read_some(l, c, l->in, l->in_size, &n)) return;
    c->dropped += n;
    if (c->dropped > 4 * l->s->limits.body_max + l->in_size)
        http_conn_drop(l, c);
    else if (c->ready)
        http_conn_again(l, c);
}

static bool takes_input(const http_conn *c)
{
    return (c->state == CONN_HEAD || c->state == CONN_BODY) && !c->out_n;
}

/* take_input hands over what waited together with what the socket has. */
static void take_input(http_loop *l, http_conn *c)
{
    size_t had = fetch(l, c), more = 0;
    if (c->ready && had < l->in_size) {
        if (!read_some(l, c, l->in + had, l->in_size - had, &more)) return;
        count_add(&l->count.bytes_in, more);
    }
    if (had + more) c->proto->input(l, c, l->in, had + more);
    http_conn_settle(l, c);
}

void http_conn_resume(http_loop *l, http_conn *c)
{
    flush(l, c, false); /* an answer from the pool, before an end of the input is seen */
    if (c->state == CONN_DEAD) return;
    if (c->state == CONN_LINGER)
        drop_input(l, c);
    else if (takes_input(c) && (c->in_n || c->ready))
        take_input(l, c);
    else
        http_conn_settle(l, c);
}

void http_conn_event(http_loop *l, http_conn *c, uint32_t events)
{
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) c->ready = true;
    if (events & EPOLLRDHUP) c->half = true;
    if (c->state != CONN_DEAD && (events & EPOLLOUT) && c->out_n) writable(l, c);
    if (c->state == CONN_DEAD || !c->ready || c->again) return;
    if (c->state == CONN_LINGER)
        drop_input(l, c);
    else if (takes_input(c))
        take_input(l, c);
    else if (events & (EPOLLHUP | EPOLLERR))
        http_conn_drop(l, c);
}

/* ---- what is due after each event */

static void begin_linger(http_conn *c)
{
    c->stream->shut(c);
    c->state = CONN_LINGER;
}

static conn_timer timer_due(const http_conn *c)
{
    if (c->out_n) return TIMER_WRITE;
    if (c->state == CONN_LINGER) return TIMER_LINGER;
    if (c->state == CONN_BODY) return TIMER_BODY;
    if (c->state == CONN_HEAD) return c->in_n ? TIMER_HEAD : TIMER_IDLE;
    return TIMER_NONE;
}

static void watch_out(http_loop *l, http_conn *c)
{
    struct epoll_event e = {.events = WATCH_BOTH, .data.ptr = c};
    int r = epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &e);
    assert(!r);
    (void)r;
    c->watches_out = true; /* from now on: it costs nothing while no send falls short */
}

void http_conn_settle(http_loop *l, http_conn *c)
{
    flush(l, c, false);
    if (c->state == CONN_FLUSH && !c->out_n) {
        if (c->linger || c->ready)
            begin_linger(c);
        else
            http_conn_drop(l, c);
    }
    if (c->state == CONN_DEAD) return;
    conn_timer due = timer_due(c);
    if (due != (conn_timer)c->timer || due == TIMER_IDLE) time_from_now(l, c, due);
    if (c->out_n && !c->watches_out) watch_out(l, c);
    if (c->ready && (takes_input(c) || c->state == CONN_LINGER)) http_conn_again(l, c);
}

void http_conn_sweep(http_loop *l, http_conn *c)
{
    assert(c->state != CONN_DEAD);
    bool idle = c->timer == TIMER_IDLE;
    if (idle && c->in && c->deadline_ms - l->s->limits.idle_ms + IN_KEPT_MS < l->now_ms) {
        mem_free(c->in);
        c->in = NULL;
        c->in_cap = 0;
    }
    if (l->now_ms < c->deadline_ms) return;
    if (c->timer == TIMER_HEAD || c->timer == TIMER_BODY) {
        c->proto->late(l, c);
        http_conn_settle(l, c);
    } else {
        http_conn_drop(l, c);
    }
}
