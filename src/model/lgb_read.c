/* LightGBM's text model, versions v3 and v4 (src/boosting/gbdt_model_text.cpp, src/io/tree.cpp of
 * LightGBM 4):
 *
 *   tree                       header: key=value lines
 *   version=v4
 *   …
 *   tree_sizes=2462 2515       bytes of each tree's section
 *
 *   Tree=0                     a section per tree: key=value lines, then blank lines
 *   …
 *   end of trees
 *
 *   feature_importances: …, parameters: …, pandas_categorical:…     not needed to predict
 *
 * Tree i adds to output i % num_tree_per_iteration. Leaf values are shrunk already. */
#include <assert.h>
#include <math.h>

#include "base/map.h"
#include "base/mem.h"
#include "model/lgb_int.h"
#include "model/runtime.h"
#include "model/trees.h"

enum { OUTPUTS_MAX = 65536, TREE_LEAVES_MAX = 1 << 24 };

enum header_key {
    H_VERSION,
    H_NUM_CLASS,
    H_TREES_PER_ITERATION,
    H_LABEL_INDEX,
    H_MAX_FEATURE,
    H_OBJECTIVE,
    H_AVERAGE,
    H_FEATURES,
    H_MONOTONE,
    H_INFOS,
    H_SIZES,
    H_N
};
static const char *const header_keys[] = {
    [H_VERSION] = "version",
    [H_NUM_CLASS] = "num_class",
    [H_TREES_PER_ITERATION] = "num_tree_per_iteration",
    [H_LABEL_INDEX] = "label_index",
    [H_MAX_FEATURE] = "max_feature_idx",
    [H_OBJECTIVE] = "objective",
    [H_AVERAGE] = "average_output",
    [H_FEATURES] = "feature_names",
    [H_MONOTONE] = "monotone_constraints",
    [H_INFOS] = "feature_infos",
    [H_SIZES] = "tree_sizes",
};

enum tree_key {
    T_LEAVES,
    T_CATS,
    T_FEATURE,
    T_GAIN,
    T_THRESHOLD,
    T_DECISION,
    T_LEFT,
    T_RIGHT,
    T_VALUE,
    T_CAT_AT,
    T_CAT_WORDS,
    T_LINEAR,
    T_SHRINKAGE,
    T_LEAF_WEIGHT,
    T_LEAF_COUNT,
    T_INNER_VALUE,
    T_INNER_WEIGHT,
    T_INNER_COUNT,
    T_LEAF_CONST,
    T_NUM_FEATURES,
    T_LEAF_FEATURES,
    T_LEAF_COEFF,
    T_N
};
static const char *const tree_keys[] = {
    [T_LEAVES] = "num_leaves",
    [T_CATS] = "num_cat",
    [T_FEATURE] = "split_feature",
    [T_GAIN] = "split_gain",
    [T_THRESHOLD] = "threshold",
    [T_DECISION] = "decision_type",
    [T_LEFT] = "left_child",
    [T_RIGHT] = "right_child",
    [T_VALUE] = "leaf_value",
    [T_CAT_AT] = "cat_boundaries",
    [T_CAT_WORDS] = "cat_threshold",
    [T_LINEAR] = "is_linear",
    [T_SHRINKAGE] = "shrinkage",
    [T_LEAF_WEIGHT] = "leaf_weight",
    [T_LEAF_COUNT] = "leaf_count",
    [T_INNER_VALUE] = "internal_value",
    [T_INNER_WEIGHT] = "internal_weight",
    [T_INNER_COUNT] = "internal_count",
    [T_LEAF_CONST] = "leaf_const",
    [T_NUM_FEATURES] = "num_features",
    [T_LEAF_FEATURES] = "leaf_features",
    [T_LEAF_COEFF] = "leaf_coeff",
};
static_assert(countof(header_keys) == H_N && countof(tree_keys) == T_N, "every key has a name");

/* What the reader knows while it reads. */
typedef struct reader {
    arena *a;       /* the model's */
    arena *scratch; /* one tree's */
    lgb_lines lines;
    lgb_value header[H_N];
    lgb_section section; /* the header's */
    trees *trees;
    str sizes; /* what is left of tree_sizes */
    const char *objective;
    const str *features;
} reader;

