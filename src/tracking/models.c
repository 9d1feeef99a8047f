#include "tracking/tracking_int.h"

#include <assert.h>

#include "base/rng.h"

enum { MODEL_PAIRS_MAX = 1000 };

static err model_missing(str id)
{
    return err_set(ERR_MISSING, "Logged model with ID '%.*s' not found.", STR_ARG(id));
}

/* --- create */
typedef struct model_make {
    arena *a;
    const logged_model_spec *o;
    str uuid;
} model_make;

static err model_make_tx(db_tx *tx, void *arg)
{
    const model_make *m = arg;
    const logged_model_spec *o = m->o;
    int64_t run_row = 0;
    if (o->source_run_id.n) TRY(run_need(tx, m->a, o->source_run_id, &run_row));
    db_rows r = {0};
    TRY(tx_rows(tx, m->a,
                "INSERT INTO logged_model (uuid, experiment, name, source_run, model_type, status, "
                "created_ms, updated_ms)"
                " SELECT ?, id, ?, ?, ?, 'PENDING', ?, ? FROM experiment"
                " WHERE id = ? AND lifecycle_stage = 'active' RETURNING id",
                DB_ARGS(db_text(m->uuid), db_text(o->name), db_text(o->source_run_id),
                        db_text(o->model_type), db_int(o->now_ms), db_int(o->now_ms),
                        db_int(experiment_row(o->experiment_id))),
                &r));
    if (!r.n) {
        TRY(experiment_need_active(tx, m->a, o->experiment_id));
        return err_set(ERR_INTERNAL, "tracking: model of experiment %.*s was not inserted",
                       STR_ARG(o->experiment_id));
    }
    int64_t row = db_cell_i(&r, 0, 0);
    TRY(kv_put(tx, m->a, "INSERT INTO logged_model_param (model, key, value) VALUES",
               "ON CONFLICT (model, key) DO UPDATE SET value = excluded.value", row, o->params,
               o->n_params));
    TRY(kv_put(tx, m->a, "INSERT INTO logged_model_tag (model, key, value) VALUES",
               "ON CONFLICT (model, key) DO UPDATE SET value = excluded.value", row, o->tags,
               o->n_tags));
    if (!run_row) return ERR_OK;
    return tx_exec(tx, "INSERT INTO run_output (run, model, step) VALUES (?, ?, 0)",
                   DB_ARGS(db_int(run_row), db_int(row)), NULL);
}

static err check_model_name(str name)
{
    bool ok = name.n > 0 && str_utf8_ok(name);
    for (size_t i = 0; ok && i < name.n; i++)
        ok = !memchr("/:.%\"'", name.p[i], 7); /* the NUL too */
    if (!ok)
        return err_set(ERR_INVALID,
                       "Invalid model name (%.*s) provided. Model name must be a non-empty string "
                       "and cannot contain "
                       "the following characters: ('/', ':', '.', '%%', '\"', \"'\")",
                       STR_ARG(name));
    return check_length("", "name", name, TRACKING_NAME_MAX);
}

err tracking_model_create(db *d, arena *a, const logged_model_spec *o, str *ret_id)
{
    assert(d && a && o && ret_id);
    TRY(check_model_name(o->name));
    if (o->n_params > MODEL_PAIRS_MAX || o->n_tags > MODEL_PAIRS_MAX)
        return err_set(ERR_INVALID, "logged model %.*s: %zu params and %zu tags, at most %d each",
                       STR_ARG(o->name), o->n_params, o->n_tags, MODEL_PAIRS_MAX);
    TRY(check_pairs("params", o->params, o->n_params, TRACKING_PARAM_VALUE_MAX));
    TRY(check_pairs("tags", o->tags, o->n_tags, TRACKING_TAG_VALUE_MAX));
    model_make m = {.a = a, .o = o, .uuid = str_fmt(a, "m-%.*s", STR_ARG(id_hex32(a)))};
    TRY(db_write(d, model_make_tx, &m));
    *ret_id = m.uuid;
    return ERR_OK;
}

/* --- finish */
err tracking_model_finish(db *d, str model_id, const char *status, int64_t now_ms)
{
    assert(d && status);
    str plain = str_of(status), prefix = STR("LOGGED_MODEL_");
    if (str_starts(plain, prefix.p)) plain = (str){plain.p + prefix.n, plain.n - prefix.n};
    if (!str_is(plain, "READY") && !str_is(plain, "UPLOAD_FAILED") && !str_is(plain, "PENDING"))
        return err_set(ERR_INVALID, "logged model status '%s': want READY or UPLOAD_FAILED",
                       status);
    int64_t changed = 0;
    TRY(db_exec(d,
                "UPDATE logged_model SET status = ?, updated_ms = ? WHERE uuid = ?"
                " AND lifecycle_stage = 'active'",
                DB_ARGS(db_text(plain), db_int(now_ms), db_text(model_id)), &changed));
    return changed ? ERR_OK : model_missing(model_id);
}

/* --- get */
typedef struct model_get {
    arena *a;
    str id;
    logged_model *ret;
} model_get;

static err model_get_tx(db_tx *tx, void *arg)
{
    const model_get *g = arg;
    db_rows r = {0};
    TRY(tx_rows(tx, g->a,
                "SELECT id, experiment, name, artifact_uri, source_run, model_type, status, "
                "created_ms, updated_ms"
                " FROM logged_model WHERE uuid = ? AND lifecycle_stage = 'active'",
                DB_ARGS(db_text(g->id)), &r));
    if (!r.n) return model_missing(g->id);
    int64_t row = db_cell_i(&r, 0, 0);
    kv_list params = {0}, tags = {0};
    TRY(kv_load(tx, g->a, "SELECT model, key, value FROM logged_model_param WHERE model IN (", &row,
                1, &params));
    TRY(kv_load(tx, g->a, "SELECT model, key, value FROM logged_model_tag WHERE model IN (", &row,
                1, &tags));
    long long exp_row = (long long)db_cell_i(&r, 0, 1);
    str uri = db_cell_s(&r, 0, 3);
    *g->ret = (logged_model){
        .id = str_dup(g->a, g->id),
        .experiment_id = str_fmt(g->a, "%lld", exp_row),
        .name = db_cell_s(&r, 0, 2),
        .artifact_uri = uri.n ? uri
                              : str_fmt(g->a, "mlflow-artifacts:/%lld/models/%.*s/artifacts",
                                        exp_row, STR_ARG(g->id)),
        .source_run_id = db_cell_s(&r, 0, 4),
        .model_type = db_cell_s(&r, 0, 5),
        .status = db_cell_s(&r, 0, 6),
        .created_ms = db_cell_i(&r, 0, 7),
        .updated_ms = db_cell_i(&r, 0, 8),
        .params = params.v,
        .n_params = params.n,
        .tags = tags.v,
        .n_tags = tags.n,
    };
    return ERR_OK;
}

err tracking_model_get(db *d, arena *a, str model_id, logged_model *ret)
{
    assert(d && a && ret);
    logged_model m = {0};
    model_get g = {a, model_id, &m};
    TRY(db_read(d, model_get_tx, &g));
    *ret = m;
    return ERR_OK;
}
