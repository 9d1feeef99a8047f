/* A stream of bytes through the HTTP/1.1 parser: heads, bodies with a length, chunks, pipelined,
 * until the first refusal. What is read must not depend on how the stream is cut: once whole, once
 * byte by byte, once cut where the input says. The first byte of the input is the number of cuts,
 * the next ones are their distances. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "http/h1_int.h"

enum { HEAD_MAX = 1024, HEADERS_MAX = 16, BODY_MAX = 1 << 20 };

typedef struct reader {
    buf left;   /* bytes that arrived and are not used */
    buf report; /* what was read, as text */
    size_t scanned;
    h1_chunks chunks;
    uint64_t body; /* bytes of the body that are still to come */
    enum { HEAD, LENGTH, CHUNKS, REFUSED } state;
} reader;

static void consume(reader *r, size_t n)
{
    assert(n <= r->left.n);
    memmove(r->left.p, r->left.p + n, r->left.n - n);
    r->left.n -= n;
}

static bool inside(const reader *r, str s)
{
    return !s.n || (s.p >= r->left.p && s.p + s.n <= r->left.p + r->left.n);
}

static void check_head(const reader *r, const h1_head *h)
{
    assert(h->size > 0 && h->size <= r->left.n && h->size <= HEAD_MAX);
    assert(h->n_headers <= HEADERS_MAX && h->method.n && h->path.n);
    assert(inside(r, h->method) && inside(r, h->path) && inside(r, h->query));
    assert(inside(r, h->host) && inside(r, h->origin));
    assert(!(h->chunked && h->has_length) && (h->host.p || h->http10));
    for (size_t i = 0; i < h->n_headers; i++) {
        str name = h->headers[i].name, value = h->headers[i].value;
        assert(name.p && name.n && inside(r, name) && inside(r, value));
        assert(!memchr(value.p, '\r', value.n) && !memchr(value.p, '\n', value.n));
        assert(!memchr(value.p, 0, value.n) && !memchr(name.p, ' ', name.n));
    }
}

static bool take_head(reader *r)
{
    http_header headers[HEADERS_MAX];
    h1_head h = {.headers = headers, .headers_max = HEADERS_MAX, .head_max = HEAD_MAX};
    h1_result got = h1_head_read(r->left.p, r->left.n, &r->scanned, &h);
    if (got == H1_MORE) {
        assert(r->left.n < HEAD_MAX);
        return false;
    }
    r->scanned = 0;
    if (got == H1_BAD) {
        assert(h.status >= 400 && h.status <= 501 && h.why);
        buf_fmt(&r->report, "refused %d %s\n", h.status, h.why);
        r->state = REFUSED;
        return false;
    }
    check_head(r, &h);
    (void)http_host_is_loopback(h.host);
    (void)http_origin_is_loopback(h.origin);
    buf_fmt(&r->report, "%.*s %.*s?%.*s %zu %d%d%d%d\n", STR_ARG(h.method), STR_ARG(h.path),
            STR_ARG(h.query), h.n_headers, h.http10, h.keep, h.expects, h.chunked);
    r->body = h.length;
    r->chunks = (h1_chunks){0};
    r->state = h.chunked ? CHUNKS : h.length ? LENGTH : HEAD;
    consume(r, h.size);
    return true;
}

static bool take_chunks(reader *r)
{
    size_t used = 0, data = 0;
    const char *why = NULL;
    h1_result got = h1_chunks_read(&r->chunks, r->left.p, r->left.n, &used, &data, &why);
    if (got == H1_BAD) {
        assert(why);
        r->state = REFUSED; /* data before it was reported or not, as the cuts fell: that alone may
                               differ */
        buf_fmt(&r->report, "\nrefused %s\n", why);
        return false;
    }
    assert(data <= used && used <= r->left.n);
    for (size_t i = 0; i < data; i++)
        r->body = r->body * 31 + (unsigned char)r->left.p[i];
    consume(r, used);
    if (got == H1_MORE) {
        assert(!r->left.n);
        return false;
    }
    buf_fmt(&r->report, "chunks %llu\n", (unsigned long long)r->body);
    r->state = HEAD;
    return true;
}

static bool take_length(reader *r)
{
    size_t n = r->body < r->left.n ? (size_t)r->body : r->left.n;
    r->body -= n;
    consume(r, n);
    if (r->body) return false;
    buf_puts(&r->report, STR("body\n"));
    r->state = HEAD;
    return true;
}

static void take(reader *r, const uint8_t *p, size_t n)
{
    if (r->state == REFUSED) return;
    buf_put(&r->left, p, n);
    bool more = true;
    while (more && r->left.n && r->state != REFUSED)
        more = r->state == HEAD     ? take_head(r)
               : r->state == CHUNKS ? take_chunks(r)
                                    : take_length(r);
}

static void begin(reader *r)
{
    *r = (reader){.state = HEAD};
    buf_init(&r->left, BODY_MAX);
    buf_init(&r->report, 64 << 20);
}

static void compare(reader *a, reader *b)
{
    assert(str_eq(buf_str(&a->report), buf_str(&b->report)));
    assert(a->state == b->state);
    buf_done(&b->left);
    buf_done(&b->report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > BODY_MAX) return 0;
    size_t n_cuts = data[0], at = 0;
    if (n_cuts > size - 1) n_cuts = size - 1;
    const uint8_t *cuts = data + 1, *p = cuts + n_cuts;
    size_t n = size - 1 - n_cuts;
    reader whole, bytes, cut;

    begin(&whole);
    take(&whole, p, n);
    begin(&bytes);
    for (size_t i = 0; i < n; i++)
        take(&bytes, p + i, 1);
    compare(&whole, &bytes);
    begin(&cut);
    for (size_t i = 0; i < n_cuts && at < n; i++) {
        size_t k = cuts[i] < n - at ? cuts[i] : n - at;
        take(&cut, p + at, k);
        at += k;
    }
    take(&cut, p + at, n - at);
    compare(&whole, &cut);
    buf_done(&whole.left);
    buf_done(&whole.report);
    return 0;
}
