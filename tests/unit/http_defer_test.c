/* Requests that go to the pool, and how the server begins and ends. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include "base/fault.h"
#include "http_rig.h"

#define GATE "GET /gate?1 HTTP/1.1\r\n" HOST "\r\n"

static void wait_for(rig *g, int waiting)
{
    for (int i = 0; i < RIG_PATIENCE_MS && g->waiting != waiting; i++)
        sleep_ms(1);
    ck_assert_int_eq(g->waiting, waiting);
}

TEST(later_requests_of_a_connection_wait_for_the_deferred_one)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    wire x = wire_open(g.port), other = wire_open(g.port);
    wire_puts(&x, GATE HELLO);
    wait_for(&g, 1);
    wire_puts(&x, HELLO); /* arrives while the first is on the pool */
    wire_puts(&other, HELLO);
    ck_answer(wire_answer(&other), 200, "hello"); /* nobody else waits */
    ck_assert(!wire_more(&x, 50));
    g.gate = 1;
    ck_answer(wire_answer(&x), 200, "worked 1");
    ck_answer(wire_answer(&x), 200, "hello");
    ck_answer(wire_answer(&x), 200, "hello");
    wire_puts(&x, HELLO);
    ck_answer(wire_answer(&x), 200, "hello");
    wire_close(&x);
    wire_close(&other);
    rig_stop(&g);
}

TEST(the_pool_gets_the_request_as_it_was_sent)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    ck_asked(g.port, "POST /work?q HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody", 200, "body");
    ck_asked(g.port,
             "POST /work HTTP/1.1\r\n" HOST
             "Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
             200, "body");
    ck_asked(g.port, "GET /work?q=1 HTTP/1.1\r\n" HOST "\r\n", 200, "worked q=1");
    wire x = wire_open(g.port);
    answer w;
    wire_puts(&x, "HEAD /work HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(wire_try_answer(&x, true, &w));
    ck_assert(str_is(answer_header(&w, "Content-Length"), "7"));
    wire_close(&x);
    rig_stop(&g);
}

TEST(a_full_pool_is_told_and_the_connection_stays)
{
    rig g = {0};
    http_options o = rig_options(&g);
    o.n_loops = o.n_workers = 1;
    o.limits.pool_queue_max = 2;
    rig_start_with(&g, &o);
    wire x[3], late = wire_open(g.port);
    for (int i = 0; i < 3; i++) {
        x[i] = wire_open(g.port);
        wire_puts(&x[i], GATE);
        if (i == 0) wait_for(&g, 1); /* the worker has it; the next two fill the queue */
    }
    http_counters c = {0};
    for (int i = 0; i < RIG_PATIENCE_MS && c.deferred < 3; i++) {
        sleep_ms(1);
        http_server_counters(g.s, &c);
    }
    wire_puts(&late, GATE);
    answer w = wire_answer(&late);
    ck_answer(w, 503, NULL);
    ck_assert(str_is(answer_header(&w, "Retry-After"), "1"));
    wire_puts(&late, HELLO);
    ck_answer(wire_answer(&late), 200, "hello");
    g.gate = 1;
    for (int i = 0; i < 3; i++) {
        ck_answer(wire_answer(&x[i]), 200, "worked 1");
        wire_close(&x[i]);
    }
    wire_close(&late);
    rig_stop(&g);
}

