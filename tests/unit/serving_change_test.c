#include "serving/serving.h"

#include "base/fault.h"
#include "endpoint.h"

static const served *pick(serving *v, const char *name, bool *exists)
{
    serving_enter(v, 0);
    const served *e = serving_pick(v, 0, str_of(name), exists);
    serving_leave(v, 0);
    return e; /* these tests change nothing while they look at it */
}

TEST(an_endpoint_is_created_and_answers_as_the_model)
{
    store s;
    serving *v = serving_open(&s, 1);
    logged_version(&s, "fare", &(logged_options){.reversed = true});
    endpoint_state st;
    ck_ok(serving_create(v, s.a, one_entity(s.a, "taxi", 1), 100, &st));
    ck_assert(st.ready && st.config_version == 1 && st.created_ms == 100 && !st.error.n);
    ck_assert(str_is(st.spec.entities[0].name, "fare-1"));
    ck_assert(str_is(st.spec.entities[0].workload_size, "Small"));
    ck_assert(st.spec.n_routes == 1 && st.spec.routes[0].traffic_percentage == 100);
    bool exists;
    const served *e = pick(v, "taxi", &exists);
    ck_assert(exists && e);
    ck_assert(str_is(e->entity_name, "fare") && e->entity_version == 1);
    ck_assert(e->predict_us >= 0.0 && e->n_outputs == 1);
    str bytes;
    AUTO(model) golden = logged_golden(s.a, "lgb_taxi", &bytes);
    size_t cols = model_get_facts(golden)->n_features;
    matrix x = logged_rows(s.a, cols),
           back = {arena_array(s.a, double, x.rows *cols), x.rows, cols, cols};
    for (size_t i = 0; i < x.rows * cols; i++)
        back.v[i] = x.v[i / cols * cols + cols - 1 - i % cols];
    double want[LOGGED_ROWS], got[LOGGED_ROWS];
    model_predict(golden, x, want);
    predict_served(e, back, got);
    ck_assert(!memcmp(want, got, sizeof want));
    ck_assert(!pick(v, "nobody", &exists) && !exists);
    serving_close(&s, v);
}
END_TEST

TEST(creating_twice_is_a_conflict_and_the_unknown_is_missing)
{
    store s;
    serving *v = serving_open(&s, 1);
    logged_version(&s, "fare", &(logged_options){0});
    endpoint_state st;
    ck_ok(serving_create(v, s.a, one_entity(s.a, "taxi", 1), 100, &st));
    ck_err(serving_create(v, s.a, one_entity(s.a, "taxi", 1), 100, &st), ERR_CONFLICT);
    ck_err(serving_update(v, s.a, one_entity(s.a, "bus", 1), 100, &st), ERR_MISSING);
    ck_err(serving_delete(v, STR("bus")), ERR_MISSING);
    ck_err(serving_get(v, s.a, STR("bus"), &st), ERR_MISSING);
    ck_err(serving_create(v, s.a, one_entity(s.a, "bus", 9), 100, &st), ERR_MISSING);
    ck_assert_msg(
        strstr(err_message(), "served_entities[0]: Model Version (name=fare, version=9) not found"),
        "%s", err_message());
    endpoint_state *all;
    size_t n;
    ck_ok(serving_list(v, s.a, &all, &n));
    ck_assert_uint_eq(n, 1);
    ck_ok(serving_delete(v, STR("taxi")));
    bool exists;
    ck_assert(!pick(v, "taxi", &exists) && !exists);
    ck_ok(serving_list(v, s.a, &all, &n));
    ck_assert_uint_eq(n, 0);
    serving_close(&s, v);
}
END_TEST

typedef struct bad_spec {
    endpoint_spec o;
    const char *words;
} bad_spec;

