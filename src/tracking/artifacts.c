#include "tracking/tracking_int.h"

#include <assert.h>

enum { OWNER_RUN = 0, OWNER_MODEL = 1 };

/* --- names */
typedef struct owner {
    int64_t kind;
    str id; /* public */
} owner;

static err owner_of_root(str root, owner *ret)
{
    str head, id;
    bool cut = str_cut(root, '/', &head, &id);
    if (cut && id.n && str_is(head, "runs"))
        *ret = (owner){OWNER_RUN, id};
    else if (cut && id.n && str_is(head, "models"))
        *ret = (owner){OWNER_MODEL, id};
    else
        return err_set(ERR_INVALID, "artifact root '%.*s': want runs/<run id> or models/<model id>",
                       STR_ARG(root));
    return ERR_OK;
}

static err owner_missing(const owner *o)
{
    if (o->kind == OWNER_RUN) return run_missing(o->id);
    return err_set(ERR_MISSING, "Logged model with ID '%.*s' not found.", STR_ARG(o->id));
}

/* Refuses what leaves the root or reads differently elsewhere: "..", absolute, empty and "."
 * levels, backslashes, drive letters, controls. */
err artifact_check_path(str path)
{
    bool ok = path.n > 0 && path.n <= ARTIFACT_PATH_MAX && str_utf8_ok(path);
    for (size_t i = 0; ok && i < path.n; i++)
        ok = (unsigned char)path.p[i] >= 32 && path.p[i] != 127 && path.p[i] != '\\';
    if (ok && path.n >= 2 && path.p[1] == ':') ok = false;
    str rest = path, level;
    while (ok && rest.n) {
        bool more = str_cut(rest, '/', &level, &rest);
        ok = level.n && !str_eq(level, STR(".")) && !str_eq(level, STR("..")) && (!more || rest.n);
    }
    if (ok) return ERR_OK;
    return err_set(ERR_INVALID,
                   "Invalid path '%.*s': want a relative path of at most %d bytes without '..', "
                   "'.', empty levels, "
                   "backslashes and control characters",
                   (int)(path.n < 200 ? path.n : 200), path.n ? path.p : "", ARTIFACT_PATH_MAX);
}

void artifact_split(str path, str *dir, str *name)
{
    size_t at = path.n;
    while (at && path.p[at - 1] != '/')
        at--;
    *name = (str){path.p + at, path.n - at};
    *dir = at ? (str){path.p, at - 1} : STR("");
}

static err owner_row(db_tx *tx, arena *a, const owner *o, int64_t *ret)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a,
                o->kind == OWNER_RUN ? "SELECT id FROM run WHERE uuid = ?"
                                     : "SELECT id FROM logged_model WHERE uuid = ?",
                DB_ARGS(db_text(o->id)), &r));
    if (!r.n) return owner_missing(o);
    *ret = db_cell_i(&r, 0, 0);
    return ERR_OK;
}

err artifact_owner(db_tx *tx, arena *a, str root, int64_t *ret_kind, int64_t *ret_row)
{
    owner o;
    TRY(owner_of_root(root, &o));
    TRY(owner_row(tx, a, &o, ret_row));
    *ret_kind = o.kind;
    return ERR_OK;
}

/* --- writing */
typedef struct put_call {
    arena *a;
    owner to;
    const artifact_item *v;
    const blob_id *blobs;
    size_t n;
    str *dirs; /* every folder of every item, each once, sorted */
    size_t n_dirs;
} put_call;

static int str_order(const void *x, const void *y)
{
    return str_cmp(*(const str *)x, *(const str *)y);
}

static size_t str_sort_unique(str *v, size_t n)
{
    if (!n) return 0;
    qsort(v, n, sizeof *v, str_order);
    size_t kept = 1;
    for (size_t i = 1; i < n; i++)
        if (!str_eq(v[kept - 1], v[i])) v[kept++] = v[i];
    return kept;
}

