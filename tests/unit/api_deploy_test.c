/* Deployment against the real server: created, updated, already there; and what happens to endpoint
 * and alias when a step fails, or when the whole is killed and repeated. */
#include "serving/deploy.h"

#include <stdatomic.h>

#include "api_rig.h"
#include "base/clock.h"

/* What the server does wrong. */
enum {
    FAULT_NONE,
    FAULT_NEVER_READY,
    FAULT_DIFFERS,
    FAULT_NO_NUMBER,
    FAULT_ALIAS_MOVES,
    FAULT_DIES
};

/* A server that has faults, between the client and the real one. */
typedef struct deploy_rig {
    rig g;
    http_app inner;
    atomic_int fault;
    atomic_bool begun; /* the endpoint was created or updated */
    atomic_bool dead;  /* answers 503 to everything */
} deploy_rig;

static http_next answer_with(http_response *w, int status, const char *body)
{
    w->status = status;
    w->body = str_of(body);
    return HTTP_ANSWER;
}

static http_next on_request(void *ctx, http_request *r, http_response *w)
{
    deploy_rig *d = ctx;
    int fault = atomic_load(&d->fault);
    bool scoring = str_is(r->path, "/serving-endpoints/fare/invocations");
    if (str_is(r->method, "POST") || str_is(r->method, "PUT")) atomic_store(&d->begun, true);
    if (fault == FAULT_NEVER_READY && atomic_load(&d->begun) && str_is(r->method, "GET"))
        return answer_with(w, 200,
                           "{\"state\":{\"ready\":\"NOT_READY\",\"config_update\":\"IN_PROGRESS\"},"
                           "\"config\":{\"served_entities\":[]}}");
    if (fault == FAULT_DIFFERS && scoring)
        return answer_with(w, 200, "{\"predictions\":[1.5,2.5]}");
    if (fault == FAULT_NO_NUMBER && scoring)
        return answer_with(w, 200, "{\"predictions\":[null,null]}");
    if (fault == FAULT_ALIAS_MOVES && scoring) { /* somebody else is quicker */
        err e = registry_alias_set(d->g.st.d, STR("fare"), STR("champion"), 3, -1, 1);
        if (e) return answer_with(w, 500, "{}");
    }
    if (fault == FAULT_DIES && scoring) atomic_store(&d->dead, true);
    if (atomic_load(&d->dead)) return answer_with(w, 503, "{\"message\":\"the server is gone\"}");
    return d->inner.on_request(d->inner.ctx, r, w);
}

static void on_work(void *ctx, http_request *r, http_response *w)
{
    const deploy_rig *d = ctx;
    d->inner.on_work(d->inner.ctx, r, w);
}

static size_t body_max(void *ctx, str method, str path)
{
    const deploy_rig *d = ctx;
    return d->inner.body_max(d->inner.ctx, method, path);
}

static void turn_enter(void *ctx, size_t loop)
{
    const deploy_rig *d = ctx;
    d->inner.turn_enter(d->inner.ctx, loop);
}

static void turn_leave(void *ctx, size_t loop)
{
    const deploy_rig *d = ctx;
    d->inner.turn_leave(d->inner.ctx, loop);
}

static void begin(deploy_rig *d)
{
    *d = (deploy_rig){0};
    rig_home(&d->g);
    d->inner = api_app(d->g.api);
    http_options o = {.host = "127.0.0.1",
                      .n_loops = RIG_LOOPS,
                      .n_workers = 2,
                      .limits = http_limits_default,
                      .app = {.on_request = on_request,
                              .on_work = on_work,
                              .body_max = body_max,
                              .turn_enter = turn_enter,
                              .turn_leave = turn_leave,
                              .on_refuse = NULL,
                              .ctx = d}};
    ck_ok(http_server_new(&o, &d->g.s));
    api_set_server(d->g.api, d->g.s);
    d->g.port = http_server_port(d->g.s);
    ck_ok(http_server_start(d->g.s));
    ck_ok(home_set_url(d->g.h, cstr_fmt(d->g.a, "http://127.0.0.1:%d", d->g.port)));
    for (int64_t v = 1; v <= 3; v++)
        ck_assert_int_eq(logged_version(&d->g.st, "fare", &(logged_options){0}), v);
}

static void end(deploy_rig *d)
{
    rig_stop(&d->g);
}

