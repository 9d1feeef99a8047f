#include "base/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die_int.h"
#include "base/str.h"

enum { SITE_MAX = 32 };

static const char *const sites[] = {
    "file_write", "file_sync", "file_rename",  "file_read", "db_exec",
    "db_commit",  "blob_put",  "delta_commit", "spawn",     "net_send",
};

/* The one armed fault. Written by fault_arm while no other thread runs; the counter is shared. */
static struct {
    atomic_bool on;
    char site[SITE_MAX];
    uint64_t nth;
    bool kill;
    _Atomic uint64_t hits;
} armed; /* NOLINT: tests arm it from outside, by the environment */

static bool known(str site)
{
    for (size_t i = 0; i < countof(sites); i++)
        if (str_is(site, sites[i])) return true;
    return false;
}

bool fault_hit(const char *site)
{
    if (!atomic_load_explicit(&armed.on, memory_order_relaxed)) return false;
    if (strcmp(site, armed.site) != 0) return false;
    if (atomic_fetch_add(&armed.hits, 1) + 1 != armed.nth) return false;
    if (armed.kill) {
        kill(getpid(), SIGKILL);
        pause();
    }
    errno = str_starts(str_of(site), "file_") ? ENOSPC : EIO;
    return true;
}

void fault_arm(const char *spec)
{
    atomic_store(&armed.on, false);
    if (!spec) return;
    str site, nth, tail;
    uint64_t n = 0;
    str_cut(str_of(spec), ':', &site, &tail);
    bool more = str_cut(tail, ':', &nth, &tail);
    bool ok =
        known(site) && parse_u64(nth, &n) == ERR_OK && n > 0 && (!more || str_is(tail, "kill"));
    /* A misspelt fault would let a test pass that proves nothing. */
    if (!ok) die("TIDEMILL_FAULT, want site:nth[:kill] with a known site", spec);
    memcpy(armed.site, site.p, site.n);
    armed.site[site.n] = '\0';
    armed.nth = n;
    armed.kill = more;
    atomic_store(&armed.hits, 0);
    atomic_store(&armed.on, true);
}

void fault_arm_from_env(void)
{
    const char *spec = getenv("TIDEMILL_FAULT");
    if (spec && *spec) fault_arm(spec);
}
