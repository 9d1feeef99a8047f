#include "http/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/proc.h"
#include "http/conn_int.h"

enum { LOOPS_MAX = 256, WORKERS_MAX = 256, BACKLOG = 4096, HEADERS_MAX = 1024, HEAD_LEAST = 256 };

const http_limits http_limits_default = {.head_max = 16 * 1024,
                                         .headers_max = 64,
                                         .body_max = 16 * 1024 * 1024,
                                         .connections_max = 20000,
                                         .pool_queue_max = 1024,
                                         .pipeline_max = 64,
                                         .kept_max = 1024 * 1024 * 1024,
                                         .head_ms = 10 * 1000,
                                         .body_ms = 30 * 1000,
                                         .idle_ms = 75 * 1000,
                                         .write_ms = 30 * 1000,
                                         .drain_ms = 30 * 1000};

/* ---- options */

static void fill_limits(http_limits *m)
{
    const http_limits *d = &http_limits_default;
    if (!m->head_max) m->head_max = d->head_max;
    if (!m->headers_max) m->headers_max = d->headers_max;
    if (!m->body_max) m->body_max = d->body_max;
    if (!m->connections_max) m->connections_max = d->connections_max;
    if (!m->pool_queue_max) m->pool_queue_max = d->pool_queue_max;
    if (!m->pipeline_max) m->pipeline_max = d->pipeline_max;
    if (!m->kept_max) m->kept_max = d->kept_max;
    if (!m->head_ms) m->head_ms = d->head_ms;
    if (!m->body_ms) m->body_ms = d->body_ms;
    if (!m->idle_ms) m->idle_ms = d->idle_ms;
    if (!m->write_ms) m->write_ms = d->write_ms;
    if (!m->drain_ms) m->drain_ms = d->drain_ms;
}

static err check_limits(const http_limits *m)
{
    const size_t size_most = (size_t)1 << 30;
    const int64_t ms_most = (int64_t)24 * 3600 * 1000;
    const int64_t times[] = {m->head_ms, m->body_ms, m->idle_ms, m->write_ms, m->drain_ms};
    if (m->head_max < HEAD_LEAST || m->head_max > (1 << 20))
        return err_set(ERR_INVALID, "http: head_max: %zu, want %d to 1048576 bytes", m->head_max,
                       HEAD_LEAST);
    if (m->headers_max > HEADERS_MAX)
        return err_set(ERR_INVALID, "http: headers_max: %zu, want at most %d", m->headers_max,
                       HEADERS_MAX);
    if (m->body_max > size_most)
        return err_set(ERR_INVALID, "http: body_max: %zu, want at most 1 GiB", m->body_max);
    for (size_t i = 0; i < countof(times); i++)
        if (times[i] < 1 || times[i] > ms_most)
            return err_set(ERR_INVALID, "http: a time limit of %lld ms, want 1 ms to 24 h",
                           (long long)times[i]);
    return ERR_OK;
}

typedef union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} address;

static socklen_t address_size(const address *a)
{
    return a->any.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->v4;
}

/* No name but localhost is looked up: what a resolver says is not for us to trust. */
static err read_address(const char *host, int port, address *ret)
{
    address a = {0};
    if (port < 0 || port > 65535)
        return err_set(ERR_INVALID, "http: port %d, want 0 to 65535", port);
    if (!host || !strcmp(host, "localhost")) host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &a.v4.sin_addr) == 1) {
        a.v4.sin_family = AF_INET;
        a.v4.sin_port = htons((uint16_t)port);
        if (ntohl(a.v4.sin_addr.s_addr) >> 24 == 127) {
            *ret = a;
            return ERR_OK;
        }
    } else if (inet_pton(AF_INET6, host, &a.v6.sin6_addr) == 1) {
        a.v6.sin6_family = AF_INET6;
        a.v6.sin6_port = htons((uint16_t)port);
        if (IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr)) {
            *ret = a;
            return ERR_OK;
        }
    } else {
        return err_set(ERR_INVALID,
                       "http: host '%s' is not an address, want 127.0.0.1, ::1 or localhost", host);
    }
    return err_set(ERR_DENIED,
                   "http: host %s: only this machine may be served until authentication is "
                   "configured, use 127.0.0.1",
                   host);
}

/* ---- listening */

static err set_option(int fd, int level, int name)
{
    const int on = 1;
    if (setsockopt(fd, level, name, &on, sizeof on)) return err_sys(ERR_IO, "http: setsockopt");
    return ERR_OK;
}

static err listen_failed(const address *a)
{
    int port = ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
    if (errno == EADDRINUSE)
        return err_set(ERR_CONFLICT,
                       "http: port %d: address in use, stop the program that has it or choose "
                       "another port",
                       port);
    return err_sys(ERR_IO, "http: cannot listen on port %d", port);
}

/* Several sockets on one port need SO_REUSEPORT, which would also let a second server in. So the
 * first one takes the port alone and says only then that it shares: from there on other sockets of
 * this user get in, of whom only ours ask. A second server is refused because its own first socket
 * asks for the port alone. */
static err setup_listener(int fd, const address *a, bool first)
{
    TRY(set_option(fd, SOL_SOCKET, SO_REUSEADDR)); /* not blocked by connections that linger */
    if (a->any.sa_family == AF_INET6) TRY(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY));
    TRY(set_option(fd, IPPROTO_TCP, TCP_NODELAY)); /* inherited by what is accepted */
    if (!first) TRY(set_option(fd, SOL_SOCKET, SO_REUSEPORT));
    if (bind(fd, &a->any, address_size(a)) || listen(fd, BACKLOG)) return listen_failed(a);
    if (first) TRY(set_option(fd, SOL_SOCKET, SO_REUSEPORT));
    return ERR_OK;
}

