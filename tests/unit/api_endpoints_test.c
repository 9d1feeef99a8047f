/* Serving endpoints in Databricks' shapes, and the checks of life. */
#include "api_rig.h"

#define ENDPOINTS "/api/2.0/serving-endpoints"
#define ENTITY(version)                                                                            \
    "{\"entity_name\":\"fare\",\"entity_version\":\"" version "\",\"workload_size\":\"Small\","    \
    "\"scale_to_zero_enabled\":false}"
#define CREATE(version) "{\"name\":\"fare\",\"config\":{\"served_entities\":[" ENTITY(version) "]}}"

static void start_with_versions(rig *g)
{
    rig_start(g);
    logged_version(&g->st, "fare", &(logged_options){0});
    logged_version(&g->st, "fare", &(logged_options){.reversed = true});
}

TEST(an_endpoint_lives_from_create_to_delete)
{
    rig g;
    start_with_versions(&g);
    yyjson_val *v = ck_json(&g, ask(&g, "POST", ENDPOINTS, CREATE("1")), 200);
    ck_assert_str_eq(text_at(v, "/name"), "fare");
    ck_assert_str_eq(text_at(v, "/state/ready"), "READY");
    ck_assert_str_eq(text_at(v, "/state/config_update"), "NOT_UPDATING");
    ck_assert_str_eq(text_at(v, "/config/served_entities/0/entity_version"), "1");
    ck_assert_str_eq(text_at(v, "/config/served_entities/0/name"), "fare-1");
    ck_assert_str_eq(text_at(v, "/config/served_entities/0/state/deployment"), "DEPLOYMENT_READY");
    ck_assert_str_eq(text_at(v, "/config/traffic_config/routes/0/served_model_name"), "fare-1");
    ck_assert(number_at(v, "/config/traffic_config/routes/0/traffic_percentage") == 100);
    ck_assert(number_at(v, "/config/config_version") == 1);
    ck_assert_str_eq(text_at(v, "/permission_level"), "CAN_MANAGE");
    v = ck_json(&g,
                ask(&g, "PUT", ENDPOINTS "/fare/config", "{\"served_entities\":[" ENTITY("2") "]}"),
                200);
    ck_assert_str_eq(text_at(v, "/config/served_entities/0/entity_version"), "2");
    ck_assert(number_at(v, "/config/config_version") == 2);
    v = ck_json(&g, get(&g, ENDPOINTS "/fare"), 200);
    ck_assert_str_eq(text_at(v, "/config/served_entities/0/entity_version"), "2");
    v = ck_json(&g, get(&g, ENDPOINTS), 200);
    ck_assert_str_eq(text_at(v, "/endpoints/0/name"), "fare");
    ck_answer(ask_with(&g, "DELETE", ENDPOINTS "/fare", "", STR("")), 200, "{}");
    ck_error(&g, get(&g, ENDPOINTS "/fare"), 404, "RESOURCE_DOES_NOT_EXIST", "fare");
    v = ck_json(&g, get(&g, ENDPOINTS), 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "endpoints")), 0);
    rig_stop(&g);
}
END_TEST

TEST(a_split_is_kept_as_it_was_given)
{
    rig g;
    start_with_versions(&g);
    yyjson_val *v = ck_json(
        &g,
        ask(&g, "POST", ENDPOINTS,
            "{\"name\":\"ab\",\"tags\":[{\"key\":\"team\",\"value\":\"x\"}],\"config\":{\"name\":"
            "\"ab\",\"served_entities\":[{\"name\":\"old\",\"entity_name\":\"fare\",\"entity_"
            "version\":1,\"environment_vars\":{\"A\":\"b\"}},{\"name\":\"new\",\"entity_name\":"
            "\"fare\",\"entity_version\":\"2\",\"workload_type\":\"CPU\"}],\"traffic_config\":{"
            "\"routes\":[{\"served_model_name\":\"old\",\"traffic_percentage\":90},{\"served_"
            "entity_name\":\"new\",\"traffic_percentage\":10}]}}}"),
        200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_ptr_get(v, "/config/served_entities")), 2);
    ck_assert_str_eq(text_at(v, "/config/served_entities/0/environment_vars/A"), "b");
    ck_assert_str_eq(text_at(v, "/config/traffic_config/routes/1/served_model_name"), "new");
    ck_assert(number_at(v, "/config/traffic_config/routes/1/traffic_percentage") == 10);
    rig_stop(&g);
}
END_TEST

