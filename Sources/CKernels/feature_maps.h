// Products, convolutions and norms of feature maps, for any vector width; scalar_maps.c is their
// definition. Include between CK_BEGIN_TARGET and CK_END_TARGET, after a simd_ file; M_HEIGHT is how
// many rows of two registers of sums the processor can hold.
#ifndef PACELINE_FEATURE_MAPS_H
#define PACELINE_FEATURE_MAPS_H

#include "scalar.h"

enum { M_WIDTH = 2 * V_ROWS };

// The lanes of two registers that are left at `at` of `count`.
typedef struct {
  vm first, second;
} m_lanes;
CK_INLINE m_lanes m_left(int64_t at, int64_t count) {
  int64_t left = count - at;
  return (m_lanes){v_mask(left < V_ROWS ? left : V_ROWS),
                   v_mask(left < V_ROWS ? 0 : left < M_WIDTH ? left - V_ROWS : V_ROWS)};
}
CK_INLINE vf m_load(int whole, vm lanes, const float *p) {
  return whole ? f_load(p) : f_load_rows(lanes, p);
}
CK_INLINE void m_store(int whole, vm lanes, float *p, vf x) {
  if (whole) f_store(p, x);
  else f_store_rows(p, lanes, x);
}

// `height` rows from `t` on by M_WIDTH outputs from `r` on.
CK_INLINE void m_tile(const ck_dense *p, int64_t t, int64_t r, int height, int whole) {
  m_lanes lanes = m_left(r, p->outputs);
  vf sums[M_HEIGHT][2];
  vf first = f_zero(), second = f_zero();
  if (p->bias) {
    first = m_load(whole, lanes.first, p->bias + r);
    second = m_load(whole, lanes.second, p->bias + r + V_ROWS);
  }
  for (int h = 0; h < height; h++) {
    sums[h][0] = first;
    sums[h][1] = second;
  }
  const float *x = p->x + t * p->x_stride;
  const float *w = p->w + r / CK_DENSE_GROUP * p->w_group + r % CK_DENSE_GROUP;
  for (int64_t k = 0; k < p->depth; k++) {
    first = m_load(whole, lanes.first, w + k * p->w_stride);
    second = m_load(whole, lanes.second, w + k * p->w_stride + V_ROWS);
    for (int h = 0; h < height; h++) {
      vf value = f_splat(x[h * p->x_stride + k]);
      sums[h][0] = f_fma(value, first, sums[h][0]);
      sums[h][1] = f_fma(value, second, sums[h][1]);
    }
  }
  for (int h = 0; h < height; h++) {
    float *y = p->y + (t + h) * p->y_stride + r;
    if (p->adds) {
      sums[h][0] = f_add(m_load(whole, lanes.first, y), sums[h][0]);
      sums[h][1] = f_add(m_load(whole, lanes.second, y + V_ROWS), sums[h][1]);
    }
    m_store(whole, lanes.first, y, sums[h][0]);
    m_store(whole, lanes.second, y + V_ROWS, sums[h][1]);
  }
}

CK_INLINE void m_column(const ck_dense *p, int64_t r, int whole) {
  int64_t t = 0;
  for (; t + M_HEIGHT <= p->rows; t += M_HEIGHT) m_tile(p, t, r, M_HEIGHT, whole);
  if (M_HEIGHT > 4 && t + 4 <= p->rows) {
    m_tile(p, t, r, 4, whole);
    t += 4;
  }
  for (; t < p->rows; t++) m_tile(p, t, r, 1, whole);
}

static void m_dense(const ck_dense *p) {
  int64_t r = 0;
  for (; r + M_WIDTH <= p->outputs; r += M_WIDTH) m_column(p, r, 1);
  if (r < p->outputs) m_column(p, r, 0);
}

CK_INLINE void m_taps(const ck_depthwise *p, int64_t y, int64_t x, int64_t c, int whole) {
  m_lanes lanes = m_left(c, p->channels);
  int64_t half = p->size / 2;
  vf first = m_load(whole, lanes.first, p->bias + c);
  vf second = m_load(whole, lanes.second, p->bias + c + V_ROWS);
  int64_t top = y < half ? half - y : 0, bottom = p->height - y + half;
  int64_t left = x < half ? half - x : 0, right = p->width - x + half;
  for (int64_t i = top; i < p->size && i < bottom; i++) {
    const float *row = p->x + ((y + i - half) * p->width + x - half) * p->channels + c;
    const float *w = p->w + i * p->size * p->channels + c;
    for (int64_t j = left; j < p->size && j < right; j++) {
      const float *value = row + j * p->channels, *weight = w + j * p->channels;
      first = f_fma(m_load(whole, lanes.first, value), m_load(whole, lanes.first, weight), first);
      second = f_fma(m_load(whole, lanes.second, value + V_ROWS),
                     m_load(whole, lanes.second, weight + V_ROWS), second);
    }
  }
  float *output = p->y + (y * p->width + x) * p->channels + c;
  m_store(whole, lanes.first, output, first);
  m_store(whole, lanes.second, output + V_ROWS, second);
}

static void m_depthwise(const ck_depthwise *p) {
  for (int64_t y = p->row_begin; y < p->row_end; y++) {
    for (int64_t x = 0; x < p->width; x++) {
      int64_t c = 0;
      for (; c + M_WIDTH <= p->channels; c += M_WIDTH) m_taps(p, y, x, c, 1);
      if (c < p->channels) m_taps(p, y, x, c, 0);
    }
  }
}

static void m_sums(const float *x, int64_t count, float *sum, float *squares) {
  enum { PARTS = 16 / V_ROWS };
  vf sums[PARTS], products[PARTS];
  for (int e = 0; e < PARTS; e++) sums[e] = products[e] = f_zero();
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int e = 0; e < PARTS; e++) {
      vf values = f_load(x + i + e * V_ROWS);
      sums[e] = f_add(sums[e], values);
      products[e] = f_fma(values, values, products[e]);
    }
  }
  float lanes[16], square_lanes[16];
  for (int e = 0; e < PARTS; e++) {
    f_store(lanes + e * V_ROWS, sums[e]);
    f_store(square_lanes + e * V_ROWS, products[e]);
  }
  for (int j = 0; i + j < count; j++) {
    lanes[j] = lanes[j] + x[i + j];
    square_lanes[j] = ck_fma(x[i + j], x[i + j], square_lanes[j]);
  }
  *sum = ck_sum_lanes(lanes);
  *squares = ck_sum_lanes(square_lanes);
}

static void m_normalize(const float *x, int64_t count, float scale, float shift,
                        const float *weight, const float *bias, float *y) {
  for (int64_t i = 0; i < count; i += V_ROWS) {
    int whole = count - i >= V_ROWS;
    vm lanes = v_mask(whole ? V_ROWS : count - i);
    vf normal = f_fma(m_load(whole, lanes, x + i), f_splat(scale), f_splat(shift));
    if (weight) {
      normal = f_fma(normal, m_load(whole, lanes, weight + i), m_load(whole, lanes, bias + i));
    }
    m_store(whole, lanes, y + i, normal);
  }
}

#endif