static deploy_spec spec(int64_t version)
{
    return (deploy_spec){.endpoint = STR("fare"),
                         .registered_model = STR("fare"),
                         .workload_size = STR("Small"),
                         .version = version,
                         .passed = true,
                         .reason = STR("it is better"),
                         .ready_ms = 20000,
                         .at_ms = 1};
}

static deploy_result deploy_ok(deploy_rig *d, int64_t version)
{
    deploy_spec o = spec(version);
    deploy_result r;
    ck_ok(deploy_run(d->g.h, d->g.a, &o, NULL, &r));
    return r;
}

static void deploy_fails(deploy_rig *d, const deploy_spec *o, err kind, const char *words)
{
    deploy_result r = {.version = -1};
    ck_err(deploy_run(d->g.h, d->g.a, o, NULL, &r), kind);
    ck_assert_msg(strstr(err_message(), words) != NULL, "%s", err_message());
    ck_assert_int_eq(r.version, -1);
}

/* 0: there is no such endpoint. */
static int64_t version_served(deploy_rig *d)
{
    endpoint_state s;
    err e = serving_get(d->g.v, d->g.a, STR("fare"), &s);
    ck_assert(!e || e == ERR_MISSING);
    return e ? 0 : s.spec.entities[0].entity_version;
}

static int64_t champion(deploy_rig *d)
{
    model_version v;
    err e = registry_alias_get(d->g.st.d, d->g.a, STR("fare"), STR("champion"), &v);
    ck_assert(!e || e == ERR_MISSING);
    return e ? 0 : v.version;
}

TEST(a_first_deployment_creates_the_endpoint_and_the_champion)
{
    deploy_rig d;
    begin(&d);
    deploy_result r = deploy_ok(&d, 1);
    ck_assert(r.promoted && r.version == 1 && r.previous_version == 0);
    ck_assert(str_is(r.reason, "promoted version 1: it is better"));
    ck_assert(str_eq(r.endpoint_url, str_fmt(d.g.a,
                                             "http://127.0.0.1:%d/serving-endpoints/fare/"
                                             "invocations",
                                             d.g.port)));
    ck_assert(version_served(&d) == 1 && champion(&d) == 1);
    str bytes;
    AUTO(model) m = logged_golden(d.g.a, "lgb_taxi", &bytes);
    double want;
    matrix x = logged_rows(d.g.a, 6);
    model_predict(m, (matrix){x.v, 1, 6, 6}, &want);
    ck_assert_double_eq(r.test_prediction, want);
    str head = str_fmt(d.g.a, "curl -s %.*s -H 'Content-Type: application/json' -d '",
                       STR_ARG(r.endpoint_url));
    ck_assert(str_starts(r.curl, str_c(d.g.a, head)) && str_ends(r.curl, "'"));
    str body = {r.curl.p + head.n, r.curl.n - head.n - 1}; /* has no quote of its own */
    ck_assert(!memchr(body.p, '\'', body.n));
    yyjson_val *v, *predictions;
    v = ck_json(&d.g, ask(&d.g, "POST", "/serving-endpoints/fare/invocations", str_c(d.g.a, body)),
                200);
    ck_ok(json_get_arr(v, "", "predictions", &predictions));
    ck_assert_double_eq(yyjson_get_num(yyjson_arr_get_first(predictions)), want);
    end(&d);
}
END_TEST

TEST(a_later_deployment_updates_the_endpoint_and_keeps_the_old_version)
{
    deploy_rig d;
    begin(&d);
    deploy_ok(&d, 1);
    deploy_result r = deploy_ok(&d, 2);
    ck_assert(r.promoted && r.version == 2 && r.previous_version == 1);
    ck_assert(version_served(&d) == 2 && champion(&d) == 2);
    r = deploy_ok(&d, 1); /* and back again */
    ck_assert(r.previous_version == 2 && version_served(&d) == 1 && champion(&d) == 1);
    end(&d);
}
END_TEST

TEST(what_is_deployed_already_stays_as_it_is)
{
    deploy_rig d;
    begin(&d);
    deploy_ok(&d, 1);
    endpoint_state one, two;
    ck_ok(serving_get(d.g.v, d.g.a, STR("fare"), &one));
    deploy_result r = deploy_ok(&d, 1);
    ck_assert(r.promoted && r.previous_version == 0);
    ck_ok(serving_get(d.g.v, d.g.a, STR("fare"), &two));
    ck_assert_int_eq(one.config_version, two.config_version);
    deploy_spec o = spec(1); /* other settings are a change */
    o.workload_size = STR("Large");
    ck_ok(deploy_run(d.g.h, d.g.a, &o, NULL, &r));
    ck_ok(serving_get(d.g.v, d.g.a, STR("fare"), &two));
    ck_assert(str_is(two.spec.entities[0].workload_size, "Large"));
    end(&d);
}
END_TEST