TEST(a_client_that_leaves_does_not_disturb_its_request)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    for (int i = 0; i < 2; i++) {
        wire x = wire_open(g.port);
        const struct linger reset = {.l_onoff = 1};
        wire_puts(&x, GATE);
        wait_for(&g, i + 1);
        if (i) ck_assert_int_eq(setsockopt(x.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
        wire_close(&x);
    }
    ck_asked(g.port, HELLO, 200, "hello");
    g.gate = 1;
    wait_for(&g, 0);
    http_counters c = {.open = 1};
    for (int i = 0; i < RIG_PATIENCE_MS && c.open; i++) {
        sleep_ms(1);
        http_server_counters(g.s, &c);
    }
    ck_assert_uint_eq(c.open, 0);
    rig_stop(&g);
}

static void *drain(void *arg)
{
    rig *g = arg;
    http_server_drain(g->s);
    return NULL;
}

static bool refuses_connections(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool refused = connect(fd, (struct sockaddr *)&a, sizeof a) && errno == ECONNREFUSED;
    ck_assert_int_eq(close(fd), 0);
    return refused;
}

TEST(a_drain_answers_what_runs_and_closes_the_rest)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    wire busy = wire_open(g.port), idle = wire_open(g.port), half = wire_open(g.port);
    wire_puts(&idle, HELLO);
    ck_answer(wire_answer(&idle), 200, "hello");
    wire_puts(&half, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
    wire_puts(&busy, GATE);
    wait_for(&g, 1);
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, drain, &g), 0);
    wire_to_end(&idle);
    for (int i = 0; i < RIG_PATIENCE_MS && !refuses_connections(g.port); i++)
        sleep_ms(1);
    ck_assert(refuses_connections(g.port));
    wire_puts(&half, "llo");
    answer w = wire_answer(&half);
    ck_answer(w, 200, "hello");
    ck_assert(str_is(answer_header(&w, "Connection"), "close"));
    g.gate = 1;
    w = wire_answer(&busy);
    ck_answer(w, 200, "worked 1");
    ck_assert(str_is(answer_header(&w, "Connection"), "close"));
    wire_to_end(&busy);
    pthread_join(t, NULL);
    wire_close(&busy);
    wire_close(&idle);
    wire_close(&half);
    http_server_free(g.s);
}