static err put_prepare(put_call *c)
{
    size_t levels = 0;
    str *paths = arena_array(c->a, str, c->n ? c->n : 1);
    for (size_t i = 0; i < c->n; i++) {
        TRY(artifact_check_path(c->v[i].path));
        paths[i] = c->v[i].path;
        for (size_t k = 0; k < paths[i].n; k++)
            levels += paths[i].p[k] == '/';
    }
    if (str_sort_unique(paths, c->n) != c->n)
        return err_set(ERR_INVALID, "artifacts: one path is given twice");
    c->dirs = arena_array(c->a, str, levels ? levels : 1);
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < c->v[i].path.n; k++)
            if (c->v[i].path.p[k] == '/') c->dirs[c->n_dirs++] = (str){c->v[i].path.p, k};
    c->n_dirs = str_sort_unique(c->dirs, c->n_dirs);
    return ERR_OK;
}

static err put_rows(db_tx *tx, const put_call *c, const db_val *v, size_t n, const char *tail,
                    const char *message)
{
    int64_t changed = 0;
    TRY(rows_insert(tx,
                    "INSERT INTO artifact (kind, owner, dir, name, is_dir, size, sha256) VALUES", 7,
                    v, n, tail, &changed));
    if ((size_t)changed == n) return ERR_OK;
    return err_set(ERR_CONFLICT, "artifacts of %s/%.*s: %s",
                   c->to.kind == OWNER_RUN ? "runs" : "models", STR_ARG(c->to.id), message);
}

static db_val *row_put(db_val *to, const put_call *c, int64_t row, str path)
{
    str dir, name;
    artifact_split(path, &dir, &name);
    to[0] = db_int(c->to.kind);
    to[1] = db_int(row);
    to[2] = db_text(dir);
    to[3] = db_text(name);
    return to + 4;
}

static err put_tx(db_tx *tx, void *arg)
{
    const put_call *c = arg;
    int64_t row = 0;
    TRY(owner_row(tx, c->a, &c->to, &row));
    size_t most = c->n > c->n_dirs ? c->n : c->n_dirs;
    db_val *vals = arena_array(c->a, db_val, (most ? most : 1) * 7), *to = vals;
    for (size_t i = 0; i < c->n_dirs; i++) {
        to = row_put(to, c, row, c->dirs[i]);
        *to++ = db_int(1);
        *to++ = db_int(0);
        *to++ = db_text(STR(""));
    }
    TRY(put_rows(
        tx, c, vals, c->n_dirs,
        "ON CONFLICT (kind, owner, dir, name) DO UPDATE SET is_dir = 1 WHERE artifact.is_dir = 1",
        "a path runs through a name that is a file"));
    to = vals;
    for (size_t i = 0; i < c->n; i++) {
        to = row_put(to, c, row, c->v[i].path);
        *to++ = db_int(0);
        *to++ = db_int((int64_t)c->v[i].bytes.n);
        *to++ = db_ctext(c->blobs[i].hex);
    }
    return put_rows(tx, c, vals, c->n,
                    "ON CONFLICT (kind, owner, dir, name) DO UPDATE SET size = excluded.size, "
                    "sha256 = excluded.sha256"
                    " WHERE artifact.is_dir = 0",
                    "a path to write is a folder");
}

err artifact_put_all(db *d, blobs *b, str root, const artifact_item *v, size_t n)
{
    assert(d && b && (v || !n));
    if (n > ARTIFACT_BATCH_MAX)
        return err_set(ERR_LIMIT, "artifacts: %zu in one call, at most %d", n, ARTIFACT_BATCH_MAX);
    AUTO(arena) a = arena_new(0);
    blob_id *ids = arena_array(a, blob_id, n ? n : 1);
    put_call c = {.a = a, .v = v, .blobs = ids, .n = n};
    TRY(owner_of_root(root, &c.to));
    TRY(put_prepare(&c));
    for (size_t i = 0; i < n; i++)
        TRY(err_add(blob_put(b, v[i].bytes, &ids[i]), "artifact %.*s", STR_ARG(v[i].path)));
    return db_write(d, put_tx, &c);
}