TEST(bad_specs_are_refused_with_the_fields_path)
{
    store s;
    serving *v = serving_open(&s, 1);
    logged_version(&s, "fare", &(logged_options){0});
    entity_spec ok = {.name = STR("a"), .entity_name = STR("fare"), .entity_version = 1};
    entity_spec ok2 = {.name = STR("b"), .entity_name = STR("fare"), .entity_version = 1};
    entity_spec two[] = {ok, ok2}, twice[] = {ok, ok}, many[17] = {0};
    entity_spec bad_name = ok, bad_version = ok, bad_size = ok, bad_env = ok, env_type = ok,
                no_model = ok;
    bad_name.name = STR("a/b");
    bad_version.entity_version = 0;
    bad_size.workload_size = STR("Huge");
    bad_env.environment_json = STR("{");
    env_type.environment_json = STR("{\"K\": 1}");
    no_model.entity_name = STR("");
    route_spec half[] = {{STR("a"), 50}, {STR("b"), 40}}, unknown[] = {{STR("c"), 100}};
    route_spec again[] = {{STR("a"), 50}, {STR("a"), 50}},
               minus[] = {{STR("a"), -1}, {STR("b"), 101}};
    route_spec over[] = {{STR("a"), 101}};
    char long_name[130];
    memset(long_name, 'e', sizeof long_name);
    str e = STR("e");
    bad_spec all[] = {
        {{STR(""), &ok, 1, NULL, 0}, "name: ''"},
        {{STR("-a"), &ok, 1, NULL, 0}, "name: '-a'"},
        {{STR("a b"), &ok, 1, NULL, 0}, "name: 'a b'"},
        {{{long_name, 129}, &ok, 1, NULL, 0}, "name: 'eee"},
        {{e, NULL, 0, NULL, 0}, "served_entities: 0"},
        {{e, many, 17, NULL, 0}, "served_entities: 17"},
        {{e, twice, 2, half, 2},
         "served_entities[1].name: 'a' is that of served_entities[0] already"},
        {{e, two, 2, NULL, 0}, "traffic_config.routes: missing"},
        {{e, two, 2, half, 2}, "traffic_config.routes: percentages sum to 90, want 100"},
        {{e, two, 2, unknown, 1}, "traffic_config.routes[0].served_model_name: 'c' is none"},
        {{e, two, 2, again, 2},
         "traffic_config.routes[1].served_model_name: 'a' is in routes[0] already"},
        {{e, two, 2, minus, 2}, "traffic_config.routes[0].traffic_percentage: -1"},
        {{e, &ok, 1, over, 1}, "traffic_config.routes[0].traffic_percentage: 101"},
        {{e, &ok, 1, half, 2}, "traffic_config.routes: 2, there are 1"},
        {{e, &bad_name, 1, NULL, 0}, "served_entities[0].name: 'a/b'"},
        {{e, &bad_version, 1, NULL, 0}, "served_entities[0].entity_version: 0"},
        {{e, &bad_size, 1, NULL, 0}, "served_entities[0].workload_size: 'Huge'"},
        {{e, &bad_env, 1, NULL, 0}, "served_entities[0].environment_vars"},
        {{e, &env_type, 1, NULL, 0}, "served_entities[0].environment_vars.K: want a string"},
        {{e, &no_model, 1, NULL, 0}, "served_entities[0].entity_name: missing"},
    };
    endpoint_state st;
    for (size_t i = 0; i < countof(all); i++) {
        err kind = serving_create(v, s.a, &all[i].o, 1, &st);
        ck_assert_msg(kind == ERR_INVALID || kind == ERR_FORMAT, "%zu: %s", i, err_name(kind));
        ck_assert_msg(strstr(err_message(), all[i].words), "%zu: %s", i, err_message());
    }
    ck_ok(serving_create(v, s.a, &(endpoint_spec){{long_name, 128}, &ok, 1, NULL, 0}, 1, &st));
    serving_close(&s, v);
}
END_TEST

