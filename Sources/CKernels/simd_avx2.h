// Building blocks of the AVX2 versions. Include between CK_BEGIN_TARGET and CK_END_TARGET.
//
// The 16 lanes of a float sum are two registers: lanes 0...7 and 8...15.
#ifndef PACELINE_SIMD_AVX2_H
#define PACELINE_SIMD_AVX2_H

#include "scalar.h"

typedef __m256i vi;
typedef __m256 vf;
typedef __m256i vm;

enum {
  V_ROWS = 8,          // rows in a group: lanes of a register
  V_TOKENS = 4,        // widest tile of tokens that the registers hold
  V_EIGHT_BIT_FLIP = 0 // the bytes of Q8_0 stay signed; see v_dot
};

// `count` low lanes, 0...8.
CK_INLINE vm v_mask(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count),
                            _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}

CK_INLINE vf v_negate(vf x) { return _mm256_xor_ps(x, _mm256_set1_ps(-0.0f)); }
CK_INLINE vf v_magnitude(vf x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }

// ck_exp in each lane. The limits come first in min and max, so that NaN passes.
CK_INLINE vf v_exp(vf x) {
  x = _mm256_max_ps(_mm256_set1_ps(CK_EXP_LOW), x);
  x = _mm256_min_ps(_mm256_set1_ps(CK_EXP_HIGH), x);
  vf shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(CK_EXP_LOG2E), _mm256_set1_ps(CK_EXP_SHIFTER));
  vf n = _mm256_sub_ps(shifted, _mm256_set1_ps(CK_EXP_SHIFTER));
  vf r = _mm256_fmadd_ps(n, _mm256_set1_ps(-CK_EXP_LN2_HIGH), x);
  r = _mm256_fmadd_ps(n, _mm256_set1_ps(-CK_EXP_LN2_LOW), r);
  vf q = _mm256_fmadd_ps(_mm256_set1_ps(CK_EXP_Q4), r, _mm256_set1_ps(CK_EXP_Q3));
  q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(CK_EXP_Q2));
  q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(CK_EXP_Q1));
  q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(CK_EXP_Q0));
  vf p = _mm256_add_ps(_mm256_fmadd_ps(q, _mm256_mul_ps(r, r), r), _mm256_set1_ps(1.0f));
  vi mantissa = _mm256_and_si256(_mm256_castps_si256(shifted), _mm256_set1_epi32(0x7fffff));
  vi exponent = _mm256_sub_epi32(mantissa, _mm256_set1_epi32(0x400000));
  vi half = _mm256_srai_epi32(exponent, 1);
  vi rest = _mm256_sub_epi32(exponent, half);
  vi first = _mm256_slli_epi32(_mm256_add_epi32(half, _mm256_set1_epi32(127)), 23);
  vi second = _mm256_slli_epi32(_mm256_add_epi32(rest, _mm256_set1_epi32(127)), 23);
  return _mm256_mul_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second));
}

// ck_cap in each lane.
CK_INLINE vf v_cap(vf x, vf cap) {
  vf y = _mm256_div_ps(x, cap);
  vf one = _mm256_set1_ps(1.0f);
  vf e = v_exp(_mm256_mul_ps(_mm256_set1_ps(-2.0f), v_magnitude(y)));
  vf magnitude = _mm256_div_ps(_mm256_sub_ps(one, e), _mm256_add_ps(one, e));
  return _mm256_mul_ps(cap, _mm256_or_ps(magnitude, _mm256_and_ps(y, _mm256_set1_ps(-0.0f))));
}

