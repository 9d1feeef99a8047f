/* Batch scoring: the same numbers as the model's own, exactly once, and every column that can be
 * wrong. */
#include "batch/batch.h"

#include "base/clock.h"
#include "logged.h"
#include "place.h"

static const db_migration *const rooms[] = {&tracking_migration, &registry_migration};

#define AT          1700000000000 /* 2023-11-14T22:13:20Z */
#define PREDICTIONS "main.ml.predictions"
#define FEATURES    "main.ml.feature_table"
#define INPUTS                                                                                     \
    "(i % 300) * 0.1 AS trip_distance, i % 24 AS pickup_hour, i % 7 AS pickup_dayofweek, 1 + i % " \
    "2 AS pickup_month, (i % 7 >= 5)::INTEGER AS is_weekend, i % 2 AS is_rush_hour"

static void begin(place *p, const logged_options *o)
{
    place_open(p, rooms, countof(rooms));
    store s = place_store(p);
    ck_assert_int_eq(logged_version(&s, "main.ml.fare", o), 1);
    ck_ok(registry_alias_set(s.d, STR("main.ml.fare"), STR("champion"), 1, 0, 1));
}

static void put_features(place *p, int64_t n)
{
    place_write(p, FEATURES,
                cstr_fmt(p->a, "SELECT %s FROM range(%lld) r(i)",
                         "i AS row_index, NULL::TIMESTAMPTZ AS event_time, " INPUTS
                         ", 10.0::DOUBLE + i % 5 AS fare_amount",
                         (long long)n),
                DELTA_OVERWRITE);
}

static batch_spec spec(void)
{
    return (batch_spec){.model_uri = STR("models:/main.ml.fare@champion"),
                        .source = STR(""),
                        .feature_table = STR(FEATURES),
                        .label = STR("fare_amount"),
                        .predictions_table = STR(PREDICTIONS),
                        .batch_id = STR("b1"),
                        .at_ms = AT};
}

/* One source, given by SQL. */
static source_spec source_;
static batch_spec source_of(const char *sql)
{
    batch_spec o = spec();
    source_ = (source_spec){.name = STR("rows"), .sql = str_of(sql)};
    o.sources = &source_;
    o.n_sources = 1;
    o.source = STR("rows");
    return o;
}

static batch_result run_ok(place *p, const batch_spec *o)
{
    batch_result r;
    ck_ok(batch_run(p->h, p->a, o, &p->p, &r));
    return r;
}

/* The predictions table's rows, predicted again by the golden model, bit for bit. */
static void check_predictions(place *p, size_t want)
{
    str bytes;
    AUTO(model) m = logged_golden(p->a, "lgb_taxi", &bytes);
    frame *f = place_query(p, PREDICTIONS, "SELECT * FROM t");
    ck_assert_uint_eq(f->n_rows, want);
    matrix x;
    ck_ok(frame_matrix(p->a, f, model_features(m), model_get_facts(m)->n_features, &x));
    double *mine = arena_array(p->a, double, want + 1);
    model_predict(m, x, mine);
    const column *c;
    ck_ok(frame_need(f, "prediction", &c));
    for (size_t i = 0; i < want; i++)
        ck_assert_msg(!memcmp(&mine[i], &c->f64[i], sizeof(double)), "row %zu: %.17g, want %.17g",
                      i, c->f64[i], mine[i]);
}

static run *runs_of(place *p, size_t *ret_n)
{
    str id;
    ck_ok(tracking_experiment_ensure(home_db(p->h), p->a, STR("/batch/main.ml.fare"), &id));
    run_query q = {.experiment_ids = &id, .n_experiment_ids = 1, .max = 1000};
    run *v;
    ck_ok(tracking_runs(home_db(p->h), p->a, &q, &v, ret_n));
    return v;
}

static double metric_of(const run *r, const char *key)
{
    for (size_t i = 0; i < r->n_metrics; i++)
        if (str_is(r->metrics[i].key, key)) return r->metrics[i].value;
    return (double)NAN;
}

