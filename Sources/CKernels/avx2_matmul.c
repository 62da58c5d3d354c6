// Matrix products with AVX2: groups of 8 rows, lanes are rows.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_AVX2_SET)
#include "simd_avx2.h"
#include "panel_matmul.h"

// Eight columns at `p` as floats.
typedef vf (*v_load)(const uint8_t *p);

CK_INLINE vf v_load_f32(const uint8_t *p) { return _mm256_loadu_ps((const float *)p); }
CK_INLINE vf v_load_f16(const uint8_t *p) { return v_load_half((const uint16_t *)p); }
CK_INLINE vf v_load_bf16(const uint8_t *p) {
  vi wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

// The columns after the last whole 16, to the lanes of one sum.
static float v_finish(int32_t type, vf low, vf high, const uint8_t *row, const float *x,
                      int64_t from, int64_t columns) {
  if (from == columns) return v_sum_lanes(_mm256_add_ps(low, high));
  float lanes[16], tail[16];
  int64_t bytes = ck_row_bytes(type, 1);
  _mm256_storeu_ps(lanes, low);
  _mm256_storeu_ps(lanes + 8, high);
  ck_scalar_dequantize(type, row + from * bytes, columns - from, tail);
  for (int64_t c = from; c < columns; c++)
    lanes[c - from] = ck_fma(tail[c - from], x[c], lanes[c - from]);
  return ck_sum_lanes(lanes);
}

// `height` rows by `width` tokens; those past the end repeat the last one.
CK_INLINE void v_tile_floats(v_load load, int64_t bytes, const ck_product *product, int64_t row,
                             int64_t token, int height, int width) {
  const ck_rows *x = product->x;
  int64_t columns = x->columns, whole = columns / 16 * 16, row_end = product->row_end;
  const uint8_t *w[4], *ahead = v_ahead(product, row, columns * bytes, 0);
  const float *a[2];
  vf acc[4][2][2];
  for (int r = 0; r < height; r++) {
    int64_t index = row + r < row_end ? row + r : row_end - 1;
    w[r] = (const uint8_t *)product->weight + index * columns * bytes;
    for (int t = 0; t < width; t++) acc[r][t][0] = acc[r][t][1] = _mm256_setzero_ps();
  }
  for (int t = 0; t < width; t++) {
    a[t] = x->f + (token + t < product->tokens ? token + t : product->tokens - 1) * columns;
  }
  for (int64_t c = 0; c < whole; c += 16) {
    if (width == 1) v_prefetch(ahead + height * c * bytes, height * 16 * bytes);
    for (int half = 0; half < 2; half++) {
      for (int r = 0; r < height; r++) {
        vf values = load(w[r] + (c + 8 * half) * bytes);
        for (int t = 0; t < width; t++) {
          acc[r][t][half] =
              _mm256_fmadd_ps(values, _mm256_loadu_ps(a[t] + c + 8 * half), acc[r][t][half]);
        }
      }
    }
  }
  for (int r = 0; r < height && row + r < row_end; r++) {
    for (int t = 0; t < width && token + t < product->tokens; t++) {
      product->output[(token + t) * product->stride + row + r] =
          v_finish(product->type, acc[r][t][0], acc[r][t][1], w[r], a[t], whole, columns);
    }
  }
}

CK_INLINE void v_floats(v_load load, int64_t bytes, const ck_product *product) {
  if (product->tokens == 1) {
    for (int64_t r = product->row_begin; r < product->row_end; r += 4) {
      v_tile_floats(load, bytes, product, r, 0, 4, 1);
    }
    return;
  }
  for (int64_t r = product->row_begin; r < product->row_end; r += 2) {
    for (int64_t t = 0; t < product->tokens; t += 2) {
      v_tile_floats(load, bytes, product, r, t, 2, 2);
    }
  }
}

void ck_avx2_matmul(const ck_product *p) {
  switch (p->type) {
  case CK_F32: v_floats(v_load_f32, 4, p); break;
  case CK_F16: v_floats(v_load_f16, 2, p); break;
  case CK_BF16: v_floats(v_load_bf16, 2, p); break;
  default: v_matmul(*p);
  }
}
CK_END_TARGET
#endif
