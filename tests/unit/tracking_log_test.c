#include "tracking/runs.h"

#include <float.h>

#include "base/buf.h"
#include "base/rng.h"
#include "store.h"

static str open_run(store *s)
{
    store_open(s, &tracking_migration, 1);
    str id;
    ck_ok(tracking_run_create(s->d, s->a, &(run_spec){.experiment_id = STR("0")}, &id));
    return id;
}

static err log_metric(store *s, str id, const char *key, double v, int64_t time, int64_t step)
{
    metric m = {str_of(key), v, time, step};
    return tracking_log(s->d, id, &(run_batch){.metrics = &m, .n_metrics = 1});
}

static err log_param(store *s, str id, const char *key, const char *value)
{
    key_value p = {str_of(key), str_of(value)};
    return tracking_log(s->d, id, &(run_batch){.params = &p, .n_params = 1});
}

static metric latest(store *s, str id, const char *key)
{
    run r;
    ck_ok(tracking_run_get(s->d, s->a, id, &r));
    for (size_t i = 0; i < r.n_metrics; i++)
        if (str_is(r.metrics[i].key, key)) return r.metrics[i];
    ck_abort_msg("no metric %s", key);
    return (metric){0};
}

static size_t history_count(store *s, str id, const char *key)
{
    metric *v;
    size_t n;
    ck_ok(tracking_metric_history(s->d, s->a, id, str_of(key), &v, &n));
    return n;
}

TEST(a_param_is_immutable_in_mlflows_words)
{
    store s;
    str id = open_run(&s);
    ck_ok(log_param(&s, id, "x", "a"));
    ck_ok(log_param(&s, id, "x", "a"));
    ck_err(log_param(&s, id, "x", "b"), ERR_INVALID);
    const char *want =
        cstr_fmt(s.a,
                 "Changing param values is not allowed. Params were already logged='[{'key': 'x', "
                 "'old_value': 'a', 'new_value': 'b'}]' for run ID='%.*s'.",
                 STR_ARG(id));
    ck_assert_str_eq(err_message(), want);
    ck_ok(tracking_log_param(s.d, id, STR("x"), STR("a")));
    ck_err(tracking_log_param(s.d, id, STR("x"), STR("b")), ERR_INVALID);
    want = cstr_fmt(s.a,
                    "Changing param values is not allowed. Param with key='x' was already logged "
                    "with value='a' for run ID='%.*s'. Attempted logging new value 'b'.",
                    STR_ARG(id));
    ck_assert_str_eq(err_message(), want);
    store_close(&s);
}
END_TEST

TEST(a_refused_batch_leaves_nothing)
{
    store s;
    str id = open_run(&s);
    ck_ok(log_param(&s, id, "x", "a"));
    key_value p[] = {{STR("new"), STR("1")}, {STR("x"), STR("b")}}, t = {STR("t"), STR("v")};
    metric m = {STR("m"), 1.0, 1, 0};
    run_batch b = {
        .metrics = &m, .n_metrics = 1, .params = p, .n_params = 2, .tags = &t, .n_tags = 1};
    ck_err(tracking_log(s.d, id, &b), ERR_INVALID);
    run r;
    ck_ok(tracking_run_get(s.d, s.a, id, &r));
    ck_assert_uint_eq(r.n_params, 1);
    ck_assert_uint_eq(r.n_metrics, 0);
    ck_assert_uint_eq(r.n_tags, 1);
    ck_err(tracking_log(s.d, STR("nobody"), &b), ERR_MISSING);
    store_close(&s);
}
END_TEST

