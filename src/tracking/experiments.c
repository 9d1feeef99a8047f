#include "tracking/tracking_int.h"

#include <assert.h>

#include "base/clock.h"

int64_t experiment_row(str id)
{
    int64_t row = -1;
    if (!id.n || id.n > 18 || id.p[0] == '+' || id.p[0] == '-') return -1;
    if (parse_i64(id, &row) || row < 0) return -1;
    return row;
}

/* Whether id is a whole number, be it one that no experiment has. */
static bool id_is_number(str id)
{
    size_t at = id.n && (id.p[0] == '-' || id.p[0] == '+');
    for (size_t i = at; i < id.n; i++)
        if (id.p[i] < '0' || id.p[i] > '9') return false;
    return id.n > at;
}

static err id_invalid(str id)
{
    return err_set(ERR_INVALID,
                   "Invalid experiment ID '%.*s'. Experiment ID must be a valid integer.",
                   STR_ARG(id));
}

err experiment_missing(str id)
{
    if (!id_is_number(id)) return id_invalid(id);
    return err_set(ERR_MISSING, "No Experiment with id=%.*s exists", STR_ARG(id));
}

err check_experiment_name(str name)
{
    if (!str_trim(name).n || !str_utf8_ok(name) || memchr(name.p, 0, name.n))
        return err_set(ERR_INVALID, "Invalid experiment name: '%.*s'", STR_ARG(name));
    return check_length("name", name, TRACKING_NAME_MAX);
}

err experiment_rows(arena *a, const str *ids, size_t n, int64_t **ret)
{
    int64_t *rows = arena_array(a, int64_t, n ? n : 1);
    for (size_t i = 0; i < n; i++) {
        rows[i] = experiment_row(ids[i]);
        if (rows[i] < 0 && !id_is_number(ids[i])) return id_invalid(ids[i]);
    }
    *ret = rows;
    return ERR_OK;
}

err experiment_need_active(db_tx *tx, arena *a, str id)
{
    int64_t row = experiment_row(id);
    db_rows r = {0};
    if (row >= 0)
        TRY(tx_rows(tx, a, "SELECT lifecycle_stage FROM experiment WHERE id = ?",
                    DB_ARGS(db_int(row)), &r));
    if (!r.n) return experiment_missing(id);
    if (str_is(db_cell_s(&r, 0, 0), "active")) return ERR_OK;
    return err_set(ERR_INVALID,
                   "The experiment %.*s must be in the 'active' state. Current state is %.*s.",
                   STR_ARG(id), STR_ARG(db_cell_s(&r, 0, 0)));
}

/* --- reading */
err experiments_of(db_tx *tx, arena *a, const db_rows *r, experiment **ret)
{
    experiment *v = arena_array(a, experiment, r->n ? r->n : 1);
    int64_t *ids = arena_array(a, int64_t, r->n ? r->n : 1);
    kv_list *tags = arena_array(a, kv_list, r->n ? r->n : 1);
    for (size_t i = 0; i < r->n; i++)
        ids[i] = db_cell_i(r, i, 0);
    TRY(kv_load(tx, a, "SELECT experiment, key, value FROM experiment_tag WHERE experiment IN (",
                ids, r->n, tags));
    for (size_t i = 0; i < r->n; i++) {
        long long id = (long long)ids[i];
        str location = db_cell_s(r, i, 2);
        v[i] = (experiment){
            .id = str_fmt(a, "%lld", id),
            .name = db_cell_s(r, i, 1),
            .artifact_location = location.n ? location : str_fmt(a, "mlflow-artifacts:/%lld", id),
            .lifecycle_stage = db_cell_s(r, i, 3),
            .created_ms = db_cell_i(r, i, 4),
            .updated_ms = db_cell_i(r, i, 5),
            .tags = tags[i].v,
            .n_tags = tags[i].n,
        };
    }
    *ret = v;
    return ERR_OK;
}

typedef struct experiment_query {
    arena *a;
    str id, name; /* one of them, or neither: all active ones */
    size_t max;
    experiment *v;
    size_t n;
} experiment_query;

