/* HTTP/1.1 on a connection: bytes become requests, requests go to the application, answers to the
 * connection. */
#include <assert.h>
#include <string.h>

#include "http/conn_int.h"

void http_refusal(http_server *s, str path, int status, const char *why, arena *a, http_response *w)
{
    http_response_init(w, status);
    if (s->app.on_refuse) {
        s->app.on_refuse(s->app.ctx, path, status, why, a, w);
        w->status = status;
    } else {
        w->content_type = "text/plain; charset=utf-8";
        w->body = str_fmt(a, "%s\n", why);
    }
}

/* refuse answers an error of our own and closes: what follows on this connection cannot be trusted,
 * or will not be read. */
static void refuse(http_loop *l, http_conn *c, const h1_head *h, int status, const char *why)
{
    http_response w;
    http_refusal(l->s, h ? h->path : STR(""), status, why, l->a, &w);
    reply_form form = {.no_body = h && str_is(h->method, "HEAD")};
    http_reply(l, c, &w, form);
    c->linger = true;
    count_add(&l->count.refused, 1);
    arena_reset(l->a);
}

/* ---- one request whose bytes are all here */

static void refuse_busy(http_loop *l, http_conn *c, str path, reply_form form)
{
    http_response w;
    http_refusal(l->s, path, 503, "too many requests are waiting, try again later", l->a, &w);
    bool told = false;
    for (size_t i = 0; i < w.n_extra; i++)
        told = told || str_eq_nocase(w.extra[i].name, STR("Retry-After"));
    if (!told && w.n_extra < HTTP_EXTRA_MAX)
        w.extra[w.n_extra++] = (http_header){STR("Retry-After"), STR("1")};
    http_reply(l, c, &w, form);
    count_add(&l->count.refused, 1);
    arena_reset(l->a);
}

/* defer moves a request to the pool. k holds its bytes already, or is NULL: then they stand at
 * head, body right behind. */
static void defer(http_loop *l, http_conn *c, const http_request *r, str bytes, size_t head_n,
                  reply_form form, http_kept *k)
{
    bool fits = true;
    if (!k) {
        k = http_kept_new(l, c);
        k->head_n = head_n;
        fits = http_kept_put(k, bytes.p, bytes.n);
    }
    if (fits) {
        http_kept_bind(k);
        k->r.start_us = r->start_us;
        k->form = form;
        http_response_init(&k->w, 200);
        c->kept = k;
        c->state = CONN_WORK;
        if (http_defer(k)) return;
        c->kept = NULL;
    }
    c->state = CONN_HEAD;
    refuse_busy(l, c, r->path, form);
    http_kept_release(k);
}

/* serve asks the application. body stands right behind the head in memory. k: as in defer. */
static void serve(http_loop *l, http_conn *c, const h1_head *h, str head, str body, http_kept *k)
{
    http_request r = {.method = h->method,
                      .path = h->path,
                      .query = h->query,
                      .headers = h->headers,
                      .n_headers = h->n_headers,
                      .body = body,
                      .a = l->a,
                      .loop = l->id,
                      .start_us = l->now_us};
    reply_form form = {.keep = h->keep, .http10 = h->http10, .no_body = str_is(h->method, "HEAD")};
    http_response w;
    http_response_init(&w, 200);
    count_add(&l->count.requests, 1);
    if (l->s->app.on_request(l->s->app.ctx, &r, &w) == HTTP_DEFER) {
        defer(l, c, &r, (str){head.p, head.n + body.n}, head.n, form, k);
    } else {
        http_reply(l, c, &w, form);
        if (k) http_kept_release(k);
    }
    arena_reset(l->a);
}

/* ---- a body that is not all here */