/* Objectives and what they do with the raw score (ConvertOutput in LightGBM's src/objective/). */
typedef struct objective {
    const char *name;
    transform_kind kind;
    bool many; /* may have more than one output */
    bool needs_sigmoid;
} objective;
static const objective objectives[] = {
    {"regression", TRANSFORM_IDENTITY, false, false},
    {"regression_l1", TRANSFORM_IDENTITY, false, false},
    {"huber", TRANSFORM_IDENTITY, false, false},
    {"fair", TRANSFORM_IDENTITY, false, false},
    {"quantile", TRANSFORM_IDENTITY, false, false},
    {"mape", TRANSFORM_IDENTITY, false, false},
    {"poisson", TRANSFORM_EXP, false, false},
    {"gamma", TRANSFORM_EXP, false, false},
    {"tweedie", TRANSFORM_EXP, false, false},
    {"binary", TRANSFORM_SIGMOID, false, true},
    {"multiclass", TRANSFORM_SOFTMAX, true, false},
    {"multiclassova", TRANSFORM_SIGMOID, true, true},
    {"cross_entropy", TRANSFORM_SIGMOID, false, false},
    {"cross_entropy_lambda", TRANSFORM_LOG1P_EXP, false, false},
    {"lambdarank", TRANSFORM_IDENTITY, false, false},
    {"rank_xendcg", TRANSFORM_IDENTITY, false, false},
    {"custom", TRANSFORM_IDENTITY, true, false},
    {"none", TRANSFORM_IDENTITY, true, false},
};

static err objective_option(const reader *r, str word, transform *t)
{
    size_t line = r->header[H_OBJECTIVE].line, n_outputs = r->trees->forest.n_outputs;
    const char *file = r->lines.name;
    str key = {0}, value = {0};
    str_cut(word, ':', &key, &value);
    if (str_is(key, "sqrt")) {
        if (t->kind == TRANSFORM_IDENTITY) t->kind = TRANSFORM_SIGNED_SQUARE;
    } else if (str_is(key, "sigmoid")) {
        if (parse_f64(value, &t->k) || !isfinite(t->k) || t->k <= 0)
            return lgb_err(file, line, ERR_FORMAT, "objective: \"%.*s\", want sigmoid:<number > 0>",
                           STR_ARG(word));
    } else if (str_is(key, "num_class")) {
        int64_t n = 0;
        if (parse_i64(value, &n) || n != (int64_t)n_outputs)
            return lgb_err(file, line, ERR_FORMAT,
                           "objective: \"%.*s\", but num_tree_per_iteration is %zu", STR_ARG(word),
                           n_outputs);
    }
    return ERR_OK; /* what else stands there only steers training: alpha, c, tweedie_variance_power
                    */
}

static err read_objective(reader *r)
{
    const lgb_value *v = &r->header[H_OBJECTIVE];
    transform *t = &r->trees->transform;
    r->objective = v->line ? str_c(r->a, v->text) : "none";
    if (!v->line) return ERR_OK;
    if (!str_utf8_ok(v->text))
        return lgb_err(r->lines.name, v->line, ERR_FORMAT, "objective: not UTF-8");
    str rest = v->text, word = {0};
    if (!lgb_word(&rest, &word))
        return lgb_err(r->lines.name, v->line, ERR_FORMAT, "objective: empty");
    const objective *o = NULL;
    for (size_t i = 0; i < countof(objectives) && !o; i++) {
        if (str_is(word, objectives[i].name)) o = &objectives[i];
    }
    if (!o)
        return lgb_err(r->lines.name, v->line, ERR_INVALID, "objective \"%.60s\" is not supported",
                       str_c(r->a, word));
    if (!o->many && r->trees->forest.n_outputs > 1)
        return lgb_err(r->lines.name, v->line, ERR_FORMAT,
                       "objective \"%s\" has one output, but num_tree_per_iteration is %zu",
                       o->name, r->trees->forest.n_outputs);
    *t = (transform){o->kind, o->needs_sigmoid ? 0 : 1};
    while (lgb_word(&rest, &word))
        TRY(objective_option(r, word, t));
    if (t->kind == TRANSFORM_SIGMOID && t->k == 0)
        return lgb_err(r->lines.name, v->line, ERR_FORMAT,
                       "objective \"%s\" without sigmoid:<number>", o->name);
    return ERR_OK;
}

static err read_features(reader *r, size_t n)
{
    lgb_value v = {0};
    TRY(lgb_need(&r->section, H_FEATURES, r->lines.line, &v));
    if (!str_utf8_ok(v.text))
        return lgb_err(r->lines.name, v.line, ERR_FORMAT, "feature_names: not UTF-8");
    size_t got = lgb_count(v.text);
    if (got != n)
        return lgb_err(r->lines.name, v.line, ERR_FORMAT,
                       "feature_names has %zu names, but max_feature_idx is %zu", got, n - 1);
    str all = str_dup(r->a, v.text), word = {0};
    str *names = arena_array(r->a, str, n);
    map *seen = map_new(r->scratch);
    for (size_t i = 0; i < n && lgb_word(&all, &word); i++) {
        if (map_find(seen, word))
            return lgb_err(r->lines.name, v.line, ERR_FORMAT, "feature_names: \"%.60s\" twice",
                           str_c(r->scratch, word));
        names[i] = word;
        map_put(seen, word, &names[i]);
    }
    r->features = names;
    return ERR_OK;
}

