#include "registry/registry_int.h"

#include <assert.h>

static err alias_now(change *c, int64_t owner, str alias, int64_t *ret)
{
    db_rows r = {0};
    TRY(tx_rows(c->tx, c->a, "SELECT version FROM model_alias WHERE model = ? AND alias = ?",
                DB_ARGS(db_int(owner), db_text(alias)), &r));
    *ret = r.n ? db_cell_i(&r, 0, 0) : 0;
    return ERR_OK;
}

static str version_text(arena *a, int64_t version)
{
    return version ? str_fmt(a, "%lld", (long long)version) : STR("");
}

/* version 0 removes the alias. */
err alias_put(change *c, int64_t owner, str name, str alias, int64_t version)
{
    int64_t now = 0;
    TRY(alias_now(c, owner, alias, &now));
    if (now == version) return ERR_OK;
    if (version)
        TRY(tx_exec(c->tx,
                    "INSERT INTO model_alias (model, alias, version) VALUES (?, ?, ?)"
                    " ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version",
                    DB_ARGS(db_int(owner), db_text(alias), db_int(version)), NULL));
    else
        TRY(tx_exec(c->tx, "DELETE FROM model_alias WHERE model = ? AND alias = ?",
                    DB_ARGS(db_int(owner), db_text(alias)), NULL));
    return change_log(c, &(log_item){.kind = "alias",
                                     .row = owner,
                                     .model = name,
                                     .version = version ? version : now,
                                     .subject = alias,
                                     .was = version_text(c->a, now),
                                     .became = version_text(c->a, version)});
}

/* Writers of the registry wait for each other (change.c), so what was compared still holds when it
 * is written. */
static err alias_expect(change *c, const alias_move *m, int64_t owner)
{
    int64_t now = 0;
    if (m->expected < 0) return ERR_OK;
    TRY(alias_now(c, owner, m->alias, &now));
    if (now == m->expected) return ERR_OK;
    if (!now)
        return err_set(
            ERR_CONFLICT,
            "alias %.*s of %.*s: changed meanwhile: expected version %lld, it is not set now",
            STR_ARG(m->alias), STR_ARG(m->name), (long long)m->expected);
    if (!m->expected)
        return err_set(ERR_CONFLICT,
                       "alias %.*s of %.*s: changed meanwhile: expected it not to be set, it is "
                       "version %lld now",
                       STR_ARG(m->alias), STR_ARG(m->name), (long long)now);
    return err_set(
        ERR_CONFLICT,
        "alias %.*s of %.*s: changed meanwhile: expected version %lld, it is version %lld now",
        STR_ARG(m->alias), STR_ARG(m->name), (long long)m->expected, (long long)now);
}

static err alias_move_tx(change *c, void *arg)
{
    const alias_move *m = arg;
    version_row v;
    TRY(version_row_get(c->tx, c->a, (version_ref){m->name, m->version}, &v));
    TRY(alias_expect(c, m, v.model));
    TRY(policy_allows(c, &v, m->version, "alias", m->alias));
    return alias_put(c, v.model, m->name, m->alias, m->version);
}

err registry_alias_move(db *d, const alias_move *o, const change_by *by)
{
    assert(d && o && by && o->expected >= -1);
    TRY(check_alias(o->alias));
    AUTO(arena) a = arena_new(0);
    alias_move m = *o;
    return change_run(d, a, by, alias_move_tx, &m);
}

err registry_alias_set(db *d, str name, str alias, int64_t version, int64_t expected,
                       int64_t now_ms)
{
    return registry_alias_move(d, &(alias_move){name, alias, version, expected},
                               &(change_by){.now_ms = now_ms});
}

static err alias_drop_tx(change *c, void *arg)
{
    const alias_move *m = arg;
    int64_t owner = 0;
    TRY(model_row(c->tx, c->a, m->name, &owner));
    return alias_put(c, owner, m->name, m->alias, 0);
}

err registry_alias_drop(db *d, str name, str alias, const change_by *by)
{
    assert(d && by);
    TRY(check_alias_text(alias));
    AUTO(arena) a = arena_new(0);
    alias_move m = {.name = name, .alias = alias};
    return change_run(d, a, by, alias_drop_tx, &m);
}

err registry_alias_delete(db *d, str name, str alias, int64_t now_ms)
{
    return registry_alias_drop(d, name, alias, &(change_by){.now_ms = now_ms});
}
