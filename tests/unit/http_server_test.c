/* The server over real sockets: what is asked and answered when everybody behaves. */
#include "http_rig.h"

TEST(a_request_is_answered_and_the_connection_stays)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    wire x = wire_open(g.port);
    for (int i = 0; i < 3; i++) {
        wire_puts(&x, HELLO);
        answer w = wire_answer(&x);
        ck_answer(w, 200, "hello");
        ck_assert(str_is(answer_header(&w, "Content-Type"), "text/plain"));
        ck_assert_ptr_null(answer_header(&w, "Connection").p);
        ck_assert_ptr_null(answer_header(&w, "Server").p);
        ck_assert(str_ends(answer_header(&w, "Date"), " GMT"));
    }
    wire_close(&x);
    rig_stop(&g);
    ck_assert_int_eq(g.entered, g.left);
}

TEST(method_target_headers_and_body_reach_the_application)
{
    rig g = {0};
    http_options o = rig_options(&g);
    o.server_name = "tidemill";
    rig_start_with(&g, &o);
    wire x = wire_open(g.port);
    wire_puts(&x, "PATCH /describe?a=%20&b HTTP/1.1\r\n" HOST "x-word:  two words \r\n"
                  "Content-Length: 4\r\n\r\nbody");
    answer w = wire_answer(&x);
    ck_answer(w, 200, "PATCH|/describe|a=%20&b|3|4|two words");
    ck_assert(str_is(answer_header(&w, "Server"), "tidemill"));
    wire_puts(&x, "POST /json HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
    w = wire_answer(&x);
    ck_answer(w, 200, "{}");
    ck_assert(str_is(answer_header(&w, "Content-Type"), "application/json"));
    ck_assert(str_is(answer_header(&w, "Server"), "tidemill"));
    ck_assert(str_ends(answer_header(&w, "Date"), " GMT"));
    wire_close(&x);
    rig_stop(&g);
}

TEST(a_request_is_the_same_however_it_is_cut)
{
    static const char plain[] =
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\nhello world";
    static const char chunked[] =
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "6;x=y\r\nhello \r\n5\r\nworld\r\n0\r\nA: b\r\n\r\n";
    rig g = {0};
    rig_start(&g, (http_limits){0});
    const char *const whole[] = {plain, chunked};
    wire x = wire_open(g.port);
    for (size_t i = 0; i < countof(whole); i++)
        for (size_t cut = 1; cut < strlen(whole[i]); cut++) {
            wire_send(&x, whole[i], cut);
            sleep_ms(1); /* most of the time the server sees the cut */
            wire_puts(&x, whole[i] + cut);
            ck_answer(wire_answer(&x), 200, "hello world");
        }
    for (size_t i = 0; i < countof(whole); i++) {
        for (size_t at = 0; whole[i][at]; at++) {
            wire_send(&x, whole[i] + at, 1);
            if (at % 8 == 0) sleep_ms(1);
        }
        ck_answer(wire_answer(&x), 200, "hello world");
    }
    wire_close(&x);
    rig_stop(&g);
}

TEST(pipelined_requests_are_answered_in_order)
{
    enum { N = 500 }; /* more than the read buffer holds at once, and than pipeline_max */
    rig g = {0};
    rig_start(&g, (http_limits){.pipeline_max = 7});
    wire x = wire_open(g.port);
    buf out;
    buf_init(&out, 1 << 20);
    for (int i = 0; i < N; i++) {
        if (i % 3 == 0)
            buf_fmt(&out, "GET /describe?%d HTTP/1.1\r\n" HOST "\r\n", i);
        else if (i % 3 == 1)
            buf_fmt(&out, "POST /echo?%d HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nnumber%03d",
                    i, i);
        else
            buf_fmt(&out,
                    "POST /work HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                    "6\r\nnumber\r\n3\r\n%03d\r\n0\r\n\r\n",
                    i);
    }
    ck_assert(wire_send(&x, out.p, out.n));
    for (int i = 0; i < N; i++) {
        char want[64];
        if (i % 3)
            (void)snprintf(want, sizeof want, "number%03d", i);
        else
            (void)snprintf(want, sizeof want, "GET|/describe|%d|1|0|", i);
        ck_answer(wire_answer(&x), 200, want);
    }
    buf_done(&out);
    wire_close(&x);
    rig_stop(&g);
}

TEST(a_reader_that_stops_reading_gets_every_byte_later)
{
    enum { N = 8, SIZE = 3000000 }; /* more than the kernel's buffers take */
    rig g = {0};
    rig_start(&g, (http_limits){0});
    wire x = wire_open(g.port);
    for (int i = 0; i < N; i++)
        wire_puts(&x, "GET /big?n=3000000 HTTP/1.1\r\n" HOST "\r\n" HELLO);
    sleep_ms(100);
    for (int i = 0; i < N; i++) {
        answer w = wire_answer(&x);
        ck_answer(w, 200, NULL);
        ck_assert_uint_eq(w.body.n, SIZE);
        for (size_t j = 0; j < SIZE; j += 997)
            ck_assert_int_eq(w.body.p[j], (char)('a' + j % 26));
        ck_answer(wire_answer(&x), 200, "hello");
    }
    wire_close(&x);
    rig_stop(&g);
}

TEST(a_large_body_is_taken_whole)
{
    enum { SIZE = 5000000 };
    rig g = {0};
    rig_start(&g, (http_limits){0});
    wire x = wire_open(g.port);
    char *body = mem_new(SIZE, 1);
    for (size_t i = 0; i < SIZE; i++)
        body[i] = (char)('a' + i % 23);
    for (int i = 0; i < 2; i++) {
        wire_puts(&x, i ? "POST /work HTTP/1.1\r\n" HOST "Content-Length: 5000000\r\n\r\n"
                        : "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5000000\r\n\r\n");
        ck_assert(wire_send(&x, body, SIZE));
        answer w = wire_answer(&x);
        ck_answer(w, 200, NULL);
        ck_assert(w.body.n == SIZE && !memcmp(w.body.p, body, SIZE));
    }
    mem_free(body);
    wire_close(&x);
    rig_stop(&g);
}

TEST(head_gets_the_length_but_no_body)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    wire x = wire_open(g.port);
    answer w;
    wire_puts(&x, "HEAD /hello HTTP/1.1\r\n" HOST "\r\n" HELLO_CLOSE);
    ck_assert(wire_try_answer(&x, true, &w));
    ck_answer(w, 200, "");
    ck_assert(str_is(answer_header(&w, "Content-Length"), "5"));
    ck_answer(wire_answer(&x), 200, "hello");
    wire_to_end(&x);
    ck_assert_uint_eq(x.at, x.in.n);
    wire_close(&x);
    rig_stop(&g);
}

