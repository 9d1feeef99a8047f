/* jobs/tz: time zones out of the system's TZif files (RFC 8536), without libc's one global zone.
 * Immutable after loading. */
#ifndef TIDEMILL_JOBS_TZ_INT_H
#define TIDEMILL_JOBS_TZ_INT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

typedef struct tz tz;

/* tz_load: name as in the IANA database ("Europe/Berlin"); "", "UTC" and "Etc/UTC" need no file.
 * ERR_INVALID for a name that is none (with a did-you-mean), ERR_FORMAT for a damaged file. Owner:
 * a. */
MUST_CHECK err tz_load(arena *a, str name, const tz **ret);
/* tz_parse reads the bytes of a TZif file; name stands in messages. ERR_FORMAT. Owner: a. */
MUST_CHECK err tz_parse(arena *a, str bytes, const char *name, const tz **ret);

/* tz_offset: seconds east of UTC at a moment (seconds since 1970 UTC). */
int32_t tz_offset(const tz *z, int64_t utc_s);
/* tz_utc: the moment at which the clocks of z show local_s (seconds since 1970 as if in UTC). A
 * time that clocks jump over gives the first moment after the jump, one that they show twice the
 * first of the two. */
int64_t tz_utc(const tz *z, int64_t local_s);

#endif
