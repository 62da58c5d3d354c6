// Building blocks of the AVX-512 versions. Include between CK_BEGIN_TARGET and CK_END_TARGET.
//
// The names without an instruction set (vi, i_and, f_fma...) are those that lane_exp.h and the
// panel_ files are written in; simd_avx2.h and simd_neon.h give them for their registers.
#ifndef PACELINE_SIMD_AVX512_H
#define PACELINE_SIMD_AVX512_H

#include "scalar.h"

typedef __m512i vi;
typedef __m512 vf;
typedef __mmask16 vm;

enum {
  V_ROWS = 16,            // rows in a group: lanes of a register
  V_TOKENS = 8,           // widest tile of tokens that the registers hold
  V_GROUPS = 1,           // groups of rows that a tile of tokens multiplies at once
  V_PANEL_BLOCKS = 8,     // blocks of 32 in a panel; see panel_matmul.h
  V_DIRECT256 = 1,
  V_TILES_ASK = 0,
  V_EIGHT_BIT_FLIP = -128 // makes the bytes of Q8_0 unsigned; their zero point is then 128
};

CK_INLINE vi i_zero(void) { return _mm512_setzero_si512(); }
CK_INLINE vi i_and(vi a, vi b) { return _mm512_and_si512(a, b); }
CK_INLINE vi i_or(vi a, vi b) { return _mm512_or_si512(a, b); }
CK_INLINE vi i_xor(vi a, vi b) { return _mm512_xor_si512(a, b); }
CK_INLINE vi i_splat8(int x) { return _mm512_set1_epi8((char)x); }
CK_INLINE vi i_splat32(int32_t x) { return _mm512_set1_epi32(x); }
CK_INLINE vi i_right16(vi x, int count) { return _mm512_srli_epi16(x, (unsigned)count); }
CK_INLINE vi i_left16(vi x, int count) { return _mm512_slli_epi16(x, (unsigned)count); }
CK_INLINE vi i_right32(vi x, int count) { return _mm512_srli_epi32(x, (unsigned)count); }
CK_INLINE vi i_left32(vi x, int count) { return _mm512_slli_epi32(x, (unsigned)count); }
CK_INLINE vi i_signed_right32(vi x, int count) { return _mm512_srai_epi32(x, (unsigned)count); }
CK_INLINE vi i_sub8(vi a, vi b) { return _mm512_sub_epi8(a, b); }
CK_INLINE vi i_add32(vi a, vi b) { return _mm512_add_epi32(a, b); }
CK_INLINE vi i_sub32(vi a, vi b) { return _mm512_sub_epi32(a, b); }
CK_INLINE vi i_mul32(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
CK_INLINE vf f_zero(void) { return _mm512_setzero_ps(); }
CK_INLINE vf f_splat(float x) { return _mm512_set1_ps(x); }
CK_INLINE vf f_of_i(vi x) { return _mm512_cvtepi32_ps(x); }
CK_INLINE vf f_of_bits(vi x) { return _mm512_castsi512_ps(x); }
CK_INLINE vi i_of_bits(vf x) { return _mm512_castps_si512(x); }
CK_INLINE vf f_add(vf a, vf b) { return _mm512_add_ps(a, b); }
CK_INLINE vf f_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
CK_INLINE vf f_div(vf a, vf b) { return _mm512_div_ps(a, b); }
CK_INLINE vf f_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
CK_INLINE vf f_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
CK_INLINE vf f_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
CK_INLINE vf f_load(const float *p) { return _mm512_loadu_ps(p); }
CK_INLINE void f_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
CK_INLINE vf f_load_rows(vm rows, const float *p) { return _mm512_maskz_loadu_ps(rows, p); }
CK_INLINE void f_store_rows(float *p, vm rows, vf x) { _mm512_mask_storeu_ps(p, rows, x); }

// The limits come first in min and max, so that NaN passes.
CK_INLINE vf f_clamp(vf x, vf low, vf high) { return _mm512_min_ps(high, _mm512_max_ps(low, x)); }

// Elements of `a` and `b` in turn, from the low or the high half of each 128 bits.
CK_INLINE vi i_zip_low32(vi a, vi b) { return _mm512_unpacklo_epi32(a, b); }
CK_INLINE vi i_zip_high32(vi a, vi b) { return _mm512_unpackhi_epi32(a, b); }
CK_INLINE vi i_zip_low64(vi a, vi b) { return _mm512_unpacklo_epi64(a, b); }
CK_INLINE vi i_zip_high64(vi a, vi b) { return _mm512_unpackhi_epi64(a, b); }

// Of each 128 bits: the bytes at `places` among these bits; a place from 128 on gives 0.
CK_INLINE vi i_shuffle8(vi x, vi places) { return _mm512_shuffle_epi8(x, places); }

// The same four dwords in each 128 bits, the lowest first.
CK_INLINE vi i_quads(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return _mm512_set4_epi32((int)d, (int)c, (int)b, (int)a);
}

// `count` low lanes, 0...16.
CK_INLINE __mmask16 v_mask(int64_t count) { return (__mmask16)((1u << count) - 1u); }

CK_INLINE __m512 v_negate(__m512 x) {
  return _mm512_castsi512_ps(
      _mm512_xor_si512(_mm512_castps_si512(x), _mm512_set1_epi32(INT32_MIN)));
}

CK_INLINE __m512 v_magnitude(__m512 x) {
  return _mm512_castsi512_ps(
      _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(INT32_MAX)));
}

