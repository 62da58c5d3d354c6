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
  V_GROUPS = 2,        // groups of rows that a tile of tokens multiplies at once
  V_PANEL_BLOCKS = 20, // blocks of 32 in a panel; see panel_matmul.h
  V_DIRECT256 = 2,     // tokens that need no panel, in blocks of 256
  V_TILES_ASK = 1,     // whether tiles ask for what a later group reads, not the unpacking
  V_EIGHT_BIT_FLIP = 0 // the bytes of Q8_0 stay signed; see v_pair_sums
};

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
CK_INLINE vf f_of_bits(vi x) { return _mm256_castsi256_ps(x); }
CK_INLINE vi i_of_bits(vf x) { return _mm256_castps_si256(x); }
CK_INLINE vf f_add(vf a, vf b) { return _mm256_add_ps(a, b); }
CK_INLINE vf f_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
CK_INLINE vf f_div(vf a, vf b) { return _mm256_div_ps(a, b); }
CK_INLINE vf f_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
CK_INLINE vf f_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
CK_INLINE vf f_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
CK_INLINE vf f_load(const float *p) { return _mm256_loadu_ps(p); }
CK_INLINE void f_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
CK_INLINE vf f_load_rows(vm rows, const float *p) { return _mm256_maskload_ps(p, rows); }
CK_INLINE void f_store_rows(float *p, vm rows, vf x) { _mm256_maskstore_ps(p, rows, x); }

// The limits come first in min and max, so that NaN passes.
CK_INLINE vf f_clamp(vf x, vf low, vf high) { return _mm256_min_ps(high, _mm256_max_ps(low, x)); }

// Elements of `a` and `b` in turn, from the low or the high half of each 128 bits.
CK_INLINE vi i_zip_low32(vi a, vi b) { return _mm256_unpacklo_epi32(a, b); }
CK_INLINE vi i_zip_high32(vi a, vi b) { return _mm256_unpackhi_epi32(a, b); }
CK_INLINE vi i_zip_low64(vi a, vi b) { return _mm256_unpacklo_epi64(a, b); }
CK_INLINE vi i_zip_high64(vi a, vi b) { return _mm256_unpackhi_epi64(a, b); }

// Of each 128 bits: the bytes at `places` among these bits; a place from 128 on gives 0.
CK_INLINE vi i_shuffle8(vi x, vi places) { return _mm256_shuffle_epi8(x, places); }

// The same four dwords in each 128 bits, the lowest first.
CK_INLINE vi i_quads(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return _mm256_set_epi32((int)d, (int)c, (int)b, (int)a, (int)d, (int)c, (int)b, (int)a);
}

// `count` low lanes, 0...8.
CK_INLINE vm v_mask(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count),
                            _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}

CK_INLINE vf v_negate(vf x) { return _mm256_xor_ps(x, _mm256_set1_ps(-0.0f)); }
CK_INLINE vf v_magnitude(vf x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }

#include "lane_exp.h"

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

// A dword of each of four rows, or four of one row.
typedef __m128i v_quad;

CK_INLINE v_quad v_quad_at(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)p); }
CK_INLINE v_quad v_quad_of(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return _mm_set_epi32((int)d, (int)c, (int)b, (int)a);
}

// One register of the quads of all rows.
CK_INLINE vi v_join(const v_quad q[2]) { return _mm256_set_m128i(q[1], q[0]); }

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

// 16 in each byte.
CK_INLINE vi v_sixteen(void) { return _mm256_set1_epi8(16); }

// Adds to the bytes of `x` in which `spread` has the one bit of `bits`; the addend's bit is clear.
CK_INLINE vi v_add_where(vi x, vi spread, vi bits, vi addend) {
  vi found = _mm256_cmpeq_epi8(_mm256_and_si256(spread, bits), bits);
  return _mm256_or_si256(x, _mm256_and_si256(found, addend));
}

// Adds to each row the products of two int16 with the two at `s`.
CK_INLINE vi v_dot_pairs(vi sum, vi pairs, const int16_t *s) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi32((int)ck_load32(s))));
}

