/* Validation: first, better, worse and identical models, declared bounds, retries, damage, and
 * doing it twice. */
#include "evaluate/evaluate.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "logged.h"
#include "place.h"

static const db_migration *const rooms[] = {&tracking_migration, &registry_migration};

#define FEATURES "main.ml.feature_table"
#define MODEL    "main.ml.fare"
enum { ROWS = 500, HELD_OUT = 100 };

/* The golden model, and one that is wrong by 1 on the rows of one leaf, by 100 with worse 2. */
static str model_text(place *p, int worse)
{
    str bytes;
    model_free(logged_golden(p->a, "lgb_taxi", &bytes));
    if (!worse) return bytes;
    char *copy = arena_alloc(p->a, bytes.n + 1, 1);
    memcpy(copy, bytes.p, bytes.n);
    char *leaf = strstr(copy, "leaf_value=");
    ck_assert(leaf != NULL && leaf[strlen("leaf_value=")] == '1');
    leaf[strlen("leaf_value=") + (worse == 1)]++; /* 11.58… to 12.58… or 21.58… */
    return (str){copy, bytes.n};
}

/* The feature table: labels are what the golden model says, plus what is given for the held-out
 * rows as SQL over i. */
static void put_features(place *p, const char *error)
{
    AUTO(duck) d = NULL;
    str bytes;
    AUTO(model) m = logged_golden(p->a, "lgb_taxi", &bytes);
    field fields[7];
    for (size_t c = 0; c < 6; c++)
        fields[c] = (field){model_features(m)[c], FIELD_DOUBLE, true};
    fields[6] = (field){STR("said"), FIELD_DOUBLE, true};
    const schema s = {.fields = fields, .n = 7};
    frame *f = frame_new(p->a, &s, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        double row[6] = {(double)(i % 50) * 0.3, (double)(i % 24),    (double)(i % 7),
                         1 + (double)(i % 2),    (double)(i % 7 > 4), (double)(i % 2)};
        for (size_t c = 0; c < 6; c++)
            f->cols[c].f64[i] = row[c];
        model_predict(m, (matrix){row, 1, 6, 6}, &f->cols[6].f64[i]);
    }
    ck_ok(sources_open(p->h, p->a, NULL, 0, 1, &d));
    ck_ok(duck_put(d, "made", f));
    delta_write_spec o = {
        .query = str_fmt(p->a,
                         "SELECT i AS row_index, NULL::TIMESTAMPTZ AS event_time, * EXCLUDE (i, "
                         "said), said + (%s) AS fare_amount FROM (SELECT row_number() OVER () - 1 "
                         "AS i, * FROM made)",
                         error),
        .mode = DELTA_OVERWRITE,
        .now_ms = 1};
    ck_ok(home_table_dir(p->h, p->a, STR(FEATURES), &o.dir));
    delta_written w;
    ck_ok(delta_write(d, home_db(p->h), &o, &w));
}

static const gate_spec gates[] = {
    {.name = STR("better"), .metric = STR("mae"), .beats_champion = true},
    {.name = STR("good"), .metric = STR("mae"), .has_max = true, .max = 5},
};

/* A logged model with a run of its own, to be validated. */
static validate_spec spec(place *p, const logged_options *o)
{
    store s = place_store(p);
    str run_id;
    ck_ok(tracking_run_create(s.d, p->a, &(run_spec){.experiment_id = STR("0"), .start_ms = 1},
                              &run_id));
    str id = logged_model_put(&s, o);
    return (validate_spec){.registered_model = STR(MODEL),
                           .run_id = run_id,
                           .model_id = id,
                           .feature_table = STR(FEATURES),
                           .feature_version = 0,
                           .holdout_every = 5,
                           .label = STR("fare_amount"),
                           .gates = gates,
                           .n_gates = countof(gates),
                           .load_tries = 3,
                           .load_wait_ms = 1,
                           .at_ms = 1,
                           .once = str_fmt(p->a, "%.*s/validate", STR_ARG(run_id))};
}

