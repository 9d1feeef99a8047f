/* Baselines and drift: the formula, the window's edges, both sides of every threshold, repeated
 * calls, and what cannot be compared. */
#include "monitor/monitor.h"

#include "base/clock.h"
#include "place.h"
#include "registry/registry.h"

static const db_migration *const rooms[] = {&tracking_migration, &registry_migration,
                                            &monitor_migration};

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };
#define AT          1700000000000 /* 2023-11-14T22:13:20Z */
#define TABLE(name) "main.ml." name
static const double nan_ = (double)NAN, inf_ = (double)INFINITY;

TEST(z_is_the_change_in_standard_deviations)
{
    ck_assert_double_eq(drift_z(12, 10, 1), 2);
    ck_assert_double_eq(drift_z(8, 10, 1), 2);
    ck_assert_double_eq(drift_z(10, 10, 1), 0);
    ck_assert_double_eq(drift_z(10, 10, 0), 0);
    ck_assert_double_eq(drift_z(10.000001, 10, 0), inf_);
    ck_assert_double_eq(drift_z(9, 10, 0), inf_);
}
END_TEST

TEST(z_of_what_is_not_known_is_not_known)
{
    ck_assert(isnan(drift_z(nan_, 10, 1)));
    ck_assert(isnan(drift_z(1, nan_, 1)));
    ck_assert(isnan(drift_z(1, 10, nan_)));
    ck_assert(isnan(drift_z(nan_, 10, 0)));
}
END_TEST

/* A baseline: x with mean 10 and deviation 2, constant k of 1, label, prediction of mean 20 and
 * deviation 4. */
static void put_baseline(place *p)
{
    double x[] = {8, 12}, k[] = {1, 1}, prediction[] = {16, 24}, empty[] = {nan_, nan_};
    baseline_row v[] = {{.kind = STR("feature"), .column = STR("x")},
                        {.kind = STR("feature"), .column = STR("k")},
                        {.kind = STR("feature"), .column = STR("empty")},
                        {.kind = STR("label"), .column = STR("y")},
                        {.kind = STR("prediction"), .column = STR("prediction")}};
    const double *of[] = {x, k, empty, x, prediction};
    for (size_t i = 0; i < countof(v); i++)
        ck_ok(describe(of[i], 2, &v[i].d));
    AUTO(duck) d = NULL;
    int64_t version;
    ck_ok(sources_open(p->h, p->a, NULL, 0, 1, &d));
    ck_ok(baseline_write(d, p->h, p->a, STR(TABLE("base")), STR("main.ml.fare"), STR("r1"), AT, v,
                         countof(v), &version));
}

/* put_rows appends n predictions, the i-th scored at from_ms + i * step_ms; columns x, k, empty,
 * prediction, actual as SQL over i. */
static void put_rows(place *p, const char *columns, int64_t n, int64_t from_ms, int64_t step_ms)
{
    AUTO(duck) d = NULL;
    ck_ok(sources_open(p->h, p->a, NULL, 0, 1, &d));
    static const str by_day[] = {STR("scored_date")};
    delta_write_spec o = {
        .query =
            str_fmt(p->a,
                    "SELECT *, CAST(scored_at AS DATE) AS scored_date FROM (SELECT CAST(COLUMNS(* "
                    "EXCLUDE (i)) AS DOUBLE), 'main.ml.fare' AS model_name, 1::BIGINT AS "
                    "model_version, make_timestamptz((%lld + i * %lld) * 1000) AS scored_at, "
                    "'b' AS batch_id FROM (SELECT i, %s FROM range(%lld) r(i)))",
                    (long long)from_ms, (long long)step_ms, columns, (long long)n),
        .partition_by = by_day,
        .n_partition_by = 1,
        .mode = DELTA_APPEND,
        .now_ms = 1};
    ck_ok(home_table_dir(p->h, p->a, STR(TABLE("predictions")), &o.dir));
    delta_written w;
    ck_ok(delta_write(d, home_db(p->h), &o, &w));
}

#define CALM                                                                                       \
    "9.0 + i % 3 AS x, 1.0 AS k, NULL::DOUBLE AS empty, 19.0 + i % 3 AS prediction, 19.5 + i % 3 " \
    "AS actual"

