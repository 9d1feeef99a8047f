#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/die_int.h"

enum { DIE_LINE_MAX = 512 };

_Noreturn void die(const char *what, const char *why)
{
    char line[DIE_LINE_MAX];
    int n = snprintf(line, sizeof line, "tidemill: %s: %s\n", what, why);
    if (n >= (int)sizeof line) n = (int)sizeof line - 1;
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0) abort();
    abort();
}

void *mem_new(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p) die("memory", "out of memory");
    return p;
}

void *mem_grow(void *p, size_t n, size_t size)
{
    size_t bytes = 0;
    bool fits = size_mul(n, size, &bytes);
    assert(fits);
    void *q = realloc(p, bytes ? bytes : 1);
    if (!q) die("memory", "out of memory");
    return q;
}

void mem_free(void *p)
{
    free(p);
}
