/* MLflow's reading routes, and our own. */
#include "api_rig.h"

#define MLFLOW "/api/2.0/mlflow"

typedef struct logged {
    str experiment, parent, child;
} logged;

static void log_runs(rig *g, logged *ret)
{
    db *d = g->st.d;
    ck_ok(tracking_experiment_ensure(d, g->a, STR("/nyc_taxi/fare"), &ret->experiment));
    run_spec o = {.experiment_id = ret->experiment,
                  .name = STR("parent"),
                  .user = STR("me"),
                  .start_ms = 1000};
    ck_ok(tracking_run_create(d, g->a, &o, &ret->parent));
    const metric metrics[] = {{STR("mae"), 1.25, 1500, 0},
                              {STR("loss"), 3, 1500, 0},
                              {STR("loss"), (double)NAN, 1600, 1},
                              {STR("loss"), 2, 1700, 2}};
    const key_value params[] = {{STR("num_leaves"), STR("31")}};
    ck_ok(tracking_log(
        d, ret->parent,
        &(run_batch){.metrics = metrics, .n_metrics = 4, .params = params, .n_params = 1}));
    ck_ok(tracking_run_end(d, ret->parent, "FINISHED", 2000));
    const key_value tags[] = {{STR("mlflow.parentRunId"), ret->parent}};
    o = (run_spec){.experiment_id = ret->experiment,
                   .name = STR("child"),
                   .start_ms = 1100,
                   .tags = tags,
                   .n_tags = 1};
    ck_ok(tracking_run_create(d, g->a, &o, &ret->child));
    str root = str_fmt(g->a, "runs/%.*s", STR_ARG(ret->parent));
    ck_ok(artifact_put(d, g->st.b, root, STR("plots/residuals.svg"), STR("<svg/>")));
    ck_ok(artifact_put(d, g->st.b, root, STR("checks.json"), STR("{}")));
    ck_ok(artifact_put(d, g->st.b, root, STR("page.html"), STR("<script>1</script>")));
    ck_ok(artifact_put(d, g->st.b, root, STR("weights.bin"), STR("\x01\x02")));
}

static const char *path_of(rig *g, const char *format, str id)
{
    return cstr_fmt(g->a, "%s%.*s", format, STR_ARG(id));
}

TEST(experiments_are_found_by_search_id_and_name)
{
    rig g;
    logged l;
    rig_start(&g);
    log_runs(&g, &l);
    yyjson_val *v = ck_json(&g, get(&g, MLFLOW "/experiments/search?max_results=1"), 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "experiments")), 1);
    ck_assert_str_eq(text_at(v, "/experiments/0/name"), "/nyc_taxi/fare");
    str token = str_of(text_at(v, "/next_page_token"));
    v = ck_json(
        &g,
        ask(&g, "POST", "/ajax-api/2.0/mlflow/experiments/search",
            cstr_fmt(g.a,
                     "{\"max_results\":1,\"page_token\":\"%.*s\",\"view_type\":\"ACTIVE_ONLY\"}",
                     STR_ARG(token))),
        200);
    ck_assert_str_eq(text_at(v, "/experiments/0/name"), "Default");
    ck_assert_str_eq(text_at(v, "/experiments/0/experiment_id"), "0");
    ck_assert_ptr_null(yyjson_obj_get(v, "next_page_token"));
    v = ck_json(&g, get(&g, path_of(&g, MLFLOW "/experiments/get?experiment_id=", l.experiment)),
                200);
    ck_assert_str_eq(text_at(v, "/experiment/lifecycle_stage"), "active");
    v = ck_json(&g, get(&g, MLFLOW "/experiments/get-by-name?experiment_name=%2Fnyc_taxi%2Ffare"),
                200);
    ck_assert(str_eq(str_of(text_at(v, "/experiment/experiment_id")), l.experiment));
    ck_error(&g, get(&g, MLFLOW "/experiments/get?experiment_id=99"), 404,
             "RESOURCE_DOES_NOT_EXIST", "99");
    ck_error(&g, get(&g, MLFLOW "/experiments/get-by-name?experiment_name=x"), 404,
             "RESOURCE_DOES_NOT_EXIST", "x");
    ck_error(&g, get(&g, MLFLOW "/experiments/get"), 400, "INVALID_PARAMETER_VALUE",
             "Missing value for required parameter 'experiment_id'");
    ck_error(&g, get(&g, MLFLOW "/experiments/search?max_results=0"), 400,
             "INVALID_PARAMETER_VALUE", "max_results");
    ck_error(&g, get(&g, MLFLOW "/experiments/search?max_results=x"), 400,
             "INVALID_PARAMETER_VALUE", "max_results");
    ck_error(&g, get(&g, MLFLOW "/experiments/search?page_token=x"), 400, "INVALID_PARAMETER_VALUE",
             "page_token");
    rig_stop(&g);
}
END_TEST