TEST(what_cannot_be_kept_is_refused_by_name)
{
    static const struct {
        const char *body, *code, *words;
        int status;
    } bad[] = {
        {"", "INVALID_PARAMETER_VALUE", "name", 400},
        {"[]", "INVALID_PARAMETER_VALUE", "want a JSON object", 400},
        {"{", "BAD_REQUEST", "line 1, column", 400},
        {"{\"name\":\"x\"}", "INVALID_PARAMETER_VALUE", "config", 400},
        {"{\"name\":\"x\",\"confg\":{}}", "INVALID_PARAMETER_VALUE", "config", 400},
        {"{\"name\":\"x\",\"config\":{}}", "INVALID_PARAMETER_VALUE", "served_entities", 400},
        {"{\"name\":\"x\",\"config\":{\"served_entities\":[]}}", "INVALID_PARAMETER_VALUE",
         "want 1 to 16", 400},
        {"{\"name\":\"x\",\"config\":{\"served_entities\":[7]}}", "INVALID_PARAMETER_VALUE",
         "served_entities[0]: want an object", 400},
        {"{\"name\":\"x\",\"config\":{\"served_entities\":[{\"entity_name\":\"fare\"}]}}",
         "INVALID_PARAMETER_VALUE", "served_entities[0].entity_version", 400},
        {"{\"name\":\"x\",\"config\":{\"served_entities\":[{\"entity_name\":\"fare\",\"entity_"
         "version\":\"1\",\"external_model\":{}}]}}",
         "INVALID_PARAMETER_VALUE", "external_model", 400},
        {"{\"name\":\"x\",\"config\":{\"served_entities\":[{\"entity_name\":\"fare\",\"entity_"
         "version\":\"1\",\"workload_type\":\"GPU_SMALL\"}]}}",
         "INVALID_PARAMETER_VALUE", "there is only CPU", 400},
        {"{\"name\":\"x\",\"config\":{\"name\":\"y\",\"served_entities\":[" ENTITY("1") "]}}",
         "INVALID_PARAMETER_VALUE", "config.name", 400},
        {"{\"name\":\"x\",\"config\":{\"served_entities\":[" ENTITY(
             "1") "],\"traffic_config\":{\"routes\":[{\"served_model_name\":\"fare-1\",\"traffic_"
                  "percentage\":4294967396}]}}}",
         "INVALID_PARAMETER_VALUE", "traffic_percentage", 400},
        {"{\"name\":\"x\",\"tags\":{},\"config\":{\"served_entities\":[" ENTITY("1") "]}}",
         "INVALID_PARAMETER_VALUE", "tags", 400},
        {"{\"name\":\"a b\",\"config\":{\"served_entities\":[" ENTITY("1") "]}}",
         "INVALID_PARAMETER_VALUE", "name", 400},
        {"{\"name\":\"x\",\"config\":{\"served_entities\":[" ENTITY("77") "]}}",
         "RESOURCE_DOES_NOT_EXIST", "version=77", 404},
    };
    rig g;
    start_with_versions(&g);
    for (size_t i = 0; i < countof(bad); i++)
        ck_error(&g, ask(&g, "POST", ENDPOINTS, bad[i].body), bad[i].status, bad[i].code,
                 bad[i].words);
    yyjson_val *v = ck_json(&g, get(&g, ENDPOINTS), 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "endpoints")), 0);
    rig_stop(&g);
}
END_TEST