static err check_version(const reader *r)
{
    lgb_value v = {0};
    TRY(lgb_need(&r->section, H_VERSION, r->lines.line, &v));
    if (str_is(v.text, "v4") || str_is(v.text, "v3")) return ERR_OK;
    return lgb_err(
        r->lines.name, v.line, ERR_INVALID,
        "LightGBM format version \"%.*s\" is not supported, want v3 or v4; load and save "
        "the model with LightGBM 3 or later",
        v.text.n > 20 ? 20 : (int)v.text.n, v.text.p);
}

/* Reads the header up to the first tree's line, or "end of trees". */
static err read_header(reader *r)
{
    lgb_lines *l = &r->lines;
    bool more = lgb_next(l);
    if (!more || !str_is(l->text, "tree"))
        return lgb_err(l->name, 1, ERR_FORMAT,
                       "want \"tree\" on the first line of a LightGBM model");
    for (more = lgb_next(l); more; more = lgb_next(l)) {
        if (str_starts(l->text, "Tree=") || str_is(l->text, "end of trees")) break;
        if (l->text.n) TRY(lgb_put(&r->section, l));
    }
    if (!more) return lgb_err(l->name, l->line, ERR_FORMAT, "the file ends before its trees");
    int64_t n_class = 0, n_outputs = 0, last_feature = 0;
    TRY(check_version(r));
    TRY(lgb_int(&r->section, H_NUM_CLASS, 1, OUTPUTS_MAX, &n_class));
    n_outputs = n_class;
    if (r->header[H_TREES_PER_ITERATION].line)
        TRY(lgb_int(&r->section, H_TREES_PER_ITERATION, 1, OUTPUTS_MAX, &n_outputs));
    TRY(lgb_int(&r->section, H_MAX_FEATURE, 0, MODEL_FEATURES_MAX - 1, &last_feature));
    r->trees = trees_new(r->a, (size_t)last_feature + 1, (size_t)n_outputs);
    r->trees->average = r->header[H_AVERAGE].line > 0;
    TRY(read_features(r, (size_t)last_feature + 1));
    r->sizes = r->header[H_SIZES].text;
    return read_objective(r);
}

/* The lists that are not needed to predict must still have the length that they ought to have. */
static err check_lengths(const lgb_section *s, size_t n_leaves)
{
    static const struct {
        enum tree_key key;
        int less;
    } lists[] = {{T_LEAF_WEIGHT, 0},
                 {T_LEAF_COUNT, 0},
                 {T_INNER_VALUE, 1},
                 {T_INNER_WEIGHT, 1},
                 {T_INNER_COUNT, 1}};
    for (size_t i = 0; i < countof(lists); i++) {
        const lgb_value *v = &s->values[lists[i].key];
        size_t want = n_leaves - (size_t)lists[i].less, got = lgb_count(v->text);
        bool stump = n_leaves == 1 && !got; /* LightGBM leaves them empty there */
        if (v->line && got != want && !stump)
            return lgb_err(s->file, v->line, ERR_FORMAT, "%s: %s has %zu numbers, want %zu",
                           s->what, s->keys[lists[i].key], got, want);
    }
    return ERR_OK;
}

static err read_categories(const reader *r, const lgb_section *s, size_t n_cats, forest_tree *t,
                           int64_t **ret_at)
{
    lgb_value words = {0};
    int64_t *at = arena_array(r->scratch, int64_t, n_cats + 1);
    *ret_at = at;
    if (!n_cats) return ERR_OK;
    TRY(lgb_need(s, T_CAT_AT, r->lines.line, &words));
    TRY(lgb_need(s, T_CAT_WORDS, r->lines.line, &words));
    t->n_words = lgb_count(words.text);
    TRY(lgb_ints(s, T_CAT_AT, n_cats + 1, 0, (int64_t)t->n_words, at));
    for (size_t i = 0; i < n_cats; i++) {
        if (at[i] > at[i + 1])
            return lgb_err(s->file, s->values[T_CAT_AT].line, ERR_FORMAT,
                           "%s: cat_boundaries go down at number %zu", s->what, i + 2);
    }
    int64_t *wide = arena_array(r->scratch, int64_t, t->n_words);
    TRY(lgb_ints(s, T_CAT_WORDS, t->n_words, 0, UINT32_MAX, wide));
    uint32_t *narrow = arena_array(r->scratch, uint32_t, t->n_words);
    for (size_t i = 0; i < t->n_words; i++)
        narrow[i] = (uint32_t)wide[i];
    t->words = narrow;
    return ERR_OK;
}

