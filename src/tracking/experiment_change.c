#include <assert.h>

#include "base/clock.h"
#include "tracking/experiments.h"
#include "tracking/tracking_int.h"

enum { EXPERIMENT_TAGS_MAX = 1000, LOCATION_MAX = 2048 };

typedef struct change_call {
    arena *a;
    const experiment_spec *o;
    str id, name, key, value, location;
    const char *from, *to; /* lifecycle stages */
    int64_t now_ms, row;
} change_call;

static err name_taken(str name)
{
    return err_set(ERR_CONFLICT, "Experiment(name=%.*s) already exists.", STR_ARG(name));
}

/* --- where artifacts go. The server touches no place but its own; still it names none that a
 * client of another machine, or a later server, would take for a path of its own. */
static err location_bad(str location)
{
    return err_set(
        ERR_INVALID,
        "Invalid artifact location '%.*s': want mlflow-artifacts:/<path>, a store such "
        "as s3://bucket/path, or nothing; no file: or absolute path, no '..', '\\', '%%', "
        "'?', '#'",
        (int)(location.n < 200 ? location.n : 200), location.p);
}

static bool levels_ok(str path)
{
    str level;
    while (path.n) {
        str_cut(path, '/', &level, &path);
        if (str_eq(level, STR("..")) || str_eq(level, STR("."))) return false;
    }
    return true;
}

static bool scheme_ok(str location)
{
    static const char *const stores[] = {
        "s3://",     "gs://",    "abfss://", "abfs://", "wasbs://", "wasb://", "hdfs://",
        "viewfs://", "https://", "http://",  "r2://",   "b2://",    "oss://",  "mlflow-artifacts:/",
        "dbfs:/",    "ftp://",   "sftp://",
    };
    for (size_t i = 0; i < countof(stores); i++)
        if (str_starts(location, stores[i])) return true;
    return false;
}

static bool location_byte_ok(char c)
{
    return (unsigned char)c >= 32 && c != 127 && c != '\\' && c != '%' && c != '?' && c != '#';
}

static err location_read(arena *a, str given, str *ret)
{
    str s = given;
    while (s.n > 1 && s.p[s.n - 1] == '/')
        s.n--;
    if (s.n > LOCATION_MAX)
        return err_set(ERR_INVALID,
                       "Invalid artifact path length. The length of the artifact path cannot be "
                       "greater than %d characters.",
                       LOCATION_MAX);
    bool ok = str_utf8_ok(s) && levels_ok(s);
    for (size_t i = 0; ok && i < s.n; i++)
        ok = location_byte_ok(s.p[i]);
    bool plain = s.n && !memchr(s.p, ':', s.n) && s.p[0] != '/' && s.p[0] != '~';
    if (!ok || (s.n && !plain && !scheme_ok(s))) return location_bad(given);
    *ret = plain ? str_fmt(a, "mlflow-artifacts:/%.*s", STR_ARG(s)) : s;
    return ERR_OK;
}

/* --- create */
static err create_tx(db_tx *tx, void *arg)
{
    change_call *c = arg;
    db_rows r = {0};
    TRY(tx_rows(
        tx, c->a,
        "INSERT INTO experiment (name, artifact_location, created_ms, updated_ms)"
        " VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING RETURNING id",
        DB_ARGS(db_text(c->o->name), db_text(c->location), db_int(c->now_ms), db_int(c->now_ms)),
        &r));
    if (!r.n) return name_taken(c->o->name);
    c->row = db_cell_i(&r, 0, 0);
    return kv_put(tx, c->a, "INSERT INTO experiment_tag (experiment, key, value) VALUES",
                  "ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value", c->row,
                  c->o->tags, c->o->n_tags);
}

err tracking_experiment_create(db *d, arena *a, const experiment_spec *o, str *ret_id)
{
    assert(d && a && o && ret_id);
    change_call c = {.a = a, .o = o, .now_ms = now_ms()};
    TRY(check_experiment_name(o->name));
    TRY(location_read(a, o->artifact_location, &c.location));
    if (o->n_tags > EXPERIMENT_TAGS_MAX)
        return err_set(ERR_INVALID, "tags: %zu, an experiment is made with at most %d", o->n_tags,
                       EXPERIMENT_TAGS_MAX);
    for (size_t i = 0; i < o->n_tags; i++)
        TRY(check_tags(NULL, &o->tags[i], 1, TRACKING_EXPERIMENT_TAG_MAX));
    TRY(db_write(d, create_tx, &c));
    *ret_id = str_fmt(a, "%lld", (long long)c.row);
    return ERR_OK;
}

