/* Walks with AVX-512. Compiled for it by attribute and entered only on a CPU that has it; the rest
 * of the program keeps the plain x86-64 baseline. There is none with AVX2: its gathers were
 * measured slower than plain C. */
#include "model/lanes_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f")))

enum { GROUPS = LANES_CHUNK / LANES_GROUP };

AVX512 static inline __m512i step_narrow(const uint32_t *word, __m512i at, __m512i low,
                                         __m512i high)
{
    __m512i w = _mm512_i32gather_epi32(at, word, 4);
    __m512i rank = _mm512_permutex2var_epi32(low, _mm512_srli_epi32(w, NARROW_SLOT_SHIFT), high);
    __m512i bound = _mm512_and_epi32(w, _mm512_set1_epi32(UINT8_MAX));
    __m512i child = _mm512_srli_epi32(w, NARROW_CHILD_SHIFT);
    __mmask16 right = _mm512_cmpgt_epu32_mask(rank, bound);
    return _mm512_mask_add_epi32(child, right, child, _mm512_set1_epi32(1));
}

AVX512 static inline __m512i step_wide(const lanes *l, const uint32_t *row, __m512i at)
{
    __m512i test = _mm512_i32gather_epi32(at, l->test, 4);
    __m512i child = _mm512_i32gather_epi32(at, l->child, 4);
    __m512i rank = _mm512_i32gather_epi32(_mm512_srli_epi32(test, WIDE_SLOT_SHIFT), row, 4);
    __m512i bound = _mm512_and_epi32(test, _mm512_set1_epi32(UINT16_MAX));
    __mmask16 right = _mm512_cmpgt_epu32_mask(rank, bound);
    return _mm512_mask_add_epi32(child, right, child, _mm512_set1_epi32(1));
}

/* One body for every number of groups and both forms; the arguments are constants where it is
 * inlined. */
AVX512 static inline __attribute__((always_inline)) void walk_avx512(const lanes *l,
                                                                     const uint32_t *row,
                                                                     uint32_t *at, int groups,
                                                                     bool narrow, uint32_t depth)
{
    __m512i node[GROUPS], low = _mm512_setzero_si512(), high = low;
    if (narrow) {
        low = _mm512_load_si512(row);
        high = _mm512_load_si512(row + LANES_GROUP);
    }
    for (int g = 0; g < groups; g++)
        node[g] = _mm512_load_si512(at + g * LANES_GROUP);
    for (uint32_t d = 0; d < depth; d++) {
        __mmask16 moved = d < LEVELS_UNASKED;
        for (int g = 0; g < groups; g++) {
            __m512i next =
                narrow ? step_narrow(l->word, node[g], low, high) : step_wide(l, row, node[g]);
            if (d >= LEVELS_UNASKED) moved |= _mm512_cmpneq_epi32_mask(next, node[g]);
            node[g] = next;
        }
        if (!moved) break;
    }
    for (int g = 0; g < groups; g++)
        _mm512_store_si512(at + g * LANES_GROUP, node[g]);
}

AVX512 static inline __attribute__((always_inline)) void
dispatch_avx512(const lanes *l, const uint32_t *row, uint32_t *at, size_t n, bool narrow,
                uint32_t depth)
{
    switch ((n + LANES_GROUP - 1) / LANES_GROUP) {
    case 4:
        walk_avx512(l, row, at, 4, narrow, depth);
        break;
    case 3:
        walk_avx512(l, row, at, 3, narrow, depth);
        break;
    case 2:
        walk_avx512(l, row, at, 2, narrow, depth);
        break;
    default:
        walk_avx512(l, row, at, 1, narrow, depth);
        break;
    }
}

AVX512 static void walk_narrow_avx512(const lanes *l, const uint32_t *row, uint32_t *at, size_t n,
                                      uint32_t depth)
{
    dispatch_avx512(l, row, at, n, true, depth);
}

AVX512 static void walk_wide_avx512(const lanes *l, const uint32_t *row, uint32_t *at, size_t n,
                                    uint32_t depth)
{
    dispatch_avx512(l, row, at, n, false, depth);
}

lanes_walk *lanes_walk_avx512(bool narrow)
{
    if (!__builtin_cpu_supports("avx512f")) return NULL;
    return narrow ? walk_narrow_avx512 : walk_wide_avx512;
}

#else

lanes_walk *lanes_walk_avx512(bool narrow)
{
    (void)narrow;
    return NULL;
}

#endif
