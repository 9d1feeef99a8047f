/* db_publish in the owner: link a finished file to its name, inside a write transaction that
 * checked the fence. The writer thread runs one transaction at a time, so nothing can take the
 * right to publish away between the check and the link. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/db_int.h"

enum { PUBLISH_PATH_MAX = 4096 };

typedef struct publish_job {
    const char *root;
    const db_relay *relay;
    str token;
    const char *temp, *target;
} publish_job;

/* open_folder opens the folder that holds path, walking from root without following a link, and
 * tells where the last part of path begins. The walk is on descriptors: nobody can exchange a
 * folder for a link behind it. */
static err open_folder(const char *root, const char *path, int *ret_fd, const char **ret_name)
{
    size_t n = strlen(root);
    if (strlen(path) > PUBLISH_PATH_MAX || strncmp(path, root, n) != 0 || path[n] != '/')
        return err_set(ERR_DENIED, "db: publish %s: not below %s", path, root);
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return err_sys(ERR_IO, "db: publish: %s", root);
    AUTO(arena) a = arena_new(0);
    const char *rest = path + n + 1;
    for (const char *slash; (slash = strchr(rest, '/')); rest = slash + 1) {
        const char *part = str_c(a, (str){rest, (size_t)(slash - rest)});
        bool bad = !*part || !strcmp(part, ".") || !strcmp(part, "..");
        int next = bad ? -1 : openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int no = bad ? EINVAL : errno;
        close(fd);
        fd = next;
        if (fd < 0 && no == ENOENT)
            return err_set(ERR_MISSING, "db: publish %s: no folder \"%s\"", path, part);
        if (fd < 0)
            return err_set(ERR_DENIED, "db: publish %s: \"%s\" is not a plain folder", path, part);
    }
    if (!*rest || !strcmp(rest, ".") || !strcmp(rest, "..")) {
        close(fd);
        return err_set(ERR_DENIED, "db: publish %s: want the name of a file", path);
    }
    *ret_fd = fd;
    *ret_name = rest;
    return ERR_OK;
}

/* sync_temp: the bytes are on the disk before the name is. */
static err sync_temp(int dir, const char *name, const char *temp)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return err_sys(ERR_IO, "db: publish %s", temp);
    struct stat st;
    err e = ERR_OK;
    if (fstat(fd, &st))
        e = err_sys(ERR_IO, "db: publish %s", temp);
    else if (!S_ISREG(st.st_mode))
        e = err_set(ERR_DENIED, "db: publish %s: not a plain file", temp);
    else if (fsync(fd))
        e = err_sys(ERR_IO, "db: publish %s: sync", temp);
    close(fd);
    return e;
}

static err link_new(const publish_job *p, int from, const char *temp, int to, const char *target)
{
    TRY(sync_temp(from, temp, p->temp));
    if (linkat(from, temp, to, target, 0)) {
        if (errno == EEXIST)
            return err_set(ERR_CONFLICT, "db: publish %s: exists already", p->target);
        return err_sys(ERR_IO, "db: publish %s", p->target);
    }
    if (fsync(to)) {
        err e = err_sys(ERR_IO, "db: publish %s: sync of its folder", p->target);
        unlinkat(to, target, 0); /* not acknowledged, so it must not stay */
        return e;
    }
    unlinkat(from, temp, 0); /* a temp file that stays is garbage, no failure */
    return ERR_OK;
}

static err publish_tx(db_tx *tx, void *arg)
{
    const publish_job *p = arg;
    if (p->relay) TRY(p->relay->check(p->relay->ctx, tx, p->token));
    int from, to;
    const char *temp, *target;
    TRY(open_folder(p->root, p->temp, &from, &temp));
    err e = open_folder(p->root, p->target, &to, &target);
    if (!e) {
        e = link_new(p, from, temp, to, target);
        close(to);
    }
    close(from);
    return e;
}

err publish_as(db *d, const db_relay *r, str token, const char *temp, const char *target)
{
    assert(!d->backend->publish);
    if (!d->publish_root)
        return err_set(ERR_DENIED, "db: publish %s: this database has no folder to publish in",
                       target);
    publish_job p = {
        .root = d->publish_root, .relay = r, .token = token, .temp = temp, .target = target};
    return d->backend->write(d->self, publish_tx, &p, DB_ALONE);
}
