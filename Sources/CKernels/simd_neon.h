// Building blocks of the NEON versions.
//
// The 16 lanes of a float sum are four registers: lanes 0...3, 4...7, 8...11 and 12...15. With
// CK_NEON_DOT defined, and the target set to it, products of bytes use its instruction.
#ifndef PACELINE_SIMD_NEON_H
#define PACELINE_SIMD_NEON_H

#include "scalar.h"

typedef int32x4_t vi;
typedef float32x4_t vf;
typedef int64_t vm;

enum {
  V_ROWS = 4,          // rows in a group: lanes of a register
  V_TOKENS = 8,        // widest tile of tokens that the registers hold
  V_GROUPS = 1,        // groups of rows that a tile of tokens multiplies at once
  V_PANEL_BLOCKS = 8,  // blocks of 32 in a panel; see panel_matmul.h
  V_DIRECT256 = 1,
  V_TILES_ASK = 0,
  V_EIGHT_BIT_FLIP = 0 // the bytes of Q8_0 stay signed: products here are of signed bytes
};

// `count` low lanes, 0...4.
CK_INLINE vm v_mask(int64_t count) { return count; }

// The bits as other elements.
CK_INLINE int8x16_t v_s8(vi x) { return vreinterpretq_s8_s32(x); }
CK_INLINE uint8x16_t v_u8(vi x) { return vreinterpretq_u8_s32(x); }
CK_INLINE uint16x8_t v_u16(vi x) { return vreinterpretq_u16_s32(x); }
CK_INLINE uint32x4_t v_u32(vi x) { return vreinterpretq_u32_s32(x); }

// Shifts by a vector, for a count that is constant only once inlined.
CK_INLINE vi i_zero(void) { return vdupq_n_s32(0); }
CK_INLINE vi i_and(vi a, vi b) { return vandq_s32(a, b); }
CK_INLINE vi i_or(vi a, vi b) { return vorrq_s32(a, b); }
CK_INLINE vi i_xor(vi a, vi b) { return veorq_s32(a, b); }
CK_INLINE vi i_splat8(int x) { return vreinterpretq_s32_u8(vdupq_n_u8((uint8_t)x)); }
CK_INLINE vi i_splat32(int32_t x) { return vdupq_n_s32(x); }
CK_INLINE vi i_right16(vi x, int count) {
  return vreinterpretq_s32_u16(v_u16(x) >> vdupq_n_u16((uint16_t)count));
}
CK_INLINE vi i_left16(vi x, int count) {
  return vreinterpretq_s32_u16(v_u16(x) << vdupq_n_u16((uint16_t)count));
}
CK_INLINE vi i_right32(vi x, int count) {
  return vreinterpretq_s32_u32(v_u32(x) >> vdupq_n_u32((uint32_t)count));
}
CK_INLINE vi i_left32(vi x, int count) {
  return vreinterpretq_s32_u32(v_u32(x) << vdupq_n_u32((uint32_t)count));
}
CK_INLINE vi i_signed_right32(vi x, int count) { return x >> vdupq_n_s32(count); }
CK_INLINE vi i_sub8(vi a, vi b) { return vreinterpretq_s32_u8(vsubq_u8(v_u8(a), v_u8(b))); }
CK_INLINE vi i_add32(vi a, vi b) { return vaddq_s32(a, b); }
CK_INLINE vi i_sub32(vi a, vi b) { return vsubq_s32(a, b); }
CK_INLINE vi i_mul32(vi a, vi b) { return vmulq_s32(a, b); }
CK_INLINE vf f_zero(void) { return vdupq_n_f32(0); }
CK_INLINE vf f_splat(float x) { return vdupq_n_f32(x); }
CK_INLINE vf f_of_i(vi x) { return vcvtq_f32_s32(x); }
CK_INLINE vf f_of_bits(vi x) { return vreinterpretq_f32_s32(x); }
CK_INLINE vi i_of_bits(vf x) { return vreinterpretq_s32_f32(x); }
CK_INLINE vf f_add(vf a, vf b) { return vaddq_f32(a, b); }
CK_INLINE vf f_sub(vf a, vf b) { return vsubq_f32(a, b); }
CK_INLINE vf f_div(vf a, vf b) { return vdivq_f32(a, b); }
CK_INLINE vf f_mul(vf a, vf b) { return vmulq_f32(a, b); }
CK_INLINE vf f_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
CK_INLINE vf f_fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }

