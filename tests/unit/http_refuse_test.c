/* The server against wrong, foreign, large and slow requests: each is answered so that the client
 * can read it. */
#include "http_rig.h"

/* ck_refused: the first answer has this status, says that the connection ends, is the only one, and
 * the end is no reset. */
static void ck_refused(int port, const char *bytes, size_t n, int status)
{
    wire x = wire_open(port);
    wire_send(&x, bytes, n);
    answer w = wire_answer(&x);
    ck_assert_msg(w.status == status, "status %d, want %d for:\n%s", w.status, status, bytes);
    ck_assert(str_is(answer_header(&w, "Connection"), "close"));
    ck_assert(str_starts(w.body, "{\"status\":"));
    wire_to_end(&x);
    ck_assert_msg(x.at == x.in.n, "a second answer to:\n%s", bytes);
    wire_close(&x);
}

#define SMUGGLED HELLO
#define POST     "POST /echo HTTP/1.1\r\n" HOST

TEST(framings_that_two_parsers_read_differently_are_refused)
{
    static const struct {
        const char *bytes;
        int status;
    } cases[] = {
        {POST "Content-Length: 3\r\nContent-Length: 40\r\n\r\nabc" SMUGGLED, 400},
        {POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc" SMUGGLED, 400},
        {POST "Content-Length: 3,3\r\n\r\nabc" SMUGGLED, 400},
        {POST "Content-Length: +3\r\n\r\nabc" SMUGGLED, 400},
        {POST "Content-Length: -3\r\n\r\nabc" SMUGGLED, 400},
        {POST "Content-Length: 0x3\r\n\r\nabc" SMUGGLED, 400},
        {POST "Content-Length: 18446744073709551619\r\n\r\nabc" SMUGGLED, 400},
        {POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED, 400},
        {POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" SMUGGLED, 400},
        {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" SMUGGLED, 400},
        {POST "Transfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n" SMUGGLED, 501},
        {POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" SMUGGLED, 501},
        {POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" SMUGGLED, 400},
        {POST "Content-Length : 3\r\n\r\nabc" SMUGGLED, 400},
        {POST "X: y\r\n Content-Length: 3\r\n\r\nabc" SMUGGLED, 400},
        {POST "X: y\nContent-Length: 3\r\n\r\nabc" SMUGGLED, 400},
        {POST "X: y\rContent-Length: 3\r\n\r\nabc" SMUGGLED, 400},
        {POST "Content-Length: 3\n\nabc" SMUGGLED, 400},
        {POST HOST "\r\n" SMUGGLED, 400},
        {"GET /hello HTTP/1.1\r\n\r\n" SMUGGLED, 400},
        {"GET /hello HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED, 400},
        {"GET http://localhost/hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED, 400},
        {"CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n" SMUGGLED, 400},
        {"GET /hello HTTP/1.1 x\r\n" HOST "\r\n" SMUGGLED, 400},
        {"GET /hello\r\n\r\n" SMUGGLED, 400},
        {POST "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n" SMUGGLED, 400},
        {POST "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n" SMUGGLED, 400},
        {POST "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n" SMUGGLED, 400},
        {POST "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n" SMUGGLED, 400},
        {POST "Transfer-Encoding: chunked\r\n\r\n3 ;\r\nabc\r\n0\r\n\r\n" SMUGGLED, 400},
        {POST "Transfer-Encoding: chunked\r\n\r\n3;\nx\r\nabc\r\n0\r\n\r\n" SMUGGLED, 400},
        {POST "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff3\r\nabc\r\n0\r\n\r\n" SMUGGLED,
         400},
        {POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\r\n" SMUGGLED, 400},
        {POST "Expect: everything\r\nContent-Length: 3\r\n\r\nabc" SMUGGLED, 417},
    };
    rig g = {0};
    rig_start(&g, (http_limits){0});
    for (size_t i = 0; i < countof(cases); i++)
        ck_refused(g.port, cases[i].bytes, strlen(cases[i].bytes), cases[i].status);
    static const char zero[] = "GET /hello HTTP/1.1\r\n" HOST "X: \0\r\n\r\n" HELLO;
    ck_refused(g.port, zero, sizeof zero - 1, 400);
    ck_asked(g.port, HELLO, 200, "hello");
    rig_stop(&g);
}

TEST(a_refusal_comes_after_the_answers_before_it)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    wire x = wire_open(g.port);
    wire_puts(&x, HELLO "GET /work?1 HTTP/1.1\r\n" HOST "\r\n"
                        "GET / HTTP/1.1\n" HELLO);
    ck_answer(wire_answer(&x), 200, "hello");
    ck_answer(wire_answer(&x), 200, "worked 1");
    ck_answer(wire_answer(&x), 400, NULL);
    wire_to_end(&x);
    ck_assert_uint_eq(x.at, x.in.n);
    wire_close(&x);
    rig_stop(&g);
}

TEST(foreign_hosts_and_origins_reach_nothing)
{
    static const char *const foreign[] = {
        "GET /hello HTTP/1.1\r\nHost:\r\n\r\n" SMUGGLED, /* first: nothing is remembered yet */
        "GET /hello HTTP/1.1\r\nHost: example.com\r\n\r\n" SMUGGLED,
        "GET /hello HTTP/1.1\r\nHost: localhost.example.com\r\n\r\n" SMUGGLED,
        "GET /hello HTTP/1.0\r\nHost: example.com\r\n\r\n" SMUGGLED,
        "GET /hello HTTP/1.1\r\n" HOST "Origin: null\r\n\r\n" SMUGGLED,
        "GET /hello HTTP/1.1\r\n" HOST "Origin: http://example.com\r\n\r\n" SMUGGLED,
        "POST /echo HTTP/1.1\r\n" HOST
        "Origin: http://example.com\r\nContent-Length: 2\r\n\r\nhi" SMUGGLED,
    };
    rig g = {0};
    http_options o = rig_options(&g);
    o.n_loops = 1; /* one memory of good Hosts */
    rig_start_with(&g, &o);
    for (size_t i = 0; i < countof(foreign); i++) {
        ck_refused(g.port, foreign[i], strlen(foreign[i]), 403);
        ck_asked(g.port, HELLO, 200, "hello"); /* and the memo of good ones is not confused */
    }
    ck_asked(g.port,
             "GET /hello HTTP/1.1\r\nHost: localhost:1\r\nOrigin: http://localhost:1\r\n\r\n", 200,
             "hello");
    http_counters c;
    http_server_counters(g.s, &c);
    ck_assert_uint_eq(c.requests, countof(foreign) + 1);
    rig_stop(&g);
}

static void ck_head_of(int port, size_t size, int status)
{
    static const char begin[] = "GET /hello HTTP/1.1\r\n" HOST "X: ";
    char *p = mem_new(size, 1);
    memset(p, 'x', size);
    memcpy(p, begin, sizeof begin - 1);
    memcpy(p + size - 4, "\r\n\r\n", 4);
    wire x = wire_open(port);
    wire_send(&x, p, size);
    ck_answer(wire_answer(&x), status, NULL);
    if (status != 200) wire_to_end(&x);
    wire_close(&x);
    mem_free(p);
}

TEST(a_head_over_the_limit_is_refused_readably)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    ck_head_of(g.port, 16 * 1024, 200);
    ck_head_of(g.port, 16 * 1024 + 1, 431);
    ck_head_of(g.port, 200 * 1024, 431);
    char line[20000];
    memset(line, 'x', sizeof line);
    memcpy(line, "GET /", 5);
    ck_refused(g.port, line, sizeof line, 414);
    buf many;
    buf_init(&many, 4096);
    buf_puts(&many, STR("GET /hello HTTP/1.1\r\n" HOST));
    for (int i = 1; i < 64; i++)
        buf_puts(&many, STR("A: b\r\n"));
    wire x = wire_open(g.port);
    wire_send(&x, many.p, many.n);
    wire_puts(&x, "\r\n");
    ck_answer(wire_answer(&x), 200, "hello");
    wire_close(&x);
    buf_puts(&many, STR("A: b\r\n\r\n"));
    ck_refused(g.port, many.p, many.n, 431);
    buf_done(&many);
    rig_stop(&g);
}

TEST(a_body_over_the_limit_is_refused_readably)
{
    enum { MAX = 1000000, SENT = 6000000 };
    rig g = {0};
    rig_start(&g, (http_limits){.body_max = MAX});
    char *body = mem_new(SENT, 1);
    static const char *const heads[] = {
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000001\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 999999999999999999\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n7ffffff\r\n"};
    for (size_t i = 0; i < countof(heads); i++) {
        wire x = wire_open(g.port);
        wire_puts(&x, heads[i]);
        /* far more than the limit, as a client does that does not look: the answer is there when it
         * has ended */
        wire_send(&x, body, i ? 4 * MAX : MAX + 1);
        ck_answer(wire_answer(&x), 413, NULL);
        wire_to_end(&x);
        wire_close(&x);
    }
    wire x = wire_open(g.port);
    wire_puts(&x, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
    wire_send(&x, body, MAX);
    ck_answer(wire_answer(&x), 200, NULL);
    wire_close(&x);
    mem_free(body);
    rig_stop(&g);
}

TEST(the_application_may_allow_less_of_a_body)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    ck_asked(g.port, "POST /small HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789", 200,
             "small");
    ck_asked(g.port, "POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n0123456789x", 413,
             NULL);
    ck_asked(g.port, "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", 413, NULL);
    ck_asked(g.port, "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200, "hello");
    ck_asked(g.port, "GET /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             413, NULL);
    ck_asked(g.port,
             "POST /small HTTP/1.1\r\n" HOST
             "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
             200, "small");
    ck_asked(g.port,
             "POST /small HTTP/1.1\r\n" HOST
             "Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789x\r\n0\r\n\r\n",
             413, NULL);
    rig_stop(&g);
}

TEST(memory_of_bodies_is_limited_over_all_connections)
{
    enum { N = 6, PART = 200000 };
    rig g = {0};
    http_options o = rig_options(&g);
    o.n_loops = 1;
    o.limits = (http_limits){.kept_max = 1000000};
    rig_start_with(&g, &o);
    char *part = mem_new(PART, 1);
    wire x[N];
    int refused = 0;
    for (int i = 0; i < N; i++) { /* each holds PART bytes and goes no further */
        x[i] = wire_open(g.port);
        wire_puts(&x[i], "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\n");
        wire_send(&x[i], part, PART);
        wire_more(&x[i], i < 3 ? 50 : 500);
        if (x[i].in.n) {
            ck_answer(wire_answer(&x[i]), 503, NULL);
            refused++;
        }
    }
    ck_assert_int_ge(refused, 1);
    ck_assert_int_lt(refused, N);
    ck_asked(g.port, HELLO, 200, "hello");
    for (int i = 0; i < N; i++)
        wire_close(&x[i]);
    mem_free(part);
    rig_stop(&g);
}

TEST(slow_heads_and_bodies_are_cut_with_an_answer)
{
    rig g = {0};
    rig_start(&g, (http_limits){.head_ms = 200, .body_ms = 200});
    static const char *const slow[] = {
        "GET /hel", "GET /hello HTTP/1.1\r\n" HOST,
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhell",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhell"};
    for (size_t i = 0; i < countof(slow); i++)
        ck_refused(g.port, slow[i], strlen(slow[i]), 408);
    /* single bytes do not prolong the time */
    wire x = wire_open(g.port);
    int64_t start = mono_us();
    wire_puts(&x, "GET /hello HTTP/1.1\r\nX: ");
    while (!wire_more(&x, 20) && mono_us() - start < 15 * 1000000)
        wire_puts(&x, "x");
    ck_answer(wire_answer(&x), 408, NULL);
    wire_close(&x);
    rig_stop(&g);
}

TEST(a_new_head_has_its_own_time)
{
    rig g = {0};
    rig_start(&g, (http_limits){.head_ms = 1500});
    wire x = wire_open(g.port);
    for (int i = 0; i < 5; i++) { /* together longer than one may take */
        wire_puts(&x, "GET /hello HTTP/1.1\r\n");
        sleep_ms(400);
        wire_puts(&x, HOST "\r\nGET");
        ck_answer(wire_answer(&x), 200, "hello");
        wire_puts(&x, " /hello HTTP/1.1\r\n" HOST "\r\n");
        ck_answer(wire_answer(&x), 200, "hello");
    }
    wire_close(&x);
    rig_stop(&g);
}

TEST(idle_connections_and_stuck_readers_are_closed)
{
    rig g = {0};
    rig_start(&g, (http_limits){.idle_ms = 200, .write_ms = 200});
    wire fresh = wire_open(g.port), used = wire_open(g.port), stuck = wire_open(g.port);
    wire_puts(&used, HELLO);
    ck_answer(wire_answer(&used), 200, "hello");
    wire_puts(&stuck, "GET /big?n=50000000 HTTP/1.1\r\n" HOST "\r\n");
    wire_to_end(&fresh);
    ck_assert_uint_eq(fresh.in.n, 0);
    wire_to_end(&used);
    http_counters c = {.open = 1};
    for (int i = 0; i < 200 && c.open; i++) {
        sleep_ms(50);
        http_server_counters(g.s, &c);
    }
    ck_assert_uint_eq(c.open, 0);
    wire_to_end(&stuck);
    ck_assert_uint_lt(stuck.in.n, 50000000);
    wire_close(&fresh);
    wire_close(&used);
    wire_close(&stuck);
    rig_stop(&g);
}

TEST(a_connection_over_the_limit_is_told_so)
{
    rig g = {0};
    rig_start(&g, (http_limits){.connections_max = 3});
    wire x[3];
    for (int i = 0; i < 3; i++) {
        x[i] = wire_open(g.port);
        wire_puts(&x[i], HELLO);
        ck_answer(wire_answer(&x[i]), 200, "hello");
    }
    ck_refused(g.port, HELLO, strlen(HELLO), 503);
    wire_close(&x[0]);
    http_counters c = {.open = 3};
    for (int i = 0; i < 400 && c.open > 2; i++) {
        sleep_ms(5);
        http_server_counters(g.s, &c);
    }
    ck_asked(g.port, HELLO, 200, "hello");
    wire_close(&x[1]);
    wire_close(&x[2]);
    rig_stop(&g);
}

TESTS("http/refuse", framings_that_two_parsers_read_differently_are_refused,
      a_refusal_comes_after_the_answers_before_it, foreign_hosts_and_origins_reach_nothing,
      a_head_over_the_limit_is_refused_readably, a_body_over_the_limit_is_refused_readably,
      the_application_may_allow_less_of_a_body, memory_of_bodies_is_limited_over_all_connections,
      slow_heads_and_bodies_are_cut_with_an_answer, a_new_head_has_its_own_time,
      idle_connections_and_stuck_readers_are_closed, a_connection_over_the_limit_is_told_so)
