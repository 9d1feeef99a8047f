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
 * What the server refuses by itself: 400 (framing that is not plainly right), 403 (foreign Host or
 * Origin), 408, 413, 414, 417, 431, 501 (a Transfer-Encoding other than chunked), 503. The client
 * can read it (lingering close), and the connection ends, but after the 503 of a full pool.
 * Transfer-Encoding, Expect and keep-alive are dealt with here; HEAD is asked like GET and answered
 * without the body. Limits are all in http_limits. */
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

/* One request. All strs are borrowed until on_request (or, after HTTP_DEFER, on_work) returns. */
typedef struct http_request {
    str method, path, query; /* path and query as sent, still percent-encoded */
    const http_header *headers;
    size_t n_headers;
    str body;
    arena *a;         /* for the answer; reset when it was sent */
    size_t loop;      /* 0..n_loops-1: whose thread (on_request), or whose connection (on_work) */
    int64_t start_us; /* mono_us() when the loop's turn began that read the request's last byte */
} http_request;

enum { HTTP_EXTRA_MAX = 8 };

/* Content-Length, Date, Server and Connection are the server's; 204 and 304 have no body. Control
 * bytes in extra values are written as spaces; a head over 16 KiB becomes a 500. */
typedef struct http_response {
    int status;               /* preset 200 */
    const char *content_type; /* static text; preset "application/json" */
    str body;                 /* in r->a, in r->body or static; sent from there */
    http_header extra[HTTP_EXTRA_MAX];
    size_t n_extra;
    bool close; /* answer, then close the connection */
} http_response;

typedef enum http_next { HTTP_ANSWER, HTTP_DEFER } http_next;

/* What the application is; ctx is passed to each. */
typedef struct http_app {
    /* On a loop's thread; never blocks. After HTTP_DEFER what it wrote to w and r->a is forgotten.
     */
    http_next (*on_request)(void *ctx, http_request *r, http_response *w);
    /* On a pool's thread, after HTTP_DEFER. NULL: the application never defers. */
    void (*on_work)(void *ctx, http_request *r, http_response *w);
    /* Body limit for a request whose head was read; 0: no body allowed. NULL: limits.body_max,
     * which bounds it in any case. */
    size_t (*body_max)(void *ctx, str method, str path);
    /* Around each turn of a loop (a batch of events): between enter and leave the loop may hold
     * pointers into the application's current snapshot. May be NULL. */
    void (*turn_enter)(void *ctx, size_t loop);
    void (*turn_leave)(void *ctx, size_t loop);
    /* An error that the server itself answers (malformed, foreign, over a limit, busy): fills body
     * and content type in the application's error form; the status stays. path is empty where none
     * could be read. why: a sentence. NULL: plain text. */
    void (*on_refuse)(void *ctx, str path, int status, const char *why, arena *a, http_response *w);
    void *ctx;
} http_app;

/* What is 0 gets its default. */
typedef struct http_limits {
    size_t head_max;    /* bytes: 414 for a request line, 431 for a head. 16 KiB (256 B to 1 MiB) */
    size_t headers_max; /* 431. 64 (at most 1,024) */
    size_t body_max;    /* bytes: 413. 16 MiB (at most 1 GiB) */
    size_t connections_max; /* of all loops: 503. 20,000; where files end earlier, connections are
                               cut */
    size_t pool_queue_max;  /* deferred requests that wait: 503 with Retry-After. 1,024 */
    size_t pipeline_max; /* requests of one connection in a row, before the others have their turn.
                            64 */
    size_t kept_max;  /* bytes of memory of all bodies that are coming in and all deferred requests:
                         503. 1 GiB */
    int64_t head_ms;  /* from a head's first byte to its last: 408. 10 s */
    int64_t body_ms;  /* from there to the body's last byte: 408. 30 s */
    int64_t idle_ms;  /* between requests: closed. 75 s */
    int64_t write_ms; /* while the peer takes nothing of an answer: cut. 30 s */
    int64_t drain_ms; /* 30 s */
} http_limits;
extern const http_limits http_limits_default;

typedef struct http_options {
    const char *host; /* only loopback addresses, until authentication exists: ERR_DENIED */
    int port;         /* 0: any free one */
    size_t n_loops;   /* 0: one for each CPU that this process may use */
    size_t n_workers; /* 0: 4; none are started where app.on_work is NULL */
    http_limits limits;
    http_app app;
    const char *server_name; /* Server header; NULL: none */
} http_options;

typedef struct http_server http_server;

/* http_server_new binds and listens; nothing is accepted before http_server_start. ERR_CONFLICT
 * "address in use" naming the port, also when another server of ours has it; ERR_DENIED for an
 * address that is not loopback; ERR_INVALID for a host that is no address and for limits out of
 * range; ERR_IO. Owner: the caller. */
MUST_CHECK err http_server_new(const http_options *o, http_server **ret);
/* http_server_start starts the loop threads. Once. ERR_IO: then the server can only be freed. */
MUST_CHECK err http_server_start(http_server *s);
int http_server_port(const http_server *s); /* the one it got, where port 0 was asked */
/* http_server_drain stops accepting, lets running requests end (at most limits.drain_ms), closes
 * the rest and joins. An on_work that runs is waited for, however long it takes. Callable once,
 * after http_server_start, from any thread but the server's own. */
void http_server_drain(http_server *s);
void http_server_free(http_server *s); /* drains when that was not done. NULL is a no-op */
AUTO_DEFINE(http_server)

/* Sums over the loops of relaxed counters. */
typedef struct http_counters {
    uint64_t accepted, requests, refused, bytes_in, bytes_out;
    uint64_t open;      /* connections now */
    uint64_t deferred;  /* requests that went to the pool */
    uint64_t status[6]; /* status[c]: answers of class c00 */
} http_counters;
void http_server_counters(const http_server *s, http_counters *ret); /* any thread */

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
