/* Damaged and odd LightGBM files: each is refused with the line and the words, and none crashes. */
#include <pthread.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "model/model.h"
#include "test.h"

static const char tiny[] = "tree\n"
                           "version=v4\n"
                           "num_class=1\n"
                           "num_tree_per_iteration=1\n"
                           "label_index=0\n"
                           "max_feature_idx=1\n"
                           "objective=regression\n"
                           "feature_names=distance zone\n"
                           "feature_infos=[0:1] 0:1:2\n"
                           "\n"
                           "Tree=0\n"
                           "num_leaves=3\n"
                           "num_cat=1\n"
                           "split_feature=0 1\n"
                           "split_gain=8 2\n"
                           "threshold=0.5 0\n"
                           "decision_type=2 1\n"
                           "left_child=1 -1\n"
                           "right_child=-3 -2\n"
                           "leaf_value=1 10 100\n"
                           "leaf_count=5 6 7\n"
                           "cat_boundaries=0 2\n"
                           "cat_threshold=5 1\n"
                           "is_linear=0\n"
                           "shrinkage=1\n"
                           "\n"
                           "end of trees\n"
                           "\n"
                           "pandas_categorical:[[\"a\", \"b\"]]\n";

/* tiny with the first `from` replaced. */
static str with(arena *a, const char *from, const char *to)
{
    str s = str_of(tiny);
    size_t at = 0;
    ck_assert_msg(str_find(s, str_of(from), &at), "%s", from);
    size_t behind = at + strlen(from);
    return str_fmt(a, "%.*s%s%.*s", (int)at, s.p, to, (int)(s.n - behind), s.p + behind);
}

TEST(a_tiny_model_tells_what_it_is_and_predicts)
{
    AUTO(model) m = NULL;
    ck_ok(model_load(str_of(tiny), NULL, "tiny", &m));
    const model_facts *f = model_get_facts(m);
    ck_assert_str_eq(f->format, "lightgbm");
    ck_assert_str_eq(f->objective, "regression");
    ck_assert(f->n_features == 2 && f->n_outputs == 1 && f->n_trees == 1 && f->n_leaves == 3 &&
              f->depth_max == 2 && f->bytes > 0);
    ck_assert(str_is(model_features(m)[0], "distance") && str_is(model_features(m)[1], "zone"));
    double x[] = {0.5, 2, 0.5, 1, 0.6, 0, 0.5, 32, NAN, NAN, 0.5, -0.5, 0.5, 1e18}, out[7];
    model_predict(m, (matrix){x, 7, 2, 2}, out);
    const double want[] = {1, 10, 100, 1, 10, 1, 10};
    for (int i = 0; i < 7; i++)
        ck_assert_msg(out[i] == want[i], "row %d: %g", i, out[i]);
}
END_TEST

TEST(importance_sums_gains_or_counts_splits)
{
    AUTO(model) m = NULL;
    double v[2] = {42, 42};
    ck_ok(model_load(str_of(tiny), NULL, "tiny", &m));
    ck_err(model_importance(m, "shap", v), ERR_INVALID);
    ck_assert(v[0] == 42);
    ck_ok(model_importance(m, "gain", v));
    ck_assert(v[0] == 8 && v[1] == 2);
    ck_ok(model_importance(m, "split", v));
    ck_assert(v[0] == 1 && v[1] == 1);
}
END_TEST

typedef struct damage {
    const char *from, *to;
    err want;
    const char *says;
} damage;

