/* http/conn: what loops and connections share inside this room. Private.
 *
 * A connection lives and dies on one loop; nothing of it is touched by another thread. Only a kept
 * request (http_kept) travels: to the pool, and back by loop->done.
 *
 *              accept
 *                │
 *                ▼      the body is not all here
 *      ┌───────► HEAD ─────────────────────────► BODY
 *      │          │ │                             │ │
 *      │   answer │ │ the application defers      │ │ the body is complete: answer, or defer
 *      ├──────────┘ └────────────────► WORK ◄─────┘ │
 *      │                                │           │
 *      └────────────────────────────────┴───────────┘
 *      HEAD, BODY, WORK ── the last answer is given ──► FLUSH ──► LINGER ──► DEAD
 *
 * - HEAD: waits for (the rest of) a request's head. Moved on by h1_serve.c.
 * - BODY: collects a body in c->kept. Moved on by h1_serve.c.
 * - WORK: c->kept is on the pool; nothing more is read, so that answers keep their order. Moved on
 *   by defer.c.
 * - FLUSH: nothing more is read; ends when its bytes are sent. Moved on by conn.c.
 * - LINGER: all is said and our writing half is closed; what the peer is still sending is read and
 *   dropped, or else its kernel would throw the answer away. Moved on by conn.c.
 * - DEAD: the socket is closed. The memory goes at the end of the loop's turn, since a later event
 *   of the same batch may point here, or when the kept request comes back from the pool.
 *
 * Beside the state: `out` holds bytes that the socket did not take. As long as there are any,
 * nothing is read and no further request is begun.
 *
 * Seams. Below: stream_ops moves bytes (plain sockets; TLS will be a second one). Above: proto_ops
 * makes requests out of bytes (HTTP/1.1; HTTP/2 will be a second one, whose streams are further
 * http_kept of one connection). */
#ifndef TIDEMILL_HTTP_CONN_INT_H
#define TIDEMILL_HTTP_CONN_INT_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/pool.h"
#include "http/h1_int.h"
#include "http/server.h"

typedef struct http_loop http_loop;
typedef struct http_conn http_conn;
typedef struct http_kept http_kept;

/* recv, send: as the system calls; -1 with errno EAGAIN when the peer has to move first. recv gives
 * fewer than n bytes only when no more are there. send may be told that more follows at once. shut
 * ends our writing half; close ends all. */
typedef struct stream_ops {
    ssize_t (*recv)(http_conn *c, void *p, size_t n);
    ssize_t (*send)(http_conn *c, const void *p, size_t n, bool more);
    void (*shut)(http_conn *c);
    void (*close)(http_conn *c);
} stream_ops;
extern const stream_ops http_stream_plain;

/* input: p[0..n) has arrived (in the loop's read buffer, which may be written to); what cannot be
 * used yet is put back by http_conn_keep. answer: a deferred request is back, its response is k->w;
 * k is released by the caller. late: the time limit of HEAD or BODY has passed. */
typedef struct proto_ops {
    void (*input)(http_loop *l, http_conn *c, char *p, size_t n);
    void (*answer)(http_loop *l, http_conn *c, http_kept *k);
    void (*late)(http_loop *l, http_conn *c);
} proto_ops;
extern const proto_ops http_proto_h1;

typedef enum conn_state {
    CONN_HEAD,
    CONN_BODY,
    CONN_WORK,
    CONN_FLUSH,
    CONN_LINGER,
    CONN_DEAD
} conn_state;

/* Which time limit runs. A limit starts when its kind begins and is not prolonged by single bytes,
 * but idle and write are by each step forward. */
typedef enum conn_timer {
    TIMER_NONE,
    TIMER_IDLE,
    TIMER_HEAD,
    TIMER_BODY,
    TIMER_WRITE,
    TIMER_LINGER
} conn_timer;

struct http_conn { /* one thread: its loop's */
    const stream_ops *stream;
    const proto_ops *proto;
    http_conn *next, *prev; /* of loop->conns */
    http_conn *turn_next;   /* of loop->again or loop->grave */
    char *in;  /* bytes that arrived and wait; NULL when there are none for some time */
    char *out; /* bytes that the socket did not take */
    uint32_t in_n, in_cap;
    size_t out_at, out_n; /* out[out_at..out_n) is still to be sent */
    http_kept *kept;      /* BODY, WORK */
    int64_t deadline_ms;
    size_t dropped;   /* LINGER: bytes read and dropped */
    int fd;           /* -1: closed */
    uint32_t scanned; /* HEAD: how much of the partial head was looked at */
    uint8_t state, timer;
    bool linger; /* FLUSH: the peer may still be sending */
    bool again;  /* on loop->again */
    bool ready;  /* the socket may hold bytes, or the end */
    bool half;   /* the peer has closed its writing half */
    bool watches_out;
};
static_assert(sizeof(http_conn) <= 128, "an idle connection is to stay small");

typedef struct reply_form { /* how a request wants its answer written */
    bool keep, http10, no_body /* HEAD */;
} reply_form;

/* A request whose bytes outlive the read buffer: its body is still coming, or it was deferred. */
struct http_kept {   /* one thread at a time: the loop's, or one of the pool */
    http_kept *next; /* of loop->done, loop->spare */
    http_loop *l;
    http_conn *c;
    buf bytes; /* the head, then the body without its coding */
    size_t head_n;
    size_t charged; /* part of loop->kept_bytes */
    size_t body_max;
    uint64_t left; /* of a body with Content-Length */
    h1_chunks chunks;
    bool chunked;
    reply_form form;
    arena *a; /* headers, and all that on_work makes */
    http_request r;
    http_response w;
};

