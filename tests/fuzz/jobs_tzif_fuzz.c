/* The bytes of a TZif file. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "jobs/tz_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = arena_new(0);
    const tz *z;
    if (tz_parse(a, (str){(const char *)data, size}, "fuzz", &z)) return 0;
    for (int64_t t = 0; t < 8000000000; t += 123456789) {
        int32_t offset = tz_offset(z, t);
        assert(offset >= -26 * 3600 && offset <= 26 * 3600);
        (void)tz_utc(z, t + offset);
    }
    return 0;
}