// The sums of pairs of products of `run` panel registers of each of `groups` groups, from w[g] + at
// on, with the activations at a + t * stride, for each of `width` tokens: part[g * width + t].
//
// `maddubs` adds pairs of products in 16 bits and saturates. Signed weights (`greatest` 255) give
// their sign to the activation.
CK_INLINE void v_pair_sums(vi *part, const vi *const *w, int groups, int at, int run,
                           const int8_t *a, int64_t stride, int width, int greatest) {
  for (int k = 0; k < run; k++) {
    vi columns[V_GROUPS], magnitude[V_GROUPS];
    for (int g = 0; g < groups; g++) {
      columns[g] = w[g][at + k];
      magnitude[g] = greatest > 63 ? _mm256_abs_epi8(columns[g]) : columns[g];
    }
    for (int t = 0; t < width; t++) {
      vi four = _mm256_set1_epi32((int)ck_load32(a + t * stride + 4 * k));
      for (int g = 0; g < groups; g++) {
        vi factor = greatest > 63 ? _mm256_sign_epi8(four, columns[g]) : four;
        vi *sum = &part[g * width + t];
        vi products = _mm256_maddubs_epi16(magnitude[g], factor);
        *sum = k == 0 ? products : _mm256_add_epi16(*sum, products);
      }
    }
  }
}

// How many panel registers 16 bits can hold the sums of. Activations reach 127, so weights up to
// `greatest` allow this many additions; products of signed weights, at most 128 * 127 in pairs,
// 32,512, still fit.
CK_INLINE int v_run(int greatest, int registers) {
  int run = greatest <= 15 ? 8 : greatest <= 31 ? 4 : greatest <= 63 ? 2 : 1;
  return run < registers ? run : registers;
}

// Byte i (0...3) of each lane as v_dots_scaled takes its scale: twice, as int16, since the additions
// that widen the sums multiply by it, too. The second for signed ones.
#define V_SCALES_IN_SUMS
CK_INLINE vi v_byte_scale(vi x, int i) {
  vi places = i_quads(0x80008000u, 0x80048004u, 0x80088008u, 0x800c800cu);
  return i_shuffle8(x, i_add32(places, i_splat32(i * 0x10001)));
}
CK_INLINE vi v_signed_byte_scale(vi x, int i) {
  vi places = i_quads(0x00800080u, 0x04800480u, 0x08800880u, 0x0c800c80u);
  return _mm256_srai_epi16(i_shuffle8(x, i_add32(places, i_splat32(i * 0x1000100))), 8);
}

// Two scales as pairs of int16.
CK_INLINE vi v_scale_pair(vi first, vi second) { return _mm256_blend_epi16(first, second, 0xaa); }

// Adds to total[g * width + t], for each of `groups` groups and `width` tokens, the products of the
// `registers` panel registers at w[g] with the activations at a + t * stride, times scale[g].
CK_INLINE void v_dots_scaled(vi *total, const vi *const *w, int groups, int registers,
                             const int8_t *a, int64_t stride, int width, int greatest,
                             const vi *scale) {
  int run = v_run(greatest, registers);
  for (int e = 0; e < registers; e += run) {
    vi part[V_GROUPS * V_TOKENS];
    v_pair_sums(part, w, groups, e, run, a + 4 * e, stride, width, greatest);
    for (int i = 0; i < groups * width; i++) {
      total[i] = _mm256_add_epi32(total[i], _mm256_madd_epi16(part[i], scale[i / width]));
      // Ends these sums before the next ones are begun; else a whole block's would not fit the registers.
      if (groups == 1 && width <= 2) __asm__("" : "+x"(total[i]));
    }
  }
}

// The same with no scale.
CK_INLINE void v_dots(vi *sum, const vi *const *w, int groups, int registers, const int8_t *a,
                      int64_t stride, int width, int greatest) {
  vi ones[V_GROUPS];
  for (int g = 0; g < groups; g++) ones[g] = _mm256_set1_epi16(1);
  v_dots_scaled(sum, w, groups, registers, a, stride, width, greatest, ones);
}

#endif
