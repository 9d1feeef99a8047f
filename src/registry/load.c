#include "registry/registry_int.h"

#include <assert.h>

#include "base/map.h"

enum { MLMODEL_BYTES_MAX = 1 << 20 };

/* The signature promises columns to clients; the model reads features. Both must be the same set,
 * or a request could be accepted that the model cannot answer. */
static err signature_agrees(arena *scratch, const package *p, const model *m)
{
    const model_facts *f = model_get_facts(m);
    const str *features = model_features(m);
    const schema *in = &p->sig.inputs;
    if (!in->n)
        return err_set(ERR_INVALID, "MLmodel has no signature; log the model with one (its inputs "
                                    "say which columns it reads)");
    for (size_t i = 0; i < f->n_features; i++)
        if (schema_find(in, features[i], i) < 0)
            return err_set(ERR_INVALID, "the model reads '%.*s', which the signature's inputs lack",
                           STR_ARG(features[i]));
    map *reads = map_new(scratch);
    for (size_t i = 0; i < f->n_features; i++)
        map_put(reads, features[i], in->fields);
    for (size_t i = 0; i < in->n; i++)
        if (!map_find(reads, in->fields[i].name))
            return err_set(ERR_INVALID,
                           "the signature's input '%.*s' is none of the model's %zu features",
                           STR_ARG(in->fields[i].name), f->n_features);
    if (in->n != f->n_features)
        return err_set(ERR_INVALID, "the signature has %zu inputs, the model %zu features", in->n,
                       f->n_features);
    for (size_t i = 0; i < in->n; i++)
        if (!field_type_numeric(in->fields[i].type))
            return err_set(ERR_INVALID,
                           "the signature's input '%.*s' is of type %s, the model reads numbers",
                           STR_ARG(in->fields[i].name), field_type_name(in->fields[i].type));
    if (p->sig.outputs.n && p->sig.outputs.n != f->n_outputs)
        return err_set(ERR_INVALID, "the signature has %zu outputs, the model %zu",
                       p->sig.outputs.n, f->n_outputs);
    return ERR_OK;
}

static err load(db *d, blobs *b, arena *a, str root, package *p, model **ret)
{
    str text, bytes;
    TRY(artifact_get(d, b, a, root, STR("MLmodel"), MLMODEL_BYTES_MAX, &text));
    TRY(package_parse(a, text, p));
    AUTO(arena) scratch = arena_new(0); /* the model keeps nothing of its file */
    TRY(artifact_get(d, b, scratch, root, p->data_path, MODEL_BYTES_MAX, &bytes));
    AUTO(model) m = NULL;
    TRY(model_load(bytes, str_c(a, p->flavor), str_c(a, p->data_path), &m));
    TRY(signature_agrees(scratch, p, m));
    *ret = model_ref(m);
    return ERR_OK;
}

err registry_load(db *d, blobs *b, arena *a, str model_id, package *ret_package, model **ret_model)
{
    assert(d && b && a && ret_package && ret_model);
    logged_model known;
    TRY(tracking_model_get(d, a, model_id, &known));
    package p = {0};
    model *m = NULL;
    err e = load(d, b, a, str_fmt(a, "models/%.*s", STR_ARG(model_id)), &p, &m);
    if (e) return err_add(e, "model %.*s", STR_ARG(model_id));
    *ret_package = p;
    *ret_model = m;
    return ERR_OK;
}
