#include "tracking/tracking_int.h"

#include <assert.h>

#include "base/rng.h"

enum { RUN_TAGS_MAX = 1000 };

#define TAG_INSERT "INSERT INTO run_tag (run, key, value) VALUES"
#define TAG_UPSERT "ON CONFLICT (run, key) DO UPDATE SET value = excluded.value"

err run_missing(str run_id)
{
    return err_set(ERR_MISSING, "Run with id=%.*s not found", STR_ARG(run_id));
}

err run_need(db_tx *tx, arena *a, str run_id, int64_t *ret_row)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a, "SELECT id FROM run WHERE uuid = ?", DB_ARGS(db_text(run_id)), &r));
    if (!r.n) return run_missing(run_id);
    *ret_row = db_cell_i(&r, 0, 0);
    return ERR_OK;
}

err run_not_active(db_tx *tx, arena *a, str run_id)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a, "SELECT lifecycle_stage FROM run WHERE uuid = ?", DB_ARGS(db_text(run_id)),
                &r));
    if (!r.n) return run_missing(run_id);
    return err_set(ERR_INVALID,
                   "The run %.*s must be in the 'active' state. Current state is %.*s.",
                   STR_ARG(run_id), STR_ARG(db_cell_s(&r, 0, 0)));
}

err run_need_active(db_tx *tx, arena *a, str run_id, int64_t *ret_row, int64_t *ret_experiment)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a, "SELECT id, experiment, lifecycle_stage FROM run WHERE uuid = ?",
                DB_ARGS(db_text(run_id)), &r));
    if (!r.n) return run_missing(run_id);
    if (!str_is(db_cell_s(&r, 0, 2), "active")) return run_not_active(tx, a, run_id);
    *ret_row = db_cell_i(&r, 0, 0);
    *ret_experiment = db_cell_i(&r, 0, 1);
    return ERR_OK;
}

static const key_value *pair_find(const key_value *v, size_t n, const char *key)
{
    for (size_t i = n; i-- > 0;)
        if (str_is(v[i].key, key)) return &v[i];
    return NULL;
}

/* Two tags are columns too: the name that a run shows, and the parent that children are found by.
 */
err run_tags_put(db_tx *tx, arena *a, int64_t row, const key_value *v, size_t n)
{
    TRY(kv_put(tx, a, TAG_INSERT, TAG_UPSERT, row, v, n));
    const key_value *name = pair_find(v, n, "mlflow.runName");
    if (name)
        TRY(tx_exec(tx, "UPDATE run SET name = ? WHERE id = ?",
                    DB_ARGS(db_text(name->value), db_int(row)), NULL));
    const key_value *parent = pair_find(v, n, "mlflow.parentRunId");
    if (parent)
        TRY(tx_exec(tx, "UPDATE run SET parent = ? WHERE id = ?",
                    DB_ARGS(db_text(parent->value), db_int(row)), NULL));
    return ERR_OK;
}

/* --- create */
typedef struct run_create {
    arena *a;
    const run_spec *o;
    key_value *tags; /* o's and mlflow.runName */
    size_t n_tags;
    str uuid, name, parent;
} run_create;

static err run_create_tx(db_tx *tx, void *arg)
{
    const run_create *c = arg;
    db_rows r = {0};
    TRY(tx_rows(tx, c->a,
                "INSERT INTO run (uuid, experiment, name, user_id, status, parent, start_ms,"
                " artifact_uri, rev)"
                " SELECT ?, id, ?, ?, 'RUNNING', ?, ?, CASE WHEN artifact_location = '' THEN ''"
                " ELSE artifact_location || '/' || ? || '/artifacts' END, " RUN_REV
                " FROM experiment"
                " WHERE id = ? AND lifecycle_stage = 'active' RETURNING id",
                DB_ARGS(db_text(c->uuid), db_text(c->name), db_text(c->o->user), db_text(c->parent),
                        db_int(c->o->start_ms), db_text(c->uuid),
                        db_int(experiment_row(c->o->experiment_id))),
                &r));
    if (!r.n) {
        TRY(experiment_need_active(tx, c->a, c->o->experiment_id));
        return err_set(ERR_INTERNAL, "tracking: run of experiment %.*s was not inserted",
                       STR_ARG(c->o->experiment_id));
    }
    return kv_put(tx, c->a, TAG_INSERT, TAG_UPSERT, db_cell_i(&r, 0, 0), c->tags, c->n_tags);
}

