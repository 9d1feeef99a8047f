/* base/progress: how long work tells its human what it does, one line at a time, without knowing
 * where the lines go. */
#ifndef TIDEMILL_BASE_PROGRESS_H
#define TIDEMILL_BASE_PROGRESS_H

#include "base/str.h"

typedef struct progress {
    void (*line)(void *ctx, str text); /* text without newline; NULL: silent */
    void *ctx;
} progress;

/* progress_say formats one line (cut at 1,023 bytes) and hands it over. p may be NULL. */
__attribute__((format(printf, 2, 3))) void progress_say(const progress *p, const char *fmt, ...);

#endif
