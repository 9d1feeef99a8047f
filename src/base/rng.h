/* base/rng: random numbers. rng is seeded and repeatable (xoshiro256**, Blackman & Vigna 2018,
 * seeded by splitmix64); random_bytes is the kernel's (getrandom). One thread per rng. */
#ifndef TIDEMILL_BASE_RNG_H
#define TIDEMILL_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

typedef struct rng {
    uint64_t s[4];
} rng;

void rng_init(rng *r, uint64_t seed);
uint64_t rng_u64(rng *r);
uint64_t rng_below(rng *r, uint64_t n); /* 0..n-1 without bias; n > 0 */
double rng_f64(rng *r);                 /* [0, 1) */
void rng_shuffle(rng *r, size_t *v, size_t n);

void random_bytes(void *p, size_t n);
/* id_hex32: 16 random bytes as 32 hex digits (MLflow's run and model ids, UUID version 4 bits set).
 * Owner: a. */
str id_hex32(arena *a);

#endif
