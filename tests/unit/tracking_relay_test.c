/* A child logs through the owner's socket as the owner does. */
#include "base/fault.h"
#include "relay_server.h"
#include "store.h"
#include "tracking/tracking.h"

static err allow(void *ctx, db_tx *tx, str token)
{
    (void)ctx;
    (void)tx;
    return str_is(token, "good") ? ERR_OK : err_set(ERR_DENIED, "stale");
}

TEST(a_child_logs_through_the_relay)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    const char *path = path_join(s.a, s.dir, "sock");
    relay_server *server = relay_server_new(&(db_relay){.d = s.d, .check = allow}, path);
    db *d;
    ck_ok(db_open(cstr_fmt(s.a, "relay:%s?token=good", path), &d));
    str experiment_id, id, model_id, got;
    ck_ok(tracking_experiment_ensure(d, s.a, STR("taxi"), &experiment_id));
    ck_ok(tracking_run_create(d, s.a, &(run_spec){.experiment_id = experiment_id}, &id));
    metric *m = arena_array(s.a, metric, 900);
    for (int i = 0; i < 900; i++)
        m[i] = (metric){str_fmt(s.a, "m%d", i % 300), i / 3.0, 10 + i, i};
    m[7].value = (double)NAN;
    key_value p[] = {{STR("a"), STR("1")}, {STR("b"), STR("2")}};
    run_batch b = {
        .metrics = m, .n_metrics = 900, .params = p, .n_params = 2, .tags = p, .n_tags = 2};
    ck_ok(tracking_log(d, id, &b));
    ck_ok(tracking_log(d, id, &b));
    p[0].value = STR("2");
    ck_err(tracking_log(d, id, &b), ERR_INVALID);
    ck_assert(strstr(err_message(), "Changing param values is not allowed."));
    ck_ok(tracking_model_create(
        d, s.a,
        &(logged_model_spec){.name = STR("m"), .experiment_id = experiment_id, .source_run_id = id},
        &model_id));
    str root = str_fmt(s.a, "models/%.*s", STR_ARG(model_id));
    ck_ok(artifact_put(d, s.b, root, STR("plots/a.svg"), STR("<svg/>")));
    ck_ok(artifact_get(s.d, s.b, s.a, root, STR("plots/a.svg"), 99, &got));
    ck_assert(str_is(got, "<svg/>"));
    ck_ok(tracking_run_end(d, id, "FINISHED", 99));
    run here, there;
    ck_ok(tracking_run_get(s.d, s.a, id, &here));
    ck_ok(tracking_run_get(d, s.a, id, &there));
    ck_assert_uint_eq(here.n_metrics, 300);
    ck_assert_uint_eq(there.n_metrics, 300);
    ck_assert(str_eq(here.name, there.name) && str_is(there.status, "FINISHED"));
    metric *h;
    size_t n;
    ck_ok(tracking_metric_history(d, s.a, id, STR("m7"), &h, &n));
    ck_assert_uint_eq(n, 3);
    ck_assert(isnan(h[0].value));
    ck_err(tracking_run_get(d, s.a, STR("nobody"), &here), ERR_MISSING);
    ck_assert_str_eq(err_message(), "Run with id=nobody not found");
    db_free(d);
    relay_server_free(server);
    store_close(&s);
}
END_TEST

static run_batch some_batch(arena *a)
{
    metric *m = arena_array(a, metric, 3);
    key_value *p = arena_array(a, key_value, 2);
    m[0] = (metric){STR("x"), 1.0, 1, 1};
    m[1] = (metric){STR("y"), 2.0, 1, 1};
    m[2] = (metric){STR("x"), 3.0, 2, 2};
    p[0] = (key_value){STR("a"), STR("1")};
    p[1] = (key_value){STR("mlflow.parentRunId"), STR("abc")};
    return (run_batch){
        .metrics = m, .n_metrics = 3, .params = p, .n_params = 2, .tags = p, .n_tags = 2};
}

/* The nth statement or commit fails, for n = 1, 2, 3 … until the batch passes. */
static void torture(const char *site)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    str id;
    ck_ok(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = STR("0")}, &id));
    run_batch b = some_batch(s.a);
    run r;
    bool done = false;
    for (int n = 1; !done; n++) {
        ck_assert_int_lt(n, 50);
        fault_arm(cstr_fmt(s.a, "%s:%d", site, n));
        err e = tracking_log(s.d, id, &b);
        fault_arm(NULL);
        ck_ok(tracking_run_get(s.d, s.a, id, &r));
        done = !e;
        ck_assert_uint_eq(r.n_params, done ? 2 : 0);
        ck_assert_uint_eq(r.n_metrics, done ? 2 : 0);
        ck_assert_uint_eq(r.n_tags, done ? 3 : 1);
        ck_assert(done || e == ERR_IO);
    }
    store_close(&s);
}

TEST(a_statement_that_fails_leaves_nothing_of_the_batch)
{
    torture("db_exec");
}
END_TEST

TEST(a_commit_that_fails_leaves_nothing_of_the_batch)
{
    torture("db_commit");
}
END_TEST

TEST(a_full_disk_leaves_no_artifact)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    str id, got;
    ck_ok(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = STR("0")}, &id));
    str root = str_fmt(s.a, "runs/%.*s", STR_ARG(id));
    artifact_item v[] = {{STR("a"), STR("1")}, {STR("b"), STR("2")}};
    fault_arm("blob_put:2");
    ck_err(artifact_put_all(s.d, s.b, root, v, 2), ERR_IO);
    fault_arm(NULL);
    ck_assert(strstr(err_message(), "artifact b"));
    ck_err(artifact_get(s.d, s.b, s.a, root, STR("a"), 9, &got), ERR_MISSING);
    ck_ok(artifact_put_all(s.d, s.b, root, v, 2));
    ck_ok(artifact_get(s.d, s.b, s.a, root, STR("a"), 9, &got));
    store_close(&s);
}
END_TEST

TESTS("tracking relay", a_child_logs_through_the_relay,
      a_statement_that_fails_leaves_nothing_of_the_batch,
      a_commit_that_fails_leaves_nothing_of_the_batch, a_full_disk_leaves_no_artifact)
