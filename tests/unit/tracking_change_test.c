#include "store.h"
#include "tracking/artifacts.h"
#include "tracking/runs.h"

static str open_run(store *s)
{
    store_open(s, &tracking_migration, 1);
    str id;
    ck_ok(tracking_run_create(s->d, s->a,
                              &(run_spec){.experiment_id = STR("0"), .name = STR("first")}, &id));
    return id;
}

static run get(store *s, str id)
{
    run r;
    ck_ok(tracking_run_get(s->d, s->a, id, &r));
    return r;
}

static str tag(const run *r, const char *key)
{
    for (size_t i = 0; i < r->n_tags; i++)
        if (str_is(r->tags[i].key, key)) return r->tags[i].value;
    return STR("");
}

TEST(an_update_changes_what_it_names_and_nothing_else)
{
    store s;
    str id = open_run(&s);
    run r;
    ck_ok(tracking_run_update(
        s.d, s.a, id, &(run_update){.status = "FINISHED", .has_end = true, .end_ms = 5}, &r));
    ck_assert(str_is(r.status, "FINISHED") && r.end_ms == 5 && str_is(r.name, "first"));
    ck_ok(tracking_run_update(s.d, s.a, id, &(run_update){.name = STR("second")}, &r));
    ck_assert(str_is(r.status, "FINISHED") && r.end_ms == 5 && str_is(r.name, "second"));
    ck_assert(str_is(tag(&r, "mlflow.runName"), "second"));
    ck_err(tracking_run_update(s.d, s.a, id, &(run_update){.status = "DONE"}, &r), ERR_INVALID);
    ck_err(tracking_run_update(s.d, s.a, STR("x"), &(run_update){0}, &r), ERR_MISSING);
    ck_ok(tracking_run_delete(s.d, id));
    ck_ok(tracking_run_delete(s.d, id));
    ck_assert(str_is(get(&s, id).lifecycle_stage, "deleted"));
    ck_err(tracking_run_update(s.d, s.a, id, &(run_update){.name = STR("third")}, &r), ERR_INVALID);
    ck_err(tracking_set_tag(s.d, id, STR("a"), STR("b")), ERR_INVALID);
    ck_err(tracking_delete_tag(s.d, id, STR("mlflow.runName")), ERR_INVALID);
    ck_err(tracking_log_inputs(s.d, id, NULL, 0, NULL, 0), ERR_INVALID);
    ck_ok(tracking_run_restore(s.d, id));
    ck_assert(str_is(get(&s, id).lifecycle_stage, "active"));
    ck_err(tracking_run_delete(s.d, STR("x")), ERR_MISSING);
    ck_err(tracking_run_restore(s.d, STR("x")), ERR_MISSING);
    store_close(&s);
}
END_TEST

TEST(tags_name_a_run_and_give_it_a_parent)
{
    store s;
    str parent = open_run(&s), child;
    run *v;
    size_t n;
    ck_ok(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = STR("0")}, &child));
    ck_ok(tracking_set_tag(s.d, child, STR("mlflow.runName"), STR("other")));
    ck_assert(str_is(get(&s, child).name, "other"));
    ck_ok(tracking_set_tag(s.d, child, STR("mlflow.parentRunId"), parent));
    ck_ok(tracking_runs(s.d, s.a, &(run_query){.parent_run_id = parent, .max = 5}, &v, &n));
    ck_assert_uint_eq(n, 1);
    ck_ok(tracking_delete_tag(s.d, child, STR("mlflow.parentRunId")));
    ck_ok(tracking_runs(s.d, s.a, &(run_query){.roots_only = true, .max = 5}, &v, &n));
    ck_assert_uint_eq(n, 2);
    ck_err(tracking_delete_tag(s.d, child, STR("mlflow.parentRunId")), ERR_MISSING);
    ck_assert(strstr(err_message(), "No tag with name: mlflow.parentRunId in run with id"));
    ck_err(tracking_set_tag(s.d, child, STR(""), STR("x")), ERR_INVALID);
    ck_assert_str_eq(
        err_message(),
        "Invalid value \"\" for parameter 'key' supplied: Names may be treated as files in certain "
        "cases, and must not resolve to other names when treated as such. This name would resolve "
        "to '.'");
    store_close(&s);
}
END_TEST