static const damage damages[] = {
    {"tree\n", "trees\n", ERR_FORMAT, "bad:1:"},
    {"version=v4", "version=v2", ERR_INVALID, "bad:2: LightGBM format version \"v2\""},
    {"version=v4\n", "", ERR_FORMAT, "\"version\" is missing"},
    {"num_class=1", "num_class=0", ERR_FORMAT, "bad:3: header: num_class"},
    {"num_class=1", "num_class=99999999", ERR_FORMAT, "not between"},
    {"num_class=1", "num_class=one", ERR_FORMAT, "bad:3:"},
    {"num_class=1", "num_class=1\nnum_class=1", ERR_FORMAT, "stands on line 3 already"},
    {"num_tree_per_iteration=1", "num_tree_per_iteration=2", ERR_FORMAT, "has one output"},
    {"max_feature_idx=1", "max_feature_idx=2", ERR_FORMAT, "feature_names has 2 names"},
    {"max_feature_idx=1", "max_feature_idx=-1", ERR_FORMAT, "max_feature_idx"},
    {"max_feature_idx=1", "max_feature_idx=65535", ERR_FORMAT, "max_feature_idx"},
    {"distance zone", "zone zone", ERR_FORMAT, "\"zone\" twice"},
    {"distance zone", "distance \xff", ERR_FORMAT, "UTF-8"},
    {"feature_names=distance zone\n", "", ERR_FORMAT, "\"feature_names\" is missing"},
    {"objective=regression", "objective=magic", ERR_INVALID, "bad:7: objective \"magic\""},
    {"objective=regression", "objective=", ERR_FORMAT, "objective: empty"},
    {"objective=regression", "objective=binary", ERR_FORMAT, "without sigmoid"},
    {"objective=regression", "objective=binary sigmoid:-1", ERR_FORMAT, "sigmoid:-1"},
    {"objective=regression", "objective=multiclass num_class:3", ERR_FORMAT, "num_class:3"},
    {"label_index=0", "flux_capacitor=0", ERR_INVALID,
     "bad:5: header: unknown key \"flux_capacitor\""},
    {"Tree=0", "Tree=1", ERR_FORMAT, "bad:11: want \"Tree=0\""},
    {"num_leaves=3", "num_leaves=0", ERR_FORMAT, "bad:12: Tree=0: num_leaves"},
    {"num_leaves=3", "num_leaves=4", ERR_FORMAT, "leaf_"},
    {"num_leaves=3", "num_leaves=16777216", ERR_FORMAT, "want 16777216"},
    {"num_leaves=3", "num_leaves=999999999999", ERR_FORMAT, "num_leaves"},
    {"num_leaves=3\n", "", ERR_FORMAT, "\"num_leaves\" is missing"},
    {"num_cat=1", "num_cat=3", ERR_FORMAT, "num_cat"},
    {"num_cat=1", "num_cat=0", ERR_FORMAT, "node 1 wants set of categories 0, there are 0"},
    {"split_feature=0 1", "split_feature=0 2", ERR_FORMAT,
     "bad:14: Tree=0: split_feature, number 2"},
    {"split_feature=0 1", "split_feature=0", ERR_FORMAT, "split_feature has 1 numbers, want 2"},
    {"split_feature=0 1", "split_feature=0 1 1", ERR_FORMAT, "has 3 numbers, want 2"},
    {"split_gain=8 2", "split_gain=8 x", ERR_FORMAT, "\"x\""},
    {"threshold=0.5 0", "threshold=0.5 1", ERR_FORMAT, "set of categories 1"},
    {"threshold=0.5 0", "threshold=0.5 nan", ERR_FORMAT, "set of categories nan"},
    {"threshold=0.5 0", "threshold=0.5 0.5", ERR_FORMAT, "set of categories 0.5"},
    {"threshold=0.5 0", "threshold=0,5 0", ERR_FORMAT, "0,5"},
    {"decision_type=2 1", "decision_type=2 16", ERR_FORMAT, "decision_type, number 2"},
    {"decision_type=2 1", "decision_type=12 1", ERR_FORMAT, "decision type 12"},
    {"left_child=1 -1", "left_child=0 -1", ERR_FORMAT, "node 0 leads to node 0"},
    {"left_child=1 -1", "left_child=1 0", ERR_FORMAT, "node 1 leads to node 0"},
    {"left_child=1 -1", "left_child=-1 -1", ERR_FORMAT, "reached from the root"},
    {"left_child=1 -1", "left_child=1 1", ERR_FORMAT, "leads to node 1"},
    {"left_child=1 -1", "left_child=2 -1", ERR_FORMAT, "has child 2"},
    {"left_child=1 -1", "left_child=1 -4", ERR_FORMAT, "left_child, number 2"},
    {"right_child=-3 -2", "right_child=-3 -1", ERR_FORMAT, "leads to leaf 0"},
    {"right_child=-3 -2\n", "", ERR_FORMAT, "\"right_child\" is missing"},
    {"leaf_value=1 10 100", "leaf_value=1 10", ERR_FORMAT, "leaf_value has 2 numbers, want 3"},
    {"leaf_value=1 10 100", "leaf_value=1 10 nan", ERR_FORMAT,
     "leaf 2 has a value that is not finite"},
    {"leaf_value=1 10 100", "leaf_value=1 10 1e999", ERR_FORMAT, "1e999"},
    {"leaf_count=5 6 7", "leaf_count=5 6", ERR_FORMAT, "leaf_count has 2 numbers, want 3"},
    {"cat_boundaries=0 2", "cat_boundaries=0 3", ERR_FORMAT, "cat_boundaries, number 2"},
    {"cat_boundaries=0 2", "cat_boundaries=2 0", ERR_FORMAT, "go down"},
    {"cat_boundaries=0 2\n", "", ERR_FORMAT, "\"cat_boundaries\" is missing"},
    {"cat_threshold=5 1", "cat_threshold=5 4294967296", ERR_FORMAT, "cat_threshold, number 2"},
    {"is_linear=0", "is_linear=1", ERR_INVALID, "linear trees"},
    {"is_linear=0", "is_crooked=1", ERR_INVALID, "unknown key \"is_crooked\""},
    {"\nend of trees", "\n", ERR_INVALID, "pandas_categorical"},
    {"\nend of trees\n\npandas_categorical:[[\"a\", \"b\"]]", "", ERR_FORMAT, "ends in Tree=0"},
    {"Tree=0", "end of trees\nTree=0", ERR_OK, ""},
};

