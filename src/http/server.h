/* http/server: an HTTP/1.1 server of event loops.
 *
 * One loop a core, each with its own listening socket (SO_REUSEPORT, epoll); a connection lives and
 * dies on one loop. A loop parses (picohttpparser; framing rules are ours: RFC 9112), asks the
 * application, writes. The application answers at once on the loop (it must not block) or defers:
 * then the request's bytes are kept, on_work runs on the pool, and the answer comes back to the
 * loop. No malloc a request in the steady state: one read buffer a loop, one arena a loop for
 * requests answered at once. Seams: `struct stream_ops` (plain now, TLS later) below, and the
 * protocol of a connection (HTTP/1.1 now, HTTP/2 later) above; see http/conn_int.h.
 *
 * Limits are all in http_limits; passing one gives 400, 408, 413, 414, 429, 431 or 503 that the
 * client can read (lingering close). */
#ifndef TIDEMILL_HTTP_SERVER_H
#define TIDEMILL_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

typedef struct http_header {
    str name, value;
} http_header;

typedef struct http_request {
    str method, path, query; /* path and query as sent, still percent-encoded */
    const http_header *headers;
    size_t n_headers;
    str body;
    arena *a;    /* for the answer; reset when it was sent */
    size_t loop; /* 0..n_loops-1: whose thread (on_request), or whose connection (on_work) */
    int64_t start_us;
} http_request;

enum { HTTP_EXTRA_MAX = 8 };
typedef struct http_response {
    int status;               /* preset 200 */
    const char *content_type; /* static text; preset "application/json" */
    str body;                 /* in r->a or static; sent from there */
    http_header extra[HTTP_EXTRA_MAX];
    size_t n_extra;
    bool close; /* answer, then close the connection */
} http_response;

typedef enum http_next { HTTP_ANSWER, HTTP_DEFER } http_next;

/* What the application is; ctx is passed to each. */
typedef struct http_app {
    http_next (*on_request)(void *ctx, http_request *r,
                            http_response *w); /* loop thread; never blocks */
    void (*on_work)(void *ctx, http_request *r,
                    http_response *w); /* pool thread, after HTTP_DEFER */
    /* Body limit for a request whose head was read; 0: no body allowed. NULL: limits.body_max. */
    size_t (*body_max)(void *ctx, str method, str path);
    /* Around each turn of a loop (a batch of events): between enter and leave the loop may hold
     * pointers into the application's current snapshot. May be NULL. */
    void (*turn_enter)(void *ctx, size_t loop);
    void (*turn_leave)(void *ctx, size_t loop);
    /* An error that the server itself answers (malformed request, limits, busy): fills body and
     * content type in the application's error form. */
    void (*on_refuse)(void *ctx, str path, int status, const char *why, arena *a, http_response *w);
    void *ctx;
} http_app;

typedef struct http_limits {
    size_t head_max, headers_max, body_max; /* bytes, count, bytes */
    size_t connections_max, pool_queue_max;
    size_t pipeline_max; /* requests of one connection in a row, before the other connections have
                            their turn */
    size_t kept_max;     /* bytes of memory of all bodies that are coming in and of all deferred
                            requests */
    int64_t head_ms, body_ms, idle_ms, write_ms, drain_ms;
} http_limits;
extern const http_limits http_limits_default; /* 16 KiB, 64, 16 MiB; 20,000, 1,024, 64, 1 GiB; 10 s,
                                                 30 s, 75 s, 30 s, 30 s */

typedef struct http_options {
    const char *host; /* only loopback addresses, until authentication exists: ERR_DENIED */
    int port;         /* 0: any free one */
    size_t n_loops, n_workers;
    http_limits limits;
    http_app app;
    const char *server_name; /* Server header; NULL: none */
} http_options;

typedef struct http_server http_server;

/* http_server_new binds and listens (ERR_CONFLICT "address in use" naming the port); nothing is
 * accepted before http_server_start. */
MUST_CHECK err http_server_new(const http_options *o, http_server **ret);
MUST_CHECK err http_server_start(http_server *s); /* starts the loop threads */
int http_server_port(const http_server *s);
/* http_server_drain stops accepting, lets running requests end (at most limits.drain_ms), closes
 * the rest and joins. Callable once, from any non-loop thread. */
void http_server_drain(http_server *s);
void http_server_free(http_server *s);
AUTO_DEFINE(http_server)

typedef struct http_counters {
    uint64_t accepted, requests, refused, bytes_in, bytes_out, open, deferred,
        status[6]; /* status[c]: answers of class c00 */
} http_counters;
void http_server_counters(const http_server *s,
                          http_counters *ret); /* any thread; sums of relaxed per-loop counters */

/* http_find_header: first header of that name, any case; {NULL, 0}-like empty str with p == NULL
 * when absent. */
str http_find_header(const http_request *r, const char *name);
/* http_host_is_loopback: a Host value (or an Origin's authority) that names this machine:
 * localhost, 127.0.0.0/8, [::1], with or without a port. Requests whose Host or Origin is foreign
 * are answered 403 before the application is asked. */
bool http_host_is_loopback(str host);
/* http_query: percent-decoded value of key in the query string ("" with found false when absent).
 * Owner: a. ERR_FORMAT on bad escapes. */
MUST_CHECK err http_query(arena *a, str query, const char *key, bool *ret_found, str *ret);
MUST_CHECK err http_unescape(arena *a, str s, str *ret);
const char *http_status_text(int status);

#endif
