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
CK_INLINE void v_tile_floats(v_load load, int64_t bytes, const ck_product *product, int64_t row,
                             int64_t token, int height, int width) {
  const ck_rows *x = product->x;
  int64_t columns = x->columns, row_end = product->row_end, tokens = product->tokens;
  const uint8_t *w[16];
  const float *a[16];
  for (int r = 0; r < height; r++) {
    int64_t index = row + r < row_end ? row + r : row_end - 1;
    w[r] = (const uint8_t *)product->weight + index * columns * bytes;
  }
  for (int t = 0; t < width; t++)
    a[t] = x->f + (token + t < tokens ? token + t : tokens - 1) * columns;
  const uint8_t *ahead = v_ahead(product, row, columns * bytes, 0);
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
      product->output[(token + t) * product->stride + row + r] = sums[r * width + t];
    }
  }
}

CK_INLINE void v_floats(v_load load, int64_t bytes, const ck_product *product) {
  if (product->tokens == 1) {
    for (int64_t r = product->row_begin; r < product->row_end; r += 16) {
      v_tile_floats(load, bytes, product, r, 0, 16, 1);
    }
    return;
  }
  for (int64_t r = product->row_begin; r < product->row_end; r += 4) {
    for (int64_t t = 0; t < product->tokens; t += 4) {
      v_tile_floats(load, bytes, product, r, t, 4, 4);
    }
  }
}

static void v_floats_f32(const ck_product *p) { v_floats(v_load_f32, 4, p); }
static void v_floats_f16(const ck_product *p) { v_floats(v_load_f16, 2, p); }
static void v_floats_bf16(const ck_product *p) { v_floats(v_load_bf16, 2, p); }

#endif