TEST(a_run_comes_in_mlflows_form)
{
    rig g;
    logged l;
    rig_start(&g);
    log_runs(&g, &l);
    answer w = get(&g, path_of(&g, MLFLOW "/runs/get?run_id=", l.parent));
    yyjson_val *v = ck_json(&g, w, 200);
    ck_assert(str_eq(str_of(text_at(v, "/run/info/run_id")), l.parent));
    ck_assert(str_eq(str_of(text_at(v, "/run/info/run_uuid")), l.parent));
    ck_assert_str_eq(text_at(v, "/run/info/run_name"), "parent");
    ck_assert_str_eq(text_at(v, "/run/info/status"), "FINISHED");
    ck_assert(number_at(v, "/run/info/start_time") == 1000);
    ck_assert(number_at(v, "/run/info/end_time") == 2000);
    ck_assert_str_eq(text_at(v, "/run/data/metrics/1/key"), "mae");
    ck_assert(number_at(v, "/run/data/metrics/1/value") == 1.25);
    ck_assert_str_eq(text_at(v, "/run/data/params/0/value"), "31");
    ck_assert(yyjson_is_obj(yyjson_ptr_get(v, "/run/inputs")));
    v = ck_json(&g, get(&g, path_of(&g, MLFLOW "/runs/get?run_uuid=", l.child)), 200);
    ck_assert_ptr_null(yyjson_ptr_get(v, "/run/info/end_time"));
    ck_error(&g, get(&g, MLFLOW "/runs/get?run_id=0123"), 404, "RESOURCE_DOES_NOT_EXIST",
             "Run with id=0123 not found");
    ck_error(&g, get(&g, MLFLOW "/runs/get?run_id=%zz"), 400, "BAD_REQUEST", "hexadecimal");
    rig_stop(&g);
}
END_TEST

TEST(runs_are_searched_by_experiment_and_page)
{
    rig g;
    logged l;
    rig_start(&g);
    log_runs(&g, &l);
    const char *all =
        cstr_fmt(g.a, "{\"experiment_ids\":[%.*s],\"max_results\":1}", STR_ARG(l.experiment));
    yyjson_val *v = ck_json(&g, ask(&g, "POST", MLFLOW "/runs/search", all), 200);
    ck_assert_str_eq(text_at(v, "/runs/0/info/run_name"), "child"); /* the newest */
    const char *next = cstr_fmt(g.a, "{\"experiment_ids\":[\"%.*s\"],\"page_token\":\"%s\"}",
                                STR_ARG(l.experiment), text_at(v, "/next_page_token"));
    v = ck_json(&g, ask(&g, "POST", MLFLOW "/runs/search", next), 200);
    ck_assert_str_eq(text_at(v, "/runs/0/info/run_name"), "parent");
    ck_assert_ptr_null(yyjson_obj_get(v, "next_page_token"));
    ck_answer(ask(&g, "POST", MLFLOW "/runs/search", "{}"), 200, "{}");
    ck_answer(ask(&g, "POST", MLFLOW "/runs/search", "{\"experiment_ids\":[\"99\"]}"), 200, "{}");
    ck_error(&g, ask(&g, "POST", MLFLOW "/runs/search", "{\"experiment_ids\":[true]}"), 400,
             "INVALID_PARAMETER_VALUE", "experiment_ids[0]");
    ck_error(&g, ask(&g, "POST", MLFLOW "/runs/search", "{\"filter\":\"metrics.mae < 2\"}"), 501,
             "NOT_IMPLEMENTED", "filter");
    ck_error(&g, ask(&g, "POST", MLFLOW "/runs/search", "{\"order_by\":[\"metrics.mae\"]}"), 501,
             "NOT_IMPLEMENTED", "order_by");
    ck_error(&g, ask(&g, "POST", MLFLOW "/runs/search", "{\"run_view_type\":\"ALL\"}"), 501,
             "NOT_IMPLEMENTED", "run_view_type");
    rig_stop(&g);
}
END_TEST

