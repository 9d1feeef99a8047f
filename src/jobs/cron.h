/* jobs/cron: when a schedule fires. Five fields as in crontab(5) (minute hour day month weekday;
 * names, lists, ranges, steps; day OR weekday when both are given) or Quartz's six and seven
 * (second … [year], `?`, `L`, `W`, `#`, 1 = Sunday). Time zones by the system's TZif files (RFC
 * 8536), read here, without libc's global zone. At a change of clocks: a local time that does not
 * exist fires at the first instant after the gap; one that happens twice fires once, the first
 * time. Immutable after parsing. */
#ifndef TIDEMILL_JOBS_CRON_H
#define TIDEMILL_JOBS_CRON_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

typedef struct cron cron;
/* cron_parse: zone "" is UTC. ERR_INVALID names the field and what it wants; an unknown zone
 * has a did-you-mean where possible. Owner: a. */
MUST_CHECK err cron_parse(arena *a, str expression, str zone, cron **ret);
/* cron_next: the first firing strictly after t_ms. ERR_MISSING when there is none within 10 years.
 */
MUST_CHECK err cron_next(const cron *c, int64_t t_ms, int64_t *ret_ms);

#endif
