/* tests: a real server with a small application, and a client that counts bytes. */
#ifndef TIDEMILL_TESTS_HTTP_RIG_H
#define TIDEMILL_TESTS_HTTP_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "http/server.h"
#include "test.h"

#define HOST "Host: 127.0.0.1\r\n"
#define HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"
#define HELLO_CLOSE "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"

enum { RIG_PATIENCE_MS = 20000 }; /* sanitizers and a busy machine are slow */

typedef struct rig {
    http_server *s;
    int port;
    _Atomic int gate;    /* /gate waits on the pool until this is not 0 */
    _Atomic int waiting; /* how many wait there */
    _Atomic int entered, left; /* turns */
} rig;

static inline str rig_number(const http_request *r, const char *key)
{
    str v = STR("");
    bool found = false;
    if (http_query(r->a, r->query, key, &found, &v) || !found) return STR("0");
    return v;
}

static inline void rig_big(http_request *r, http_response *w)
{
    uint64_t n = 0;
    if (parse_u64(rig_number(r, "n"), &n) || n > (64 << 20)) n = 0;
    char *p = arena_alloc_raw(r->a, n + 1, 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + i % 26);
    w->body = (str){p, n};
}

static inline void rig_describe(http_request *r, http_response *w)
{
    str x = http_find_header(r, "X-Word");
    w->content_type = "text/plain";
    w->body = str_fmt(r->a, "%.*s|%.*s|%.*s|%zu|%zu|%.*s", STR_ARG(r->method), STR_ARG(r->path),
                      STR_ARG(r->query), r->n_headers, r->body.n, STR_ARG(x));
}

static inline http_next rig_on_request(void *ctx, http_request *r, http_response *w)
{
    rig *g = ctx;
    ck_assert_int_gt(g->entered, g->left); /* inside a turn */
    w->content_type = "text/plain";
    if (str_is(r->path, "/hello")) w->body = STR("hello");
    else if (str_is(r->path, "/echo")) w->body = str_dup(r->a, r->body);
    else if (str_is(r->path, "/small")) w->body = STR("small");
    else if (str_is(r->path, "/describe")) rig_describe(r, w);
    else if (str_is(r->path, "/big")) rig_big(r, w);
    else if (str_is(r->path, "/work") || str_is(r->path, "/gate")) return HTTP_DEFER;
    else if (str_is(r->path, "/empty")) w->status = 204;
    else if (str_is(r->path, "/json")) {
        w->content_type = "application/json";
        w->body = STR("{}");
    } else if (str_is(r->path, "/close")) w->close = true;
    else if (str_is(r->path, "/extra")) {
        w->extra[w->n_extra++] = (http_header){STR("X-A"), STR("1")};
        w->extra[w->n_extra++] = (http_header){STR("X-B"), STR("2\r\nX-Evil: 3")};
    } else if (str_is(r->path, "/long")) {
        str v = {arena_alloc(r->a, 20000, 1), 20000};
        w->extra[w->n_extra++] = (http_header){STR("X-Long"), v};
    } else {
        w->status = 404;
    }
    return HTTP_ANSWER;
}

static inline void rig_on_work(void *ctx, http_request *r, http_response *w)
{
    rig *g = ctx;
    w->content_type = "text/plain";
    if (str_is(r->path, "/gate")) {
        g->waiting++;
        while (!g->gate)
            sleep_ms(1);
        g->waiting--;
    }
    if (r->body.n) w->body = r->body;
    else w->body = str_fmt(r->a, "worked %.*s", STR_ARG(r->query));
}

static inline size_t rig_body_max(void *ctx, str method, str path)
{
    (void)ctx;
    if (str_is(path, "/small")) return 10;
    return str_is(method, "GET") ? 0 : (size_t)-1;
}

static inline void rig_on_refuse(void *ctx, str path, int status, const char *why, arena *a,
                                 http_response *w)
{
    (void)ctx;
    (void)path;
    w->body = str_fmt(a, "{\"status\":%d,\"why\":\"%s\"}", status, why);
}

static inline void rig_enter(void *ctx, size_t loop)
{
    (void)loop;
    ((rig *)ctx)->entered++;
}

static inline void rig_leave(void *ctx, size_t loop)
{
    (void)loop;
    ((rig *)ctx)->left++;
}

static inline http_options rig_options(rig *g)
{
    return (http_options){.host = "127.0.0.1",
                          .n_loops = 2,
                          .n_workers = 2,
                          .app = {.on_request = rig_on_request,
                                  .on_work = rig_on_work,
                                  .body_max = rig_body_max,
                                  .turn_enter = rig_enter,
                                  .turn_leave = rig_leave,
                                  .on_refuse = rig_on_refuse,
                                  .ctx = g}};
}

static inline void rig_start_with(rig *g, const http_options *o)
{
    ck_ok(http_server_new(o, &g->s));
    g->port = http_server_port(g->s);
    ck_ok(http_server_start(g->s));
}