TEST(traffic_is_split_by_percentage)
{
    store s;
    serving *v = serving_open(&s, 1);
    logged_version(&s, "fare", &(logged_options){0});
    logged_version(&s, "fare", &(logged_options){0});
    entity_spec two[] = {{.entity_name = STR("fare"), .entity_version = 1},
                         {.entity_name = STR("fare"), .entity_version = 2},
                         {.name = STR("idle"), .entity_name = STR("fare"), .entity_version = 2}};
    route_spec routes[] = {{STR("fare-2"), 10}, {STR("fare-1"), 90}, {STR("idle"), 0}};
    endpoint_spec o = {STR("taxi"), two, 3, routes, 3};
    endpoint_state st;
    ck_ok(serving_create(v, s.a, &o, 1, &st));
    size_t n[3] = {0};
    serving_enter(v, 0);
    for (int i = 0; i < 20000; i++) {
        bool exists;
        const served *e = serving_pick(v, 0, STR("taxi"), &exists);
        n[str_is(e->name, "idle") ? 2 : (size_t)e->entity_version - 1]++;
    }
    serving_leave(v, 0);
    ck_assert_uint_eq(n[2], 0);
    ck_assert(n[1] > 1700 && n[1] < 2300); /* 2,000 by 7 standard deviations */
    const serving_view *held = serving_hold(v);
    bool exists;
    ck_assert_int_eq(serving_pick_held(held, 9, STR("taxi"), &exists)->entity_version, 2);
    ck_assert_int_eq(serving_pick_held(held, 10, STR("taxi"), &exists)->entity_version, 1);
    serving_drop(v, held);
    serving_close(&s, v);
}
END_TEST