TEST(a_damaged_file_is_refused_with_its_line_and_nothing_is_made)
{
    arena *a = arena_new(0);
    const damage *d = &damages[_i];
    model *m = NULL;
    ck_err(model_load(with(a, d->from, d->to), "lightgbm", "bad", &m), d->want);
    if (d->want) {
        ck_assert_ptr_null(m);
        ck_assert_msg(strstr(err_message(), d->says), "%s -> %s: %s", d->from, d->to,
                      err_message());
    }
    model_free(m);
    arena_free(a);
}
END_TEST

TEST(a_file_cut_anywhere_is_refused_or_complete)
{
    size_t end = strlen(tiny), at = 0;
    ck_assert(str_find(str_of(tiny), STR("end of trees"), &at));
    for (size_t n = 0; n < end; n++) {
        char *copy = mem_new(n + 1, 1); /* so that a sanitizer sees a read behind it */
        memcpy(copy, tiny, n);
        model *m = NULL;
        err e = model_load((str){copy, n}, "lightgbm", "cut", &m);
        ck_assert_msg((e == ERR_OK) == (n >= at + strlen("end of trees")), "%zu bytes: %s", n,
                      e ? err_message() : "loaded");
        model_free(m);
        mem_free(copy);
    }
}
END_TEST

TEST(tree_sizes_must_be_the_bytes_of_the_trees)
{
    arena *a = arena_new(0);
    str s = str_of(tiny);
    size_t from = 0, to = 0;
    ck_assert(str_find(s, STR("Tree=0"), &from) && str_find(s, STR("end of trees"), &to));
    static const struct {
        int more;
        const char *tail;
        err want;
    } cases[] = {{0, "", ERR_OK}, {1, "", ERR_FORMAT}, {0, " 7", ERR_FORMAT}};
    for (size_t i = 0; i < countof(cases); i++) {
        model *m = NULL;
        str text = with(a, "feature_infos",
                        cstr_fmt(a, "tree_sizes=%zu%s\nfeature_infos",
                                 to - from + (size_t)cases[i].more, cases[i].tail));
        ck_err(model_load(text, NULL, "sized", &m), cases[i].want);
        ck_assert(!cases[i].want || strstr(err_message(), "tree_sizes"));
        model_free(m);
    }
    arena_free(a);
}
END_TEST

