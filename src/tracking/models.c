#include <assert.h>

#include "base/rng.h"
#include "tracking/models.h"
#include "tracking/tracking_int.h"

enum { MODEL_PAIRS_MAX = 1000 };

err logged_missing(str id)
{
    return err_set(ERR_MISSING, "Logged model with ID '%.*s' not found.", STR_ARG(id));
}

/* --- create */
typedef struct model_make {
    arena *a;
    const logged_model_spec *o;
    str uuid, name;
} model_make;

static err model_make_tx(db_tx *tx, void *arg)
{
    const model_make *m = arg;
    const logged_model_spec *o = m->o;
    int64_t run_row = 0;
    if (o->source_run_id.n && !o->unlinked) TRY(run_need(tx, m->a, o->source_run_id, &run_row));
    db_rows r = {0};
    TRY(tx_rows(tx, m->a,
                "INSERT INTO logged_model (uuid, experiment, name, source_run, model_type, status,"
                " created_ms, updated_ms, artifact_uri)"
                " SELECT ?, id, ?, ?, ?, 'PENDING', ?, ?, CASE WHEN artifact_location = '' THEN ''"
                " ELSE artifact_location || '/models/' || ? || '/artifacts' END FROM experiment"
                " WHERE id = ? AND lifecycle_stage = 'active' RETURNING id",
                DB_ARGS(db_text(m->uuid), db_text(m->name), db_text(o->source_run_id),
                        db_text(o->model_type), db_int(o->now_ms), db_int(o->now_ms),
                        db_text(m->uuid), db_int(experiment_row(o->experiment_id))),
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
    return tx_exec(tx, "INSERT INTO run_model (run, is_output, model, step) VALUES (?, 1, ?, 0)",
                   DB_ARGS(db_int(run_row), db_text(m->uuid)), NULL);
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
    return check_length("name", name, TRACKING_NAME_MAX);
}

err tracking_model_create(db *d, arena *a, const logged_model_spec *o, str *ret_id)
{
    assert(d && a && o && ret_id);
    if (o->name.n || !o->unlinked) TRY(check_model_name(o->name));
    TRY(check_plain("source_run_id", o->source_run_id));
    TRY(check_plain("model_type", o->model_type));
    TRY(check_length("source_run_id", o->source_run_id, TRACKING_KEY_MAX));
    TRY(check_length("model_type", o->model_type, TRACKING_NAME_MAX));
    if (o->n_params > MODEL_PAIRS_MAX || o->n_tags > MODEL_PAIRS_MAX)
        return err_set(ERR_INVALID, "logged model %.*s: %zu params and %zu tags, at most %d each",
                       STR_ARG(o->name), o->n_params, o->n_tags, MODEL_PAIRS_MAX);
    TRY(check_tags("params", o->params, o->n_params, TRACKING_PARAM_VALUE_MAX));
    TRY(check_tags("tags", o->tags, o->n_tags, TRACKING_TAG_VALUE_MAX));
    model_make m = {
        .a = a,
        .o = o,
        .uuid = str_fmt(a, "m-%.*s", STR_ARG(id_hex32(a))),
        .name = o->name.n ? o->name : run_name_make(a),
    };
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
    return changed ? ERR_OK : logged_missing(model_id);
}

/* --- get */
err logged_need(db_tx *tx, arena *a, str id, int64_t *ret_row)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a, "SELECT id FROM logged_model WHERE uuid = ?", DB_ARGS(db_text(id)), &r));
    if (!r.n) return logged_missing(id);
    *ret_row = db_cell_i(&r, 0, 0);
    return ERR_OK;
}

static void model_of_cells(arena *a, const db_rows *r, size_t i, logged_model *ret)
{
    long long row = (long long)db_cell_i(r, i, 2);
    str id = db_cell_s(r, i, 1), uri = db_cell_s(r, i, 4);
    *ret = (logged_model){
        .id = id,
        .experiment_id = str_fmt(a, "%lld", row),
        .name = db_cell_s(r, i, 3),
        .artifact_uri =
            uri.n ? uri
                  : str_fmt(a, "mlflow-artifacts:/%lld/models/%.*s/artifacts", row, STR_ARG(id)),
        .source_run_id = db_cell_s(r, i, 5),
        .model_type = db_cell_s(r, i, 6),
        .status = db_cell_s(r, i, 7),
        .created_ms = db_cell_i(r, i, 8),
        .updated_ms = db_cell_i(r, i, 9),
        .status_message = db_cell_s(r, i, 10),
    };
}

err logged_models_of(db_tx *tx, arena *a, const db_rows *r, logged_model **ret)
{
    size_t n = r->n ? r->n : 1;
    logged_model *v = arena_array(a, logged_model, n);
    int64_t *ids = arena_array(a, int64_t, n);
    kv_list *params = arena_array(a, kv_list, n), *tags = arena_array(a, kv_list, n);
    for (size_t i = 0; i < r->n; i++) {
        ids[i] = db_cell_i(r, i, 0);
        model_of_cells(a, r, i, &v[i]);
    }
    TRY(kv_load(tx, a, "SELECT model, key, value FROM logged_model_param WHERE model IN (", ids,
                r->n, params));
    TRY(kv_load(tx, a, "SELECT model, key, value FROM logged_model_tag WHERE model IN (", ids, r->n,
                tags));
    for (size_t i = 0; i < r->n; i++) {
        v[i].params = params[i].v;
        v[i].n_params = params[i].n;
        v[i].tags = tags[i].v;
        v[i].n_tags = tags[i].n;
    }
    TRY(logged_metrics_load(tx, a, ids, v, r->n));
    *ret = v;
    return ERR_OK;
}

typedef struct model_get {
    arena *a;
    str id;
    const char *stage; /* the one that does not count */
    logged_model *v;
} model_get;

static err model_get_tx(db_tx *tx, void *arg)
{
    model_get *g = arg;
    db_rows r = {0};
    TRY(tx_rows(tx, g->a,
                "SELECT " MODEL_COLS " FROM logged_model l WHERE l.uuid = ?"
                " AND l.lifecycle_stage <> ?",
                DB_ARGS(db_text(g->id), db_ctext(g->stage)), &r));
    if (!r.n) return logged_missing(g->id);
    return logged_models_of(tx, g->a, &r, &g->v);
}

static err model_get_not(db *d, arena *a, str id, const char *stage, logged_model *ret)
{
    model_get g = {.a = a, .id = id, .stage = stage};
    TRY(db_read(d, model_get_tx, &g));
    *ret = g.v[0];
    return ERR_OK;
}

err tracking_model_get(db *d, arena *a, str model_id, logged_model *ret)
{
    assert(d && a && ret);
    return model_get_not(d, a, model_id, "deleted", ret);
}

err tracking_model_get_any(db *d, arena *a, str model_id, logged_model *ret)
{
    assert(d && a && ret);
    return model_get_not(d, a, model_id, "", ret);
}
