#include "model/model.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "model/runtime.h"

struct model {
    atomic_uint refs;
    const model_runtime *runtime;
    arena *memory; /* everything that the runtime made */
    model_loaded loaded;
};

static err unknown_format(const char *format, const char *name)
{
    buf b;
    buf_init(&b, 1024);
    for (size_t i = 0; i < model_formats_n; i++)
        buf_fmt(&b, "%s%s", i ? ", " : "", model_formats[i]->format);
    err e =
        format ? err_set(ERR_INVALID, "%s: model format \"%s\" is not supported, want one of: %.*s",
                         name, format, STR_ARG(buf_str(&b)))
               : err_set(ERR_FORMAT,
                         "%s: these bytes are no model that can be read here, want one "
                         "of: %.*s",
                         name, STR_ARG(buf_str(&b)));
    buf_done(&b);
    return e;
}

static const model_runtime *find_runtime(str bytes, const char *format)
{
    for (size_t i = 0; i < model_formats_n; i++) {
        const model_runtime *r = model_formats[i];
        if (format ? str_is(str_of(format), r->format) : r->sniff(bytes)) return r;
    }
    return NULL;
}

err model_load(str bytes, const char *format, const char *name, model **ret)
{
    assert(bytes.p || !bytes.n);
    assert(name && ret);
    if (bytes.n > MODEL_BYTES_MAX)
        return err_set(ERR_LIMIT, "%s: %zu bytes, a model may have at most %d", name, bytes.n,
                       MODEL_BYTES_MAX);
    const model_runtime *runtime = find_runtime(bytes, format);
    if (!runtime) return unknown_format(format, name);
    arena *a = arena_new(0);
    model_loaded loaded = {0};
    err e = runtime->load(a, bytes, name, &loaded);
    if (e) {
        arena_free(a);
        return e;
    }
    assert(loaded.facts.n_features <= MODEL_FEATURES_MAX && loaded.facts.n_outputs > 0);
    loaded.facts.bytes += arena_bytes(a);
    model *m = mem_new(1, sizeof *m);
    m->runtime = runtime;
    m->memory = a;
    m->loaded = loaded;
    atomic_init(&m->refs, 1);
    *ret = m;
    return ERR_OK;
}

model *model_ref(model *m)
{
    assert(m);
    unsigned before = atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    assert(before > 0 && before < UINT32_MAX);
    return m;
}

void model_unref(model *m)
{
    if (!m) return;
    unsigned before = atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before > 1) return;
    arena_free(m->memory);
    mem_free(m);
}

const model_facts *model_get_facts(const model *m)
{
    assert(m);
    return &m->loaded.facts;
}

const str *model_features(const model *m)
{
    assert(m);
    return m->loaded.features;
}

static void predict(const model *m, matrix x, bool raw, double *out)
{
    assert(m);
    assert(x.cols == m->loaded.facts.n_features && (x.stride >= x.cols || x.rows <= 1));
    assert(!x.rows || out);
    m->runtime->predict(m->loaded.self, x, raw, out);
}

void model_predict(const model *m, matrix x, double *out)
{
    predict(m, x, false, out);
}

void model_predict_raw(const model *m, matrix x, double *out)
{
    predict(m, x, true, out);
}

err model_importance(const model *m, const char *kind, double *ret)
{
    assert(m && kind && ret);
    return m->runtime->importance(m->loaded.self, kind, ret);
}