TEST(windows_line_ends_and_what_follows_the_trees_are_tolerated)
{
    buf b;
    buf_init(&b, 1 << 16);
    for (const char *p = tiny; *p; p++) {
        if (*p == '\n') buf_putc(&b, '\r');
        buf_putc(&b, *p);
    }
    buf_puts(&b, STR("anything=else\n\x00\xff"));
    AUTO(model) m = NULL;
    ck_ok(model_load(buf_str(&b), NULL, "windows", &m));
    buf_done(&b);
}
END_TEST

TEST(other_bytes_are_no_model_and_say_what_would_be)
{
    model *m = NULL;
    ck_err(model_load((str){"", 0}, NULL, "empty", &m), ERR_FORMAT);
    ck_err(model_load((str){"", 0}, "lightgbm", "empty", &m), ERR_FORMAT);
    ck_err(model_load(STR("PK\x03\x04"), NULL, "zip", &m), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(err_message(), "lightgbm"));
    ck_err(model_load(str_of(tiny), "onnx", "x", &m), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "onnx"));
    ck_assert_ptr_null(m);
    model_unref(NULL);
}
END_TEST

TEST(a_model_lives_until_its_last_reference_goes)
{
    model *m = NULL;
    ck_ok(model_load(str_of(tiny), NULL, "tiny", &m));
    model *other = model_ref(m);
    ck_assert_ptr_eq(m, other);
    model_unref(m);
    double x[] = {1, 1}, out = 0;
    model_predict(other, (matrix){x, 1, 2, 2}, &out);
    ck_assert(out == 100);
    model_predict(other, (matrix){NULL, 0, 2, 2}, NULL);
    model_unref(other);
}
END_TEST

static void *predict_often(void *p)
{
    model *m = p;
    double x[] = {0.5, 2, 0.5, 1, 0.6, 0}, out[3];
    for (int i = 0; i < 2000; i++) {
        model_predict(m, (matrix){x, 3, 2, 2}, out);
        if (out[0] != 1 || out[1] != 10 || out[2] != 100) abort();
        model_unref(model_ref(m));
    }
    model_unref(m);
    return NULL;
}

TEST(threads_share_a_model_and_the_last_one_frees_it)
{
    pthread_t threads[4];
    model *m = NULL;
    ck_ok(model_load(str_of(tiny), NULL, "tiny", &m));
    for (size_t i = 0; i < countof(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, predict_often, model_ref(m)), 0);
    model_unref(m);
    for (size_t i = 0; i < countof(threads); i++)
        pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("model_lightgbm");
    TCase *c = tcase_create("model_lightgbm");
    tcase_add_test(c, a_tiny_model_tells_what_it_is_and_predicts);
    tcase_add_test(c, importance_sums_gains_or_counts_splits);
    tcase_add_loop_test(c, a_damaged_file_is_refused_with_its_line_and_nothing_is_made, 0,
                        countof(damages));
    tcase_add_test(c, a_file_cut_anywhere_is_refused_or_complete);
    tcase_add_test(c, tree_sizes_must_be_the_bytes_of_the_trees);
    tcase_add_test(c, windows_line_ends_and_what_follows_the_trees_are_tolerated);
    tcase_add_test(c, other_bytes_are_no_model_and_say_what_would_be);
    tcase_add_test(c, threads_share_a_model_and_the_last_one_frees_it);
    tcase_add_test(c, a_model_lives_until_its_last_reference_goes);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
