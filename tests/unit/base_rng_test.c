#include "base/rng.h"

#include <string.h>

#include "test.h"

/* The state {1, 2, 3, 4} gives these in the authors' own program
 * (prng.di.unimi.it/xoshiro256starstar.c). */
TEST(it_is_xoshiro256_starstar)
{
    rng r = {{1, 2, 3, 4}};
    ck_assert_uint_eq(rng_u64(&r), 11520U);
    ck_assert_uint_eq(rng_u64(&r), 0U);
    ck_assert_uint_eq(rng_u64(&r), 1509978240U);
    ck_assert_uint_eq(rng_u64(&r), 1215971899390074240U);
}

/* splitmix64 from 0 (the same site): e220a8397b1dcdaf 6e789e6aa1b965f4 06c45d188009454f
 * f88bb8a8724c81ec. */
TEST(the_seed_is_spread_by_splitmix64)
{
    rng r;
    rng_init(&r, 0);
    ck_assert_uint_eq(r.s[0], 0xe220a8397b1dcdafU);
    ck_assert_uint_eq(r.s[1], 0x6e789e6aa1b965f4U);
    ck_assert_uint_eq(r.s[2], 0x06c45d188009454fU);
    ck_assert_uint_eq(r.s[3], 0xf88bb8a8724c81ecU);
}

TEST(below_stays_below_and_is_even)
{
    rng r;
    rng_init(&r, 7);
    unsigned seen[6] = {0};
    for (int i = 0; i < 60000; i++) {
        uint64_t v = rng_below(&r, 6);
        ck_assert_uint_lt(v, 6);
        seen[v]++;
    }
    for (int i = 0; i < 6; i++)
        ck_assert(seen[i] > 9600 && seen[i] < 10400);
    ck_assert_uint_eq(rng_below(&r, 1), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_lt(rng_below(&r, (UINT64_C(1) << 63) + 1), (UINT64_C(1) << 63) + 1);
}

TEST(reals_lie_in_the_half_open_unit_interval)
{
    rng r;
    rng_init(&r, 3);
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double v = rng_f64(&r);
        ck_assert(v >= 0 && v < 1);
        sum += v;
    }
    ck_near(sum / 100000, 0.5, 0, 0.005);
}

TEST(a_shuffle_is_a_permutation_and_repeats_with_its_seed)
{
    size_t v[100], w[100];
    for (size_t i = 0; i < 100; i++)
        v[i] = w[i] = i;
    rng r;
    rng_init(&r, 5);
    rng_shuffle(&r, v, 100);
    rng_init(&r, 5);
    rng_shuffle(&r, w, 100);
    ck_assert_mem_eq(v, w, sizeof v);
    bool there[100] = {false};
    size_t moved = 0;
    for (size_t i = 0; i < 100; i++) {
        there[v[i]] = true;
        moved += v[i] != i;
    }
    for (size_t i = 0; i < 100; i++)
        ck_assert(there[i]);
    ck_assert_uint_gt(moved, 80);
    rng_shuffle(&r, v, 0);
    rng_shuffle(&r, NULL, 0);
}

TEST(ids_are_32_hex_digits_of_uuid_version_4)
{
    AUTO(arena) a = arena_new(0);
    str x = id_hex32(a), y = id_hex32(a);
    ck_assert_uint_eq(x.n, 32);
    ck_assert(!str_eq(x, y));
    for (size_t i = 0; i < x.n; i++)
        ck_assert_ptr_nonnull(strchr("0123456789abcdef", x.p[i]));
    ck_assert_int_eq(x.p[12], '4');
    ck_assert_ptr_nonnull(strchr("89ab", x.p[16]));
}

TESTS("base/rng", it_is_xoshiro256_starstar, the_seed_is_spread_by_splitmix64,
      below_stays_below_and_is_even, reals_lie_in_the_half_open_unit_interval,
      a_shuffle_is_a_permutation_and_repeats_with_its_seed, ids_are_32_hex_digits_of_uuid_version_4)
