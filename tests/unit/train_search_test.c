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
    AUTO(lgb) l = NULL;
    ck_ok(lgb_open(&l));
    train_spec o = spec();
    candidate *v;
    size_t n;
    ck_ok(candidates_make(l, a, &o, &v, &n));
    ck_assert_uint_eq(n, 6);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(v[i].iterations, 20);
        ck_assert(strstr(v[i].text, "objective=regression_l1") != NULL);
        ck_assert(strstr(v[i].text, "num_iterations") == NULL);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(v[i].text, v[k].text);
    }
}

static void refused(key_value p, const char *words)
{
    AUTO(arena) a = arena_new(0);
    AUTO(lgb) l = NULL;
    ck_ok(lgb_open(&l));
    train_spec o = spec();
    o.params = &p;
    o.n_params = 1;
    candidate *v;
    size_t n;
    ck_err(candidates_make(l, a, &o, &v, &n), ERR_INVALID);
    ck_assert_msg(strstr(err_message(), words) != NULL, "%s", err_message());
}

TEST(parameters_that_name_files_machines_or_threads_are_refused_under_every_alias)
{
    static const char *const names[] = {"machines",     "workers",     "forcedsplits_filename",
                                        "fs",           "num_threads", "n_jobs",
                                        "nthread",      "seed",        "random_state",
                                        "output_model", "model_out",   "input_model",
                                        "config",       "device",      "force_row_wise",
                                        "num_classes",  "verbose",     "save_period"};
    for (size_t i = 0; i < countof(names); i++)
        refused((key_value){str_of(names[i]), STR("1")}, "may not be set here");
}

TEST(parameters_that_lightgbm_would_ignore_are_refused)
{
    refused((key_value){STR("num_leafs"), STR("4")}, "did you mean 'num_leaf'?");
    refused((key_value){STR("folds"), STR("4")}, "has no parameter 'folds'");
    refused((key_value){STR(""), STR("4")}, "has no parameter ''");
    refused((key_value){STR("max_leaves"), STR("4")}, "given twice (it is LightGBM's num_leaves)");
}

TEST(values_cannot_smuggle_in_other_parameters)
{
    refused((key_value){STR("objective"), STR("l1 output_model=/tmp/x")}, "no white space");
    refused((key_value){STR("objective"), STR("l1\noutput_model")}, "no white space");
    refused((key_value){STR("objective"), STR("a=b")}, "'='");
    refused((key_value){STR("objective"), STR("")}, "want 1 to 500 bytes");
    refused((key_value){STR("n_estimators"), STR("0")}, "want a number from 1");
    refused((key_value){STR("n_estimators"), STR("many")}, "want a number from 1");
    refused((key_value){STR("num_round"), STR("100001")}, "want a number from 1 to 100000");
}

TEST(more_parameters_than_a_run_can_hold_are_refused)
{
    AUTO(arena) a = arena_new(0);
    AUTO(lgb) l = NULL;
    ck_ok(lgb_open(&l));
    train_spec o = spec();
    key_value v[91];
    for (size_t i = 0; i < countof(v); i++)
        v[i] = (key_value){STR("max_bin"), STR("15")};
    o.params = v;
    o.n_params = countof(v);
    candidate *c;
    size_t n;
    ck_err(candidates_make(l, a, &o, &c, &n), ERR_LIMIT);
}

TEST(too_many_candidates_are_refused_before_they_are_made)
{
    AUTO(arena) a = arena_new(0);
    AUTO(lgb) l = NULL;
    ck_ok(lgb_open(&l));
    str v[100];
    for (size_t i = 0; i < countof(v); i++)
        v[i] = STR("1");
    const search_axis big[] = {{STR("max_bin"), v, 100}, {STR("num_leaves"), v, 100}};
    train_spec o = spec();
    o.axes = big;
    candidate *c;
    size_t n;
    ck_err(candidates_make(l, a, &o, &c, &n), ERR_LIMIT);
    const search_axis none[] = {{STR("max_bin"), v, 0}};
    o.axes = none;
    o.n_axes = 1;
    ck_err(candidates_make(l, a, &o, &c, &n), ERR_INVALID);
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
    ck_ok(candidates_make(l, a, &o, &one, &n));
    ck_ok(candidates_make(l, a, &o, &three, &n));
    ck_ok(search_run(l, &d, one, n, 1, NULL));
    ck_ok(search_run(l, &d, three, n, 3, NULL));
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(memcmp(&one[i].mean_mae, &three[i].mean_mae, sizeof(double)), 0);
    const candidate *best = search_best(one, n, STR("mae"));
    for (size_t i = 0; i < n; i++)
        ck_assert(best->mean_mae <= one[i].mean_mae);
    ck_assert(best->mean_mae < 0.5);
}

TEST(waiting_threads_sleep)
{
    const char *policy = getenv("OMP_WAIT_POLICY");
    ck_assert(policy != NULL);
    ck_assert_str_eq(policy, "passive");
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
    ck_ok(candidates_make(l, a, &o, &v, &n));
    ck_err(search_run(l, &d, v, n, 2, NULL), ERR_INVALID);
    ck_assert(strstr(err_message(), "no_such_objective") != NULL);
}

TESTS("train/search", every_combination_is_a_candidate_once,
      parameters_that_name_files_machines_or_threads_are_refused_under_every_alias,
      parameters_that_lightgbm_would_ignore_are_refused, values_cannot_smuggle_in_other_parameters,
      more_parameters_than_a_run_can_hold_are_refused, waiting_threads_sleep,
      too_many_candidates_are_refused_before_they_are_made, folds_are_even_and_follow_the_seed,
      answers_do_not_depend_on_the_number_of_threads, of_equal_candidates_the_first_is_best,
      a_fit_that_fails_ends_the_search_with_lightgbms_words)