TEST(limits_are_mlflows)
{
    store s;
    str id = open_run(&s);
    key_value *p = arena_array(s.a, key_value, 101);
    for (int i = 0; i < 101; i++)
        p[i] = (key_value){str_fmt(s.a, "p%03d", i), STR("v")};
    ck_ok(tracking_log(s.d, id, &(run_batch){.params = p, .n_params = 100}));
    ck_err(tracking_log(s.d, id, &(run_batch){.params = p, .n_params = 101}), ERR_INVALID);
    ck_ok(tracking_log(s.d, id, &(run_batch){.tags = p, .n_tags = 100}));
    ck_err(tracking_log(s.d, id, &(run_batch){.tags = p, .n_tags = 101}), ERR_INVALID);
    metric *m = arena_array(s.a, metric, 1001);
    for (int i = 0; i < 1001; i++)
        m[i] = (metric){str_fmt(s.a, "m%d", i), 1.0, 1, 0};
    ck_ok(tracking_log(s.d, id, &(run_batch){.metrics = m, .n_metrics = 1000}));
    ck_err(tracking_log(s.d, id, &(run_batch){.metrics = m, .n_metrics = 1001}), ERR_INVALID);
    ck_err(tracking_log(s.d, id,
                        &(run_batch){.metrics = m, .n_metrics = 1000, .tags = p, .n_tags = 1}),
           ERR_INVALID);
    run r;
    ck_ok(tracking_run_get(s.d, s.a, id, &r));
    ck_assert_uint_eq(r.n_metrics, 1000);
    ck_assert_uint_eq(r.n_params, 100);
    char *text = arena_alloc(s.a, 8002, 1);
    memset(text, 'k', 8001);
    key_value one = {{text, 250}, {text, 6000}};
    ck_ok(tracking_log(s.d, id, &(run_batch){.params = &one, .n_params = 1}));
    one.key.n = 251;
    ck_err(tracking_log(s.d, id, &(run_batch){.params = &one, .n_params = 1}), ERR_INVALID);
    store_close(&s);
}
END_TEST

TEST(too_long_values_are_cut_as_mlflow_cuts_them)
{
    store s;
    str id = open_run(&s);
    buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 8001; i++)
        buf_puts(&text, STR("\xc3\xa9")); /* characters count, not bytes */
    key_value one = {STR("long"), buf_str(&text)};
    ck_ok(tracking_log(s.d, id,
                       &(run_batch){.params = &one, .tags = &one, .n_params = 1, .n_tags = 1}));
    run r;
    ck_ok(tracking_run_get(s.d, s.a, id, &r));
    ck_assert_uint_eq(r.params[0].value.n, 12000);
    ck_assert_uint_eq(r.tags[0].value.n, 16000);
    buf_done(&text);
    store_close(&s);
}
END_TEST

