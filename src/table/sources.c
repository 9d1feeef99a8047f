#include "table/sources.h"

#include <assert.h>

#include "base/file.h"
#include "base/proc.h"

/* folder_of: the folder that holds everything the path names: of a pattern, which is what has a '*'
 * in it, up to the last '/' before the first wildcard. */
static const char *folder_of(arena *a, str path)
{
    size_t n = path.n;
    if (memchr(path.p, '*', path.n)) n = strcspn(str_c(a, path), "*?[");
    while (n > 1 && path.p[n - 1] != '/')
        n--;
    return str_c(a, (str){path.p, n});
}

err sources_open(home *h, arena *a, const source_spec *v, size_t n, int threads, duck **ret)
{
    assert(h && a && ret && (v || !n));
    const char **dirs = arena_array(a, const char *, n + 2);
    size_t n_dirs = 0;
    const char *tables = path_join(a, home_dir(h), "tables"),
               *temp = path_join(a, home_dir(h), "tmp");
    TRY(dir_make(tables));
    TRY(dir_make(temp));
    dirs[n_dirs++] = tables;
    dirs[n_dirs++] = temp;
    for (size_t i = 0; i < n; i++)
        if (v[i].path.n) dirs[n_dirs++] = folder_of(a, v[i].path);
    duck_options o = {.threads = threads > 0 ? threads : proc_cpus(),
                      .temp_dir = temp,
                      .dirs = dirs,
                      .n_dirs = n_dirs};
    AUTO(duck) d = NULL;
    TRY(duck_open(&o, &d));
    TRY(duck_lock(d));
    for (size_t i = 0; i < n; i++)
        TRY(source_define(d, &v[i]));
    *ret = d;
    d = NULL;
    return ERR_OK;
}
