#include "jobs/bundle.h"

#include <assert.h>
#include <glob.h>
#include <math.h>

#include "base/file.h"
#include "jobs/bundle_int.h"

/* --- the snapshot */

void bundle_tree_json(jw *w, const yaml *y)
{
    switch (y->kind) {
    case YAML_NULL:
        jw_null(w);
        break;
    case YAML_BOOL:
        jw_bool(w, y->b);
        break;
    case YAML_INT:
        jw_i64(w, y->i);
        break;
    case YAML_FLOAT:
        jw_f64(w, y->f);
        break;
    case YAML_STR:
        jw_str(w, y->text);
        break;
    case YAML_SEQ:
        jw_arr(w);
        for (size_t i = 0; i < y->n; i++)
            bundle_tree_json(w, y->items[i]);
        jw_arr_end(w);
        break;
    case YAML_MAP:
        jw_obj(w);
        for (size_t i = 0; i < y->n; i++) {
            jw_key_str(w, y->pairs[i].key);
            bundle_tree_json(w, y->pairs[i].value);
        }
        jw_obj_end(w);
        break;
    }
}

err bundle_snapshot(arena *a, const yaml *root, bundle *b)
{
    buf out;
    jw w;
    buf_init(&out, BUNDLE_SNAPSHOT_MAX);
    jw_init(&w, &out, false);
    jw_obj(&w);
    jw_key(&w, "tidemill");
    jw_obj(&w);
    jw_ki64(&w, "format", BUNDLE_SNAPSHOT_FORMAT);
    jw_kstr(&w, "dir", b->dir);
    jw_kstr(&w, "target", b->target);
    jw_kbool(&w, "development", b->development);
    jw_obj_end(&w);
    for (size_t i = 0; i < bundle_root_keys.n; i++) {
        const char *key = bundle_root_keys.keys[i].name;
        const yaml *y = yaml_find(root, key);
        if (!y) continue;
        jw_key(&w, key);
        bundle_tree_json(&w, y);
    }
    jw_obj_end(&w);
    err e = buf_err(&out, "snapshot of the bundle");
    b->snapshot = str_dup(a, buf_str(&out));
    buf_done(&out);
    return e;
}

/* --- from files */

static err source_is_there(const yaml *at, const source_spec *s)
{
    glob_t g = {0};
    int failed = glob(s->path.p, 0, NULL, &g);
    globfree(&g);
    if (!failed) return ERR_OK;
    return yaml_err(at, "source %.*s: there is no file %.*s", STR_ARG(s->name), STR_ARG(s->path));
}

static err sources_are_there(const yaml *root, const bundle *b)
{
    const yaml *y = yaml_find(root, "sources");
    for (size_t i = 0; i < b->n_sources; i++)
        if (b->sources[i].path.n)
            TRY(source_is_there(yaml_find(y->pairs[i].value, "path"), &b->sources[i]));
    return ERR_OK;
}

err bundle_load(arena *a, const char *path, str target, const bundle_var *vars, size_t n_vars,
                bundle **ret)
{
    assert(a && path && (vars || !n_vars) && ret);
    bundle_files files;
    bundle_scope scope;
    yaml *root;
    TRY(bundle_read(a, path, &files));
    TRY(bundle_resolve(a, files.root, target, vars, n_vars, &scope));
    TRY(bundle_substitute(a, files.root, &scope, &root));
    TRY(bundle_check(a, root, root, &bundle_root_keys));
    bundle *b = arena_new_of(a, bundle);
    b->name = scope.name;
    b->target = scope.target;
    b->development = str_is(scope.mode, "development");
    b->dir = str_of(files.dir);
    TRY(bundle_make(a, root, b));
    TRY(sources_are_there(root, b));
    TRY(bundle_snapshot(a, root, b));
    *ret = b;
    return ERR_OK;
}

/* --- from a snapshot: JSON is YAML, so the same way */

err bundle_from_snapshot(arena *a, str json, bundle **ret)
{
    assert(a && ret);
    yaml *all;
    if (json.n > BUNDLE_SNAPSHOT_MAX)
        return err_set(ERR_LIMIT, "bundle snapshot: %zu bytes, want at most %d", json.n,
                       BUNDLE_SNAPSHOT_MAX);
    TRY(yaml_parse(a, json, "snapshot", &all));
    const yaml *own = yaml_find(all, "tidemill");
    if (!own || bundle_number(own, "format", 0) != BUNDLE_SNAPSHOT_FORMAT)
        return err_set(ERR_FORMAT, "bundle snapshot: want format %d: apply the bundle again",
                       BUNDLE_SNAPSHOT_FORMAT);
    yaml root = *all;
    root.pairs = arena_array(a, yaml_pair, all->n + 1);
    root.n = 0;
    for (size_t i = 0; i < all->n; i++)
        if (all->pairs[i].value != own) root.pairs[root.n++] = all->pairs[i];
    TRY(bundle_check(a, &root, &root, &bundle_root_keys));
    bundle *b = arena_new_of(a, bundle);
    b->name = bundle_text(yaml_find(&root, "bundle"), "name", "");
    b->target = bundle_text(own, "target", "");
    b->dir = bundle_text(own, "dir", "");
    b->development = bundle_bool(own, "development", false);
    if (!b->dir.n || !b->target.n)
        return err_set(ERR_FORMAT, "bundle snapshot: dir or target is missing");
    b->snapshot = str_dup(a, json);
    TRY(bundle_make(a, &root, b));
    *ret = b;
    return ERR_OK;
}

const bundle_job *bundle_find_job(const bundle *b, str name)
{
    assert(b);
    for (size_t i = 0; i < b->n_jobs; i++)
        if (str_eq(b->jobs[i].name, name)) return &b->jobs[i];
    return NULL;
}
