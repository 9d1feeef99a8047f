/* Frames through a socket, with deadlines; sockets with long names. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "db/wire_int.h"

enum { LISTEN_BACKLOG = 128, CONNECT_MS = 5000 };

/* wait_for: ERR_OK when fd is ready (or broken: the next call on it says how). */
static err wait_for(int fd, short events, int64_t deadline_us)
{
    for (;;) {
        int ms = -1;
        if (deadline_us != WIRE_FOREVER) {
            int64_t left_us = deadline_us - mono_us();
            if (left_us <= 0) return err_set(ERR_BUSY, "db: relay: no answer in time");
            ms = (int)(left_us / 1000 + 1 > INT32_MAX ? INT32_MAX : left_us / 1000 + 1);
        }
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, ms);
        if (n > 0) return ERR_OK;
        if (n < 0 && errno != EINTR) return err_sys(ERR_IO, "db: relay: poll");
    }
}

err wire_send(int fd, str frames, int64_t deadline_us)
{
    while (frames.n) {
        ssize_t n = send(fd, frames.p, frames.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            frames.p += n;
            frames.n -= (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            TRY(wait_for(fd, POLLOUT, deadline_us));
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return err_set(ERR_MISSING, "db: relay: the other side closed the connection");
        } else if (errno != EINTR) {
            return err_sys(ERR_IO, "db: relay: send");
        }
    }
    return ERR_OK;
}

/* recv_all fills p; first: a close before the first byte is ERR_MISSING. */
static err recv_all(int fd, char *p, size_t size, bool first, int64_t deadline_us)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = recv(fd, p + got, size - got, MSG_DONTWAIT);
        if (n > 0) {
            got += (size_t)n;
        } else if (n == 0 || errno == ECONNRESET) {
            if (first && !got)
                return err_set(ERR_MISSING, "db: relay: the other side closed the connection");
            return err_set(ERR_IO, "db: relay: the connection broke within a frame");
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            TRY(wait_for(fd, POLLIN, deadline_us));
        } else if (errno != EINTR) {
            return err_sys(ERR_IO, "db: relay: receive");
        }
    }
    return ERR_OK;
}

err wire_recv(int fd, arena *a, int64_t deadline_us, wire_msg *ret)
{
    char head[WIRE_HEAD];
    wire_type type;
    size_t size;
    TRY(recv_all(fd, head, sizeof head, true, deadline_us));
    TRY(wire_head(head, &type, &size));
    char *body = arena_alloc_raw(a, size + 1, 1);
    TRY(recv_all(fd, body, size, false, deadline_us));
    return wire_parse(a, type, (str){body, size}, ret);
}

/* A socket address, and the folder that it may go through. */
typedef struct address {
    struct sockaddr_un un;
    int dir; /* -1: none */
} address;

/* address_of: a path that does not fit goes through /proc/self/fd/<its folder>. */
static err address_of(const char *path, address *ret)
{
    *ret = (address){.un.sun_family = AF_UNIX, .dir = -1};
    size_t n = strlen(path);
    if (n < sizeof ret->un.sun_path) {
        memcpy(ret->un.sun_path, path, n + 1);
        return ERR_OK;
    }
    AUTO(arena) a = arena_new(0);
    const char *slash = strrchr(path, '/');
    if (!slash) return err_set(ERR_INVALID, "db: socket name %s: too long", path);
    ret->dir =
        open(str_c(a, (str){path, (size_t)(slash - path)}), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (ret->dir < 0) return err_sys(ERR_IO, "db: %s", path);
    int m = snprintf(ret->un.sun_path, sizeof ret->un.sun_path, "/proc/self/fd/%d/%s", ret->dir,
                     slash + 1);
    if (m < 0 || (size_t)m >= sizeof ret->un.sun_path) {
        close(ret->dir);
        return err_set(ERR_INVALID, "db: socket name %s: too long", path);
    }
    return ERR_OK;
}

static err connect_to(int fd, const address *at, const char *path)
{
    struct timeval wait = {.tv_sec = CONNECT_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait,
               sizeof wait); /* bounds connect when the backlog is full */
    int rc;
    do
        rc = connect(fd, (const struct sockaddr *)&at->un, sizeof at->un);
    while (rc && errno == EINTR);
    if (!rc) return ERR_OK;
    if (errno == ECONNREFUSED || errno == ENOENT)
        return err_set(ERR_MISSING, "db: nobody listens on %s", path);
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINPROGRESS)
        return err_set(ERR_BUSY,
                       "db: the process that listens on %s takes no connection: try again later",
                       path);
    return err_sys(ERR_IO, "db: connect to %s", path);
}

err wire_connect(const char *path, int *ret_fd)
{
    address at;
    TRY(address_of(path, &at));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    err e = fd < 0 ? err_sys(ERR_IO, "db: socket") : connect_to(fd, &at, path);
    if (at.dir >= 0) close(at.dir);
    if (e) {
        if (fd >= 0) close(fd);
        return e;
    }
    *ret_fd = fd;
    return ERR_OK;
}

err db_relay_listen(const char *path, int *ret_fd)
{
    assert(path && ret_fd);
    address at;
    TRY(address_of(path, &at));
    if (unlink(path) && errno != ENOENT) {
        err e = err_sys(ERR_IO, "db: cannot replace %s", path);
        if (at.dir >= 0) close(at.dir);
        return e;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && !bind(fd, (const struct sockaddr *)&at.un, sizeof at.un) &&
              !chmod(path, 0600) && !listen(fd, LISTEN_BACKLOG);
    err e = ok ? ERR_OK : err_sys(ERR_IO, "db: cannot listen on %s", path);
    if (at.dir >= 0) close(at.dir);
    if (e) {
        if (fd >= 0) close(fd);
        return e;
    }
    *ret_fd = fd;
    return ERR_OK;
}
