#include <assert.h>

#include "base/buf.h"
#include "tracking/tracking_int.h"

/* One "(?,?,…)" group or "?,?,…" list. */
static void put_marks(buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_puts(b, i ? STR(",?") : STR("?"));
}

err rows_insert(db_tx *tx, const char *head, size_t n_cols, const db_val *v, size_t n_rows,
                const char *tail, int64_t *ret_changed)
{
    assert(n_cols > 0 && n_cols <= DB_ARGS_MAX);
    size_t at_once = DB_ARGS_MAX / n_cols;
    int64_t changed = 0;
    err e = ERR_OK;
    buf sql;
    buf_init(&sql, DB_SQL_MAX);
    for (size_t at = 0; !e && at < n_rows;) {
        size_t n = n_rows - at < at_once ? n_rows - at : at_once;
        buf_reset(&sql);
        buf_fmt(&sql, "%s ", head);
        for (size_t i = 0; i < n; i++) {
            buf_puts(&sql, i ? STR(",(") : STR("("));
            put_marks(&sql, n_cols);
            buf_putc(&sql, ')');
        }
        buf_fmt(&sql, " %s", tail);
        buf_putc(&sql, 0);
        e = buf_err(&sql, "statement");
        int64_t once = 0;
        if (!e) e = tx_exec(tx, sql.p, v + at * n_cols, n * n_cols, &once);
        changed += once;
        at += n;
    }
    buf_done(&sql);
    if (!e && ret_changed) *ret_changed = changed;
    return e;
}

static err in_once(db_tx *tx, arena *a, const rows_in_list *q, size_t at, size_t n, db_rows *ret)
{
    db_val args[DB_ARGS_MAX];
    assert(q->n_first + n <= DB_ARGS_MAX);
    if (q->n_first) memcpy(args, q->first, q->n_first * sizeof *args);
    memcpy(args + q->n_first, q->list + at, n * sizeof *args);
    buf sql;
    buf_init(&sql, DB_SQL_MAX);
    buf_fmt(&sql, "%s", q->head);
    put_marks(&sql, n);
    buf_fmt(&sql, "%s", q->tail);
    buf_putc(&sql, 0);
    err e = buf_err(&sql, "statement");
    if (!e) e = tx_rows(tx, a, sql.p, args, q->n_first + n, ret);
    buf_done(&sql);
    return e;
}

err rows_in(db_tx *tx, arena *a, const rows_in_list *q, rows_fn fn, void *ctx)
{
    assert(q->n_first < DB_ARGS_MAX / 2);
    size_t at_once = DB_ARGS_MAX - q->n_first;
    for (size_t at = 0; at < q->n_list; at += at_once) {
        size_t n = q->n_list - at < at_once ? q->n_list - at : at_once;
        db_rows r = {0};
        TRY(in_once(tx, a, q, at, n, &r));
        TRY(fn(ctx, &r));
    }
    return ERR_OK;
}

/* --- pairs of many owners */
typedef struct kv_owner {
    int64_t id;
    size_t at; /* position in the caller's list */
} kv_owner;

typedef struct kv_fill {
    arena *a;
    const kv_owner *owners;
    size_t n;
    kv_list *lists;
} kv_fill;

static int owner_order(const void *x, const void *y)
{
    const kv_owner *a = x, *b = y;
    return (a->id > b->id) - (a->id < b->id);
}

static int key_order(const void *x, const void *y)
{
    const key_value *a = x, *b = y;
    return str_cmp(a->key, b->key);
}

/* Rows come ordered by owner, so each owner's pairs are one stretch. */
static err kv_take(void *ctx, const db_rows *r)
{
    kv_fill *f = ctx;
    for (size_t i = 0, end; i < r->n; i = end) {
        kv_owner key = {.id = db_cell_i(r, i, 0)};
        for (end = i + 1; end < r->n && db_cell_i(r, end, 0) == key.id; end++)
            ;
        const kv_owner *o = bsearch(&key, f->owners, f->n, sizeof key, owner_order);
        assert(o);
        kv_list *l = &f->lists[o->at];
        l->n = end - i;
        l->v = arena_array(f->a, key_value, l->n);
        for (size_t k = 0; k < l->n; k++)
            l->v[k] = (key_value){db_cell_s(r, i + k, 1), db_cell_s(r, i + k, 2)};
        qsort(l->v, l->n, sizeof *l->v, key_order);
    }
    return ERR_OK;
}

err kv_load(db_tx *tx, arena *a, const char *head, const int64_t *ids, size_t n, kv_list *ret)
{
    if (!n) return ERR_OK;
    kv_owner *owners = arena_array(a, kv_owner, n);
    db_val *list = arena_array(a, db_val, n);
    for (size_t i = 0; i < n; i++) {
        owners[i] = (kv_owner){ids[i], i};
        list[i] = db_int(ids[i]);
        ret[i] = (kv_list){0};
    }
    qsort(owners, n, sizeof *owners, owner_order);
    kv_fill f = {a, owners, n, ret};
    rows_in_list q = {.head = head, .tail = ") ORDER BY 1", .list = list, .n_list = n};
    return rows_in(tx, a, &q, kv_take, &f);
}

err kv_put(db_tx *tx, arena *a, const char *head, const char *tail, int64_t owner,
           const key_value *v, size_t n)
{
    if (!n) return ERR_OK;
    db_val *vals = arena_array(a, db_val, n * 3);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool again = false; /* a statement may name a row only once */
        for (size_t j = i + 1; j < n && !again; j++)
            again = str_eq(v[i].key, v[j].key);
        if (again) continue;
        vals[kept * 3] = db_int(owner);
        vals[kept * 3 + 1] = db_text(v[i].key);
        vals[kept * 3 + 2] = db_text(v[i].value);
        kept++;
    }
    return rows_insert(tx, head, 3, vals, kept, tail, NULL);
}
