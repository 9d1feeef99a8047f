#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { DIR_DEPTH_MAX = 128 }; /* an open folder a level while removing */

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static err make_one(arena *a, const char *path)
{
    if (mkdir(path, 0755)) {
        int why = errno;
        if (why == EEXIST && is_dir(path)) return ERR_OK;
        errno = why;
        return err_sys(ERR_IO, "%s: cannot make this folder", path);
    }
    const char *slash = strrchr(path, '/');
    if (!slash) return dir_sync(".");
    return dir_sync(slash == path ? "/" : str_c(a, (str){path, (size_t)(slash - path)}));
}

err dir_make(const char *path)
{
    assert(path);
    if (is_dir(path)) return ERR_OK;
    AUTO(arena) a = arena_new(0);
    str whole = str_of(path);
    while (whole.n > 1 && whole.p[whole.n - 1] == '/')
        whole.n--;
    for (size_t i = 1; i < whole.n; i++) {
        if (whole.p[i] != '/' || whole.p[i - 1] == '/') continue;
        const char *parent = str_c(a, (str){whole.p, i});
        if (!is_dir(parent)) TRY(make_one(a, parent));
    }
    return make_one(a, str_c(a, whole));
}

/* remove_inside empties the open folder fd, which it closes. */
static err remove_inside(int fd, const char *path, int depth)
{
    DIR *d = fdopendir(fd);
    if (!d) {
        err e = err_sys(ERR_IO, "%s: cannot list", path);
        close(fd);
        return e;
    }
    err e = ERR_OK;
    if (depth > DIR_DEPTH_MAX)
        e = err_set(ERR_LIMIT, "%s: folders nested deeper than %d", path, DIR_DEPTH_MAX);
    while (!e) {
        errno = 0;
        const struct dirent *x = readdir(d);
        if (!x && errno) e = err_sys(ERR_IO, "%s: cannot list", path);
        if (!x) break;
        if (!strcmp(x->d_name, ".") || !strcmp(x->d_name, "..")) continue;
        if (!unlinkat(fd, x->d_name, 0) || errno == ENOENT) continue;
        int why = errno;
        int sub = openat(fd, x->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub < 0) {
            if (errno == ENOTDIR || errno == ELOOP) errno = why;
            e = err_sys(ERR_IO, "%s: cannot remove %s in it", path, x->d_name);
            break;
        }
        e = remove_inside(sub, path, depth + 1);
        if (!e && unlinkat(fd, x->d_name, AT_REMOVEDIR) && errno != ENOENT)
            e = err_sys(ERR_IO, "%s: cannot remove %s in it", path, x->d_name);
    }
    closedir(d);
    return e;
}

err dir_remove_all(const char *path)
{
    assert(path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT) return ERR_OK;
        return err_sys(ERR_IO, "%s: cannot open this folder", path);
    }
    TRY(remove_inside(fd, path, 1));
    if (rmdir(path) && errno != ENOENT) return err_sys(ERR_IO, "%s: cannot remove", path);
    return ERR_OK;
}

static int by_bytes(const void *x, const void *y)
{
    return str_cmp(*(const str *)x, *(const str *)y);
}

static err list_into(arena *a, DIR *d, const char *path, size_t max, str **names, size_t *n)
{
    size_t cap = 0;
    for (;;) {
        errno = 0;
        const struct dirent *x = readdir(d);
        if (!x) return errno ? err_sys(ERR_IO, "%s: cannot list", path) : ERR_OK;
        if (!strcmp(x->d_name, ".") || !strcmp(x->d_name, "..")) continue;
        if (*n == max) return err_set(ERR_LIMIT, "%s: more than %zu names", path, max);
        if (*n == cap) {
            cap = cap ? 2 * cap : 16;
            *names = mem_grow(*names, cap, sizeof **names);
        }
        (*names)[(*n)++] = str_dup(a, str_of(x->d_name));
    }
}

err dir_list(arena *a, const char *path, size_t max, str **ret, size_t *ret_n)
{
    assert(a);
    assert(path);
    assert(ret);
    assert(ret_n);
    DIR *d = opendir(path); /* opens with O_CLOEXEC */
    if (!d) return err_sys(ERR_IO, "%s: cannot list", path);
    str *names = NULL;
    size_t n = 0;
    err e = list_into(a, d, path, max, &names, &n);
    closedir(d);
    if (!e) {
        if (n > 1) qsort(names, n, sizeof *names, by_bytes);
        *ret = arena_array(a, str, n);
        if (n) memcpy(*ret, names, n * sizeof *names);
        *ret_n = n;
    }
    mem_free(names);
    return e;
}
