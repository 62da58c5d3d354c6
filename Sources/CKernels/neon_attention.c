// Attention with NEON; the order of every sum is that of scalar_attention.c.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "kernels.h"
#include "simd_neon.h"

enum { A_LANES = 4, A_QUERIES = 2, A_FEW = 2, A_SCORES = 4, A_WIDTH = 8 };
#define A_CASES A_CASE(1) A_CASE(2)

CK_INLINE vf a_load(const float *p) { return vld1q_f32(p); }
CK_INLINE void a_store(float *p, vf x) { vst1q_f32(p, x); }
CK_INLINE vf a_load_half(const uint16_t *p) { return v_load_half(p); }
CK_INLINE vf a_splat(float x) { return vdupq_n_f32(x); }
CK_INLINE vf a_add(vf a, vf b) { return vaddq_f32(a, b); }
CK_INLINE vf a_mul(vf a, vf b) { return vmulq_f32(a, b); }
CK_INLINE vf a_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
CK_INLINE vf a_exp(vf x) { return v_exp(x); }
CK_INLINE vf a_cap(vf x, vf cap) { return v_cap(x, cap); }

CK_INLINE void a_transpose(const uint16_t *const rows[16], int64_t d, float *columns) {
  for (int r = 0; r < 16; r += 4) {
    for (int c = 0; c < 16; c += 4) {
      vf x[4];
      for (int i = 0; i < 4; i++) x[i] = v_load_half(rows[r + i] + d + c);
      vf y[4] = {vzip1q_f32(x[0], x[2]), vzip2q_f32(x[0], x[2]), vzip1q_f32(x[1], x[3]),
                 vzip2q_f32(x[1], x[3])};
      float *place = columns + 16 * c + r;
      vst1q_f32(place, vzip1q_f32(y[0], y[2]));
      vst1q_f32(place + 16, vzip2q_f32(y[0], y[2]));
      vst1q_f32(place + 32, vzip1q_f32(y[1], y[3]));
      vst1q_f32(place + 48, vzip2q_f32(y[1], y[3]));
    }
  }
}

CK_INLINE void a_scores(const float *const *queries, const uint16_t *const *keys, int64_t dimension,
                        int group, float *scores) {
  int count = 4 / group;
  vf acc[4][4], folded[4];
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++) acc[i][j] = f_zero();
  }
  for (int64_t d = 0; d < dimension; d += 16) {
    for (int j = 0; j < 4; j++) {
      vf columns[2];
      for (int g = 0; g < group; g++) columns[g] = vld1q_f32(queries[g] + d + 4 * j);
      for (int k = 0; k < count; k++) {
        vf key = v_load_half(keys[k] + d + 4 * j);
        for (int g = 0; g < group; g++)
          acc[g * count + k][j] = vfmaq_f32(acc[g * count + k][j], columns[g], key);
      }
    }
  }
  for (int i = 0; i < 4; i++) folded[i] = v_fold(acc[i]);
  vst1q_f32(scores, v_sum_lanes4(folded));
}

CK_INLINE float a_greatest(const float *weights) {
  vf greatest = vdupq_n_f32(-__builtin_inff());
  for (int i = 0; i < CK_ATTENTION_TILE; i += 4)
    greatest = v_greater(vld1q_f32(weights + i), greatest);
  return vmaxvq_f32(greatest);
}

CK_INLINE float a_weights(float *weights, float top) {
  vf acc[4] = {f_zero(), f_zero(), f_zero(), f_zero()};
  for (int i = 0; i < CK_ATTENTION_TILE; i += 16) {
    for (int k = 0; k < 4; k++) {
      vf x = v_exp(vsubq_f32(vld1q_f32(weights + i + 4 * k), vdupq_n_f32(top)));
      vst1q_f32(weights + i + 4 * k, x);
      acc[k] = vaddq_f32(acc[k], x);
    }
  }
  return v_sum_lanes(acc);
}

#include "tiled_attention.h"

void ck_neon_attend(const ck_attention *a) { a_attend(a); }

void ck_neon_attend_merge(const float *values, const float *states, int64_t parts, int64_t heads,
                          int64_t dimension, float *output) {
  a_merge(values, states, parts, heads, dimension, output);
}
#endif
