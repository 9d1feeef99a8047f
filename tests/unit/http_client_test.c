/* The client against our own server, and against servers that misbehave. */
#include <pthread.h>

#include "http/client.h"
#include "http_rig.h"

static err ask(arena *a, const char *method, int port, const char *path, str body, http_answer *ret)
{
    http_call c = {
        .method = method, .url = cstr_fmt(a, "http://127.0.0.1:%d%s", port, path), .body = body};
    return http_send(a, &c, ret);
}

TEST(methods_bodies_and_answers_pass_through)
{
    AUTO(arena) a = arena_new(0);
    rig g = {0};
    http_answer w;
    rig_start(&g, (http_limits){0});
    ck_ok(ask(a, "GET", g.port, "/hello", STR(""), &w));
    ck_assert_int_eq(w.status, 200);
    ck_assert(str_is(w.body, "hello") && !w.body.p[w.body.n]);
    ck_assert(str_is(w.content_type, "text/plain"));
    ck_ok(ask(a, "POST", g.port, "/echo", (str){"a\0b", 3}, &w));
    ck_assert(w.body.n == 3 && !memcmp(w.body.p, "a\0b", 3));
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < countof(methods); i++) {
        ck_ok(ask(a, methods[i], g.port, "/describe?x", i % 2 ? STR("body") : STR(""), &w));
        ck_assert(str_starts(w.body, methods[i]));
        ck_assert(str_ends(w.body, i % 2 ? "|4|" : "|0|"));
    }
    ck_ok(ask(a, "HEAD", g.port, "/hello", STR(""), &w));
    ck_assert(w.status == 200 && !w.body.n);
    ck_ok(ask(a, "GET", g.port, "/nowhere", STR(""), &w));
    ck_assert_int_eq(w.status, 404);
    rig_stop(&g);
}

TEST(headers_are_sent)
{
    AUTO(arena) a = arena_new(0);
    rig g = {0};
    http_answer w;
    rig_start(&g, (http_limits){0});
    const char *const headers[] = {"X-Word: sent", NULL};
    http_call c = {.method = "GET",
                   .url = cstr_fmt(a, "http://localhost:%d/describe", g.port),
                   .headers = headers};
    ck_ok(http_send(a, &c, &w));
    ck_assert(str_ends(w.body, "|sent"));
    rig_stop(&g);
}

TEST(a_large_body_and_answer_pass_but_not_over_the_limit)
{
    AUTO(arena) a = arena_new(0);
    rig g = {0};
    http_answer w = {.status = 7};
    rig_start(&g, (http_limits){0});
    str big = {arena_alloc(a, 3000000, 1), 3000000};
    ck_ok(ask(a, "POST", g.port, "/echo", big, &w));
    ck_assert(w.body.n == big.n && !memcmp(w.body.p, big.p, big.n));
    w.status = 7;
    for (int more = 0; more <= 1; more++) {
        http_call c = {.method = "GET",
                       .url = cstr_fmt(a, "http://127.0.0.1:%d/big?n=%d", g.port, 5000 + more),
                       .answer_max = 5000};
        err e = http_send(a, &c, &w);
        ck_assert_int_eq(e, more ? ERR_LIMIT : ERR_OK);
        ck_assert_int_eq(w.status, 200);
    }
    ck_assert(strstr(err_message(), "larger than 5000 bytes"));
    ck_assert_uint_eq(w.body.n, 5000); /* untouched by the failure */
    rig_stop(&g);
}

TEST(who_does_not_answer_is_named)
{
    AUTO(arena) a = arena_new(0);
    rig g = {0};
    http_answer w = {.status = 7};
    rig_start(&g, (http_limits){0});
    http_call c = {
        .method = "GET", .url = cstr_fmt(a, "http://127.0.0.1:%d/gate", g.port), .timeout_ms = 100};
    ck_err(http_send(a, &c, &w), ERR_IO);
    ck_assert_msg(strstr(err_message(), "timed out after 100 ms"), "%s", err_message());
    g.gate = 1;
    int port = g.port;
    rig_stop(&g);
    ck_err(ask(a, "GET", port, "/hello", STR(""), &w), ERR_IO);
    ck_assert_msg(strstr(err_message(), "refused"), "%s", err_message());
    ck_assert_int_eq(w.status, 7);
}

