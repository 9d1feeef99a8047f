#include "tracking/points_int.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

enum { POINTS_VERSION = 1, POINT_BYTES_MIN = 1 + 1 + 8 };

void points_done(points *p)
{
    mem_free(p->v);
    *p = (points){0};
}

static void points_room(points *p, size_t n)
{
    if (p->cap - p->n >= n) return;
    size_t cap = p->cap ? p->cap : 64;
    while (cap < p->n + n)
        cap *= 2;
    p->v = mem_grow(p->v, cap, sizeof *p->v);
    p->cap = cap;
}

void points_add(points *p, point one)
{
    points_room(p, 1);
    p->v[p->n++] = one;
}

int point_cmp(const void *x, const void *y)
{
    const point *a = x, *b = y;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    if (a->time != b->time) return a->time < b->time ? -1 : 1;
    if (a->step != b->step) return a->step < b->step ? -1 : 1;
    int a_nan = isnan(a->v) != 0, b_nan = isnan(b->v) != 0;
    if (a_nan || b_nan) return a_nan - b_nan;
    return (a->v > b->v) - (a->v < b->v);
}

bool point_newer(const point *a, const point *b)
{
    if (a->step != b->step) return a->step > b->step;
    if (a->time != b->time) return a->time > b->time;
    return (isnan(a->v) ? 0.0 : a->v) > (isnan(b->v) ? 0.0 : b->v);
}

void points_sort_unique(points *p)
{
    bool sorted = true;
    for (size_t i = 1; sorted && i < p->n; i++)
        sorted = point_cmp(&p->v[i - 1], &p->v[i]) < 0;
    if (sorted) return;
    qsort(p->v, p->n, sizeof *p->v, point_cmp);
    size_t kept = 1;
    for (size_t i = 1; i < p->n; i++)
        if (point_cmp(&p->v[kept - 1], &p->v[i])) p->v[kept++] = p->v[i];
    p->n = kept;
}

/* --- packing */
static void put_varint(buf *to, uint64_t x)
{
    while (x > 127) {
        buf_putc(to, (char)(unsigned char)(x | 128));
        x >>= 7;
    }
    buf_putc(to, (char)x);
}

static void put_difference(buf *to, int64_t v, int64_t before)
{
    uint64_t d = (uint64_t)v - (uint64_t)before; /* wraps, and wraps back */
    put_varint(to, (d << 1) ^ (0 - (d >> 63)));
}

static void put_value(buf *to, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    unsigned char le[8];
    for (int i = 0; i < 8; i++)
        le[i] = (unsigned char)(bits >> (8 * i));
    buf_put(to, le, sizeof le);
}

void points_pack(buf *to, const point *v, size_t n)
{
    buf head;
    buf_init(&head, POINTS_BYTES_MAX);
    buf_putc(to, POINTS_VERSION);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && v[end].key == v[i].key; end++)
            assert(end == i || point_cmp(&v[end - 1], &v[end]) < 0);
        buf_reset(&head);
        for (size_t k = i; k < end; k++)
            put_difference(&head, v[k].time, k > i ? v[k - 1].time : 0);
        for (size_t k = i; k < end; k++)
            put_difference(&head, v[k].step, k > i ? v[k - 1].step : 0);
        put_varint(to, (uint64_t)v[i].key);
        put_varint(to, end - i);
        put_varint(to, head.n);
        buf_puts(to, buf_str(&head));
        if (head.over) to->over = true;
        for (size_t k = i; k < end; k++)
            put_value(to, v[k].v);
    }
    buf_done(&head);
}

/* --- unpacking */
static bool get_varint(str *s, uint64_t *ret)
{
    uint64_t x = 0;
    for (int shift = 0; shift < 64 && s->n; shift += 7) {
        unsigned char c = (unsigned char)*s->p;
        s->p++;
        s->n--;
        if (shift == 63 && c > 1) return false;
        x |= (uint64_t)(c & 127) << shift;
        if (c & 128) continue;
        *ret = x;
        return true;
    }
    return false;
}

static bool get_difference(str *s, int64_t *at)
{
    uint64_t x;
    if (!get_varint(s, &x)) return false;
    *at = (int64_t)((uint64_t)*at + ((x >> 1) ^ (0 - (x & 1))));
    return true;
}

static double get_value(const char *p)
{
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++)
        bits |= (uint64_t)(unsigned char)p[i] << (8 * i);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static bool unpack_group(str head, const char *values, size_t n, int64_t key, points *to)
{
    points_room(to, n);
    point *v = to->v + to->n;
    int64_t time = 0, step = 0;
    for (size_t i = 0; i < n; i++) {
        if (!get_difference(&head, &time)) return false;
        v[i] = (point){.key = key, .time = time, .v = get_value(values + 8 * i)};
    }
    for (size_t i = 0; i < n; i++) {
        if (!get_difference(&head, &step)) return false;
        v[i].step = step;
    }
    if (head.n) return false;
    to->n += n;
    return true;
}

err points_unpack(str data, int64_t only, points *to)
{
    str s = data;
    bool ok = s.n && *s.p == POINTS_VERSION;
    if (ok) s = (str){s.p + 1, s.n - 1};
    while (ok && s.n) {
        uint64_t key, n, size;
        ok = get_varint(&s, &key) && get_varint(&s, &n) && get_varint(&s, &size) && key &&
             key <= INT64_MAX && n && n <= s.n / POINT_BYTES_MIN && size <= s.n - n * 8;
        if (!ok) break;
        if (!only || (int64_t)key == only)
            ok = unpack_group((str){s.p, size}, s.p + size, n, (int64_t)key, to);
        s = (str){s.p + size + n * 8, s.n - size - n * 8};
    }
    if (ok) return ERR_OK;
    return err_set(ERR_FORMAT, "tracking: packed metrics are damaged at byte %zu of %zu",
                   data.n - s.n, data.n);
}