TEST(an_update_swaps_and_counters_survive_for_the_same_entity)
{
    store s;
    serving *v = serving_open(&s, 1);
    logged_version(&s, "fare", &(logged_options){0});
    logged_version(&s, "fare", &(logged_options){0});
    endpoint_state st;
    ck_ok(serving_create(v, s.a, one_entity(s.a, "taxi", 1), 1, &st));
    bool exists;
    const served *e = pick(v, "taxi", &exists);
    served_count(e, 3, true, 40);
    served_count(e, 5, true, 51);
    served_count(e, 1, false, 99999999);
    served_count(e, 1, true, -5);
    entity_spec two[] = {{.entity_name = STR("fare"), .entity_version = 1},
                         {.entity_name = STR("fare"), .entity_version = 2}};
    route_spec routes[] = {{STR("fare-2"), 100}};
    ck_ok(serving_update(v, s.a, &(endpoint_spec){STR("taxi"), two, 2, routes, 1}, 2, &st));
    ck_assert(st.config_version == 2 && st.updated_ms == 2 && st.created_ms == 1);
    ck_assert_int_eq(pick(v, "taxi", &exists)->entity_version, 2);
    served_stats *stats;
    size_t n;
    ck_ok(serving_stats(v, s.a, &stats, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert(stats[0].requests == 4 && stats[0].errors == 1 && stats[0].rows == 9);
    ck_assert(stats[0].buckets[0] == 2 && stats[0].buckets[1] == 3 && stats[0].buckets[14] == 3 &&
              stats[0].buckets[15] == 4);
    ck_assert(stats[0].latency_us_sum == 40 + 51 + 99999999);
    ck_assert_uint_eq(stats[1].requests, 0);
    serving_close(&s, v);
}
END_TEST

TEST(a_failing_update_changes_nothing)
{
    store s;
    serving *v = serving_open(&s, 1);
    logged_version(&s, "fare", &(logged_options){0});
    logged_version(&s, "fare", &(logged_options){.last_input = "colour"});
    const char *wrong = "{\"columns\": [\"a\"], \"rows\": [], \"predictions\": []}";
    logged_version(&s, "fare", &(logged_options){.probes = wrong});
    endpoint_state st, after;
    ck_ok(serving_create(v, s.a, one_entity(s.a, "taxi", 1), 1, &st));
    bool exists;
    const served *before = pick(v, "taxi", &exists);
    ck_err(serving_update(v, s.a, one_entity(s.a, "taxi", 2), 2, &after), ERR_INVALID);
    ck_assert(strstr(err_message(), "endpoint taxi: served_entities[0]: model m-"));
    ck_err(serving_update(v, s.a, one_entity(s.a, "taxi", 3), 2, &after), ERR_FORMAT);
    ck_err(serving_update(v, s.a, one_entity(s.a, "taxi", 7), 2, &after), ERR_MISSING);
    ck_assert(pick(v, "taxi", &exists) == before);
    ck_ok(serving_get(v, s.a, STR("taxi"), &after));
    ck_assert(after.config_version == 1 && after.updated_ms == 1 && after.ready);
    ck_assert(after.spec.entities[0].entity_version == 1);
    ck_assert(strstr(str_c(s.a, after.error), "version=7"));
    ck_err(serving_create(v, s.a, one_entity(s.a, "other", 2), 2, &after), ERR_INVALID);
    ck_err(serving_get(v, s.a, STR("other"), &after), ERR_MISSING);
    ck_ok(serving_update(v, s.a, one_entity(s.a, "taxi", 1), 3, &after));
    ck_assert(!after.error.n && after.config_version == 2);
    serving_close(&s, v);
}
END_TEST

TEST(a_model_that_answers_otherwise_than_at_training_is_refused)
{
    store s;
    serving *v = serving_open(&s, 1);
    str bytes;
    AUTO(model) m = logged_golden(s.a, "lgb_taxi", &bytes);
    str right = logged_probes(s.a, m, logged_rows(s.a, model_get_facts(m)->n_features));
    char *wrong = arena_alloc(s.a, right.n + 1, 1);
    memcpy(wrong, right.p, right.n);
    char *at = strstr(wrong, "\"predictions\":[");
    ck_assert(at != NULL);
    at += strcspn(at, ",") - 1; /* the first prediction's last digit */
    *at = *at == '1' ? '2' : '1';
    logged_version(&s, "fare", &(logged_options){.probes = wrong});
    endpoint_state st;
    ck_err(serving_create(v, s.a, one_entity(s.a, "taxi", 1), 1, &st), ERR_INVALID);
    ck_assert_msg(strstr(err_message(), "row 0: the model answers") &&
                      strstr(err_message(), "at training it answered"),
                  "%s", err_message());
    logged_version(&s, "fare", &(logged_options){.probes = ""}); /* none to check */
    ck_ok(serving_create(v, s.a, one_entity(s.a, "taxi", 2), 1, &st));
    serving_close(&s, v);
}
END_TEST

TEST(damaged_probes_are_refused)
{
    store s;
    serving *v = serving_open(&s, 1);
    const char *bad[] = {
        "",
        "[]",
        "{\"columns\":[],\"rows\":[],\"predictions\":[]}",
        "{\"columns\":[1,2,3,4,5,6],\"rows\":[],\"predictions\":[]}",
        "{\"columns\":[\"x\"],\"rows\":[[]],\"predictions\":[1]}",
    };
    endpoint_state st;
    for (size_t i = 1; i < countof(bad); i++) {
        int64_t version = logged_version(&s, "fare", &(logged_options){.probes = bad[i]});
        err e = serving_create(v, s.a, one_entity(s.a, "taxi", version), 1, &st);
        ck_assert_msg(e == ERR_FORMAT || e == ERR_INVALID, "%zu: %s", i, err_name(e));
    }
    serving_close(&s, v);
}
END_TEST

TEST(a_restart_serves_the_same_and_shows_what_does_not_load)
{
    store s;
    serving *v = serving_open(&s, 1);
    logged_version(&s, "fare", &(logged_options){0});
    logged_version(&s, "fare", &(logged_options){0});
    endpoint_state st;
    ck_ok(serving_create(v, s.a, one_entity(s.a, "good", 1), 1, &st));
    ck_ok(serving_create(v, s.a, one_entity(s.a, "bad", 2), 1, &st));
    serving_free(v);
    model_version version;
    ck_ok(registry_version_get(s.d, s.a, STR("fare"), 2, &version));
    ck_ok(artifact_put(s.d, s.b, str_fmt(s.a, "models/%.*s", STR_ARG(version.model_id)),
                       STR("model.lgb"), STR("tree\n")));
    v = serving_new(s.d, s.b, 1);
    bool exists;
    ck_assert(!pick(v, "good", &exists) && !exists);
    ck_ok(serving_refresh(v));
    const served *e = pick(v, "good", &exists);
    ck_assert(e && exists);
    ck_assert(!pick(v, "bad", &exists) && exists);
    endpoint_state *all;
    size_t n;
    ck_ok(serving_list(v, s.a, &all, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert(str_is(all[0].spec.name, "bad") && !all[0].ready);
    ck_assert(strstr(str_c(s.a, all[0].error), "model.lgb"));
    ck_assert(str_is(all[1].spec.name, "good") && all[1].ready && !all[1].error.n);
    ck_ok(serving_refresh(v));
    ck_assert(pick(v, "good", &exists) == e); /* not loaded again */
    ck_ok(serving_update(v, s.a, one_entity(s.a, "bad", 1), 5, &st));
    ck_assert(st.ready && pick(v, "bad", &exists));
    ck_ok(db_exec(s.d, "DELETE FROM endpoint WHERE name = 'good'", DB_NO_ARGS, NULL));
    ck_ok(serving_refresh(v));
    ck_assert(!pick(v, "good", &exists) && !exists);
    serving_close(&s, v);
}
END_TEST

TEST(rows_that_somebody_spoiled_are_shown_not_served)
{
    store s;
    serving *v = serving_open(&s, 1);
    logged_version(&s, "fare", &(logged_options){0});
    endpoint_state st;
    ck_ok(serving_create(v, s.a, one_entity(s.a, "taxi", 1), 1, &st));
    ck_ok(db_exec(s.d, "UPDATE endpoint_route SET traffic_percentage = 7", DB_NO_ARGS, NULL));
    ck_ok(serving_refresh(v));
    ck_ok(serving_get(v, s.a, STR("taxi"), &st));
    ck_assert(!st.ready && strstr(str_c(s.a, st.error), "percentages sum to 7"));
    bool exists;
    ck_assert(!pick(v, "taxi", &exists) && exists);
    serving_close(&s, v);
}
END_TEST

TEST(there_is_a_most_of_endpoints)
{
    store s;
    serving *v = serving_open(&s, 1);
    logged_version(&s, "fare", &(logged_options){0});
    ck_ok(db_exec(s.d,
                  "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?)"
                  " INSERT INTO endpoint (uuid, name, config_version, created_ms, updated_ms)"
                  " SELECT 'u' || i, 'e' || i, 1, 1, 1 FROM c",
                  DB_ARGS(db_int(ENDPOINTS_MAX - 1)), NULL));
    endpoint_state st, *all;
    size_t n;
    ck_ok(serving_create(v, s.a, one_entity(s.a, "last", 1), 1, &st));
    ck_err(serving_create(v, s.a, one_entity(s.a, "over", 1), 1, &st), ERR_LIMIT);
    ck_ok(serving_refresh(v));
    ck_ok(serving_list(v, s.a, &all, &n));
    ck_assert_uint_eq(n, ENDPOINTS_MAX);
    serving_close(&s, v);
}
END_TEST

/* The nth statement or commit of an update fails, for n = 1, 2, 3 … until it passes. */
static void torture(const char *site)
{
    store s;
    serving *v = serving_open(&s, 1);
    logged_version(&s, "fare", &(logged_options){0});
    logged_version(&s, "fare", &(logged_options){0});
    endpoint_state st;
    ck_ok(serving_create(v, s.a, one_entity(s.a, "taxi", 1), 1, &st));
    bool exists, done = false;
    for (int n = 1; !done; n++) {
        ck_assert_int_lt(n, 100);
        fault_arm(cstr_fmt(s.a, "%s:%d", site, n));
        err e = serving_update(v, s.a, one_entity(s.a, "taxi", 2), 2, &st);
        fault_arm(NULL);
        ck_ok(serving_get(v, s.a, STR("taxi"), &st));
        done = !e;
        int64_t version = pick(v, "taxi", &exists)->entity_version;
        ck_assert_int_eq(version, st.spec.entities[0].entity_version);
        ck_assert_int_eq(st.config_version, version);
        ck_assert(st.ready && (!done || version == 2));
    }
    serving_close(&s, v);
}

TEST(tables_and_view_agree_whatever_statement_fails)
{
    torture("db_exec");
}
END_TEST

TEST(tables_and_view_agree_whatever_commit_fails)
{
    torture("db_commit");
}
END_TEST

TESTS("serving change", rows_that_somebody_spoiled_are_shown_not_served,
      there_is_a_most_of_endpoints, tables_and_view_agree_whatever_statement_fails,
      tables_and_view_agree_whatever_commit_fails, an_endpoint_is_created_and_answers_as_the_model,
      creating_twice_is_a_conflict_and_the_unknown_is_missing,
      bad_specs_are_refused_with_the_fields_path, traffic_is_split_by_percentage,
      an_update_swaps_and_counters_survive_for_the_same_entity, a_failing_update_changes_nothing,
      a_model_that_answers_otherwise_than_at_training_is_refused, damaged_probes_are_refused,
      a_restart_serves_the_same_and_shows_what_does_not_load)
