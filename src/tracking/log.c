#include "tracking/tracking_int.h"

#include <assert.h>

/* tracking_log: one transaction. The first statement finds the run, locks its row where the
 * database locks rows, and numbers the batch. */
typedef struct log_call {
    arena *a;
    str run_id;
    const run_batch *b;
} log_call;

typedef struct param_check {
    const log_call *c;
} param_check;

static err params_differ(void *ctx, const db_rows *r)
{
    const log_call *c = ((const param_check *)ctx)->c;
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < c->b->n_params; k++) {
            const key_value *p = &c->b->params[k];
            if (!str_eq(p->key, db_cell_s(r, i, 0)) || str_eq(p->value, db_cell_s(r, i, 1)))
                continue;
            return err_set(ERR_INVALID,
                           "Changing param values is not allowed. Param with key='%.*s' was "
                           "already logged with "
                           "value='%.*s' for run ID='%.*s'. Attempted logging new value '%.*s'.",
                           STR_ARG(p->key), STR_ARG(db_cell_s(r, i, 1)), STR_ARG(c->run_id),
                           STR_ARG(p->value));
        }
    return ERR_OK;
}

/* New ones are inserted; those that were there already must be equal. */
static err params_put(db_tx *tx, const log_call *c, int64_t run_row)
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
    param_check check = {c};
    return rows_in(tx, c->a, &q, params_differ, &check);
}

static err log_tx(db_tx *tx, void *arg)
{
    const log_call *c = arg;
    const run_batch *b = c->b;
    db_rows r = {0};
    TRY(tx_rows(tx, c->a,
                "UPDATE run SET log_seq = log_seq + ? WHERE uuid = ? AND lifecycle_stage = 'active'"
                " RETURNING id, log_seq",
                DB_ARGS(db_int(b->n_metrics > 0), db_text(c->run_id)), &r));
    if (!r.n) return run_not_active(tx, c->a, c->run_id);
    int64_t run_row = db_cell_i(&r, 0, 0), seq = db_cell_i(&r, 0, 1);
    if (b->n_params) TRY(params_put(tx, c, run_row));
    if (b->n_tags) TRY(run_tags_put(tx, c->a, run_row, b->tags, b->n_tags));
    if (b->n_metrics) TRY(metrics_put(tx, c->a, run_row, seq, b->metrics, b->n_metrics));
    return ERR_OK;
}

err tracking_log(db *d, str run_id, const run_batch *b)
{
    assert(d && b);
    TRY(check_batch(b));
    AUTO(arena) a = arena_new(0);
    log_call c = {a, run_id, b};
    return db_write(d, log_tx, &c);
}
