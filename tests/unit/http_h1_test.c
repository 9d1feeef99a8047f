#include "http/h1_int.h"

#include <string.h>

#include "base/buf.h"

#include "test.h"

enum { HEAD_MAX = 512, HEADERS_MAX = 8 };
#define HOST "Host: localhost\r\n"
#define GET  "GET / HTTP/1.1\r\n" HOST

typedef struct bad_head {
    const char *bytes;
    int status;
    const char *why; /* part of it */
} bad_head;

/* What two parsers could read differently, and plain nonsense. */
static const bad_head bad_heads[] = {
    {"\x16\x03\x01", 400, "begin with a method"},
    {"\n", 400, "begin with a method"},
    {" GET / HTTP/1.1\r\n", 400, "begin with a method"},
    {"\r\n\r\nGET / HTTP/1.1\r\n", 400, "begin with a method"},
    {"\rX", 400, "bare CR"},
    {"GET / HTTP/1.1\n", 400, "bare LF"},
    {"GET / HTTP/1.1\r\nHost: a\n", 400, "bare LF"},
    {"GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "bare LF"},
    {"GET / HTTP/1.1\r\nHo\rst: a\r\n\r\n", 400, "malformed"},
    {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400, "malformed"},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "malformed"},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "malformed"},
    {GET " folded\r\n\r\n", 400, "folded"},
    {GET "\tfolded\r\n\r\n", 400, "folded"},
    {GET ": no name\r\n\r\n", 400, "malformed"},
    {GET "no colon\r\n\r\n", 400, "malformed"},
    {GET "b(d: 1\r\n\r\n", 400, "malformed"},
    {GET "X: \x01\r\n\r\n", 400, "malformed"},
    {GET "X: \x7f\r\n\r\n", 400, "malformed"},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400, "malformed"},
    {"GET /  HTTP/1.1\r\n" HOST "\r\n", 400, "malformed"},
    {"GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400, "malformed"},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400, "malformed"},
    {"GET / HTTP/1.10\r\n" HOST "\r\n", 400, "malformed"},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 400, "malformed"},
    {"PRI * HTTP/2.0\r\n\r\n", 400, "malformed"},
    {"GET / http/1.1\r\n" HOST "\r\n", 400, "malformed"},
    {"GET /\r\n\r\n", 400, "malformed"},
    {"G@T / HTTP/1.1\r\n" HOST "\r\n", 400, "malformed"},
    {"GET http://a/ HTTP/1.1\r\n" HOST "\r\n", 400, "must begin with /"},
    {"CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", 400, "must begin with /"},
    {"GET * HTTP/1.1\r\n" HOST "\r\n", 400, "must begin with /"},
    {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400, "percent-encoded"},
    {"GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 400, "percent-encoded"},
    {"GET / HTTP/1.1\r\n\r\n", 400, "needs a Host"},
    {GET "Host: localhost\r\n\r\n", 400, "Host stands there twice"},
    {GET "Origin: http://localhost\r\nOrigin: null\r\n\r\n", 400, "Origin stands there twice"},
    {GET "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, "twice"},
    {GET "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "twice"},
    {GET "content-length: 1\r\nCONTENT-LENGTH: 2\r\n\r\n", 400, "twice"},
    {GET "Content-Length: 1, 1\r\n\r\n", 400, "plain decimal"},
    {GET "Content-Length: \r\n\r\n", 400, "plain decimal"},
    {GET "Content-Length: -1\r\n\r\n", 400, "plain decimal"},
    {GET "Content-Length: +1\r\n\r\n", 400, "plain decimal"},
    {GET "Content-Length: 1 2\r\n\r\n", 400, "plain decimal"},
    {GET "Content-Length: 0x10\r\n\r\n", 400, "plain decimal"},
    {GET "Content-Length: 1.0\r\n\r\n", 400, "plain decimal"},
    {GET "Content-Length: 18446744073709551616\r\n\r\n", 400, "plain decimal"},
    {GET "Content-Length: 9999999999999999999999999\r\n\r\n", 400, "plain decimal"},
    {GET "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "exclude"},
    {GET "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400, "exclude"},
    {GET "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", 400, "exclude"},
    {GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "twice"},
    {GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400, "twice"},
    {GET "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "not supported"},
    {GET "Transfer-Encoding: chunked, chunked\r\n\r\n", 501, "not supported"},
    {GET "Transfer-Encoding: identity\r\n\r\n", 501, "not supported"},
    {GET "Transfer-Encoding: xchunked\r\n\r\n", 501, "not supported"},
    {GET "Transfer-Encoding: chunked;q=1\r\n\r\n", 501, "not supported"},
    {GET "Transfer-Encoding: \"chunked\"\r\n\r\n", 501, "not supported"},
    {GET "Transfer-Encoding:\x0b"
         "chunked\r\n\r\n",
     400, "malformed"},
    {GET "Transfer-Encoding:\r\n chunked\r\n\r\n", 501, "not supported"},
    {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0 has no"},
    {GET "Expect: 200-ok\r\n\r\n", 417, "100-continue"},
    {GET "A:1\r\nB:1\r\nC:1\r\nD:1\r\nE:1\r\nF:1\r\nG:1\r\nH:1\r\n\r\n", 431, "too many headers"},
};

static h1_result read_all(str s, size_t step, http_header *headers, h1_head *ret)
{
    size_t scanned = 0;
    h1_result r = H1_MORE;
    *ret = (h1_head){.headers = headers, .headers_max = HEADERS_MAX, .head_max = HEAD_MAX};
    for (size_t n = step < s.n ? step : s.n;; n = n + step < s.n ? n + step : s.n) {
        r = h1_head_read(s.p, n, &scanned, ret);
        if (r != H1_MORE || n == s.n) return r;
    }
}

TEST(every_bad_head_is_refused_wherever_it_is_cut)
{
    for (size_t i = 0; i < countof(bad_heads); i++) {
        const bad_head *b = &bad_heads[i];
        for (size_t step = 1; step <= strlen(b->bytes); step++) {
            http_header headers[HEADERS_MAX];
            h1_head h;
            h1_result r = read_all(str_of(b->bytes), step, headers, &h);
            ck_assert_msg(r == H1_BAD, "%s: taken", b->bytes);
            ck_assert_msg(h.status == b->status && strstr(h.why, b->why), "%s: %d %s", b->bytes,
                          h.status, h.why);
        }
    }
}

TEST(a_zero_byte_is_refused_wherever_it_stands)
{
    static const char whole[] = GET "X-Name: value\r\n\r\n";
    for (size_t i = 0; i < sizeof whole - 5;
         i++) { /* in the last empty line it breaks the CRLF: more is awaited */
        char bytes[sizeof whole];
        memcpy(bytes, whole, sizeof whole);
        bytes[i] = 0;
        http_header headers[HEADERS_MAX];
        h1_head h;
        h1_result r = read_all((str){bytes, sizeof whole - 1}, sizeof whole, headers, &h);
        ck_assert_msg(r == H1_BAD && h.status == 400, "a zero at byte %zu is taken", i);
    }
}

TEST(a_good_head_is_read_the_same_wherever_it_is_cut)
{
    static const char bytes[] = "\r\nPOST /a/b%20c?x=1&y=?2 HTTP/1.1\r\nHost:  127.0.0.1:5000 \r\n"
                                "Content-Length: 0012\r\nOrigin: http://localhost\r\n"
                                "X-Empty:\r\nEXPECT: 100-Continue\r\n\r\nbody and more";
    for (size_t step = 1; step < sizeof bytes; step++) {
        http_header headers[HEADERS_MAX];
        h1_head h;
        ck_assert_int_eq(read_all((str){bytes, sizeof bytes - 1}, step, headers, &h), H1_READY);
        ck_assert_uint_eq(h.size, sizeof bytes - 1 - strlen("body and more"));
        ck_assert(str_is(h.method, "POST") && str_is(h.path, "/a/b%20c"));
        ck_assert(str_is(h.query, "x=1&y=?2") && str_is(h.host, "127.0.0.1:5000"));
        ck_assert(str_is(h.origin, "http://localhost"));
        ck_assert_uint_eq(h.n_headers, 5);
        ck_assert(str_is(h.headers[3].name, "X-Empty") && !h.headers[3].value.n);
        ck_assert_uint_eq(h.length, 12);
        ck_assert(h.keep && h.expects && h.has_length && !h.chunked && !h.http10);
    }
}

static h1_head read_good(const char *bytes, http_header *headers)
{
    h1_head h;
    ck_assert_msg(read_all(str_of(bytes), strlen(bytes), headers, &h) == H1_READY, "%s: %s", bytes,
                  h.why ? h.why : "not all there");
    return h;
}

TEST(the_connection_stays_as_version_and_header_say)
{
    static const struct {
        const char *bytes;
        bool keep;
    } cases[] = {
        {GET "\r\n", true},
        {GET "Connection: close\r\n\r\n", false},
        {GET "Connection: CLOSE\r\n\r\n", false},
        {GET "Connection: keep-alive\r\n\r\n", true},
        {GET "Connection: keep-alive, close\r\n\r\n", false},
        {GET "Connection: close\r\nConnection: keep-alive\r\n\r\n", false},
        {GET "Connection: , ,x, Upgrade\r\n\r\n", true},
        {GET "Connection: closed\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        http_header headers[HEADERS_MAX];
        h1_head h = read_good(cases[i].bytes, headers);
        ck_assert_msg(h.keep == cases[i].keep, "%s", cases[i].bytes);
        ck_assert(!h.expects);
    }
}

TEST(options_may_ask_for_the_whole_server)
{
    http_header headers[HEADERS_MAX];
    h1_head h = read_good("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", headers);
    ck_assert(str_is(h.path, "*"));
}

TEST(chunked_is_read_in_any_case)
{
    http_header headers[HEADERS_MAX];
    h1_head h = read_good(GET "transfer-ENCODING: Chunked \r\n\r\n", headers);
    ck_assert(h.chunked && !h.has_length && !h.length);
}

TEST(a_head_of_exactly_the_limit_is_taken_and_one_byte_more_is_not)
{
    for (int more = 0; more <= 1; more++) {
        char bytes[HEAD_MAX + 8];
        http_header headers[HEADERS_MAX];
        h1_head h;
        int used = snprintf(bytes, sizeof bytes, GET "X: ");
        size_t n = HEAD_MAX + (size_t)more;
        memset(bytes + used, 'x', n - (size_t)used - 4);
        memcpy(bytes + n - 4, "\r\n\r\n", 4);
        for (size_t step = 1; step <= n; step += 7) {
            h1_result r = read_all((str){bytes, n}, step, headers, &h);
            ck_assert_int_eq(r, more ? H1_BAD : H1_READY);
            if (more) ck_assert_int_eq(h.status, 431);
        }
    }
}

TEST(a_request_line_over_the_limit_is_told_apart)
{
    char bytes[HEAD_MAX];
    http_header headers[HEADERS_MAX];
    h1_head h;
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "GET /", 5);
    ck_assert_int_eq(read_all((str){bytes, sizeof bytes - 1}, 64, headers, &h), H1_MORE);
    ck_assert_int_eq(read_all((str){bytes, sizeof bytes}, 64, headers, &h), H1_BAD);
    ck_assert_int_eq(h.status, 414);
}

TEST(as_many_headers_as_allowed_are_taken)
{
    http_header headers[HEADERS_MAX];
    h1_head h = read_good(GET "A:1\r\nB:1\r\nC:1\r\nD:1\r\nE:1\r\nF:1\r\nG:1\r\n\r\n", headers);
    ck_assert_uint_eq(h.n_headers, HEADERS_MAX);
}

/* ---- chunks */

/* Decodes s in pieces of step bytes; returns how much of s was used. */
static h1_result decode(str s, size_t step, buf *ret, size_t *ret_used, const char **ret_why)
{
    h1_chunks d = {0};
    size_t at = 0;
    h1_result r = H1_MORE;
    buf_reset(ret);
    while (r == H1_MORE && at < s.n) {
        char piece[4096];
        size_t n = step < s.n - at ? step : s.n - at, used = 0, data = 0;
        ck_assert_uint_le(n, sizeof piece);
        memcpy(piece, s.p + at, n);
        r = h1_chunks_read(&d, piece, n, &used, &data, ret_why);
        if (r == H1_BAD) break;
        ck_assert(used <= n && data <= used);
        ck_assert(!memcmp(piece + used, s.p + at + used, n - used));
        buf_put(ret, piece, data);
        at += used;
    }
    *ret_used = at;
    return r;
}

TEST(chunks_are_decoded_the_same_wherever_they_are_cut)
{
    static const char bytes[] = "5\r\nhello\r\n0A;name=\"v\";x\r\n, chunked \r\n00000001\r\n!\r\n"
                                "0;last\r\nTrailer: x\r\nOther:\ty\r\n\r\nGET /next";
    buf out;
    buf_init(&out, 4096);
    for (size_t step = 1; step < sizeof bytes; step++) {
        size_t used;
        const char *why = "";
        ck_assert_int_eq(decode((str){bytes, sizeof bytes - 1}, step, &out, &used, &why), H1_READY);
        ck_assert(str_is(buf_str(&out), "hello, chunked !"));
        ck_assert_uint_eq(used, sizeof bytes - 1 - strlen("GET /next"));
    }
    buf_done(&out);
}

TEST(every_bad_chunk_is_refused_wherever_it_is_cut)
{
    static const char *const bad[] = {
        "\r\n",
        "x\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\n",
        " 1\r\n",
        "1 \r\n",
        "1\t;a\r\n",
        "1\n",
        "1\rx",
        "1;a\nb",
        "1;a\r\r",
        "1;a\x01",
        "1;a\x7f",
        "0000000000000001\r\n",
        "ffffffffffffffff\r\n",
        "1\r\naXX",
        "1\r\na\n",
        "1\r\na\rX",
        "2\r\na\r\n0\r\n\r\n",
        "0\r\n\n",
        "0\r\n\rX",
        "0\r\nTrailer\n",
        "0\r\nT: a\rb",
        "0\r\n folded",
        "0\r\n: x",
        "0\r\nA: \x02",
    };
    buf out;
    buf_init(&out, 4096);
    for (size_t i = 0; i < countof(bad); i++)
        for (size_t step = 1; step <= strlen(bad[i]); step++) {
            size_t used;
            const char *why = NULL;
            h1_result r = decode(str_of(bad[i]), step, &out, &used, &why);
            ck_assert_msg(r == H1_BAD && why, "taken: %s", bad[i]);
        }
    buf_done(&out);
}

TEST(extensions_and_trailers_are_limited_together)
{
    for (int more = 0; more <= 1; more++) {
        buf in, out;
        size_t used;
        const char *why = NULL;
        buf_init(&in, 2 * H1_CHUNK_EXTRA_MAX);
        buf_init(&out, 16);
        buf_puts(&in, STR("1;"));
        for (int i = 0; i < H1_CHUNK_EXTRA_MAX / 2 - 1; i++)
            buf_putc(&in, 'e');
        buf_puts(&in, STR("\r\na\r\n0\r\n"));
        for (int i = 0; i < H1_CHUNK_EXTRA_MAX / 2 - 1 + more; i++)
            buf_putc(&in, 't');
        buf_puts(&in, STR("\r\n\r\n"));
        h1_result r = decode(buf_str(&in), 4096, &out, &used, &why);
        ck_assert_int_eq(r, more ? H1_BAD : H1_READY);
        buf_done(&in);
        buf_done(&out);
    }
}

TESTS("http/h1", every_bad_head_is_refused_wherever_it_is_cut,
      a_zero_byte_is_refused_wherever_it_stands, a_good_head_is_read_the_same_wherever_it_is_cut,
      the_connection_stays_as_version_and_header_say, options_may_ask_for_the_whole_server,
      chunked_is_read_in_any_case, a_head_of_exactly_the_limit_is_taken_and_one_byte_more_is_not,
      a_request_line_over_the_limit_is_told_apart, as_many_headers_as_allowed_are_taken,
      chunks_are_decoded_the_same_wherever_they_are_cut,
      every_bad_chunk_is_refused_wherever_it_is_cut, extensions_and_trailers_are_limited_together)
