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

/* --- reading */
typedef struct models_get {
    arena *a;
    registered_model *v;
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

static void take_model(void *ctx, size_t at, const db_rows *r, size_t from, size_t to)
{
    models_get *g = ctx;
    assert(to == from + 1);
    g->v[at] = (registered_model){
        .name = db_cell_s(r, from, 1),
        .description = db_cell_s(r, from, 2),
        .created_ms = db_cell_i(r, from, 3),
        .updated_ms = db_cell_i(r, from, 4),
        .latest_version = db_cell_i(r, from, 5),
    };
}

err models_by_ids(db_tx *tx, arena *a, const int64_t *ids, size_t n, registered_model **ret)
{
    models_get g = {a, arena_array(a, registered_model, n ? n : 1)};
    TRY(lists_load(tx, a,
                   "SELECT m.id, m.name, m.description, m.created_ms, m.updated_ms,"
                   " (SELECT MAX(v.version) FROM model_version v WHERE v.model = m.id)"
                   " FROM registered_model m WHERE m.id IN (",
                   ids, n, take_model, &g));
    TRY(lists_load(tx, a, "SELECT model, key, value FROM registered_model_tag WHERE model IN (",
                   ids, n, take_tags, &g));
    TRY(lists_load(tx, a, "SELECT model, alias, version FROM model_alias WHERE model IN (", ids, n,
                   take_aliases, &g));
    *ret = g.v;
    return ERR_OK;
}

typedef struct model_read {
    arena *a;
    str name;
    size_t max, offset;
    registered_model *v;
    size_t n;
} model_read;

static err model_read_tx(db_tx *tx, void *arg)
{
    model_read *q = arg;
    int64_t row = 0;
    TRY(model_row(tx, q->a, q->name, &row));
    return models_by_ids(tx, q->a, &row, 1, &q->v);
}

err registry_model_get(db *d, arena *a, str name, registered_model *ret)
{
    assert(d && a && ret);
    model_read q = {.a = a, .name = name};
    TRY(db_read(d, model_read_tx, &q));
    *ret = *q.v;
    return ERR_OK;
}

static err models_list_tx(db_tx *tx, void *arg)
{
    model_read *q = arg;
    db_rows r = {0};
    TRY(tx_rows(tx, q->a, "SELECT id FROM registered_model ORDER BY name LIMIT ? OFFSET ?",
                DB_ARGS(db_int((int64_t)q->max), db_int((int64_t)q->offset)), &r));
    q->n = r.n;
    return models_by_ids(tx, q->a, ids_of_rows(q->a, &r), r.n, &q->v);
}

err registry_models(db *d, arena *a, size_t max, size_t offset, registered_model **ret,
                    size_t *ret_n)
{
    assert(d && a && ret && ret_n);
    model_read q = {.a = a,
                    .max = max < REGISTRY_LIST_MAX ? max : REGISTRY_LIST_MAX,
                    .offset = offset < INT32_MAX ? offset : INT32_MAX};
    TRY(db_read(d, models_list_tx, &q));
    *ret = q.v;
    *ret_n = q.n;
    return ERR_OK;
}

static err name_now_tx(db_tx *tx, void *arg)
{
    model_read *q = arg;
    db_rows r = {0};
    TRY(tx_rows(tx, q->a, "SELECT name FROM registered_model WHERE name = ?",
                DB_ARGS(db_text(q->name)), &r));
    if (!r.n)
        TRY(tx_rows(tx, q->a,
                    "SELECT m.name FROM registered_model_former f"
                    " JOIN registered_model m ON m.id = f.model WHERE f.name = ?",
                    DB_ARGS(db_text(q->name)), &r));
    if (!r.n) return model_missing(q->name);
    q->name = db_cell_s(&r, 0, 0);
    return ERR_OK;
}

err registry_name_now(db *d, arena *a, str name, str *ret)
{
    assert(d && a && ret);
    model_read q = {.a = a, .name = name};
    TRY(db_read(d, name_now_tx, &q));
    *ret = q.name;
    return ERR_OK;
}
