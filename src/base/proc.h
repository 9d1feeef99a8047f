/* base/proc: child processes: exec'ed, never merely forked; they die with their parent
 * (PR_SET_PDEATHSIG and a check that the parent did not die before). The kernel ties that to the
 * parent's thread, so one thread that lives as long as the process, started with the first child,
 * does all the starting: a child never dies because a pool's thread ended. It does die when this
 * process execs in place. A child gets the files 0, 1 and 2 and no other, default signals and an
 * empty signal mask. Thread-safe. */
#ifndef TIDEMILL_BASE_PROC_H
#define TIDEMILL_BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

typedef struct proc_options {
    const char *const *argv; /* argv[0] is the file to run (a path from this folder; without a
                                slash: in PATH), NULL-terminated */
    const char *const
        *env_add;    /* "K=V" added to or replacing this process's environment; may be NULL */
    const char *dir; /* working folder; NULL: this one */
    int in_fd, out_fd, err_fd; /* 0: /dev/null for input, inherited for output */
    uint64_t memory_max;       /* RLIMIT_DATA in bytes; 0: none */
    int nice;                  /* added to the niceness */
    bool new_group; /* own process group, so that a terminal's Ctrl-C does not reach it */
    bool outlive;   /* do not die with the parent (a server started by the demo uses false) */
} proc_options;

/* proc_start returns when the child runs its program. ERR_MISSING (no such program or folder),
 * ERR_DENIED, ERR_IO; nothing is left behind then. The pid belongs to the caller, who reaps it by
 * proc_wait or proc_stop. */
MUST_CHECK err proc_start(const proc_options *o, pid_t *ret_pid);
/* proc_wait waits up to timeout_ms (< 0: for ever; 0: only looks). *ret_done says whether it ended;
 * *ret_status is then the exit code, or 128 + signal. */
MUST_CHECK err proc_wait(pid_t pid, int64_t timeout_ms, bool *ret_done, int *ret_status);
/* proc_stop sends SIGTERM, waits grace_ms, then SIGKILL, and reaps. */
void proc_stop(pid_t pid, int64_t grace_ms);
/* proc_self is the path of this program's own file (for re-exec); process lifetime. */
const char *proc_self(void);
/* proc_cpus: how many processors this process may run on (its affinity), at least 1: the number of
 * threads that make sense. */
int proc_cpus(void);

#endif
