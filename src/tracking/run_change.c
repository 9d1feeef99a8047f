#include <assert.h>

#include "base/clock.h"
#include "base/json.h"
#include "tracking/runs.h"
#include "tracking/tracking_int.h"

typedef struct run_call {
    arena *a;
    str run_id, key;
    const run_update *o;
    const char *stage;
    run *v;
} run_call;

/* --- update */
static err update_tx(db_tx *tx, void *arg)
{
    run_call *c = arg;
    const run_update *o = c->o;
    int64_t row = 0, experiment_of = 0;
    TRY(run_need_active(tx, c->a, c->run_id, &row, &experiment_of));
    if (o->status)
        TRY(tx_exec(tx, "UPDATE run SET status = ? WHERE id = ?",
                    DB_ARGS(db_ctext(o->status), db_int(row)), NULL));
    if (o->has_end)
        TRY(tx_exec(tx, "UPDATE run SET end_ms = ?, rev = " RUN_REV " WHERE id = ?",
                    DB_ARGS(db_int(o->end_ms), db_int(row)), NULL));
    if (o->name.n) {
        key_value name = {STR("mlflow.runName"), o->name};
        TRY(run_tags_put(tx, c->a, row, &name, 1));
    }
    db_rows r = {0};
    TRY(tx_rows(tx, c->a, "SELECT " RUN_COLS " FROM run r WHERE r.id = ?", DB_ARGS(db_int(row)),
                &r));
    return runs_of(tx, c->a, &r, &c->v);
}

err tracking_run_update(db *d, arena *a, str run_id, const run_update *o, run *ret)
{
    assert(d && a && o && ret);
    if (o->status) TRY(check_run_status(o->status));
    TRY(check_plain("run_name", o->name));
    TRY(check_length("run_name", o->name, TRACKING_NAME_MAX));
    run_call c = {.a = a, .run_id = run_id, .o = o};
    TRY(db_write(d, update_tx, &c));
    *ret = c.v[0];
    return ERR_OK;
}

/* --- life */
static err stage_tx(db_tx *tx, void *arg)
{
    run_call *c = arg;
    bool deleted = !strcmp(c->stage, "deleted");
    int64_t changed = 0;
    TRY(tx_exec(
        tx, "UPDATE run SET lifecycle_stage = ?, deleted_ms = ?, rev = " RUN_REV " WHERE uuid = ?",
        DB_ARGS(db_ctext(c->stage), deleted ? db_int(now_ms()) : db_null(), db_text(c->run_id)),
        &changed));
    return changed ? ERR_OK : run_missing(c->run_id);
}

err tracking_run_delete(db *d, str run_id)
{
    assert(d);
    run_call c = {.run_id = run_id, .stage = "deleted"};
    return db_write(d, stage_tx, &c);
}

err tracking_run_restore(db *d, str run_id)
{
    assert(d);
    run_call c = {.run_id = run_id, .stage = "active"};
    return db_write(d, stage_tx, &c);
}

/* --- a tag goes */
static err delete_tag_tx(db_tx *tx, void *arg)
{
    run_call *c = arg;
    int64_t row = 0, experiment_of = 0, changed = 0;
    TRY(run_need_active(tx, c->a, c->run_id, &row, &experiment_of));
    TRY(tx_exec(tx, "DELETE FROM run_tag WHERE run = ? AND key = ?",
                DB_ARGS(db_int(row), db_text(c->key)), &changed));
    if (!changed)
        return err_set(ERR_MISSING, "No tag with name: %.*s in run with id %.*s", STR_ARG(c->key),
                       STR_ARG(c->run_id));
    if (!str_is(c->key, "mlflow.parentRunId")) return ERR_OK;
    return tx_exec(tx, "UPDATE run SET parent = '' WHERE id = ?", DB_ARGS(db_int(row)), NULL);
}

err tracking_delete_tag(db *d, str run_id, str key)
{
    assert(d);
    TRY(check_plain("key", key));
    AUTO(arena) a = arena_new(0);
    run_call c = {.a = a, .run_id = run_id, .key = key};
    return db_write(d, delete_tag_tx, &c);
}

/* --- the list of models of older clients */
enum { MODEL_HISTORY_MAX = 1 << 20 };
#define MODEL_HISTORY_TAG "mlflow.log-model.history"

/* was: the list so far, "" for none; a tag that holds no list is started anew. */
static err history_with(arena *a, str was, str model_json, str *ret)
{
    yyjson_val *list = NULL;
    str inside = STR("");
    if (was.n && !json_parse(a, was, MODEL_HISTORY_TAG, &list) && yyjson_is_arr(list)) {
        was = str_trim(was);
        inside = str_trim((str){was.p + 1, was.n - 2});
    }
    if (inside.n + model_json.n > MODEL_HISTORY_MAX)
        return err_set(ERR_LIMIT, "tag " MODEL_HISTORY_TAG ": over %d bytes", MODEL_HISTORY_MAX);
    *ret = str_fmt(a, "[%.*s%s%.*s]", STR_ARG(inside), inside.n ? ", " : "", STR_ARG(model_json));
    return ERR_OK;
}

static err log_model_tx(db_tx *tx, void *arg)
{
    run_call *c = arg;
    int64_t row = 0, experiment_of = 0;
    TRY(run_need_active(tx, c->a, c->run_id, &row, &experiment_of));
    db_rows r = {0};
    TRY(tx_rows(tx, c->a, "SELECT value FROM run_tag WHERE run = ? AND key = ?",
                DB_ARGS(db_int(row), db_ctext(MODEL_HISTORY_TAG)), &r));
    key_value tag = {STR(MODEL_HISTORY_TAG), {0}};
    TRY(history_with(c->a, r.n ? db_cell_s(&r, 0, 0) : STR(""), c->key, &tag.value));
    return run_tags_put(tx, c->a, row, &tag, 1);
}

err tracking_log_model(db *d, str run_id, str model_json)
{
    assert(d);
    if (model_json.n > MODEL_HISTORY_MAX)
        return err_set(ERR_LIMIT, "model_json: %zu bytes, at most %d", model_json.n,
                       MODEL_HISTORY_MAX);
    AUTO(arena) a = arena_new(0);
    yyjson_val *o = NULL;
    TRY(json_parse(a, model_json, "model_json", &o));
    if (!yyjson_is_obj(o)) return err_set(ERR_FORMAT, "model_json: want an object");
    TRY(check_plain("model_json", model_json));
    run_call c = {.a = a, .run_id = run_id, .key = model_json};
    return db_write(d, log_model_tx, &c);
}