/* --- rename */
static err stage_of(db_tx *tx, arena *a, str id, str *ret)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a, "SELECT lifecycle_stage FROM experiment WHERE id = ?",
                DB_ARGS(db_int(experiment_row(id))), &r));
    if (!r.n) return experiment_missing(id);
    *ret = db_cell_s(&r, 0, 0);
    return ERR_OK;
}

static err rename_tx(db_tx *tx, void *arg)
{
    const change_call *c = arg;
    str stage = {0};
    db_rows r = {0};
    TRY(stage_of(tx, c->a, c->id, &stage));
    if (!str_is(stage, "active"))
        return err_set(ERR_INVALID, "Cannot rename a non-active experiment.");
    TRY(tx_rows(tx, c->a, "SELECT id FROM experiment WHERE name = ? AND id <> ?",
                DB_ARGS(db_text(c->name), db_int(experiment_row(c->id))), &r));
    if (r.n) return name_taken(c->name);
    return tx_exec(tx, "UPDATE experiment SET name = ?, updated_ms = ? WHERE id = ?",
                   DB_ARGS(db_text(c->name), db_int(c->now_ms), db_int(experiment_row(c->id))),
                   NULL);
}

err tracking_experiment_rename(db *d, str id, str name)
{
    assert(d);
    TRY(check_experiment_name(name));
    AUTO(arena) a = arena_new(0);
    change_call c = {.a = a, .id = id, .name = name, .now_ms = now_ms()};
    return db_write(d, rename_tx, &c);
}

/* --- life */
static err stage_tx(db_tx *tx, void *arg)
{
    const change_call *c = arg;
    int64_t changed = 0, row = experiment_row(c->id);
    TRY(tx_exec(tx,
                "UPDATE experiment SET lifecycle_stage = ?, updated_ms = ?"
                " WHERE id = ? AND lifecycle_stage = ?",
                DB_ARGS(db_ctext(c->to), db_int(c->now_ms), db_int(row), db_ctext(c->from)),
                &changed));
    if (!changed) return experiment_missing(c->id);
    bool deleted = !strcmp(c->to, "deleted");
    return tx_exec(tx,
                   "UPDATE run SET lifecycle_stage = ?, deleted_ms = ?, rev = " RUN_REV
                   " WHERE experiment = ?",
                   DB_ARGS(db_ctext(c->to), deleted ? db_int(c->now_ms) : db_null(), db_int(row)),
                   NULL);
}

err tracking_experiment_delete(db *d, str id)
{
    assert(d);
    change_call c = {.id = id, .from = "active", .to = "deleted", .now_ms = now_ms()};
    return db_write(d, stage_tx, &c);
}

err tracking_experiment_restore(db *d, str id)
{
    assert(d);
    change_call c = {.id = id, .from = "deleted", .to = "active", .now_ms = now_ms()};
    return db_write(d, stage_tx, &c);
}

/* --- tags */
static err set_tag_tx(db_tx *tx, void *arg)
{
    const change_call *c = arg;
    TRY(experiment_need_active(tx, c->a, c->id));
    return tx_exec(tx,
                   "INSERT INTO experiment_tag (experiment, key, value) VALUES (?, ?, ?)"
                   " ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value",
                   DB_ARGS(db_int(experiment_row(c->id)), db_text(c->key), db_text(c->value)),
                   NULL);
}

err tracking_experiment_set_tag(db *d, str id, str key, str value)
{
    assert(d);
    key_value tag = {key, value};
    TRY(check_tags(NULL, &tag, 1, TRACKING_EXPERIMENT_TAG_MAX));
    AUTO(arena) a = arena_new(0);
    change_call c = {.a = a, .id = id, .key = key, .value = value};
    return db_write(d, set_tag_tx, &c);
}

static err delete_tag_tx(db_tx *tx, void *arg)
{
    const change_call *c = arg;
    int64_t changed = 0;
    TRY(experiment_need_active(tx, c->a, c->id));
    TRY(tx_exec(tx, "DELETE FROM experiment_tag WHERE experiment = ? AND key = ?",
                DB_ARGS(db_int(experiment_row(c->id)), db_text(c->key)), &changed));
    if (changed) return ERR_OK;
    return err_set(ERR_MISSING, "No tag with name: %.*s in experiment with id %.*s",
                   STR_ARG(c->key), STR_ARG(c->id));
}

err tracking_experiment_delete_tag(db *d, str id, str key)
{
    assert(d);
    TRY(check_plain("key", key));
    AUTO(arena) a = arena_new(0);
    change_call c = {.a = a, .id = id, .key = key};
    return db_write(d, delete_tag_tx, &c);
}