TEST(a_drain_ends_in_time_whatever_clients_do)
{
    rig g = {0};
    rig_start(&g, (http_limits){.drain_ms = 200});
    wire half = wire_open(g.port), stuck = wire_open(g.port);
    wire_puts(&half, "GET /hel");
    wire_puts(&stuck, "GET /big?n=50000000 HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(wire_more(&stuck, RIG_PATIENCE_MS));
    sleep_ms(100);
    int64_t start = mono_us();
    http_server_drain(g.s);
    ck_assert_int_lt(mono_us() - start, 10 * 1000000);
    wire_to_end(&half);
    wire_close(&half);
    wire_close(&stuck);
    http_server_free(g.s);
}

static void *open_gate_later(void *arg)
{
    sleep_ms(600);
    ((rig *)arg)->gate = 1;
    return NULL;
}

TEST(a_drain_cuts_who_waits_too_long_and_lets_the_work_end)
{
    rig g = {0};
    pthread_t t;
    rig_start(&g, (http_limits){.drain_ms = 100});
    wire x = wire_open(g.port), gone = wire_open(g.port);
    wire_puts(&x, GATE);
    wire_puts(&gone, GATE);
    wait_for(&g, 2);
    wire_close(&gone);
    ck_assert_int_eq(pthread_create(&t, NULL, open_gate_later, &g), 0);
    http_server_drain(g.s);
    ck_assert_int_eq(g.waiting, 0);
    wire_to_end(&x);
    ck_assert_uint_eq(x.in.n, 0);
    pthread_join(t, NULL);
    wire_close(&x);
    http_server_free(g.s);
}

TEST(a_failing_send_costs_only_its_connection)
{
    static const char *const asked[] = {HELLO HELLO, "GET /big?n=1000000 HTTP/1.1\r\n" HOST "\r\n",
                                        "GET /work HTTP/1.1\r\n" HOST "\r\n" HELLO, "nonsense\n"};
    for (size_t i = 0; i < countof(asked); i++) {
        rig g = {0};
        fault_arm("net_send:1");
        rig_start(&g, (http_limits){0});
        wire x = wire_open(g.port);
        wire_puts(&x, asked[i]);
        wire_to_end(&x);
        ck_assert_uint_eq(x.in.n, 0);
        ck_asked(g.port, HELLO, 200, "hello");
        wire_close(&x);
        rig_stop(&g);
        fault_arm(NULL);
    }
}

TEST(a_server_that_was_never_started_is_freed)
{
    rig g = {0};
    http_options o = rig_options(&g);
    ck_ok(http_server_new(&o, &g.s));
    http_server_free(g.s);
    http_server_free(NULL);
}

TEST(a_port_in_use_is_a_conflict_and_is_free_again_afterwards)
{
    rig g = {0};
    rig_start(&g, (http_limits){0});
    http_options o = rig_options(&g);
    o.port = g.port;
    http_server *second = NULL;
    ck_err(http_server_new(&o, &second), ERR_CONFLICT);
    ck_assert_ptr_null(second);
    char want[32];
    (void)snprintf(want, sizeof want, "port %d: address in use", g.port);
    ck_assert_msg(strstr(err_message(), want), "%s", err_message());
    ck_asked(g.port, HELLO_CLOSE, 200, "hello"); /* leaves a connection in TIME_WAIT behind */
    rig_stop(&g);
    ck_ok(http_server_new(&o, &second));
    ck_assert_int_eq(http_server_port(second), o.port);
    http_server_free(second);
}

TEST(every_loop_gets_connections)
{
    enum { N = 200 }; /* none for one of four loops: once in 10^24 */
    rig g = {0};
    http_options o = rig_options(&g);
    o.n_loops = RIG_LOOPS_MAX;
    rig_start_with(&g, &o);
    for (int i = 0; i < N; i++)
        ck_asked(g.port, HELLO, 200, "hello");
    int sum = 0;
    for (int i = 0; i < RIG_LOOPS_MAX; i++) {
        ck_assert_int_gt(g.served[i], 0);
        sum += g.served[i];
    }
    ck_assert_int_eq(sum, N);
    rig_stop(&g);
}

TEST(only_this_machine_can_be_served)
{
    static const struct {
        const char *host;
        int port;
        err want;
    } cases[] = {
        {"0.0.0.0", 0, ERR_DENIED},
        {"10.0.0.1", 0, ERR_DENIED},
        {"::", 0, ERR_DENIED},
        {"example.com", 0, ERR_INVALID},
        {"", 0, ERR_INVALID},
        {"127.0.0.1", -1, ERR_INVALID},
        {"127.0.0.1", 65536, ERR_INVALID},
        {NULL, 0, ERR_OK},
        {"localhost", 0, ERR_OK},
        {"127.0.0.2", 0, ERR_OK},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        rig g = {0};
        http_options o = rig_options(&g);
        o.host = cases[i].host;
        o.port = cases[i].port;
        ck_err(http_server_new(&o, &g.s), cases[i].want);
        http_server_free(g.s);
    }
}

TEST(limits_that_make_no_sense_are_refused)
{
    const http_limits bad[] = {{.head_max = 255},
                               {.head_max = 2 << 20},
                               {.headers_max = 1025},
                               {.body_max = (size_t)2 << 30},
                               {.idle_ms = -1}};
    for (size_t i = 0; i < countof(bad); i++) {
        rig g = {0};
        http_options o = rig_options(&g);
        o.limits = bad[i];
        ck_err(http_server_new(&o, &g.s), ERR_INVALID);
    }
}

TEST(running_out_of_files_does_not_stop_the_server)
{
    rig g = {0};
    http_options o = rig_options(&g);
    o.n_loops = 1;
    rig_start_with(&g, &o);
    wire kept = wire_open(g.port), cut = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    buf_init(&cut.in, 1 << 20);
    wire_puts(&kept, HELLO);
    ck_answer(wire_answer(&kept), 200, "hello");
    struct rlimit all, few;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
    few = all;
    few.rlim_cur = (rlim_t)cut.fd + 1; /* none is left below */
    for (int fd = 0; fd < cut.fd; fd++)
        if (fcntl(fd, F_GETFD) < 0) ck_assert_int_ge(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)g.port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(cut.fd, (struct sockaddr *)&a, sizeof a), 0);
    wire_to_end(&cut); /* taken and cut, instead of spinning on it */
    wire_puts(&kept, HELLO);
    ck_answer(wire_answer(&kept), 200, "hello");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
    ck_asked(g.port, HELLO, 200, "hello");
    wire_close(&kept);
    wire_close(&cut);
    rig_stop(&g);
}

TESTS("http/defer", later_requests_of_a_connection_wait_for_the_deferred_one,
      the_pool_gets_the_request_as_it_was_sent, a_full_pool_is_told_and_the_connection_stays,
      a_client_that_leaves_does_not_disturb_its_request,
      a_drain_answers_what_runs_and_closes_the_rest, a_drain_ends_in_time_whatever_clients_do,
      a_drain_cuts_who_waits_too_long_and_lets_the_work_end,
      a_failing_send_costs_only_its_connection, a_server_that_was_never_started_is_freed,
      a_port_in_use_is_a_conflict_and_is_free_again_afterwards, every_loop_gets_connections,
      only_this_machine_can_be_served, limits_that_make_no_sense_are_refused,
      running_out_of_files_does_not_stop_the_server)
