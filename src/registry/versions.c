#include "registry/registry_int.h"

#include <assert.h>
#include <stdlib.h>

#define VERSION_TAG_PUT                                                                            \
    "INSERT INTO model_version_tag (version, key, value) VALUES (?, ?, ?)"                         \
    " ON CONFLICT (version, key) DO UPDATE SET value = excluded.value"

err version_missing(version_ref of)
{
    return err_set(ERR_MISSING, "Model Version (name=%.*s, version=%lld) not found",
                   STR_ARG(of.name), (long long)of.version);
}

/* --- create */
typedef struct version_create {
    const version_spec *o;
    version_source from;
    int64_t version;
} version_create;

/* The version that the same text made before, or 0. */
static err version_of_once(change *w, const version_create *c, int64_t *ret)
{
    db_rows r = {0};
    TRY(tx_rows(
        w->tx, w->a,
        "SELECT v.version, m.name FROM model_version v JOIN registered_model m ON m.id = v.model"
        " WHERE v.once = ?",
        DB_ARGS(db_text(c->o->once)), &r));
    if (!r.n) return ERR_OK;
    if (!str_eq(db_cell_s(&r, 0, 1), c->o->name))
        return err_set(ERR_CONFLICT,
                       "model version of %.*s: '%.*s' has already made version %lld of %.*s",
                       STR_ARG(c->o->name), STR_ARG(c->o->once), (long long)db_cell_i(&r, 0, 0),
                       STR_ARG(db_cell_s(&r, 0, 1)));
    *ret = db_cell_i(&r, 0, 0);
    return ERR_OK;
}

static err version_insert(change *w, version_create *c, int64_t *ret_owner, int64_t *ret)
{
    const version_spec *o = c->o;
    db_val now = db_int(o->now_ms);
    db_rows m = {0}, r = {0};
    TRY(tx_rows(w->tx, w->a,
                "UPDATE registered_model SET last_version = last_version + 1, updated_ms = ?"
                " WHERE name = ? RETURNING id, last_version",
                DB_ARGS(now, db_text(o->name)), &m));
    if (!m.n) return model_missing(o->name);
    *ret_owner = db_cell_i(&m, 0, 0);
    c->version = db_cell_i(&m, 0, 1);
    TRY(tx_rows(w->tx, w->a,
                "INSERT INTO model_version (model, version, description, user_id, source, storage,"
                " run_id, run_link, model_id, once, created_ms, updated_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                DB_ARGS(db_int(*ret_owner), db_int(c->version), db_text(o->description),
                        db_text(o->user), db_text(c->from.source), db_text(c->from.storage),
                        db_text(c->from.run_id), db_text(o->run_link), db_text(c->from.model_id),
                        o->once.n ? db_text(o->once) : db_null(), now, now),
                &r));
    *ret = db_cell_i(&r, 0, 0);
    return ERR_OK;
}

static err version_create_tx(change *w, void *arg)
{
    version_create *c = arg;
    const version_spec *o = c->o;
    c->version = 0;
    if (o->once.n) TRY(version_of_once(w, c, &c->version));
    if (c->version) return ERR_OK;
    int64_t owner = 0, row = 0;
    TRY(version_insert(w, c, &owner, &row));
    TRY(tags_put(w->tx, VERSION_TAG_PUT, row, o->tags, o->n_tags));
    log_item e = {.kind = "version",
                  .row = owner,
                  .model = o->name,
                  .version = c->version,
                  .subject = STR("made"),
                  .became = c->from.source};
    TRY(change_log(w, &e));
    e.kind = "version_tag";
    for (size_t i = 0; i < o->n_tags; i++) {
        e.subject = o->tags[i].key;
        e.became = o->tags[i].value;
        TRY(change_log(w, &e));
    }
    return ERR_OK;
}

static err version_spec_check(const version_spec *o)
{
    TRY(check_model_name(o->name));
    TRY(check_text("source", o->source, REGISTRY_TEXT_MAX));
    TRY(check_text("description", o->description, REGISTRY_TEXT_MAX));
    TRY(check_text("user_id", o->user, REGISTRY_NAME_MAX));
    TRY(check_text("run_id", o->run_id, REGISTRY_NAME_MAX));
    TRY(check_text("run_link", o->run_link, REGISTRY_TEXT_MAX));
    TRY(check_text("model_id", o->model_id, REGISTRY_NAME_MAX));
    TRY(check_text("once", o->once, REGISTRY_NAME_MAX));
    if (!o->source.n) return err_set(ERR_INVALID, "Missing value for required parameter 'source'.");
    return check_tag_list(o->tags, o->n_tags);
}