static validate_result run_ok(place *p, const validate_spec *o)
{
    validate_result r;
    ck_ok(validate_run(p->h, p->a, o, &p->p, &r));
    return r;
}

static void crown(place *p, int64_t version)
{
    ck_ok(registry_alias_set(home_db(p->h), STR(MODEL), STR("champion"), version, -1, 1));
}

static int64_t alias_of(place *p, const char *alias)
{
    model_version v;
    err e = registry_alias_get(home_db(p->h), p->a, STR(MODEL), str_of(alias), &v);
    ck_assert(!e || e == ERR_MISSING);
    return e ? 0 : v.version;
}

static str tag_of(place *p, int64_t version, const char *key)
{
    model_version v;
    ck_ok(registry_version_get(home_db(p->h), p->a, STR(MODEL), version, &v));
    for (size_t i = 0; i < v.n_tags; i++)
        if (str_is(v.tags[i].key, key)) return v.tags[i].value;
    return STR("");
}

static void begin(place *p, const char *error)
{
    place_open(p, rooms, countof(rooms));
    put_features(p, error);
}

TEST(the_first_model_passes_by_being_first_and_says_so)
{
    place p;
    begin(&p, "0.5");
    validate_spec o = spec(&p, &(logged_options){0});
    validate_result r = run_ok(&p, &o);
    ck_assert(r.passed && r.first);
    ck_assert_int_eq(r.version, 1);
    ck_assert_int_eq(r.champion_version, 0);
    ck_near(r.mae, 0.5, 1e-12, 0);
    ck_assert(isnan(r.champion_mae));
    ck_assert_int_eq(r.probes, LOGGED_ROWS);
    ck_assert_int_eq(r.load_tries, 1);
    ck_assert(str_starts(r.reason, "first model: passes by being first"));
    ck_assert_int_eq(alias_of(&p, "challenger"), 1);
    ck_assert_int_eq(alias_of(&p, "champion"), 0);
    ck_assert(str_is(tag_of(&p, 1, "validation.passed"), "true"));
    ck_assert(str_starts(tag_of(&p, 1, "validation.reason"), "first model"));
    str json;
    yyjson_val *v;
    int64_t n;
    ck_ok(artifact_get(home_db(p.h), home_blobs(p.h), p.a,
                       str_fmt(p.a, "runs/%.*s", STR_ARG(o.run_id)), STR("validation.json"), 65536,
                       &json));
    ck_ok(json_parse(p.a, json, "validation.json", &v));
    ck_ok(json_get_i64(v, "", "heldout_rows", &n));
    ck_assert_int_eq(n, HELD_OUT);
    place_close(&p);
}
END_TEST

TEST(a_better_model_passes_and_a_worse_one_does_not)
{
    place p;
    begin(&p, "0");
    validate_spec worse = spec(&p, &(logged_options){.bytes = model_text(&p, 1)}),
                  better = spec(&p, &(logged_options){0}),
                  worst = spec(&p, &(logged_options){.bytes = model_text(&p, 2)});
    ck_assert_int_eq(run_ok(&p, &worse).version, 1);
    crown(&p, 1);
    validate_result r = run_ok(&p, &better);
    ck_assert(r.passed && !r.first);
    ck_assert_int_eq(r.version, 2);
    ck_assert_int_eq(r.champion_version, 1);
    ck_assert_double_eq(r.mae, 0);
    ck_assert_double_gt(r.champion_mae, 0);
    ck_assert_msg(strstr(str_c(p.a, r.reason), "beats champion version 1") != NULL, "%.*s",
                  STR_ARG(r.reason));
    r = run_ok(&p, &worst);
    ck_assert(!r.passed && !r.first); /* a verdict, no error */
    ck_assert_int_eq(r.version, 3);
    ck_assert(r.mae > r.champion_mae);
    ck_assert_msg(strstr(str_c(p.a, r.reason), "does not beat champion version 1") != NULL, "%.*s",
                  STR_ARG(r.reason));
    ck_assert_int_eq(alias_of(&p, "challenger"), 3);
    ck_assert_int_eq(alias_of(&p, "champion"), 1);
    ck_assert(str_is(tag_of(&p, 3, "validation.passed"), "false"));
    place_close(&p);
}
END_TEST

