/* tests/lib/temp: a folder of its own for a test; the test removes it at its end, a failed test
 * leaves it for a look. */
#ifndef TIDEMILL_TEST_TEMP_H
#define TIDEMILL_TEST_TEMP_H

#include <stdlib.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/str.h"

static inline const char *temp_dir(arena *a)
{
    const char *base = getenv("TMPDIR");
    str made = str_fmt(a, "%s/tidemill-test-XXXXXX", base && *base ? base : "/tmp");
    char *path = arena_alloc(a, made.n + 1, 1);
    memcpy(path, made.p, made.n);
    if (!mkdtemp(path)) abort();
    return path;
}

static inline void temp_gone(const char *path)
{
    if (dir_remove_all(path)) abort();
}

#endif