static monitor_spec spec(void)
{
    return (monitor_spec){.name = STR("fare_drift"),
                          .registered_model = STR("main.ml.fare"),
                          .baseline_table = STR(TABLE("base")),
                          .predictions_table = STR(TABLE("predictions")),
                          .monitoring_table = STR(TABLE("monitoring")),
                          .at_ms = AT,
                          .window_ms = DAY_MS,
                          .z_max = 2,
                          .mae_max = 5,
                          .min_rows = 3,
                          .job_run = STR("1")};
}

static const monitor_line *line_of(const monitor_result *r, const char *measure, const char *of)
{
    for (size_t i = 0; i < r->n; i++)
        if (str_is(r->v[i].metric, measure) && str_is(r->v[i].column, of)) return &r->v[i];
    ck_abort_msg("no line %s of %s", measure, of);
}

static void begin(place *p)
{
    place_open(p, rooms, countof(rooms));
    put_baseline(p);
}

static monitor_result run_ok(place *p, const monitor_spec *o)
{
    monitor_result r;
    ck_ok(monitor_run(p->h, p->a, o, &p->p, &r));
    return r;
}

/* put_champion registers version 1 as champion, of a run that says which baseline it wrote. */
static void put_champion(place *p, const char *baseline)
{
    db *d = home_db(p->h);
    const key_value tag = {STR(BASELINE_TAG), str_of(baseline)};
    str experiment_id, run_id, model_id;
    int64_t version;
    ck_ok(tracking_experiment_ensure(d, p->a, STR("t"), &experiment_id));
    run_spec r = {.experiment_id = experiment_id, .start_ms = 1, .tags = &tag, .n_tags = 1};
    ck_ok(tracking_run_create(d, p->a, &r, &run_id));
    logged_model_spec m = {
        .name = STR("m"), .experiment_id = experiment_id, .source_run_id = run_id, .now_ms = 1};
    ck_ok(tracking_model_create(d, p->a, &m, &model_id));
    ck_ok(registry_model_ensure(d, STR("main.ml.fare"), 1));
    version_spec v = {.name = STR("main.ml.fare"),
                      .source = str_fmt(p->a, "models:/%.*s", STR_ARG(model_id)),
                      .run_id = run_id,
                      .model_id = model_id,
                      .now_ms = 1};
    ck_ok(registry_version_create(d, p->a, &v, &version));
    ck_ok(registry_alias_set(d, STR("main.ml.fare"), STR("champion"), version, -1, 1));
}

TEST(the_champions_baseline_counts_whatever_was_trained_since)
{
    place p;
    begin(&p); /* version 0 of the table */
    put_rows(&p, CALM, 10, AT - DAY_MS, 1000);
    baseline_row other[] = {{.kind = STR("feature"), .column = STR("x")}};
    ck_ok(describe((const double[]){1000, 1001}, 2, &other[0].d));
    AUTO(duck) d = NULL;
    int64_t version;
    ck_ok(sources_open(p.h, p.a, NULL, 0, 1, &d));
    ck_ok(baseline_write(d, p.h, p.a, STR(TABLE("base")), STR("main.ml.fare"), STR("r2"), AT, other,
                         1, &version));
    ck_assert_int_eq(version, 1);
    monitor_spec o = spec();
    monitor_result r = run_ok(&p, &o); /* no champion: the latest */
    ck_assert_int_eq(r.verdict, MONITOR_ALERT);
    put_champion(&p, "0");
    o.at_ms++;
    r = run_ok(&p, &o);
    ck_assert_double_eq(line_of(&r, "drift_z", "x")->baseline_mean, 10);
    place_close(&p);
}
END_TEST