TEST(a_name_is_taken_once_and_a_failed_update_changes_nothing)
{
    rig g;
    start_with_versions(&g);
    ck_assert_int_eq(ask(&g, "POST", ENDPOINTS, CREATE("1")).status, 200);
    ck_error(&g, ask(&g, "POST", ENDPOINTS, CREATE("1")), 400, "RESOURCE_ALREADY_EXISTS", "fare");
    ck_error(&g,
             ask(&g, "PUT", ENDPOINTS "/fare/config", "{\"served_entities\":[" ENTITY("9") "]}"),
             404, "RESOURCE_DOES_NOT_EXIST", "version=9");
    yyjson_val *v = ck_json(&g, get(&g, ENDPOINTS "/fare"), 200);
    ck_assert_str_eq(text_at(v, "/config/served_entities/0/entity_version"), "1");
    ck_assert_str_eq(text_at(v, "/state/ready"), "READY");
    ck_error(&g, ask(&g, "PUT", ENDPOINTS "/no/config", "{\"served_entities\":[" ENTITY("1") "]}"),
             404, "RESOURCE_DOES_NOT_EXIST", "no");
    ck_error(&g, ask_with(&g, "DELETE", ENDPOINTS "/no", "", STR("")), 404,
             "RESOURCE_DOES_NOT_EXIST", "no");
    rig_stop(&g);
}
END_TEST

TEST(alive_ready_and_which_version)
{
    rig g;
    rig_start(&g);
    ck_answer(get(&g, "/health"), 200, "OK");
    ck_answer(ask_with(&g, "GET", "/health", "Accept: application/json\r\n", STR("")), 200,
              "{\"status\":\"healthy\"}");
    ck_answer(get(&g, "/version"), 200, MLFLOW_PROTOCOL_VERSION);
    yyjson_val *v = ck_json(&g, get(&g, "/api/version"), 200);
    ck_assert_str_eq(text_at(v, "/version"), "1.2.3");
    ck_answer(get(&g, "/.well-known/databricks-config"), 200, "{}");
    ck_answer(get(&g, "/ready"), 200, "OK");
    api_set_draining(g.api);
    ck_answer(get(&g, "/ready"), 503, "draining");
    ck_answer(ask_with(&g, "GET", "/ready", "Accept: application/json\r\n", STR("")), 503,
              "{\"status\":\"draining\"}");
    rig_stop(&g);
}
END_TEST

TEST(unknown_paths_and_methods_are_told_in_json)
{
    rig g;
    rig_start(&g);
    ck_error(&g, get(&g, "/api/2.0/nothing"), 404, "ENDPOINT_NOT_FOUND", "/api/2.0/nothing");
    ck_error(&g, ask(&g, "POST", "/api/2.0/nothing", "{}"), 404, "ENDPOINT_NOT_FOUND", "nothing");
    ck_error(&g, get(&g, "/api/"), 404, "ENDPOINT_NOT_FOUND", "/api/");
    ck_error(&g, get(&g, "/.well-known/other"), 404, "ENDPOINT_NOT_FOUND", "other");
    ck_error(&g, get(&g, "/assets/none.js"), 404, "ENDPOINT_NOT_FOUND", "");
    answer w = ask(&g, "PATCH", ENDPOINTS "/fare", "{}");
    ck_error(&g, w, 405, "BAD_REQUEST", "it takes GET, HEAD, DELETE");
    ck_assert(str_is(answer_header(&w, "Allow"), "GET, HEAD, DELETE"));
    w = ask_with(&g, "HEAD", "/health", "", STR(""));
    ck_assert(w.status == 200 && !w.body.n && str_is(answer_header(&w, "Content-Length"), "2"));
    /* What the server itself refuses has the same form. */
    ck_error(&g, ask_with(&g, "GET", "/health", "", STR("body")), 413, "RESOURCE_LIMIT_EXCEEDED",
             "no body");
    ck_error(&g, ask_with(&g, "GET", "/health", "Origin: http://evil.example\r\n", STR("")), 403,
             "PERMISSION_DENIED", "Origin");
    char *large = arena_alloc_raw(g.a, (1 << 20) + 1, 1);
    memset(large, ' ', (1 << 20) + 1);
    ck_error(&g, ask_with(&g, "POST", ENDPOINTS, "", (str){large, (1 << 20) + 1}), 413,
             "RESOURCE_LIMIT_EXCEEDED", "too large");
    rig_stop(&g);
}
END_TEST

TESTS("api/endpoints", an_endpoint_lives_from_create_to_delete, a_split_is_kept_as_it_was_given,
      what_cannot_be_kept_is_refused_by_name,
      a_name_is_taken_once_and_a_failed_update_changes_nothing, alive_ready_and_which_version,
      unknown_paths_and_methods_are_told_in_json)
