/* Sums of trees for one row with AVX2: the same layout as with AVX-512, eight trees to a register.
 */
#include "model/scan_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2   __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline))

enum { HALVES = 2, HALF = SCAN_GROUP / HALVES };

/* The leaves that are left over of sixteen trees, one plane. */
typedef struct plane {
    __m256i v[HALVES];
} plane;

/* stays: all ones where the tree's node sends the row to the left, which crosses out nothing. */
AVX2 INLINE void cross_out(plane *leaves, __m128i stays, const uint32_t *keep)
{
    const __m256i *k = (const __m256i *)(const void *)keep;
    __m256i low = _mm256_cvtepi8_epi32(stays),
            high = _mm256_cvtepi8_epi32(_mm_srli_si128(stays, HALF));
    leaves->v[0] = _mm256_and_si256(leaves->v[0], _mm256_or_si256(low, _mm256_load_si256(k)));
    leaves->v[1] = _mm256_and_si256(leaves->v[1], _mm256_or_si256(high, _mm256_load_si256(k + 1)));
}

AVX2 INLINE void run_step(const scan_step *step, __m128i rank, size_t planes, plane *leaves)
{
    const __m128i *slot = (const __m128i *)(const void *)step->slot;
    const __m128i *bound = (const __m128i *)(const void *)step->bound;
    for (int j = 0; j < SCAN_NODES; j++) {
        __m128i most = _mm_load_si128(bound + j);
        __m128i here = _mm_shuffle_epi8(rank, _mm_load_si128(slot + j));
        __m128i stays = _mm_cmpeq_epi8(_mm_max_epu8(here, most), most);
        for (size_t k = 0; k < planes; k++)
            cross_out(&leaves[k], stays, step->keep[k] + j * SCAN_GROUP);
    }
}

AVX2 INLINE void find_leaves(const plane *leaves, size_t planes, uint32_t *at)
{
    uint32_t bits[2][SCAN_GROUP] __attribute__((aligned(32))) = {{0}};
    for (size_t k = 0; k < planes; k++) {
        _mm256_store_si256((__m256i *)(void *)bits[k], leaves[k].v[0]);
        _mm256_store_si256((__m256i *)(void *)(bits[k] + HALF), leaves[k].v[1]);
    }
    for (uint32_t i = 0; i < SCAN_GROUP; i++) {
        uint64_t both = (uint64_t)bits[0][i] << SCAN_PLANE | (planes > 1 ? bits[1][i] : 1);
        at[i] = i * (uint32_t)planes * SCAN_PLANE + (uint32_t)__builtin_clzll(both);
    }
}

AVX2 INLINE void sum_groups(const scan *s, const uint32_t *row, size_t planes, double *out)
{
    uint8_t bytes[SCAN_SLOTS_FEW] __attribute__((aligned(16)));
    for (size_t i = 0; i < SCAN_SLOTS_FEW; i++)
        bytes[i] = (uint8_t)row[i];
    const __m128i rank = _mm_load_si128((const __m128i *)(const void *)bytes);
    const char *p = s->steps;
    for (size_t first = 0; first < s->n_trees; first += SCAN_GROUP) {
        const __m256i all = _mm256_set1_epi32(-1);
        plane leaves[2] = {{{all, all}}, {{all, all}}};
        uint32_t at[SCAN_GROUP];
        for (uint32_t n = s->n_steps[first / SCAN_GROUP]; n; n--, p += s->step_size)
            run_step((const scan_step *)(const void *)p, rank, planes, leaves);
        find_leaves(leaves, planes, at);
        scan_add(s, first, at, out);
    }
}

AVX2 static void narrow_avx2(const scan *s, const uint32_t *row, double *out)
{
    sum_groups(s, row, 1, out);
}

AVX2 static void wide_avx2(const scan *s, const uint32_t *row, double *out)
{
    sum_groups(s, row, 2, out);
}

scan_sum *scan_sum_avx2(size_t n_slots, size_t n_planes)
{
    if (n_slots > SCAN_SLOTS_FEW || !__builtin_cpu_supports("avx2")) return NULL;
    return n_planes == 1 ? narrow_avx2 : wide_avx2;
}

#else

scan_sum *scan_sum_avx2(size_t n_slots, size_t n_planes)
{
    (void)n_slots;
    (void)n_planes;
    return NULL;
}

#endif
