// Matrix products with NEON: groups of 4 rows, lanes are rows.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "kernels.h"
#include "simd_neon.h"
#include "panel_matmul.h"

#if defined(__linux__)
#include <sys/auxv.h>
#endif

// Four columns at `p` as floats.
typedef vf (*v_load)(const uint8_t *p);

CK_INLINE vf v_load_f32(const uint8_t *p) { return vreinterpretq_f32_u8(vld1q_u8(p)); }
CK_INLINE vf v_load_f16(const uint8_t *p) {
  return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}
CK_INLINE vf v_load_bf16(const uint8_t *p) {
  return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p)), 16));
}

// The columns after the last whole 16, to the lanes of one sum.
static float v_finish(int32_t type, const vf acc[4], const uint8_t *row, const float *x,
                      int64_t from, int64_t columns) {
  if (from == columns) return v_sum_lanes(acc);
  float lanes[16], tail[16];
  int64_t bytes = ck_row_bytes(type, 1);
  for (int k = 0; k < 4; k++) vst1q_f32(lanes + 4 * k, acc[k]);
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
  vf acc[4][2][4];
  for (int r = 0; r < height; r++) {
    int64_t index = row + r < row_end ? row + r : row_end - 1;
    w[r] = (const uint8_t *)product->weight + index * columns * bytes;
    for (int t = 0; t < width; t++) {
      for (int k = 0; k < 4; k++) acc[r][t][k] = f_zero();
    }
  }
  for (int t = 0; t < width; t++) {
    a[t] = x->f + (token + t < product->tokens ? token + t : product->tokens - 1) * columns;
  }
  for (int64_t c = 0; c < whole; c += 16) {
    if (width == 1) v_prefetch(ahead + height * c * bytes, height * 16 * bytes);
    for (int k = 0; k < 4; k++) {
      for (int r = 0; r < height; r++) {
        vf values = load(w[r] + (c + 4 * k) * bytes);
        for (int t = 0; t < width; t++) {
          acc[r][t][k] = vfmaq_f32(acc[r][t][k], values, vld1q_f32(a[t] + c + 4 * k));
        }
      }
    }
  }
  for (int r = 0; r < height && row + r < row_end; r++) {
    for (int t = 0; t < width && token + t < product->tokens; t++) {
      product->output[(token + t) * product->stride + row + r] =
          v_finish(product->type, acc[r][t], w[r], a[t], whole, columns);
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

// Whether the processor adds four products of bytes at once.
static int has_dot(void) {
#if defined(__ARM_FEATURE_DOTPROD)
  return 1;
#elif defined(__linux__)
  return (getauxval(AT_HWCAP) & (1ul << 20)) != 0; // HWCAP_ASIMDDP
#else
  return 0;
#endif
}

void ck_neon_dot_matmul(const ck_product *p);

void ck_neon_matmul(const ck_product *p) {
  switch (p->type) {
  case CK_F32: v_floats(v_load_f32, 4, p); break;
  case CK_F16: v_floats(v_load_f16, 2, p); break;
  case CK_BF16: v_floats(v_load_bf16, 2, p); break;
  default:
    if (has_dot()) ck_neon_dot_matmul(p);
    else v_matmul(*p);
  }
}
#endif
