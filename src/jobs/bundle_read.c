#include "jobs/bundle_int.h"

#include <assert.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"

/* The tree while files are merged into it: one list of pairs a section. */
typedef struct merge {
    arena *a;
    yaml *root;
    size_t n_files;
} merge;

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static err read_yaml(merge *m, const char *path, yaml **ret)
{
    str text;
    if (++m->n_files > BUNDLE_FILES_MAX)
        return err_set(ERR_LIMIT, "%s: more than %d files in the bundle", path, BUNDLE_FILES_MAX);
    TRY(file_read(m->a, path, YAML_SIZE_MAX, &text));
    TRY(yaml_parse(m->a, text, path, ret));
    if ((*ret)->kind != YAML_MAP)
        return yaml_err(*ret, "is %s, want a mapping", yaml_kind_name((*ret)->kind));
    return ERR_OK;
}

static yaml_pair *find_pair(const yaml *y, str key)
{
    for (size_t i = 0; i < y->n; i++)
        if (str_eq(y->pairs[i].key, key)) return &y->pairs[i];
    return NULL;
}

static void append(arena *a, yaml *y, const yaml_pair *p)
{
    yaml_pair *pairs = arena_array(a, yaml_pair, y->n + 1);
    if (y->n) memcpy(pairs, y->pairs, y->n * sizeof *pairs);
    pairs[y->n++] = *p;
    y->pairs = pairs;
}

/* The entries of one section of another file. */
static err merge_section(merge *m, const yaml_pair *from, yaml_pair *to)
{
    if (from->value->kind != YAML_MAP || to->value->kind != YAML_MAP)
        return yaml_err(from->value, "%.*s: is %s, want a mapping of names", STR_ARG(from->key),
                        yaml_kind_name(from->value->kind));
    for (size_t i = 0; i < from->value->n; i++) {
        const yaml_pair *p = &from->value->pairs[i];
        const yaml_pair *old = find_pair(to->value, p->key);
        if (old)
            return err_set(ERR_INVALID, "%s:%d:%d: %.*s: \"%.*s\" is there already, at %s:%d:%d",
                           p->value->file, p->key_line, p->key_col, STR_ARG(from->key),
                           STR_ARG(p->key), old->value->file, old->key_line, old->key_col);
        append(m->a, to->value, p);
    }
    return ERR_OK;
}

static err merge_file(merge *m, const yaml *y)
{
    for (size_t i = 0; i < y->n; i++) {
        const yaml_pair *p = &y->pairs[i];
        yaml_pair *old = find_pair(m->root, p->key);
        if (bundle_key_is_frame(p->key))
            return err_set(ERR_INVALID, "%s:%d:%d: \"%.*s\" belongs into tidemill.yaml alone",
                           p->value->file, p->key_line, p->key_col, STR_ARG(p->key));
        if (old)
            TRY(merge_section(m, p, old));
        else
            append(m->a, m->root, p);
    }
    return ERR_OK;
}

static err root_keys_only(arena *a, const yaml *y)
{
    const char **names = arena_array(a, const char *, bundle_root_keys.n + 1);
    for (size_t i = 0; i < bundle_root_keys.n; i++)
        names[i] = bundle_root_keys.keys[i].name;
    return yaml_only(y, bundle_root_keys.what, names);
}

static err include_file(merge *m, const char *path)
{
    yaml *y;
    TRY(read_yaml(m, path, &y));
    TRY(root_keys_only(m->a, y));
    return merge_file(m, y);
}

static err include(merge *m, const char *dir, const yaml *pattern)
{
    if (pattern->kind == YAML_SEQ || pattern->kind == YAML_MAP || !pattern->text.n)
        return yaml_err(pattern, "include: is %s, want a file name", yaml_kind_name(pattern->kind));
    const char *joined = cstr_fmt(m->a, "%s/%.*s", dir, STR_ARG(pattern->text));
    if (pattern->text.p[0] == '/' || !path_inside(dir, joined))
        return yaml_err(pattern, "include: \"%.*s\": want a path below the bundle's folder",
                        STR_ARG(pattern->text));
    glob_t g = {0};
    err e = ERR_OK;
    if (glob(joined, GLOB_ERR, NULL, &g))
        e = yaml_err(pattern, "include: \"%.*s\" matches no file", STR_ARG(pattern->text));
    for (size_t i = 0; i < g.gl_pathc && !e; i++)
        e = include_file(m, str_c(m->a, str_of(g.gl_pathv[i])));
    globfree(&g);
    return e;
}

/* Files are named in messages as the caller would name them: below the path that was given. */
static const char *folder_of(arena *a, const char *file)
{
    const char *slash = strrchr(file, '/');
    if (!slash) return ".";
    return slash == file ? "/" : str_c(a, (str){file, (size_t)(slash - file)});
}

err bundle_read(arena *a, const char *path, bundle_files *ret)
{
    assert(a && path && ret);
    const char *file = is_dir(path) ? path_join(a, path, "tidemill.yaml") : path;
    const char *dir = folder_of(a, file);
    merge m = {.a = a};
    if (!file_exists(file))
        return err_set(ERR_MISSING, "%s: no such file: name the bundle with --file", file);
    TRY(read_yaml(&m, file, &m.root));
    TRY(root_keys_only(a, m.root));
    const yaml *includes = yaml_find(m.root, "include");
    if (includes && includes->kind != YAML_SEQ)
        return yaml_err(includes, "include: is %s, want a list", yaml_kind_name(includes->kind));
    for (size_t i = 0; includes && i < includes->n; i++)
        TRY(include(&m, dir, includes->items[i]));
    char *absolute = realpath(dir, NULL);
    if (!absolute) return err_sys(ERR_IO, "%s", dir);
    *ret = (bundle_files){file, str_c(a, str_of(absolute)), m.root};
    free(absolute);
    return ERR_OK;
}
