/* Walks with AVX2 and AVX-512. Compiled for these by attribute and entered only on a CPU that has
 * them; the rest of the program keeps the plain x86-64 baseline. On other machines this file says
 * that there are none. */
#include "model/lanes_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f")))
#define AVX2   __attribute__((target("avx2")))

enum { GROUPS = LANES_CHUNK / LANES_GROUP, HALF = LANES_GROUP / 2 };

/* ---- AVX-512, sixteen trees to a register ---- */

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

/* ---- AVX2, eight trees to a register ---- */

AVX2 static inline __m256i gather_avx2(const uint32_t *from, __m256i at)
{
    return _mm256_i32gather_epi32((const int *)from, at, 4);
}

AVX2 static inline __m256i step_avx2(const lanes *l, const uint32_t *row, __m256i at, bool narrow)
{
    __m256i w = gather_avx2(narrow ? l->word : l->test, at), slot, child, bound;
    if (narrow) {
        slot = _mm256_and_si256(_mm256_srli_epi32(w, NARROW_SLOT_SHIFT),
                                _mm256_set1_epi32(NARROW_SLOTS - 1));
        child = _mm256_srli_epi32(w, NARROW_CHILD_SHIFT);
        bound = _mm256_and_si256(w, _mm256_set1_epi32(UINT8_MAX));
    } else {
        slot = _mm256_srli_epi32(w, WIDE_SLOT_SHIFT);
        child = gather_avx2(l->child, at);
        bound = _mm256_and_si256(w, _mm256_set1_epi32(UINT16_MAX));
    }
    __m256i right = _mm256_cmpgt_epi32(gather_avx2(row, slot), bound); /* all ones: -1 */
    return _mm256_sub_epi32(child, right);
}

AVX2 static inline __attribute__((always_inline)) void
walk_avx2(const lanes *l, const uint32_t *row, uint32_t *at, size_t n, bool narrow, uint32_t depth)
{
    enum { TOGETHER = 4 };
    for (size_t from = 0; from < n; from += (size_t)TOGETHER * HALF) {
        __m256i node[TOGETHER];
        for (int g = 0; g < TOGETHER; g++)
            node[g] = _mm256_load_si256((const __m256i *)(at + from) + g);
        for (uint32_t d = 0; d < depth; d++) {
            __m256i same = _mm256_set1_epi32(-1);
            for (int g = 0; g < TOGETHER; g++) {
                __m256i next = step_avx2(l, row, node[g], narrow);
                same = _mm256_and_si256(same, _mm256_cmpeq_epi32(next, node[g]));
                node[g] = next;
            }
            if (d >= LEVELS_UNASKED && _mm256_movemask_epi8(same) == -1) break;
        }
        for (int g = 0; g < TOGETHER; g++)
            _mm256_store_si256((__m256i *)(at + from) + g, node[g]);
    }
}

AVX2 static void walk_narrow_avx2(const lanes *l, const uint32_t *row, uint32_t *at, size_t n,
                                  uint32_t depth)
{
    walk_avx2(l, row, at, n, true, depth);
}

AVX2 static void walk_wide_avx2(const lanes *l, const uint32_t *row, uint32_t *at, size_t n,
                                uint32_t depth)
{
    walk_avx2(l, row, at, n, false, depth);
}

lanes_walk *lanes_walk_x86(lanes_code code, bool narrow)
{
    if (code == LANES_AVX512 && __builtin_cpu_supports("avx512f"))
        return narrow ? walk_narrow_avx512 : walk_wide_avx512;
    if (code == LANES_AVX2 && __builtin_cpu_supports("avx2"))
        return narrow ? walk_narrow_avx2 : walk_wide_avx2;
    return NULL;
}

#else

lanes_walk *lanes_walk_x86(lanes_code code, bool narrow)
{
    (void)code;
    (void)narrow;
    return NULL;
}

#endif