TEST(no_content_has_neither_body_nor_length)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    wire x = wire_open(g.port);
    wire_puts(&x, "GET /empty HTTP/1.1\r\n" HOST "\r\n");
    answer w = wire_answer(&x);
    ck_answer(w, 204, "");
    ck_assert_ptr_null(answer_header(&w, "Content-Length").p);
    ck_assert_ptr_null(answer_header(&w, "Content-Type").p);
    wire_close(&x);
    rig_stop(&g);
}

static void ck_ends(int port, const char *bytes, const char *connection, bool ends)
{
    wire x = wire_open(port);
    wire_puts(&x, bytes);
    answer w = wire_answer(&x);
    ck_answer(w, 200, NULL);
    str got = answer_header(&w, "Connection");
    ck_assert_msg(connection ? str_is(got, connection) : !got.p, "%s", bytes);
    if (ends) {
        wire_to_end(&x);
    } else {
        wire_puts(&x, HELLO);
        ck_answer(wire_answer(&x), 200, "hello");
    }
    wire_close(&x);
}

TEST(the_connection_ends_when_one_side_wants_it)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    ck_ends(g.port, HELLO, NULL, false);
    ck_ends(g.port, HELLO_CLOSE, "close", true);
    ck_ends(g.port, "GET /close HTTP/1.1\r\n" HOST "\r\n", "close", true);
    ck_ends(g.port, "GET /close HTTP/1.1\r\n" HOST "\r\n" HELLO HELLO, "close", true);
    ck_ends(g.port, "GET /hello HTTP/1.0\r\n\r\n", "close", true);
    ck_ends(g.port, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", false);
    ck_ends(g.port, "GET /work HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "close", true);
    ck_ends(g.port, "GET /work HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" HELLO, "close", true);
    rig_stop(&g);
}

TEST(a_client_that_closed_its_writing_half_gets_its_answer)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    wire x = wire_open(g.port);
    wire_puts(&x, HELLO "GET /work?1 HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(shutdown(x.fd, SHUT_WR), 0);
    ck_answer(wire_answer(&x), 200, "hello");
    ck_answer(wire_answer(&x), 200, "worked 1");
    wire_to_end(&x);
    wire_close(&x);
    rig_stop(&g);
}

TEST(a_body_is_asked_for_when_the_client_waits)
{
    rig g = {0};
    rig_start(&g, (http_limits){.body_max = 100});
    wire x = wire_open(g.port);
    wire_puts(&x,
              "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    ck_answer(wire_answer(&x), 100, "");
    wire_puts(&x, "hello");
    ck_answer(wire_answer(&x), 200, "hello");
    /* not when the body is there already */
    wire_puts(&x,
              "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\nhi");
    ck_answer(wire_answer(&x), 200, "hi");
    /* and not when it would be refused */
    wire_puts(&x,
              "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 101\r\nExpect: 100-continue\r\n\r\n");
    ck_answer(wire_answer(&x), 413, NULL);
    wire_close(&x);
    rig_stop(&g);
}

TEST(a_header_cannot_be_split_by_its_value)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    wire x = wire_open(g.port);
    wire_puts(&x, "GET /extra HTTP/1.1\r\n" HOST "\r\n");
    answer w = wire_answer(&x);
    ck_assert(str_is(answer_header(&w, "X-A"), "1"));
    ck_assert(str_is(answer_header(&w, "X-B"), "2  X-Evil: 3"));
    ck_assert_ptr_null(answer_header(&w, "X-Evil").p);
    wire_puts(&x, "GET /long HTTP/1.1\r\n" HOST "\r\n");
    ck_answer(wire_answer(&x), 500, NULL);
    wire_close(&x);
    rig_stop(&g);
}

TEST(a_thousand_connections_are_served_together)
{
    enum { N = 1000 };
    rig g = {0};
    rig_start(&g, (http_limits){0});
    wire *x = mem_new(N, sizeof *x);
    for (int i = 0; i < N; i++)
        x[i] = wire_open(g.port);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++)
            wire_puts(&x[i], i % 2 ? HELLO : "GET /work?1 HTTP/1.1\r\n" HOST "\r\n");
        for (int i = 0; i < N; i++) {
            answer w = wire_answer(&x[i]);
            if (w.status == 503) continue; /* more waited for the pool than its queue holds */
            ck_answer(w, 200, i % 2 ? "hello" : "worked 1");
        }
    }
    http_counters c;
    http_server_counters(g.s, &c);
    ck_assert_uint_eq(c.open, N);
    ck_assert_uint_eq(c.accepted, N);
    ck_assert_uint_eq(c.requests, 2 * N);
    ck_assert_uint_eq(c.status[2] + c.refused, 2 * N);
    for (int i = 0; i < N; i++)
        wire_close(&x[i]);
    mem_free(x);
    rig_stop(&g);
}

