// Building blocks of the AVX-512 versions. Include between CK_BEGIN_TARGET and CK_END_TARGET.
//
// The names without an instruction set (vi, i_and, f_fma...) are those that the panel_ files are
// written in; simd_avx2.h gives them for its registers.
#ifndef PACELINE_SIMD_AVX512_H
#define PACELINE_SIMD_AVX512_H

#include "scalar.h"

typedef __m512i vi;
typedef __m512 vf;
typedef __mmask16 vm;

enum {
  V_ROWS = 16,            // rows in a group: lanes of a register
  V_TOKENS = 8,           // widest tile of tokens that the registers hold
  V_EIGHT_BIT_FLIP = -128 // makes the bytes of Q8_0 unsigned; their zero point is then 128
};

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

// ck_exp in each lane. The limits come first in min and max, so that NaN passes.
CK_INLINE __m512 v_exp(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(CK_EXP_LOW), x);
  x = _mm512_min_ps(_mm512_set1_ps(CK_EXP_HIGH), x);
  __m512 shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(CK_EXP_LOG2E), _mm512_set1_ps(CK_EXP_SHIFTER));
  __m512 n = _mm512_sub_ps(shifted, _mm512_set1_ps(CK_EXP_SHIFTER));
  __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-CK_EXP_LN2_HIGH), x);
  r = _mm512_fmadd_ps(n, _mm512_set1_ps(-CK_EXP_LN2_LOW), r);
  __m512 q = _mm512_fmadd_ps(_mm512_set1_ps(CK_EXP_Q4), r, _mm512_set1_ps(CK_EXP_Q3));
  q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(CK_EXP_Q2));
  q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(CK_EXP_Q1));
  q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(CK_EXP_Q0));
  __m512 p = _mm512_add_ps(_mm512_fmadd_ps(q, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0f));
  // Rounds once, as the last of ck_exp's two products does.
  return _mm512_scalef_ps(p, n);
}

// ck_cap in each lane.
CK_INLINE __m512 v_cap(__m512 x, __m512 cap) {
  __m512 y = _mm512_div_ps(x, cap);
  __m512 one = _mm512_set1_ps(1.0f);
  __m512 e = v_exp(_mm512_mul_ps(_mm512_set1_ps(-2.0f), v_magnitude(y)));
  __m512 magnitude = _mm512_div_ps(_mm512_sub_ps(one, e), _mm512_add_ps(one, e));
  __m512i sign = _mm512_and_si512(_mm512_castps_si512(y), _mm512_set1_epi32(INT32_MIN));
  return _mm512_mul_ps(cap,
                       _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(magnitude), sign)));
}

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

// 16 bytes of each of 16 rows, transposed: out[e] holds bytes 4e...4e+3, lane r those of row r.
CK_INLINE void v_transpose(const v_group *g, int offset, __m512i out[4]) {
  __m512i x[4];
  for (int j = 0; j < 4; j++) {
    __m128i a = _mm_loadu_si128((const __m128i *)v_row(g, j, offset));
    __m128i b = _mm_loadu_si128((const __m128i *)v_row(g, j + 4, offset));
    __m128i c = _mm_loadu_si128((const __m128i *)v_row(g, j + 8, offset));
    __m128i d = _mm_loadu_si128((const __m128i *)v_row(g, j + 12, offset));
    x[j] = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set_m128i(b, a)),
                              _mm256_set_m128i(d, c), 1);
  }
  __m512i ab_low = _mm512_unpacklo_epi32(x[0], x[1]), ab_high = _mm512_unpackhi_epi32(x[0], x[1]);
  __m512i cd_low = _mm512_unpacklo_epi32(x[2], x[3]), cd_high = _mm512_unpackhi_epi32(x[2], x[3]);
  out[0] = _mm512_unpacklo_epi64(ab_low, cd_low);
  out[1] = _mm512_unpackhi_epi64(ab_low, cd_low);
  out[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
  out[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
}

// 4 bytes of each of 16 rows.
CK_INLINE __m512i v_gather32(const v_group *g, int offset) {
  __m128i x[4];
  for (int i = 0; i < 4; i++) {
    x[i] = _mm_set_epi32(
        (int)ck_load32(v_row(g, 4 * i + 3, offset)), (int)ck_load32(v_row(g, 4 * i + 2, offset)),
        (int)ck_load32(v_row(g, 4 * i + 1, offset)), (int)ck_load32(v_row(g, 4 * i, offset)));
  }
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set_m128i(x[1], x[0])),
                            _mm256_set_m128i(x[3], x[2]), 1);
}

// The half-precision number in the low (or high) 16 bits of each lane.
CK_INLINE __m512 v_low_half(__m512i x) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(x)); }
CK_INLINE __m512 v_high_half(__m512i x) { return v_low_half(_mm512_srli_epi32(x, 16)); }

// The upper half of each lane of `a`, followed by the lower half of `b`.
CK_INLINE __m512i v_straddle(__m512i a, __m512i b) {
  return _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_ror_epi32(a, 16), _mm512_ror_epi32(b, 16));
}

// Byte i (0...3) of each lane: as a number, and twice as a number of 16 bits.
CK_INLINE __m512i v_byte(__m512i x, int i) {
  __m512i lanes =
      _mm512_set4_epi32((int)0x8080800c, (int)0x80808008, (int)0x80808004, (int)0x80808000);
  return _mm512_shuffle_epi8(x, _mm512_add_epi32(lanes, _mm512_set1_epi32(i)));
}
CK_INLINE __m512i v_byte_pair(__m512i x, int i) {
  __m512i lanes =
      _mm512_set4_epi32((int)0x800c800c, (int)0x80088008, (int)0x80048004, (int)0x80008000);
  return _mm512_shuffle_epi8(x, _mm512_add_epi32(lanes, _mm512_set1_epi32(i * 0x10001)));
}

// What the panel_ files need.
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
CK_INLINE vf f_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
CK_INLINE vf f_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
CK_INLINE vf f_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
CK_INLINE vf f_load_rows(vm rows, const float *p) { return _mm512_maskz_loadu_ps(rows, p); }
CK_INLINE void f_store_rows(float *p, vm rows, vf x) { _mm512_mask_storeu_ps(p, rows, x); }

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

// Sets bit 4 of each byte whose column's bit is set in the lane's word.
CK_INLINE void v_fifth_bits(vi bits, vi w[8]) {
  const vi even = _mm512_set1_epi32(0x08040201), odd = _mm512_set1_epi32((int)0x80402010u);
  vi sixteen = _mm512_set1_epi8(16);
  // Were its value known, the masked addition would be made a disjunction and a masked move.
  __asm__("" : "+v"(sixteen));
  for (int i = 0; i < 4; i++) {
    vi lanes = _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
    vi spread = _mm512_shuffle_epi8(bits, _mm512_add_epi8(_mm512_set1_epi8((char)i), lanes));
    w[2 * i] =
        _mm512_mask_add_epi8(w[2 * i], _mm512_test_epi8_mask(spread, even), w[2 * i], sixteen);
    w[2 * i + 1] = _mm512_mask_add_epi8(w[2 * i + 1], _mm512_test_epi8_mask(spread, odd),
                                        w[2 * i + 1], sixteen);
  }
}

#endif