TEST(an_identical_model_does_not_beat_the_champion)
{
    place p;
    begin(&p, "0.25");
    validate_spec one = spec(&p, &(logged_options){0}), two = spec(&p, &(logged_options){0});
    run_ok(&p, &one);
    crown(&p, 1);
    validate_result r = run_ok(&p, &two);
    ck_assert_int_eq(r.version, 2);
    ck_assert(!r.passed);
    ck_assert_double_eq(r.mae, r.champion_mae);
    ck_assert(strstr(str_c(p.a, r.reason), "does not beat") != NULL);
    place_close(&p);
}
END_TEST

TEST(a_broken_bound_is_a_failed_gate_and_leaves_the_challenger)
{
    place p;
    begin(&p, "CASE WHEN i % 5 = 0 THEN 6 ELSE 0 END");
    validate_spec o = spec(&p, &(logged_options){0}), two = spec(&p, &(logged_options){0});
    o.n_gates = 1; /* only the comparison */
    run_ok(&p, &o);
    validate_result r = {.version = -1};
    ck_err(validate_run(p.h, p.a, &two, &p.p, &r), ERR_GATE);
    ck_assert_msg(strstr(err_message(), "gate good failed: mae is 6.0000, want at most 5") != NULL,
                  "%s", err_message());
    ck_assert_int_eq(r.version, -1);
    ck_assert_int_eq(alias_of(&p, "challenger"), 1);
    ck_assert(str_is(tag_of(&p, 2, "validation.passed"), "false"));
    ck_assert(str_starts(tag_of(&p, 2, "validation.reason"), "gate good failed"));
    const gate_spec both[] = {
        {.name = STR("a"), .metric = STR("rmse"), .has_max = true, .max = 1},
        {.name = STR("b"), .metric = STR("r2"), .has_min = true, .min = 0.99},
    };
    two.gates = both;
    ck_err(validate_run(p.h, p.a, &two, &p.p, &r), ERR_GATE);
    ck_assert_msg(strstr(err_message(), "gate a failed: rmse is 6.0000, want at most 1; gate b "
                                        "failed: r2") != NULL,
                  "%s", err_message());
    const gate_spec odd[] = {{.name = STR("c"), .metric = STR("auc"), .has_min = true}};
    two.gates = odd;
    two.n_gates = 1;
    ck_err(validate_run(p.h, p.a, &two, &p.p, &r), ERR_INVALID);
    ck_assert(strstr(err_message(), "metric auc, want mae, rmse or r2") != NULL);
    place_close(&p);
}
END_TEST

TEST(a_repeated_call_registers_nothing_new)
{
    place p;
    begin(&p, "0.5");
    validate_spec o = spec(&p, &(logged_options){0});
    ck_assert_int_eq(run_ok(&p, &o).version, 1);
    validate_result r = run_ok(&p, &o);
    ck_assert(r.version == 1 && r.passed && r.first);
    crown(&p, 1); /* deployed, and then repeated: it may be deployed again */
    r = run_ok(&p, &o);
    ck_assert(r.version == 1 && r.passed && r.champion_version == 1);
    ck_assert(strstr(str_c(p.a, r.reason), "is champion version 1") != NULL);
    registered_model m;
    ck_ok(registry_model_get(home_db(p.h), p.a, STR(MODEL), &m));
    ck_assert_int_eq(m.latest_version, 1);
    place_close(&p);
}
END_TEST

static const char *blob_of(place *p, str model_id, const char *path)
{
    artifact *v;
    size_t n;
    ck_ok(artifact_list(home_db(p->h), p->a, str_fmt(p->a, "models/%.*s", STR_ARG(model_id)),
                        STR(""), &v, &n));
    for (size_t i = 0; i < n; i++)
        if (str_is(v[i].path, path))
            return blob_path(home_blobs(p->h), p->a, str_c(p->a, v[i].sha256));
    ck_abort_msg("no artifact %s", path);
}

