/* The relay's frames, as either side reads them: whatever parses must print as the same bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "db/wire_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* one_frame returns the bytes it took; 0 ends. */
static size_t one_frame(arena *a, str in)
{
    wire_type type;
    size_t size;
    wire_msg m;
    if (in.n < WIRE_HEAD || wire_head(in.p, &type, &size) || size > in.n - WIRE_HEAD) return 0;
    if (wire_parse(a, type, (str){in.p + WIRE_HEAD, size}, &m)) return WIRE_HEAD + size;
    buf b;
    buf_init(&b, WIRE_HEAD + (size_t)WIRE_BODY_MAX);
    if (wire_put(&b, &m) || !str_eq(buf_str(&b), (str){in.p, WIRE_HEAD + size})) abort();
    buf_done(&b);
    return WIRE_HEAD + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = arena_new(0);
    str in = {(const char *)data, size};
    for (size_t n; (n = one_frame(a, in)); in = (str){in.p + n, in.n - n})
        continue;
    return 0;
}