TEST(what_did_not_pass_is_not_promoted_and_needs_no_server)
{
    deploy_rig d;
    begin(&d);
    deploy_spec o = spec(2);
    o.passed = false;
    o.reason = STR("it is worse");
    deploy_result r;
    ck_ok(deploy_run(d.g.h, d.g.a, &o, NULL, &r));
    ck_assert(!r.promoted && str_is(r.reason, "not promoted: it is worse"));
    ck_assert(!r.curl.n && !r.endpoint_url.n);
    ck_assert(!version_served(&d) && !champion(&d));
    end(&d);
}
END_TEST

TEST(without_a_server_the_command_that_starts_one_is_named)
{
    rig g;
    rig_home(&g);
    logged_version(&g.st, "fare", &(logged_options){0});
    deploy_spec o = spec(1);
    deploy_result r;
    ck_err(deploy_run(g.h, g.a, &o, NULL, &r), ERR_MISSING);
    ck_assert_msg(strstr(err_message(), "tidemill server --home") != NULL, "%s", err_message());
    ck_ok(home_set_url(g.h, "http://127.0.0.1:9")); /* it says that it listens, and does not */
    ck_err(deploy_run(g.h, g.a, &o, NULL, &r), ERR_IO);
    rig_stop(&g);
}
END_TEST

TEST(a_version_that_does_not_exist_changes_nothing)
{
    deploy_rig d;
    begin(&d);
    deploy_spec o = spec(9);
    deploy_fails(&d, &o, ERR_MISSING, "9");
    o = spec(1);
    o.endpoint = STR("no name");
    deploy_fails(&d, &o, ERR_INVALID, "no name");
    ck_assert(!version_served(&d) && !champion(&d));
    end(&d);
}
END_TEST

TEST(a_first_endpoint_that_fails_is_removed_again)
{
    static const int faults[] = {FAULT_DIFFERS, FAULT_NO_NUMBER};
    for (size_t i = 0; i < countof(faults); i++) {
        deploy_rig d;
        begin(&d);
        atomic_store(&d.fault, faults[i]);
        deploy_spec o = spec(1);
        deploy_fails(&d, &o, ERR_INTERNAL, "test prediction, row 0: the endpoint answers");
        ck_assert(strstr(err_message(), "everything was put back: endpoint fare is removed") !=
                  NULL);
        ck_assert(!version_served(&d) && !champion(&d));
        atomic_store(&d.fault, FAULT_NONE);
        deploy_ok(&d, 1);
        ck_assert(version_served(&d) == 1 && champion(&d) == 1);
        end(&d);
    }
}
END_TEST

TEST(an_update_that_fails_puts_the_old_version_back)
{
    deploy_rig d;
    begin(&d);
    deploy_ok(&d, 1);
    deploy_spec o = spec(2);
    atomic_store(&d.fault, FAULT_DIFFERS);
    deploy_fails(&d, &o, ERR_INTERNAL, "everything was put back: endpoint fare is as it was");
    ck_assert(version_served(&d) == 1 && champion(&d) == 1);
    endpoint_state s;
    ck_ok(serving_get(d.g.v, d.g.a, STR("fare"), &s));
    ck_assert(s.ready);
    end(&d);
}
END_TEST

TEST(an_endpoint_that_is_not_ready_in_time_is_put_back)
{
    deploy_rig d;
    begin(&d);
    deploy_spec o = spec(1);
    o.ready_ms = 200;
    atomic_store(&d.fault, FAULT_NEVER_READY);
    deploy_fails(&d, &o, ERR_IO, "was not ready after 200 ms: NOT_READY, IN_PROGRESS");
    ck_assert(strstr(err_message(), "endpoint fare is removed again") != NULL);
    ck_assert(!version_served(&d) && !champion(&d));
    end(&d);
}
END_TEST

