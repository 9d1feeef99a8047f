#include "tracking/tracking.h"

#include "store.h"

static void open_store(store *s)
{
    store_open(s, &tracking_migration, 1);
}

static str make_run(store *s, const char *name)
{
    str id;
    ck_ok(tracking_run_create(
        s->d, s->a, &(run_spec){.experiment_id = STR("0"), .name = str_of(name), .start_ms = 1000},
        &id));
    return id;
}

static str tag_of(const run *r, const char *key)
{
    for (size_t i = 0; i < r->n_tags; i++)
        if (str_is(r->tags[i].key, key)) return r->tags[i].value;
    return STR("");
}

TEST(default_experiment_is_there_and_names_are_found)
{
    store s;
    open_store(&s);
    experiment e;
    ck_ok(tracking_experiment_by_name(s.d, s.a, STR("Default"), &e));
    ck_assert(str_is(e.id, "0"));
    ck_assert(str_is(e.artifact_location, "mlflow-artifacts:/0"));
    ck_assert(str_is(e.lifecycle_stage, "active"));
    ck_err(tracking_experiment_by_name(s.d, s.a, STR("nobody"), &e), ERR_MISSING);
    ck_assert_str_eq(err_message(), "Could not find experiment with name 'nobody'");
    ck_err(tracking_experiment_get(s.d, s.a, STR("77"), &e), ERR_MISSING);
    ck_assert_str_eq(err_message(), "No Experiment with id=77 exists");
    ck_err(tracking_experiment_get(s.d, s.a, STR("abc"), &e), ERR_INVALID);
    store_close(&s);
}
END_TEST

TEST(ensuring_an_experiment_twice_gives_the_same_id)
{
    store s;
    open_store(&s);
    str one, two;
    ck_ok(tracking_experiment_ensure(s.d, s.a, STR("taxi"), &one));
    ck_ok(tracking_experiment_ensure(s.d, s.a, STR("taxi"), &two));
    ck_assert(str_eq(one, two));
    ck_assert(!str_is(one, "0"));
    experiment *v;
    size_t n;
    ck_ok(tracking_experiments(s.d, s.a, 10, &v, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert(str_is(v[0].name, "taxi"));
    ck_ok(tracking_experiments(s.d, s.a, 0, &v, &n));
    ck_assert_uint_eq(n, 0);
    store_close(&s);
}
END_TEST

TEST(experiment_names_are_checked_and_deleted_ones_refused)
{
    store s;
    open_store(&s);
    str id;
    char long_name[501];
    memset(long_name, 'x', sizeof long_name);
    ck_err(tracking_experiment_ensure(s.d, s.a, STR(""), &id), ERR_INVALID);
    ck_err(tracking_experiment_ensure(s.d, s.a, (str){long_name, 501}, &id), ERR_INVALID);
    ck_ok(tracking_experiment_ensure(s.d, s.a, (str){long_name, 500}, &id));
    ck_err(tracking_experiment_ensure(s.d, s.a, STR("\xff"), &id), ERR_INVALID);
    ck_ok(tracking_experiment_ensure(s.d, s.a, STR("gone"), &id));
    ck_ok(db_exec(s.d, "UPDATE experiment SET lifecycle_stage = 'deleted' WHERE name = 'gone'",
                  DB_NO_ARGS, NULL));
    str again;
    ck_err(tracking_experiment_ensure(s.d, s.a, STR("gone"), &again), ERR_CONFLICT);
    ck_err(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = id}, &again), ERR_INVALID);
    ck_err(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = STR("99")}, &again),
           ERR_MISSING);
    store_close(&s);
}
END_TEST

