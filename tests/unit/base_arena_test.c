#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/os_asan.h"
#include "base/str.h"
#include "test.h"

static char order[8];
static size_t n_order;

static void note(void *p)
{
    order[n_order++] = *(char *)p;
}

TEST(pieces_are_zeroed_aligned_and_apart)
{
    AUTO(arena) a = arena_new(64);
    unsigned char *last = NULL;
    for (size_t n = 1; n < 300; n += 7) {
        unsigned char *p = arena_alloc(a, n, 1);
        ck_assert_uint_eq((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++)
            ck_assert_uint_eq(p[i], 0);
        memset(p, 0xFF, n);
        if (last) ck_assert_uint_eq(*last, 0xFF);
        last = p;
    }
}

TEST(an_empty_piece_is_a_piece)
{
    AUTO(arena) a = arena_new(0);
    void *p = arena_alloc(a, 0, 8), *q = arena_alloc_raw(a, 8, 0);
    ck_assert_ptr_nonnull(p);
    ck_assert_ptr_nonnull(q);
    ck_assert_ptr_ne(p, q);
}

TEST(a_reset_arena_keeps_its_first_block_only)
{
    AUTO(arena) a = arena_new(1024);
    const size_t empty = arena_bytes(a);
    void *first = arena_alloc(a, 1, 100);
    arena_alloc(a, 1, 100000);
    for (int i = 0; i < 100; i++)
        arena_alloc(a, 1, 1000);
    ck_assert_uint_ge(arena_bytes(a), 200000);
    arena_reset(a);
    ck_assert_uint_eq(arena_bytes(a), empty);
    ck_assert_ptr_eq(arena_alloc(a, 1, 100), first);
    ck_assert_uint_eq(arena_bytes(a), empty);
}

TEST(a_big_piece_does_not_waste_the_current_block)
{
    AUTO(arena) a = arena_new(1024);
    char *p = arena_alloc(a, 1, 16);
    arena_alloc(a, 1, 1 << 20);
    const size_t held = arena_bytes(a);
    char *q = arena_alloc(a, 1, 16);
    ck_assert_uint_eq(arena_bytes(a), held);
    ck_assert_uint_le((uintptr_t)(q - p), 64);
}

TEST(cleanups_run_newest_first_at_reset_and_at_free)
{
    arena *a = arena_new(0);
    static char names[] = "abc";
    arena_on_free(a, note, &names[0]);
    arena_on_free(a, note, &names[1]);
    arena_reset(a);
    ck_assert_uint_eq(n_order, 2);
    arena_on_free(a, note, &names[2]);
    arena_free(a);
    ck_assert_uint_eq(n_order, 3);
    ck_assert_int_eq(memcmp(order, "bac", 3), 0);
}

TEST(freeing_nothing_is_fine)
{
    arena_free(NULL);
    ck_assert_uint_eq(n_order, 0);
}

TEST(an_overrun_inside_an_arena_is_seen_under_asan)
{
    AUTO(arena) a = arena_new(0);
    char *p = arena_alloc(a, 1, 16);
    arena_alloc(a, 1, 16);
    ck_assert_ptr_nonnull(p);
#ifdef TIDEMILL_ASAN
    ck_assert(!__asan_address_is_poisoned(p + 15));
    ck_assert(__asan_address_is_poisoned(p + 16));
    arena_reset(a);
    ck_assert(__asan_address_is_poisoned(p));
#endif
}

TEST(memory_of_single_things_grows_and_is_zeroed)
{
    int *v = mem_new(3, sizeof *v);
    ck_assert_int_eq(v[0] | v[1] | v[2], 0);
    v[2] = 7;
    v = mem_grow(v, 1000, sizeof *v);
    ck_assert_int_eq(v[2], 7);
    mem_free(v);
    mem_free(NULL);
}

TEST(products_and_sums_of_sizes_are_checked)
{
    size_t n = 5;
    ck_assert(size_mul(3, 4, &n));
    ck_assert_uint_eq(n, 12);
    ck_assert(!size_mul(SIZE_MAX / 2, 3, &n));
    ck_assert(size_add(SIZE_MAX - 1, 1, &n));
    ck_assert(!size_add(SIZE_MAX, 1, &n));
}

TESTS("base/arena", pieces_are_zeroed_aligned_and_apart, an_empty_piece_is_a_piece,
      a_reset_arena_keeps_its_first_block_only, a_big_piece_does_not_waste_the_current_block,
      cleanups_run_newest_first_at_reset_and_at_free, freeing_nothing_is_fine,
      an_overrun_inside_an_arena_is_seen_under_asan, memory_of_single_things_grows_and_is_zeroed,
      products_and_sums_of_sizes_are_checked)