TEST(a_baseline_comes_back_as_it_was_written)
{
    place p;
    begin(&p);
    double v[100], gone[3] = {nan_, nan_, nan_};
    for (size_t i = 0; i < 100; i++)
        v[i] = i % 7 ? sqrt((double)i) : nan_;
    baseline_row in[] = {{.kind = STR("feature"), .column = STR("it's \"x\"")},
                         {.kind = STR("feature"), .column = STR("gone")}};
    ck_ok(describe(v, 100, &in[0].d));
    ck_ok(describe(gone, 3, &in[1].d));
    AUTO(duck) d = NULL;
    int64_t version;
    ck_ok(sources_open(p.h, p.a, NULL, 0, 1, &d));
    ck_ok(
        baseline_write(d, p.h, p.a, STR(TABLE("base")), STR("m"), STR("r2"), AT, in, 2, &version));
    baseline_row *out;
    size_t n;
    ck_ok(baseline_read(d, p.h, p.a, STR(TABLE("base")), -1, &out, &n));
    ck_assert_uint_eq(n, 2); /* overwritten, not appended */
    ck_assert(str_is(out[0].column, "it's \"x\"") && str_is(out[0].kind, "feature"));
    ck_assert(!memcmp(&out[0].d, &in[0].d, sizeof out[0].d));
    ck_assert_uint_eq(out[1].d.count, 0);
    ck_assert_uint_eq(out[1].d.missing, 3);
    ck_assert(isnan(out[1].d.mean) && isnan(out[1].d.edges[0]));
    ck_err(baseline_read(d, p.h, p.a, STR("main.ml.nothing"), -1, &out, &n), ERR_MISSING);
    ck_assert(strstr(err_message(), "training writes it") != NULL);
    place_close(&p);
}
END_TEST

TEST(a_calm_window_raises_nothing)
{
    place p;
    begin(&p);
    put_rows(&p, CALM, 300, AT - DAY_MS, 1000);
    monitor_spec o = spec();
    monitor_result r = run_ok(&p, &o);
    ck_assert_int_eq(r.verdict, MONITOR_OK);
    ck_assert(!r.should_retrain && r.n_alerts == 0);
    ck_assert_int_eq(r.rows, 300);
    ck_assert_int_eq(r.window_end_ms - r.window_start_ms, DAY_MS);
    ck_assert_uint_eq(r.n, 6); /* rows, x, k, empty, prediction, mae; not the label */
    const monitor_line *x = line_of(&r, "drift_z", "x");
    ck_assert(str_is(x->kind, "feature"));
    ck_assert_double_eq(x->value, 0);
    ck_assert_double_eq(x->window_mean, 10);
    ck_assert_double_eq(x->baseline_mean, 10);
    ck_assert_double_eq(x->baseline_std, 2);
    ck_assert_double_eq(x->threshold, 2);
    ck_assert_double_eq(line_of(&r, "drift_z", "k")->value, 0);
    ck_assert(isnan(line_of(&r, "drift_z", "empty")->value)); /* no values then, none now */
    ck_assert_double_eq(line_of(&r, "mae", "prediction")->value, 0.5);
    ck_assert(strstr(place_said(&p), "monitor fare_drift: ok: 0 alerts over 300 rows") != NULL);
    place_close(&p);
}
END_TEST

TEST(drift_is_more_than_the_threshold_and_names_its_columns)
{
    place p;
    begin(&p);
    put_rows(&p, "14.0 AS x, 1.5 AS k, NULL::DOUBLE AS empty, 28.1 AS prediction, 27.0 AS actual",
             10, AT - HOUR_MS, 1000);
    monitor_spec o = spec();
    monitor_result r = run_ok(&p, &o);
    ck_assert_int_eq(r.verdict, MONITOR_ALERT);
    ck_assert(r.should_retrain);
    ck_assert_uint_eq(r.n_alerts, 2);
    ck_assert_double_eq(line_of(&r, "drift_z", "x")->value, 2); /* not more than 2 */
    ck_assert(!line_of(&r, "drift_z", "x")->alert);
    ck_assert_double_eq(line_of(&r, "drift_z", "k")->value, inf_);
    ck_assert(line_of(&r, "drift_z", "k")->alert);
    ck_near(line_of(&r, "drift_z", "prediction")->value, 2.025, 1e-12, 0);
    ck_assert(line_of(&r, "drift_z", "prediction")->alert);
    ck_assert(!line_of(&r, "mae", "prediction")->alert);
    const char *reason = str_c(p.a, r.reason);
    ck_assert_msg(strstr(reason, "2 alerts over 10 rows") && strstr(reason, "drift_z of k inf > 2"),
                  "%s", reason);
    place_close(&p);
}
END_TEST

