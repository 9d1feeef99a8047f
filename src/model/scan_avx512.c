/* Sums of trees for one row with AVX-512: sixteen trees to a register, all nodes, no walking. */
#include "model/scan_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512      __attribute__((target("avx512f,avx512bw,avx512cd")))
#define AVX512_VBMI __attribute__((target("avx512f,avx512bw,avx512cd,avx512vbmi")))
#define INLINE      static inline __attribute__((always_inline))

/* The row's ranks as bytes: few of them repeated in each 128 bits, or up to 64. */
AVX512 INLINE __m512i few_ranks(const uint32_t *row)
{
    return _mm512_broadcast_i32x4(_mm512_cvtepi32_epi8(_mm512_load_si512(row)));
}

AVX512 INLINE __m512i many_ranks(const uint32_t *row)
{
    __m512i v = _mm512_castsi128_si512(_mm512_cvtepi32_epi8(_mm512_load_si512(row)));
    v = _mm512_inserti32x4(v, _mm512_cvtepi32_epi8(_mm512_load_si512(row + 16)), 1);
    v = _mm512_inserti32x4(v, _mm512_cvtepi32_epi8(_mm512_load_si512(row + 32)), 2);
    return _mm512_inserti32x4(v, _mm512_cvtepi32_epi8(_mm512_load_si512(row + 48)), 3);
}

/* Crosses out: where node j of a tree goes right, only the leaves of its mask stay. */
AVX512 INLINE __m512i cross_out(__m512i leaves, __mmask64 right, const uint32_t *keep)
{
    for (int j = 0; j < SCAN_NODES; j++) {
        __mmask16 r = (__mmask16)(right >> j * SCAN_GROUP);
        leaves = _mm512_mask_and_epi32(leaves, r, leaves, _mm512_load_si512(keep + j * SCAN_GROUP));
    }
    return leaves;
}

/* Where the leaf of each tree lies in its values, from what is left over in one or two planes. */
AVX512 INLINE __m512i leftmost(__m512i first, __m512i second, size_t planes)
{
    __m512i at = _mm512_lzcnt_epi32(first);
    if (planes == 1) return at;
    __mmask16 none = _mm512_testn_epi32_mask(first, first);
    return _mm512_mask_add_epi32(at, none, at, _mm512_lzcnt_epi32(second));
}

/* The body of all four sums; LOOK_UP(slots) is the ranks of 64 slots. */
#define SUM_BODY(planes, LOOK_UP)                                                                  \
    const size_t leaves = (planes)*SCAN_PLANE;                                                     \
    const __m512i tree = _mm512_mullo_epi32(                                                       \
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),                   \
        _mm512_set1_epi32((int)leaves));                                                           \
    const char *p = s->steps;                                                                      \
    for (size_t first = 0; first < s->n_trees; first += SCAN_GROUP) {                              \
        __m512i low = _mm512_set1_epi32(-1), high = low;                                           \
        for (uint32_t n = s->n_steps[first / SCAN_GROUP]; n; n--, p += s->step_size) {             \
            const scan_step *step = (const scan_step *)(const void *)p;                            \
            __m512i slot = _mm512_load_si512(step->slot);                                          \
            __mmask64 right =                                                                      \
                _mm512_cmpgt_epu8_mask(LOOK_UP(slot), _mm512_load_si512(step->bound));             \
            low = cross_out(low, right, step->keep[0]);                                            \
            if ((planes) > 1) high = cross_out(high, right, step->keep[1]);                        \
        }                                                                                          \
        uint32_t at[SCAN_GROUP] __attribute__((aligned(64)));                                      \
        _mm512_store_si512(at, _mm512_add_epi32(tree, leftmost(low, high, (planes))));             \
        scan_add(s, first, at, out);                                                               \
    }

#define LOOK_UP_FEW(slot)  _mm512_shuffle_epi8(rank, slot)
#define LOOK_UP_MANY(slot) _mm512_permutexvar_epi8(slot, rank)

AVX512 static void few_narrow(const scan *s, const uint32_t *row, double *out)
{
    const __m512i rank = few_ranks(row);
    SUM_BODY(1, LOOK_UP_FEW)
}

AVX512 static void few_wide(const scan *s, const uint32_t *row, double *out)
{
    const __m512i rank = few_ranks(row);
    SUM_BODY(2, LOOK_UP_FEW)
}

AVX512_VBMI static void many_narrow(const scan *s, const uint32_t *row, double *out)
{
    const __m512i rank = many_ranks(row);
    SUM_BODY(1, LOOK_UP_MANY)
}

AVX512_VBMI static void many_wide(const scan *s, const uint32_t *row, double *out)
{
    const __m512i rank = many_ranks(row);
    SUM_BODY(2, LOOK_UP_MANY)
}

scan_sum *scan_sum_avx512(size_t n_slots, size_t n_planes)
{
    bool base = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512cd");
    if (base && n_slots <= SCAN_SLOTS_FEW) return n_planes == 1 ? few_narrow : few_wide;
    if (base && __builtin_cpu_supports("avx512vbmi"))
        return n_planes == 1 ? many_narrow : many_wide;
    return NULL;
}

#else

scan_sum *scan_sum_avx512(size_t n_slots, size_t n_planes)
{
    (void)n_slots;
    (void)n_planes;
    return NULL;
}

#endif
