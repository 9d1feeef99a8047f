/* tests: the whole server side over a home of its own: registered models, serving, api, http. */
#ifndef TIDEMILL_TESTS_API_RIG_H
#define TIDEMILL_TESTS_API_RIG_H

#include "api/api.h"
#include "home/home.h"
#include "http_wire.h"
#include "jobs/jobs.h"
#include "logged.h"
#include "monitor/monitor.h"
#include "serving/serving.h"
#include "temp.h"

typedef struct rig {
    arena *a;
    const char *dir;
    home *h;
    serving *v;
    api *api;
    http_server *s;
    int port;
    store st; /* the same database and blobs, for the helpers that log models */
} rig;

enum { RIG_LOOPS = 2 };

/* rig_home opens the home and makes serving and api, without a server. */
static inline void rig_home(rig *g)
{
    const db_migration rooms[] = {tracking_migration, registry_migration, monitor_migration,
                                  serving_migration, jobs_migration};
    *g = (rig){.a = arena_new(0)};
    g->dir = temp_dir(g->a);
    ck_ok(home_open(
        &(home_options){
            .dir = g->dir, .mode = HOME_OWN, .migrations = rooms, .n_migrations = countof(rooms)},
        &g->h));
    g->st = (store){.a = g->a, .d = home_db(g->h), .b = home_blobs(g->h)};
    g->v = serving_new(g->st.d, g->st.b, RIG_LOOPS);
    ck_ok(serving_refresh(g->v));
    g->api = api_new(&(api_options){.home = g->h,
                                    .serving = g->v,
                                    .clock = &clk_real,
                                    .version = "1.2.3",
                                    .build = "test",
                                    .n_loops = RIG_LOOPS});
}

static inline void rig_serve(rig *g)
{
    http_options o = {.host = "127.0.0.1",
                      .n_loops = RIG_LOOPS,
                      .n_workers = 2,
                      .limits = http_limits_default,
                      .app = api_app(g->api)};
    ck_ok(http_server_new(&o, &g->s));
    api_set_server(g->api, g->s);
    g->port = http_server_port(g->s);
    ck_ok(http_server_start(g->s));
}

static inline void rig_start(rig *g)
{
    rig_home(g);
    rig_serve(g);
}

static inline void rig_stop(rig *g)
{
    if (g->s) {
        http_server_drain(g->s);
        api_set_server(g->api, NULL);
        http_server_free(g->s);
    }
    api_free(g->api);
    serving_free(g->v);
    home_free(g->h);
    temp_gone(g->dir);
    arena_free(g->a);
}

/* rig_endpoint: an endpoint over version `version` of model "fare". */
static inline void rig_endpoint(rig *g, const char *name, int64_t version)
{
    entity_spec e = {.entity_name = STR("fare"), .entity_version = version};
    endpoint_spec o = {.name = str_of(name), .entities = &e, .n_entities = 1};
    endpoint_state s;
    ck_ok(serving_create(g->v, g->a, &o, 1700000000000, &s));
}

/* ask_with sends one request on a connection of its own; headers: lines that end in CRLF, or "".
 * The answer's texts: Owner: g->a. */
static inline answer ask_with(rig *g, const char *method, const char *path, const char *headers,
                              str body)
{
    wire x = wire_open(g->port);
    str head = str_fmt(g->a,
                       "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: "
                       "%zu\r\nConnection: close\r\n%s\r\n",
                       method, path, g->port, body.n, headers);
    wire_send(&x, head.p, head.n);
    wire_send(&x, body.p, body.n);
    answer w = {0};
    ck_assert(wire_try_answer(&x, !strcmp(method, "HEAD"), &w));
    w.head = str_dup(g->a, w.head);
    w.body = str_dup(g->a, w.body);
    wire_close(&x);
    return w;
}

static inline answer ask(rig *g, const char *method, const char *path, const char *body)
{
    return ask_with(g, method, path, "Content-Type: application/json\r\n", str_of(body));
}

static inline answer get(rig *g, const char *path)
{
    return ask_with(g, "GET", path, "", STR(""));
}

/* ck_json parses an answer of this status. */
static inline yyjson_val *ck_json(rig *g, answer w, int status)
{
    yyjson_val *v;
    ck_assert_msg(w.status == status, "status %d, want %d: %.*s", w.status, status,
                  STR_ARG(w.body));
    ck_ok(json_parse(g->a, w.body, "answer", &v));
    return v;
}

/* ck_error: MLflow's form, with this code, and words that hold this. */
static inline void ck_error(rig *g, answer w, int status, const char *code, const char *words)
{
    yyjson_val *v = ck_json(g, w, status);
    ck_assert_str_eq(yyjson_get_str(yyjson_obj_get(v, "error_code")), code);
    const char *said = yyjson_get_str(yyjson_obj_get(v, "message"));
    ck_assert_msg(said && strstr(said, words), "message '%s', want '%s' in it", said, words);
    ck_assert_int_eq(yyjson_obj_size(v), 2);
    ck_assert(str_is(answer_header(&w, "Content-Type"), "application/json"));
}

static inline const char *text_at(yyjson_val *v, const char *pointer)
{
    const char *s = yyjson_get_str(yyjson_ptr_get(v, pointer));
    return s ? s : "(none)";
}

static inline double number_at(yyjson_val *v, const char *pointer)
{
    yyjson_val *x = yyjson_ptr_get(v, pointer);
    ck_assert_msg(yyjson_is_num(x), "no number at %s", pointer);
    return yyjson_get_num(x);
}

#define TAXI_ROW                                                                                   \
    "{\"trip_distance\":2.5,\"pickup_hour\":9,\"pickup_dayofweek\":3,\"pickup_month\":1,"          \
    "\"is_weekend\":0,\"is_rush_hour\":1}"

#endif
