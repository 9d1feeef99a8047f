#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"

/* reap looks whether the child ended and takes its status. */
static err reap(pid_t pid, bool *ret_done, int *ret_status)
{
    int status = 0;
    pid_t got;
    while ((got = waitpid(pid, &status, WNOHANG)) < 0 && errno == EINTR) {
    }
    if (got < 0) return err_sys(ERR_IO, "process %d: cannot wait for it", (int)pid);
    *ret_done = got == pid;
    if (got == pid)
        *ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return ERR_OK;
}

/* wait_end waits until the child has ended or the time is up; a child's pidfd becomes readable at
 * its end. */
static err wait_end(pid_t pid, int64_t timeout_ms)
{
    int fd = pidfd_open(pid, 0);
    if (fd < 0) return err_sys(ERR_IO, "process %d: no pidfd", (int)pid);
    const int64_t until = timeout_ms < 0 ? 0 : mono_us() / 1000 + timeout_ms;
    err e = ERR_OK;
    for (;;) {
        int64_t left = timeout_ms < 0 ? -1 : until - mono_us() / 1000;
        if (timeout_ms >= 0 && left < 0) left = 0;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (n < 0 && errno != EINTR) e = err_sys(ERR_IO, "process %d: poll", (int)pid);
        if (n > 0 || e || (n == 0 && left >= 0 && left < INT_MAX)) break;
    }
    close(fd);
    return e;
}

err proc_wait(pid_t pid, int64_t timeout_ms, bool *ret_done, int *ret_status)
{
    assert(pid > 0);
    assert(ret_done);
    assert(ret_status);
    bool done = false;
    int status = 0;
    TRY(reap(pid, &done, &status));
    if (!done && timeout_ms != 0) {
        TRY(wait_end(pid, timeout_ms));
        TRY(reap(pid, &done, &status));
    }
    *ret_done = done;
    if (done) *ret_status = status;
    return ERR_OK;
}

void proc_stop(pid_t pid, int64_t grace_ms)
{
    assert(pid > 0);
    assert(grace_ms >= 0);
    bool done = false;
    int status;
    /* Nobody else reaps our children, so until we do the pid cannot belong to another process. */
    if (proc_wait(pid, 0, &done, &status) || done) return;
    kill(pid, SIGTERM);
    if (proc_wait(pid, grace_ms, &done, &status) || done) return;
    kill(pid, SIGKILL);
    if (proc_wait(pid, -1, &done, &status)) return;
}