TEST(single_metrics_and_params_say_plain_names)
{
    store s;
    str id = open_run(&s);
    metric m = {STR("a/../b"), 1.5, 1, 0};
    ck_err(tracking_log_metric(s.d, id, &m, NULL), ERR_INVALID);
    ck_assert(strstr(err_message(), "for parameter 'name' supplied"));
    ck_assert(strstr(err_message(), "This name would resolve to 'b'"));
    m = (metric){STR("m"), 1.5, -1, 0};
    ck_err(tracking_log_metric(s.d, id, &m, NULL), ERR_INVALID);
    ck_assert_str_eq(err_message(),
                     "Invalid value -1 for parameter 'timestamp' supplied: metric 'm' (value=1.5). "
                     "Timestamp must be a nonnegative long (64-bit integer) ");
    ck_err(tracking_log(s.d, id, &(run_batch){.metrics = &m, .n_metrics = 1}), ERR_INVALID);
    ck_assert(strstr(err_message(), "'metrics[0].timestamp'"));
    char key[251];
    memset(key, 'k', sizeof key);
    ck_err(tracking_log_param(s.d, id, (str){key, 251}, STR("v")), ERR_INVALID);
    ck_assert_str_eq(err_message(), "'Param key' exceeds the maximum length of 250 characters");
    ck_ok(tracking_log_param(s.d, id, (str){key, 250}, STR("v")));
    store_close(&s);
}
END_TEST

TEST(descriptions_of_models_gather_in_a_tag)
{
    store s;
    str id = open_run(&s);
    ck_ok(tracking_log_model(s.d, id, STR("{\"a\": 1}")));
    ck_ok(tracking_log_model(s.d, id, STR("{}")));
    run r = get(&s, id);
    ck_assert(str_is(tag(&r, "mlflow.log-model.history"), "[{\"a\": 1}, {}]"));
    ck_err(tracking_log_model(s.d, id, STR("[]")), ERR_FORMAT);
    ck_err(tracking_log_model(s.d, id, STR("{")), ERR_FORMAT);
    ck_err(tracking_log_model(s.d, STR("x"), STR("{}")), ERR_MISSING);
    ck_ok(tracking_set_tag(s.d, id, STR("mlflow.log-model.history"), STR("broken")));
    ck_ok(tracking_log_model(s.d, id, STR("{}")));
    r = get(&s, id);
    ck_assert(str_is(tag(&r, "mlflow.log-model.history"), "[{}]"));
    store_close(&s);
}
END_TEST

/* --- inputs and outputs */
static dataset_input one_dataset(const char *name, const char *digest)
{
    return (dataset_input){.dataset = {.name = str_of(name),
                                       .digest = str_of(digest),
                                       .source_type = STR("local"),
                                       .source = STR("{\"uri\": \"x\"}"),
                                       .schema = STR("{}")}};
}

