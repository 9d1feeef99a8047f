#include <assert.h>

#include "serving/serving_int.h"

enum { BUCKETS = 16 };

const int64_t serving_latency_us_le[BUCKETS] = {
    50,    100,   200,    500,    1000,   2000,    5000,    10000,
    20000, 50000, 100000, 200000, 500000, 1000000, 5000000, INT64_MAX,
};

struct served_counters {
    _Atomic uint64_t errors, rows, latency_us_sum;
    _Atomic uint64_t
        buckets[BUCKETS]; /* each its own requests; their sum is the number of requests */
};

served_counters *counters_new(void)
{
    return mem_new(1, sizeof(served_counters));
}

void counters_free(served_counters *c)
{
    mem_free(c);
}

static void add(_Atomic uint64_t *to, uint64_t n)
{
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

void served_count(const served *e, size_t n_rows, bool ok, int64_t latency_us)
{
    assert(e && e->counters);
    served_counters *c = e->counters;
    if (latency_us < 0) latency_us = 0; /* a clock that went back */
    size_t i = 0;
    while (latency_us > serving_latency_us_le[i])
        i++;
    add(&c->buckets[i], 1);
    add(&c->latency_us_sum, (uint64_t)latency_us);
    if (ok)
        add(&c->rows, n_rows);
    else
        add(&c->errors, 1);
}

void counters_read(const served_counters *c, served_stats *ret)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        sum += atomic_load_explicit(&c->buckets[i], memory_order_relaxed);
        ret->buckets[i] = sum;
    }
    ret->requests = sum;
    ret->errors = atomic_load_explicit(&c->errors, memory_order_relaxed);
    ret->rows = atomic_load_explicit(&c->rows, memory_order_relaxed);
    ret->latency_us_sum = atomic_load_explicit(&c->latency_us_sum, memory_order_relaxed);
}