/* The lists of a tree's inner nodes, one entry a node. */
typedef struct node_lists {
    int64_t *feature, *how, *left, *right;
    double *threshold, *gain;
} node_lists;

static err read_lists(const reader *r, const lgb_section *s, size_t n, node_lists *ret)
{
    static const enum tree_key needed[] = {T_FEATURE, T_THRESHOLD, T_DECISION, T_LEFT, T_RIGHT};
    lgb_value v = {0};
    for (size_t i = 0; i < countof(needed); i++)
        TRY(lgb_need(s, needed[i], r->lines.line, &v));
    int64_t n_features = (int64_t)r->trees->forest.n_features, n_nodes = (int64_t)n;
    TRY(lgb_ints(s, T_FEATURE, n, 0, n_features - 1,
                 ret->feature = arena_array(r->scratch, int64_t, n)));
    TRY(lgb_ints(s, T_DECISION, n, 0, 15, ret->how = arena_array(r->scratch, int64_t, n)));
    TRY(lgb_ints(s, T_LEFT, n, -n_nodes - 1, n_nodes,
                 ret->left = arena_array(r->scratch, int64_t, n)));
    TRY(lgb_ints(s, T_RIGHT, n, -n_nodes - 1, n_nodes,
                 ret->right = arena_array(r->scratch, int64_t, n)));
    TRY(lgb_f64s(s, T_THRESHOLD, n, ret->threshold = arena_array(r->scratch, double, n)));
    ret->gain = arena_array(r->scratch, double, n);
    return s->values[T_GAIN].line ? lgb_f64s(s, T_GAIN, n, ret->gain) : ERR_OK;
}

static err make_nodes(const reader *r, const lgb_section *s, const node_lists *l, size_t n_cats,
                      forest_tree *t)
{
    int64_t *at = NULL;
    TRY(read_categories(r, s, n_cats, t, &at));
    t->nodes = arena_array(r->scratch, forest_node, t->n_leaves);
    for (size_t i = 0; i + 1 < t->n_leaves; i++) {
        forest_node *n = &t->nodes[i];
        double set = l->threshold[i];
        n->feature = (uint16_t)l->feature[i];
        n->how = (uint8_t)l->how[i];
        n->left = (int32_t)l->left[i];
        n->right = (int32_t)l->right[i];
        n->gain = (float)l->gain[i];
        if (!(n->how & HOW_CATEGORICAL)) {
            n->threshold = set;
            continue;
        }
        if (!(set >= 0 && set < (double)n_cats) || set != trunc(set))
            return lgb_err(s->file, s->values[T_THRESHOLD].line, ERR_FORMAT,
                           "%s: node %zu wants set of categories %g, there are %zu", s->what, i,
                           set, n_cats);
        n->word_at = (uint32_t)at[(size_t)set];
        n->n_words = (uint32_t)(at[(size_t)set + 1] - at[(size_t)set]);
    }
    return ERR_OK;
}

static err add_tree(reader *r, const lgb_section *s, size_t from_line)
{
    int64_t n_leaves = 0, n_cats = 0, linear = 0;
    lgb_value v = {0};
    TRY(lgb_need(s, T_LEAVES, r->lines.line, &v));
    TRY(lgb_need(s, T_VALUE, r->lines.line, &v));
    TRY(lgb_int(s, T_LEAVES, 1, TREE_LEAVES_MAX, &n_leaves));
    if (s->values[T_CATS].line) TRY(lgb_int(s, T_CATS, 0, n_leaves - 1, &n_cats));
    if (s->values[T_LINEAR].line) TRY(lgb_int(s, T_LINEAR, 0, 1, &linear));
    if (linear)
        return lgb_err(s->file, s->values[T_LINEAR].line, ERR_INVALID,
                       "%s: linear trees (is_linear=1) are not supported; train with "
                       "linear_tree=false",
                       s->what);
    TRY(check_lengths(s, (size_t)n_leaves));
    forest_tree t = {.n_leaves = (size_t)n_leaves};
    if (lgb_count(s->values[T_VALUE].text) != t.n_leaves)
        return lgb_err(s->file, s->values[T_VALUE].line, ERR_FORMAT,
                       "%s: leaf_value has %zu numbers, want %zu", s->what,
                       lgb_count(s->values[T_VALUE].text), t.n_leaves);
    double *leaves = arena_array(r->scratch, double, t.n_leaves);
    TRY(lgb_f64s(s, T_VALUE, t.n_leaves, leaves));
    t.leaves = leaves;
    if (t.n_leaves > 1) {
        node_lists lists = {0};
        TRY(read_lists(r, s, t.n_leaves - 1, &lists));
        TRY(make_nodes(r, s, &lists, (size_t)n_cats, &t));
    }
    return err_add(forest_add(&r->trees->forest, &t), "%s:%zu: %s", s->file, from_line, s->what);
}