TEST(datasets_are_one_per_name_and_digest_and_shown_with_their_tags)
{
    store s;
    str id = open_run(&s), other;
    ck_ok(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = STR("0")}, &other));
    key_value tags[] = {
        {STR("mlflow.data.context"), STR("train")}, {STR("a"), STR("1")}, {STR("a"), STR("2")}};
    dataset_input in[] = {one_dataset("d", "2"), one_dataset("d", "1"), one_dataset("d", "2")};
    in[0].tags = tags;
    in[0].n_tags = 3;
    str models[] = {STR("m-2"), STR("m-1"), STR("m-2")};
    ck_ok(tracking_log_inputs(s.d, id, in, 3, models, 3));
    in[0].n_tags = 1;
    ck_ok(tracking_log_inputs(s.d, id, in, 1, NULL, 0)); /* adds nothing */
    ck_ok(tracking_log_inputs(s.d, other, in, 1, NULL, 0));
    run r = get(&s, id);
    ck_assert_uint_eq(r.n_datasets, 2);
    ck_assert(str_is(r.datasets[0].dataset.digest, "1") && r.datasets[0].n_tags == 0);
    const dataset_input *d = &r.datasets[1];
    ck_assert(d->n_tags == 2 && str_is(d->tags[0].value, "2") && str_is(d->tags[1].value, "train"));
    ck_assert(str_is(d->dataset.source_type, "local") && str_is(d->dataset.schema, "{}") &&
              !d->dataset.profile.n);
    ck_assert_uint_eq(r.n_model_inputs, 2);
    ck_assert(str_is(r.model_inputs[0].model_id, "m-1") && !r.n_model_outputs);
    dataset_summary *v;
    size_t n;
    str experiments[] = {STR("0"), STR("99")};
    ck_ok(tracking_datasets_search(s.d, s.a, experiments, 2, &v, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert(str_is(v[0].digest, "1") && !v[0].context.n && str_is(v[1].context, "train"));
    ck_err(tracking_datasets_search(s.d, s.a, experiments, 0, &v, &n), ERR_INVALID);
    str many[21];
    for (size_t i = 0; i < 21; i++)
        many[i] = STR("0");
    ck_ok(tracking_datasets_search(s.d, s.a, many, 20, &v, &n));
    ck_err(tracking_datasets_search(s.d, s.a, many, 21, &v, &n), ERR_INVALID);
    char text[501];
    memset(text, 'x', sizeof text);
    in[0].dataset.name = (str){text, 501};
    ck_err(tracking_log_inputs(s.d, id, in, 1, NULL, 0), ERR_INVALID);
    ck_assert_str_eq(err_message(), "'name' exceeds the maximum length of 500 characters");
    ck_err(tracking_log_inputs(s.d, STR("x"), NULL, 0, models, 1), ERR_MISSING);
    store_close(&s);
}
END_TEST

TEST(outputs_take_the_last_step)
{
    store s;
    str id = open_run(&s);
    model_link out[] = {{STR("m-b"), 1}, {STR("m-a"), 2}, {STR("m-b"), 3}};
    ck_ok(tracking_log_outputs(s.d, id, out, 3));
    out[0].step = 9;
    ck_ok(tracking_log_outputs(s.d, id, out, 1));
    run r = get(&s, id);
    ck_assert_uint_eq(r.n_model_outputs, 2);
    ck_assert(str_is(r.model_outputs[0].model_id, "m-a") && r.model_outputs[0].step == 2);
    ck_assert_int_eq(r.model_outputs[1].step, 9);
    ck_ok(tracking_log_outputs(s.d, id, NULL, 0));
    ck_err(tracking_log_outputs(s.d, STR("x"), out, 1), ERR_MISSING);
    store_close(&s);
}
END_TEST

/* --- histories */
TEST(a_history_comes_in_pages)
{
    store s;
    str id = open_run(&s), token = STR("");
    metric m[10], *v;
    for (size_t i = 0; i < 10; i++)
        m[i] = (metric){STR("m"), (double)i, (int64_t)(100 - i), (int64_t)i};
    ck_ok(tracking_log(s.d, id, &(run_batch){.metrics = m, .n_metrics = 10}));
    size_t n, seen = 0, pages = 0;
    do {
        ck_ok(tracking_metric_page(s.d, s.a, id, STR("m"), 5, token, &v, &n, &token));
        for (size_t i = 0; i < n; i++)
            ck_assert(v[i].timestamp_ms == (int64_t)(91 + seen + i) && str_is(v[i].key, "m"));
        seen += n;
        pages++;
    } while (token.n);
    ck_assert(seen == 10 && pages == 2);
    ck_ok(tracking_metric_page(s.d, s.a, id, STR("nobody"), 5, token, &v, &n, &token));
    ck_assert(n == 0 && !token.n);
    ck_err(tracking_metric_page(s.d, s.a, id, STR("m"), 0, token, &v, &n, &token), ERR_INVALID);
    ck_ok(tracking_metric_page(s.d, s.a, STR("x"), STR("m"), 5, token, &v, &n, &token));
    ck_assert_uint_eq(n, 0);
    store_close(&s);
}
END_TEST

TEST(many_histories_come_by_run_and_cut_at_the_limit)
{
    store s;
    str ids[3] = {open_run(&s), {0}, STR("nobody")};
    ck_ok(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = STR("0")}, &ids[1]));
    metric m[] = {{STR("m"), 1.0, 1, 0}, {STR("m"), 2.0, 2, 1}, {STR("k"), 3.0, 1, 0}};
    for (size_t i = 0; i < 2; i++)
        ck_ok(tracking_log(s.d, ids[i], &(run_batch){.metrics = m, .n_metrics = 3}));
    run_metric *v;
    size_t n;
    ck_ok(tracking_metric_bulk(s.d, s.a, ids, 3, STR("m"), 100, &v, &n));
    ck_assert_uint_eq(n, 4);
    ck_assert(str_cmp(v[0].run_id, v[2].run_id) < 0 && v[1].m.value == 2.0);
    ck_ok(tracking_metric_bulk(s.d, s.a, ids, 3, STR("m"), 3, &v, &n));
    ck_assert_uint_eq(n, 3);
    ck_err(tracking_metric_bulk(s.d, s.a, ids, 0, STR("m"), 3, &v, &n), ERR_INVALID);
    ck_err(tracking_metric_bulk(s.d, s.a, ids, 101, STR("m"), 3, &v, &n), ERR_INVALID);
    store_close(&s);
}
END_TEST

