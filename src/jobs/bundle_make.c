#include "jobs/bundle_int.h"

#include <assert.h>
#include <math.h>

#include "base/file.h"

/* Every function here reads a tree that bundle_check has passed: keys, types and references are
 * right. */

static const yaml *section(const yaml *root, const char *name, size_t *ret_n)
{
    const yaml *y = yaml_find(root, name);
    *ret_n = y ? y->n : 0;
    return y;
}

static int64_t whole(const yaml *y, const char *key, int64_t fallback)
{
    const yaml *v = yaml_find(y, key);
    return v ? v->i : fallback;
}

/* --- sources */

static err make_sources(arena *a, const yaml *root, bundle *b)
{
    const yaml *y = section(root, "sources", &b->n_sources);
    source_spec *v = arena_array(a, source_spec, b->n_sources + 1);
    for (size_t i = 0; i < b->n_sources; i++) {
        const yaml *s = y->pairs[i].value;
        str path = bundle_text(s, "path", "");
        v[i] = (source_spec){.name = y->pairs[i].key,
                             .table = bundle_text(s, "table", ""),
                             .sql = bundle_text(s, "sql", "")};
        if (path.n) v[i].path = str_of(path_join(a, str_c(a, b->dir), str_c(a, path)));
    }
    b->sources = v;
    return ERR_OK;
}

/* --- checks */

static err need(const yaml *y, const char *key, expect_kind kind)
{
    if (yaml_find(y, key)) return ERR_OK;
    return yaml_err(y, "expectation %s: key \"%s\" is missing", expect_kind_name(kind), key);
}

static err need_for_kind(const yaml *y, expect_kind kind)
{
    bool range = kind == EXPECT_BETWEEN || kind == EXPECT_ROW_COUNT;
    if (kind != EXPECT_CONDITION && kind != EXPECT_ROW_COUNT) TRY(need(y, "column", kind));
    if (kind == EXPECT_CONDITION) TRY(need(y, "condition", kind));
    if (kind == EXPECT_IN_SET) TRY(need(y, "value_set", kind));
    if (range && !yaml_find(y, "max")) TRY(need(y, "min", kind));
    bool drops = str_is(bundle_text(y, "on_fail", "fail"), "drop");
    if (drops && (kind == EXPECT_ROW_COUNT || kind == EXPECT_COLUMN))
        return yaml_err(y,
                        "expectation %s is about the whole table: it cannot drop rows, want "
                        "on_fail: fail or warn",
                        expect_kind_name(kind));
    return ERR_OK;
}

static expect_action action_of(str s)
{
    return str_is(s, "drop") ? EXPECT_DROP : str_is(s, "warn") ? EXPECT_WARN : EXPECT_FAIL;
}

static err make_expectation(arena *a, const yaml *y, expectation *ret)
{
    TRY(expect_kind_parse(bundle_text(y, "expect", ""), &ret->kind));
    TRY(need_for_kind(y, ret->kind));
    const yaml *set = yaml_find(y, "value_set");
    str *values = arena_array(a, str, set ? set->n + 1 : 1);
    for (size_t i = 0; set && i < set->n; i++)
        values[i] = set->items[i]->text;
    ret->action = action_of(bundle_text(y, "on_fail", "fail"));
    ret->column = bundle_text(y, "column", "");
    ret->condition = bundle_text(y, "condition", "");
    ret->min = bundle_number(y, "min", -INFINITY);
    ret->max = bundle_number(y, "max", INFINITY);
    ret->strict_min = bundle_bool(y, "strict_min", false);
    ret->strict_max = bundle_bool(y, "strict_max", false);
    ret->values = values;
    ret->n_values = set ? set->n : 0;
    ret->mostly = bundle_number(y, "mostly", 1);
    str about = ret->column.n ? ret->column : ret->condition;
    str made = about.n ? str_fmt(a, "%s(%.*s)", expect_kind_name(ret->kind), STR_ARG(about))
                       : str_of(expect_kind_name(ret->kind));
    ret->name = bundle_text(y, "name", str_c(a, made));
    if (ret->min > ret->max) return yaml_err(y, "expectation: min is greater than max");
    return ERR_OK;
}