TEST(the_feature_table_is_scored_into_a_partition_of_its_day)
{
    place p;
    begin(&p, &(logged_options){0});
    put_features(&p, 5000);
    batch_spec o = spec();
    batch_result r = run_ok(&p, &o);
    ck_assert_int_eq(r.rows, 5000);
    ck_assert(!r.already && r.model_version == 1 && r.table_version == 0);
    ck_assert(str_is(r.model_name, "main.ml.fare") && str_is(r.batch_id, "b1"));
    check_predictions(&p, 5000);
    frame *f = place_query(&p, PREDICTIONS,
                           "SELECT avg(abs(prediction - actual)), sqrt(avg((prediction - actual) "
                           "** 2)), avg(prediction), count(DISTINCT scored_date), "
                           "max(scored_date)::VARCHAR, max(scored_at), max(model_version), "
                           "max(batch_id) FROM t");
    ck_near(r.mae, f->cols[0].f64[0], 1e-12, 0);
    ck_near(r.rmse, f->cols[1].f64[0], 1e-12, 0);
    ck_near(r.mean_prediction, f->cols[2].f64[0], 1e-12, 0);
    ck_assert_int_eq(f->cols[3].i64[0], 1);
    ck_assert(str_is(f->cols[4].s[0], "2023-11-14"));
    ck_assert_int_eq(f->cols[5].i64[0], AT * 1000);
    ck_assert_int_eq(f->cols[6].i64[0], 1);
    ck_assert(str_is(f->cols[7].s[0], "b1"));
    const char *dir;
    ck_ok(home_table_dir(p.h, p.a, STR(PREDICTIONS), &dir));
    ck_assert(file_exists(cstr_fmt(p.a, "%s/scored_date=2023-11-14", dir)));
    place_close(&p);
}
END_TEST

