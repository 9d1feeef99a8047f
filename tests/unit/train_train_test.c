/* A whole training run: the real trips as in the example's bundle, and everything that can be wrong
 * with data and spec. */
#include "train/train.h"

#include "base/json.h"
#include "model/package.h"
#include "monitor/monitor.h"
#include "place.h"
#include "registry/probes.h"
#include "registry/registry.h"

static const db_migration *const rooms[] = {&tracking_migration, &registry_migration,
                                            &monitor_migration};

#define TRIPS TIDEMILL_SOURCE_DIR "/examples/nyc_taxi/data/nyctaxi_trips.parquet"
#define DOW   "isodow(tpep_pickup_datetime)"
#define HOUR  "hour(tpep_pickup_datetime)"

static const source_spec taxi_sources[] = {{.name = STR("trips"), .path = STR(TRIPS)}};
static const expectation taxi_checks[] = {
    {.kind = EXPECT_ROW_COUNT, .action = EXPECT_FAIL, .min = 1000, .max = HUGE_VAL},
    {.kind = EXPECT_BETWEEN,
     .action = EXPECT_DROP,
     .column = STR("fare_amount"),
     .max = HUGE_VAL,
     .strict_min = true},
    {.kind = EXPECT_BETWEEN,
     .action = EXPECT_DROP,
     .column = STR("trip_distance"),
     .max = HUGE_VAL,
     .strict_min = true},
};
static const feature_def taxi_features[] = {
    {STR("trip_distance"), STR("trip_distance")},
    {STR("pickup_hour"), STR(HOUR)},
    {STR("pickup_dayofweek"), STR(DOW " - 1")},
    {STR("pickup_month"), STR("month(tpep_pickup_datetime)")},
    {STR("is_weekend"), STR("CASE WHEN " DOW " >= 6 THEN 1 ELSE 0 END")},
    {STR("is_rush_hour"),
     STR("CASE WHEN " DOW " <= 5 AND " HOUR " IN (7, 8, 9, 16, 17, 18, 19) THEN 1 ELSE 0 END")},
};
static const str rates[] = {STR("0.05"), STR("0.1"), STR("0.15")},
                 leaves[] = {STR("15"), STR("31")}, rows[] = {STR("10"), STR("20"), STR("40")};
static const search_axis taxi_axes[] = {{STR("learning_rate"), rates, 3},
                                        {STR("num_leaves"), leaves, 2},
                                        {STR("min_data_in_leaf"), rows, 3}};
static const key_value taxi_params[] = {{STR("objective"), STR("regression_l1")},
                                        {STR("num_iterations"), STR("100")},
                                        {STR("max_bin"), STR("127")}};

static train_spec taxi_spec(void)
{
    return (train_spec){.name = STR("fare"),
                        .experiment = STR("/nyc_taxi/fare"),
                        .registered_model = STR("main.ml.fare"),
                        .sources = taxi_sources,
                        .n_sources = 1,
                        .source = STR("trips"),
                        .checks = {STR("possible_trips"), taxi_checks, countof(taxi_checks)},
                        .features = {.name = STR("taxi"),
                                     .table = STR("main.ml.feature_table"),
                                     .v = taxi_features,
                                     .n = countof(taxi_features),
                                     .label = {STR("fare_amount"), STR("fare_amount")},
                                     .timestamp = STR("tpep_pickup_datetime")},
                        .baseline_table = STR("main.ml.training_baseline"),
                        .algorithm = STR("lightgbm"),
                        .seed = 42,
                        .folds = 5,
                        .holdout_every = 5,
                        .metric = STR("mae"),
                        .params = taxi_params,
                        .n_params = countof(taxi_params),
                        .axes = taxi_axes,
                        .n_axes = countof(taxi_axes),
                        .threads = 2,
                        .at_ms = 1700000000000,
                        .job_run = STR("7")};
}

static str artifact_of(place *p, const char *kind, str id, const char *path)
{
    str text;
    ck_ok(artifact_get(home_db(p->h), home_blobs(p->h), p->a,
                       str_fmt(p->a, "%s/%.*s", kind, STR_ARG(id)), str_of(path), 1 << 26, &text));
    return text;
}

