#include "tracking/models.h"

#include "store.h"
#include "tracking/experiments.h"
#include "tracking/runs.h"

typedef struct world {
    store s;
    str run_id, models[4];
} world;

static str make(world *w, const char *name, int64_t now_ms)
{
    str id;
    logged_model_spec o = {.name = str_of(name),
                           .experiment_id = STR("0"),
                           .source_run_id = w->run_id,
                           .model_type = STR("tree"),
                           .now_ms = now_ms,
                           .unlinked = true};
    ck_ok(tracking_model_create(w->s.d, w->s.a, &o, &id));
    return id;
}

static void log_for(world *w, str model, double v, int64_t step, const char *on)
{
    metric m = {STR("acc"), v, 10 + step, step};
    metric_subject of = {.model_id = model,
                         .dataset_name = str_of(on),
                         .dataset_digest = on[0] ? STR("1") : STR("")};
    ck_ok(tracking_log_metric(w->s.d, w->run_id, &m, &of));
}

static void world_open(world *w)
{
    store_open(&w->s, &tracking_migration, 1);
    ck_ok(tracking_run_create(w->s.d, w->s.a, &(run_spec){.experiment_id = STR("0")}, &w->run_id));
    for (size_t i = 0; i < 4; i++)
        w->models[i] = make(w, cstr_fmt(w->s.a, "model%zu", i), (int64_t)i);
    log_for(w, w->models[0], 0.9, 0, "train");
    log_for(w, w->models[0], 0.5, 1, "test");
    log_for(w, w->models[1], 0.7, 0, "test");
    log_for(w, w->models[2], (double)NAN, 0, "train");
}

static logged_model get(world *w, str id)
{
    logged_model m;
    ck_ok(tracking_model_get(w->s.d, w->s.a, id, &m));
    return m;
}

TEST(metrics_of_a_model_are_shown_by_model_and_run)
{
    world w;
    world_open(&w);
    logged_model m = get(&w, w.models[0]);
    ck_assert_uint_eq(m.n_metrics, 2);
    ck_assert(m.metrics[0].m.value == 0.9 && m.metrics[1].m.step == 1);
    ck_assert(str_eq(m.metrics[0].run_id, w.run_id) &&
              str_is(m.metrics[1].of.dataset_name, "test"));
    ck_assert(isnan(get(&w, w.models[2]).metrics[0].m.value));
    ck_assert_uint_eq(get(&w, w.models[3]).n_metrics, 0);
    log_for(&w, w.models[0], 0.9, 0, "train"); /* again */
    ck_assert_uint_eq(get(&w, w.models[0]).n_metrics, 2);
    run r;
    ck_ok(tracking_run_get(w.s.d, w.s.a, w.run_id, &r));
    ck_assert(r.n_metrics == 1 && r.metrics[0].value == 0.5 && r.n_model_outputs == 0);
    metric one = {STR("acc"), 1.0, 1, 7};
    metric_subject of = {.model_id = STR("m-nobody")};
    ck_err(tracking_log_metric(w.s.d, w.run_id, &one, &of), ERR_MISSING);
    ck_assert_str_eq(err_message(), "Logged model with ID 'm-nobody' not found.");
    store_close(&w.s);
}
END_TEST

TEST(params_stay_tags_change_and_a_deleted_model_hides)
{
    world w;
    world_open(&w);
    str id = w.models[0];
    key_value p[] = {{STR("depth"), STR("3")}, {STR("lr"), STR("0.1")}};
    ck_ok(tracking_model_log_params(w.s.d, id, p, 2));
    ck_ok(tracking_model_log_params(w.s.d, id, p, 1));
    p[0].value = STR("4");
    ck_err(tracking_model_log_params(w.s.d, id, p, 2), ERR_INVALID);
    ck_ok(tracking_model_set_tags(w.s.d, id, p, 2));
    p[1].value = STR("0.2");
    ck_ok(tracking_model_set_tags(w.s.d, id, p, 2));
    logged_model m = get(&w, id);
    ck_assert(m.n_params == 2 && str_is(m.params[0].value, "3"));
    ck_assert(m.n_tags == 2 && str_is(m.tags[1].value, "0.2"));
    ck_ok(tracking_model_delete_tag(w.s.d, id, STR("lr")));
    ck_err(tracking_model_delete_tag(w.s.d, id, STR("lr")), ERR_MISSING);
    ck_assert(strstr(err_message(), "No tag with key 'lr' found for model with ID"));
    ck_ok(tracking_model_finish(w.s.d, id, "LOGGED_MODEL_READY", 50));
    ck_ok(tracking_model_delete(w.s.d, id));
    ck_err(tracking_model_get(w.s.d, w.s.a, id, &m), ERR_MISSING);
    ck_ok(tracking_model_get_any(w.s.d, w.s.a, id, &m));
    ck_assert(str_is(m.status, "READY"));
    ck_err(tracking_model_delete(w.s.d, STR("m-x")), ERR_MISSING);
    ck_err(tracking_model_set_tags(w.s.d, STR("m-x"), p, 1), ERR_MISSING);
    ck_err(tracking_model_log_params(w.s.d, STR("m-x"), p, 1), ERR_MISSING);
    store_close(&w.s);
}
END_TEST

TEST(mlflows_own_create_takes_what_ours_would_not)
{
    world w;
    world_open(&w);
    str id;
    ck_ok(tracking_model_create(w.s.d, w.s.a,
                                &(logged_model_spec){.experiment_id = STR("0"),
                                                     .source_run_id = STR("nobody"),
                                                     .unlinked = true},
                                &id));
    logged_model m = get(&w, id);
    ck_assert(m.name.n > 4 && str_is(m.source_run_id, "nobody") && str_is(m.status, "PENDING"));
    ck_err(
        tracking_model_create(w.s.d, w.s.a, &(logged_model_spec){.experiment_id = STR("0")}, &id),
        ERR_INVALID);
    ck_err(
        tracking_model_create(
            w.s.d, w.s.a,
            &(logged_model_spec){.experiment_id = STR("0"), .name = STR("a/b"), .unlinked = true},
            &id),
        ERR_INVALID);
    store_close(&w.s);
}
END_TEST

