/* tests/lib/logged: logs the golden taxi model as training does: package, probes, registered
 * version. */
#ifndef TIDEMILL_TEST_LOGGED_H
#define TIDEMILL_TEST_LOGGED_H

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "model/model.h"
#include "model/package.h"
#include "registry/registry.h"
#include "store.h"

enum { LOGGED_ROWS = 20 };

/* The golden file's rows; x has one column a feature. Owner: a. */
static inline model *logged_golden(arena *a, const char *name, str *ret_bytes)
{
    model *m;
    ck_ok(file_read(a, cstr_fmt(a, "%s/tests/golden/%s.txt", TIDEMILL_SOURCE_DIR, name), 1 << 26,
                    ret_bytes));
    ck_ok(model_load(*ret_bytes, "lightgbm", name, &m));
    return m;
}

static inline matrix logged_rows(arena *a, size_t cols)
{
    matrix x = {arena_array(a, double, LOGGED_ROWS *cols), LOGGED_ROWS, cols, cols};
    for (size_t i = 0; i < LOGGED_ROWS * cols; i++)
        x.v[i] = (double)((i * 7) % 23) / 3.0 + (double)i * 1e-3;
    x.v[cols + 1] = (double)NAN;
    return x;
}

static inline str logged_probes(arena *a, const model *m, matrix x)
{
    size_t n_out = model_get_facts(m)->n_outputs;
    double *out = arena_array(a, double, x.rows *n_out);
    model_predict(m, x, out);
    buf b;
    buf_init(&b, 1 << 20);
    jw w;
    jw_init(&w, &b, false);
    jw_obj(&w);
    jw_key(&w, "columns");
    jw_arr(&w);
    for (size_t c = 0; c < x.cols; c++)
        jw_str(&w, model_features(m)[c]);
    jw_arr_end(&w);
    jw_key(&w, "rows");
    jw_arr(&w);
    for (size_t r = 0; r < x.rows; r++) {
        jw_arr(&w);
        for (size_t c = 0; c < x.cols; c++) {
            double v = x.v[r * x.stride + c];
            if (isnan(v))
                jw_null(&w);
            else
                jw_f64(&w, v);
        }
        jw_arr_end(&w);
    }
    jw_arr_end(&w);
    jw_key(&w, "predictions");
    jw_arr(&w);
    for (size_t i = 0; i < x.rows * n_out; i++)
        jw_f64(&w, out[i]);
    jw_arr_end(&w);
    jw_obj_end(&w);
    ck_ok(buf_err(&b, "probes"));
    str text = str_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

typedef struct logged_options {
    const char *golden;     /* "lgb_taxi" when NULL */
    str bytes;              /* a model's own text instead, when not empty */
    const char *last_input; /* renames the signature's last input */
    size_t inputs_dropped;  /* from its end */
    const char *probes;     /* "": none; NULL: right ones */
    bool reversed;          /* the signature's inputs in reverse order */
} logged_options;

static inline signature logged_signature(arena *a, const model *m, const logged_options *o)
{
    size_t n = model_get_facts(m)->n_features, kept = n - o->inputs_dropped;
    signature s = {.inputs = {arena_array(a, field, n), kept, NULL},
                   .outputs = {arena_array(a, field, 1), 1, NULL}};
    for (size_t i = 0; i < n; i++)
        s.inputs.fields[i] =
            (field){model_features(m)[o->reversed ? n - 1 - i : i], FIELD_DOUBLE, false};
    if (o->last_input) s.inputs.fields[kept - 1].name = str_of(o->last_input);
    s.outputs.fields[0] = (field){STR("prediction"), FIELD_DOUBLE, true};
    ck_ok(schema_make_index(a, &s.inputs));
    return s;
}

/* Logs a model; its id. */
static inline str logged_model_put(store *s, const logged_options *o)
{
    str bytes = o->bytes, id, root;
    AUTO(model) m = NULL;
    if (bytes.n)
        ck_ok(model_load(bytes, "lightgbm", "a model", &m));
    else
        m = logged_golden(s->a, o->golden ? o->golden : "lgb_taxi", &bytes);
    ck_ok(tracking_model_create(
        s->d, s->a, &(logged_model_spec){.name = STR("fare"), .experiment_id = STR("0")}, &id));
    package p = {.flavor = STR("lightgbm"),
                 .data_path = STR("model.lgb"),
                 .flavor_version = STR("4.7.0"),
                 .sig = logged_signature(s->a, m, o),
                 .model_id = id,
                 .run_id = STR("0123456789abcdef0123456789abcdef"),
                 .uuid = STR("0123456789abcdef0123456789abcdef"),
                 .created_ms = 1700000000000};
    matrix x = logged_rows(s->a, model_get_facts(m)->n_features);
    matrix example = {x.v, 2, p.sig.inputs.n, x.stride};
    package_file *files;
    size_t n;
    ck_ok(package_write(s->a, &p, bytes, example, &files, &n));
    root = str_fmt(s->a, "models/%.*s", STR_ARG(id));
    for (size_t i = 0; i < n; i++)
        ck_ok(artifact_put(s->d, s->b, root, files[i].path, files[i].bytes));
    str probes = o->probes ? str_of(o->probes) : logged_probes(s->a, m, x);
    if (probes.n) ck_ok(artifact_put(s->d, s->b, root, STR("probes.json"), probes));
    ck_ok(tracking_model_finish(s->d, id, "READY", 1700000000001));
    return id;
}

/* Logs a model and registers it; its version. */
static inline int64_t logged_version(store *s, const char *name, const logged_options *o)
{
    int64_t version;
    ck_ok(registry_model_ensure(s->d, str_of(name), 1));
    str source = str_fmt(s->a, "models:/%.*s", STR_ARG(logged_model_put(s, o)));
    version_spec spec = {.name = str_of(name), .source = source};
    ck_ok(registry_version_create(s->d, s->a, &spec, &version));
    return version;
}

#endif
