/* Query strings, percent-encoding and host names: never a crash, never a byte outside, and what is
 * decoded has no zero byte. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "http/h1_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = arena_new(0);
    char *copy = mem_new(size + 1, 1); /* exactly as large, so that a read behind it is seen */
    copy = mem_grow(copy, size ? size : 1, 1);
    if (size) memcpy(copy, data, size);
    str s = {copy, size}, v = STR("");
    bool found = false;
    if (!http_unescape(a, s, &v)) {
        assert(v.n <= s.n && !memchr(v.p, 0, v.n) && !v.p[v.n]);
        assert(memchr(copy, '%', size) || str_eq(v, s));
    }
    if (!http_query(a, s, "a", &found, &v))
        assert(found ? v.n < s.n && !memchr(v.p, 0, v.n) : !v.n);
    (void)http_host_is_loopback(s);
    (void)http_origin_is_loopback(s);
    mem_free(copy);
    return 0;
}