TEST(a_sample_is_even_and_keeps_both_ends)
{
    store s;
    str id = open_run(&s);
    metric m[100];
    for (size_t i = 0; i < 100; i++)
        m[i] = (metric){STR("m"), (double)i, 1, (int64_t)i};
    ck_ok(tracking_log(s.d, id, &(run_batch){.metrics = m, .n_metrics = 100}));
    run_metric *v;
    size_t n;
    metric_interval q = {.run_ids = &id, .n_run_ids = 1, .key = STR("m"), .max = 3};
    ck_ok(tracking_metric_interval(s.d, s.a, &q, &v, &n));
    ck_assert(n == 3 && v[0].m.step == 0 && v[1].m.step == 34 && v[2].m.step == 99);
    q.max = 1;
    ck_ok(tracking_metric_interval(s.d, s.a, &q, &v, &n));
    ck_assert(n == 1 && v[0].m.step == 99);
    q.max = 1000;
    ck_ok(tracking_metric_interval(s.d, s.a, &q, &v, &n));
    ck_assert_uint_eq(n, 100);
    q = (metric_interval){.run_ids = &id,
                          .n_run_ids = 1,
                          .key = STR("m"),
                          .has_range = true,
                          .start_step = 10,
                          .end_step = 19,
                          .max = 5};
    ck_ok(tracking_metric_interval(s.d, s.a, &q, &v, &n));
    ck_assert(n == 5 && v[0].m.step == 10 && v[1].m.step == 12 && v[4].m.step == 19);
    q.end_step = 9;
    ck_err(tracking_metric_interval(s.d, s.a, &q, &v, &n), ERR_INVALID);
    q = (metric_interval){.run_ids = &id, .n_run_ids = 1, .key = STR("none"), .max = 5};
    ck_ok(tracking_metric_interval(s.d, s.a, &q, &v, &n));
    ck_assert_uint_eq(n, 0);
    str nobody = STR("x");
    q.run_ids = &nobody;
    ck_ok(tracking_metric_interval(s.d, s.a, &q, &v, &n));
    ck_assert_uint_eq(n, 0);
    store_close(&s);
}
END_TEST

/* --- artifacts */
TEST(artifact_addresses_lead_to_runs_and_models)
{
    store s;
    str id = open_run(&s), root, path;
    const char *model = "m-0123456789abcdef0123456789abcdef";
    ck_ok(
        artifact_locate(s.a, str_fmt(s.a, "/0/%.*s/artifacts/a/b.txt", STR_ARG(id)), &root, &path));
    ck_assert(str_eq(root, str_fmt(s.a, "runs/%.*s", STR_ARG(id))) && str_is(path, "a/b.txt"));
    ck_ok(
        artifact_locate(s.a, str_fmt(s.a, "my/place/%.*s/artifacts/", STR_ARG(id)), &root, &path));
    ck_assert_uint_eq(path.n, 0);
    ck_ok(artifact_locate(s.a, str_fmt(s.a, "7/models/%s/artifacts/MLmodel", model), &root, &path));
    ck_assert(str_eq(root, str_fmt(s.a, "models/%s", model)) && str_is(path, "MLmodel"));
    const char *bad[] = {"0/x/artifacts/a", "0/../0", "", "0//a", "a\\b"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_assert(artifact_locate(s.a, str_of(bad[i]), &root, &path) != ERR_OK);
    ck_err(artifact_locate(s.a, str_fmt(s.a, "0/%s/artifacts/a", model), &root, &path),
           ERR_MISSING);
    store_close(&s);
}
END_TEST

TEST(deleting_a_folder_takes_what_is_below_and_no_neighbour)
{
    store s;
    str id = open_run(&s), root = str_fmt(s.a, "runs/%.*s", STR_ARG(id));
    const char *paths[] = {"a/b/c.txt", "a/d.txt", "a-x/e.txt", "a0.txt", "f.txt"};
    for (size_t i = 0; i < countof(paths); i++)
        ck_ok(artifact_put(s.d, s.b, root, str_of(paths[i]), STR("x")));
    ck_ok(artifact_delete(s.d, root, STR("a")));
    ck_err(artifact_delete(s.d, root, STR("a")), ERR_MISSING);
    artifact *v;
    size_t n;
    ck_ok(artifact_list(s.d, s.a, root, STR(""), &v, &n));
    ck_assert_uint_eq(n, 3);
    ck_assert(str_is(v[0].path, "a-x"));
    ck_ok(artifact_delete(s.d, root, STR("f.txt")));
    ck_err(artifact_delete(s.d, root, STR("../x")), ERR_INVALID);
    ck_ok(artifact_delete(s.d, root, STR("")));
    ck_ok(artifact_list(s.d, s.a, root, STR(""), &v, &n));
    ck_assert_uint_eq(n, 0);
    ck_err(artifact_delete(s.d, STR("runs/x"), STR("a")), ERR_MISSING);
    store_close(&s);
}
END_TEST

TESTS("tracking change", an_update_changes_what_it_names_and_nothing_else,
      tags_name_a_run_and_give_it_a_parent, single_metrics_and_params_say_plain_names,
      descriptions_of_models_gather_in_a_tag,
      datasets_are_one_per_name_and_digest_and_shown_with_their_tags, outputs_take_the_last_step,
      a_history_comes_in_pages, many_histories_come_by_run_and_cut_at_the_limit,
      a_sample_is_even_and_keeps_both_ends, artifact_addresses_lead_to_runs_and_models,
      deleting_a_folder_takes_what_is_below_and_no_neighbour)