static err check_size(reader *r, size_t tree, size_t bytes)
{
    if (!r->header[H_SIZES].line) return ERR_OK;
    str word = {0};
    int64_t want = 0;
    if (!lgb_word(&r->sizes, &word) || parse_i64(word, &want) || want != (int64_t)bytes)
        return lgb_err(r->lines.name, r->header[H_SIZES].line, ERR_FORMAT,
                       "tree_sizes says \"%.*s\" for tree %zu, which has %zu bytes: the file was "
                       "changed or damaged",
                       word.n > 20 ? 20 : (int)word.n, word.p, tree, bytes);
    return ERR_OK;
}

/* Reads one tree's section; the current line is its "Tree=i" and, afterwards, the first line of
 * what follows. */
static err read_tree(reader *r, size_t i)
{
    lgb_lines *l = &r->lines;
    size_t from = l->line_at, from_line = l->line;
    arena_reset(r->scratch);
    const char *what = cstr_fmt(r->scratch, "Tree=%zu", i);
    if (!str_is(l->text, what))
        return lgb_err(l->name, l->line, ERR_FORMAT, "want \"%s\" here", what);
    lgb_value values[T_N] = {0};
    lgb_section s = {tree_keys, values, T_N, l->name, what};
    bool more = lgb_next(l);
    for (; more; more = lgb_next(l)) {
        if (str_starts(l->text, "Tree=") || str_is(l->text, "end of trees")) break;
        if (l->text.n) TRY(lgb_put(&s, l));
    }
    if (!more)
        return lgb_err(l->name, l->line, ERR_FORMAT,
                       "the file ends in %s, want \"end of trees\": it was cut off", what);
    TRY(check_size(r, i, l->line_at - from));
    return add_tree(r, &s, from_line);
}

static err read_trees(reader *r)
{
    size_t n = 0;
    for (; !str_is(r->lines.text, "end of trees"); n++) {
        if (n >= MODEL_TREES_MAX)
            return lgb_err(r->lines.name, r->lines.line, ERR_LIMIT, "more than %d trees",
                           MODEL_TREES_MAX);
        TRY(read_tree(r, n));
    }
    str word = {0};
    if (lgb_word(&r->sizes, &word))
        return lgb_err(r->lines.name, r->header[H_SIZES].line, ERR_FORMAT,
                       "tree_sizes has more numbers than the %zu trees of the file", n);
    if (n % r->trees->forest.n_outputs)
        return lgb_err(r->lines.name, r->lines.line, ERR_FORMAT,
                       "%zu trees are no multiple of num_tree_per_iteration %zu", n,
                       r->trees->forest.n_outputs);
    if (!n && r->trees->average)
        return lgb_err(r->lines.name, r->lines.line, ERR_FORMAT, "an average over no trees");
    return ERR_OK;
}

static err lgb_load(arena *a, str bytes, const char *name, model_loaded *ret)
{
    AUTO(arena) scratch = arena_new(64 << 10);
    reader r = {.a = a, .scratch = scratch, .lines = {.all = bytes, .name = name}};
    r.section = (lgb_section){header_keys, r.header, H_N, name, "header"};
    TRY(read_header(&r));
    TRY(read_trees(&r));
    trees_finish(r.trees);
    const forest *f = &r.trees->forest;
    *ret = (model_loaded){
        .self = r.trees,
        .features = r.features,
        .facts = {.format = lightgbm_runtime.format,
                  .objective = r.objective,
                  .n_features = f->n_features,
                  .n_outputs = f->n_outputs,
                  .n_trees = f->n_trees,
                  .n_leaves = f->n_leaves,
                  .depth_max = f->depth_max,
                  .bytes = trees_bytes(r.trees)},
    };
    return ERR_OK;
}

static bool lgb_sniff(str bytes)
{
    return str_starts(bytes, "tree\n") || str_starts(bytes, "tree\r\n");
}

const model_runtime lightgbm_runtime = {
    .format = "lightgbm",
    .sniff = lgb_sniff,
    .load = lgb_load,
    .predict = trees_predict,
    .importance = trees_importance,
};
