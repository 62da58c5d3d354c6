// Products of F32, F16 and BF16 matrices. Include between CK_BEGIN_TARGET and CK_END_TARGET.
#ifndef PACELINE_AVX512_FLOATS_H
#define PACELINE_AVX512_FLOATS_H

#include "simd_avx512.h"

// The `mask` columns at `p` as floats.
typedef __m512 (*v_load)(const uint8_t *p, __mmask16 mask);

CK_INLINE __m512 v_load_f32(const uint8_t *p, __mmask16 mask) {
  return _mm512_maskz_loadu_ps(mask, p);
}
CK_INLINE __m512 v_load_f16(const uint8_t *p, __mmask16 mask) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p));
}
CK_INLINE __m512 v_load_bf16(const uint8_t *p, __mmask16 mask) {
  __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

// `height` rows by `width` tokens, height * width = 16. Rows and tokens past the end repeat the
// last one.
CK_INLINE void v_tile_floats(v_load load, int64_t bytes, const uint8_t *weight, int64_t row,
                             int64_t row_end, const ck_rows *x, int64_t token, int64_t tokens,
                             float *output, int64_t stride, int height, int width) {
  int64_t columns = x->columns;
  const uint8_t *w[16];
  const float *a[16];
  for (int r = 0; r < height; r++) {
    w[r] = weight + (row + r < row_end ? row + r : row_end - 1) * columns * bytes;
  }
  for (int t = 0; t < width; t++)
    a[t] = x->f + (token + t < tokens ? token + t : tokens - 1) * columns;
  const uint8_t *ahead = v_ahead(weight, row, columns * bytes, 0);
  __m512 acc[16];
  for (int i = 0; i < 16; i++) acc[i] = _mm512_setzero_ps();
  for (int64_t c = 0; c < columns; c += 16) {
    if (width == 1) v_prefetch(ahead + height * c * bytes, height * 16 * bytes);
    // Lanes past the end keep their sums: adding a zero product could turn -0 into 0.
    __mmask16 mask = v_mask(columns - c < 16 ? columns - c : 16);
    __m512 values[16];
    for (int t = 0; t < width; t++) values[t] = _mm512_maskz_loadu_ps(mask, a[t] + c);
    for (int r = 0; r < height; r++) {
      __m512 row_values = load(w[r] + c * bytes, mask);
      for (int t = 0; t < width; t++) {
        acc[r * width + t] = _mm512_mask3_fmadd_ps(row_values, values[t], acc[r * width + t], mask);
      }
    }
  }
  float sums[16];
  _mm512_storeu_ps(sums, v_sum_lanes16(acc));
  for (int r = 0; r < height && row + r < row_end; r++) {
    for (int t = 0; t < width && token + t < tokens; t++) {
      output[(token + t) * stride + row + r] = sums[r * width + t];
    }
  }
}

CK_INLINE void v_floats(v_load load, int64_t bytes, const uint8_t *weight, int64_t row_begin,
                        int64_t row_end, const ck_rows *x, int64_t tokens, float *output,
                        int64_t stride) {
  if (tokens == 1) {
    for (int64_t r = row_begin; r < row_end; r += 16) {
      v_tile_floats(load, bytes, weight, r, row_end, x, 0, 1, output, stride, 16, 1);
    }
    return;
  }
  for (int64_t r = row_begin; r < row_end; r += 4) {
    for (int64_t t = 0; t < tokens; t += 4) {
      v_tile_floats(load, bytes, weight, r, row_end, x, t, tokens, output, stride, 4, 4);
    }
  }
}

#define V_FLOATS(name, bytes)                                                                      \
  static void v_floats_##name(const uint8_t *weight, int64_t row_begin, int64_t row_end,           \
                              const ck_rows *x, int64_t tokens, float *output, int64_t stride) {   \
    v_floats(v_load_##name, bytes, weight, row_begin, row_end, x, tokens, output, stride);         \
  }
V_FLOATS(f32, 4)
V_FLOATS(f16, 2)
V_FLOATS(bf16, 2)

#endif
