/* base/os_spawn: the few lines between vfork and exec. Inside base only. */
#ifndef TIDEMILL_BASE_OS_SPAWN_H
#define TIDEMILL_BASE_OS_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* All is prepared before the fork, since nothing may be allocated after it. */
typedef struct spawn_plan {
    const char *file; /* absolute */
    char *const *argv;
    char *const *envp;
    const char *dir; /* NULL: this one */
    int fds[3];      /* what becomes 0, 1, 2; 0 as in proc_options */
    uint64_t memory_max;
    int nice;
    bool new_group, outlive;
} spawn_plan;

/* os_spawn starts the child from the calling thread, whose end would kill it (unless outlive). */
MUST_CHECK err os_spawn(const spawn_plan *plan, pid_t *ret_pid);

#endif