static inline void rig_start(rig *g, http_limits limits)
{
    http_options o = rig_options(g);
    o.limits = limits;
    rig_start_with(g, &o);
}

static inline void rig_stop(rig *g)
{
    http_server_drain(g->s);
    http_server_free(g->s);
}

/* ---- the client's side */

typedef struct wire {
    int fd;
    buf in;
    size_t at;  /* in.p[at..] is not yet read as an answer */
    bool ended; /* the server closed its side */
} wire;

static inline wire wire_open(int port)
{
    wire x = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const int on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(x.fd, 0);
    ck_assert_int_eq(setsockopt(x.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    ck_assert_msg(!connect(x.fd, (struct sockaddr *)&a, sizeof a), "connect: %s", strerror(errno));
    buf_init(&x.in, 128 << 20);
    return x;
}

static inline void wire_close(wire *x)
{
    buf_done(&x->in);
    ck_assert_int_eq(close(x->fd), 0);
}

/* wire_send returns false when the server closed the connection meanwhile. */
static inline bool wire_send(wire *x, const char *p, size_t n)
{
    while (n) {
        ssize_t r = send(x->fd, p, n, MSG_NOSIGNAL);
        if (r < 0) return false;
        p += r;
        n -= (size_t)r;
    }
    return true;
}

static inline bool wire_puts(wire *x, const char *s)
{
    return wire_send(x, s, strlen(s));
}

/* wire_more waits for more bytes; false when the connection ended (a reset counts as ended) or nothing came in ms. */
static inline bool wire_more(wire *x, int ms)
{
    struct pollfd p = {.fd = x->fd, .events = POLLIN};
    if (x->ended || poll(&p, 1, ms) != 1) return false;
    char *to = buf_room(&x->in, 65536);
    ck_assert_ptr_nonnull(to);
    ssize_t r = recv(x->fd, to, 65536, 0);
    if (r <= 0) x->ended = true;
    else x->in.n += (size_t)r;
    return r > 0;
}

static inline void wire_to_end(wire *x)
{
    while (wire_more(x, RIG_PATIENCE_MS))
        ;
    ck_assert_msg(x->ended, "the server does not close the connection");
}

typedef struct answer {
    int status;
    str head, body;
} answer;

/* A header's value in the head, or p == NULL. */
static inline str answer_header(const answer *w, const char *name)
{
    str rest = w->head, line;
    while (rest.n) {
        str key, value;
        str_cut(rest, '\n', &line, &rest);
        if (str_cut(line, ':', &key, &value) && str_eq_nocase(key, str_of(name)))
            return str_trim(value);
    }
    return (str){NULL, 0};
}

/* answer_parse reads one answer off the front of s; false when it is not all there. Checks its form. */
static inline bool answer_parse(str s, bool no_body, answer *ret, size_t *ret_used)
{
    size_t end = 0;
    if (!str_find(s, STR("\r\n\r\n"), &end)) return false;
    answer w = {.head = {s.p, end + 4}};
    uint64_t length = 0, status = 0;
    ck_assert_msg(s.n > 12 && !memcmp(s.p, "HTTP/1.1 ", 9), "not an answer: %.*s", STR_ARG(s));
    ck_ok(parse_u64((str){s.p + 9, 3}, &status));
    w.status = (int)status;
    str v = answer_header(&w, "Content-Length");
    if (v.p) ck_ok(parse_u64(v, &length));
    if (no_body) length = 0;
    if (s.n - w.head.n < length) return false;
    w.body = (str){s.p + w.head.n, length};
    *ret = w;
    *ret_used = w.head.n + length;
    return true;
}

/* wire_answer waits for the next answer; 100 Continue counts as one. Borrowed until the next call. */
static inline bool wire_try_answer(wire *x, bool no_body, answer *ret)
{
    size_t used;
    while (!answer_parse((str){x->in.p + x->at, x->in.n - x->at}, no_body, ret, &used))
        if (!wire_more(x, RIG_PATIENCE_MS)) return false;
    x->at += used;
    return true;
}

static inline answer wire_answer(wire *x)
{
    answer w = {0};
    ck_assert_msg(wire_try_answer(x, false, &w), "no answer came; the server %s",
                  x->ended ? "closed the connection" : "is silent");
    return w;
}

static inline void ck_answer(answer w, int status, const char *body)
{
    ck_assert_msg(w.status == status, "status %d, want %d: %.*s", w.status, status,
                  STR_ARG(w.body));
    ck_assert_msg(!body || str_is(w.body, body), "body '%.*s', want '%s'", STR_ARG(w.body),
                  body ? body : "");
}

/* ck_asked: one connection, these bytes, the first answer. */
static inline void ck_asked(int port, const char *bytes, int status, const char *body)
{
    wire x = wire_open(port);
    wire_puts(&x, bytes);
    ck_answer(wire_answer(&x), status, body);
    wire_close(&x);
}

#endif