// The processor's maximum and minimum pass NaN on.
CK_INLINE vf f_clamp(vf x, vf low, vf high) { return vminq_f32(vmaxq_f32(x, low), high); }

// Elements of `a` and `b` in turn, from the low or the high half.
CK_INLINE vi i_zip_low32(vi a, vi b) { return vzip1q_s32(a, b); }
CK_INLINE vi i_zip_high32(vi a, vi b) { return vzip2q_s32(a, b); }
CK_INLINE vi i_zip_low64(vi a, vi b) {
  return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}
CK_INLINE vi i_zip_high64(vi a, vi b) {
  return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}

// The bytes at `places`; a place from 128 on gives 0.
CK_INLINE vi i_shuffle8(vi x, vi places) {
  return vreinterpretq_s32_u8(vqtbl1q_u8(v_u8(x), v_u8(places)));
}

// Four dwords, the lowest first.
CK_INLINE vi i_quads(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return vreinterpretq_s32_u32((uint32x4_t){a, b, c, d});
}

CK_INLINE vf v_magnitude(vf x) { return vabsq_f32(x); }

// Lanes of `x` where it is greater, else of `y`, so that no NaN in `x` gets through: the processor's
// own maxima pass all of them on, or the signalling ones.
CK_INLINE vf v_greater(vf x, vf y) { return vbslq_f32(vcgtq_f32(x, y), x, y); }

#include "lane_exp.h"

// The first two steps of ck_sum_lanes: lanes j, j + 8, j + 4 and j + 12.
CK_INLINE vf v_fold(const vf x[4]) {
  return vaddq_f32(vaddq_f32(x[0], x[2]), vaddq_f32(x[1], x[3]));
}

// ck_sum_lanes of four registers.
CK_INLINE float v_sum_lanes(const vf x[4]) {
  vf four = v_fold(x);
  float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

// The last two steps of ck_sum_lanes for each of 4 registers; result lane i belongs to x[i].
CK_INLINE vf v_sum_lanes4(const vf x[4]) {
  vf two[2];
  for (int e = 0; e < 2; e++) {
    vf a = x[2 * e], b = x[2 * e + 1];
    two[e] = vaddq_f32(vcombine_f32(vget_low_f32(a), vget_low_f32(b)),
                       vcombine_f32(vget_high_f32(a), vget_high_f32(b)));
  }
  return vpaddq_f32(two[0], two[1]);
}

CK_INLINE vf v_load_half(const uint16_t *p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

// A dword of each of four rows, or four of one row.
typedef vi v_quad;

CK_INLINE v_quad v_quad_at(const uint8_t *p) { return vreinterpretq_s32_u8(vld1q_u8(p)); }
CK_INLINE v_quad v_quad_of(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  uint32x4_t x = vsetq_lane_u32(b, vdupq_n_u32(a), 1);
  return vreinterpretq_s32_u32(vsetq_lane_u32(d, vsetq_lane_u32(c, x, 2), 3));
}

// One register of the quads of all rows.
CK_INLINE vi v_join(const v_quad q[1]) { return q[0]; }

// The half-precision number in the low (or high) 16 bits of each lane.
CK_INLINE vf v_low_half(vi x) { return vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(v_u32(x)))); }
CK_INLINE vf v_high_half(vi x) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vshrn_n_u32(v_u32(x), 16)));
}

CK_INLINE vf f_load(const float *p) { return vld1q_f32(p); }
CK_INLINE void f_store(float *p, vf x) { vst1q_f32(p, x); }
CK_INLINE vf f_load_rows(vm rows, const float *p) {
  if (rows == V_ROWS) return vld1q_f32(p);
  float lanes[V_ROWS] = {0};
  for (int64_t r = 0; r < rows; r++) lanes[r] = p[r];
  return vld1q_f32(lanes);
}
CK_INLINE void f_store_rows(float *p, vm rows, vf x) {
  if (rows == V_ROWS) {
    vst1q_f32(p, x);
    return;
  }
  float lanes[V_ROWS];
  vst1q_f32(lanes, x);
  for (int64_t r = 0; r < rows; r++) p[r] = lanes[r];
}