TEST(a_metrics_history_has_nan_as_text)
{
    rig g;
    logged l;
    rig_start(&g);
    log_runs(&g, &l);
    const char *path = path_of(&g, MLFLOW "/metrics/get-history?metric_key=loss&run_id=", l.parent);
    yyjson_val *v = ck_json(&g, get(&g, path), 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "metrics")), 3);
    ck_assert_str_eq(text_at(v, "/metrics/1/value"), "NaN");
    ck_assert(number_at(v, "/metrics/2/step") == 2);
    v = ck_json(&g, get(&g, cstr_fmt(g.a, "%s&max_results=2", path)), 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "metrics")), 2);
    v = ck_json(&g,
                get(&g, cstr_fmt(g.a, "%s&max_results=2&page_token=%s", path,
                                 text_at(v, "/next_page_token"))),
                200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "metrics")), 1);
    rig_stop(&g);
}
END_TEST

TEST(models_versions_and_aliases_are_read)
{
    rig g;
    rig_start(&g);
    logged_version(&g.st, "main.default.fare", &(logged_options){0});
    logged_version(&g.st, "main.default.fare", &(logged_options){.reversed = true});
    logged_version(&g.st, "other", &(logged_options){0});
    ck_ok(registry_alias_set(g.st.d, STR("main.default.fare"), STR("champion"), 1, 0, 5));
    yyjson_val *v =
        ck_json(&g, get(&g, MLFLOW "/registered-models/get?name=main.default.fare"), 200);
    ck_assert_str_eq(text_at(v, "/registered_model/aliases/0/alias"), "champion");
    ck_assert_str_eq(text_at(v, "/registered_model/aliases/0/version"), "1");
    ck_assert_str_eq(text_at(v, "/registered_model/latest_versions/0/version"), "2");
    v = ck_json(
        &g, get(&g, MLFLOW "/registered-models/alias?name=main.default.fare&alias=champion"), 200);
    ck_assert_str_eq(text_at(v, "/model_version/version"), "1");
    ck_assert_str_eq(text_at(v, "/model_version/current_stage"), "None");
    ck_assert_str_eq(text_at(v, "/model_version/aliases/0"), "champion");
    v = ck_json(&g, get(&g, MLFLOW "/model-versions/get?name=main.default.fare&version=2"), 200);
    ck_assert_str_eq(text_at(v, "/model_version/status"), "READY");
    v = ck_json(&g, get(&g, MLFLOW "/registered-models/search?max_results=1"), 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "registered_models")), 1);
    ck_assert_ptr_nonnull(yyjson_obj_get(v, "next_page_token"));
    v = ck_json(&g, get(&g, MLFLOW "/model-versions/search?filter=name%3D%27main.default.fare%27"),
                200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "model_versions")), 2);
    ck_assert_str_eq(text_at(v, "/model_versions/0/version"), "2");
    v = ck_json(&g, get(&g, MLFLOW "/model-versions/search"), 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "model_versions")), 3);
    v = ck_json(&g, get(&g, MLFLOW "/model-versions/search?filter=name+%3D+%22nobody%22"), 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "model_versions")), 0);
    v = ck_json(&g, get(&g, MLFLOW "/registered-models/search?filter=name=%27other%27"), 200);
    ck_assert_str_eq(text_at(v, "/registered_models/0/name"), "other");
    const char *clients =
        "/registered-models/search?filter=tag.%60mlflow.prompt.is_prompt%60+!%3D+%27true%27";
    v = ck_json(&g, get(&g, cstr_fmt(g.a, MLFLOW "%s", clients)), 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "registered_models")), 2);
    v = ck_json(&g, get(&g, cstr_fmt(g.a, MLFLOW "%s+AND+name+%%3D+%%27other%%27", clients)), 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "registered_models")), 1);
    ck_error(&g, get(&g, MLFLOW "/registered-models/search?filter=name=%27%27"), 501,
             "NOT_IMPLEMENTED", "filter");
    ck_error(&g, get(&g, MLFLOW "/registered-models/search?order_by=name"), 501, "NOT_IMPLEMENTED",
             "order_by");
    ck_error(&g, get(&g, MLFLOW "/model-versions/search?filter=run_id=%27x%27"), 501,
             "NOT_IMPLEMENTED", "filter");
    ck_error(&g, get(&g, MLFLOW "/model-versions/get?name=other&version=x"), 400,
             "INVALID_PARAMETER_VALUE", "positive integer");
    ck_error(&g, get(&g, MLFLOW "/registered-models/get?name=nobody"), 404,
             "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=nobody not found");
    ck_error(&g, get(&g, MLFLOW "/registered-models/alias?name=other&alias=champion"), 404,
             "RESOURCE_DOES_NOT_EXIST", "champion");
    rig_stop(&g);
}
END_TEST

