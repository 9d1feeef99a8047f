#include "tracking/experiments.h"

#include "store.h"

static str make(store *s, const char *name)
{
    str id;
    ck_ok(tracking_experiment_create(s->d, s->a, &(experiment_spec){.name = str_of(name)}, &id));
    return id;
}

static experiment get(store *s, str id)
{
    experiment e;
    ck_ok(tracking_experiment_get(s->d, s->a, id, &e));
    return e;
}

TEST(an_experiment_is_made_with_tags_and_its_name_is_its_own)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    key_value tags[] = {{STR("b"), STR("2")}, {STR("a"), STR("1")}, {STR("b"), STR("3")}};
    str id, again;
    ck_ok(tracking_experiment_create(
        s.d, s.a, &(experiment_spec){.name = STR("x"), .tags = tags, .n_tags = 3}, &id));
    experiment e = get(&s, id);
    ck_assert_uint_eq(e.n_tags, 2);
    ck_assert(str_is(e.tags[0].key, "a") && str_is(e.tags[1].value, "3"));
    ck_assert(str_eq(e.artifact_location, str_fmt(s.a, "mlflow-artifacts:/%.*s", STR_ARG(id))));
    ck_err(tracking_experiment_create(s.d, s.a, &(experiment_spec){.name = STR("x")}, &again),
           ERR_CONFLICT);
    ck_assert_str_eq(err_message(), "Experiment(name=x) already exists.");
    ck_err(tracking_experiment_create(s.d, s.a, &(experiment_spec){.name = STR(" \t")}, &again),
           ERR_INVALID);
    ck_err(tracking_experiment_create(s.d, s.a, &(experiment_spec){.name = STR("")}, &again),
           ERR_INVALID);
    key_value bad = {STR("../x"), STR("")};
    ck_err(tracking_experiment_create(
               s.d, s.a, &(experiment_spec){.name = STR("y"), .tags = &bad, .n_tags = 1}, &again),
           ERR_INVALID);
    store_close(&s);
}
END_TEST

TEST(an_artifact_location_that_is_a_path_of_the_server_is_refused)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    const char *bad[] = {
        "/etc",
        "file:///etc",
        "file:/etc",
        "../x",
        "a/../../b",
        "s3://b/../c",
        "C:\\x",
        "C:/x",
        "\\\\host\\x",
        "~/x",
        "a%2e%2e/b",
        "s3://b/x?y=1",
        "s3://b/x#y",
        "mlflow-artifacts:/../x",
        "FILE:///etc",
        "a/./b",
        "javascript:x",
        "a\nb",
        "mlflow-artifacts://h/%2e%2e",
        "\xff",
        "//etc",
        "sqlite:///x",
    };
    str id;
    for (size_t i = 0; i < countof(bad); i++)
        ck_assert_msg(tracking_experiment_create(
                          s.d, s.a,
                          &(experiment_spec){.name = STR("x"), .artifact_location = str_of(bad[i])},
                          &id) == ERR_INVALID,
                      "%s", bad[i]);
    const char *good[][2] = {
        {"s3://bucket/path/", "s3://bucket/path"},
        {"mlflow-artifacts:/a/b", "mlflow-artifacts:/a/b"},
        {"my_location", "mlflow-artifacts:/my_location"},
        {"gs://b", "gs://b"},
    };
    for (size_t i = 0; i < countof(good); i++) {
        ck_ok(
            tracking_experiment_create(s.d, s.a,
                                       &(experiment_spec){.name = str_fmt(s.a, "g%zu", i),
                                                          .artifact_location = str_of(good[i][0])},
                                       &id));
        ck_assert(str_is(get(&s, id).artifact_location, good[i][1]));
        str run_id, model_id;
        run r;
        logged_model m;
        ck_ok(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = id}, &run_id));
        ck_ok(tracking_run_get(s.d, s.a, run_id, &r));
        ck_assert(
            str_eq(r.artifact_uri, str_fmt(s.a, "%s/%.*s/artifacts", good[i][1], STR_ARG(run_id))));
        ck_ok(tracking_model_create(
            s.d, s.a, &(logged_model_spec){.experiment_id = id, .name = STR("m")}, &model_id));
        ck_ok(tracking_model_get(s.d, s.a, model_id, &m));
        ck_assert(str_eq(m.artifact_uri,
                         str_fmt(s.a, "%s/models/%.*s/artifacts", good[i][1], STR_ARG(model_id))));
    }
    store_close(&s);
}
END_TEST

TEST(deleting_takes_the_runs_along_and_restoring_brings_them_back)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    str id = make(&s, "x"), run_id;
    run r;
    ck_ok(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = id}, &run_id));
    ck_ok(tracking_experiment_delete(s.d, id));
    ck_assert(str_is(get(&s, id).lifecycle_stage, "deleted"));
    ck_ok(tracking_run_get(s.d, s.a, run_id, &r));
    ck_assert(str_is(r.lifecycle_stage, "deleted"));
    ck_err(tracking_experiment_delete(s.d, id), ERR_MISSING);
    ck_err(tracking_experiment_rename(s.d, id, STR("y")), ERR_INVALID);
    ck_assert_str_eq(err_message(), "Cannot rename a non-active experiment.");
    ck_err(tracking_experiment_set_tag(s.d, id, STR("k"), STR("v")), ERR_INVALID);
    ck_ok(tracking_experiment_restore(s.d, id));
    ck_err(tracking_experiment_restore(s.d, id), ERR_MISSING);
    ck_ok(tracking_run_get(s.d, s.a, run_id, &r));
    ck_assert(str_is(r.lifecycle_stage, "active"));
    ck_err(tracking_experiment_delete(s.d, STR("99")), ERR_MISSING);
    ck_assert_str_eq(err_message(), "No Experiment with id=99 exists");
    store_close(&s);
}
END_TEST