static double metric_of(const run *r, const char *key)
{
    for (size_t i = 0; i < r->n_metrics; i++)
        if (str_is(r->metrics[i].key, key)) return r->metrics[i].value;
    ck_abort_msg("the run has no metric %s", key);
}

static str value_of(const key_value *v, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(v[i].key, key)) return v[i].value;
    return (str){NULL, 0};
}

/* Every candidate is a FINISHED child with its params and metrics; the best is the smallest. */
static void check_candidates(place *p, const train_spec *o, const train_result *r)
{
    run_query q = {.experiment_ids = &r->experiment_id,
                   .n_experiment_ids = 1,
                   .parent_run_id = r->run_id,
                   .max = 1000};
    run *v;
    size_t n;
    ck_ok(tracking_runs(home_db(p->h), p->a, &q, &v, &n));
    ck_assert_uint_eq(n, 18);
    ck_assert_int_eq(r->candidates, 18);
    run parent;
    ck_ok(tracking_run_get(home_db(p->h), p->a, r->run_id, &parent));
    ck_assert(str_is(parent.status, "FINISHED") && parent.end_ms >= parent.start_ms);
    double best = HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        ck_assert(str_is(v[i].status, "FINISHED"));
        ck_assert_uint_eq(v[i].n_params, o->n_params + o->n_axes);
        ck_assert(value_of(v[i].params, v[i].n_params, "num_leaves").p != NULL);
        ck_assert(str_is(value_of(v[i].params, v[i].n_params, "num_iterations"), "100"));
        ck_assert(str_is(value_of(v[i].tags, v[i].n_tags, "tidemill.jobRun"), "7"));
        metric *history;
        size_t folds;
        ck_ok(tracking_metric_history(home_db(p->h), p->a, v[i].id, STR("fold_mae"), &history,
                                      &folds));
        ck_assert_uint_eq(folds, 5);
        double sum = 0;
        for (size_t k = 0; k < folds; k++)
            sum += history[k].value;
        ck_near(metric_of(&v[i], "cv_mae"), sum / 5, 1e-12, 0);
        best = fmin(best, metric_of(&v[i], "cv_mae"));
    }
    ck_assert_double_eq(metric_of(&parent, "cv_mae"), best);
    ck_assert_double_eq(metric_of(&parent, "mae"), r->mae);
    ck_assert_double_eq(metric_of(&parent, "rows_dropped"), 39);
    ck_assert(str_is(value_of(parent.tags, parent.n_tags, "tidemill.featureVersion"), "0"));
    ck_assert(str_is(value_of(parent.tags, parent.n_tags, "tidemill.featureTable"),
                     "main.ml.feature_table"));
    ck_assert(str_is(value_of(parent.params, parent.n_params, "seed"), "42"));
}

static void check_artifacts(place *p, const train_result *r)
{
    static const char *const plots[] = {"plots/predicted_vs_actual.svg", "plots/residuals.svg",
                                        "plots/importance.svg"};
    for (size_t i = 0; i < countof(plots); i++) {
        str svg = artifact_of(p, "runs", r->run_id, plots[i]);
        ck_assert(str_starts(svg, "<svg") || str_starts(svg, "<?xml"));
    }
    yyjson_val *checks, *heldout, *v;
    int64_t n;
    ck_ok(json_parse(p->a, artifact_of(p, "runs", r->run_id, "checks.json"), "checks", &checks));
    ck_ok(json_get_i64(checks, "", "dropped", &n));
    ck_assert_int_eq(n, 39);
    ck_ok(json_parse(p->a, artifact_of(p, "runs", r->run_id, "evaluation/heldout.json"), "heldout",
                     &heldout));
    ck_ok(json_get_arr(heldout, "", "actual", &v));
    ck_assert_uint_eq(yyjson_arr_size(v), 1993);
    ck_ok(json_get_arr(heldout, "", "predictions", &v));
    double sum = 0;
    for (size_t i = 0; i < 1993; i++)
        sum += fabs(yyjson_get_num(yyjson_arr_get(v, i)) -
                    yyjson_get_num(yyjson_arr_get(yyjson_obj_get(heldout, "actual"), i)));
    ck_near(sum / 1993, r->mae, 1e-9, 0);
}