err registry_version_create(db *d, arena *a, const version_spec *o, int64_t *ret_version)
{
    assert(d && a && o && ret_version);
    TRY(version_spec_check(o));
    version_create c = {.o = o};
    TRY(err_add(source_check(d, a, o, &c.from), "new version of %.*s", STR_ARG(o->name)));
    change_by by = {.user = o->user, .now_ms = o->now_ms};
    TRY(change_run(d, a, &by, version_create_tx, &c));
    *ret_version = c.version;
    return ERR_OK;
}

/* --- reading */
typedef struct versions_get {
    arena *a;
    model_version *v;
} versions_get;

static int str_order(const void *x, const void *y)
{
    return str_cmp(*(const str *)x, *(const str *)y);
}

static void take_tags(void *ctx, size_t at, const db_rows *r, size_t from, size_t to)
{
    versions_get *g = ctx;
    g->v[at].tags = tags_of_rows(g->a, r, from, to);
    g->v[at].n_tags = to - from;
}

static void take_aliases(void *ctx, size_t at, const db_rows *r, size_t from, size_t to)
{
    versions_get *g = ctx;
    str *v = arena_array(g->a, str, to - from);
    for (size_t i = from; i < to; i++)
        v[i - from] = db_cell_s(r, i, 1);
    qsort(v, to - from, sizeof *v, str_order);
    g->v[at].aliases = v;
    g->v[at].n_aliases = to - from;
}

static void take_version(void *ctx, size_t at, const db_rows *r, size_t from, size_t to)
{
    versions_get *g = ctx;
    assert(to == from + 1);
    g->v[at] = (model_version){
        .name = db_cell_s(r, from, 1),
        .version = db_cell_i(r, from, 2),
        .description = db_cell_s(r, from, 3),
        .stage = db_cell_s(r, from, 4),
        .status = db_cell_s(r, from, 5),
        .source = db_cell_s(r, from, 6),
        .run_id = db_cell_s(r, from, 7),
        .model_id = db_cell_s(r, from, 8),
        .user_id = db_cell_s(r, from, 9),
        .created_ms = db_cell_i(r, from, 10),
        .updated_ms = db_cell_i(r, from, 11),
        .run_link = db_cell_s(r, from, 12),
        .status_message = db_cell_s(r, from, 13),
    };
}

err versions_by_ids(db_tx *tx, arena *a, const int64_t *ids, size_t n, model_version **ret)
{
    versions_get g = {a, arena_array(a, model_version, n ? n : 1)};
    TRY(lists_load(
        tx, a,
        "SELECT v.id, m.name, v.version, v.description, v.stage, v.status, v.source, v.run_id,"
        " v.model_id, v.user_id, v.created_ms, v.updated_ms, v.run_link, v.status_message"
        " FROM model_version v JOIN registered_model m ON m.id = v.model WHERE v.id IN (",
        ids, n, take_version, &g));
    TRY(lists_load(tx, a, "SELECT version, key, value FROM model_version_tag WHERE version IN (",
                   ids, n, take_tags, &g));
    TRY(lists_load(
        tx, a,
        "SELECT v.id, a.alias FROM model_alias a JOIN model_version v ON v.model = a.model"
        " AND v.version = a.version WHERE v.id IN (",
        ids, n, take_aliases, &g));
    *ret = g.v;
    return ERR_OK;
}

err version_row_get(db_tx *tx, arena *a, version_ref of, version_row *ret)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a,
                "SELECT v.id, v.model, m.name, v.stage, v.source, v.user_id FROM model_version v"
                " JOIN registered_model m ON m.id = v.model WHERE m.name = ? AND v.version = ?",
                DB_ARGS(db_text(of.name), db_int(of.version)), &r));
    if (!r.n) return version_missing(of);
    *ret = (version_row){.id = db_cell_i(&r, 0, 0),
                         .model = db_cell_i(&r, 0, 1),
                         .name = db_cell_s(&r, 0, 2),
                         .stage = db_cell_s(&r, 0, 3),
                         .source = db_cell_s(&r, 0, 4),
                         .user = db_cell_s(&r, 0, 5)};
    return ERR_OK;
}

