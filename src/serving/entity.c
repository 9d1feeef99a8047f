#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "registry/probes.h"
#include "registry/registry.h"
#include "serving/serving_int.h"

enum { EXAMPLE_BYTES_MAX = 1 << 20, WARM_BLOCKS = 15, WARM_ROWS = 20 };

entity *entity_ref(entity *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

void entity_unref(entity *e)
{
    if (!e || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1) return;
    model_unref(e->pub.model);
    counters_free(e->pub.counters);
    arena_free(e->a); /* e itself lives there */
}

/* --- inputs to features */
static int feature_order(const void *x, const void *y)
{
    const map_entry *a = x, *b = y;
    return str_cmp(a->key, b->key);
}

/* registry_load has checked that inputs and features are the same set of names. */
static err map_inputs(arena *a, const schema *in, const model *m, const uint32_t **ret)
{
    size_t n = model_get_facts(m)->n_features;
    const str *names = model_features(m);
    AUTO(arena) scratch = arena_new(0);
    map_entry *features = arena_array(scratch, map_entry, n ? n : 1);
    for (size_t i = 0; i < n; i++)
        features[i] = (map_entry){names[i], (void *)(uintptr_t)i};
    if (n) qsort(features, n, sizeof *features, feature_order);
    uint32_t *to = arena_array(a, uint32_t, in->n ? in->n : 1);
    for (size_t i = 0; i < in->n; i++) {
        map_entry want = {.key = in->fields[i].name};
        const map_entry *f = n ? bsearch(&want, features, n, sizeof want, feature_order) : NULL;
        if (!f)
            return err_set(ERR_INVALID, "the signature's input '%.*s' is no feature of the model",
                           STR_ARG(want.key));
        to[i] = (uint32_t)(uintptr_t)f->value;
    }
    if (in->n != n)
        return err_set(ERR_INVALID, "the signature has %zu inputs, the model %zu features", in->n,
                       n);
    *ret = to;
    return ERR_OK;
}

/* --- warm-up */
/* The example's first row in the model's order, or zeros: MLflow keeps examples in several forms,
 * and only speed depends on it. */
static void example_row(yyjson_val *root, const schema *in, const uint32_t *to, double *row)
{
    yyjson_val *columns = yyjson_obj_get(root, "columns");
    yyjson_val *cells = yyjson_arr_get_first(yyjson_obj_get(root, "data"));
    if (yyjson_arr_size(columns) != yyjson_arr_size(cells)) return;
    size_t i, max;
    yyjson_val *name;
    yyjson_arr_foreach(columns, i, max, name)
    {
        ptrdiff_t at = yyjson_is_str(name) ? schema_find(in, json_str(name), i) : -1;
        yyjson_val *cell = yyjson_arr_get(cells, i);
        if (at < 0) continue;
        row[to[at]] = yyjson_is_num(cell) ? yyjson_get_num(cell) : (double)NAN;
    }
}

static int double_order(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* The median over short blocks: one interrupted block does not make a cheap model look dear. */
static double measure(const model *m, double *row)
{
    const model_facts *f = model_get_facts(m);
    matrix x = {row, 1, f->n_features, f->n_features};
    double *out = mem_new(f->n_outputs ? f->n_outputs : 1, sizeof *out);
    double us[WARM_BLOCKS];
    model_predict(m, x, out);
    for (size_t i = 0; i < WARM_BLOCKS; i++) {
        int64_t from = mono_us();
        for (size_t k = 0; k < WARM_ROWS; k++)
            model_predict(m, x, out);
        us[i] = (double)(mono_us() - from) / WARM_ROWS;
    }
    mem_free(out);
    qsort(us, WARM_BLOCKS, sizeof *us, double_order);
    return us[WARM_BLOCKS / 2];
}

static double warm_up(db *d, blobs *b, const package *p, str model_id, const served *e)
{
    AUTO(arena) a = arena_new(0);
    double *row = arena_array(a, double, e->n_features ? e->n_features : 1);
    str text;
    yyjson_val *root = NULL;
    if (p->input_example_path.n &&
        !artifact_get(d, b, a, str_fmt(a, "models/%.*s", STR_ARG(model_id)), p->input_example_path,
                      EXAMPLE_BYTES_MAX, &text) &&
        !json_parse(a, text, "input example", &root))
        example_row(root, &e->inputs, e->to_model, row);
    return measure(e->model, row);
}

/* --- loading */
static err find_version(db *d, arena *a, const entity_spec *o, model_version *ret)
{
    TRY(registry_version_get(d, a, o->entity_name, o->entity_version, ret));
    if (ret->model_id.n) return ERR_OK;
    return err_set(ERR_INVALID, "version %lld of %.*s has no logged model (its source is '%.*s')",
                   (long long)o->entity_version, STR_ARG(o->entity_name), STR_ARG(ret->source));
}

static err load_model(db *d, blobs *b, entity *e, str model_id, package *p)
{
    served *pub = &e->pub;
    TRY(registry_load(d, b, e->a, model_id, p, &pub->model));
    size_t n_probes;
    err kind = probes_check(d, b, str_c(e->a, model_id), pub->model, &n_probes);
    if (kind == ERR_INTERNAL) kind = ERR_INVALID; /* the model is refused; nothing of ours broke */
    if (kind) return err_add(kind, "model %.*s", STR_ARG(model_id));
    pub->inputs = p->sig.inputs;
    TRY(err_add(map_inputs(e->a, &pub->inputs, pub->model, &pub->to_model), "model %.*s",
                STR_ARG(model_id)));
    const model_facts *f = model_get_facts(pub->model);
    pub->n_features = f->n_features;
    pub->n_outputs = f->n_outputs;
    pub->predict_us = warm_up(d, b, p, model_id, pub);
    return ERR_OK;
}

err entity_load(db *d, blobs *b, str of, const entity_spec *o, entity **ret)
{
    assert(d && b && o && ret);
    arena *a = arena_new(0);
    entity *e = arena_new_of(a, entity);
    e->a = a;
    atomic_init(&e->refs, 1);
    e->pub = (served){
        .endpoint = str_dup(a, of),
        .name = str_dup(a, o->name),
        .entity_name = str_dup(a, o->entity_name),
        .entity_version = o->entity_version,
        .counters = counters_new(),
    };
    model_version v;
    package p = {0};
    err kind = find_version(d, a, o, &v);
    if (!kind) {
        kind = load_model(d, b, e, v.model_id, &p);
        if (kind == ERR_MISSING)
            kind = ERR_INVALID; /* the version is there, what it names is not */
    }
    if (kind) {
        entity_unref(e);
        return kind;
    }
    *ret = e;
    return ERR_OK;
}