static void check_model(place *p, const train_result *r)
{
    logged_model m;
    ck_ok(tracking_model_get(home_db(p->h), p->a, r->model_id, &m));
    ck_assert(str_is(m.status, "READY"));
    ck_assert(str_eq(m.source_run_id, r->run_id));
    package pack;
    AUTO(model) loaded = NULL;
    ck_ok(registry_load(home_db(p->h), home_blobs(p->h), p->a, r->model_id, &pack, &loaded));
    ck_assert_uint_eq(pack.sig.inputs.n, 6);
    ck_assert_int_eq(pack.sig.inputs.fields[0].type, FIELD_DOUBLE);
    ck_assert_int_eq(pack.sig.inputs.fields[1].type, FIELD_LONG);
    ck_assert(str_eq(pack.run_id, r->run_id));
    size_t probes;
    ck_ok(probes_check(home_db(p->h), home_blobs(p->h), str_c(p->a, r->model_id), loaded, &probes));
    ck_assert_uint_eq(probes, 1993);
    static const char *const files[] = {
        "MLmodel",          "model.lgb",          "conda.yaml",  "python_env.yaml",
        "requirements.txt", "input_example.json", "probes.json", "serving_input_example.json"};
    for (size_t i = 0; i < countof(files); i++)
        ck_assert(artifact_of(p, "models", r->model_id, files[i]).n > 0);
}

/* The baseline against what SQL says of the golden split. */
static void check_baseline(place *p, const train_result *r)
{
    const source_spec golden = {.name = STR("g"),
                                .path = STR(TIDEMILL_SOURCE_DIR "/tests/golden/taxi_train.csv")};
    AUTO(duck) d = NULL;
    ck_ok(sources_open(p->h, p->a, &golden, 1, 1, &d));
    baseline_row *b;
    size_t n;
    ck_ok(baseline_read(d, p->h, p->a, STR("main.ml.training_baseline"), -1, &b, &n));
    ck_assert_uint_eq(n, 8);
    for (size_t i = 0; i < 7; i++) {
        ck_assert(str_is(b[i].kind, i < 6 ? "feature" : "label"));
        str name = i < 6 ? taxi_features[i].name : STR("fare_amount");
        ck_assert(str_eq(b[i].column, name));
        frame *f = NULL;
        ck_ok(duck_query(d, p->a, "golden",
                         cstr_fmt(p->a,
                                  "SELECT avg(%.*s), stddev_pop(%.*s), min(%.*s)::DOUBLE, "
                                  "quantile_cont(%.*s::DOUBLE, 0.95) FROM g",
                                  STR_ARG(name), STR_ARG(name), STR_ARG(name), STR_ARG(name)),
                         &f));
        ck_assert_uint_eq(b[i].d.count, 7968);
        ck_near(b[i].d.mean, column_f64(&f->cols[0], 0), 1e-9, 0);
        ck_near(b[i].d.std, column_f64(&f->cols[1], 0), 1e-9, 0);
        ck_assert_double_eq(b[i].d.min, column_f64(&f->cols[2], 0));
        ck_near(b[i].d.quantiles[7], column_f64(&f->cols[3], 0), 1e-12, 0);
        double rows_in_bins = 0;
        for (size_t k = 0; k < DESCRIBE_BINS; k++)
            rows_in_bins += b[i].d.counts[k];
        ck_assert_double_eq(rows_in_bins, 7968);
    }
    ck_assert(str_is(b[7].kind, "prediction") && str_is(b[7].column, "prediction"));
    ck_assert_uint_eq(b[7].d.count, 1993);
    frame *f =
        place_query(p, "main.ml.training_baseline", "SELECT DISTINCT run_id, model_name FROM t");
    ck_assert_uint_eq(f->n_rows, 1);
    ck_assert(str_eq(f->cols[0].s[0], r->run_id) && str_is(f->cols[1].s[0], "main.ml.fare"));
}

TEST(the_real_trips_become_a_good_model)
{
    place p;
    place_open(&p, rooms, countof(rooms));
    train_spec o = taxi_spec();
    train_result r;
    ck_ok(train_run(p.h, p.a, &o, &p.p, &r));
    ck_assert_int_eq(r.rows, 10000);
    ck_assert_int_eq(r.dropped, 39);
    ck_assert_int_eq(r.rows_train, 7968);
    ck_assert_int_eq(r.rows_test, 1993);
    ck_assert_int_eq(r.feature_version, 0);
    ck_assert_double_le(r.mae, 1.44);
    ck_assert_double_gt(r.mae_of_mean, 4 * r.mae);
    ck_assert_msg(strstr(place_said(&p), "18 of 18 candidates tried") != NULL, "%s",
                  place_said(&p));
    check_candidates(&p, &o, &r);
    check_artifacts(&p, &r);
    check_model(&p, &r);
    check_baseline(&p, &r);
    place_close(&p);
}
END_TEST