TEST(artifacts_are_listed_and_given_without_power)
{
    rig g;
    logged l;
    rig_start(&g);
    log_runs(&g, &l);
    yyjson_val *v =
        ck_json(&g, get(&g, path_of(&g, MLFLOW "/artifacts/list?run_id=", l.parent)), 200);
    ck_assert_str_eq(text_at(v, "/files/0/path"), "checks.json");
    ck_assert(number_at(v, "/files/0/file_size") == 2);
    ck_assert_str_eq(text_at(v, "/files/2/path"), "plots");
    ck_assert(yyjson_get_bool(yyjson_ptr_get(v, "/files/2/is_dir")));
    v = ck_json(&g, get(&g, path_of(&g, MLFLOW "/artifacts/list?path=plots&run_id=", l.parent)),
                200);
    ck_assert_str_eq(text_at(v, "/files/0/path"), "plots/residuals.svg");
    static const struct {
        const char *path, *type, *bytes;
    } files[] = {{"plots/residuals.svg", "image/svg+xml", "<svg/>"},
                 {"checks.json", "application/json", "{}"},
                 {"page.html", "text/html; charset=utf-8", "<script>1</script>"},
                 {"weights.bin", "application/octet-stream", "\x01\x02"}};
    for (size_t i = 0; i < countof(files); i++) {
        answer w = get(&g, cstr_fmt(g.a, "/get-artifact?run_id=%.*s&path=%s", STR_ARG(l.parent),
                                    files[i].path));
        ck_answer(w, 200, files[i].bytes);
        ck_assert(str_is(answer_header(&w, "Content-Type"), files[i].type));
        ck_assert(str_starts(answer_header(&w, "Content-Security-Policy"),
                             "sandbox; default-src 'none'"));
        ck_assert(str_is(answer_header(&w, "X-Content-Type-Options"), "nosniff"));
    }
    static const char *const bad[] = {"../secret", "/etc/passwd", "a/../b",
                                      "a//b",      "%2e%2e%2fx",  "."};
    for (size_t i = 0; i < countof(bad); i++)
        ck_error(
            &g,
            get(&g, cstr_fmt(g.a, "/get-artifact?run_id=%.*s&path=%s", STR_ARG(l.parent), bad[i])),
            400, "INVALID_PARAMETER_VALUE", "Invalid path");
    ck_error(&g, get(&g, path_of(&g, "/get-artifact?path=none&run_id=", l.parent)), 404,
             "RESOURCE_DOES_NOT_EXIST", "none");
    ck_error(&g, get(&g, "/get-artifact?path=x&run_id=../models/m-1"), 400,
             "INVALID_PARAMETER_VALUE", "Invalid run id");
    ck_error(&g, get(&g, MLFLOW "/artifacts/list?run_id=0123"), 404, "RESOURCE_DOES_NOT_EXIST",
             "0123");
    rig_stop(&g);
}
END_TEST

TEST(routes_that_write_say_not_yet)
{
    rig g;
    rig_start(&g);
    static const char *const posts[] = {
        MLFLOW "/runs/create",    MLFLOW "/runs/log-batch",           MLFLOW "/experiments/create",
        MLFLOW "/logged-models",  MLFLOW "/registered-models/create", "/v1/traces",
        "/api/3.0/mlflow/traces", "/ajax-api/2.0/mlflow/runs/update"};
    for (size_t i = 0; i < countof(posts); i++)
        ck_error(&g, ask(&g, "POST", posts[i], "{\"x\":1}"), 501, "NOT_IMPLEMENTED", posts[i]);
    ck_error(&g, ask(&g, "PUT", "/api/2.0/mlflow-artifacts/artifacts/0/x", "bytes"), 501,
             "NOT_IMPLEMENTED", "mlflow-artifacts");
    rig_stop(&g);
}
END_TEST