TEST(the_counters_add_up)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    wire x = wire_open(g.port);
    wire_puts(&x, HELLO "GET /nowhere HTTP/1.1\r\n" HOST "\r\n"
                        "GET /work HTTP/1.1\r\n" HOST "\r\nnonsense\n");
    ck_answer(wire_answer(&x), 200, NULL);
    ck_answer(wire_answer(&x), 404, NULL);
    ck_answer(wire_answer(&x), 200, NULL);
    ck_answer(wire_answer(&x), 400, NULL);
    wire_to_end(&x);
    http_counters c;
    http_server_counters(g.s, &c);
    ck_assert_uint_eq(c.accepted, 1);
    ck_assert_uint_eq(c.requests, 3);
    ck_assert_uint_eq(c.deferred, 1);
    ck_assert_uint_eq(c.refused, 1);
    ck_assert(c.status[2] == 2 && c.status[4] == 2 && !c.status[5]);
    ck_assert_uint_eq(c.bytes_out, x.in.n);
    wire_close(&x);
    rig_stop(&g);
}

TESTS("http/server", a_request_is_answered_and_the_connection_stays,
      method_target_headers_and_body_reach_the_application, a_request_is_the_same_however_it_is_cut,
      pipelined_requests_are_answered_in_order, a_reader_that_stops_reading_gets_every_byte_later,
      a_large_body_is_taken_whole, head_gets_the_length_but_no_body,
      no_content_has_neither_body_nor_length, the_connection_ends_when_one_side_wants_it,
      a_client_that_closed_its_writing_half_gets_its_answer,
      a_body_is_asked_for_when_the_client_waits, a_header_cannot_be_split_by_its_value,
      a_thousand_connections_are_served_together, the_counters_add_up)