// p * 2^n, rounded once, as the last of ck_exp's two products is.
#define V_SCALE(p, n) _mm512_scalef_ps(p, n)
#include "lane_exp.h"

// ck_sum_lanes: halves of the register are added again and again.
CK_INLINE float v_sum_lanes(__m512 x) {
  __m256 a = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  b = _mm_add_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

// ck_sum_lanes of each of 16 registers; result lane i belongs to x[i].
CK_INLINE __m512 v_sum_lanes16(const __m512 x[16]) {
  __m512 four[4];
  for (int e = 0; e < 4; e++) {
    // Registers e, e + 4, e + 8 and e + 12 end up in the four 128-bit lanes.
    __m512 a = x[e], b = x[e + 4], c = x[e + 8], d = x[e + 12];
    __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    four[e] = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
  }
  __m512 low = _mm512_add_ps(_mm512_shuffle_ps(four[0], four[1], 0x44),
                             _mm512_shuffle_ps(four[0], four[1], 0xee));
  __m512 high = _mm512_add_ps(_mm512_shuffle_ps(four[2], four[3], 0x44),
                              _mm512_shuffle_ps(four[2], four[3], 0xee));
  return _mm512_add_ps(_mm512_shuffle_ps(low, high, 0x88), _mm512_shuffle_ps(low, high, 0xdd));
}

CK_INLINE __m512 v_load_half(const uint16_t *p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

// A dword of each of four rows, or four of one row.
typedef __m128i v_quad;

CK_INLINE v_quad v_quad_at(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)p); }
CK_INLINE v_quad v_quad_of(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return _mm_set_epi32((int)d, (int)c, (int)b, (int)a);
}

// One register of the quads of all rows.
CK_INLINE vi v_join(const v_quad q[4]) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set_m128i(q[1], q[0])),
                            _mm256_set_m128i(q[3], q[2]), 1);
}

// The half-precision number in the low (or high) 16 bits of each lane.
CK_INLINE __m512 v_low_half(__m512i x) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(x)); }
CK_INLINE __m512 v_high_half(__m512i x) { return v_low_half(_mm512_srli_epi32(x, 16)); }

// The upper half of each lane of `a`, followed by the lower half of `b`.
CK_INLINE __m512i v_straddle(__m512i a, __m512i b) {
  return _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_ror_epi32(a, 16), _mm512_ror_epi32(b, 16));
}

// 16 in each byte. Were its value known, the masked addition below would be made a disjunction and
// a masked move.
CK_INLINE vi v_sixteen(void) {
  vi sixteen = _mm512_set1_epi8(16);
  __asm__("" : "+v"(sixteen));
  return sixteen;
}

// Adds to the bytes of `x` in which `spread` has the one bit of `bits`.
CK_INLINE vi v_add_where(vi x, vi spread, vi bits, vi addend) {
  return _mm512_mask_add_epi8(x, _mm512_test_epi8_mask(spread, bits), x, addend);
}

// Adds to each row the products of two int16 with the two at `s`.
CK_INLINE vi v_dot_pairs(vi sum, vi pairs, const int16_t *s) {
  return _mm512_dpwssd_epi32(sum, pairs, _mm512_set1_epi32((int)ck_load32(s)));
}

// Adds to sum[t], for each of `width` tokens, the products of `registers` panel registers with the
// activations at a + t * stride. `greatest` bounds the weights' bytes; here all sums are exact
// without it.
CK_INLINE void v_dot(vi *sum, const vi *w, int registers, const int8_t *a, int64_t stride,
                     int width, int greatest) {
  (void)greatest;
  if (width == 1) { // two chains, since there are no other tokens to overlap with
    vi odd = _mm512_setzero_si512();
    for (int e = 0; e < registers; e += 2) {
      sum[0] = _mm512_dpbusd_epi32(sum[0], w[e], _mm512_set1_epi32((int)ck_load32(a + 4 * e)));
      odd = _mm512_dpbusd_epi32(odd, w[e + 1], _mm512_set1_epi32((int)ck_load32(a + 4 * e + 4)));
    }
    sum[0] = _mm512_add_epi32(sum[0], odd);
    return;
  }
  for (int e = 0; e < registers; e++) {
    vi columns = w[e];
    for (int t = 0; t < width; t++) {
      sum[t] = _mm512_dpbusd_epi32(sum[t], columns,
                                   _mm512_set1_epi32((int)ck_load32(a + t * stride + 4 * e)));
    }
  }
}

#endif