static err listen_on(const address *a, bool first, int *ret_fd)
{
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return err_sys(ERR_IO, "http: socket");
    err e = setup_listener(fd, a, first);
    if (e) {
        (void)close(fd);
        return e;
    }
    *ret_fd = fd;
    return ERR_OK;
}

static err add_loop(http_server *s, address *a)
{
    int fd = -1;
    bool first = !s->n_loops;
    TRY(listen_on(a, first, &fd));
    if (first) { /* port 0 became a real one */
        socklen_t n = sizeof *a;
        int r = getsockname(fd, &a->any, &n);
        assert(!r);
        (void)r;
        s->port = ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
    }
    err e = http_loop_new(s, s->n_loops, fd, &s->loops[s->n_loops]);
    if (e) {
        (void)close(fd);
        return e;
    }
    s->n_loops++;
    return ERR_OK;
}

/* ---- life */

err http_server_new(const http_options *o, http_server **ret)
{
    assert(o && ret && o->app.on_request);
    address a;
    http_limits limits = o->limits;
    size_t n_loops = o->n_loops ? o->n_loops : (size_t)proc_cpus();
    fill_limits(&limits);
    TRY(check_limits(&limits));
    if (n_loops > LOOPS_MAX || o->n_workers > WORKERS_MAX)
        return err_set(ERR_INVALID, "http: %zu loops and %zu workers, want at most %d of each",
                       n_loops, o->n_workers, LOOPS_MAX);
    size_t name_n = o->server_name ? strlen(o->server_name) : 0;
    if (name_n > 100) return err_set(ERR_INVALID, "http: server_name is longer than 100 bytes");
    TRY(read_address(o->host, o->port, &a));

    http_server *s = mem_new(1, sizeof *s);
    s->app = o->app;
    s->limits = limits;
    if (name_n) s->name = memcpy(mem_new(name_n + 1, 1), o->server_name, name_n);
    s->loops = mem_new(n_loops, sizeof(http_loop *));
    for (size_t i = 0; i < n_loops; i++) {
        err e = add_loop(s, &a);
        if (e) {
            http_server_free(s);
            return e;
        }
    }
    if (o->app.on_work)
        s->pool = pool_new("http-work", o->n_workers ? o->n_workers : 4, limits.pool_queue_max);
    *ret = s;
    return ERR_OK;
}

err http_server_start(http_server *s)
{
    assert(!s->started);
    sigset_t all, old;
    err e = ERR_OK;
    size_t n = 0;
    sigfillset(&all); /* signals are for the thread of main */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (; n < s->n_loops && !e; n++) {
        int r = pthread_create(&s->loops[n]->thread, NULL, http_loop_run, s->loops[n]);
        if (r) {
            errno = r;
            e = err_sys(ERR_IO, "http: cannot start the thread of loop %zu", n);
            break;
        }
        char name[32]; /* the kernel takes 15 bytes; LOOPS_MAX fits */
        (void)snprintf(name, sizeof name, "http-%zu", n);
        (void)pthread_setname_np(s->loops[n]->thread, name);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    s->started = true;
    if (!e) return ERR_OK;
    for (size_t i = n; i < s->n_loops; i++) /* those that never ran are not joined */
        http_loop_free(s->loops[i]);
    s->n_loops = n;
    http_server_drain(s);
    return e;
}

int http_server_port(const http_server *s)
{
    return s->port;
}

void http_server_drain(http_server *s)
{
    assert(s->started && !s->drained);
    s->drained = true;
    atomic_store_explicit(&s->draining, true, memory_order_release);
    for (size_t i = 0; i < s->n_loops; i++)
        http_loop_wake(s->loops[i]);
    for (size_t i = 0; i < s->n_loops; i++)
        pthread_join(s->loops[i]->thread, NULL);
    pool_free(s->pool);
    s->pool = NULL;
}

void http_server_free(http_server *s)
{
    if (!s) return;
    if (s->started && !s->drained) http_server_drain(s);
    pool_free(s->pool);
    for (size_t i = 0; i < s->n_loops; i++)
        http_loop_free(s->loops[i]);
    mem_free(s->loops);
    mem_free(s->name);
    mem_free(s);
}

void http_server_counters(const http_server *s, http_counters *ret)
{
    http_counters sum = {0};
    for (size_t i = 0; i < s->n_loops; i++) {
        const loop_counters *c = &s->loops[i]->count;
        sum.accepted += atomic_load_explicit(&c->accepted, memory_order_relaxed);
        sum.requests += atomic_load_explicit(&c->requests, memory_order_relaxed);
        sum.refused += atomic_load_explicit(&c->refused, memory_order_relaxed);
        sum.bytes_in += atomic_load_explicit(&c->bytes_in, memory_order_relaxed);
        sum.bytes_out += atomic_load_explicit(&c->bytes_out, memory_order_relaxed);
        sum.open += atomic_load_explicit(&c->open, memory_order_relaxed);
        sum.deferred += atomic_load_explicit(&c->deferred, memory_order_relaxed);
        for (size_t j = 0; j < countof(sum.status); j++)
            sum.status[j] += atomic_load_explicit(&c->status[j], memory_order_relaxed);
    }
    *ret = sum;
}

str http_find_header(const http_request *r, const char *name)
{
    str want = str_of(name);
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_eq_nocase(r->headers[i].name, want)) return r->headers[i].value;
    return (str){NULL, 0};
}