// The upper half of each lane of `a`, followed by the lower half of `b`.
CK_INLINE vi v_straddle(vi a, vi b) {
  return vreinterpretq_s32_u32(vsriq_n_u32(vshlq_n_u32(v_u32(b), 16), v_u32(a), 16));
}

// 16 in each byte.
CK_INLINE vi v_sixteen(void) { return i_splat8(16); }

// Adds to the bytes of `x` in which `spread` has the one bit of `bits`; the addend's bit is clear.
CK_INLINE vi v_add_where(vi x, vi spread, vi bits, vi addend) {
  uint8x16_t found = vandq_u8(vtstq_u8(v_u8(spread), v_u8(bits)), v_u8(addend));
  return i_or(x, vreinterpretq_s32_u8(found));
}

// Adds to each row the products of two int16 with the two at `s`.
CK_INLINE vi v_dot_pairs(vi sum, vi pairs, const int16_t *s) {
  int16x8_t two = vreinterpretq_s16_u32(vdupq_n_u32(ck_load32(s)));
  int16x8_t rows = vreinterpretq_s16_s32(pairs);
  vi low = vmull_s16(vget_low_s16(rows), vget_low_s16(two));
  return vaddq_s32(sum, vpaddq_s32(low, vmull_high_s16(rows, two)));
}

// Adds to sum[t], for each of `width` tokens, the products of `registers` panel registers (a
// multiple of 4) with the activations at a + t * stride. `greatest` bounds the weights' bytes.
#if defined(CK_NEON_DOT)
CK_INLINE void v_dot(vi *sum, const vi *w, int registers, const int8_t *a, int64_t stride,
                     int width, int greatest) {
  (void)greatest;
  vi odd = vdupq_n_s32(0); // a second chain for one token: there are no others to overlap with
  for (int e = 0; e < registers; e += 4) {
    for (int t = 0; t < width; t++) {
      int8x16_t columns = vld1q_s8(a + t * stride + 4 * e);
      vi *second = width == 1 ? &odd : &sum[t];
      sum[t] = vdotq_laneq_s32(sum[t], v_s8(w[e]), columns, 0);
      *second = vdotq_laneq_s32(*second, v_s8(w[e + 1]), columns, 1);
      sum[t] = vdotq_laneq_s32(sum[t], v_s8(w[e + 2]), columns, 2);
      *second = vdotq_laneq_s32(*second, v_s8(w[e + 3]), columns, 3);
    }
  }
  if (width == 1) sum[0] = vaddq_s32(sum[0], odd);
}
#else
CK_INLINE int8x16_t v_four(const int8_t *a) {
  return vreinterpretq_s8_u32(vdupq_n_u32(ck_load32(a)));
}

// Products are added in 16 bits, and then once more in pairs, before they are widened. Activations
// reach 127, so weights up to `greatest` allow `run` additions: 2 * run * greatest * 127 stays
// below 2^15. Signed weights (255) reach 128 in magnitude: a pair makes 32,512.
CK_INLINE void v_dot(vi *sum, const vi *w, int registers, const int8_t *a, int64_t stride,
                     int width, int greatest) {
  int run = greatest <= 15 ? 8 : greatest <= 31 ? 4 : greatest <= 63 ? 2 : 1;
  run = run < registers ? run : registers;
  for (int e = 0; e < registers; e += run) {
    for (int t = 0; t < width; t++) {
      const int8_t *columns = a + t * stride + 4 * e;
      int8x16_t four = v_four(columns), rows = v_s8(w[e]);
      int16x8_t low = vmull_s8(vget_low_s8(rows), vget_low_s8(four));
      int16x8_t high = vmull_high_s8(rows, four);
      for (int k = 1; k < run; k++) {
        four = v_four(columns + 4 * k);
        rows = v_s8(w[e + k]);
        low = vmlal_s8(low, vget_low_s8(rows), vget_low_s8(four));
        high = vmlal_high_s8(high, rows, four);
      }
      sum[t] = vpadalq_s16(sum[t], vpaddq_s16(low, high));
    }
  }
}
#endif

#endif
