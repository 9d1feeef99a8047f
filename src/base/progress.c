#include "base/progress.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void progress_say(const progress *p, const char *fmt, ...)
{
    assert(fmt);
    if (!p || !p->line) return;
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    p->line(p->ctx, (str){text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1});
}
