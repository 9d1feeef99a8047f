/* tests: a real server with a small application. */
#ifndef TIDEMILL_TESTS_HTTP_RIG_H
#define TIDEMILL_TESTS_HTTP_RIG_H

#include <stdatomic.h>

#include "base/clock.h"
#include "http/server.h"
#include "http_wire.h"
#include "test.h"

#define HOST        "Host: 127.0.0.1\r\n"
#define HELLO       "GET /hello HTTP/1.1\r\n" HOST "\r\n"
#define HELLO_CLOSE "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"

enum { RIG_LOOPS_MAX = 4 };

typedef struct rig {
    http_server *s;
    int port;
    _Atomic int gate;          /* /gate waits on the pool until this is not 0 */
    _Atomic int waiting;       /* how many wait there */
    _Atomic int entered, left; /* turns */
    _Atomic int served[RIG_LOOPS_MAX];
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
    g->served[r->loop]++;
    w->content_type = "text/plain";
    if (str_is(r->path, "/hello"))
        w->body = STR("hello");
    else if (str_is(r->path, "/echo"))
        w->body = str_dup(r->a, r->body);
    else if (str_is(r->path, "/small"))
        w->body = STR("small");
    else if (str_is(r->path, "/describe"))
        rig_describe(r, w);
    else if (str_is(r->path, "/big"))
        rig_big(r, w);
    else if (str_is(r->path, "/work") || str_is(r->path, "/gate"))
        return HTTP_DEFER;
    else if (str_is(r->path, "/empty"))
        w->status = 204;
    else if (str_is(r->path, "/json")) {
        w->content_type = "application/json";
        w->body = STR("{}");
    } else if (str_is(r->path, "/close"))
        w->close = true;
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
    if (r->body.n)
        w->body = r->body;
    else
        w->body = str_fmt(r->a, "worked %.*s", STR_ARG(r->query));
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

#endif