TEST(a_split_endpoint_is_put_back_with_its_split)
{
    deploy_rig d;
    begin(&d);
    const entity_spec entities[] = {
        {.name = STR("old"), .entity_name = STR("fare"), .entity_version = 1},
        {.name = STR("new"),
         .entity_name = STR("fare"),
         .entity_version = 2,
         .workload_size = STR("Large"),
         .environment_json = STR("{\"A\":\"b\"}")}};
    const route_spec routes[] = {{STR("old"), 90}, {STR("new"), 10}};
    endpoint_spec split = {STR("fare"), entities, 2, routes, 2};
    endpoint_state s;
    ck_ok(serving_create(d.g.v, d.g.a, &split, 1, &s));
    atomic_store(&d.fault, FAULT_DIFFERS);
    deploy_spec o = spec(3);
    deploy_fails(&d, &o, ERR_INTERNAL, "endpoint fare is as it was");
    ck_ok(serving_get(d.g.v, d.g.a, STR("fare"), &s));
    ck_assert_uint_eq(s.spec.n_entities, 2);
    ck_assert(str_is(s.spec.entities[1].workload_size, "Large"));
    ck_assert(str_is(s.spec.entities[1].environment_json, "{\"A\":\"b\"}"));
    ck_assert_int_eq(s.spec.routes[0].traffic_percentage, 90);
    ck_assert(str_is(s.spec.routes[1].served_model_name, "new"));
    end(&d);
}
END_TEST

TEST(an_alias_that_somebody_else_moved_is_a_conflict_and_stays_theirs)
{
    deploy_rig d;
    begin(&d);
    deploy_ok(&d, 1);
    atomic_store(&d.fault, FAULT_ALIAS_MOVES);
    deploy_spec o = spec(2);
    deploy_fails(&d, &o, ERR_CONFLICT, "alias champion");
    ck_assert_int_eq(champion(&d), 3);
    ck_assert_int_eq(version_served(&d), 1);
    end(&d);
}
END_TEST

TEST(what_could_not_be_put_back_is_said_and_a_repeat_mends_it)
{
    deploy_rig d;
    begin(&d);
    deploy_ok(&d, 1);
    atomic_store(&d.fault, FAULT_DIES); /* in the middle, as a kill would */
    deploy_spec o = spec(2);
    deploy_fails(&d, &o, ERR_IO, "could NOT be put back");
    ck_assert(version_served(&d) == 2 && champion(&d) == 1);
    atomic_store(&d.dead, false);
    atomic_store(&d.fault, FAULT_DIFFERS); /* the repeat fails too: what was there first returns */
    deploy_fails(&d, &o, ERR_INTERNAL, "everything was put back: endpoint fare is as it was");
    ck_assert(version_served(&d) == 1 && champion(&d) == 1);
    atomic_store(&d.fault, FAULT_DIES);
    deploy_fails(&d, &o, ERR_IO, "could NOT be put back");
    atomic_store(&d.dead, false);
    atomic_store(&d.fault, FAULT_NONE); /* the repeat succeeds */
    deploy_result r = deploy_ok(&d, 2);
    ck_assert(r.previous_version == 1 && version_served(&d) == 2 && champion(&d) == 2);
    end(&d);
}
END_TEST

TEST(a_first_deployment_that_was_killed_leaves_nothing_when_its_repeat_fails)
{
    deploy_rig d;
    begin(&d);
    atomic_store(&d.fault, FAULT_DIES);
    deploy_spec o = spec(1);
    deploy_fails(&d, &o, ERR_IO, "could NOT be put back");
    ck_assert(version_served(&d) == 1 && champion(&d) == 0);
    atomic_store(&d.dead, false);
    atomic_store(&d.fault, FAULT_DIFFERS);
    deploy_fails(&d, &o, ERR_INTERNAL, "endpoint fare is removed again");
    ck_assert(!version_served(&d) && !champion(&d));
    end(&d);
}
END_TEST

TESTS("deploy", a_first_deployment_creates_the_endpoint_and_the_champion,
      a_later_deployment_updates_the_endpoint_and_keeps_the_old_version,
      what_is_deployed_already_stays_as_it_is,
      what_did_not_pass_is_not_promoted_and_needs_no_server,
      without_a_server_the_command_that_starts_one_is_named,
      a_version_that_does_not_exist_changes_nothing, a_first_endpoint_that_fails_is_removed_again,
      an_update_that_fails_puts_the_old_version_back,
      an_endpoint_that_is_not_ready_in_time_is_put_back,
      a_split_endpoint_is_put_back_with_its_split,
      an_alias_that_somebody_else_moved_is_a_conflict_and_stays_theirs,
      what_could_not_be_put_back_is_said_and_a_repeat_mends_it,
      a_first_deployment_that_was_killed_leaves_nothing_when_its_repeat_fails)
