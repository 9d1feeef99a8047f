/* What an answer looks like on the wire. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "http/conn_int.h"

/* X-macro: status, words (RFC 9110 15, 6585; 499 is nginx's). */
#define STATUSES(X)                                                                                \
    X(200, "OK")                                                                                   \
    X(201, "Created")                                                                              \
    X(202, "Accepted")                                                                             \
    X(204, "No Content")                                                                           \
    X(206, "Partial Content")                                                                      \
    X(301, "Moved Permanently")                                                                    \
    X(302, "Found")                                                                                \
    X(303, "See Other")                                                                            \
    X(304, "Not Modified")                                                                         \
    X(307, "Temporary Redirect")                                                                   \
    X(308, "Permanent Redirect")                                                                   \
    X(400, "Bad Request")                                                                          \
    X(401, "Unauthorized")                                                                         \
    X(403, "Forbidden")                                                                            \
    X(404, "Not Found")                                                                            \
    X(405, "Method Not Allowed")                                                                   \
    X(406, "Not Acceptable")                                                                       \
    X(408, "Request Timeout")                                                                      \
    X(409, "Conflict")                                                                             \
    X(410, "Gone")                                                                                 \
    X(411, "Length Required")                                                                      \
    X(412, "Precondition Failed")                                                                  \
    X(413, "Content Too Large")                                                                    \
    X(414, "URI Too Long")                                                                         \
    X(415, "Unsupported Media Type")                                                               \
    X(416, "Range Not Satisfiable")                                                                \
    X(417, "Expectation Failed")                                                                   \
    X(421, "Misdirected Request")                                                                  \
    X(422, "Unprocessable Content")                                                                \
    X(429, "Too Many Requests")                                                                    \
    X(431, "Request Header Fields Too Large")                                                      \
    X(499, "Client Closed Request")                                                                \
    X(500, "Internal Server Error")                                                                \
    X(501, "Not Implemented")                                                                      \
    X(502, "Bad Gateway")                                                                          \
    X(503, "Service Unavailable")                                                                  \
    X(504, "Gateway Timeout")                                                                      \
    X(505, "HTTP Version Not Supported")                                                           \
    X(507, "Insufficient Storage")

const char *http_status_text(int status)
{
    switch (status) {
#define CASE(code, words)                                                                          \
    case code:                                                                                     \
        return words;
        STATUSES(CASE)
#undef CASE
    default:
        return "Unknown";
    }
}

static char *add(char *p, const void *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}
#define ADD(p, lit) add((p), lit, sizeof(lit) - 1)

static char *add_cstr(char *p, const char *s)
{
    return add(p, s, strlen(s));
}

static char *add_number(char *p, uint64_t v)
{
    char digits[20];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n)
        *p++ = digits[--n];
    return p;
}

/* The value of a header may stem from a request: what could end the line is written as a space. */
static char *add_value(char *p, str s)
{
    for (size_t i = 0; i < s.n; i++)
        *p++ = (unsigned char)s.p[i] < ' ' || s.p[i] == 127 ? ' ' : s.p[i];
    return p;
}

static char *add_status_line(char *p, int status)
{
    p = ADD(p, "HTTP/1.1 ");
    p = add_number(p, (uint64_t)status);
    *p++ = ' ';
    p = add_cstr(p, http_status_text(status));
    return ADD(p, "\r\n");
}

static size_t common_date(char *ret, int64_t t_ms)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    civil t = civil_of_ms(t_ms);
    int n = snprintf(ret, 48, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", /* IMF-fixdate */
                     days + 3 * t.weekday, t.day, months + 3 * (t.month - 1), t.year, t.hour,
                     t.minute, t.second);
    assert(n > 0 && n < 48);
    return (size_t)n;
}

void http_reply_date(http_loop *l)
{
    if (l->now_us < l->date_due_us) return;
    int64_t wall_ms = now_ms();
    l->date_due_us = l->now_us + (1000 - wall_ms % 1000) * 1000;

    char *p = l->common;
    if (l->s->name) {
        p = ADD(p, "Server: ");
        p = add_value(p, str_of(l->s->name));
        p = ADD(p, "\r\n");
    }
    p += common_date(p, wall_ms);
    l->common_n = (size_t)(p - l->common);

    p = add_status_line(l->ok, 200);
    p = add(p, l->common, l->common_n);
    p = ADD(p, "Content-Type: application/json\r\nContent-Length: ");
    l->ok_n = (size_t)(p - l->ok);
    assert(l->ok_n <= sizeof l->ok && l->common_n <= sizeof l->common);
}

static bool has_body(int status)
{
    return status != 204 && status != 304;
}

/* An upper bound for the head of w. */
static size_t head_bound(const http_loop *l, const http_response *w)
{
    size_t n = 256 + l->common_n + strlen(w->content_type);
    for (size_t i = 0; i < w->n_extra; i++)
        n += w->extra[i].name.n + w->extra[i].value.n + 4;
    return n;
}

static char *add_head(char *p, const http_loop *l, const http_response *w)
{
    bool json = !strcmp(w->content_type, "application/json");
    if (w->status == 200 && json) {
        p = add(p, l->ok, l->ok_n);
    } else {
        p = add_status_line(p, w->status);
        p = add(p, l->common, l->common_n);
        if (!has_body(w->status)) return p;
        p = ADD(p, "Content-Type: ");
        p = add_cstr(p, w->content_type);
        p = ADD(p, "\r\nContent-Length: ");
    }
    p = add_number(p, w->body.n);
    return ADD(p, "\r\n");
}

static char *add_extra(char *p, const http_response *w)
{
    for (size_t i = 0; i < w->n_extra; i++) {
        p = add(p, w->extra[i].name.p, w->extra[i].name.n);
        p = ADD(p, ": ");
        p = add_value(p, w->extra[i].value);
        p = ADD(p, "\r\n");
    }
    return p;
}

/* The application said more about its answer than fits: say that instead. */
static http_response head_too_large(const http_loop *l)
{
    http_response w;
    http_response_init(&w, 500);
    http_refusal(l->s, STR(""), 500, "the head of the answer is too large", l->a, &w);
    w.n_extra = 0;
    return w;
}

void http_reply(http_loop *l, http_conn *c, const http_response *w, reply_form f)
{
    assert(w->status >= 200 && w->status <= 599 && w->content_type);
    assert(w->n_extra <= HTTP_EXTRA_MAX && (w->body.p || !w->body.n));
    http_response instead;
    size_t bound = head_bound(l, w);
    if (bound > REPLY_HEAD_MAX) {
        instead = head_too_large(l);
        w = &instead;
        bound = head_bound(l, w);
    }
    bool close = !f.keep || w->close || l->draining;
    char *start = http_conn_room(l, c, bound), *p = add_head(start, l, w);
    if (w->n_extra) p = add_extra(p, w);
    if (close)
        p = ADD(p, "Connection: close\r\n");
    else if (f.http10)
        p = ADD(p, "Connection: keep-alive\r\n");
    p = ADD(p, "\r\n");
    l->out_n += (size_t)(p - start);
    if (!f.no_body && has_body(w->status)) http_conn_put(l, c, w->body.p, w->body.n);
    count_add(&l->count.status[w->status / 100], 1);
    if (c->state != CONN_DEAD) c->state = close ? CONN_FLUSH : CONN_HEAD;
}