static err make_suite(arena *a, const yaml_pair *p, suite *ret)
{
    const yaml *list = yaml_find(p->value, "expectations");
    expectation *v = arena_array(a, expectation, list->n + 1);
    for (size_t i = 0; i < list->n; i++) {
        TRY(make_expectation(a, list->items[i], &v[i]));
        for (size_t j = 0; j < i; j++)
            if (str_eq(v[j].name, v[i].name))
                return yaml_err(list->items[i],
                                "expectation \"%.*s\" is there twice: give it a name",
                                STR_ARG(v[i].name));
    }
    *ret = (suite){p->key, v, list->n};
    return ERR_OK;
}

/* --- features */

static err make_columns(arena *a, const yaml *columns, feature_spec *f)
{
    feature_def *v = arena_array(a, feature_def, columns->n + 1);
    for (size_t i = 0; i < columns->n; i++)
        v[i] = (feature_def){columns->pairs[i].key, columns->pairs[i].value->text};
    f->v = v;
    f->n = columns->n;
    if (!columns->n) return yaml_err(columns, "columns: want at least one");
    return ERR_OK;
}

static err make_features_of(arena *a, const yaml *root, const yaml_pair *p, bundle_features *ret)
{
    const yaml *y = p->value, *label = yaml_find(y, "label");
    str checks = bundle_text(y, "checks", "");
    const yaml *suites = yaml_find(root, "checks");
    *ret = (bundle_features){.name = p->key, .source = bundle_text(y, "source", "")};
    for (size_t i = 0; checks.n && i < suites->n; i++) {
        if (!str_eq(suites->pairs[i].key, checks)) continue;
        TRY(make_suite(a, &suites->pairs[i], &ret->checks));
        ret->source = bundle_text(suites->pairs[i].value, "source", "");
    }
    ret->spec.name = p->key;
    ret->spec.table = bundle_text(y, "table", "");
    ret->spec.timestamp = bundle_text(y, "timestamp", "");
    TRY(make_columns(a, yaml_find(y, "columns"), &ret->spec));
    if (label->n != 1) return yaml_err(label, "label: has %zu columns, want exactly one", label->n);
    ret->spec.label = (feature_def){label->pairs[0].key, label->pairs[0].value->text};
    for (size_t i = 0; i < ret->spec.n; i++)
        if (str_eq(ret->spec.v[i].name, ret->spec.label.name))
            return yaml_err(label, "label: \"%.*s\" is a column as well",
                            STR_ARG(ret->spec.label.name));
    return ERR_OK;
}

static err make_features(arena *a, const yaml *root, bundle *b)
{
    const yaml *y = section(root, "features", &b->n_features);
    bundle_features *v = arena_array(a, bundle_features, b->n_features + 1);
    for (size_t i = 0; i < b->n_features; i++)
        TRY(make_features_of(a, root, &y->pairs[i], &v[i]));
    b->features = v;
    return ERR_OK;
}

static const bundle_features *find_features(const bundle *b, str name)
{
    for (size_t i = 0; i < b->n_features; i++)
        if (str_eq(b->features[i].name, name)) return &b->features[i];
    return NULL;
}

/* --- training */

static err make_axes(arena *a, const yaml *grid, train_spec *t)
{
    size_t n = grid ? grid->n : 0, candidates = 1;
    search_axis *axes = arena_array(a, search_axis, n + 1);
    for (size_t i = 0; i < n; i++) {
        const yaml *y = grid->pairs[i].value;
        bool list = y->kind == YAML_SEQ;
        size_t n_values = list ? y->n : 1;
        str *values = arena_array(a, str, n_values);
        for (size_t j = 0; j < n_values; j++)
            values[j] = list ? y->items[j]->text : y->text;
        axes[i] = (search_axis){grid->pairs[i].key, values, n_values};
        if (!size_mul(candidates, n_values, &candidates) || candidates > TRAIN_CANDIDATES_MAX)
            return yaml_err(grid, "search: more than %d candidates", TRAIN_CANDIDATES_MAX);
    }
    t->axes = axes;
    t->n_axes = n;
    return ERR_OK;
}