static void damage(const char *path)
{
    ck_assert(!chmod(path, 0600));
    FILE *f = fopen(path, "r+");
    ck_assert(f != NULL);
    ck_assert(!fseek(f, 100, SEEK_SET) && fputc('#', f) == '#' && !fclose(f));
}

static size_t count_of(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        n++;
    return n;
}

TEST(a_damaged_blob_is_an_error_after_bounded_tries_each_told)
{
    place p;
    begin(&p, "0");
    validate_spec o = spec(&p, &(logged_options){0});
    const char *blob = blob_of(&p, o.model_id, "model.lgb");
    damage(blob);
    validate_result r;
    ck_err(validate_run(p.h, p.a, &o, &p.p, &r), ERR_IO);
    ck_assert_msg(strstr(err_message(), "does not load after 3 tries") &&
                      strstr(err_message(), "damaged"),
                  "%s", err_message());
    ck_assert_uint_eq(count_of(place_said(&p), ": try "), 3);
    ck_assert(strstr(place_said(&p), "try 3 of 3: ") != NULL);
    ck_assert_int_eq(alias_of(&p, "challenger"), 0);
    ck_assert(!remove(blob)); /* gone altogether: the same */
    ck_err(validate_run(p.h, p.a, &o, &p.p, &r), ERR_MISSING);
    ck_assert_uint_eq(count_of(place_said(&p), ": try "), 6);
    place_close(&p);
}
END_TEST

TEST(a_model_that_can_never_load_is_tried_once)
{
    place p;
    begin(&p, "0");
    validate_spec o = spec(&p, &(logged_options){0});
    ck_ok(artifact_put(home_db(p.h), home_blobs(p.h),
                       str_fmt(p.a, "models/%.*s", STR_ARG(o.model_id)), STR("model.lgb"),
                       STR("tree\nversion=v4\n")));
    validate_result r;
    ck_assert_int_ne(validate_run(p.h, p.a, &o, &p.p, &r), ERR_OK);
    ck_assert_msg(strstr(err_message(), "does not load after 1 try"), "%s", err_message());
    ck_assert_uint_eq(count_of(place_said(&p), ": try "), 1);
    place_close(&p);
}
END_TEST

typedef struct late {
    place *p;
    const char *from, *to;
    int tries;
} late;

/* Puts the blob back when the second try has failed. */
static void hear_and_mend(void *ctx, str text)
{
    late *l = ctx;
    if (str_starts(text, "load model") && ++l->tries == 2) ck_assert(!rename(l->from, l->to));
}

TEST(storage_that_comes_late_is_waited_for)
{
    place p;
    begin(&p, "0");
    validate_spec o = spec(&p, &(logged_options){0});
    const char *blob = blob_of(&p, o.model_id, "model.lgb"),
               *aside = cstr_fmt(p.a, "%s.away", blob);
    ck_assert(!rename(blob, aside));
    late l = {&p, aside, blob, 0};
    const progress mend = {hear_and_mend, &l};
    validate_result r;
    ck_ok(validate_run(p.h, p.a, &o, &mend, &r));
    ck_assert_int_eq(r.load_tries, 3);
    ck_assert(r.passed);
    place_close(&p);
}
END_TEST

TEST(probes_that_do_not_agree_are_refused_with_their_row)
{
    place p;
    begin(&p, "0");
    validate_spec o = spec(&p, &(logged_options){0});
    str root = str_fmt(p.a, "models/%.*s", STR_ARG(o.model_id)), text;
    ck_ok(
        artifact_get(home_db(p.h), home_blobs(p.h), p.a, root, STR("probes.json"), 1 << 20, &text));
    char *copy = arena_alloc(p.a, text.n + 1, 1);
    memcpy(copy, text.p, text.n);
    char *at = strstr(copy, "\"predictions\":[");
    ck_assert(at != NULL);
    at = strchr(strchr(at, ',') + 1, ','); /* the end of prediction 1 */
    at[-1] = at[-1] == '1' ? '2' : '1';
    ck_ok(artifact_put(home_db(p.h), home_blobs(p.h), root, STR("probes.json"), str_of(copy)));
    validate_result r;
    ck_err(validate_run(p.h, p.a, &o, &p.p, &r), ERR_INTERNAL);
    ck_assert_msg(strstr(err_message(), "row 1: the model answers ") != NULL, "%s", err_message());
    ck_assert_int_eq(alias_of(&p, "challenger"), 0);
    o = spec(&p, &(logged_options){.probes = ""});
    ck_err(validate_run(p.h, p.a, &o, &p.p, &r), ERR_INVALID);
    ck_assert(strstr(err_message(), "has no probes.json") != NULL);
    place_close(&p);
}
END_TEST