TEST(the_same_rows_become_the_same_bytes_on_any_number_of_threads)
{
    place p;
    place_open(&p, rooms, countof(rooms));
    train_spec o = taxi_spec();
    o.n_axes = 1; /* three candidates tell as much as eighteen */
    train_result r, again;
    ck_ok(train_run(p.h, p.a, &o, NULL, &r));
    o.threads = 1;
    ck_ok(train_run(p.h, p.a, &o, NULL, &again));
    ck_assert_int_eq(again.feature_version, 1);
    ck_assert(str_eq(artifact_of(&p, "models", r.model_id, "model.lgb"),
                     artifact_of(&p, "models", again.model_id, "model.lgb")));
    ck_assert(str_eq(artifact_of(&p, "models", r.model_id, "probes.json"),
                     artifact_of(&p, "models", again.model_id, "probes.json")));
    ck_assert(!str_eq(r.model_id, again.model_id));
    place_close(&p);
}
END_TEST

/* --- small data, and what can be wrong with it */

static const feature_def few[] = {{STR("x"), STR("x")}, {STR("z"), STR("x % 7")}};
static const key_value quick[] = {{STR("objective"), STR("regression")},
                                  {STR("num_iterations"), STR("5")},
                                  {STR("min_data_in_leaf"), STR("2")}};
static source_spec small_source;

static train_spec small_spec(const char *sql)
{
    small_source = (source_spec){.name = STR("src"), .sql = str_of(sql)};
    return (train_spec){.name = STR("small"),
                        .experiment = STR("/small"),
                        .registered_model = STR("small"),
                        .sources = &small_source,
                        .n_sources = 1,
                        .source = STR("src"),
                        .features = {.name = STR("few"),
                                     .table = STR("few"),
                                     .v = few,
                                     .n = 2,
                                     .label = {STR("y"), STR("y")}},
                        .baseline_table = STR("base"),
                        .algorithm = STR("lightgbm"),
                        .folds = 2,
                        .holdout_every = 5,
                        .metric = STR("rmse"),
                        .params = quick,
                        .n_params = countof(quick),
                        .threads = 2};
}
#define GOOD "SELECT i AS x, i * 0.5 AS y FROM range(100) r(i)"

static run only_run(place *p, size_t want)
{
    str id;
    ck_ok(tracking_experiment_ensure(home_db(p->h), p->a, STR("/small"), &id));
    run_query q = {.experiment_ids = &id, .n_experiment_ids = 1, .roots_only = true, .max = 100};
    run *v;
    size_t n;
    ck_ok(tracking_runs(home_db(p->h), p->a, &q, &v, &n));
    ck_assert_uint_eq(n, want);
    return want ? v[0] : (run){0};
}

/* fails: the error says so, the run ended FAILED with the same words, and no model became READY. */
static void fails(const train_spec *o, err kind, const char *words)
{
    place p;
    place_open(&p, rooms, countof(rooms));
    train_result r = {.rows = -1};
    ck_err(train_run(p.h, p.a, o, &p.p, &r), kind);
    ck_assert_msg(strstr(err_message(), words) != NULL, "%s", err_message());
    ck_assert_int_eq(r.rows, -1);
    str said = str_dup(p.a, str_of(err_message()));
    run failed = only_run(&p, 1);
    ck_assert(str_is(failed.status, "FAILED") && failed.end_ms > 0);
    ck_assert(str_eq(value_of(failed.tags, failed.n_tags, "tidemill.error"), said));
    db_rows logged;
    ck_ok(db_rows_of(home_db(p.h), p.a, "SELECT id FROM logged_model", DB_NO_ARGS, &logged));
    ck_assert_uint_eq(logged.n, 0);
    place_close(&p);
}

