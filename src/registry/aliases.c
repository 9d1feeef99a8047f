#include "registry/registry_int.h"

#include <assert.h>

typedef struct alias_move {
    arena *a;
    str name, alias;
    int64_t version, expected, now_ms;
} alias_move;

static err alias_conflict(db_tx *tx, const alias_move *m, int64_t row)
{
    db_rows r = {0};
    TRY(tx_rows(tx, m->a, "SELECT version FROM model_alias WHERE model = ? AND alias = ?",
                DB_ARGS(db_int(row), db_text(m->alias)), &r));
    if (!r.n)
        return err_set(
            ERR_CONFLICT,
            "alias %.*s of %.*s: changed meanwhile: expected version %lld, it is not set now",
            STR_ARG(m->alias), STR_ARG(m->name), (long long)m->expected);
    if (!m->expected)
        return err_set(ERR_CONFLICT,
                       "alias %.*s of %.*s: changed meanwhile: expected it not to be set, it is "
                       "version %lld now",
                       STR_ARG(m->alias), STR_ARG(m->name), (long long)db_cell_i(&r, 0, 0));
    return err_set(
        ERR_CONFLICT,
        "alias %.*s of %.*s: changed meanwhile: expected version %lld, it is version %lld now",
        STR_ARG(m->alias), STR_ARG(m->name), (long long)m->expected,
        (long long)db_cell_i(&r, 0, 0));
}

/* The comparison is part of the statement that writes, so two movers cannot both win. */
static err alias_write(db_tx *tx, const alias_move *m, int64_t row, int64_t *changed)
{
    db_val owner = db_int(row), alias = db_text(m->alias), version = db_int(m->version);
    if (m->expected < 0)
        return tx_exec(tx,
                       "INSERT INTO model_alias (model, alias, version) VALUES (?, ?, ?)"
                       " ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version",
                       DB_ARGS(owner, alias, version), changed);
    if (!m->expected)
        return tx_exec(tx,
                       "INSERT INTO model_alias (model, alias, version) VALUES (?, ?, ?)"
                       " ON CONFLICT (model, alias) DO NOTHING",
                       DB_ARGS(owner, alias, version), changed);
    return tx_exec(
        tx, "UPDATE model_alias SET version = ? WHERE model = ? AND alias = ? AND version = ?",
        DB_ARGS(version, owner, alias, db_int(m->expected)), changed);
}

static err alias_set_tx(db_tx *tx, void *arg)
{
    const alias_move *m = arg;
    db_rows r = {0};
    TRY(tx_rows(tx, m->a,
                "SELECT m.id, v.id FROM registered_model m LEFT JOIN model_version v"
                " ON v.model = m.id AND v.version = ? WHERE m.name = ?",
                DB_ARGS(db_int(m->version), db_text(m->name)), &r));
    if (!r.n) return model_missing(m->name);
    if (db_at(&r, 0, 1)->type == DB_NULL)
        return err_set(ERR_MISSING, "Model Version (name=%.*s, version=%lld) not found",
                       STR_ARG(m->name), (long long)m->version);
    int64_t row = db_cell_i(&r, 0, 0), changed = 0;
    TRY(alias_write(tx, m, row, &changed));
    if (!changed) return alias_conflict(tx, m, row);
    return tx_exec(tx, "UPDATE registered_model SET updated_ms = ? WHERE id = ?",
                   DB_ARGS(db_int(m->now_ms), db_int(row)), NULL);
}

err registry_alias_set(db *d, str name, str alias, int64_t version, int64_t expected,
                       int64_t now_ms)
{
    assert(d && expected >= -1);
    TRY(check_alias(alias));
    AUTO(arena) a = arena_new(0);
    alias_move m = {a, name, alias, version, expected, now_ms};
    return db_write(d, alias_set_tx, &m);
}

static err alias_delete_tx(db_tx *tx, void *arg)
{
    const alias_move *m = arg;
    int64_t row = 0;
    TRY(model_row(tx, m->a, m->name, &row));
    TRY(tx_exec(tx, "DELETE FROM model_alias WHERE model = ? AND alias = ?",
                DB_ARGS(db_int(row), db_text(m->alias)), NULL));
    return tx_exec(tx, "UPDATE registered_model SET updated_ms = ? WHERE id = ?",
                   DB_ARGS(db_int(m->now_ms), db_int(row)), NULL);
}

err registry_alias_delete(db *d, str name, str alias, int64_t now_ms)
{
    assert(d);
    TRY(check_alias(alias));
    AUTO(arena) a = arena_new(0);
    alias_move m = {.a = a, .name = name, .alias = alias, .now_ms = now_ms};
    return db_write(d, alias_delete_tx, &m);
}