err artifact_put(db *d, blobs *b, str root, str path, str bytes)
{
    artifact_item one = {path, bytes};
    return artifact_put_all(d, b, root, &one, 1);
}

/* --- reading */
static err find_file(db *d, arena *a, const owner *o, str path, db_rows *ret)
{
    str dir, name;
    artifact_split(path, &dir, &name);
    return db_rows_of(
        d, a,
        o->kind == OWNER_RUN
            ? "SELECT a.is_dir, a.sha256 FROM run o LEFT JOIN artifact a ON a.owner = o.id"
              " AND a.kind = 0 AND a.dir = ? AND a.name = ? WHERE o.uuid = ?"
            : "SELECT a.is_dir, a.sha256 FROM logged_model o LEFT JOIN artifact a ON a.owner = o.id"
              " AND a.kind = 1 AND a.dir = ? AND a.name = ? WHERE o.uuid = ?",
        DB_ARGS(db_text(dir), db_text(name), db_text(o->id)), ret);
}

err artifact_get(db *d, blobs *b, arena *a, str root, str path, size_t max, str *ret)
{
    assert(d && b && a && ret);
    owner o;
    TRY(owner_of_root(root, &o));
    TRY(artifact_check_path(path));
    AUTO(arena) scratch = arena_new(0);
    db_rows r = {0};
    TRY(find_file(d, scratch, &o, path, &r));
    if (!r.n) return owner_missing(&o);
    if (db_at(&r, 0, 0)->type == DB_NULL)
        return err_set(ERR_MISSING, "artifact %.*s/%.*s: not there", STR_ARG(root), STR_ARG(path));
    if (db_cell_i(&r, 0, 0))
        return err_set(ERR_INVALID, "artifact %.*s/%.*s: is a folder, want a file", STR_ARG(root),
                       STR_ARG(path));
    return err_add(blob_get(b, a, str_c(scratch, db_cell_s(&r, 0, 1)), max, ret),
                   "artifact %.*s/%.*s", STR_ARG(root), STR_ARG(path));
}

static int artifact_order(const void *x, const void *y)
{
    const artifact *a = x, *b = y;
    return str_cmp(a->path, b->path);
}

err artifact_list(db *d, arena *a, str root, str dir, artifact **ret, size_t *ret_n)
{
    assert(d && a && ret && ret_n);
    owner o;
    TRY(owner_of_root(root, &o));
    if (dir.n) TRY(artifact_check_path(dir));
    db_rows r = {0};
    TRY(db_rows_of(
        d, a,
        o.kind == OWNER_RUN
            ? "SELECT a.name, a.is_dir, a.size, a.sha256 FROM run o LEFT JOIN artifact a"
              " ON a.owner = o.id AND a.kind = 0 AND a.dir = ? WHERE o.uuid = ?"
            : "SELECT a.name, a.is_dir, a.size, a.sha256 FROM logged_model o LEFT JOIN artifact a"
              " ON a.owner = o.id AND a.kind = 1 AND a.dir = ? WHERE o.uuid = ?",
        DB_ARGS(db_text(dir), db_text(o.id)), &r));
    if (!r.n) return owner_missing(&o);
    artifact *v = arena_array(a, artifact, r.n);
    size_t n = 0;
    for (size_t i = 0; i < r.n; i++) {
        if (db_at(&r, i, 0)->type == DB_NULL) continue;
        str name = db_cell_s(&r, i, 0);
        v[n++] = (artifact){
            .path = dir.n ? str_fmt(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(name)) : name,
            .is_dir = db_cell_i(&r, i, 1) != 0,
            .size = db_cell_i(&r, i, 2),
            .sha256 = db_cell_s(&r, i, 3),
        };
    }
    qsort(v, n, sizeof *v, artifact_order);
    *ret = v;
    *ret_n = n;
    return ERR_OK;
}
