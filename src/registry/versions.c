#include "registry/registry_int.h"

#include <assert.h>
#include <stdlib.h>

/* --- create */
typedef struct version_create {
    arena *a;
    const version_spec *o;
    str model_id;
    int64_t version;
} version_create;

/* The version that the same text made before, or 0. */
static err version_of_once(db_tx *tx, const version_create *c, int64_t *ret)
{
    db_rows r = {0};
    TRY(tx_rows(
        tx, c->a,
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

static err version_create_tx(db_tx *tx, void *arg)
{
    version_create *c = arg;
    const version_spec *o = c->o;
    c->version = 0;
    if (o->once.n) TRY(version_of_once(tx, c, &c->version));
    if (c->version) return ERR_OK;
    db_rows r = {0};
    TRY(tx_rows(tx, c->a,
                "UPDATE registered_model SET last_version = last_version + 1, updated_ms = ?"
                " WHERE name = ? RETURNING id, last_version",
                DB_ARGS(db_int(o->now_ms), db_text(o->name)), &r));
    if (!r.n) return model_missing(o->name);
    c->version = db_cell_i(&r, 0, 1);
    TRY(tx_rows(tx, c->a,
                "INSERT INTO model_version (model, version, description, user_id, source, run_id, "
                "model_id, once,"
                " created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                DB_ARGS(db_at(&r, 0, 0)[0], db_int(c->version), db_text(o->description),
                        db_text(o->user), db_text(o->source), db_text(o->run_id),
                        db_text(c->model_id), o->once.n ? db_text(o->once) : db_null(),
                        db_int(o->now_ms), db_int(o->now_ms)),
                &r));
    return tags_put(tx,
                    "INSERT INTO model_version_tag (version, key, value) VALUES (?, ?, ?)"
                    " ON CONFLICT (version, key) DO UPDATE SET value = excluded.value",
                    db_cell_i(&r, 0, 0), o->tags, o->n_tags);
}

static err version_spec_check(const version_spec *o)
{
    TRY(check_model_name(o->name));
    TRY(check_text("source", o->source, REGISTRY_TEXT_MAX));
    TRY(check_text("description", o->description, REGISTRY_TEXT_MAX));
    TRY(check_text("user_id", o->user, REGISTRY_NAME_MAX));
    TRY(check_text("run_id", o->run_id, REGISTRY_NAME_MAX));
    TRY(check_text("once", o->once, REGISTRY_NAME_MAX));
    if (!o->source.n) return err_set(ERR_INVALID, "Missing value for required parameter 'source'.");
    if (o->n_tags > REGISTRY_TAGS_MAX)
        return err_set(ERR_INVALID, "tags: %zu, at most %d", o->n_tags, REGISTRY_TAGS_MAX);
    for (size_t i = 0; i < o->n_tags; i++)
        TRY(check_tag(o->tags[i].key, o->tags[i].value));
    return ERR_OK;
}

err registry_version_create(db *d, arena *a, const version_spec *o, int64_t *ret_version)
{
    assert(d && a && o && ret_version);
    TRY(version_spec_check(o));
    version_create c = {.a = a, .o = o, .model_id = o->model_id};
    if (!c.model_id.n && str_starts(o->source, "models:/m-"))
        c.model_id = (str){o->source.p + 8, o->source.n - 8};
    if (c.model_id.n) {
        logged_model m;
        TRY(err_add(tracking_model_get(d, a, c.model_id, &m), "new version of %.*s",
                    STR_ARG(o->name)));
    }
    TRY(db_write(d, version_create_tx, &c));
    *ret_version = c.version;
    return ERR_OK;
}

/* --- reading */
typedef enum version_by {
    BY_VERSION,
    BY_ALIAS,
    BY_STAGE,
    BY_LATEST,
    BY_LIST,
    BY_LIST_ALL
} version_by;

typedef struct versions_get {
    arena *a;
    version_by by;
    str name, text; /* text: alias or stage */
    int64_t version;
    size_t max, offset;
    model_version *v;
    size_t n;
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

#define VERSION_SELECT                                                                             \
    "SELECT v.id, m.name, v.version, v.description, v.stage, v.status, v.source, v.run_id, "       \
    "v.model_id,"                                                                                  \
    " v.user_id, v.created_ms, v.updated_ms FROM model_version v JOIN registered_model m ON m.id " \
    "= v.model "

static err versions_rows(db_tx *tx, const versions_get *g, db_rows *ret)
{
    db_val name = db_text(g->name), text = db_text(g->text);
    switch (g->by) {
    case BY_VERSION:
        return tx_rows(tx, g->a, VERSION_SELECT "WHERE m.name = ? AND v.version = ?",
                       DB_ARGS(name, db_int(g->version)), ret);
    case BY_ALIAS:
        return tx_rows(tx, g->a,
                       VERSION_SELECT
                       "JOIN model_alias a ON a.model = m.id AND a.version = v.version"
                       " WHERE m.name = ? AND a.alias = ?",
                       DB_ARGS(name, text), ret);
    case BY_STAGE:
        return tx_rows(tx, g->a,
                       VERSION_SELECT "WHERE m.name = ? AND LOWER(v.stage) = LOWER(?)"
                                      " ORDER BY v.version DESC LIMIT 1",
                       DB_ARGS(name, text), ret);
    case BY_LATEST:
        return tx_rows(tx, g->a, VERSION_SELECT "WHERE m.name = ? ORDER BY v.version DESC LIMIT 1",
                       DB_ARGS(name), ret);
    case BY_LIST:
        return tx_rows(tx, g->a,
                       VERSION_SELECT "WHERE m.name = ? ORDER BY v.version DESC LIMIT ? OFFSET ?",
                       DB_ARGS(name, db_int((int64_t)g->max), db_int((int64_t)g->offset)), ret);
    case BY_LIST_ALL:
        return tx_rows(tx, g->a,
                       VERSION_SELECT "ORDER BY v.created_ms DESC, v.id DESC LIMIT ? OFFSET ?",
                       DB_ARGS(db_int((int64_t)g->max), db_int((int64_t)g->offset)), ret);
    }
    assert(!"a way to find versions");
    return ERR_INTERNAL;
}

static err versions_get_tx(db_tx *tx, void *arg)
{
    versions_get *g = arg;
    db_rows r = {0};
    TRY(versions_rows(tx, g, &r));
    int64_t *ids = arena_array(g->a, int64_t, r.n ? r.n : 1);
    g->v = arena_array(g->a, model_version, r.n ? r.n : 1);
    g->n = r.n;
    for (size_t i = 0; i < r.n; i++) {
        ids[i] = db_cell_i(&r, i, 0);
        g->v[i] = (model_version){
            .name = db_cell_s(&r, i, 1),
            .version = db_cell_i(&r, i, 2),
            .description = db_cell_s(&r, i, 3),
            .stage = db_cell_s(&r, i, 4),
            .status = db_cell_s(&r, i, 5),
            .source = db_cell_s(&r, i, 6),
            .run_id = db_cell_s(&r, i, 7),
            .model_id = db_cell_s(&r, i, 8),
            .user_id = db_cell_s(&r, i, 9),
            .created_ms = db_cell_i(&r, i, 10),
            .updated_ms = db_cell_i(&r, i, 11),
        };
    }
    TRY(lists_load(tx, g->a, "SELECT version, key, value FROM model_version_tag WHERE version IN (",
                   ids, r.n, take_tags, g));
    return lists_load(
        tx, g->a,
        "SELECT v.id, a.alias FROM model_alias a JOIN model_version v ON v.model = a.model"
        " AND v.version = a.version WHERE v.id IN (",
        ids, r.n, take_aliases, g);
}

err registry_version_get(db *d, arena *a, str name, int64_t version, model_version *ret)
{
    assert(d && a && ret);
    versions_get g = {.a = a, .by = BY_VERSION, .name = name, .version = version};
    TRY(db_read(d, versions_get_tx, &g));
    if (!g.n)
        return err_set(ERR_MISSING, "Model Version (name=%.*s, version=%lld) not found",
                       STR_ARG(name), (long long)version);
    *ret = g.v[0];
    return ERR_OK;
}

err registry_versions(db *d, arena *a, str name, size_t max, size_t offset, model_version **ret,
                      size_t *ret_n)
{
    assert(d && a && ret && ret_n);
    versions_get g = {.a = a,
                      .by = name.n ? BY_LIST : BY_LIST_ALL,
                      .name = name,
                      .max = max < REGISTRY_LIST_MAX ? max : REGISTRY_LIST_MAX,
                      .offset = offset < INT32_MAX ? offset : INT32_MAX};
    TRY(db_read(d, versions_get_tx, &g));
    *ret = g.v;
    *ret_n = g.n;
    return ERR_OK;
}

err registry_alias_get(db *d, arena *a, str name, str alias, model_version *ret)
{
    assert(d && a && ret);
    versions_get g = {.a = a, .by = BY_ALIAS, .name = name, .text = alias};
    TRY(db_read(d, versions_get_tx, &g));
    if (!g.n)
        return err_set(ERR_MISSING, "Registered model alias %.*s not found for model %.*s",
                       STR_ARG(alias), STR_ARG(name));
    *ret = g.v[0];
    return ERR_OK;
}

/* --- tags */
typedef struct version_tag {
    arena *a;
    str name, key, value;
    int64_t version, now_ms;
} version_tag;

static err version_tag_tx(db_tx *tx, void *arg)
{
    const version_tag *t = arg;
    db_rows r = {0};
    TRY(tx_rows(tx, t->a,
                "UPDATE model_version SET updated_ms = ? WHERE version = ? AND model ="
                " (SELECT id FROM registered_model WHERE name = ?) RETURNING id",
                DB_ARGS(db_int(t->now_ms), db_int(t->version), db_text(t->name)), &r));
    if (!r.n)
        return err_set(ERR_MISSING, "Model Version (name=%.*s, version=%lld) not found",
                       STR_ARG(t->name), (long long)t->version);
    key_value one = {t->key, t->value};
    return tags_put(tx,
                    "INSERT INTO model_version_tag (version, key, value) VALUES (?, ?, ?)"
                    " ON CONFLICT (version, key) DO UPDATE SET value = excluded.value",
                    db_cell_i(&r, 0, 0), &one, 1);
}

err registry_version_tag(db *d, str name, int64_t version, str key, str value, int64_t now_ms)
{
    assert(d);
    TRY(check_tag(key, value));
    AUTO(arena) a = arena_new(0);
    version_tag t = {a, name, key, value, version, now_ms};
    return db_write(d, version_tag_tx, &t);
}

/* --- models:/ */
static err resolve_named(db *d, arena *a, str rest, str uri, model_version *ret)
{
    str name, what;
    if (str_cut(rest, '@', &name, &what)) return registry_alias_get(d, a, name, what, ret);
    if (!str_cut(rest, '/', &name, &what) || !name.n || !what.n)
        return err_set(ERR_INVALID,
                       "'%.*s': want models:/<name>/<version>, models:/<name>@<alias>, "
                       "models:/<name>/<stage>, "
                       "models:/<name>/latest or models:/<model id>",
                       STR_ARG(uri));
    int64_t version = 0;
    if (what.p[0] >= '0' && what.p[0] <= '9') {
        TRY(err_add(parse_i64(what, &version), "'%.*s'", STR_ARG(uri)));
        return registry_version_get(d, a, name, version, ret);
    }
    versions_get g = {.a = a,
                      .by = str_eq_nocase(what, STR("latest")) ? BY_LATEST : BY_STAGE,
                      .name = name,
                      .text = what};
    TRY(db_read(d, versions_get_tx, &g));
    if (!g.n)
        return err_set(ERR_MISSING, "'%.*s': no version of %.*s is there", STR_ARG(uri),
                       STR_ARG(name));
    *ret = g.v[0];
    return ERR_OK;
}

err registry_resolve(db *d, arena *a, str uri, model_version *ret)
{
    assert(d && a && ret);
    if (!str_starts(uri, "models:/"))
        return err_set(ERR_INVALID, "'%.*s': not a models:/ URI", STR_ARG(uri));
    str rest = {uri.p + 8, uri.n - 8};
    bool plain = !memchr(rest.p, '/', rest.n) && !memchr(rest.p, '@', rest.n);
    if (!plain || !str_starts(rest, "m-")) return resolve_named(d, a, rest, uri, ret);
    logged_model m;
    TRY(tracking_model_get(d, a, rest, &m));
    *ret = (model_version){
        .stage = STR("None"),
        .status = STR("READY"),
        .source = str_dup(a, uri),
        .run_id = m.source_run_id,
        .model_id = m.id,
        .created_ms = m.created_ms,
        .updated_ms = m.updated_ms,
    };
    return ERR_OK;
}