TEST(an_error_over_its_threshold_is_an_alert_and_unknown_actuals_are_none)
{
    place p;
    begin(&p);
    put_rows(&p, "10.0 AS x, 1.0 AS k, NULL::DOUBLE AS empty, 20.0 AS prediction, 25.0 AS actual",
             10, AT - HOUR_MS, 1);
    monitor_spec o = spec();
    monitor_result r = run_ok(&p, &o);
    ck_assert_double_eq(line_of(&r, "mae", "prediction")->value, 5);
    ck_assert_int_eq(r.verdict, MONITOR_OK); /* 5 is not more than 5 */
    o.at_ms += 2 * DAY_MS;
    put_rows(&p, "10.0 AS x, 1.0 AS k, NULL::DOUBLE AS empty, 20.0 AS prediction, 26.0 AS actual",
             10, o.at_ms - HOUR_MS, 1);
    r = run_ok(&p, &o);
    ck_assert_int_eq(r.verdict, MONITOR_ALERT);
    ck_assert_uint_eq(r.n_alerts, 1);
    ck_assert(line_of(&r, "mae", "prediction")->alert);
    o.at_ms += 2 * DAY_MS;
    put_rows(&p,
             "10.0 AS x, 1.0 AS k, NULL::DOUBLE AS empty, 20.0 AS prediction, NULL::DOUBLE AS "
             "actual",
             10, o.at_ms - HOUR_MS, 1);
    r = run_ok(&p, &o);
    ck_assert_int_eq(r.verdict, MONITOR_OK);
    ck_assert(isnan(line_of(&r, "mae", "prediction")->value));
    place_close(&p);
}
END_TEST

TEST(the_window_holds_its_start_and_not_its_end)
{
    place p;
    begin(&p);
    put_rows(&p, CALM, 1, AT - DAY_MS - 1, 1);
    put_rows(&p, CALM, 1, AT - DAY_MS, 1);
    put_rows(&p, CALM, 1, AT - 1, 1);
    put_rows(&p, CALM, 1, AT, 1);
    monitor_spec o = spec();
    o.min_rows = 2;
    monitor_result r = run_ok(&p, &o);
    ck_assert_int_eq(r.rows, 2);
    ck_assert_int_eq(r.verdict, MONITOR_OK); /* exactly min_rows are enough */
    o.name = STR("wide");
    o.window_ms = 10 * DAY_MS;
    ck_assert_int_eq(run_ok(&p, &o).rows, 3);
    place_close(&p);
}
END_TEST

TEST(too_few_rows_are_not_enough_data_and_never_fine)
{
    place p;
    begin(&p);
    monitor_spec o = spec();
    monitor_result r = run_ok(&p, &o); /* no table of predictions at all */
    ck_assert_int_eq(r.verdict, MONITOR_NOT_ENOUGH_DATA);
    ck_assert_int_eq(r.rows, 0);
    ck_assert(!r.should_retrain);
    ck_assert(strstr(str_c(p.a, r.reason), "0 rows in the window, want 3, 3 are missing") != NULL);
    put_rows(&p, "99.0 AS x, 9.0 AS k, 1.0 AS empty, 99.0 AS prediction, 0.0 AS actual", 2,
             AT + HOUR_MS, 1);
    o.at_ms += DAY_MS;
    r = run_ok(&p, &o);
    ck_assert_int_eq(r.verdict, MONITOR_NOT_ENOUGH_DATA);
    ck_assert_uint_eq(r.n_alerts, 0);
    ck_assert(!r.should_retrain);
    ck_assert(line_of(&r, "drift_z", "x")->value > 2); /* measured, but no alert */
    ck_assert(strstr(str_c(p.a, r.reason), "1 are missing") != NULL);
    frame *f = place_query(&p, TABLE("monitoring"), "SELECT DISTINCT verdict FROM t");
    ck_assert_uint_eq(f->n_rows, 1);
    ck_assert(str_is(f->cols[0].s[0], "not_enough_data"));
    place_close(&p);
}
END_TEST

TEST(a_column_that_lost_all_its_values_has_drifted)
{
    place p;
    begin(&p);
    put_rows(&p, "'NaN'::DOUBLE AS x, 1.0 AS k, 5.0 AS empty, 20.0 AS prediction, 20.0 AS actual",
             10, AT - HOUR_MS, 1);
    monitor_spec o = spec();
    monitor_result r = run_ok(&p, &o);
    ck_assert_double_eq(line_of(&r, "drift_z", "x")->value, inf_);
    ck_assert(line_of(&r, "drift_z", "x")->alert);
    ck_assert(isnan(line_of(&r, "drift_z", "empty")->value)); /* nothing to compare with */
    ck_assert_uint_eq(r.n_alerts, 1);
    place_close(&p);
}
END_TEST