typedef struct loop_counters { /* written by the loop, read by any thread: relaxed */
    _Atomic uint64_t accepted, requests, refused, bytes_in, bytes_out, open, deferred, status[6];
} loop_counters;

static inline void count_add(_Atomic uint64_t *x, uint64_t n)
{ /* one writer, so a plain load and store is enough */
    atomic_store_explicit(x, atomic_load_explicit(x, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

enum {
    OUT_SIZE = 64 * 1024, /* answers of one connection and turn, sent together */
    COMMON_MAX = 256,     /* bytes of the Server and Date lines */
    HOST_MEMO_MAX = 64,   /* bytes of a Host value that is remembered as good */
    REPLY_HEAD_MAX = 16 * 1024,
    LINGER_MS = 5000,
    SPARE_MAX = 64,              /* kept requests that wait for reuse */
    SPARE_BYTES_MAX = 64 * 1024, /* and how large the buffer of one may be */
    IN_KEPT_MS = 1000            /* an idle connection gives its buffer back after this */
};

struct http_loop { /* one thread, but done, count, wake and what is set before it starts */
    http_server *s;
    size_t id;
    pthread_t thread;
    int epoll, listener, wake, reserve; /* reserve: a file to close when files run out */
    bool deaf; /* files ran out and the reserve is gone: nothing is accepted until the next sweep */
    char *in, *out;
    size_t in_size, out_n; /* out[0..out_n): of the connection in hand; 0 between connections */
    arena *a;              /* of the request in hand, when it is answered at once */
    http_header *headers;  /* of the request in hand */
    http_conn *conns, *again, *grave;
    size_t n_conns, n_work; /* n_work: kept requests that are on the pool */
    http_kept *spare;
    size_t n_spare;
    uint64_t kept_bytes; /* memory of kept requests, see http_limits.kept_max */
    int64_t now_us, now_ms, sweep_at_ms, sweep_every_ms, date_due_us, drain_end_ms;
    bool draining;
    char common[COMMON_MAX]; /* "Server: …\r\nDate: …\r\n" */
    size_t common_n;
    char ok[COMMON_MAX + 128]; /* the head of a plain 200 with JSON, up to the length */
    size_t ok_n;
    char host_memo[HOST_MEMO_MAX]; /* the last Host that was found to be good */
    size_t host_memo_n;
    _Atomic(http_kept *) done; /* newest first */
    loop_counters count;
};

struct http_server {
    http_app app;
    http_limits limits;
    char *name;
    http_loop **loops;
    size_t n_loops;
    pool *pool; /* NULL: the application never defers */
    int port;
    bool started, drained;
    _Atomic bool draining;
    _Atomic size_t n_open; /* connections of all loops */
};

/* loop.c */
MUST_CHECK err http_loop_new(http_server *s, size_t id, int listener, http_loop **ret);
void http_loop_free(http_loop *l);
void *http_loop_run(void *loop); /* thread body */
void http_loop_wake(http_loop *l);

/* conn.c */
http_conn *http_conn_new(http_loop *l, int fd);
void http_conn_event(http_loop *l, http_conn *c, uint32_t events);
void http_conn_resume(http_loop *l, http_conn *c); /* goes on with bytes that waited */
void http_conn_settle(http_loop *l,
                      http_conn *c); /* sends, then closes, watches and times what is due */
void http_conn_put(http_loop *l, http_conn *c, const char *p, size_t n);
char *http_conn_room(http_loop *l, http_conn *c,
                     size_t n); /* n <= OUT_SIZE; the caller adds to l->out_n */
void http_conn_keep(http_loop *l, http_conn *c, const char *p, size_t n);
void http_conn_again(http_loop *l, http_conn *c); /* goes on with kept bytes in the next turn */
void http_conn_drop(http_loop *l, http_conn *c);
void http_conn_bury(http_loop *l,
                    http_conn *c); /* DEAD and nobody points here any more: to the grave */
void http_conn_sweep(http_loop *l, http_conn *c);
void http_conn_free(http_conn *c);

/* reply.c */
void http_reply(http_loop *l, http_conn *c, const http_response *w, reply_form f);
void http_reply_date(http_loop *l); /* makes l->common and l->ok anew when the second is over */
static inline void http_response_init(http_response *w, int status)
{
    w->status = status;
    w->content_type = "application/json";
    w->body = (str){"", 0};
    w->n_extra = 0; /* extra itself stays as it is: 256 bytes that nobody reads */
    w->close = false;
}

/* h1_serve.c */
void http_refusal(http_server *s, str path, int status, const char *why, arena *a,
                  http_response *w);

/* defer.c */
http_kept *http_kept_new(http_loop *l, http_conn *c);
void http_kept_release(http_kept *k);
void http_kept_free(http_kept *k);
MUST_CHECK bool http_kept_put(http_kept *k, const char *p,
                              size_t n); /* false: no memory is left for it */
void http_kept_head(const http_kept *k, http_header *headers,
                    h1_head *ret); /* reads the head again */
void http_kept_bind(http_kept *k); /* makes k->r out of k->bytes */
/* http_defer hands k to the pool; false when that is full, and k stays the caller's. */
MUST_CHECK bool http_defer(http_kept *k);
void http_deferred(http_loop *l); /* takes back what is done */

#endif
