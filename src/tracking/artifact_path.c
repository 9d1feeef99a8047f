#include <assert.h>

#include "tracking/artifacts.h"
#include "tracking/tracking_int.h"

static bool hex(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f'))) return false;
    return s.n == 32;
}

static bool is_model_id(str s)
{
    return s.n == 34 && str_starts(s, "m-") && hex((str){s.p + 2, s.n - 2});
}

/* Slides over the levels of path; the first "<id>/artifacts" decides. */
err artifact_locate(arena *a, str path, str *ret_root, str *ret_path)
{
    assert(a && ret_root && ret_path);
    str rest = path, before = {0}, id = {0}, level;
    while (rest.n && rest.p[0] == '/')
        rest = (str){rest.p + 1, rest.n - 1};
    while (rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    TRY(artifact_check_path(rest));
    while (rest.n) {
        str_cut(rest, '/', &level, &rest);
        if (str_is(level, "artifacts") &&
            (hex(id) || (is_model_id(id) && str_is(before, "models")))) {
            *ret_root = str_fmt(a, "%s/%.*s", hex(id) ? "runs" : "models", STR_ARG(id));
            *ret_path = str_dup(a, rest);
            return ERR_OK;
        }
        before = id;
        id = level;
    }
    return err_set(ERR_MISSING,
                   "artifact '%.*s': want <experiment>/<run id>/artifacts/… or "
                   "<experiment>/models/<model id>/artifacts/…",
                   (int)(path.n < 200 ? path.n : 200), path.n ? path.p : "");
}

/* --- removal */
typedef struct delete_call {
    arena *a;
    str root, path;
} delete_call;

static err delete_tx(db_tx *tx, void *arg)
{
    const delete_call *c = arg;
    int64_t kind = 0, row = 0, below = 0, itself = 0;
    TRY(artifact_owner(tx, c->a, c->root, &kind, &row));
    if (!c->path.n)
        return tx_exec(tx, "DELETE FROM artifact WHERE kind = ? AND owner = ?",
                       DB_ARGS(db_int(kind), db_int(row)), NULL);
    str dir, name;
    artifact_split(c->path, &dir, &name);
    TRY(tx_exec(tx, "DELETE FROM artifact WHERE kind = ? AND owner = ? AND dir = ? AND name = ?",
                DB_ARGS(db_int(kind), db_int(row), db_text(dir), db_text(name)), &itself));
    /* '0' follows '/': what begins with "path/" and nothing else */
    TRY(tx_exec(
        tx,
        "DELETE FROM artifact WHERE kind = ? AND owner = ?"
        " AND (dir = ? OR (dir > ? || '/' AND dir < ? || '0'))",
        DB_ARGS(db_int(kind), db_int(row), db_text(c->path), db_text(c->path), db_text(c->path)),
        &below));
    if (itself + below) return ERR_OK;
    return err_set(ERR_MISSING, "artifact %.*s/%.*s: not there", STR_ARG(c->root),
                   STR_ARG(c->path));
}

err artifact_delete(db *d, str root, str path)
{
    assert(d);
    if (path.n) TRY(artifact_check_path(path));
    AUTO(arena) a = arena_new(0);
    delete_call c = {a, root, path};
    return db_write(d, delete_tx, &c);
}
