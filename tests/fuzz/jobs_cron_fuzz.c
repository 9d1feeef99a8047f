/* A cron expression, a newline, a zone: parsing must not crash, and firings must go forward. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "jobs/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = arena_new(0);
    str expression, zone;
    cron *c;
    str_cut((str){(const char *)data, size}, '\n', &expression, &zone);
    if (cron_parse(a, expression, zone, &c)) return 0;
    int64_t t = 1773000000000; /* the day before New York moves its clocks forward */
    for (int i = 0; i < 20; i++) {
        int64_t before = t;
        if (cron_next(c, t, &t)) break;
        assert(t > before && t % 1000 == 0);
    }
    return 0;
}