static err make_params(arena *a, const yaml *params, const yaml *grid, train_spec *t)
{
    size_t n = params ? params->n : 0;
    key_value *v = arena_array(a, key_value, n + 1);
    for (size_t i = 0; i < n; i++) {
        v[i] = (key_value){params->pairs[i].key, params->pairs[i].value->text};
        if (grid && yaml_find(grid, str_c(a, v[i].key)))
            return yaml_err(params->pairs[i].value, "params: \"%.*s\" is searched as well",
                            STR_ARG(v[i].key));
    }
    t->params = v;
    t->n_params = n;
    return ERR_OK;
}

static err make_training(arena *a, const bundle *b, const yaml_pair *p, bundle_training *ret)
{
    const yaml *y = p->value, *grid = yaml_find(y, "search");
    ret->name = p->key;
    ret->features = find_features(b, bundle_text(y, "features", ""));
    assert(ret->features);
    str fallback = str_fmt(a, "/%.*s/%.*s", STR_ARG(b->name), STR_ARG(p->key));
    ret->spec = (train_spec){
        .name = p->key,
        .experiment = bundle_text(y, "experiment", str_c(a, fallback)),
        .registered_model = bundle_text(y, "registered_model", ""),
        .source = ret->features->source,
        .checks = ret->features->checks,
        .features = ret->features->spec,
        .baseline_table = bundle_text(y, "baseline_table", ""),
        .algorithm = bundle_text(y, "algorithm", "lightgbm"),
        .seed = (uint64_t)whole(y, "seed", 42),
        .folds = (int)whole(y, "folds", 5),
        .holdout_every = (int)whole(y, "holdout_every", 5),
        .metric = bundle_text(y, "metric", "mae"),
    };
    TRY(make_axes(a, grid, &ret->spec));
    return make_params(a, yaml_find(y, "params"), grid, &ret->spec);
}

static err make_trainings(arena *a, const yaml *root, bundle *b)
{
    const yaml *y = section(root, "training", &b->n_trainings);
    bundle_training *v = arena_array(a, bundle_training, b->n_trainings + 1);
    for (size_t i = 0; i < b->n_trainings; i++)
        TRY(make_training(a, b, &y->pairs[i], &v[i]));
    b->trainings = v;
    return ERR_OK;
}

/* --- gates, endpoints, batch, monitors */

static err make_gate(const yaml_pair *p, gate_spec *ret)
{
    const yaml *y = p->value;
    *ret = (gate_spec){.name = p->key,
                       .metric = bundle_text(y, "metric", ""),
                       .beats_champion = yaml_find(y, "against") != NULL,
                       .has_max = yaml_find(y, "max") != NULL,
                       .has_min = yaml_find(y, "min") != NULL,
                       .max = bundle_number(y, "max", NAN),
                       .min = bundle_number(y, "min", NAN)};
    if (!ret->beats_champion && !ret->has_max && !ret->has_min)
        return yaml_err(y, "gate %.*s: want against, max or min", STR_ARG(p->key));
    return ERR_OK;
}

err bundle_make_gate(const yaml *root, str name, gate_spec *ret)
{
    const yaml *y = yaml_find(root, "gates");
    for (size_t i = 0; y && i < y->n; i++)
        if (str_eq(y->pairs[i].key, name)) return make_gate(&y->pairs[i], ret);
    return err_set(ERR_INTERNAL, "bundle: gate %.*s passed the check", STR_ARG(name));
}

