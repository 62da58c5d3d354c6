// Matrix products, one row and one token at a time: the tests' judge and the fallback.
#include "kernels.h"
#include "scalar.h"

static float dot32(int32_t type, const uint8_t *row, int64_t stride, const ck_rows *x, int64_t t) {
  int64_t blocks = x->columns / 32;
  const int8_t *a = x->q32 + t * x->columns;
  float acc = 0;
  for (int64_t b = 0; b < blocks; b++) {
    ck_block32 w;
    ck_unpack32(type, row + b * stride, &w);
    int32_t sum = -w.zero * x->s32[t * blocks + b];
    for (int j = 0; j < 32; j++) sum += (int32_t)w.q[j] * a[32 * b + j];
    float scale = x->d32[t * blocks + b];
    acc = ck_fma(w.d * scale, (float)sum, acc);
    if (w.has_minimum) acc = ck_fma(w.m, scale * (float)x->s32[t * blocks + b], acc);
  }
  return acc;
}

static float dot256(int32_t type, const uint8_t *row, int64_t stride, const ck_rows *x, int64_t t) {
  int64_t blocks = x->columns / 256;
  const int8_t *a = x->q256 + t * x->columns;
  const int16_t *s = x->s256 + t * (x->columns / 16);
  float acc = 0;
  for (int64_t b = 0; b < blocks; b++) {
    ck_block256 w;
    ck_unpack256(type, row + b * stride, &w);
    int32_t sum = 0, minimum_sum = 0;
    for (int k = 0; k < 16; k++) {
      int32_t part = 0;
      for (int j = 0; j < 16; j++) part += (int32_t)w.q[16 * k + j] * a[256 * b + 16 * k + j];
      sum += w.scale[k] * part;
      minimum_sum += w.minimum[k] * (int32_t)s[16 * b + k];
    }
    float scale = x->d256[t * blocks + b];
    acc = ck_fma(w.d * scale, (float)sum, acc);
    if (w.has_minimum) acc = ck_fma(-(w.dmin * scale), (float)minimum_sum, acc);
  }
  return acc;
}

static float dot_plain(int32_t type, const uint8_t *row, const float *x, int64_t columns) {
  float lanes[16] = {0};
  for (int64_t c = 0; c < columns; c++) {
    float w;
    if (type == CK_F32) w = ck_float_of_bits(ck_load32(row + 4 * c));
    else if (type == CK_F16) w = ck_float_of_half(ck_load16(row + 2 * c));
    else w = ck_float_of_bfloat(ck_load16(row + 2 * c));
    lanes[c % 16] = ck_fma(w, x[c], lanes[c % 16]);
  }
  return ck_sum_lanes(lanes);
}

void ck_scalar_matmul(const ck_product *p) {
  const ck_rows *x = p->x;
  ck_block_shape shape = ck_shape(p->type);
  int64_t row_bytes = ck_row_bytes(p->type, x->columns);
  for (int64_t t = 0; t < p->tokens; t++) {
    for (int64_t r = p->row_begin; r < p->row_end; r++) {
      const uint8_t *row = (const uint8_t *)p->weight + r * row_bytes;
      float *place = p->output + t * p->stride + r;
      if (shape.columns == 32) *place = dot32(p->type, row, shape.bytes, x, t);
      if (shape.columns == 256) *place = dot256(p->type, row, shape.bytes, x, t);
      if (shape.columns == 1) *place = dot_plain(p->type, row, x->f + t * x->columns, x->columns);
    }
  }
}
