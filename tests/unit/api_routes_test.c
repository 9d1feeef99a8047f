#include "base/file.h"

#include "api/api_int.h"
#include "temp.h"
#include "test.h"

static const route *found(const char *method, const char *path, str *ret_arg)
{
    match m;
    route_find(str_of(method), str_of(path), &m);
    if (ret_arg) *ret_arg = m.arg[0];
    return m.route;
}

TEST(every_route_is_found_by_its_own_path)
{
    for (size_t i = 0; i < n_routes; i++) {
        AUTO(arena) a = arena_new(0);
        buf b;
        buf_init(&b, 1000);
        for (const char *p = routes[i].path; *p; p++) {
            if (*p == '{') {
                buf_puts(&b, STR("some-thing"));
                p = strchr(p, '}');
            } else {
                buf_putc(&b, *p);
            }
        }
        const char *method = *routes[i].method == '*' ? "PATCH" : routes[i].method;
        const route *r = found(method, str_c(a, buf_str(&b)), NULL);
        ck_assert_msg(r == &routes[i], "%s %s is hidden by %s", method, routes[i].path,
                      r ? r->path : "nothing");
        buf_done(&b);
    }
}
END_TEST

TEST(levels_are_taken_whole)
{
    str name;
    ck_assert(found("GET", "/api/2.0/serving-endpoints/fare", &name));
    ck_assert(str_is(name, "fare"));
    ck_assert(found("GET", "/assets/a/b.js", &name));
    ck_assert(str_is(name, "a/b.js"));
    ck_assert(!found("GET", "/api/2.0/serving-endpoints/", NULL));
    ck_assert(!found("GET", "/api/2.0/serving-endpoints/fare/", NULL));
    ck_assert(!found("GET", "/api/2.0/serving-endpoints/a/b", NULL));
    ck_assert(!found("GET", "/api/2.0/serving-endpointsx", NULL));
    ck_assert(!found("GET", "", NULL));
    ck_assert(!found("GET", "api/version", NULL));
    ck_assert(!found("GET", "//api/version", NULL));
}
END_TEST

TEST(head_is_get_and_other_methods_are_told_apart)
{
    match m;
    ck_assert(found("HEAD", "/health", NULL) == found("GET", "/health", NULL));
    route_find(STR("POST"), STR("/health"), &m);
    ck_assert(!m.route && m.other_method);
    route_find(STR("POST"), STR("/nothing"), &m);
    ck_assert(!m.route && !m.other_method);
    AUTO(arena) a = arena_new(0);
    ck_assert(str_is(route_allow(a, STR("/health")), "GET, HEAD"));
    ck_assert(str_is(route_allow(a, STR("/api/2.0/serving-endpoints")), "POST, GET, HEAD"));
}
END_TEST

TEST(mlflows_routes_are_there_twice_and_ours_once)
{
    ck_assert(found("GET", "/ajax-api/2.0/mlflow/runs/get", NULL) ==
              found("GET", "/api/2.0/mlflow/runs/get", NULL));
    ck_assert(found("PUT", "/ajax-api/2.0/mlflow-artifacts/artifacts/x", NULL));
    ck_assert(!found("GET", "/ajax-api/2.0/serving-endpoints", NULL));
    ck_assert(!found("GET", "/ajax-api/tidemill/jobs", NULL));
    ck_assert(!found("GET", "/ajax-api/2.0/mlflow", NULL));
    ck_assert(!found("GET", "/ajax-api/2.0/mlflowx/runs/get", NULL));
}
END_TEST

TEST(the_scoring_path_is_recognised)
{
    str name;
    ck_assert(scoring_path(STR("/serving-endpoints/a/invocations"), &name));
    ck_assert(str_is(name, "a"));
    ck_assert(!scoring_path(STR("/serving-endpoints//invocations"), &name));
    ck_assert(!scoring_path(STR("/serving-endpoints/invocations"), &name));
    ck_assert(!scoring_path(STR("/serving-endpoints/a/b/invocations"), &name));
    ck_assert(!scoring_path(STR("/serving-endpoints/a/invocations/"), &name));
    ck_assert(!scoring_path(STR("/serving-endpoint/a/invocations"), &name));
    ck_assert(!scoring_path(STR("/"), &name));
}
END_TEST

TEST(page_tokens_go_there_and_back)
{
    AUTO(arena) a = arena_new(0);
    ck_assert(str_is(page_token_make(a, 5), "eyJvZmZzZXQiOiA1fQ==")); /* as MLflow's */
    for (size_t i = 0; i < 2000; i += 7) {
        size_t got;
        ck_ok(page_token_read(a, page_token_make(a, i), &got));
        ck_assert_uint_eq(got, i);
    }
    static const char *const bad[] = {"x", "####", "e30=", "eyJvZmZzZXQiOiAtMX0=", "bnVsbA=="};
    for (size_t i = 0; i < countof(bad); i++) {
        size_t got = 9;
        ck_err(page_token_read(a, str_of(bad[i]), &got), ERR_INVALID);
        ck_assert_uint_eq(got, 9);
    }
    char text[300];
    memset(text, 'e', sizeof text);
    size_t got;
    ck_err(page_token_read(a, (str){text, sizeof text}, &got), ERR_INVALID);
}
END_TEST

/* With TIDEMILL_WRITE_DOCS=1 it makes the file again. */
TEST(the_list_in_docs_is_that_of_the_table)
{
    AUTO(arena) a = arena_new(0);
    const char *path = TIDEMILL_SOURCE_DIR "/docs/http.md";
    buf b;
    str have = STR("");
    buf_init(&b, 1 << 20);
    routes_print(&b);
    ck_ok(buf_err(&b, "docs/http.md"));
    if (getenv("TIDEMILL_WRITE_DOCS")) ck_ok(file_write_atomic(path, buf_str(&b)));
    ck_ok(file_read(a, path, 1 << 20, &have));
    ck_assert_msg(str_eq(have, buf_str(&b)),
                  "docs/http.md is old: run this test with TIDEMILL_WRITE_DOCS=1");
    buf_done(&b);
}
END_TEST

TESTS("api/routes", every_route_is_found_by_its_own_path, levels_are_taken_whole,
      head_is_get_and_other_methods_are_told_apart, mlflows_routes_are_there_twice_and_ours_once,
      the_scoring_path_is_recognised, page_tokens_go_there_and_back,
      the_list_in_docs_is_that_of_the_table)
