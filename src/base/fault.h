/* base/fault: makes the nth fallible operation fail, so that tests can walk every error path. Armed
 * by the environment (TIDEMILL_FAULT="site:nth[:kill]", e.g. "file_write:3", "db_commit:1:kill"
 * which kills -9 the process there) or by fault_arm in tests. Costs one relaxed atomic load when
 * not armed. Sites: file_write, file_sync, file_rename, file_read, db_exec, db_commit, blob_put,
 * delta_commit, spawn, net_send. */
#ifndef TIDEMILL_BASE_FAULT_H
#define TIDEMILL_BASE_FAULT_H

#include <stdbool.h>

/* fault_hit: true when this call at this site is the one that shall fail. errno is set to ENOSPC
 * for files, EIO otherwise. */
bool fault_hit(const char *site);
void fault_arm(const char *spec); /* NULL disarms. Tests only */
void fault_arm_from_env(void);    /* called once by main */

#endif