static validate_spec tortured;

static err validate_tortured(place *p, const char *fault)
{
    (void)fault;
    validate_result r;
    return validate_run(p->h, p->a, &tortured, NULL, &r);
}

/* The next fault has a version of its own. */
static void validated_once(place *p, const char *fault)
{
    static int64_t versions;
    validate_result r;
    ck_ok(validate_run(p->h, p->a, &tortured, NULL, &r));
    ck_assert_msg(r.version == ++versions && r.passed, "%s: version %lld", fault,
                  (long long)r.version);
    ck_assert_int_eq(alias_of(p, "challenger"), versions);
    ck_assert(str_is(tag_of(p, versions, "validation.passed"), "true"));
    tortured = spec(p, &(logged_options){0});
}

TEST(whatever_fails_a_repeat_registers_one_version)
{
    place p;
    begin(&p, "0.5");
    tortured = spec(&p, &(logged_options){0});
    ck_assert_int_gt(place_torture(&p, validate_tortured, validated_once), 10);
    place_close(&p);
}
END_TEST

TEST(a_champion_that_cannot_be_scored_is_named)
{
    place p;
    begin(&p, "0");
    validate_spec one = spec(&p, &(logged_options){0}), two = spec(&p, &(logged_options){0});
    run_ok(&p, &one);
    crown(&p, 1);
    ck_ok(artifact_put(home_db(p.h), home_blobs(p.h),
                       str_fmt(p.a, "models/%.*s", STR_ARG(one.model_id)), STR("model.lgb"),
                       STR("rubbish")));
    validate_result r;
    ck_assert_int_ne(validate_run(p.h, p.a, &two, &p.p, &r), ERR_OK);
    ck_assert_msg(strstr(err_message(), "champion version 1") != NULL, "%s", err_message());
    place_close(&p);
}
END_TEST

TEST(rows_that_are_not_there_are_named)
{
    place p;
    begin(&p, "0");
    validate_spec o = spec(&p, &(logged_options){0});
    validate_result r;
    o.feature_version = 9;
    ck_err(validate_run(p.h, p.a, &o, &p.p, &r), ERR_MISSING);
    o.feature_version = 0;
    o.label = STR("tip");
    ck_err(validate_run(p.h, p.a, &o, &p.p, &r), ERR_MISSING);
    ck_assert_msg(strstr(err_message(), "tip") != NULL, "%s", err_message());
    o = spec(&p, &(logged_options){0});
    o.model_id = STR("m-00000000000000000000000000000000");
    ck_err(validate_run(p.h, p.a, &o, &p.p, &r), ERR_MISSING);
    place_close(&p);
}
END_TEST

TESTS("evaluate", the_first_model_passes_by_being_first_and_says_so,
      a_better_model_passes_and_a_worse_one_does_not, an_identical_model_does_not_beat_the_champion,
      a_broken_bound_is_a_failed_gate_and_leaves_the_challenger,
      a_repeated_call_registers_nothing_new,
      a_damaged_blob_is_an_error_after_bounded_tries_each_told,
      a_model_that_can_never_load_is_tried_once, storage_that_comes_late_is_waited_for,
      probes_that_do_not_agree_are_refused_with_their_row,
      whatever_fails_a_repeat_registers_one_version, a_champion_that_cannot_be_scored_is_named,
      rows_that_are_not_there_are_named)
