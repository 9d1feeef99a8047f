#include "train/lgb_int.h"

#include <assert.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#include <LightGBM/c_api.h>

#include "base/json.h"

/* What is used of the C API: name after LGBM_. */
#define LGB_FUNCTIONS(X)                                                                           \
    X(GetLastError)                                                                                \
    X(DumpParamAliases)                                                                            \
    X(RegisterLogCallback)                                                                         \
    X(SetMaxThreads)                                                                               \
    X(DatasetCreateFromMat)                                                                        \
    X(DatasetSetField)                                                                             \
    X(DatasetSetFeatureNames)                                                                      \
    X(DatasetFree)                                                                                 \
    X(BoosterCreate)                                                                               \
    X(BoosterUpdateOneIter)                                                                        \
    X(BoosterSaveModelToString)                                                                    \
    X(BoosterPredictForMat)                                                                        \
    X(BoosterFree)

struct lgb {
#define X(name) __typeof__(LGBM_##name) *name;
    LGB_FUNCTIONS(X)
#undef X
};

enum { MODEL_TEXT_MAX = 1 << 30, PARAMETERS_TEXT_MAX = 1 << 20 };

/* An OpenMP team that spins while it waits makes a busy machine a hundred times slower. The OpenMP
 * library reads its environment once, when LightGBM pulls it in, and offers no call for it; so the
 * word is put there before main, while no other thread can be reading the environment. Who set it
 * otherwise meant it. */
__attribute__((constructor)) static void wait_passively(void)
{
    setenv("OMP_WAIT_POLICY", "passive", 0);
}

static void drop_log(const char *text)
{
    (void)text; /* LightGBM's chatter; what matters comes back as an error */
}

