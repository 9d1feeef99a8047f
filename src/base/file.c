#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/rng.h"

enum { READ_STEP = 64 << 10, TEMP_TRIES = 8, LOCK_TEXT_MAX = 4096 };

/* read_some is read(2) without interruptions: -1 with errno, 0 at the end. */
static ssize_t read_some(int fd, void *p, size_t n)
{
    if (fault_hit("file_read")) return -1;
    for (;;) {
        ssize_t got = read(fd, p, n);
        if (got >= 0 || errno != EINTR) return got;
    }
}

/* read_known: a regular file of a known size, straight into the arena. What grows behind it
 * meanwhile is not ours. */
static err read_known(arena *a, int fd, const char *path, size_t size, str *ret)
{
    char *p = arena_alloc_raw(a, size + 1, 1);
    size_t n = 0;
    while (n < size) {
        ssize_t got = read_some(fd, p + n, size - n);
        if (got < 0) return err_sys(ERR_IO, "%s: cannot read", path);
        if (!got) break;
        n += (size_t)got;
    }
    p[n] = '\0';
    *ret = (str){p, n};
    return ERR_OK;
}

/* read_unknown: pipes and /proc, whose size nobody says. */
static err read_unknown(arena *a, int fd, const char *path, size_t max, str *ret)
{
    buf b;
    buf_init(&b, max + 1);
    err e = ERR_OK;
    for (;;) {
        size_t room = max + 1 - b.n < READ_STEP ? max + 1 - b.n : READ_STEP;
        char *to = buf_room(&b, room);
        ssize_t got = read_some(fd, to, room);
        if (got < 0) e = err_sys(ERR_IO, "%s: cannot read", path);
        if (got <= 0) break;
        b.n += (size_t)got;
        if (b.n > max) {
            e = err_set(ERR_LIMIT, "%s: more than %zu bytes", path, max);
            break;
        }
    }
    if (!e) *ret = str_dup(a, buf_str(&b));
    buf_done(&b);
    return e;
}

err file_read(arena *a, const char *path, size_t max, str *ret)
{
    assert(a);
    assert(path);
    assert(max < SIZE_MAX);
    assert(ret);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return err_sys(ERR_IO, "%s: cannot open", path);
    struct stat st;
    err e;
    if (fstat(fd, &st))
        e = err_sys(ERR_IO, "%s: cannot stat", path);
    else if (S_ISDIR(st.st_mode))
        e = err_set(ERR_INVALID, "%s: is a folder, want a file", path);
    else if (!S_ISREG(st.st_mode) || st.st_size == 0)
        e = read_unknown(a, fd, path, max, ret);
    else if ((uint64_t)st.st_size > max)
        e = err_set(ERR_LIMIT, "%s: %" PRIu64 " bytes, want at most %zu", path,
                    (uint64_t)st.st_size, max);
    else
        e = read_known(a, fd, path, (size_t)st.st_size, ret);
    close(fd);
    return e;
}

err fd_write_all(int fd, const void *p, size_t n)
{
    assert(p || !n);
    for (size_t done = 0; done < n;) {
        if (fault_hit("file_write")) return err_sys(ERR_IO, "write");
        ssize_t put = write(fd, (const char *)p + done, n - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return err_sys(ERR_IO, "write");
        done += (size_t)put;
    }
    return ERR_OK;
}

static err fd_sync(int fd, const char *path)
{
    if (fault_hit("file_sync") || fsync(fd)) return err_sys(ERR_IO, "%s: cannot fsync", path);
    return ERR_OK;
}

static err sync_path(const char *path, int flags)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0) return err_sys(ERR_IO, "%s: cannot open to fsync", path);
    err e = fd_sync(fd, path);
    close(fd);
    return e;
}

err dir_sync(const char *path)
{
    assert(path);
    return sync_path(path, O_DIRECTORY);
}

err file_sync(const char *path)
{
    assert(path);
    return sync_path(path, 0);
}

