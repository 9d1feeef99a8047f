#include "train/search_int.h"

#include "base/rng.h"
#include "model/model.h"
#include "test.h"

enum { ROWS = 400, COLS = 3 };

static const str rates[] = {STR("0.1"), STR("0.3")}, leaves[] = {STR("4"), STR("8"), STR("15")};
static const search_axis axes[] = {{STR("learning_rate"), rates, 2},
                                   {STR("num_leaves"), leaves, 3}};
static const key_value fixed[] = {{STR("objective"), STR("regression_l1")},
                                  {STR("num_iterations"), STR("20")}};

static train_spec spec(void)
{
    return (train_spec){.name = STR("t"),
                        .seed = 7,
                        .folds = 4,
                        .params = fixed,
                        .n_params = 2,
                        .axes = axes,
                        .n_axes = 2};
}

static train_data rows(arena *a)
{
    static const char *const names[] = {"a", "b", "c"};
    rng r;
    rng_init(&r, 1);
    double *x = arena_array(a, double, ROWS *COLS), *y = arena_array(a, double, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t c = 0; c < COLS; c++)
            x[i * COLS + c] = rng_f64(&r);
        y[i] = 3 * x[i * COLS] + (x[i * COLS + 1] > 0.5 ? 2 : 0) + 0.1 * rng_f64(&r);
    }
    return (train_data){.x = {x, ROWS, COLS, COLS},
                        .label = y,
                        .names = names,
                        .fold = folds_make(a, ROWS, 4, 7),
                        .folds = 4};
}

TEST(every_combination_is_a_candidate_once)
{
    AUTO(arena) a = arena_new(0);
    train_spec o = spec();
    candidate *v;
    size_t n;
    ck_ok(candidates_make(a, &o, &v, &n));
    ck_assert_uint_eq(n, 6);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(v[i].iterations, 20);
        ck_assert(strstr(v[i].text, "objective=regression_l1") != NULL);
        ck_assert(strstr(v[i].text, "num_iterations") == NULL);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(v[i].text, v[k].text);
    }
}

static void refused(key_value p)
{
    AUTO(arena) a = arena_new(0);
    train_spec o = spec();
    o.params = &p;
    o.n_params = 1;
    candidate *v;
    size_t n;
    ck_err(candidates_make(a, &o, &v, &n), ERR_INVALID);
}

TEST(parameters_that_name_files_machines_or_threads_are_refused)
{
    refused((key_value){STR("machines"), STR("10.0.0.1:80")});
    refused((key_value){STR("forcedsplits_filename"), STR("x.json")});
    refused((key_value){STR("num_threads"), STR("4")});
    refused((key_value){STR("seed"), STR("4")});
    refused((key_value){STR("objective"), STR("l1 output_model=/tmp/x")});
    refused((key_value){STR("n_estimators"), STR("0")});
    refused((key_value){STR("n_estimators"), STR("many")});
}

TEST(too_many_candidates_are_refused_before_they_are_made)
{
    AUTO(arena) a = arena_new(0);
    str v[100];
    for (size_t i = 0; i < countof(v); i++)
        v[i] = STR("1");
    const search_axis big[] = {{STR("a"), v, 100}, {STR("b"), v, 100}};
    train_spec o = spec();
    o.axes = big;
    candidate *c;
    size_t n;
    ck_err(candidates_make(a, &o, &c, &n), ERR_LIMIT);
    const search_axis none[] = {{STR("a"), v, 0}};
    o.axes = none;
    o.n_axes = 1;
    ck_err(candidates_make(a, &o, &c, &n), ERR_INVALID);
}

TEST(folds_are_even_and_follow_the_seed)
{
    AUTO(arena) a = arena_new(0);
    const int *f = folds_make(a, 1002, 5, 3), *same = folds_make(a, 1002, 5, 3),
              *other = folds_make(a, 1002, 5, 4);
    int count[5] = {0};
    for (size_t i = 0; i < 1002; i++)
        count[f[i]]++;
    for (int k = 0; k < 5; k++)
        ck_assert_int_ge(count[k], 200);
    ck_assert_int_eq(memcmp(f, same, 1002 * sizeof *f), 0);
    ck_assert_int_ne(memcmp(f, other, 1002 * sizeof *f), 0);
}

TEST(answers_do_not_depend_on_the_number_of_threads)
{
    AUTO(arena) a = arena_new(0);
    AUTO(lgb) l = NULL;
    ck_ok(lgb_open(&l));
    train_data d = rows(a);
    train_spec o = spec();
    candidate *one, *three;
    size_t n;
    ck_ok(candidates_make(a, &o, &one, &n));
    ck_ok(candidates_make(a, &o, &three, &n));
    ck_ok(search_run(l, &d, one, n, 1, NULL));
    ck_ok(search_run(l, &d, three, n, 3, NULL));
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(memcmp(&one[i].mean_mae, &three[i].mean_mae, sizeof(double)), 0);
    const candidate *best = search_best(one, n, STR("mae"));
    for (size_t i = 0; i < n; i++)
        ck_assert(best->mean_mae <= one[i].mean_mae);
    ck_assert(best->mean_mae < 0.5);
}

TEST(of_equal_candidates_the_first_is_best)
{
    candidate v[] = {{.mean_mae = 2, .mean_rmse = 1},
                     {.mean_mae = 1, .mean_rmse = 3},
                     {.mean_mae = 1, .mean_rmse = 3}};
    ck_assert_ptr_eq(search_best(v, 3, STR("mae")), &v[1]);
    ck_assert_ptr_eq(search_best(v, 3, STR("rmse")), &v[0]);
}

TEST(a_fit_that_fails_ends_the_search_with_lightgbms_words)
{
    AUTO(arena) a = arena_new(0);
    AUTO(lgb) l = NULL;
    ck_ok(lgb_open(&l));
    train_data d = rows(a);
    const key_value bad[] = {{STR("objective"), STR("no_such_objective")}};
    train_spec o = spec();
    o.params = bad;
    o.n_params = 1;
    candidate *v;
    size_t n;
    ck_ok(candidates_make(a, &o, &v, &n));
    ck_err(search_run(l, &d, v, n, 2, NULL), ERR_INVALID);
    ck_assert(strstr(err_message(), "no_such_objective") != NULL);
}

TESTS("train/search", every_combination_is_a_candidate_once,
      parameters_that_name_files_machines_or_threads_are_refused,
      too_many_candidates_are_refused_before_they_are_made, folds_are_even_and_follow_the_seed,
      answers_do_not_depend_on_the_number_of_threads, of_equal_candidates_the_first_is_best,
      a_fit_that_fails_ends_the_search_with_lightgbms_words)