static void begin_body(http_loop *l, http_conn *c, const char *p, const h1_head *h, size_t body_max)
{
    http_kept *k = http_kept_new(l, c);
    k->head_n = h->size;
    k->body_max = body_max;
    k->chunked = h->chunked;
    k->left = h->length;
    if (!http_kept_put(k, p, h->size)) {
        http_kept_release(k);
        refuse(l, c, h, 503, "too much memory is held by request bodies, try again later");
        return;
    }
    c->kept = k;
    c->state = CONN_BODY;
    if (h->expects) http_conn_put(l, c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

/* leave_body takes the request out of the connection and reads its head again, now from the kept
 * bytes. */
static http_kept *leave_body(http_loop *l, http_conn *c, h1_head *ret)
{
    http_kept *k = c->kept;
    c->kept = NULL;
    c->state = CONN_HEAD;
    c->timer = TIMER_NONE;
    http_kept_head(k, l->headers, ret);
    return k;
}

/* refuse_body ends a request while its body comes in. */
static void refuse_body(http_loop *l, http_conn *c, int status, const char *why)
{
    h1_head h;
    http_kept *k = leave_body(l, c, &h);
    refuse(l, c, &h, status, why);
    http_kept_release(k);
}

static void end_body(http_loop *l, http_conn *c)
{
    h1_head h;
    http_kept *k = leave_body(l, c, &h);
    str body = {k->bytes.p + k->head_n, k->bytes.n - k->head_n};
    serve(l, c, &h, (str){k->bytes.p, k->head_n}, body, k);
}

/* take_body returns how many bytes it used; all, unless the body ended. */
static size_t take_body(http_loop *l, http_conn *c, char *p, size_t n)
{
    http_kept *k = c->kept;
    size_t used = n, data = n;
    bool whole;
    if (k->chunked) {
        const char *why = NULL;
        h1_result r = h1_chunks_read(&k->chunks, p, n, &used, &data, &why);
        if (r == H1_BAD) {
            refuse_body(l, c, 400, why);
            return n;
        }
        whole = r == H1_READY;
        if (data > k->body_max - (k->bytes.n - k->head_n)) {
            refuse_body(l, c, 413, "the body of the request is too large");
            return n;
        }
    } else {
        if (k->left < n) used = data = (size_t)k->left;
        k->left -= used;
        whole = !k->left;
    }
    if (!http_kept_put(k, p, data)) {
        refuse_body(l, c, 503, "too much memory is held by request bodies, try again later");
        return n;
    }
    if (whole) end_body(l, c);
    return used;
}

/* ---- heads */

/* The Host of nearly every request is the same few bytes, so the last good one is remembered. */
static bool host_is_ours(http_loop *l, str host)
{
    if (host.n && host.n == l->host_memo_n && !memcmp(host.p, l->host_memo, host.n)) return true;
    if (!http_host_is_loopback(host)) return false;
    if (host.n <= HOST_MEMO_MAX) {
        memcpy(l->host_memo, host.p, host.n);
        l->host_memo_n = host.n;
    }
    return true;
}

/* A page of some other site must reach nothing here, neither under a name of its own that resolves
 * to this machine (Host: DNS rebinding) nor by a form or a script (Origin). */
static const char *foreign(http_loop *l, const h1_head *h)
{
    if (h->host.p && !host_is_ours(l, h->host))
        return "Host is not this machine, want localhost or 127.0.0.1";
    if (h->origin.p && !http_origin_is_loopback(h->origin))
        return "Origin is not this machine, want http://localhost or http://127.0.0.1";
    return NULL;
}

static size_t body_limit(http_loop *l, const h1_head *h)
{
    const http_app *app = &l->s->app;
    size_t all = l->s->limits.body_max;
    if (!app->body_max) return all;
    size_t own = app->body_max(app->ctx, h->method, h->path);
    return own < all ? own : all;
}

/* take_head returns how many bytes it used; 0: the head is not all here. */
static size_t take_head(http_loop *l, http_conn *c, const char *p, size_t n)
{
    h1_head h = {.headers = l->headers,
                 .headers_max = l->s->limits.headers_max,
                 .head_max = l->s->limits.head_max};
    size_t scanned = c->scanned;
    h1_result r = h1_head_read(p, n, &scanned, &h);
    c->scanned = r == H1_MORE ? (uint32_t)scanned : 0;
    if (r == H1_MORE) return 0;
    c->timer = TIMER_NONE; /* the time of the next head or body begins anew */
    if (r == H1_BAD) {
        refuse(l, c, &h, h.status, h.why);
        return n;
    }
    const char *why = foreign(l, &h);
    if (why) {
        refuse(l, c, &h, 403, why);
        return n;
    }
    str head = {p, h.size}, body = {p + h.size, 0};
    if (!h.chunked && !h.length) {
        serve(l, c, &h, head, body, NULL);
        return h.size;
    }
    size_t body_max = body_limit(l, &h);
    if (h.length > body_max || !body_max) {
        refuse(l, c, &h, 413,
               body_max ? "the body of the request is too large" : "no body is allowed here");
        return n;
    }
    if (!h.chunked && h.length <= n - h.size) {
        body.n = (size_t)h.length;
        serve(l, c, &h, head, body, NULL);
        return h.size + body.n;
    }
    begin_body(l, c, p, &h, body_max);
    return h.size;
}

static bool goes_on(const http_conn *c)
{
    return (c->state == CONN_HEAD || c->state == CONN_BODY) && !c->out_n;
}

static void h1_input(http_loop *l, http_conn *c, char *p, size_t n)
{
    size_t at = 0, heads = 0;
    while (at < n && goes_on(c)) {
        if (c->state == CONN_HEAD && heads++ == l->s->limits.pipeline_max) {
            http_conn_again(l, c); /* others first */
            break;
        }
        size_t used = c->state == CONN_BODY ? take_body(l, c, p + at, n - at)
                                            : take_head(l, c, p + at, n - at);
        if (!used) break;
        at += used;
    }
    bool more = c->state == CONN_HEAD || c->state == CONN_BODY || c->state == CONN_WORK;
    if (more)
        http_conn_keep(l, c, p + at, n - at);
    else if (at < n)
        c->linger = true; /* closing with unread bytes would reset the connection */
}

static void h1_answer(http_loop *l, http_conn *c, http_kept *k)
{
    assert(c->state == CONN_WORK);
    http_reply(l, c, &k->w, k->form);
    if (c->in_n) c->linger = true; /* as above, should this answer be the last */
    arena_reset(l->a);
}

static void h1_late(http_loop *l, http_conn *c)
{
    static const char why[] = "the request took too long to arrive";
    if (c->state == CONN_BODY)
        refuse_body(l, c, 408, why);
    else
        refuse(l, c, NULL, 408, why);
    c->in_n = 0;
    c->scanned = 0;
}

const proto_ops http_proto_h1 = {h1_input, h1_answer, h1_late};
