/* Sums of trees with AVX-512BW: 64 rows to a register, a compare and a blend for each node. */
#include "model/blocks_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw")))
#define INLINE static inline __attribute__((always_inline))

enum { PARTS = 8 }; /* registers of eight doubles for 64 rows */

typedef struct cells {
    __m512i v[BLOCKS_CELLS][BLOCKS_LANES];
} cells;

/* The leaves' values for the row whose leaf number is the low byte of each lane of `at`. */
AVX512 INLINE void look_up(const blocks_leaves *t, bool wide, __m512i at, __m512i *low,
                           __m512i *high)
{
    *low = _mm512_permutex2var_epi32(_mm512_load_si512(t->low), at, _mm512_load_si512(t->low + 16));
    *high =
        _mm512_permutex2var_epi32(_mm512_load_si512(t->high), at, _mm512_load_si512(t->high + 16));
    if (!wide) return;
    __mmask16 upper = _mm512_test_epi32_mask(at, _mm512_set1_epi32(BLOCKS_HALF));
    __m512i low2 = _mm512_permutex2var_epi32(_mm512_load_si512(t->low + 32), at,
                                             _mm512_load_si512(t->low + 48));
    __m512i high2 = _mm512_permutex2var_epi32(_mm512_load_si512(t->high + 32), at,
                                              _mm512_load_si512(t->high + 48));
    *low = _mm512_mask_blend_epi32(upper, *low, low2);
    *high = _mm512_mask_blend_epi32(upper, *high, high2);
}

/* Adds the leaf of each of 64 rows. Byte b of lane d is row 4 d + b; part 2 b + h, element 2 q + e
 * belongs to lane 4 q + 2 h + e. */
AVX512 INLINE void add_leaves(const blocks_leaves *t, bool wide, __m512i at, __m512d *sum)
{
    for (int b = 0; b < 4; b++) {
        __m512i low, high;
        look_up(t, wide, at, &low, &high);
        sum[2 * b] =
            _mm512_add_pd(sum[2 * b], _mm512_castsi512_pd(_mm512_unpacklo_epi32(low, high)));
        sum[2 * b + 1] =
            _mm512_add_pd(sum[2 * b + 1], _mm512_castsi512_pd(_mm512_unpackhi_epi32(low, high)));
        at = _mm512_srli_epi32(at, 8);
    }
}

AVX512 static void put_rows(const __m512d *sum, size_t n, double *out)
{
    double v[PARTS][8] __attribute__((aligned(64)));
    for (int i = 0; i < PARTS; i++)
        _mm512_store_pd(v[i], sum[i]);
    for (size_t r = 0; r < n; r++) {
        size_t lane = r / 4, b = r % 4, q = lane / 4, h = lane / 2 % 2, e = lane % 2;
        out[r] = v[2 * b + h][2 * q + e];
    }
}

AVX512 INLINE void run_ops(const blocks_op *op, size_t n, const blocks_columns *c, int lanes_n,
                           cells *cell)
{
    for (const blocks_op *end = op + n; op < end; op++) {
        __m512i bound = _mm512_set1_epi32((int)op->bound);
        const uint8_t *rank = c->rank[op->slot];
        const __m512i *left = cell->v[op->left], *right = cell->v[op->right];
        __m512i *to = cell->v[op->to];
        for (int j = 0; j < lanes_n; j++) {
            __mmask64 goes =
                _mm512_cmpgt_epu8_mask(_mm512_load_si512(rank + j * BLOCKS_LANE), bound);
            to[j] = _mm512_mask_blend_epi8(goes, left[j], right[j]);
        }
    }
}

AVX512 INLINE void sum_lanes(const blocks *b, const blocks_columns *c, int lanes_n, size_t n,
                             double *out)
{
    cells cell;
    __m512d sum[BLOCKS_LANES][PARTS];
    for (int i = 0; i < BLOCKS_LEAVES_MAX; i++) {
        for (int j = 0; j < lanes_n; j++)
            cell.v[i][j] = _mm512_set1_epi8((char)i);
    }
    for (int j = 0; j < lanes_n; j++) {
        for (int i = 0; i < PARTS; i++)
            sum[j][i] = _mm512_setzero_pd();
    }
    const blocks_op *op = b->ops;
    for (size_t t = 0; t < b->n_trees; op += b->n_ops[t], t++) {
        run_ops(op, b->n_ops[t], c, lanes_n, &cell);
        const __m512i *at = cell.v[b->root[t]];
        bool wide = b->n_ops[t] >= BLOCKS_HALF;
        for (int j = 0; j < lanes_n; j++) {
            if (wide)
                add_leaves(&b->leaves[t], true, at[j], sum[j]);
            else
                add_leaves(&b->leaves[t], false, at[j], sum[j]);
        }
    }
    for (int j = 0; j < lanes_n; j++) {
        size_t from = (size_t)j * BLOCKS_LANE, left = n - from;
        put_rows(sum[j], left < BLOCKS_LANE ? left : BLOCKS_LANE, out + from);
    }
}

AVX512 static void sum_avx512(const blocks *b, const blocks_columns *c, size_t n, double *out)
{
    switch ((n + BLOCKS_LANE - 1) / BLOCKS_LANE) {
    case 4:
        sum_lanes(b, c, 4, n, out);
        break;
    case 3:
        sum_lanes(b, c, 3, n, out);
        break;
    case 2:
        sum_lanes(b, c, 2, n, out);
        break;
    default:
        sum_lanes(b, c, 1, n, out);
        break;
    }
}

blocks_sum *blocks_sum_avx512(void)
{
    bool can = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
    return can ? sum_avx512 : NULL;
}

#else

blocks_sum *blocks_sum_avx512(void)
{
    return NULL;
}

#endif