static err run_create_name(run_create *c)
{
    const run_spec *o = c->o;
    const key_value *tag = pair_find(o->tags, o->n_tags, "mlflow.runName");
    if (tag && o->name.n && !str_eq(tag->value, o->name))
        return err_set(ERR_INVALID,
                       "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with "
                       "different values "
                       "(run_name='%.*s', mlflow.runName='%.*s').",
                       STR_ARG(o->name), STR_ARG(tag->value));
    c->name = o->name.n ? o->name : tag && tag->value.n ? tag->value : run_name_make(c->a);
    key_value *kept = check_cut_pairs(c->a, o->tags, o->n_tags, TRACKING_TAG_VALUE_MAX);
    c->tags = arena_array(c->a, key_value, o->n_tags + 1);
    memcpy(c->tags, kept, o->n_tags * sizeof *kept);
    c->tags[o->n_tags] = (key_value){STR("mlflow.runName"), c->name};
    c->n_tags = o->n_tags + 1;
    return ERR_OK;
}

err tracking_run_create(db *d, arena *a, const run_spec *o, str *ret_id)
{
    assert(d && a && o && ret_id);
    if (o->n_tags > RUN_TAGS_MAX)
        return err_set(ERR_INVALID, "tags: %zu, a run is created with at most %d", o->n_tags,
                       RUN_TAGS_MAX);
    TRY(check_tags("tags", o->tags, o->n_tags, 0));
    TRY(check_plain("run_name", o->name));
    TRY(check_plain("user_id", o->user));
    TRY(check_length("run_name", o->name, TRACKING_NAME_MAX));
    TRY(check_length("user_id", o->user, TRACKING_KEY_MAX));
    run_create c = {.a = a, .o = o, .uuid = id_hex32(a)};
    TRY(run_create_name(&c));
    const key_value *parent = pair_find(o->tags, o->n_tags, "mlflow.parentRunId");
    if (parent) c.parent = parent->value;
    TRY(db_write(d, run_create_tx, &c));
    *ret_id = c.uuid;
    return ERR_OK;
}

/* --- end */
typedef struct run_end {
    arena *a;
    str run_id;
    const char *status;
    int64_t end_ms;
} run_end;

static err run_end_tx(db_tx *tx, void *arg)
{
    const run_end *o = arg;
    int64_t changed = 0;
    TRY(tx_exec(
        tx,
        "UPDATE run SET status = ?, end_ms = ?, rev = " RUN_REV
        " WHERE uuid = ? AND lifecycle_stage = 'active'",
        DB_ARGS(db_ctext(o->status), o->end_ms ? db_int(o->end_ms) : db_null(), db_text(o->run_id)),
        &changed));
    return changed ? ERR_OK : run_not_active(tx, o->a, o->run_id);
}

err tracking_run_end(db *d, str run_id, const char *status, int64_t end_ms)
{
    assert(d && status);
    TRY(check_run_status(status));
    AUTO(arena) a = arena_new(0);
    run_end o = {a, run_id, status, end_ms};
    return db_write(d, run_end_tx, &o);
}

err tracking_close_runs(db *d, str tag_key, str tag_value, const char *status, int64_t end_ms,
                        int64_t *ret_n)
{
    assert(d && status);
    TRY(check_run_status(status));
    int64_t changed = 0;
    TRY(db_exec(d,
                "UPDATE run SET status = ?, end_ms = ?, rev = " RUN_REV
                " WHERE status = 'RUNNING' AND id IN"
                " (SELECT run FROM run_tag WHERE key = ? AND value = ?)",
                DB_ARGS(db_ctext(status), db_int(end_ms), db_text(tag_key), db_text(tag_value)),
                &changed));
    if (ret_n) *ret_n = changed;
    return ERR_OK;
}