TEST(bad_keys_and_values_are_refused)
{
    store s;
    str id = open_run(&s);
    const char *bad[] = {"", "a//b", "/a", "../a", "a/..", "a/", ".", "a\nb", "a?b", "\xff"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_err(log_param(&s, id, bad[i], "v"), ERR_INVALID);
    const char *good[] = {"a/b", "a b", "train:mae", "x.y-z_1", "\xc3\xa9"};
    for (size_t i = 0; i < countof(good); i++)
        ck_ok(log_param(&s, id, good[i], ""));
    ck_err(log_param(&s, id, "v", "\xff"), ERR_INVALID);
    ck_err(log_metric(&s, id, "m", 1.0, -1, 0), ERR_INVALID);
    key_value twice[] = {{STR("d"), STR("1")}, {STR("d"), STR("1")}};
    ck_err(tracking_log(s.d, id, &(run_batch){.params = twice, .n_params = 2}), ERR_INVALID);
    ck_assert(strstr(err_message(), "Duplicate parameter keys have been submitted: ['d']"));
    store_close(&s);
}
END_TEST

TEST(the_last_of_equal_tags_wins)
{
    store s;
    str id = open_run(&s);
    key_value t[] = {{STR("t"), STR("1")}, {STR("t"), STR("2")}};
    ck_ok(tracking_log(s.d, id, &(run_batch){.tags = t, .n_tags = 2}));
    run r;
    ck_ok(tracking_run_get(s.d, s.a, id, &r));
    ck_assert_uint_eq(r.n_tags, 2);
    ck_assert(str_is(r.tags[1].value, "2"));
    store_close(&s);
}
END_TEST

TEST(the_latest_metric_is_by_step_time_value)
{
    store s;
    str id = open_run(&s);
    ck_ok(log_metric(&s, id, "m", 1.0, 100, 5));
    ck_ok(log_metric(&s, id, "m", 9.0, 200, 4)); /* later, of an earlier step */
    ck_assert(latest(&s, id, "m").value == 1.0);
    ck_ok(log_metric(&s, id, "m", 2.0, 100, 5)); /* greater value */
    ck_assert(latest(&s, id, "m").value == 2.0);
    ck_ok(log_metric(&s, id, "m", -3.0, 101, 5)); /* later time */
    ck_assert(latest(&s, id, "m").value == -3.0);
    ck_ok(log_metric(&s, id, "m", (double)NAN, 101, 5)); /* NaN counts as 0 */
    ck_assert(isnan(latest(&s, id, "m").value));
    ck_ok(log_metric(&s, id, "m", (double)INFINITY, 101, 6));
    ck_assert(latest(&s, id, "m").value == DBL_MAX);
    ck_assert_uint_eq(history_count(&s, id, "m"), 6);
    store_close(&s);
}
END_TEST

TEST(metrics_are_deduplicated_within_and_across_batches)
{
    store s;
    str id = open_run(&s);
    metric m[] = {{STR("m"), 1.0, 10, 1},
                  {STR("m"), 1.0, 10, 1},
                  {STR("m"), 1.0, 10, 2},
                  {STR("n"), 1.0, 10, 1},
                  {STR("m"), (double)NAN, 10, 1}};
    run_batch b = {.metrics = m, .n_metrics = countof(m)};
    for (int i = 0; i < 3; i++)
        ck_ok(tracking_log(s.d, id, &b));
    ck_assert_uint_eq(history_count(&s, id, "m"), 3);
    ck_assert_uint_eq(history_count(&s, id, "n"), 1);
    ck_assert_uint_eq(history_count(&s, id, "nobody"), 0);
    ck_ok(log_metric(&s, id, "m", 2.0, 10, 1));
    ck_ok(log_metric(&s, id, "m", 1.0, 9, 1));
    ck_assert_uint_eq(history_count(&s, id, "m"), 5);
    metric *v;
    size_t n;
    ck_err(tracking_metric_history(s.d, s.a, STR("nobody"), STR("m"), &v, &n), ERR_MISSING);
    store_close(&s);
}
END_TEST

/* 1,100 batches pass both merges; a key of its own rows, one that stays mixed, repeats at random.
 */
TEST(a_long_history_survives_merging_and_stays_deduplicated)
{
    store s;
    str id = open_run(&s);
    rng r;
    rng_init(&r, 7);
    for (int64_t i = 0; i < 1100; i++) {
        int64_t again = (int64_t)rng_below(&r, (uint64_t)i + 1);
        metric m[] = {
            {STR("long"), (double)i, 1000 + i, i},
            {STR("long"), (double)again, 1000 + again, again},
            {STR("wide"), (double)(i % 50), 5, i % 50},
        };
        ck_ok(tracking_log(s.d, id, &(run_batch){.metrics = m, .n_metrics = 3}));
    }
    metric *v;
    size_t n;
    ck_ok(tracking_metric_history(s.d, s.a, id, STR("long"), &v, &n));
    ck_assert_uint_eq(n, 1100);
    for (size_t i = 0; i < n; i++)
        ck_assert(v[i].value == (double)i && v[i].step == (int64_t)i);
    ck_assert_uint_eq(history_count(&s, id, "wide"), 50);
    ck_assert(latest(&s, id, "long").value == 1099.0);
    db_rows rows;
    ck_ok(db_rows_of(s.d, s.a, "SELECT COUNT(*) FROM metric_log", DB_NO_ARGS, &rows));
    ck_assert_int_le(db_cell_i(&rows, 0, 0), 80 + 64);
    store_close(&s);
}
END_TEST

TESTS("tracking log", a_param_is_immutable_in_mlflows_words, a_refused_batch_leaves_nothing,
      too_long_values_are_cut_as_mlflow_cuts_them, limits_are_mlflows,
      bad_keys_and_values_are_refused, the_last_of_equal_tags_wins,
      the_latest_metric_is_by_step_time_value, metrics_are_deduplicated_within_and_across_batches,
      a_long_history_survives_merging_and_stays_deduplicated)
