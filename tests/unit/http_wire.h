/* tests: a client that counts bytes, and reads answers off a connection. */
#ifndef TIDEMILL_TESTS_HTTP_WIRE_H
#define TIDEMILL_TESTS_HTTP_WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "test.h"

enum { RIG_PATIENCE_MS = 20000 }; /* sanitizers and a busy machine are slow */

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

/* wire_more waits for more bytes; false when the connection ended (a reset counts as ended) or
 * nothing came in ms. */
static inline bool wire_more(wire *x, int ms)
{
    struct pollfd p = {.fd = x->fd, .events = POLLIN};
    if (x->ended || poll(&p, 1, ms) != 1) return false;
    char *to = buf_room(&x->in, 65536);
    ck_assert_ptr_nonnull(to);
    ssize_t r = recv(x->fd, to, 65536, 0);
    if (r <= 0)
        x->ended = true;
    else
        x->in.n += (size_t)r;
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

/* answer_parse reads one answer off the front of s; false when it is not all there. Checks its
 * form. */
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

/* wire_answer waits for the next answer; 100 Continue counts as one. Borrowed until the next call.
 */
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
