/* Scoring through the whole server. */
#include <malloc.h>
#include <pthread.h>

#include "api_rig.h"

#define URL "/serving-endpoints/fare/invocations"

static void start_with_endpoint(rig *g)
{
    rig_start(g);
    logged_version(&g->st, "fare", &(logged_options){0});
    rig_endpoint(g, "fare", 1);
}

/* What the model itself says to the golden rows. */
static void own_answers(rig *g, matrix *ret_x, double *ret)
{
    str bytes;
    AUTO(model) m = logged_golden(g->a, "lgb_taxi", &bytes);
    *ret_x = logged_rows(g->a, model_get_facts(m)->n_features);
    model_predict(m, *ret_x, ret);
}

static str split_body(rig *g, matrix x, size_t times)
{
    static const char *const names[] = {"trip_distance", "pickup_hour", "pickup_dayofweek",
                                        "pickup_month",  "is_weekend",  "is_rush_hour"};
    buf b;
    jw w;
    buf_init(&b, 64 << 20);
    jw_init(&w, &b, false);
    jw_obj(&w);
    jw_key(&w, "dataframe_split");
    jw_obj(&w);
    jw_key(&w, "columns");
    jw_arr(&w);
    for (size_t i = 0; i < countof(names); i++)
        jw_cstr(&w, names[i]);
    jw_arr_end(&w);
    jw_key(&w, "data");
    jw_arr(&w);
    for (size_t r = 0; r < x.rows * times; r++) {
        jw_arr(&w);
        for (size_t i = 0; i < x.cols; i++) {
            double v = x.v[r % x.rows * x.stride + i];
            if (isnan(v))
                jw_null(&w);
            else
                jw_f64(&w, v);
        }
        jw_arr_end(&w);
    }
    jw_arr_end(&w);
    jw_obj_end(&w);
    jw_obj_end(&w);
    str text = str_dup(g->a, buf_str(&b));
    buf_done(&b);
    return text;
}

static void ck_predictions(rig *g, answer w, const double *want, size_t rows, size_t times)
{
    yyjson_val *v = ck_json(g, w, 200), *list = yyjson_obj_get(v, "predictions"), *p;
    ck_assert_uint_eq(yyjson_arr_size(list), rows * times);
    size_t i, max;
    yyjson_arr_foreach(list, i, max, p)
    {
        double got = yyjson_get_num(p);
        ck_assert_msg(!memcmp(&got, &want[i % rows], sizeof got), "row %zu: %.17g, want %.17g", i,
                      got, want[i % rows]);
    }
}

TEST(answers_are_the_models_own_to_the_bit)
{
    rig g;
    matrix x;
    double want[LOGGED_ROWS];
    start_with_endpoint(&g);
    own_answers(&g, &x, want);
    static const char json[] = "Content-Type: application/json\r\n";
    ck_predictions(&g, ask_with(&g, "POST", URL, json, split_body(&g, x, 1)), want, x.rows, 1);
    /* Many rows: a body that is read, and rows that are predicted, on the pool. */
    ck_predictions(&g, ask_with(&g, "POST", URL, json, split_body(&g, x, 500)), want, x.rows, 500);
    answer w = ask(&g, "POST", URL, "{\"dataframe_records\":[" TAXI_ROW "]}");
    yyjson_val *v = ck_json(&g, w, 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "predictions")), 1);
    ck_assert(str_starts(w.body, "{\"predictions\":["));
    ck_assert(str_is(answer_header(&w, "served-model-name"), "fare-1"));
    w = ask(&g, "POST", URL, "{\"dataframe_records\":[]}");
    ck_answer(w, 200, "{\"predictions\":[]}");
    rig_stop(&g);
}
END_TEST