static err experiment_read(db_tx *tx, void *arg)
{
    experiment_query *q = arg;
    db_rows r = {0};
    if (q->id.p)
        TRY(tx_rows(tx, q->a, "SELECT " EXPERIMENT_COLS " FROM experiment e WHERE e.id = ?",
                    DB_ARGS(db_int(experiment_row(q->id))), &r));
    else if (q->name.p)
        TRY(tx_rows(tx, q->a, "SELECT " EXPERIMENT_COLS " FROM experiment e WHERE e.name = ?",
                    DB_ARGS(db_text(q->name)), &r));
    else
        TRY(tx_rows(tx, q->a,
                    "SELECT " EXPERIMENT_COLS
                    " FROM experiment e WHERE e.lifecycle_stage = 'active'"
                    " ORDER BY e.created_ms DESC, e.id DESC LIMIT ?",
                    DB_ARGS(db_int((int64_t)q->max)), &r));
    q->n = r.n;
    return experiments_of(tx, q->a, &r, &q->v);
}

err tracking_experiment_get(db *d, arena *a, str id, experiment *ret)
{
    assert(d && a && ret);
    if (experiment_row(id) < 0) return experiment_missing(id);
    experiment_query q = {.a = a, .id = id};
    TRY(db_read(d, experiment_read, &q));
    if (!q.n) return experiment_missing(id);
    *ret = q.v[0];
    return ERR_OK;
}

err tracking_experiment_by_name(db *d, arena *a, str name, experiment *ret)
{
    assert(d && a && ret);
    experiment_query q = {.a = a, .name = name.p ? name : STR("")};
    TRY(db_read(d, experiment_read, &q));
    if (!q.n)
        return err_set(ERR_MISSING, "Could not find experiment with name '%.*s'", STR_ARG(name));
    *ret = q.v[0];
    return ERR_OK;
}

err tracking_experiments(db *d, arena *a, size_t max, experiment **ret, size_t *ret_n)
{
    assert(d && a && ret && ret_n);
    experiment_query q = {.a = a, .max = max < TRACKING_LIST_MAX ? max : TRACKING_LIST_MAX};
    TRY(db_read(d, experiment_read, &q));
    *ret = q.v;
    *ret_n = q.n;
    return ERR_OK;
}

/* --- making */
typedef struct experiment_make {
    arena *a;
    str name, id, stage;
    int64_t now_ms;
} experiment_make;

static err experiment_find(experiment_make *m, const db_rows *r)
{
    if (!r->n) return ERR_OK;
    m->id = str_fmt(m->a, "%lld", (long long)db_cell_i(r, 0, 0));
    m->stage = db_cell_s(r, 0, 1);
    return ERR_OK;
}

static err experiment_make_tx(db_tx *tx, void *arg)
{
    experiment_make *m = arg;
    TRY(tx_exec(tx,
                "INSERT INTO experiment (name, created_ms, updated_ms) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO NOTHING",
                DB_ARGS(db_text(m->name), db_int(m->now_ms), db_int(m->now_ms)), NULL));
    db_rows r = {0};
    TRY(tx_rows(tx, m->a, "SELECT id, lifecycle_stage FROM experiment WHERE name = ?",
                DB_ARGS(db_text(m->name)), &r));
    return experiment_find(m, &r);
}

err tracking_experiment_ensure(db *d, arena *a, str name, str *ret_id)
{
    assert(d && a && ret_id);
    TRY(check_experiment_name(name));
    experiment_make m = {.a = a, .name = name, .now_ms = now_ms()};
    db_rows r = {0};
    TRY(db_rows_of(d, a, "SELECT id, lifecycle_stage FROM experiment WHERE name = ?",
                   DB_ARGS(db_text(name)), &r));
    TRY(experiment_find(&m, &r));
    if (!m.id.n) TRY(db_write(d, experiment_make_tx, &m));
    assert(m.id.n);
    if (!str_is(m.stage, "active"))
        return err_set(
            ERR_CONFLICT,
            "Cannot set a deleted experiment '%.*s' as the active experiment. You can restore the "
            "experiment, or permanently delete the experiment to create a new one.",
            STR_ARG(name));
    *ret_id = m.id;
    return ERR_OK;
}
