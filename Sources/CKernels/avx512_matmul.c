// Matrix products with AVX-512 and VNNI: groups of 16 rows, lanes are rows.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_AVX512_SET)
#include "avx512_blocks.h"
#include "avx512_floats.h"

// Where a product's numbers lie. `output` points at the group's first row.
typedef struct {
  const uint8_t *weight;
  const ck_rows *x;
  int64_t tokens;
  float *output;
  int64_t stride;
} v_product;

// What sets one format of blocks of 32 apart.
typedef struct {
  v_unpack32 unpack;
  int32_t bytes, zero, has_minimum;
} v_format32;

typedef struct {
  __m512i w[8][8];
  __m512 d[8], m[8];
} v_panel32;

CK_INLINE __m512i v_broadcast4(const int8_t *a) { return _mm512_set1_epi32((int)ck_load32(a)); }

// One block for one token: the exact sums, then one rounding for the scale and one for the minimum.
CK_INLINE __m512 v_step32(v_format32 format, const __m512i *w, __m512 d, __m512 m, const ck_rows *x,
                          int64_t token, int64_t block, __m512 acc) {
  int64_t index = token * (x->columns / 32) + block;
  const int8_t *a = x->q32 + 32 * index;
  __m512i even = _mm512_set1_epi32(-format.zero * x->s32[index]), odd = _mm512_setzero_si512();
  for (int e = 0; e < 8; e += 2) {
    even = _mm512_dpbusd_epi32(even, w[e], v_broadcast4(a + 4 * e));
    odd = _mm512_dpbusd_epi32(odd, w[e + 1], v_broadcast4(a + 4 * e + 4));
  }
  float scale = x->d32[index];
  __m512 sum = _mm512_cvtepi32_ps(_mm512_add_epi32(even, odd));
  acc = _mm512_fmadd_ps(_mm512_mul_ps(d, _mm512_set1_ps(scale)), sum, acc);
  if (format.has_minimum) {
    acc = _mm512_fmadd_ps(m, _mm512_set1_ps(scale * (float)x->s32[index]), acc);
  }
  return acc;
}

// `count` blocks of one panel by `width` tokens from `token` on.
CK_INLINE void v_tile32(v_format32 format, const v_panel32 *panel, const v_product *product, int64_t token,
                        int64_t block, int64_t count, __mmask16 rows, int width) {
  const ck_rows *x = product->x;
  int64_t blocks = x->columns / 32;
  __m512 acc[8];
  for (int t = 0; t < width; t++) {
    const float *place = product->output + (token + t) * product->stride;
    acc[t] = block == 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(rows, place);
  }
  for (int64_t b = 0; b < count; b++) {
    int64_t index = token * blocks + block + b;
    const int8_t *a = x->q32 + 32 * index;
    __m512i sum[8];
    for (int t = 0; t < width; t++) sum[t] = _mm512_set1_epi32(-format.zero * x->s32[index + t * blocks]);
    for (int e = 0; e < 8; e++) {
      __m512i w = panel->w[b][e];
      for (int t = 0; t < width; t++) {
        sum[t] = _mm512_dpbusd_epi32(sum[t], w, v_broadcast4(a + t * x->columns + 4 * e));
      }
    }
    for (int t = 0; t < width; t++) {
      float scale = x->d32[index + t * blocks];
      __m512 d = _mm512_mul_ps(panel->d[b], _mm512_set1_ps(scale));
      acc[t] = _mm512_fmadd_ps(d, _mm512_cvtepi32_ps(sum[t]), acc[t]);
      if (format.has_minimum) {
        float minimum = scale * (float)x->s32[index + t * blocks];
        acc[t] = _mm512_fmadd_ps(panel->m[b], _mm512_set1_ps(minimum), acc[t]);
      }
    }
  }
  for (int t = 0; t < width; t++) {
    _mm512_mask_storeu_ps(product->output + (token + t) * product->stride, rows, acc[t]);
  }
}

