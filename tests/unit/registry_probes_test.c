/* Probes: rows with the answers of training: right ones, every kind of damage, and numbers at the
 * edges of what JSON can say. */
#include "registry/probes.h"

#include "logged.h"

typedef struct kit {
    store s;
    model *m;
    str id;
} kit;

static void begin(kit *k)
{
    const db_migration rooms[] = {tracking_migration, registry_migration};
    store_open(&k->s, rooms, 2);
    str bytes;
    k->m = logged_golden(k->s.a, "lgb_taxi", &bytes);
    k->id = logged_model_put(&k->s, &(logged_options){0});
}

static void end(kit *k)
{
    model_unref(k->m);
    store_close(&k->s);
}

static void put(kit *k, const char *text)
{
    ck_ok(artifact_put(k->s.d, k->s.b, str_fmt(k->s.a, "models/%.*s", STR_ARG(k->id)),
                       STR("probes.json"), str_of(text)));
}

static err check(kit *k, size_t *ret_n)
{
    return probes_check(k->s.d, k->s.b, str_c(k->s.a, k->id), k->m, ret_n);
}

#define COLUMNS                                                                                    \
    "\"columns\":[\"trip_distance\",\"pickup_hour\",\"pickup_dayofweek\",\"pickup_month\","        \
    "\"is_weekend\",\"is_rush_hour\"]"

TEST(what_training_wrote_agrees_in_any_order_of_columns)
{
    kit k;
    size_t n = 99;
    begin(&k);
    ck_ok(check(&k, &n));
    ck_assert_uint_eq(n, LOGGED_ROWS);
    double row[6] = {1.5, 2, 3, 1, 0, 1}, want;
    model_predict(k.m, (matrix){row, 1, 6, 6}, &want);
    char text[F64_PRINT_MAX];
    str number = {text, f64_print(want, text)};
    put(&k, cstr_fmt(k.s.a,
                     "{\"columns\":[\"is_rush_hour\",\"trip_distance\",\"pickup_hour\","
                     "\"pickup_dayofweek\",\"pickup_month\",\"is_weekend\"],"
                     "\"rows\":[[1,1.5,2,3,1,0]],\"predictions\":[%.*s]}",
                     STR_ARG(number)));
    ck_ok(check(&k, &n));
    ck_assert_uint_eq(n, 1);
    put(&k, "{" COLUMNS ",\"rows\":[],\"predictions\":[]}");
    ck_ok(check(&k, &n));
    ck_assert_uint_eq(n, 0);
    end(&k);
}
END_TEST

TEST(missing_and_infinite_values_are_values_too)
{
    kit k;
    size_t n;
    begin(&k);
    double nan = (double)NAN, inf = (double)INFINITY;
    double row[6] = {nan, inf, -inf, -0.0, nan, 0}, want;
    model_predict(k.m, (matrix){row, 1, 6, 6}, &want);
    char text[F64_PRINT_MAX];
    str number = {text, f64_print(want, text)};
    put(&k, cstr_fmt(k.s.a,
                     "{" COLUMNS ",\"rows\":[[null,\"Infinity\",\"-Infinity\",-0.0,\"NaN\",0]],"
                     "\"predictions\":[%.*s]}",
                     STR_ARG(number)));
    ck_ok(check(&k, &n));
    ck_assert_uint_eq(n, 1);
    end(&k);
}
END_TEST

TEST(the_smallest_difference_is_seen)
{
    kit k;
    size_t n = 99;
    begin(&k);
    double row[6] = {1.5, 2, 3, 1, 0, 1}, want;
    model_predict(k.m, (matrix){row, 1, 6, 6}, &want);
    char text[F64_PRINT_MAX];
    double other = nextafter(want, 0);
    str number = {text, f64_print(other, text)};
    put(&k, cstr_fmt(k.s.a, "{" COLUMNS ",\"rows\":[[1.5,2,3,1,0,1]],\"predictions\":[%.*s]}",
                     STR_ARG(number)));
    ck_err(check(&k, &n), ERR_INTERNAL);
    ck_assert_msg(strstr(err_message(), "row 0: the model answers ") != NULL, "%s", err_message());
    ck_assert_uint_eq(n, 99);
    end(&k);
}
END_TEST

TEST(damaged_files_are_refused_with_the_place)
{
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"", "probes.json"},
        {"[]", "probes.json"},
        {"{", "probes.json"},
        {"{\"columns\":[],\"rows\":[],\"predictions\":[]}", "0 columns, the model has 6"},
        {"{\"columns\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"],\"rows\":[],\"predictions\":[]}",
         "columns[0]: no feature"},
        {"{\"columns\":[\"pickup_hour\",\"pickup_hour\",\"pickup_dayofweek\",\"pickup_month\","
         "\"is_weekend\",\"is_rush_hour\"],\"rows\":[],\"predictions\":[]}",
         "columns[1]: a second time"},
        {"{\"columns\":[1,2,3,4,5,6],\"rows\":[],\"predictions\":[]}", "columns[0]"},
        {"{" COLUMNS ",\"rows\":[[1,2,3,4,5,6]],\"predictions\":[]}", "0 predictions for 1 rows"},
        {"{" COLUMNS ",\"rows\":[[1,2,3,4,5]],\"predictions\":[1]}", "rows[0]: want 6 numbers"},
        {"{" COLUMNS ",\"rows\":[[1,2,3,4,5,6],7],\"predictions\":[1,2]}", "rows[1]"},
        {"{" COLUMNS ",\"rows\":[[1,2,3,4,5,\"x\"]],\"predictions\":[1]}", "rows[0]"},
        {"{" COLUMNS ",\"rows\":[[1,2,3,4,5,[]]],\"predictions\":[1]}", "rows[0]"},
        {"{" COLUMNS ",\"rows\":[[1,2,3,4,5,6]],\"predictions\":[true]}", "predictions[0]"},
        {"{" COLUMNS ",\"rows\":{},\"predictions\":[]}", "rows"},
    };
    kit k;
    size_t n;
    begin(&k);
    for (size_t i = 0; i < countof(bad); i++) {
        put(&k, bad[i].text);
        err e = check(&k, &n);
        ck_assert_msg(e == ERR_FORMAT || e == ERR_INVALID || e == ERR_MISSING, "%s: %s",
                      bad[i].text, err_name(e));
        ck_assert_msg(strstr(err_message(), bad[i].words) != NULL, "%s: %s", bad[i].text,
                      err_message());
    }
    end(&k);
}
END_TEST

TEST(a_package_without_probes_has_none)
{
    kit k;
    size_t n = 99;
    begin(&k);
    k.id = logged_model_put(&k.s, &(logged_options){.probes = ""});
    ck_ok(check(&k, &n));
    ck_assert_uint_eq(n, 0);
    end(&k);
}
END_TEST

TESTS("registry/probes", what_training_wrote_agrees_in_any_order_of_columns,
      missing_and_infinite_values_are_values_too, the_smallest_difference_is_seen,
      damaged_files_are_refused_with_the_place, a_package_without_probes_has_none)