// The last three steps of ck_sum_lanes, for lanes j + (j + 8).
CK_INLINE float v_sum_lanes(vf x) {
  __m128 b = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  b = _mm_add_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

// The same of 8 registers; result lane i belongs to x[i].
CK_INLINE vf v_sum_lanes8(const vf x[8]) {
  vf two[4];
  for (int e = 0; e < 4; e++) {
    vf a = x[e], b = x[e + 4];
    two[e] = _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  }
  vf low = _mm256_add_ps(_mm256_shuffle_ps(two[0], two[1], 0x44),
                         _mm256_shuffle_ps(two[0], two[1], 0xee));
  vf high = _mm256_add_ps(_mm256_shuffle_ps(two[2], two[3], 0x44),
                          _mm256_shuffle_ps(two[2], two[3], 0xee));
  return _mm256_add_ps(_mm256_shuffle_ps(low, high, 0x88), _mm256_shuffle_ps(low, high, 0xdd));
}

CK_INLINE vf v_load_half(const uint16_t *p) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

// The addresses of V_ROWS rows that lie `stride` apart. The processor adds a row's distance from
// the nearest fourth row to an address for nothing; the empty assembly keeps the compiler from
// making one pointer for each row instead, for which there are not enough registers.
typedef struct {
  const uint8_t *fourth[V_ROWS / 4];
  int64_t stride, three;
} v_group;

CK_INLINE v_group v_group_at(const uint8_t *p, int64_t stride) {
  v_group g = {.stride = stride, .three = 3 * stride};
  __asm__("" : "+r"(g.three));
  for (int i = 0; i < V_ROWS / 4; i++) {
    g.fourth[i] = p + 4 * i * stride;
    __asm__("" : "+r"(g.fourth[i]));
  }
  return g;
}

CK_INLINE const uint8_t *v_row(const v_group *g, int row, int offset) {
  int64_t distance = row % 4 == 3 ? g->three : row % 4 * g->stride;
  return g->fourth[row / 4] + distance + offset;
}

// 16 bytes of each of 8 rows, transposed: out[e] holds bytes 4e...4e+3, lane r those of row r.
CK_INLINE void v_transpose(const v_group *g, int offset, vi out[4]) {
  vi x[4];
  for (int j = 0; j < 4; j++) {
    __m128i a = _mm_loadu_si128((const __m128i *)v_row(g, j, offset));
    __m128i b = _mm_loadu_si128((const __m128i *)v_row(g, j + 4, offset));
    x[j] = _mm256_set_m128i(b, a);
  }
  vi ab_low = _mm256_unpacklo_epi32(x[0], x[1]), ab_high = _mm256_unpackhi_epi32(x[0], x[1]);
  vi cd_low = _mm256_unpacklo_epi32(x[2], x[3]), cd_high = _mm256_unpackhi_epi32(x[2], x[3]);
  out[0] = _mm256_unpacklo_epi64(ab_low, cd_low);
  out[1] = _mm256_unpackhi_epi64(ab_low, cd_low);
  out[2] = _mm256_unpacklo_epi64(ab_high, cd_high);
  out[3] = _mm256_unpackhi_epi64(ab_high, cd_high);
}

// 4 bytes of each of 8 rows.
CK_INLINE vi v_gather32(const v_group *g, int offset) {
  __m128i x[2];
  for (int i = 0; i < 2; i++) {
    x[i] = _mm_set_epi32(
        (int)ck_load32(v_row(g, 4 * i + 3, offset)), (int)ck_load32(v_row(g, 4 * i + 2, offset)),
        (int)ck_load32(v_row(g, 4 * i + 1, offset)), (int)ck_load32(v_row(g, 4 * i, offset)));
  }
  return _mm256_set_m128i(x[1], x[0]);
}

// The half-precision number in the low (or high) 16 bits of each lane.
CK_INLINE vf v_high_half(vi x) {
  vi wide = _mm256_srli_epi32(x, 16);
  vi packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(wide, wide), 0x08);
  return _mm256_cvtph_ps(_mm256_castsi256_si128(packed));
}
CK_INLINE vf v_low_half(vi x) { return v_high_half(_mm256_slli_epi32(x, 16)); }

// The upper half of each lane of `a`, followed by the lower half of `b`.
CK_INLINE vi v_straddle(vi a, vi b) {
  return _mm256_blend_epi16(_mm256_srli_epi32(a, 16), _mm256_slli_epi32(b, 16), 0xaa);
}

// Byte i (0...3) of each lane: as a number, and twice as a number of 16 bits.
CK_INLINE vi v_byte(vi x, int i) {
  vi lanes = _mm256_broadcastsi128_si256(
      _mm_set_epi32((int)0x8080800c, (int)0x80808008, (int)0x80808004, (int)0x80808000));
  return _mm256_shuffle_epi8(x, _mm256_add_epi32(lanes, _mm256_set1_epi32(i)));
}
CK_INLINE vi v_byte_pair(vi x, int i) {
  vi lanes = _mm256_broadcastsi128_si256(
      _mm_set_epi32((int)0x800c800c, (int)0x80088008, (int)0x80048004, (int)0x80008000));
  return _mm256_shuffle_epi8(x, _mm256_add_epi32(lanes, _mm256_set1_epi32(i * 0x10001)));
}

