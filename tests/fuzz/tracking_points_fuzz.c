/* What unpacks must pack and unpack to the same points again. */
#include <assert.h>
#include <stdint.h>

#include "tracking/points_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    points p = {0}, q = {0};
    if (!points_unpack((str){(const char *)data, size}, 0, &p)) {
        points_sort_unique(&p);
        buf b;
        buf_init(&b, POINTS_BYTES_MAX);
        points_pack(&b, p.v, p.n);
        err e = points_unpack(buf_str(&b), 0, &q);
        assert(!e && q.n == p.n);
        for (size_t i = 0; i < p.n; i++)
            assert(!point_cmp(&p.v[i], &q.v[i]));
        buf_done(&b);
    }
    points_done(&p);
    points_done(&q);
    return 0;
}