/* Logs a model of three outputs; the helper's signature knows only one. */
static void log_three_outputs(rig *g)
{
    static const char one[] = "{\"type\":\"double\",\"name\":\"prediction\"";
    model_version v;
    str text;
    size_t at;
    logged_version(&g->st, "fare", &(logged_options){.golden = "lgb_multiclass", .probes = ""});
    ck_ok(registry_version_get(g->st.d, g->a, STR("fare"), 1, &v));
    str root = str_fmt(g->a, "models/%.*s", STR_ARG(v.model_id));
    ck_ok(artifact_get(g->st.d, g->st.b, g->a, root, STR("MLmodel"), 1 << 20, &text));
    ck_assert_msg(str_find(text, str_of(one), &at), "%.*s", STR_ARG(text));
    str three = str_fmt(g->a,
                        "%.*s{\"type\":\"double\",\"name\":\"a\",\"required\":true},"
                        "{\"type\":\"double\",\"name\":\"b\",\"required\":true},%s",
                        (int)at, text.p, text.p + at);
    ck_ok(artifact_put(g->st.d, g->st.b, root, STR("MLmodel"), three));
}

TEST(several_outputs_are_lists)
{
    rig g;
    rig_start(&g);
    log_three_outputs(&g);
    rig_endpoint(&g, "fare", 1);
    str bytes;
    AUTO(model) m = logged_golden(g.a, "lgb_multiclass", &bytes);
    const model_facts *f = model_get_facts(m);
    ck_assert_uint_gt(f->n_outputs, 1);
    str body = STR("{\"dataframe_records\":[{");
    double *row = arena_array(g.a, double, f->n_features), want[64];
    for (size_t i = 0; i < f->n_features; i++) {
        row[i] = (double)i / 4;
        body = str_fmt(g.a, "%.*s%s\"%.*s\":%g", STR_ARG(body), i ? "," : "",
                       STR_ARG(model_features(m)[i]), row[i]);
    }
    body = str_fmt(g.a, "%.*s}]}", STR_ARG(body));
    model_predict(m, (matrix){row, 1, f->n_features, f->n_features}, want);
    answer w = ask_with(&g, "POST", URL, "Content-Type: application/json\r\n", body);
    yyjson_val *list = yyjson_ptr_get(ck_json(&g, w, 200), "/predictions/0");
    ck_assert_uint_eq(yyjson_arr_size(list), f->n_outputs);
    for (size_t k = 0; k < f->n_outputs; k++)
        ck_assert(yyjson_get_num(yyjson_arr_get(list, k)) == want[k]);
    rig_stop(&g);
}
END_TEST

TEST(bad_input_is_refused_in_mlflows_form)
{
    rig g;
    start_with_endpoint(&g);
    ck_error(&g, ask(&g, "POST", URL, "{\"dataframe_records\":[{\"trip_distance\":\"x\"}]}"), 400,
             "BAD_REQUEST", "dataframe_records[0].trip_distance: want double, got string \"x\"");
    ck_error(&g, ask(&g, "POST", URL, "{\"dataframe_records\":[{\"trip_distanc\":1}]}"), 400,
             "BAD_REQUEST", "did you mean trip_distance?");
    ck_error(&g, ask(&g, "POST", URL, "{\"dataframe_records\":\n[}"), 400, "BAD_REQUEST",
             "line 2, column 2");
    ck_error(&g, ask(&g, "POST", URL, ""), 400, "BAD_REQUEST", "empty");
    ck_error(&g, ask(&g, "POST", "/serving-endpoints/nobody/invocations", "{}"), 404,
             "RESOURCE_DOES_NOT_EXIST", "there is no endpoint nobody");
    ck_error(&g, ask(&g, "POST", "/serving-endpoints/a%00b/invocations", "{}"), 400, "BAD_REQUEST",
             "zero byte");
    answer w = get(&g, URL);
    ck_error(&g, w, 405, "BAD_REQUEST", "takes POST");
    ck_assert(str_is(answer_header(&w, "Allow"), "POST"));
    /* A cut message is still UTF-8. */
    w = ask(&g, "POST", URL,
            "{\"dataframe_records\":[{\"trip_distance\":\"012345678901234567890123456789012345678"
            "\xc3\xa9xyz\"}]}");
    ck_error(&g, w, 400, "BAD_REQUEST", "012345678901234567890123456789012345678\"…");
    rig_stop(&g);
}
END_TEST

