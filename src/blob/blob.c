#include "blob/blob.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/rng.h"

/* Immutable. */
struct blobs {
    arena *a;
    const char *dir;  /* <dir>/sha256 */
    const char *temp; /* <dir>/tmp */
};

struct blob_writer {
    blobs *b;
    arena *a;
    const char *path; /* the temp file, until it is renamed */
    int fd;
    uint64_t n, max;
    bool failed;
    sha256 *digest;
};

err blobs_open(const char *dir, blobs **ret)
{
    assert(dir && ret);
    blobs *b = mem_new(1, sizeof *b);
    b->a = arena_new(0);
    b->dir = path_join(b->a, dir, "sha256");
    b->temp = path_join(b->a, dir, "tmp");
    err e = dir_make(b->dir);
    if (!e) e = dir_make(b->temp);
    if (e) {
        blobs_free(b);
        return err_add(e, "blob store");
    }
    *ret = b;
    return ERR_OK;
}

void blobs_free(blobs *b)
{
    if (!b) return;
    arena_free(b->a);
    mem_free(b);
}

bool blob_id_ok(const char *hex)
{
    return strspn(hex, "0123456789abcdef") == SHA256_HEX && !hex[SHA256_HEX];
}

/* folder_of: <dir>/sha256/ab */
static const char *folder_of(const blobs *b, arena *a, const char *hex)
{
    return cstr_fmt(a, "%s/%.2s", b->dir, hex);
}

const char *blob_path(blobs *b, arena *a, const char *hex)
{
    assert(b && a && blob_id_ok(hex));
    return cstr_fmt(a, "%s/%.2s/%s", b->dir, hex, hex + 2);
}

bool blob_exists(blobs *b, const char *hex)
{
    assert(b && hex);
    if (!blob_id_ok(hex)) return false;
    AUTO(arena) a = arena_new(0);
    return file_exists(blob_path(b, a, hex));
}

err blob_get(blobs *b, arena *a, const char *hex, size_t max, str *ret)
{
    assert(b && a && hex && ret);
    if (!blob_id_ok(hex))
        return err_set(ERR_INVALID, "blob \"%.80s\": want %d lower-case hex digits", hex,
                       SHA256_HEX);
    const char *path = blob_path(b, a, hex);
    str bytes;
    err e = file_read(a, path, max, &bytes);
    if (e == ERR_MISSING) return err_set(e, "blob %s: not in the store (%s)", hex, path);
    if (e) return err_add(e, "blob %s", hex);
    char got[SHA256_HEX + 1];
    sha256_hex_of(bytes, got);
    if (strcmp(got, hex) != 0)
        return err_set(
            ERR_IO,
            "blob %s: damaged: %s holds %zu bytes with digest %s: restore it from a copy, or store "
            "the artifact again",
            hex, path, bytes.n, got);
    *ret = bytes;
    return ERR_OK;
}

/* stored: the blob is there with the right size, so that it need not be written again. */
static bool stored(const char *path, uint64_t size)
{
    struct stat st;
    return !lstat(path, &st) && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

/* keep gives the synced temp file its name. Also when the blob is there already its folders are
 * synced: whoever wrote it may not have come to that yet, and our caller relies on it. */
static err keep(blobs *b, const char *temp, const char *hex, uint64_t size)
{
    AUTO(arena) a = arena_new(0);
    const char *folder = folder_of(b, a, hex), *path = blob_path(b, a, hex);
    TRY(dir_make(folder));
    if (temp && fault_hit("file_rename")) return err_sys(ERR_IO, "blob %s: %s", hex, path);
    if (temp && !stored(path, size) && rename(temp, path))
        return err_sys(ERR_IO, "blob %s: %s", hex, path);
    TRY(dir_sync(folder));
    return dir_sync(b->dir);
}

err blob_put(blobs *b, str bytes, blob_id *ret)
{
    assert(b && ret && (bytes.p || !bytes.n));
    blob_id id;
    sha256_hex_of(bytes, id.hex);
    AUTO(arena) a = arena_new(0);
    if (stored(blob_path(b, a, id.hex), bytes.n)) {
        TRY(keep(b, NULL, id.hex, bytes.n));
        *ret = id;
        return ERR_OK;
    }
    AUTO(blob_writer) w = NULL;
    TRY(blob_writer_open(b, bytes.n, &w));
    TRY(blob_writer_put(w, bytes.p, bytes.n));
    return blob_writer_close(w, ret);
}

/* --- the writer --- */

err blob_writer_open(blobs *b, uint64_t max, blob_writer **ret)
{
    assert(b && ret);
    arena *a = arena_new(0);
    const char *path = cstr_fmt(a, "%s/%.*s", b->temp, STR_ARG(id_hex32(a)));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        err e = err_sys(ERR_IO, "blob: cannot make %s", path);
        arena_free(a);
        return e;
    }
    blob_writer *w = mem_new(1, sizeof *w);
    *w = (blob_writer){.b = b, .a = a, .path = path, .fd = fd, .max = max, .digest = sha256_new()};
    *ret = w;
    return ERR_OK;
}

err blob_writer_put(blob_writer *w, const void *p, size_t n)
{
    assert(w && !w->failed && w->fd >= 0 && (p || !n));
    err e = ERR_OK;
    if (n > w->max - w->n)
        e = err_set(ERR_LIMIT, "blob: more than %llu bytes", (unsigned long long)w->max);
    else if (fault_hit("blob_put"))
        e = err_sys(ERR_IO, "blob: %s", w->path);
    else if (n)
        e = err_add(fd_write_all(w->fd, p, n), "blob: %s", w->path);
    if (e) {
        w->failed = true;
        return e;
    }
    sha256_put(w->digest, p, n);
    w->n += n;
    return ERR_OK;
}

err blob_writer_close(blob_writer *w, blob_id *ret)
{
    assert(w && ret && !w->failed && w->fd >= 0);
    blob_id id;
    w->failed = true; /* until it is done */
    if (fault_hit("file_sync") || fsync(w->fd)) return err_sys(ERR_IO, "blob: sync of %s", w->path);
    int rc = close(w->fd);
    w->fd = -1;
    if (rc) return err_sys(ERR_IO, "blob: close of %s", w->path);
    sha256_hex(w->digest, id.hex);
    TRY(keep(w->b, w->path, id.hex, w->n));
    w->failed = false;
    *ret = id;
    return ERR_OK;
}

void blob_writer_free(blob_writer *w)
{
    if (!w) return;
    if (w->fd >= 0) close(w->fd);
    unlink(w->path); /* renamed away, or of no use */
    sha256_free(w->digest);
    arena_free(w->a);
    mem_free(w);
}