/* sync_parent makes the name path itself durable. */
static err sync_parent(arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return dir_sync(".");
    return dir_sync(slash == path ? "/" : str_c(a, (str){path, (size_t)(slash - path)}));
}

/* write_temp leaves a synced file with these bytes beside path. */
static err write_temp(arena *a, const char *path, str bytes, const char **ret_temp)
{
    int fd = -1;
    const char *temp = NULL;
    for (int i = 0; i < TEMP_TRIES && fd < 0; i++) {
        uint64_t chance;
        random_bytes(&chance, sizeof chance);
        temp = cstr_fmt(a, "%s.%016" PRIx64 ".tmp", path, chance);
        fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0 && errno != EEXIST) break;
    }
    if (fd < 0) return err_sys(ERR_IO, "%s: cannot create", temp);
    err e = fd_write_all(fd, bytes.p, bytes.n);
    if (e) e = err_add(e, "%s", temp);
    if (!e) e = fd_sync(fd, temp);
    if (close(fd) && !e) e = err_sys(ERR_IO, "%s: cannot close", temp);
    if (e)
        unlink(temp);
    else
        *ret_temp = temp;
    return e;
}

err file_write_atomic(const char *path, str bytes)
{
    assert(path);
    AUTO(arena) a = arena_new(0);
    const char *temp = NULL;
    TRY(write_temp(a, path, bytes, &temp));
    if (fault_hit("file_rename") || rename(temp, path)) {
        err e = err_sys(ERR_IO, "%s: cannot rename %s to it", path, temp);
        unlink(temp);
        return e;
    }
    return sync_parent(a, path);
}

err file_publish_new(const char *path, str bytes)
{
    assert(path);
    AUTO(arena) a = arena_new(0);
    const char *temp = NULL;
    TRY(write_temp(a, path, bytes, &temp));
    err e = ERR_OK;
    if (fault_hit("file_rename") || link(temp, path))
        e = err_sys(ERR_IO, "%s: cannot publish", path);
    unlink(temp);
    return e ? e : sync_parent(a, path);
}

bool file_exists(const char *path)
{
    assert(path);
    struct stat st;
    return stat(path, &st) == 0;
}

err file_size(const char *path, uint64_t *ret)
{
    assert(path);
    assert(ret);
    struct stat st;
    if (stat(path, &st)) return err_sys(ERR_IO, "%s: cannot stat", path);
    *ret = (uint64_t)st.st_size;
    return ERR_OK;
}

/* The holder's text is never empty while the lock is held: it is written over the old one and the
 * rest cut off afterwards. */
static err write_lock_text(int fd, const char *path, str text)
{
    if (pwrite(fd, text.p, text.n, 0) != (ssize_t)text.n)
        return err_sys(ERR_IO, "%s: cannot write", path);
    if (ftruncate(fd, (off_t)text.n)) return err_sys(ERR_IO, "%s: cannot truncate", path);
    return ERR_OK;
}

err file_lock(arena *a, const char *path, str text, int *ret_fd, str *ret_held_by)
{
    assert(a);
    assert(path);
    assert(text.n <= LOCK_TEXT_MAX);
    assert(ret_fd);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return err_sys(ERR_IO, "%s: cannot open", path);
    if (!flock(fd, LOCK_EX | LOCK_NB)) {
        err e = write_lock_text(fd, path, text);
        if (e)
            close(fd);
        else
            *ret_fd = fd;
        return e;
    }
    int why = errno;
    close(fd);
    errno = why;
    if (why != EWOULDBLOCK) return err_sys(ERR_IO, "%s: cannot lock", path);
    str holder = STR("");
    if (file_read(a, path, LOCK_TEXT_MAX, &holder)) holder = STR("");
    if (ret_held_by) *ret_held_by = holder;
    str shown = str_trim(holder);
    return err_set(ERR_CONFLICT, "%s: held by %.*s", path,
                   STR_ARG(shown.n ? shown : STR("another process")));
}
