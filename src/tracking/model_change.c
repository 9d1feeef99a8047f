#include <assert.h>

#include "base/clock.h"
#include "tracking/models.h"
#include "tracking/tracking_int.h"

enum { MODEL_CALL_PAIRS_MAX = 1000 };

typedef struct change_call {
    arena *a;
    str id, key;
    const key_value *v;
    size_t n;
} change_call;

err tracking_model_delete(db *d, str model_id)
{
    assert(d);
    int64_t changed = 0;
    TRY(db_exec(
        d, "UPDATE logged_model SET lifecycle_stage = 'deleted', updated_ms = ? WHERE uuid = ?",
        DB_ARGS(db_int(now_ms()), db_text(model_id)), &changed));
    return changed ? ERR_OK : logged_missing(model_id);
}

static err check_call(const char *list, const key_value *v, size_t n, size_t value_max)
{
    if (n > MODEL_CALL_PAIRS_MAX)
        return err_set(ERR_INVALID, "%s: %zu, at most %d in one call", list, n,
                       MODEL_CALL_PAIRS_MAX);
    return check_tags(list, v, n, value_max);
}

/* --- params */
static err params_differ(void *ctx, const db_rows *r)
{
    const change_call *c = ctx;
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < c->n; k++)
            if (str_eq(c->v[k].key, db_cell_s(r, i, 0)) &&
                !str_eq(c->v[k].value, db_cell_s(r, i, 1)))
                return err_set(ERR_INVALID,
                               "Changing param values is not allowed. Param with key='%.*s' was "
                               "already logged with value='%.*s' for model ID='%.*s'. Attempted "
                               "logging new value '%.*s'.",
                               STR_ARG(c->v[k].key), STR_ARG(db_cell_s(r, i, 1)), STR_ARG(c->id),
                               STR_ARG(c->v[k].value));
    return ERR_OK;
}

static err log_params_tx(db_tx *tx, void *arg)
{
    change_call *c = arg;
    int64_t row = 0;
    TRY(logged_need(tx, c->a, c->id, &row));
    TRY(kv_put(tx, c->a, "INSERT INTO logged_model_param (model, key, value) VALUES",
               "ON CONFLICT (model, key) DO NOTHING", row, c->v, c->n));
    db_val *keys = arena_array(c->a, db_val, c->n ? c->n : 1), first[] = {db_int(row)};
    for (size_t i = 0; i < c->n; i++)
        keys[i] = db_text(c->v[i].key);
    rows_in_list q = {
        .head = "SELECT key, value FROM logged_model_param WHERE model = ? AND key IN (",
        .tail = ")",
        .first = first,
        .n_first = 1,
        .list = keys,
        .n_list = c->n,
    };
    return rows_in(tx, c->a, &q, params_differ, c);
}

err tracking_model_log_params(db *d, str model_id, const key_value *v, size_t n)
{
    assert(d && (v || !n));
    TRY(check_call("params", v, n, TRACKING_PARAM_VALUE_MAX));
    AUTO(arena) a = arena_new(0);
    change_call c = {.a = a, .id = model_id, .v = v, .n = n};
    return db_write(d, log_params_tx, &c);
}

/* --- tags */
static err set_tags_tx(db_tx *tx, void *arg)
{
    const change_call *c = arg;
    int64_t row = 0;
    TRY(logged_need(tx, c->a, c->id, &row));
    return kv_put(tx, c->a, "INSERT INTO logged_model_tag (model, key, value) VALUES",
                  "ON CONFLICT (model, key) DO UPDATE SET value = excluded.value", row, c->v, c->n);
}

err tracking_model_set_tags(db *d, str model_id, const key_value *v, size_t n)
{
    assert(d && (v || !n));
    TRY(check_call("tags", v, n, TRACKING_TAG_VALUE_MAX));
    AUTO(arena) a = arena_new(0);
    change_call c = {.a = a, .id = model_id, .v = v, .n = n};
    return db_write(d, set_tags_tx, &c);
}

static err delete_tag_tx(db_tx *tx, void *arg)
{
    const change_call *c = arg;
    int64_t row = 0, changed = 0;
    TRY(logged_need(tx, c->a, c->id, &row));
    TRY(tx_exec(tx, "DELETE FROM logged_model_tag WHERE model = ? AND key = ?",
                DB_ARGS(db_int(row), db_text(c->key)), &changed));
    if (changed) return ERR_OK;
    return err_set(ERR_MISSING, "No tag with key '%.*s' found for model with ID '%.*s'.",
                   STR_ARG(c->key), STR_ARG(c->id));
}

err tracking_model_delete_tag(db *d, str model_id, str key)
{
    assert(d);
    TRY(check_plain("key", key));
    AUTO(arena) a = arena_new(0);
    change_call c = {.a = a, .id = model_id, .key = key};
    return db_write(d, delete_tag_tx, &c);
}
