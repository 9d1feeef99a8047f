#include "registry/registry_int.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"

typedef struct owner_at {
    int64_t id;
    size_t at;
} owner_at;

static int owner_order(const void *x, const void *y)
{
    const owner_at *a = x, *b = y;
    return (a->id > b->id) - (a->id < b->id);
}

static int key_order(const void *x, const void *y)
{
    const key_value *a = x, *b = y;
    return str_cmp(a->key, b->key);
}

static err rows_of_ids(db_tx *tx, arena *a, const char *head, const int64_t *ids, size_t n,
                       db_rows *ret)
{
    db_val args[DB_ARGS_MAX];
    buf sql;
    buf_init(&sql, DB_SQL_MAX);
    buf_fmt(&sql, "%s", head);
    for (size_t i = 0; i < n; i++) {
        buf_puts(&sql, i ? STR(",?") : STR("?"));
        args[i] = db_int(ids[i]);
    }
    buf_fmt(&sql, ") ORDER BY 1");
    buf_putc(&sql, 0);
    err e = buf_err(&sql, "statement");
    if (!e) e = tx_rows(tx, a, sql.p, args, n, ret);
    buf_done(&sql);
    return e;
}

err lists_load(db_tx *tx, arena *a, const char *head, const int64_t *ids, size_t n, stretch_fn fn,
               void *ctx)
{
    owner_at *owners = arena_array(a, owner_at, n ? n : 1);
    for (size_t i = 0; i < n; i++)
        owners[i] = (owner_at){ids[i], i};
    if (n) qsort(owners, n, sizeof *owners, owner_order);
    for (size_t at = 0; at < n; at += DB_ARGS_MAX) {
        db_rows r = {0};
        TRY(rows_of_ids(tx, a, head, ids + at, n - at < DB_ARGS_MAX ? n - at : DB_ARGS_MAX, &r));
        for (size_t i = 0, end; i < r.n; i = end) {
            owner_at want = {.id = db_cell_i(&r, i, 0)};
            for (end = i + 1; end < r.n && db_cell_i(&r, end, 0) == want.id; end++)
                ;
            const owner_at *o = bsearch(&want, owners, n, sizeof want, owner_order);
            assert(o);
            fn(ctx, o->at, &r, i, end);
        }
    }
    return ERR_OK;
}

int64_t *ids_of_rows(arena *a, const db_rows *r)
{
    int64_t *ids = arena_array(a, int64_t, r->n ? r->n : 1);
    for (size_t i = 0; i < r->n; i++)
        ids[i] = db_cell_i(r, i, 0);
    return ids;
}

const key_value *tags_of_rows(arena *a, const db_rows *r, size_t from, size_t to)
{
    key_value *v = arena_array(a, key_value, to - from);
    for (size_t i = from; i < to; i++)
        v[i - from] = (key_value){db_cell_s(r, i, 1), db_cell_s(r, i, 2)};
    qsort(v, to - from, sizeof *v, key_order);
    return v;
}

err tags_put(db_tx *tx, const char *sql, int64_t owner, const key_value *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        TRY(tx_exec(tx, sql, DB_ARGS(db_int(owner), db_text(v[i].key), db_text(v[i].value)), NULL));
    return ERR_OK;
}
