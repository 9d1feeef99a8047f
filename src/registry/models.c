#include "registry/registry_int.h"

#include <assert.h>
#include <stdlib.h>

err model_missing(str name)
{
    return err_set(ERR_MISSING, "Registered Model with name=%.*s not found", STR_ARG(name));
}

err model_row(db_tx *tx, arena *a, str name, int64_t *ret)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a, "SELECT id FROM registered_model WHERE name = ?", DB_ARGS(db_text(name)),
                &r));
    if (!r.n) return model_missing(name);
    *ret = db_cell_i(&r, 0, 0);
    return ERR_OK;
}

err registry_model_ensure(db *d, str name, int64_t now_ms)
{
    assert(d);
    TRY(check_model_name(name));
    return db_exec(d,
                   "INSERT INTO registered_model (name, created_ms, updated_ms) VALUES (?, ?, ?)"
                   " ON CONFLICT (name) DO NOTHING",
                   DB_ARGS(db_text(name), db_int(now_ms), db_int(now_ms)), NULL);
}

/* --- reading */
typedef struct models_get {
    arena *a;
    str name; /* p NULL: all */
    size_t max, offset;
    registered_model *v;
    size_t n;
} models_get;

static int alias_order(const void *x, const void *y)
{
    const model_alias *a = x, *b = y;
    return str_cmp(a->alias, b->alias);
}

static void take_tags(void *ctx, size_t at, const db_rows *r, size_t from, size_t to)
{
    models_get *g = ctx;
    g->v[at].tags = tags_of_rows(g->a, r, from, to);
    g->v[at].n_tags = to - from;
}

static void take_aliases(void *ctx, size_t at, const db_rows *r, size_t from, size_t to)
{
    models_get *g = ctx;
    model_alias *v = arena_array(g->a, model_alias, to - from);
    for (size_t i = from; i < to; i++)
        v[i - from] = (model_alias){db_cell_s(r, i, 1), db_cell_i(r, i, 2)};
    qsort(v, to - from, sizeof *v, alias_order);
    g->v[at].aliases = v;
    g->v[at].n_aliases = to - from;
}

#define MODEL_COLS                                                                                 \
    "m.id, m.name, m.description, m.created_ms, m.updated_ms,"                                     \
    " (SELECT MAX(v.version) FROM model_version v WHERE v.model = m.id)"

static err models_get_tx(db_tx *tx, void *arg)
{
    models_get *g = arg;
    db_rows r = {0};
    if (g->name.p)
        TRY(tx_rows(tx, g->a, "SELECT " MODEL_COLS " FROM registered_model m WHERE m.name = ?",
                    DB_ARGS(db_text(g->name)), &r));
    else
        TRY(tx_rows(tx, g->a,
                    "SELECT " MODEL_COLS
                    " FROM registered_model m ORDER BY m.name LIMIT ? OFFSET ?",
                    DB_ARGS(db_int((int64_t)g->max), db_int((int64_t)g->offset)), &r));
    int64_t *ids = arena_array(g->a, int64_t, r.n ? r.n : 1);
    g->v = arena_array(g->a, registered_model, r.n ? r.n : 1);
    g->n = r.n;
    for (size_t i = 0; i < r.n; i++) {
        ids[i] = db_cell_i(&r, i, 0);
        g->v[i] = (registered_model){
            .name = db_cell_s(&r, i, 1),
            .description = db_cell_s(&r, i, 2),
            .created_ms = db_cell_i(&r, i, 3),
            .updated_ms = db_cell_i(&r, i, 4),
            .latest_version = db_cell_i(&r, i, 5),
        };
    }
    TRY(lists_load(tx, g->a, "SELECT model, key, value FROM registered_model_tag WHERE model IN (",
                   ids, r.n, take_tags, g));
    return lists_load(tx, g->a, "SELECT model, alias, version FROM model_alias WHERE model IN (",
                      ids, r.n, take_aliases, g);
}

err registry_model_get(db *d, arena *a, str name, registered_model *ret)
{
    assert(d && a && ret);
    models_get g = {.a = a, .name = name.p ? name : STR("")};
    TRY(db_read(d, models_get_tx, &g));
    if (!g.n) return model_missing(name);
    *ret = g.v[0];
    return ERR_OK;
}

err registry_models(db *d, arena *a, size_t max, size_t offset, registered_model **ret,
                    size_t *ret_n)
{
    assert(d && a && ret && ret_n);
    models_get g = {.a = a,
                    .max = max < REGISTRY_LIST_MAX ? max : REGISTRY_LIST_MAX,
                    .offset = offset < INT32_MAX ? offset : INT32_MAX};
    TRY(db_read(d, models_get_tx, &g));
    *ret = g.v;
    *ret_n = g.n;
    return ERR_OK;
}