TEST(renaming_and_tags_change_what_is_there)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    str id = make(&s, "x");
    make(&s, "taken");
    ck_ok(tracking_experiment_rename(s.d, id, STR("y")));
    ck_ok(tracking_experiment_rename(s.d, id, STR("y")));
    ck_assert(str_is(get(&s, id).name, "y"));
    ck_err(tracking_experiment_rename(s.d, id, STR("taken")), ERR_CONFLICT);
    ck_err(tracking_experiment_rename(s.d, id, STR("")), ERR_INVALID);
    ck_err(tracking_experiment_rename(s.d, STR("abc"), STR("z")), ERR_INVALID);
    ck_ok(tracking_experiment_set_tag(s.d, id, STR("k"), STR("1")));
    ck_ok(tracking_experiment_set_tag(s.d, id, STR("k"), STR("2")));
    experiment e = get(&s, id);
    ck_assert(e.n_tags == 1 && str_is(e.tags[0].value, "2"));
    ck_ok(tracking_experiment_delete_tag(s.d, id, STR("k")));
    ck_err(tracking_experiment_delete_tag(s.d, id, STR("k")), ERR_MISSING);
    ck_assert(strstr(err_message(), "No tag with name: k in experiment with id"));
    char *text = arena_alloc(s.a, 20002, 1);
    memset(text, 'v', 20001);
    ck_ok(tracking_experiment_set_tag(s.d, id, STR("long"), (str){text, 20000}));
    ck_err(tracking_experiment_set_tag(s.d, id, STR("long"), (str){text, 20001}), ERR_INVALID);
    ck_assert_str_eq(err_message(), "'value' exceeds the maximum length of 20000 characters");
    store_close(&s);
}
END_TEST

typedef struct found {
    experiment *v;
    size_t n;
    str token;
} found;

static found find(store *s, experiment_search q)
{
    found f;
    if (!q.max) q.max = 100;
    ck_ok(tracking_experiments_search(s->d, s->a, &q, &f.v, &f.n, &f.token));
    return f;
}

TEST(a_search_filters_orders_and_pages)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    str ids[5];
    for (size_t i = 0; i < 5; i++) {
        ids[i] = make(&s, cstr_fmt(s.a, "e%zu", i));
        if (i % 2) ck_ok(tracking_experiment_set_tag(s.d, ids[i], STR("odd"), STR("yes")));
    }
    ck_ok(tracking_experiment_delete(s.d, ids[4]));
    ck_assert_uint_eq(find(&s, (experiment_search){0}).n, 5); /* with Default */
    ck_assert_uint_eq(find(&s, (experiment_search){.view = VIEW_DELETED}).n, 1);
    ck_assert_uint_eq(find(&s, (experiment_search){.view = VIEW_ALL}).n, 6);
    ck_assert_uint_eq(
        find(&s, (experiment_search){.filter = STR("name LIKE 'e%' AND tags.odd = 'yes'")}).n, 2);
    ck_assert_uint_eq(find(&s, (experiment_search){.filter = STR("tag.odd IS NULL")}).n, 3);
    ck_assert_uint_eq(
        find(&s, (experiment_search){.filter = STR("name ILIKE 'DEF%' or name = 'e0'")}).n, 2);
    ck_assert_uint_eq(find(&s, (experiment_search){.filter = STR("creation_time > 0")}).n, 4);
    str by_id = str_fmt(s.a, "experiment_id IN ('0', '%.*s')", STR_ARG(ids[1]));
    ck_assert_uint_eq(find(&s, (experiment_search){.filter = by_id}).n, 2);
    str order = STR("name DESC");
    found f = find(&s, (experiment_search){.order_by = &order, .n_order_by = 1, .max = 3});
    ck_assert(f.n == 3 && str_is(f.v[0].name, "e3") && f.token.n);
    f = find(&s, (experiment_search){
                     .order_by = &order, .n_order_by = 1, .max = 3, .page_token = f.token});
    ck_assert(f.n == 2 && str_is(f.v[1].name, "Default") && !f.token.n);
    experiment_search q = {.max = 0};
    ck_err(tracking_experiments_search(s.d, s.a, &q, &f.v, &f.n, &f.token), ERR_INVALID);
    q = (experiment_search){.max = 5, .filter = STR("metrics.a > 1")};
    ck_err(tracking_experiments_search(s.d, s.a, &q, &f.v, &f.n, &f.token), ERR_INVALID);
    q.filter = STR("experiment_id = 'abc'");
    ck_err(tracking_experiments_search(s.d, s.a, &q, &f.v, &f.n, &f.token), ERR_INVALID);
    q = (experiment_search){.max = 5, .order_by = &(str){"tags.a", 6}, .n_order_by = 1};
    ck_err(tracking_experiments_search(s.d, s.a, &q, &f.v, &f.n, &f.token), ERR_INVALID);
    tracking_view view;
    ck_ok(tracking_view_parse(STR("ALL"), &view));
    ck_assert_int_eq(view, VIEW_ALL);
    ck_err(tracking_view_parse(STR("SOME"), &view), ERR_INVALID);
    store_close(&s);
}
END_TEST

TESTS("tracking experiments", an_experiment_is_made_with_tags_and_its_name_is_its_own,
      an_artifact_location_that_is_a_path_of_the_server_is_refused,
      deleting_takes_the_runs_along_and_restoring_brings_them_back,
      renaming_and_tags_change_what_is_there, a_search_filters_orders_and_pages)