TEST(our_own_routes_feed_the_page)
{
    rig g;
    logged l;
    rig_start(&g);
    log_runs(&g, &l);
    logged_version(&g.st, "fare", &(logged_options){0});
    ck_ok(registry_alias_set(g.st.d, STR("fare"), STR("champion"), 1, 0, 5));
    rig_endpoint(&g, "taxi", 1);
    yyjson_val *v = ck_json(&g, get(&g, "/api/tidemill/overview"), 200);
    ck_assert(number_at(v, "/counts/experiments") == 2);
    ck_assert(number_at(v, "/counts/runs") == 2);
    ck_assert(number_at(v, "/counts/models") == 1);
    ck_assert(number_at(v, "/counts/versions") == 1);
    ck_assert(number_at(v, "/counts/endpoints") == 1);
    ck_assert(number_at(v, "/counts/jobs") == 0);
    ck_assert_str_eq(text_at(v, "/endpoints/0/name"), "taxi");
    ck_assert_str_eq(text_at(v, "/champion/0/model"), "fare");
    ck_assert(yyjson_is_null(yyjson_obj_get(v, "latest_monitor")));
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "latest_job_runs")), 0);
    v = ck_json(&g, get(&g, path_of(&g, "/api/tidemill/runs?experiment_id=", l.experiment)), 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "runs")), 1); /* without children */
    v = ck_json(&g, get(&g, path_of(&g, "/api/tidemill/runs?parent_run_id=", l.parent)), 200);
    ck_assert_str_eq(text_at(v, "/runs/0/info/run_name"), "child");
    ck_answer(get(&g, "/api/tidemill/monitors?max=5"), 200, "{\"monitors\":[]}");
    ck_answer(get(&g, "/api/tidemill/jobs"), 200, "{\"jobs\":[]}");
    ck_answer(get(&g, "/api/tidemill/job-runs?job=x"), 200, "{\"job_runs\":[]}");
    ck_error(&g, get(&g, "/api/tidemill/runs?max=1001"), 400, "INVALID_PARAMETER_VALUE",
             "want 1 to");
    rig_stop(&g);
}
END_TEST

TEST(many_runs_are_counted_right)
{
    rig g;
    rig_start(&g);
    for (int i = 0; i < 9; i++) {
        str id;
        run_spec o = {.experiment_id = STR("0"), .name = STR("r"), .start_ms = i};
        yyjson_val *v = ck_json(&g, get(&g, "/api/tidemill/overview"), 200);
        ck_assert(number_at(v, "/counts/runs") == i);
        ck_ok(tracking_run_create(g.st.d, g.a, &o, &id));
    }
    rig_stop(&g);
}
END_TEST

TEST(try_it_is_made_of_signature_and_example)
{
    rig g;
    rig_start(&g);
    logged_version(&g.st, "fare", &(logged_options){0});
    rig_endpoint(&g, "taxi", 1);
    yyjson_val *v = ck_json(&g, get(&g, "/api/tidemill/endpoints/taxi/signature"), 200);
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(v, "inputs")), 6);
    ck_assert_str_eq(text_at(v, "/inputs/0/name"), "trip_distance");
    ck_assert_str_eq(text_at(v, "/inputs/0/type"), "double");
    ck_assert(yyjson_is_bool(yyjson_ptr_get(v, "/inputs/0/required")));
    ck_assert_uint_eq(yyjson_obj_size(yyjson_obj_get(v, "example")), 6);
    ck_assert(number_at(v, "/example/pickup_hour") >= 0);
    ck_assert_str_eq(text_at(v, "/model/name"), "fare");
    ck_assert_str_eq(text_at(v, "/model/version"), "1");
    ck_assert_str_eq(
        text_at(v, "/url"),
        cstr_fmt(g.a, "http://127.0.0.1:%d/serving-endpoints/taxi/invocations", g.port));
    /* The example is a request that works. */
    buf b;
    buf_init(&b, 1 << 16);
    buf_puts(&b, STR("{\"dataframe_records\":["));
    json_write(&b, yyjson_obj_get(v, "example"));
    buf_puts(&b, STR("]}"));
    answer w = ask_with(&g, "POST", "/serving-endpoints/taxi/invocations",
                        "Content-Type: application/json\r\n", buf_str(&b));
    ck_assert_msg(w.status == 200, "%.*s", STR_ARG(w.body));
    buf_done(&b);
    ck_error(&g, get(&g, "/api/tidemill/endpoints/nobody/signature"), 404,
             "RESOURCE_DOES_NOT_EXIST", "nobody");
    rig_stop(&g);
}
END_TEST

TESTS("api/mlflow", experiments_are_found_by_search_id_and_name, a_run_comes_in_mlflows_form,
      runs_are_searched_by_experiment_and_page, a_metrics_history_has_nan_as_text,
      models_versions_and_aliases_are_read, artifacts_are_listed_and_given_without_power,
      routes_that_write_say_not_yet, our_own_routes_feed_the_page, many_runs_are_counted_right,
      try_it_is_made_of_signature_and_example)