static err make_gates(const yaml *root)
{
    size_t n;
    const yaml *y = section(root, "gates", &n);
    gate_spec one;
    for (size_t i = 0; i < n; i++)
        TRY(make_gate(&y->pairs[i], &one));
    return ERR_OK;
}

static err make_endpoints(arena *a, const yaml *root, bundle *b)
{
    const yaml *y = section(root, "endpoints", &b->n_endpoints);
    bundle_endpoint *v = arena_array(a, bundle_endpoint, b->n_endpoints + 1);
    for (size_t i = 0; i < b->n_endpoints; i++) {
        const yaml *e = y->pairs[i].value;
        v[i] = (bundle_endpoint){y->pairs[i].key, bundle_text(e, "name", str_c(a, y->pairs[i].key)),
                                 bundle_text(e, "registered_model", ""),
                                 bundle_text(e, "workload_size", "Small"),
                                 bundle_bool(e, "scale_to_zero_enabled", false)};
    }
    b->endpoints = v;
    return ERR_OK;
}

static err make_batches(arena *a, const yaml *root, bundle *b)
{
    const yaml *y = section(root, "batch", &b->n_batches);
    bundle_batch *v = arena_array(a, bundle_batch, b->n_batches + 1);
    for (size_t i = 0; i < b->n_batches; i++) {
        const yaml *e = y->pairs[i].value;
        str name = bundle_text(e, "registered_model", ""), alias = bundle_text(e, "alias", "");
        v[i] = (bundle_batch){
            .name = y->pairs[i].key,
            .model_uri = alias.n ? str_fmt(a, "models:/%.*s@%.*s", STR_ARG(name), STR_ARG(alias))
                                 : str_fmt(a, "models:/%.*s/%lld", STR_ARG(name),
                                           (long long)whole(e, "version", 0)),
            .source = bundle_text(e, "source", ""),
            .features = find_features(b, bundle_text(e, "features", "")),
            .predictions_table = bundle_text(e, "predictions_table", "")};
        if (!v[i].features && !v[i].source.n)
            return yaml_err(
                e, "batch %.*s: says neither features nor source: there is nothing to score",
                STR_ARG(v[i].name));
        v[i].label = bundle_text(e, "label", "");
        if (!v[i].label.n && v[i].features) v[i].label = v[i].features->spec.label.name;
    }
    b->batches = v;
    return ERR_OK;
}

static err make_monitors(arena *a, const yaml *root, bundle *b)
{
    const yaml *y = section(root, "monitors", &b->n_monitors);
    bundle_monitor *v = arena_array(a, bundle_monitor, b->n_monitors + 1);
    for (size_t i = 0; i < b->n_monitors; i++) {
        const yaml *m = y->pairs[i].value;
        monitor_spec *s = &v[i].spec;
        v[i].name = y->pairs[i].key;
        *s = (monitor_spec){.name = y->pairs[i].key,
                            .registered_model = bundle_text(m, "registered_model", ""),
                            .baseline_table = bundle_text(m, "baseline_table", ""),
                            .predictions_table = bundle_text(m, "predictions_table", ""),
                            .monitoring_table = bundle_text(m, "monitoring_table", ""),
                            .z_max = bundle_number(m, "drift_z", 2.0),
                            .mae_max = bundle_number(m, "mae", 5.0),
                            .min_rows = whole(m, "min_rows", 100)};
        TRY(parse_duration_ms(bundle_text(m, "window", "24h"), &s->window_ms));
    }
    b->monitors = v;
    return ERR_OK;
}

err bundle_make(arena *a, const yaml *root, bundle *b)
{
    assert(a && root && b && b->dir.n);
    TRY(make_sources(a, root, b));
    TRY(make_features(a, root, b));
    TRY(make_trainings(a, root, b));
    TRY(make_gates(root));
    TRY(make_endpoints(a, root, b));
    TRY(make_batches(a, root, b));
    TRY(make_monitors(a, root, b));
    return bundle_make_jobs(a, root, b);
}
