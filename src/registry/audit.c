#include "registry/registry_int.h"

#include <assert.h>

#include "base/clock.h"

enum { AUDIT_STEP = 1000 }; /* entries read at once while verifying */

#define ENTRY_COLS                                                                                 \
    "seq, batch, at_ms, user_id, reason, kind, model_row, model, version, subject, was, became,"   \
    " hash"

static audit_entry entry_of_row(const db_rows *r, size_t i)
{
    return (audit_entry){
        .seq = db_cell_i(r, i, 0),
        .at_ms = db_cell_i(r, i, 2),
        .user = db_cell_s(r, i, 3),
        .reason = db_cell_s(r, i, 4),
        .kind = db_cell_s(r, i, 5),
        .model = db_cell_s(r, i, 7),
        .version = db_cell_i(r, i, 8),
        .subject = db_cell_s(r, i, 9),
        .before = db_cell_s(r, i, 10),
        .after = db_cell_s(r, i, 11),
        .hash = db_cell_s(r, i, 12),
    };
}

/* --- reading */
typedef struct entries_call {
    arena *a;
    const audit_query *q;
    audit_entry *v;
    size_t n;
} entries_call;

/* A model is found by the name it had then, and, as long as it is the same one, by its present
 * name. The number of a row may be given again after a deletion. */
static err entries_of_model(db_tx *tx, const entries_call *c, int64_t until, int64_t max,
                            db_rows *ret)
{
    const audit_query *q = c->q;
    db_rows r = {0};
    TRY(tx_rows(tx, c->a,
                "SELECT m.id, COALESCE((SELECT MAX(l.seq) FROM registry_log l"
                " WHERE l.model_row = m.id AND l.kind = 'model' AND l.subject = 'name'"
                " AND l.became = ''), 0) FROM registered_model m WHERE m.name = ?",
                DB_ARGS(db_text(q->model)), &r));
    int64_t row = r.n ? db_cell_i(&r, 0, 0) : -1, from = r.n ? db_cell_i(&r, 0, 1) : 0;
    return tx_rows(tx, c->a,
                   "SELECT " ENTRY_COLS " FROM registry_log WHERE seq > ? AND at_ms >= ?"
                   " AND at_ms <= ? AND (model = ? OR (model_row = ? AND seq > ?))"
                   " ORDER BY seq LIMIT ?",
                   DB_ARGS(db_int(q->after_seq), db_int(q->since_ms), db_int(until),
                           db_text(q->model), db_int(row), db_int(from), db_int(max)),
                   ret);
}

static err entries_tx(db_tx *tx, void *arg)
{
    entries_call *c = arg;
    const audit_query *q = c->q;
    int64_t until = q->until_ms ? q->until_ms : INT64_MAX;
    int64_t max = (int64_t)(q->max < REGISTRY_LIST_MAX ? q->max : REGISTRY_LIST_MAX);
    db_rows r = {0};
    if (q->model.n)
        TRY(entries_of_model(tx, c, until, max, &r));
    else
        TRY(tx_rows(tx, c->a,
                    "SELECT " ENTRY_COLS " FROM registry_log WHERE seq > ? AND at_ms >= ?"
                    " AND at_ms <= ? ORDER BY seq LIMIT ?",
                    DB_ARGS(db_int(q->after_seq), db_int(q->since_ms), db_int(until), db_int(max)),
                    &r));
    c->n = r.n;
    c->v = arena_array(c->a, audit_entry, r.n ? r.n : 1);
    for (size_t i = 0; i < r.n; i++)
        c->v[i] = entry_of_row(&r, i);
    return ERR_OK;
}

err audit_entries(db *d, arena *a, const audit_query *q, audit_entry **ret, size_t *ret_n)
{
    assert(d && a && q && ret && ret_n);
    entries_call c = {.a = a, .q = q};
    TRY(db_read(d, entries_tx, &c));
    *ret = c.v;
    *ret_n = c.n;
    return ERR_OK;
}

/* --- verifying */
typedef struct verify_call {
    str expect;
    bool found;
    int64_t n;
    char hash[SHA256_HEX + 1];
} verify_call;

static err verify_rows(verify_call *v, const db_rows *r)
{
    for (size_t i = 0; i < r->n; i++) {
        audit_entry e = entry_of_row(r, i);
        char hash[SHA256_HEX + 1];
        if (e.seq != v->n + 1)
            return err_set(ERR_FORMAT, "registry log: entry %lld is missing",
                           (long long)(v->n + 1));
        change_hash(v->hash, &e, db_cell_i(r, i, 1), db_cell_i(r, i, 6), hash);
        if (!str_is(e.hash, hash)) {
            char when[TIME_PRINT_MAX];
            return err_set(ERR_FORMAT,
                           "registry log: entry %lld (%s, %.*s of %.*s) is not what was written: "
                           "its hash is %s, recorded is %.*s",
                           (long long)e.seq, time_print(e.at_ms, when), STR_ARG(e.kind),
                           STR_ARG(e.model), hash, STR_ARG(e.hash));
        }
        memcpy(v->hash, hash, sizeof hash);
        v->n = e.seq;
        v->found |= str_eq(v->expect, e.hash);
    }
    return ERR_OK;
}

static err verify_tx(db_tx *tx, void *arg)
{
    verify_call *v = arg;
    AUTO(arena) a = arena_new(0);
    memset(v->hash, '0', SHA256_HEX);
    for (size_t got = AUDIT_STEP; got == AUDIT_STEP; arena_reset(a)) {
        db_rows r = {0};
        TRY(tx_rows(tx, a,
                    "SELECT " ENTRY_COLS " FROM registry_log WHERE seq > ? ORDER BY seq LIMIT ?",
                    DB_ARGS(db_int(v->n), db_int(AUDIT_STEP)), &r));
        TRY(verify_rows(v, &r));
        got = r.n;
    }
    db_rows r = {0};
    TRY(tx_rows(tx, a, "SELECT seq, hash FROM registry_log_head", DB_NO_ARGS, &r));
    if (r.n != 1 || db_cell_i(&r, 0, 0) != v->n || !str_is(db_cell_s(&r, 0, 1), v->hash))
        return err_set(ERR_FORMAT, "registry log: it ends with entry %lld, but %lld were written",
                       (long long)v->n, r.n ? (long long)db_cell_i(&r, 0, 0) : 0LL);
    return ERR_OK;
}

err audit_verify(db *d, arena *a, str expect, audit_head *ret)
{
    assert(d && a && ret);
    verify_call v = {.expect = expect};
    TRY(db_read(d, verify_tx, &v));
    if (expect.n && !v.found)
        return err_set(ERR_MISSING, "registry log: whole, but no entry has hash %.*s",
                       STR_ARG(expect));
    *ret = (audit_head){v.n, str_dup(a, str_of(v.hash))};
    return ERR_OK;
}