// What the panel_ files need.
CK_INLINE vi i_zero(void) { return _mm256_setzero_si256(); }
CK_INLINE vi i_and(vi a, vi b) { return _mm256_and_si256(a, b); }
CK_INLINE vi i_or(vi a, vi b) { return _mm256_or_si256(a, b); }
CK_INLINE vi i_xor(vi a, vi b) { return _mm256_xor_si256(a, b); }
CK_INLINE vi i_splat8(int x) { return _mm256_set1_epi8((char)x); }
CK_INLINE vi i_splat32(int32_t x) { return _mm256_set1_epi32(x); }
CK_INLINE vi i_right16(vi x, int count) { return _mm256_srli_epi16(x, count); }
CK_INLINE vi i_left16(vi x, int count) { return _mm256_slli_epi16(x, count); }
CK_INLINE vi i_right32(vi x, int count) { return _mm256_srli_epi32(x, count); }
CK_INLINE vi i_left32(vi x, int count) { return _mm256_slli_epi32(x, count); }
CK_INLINE vi i_signed_right32(vi x, int count) { return _mm256_srai_epi32(x, count); }
CK_INLINE vi i_sub8(vi a, vi b) { return _mm256_sub_epi8(a, b); }
CK_INLINE vi i_add32(vi a, vi b) { return _mm256_add_epi32(a, b); }
CK_INLINE vi i_sub32(vi a, vi b) { return _mm256_sub_epi32(a, b); }
CK_INLINE vi i_mul32(vi a, vi b) { return _mm256_mullo_epi32(a, b); }
CK_INLINE vf f_zero(void) { return _mm256_setzero_ps(); }
CK_INLINE vf f_splat(float x) { return _mm256_set1_ps(x); }
CK_INLINE vf f_of_i(vi x) { return _mm256_cvtepi32_ps(x); }
CK_INLINE vf f_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
CK_INLINE vf f_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
CK_INLINE vf f_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
CK_INLINE vf f_load_rows(vm rows, const float *p) { return _mm256_maskload_ps(p, rows); }
CK_INLINE void f_store_rows(float *p, vm rows, vf x) { _mm256_maskstore_ps(p, rows, x); }

// Adds to each row the products of two int16 with the two at `s`.
CK_INLINE vi v_dot_pairs(vi sum, vi pairs, const int16_t *s) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi32((int)ck_load32(s))));
}

// Adds to sum[t], for each of `width` tokens, the products of `registers` panel registers with the
// activations at a + t * stride.
//
// `maddubs` adds pairs of products in 16 bits and saturates. Activations reach 127, so weights up
// to `greatest` allow `run` additions before the sums must be widened. Signed weights (255) give
// their sign to the activation: products of at most 128 * 127 in pairs, 32,512, still fit.
CK_INLINE void v_dot(vi *sum, const vi *w, int registers, const int8_t *a, int64_t stride,
                     int width, int greatest) {
  const vi ones = _mm256_set1_epi16(1);
  int run = greatest <= 15 ? 8 : greatest <= 31 ? 4 : greatest <= 63 ? 2 : 1;
  run = run < registers ? run : registers;
  for (int e = 0; e < registers; e += run) {
    vi part[V_TOKENS];
    for (int t = 0; t < width; t++) part[t] = _mm256_setzero_si256();
    for (int k = e; k < e + run; k++) {
      vi columns = w[k];
      vi magnitude = greatest > 63 ? _mm256_abs_epi8(columns) : columns;
      for (int t = 0; t < width; t++) {
        vi four = _mm256_set1_epi32((int)ck_load32(a + t * stride + 4 * k));
        if (greatest > 63) four = _mm256_sign_epi8(four, columns);
        part[t] = _mm256_add_epi16(part[t], _mm256_maddubs_epi16(magnitude, four));
      }
    }
    for (int t = 0; t < width; t++)
      sum[t] = _mm256_add_epi32(sum[t], _mm256_madd_epi16(part[t], ones));
  }
}

// Sets bit 4 of each byte whose column's bit is set in the lane's word.
CK_INLINE void v_fifth_bits(vi bits, vi w[8]) {
  const vi even = _mm256_set1_epi32(0x08040201), odd = _mm256_set1_epi32((int)0x80402010u);
  const vi sixteen = _mm256_set1_epi8(16);
  const vi lanes = _mm256_set_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0, 0x0c0c0c0c, 0x08080808,
                                    0x04040404, 0);
  for (int i = 0; i < 4; i++) {
    vi spread = _mm256_shuffle_epi8(bits, _mm256_add_epi8(_mm256_set1_epi8((char)i), lanes));
    vi first = _mm256_cmpeq_epi8(_mm256_and_si256(spread, even), even);
    vi second = _mm256_cmpeq_epi8(_mm256_and_si256(spread, odd), odd);
    w[2 * i] = _mm256_or_si256(w[2 * i], _mm256_and_si256(first, sixteen));
    w[2 * i + 1] = _mm256_or_si256(w[2 * i + 1], _mm256_and_si256(second, sixteen));
  }
}

#endif
