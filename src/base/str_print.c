#include <assert.h>
#include <math.h>
#include <yyjson.h>

#include "base/str.h"

/* yyjson prints a lone real into memory that it asks for once; this allocator hands it a buffer on
 * the stack. */
enum { PRINT_ROOM = 64 };

static void *room_give(void *ctx, size_t size)
{
    return size <= PRINT_ROOM ? ctx : NULL;
}

static void *room_grow(void *ctx, void *p, size_t old_size, size_t size)
{
    (void)p;
    (void)old_size;
    return room_give(ctx, size);
}

static void room_take(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

static size_t put(char *ret, const char *word, size_t n)
{
    memcpy(ret, word, n);
    return n;
}

size_t f64_print(double v, char *ret)
{
    assert(ret);
    if (isnan(v)) return put(ret, "NaN", 3);
    if (isinf(v)) return v > 0 ? put(ret, "Infinity", 8) : put(ret, "-Infinity", 9);
    char room[PRINT_ROOM];
    const yyjson_alc alc = {room_give, room_grow, room_take, room};
    yyjson_val val;
    memset(&val, 0, sizeof val);
    val.tag = YYJSON_TYPE_NUM | YYJSON_SUBTYPE_REAL;
    val.uni.f64 = v;
    size_t n = 0;
    const char *p = yyjson_val_write_opts(&val, YYJSON_WRITE_NOFLAG, &alc, &n, NULL);
    assert(p);
    assert(n <= F64_PRINT_MAX);
    return put(ret, p, n);
}

size_t i64_print(int64_t v, char *ret)
{
    assert(ret);
    char tmp[20];
    size_t i = sizeof tmp;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        tmp[--i] = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    size_t n = 0;
    if (v < 0) ret[n++] = '-';
    return n + put(ret + n, tmp + i, sizeof tmp - i);
}