TEST(a_run_is_made_read_and_ended)
{
    store s;
    open_store(&s);
    str id = make_run(&s, "first");
    run r;
    ck_ok(tracking_run_get(s.d, s.a, id, &r));
    ck_assert(str_eq(r.id, id));
    ck_assert_uint_eq(id.n, 32);
    ck_assert(str_is(r.name, "first"));
    ck_assert(str_is(r.status, "RUNNING"));
    ck_assert(str_is(r.experiment_id, "0"));
    ck_assert(
        str_eq(r.artifact_uri, str_fmt(s.a, "mlflow-artifacts:/0/%.*s/artifacts", STR_ARG(id))));
    ck_assert_int_eq(r.start_ms, 1000);
    ck_assert_int_eq(r.end_ms, 0);
    ck_assert(str_is(tag_of(&r, "mlflow.runName"), "first"));
    ck_ok(tracking_run_end(s.d, id, "FINISHED", 2000));
    ck_ok(tracking_run_get(s.d, s.a, id, &r));
    ck_assert(str_is(r.status, "FINISHED"));
    ck_assert_int_eq(r.end_ms, 2000);
    ck_err(tracking_run_end(s.d, id, "DONE", 2000), ERR_INVALID);
    ck_err(tracking_run_end(s.d, STR("abc"), "FAILED", 2000), ERR_MISSING);
    ck_assert_str_eq(err_message(), "Run with id=abc not found");
    ck_err(tracking_run_get(s.d, s.a, STR("abc"), &r), ERR_MISSING);
    ck_assert_str_eq(err_message(), "Run with id=abc not found");
    store_close(&s);
}
END_TEST

TEST(generated_names_are_three_words_of_at_most_20_characters)
{
    store s;
    open_store(&s);
    for (int i = 0; i < 20; i++) {
        run r;
        ck_ok(tracking_run_get(s.d, s.a, make_run(&s, ""), &r));
        ck_assert_uint_le(r.name.n, 20);
        str a, b, c, rest;
        ck_assert(str_cut(r.name, '-', &a, &rest));
        ck_assert(str_cut(rest, '-', &b, &c));
        int64_t number;
        ck_ok(parse_i64(c, &number));
        ck_assert(str_eq(tag_of(&r, "mlflow.runName"), r.name));
    }
    store_close(&s);
}
END_TEST

TEST(the_name_may_come_as_tag_but_must_not_contradict)
{
    store s;
    open_store(&s);
    key_value tag = {STR("mlflow.runName"), STR("by-tag")};
    str id;
    ck_ok(tracking_run_create(
        s.d, s.a, &(run_spec){.experiment_id = STR("0"), .tags = &tag, .n_tags = 1}, &id));
    run r;
    ck_ok(tracking_run_get(s.d, s.a, id, &r));
    ck_assert(str_is(r.name, "by-tag"));
    ck_err(
        tracking_run_create(
            s.d, s.a,
            &(run_spec){.experiment_id = STR("0"), .name = STR("other"), .tags = &tag, .n_tags = 1},
            &id),
        ERR_INVALID);
    key_value rename = {STR("mlflow.runName"), STR("renamed")};
    ck_ok(tracking_log(s.d, id, &(run_batch){.tags = &rename, .n_tags = 1}));
    ck_ok(tracking_run_get(s.d, s.a, id, &r));
    ck_assert(str_is(r.name, "renamed"));
    store_close(&s);
}
END_TEST

TEST(runs_are_listed_by_start_parent_and_tag)
{
    store s;
    open_store(&s);
    str parent = make_run(&s, "parent"), child[3], ids[] = {STR("0")};
    for (int i = 0; i < 3; i++) {
        key_value tags[] = {{STR("mlflow.parentRunId"), parent},
                            {STR("kind"), i ? STR("b") : STR("a")}};
        ck_ok(tracking_run_create(
            s.d, s.a,
            &(run_spec){.experiment_id = STR("0"), .start_ms = 2000 + i, .tags = tags, .n_tags = 2},
            &child[i]));
    }
    metric m[] = {{STR("mae"), 1.5, 10, 0}, {STR("a"), (double)NAN, 10, 0}};
    ck_ok(tracking_log(s.d, child[1], &(run_batch){.metrics = m, .n_metrics = 2}));
    run *v;
    size_t n;
    ck_ok(tracking_runs(
        s.d, s.a, &(run_query){.experiment_ids = ids, .n_experiment_ids = 1, .max = 10}, &v, &n));
    ck_assert_uint_eq(n, 4);
    ck_assert(str_eq(v[0].id, child[2]));
    ck_assert_uint_eq(v[1].n_metrics, 2);
    ck_assert(str_is(v[1].metrics[0].key, "a") && isnan(v[1].metrics[0].value));
    ck_assert(v[1].metrics[1].value == 1.5);
    ck_assert_uint_eq(v[0].n_metrics, 0);
    ck_ok(tracking_runs(s.d, s.a, &(run_query){.roots_only = true, .max = 10}, &v, &n));
    ck_assert_uint_eq(n, 1);
    ck_assert(str_eq(v[0].id, parent));
    ck_ok(tracking_runs(s.d, s.a, &(run_query){.parent_run_id = parent, .max = 2, .offset = 1}, &v,
                        &n));
    ck_assert_uint_eq(n, 2);
    ck_assert(str_eq(v[0].id, child[1]));
    ck_ok(tracking_runs(
        s.d, s.a, &(run_query){.tag_key = STR("kind"), .tag_value = STR("a"), .max = 9}, &v, &n));
    ck_assert_uint_eq(n, 1);
    ids[0] = STR("77");
    ck_ok(tracking_runs(
        s.d, s.a, &(run_query){.experiment_ids = ids, .n_experiment_ids = 1, .max = 10}, &v, &n));
    ck_assert_uint_eq(n, 0);
    store_close(&s);
}
END_TEST