err lgb_open(lgb **ret)
{
    assert(ret);
    void *library = dlopen("lib_lightgbm.so", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *why = dlerror();
        return err_set(
            ERR_MISSING,
            "train: LightGBM's library cannot be opened: %s; it belongs in lib/ beside the program",
            why ? why : "unknown");
    }
    AUTO(lgb) l = mem_new(1, sizeof *l);
#define X(name)                                                                                    \
    *(void **)&l->name = dlsym(library, "LGBM_" #name);                                            \
    if (!l->name)                                                                                  \
        return err_set(ERR_MISSING, "train: LightGBM's library has no function LGBM_" #name        \
                                    ": want version 4");
    LGB_FUNCTIONS(X)
#undef X
    if (l->RegisterLogCallback(drop_log))
        return err_set(ERR_INTERNAL, "train: LightGBM: %s", l->GetLastError());
    *ret = l;
    l = NULL;
    return ERR_OK;
}

void lgb_free(lgb *l)
{
    mem_free(l);
}

static err failed(const lgb *l, const char *what)
{
    return err_set(ERR_INVALID, "train: LightGBM refused to %s: %s", what, l->GetLastError());
}

/* LightGBM does not always say which parameter it means. */
static err refused(const lgb *l, const char *what, const char *params)
{
    return err_set(ERR_INVALID, "train: LightGBM refused to %s: %s (parameters: %s)", what,
                   l->GetLastError(), params);
}

err lgb_threads(lgb *l, int n)
{
    assert(l && n >= 1);
    return l->SetMaxThreads(n) ? failed(l, "limit its threads") : ERR_OK;
}

err lgb_parameters(lgb *l, arena *a, map **ret)
{
    assert(l && a && ret);
    char *text = arena_alloc_raw(a, PARAMETERS_TEXT_MAX, 1);
    int64_t size = 0; /* with the NUL */
    if (l->DumpParamAliases(PARAMETERS_TEXT_MAX, &size, text))
        return failed(l, "list its parameters");
    if (size < 1 || size > PARAMETERS_TEXT_MAX)
        return err_set(ERR_LIMIT, "train: LightGBM's list of parameters has %lld bytes",
                       (long long)size);
    yyjson_val *root, *key, *alias;
    TRY(json_parse(a, (str){text, (size_t)size - 1}, "LightGBM's parameters", &root));
    map *known = map_new(a);
    yyjson_obj_iter it = yyjson_obj_iter_with(root);
    while ((key = yyjson_obj_iter_next(&it))) {
        const char *name = str_c(a, json_str(key));
        map_put(known, str_of(name), (void *)(uintptr_t)name);
        size_t i, n;
        yyjson_arr_foreach(yyjson_obj_iter_get_val(key), i, n, alias)
        {
            map_put(known, json_str(alias), (void *)(uintptr_t)name);
        }
    }
    *ret = known;
    return ERR_OK;
}

static err dataset_make(lgb *l, const lgb_fit_spec *o, DatasetHandle *ret)
{
    DatasetHandle d = NULL;
    if (l->DatasetCreateFromMat(o->x.v, C_API_DTYPE_FLOAT64, (int32_t)o->x.rows, (int32_t)o->x.cols,
                                1, o->params, NULL, &d))
        return refused(l, "read the training rows", o->params);
    err e = ERR_OK;
    if (l->DatasetSetField(d, "label", o->label, (int)o->x.rows, C_API_DTYPE_FLOAT32))
        e = failed(l, "take the labels");
    /* The C API wants char **, but does not write through it. */
    else if (l->DatasetSetFeatureNames(d, (const char **)(uintptr_t)o->names, (int)o->x.cols))
        e = failed(l, "name the features");
    if (e) {
        l->DatasetFree(d);
        return e;
    }
    *ret = d;
    return ERR_OK;
}

static err booster_text(lgb *l, arena *a, BoosterHandle b, str *ret)
{
    int64_t size = 0;
    if (l->BoosterSaveModelToString(b, 0, -1, C_API_FEATURE_IMPORTANCE_GAIN, 0, &size, NULL))
        return failed(l, "write the model");
    if (size <= 0 || size > MODEL_TEXT_MAX)
        return err_set(ERR_LIMIT, "train: the model's text has %lld bytes, want 1 to %d",
                       (long long)size, MODEL_TEXT_MAX);
    char *text = arena_alloc_raw(a, (size_t)size, 1);
    int64_t again = 0;
    if (l->BoosterSaveModelToString(b, 0, -1, C_API_FEATURE_IMPORTANCE_GAIN, size, &again, text))
        return failed(l, "write the model");
    assert(again == size);
    *ret = (str){text, (size_t)size - 1};
    return ERR_OK;
}

static err booster_predict(lgb *l, arena *a, BoosterHandle b, matrix probe, double **ret)
{
    double *out = arena_array(a, double, probe.rows);
    int64_t n = 0;
    if (l->BoosterPredictForMat(b, probe.v, C_API_DTYPE_FLOAT64, (int32_t)probe.rows,
                                (int32_t)probe.cols, 1, C_API_PREDICT_NORMAL, 0, -1, "", &n, out))
        return failed(l, "predict");
    if (n != (int64_t)probe.rows)
        return err_set(
            ERR_INVALID,
            "train: the model has %lld outputs for %zu rows: only one output a row is trained here",
            (long long)n, probe.rows);
    *ret = out;
    return ERR_OK;
}

static err booster_run(lgb *l, arena *a, BoosterHandle b, const lgb_fit_spec *o, matrix probe,
                       str *ret_text, double **ret_predictions)
{
    for (int i = 0; i < o->iterations; i++) {
        int finished = 0;
        if (l->BoosterUpdateOneIter(b, &finished)) return failed(l, "train");
        if (finished) break; /* no split is left that helps */
    }
    str text;
    TRY(booster_text(l, a, b, &text));
    if (probe.rows) TRY(booster_predict(l, a, b, probe, ret_predictions));
    *ret_text = text;
    return ERR_OK;
}

err lgb_fit(lgb *l, arena *a, const lgb_fit_spec *o, matrix probe, str *ret_text,
            double **ret_predictions)
{
    assert(l && a && o && ret_text);
    assert(o->x.rows > 0 && o->x.rows <= INT32_MAX && o->x.cols > 0 && o->x.cols <= INT32_MAX);
    assert(o->x.stride == o->x.cols && (!probe.rows || probe.stride == probe.cols));
    DatasetHandle d = NULL;
    TRY(dataset_make(l, o, &d));
    BoosterHandle b = NULL;
    err e = l->BoosterCreate(d, o->params, &b) ? refused(l, "begin", o->params) : ERR_OK;
    if (!e) e = booster_run(l, a, b, o, probe, ret_text, ret_predictions);
    if (b) l->BoosterFree(b);
    l->DatasetFree(d);
    return e;
}