static void finds(world *w, model_search q, const char *want)
{
    str zero = STR("0"), token;
    q.experiment_ids = &zero;
    q.n_experiment_ids = 1;
    logged_model *v;
    size_t n;
    ck_ok(tracking_models_search(w->s.d, w->s.a, &q, &v, &n, &token));
    str got = STR("");
    for (size_t i = 0; i < n; i++)
        got = str_fmt(w->s.a, "%.*s%c", STR_ARG(got), v[i].name.p[5]);
    ck_assert_msg(str_is(got, want), "'%.*s': %.*s, want %s", STR_ARG(q.filter), STR_ARG(got),
                  want);
}

TEST(a_search_looks_at_the_latest_metric_on_the_datasets)
{
    world w;
    world_open(&w);
    ck_ok(tracking_model_finish(w.s.d, w.models[1], "READY", 60));
    key_value p = {STR("lr"), STR("0.1")};
    ck_ok(tracking_model_log_params(w.s.d, w.models[3], &p, 1));
    dataset_filter train = {STR("train"), STR("")}, test = {STR("test"), STR("1")},
                   none = {STR("test"), STR("2")};
    finds(&w, (model_search){0}, "3210");
    finds(&w, (model_search){.filter = STR("metrics.acc > 0.6")}, "1");
    finds(&w, (model_search){.filter = STR("metrics.acc > 0.4")}, "10");
    finds(&w, (model_search){.filter = STR("metrics.acc != 0.7")}, "20");
    finds(&w,
          (model_search){.filter = STR("metrics.acc > 0.6"), .datasets = &train, .n_datasets = 1},
          "0");
    finds(&w, (model_search){.datasets = &test, .n_datasets = 1}, "10");
    finds(&w, (model_search){.datasets = &none, .n_datasets = 1}, "");
    finds(&w, (model_search){.filter = STR("status = 'READY' OR params.lr = '0.1'")}, "31");
    finds(&w,
          (model_search){.filter = STR("NOT name IN ('model0', 'model1') AND creation_time < 3")},
          "2");
    finds(&w, (model_search){.filter = STR("name LIKE 'model_' AND last_updated_timestamp > 50")},
          "1");
    model_order by_acc = {.field = STR("metrics.acc")}, by_name = {.field = STR("name")};
    finds(&w, (model_search){.order_by = &by_acc, .n_order_by = 1}, "0123");
    by_acc.descending = true;
    finds(&w, (model_search){.order_by = &by_acc, .n_order_by = 1}, "1023");
    by_acc.dataset = (dataset_filter){STR("train"), STR("")};
    finds(&w, (model_search){.order_by = &by_acc, .n_order_by = 1}, "0231");
    finds(&w, (model_search){.order_by = &by_name, .n_order_by = 1}, "0123");
    store_close(&w.s);
}
END_TEST

TEST(a_page_token_belongs_to_its_question)
{
    world w;
    world_open(&w);
    str zero = STR("0"), one = STR("1"), token;
    logged_model *v;
    size_t n;
    model_search q = {.experiment_ids = &zero, .n_experiment_ids = 1, .max = 3};
    ck_ok(tracking_models_search(w.s.d, w.s.a, &q, &v, &n, &token));
    ck_assert(n == 3 && token.n);
    q.page_token = token;
    ck_ok(tracking_models_search(w.s.d, w.s.a, &q, &v, &n, &token));
    ck_assert(n == 1 && !token.n && str_is(v[0].name, "model0"));
    q.filter = STR("name = 'x'");
    ck_err(tracking_models_search(w.s.d, w.s.a, &q, &v, &n, &token), ERR_INVALID);
    ck_assert(strstr(err_message(), "Filter string in the page token does not match"));
    q.filter = STR("");
    q.experiment_ids = &one;
    ck_err(tracking_models_search(w.s.d, w.s.a, &q, &v, &n, &token), ERR_INVALID);
    ck_assert(strstr(err_message(), "Experiment IDs in the page token do not match"));
    q.page_token = STR("!!!!");
    ck_err(tracking_models_search(w.s.d, w.s.a, &q, &v, &n, &token), ERR_INVALID);
    q = (model_search){.datasets = &(dataset_filter){.digest = STR("1")}, .n_datasets = 1};
    ck_err(tracking_models_search(w.s.d, w.s.a, &q, &v, &n, &token), ERR_INVALID);
    ck_assert_str_eq(err_message(), "`dataset_name` in the `datasets` clause must be specified.");
    const char *bad[] = {"params.lr", "nope", "metrics", ""};
    for (size_t i = 0; i < countof(bad); i++) {
        model_order o = {.field = str_of(bad[i])};
        q = (model_search){.order_by = &o, .n_order_by = 1};
        ck_err(tracking_models_search(w.s.d, w.s.a, &q, &v, &n, &token), ERR_INVALID);
        ck_assert(strstr(err_message(), "Invalid order by field name"));
    }
    store_close(&w.s);
}
END_TEST

TESTS("tracking models", metrics_of_a_model_are_shown_by_model_and_run,
      params_stay_tags_change_and_a_deleted_model_hides,
      mlflows_own_create_takes_what_ours_would_not,
      a_search_looks_at_the_latest_metric_on_the_datasets, a_page_token_belongs_to_its_question)
