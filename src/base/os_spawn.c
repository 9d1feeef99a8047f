#include "base/os_spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* close_range marks what other libraries opened; older headers lack the flag. */
#include <linux/close_range.h>

/* What the child could not do, sent to the parent through a pipe that a successful exec closes. */
typedef enum step { STEP_FILES, STEP_DIR, STEP_LIMIT, STEP_NICE, STEP_EXEC, STEP_N } step;

typedef struct report {
    step at;
    int why;
} report;

static const char *const step_names[STEP_N] = {
    [STEP_FILES] = "cannot set up its files", [STEP_DIR] = "cannot enter its folder",
    [STEP_LIMIT] = "cannot limit its memory", [STEP_NICE] = "cannot lower its priority",
    [STEP_EXEC] = "cannot be executed",
};

/* From here to exec the child shares the parent's memory: only system calls, no malloc, no locks,
 * no return. */
static _Noreturn void give_up(int pipe_fd, step at)
{
    const report r = {at, errno};
    ssize_t put = write(pipe_fd, &r, sizeof r);
    (void)put;
    _exit(127);
}

/* The three are first moved above 2, so that any of them may be given as any other. */
static bool place_files(const int *fds)
{
    int from[3] = {-1, -1, -1};
    for (int i = 0; i < 3; i++) {
        if (i > 0 && !fds[i]) continue;
        int fd = fds[i] ? fds[i] : open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd < 0) return false;
        from[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (from[i] < 0) return false;
    }
    for (int i = 0; i < 3; i++)
        if (from[i] >= 0 && dup2(from[i], i) < 0) return false;
    return true;
}

/* Handlers of the parent would run on its memory: all signals go back to their defaults before they
 * are let in. */
static void reset_signals(void)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    for (int i = 1; i < NSIG; i++)
        sigaction(i, &dfl, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child(const spawn_plan *plan, pid_t parent, int pipe_fd)
{
    if (!plan->outlive) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(127); /* it died before the line above */
    }
    if (plan->new_group) setpgid(0, 0);
    if (!place_files(plan->fds)) give_up(pipe_fd, STEP_FILES);
    close_range(3, ~0U,
                CLOSE_RANGE_CLOEXEC); /* our own are anyway; kernels before 5.11 say ENOSYS */
    if (plan->dir && chdir(plan->dir)) give_up(pipe_fd, STEP_DIR);
    if (plan->memory_max) {
        const struct rlimit limit = {plan->memory_max, plan->memory_max};
        if (setrlimit(RLIMIT_DATA, &limit)) give_up(pipe_fd, STEP_LIMIT);
    }
    if (plan->nice) {
        errno = 0;
        int now = getpriority(PRIO_PROCESS, 0);
        if (errno || setpriority(PRIO_PROCESS, 0, now + plan->nice)) give_up(pipe_fd, STEP_NICE);
    }
    reset_signals();
    execve(plan->file, plan->argv, plan->envp);
    give_up(pipe_fd, STEP_EXEC);
}

/* The frame that calls vfork must not return in the child and holds nothing that the child changes.
 */
__attribute__((noinline)) static pid_t fork_child(const spawn_plan *plan, int pipe_fd)
{
    const pid_t parent = getpid();
    const pid_t pid = vfork();                  /* NOLINT: a fork copies page tables of gigabytes */
    if (pid == 0) child(plan, parent, pipe_fd); /* NOLINT: it only makes system calls */
    return pid;
}

err os_spawn(const spawn_plan *plan, pid_t *ret_pid)
{
    assert(plan);
    assert(ret_pid);
    int fds[2];
    if (pipe2(fds, O_CLOEXEC)) return err_sys(ERR_IO, "%s: no pipe", plan->file);
    /* The pipe must survive place_files, so it lies above 2 even where 0, 1 or 2 were closed. */
    int out = fcntl(fds[1], F_DUPFD_CLOEXEC, 3);
    int why = errno;
    close(fds[1]);
    if (out < 0) {
        close(fds[0]);
        errno = why;
        return err_sys(ERR_IO, "%s: no pipe", plan->file);
    }
    const pid_t pid = fork_child(plan, out);
    why = errno;
    close(out);
    report r = {.why = 0};
    ssize_t got = 0;
    while (pid > 0 && (got = read(fds[0], &r, sizeof r)) < 0 && errno == EINTR) {
    }
    close(fds[0]);
    if (pid < 0) {
        errno = why;
        return err_sys(ERR_IO, "%s: cannot start a process", plan->file);
    }
    if (got == (ssize_t)sizeof r) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
        assert(r.at < STEP_N);
        errno = r.why;
        return err_sys(ERR_IO, "%s: %s", r.at == STEP_DIR ? plan->dir : plan->file,
                       step_names[r.at]);
    }
    *ret_pid = pid;
    return ERR_OK;
}