TEST(a_batch_id_is_scored_once_and_logged_once)
{
    place p;
    begin(&p, &(logged_options){0});
    put_features(&p, 100);
    batch_spec o = spec();
    batch_result one = run_ok(&p, &o), two = run_ok(&p, &o);
    ck_assert(two.already && two.rows == 100 && two.table_version == one.table_version);
    ck_assert_double_eq(two.mae, one.mae);
    o.at_ms += 3 * 86400000LL; /* the same id on another day is still the same batch */
    batch_result three = run_ok(&p, &o);
    ck_assert(three.already && three.rows == 100);
    ck_assert_double_eq(three.mae, one.mae);
    size_t n;
    run *v = runs_of(&p, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert(str_is(v[0].status, "FINISHED"));
    ck_assert_double_eq(metric_of(&v[0], "rows"), 100);
    ck_assert_double_eq(metric_of(&v[0], "mae"), one.mae);
    o.batch_id = STR("b2");
    ck_assert(!run_ok(&p, &o).already);
    frame *f = place_query(&p, PREDICTIONS, "SELECT count(*), count(DISTINCT scored_date) FROM t");
    ck_assert_int_eq(f->cols[0].i64[0], 200);
    ck_assert_int_eq(f->cols[1].i64[0], 2);
    ck_assert(strstr(place_said(&p), "batch b1: was scored before: nothing is added") != NULL);
    place_close(&p);
}
END_TEST

TEST(the_default_batch_id_is_the_jobs_time)
{
    place p;
    begin(&p, &(logged_options){0});
    put_features(&p, 10);
    batch_spec o = spec();
    o.batch_id = STR("");
    ck_assert(str_is(run_ok(&p, &o).batch_id, "2023-11-14T22:13:20.000Z"));
    ck_assert(run_ok(&p, &o).already);
    o.at_ms++;
    ck_assert(!run_ok(&p, &o).already);
    place_close(&p);
}
END_TEST

TEST(a_repeated_batch_tells_the_version_that_scored_it)
{
    place p;
    begin(&p, &(logged_options){0});
    put_features(&p, 10);
    batch_spec o = spec();
    run_ok(&p, &o);
    store s = place_store(&p);
    ck_assert_int_eq(logged_version(&s, "main.ml.fare", &(logged_options){0}), 2);
    ck_ok(registry_alias_set(s.d, STR("main.ml.fare"), STR("champion"), 2, 1, 1));
    batch_result r = run_ok(&p, &o);
    ck_assert(r.already && r.model_version == 1);
    o.batch_id = STR("b2");
    ck_assert_int_eq(run_ok(&p, &o).model_version, 2);
    place_close(&p);
}
END_TEST

TEST(a_batch_killed_between_commit_and_log_is_logged_by_the_next_try)
{
    place p;
    begin(&p, &(logged_options){0});
    put_features(&p, 10);
    batch_spec o = spec();
    run_ok(&p, &o);
    size_t n;
    run *v = runs_of(&p, &n);
    db *d = home_db(p.h);
    str id;
    const key_value tag = {STR("tidemill.batchId"), STR("b2")};
    ck_ok(tracking_run_create(
        d, p.a,
        &(run_spec){.experiment_id = v[0].experiment_id, .start_ms = AT, .tags = &tag, .n_tags = 1},
        &id)); /* begun, never ended */
    o.batch_id = STR("b2");
    run_ok(&p, &o);
    v = runs_of(&p, &n);
    ck_assert_uint_eq(n, 2);
    for (size_t i = 0; i < n; i++)
        ck_assert(str_is(v[i].status, "FINISHED") && metric_of(&v[i], "rows") == 10);
    place_close(&p);
}
END_TEST

TEST(a_raw_source_is_scored_through_the_features)
{
    place p;
    begin(&p, &(logged_options){.reversed = true}); /* the signature's order is not the model's */
    static const feature_def v[] = {
        {STR("is_rush_hour"), STR("h % 2")}, {STR("trip_distance"), STR("d / 10.0")},
        {STR("pickup_hour"), STR("h")},      {STR("pickup_dayofweek"), STR("h % 7")},
        {STR("pickup_month"), STR("1")},     {STR("is_weekend"), STR("h > 20")}};
    const feature_spec f = {.name = STR("taxi"),
                            .table = STR(FEATURES),
                            .v = v,
                            .n = 6,
                            .label = {STR("fare_amount"), STR("d * 2.5")}};
    batch_spec o = source_of("SELECT i % 24 AS h, i AS d FROM range(500) r(i)");
    o.features = &f;
    batch_result r = run_ok(&p, &o);
    ck_assert_int_eq(r.rows, 500);
    ck_assert(r.mae > 0);
    check_predictions(&p, 500);
    place_close(&p);
}
END_TEST

TEST(missing_values_are_scored_as_the_model_scores_them)
{
    place p;
    begin(&p, &(logged_options){0});
    batch_spec o = source_of(
        "SELECT CASE WHEN i % 3 = 0 THEN NULL WHEN i % 3 = 1 THEN 'NaN'::DOUBLE ELSE i END AS "
        "trip_distance, CASE WHEN i % 2 = 0 THEN i % 24 END AS pickup_hour, 1 AS pickup_dayofweek, "
        "NULL::INTEGER AS pickup_month, true AS is_weekend, 0.5::DECIMAL(3, 1) AS is_rush_hour, "
        "['not', 'used'] AS list FROM range(60) r(i)");
    batch_result r = run_ok(&p, &o);
    ck_assert_int_eq(r.rows, 60);
    ck_assert(isnan(r.mae) && isnan(r.rmse)); /* the source has no label */
    check_predictions(&p, 60);
    frame *f = place_query(&p, PREDICTIONS, "SELECT count(actual) FROM t");
    ck_assert_int_eq(f->cols[0].i64[0], 0);
    size_t n;
    run *v = runs_of(&p, &n);
    ck_assert(isnan(metric_of(&v[0], "mae")) && metric_of(&v[0], "rows") == 60);
    place_close(&p);
}
END_TEST

TEST(actuals_that_are_not_known_do_not_spoil_the_error)
{
    place p;
    begin(&p, &(logged_options){0});
    batch_spec o = source_of("SELECT " INPUTS
                             ", CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN 'NaN'::DOUBLE WHEN 2 THEN "
                             "'Infinity'::DOUBLE ELSE 9.0 END AS fare_amount FROM range(40) r(i)");
    batch_result r = run_ok(&p, &o);
    frame *f =
        place_query(&p, PREDICTIONS, "SELECT avg(abs(prediction - 9)) FROM t WHERE actual = 9");
    ck_near(r.mae, f->cols[0].f64[0], 1e-12, 0);
    place_close(&p);
}
END_TEST

TEST(a_source_without_rows_is_a_batch_of_none)
{
    place p;
    begin(&p, &(logged_options){0});
    put_features(&p, 0);
    batch_spec o = spec();
    batch_result r = run_ok(&p, &o);
    ck_assert_int_eq(r.rows, 0);
    ck_assert(isnan(r.mae) && isnan(r.mean_prediction));
    ck_assert(run_ok(&p, &o).already);
    place_close(&p);
}
END_TEST

static void fails(place *p, const batch_spec *o, err kind, const char *words)
{
    batch_result r = {.rows = -1};
    ck_err(batch_run(p->h, p->a, o, NULL, &r), kind);
    ck_assert_msg(strstr(err_message(), words) != NULL, "%s", err_message());
    ck_assert_int_eq(r.rows, -1);
    const char *dir;
    ck_ok(home_table_dir(p->h, p->a, o->predictions_table, &dir));
    delta_snapshot *s;
    ck_err(delta_read(p->a, NULL, dir, -1, &s), ERR_MISSING); /* nothing was written */
}

static err score_named(place *p, const char *id)
{
    batch_spec o = spec();
    o.batch_id = str_of(id);
    batch_result r;
    return batch_run(p->h, p->a, &o, NULL, &r);
}

static void scored_once(place *p, const char *id)
{
    ck_ok(score_named(p, id));
    frame *f = place_query(
        p, PREDICTIONS,
        cstr_fmt(p->a,
                 "SELECT count(*), count(DISTINCT trip_distance) FROM t WHERE batch_id = '%s'",
                 id));
    ck_assert_msg(f->cols[0].i64[0] == 10 && f->cols[1].i64[0] == 10, "%s", id);
    size_t n, mine = 0;
    run *v = runs_of(p, &n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < v[i].n_tags; k++)
            if (str_is(v[i].tags[k].key, "tidemill.batchId") && str_is(v[i].tags[k].value, id)) {
                mine++;
                ck_assert_msg(str_is(v[i].status, "FINISHED"), "%s", id);
            }
    ck_assert_msg(mine == 1, "%s: %zu runs", id, mine);
}

TEST(whatever_fails_a_repeat_leaves_every_row_once)
{
    place p;
    begin(&p, &(logged_options){0});
    put_features(&p, 10);
    ck_assert_int_gt(place_torture(&p, score_named, scored_once), 20);
    place_close(&p);
}
END_TEST

#define LESS "1 AS pickup_dayofweek, 1 AS pickup_month, 0 AS is_weekend, 0 AS is_rush_hour"

TEST(columns_that_are_missing_or_no_numbers_are_named)
{
    place p;
    begin(&p, &(logged_options){0});
    batch_spec o = source_of("SELECT 1.5 AS trip_distanc, 1 AS pickup_hour, " LESS);
    fails(&p, &o, ERR_INVALID, "no column trip_distance");
    fails(&p, &o, ERR_INVALID, "did you mean trip_distanc?");
    o = source_of("SELECT '1.5' AS trip_distance, 1 AS pickup_hour, " LESS);
    fails(&p, &o, ERR_INVALID, "column trip_distance is a VARCHAR, want a number");
    o = source_of(
        "SELECT 1.5 AS trip_distance, TIMESTAMP '2026-01-01 00:00:00' AS pickup_hour, " LESS);
    fails(&p, &o, ERR_INVALID, "column pickup_hour is a TIMESTAMP, want a number");
    o = source_of("SELECT " INPUTS ", 'much' AS fare_amount FROM range(5) r(i)");
    fails(&p, &o, ERR_INVALID, "label fare_amount is a VARCHAR");
    o = source_of("SELECT " INPUTS " FROM range(5) r(i)");
    o.source = STR("other");
    fails(&p, &o, ERR_INVALID, "other");
    o = spec();
    fails(&p, &o, ERR_MISSING, "batch: feature table main.ml.feature_table");
    place_close(&p);
}
END_TEST

TEST(what_is_no_model_or_no_batch_id_is_refused)
{
    place p;
    begin(&p, &(logged_options){0});
    put_features(&p, 3);
    batch_spec o = spec();
    o.model_uri = STR("models:/main.ml.fare@challenger");
    fails(&p, &o, ERR_MISSING, "challenger");
    o.model_uri = STR("models:/main.ml.tip@champion");
    fails(&p, &o, ERR_MISSING, "main.ml.tip");
    o.model_uri = STR("fare");
    fails(&p, &o, ERR_INVALID, "fare");
    o = spec();
    char big[BATCH_ID_MAX + 1];
    memset(big, 'x', sizeof big);
    o.batch_id = (str){big, sizeof big};
    fails(&p, &o, ERR_INVALID, "batch id");
    o.batch_id = STR("two\nlines");
    fails(&p, &o, ERR_INVALID, "batch id");
    o.batch_id = (str){big, BATCH_ID_MAX};
    ck_assert_int_eq(run_ok(&p, &o).rows, 3);
    o.batch_id = STR("it's; \"b\"");
    ck_assert(!run_ok(&p, &o).already);
    ck_assert(run_ok(&p, &o).already);
    place_close(&p);
}
END_TEST

TEST(a_hundred_thousand_rows_are_scored_at_once)
{
    place p;
    begin(&p, &(logged_options){0});
    batch_spec o = source_of("SELECT " INPUTS " FROM range(100000) r(i)");
    int64_t start = mono_us();
    batch_result r = run_ok(&p, &o);
    ck_assert_int_eq(r.rows, 100000);
    ck_assert_int_lt(mono_us() - start, 20000000); /* a sanitizer on a busy machine included */
    check_predictions(&p, 100000);
    place_close(&p);
}
END_TEST

TESTS("batch", the_feature_table_is_scored_into_a_partition_of_its_day,
      a_batch_id_is_scored_once_and_logged_once, the_default_batch_id_is_the_jobs_time,
      a_repeated_batch_tells_the_version_that_scored_it,
      a_batch_killed_between_commit_and_log_is_logged_by_the_next_try,
      a_raw_source_is_scored_through_the_features,
      missing_values_are_scored_as_the_model_scores_them,
      actuals_that_are_not_known_do_not_spoil_the_error, a_source_without_rows_is_a_batch_of_none,
      columns_that_are_missing_or_no_numbers_are_named, what_is_no_model_or_no_batch_id_is_refused,
      whatever_fails_a_repeat_leaves_every_row_once, a_hundred_thousand_rows_are_scored_at_once)