TEST(a_repeated_call_adds_nothing_to_table_or_metadata)
{
    place p;
    begin(&p);
    put_rows(&p, CALM, 300, AT - DAY_MS, 1000);
    monitor_spec o = spec();
    monitor_result one = run_ok(&p, &o), two = run_ok(&p, &o);
    ck_assert_int_eq(one.verdict, two.verdict);
    ck_assert_int_eq(place_version(&p, TABLE("monitoring")), 0);
    frame *f = place_query(&p, TABLE("monitoring"), "SELECT * FROM t");
    ck_assert_uint_eq(f->n_rows, 6);
    monitor_record *v;
    size_t n;
    ck_ok(monitor_records(home_db(p.h), p.a, STR(""), 10, &v, &n));
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(v[0].r.n, 6);
    o.at_ms += 1;
    run_ok(&p, &o);
    ck_ok(monitor_records(home_db(p.h), p.a, STR("fare_drift"), 10, &v, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(v[0].at_ms, AT + 1); /* newest first */
    ck_ok(monitor_records(home_db(p.h), p.a, STR("fare_drift"), 1, &v, &n));
    ck_assert_uint_eq(n, 1);
    ck_ok(monitor_records(home_db(p.h), p.a, STR("other"), 10, &v, &n));
    ck_assert_uint_eq(n, 0);
    place_close(&p);
}
END_TEST

static err forget(db_tx *tx, void *arg)
{
    (void)arg;
    TRY(tx_exec(tx, "DELETE FROM monitor_metric", DB_NO_ARGS, NULL));
    return tx_exec(tx, "DELETE FROM monitor_result", DB_NO_ARGS, NULL);
}

TEST(a_run_killed_between_its_two_stores_is_completed_by_the_next)
{
    place p;
    begin(&p);
    put_rows(&p, CALM, 300, AT - DAY_MS, 1000);
    monitor_spec o = spec();
    run_ok(&p, &o);
    ck_ok(db_write(home_db(p.h), forget, NULL));
    run_ok(&p, &o);
    ck_assert_int_eq(place_version(&p, TABLE("monitoring")), 0);
    monitor_record *v;
    size_t n;
    ck_ok(monitor_records(home_db(p.h), p.a, STR(""), 10, &v, &n));
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(v[0].r.n, 6);
    place_close(&p);
}
END_TEST

/* Each fault a monitor of its own. */
static err watch_named(place *p, const char *name)
{
    monitor_spec o = spec();
    o.name = str_of(name);
    monitor_result r;
    return monitor_run(p->h, p->a, &o, NULL, &r);
}

static void watched_once(place *p, const char *name)
{
    ck_ok(watch_named(p, name));
    frame *f = place_query(p, TABLE("monitoring"),
                           cstr_fmt(p->a, "SELECT count(*) FROM t WHERE monitor = '%s'", name));
    ck_assert_msg(f->cols[0].i64[0] == 6, "%s", name);
    monitor_record *v;
    size_t n;
    ck_ok(monitor_records(home_db(p->h), p->a, str_of(name), 10, &v, &n));
    ck_assert_msg(n == 1 && v[0].r.n == 6, "%s", name);
}

TEST(whatever_fails_a_repeat_leaves_every_line_once)
{
    place p;
    begin(&p);
    put_rows(&p, CALM, 10, AT - HOUR_MS, 1000);
    ck_assert_int_gt(place_torture(&p, watch_named, watched_once), 5);
    place_close(&p);
}
END_TEST

TEST(an_infinite_change_survives_both_stores)
{
    place p;
    begin(&p);
    put_rows(&p, "10.0 AS x, 1.5 AS k, NULL::DOUBLE AS empty, 20.0 AS prediction, 20.0 AS actual",
             10, AT - HOUR_MS, 1);
    monitor_spec o = spec();
    run_ok(&p, &o);
    frame *f = place_query(&p, TABLE("monitoring"),
                           "SELECT value, alert, baseline_std FROM t WHERE column_name = 'k'");
    ck_assert_uint_eq(f->n_rows, 1);
    ck_assert_double_eq(f->cols[0].f64[0], inf_);
    ck_assert_int_eq(f->cols[1].i64[0], 1);
    ck_assert_double_eq(f->cols[2].f64[0], 0);
    f = place_query(&p, TABLE("monitoring"),
                    "SELECT count(*) FROM t WHERE column_name = 'empty' AND value IS NULL");
    ck_assert_int_eq(f->cols[0].i64[0], 1);
    monitor_record *v;
    size_t n;
    ck_ok(monitor_records(home_db(p.h), p.a, STR("fare_drift"), 1, &v, &n));
    ck_assert_double_eq(line_of(&v[0].r, "drift_z", "k")->value, inf_);
    ck_assert(line_of(&v[0].r, "drift_z", "k")->alert);
    ck_assert(isnan(line_of(&v[0].r, "drift_z", "empty")->value));
    ck_assert(isnan(line_of(&v[0].r, "rows", "")->baseline_mean));
    ck_assert_double_eq(line_of(&v[0].r, "rows", "")->value, 10);
    ck_assert_int_eq(v[0].r.verdict, MONITOR_ALERT);
    ck_assert(v[0].r.should_retrain && v[0].r.n_alerts == 1);
    ck_assert(str_is(v[0].registered_model, "main.ml.fare"));
    place_close(&p);
}
END_TEST

TEST(predictions_of_another_model_do_not_count)
{
    place p;
    begin(&p);
    put_rows(&p, CALM, 10, AT - HOUR_MS, 1);
    monitor_spec o = spec();
    o.registered_model = STR("main.ml.tip");
    monitor_result r = run_ok(&p, &o);
    ck_assert_int_eq(r.rows, 0);
    ck_assert_int_eq(r.verdict, MONITOR_NOT_ENOUGH_DATA);
    place_close(&p);
}
END_TEST

TEST(what_makes_no_sense_is_refused)
{
    place p;
    begin(&p);
    monitor_result r = {.rows = -1};
    monitor_spec o = spec();
    o.window_ms = 0;
    ck_err(monitor_run(p.h, p.a, &o, NULL, &r), ERR_INVALID);
    o = spec();
    o.min_rows = 0;
    ck_err(monitor_run(p.h, p.a, &o, NULL, &r), ERR_INVALID);
    o = spec();
    o.z_max = nan_;
    ck_err(monitor_run(p.h, p.a, &o, NULL, &r), ERR_INVALID);
    o = spec();
    o.mae_max = -1;
    ck_err(monitor_run(p.h, p.a, &o, NULL, &r), ERR_INVALID);
    o = spec();
    o.baseline_table = STR("main.ml.nothing");
    ck_err(monitor_run(p.h, p.a, &o, NULL, &r), ERR_MISSING);
    ck_assert(strstr(err_message(), "monitor fare_drift: baseline main.ml.nothing") != NULL);
    ck_assert_int_eq(r.rows, -1);
    place_close(&p);
}
END_TEST

TEST(a_predictions_table_without_a_watched_column_names_it)
{
    place p;
    begin(&p);
    put_rows(&p, "1.0 AS k, 1.0 AS empty, 20.0 AS prediction, 20.0 AS actual", 10, AT - HOUR_MS, 1);
    monitor_spec o = spec();
    monitor_result r;
    ck_err(monitor_run(p.h, p.a, &o, NULL, &r), ERR_INVALID);
    ck_assert_msg(strstr(err_message(), "\"x\"") != NULL, "%s", err_message());
    place_close(&p);
}
END_TEST

TESTS("monitor", z_is_the_change_in_standard_deviations, z_of_what_is_not_known_is_not_known,
      a_baseline_comes_back_as_it_was_written,
      the_champions_baseline_counts_whatever_was_trained_since, a_calm_window_raises_nothing,
      drift_is_more_than_the_threshold_and_names_its_columns,
      an_error_over_its_threshold_is_an_alert_and_unknown_actuals_are_none,
      the_window_holds_its_start_and_not_its_end, too_few_rows_are_not_enough_data_and_never_fine,
      a_column_that_lost_all_its_values_has_drifted,
      a_repeated_call_adds_nothing_to_table_or_metadata,
      a_run_killed_between_its_two_stores_is_completed_by_the_next,
      whatever_fails_a_repeat_leaves_every_line_once, an_infinite_change_survives_both_stores,
      predictions_of_another_model_do_not_count, what_makes_no_sense_is_refused,
      a_predictions_table_without_a_watched_column_names_it)
