/* Thousands of connections that send damaged requests, cut anywhere, and leave anyhow: the server
 * stays, answers only what is an answer, and serves the next one. */
#include "base/rng.h"
#include "http_rig.h"

static const char *const seeds[] = {
    HELLO,
    HELLO_CLOSE,
    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\nhello world",
    "POST /work HTTP/1.1\r\n" HOST
    "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n",
    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
    "GET /big?n=100000 HTTP/1.1\r\n" HOST "\r\n",
    "HEAD /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "POST /small HTTP/1.1\r\n" HOST "Content-Length: 99999999\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "GET /hello HTTP/1.1\r\nHost: example.com\r\n\r\n",
};
static const char *const dictionary[] = {
    "\r\n",     "\n",        "\r",       "Transfer-Encoding: chunked\r\n",
    ":",        " ",         "chunked",  "Content-Length: 5\r\n",
    "HTTP/1.1", "0\r\n\r\n", "ffffffff", "Connection: close\r\n",
    "GET ",     "\xff",      "%00",      "Expect: 100-continue\r\n",
};

static void damage(rng *r, buf *b)
{
    size_t times = rng_below(r, 6);
    for (size_t i = 0; i < times && b->n; i++) {
        size_t at = rng_below(r, b->n), n = rng_below(r, 20) + 1;
        if (n > b->n - at) n = b->n - at;
        switch (rng_below(r, 4)) {
        case 0:
            b->p[at] = (char)rng_below(r, 256);
            break;
        case 1:
            memmove(b->p + at, b->p + at + n, b->n - at - n);
            b->n -= n;
            break;
        default: {
            str word = str_of(dictionary[rng_below(r, countof(dictionary))]);
            if (!buf_room(b, word.n)) return;
            memmove(b->p + at + word.n, b->p + at, b->n - at);
            memcpy(b->p + at, word.p, word.n);
            b->n += word.n;
        }
        }
    }
}

static void converse(rng *r, int port, const buf *b)
{
    wire x = wire_open(port);
    size_t pieces = rng_below(r, 4) + 1, at = 0;
    for (size_t i = 0; i < pieces; i++) {
        size_t n = i + 1 < pieces ? rng_below(r, b->n - at + 1) : b->n - at;
        if (!wire_send(&x, b->p + at, n)) break;
        at += n;
    }
    switch (rng_below(r, 4)) {
    case 0: /* leaves at once */
        break;
    case 1: { /* resets */
        const struct linger reset = {.l_onoff = 1};
        ck_assert_int_eq(setsockopt(x.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
        break;
    }
    default: { /* reads what comes */
        (void)shutdown(x.fd, SHUT_WR);
        while (wire_more(&x, RIG_PATIENCE_MS))
            ;
        ck_assert_msg(x.ended, "neither answered nor closed: %.*s", (int)b->n, b->p);
        if (x.in.n >= 9) ck_assert(!memcmp(x.in.p, "HTTP/1.1 ", 9));
    }
    }
    wire_close(&x);
}

TEST(damaged_requests_do_not_disturb_the_server)
{
    enum { CONNECTIONS = 3000 };
    rig g = {0};
    rng r;
    buf b;
    rig_start(&g, (http_limits){.head_ms = 2000, .body_ms = 2000, .pipeline_max = 2});
    rng_init(&r, 20240611);
    buf_init(&b, 1 << 20);
    for (int i = 0; i < CONNECTIONS; i++) {
        buf_reset(&b);
        for (size_t n = rng_below(&r, 4) + 1; n; n--)
            buf_puts(&b, str_of(seeds[rng_below(&r, countof(seeds))]));
        damage(&r, &b);
        converse(&r, g.port, &b);
        if (i % 100 == 0) ck_asked(g.port, HELLO, 200, "hello");
    }
    ck_asked(g.port, "POST /work HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nok", 200, "ok");
    http_counters c = {.open = 1};
    for (int i = 0; i < RIG_PATIENCE_MS && c.open; i++) {
        sleep_ms(1);
        http_server_counters(g.s, &c);
    }
    ck_assert_uint_eq(c.open, 0);
    ck_assert_uint_gt(c.status[2], CONNECTIONS / 8); /* the noise is neither all good nor all bad */
    ck_assert_uint_gt(c.status[4], CONNECTIONS / 8);
    buf_done(&b);
    rig_stop(&g);
}

TESTS("http/noise", damaged_requests_do_not_disturb_the_server)