// Up to 8 blocks of 16 rows at `p`.
CK_INLINE void v_chunk32(v_format32 format, const v_product *product, const uint8_t *p, int64_t row_bytes,
                         const uint8_t *ahead, int64_t block, int64_t count, __mmask16 rows) {
  if (product->tokens == 1) {
    __m512 acc = block == 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(rows, product->output);
    for (int64_t b = 0; b < count; b++) {
      __m512i w[8];
      __m512 d, m;
      v_prefetch(ahead + 16 * b * format.bytes, 16 * format.bytes);
      format.unpack(p + b * format.bytes, row_bytes, w, &d, &m);
      acc = v_step32(format, w, d, m, product->x, 0, block + b, acc);
    }
    _mm512_mask_storeu_ps(product->output, rows, acc);
    return;
  }
  v_panel32 panel;
  for (int64_t b = 0; b < count; b++) {
    v_prefetch(ahead + 16 * b * format.bytes, 16 * format.bytes);
    format.unpack(p + b * format.bytes, row_bytes, panel.w[b], &panel.d[b], &panel.m[b]);
  }
  int64_t t = 0;
  for (; t + 8 <= product->tokens; t += 8) v_tile32(format, &panel, product, t, block, count, rows, 8);
  if (product->tokens - t >= 4) {
    v_tile32(format, &panel, product, t, block, count, rows, 4);
    t += 4;
  }
  if (product->tokens - t >= 2) {
    v_tile32(format, &panel, product, t, block, count, rows, 2);
    t += 2;
  }
  if (product->tokens > t) v_tile32(format, &panel, product, t, block, count, rows, 1);
}

// Copies `bytes` bytes of each of `count` rows to rows of `bytes` bytes, so that a part of a group can be read as a
// whole one. The other rows keep what they had.
static const uint8_t *v_stage(uint8_t *stage, const uint8_t *p, int64_t row_bytes, int64_t count, int64_t bytes) {
  for (int64_t r = 0; r < count; r++) memcpy(stage + r * bytes, p + r * row_bytes, (size_t)bytes);
  return stage;
}

CK_INLINE void v_product32(v_format32 format, v_product product, int64_t row_begin, int64_t row_end) {
  _Alignas(64) uint8_t stage[16 * 8 * 34] = {0};
  int64_t blocks = product.x->columns / 32, row_bytes = blocks * format.bytes;
  float *output = product.output;
  for (int64_t r = row_begin; r < row_end; r += 16) {
    int64_t rows = row_end - r < 16 ? row_end - r : 16;
    product.output = output + r;
    for (int64_t block = 0; block < blocks; block += 8) {
      int64_t count = blocks - block < 8 ? blocks - block : 8;
      const uint8_t *p = product.weight + r * row_bytes + block * format.bytes;
      int64_t step = row_bytes;
      if (rows < 16) {
        step = count * format.bytes;
        p = v_stage(stage, p, row_bytes, rows, step);
      }
      const uint8_t *ahead = product.weight + (r + 16) * row_bytes + 16 * block * format.bytes;
      v_chunk32(format, &product, p, step, ahead, block, count, v_mask(rows));
    }
  }
}

// What sets one format of blocks of 256 apart. `fine`: a scale for each 16 columns, not 32. `zero`: the zero point
// (then `pairs` are scales), or 0 for a format with minimums.
typedef struct {
  v_unpack256 unpack;
  int32_t bytes, fine, zero;
} v_format256;

CK_INLINE void v_tile256(v_format256 format, const v_panel256 *panel, const v_product *product, int64_t token,
                         int64_t block, __mmask16 rows, int width) {
  const ck_rows *x = product->x;
  int64_t blocks = x->columns / 256, index = token * blocks + block;
  const int8_t *a = x->q256 + 256 * index;
  const int16_t *s = x->s256 + 16 * index;
  __m512i total[8], pairs[8];
  for (int t = 0; t < width; t++) total[t] = pairs[t] = _mm512_setzero_si512();
  for (int j = 0; j < 8; j++) {
    __m512i sum[8];
    for (int t = 0; t < width; t++) sum[t] = _mm512_setzero_si512();
    for (int e = 0; e < 8; e++) {
      __m512i w = panel->w[j][e];
      for (int t = 0; t < width; t++) {
        sum[t] = _mm512_dpbusd_epi32(sum[t], w, v_broadcast4(a + t * x->columns + 32 * j + 4 * e));
      }
      if (format.fine && e == 3) {
        for (int t = 0; t < width; t++) {
          total[t] = _mm512_add_epi32(total[t], _mm512_mullo_epi32(sum[t], panel->scale[2 * j]));
          sum[t] = _mm512_setzero_si512();
        }
      }
    }
    __m512i scale = panel->scale[format.fine ? 2 * j + 1 : j];
    for (int t = 0; t < width; t++) {
      total[t] = _mm512_add_epi32(total[t], _mm512_mullo_epi32(sum[t], scale));
      const int8_t *two = (const int8_t *)(s + t * (x->columns / 16) + 2 * j);
      pairs[t] = _mm512_dpwssd_epi32(pairs[t], panel->pairs[j], v_broadcast4(two));
    }
  }
  for (int t = 0; t < width; t++) {
    float *place = product->output + (token + t) * product->stride;
    __m512 acc = block == 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(rows, place);
    __m512 scale = _mm512_set1_ps(x->d256[index + t * blocks]);
    if (format.zero) {
      total[t] = _mm512_sub_epi32(total[t], _mm512_mullo_epi32(pairs[t], _mm512_set1_epi32(format.zero)));
    }
    acc = _mm512_fmadd_ps(_mm512_mul_ps(panel->d, scale), _mm512_cvtepi32_ps(total[t]), acc);
    if (!format.zero) {
      acc = _mm512_fnmadd_ps(_mm512_mul_ps(panel->dmin, scale), _mm512_cvtepi32_ps(pairs[t]), acc);
    }
    _mm512_mask_storeu_ps(place, rows, acc);
  }
}