TEST(many_runs_in_one_answer_keep_their_own_pairs)
{
    store s;
    open_store(&s);
    for (int i = 0; i < 300; i++) {
        str id = make_run(&s, "");
        key_value p = {STR("i"), str_fmt(s.a, "%d", i)};
        metric m = {STR("m"), (double)i, 5, 0};
        ck_ok(tracking_log(
            s.d, id, &(run_batch){.params = &p, .n_params = 1, .metrics = &m, .n_metrics = 1}));
    }
    run *v;
    size_t n;
    ck_ok(tracking_runs(s.d, s.a, &(run_query){.max = 1000}, &v, &n));
    ck_assert_uint_eq(n, 300);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(v[i].n_params, 1);
        ck_assert_uint_eq(v[i].n_metrics, 1);
        double number;
        ck_ok(parse_f64(v[i].params[0].value, &number));
        ck_assert(number == v[i].metrics[0].value);
    }
    store_close(&s);
}
END_TEST

TEST(runs_of_a_dead_job_are_closed)
{
    store s;
    open_store(&s);
    key_value tag = {STR("tidemill.jobRun"), STR("12")};
    str id[3];
    for (int i = 0; i < 3; i++)
        ck_ok(tracking_run_create(
            s.d, s.a, &(run_spec){.experiment_id = STR("0"), .tags = &tag, .n_tags = i < 2},
            &id[i]));
    ck_ok(tracking_run_end(s.d, id[0], "FINISHED", 5));
    int64_t n = -1;
    ck_ok(tracking_close_runs(s.d, STR("tidemill.jobRun"), STR("12"), "KILLED", 9, &n));
    ck_assert_int_eq(n, 1);
    const char *want[] = {"FINISHED", "KILLED", "RUNNING"};
    for (int i = 0; i < 3; i++) {
        run r;
        ck_ok(tracking_run_get(s.d, s.a, id[i], &r));
        ck_assert(str_is(r.status, want[i]));
    }
    store_close(&s);
}
END_TEST

TEST(a_deleted_run_takes_nothing_more)
{
    store s;
    open_store(&s);
    str id = make_run(&s, "gone");
    ck_ok(db_exec(s.d, "UPDATE run SET lifecycle_stage = 'deleted'", DB_NO_ARGS, NULL));
    key_value p = {STR("a"), STR("b")};
    ck_err(tracking_log(s.d, id, &(run_batch){.params = &p, .n_params = 1}), ERR_INVALID);
    ck_assert(strstr(err_message(), "must be in the 'active' state. Current state is deleted."));
    ck_err(tracking_run_end(s.d, id, "FINISHED", 5), ERR_INVALID);
    run *v;
    size_t n;
    ck_ok(tracking_runs(s.d, s.a, &(run_query){.max = 10}, &v, &n));
    ck_assert_uint_eq(n, 0);
    store_close(&s);
}
END_TEST

TESTS("tracking runs", default_experiment_is_there_and_names_are_found,
      ensuring_an_experiment_twice_gives_the_same_id,
      experiment_names_are_checked_and_deleted_ones_refused, a_run_is_made_read_and_ended,
      generated_names_are_three_words_of_at_most_20_characters,
      the_name_may_come_as_tag_but_must_not_contradict, runs_are_listed_by_start_parent_and_tag,
      many_runs_in_one_answer_keep_their_own_pairs, runs_of_a_dead_job_are_closed,
      a_deleted_run_takes_nothing_more)