/* refused: wrong before a run was begun. */
static void refused(const train_spec *o, const char *words)
{
    place p;
    place_open(&p, rooms, countof(rooms));
    train_result r;
    ck_err(train_run(p.h, p.a, o, &p.p, &r), ERR_INVALID);
    ck_assert_msg(strstr(err_message(), words) != NULL, "%s", err_message());
    only_run(&p, 0);
    place_close(&p);
}

#define LABEL_33(what)                                                                             \
    "SELECT i AS x, CASE WHEN i = 33 THEN " what " ELSE i * 0.5 END AS y FROM range(100) r(i)"

TEST(a_label_that_is_no_finite_number_names_its_row)
{
    train_spec o = small_spec(LABEL_33("'NaN'::DOUBLE"));
    fails(&o, ERR_INVALID, "label y of row 33 is missing");
    o = small_spec(LABEL_33("NULL"));
    fails(&o, ERR_INVALID, "label y of row 33 is missing");
    o = small_spec(LABEL_33("'Infinity'::DOUBLE"));
    fails(&o, ERR_INVALID, "label y of row 33 is infinite");
    o = small_spec(LABEL_33("'-Infinity'::DOUBLE"));
    fails(&o, ERR_INVALID, "label y of row 33 is infinite");
    o = small_spec(LABEL_33("1e39::DOUBLE"));
    fails(&o, ERR_INVALID, "label y of row 33 is too large");
    o = small_spec("SELECT i AS x, 'much' AS y FROM range(100) r(i)");
    fails(&o, ERR_INVALID, "label y is a string, want a number");
}
END_TEST

TEST(too_few_rows_for_the_folds_are_refused)
{
    train_spec o = small_spec("SELECT i AS x, 1.0 AS y FROM range(24) r(i)");
    o.folds = 10;
    fails(&o, ERR_INVALID, "19 rows to fit and 5 held out are too few for 10 folds");
    o = small_spec("SELECT i AS x, 1.0 AS y FROM range(0) r(i)");
    fails(&o, ERR_INVALID, "0 rows to fit and 0 held out");
}
END_TEST

TEST(a_check_that_must_hold_stops_the_run_before_the_feature_table)
{
    static const expectation must[] = {{.name = STR("positive"),
                                        .kind = EXPECT_BETWEEN,
                                        .action = EXPECT_FAIL,
                                        .column = STR("y"),
                                        .min = 1,
                                        .max = HUGE_VAL}};
    train_spec o = small_spec(GOOD);
    o.checks = (suite){STR("strict"), must, 1};
    fails(&o, ERR_GATE, "checks strict: positive does not hold: 2 unexpected");
    static const expectation none[] = {{.name = STR("none"),
                                        .kind = EXPECT_BETWEEN,
                                        .action = EXPECT_DROP,
                                        .column = STR("y"),
                                        .min = 1000,
                                        .max = HUGE_VAL}};
    o.checks = (suite){STR("strict"), none, 1};
    fails(&o, ERR_INVALID, "100 rows");
}
END_TEST

TEST(features_must_be_numbers_with_names_that_a_model_can_keep)
{
    feature_def v[] = {few[0], {STR("word"), STR("'w' || x")}};
    train_spec o = small_spec(GOOD);
    o.features.v = v;
    fails(&o, ERR_INVALID, "feature word is a string, want a number");
    v[1] = (feature_def){STR("when"), STR("TIMESTAMP '2026-01-01 00:00:00'")};
    fails(&o, ERR_INVALID, "feature when is a datetime, want a number");
    v[1] = (feature_def){STR("two words"), STR("x")};
    refused(&o, "feature \"two words\"");
    v[1] = (feature_def){STR("a:b"), STR("x")};
    refused(&o, "feature \"a:b\"");
    o.features.n = 0;
    refused(&o, "there are no features");
    o = small_spec(GOOD);
    o.features.label = (feature_def){0};
    refused(&o, "has no label");
}
END_TEST

TEST(an_infinite_feature_names_itself)
{
    train_spec o = small_spec("SELECT i AS x0, CASE WHEN i = 7 THEN 'Infinity'::DOUBLE ELSE i END "
                              "AS x, i * 0.5 AS y FROM range(100) r(i)");
    feature_def v[] = {{STR("x"), STR("x")}};
    o.features.v = v;
    o.features.n = 1;
    fails(&o, ERR_INVALID, "feature x of row 7 is infinite");
}
END_TEST