TEST(only_web_addresses_are_asked)
{
    static const char *const bad[] = {
        "file:///etc/passwd",     "ftp://127.0.0.1/", "gopher://127.0.0.1", "http://", "",
        "http://127.0.0.1:99999/"};
    AUTO(arena) a = arena_new(0);
    for (size_t i = 0; i < countof(bad); i++) {
        http_answer w;
        http_call c = {.method = "GET", .url = bad[i]};
        ck_err(http_send(a, &c, &w), ERR_INVALID);
    }
}

/* A server that answers one connection with these bytes and closes. */
typedef struct liar {
    int fd;
    const char *bytes;
} liar;

static void *lie(void *arg)
{
    liar *l = arg;
    char in[4096];
    int fd = accept(l->fd, NULL, NULL);
    if (recv(fd, in, sizeof in, 0) > 0) (void)!send(fd, l->bytes, strlen(l->bytes), MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    while (recv(fd, in, sizeof in, 0) > 0)
        ;
    (void)close(fd);
    return NULL;
}

static err ask_liar(const char *bytes, http_answer *ret, arena *a)
{
    liar l = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .bytes = bytes};
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;
    pthread_t t;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert(!bind(l.fd, (struct sockaddr *)&at, n) && !listen(l.fd, 1));
    ck_assert(!getsockname(l.fd, (struct sockaddr *)&at, &n));
    ck_assert(!pthread_create(&t, NULL, lie, &l));
    err e = ask(a, "GET", ntohs(at.sin_port), "/", STR(""), ret);
    pthread_join(t, NULL);
    ck_assert_int_eq(close(l.fd), 0);
    return e;
}

TEST(incomplete_and_senseless_answers_are_errors)
{
    static const char *const bad[] = {
        "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "nonsense",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"};
    AUTO(arena) a = arena_new(0);
    for (size_t i = 0; i < countof(bad); i++) {
        http_answer w = {.status = 7};
        ck_err(ask_liar(bad[i], &w, a), ERR_IO);
        ck_assert_int_eq(w.status, 7);
    }
}

TEST(a_redirect_is_given_back_and_not_followed)
{
    AUTO(arena) a = arena_new(0);
    http_answer w;
    ck_ok(ask_liar(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", &w, a));
    ck_assert_int_eq(w.status, 302);
    ck_assert_uint_eq(w.content_type.n, 0);
}

TEST(proxies_of_the_environment_are_not_used)
{
    AUTO(arena) a = arena_new(0);
    rig g = {0};
    http_answer w;
    ck_assert(!setenv("http_proxy", "http://127.0.0.1:1", 1) &&
              !setenv("ALL_PROXY", "http://127.0.0.1:1", 1));
    rig_start(&g, (http_limits){0});
    ck_ok(ask(a, "GET", g.port, "/hello", STR(""), &w));
    ck_assert(str_is(w.body, "hello"));
    rig_stop(&g);
}

static void *ask_often(void *arg)
{
    rig *g = arg;
    for (int i = 0; i < 20; i++) {
        AUTO(arena) a = arena_new(0);
        http_answer w;
        ck_ok(ask(a, "POST", g->port, "/echo", STR("hello"), &w));
        ck_assert(str_is(w.body, "hello"));
    }
    return NULL;
}

TEST(threads_may_ask_at_once)
{
    rig g = {0};
    pthread_t t[4];
    rig_start(&g, (http_limits){0});
    for (size_t i = 0; i < countof(t); i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, ask_often, &g), 0);
    for (size_t i = 0; i < countof(t); i++)
        pthread_join(t[i], NULL);
    rig_stop(&g);
}

TESTS("http/client", methods_bodies_and_answers_pass_through, headers_are_sent,
      a_large_body_and_answer_pass_but_not_over_the_limit, who_does_not_answer_is_named,
      only_web_addresses_are_asked, incomplete_and_senseless_answers_are_errors,
      a_redirect_is_given_back_and_not_followed, proxies_of_the_environment_are_not_used,
      threads_may_ask_at_once)