err version_get_tx(db_tx *tx, arena *a, version_ref of, model_version *ret)
{
    version_row v;
    model_version *one;
    TRY(version_row_get(tx, a, of, &v));
    TRY(versions_by_ids(tx, a, &v.id, 1, &one));
    *ret = *one;
    return ERR_OK;
}

/* One way to ask for the ids of versions. */
typedef struct versions_ask {
    arena *a;
    const char *sql;
    const db_val *args;
    size_t n_args, n;
    model_version *v;
} versions_ask;

static err versions_ask_tx(db_tx *tx, void *arg)
{
    versions_ask *q = arg;
    db_rows r = {0};
    TRY(tx_rows(tx, q->a, q->sql, q->args, q->n_args, &r));
    q->n = r.n;
    return versions_by_ids(tx, q->a, ids_of_rows(q->a, &r), r.n, &q->v);
}

err versions_of(db *d, arena *a, const char *sql, const db_val *args, size_t n_args,
                model_version **ret, size_t *ret_n)
{
    versions_ask q = {.a = a, .sql = sql, .args = args, .n_args = n_args};
    TRY(db_read(d, versions_ask_tx, &q));
    *ret = q.v;
    *ret_n = q.n;
    return ERR_OK;
}

#define VERSION_IDS "SELECT v.id FROM model_version v JOIN registered_model m ON m.id = v.model "

err registry_version_get(db *d, arena *a, str name, int64_t version, model_version *ret)
{
    assert(d && a && ret);
    model_version *v;
    size_t n;
    TRY(versions_of(d, a, VERSION_IDS "WHERE m.name = ? AND v.version = ?",
                    DB_ARGS(db_text(name), db_int(version)), &v, &n));
    if (!n) return version_missing((version_ref){name, version});
    *ret = v[0];
    return ERR_OK;
}

err registry_versions(db *d, arena *a, str name, size_t max, size_t offset, model_version **ret,
                      size_t *ret_n)
{
    assert(d && a && ret && ret_n);
    db_val limit = db_int((int64_t)(max < REGISTRY_LIST_MAX ? max : REGISTRY_LIST_MAX));
    db_val skip = db_int((int64_t)(offset < INT32_MAX ? offset : INT32_MAX));
    if (!name.n)
        return versions_of(d, a,
                           VERSION_IDS "ORDER BY v.created_ms DESC, v.id DESC LIMIT ? OFFSET ?",
                           DB_ARGS(limit, skip), ret, ret_n);
    return versions_of(d, a,
                       VERSION_IDS "WHERE m.name = ? ORDER BY v.version DESC LIMIT ? OFFSET ?",
                       DB_ARGS(db_text(name), limit, skip), ret, ret_n);
}

err registry_alias_get(db *d, arena *a, str name, str alias, model_version *ret)
{
    assert(d && a && ret);
    model_version *v;
    size_t n;
    TRY(versions_of(d, a,
                    VERSION_IDS "JOIN model_alias a ON a.model = m.id AND a.version = v.version"
                                " WHERE m.name = ? AND a.alias = ?",
                    DB_ARGS(db_text(name), db_text(alias)), &v, &n));
    if (!n)
        return err_set(ERR_MISSING, "Registered model alias %.*s not found for model %.*s",
                       STR_ARG(alias), STR_ARG(name));
    *ret = v[0];
    return ERR_OK;
}

err registry_download_uri(db *d, arena *a, version_ref of, str *ret)
{
    assert(d && a && ret);
    db_rows r = {0};
    TRY(db_rows_of(d, a,
                   "SELECT v.storage, v.source FROM model_version v"
                   " JOIN registered_model m ON m.id = v.model WHERE m.name = ? AND v.version = ?",
                   DB_ARGS(db_text(of.name), db_int(of.version)), &r));
    if (!r.n) return version_missing(of);
    *ret = db_cell_s(&r, 0, db_cell_s(&r, 0, 0).n ? 0 : 1);
    return ERR_OK;
}