TEST(what_the_spec_says_wrongly_is_refused)
{
    train_spec o = small_spec(GOOD);
    o.algorithm = STR("xgboost");
    refused(&o, "algorithm xgboost, want lightgbm");
    o = small_spec(GOOD);
    o.metric = STR("auc");
    refused(&o, "metric auc, want mae or rmse");
    o = small_spec(GOOD);
    o.folds = 1;
    refused(&o, "folds 1, want 2 to 20");
    o.folds = 21;
    refused(&o, "folds 21");
    o = small_spec(GOOD);
    o.holdout_every = 1;
    refused(&o, "holdout_every 1");
}
END_TEST

TEST(a_parameter_that_lightgbm_refuses_fails_with_its_words)
{
    static const struct {
        key_value p;
        const char *words;
    } bad[] = {
        {{STR("learning_rate"), STR("fast")}, "learning_rate"},
        {{STR("learning_rate"), STR("-1")}, "learning_rate"},
        {{STR("num_leaves"), STR("1")}, "num_leaves"},
        {{STR("objective"), STR("nothing")}, "nothing"},
        {{STR("objective"), STR("binary")}, "binary"},
        {{STR("learning_rat"), STR("0.1")}, "did you mean 'learning_rate'?"},
        {{STR("num_threads"), STR("2")}, "may not be set here"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        train_spec o = small_spec(GOOD);
        o.params = &bad[i].p;
        o.n_params = 1;
        fails(&o, ERR_INVALID, bad[i].words);
    }
}
END_TEST

TEST(an_unknown_source_and_a_mistake_in_sql_are_named)
{
    train_spec o = small_spec("SELECT * FROM nowhere");
    fails(&o, ERR_INVALID, "nowhere");
    o = small_spec(GOOD);
    o.source = STR("other");
    fails(&o, ERR_INVALID, "other");
}
END_TEST

TEST(sources_may_have_any_name_and_build_on_each_other)
{
    place p;
    place_open(&p, rooms, countof(rooms));
    const source_spec v[] = {{.name = STR("kept_rows"), .sql = STR(GOOD)},
                             {.name = STR("baseline_rows"), .sql = STR("FROM kept_rows")},
                             {.name = STR("t"), .sql = STR("SELECT 1 AS one")}};
    static const expectation some[] = {{.name = STR("some"),
                                        .kind = EXPECT_BETWEEN,
                                        .action = EXPECT_DROP,
                                        .column = STR("y"),
                                        .min = 10,
                                        .max = HUGE_VAL}};
    train_spec o = small_spec(GOOD);
    o.sources = v;
    o.n_sources = 3;
    o.source = STR("baseline_rows");
    o.checks = (suite){STR("suite"), some, 1};
    train_result r;
    ck_ok(train_run(p.h, p.a, &o, NULL, &r));
    ck_assert_int_eq(r.dropped, 20);
    ck_assert_int_eq(r.rows_train + r.rows_test, 80);
    place_close(&p);
}
END_TEST

static err train_small(place *p, const char *fault)
{
    (void)fault;
    train_spec o = small_spec(GOOD);
    train_result r;
    return train_run(p->h, p->a, &o, NULL, &r);
}

/* Runs ended, each model READY or given up; and the next training works. */
static void trained_well(place *p, const char *fault)
{
    str id;
    ck_ok(tracking_experiment_ensure(home_db(p->h), p->a, STR("/small"), &id));
    run_query q = {.experiment_ids = &id, .n_experiment_ids = 1, .roots_only = true, .max = 1};
    run *v;
    size_t n;
    ck_ok(tracking_runs(home_db(p->h), p->a, &q, &v, &n));
    if (!n) return; /* it failed before there was a run */
    db_rows ready;
    ck_ok(db_rows_of(home_db(p->h), p->a,
                     "SELECT id FROM logged_model WHERE source_run = ? AND status = 'READY'",
                     DB_ARGS(db_text(v[0].id)), &ready));
    if (str_is(v[0].status, "FINISHED"))
        ck_assert_msg(ready.n == 1, "%s: %zu models", fault, ready.n);
}

TEST(whatever_fails_no_run_is_finished_without_its_model)
{
    place p;
    place_open(&p, rooms, countof(rooms));
    ck_assert_int_gt(place_torture(&p, train_small, trained_well), 30);
    ck_ok(train_small(&p, NULL));
    place_close(&p);
}
END_TEST

TEST(missing_feature_values_train_as_missing_and_make_integers_doubles)
{
    place p;
    place_open(&p, rooms, countof(rooms));
    feature_def v[] = {{STR("gaps"), STR("CASE WHEN x % 4 = 0 THEN NULL ELSE x END")},
                       {STR("whole"), STR("x % 7")},
                       {STR("nan"), STR("CASE WHEN x % 3 = 0 THEN 'NaN'::DOUBLE ELSE x END")}};
    train_spec o = small_spec("SELECT i AS x, i * 0.5 AS y FROM range(1000) r(i)");
    o.features.v = v;
    o.features.n = 3;
    train_result r;
    ck_ok(train_run(p.h, p.a, &o, NULL, &r));
    ck_assert_int_eq(r.rows, 1000);
    ck_assert(str_is(r.drop_report, "null"));
    package pack;
    AUTO(model) m = NULL;
    ck_ok(registry_load(home_db(p.h), home_blobs(p.h), p.a, r.model_id, &pack, &m));
    ck_assert_int_eq(pack.sig.inputs.fields[0].type, FIELD_DOUBLE);
    ck_assert_int_eq(pack.sig.inputs.fields[1].type, FIELD_LONG);
    ck_assert_int_eq(pack.sig.inputs.fields[2].type, FIELD_DOUBLE);
    size_t probes;
    ck_ok(probes_check(home_db(p.h), home_blobs(p.h), str_c(p.a, r.model_id), m, &probes));
    ck_assert_uint_eq(probes, 200);
    AUTO(duck) d = NULL;
    ck_ok(sources_open(p.h, p.a, NULL, 0, 1, &d));
    baseline_row *b;
    size_t n;
    ck_ok(baseline_read(d, p.h, p.a, STR("base"), -1, &b, &n));
    ck_assert_uint_eq(b[0].d.count + b[0].d.missing, 800);
    ck_assert_uint_gt(b[0].d.missing, 100);
    place_close(&p);
}
END_TEST

TEST(many_rows_are_fitted_on_all_threads_to_the_same_bytes)
{
    place p;
    place_open(&p, rooms, countof(rooms));
    train_spec o = small_spec("SELECT hash(i) % 100000 AS x, sqrt(hash(i) % 100000) + i % 7 AS y "
                              "FROM range(260000) r(i)");
    train_result r, again;
    ck_ok(train_run(p.h, p.a, &o, NULL, &r));
    ck_assert_int_gt(r.rows_train, 200000);
    o.threads = 3;
    ck_ok(train_run(p.h, p.a, &o, NULL, &again));
    ck_assert(str_eq(artifact_of(&p, "models", r.model_id, "model.lgb"),
                     artifact_of(&p, "models", again.model_id, "model.lgb")));
    place_close(&p);
}
END_TEST

TEST(a_model_without_a_single_split_is_still_a_model)
{
    place p;
    place_open(&p, rooms, countof(rooms));
    train_spec o = small_spec("SELECT 1 AS x, 2.5 AS y FROM range(50) r(i)");
    train_result r;
    ck_ok(train_run(p.h, p.a, &o, NULL, &r));
    ck_assert_double_eq(r.mae, 0);
    ck_assert_double_eq(r.mae_of_mean, 0);
    place_close(&p);
}
END_TEST

TESTS("train", the_real_trips_become_a_good_model,
      the_same_rows_become_the_same_bytes_on_any_number_of_threads,
      a_label_that_is_no_finite_number_names_its_row, too_few_rows_for_the_folds_are_refused,
      a_check_that_must_hold_stops_the_run_before_the_feature_table,
      features_must_be_numbers_with_names_that_a_model_can_keep, an_infinite_feature_names_itself,
      what_the_spec_says_wrongly_is_refused, a_parameter_that_lightgbm_refuses_fails_with_its_words,
      an_unknown_source_and_a_mistake_in_sql_are_named,
      whatever_fails_no_run_is_finished_without_its_model,
      sources_may_have_any_name_and_build_on_each_other,
      missing_feature_values_train_as_missing_and_make_integers_doubles,
      many_rows_are_fitted_on_all_threads_to_the_same_bytes,
      a_model_without_a_single_split_is_still_a_model)