CK_INLINE void v_product256(v_format256 format, v_product product, int64_t row_begin, int64_t row_end) {
  _Alignas(64) uint8_t stage[16 * 210] = {0};
  int64_t blocks = product.x->columns / 256, row_bytes = blocks * format.bytes;
  float *output = product.output;
  for (int64_t r = row_begin; r < row_end; r += 16) {
    int64_t rows = row_end - r < 16 ? row_end - r : 16;
    __mmask16 mask = v_mask(rows);
    product.output = output + r;
    for (int64_t block = 0; block < blocks; block++) {
      const uint8_t *p = product.weight + r * row_bytes + block * format.bytes;
      int64_t step = row_bytes;
      if (rows < 16) {
        step = format.bytes;
        p = v_stage(stage, p, row_bytes, rows, step);
      }
      v_panel256 panel;
      v_prefetch(product.weight + (r + 16) * row_bytes + 16 * block * format.bytes, 16 * format.bytes);
      format.unpack(p, step, &panel);
      int64_t t = 0;
      for (; t + 8 <= product.tokens; t += 8) v_tile256(format, &panel, &product, t, block, mask, 8);
      if (product.tokens - t >= 4) {
        v_tile256(format, &panel, &product, t, block, mask, 4);
        t += 4;
      }
      if (product.tokens - t >= 2) {
        v_tile256(format, &panel, &product, t, block, mask, 2);
        t += 2;
      }
      if (product.tokens > t) v_tile256(format, &panel, &product, t, block, mask, 1);
    }
  }
}

#define V_FORMAT(kind, name, ...)                                                                    \
  static void product_##name(v_product product, int64_t row_begin, int64_t row_end) {                \
    v_product##kind((v_format##kind){v_unpack_##name, __VA_ARGS__}, product, row_begin, row_end);    \
  }
V_FORMAT(32, q4_0, 18, 8, 0)
V_FORMAT(32, q4_1, 20, 0, 1)
V_FORMAT(32, q5_0, 22, 16, 0)
V_FORMAT(32, q5_1, 24, 0, 1)
V_FORMAT(32, q8_0, 34, 128, 0)
V_FORMAT(256, q2_k, 84, 1, 0)
V_FORMAT(256, q3_k, 110, 1, 4)
V_FORMAT(256, q4_k, 144, 0, 0)
V_FORMAT(256, q5_k, 176, 0, 0)
V_FORMAT(256, q6_k, 210, 1, 32)

void ck_avx512_matmul(int32_t type, const void *weight, int64_t row_begin, int64_t row_end, const ck_rows *x,
                      int64_t tokens, float *output, int64_t stride) {
  v_product product = {weight, x, tokens, output, stride};
  switch (type) {
  case CK_Q4_0: product_q4_0(product, row_begin, row_end); break;
  case CK_Q4_1: product_q4_1(product, row_begin, row_end); break;
  case CK_Q5_0: product_q5_0(product, row_begin, row_end); break;
  case CK_Q5_1: product_q5_1(product, row_begin, row_end); break;
  case CK_Q8_0: product_q8_0(product, row_begin, row_end); break;
  case CK_Q2_K: product_q2_k(product, row_begin, row_end); break;
  case CK_Q3_K: product_q3_k(product, row_begin, row_end); break;
  case CK_Q4_K: product_q4_k(product, row_begin, row_end); break;
  case CK_Q5_K: product_q5_k(product, row_begin, row_end); break;
  case CK_Q6_K: product_q6_k(product, row_begin, row_end); break;
  case CK_F32: v_floats_f32(weight, row_begin, row_end, x, tokens, output, stride); break;
  case CK_F16: v_floats_f16(weight, row_begin, row_end, x, tokens, output, stride); break;
  case CK_BF16: v_floats_bf16(weight, row_begin, row_end, x, tokens, output, stride); break;
  default: break;
  }
}
CK_END_TARGET
#endif
