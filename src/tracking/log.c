#include <assert.h>
#include <float.h>
#include <math.h>

#include "base/buf.h"
#include "tracking/runs.h"
#include "tracking/tracking_int.h"

/* One transaction. The first statement finds the run, locks its row where the database locks rows,
 * and numbers the batch. */
typedef struct log_call {
    arena *a;
    str run_id;
    const run_batch *b;
    bool single; /* one param alone: MLflow has other words for it */
    const key_value **changed;
    str *was;
    size_t n_changed;
} log_call;

static err params_differ(void *ctx, const db_rows *r)
{
    log_call *c = ctx;
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < c->b->n_params; k++) {
            const key_value *p = &c->b->params[k];
            if (!str_eq(p->key, db_cell_s(r, i, 0)) || str_eq(p->value, db_cell_s(r, i, 1)))
                continue;
            c->was[c->n_changed] = db_cell_s(r, i, 1);
            c->changed[c->n_changed++] = p;
        }
    return ERR_OK;
}

static err params_changed(const log_call *c)
{
    if (c->single)
        return err_set(ERR_INVALID,
                       "Changing param values is not allowed. Param with key='%.*s' was already "
                       "logged with value='%.*s' for run ID='%.*s'. Attempted logging new value "
                       "'%.*s'.",
                       STR_ARG(c->changed[0]->key), STR_ARG(c->was[0]), STR_ARG(c->run_id),
                       STR_ARG(c->changed[0]->value));
    buf list;
    buf_init(&list, 1 << 20);
    for (size_t i = 0; i < c->n_changed; i++)
        buf_fmt(&list, "%s{'key': '%.*s', 'old_value': '%.*s', 'new_value': '%.*s'}", i ? ", " : "",
                STR_ARG(c->changed[i]->key), STR_ARG(c->was[i]), STR_ARG(c->changed[i]->value));
    err e = err_set(ERR_INVALID,
                    "Changing param values is not allowed. Params were already logged='[%.*s]' for "
                    "run ID='%.*s'.",
                    (int)list.n, list.p ? list.p : "", STR_ARG(c->run_id));
    buf_done(&list);
    return e;
}

/* New ones are inserted; those that were there already must be equal. */
static err params_put(db_tx *tx, log_call *c, int64_t run_row)
{
    size_t n = c->b->n_params;
    db_val *vals = arena_array(c->a, db_val, n * 3), *keys = arena_array(c->a, db_val, n);
    for (size_t i = 0; i < n; i++) {
        const key_value *p = &c->b->params[i];
        vals[i * 3] = db_int(run_row);
        vals[i * 3 + 1] = keys[i] = db_text(p->key);
        vals[i * 3 + 2] = db_text(p->value);
    }
    int64_t inserted = 0;
    TRY(rows_insert(tx, "INSERT INTO run_param (run, key, value) VALUES", 3, vals, n,
                    "ON CONFLICT (run, key) DO NOTHING", &inserted));
    if ((size_t)inserted == n) return ERR_OK;
    db_val first[] = {db_int(run_row)};
    rows_in_list q = {
        .head = "SELECT key, value FROM run_param WHERE run = ? AND key IN (",
        .tail = ")",
        .first = first,
        .n_first = 1,
        .list = keys,
        .n_list = n,
    };
    c->n_changed = 0;
    c->changed = arena_array(c->a, const key_value *, n);
    c->was = arena_array(c->a, str, n);
    TRY(rows_in(tx, c->a, &q, params_differ, c));
    return c->n_changed ? params_changed(c) : ERR_OK;
}

static err log_tx(db_tx *tx, void *arg)
{
    log_call *c = arg;
    const run_batch *b = c->b;
    db_rows r = {0};
    TRY(tx_rows(tx, c->a,
                "UPDATE run SET log_seq = log_seq + ?, rev = " RUN_REV
                " WHERE uuid = ? AND lifecycle_stage = 'active' RETURNING id, log_seq",
                DB_ARGS(db_int(b->n_metrics > 0), db_text(c->run_id)), &r));
    if (!r.n) return run_not_active(tx, c->a, c->run_id);
    int64_t run_row = db_cell_i(&r, 0, 0), seq = db_cell_i(&r, 0, 1);
    if (b->n_params) TRY(params_put(tx, c, run_row));
    if (b->n_tags) TRY(run_tags_put(tx, c->a, run_row, b->tags, b->n_tags));
    if (!b->n_metrics) return ERR_OK;
    TRY(metrics_put(tx, c->a, run_row, seq, b->metrics, b->n_metrics));
    return b->of ? logged_metrics_put(tx, c->a, c->run_id, b->metrics, b->of, b->n_metrics)
                 : ERR_OK;
}

/* MLflow keeps no infinities: they become the greatest and the least number. */
static metric *clamped(arena *a, const metric *v, size_t n)
{
    metric *to = arena_array(a, metric, n ? n : 1);
    for (size_t i = 0; i < n; i++) {
        to[i] = v[i];
        if (isinf(v[i].value)) to[i].value = v[i].value > 0 ? DBL_MAX : -DBL_MAX;
    }
    return to;
}

static err log_all(db *d, str run_id, const run_batch *b, bool single)
{
    TRY(check_batch(b, single));
    AUTO(arena) a = arena_new(0);
    run_batch plain = {
        .metrics = clamped(a, b->metrics, b->n_metrics),
        .of = b->of,
        .params = check_cut_pairs(a, b->params, b->n_params, TRACKING_PARAM_VALUE_MAX),
        .tags = check_cut_pairs(a, b->tags, b->n_tags, TRACKING_TAG_VALUE_MAX),
        .n_metrics = b->n_metrics,
        .n_params = b->n_params,
        .n_tags = b->n_tags,
    };
    log_call c = {.a = a, .run_id = run_id, .b = &plain, .single = single};
    return db_write(d, log_tx, &c);
}

err tracking_log(db *d, str run_id, const run_batch *b)
{
    assert(d && b);
    return log_all(d, run_id, b, false);
}

err tracking_log_param(db *d, str run_id, str key, str value)
{
    assert(d);
    key_value p = {key, value};
    return log_all(d, run_id, &(run_batch){.params = &p, .n_params = 1}, true);
}

err tracking_log_metric(db *d, str run_id, const metric *m, const metric_subject *of)
{
    assert(d && m);
    return log_all(d, run_id, &(run_batch){.metrics = m, .of = of, .n_metrics = 1}, true);
}

err tracking_set_tag(db *d, str run_id, str key, str value)
{
    assert(d);
    key_value t = {key, value};
    return log_all(d, run_id, &(run_batch){.tags = &t, .n_tags = 1}, true);
}
