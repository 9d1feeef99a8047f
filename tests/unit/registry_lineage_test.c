#include "registry/audit.h"
#include "registry/lineage.h"

#include "logged.h"

static void open_store(store *s)
{
    const db_migration rooms[] = {tracking_migration, registry_migration};
    store_open(s, rooms, 2);
    ck_ok(registry_model_ensure(s->d, STR("fare"), 1));
}

/* A version of a run with tags and a metric, served by an endpoint. */
static str fill(store *s)
{
    const key_value tags[] = {{STR("mlflow.source.git.commit"), STR("c0ffee")},
                              {STR("mlflow.source.git.branch"), STR("main")},
                              {STR("tidemill.featureTable"), STR("main.taxi.feature_table")},
                              {STR("tidemill.featureVersion"), STR("4")}};
    str id;
    run_spec o = {.experiment_id = STR("0"), .start_ms = 10, .tags = tags, .n_tags = countof(tags)};
    ck_ok(tracking_run_create(s->d, s->a, &o, &id));
    metric m = {STR("mae"), 1.5, 11, 0};
    ck_ok(tracking_log(s->d, id, &(run_batch){.metrics = &m, .n_metrics = 1}));
    version_spec v = {
        .name = STR("fare"),
        .run_id = id,
        .source = str_fmt(s->a, "models:/%.*s", STR_ARG(logged_model_put(s, &(logged_options){0}))),
        .now_ms = 20};
    int64_t version;
    ck_ok(registry_version_create(s->d, s->a, &v, &version));
    return id;
}

static err serve_tx(db_tx *tx, void *arg)
{
    store *s = arg;
    return audit_endpoint(tx, s->a, STR("fares"), STR(""), STR("fare/12 50, fare/1 50"),
                          &(change_by){.now_ms = 30});
}

TEST(one_query_goes_from_the_data_to_the_endpoint)
{
    store s;
    open_store(&s);
    fill(&s);
    ck_ok(db_write(s.d, serve_tx, &s));
    lineage l;
    ck_ok(lineage_of_version(s.d, s.b, s.a, (version_ref){STR("fare"), 1}, &l));
    ck_assert(str_is(l.data_source, "main.taxi.feature_table") && str_is(l.data_version, "4"));
    ck_assert(str_is(l.code_commit, "c0ffee") && str_is(l.code_branch, "main"));
    ck_assert(l.training.n_metrics == 1 && l.training.metrics[0].value == 1.5);
    ck_assert(l.n_features > 3 && l.environment.n > 0);
    ck_assert(l.n_endpoints == 1 && str_is(l.endpoints[0], "fares"));
    buf b;
    jw w;
    buf_init(&b, 1 << 20);
    jw_init(&w, &b, false);
    lineage_to_json(&w, &l);
    yyjson_val *o;
    ck_ok(json_parse(s.a, buf_str(&b), "lineage", &o));
    ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(o, "endpoints")), 1);
    buf_done(&b);
    ck_err(lineage_of_version(s.d, s.b, s.a, (version_ref){STR("fare"), 9}, &l), ERR_MISSING);
    store_close(&s);
}
END_TEST

TEST(and_back_from_run_commit_and_table)
{
    store s;
    open_store(&s);
    lineage_query q = {.run_id = fill(&s)};
    fill(&s);
    model_version *v;
    size_t n;
    ck_ok(lineage_versions(s.d, s.a, &q, &v, &n));
    ck_assert(n == 1 && v[0].version == 1);
    q = (lineage_query){.commit = STR("c0ffee")};
    ck_ok(lineage_versions(s.d, s.a, &q, &v, &n));
    ck_assert(n == 2 && v[0].version == 2);
    q = (lineage_query){.data_source = STR("main.taxi.feature_table")};
    ck_ok(lineage_versions(s.d, s.a, &q, &v, &n));
    ck_assert_uint_eq(n, 2);
    q.data_source = STR("another");
    ck_ok(lineage_versions(s.d, s.a, &q, &v, &n));
    ck_assert_uint_eq(n, 0);
    q.commit = STR("c0ffee");
    ck_err(lineage_versions(s.d, s.a, &q, &v, &n), ERR_INVALID);
    store_close(&s);
}
END_TEST

TESTS("registry lineage", one_query_goes_from_the_data_to_the_endpoint,
      and_back_from_run_commit_and_table)