TEST(only_json_is_taken)
{
    rig g;
    start_with_endpoint(&g);
    str body = STR("{\"dataframe_records\":[" TAXI_ROW "]}");
    static const char *const good[] = {"Content-Type: application/json\r\n",
                                       "content-type: application/json; charset=utf-8\r\n",
                                       "Content-Type: Application/JSON ;charset=UTF-8\r\n"};
    for (size_t i = 0; i < countof(good); i++)
        ck_assert_int_eq(ask_with(&g, "POST", URL, good[i], body).status, 200);
    static const char *const bad[] = {"", "Content-Type: text/csv\r\n",
                                      "Content-Type: application/jsonx\r\n",
                                      "Content-Type: application/x-www-form-urlencoded\r\n"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_error(&g, ask_with(&g, "POST", URL, bad[i], body), 415, "BAD_REQUEST",
                 "want application/json");
    rig_stop(&g);
}
END_TEST

TEST(an_endpoint_whose_model_is_gone_is_not_ready)
{
    rig g;
    rig_home(&g);
    logged_version(&g.st, "fare", &(logged_options){0});
    rig_endpoint(&g, "fare", 1);
    /* The next process finds the file of the model damaged. */
    model_version v1;
    ck_ok(registry_version_get(g.st.d, g.a, STR("fare"), 1, &v1));
    ck_ok(artifact_put(g.st.d, g.st.b, str_fmt(g.a, "models/%.*s", STR_ARG(v1.model_id)),
                       STR("model.lgb"), STR("damaged")));
    serving_free(g.v);
    api_free(g.api);
    g.v = serving_new(g.st.d, g.st.b, RIG_LOOPS);
    ck_ok(serving_refresh(g.v));
    g.api = api_new(&(api_options){.home = g.h,
                                   .serving = g.v,
                                   .clock = &clk_real,
                                   .version = "1",
                                   .build = "t",
                                   .n_loops = RIG_LOOPS});
    rig_serve(&g);
    ck_error(&g, ask(&g, "POST", URL, "{\"dataframe_records\":[" TAXI_ROW "]}"), 503,
             "TEMPORARILY_UNAVAILABLE", "endpoint fare is not ready");
    yyjson_val *v = ck_json(&g, get(&g, "/api/2.0/serving-endpoints/fare"), 200);
    ck_assert_str_eq(text_at(v, "/state/ready"), "NOT_READY");
    ck_assert_str_eq(text_at(v, "/state/config_update"), "UPDATE_FAILED");
    ck_assert_str_eq(text_at(v, "/config/served_entities/0/state/deployment"), "DEPLOYMENT_FAILED");
    rig_stop(&g);
}
END_TEST

TEST(requests_errors_and_rows_are_counted)
{
    rig g;
    start_with_endpoint(&g);
    for (int i = 0; i < 3; i++)
        ask(&g, "POST", URL, "{\"dataframe_records\":[" TAXI_ROW "," TAXI_ROW "]}");
    ask(&g, "POST", URL, "{}");
    served_stats *v;
    size_t n;
    ck_ok(serving_stats(g.v, g.a, &v, &n));
    ck_assert(n == 1 && v->requests == 4 && v->errors == 1 && v->rows == 6);
    answer w = get(&g, "/metrics");
    ck_assert_int_eq(w.status, 200);
    ck_assert(
        str_is(answer_header(&w, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8"));
    static const char *const lines[] = {
        "tidemill_endpoint_requests_total{endpoint=\"fare\",entity=\"fare-1\",model=\"fare\","
        "version=\"1\"} 4\n",
        "tidemill_endpoint_errors_total{endpoint=\"fare\",entity=\"fare-1\",model=\"fare\",version="
        "\"1\"} 1\n",
        "tidemill_endpoint_rows_total{endpoint=\"fare\",entity=\"fare-1\",model=\"fare\",version="
        "\"1\"} 6\n",
        "le=\"+Inf\"} 4\n",
        "tidemill_info{version=\"1.2.3\",build=\"test\"} 1\n",
        "\nprocess_resident_memory_bytes ",
        "\ntidemill_http_responses_total{class=\"4xx\"} 1\n",
    };
    for (size_t i = 0; i < countof(lines); i++) {
        size_t at;
        ck_assert_msg(str_find(w.body, str_of(lines[i]), &at), "no %s in\n%.*s", lines[i],
                      STR_ARG(w.body));
    }
    rig_stop(&g);
}
END_TEST

TEST(the_pool_refuses_as_the_loop_does)
{
    rig g;
    start_with_endpoint(&g);
    buf b;
    buf_init(&b, 16 << 20);
    buf_puts(&b, STR("{\"dataframe_records\":["));
    for (int i = 0; i < 999; i++)
        buf_puts(&b, STR(TAXI_ROW ","));
    buf_puts(&b, STR("{\"trip_distance\":true}]}"));
    static const char json[] = "Content-Type: application/json\r\n";
    ck_error(&g, ask_with(&g, "POST", URL, json, buf_str(&b)), 400, "BAD_REQUEST",
             "dataframe_records[999].trip_distance: want double, got true");
    ck_error(&g, ask_with(&g, "POST", URL, "", buf_str(&b)), 415, "BAD_REQUEST", "missing");
    b.n -= 2;
    ck_error(&g, ask_with(&g, "POST", URL, json, buf_str(&b)), 400, "BAD_REQUEST",
             "line 1, column");
    served_stats *v;
    size_t n;
    ck_ok(serving_stats(g.v, g.a, &v, &n));
    ck_assert(v->requests == 2 && v->errors == 2 && v->rows == 0);
    buf_done(&b);
    rig_stop(&g);
}
END_TEST

TEST(an_endpoints_name_may_be_written_with_escapes)
{
    rig g;
    start_with_endpoint(&g);
    const char *body = "{\"dataframe_records\":[" TAXI_ROW "]}";
    ck_assert_int_eq(ask(&g, "POST", "/serving-endpoints/f%61re/invocations", body).status, 200);
    ck_error(&g, ask(&g, "POST", "/serving-endpoints/f%6/invocations", body), 400, "BAD_REQUEST",
             "hexadecimal");
    rig_stop(&g);
}
END_TEST

TEST(a_body_over_the_limit_is_refused_so_that_the_client_can_read_it)
{
    rig g;
    start_with_endpoint(&g);
    size_t n = http_limits_default.body_max + 1;
    char *large = arena_alloc_raw(g.a, n, 1);
    memset(large, ' ', n);
    ck_error(&g, ask_with(&g, "POST", URL, "Content-Type: application/json\r\n", (str){large, n}),
             413, "RESOURCE_LIMIT_EXCEEDED", "too large");
    rig_stop(&g);
}
END_TEST

/* ---- what a request costs */

static _Thread_local size_t n_mallocs;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTS_MALLOC 0
#endif
#endif
#ifndef COUNTS_MALLOC
#define COUNTS_MALLOC 1
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    n_mallocs++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    n_mallocs++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    n_mallocs++;
    return __libc_realloc(p, n);
}
#endif

static http_request direct_request(arena *a, const http_header *headers, str body)
{
    return (http_request){.method = STR("POST"),
                          .path = STR(URL),
                          .query = STR(""),
                          .headers = headers,
                          .n_headers = 2,
                          .body = body,
                          .a = a,
                          .start_us = mono_us()};
}

TEST(a_request_takes_no_memory_from_the_system)
{
    rig g;
    rig_home(&g);
    logged_version(&g.st, "fare", &(logged_options){0});
    rig_endpoint(&g, "fare", 1);
    http_app app = api_app(g.api);
    AUTO(arena) a = arena_new(16 * 1024);
    const http_header headers[] = {{STR("Host"), STR("127.0.0.1")},
                                   {STR("Content-Type"), STR("application/json")}};
    str body = STR("{\"dataframe_records\":[" TAXI_ROW "]}");
    size_t bytes = arena_bytes(a);
    for (int i = 0; i < 1000; i++) {
        http_request r = direct_request(a, headers, body);
        http_response w = {.status = 200, .content_type = "application/json"};
        size_t before = n_mallocs;
        app.turn_enter(app.ctx, 0);
        http_next next = app.on_request(app.ctx, &r, &w);
        app.turn_leave(app.ctx, 0);
        size_t took = n_mallocs - before;
        ck_assert(next == HTTP_ANSWER);
        ck_assert_int_eq(w.status, 200);
        ck_assert_uint_eq(took, 0);
        arena_reset(a);
        ck_assert_uint_eq(arena_bytes(a), bytes);
    }
    rig_stop(&g);
}
END_TEST

TEST(what_takes_long_goes_to_the_pool)
{
    rig g;
    rig_home(&g);
    logged_version(&g.st, "fare", &(logged_options){0});
    rig_endpoint(&g, "fare", 1);
    http_app app = api_app(g.api);
    const http_header headers[] = {{STR("Host"), STR("127.0.0.1")},
                                   {STR("Content-Type"), STR("application/json")}};
    matrix x = logged_rows(g.a, 6);
    str large = split_body(&g, x, 100);
    ck_assert_uint_gt(large.n, 16 * 1024);
    http_request r = direct_request(g.a, headers, large);
    http_response w = {.status = 200, .content_type = "application/json"};
    app.turn_enter(app.ctx, 0);
    ck_assert(app.on_request(app.ctx, &r, &w) == HTTP_DEFER);
    app.turn_leave(app.ctx, 0);
    app.on_work(app.ctx, &r, &w);
    ck_assert_int_eq(w.status, 200);
    ck_assert(str_starts(w.body, "{\"predictions\":["));
    rig_stop(&g);
}
END_TEST

/* ---- changes while requests come */

typedef struct load {
    rig *g;
    _Atomic bool stop;
    _Atomic int answered;
} load;

static void *ask_on(void *arg)
{
    load *l = arg;
    AUTO(arena) a = arena_new(0);
    wire x = wire_open(l->g->port);
    str body = STR("{\"dataframe_records\":[" TAXI_ROW "]}");
    str text = str_fmt(a,
                       "POST " URL " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                       "application/json\r\nContent-Length: %zu\r\n\r\n%.*s",
                       body.n, STR_ARG(body));
    while (!l->stop) {
        ck_assert(wire_send(&x, text.p, text.n));
        answer w = wire_answer(&x);
        ck_assert_msg(w.status == 200, "%d: %.*s", w.status, STR_ARG(w.body));
        l->answered++;
        x.in.n = x.at = 0;
    }
    wire_close(&x);
    return NULL;
}

TEST(a_switch_of_versions_loses_no_request)
{
    rig g;
    start_with_endpoint(&g);
    logged_version(&g.st, "fare", &(logged_options){.reversed = true});
    load l = {.g = &g};
    pthread_t threads[3];
    for (size_t i = 0; i < countof(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_on, &l), 0);
    for (int i = 0; i < 20; i++) {
        str body = str_fmt(g.a,
                           "{\"served_entities\":[{\"entity_name\":\"fare\",\"entity_version\":"
                           "\"%d\"}]}",
                           1 + i % 2);
        answer w = ask(&g, "PUT", "/api/2.0/serving-endpoints/fare/config", body.p);
        ck_assert_msg(w.status == 200, "%.*s", STR_ARG(w.body));
        ck_assert_int_eq(get(&g, "/metrics").status, 200);
    }
    l.stop = true;
    for (size_t i = 0; i < countof(threads); i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_gt(l.answered, 20);
    rig_stop(&g);
}
END_TEST

TESTS("api/scoring", answers_are_the_models_own_to_the_bit, several_outputs_are_lists,
      bad_input_is_refused_in_mlflows_form, only_json_is_taken,
      an_endpoint_whose_model_is_gone_is_not_ready, requests_errors_and_rows_are_counted,
      the_pool_refuses_as_the_loop_does, an_endpoints_name_may_be_written_with_escapes,
      a_body_over_the_limit_is_refused_so_that_the_client_can_read_it,
      a_request_takes_no_memory_from_the_system, what_takes_long_goes_to_the_pool,
      a_switch_of_versions_loses_no_request)
