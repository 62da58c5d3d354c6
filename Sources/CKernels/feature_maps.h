// Products, convolutions and norms of feature maps, for any vector width; scalar_maps.c is their
// definition. Include between CK_BEGIN_TARGET and CK_END_TARGET, after a simd_ file; M_HEIGHT is how
// many rows of two registers of sums the processor can hold.
#ifndef PACELINE_FEATURE_MAPS_H
#define PACELINE_FEATURE_MAPS_H

#include "scalar.h"

enum {
  M_WIDTH = 2 * V_ROWS,
  M_PLACES = 4 // of a depthwise convolution at a time: sums enough to hide how long each takes
};

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

// The weights of output `r`, which begins a register.
CK_INLINE const float *m_weights(const ck_dense *p, int64_t r) {
  return p->w + r / CK_DENSE_GROUP * p->w_group + r % CK_DENSE_GROUP;
}

// Adds the products of inputs from `begin` to `end`; fetches as many weights from `ahead` on, where
// that is not NULL.
CK_INLINE void m_products(const ck_dense *p, const float *x, const float *w, int64_t begin,
                          int64_t end, int height, int whole, m_lanes lanes, vf sums[][2],
                          const float *ahead) {
  for (int64_t k = begin; k < end; k++) {
    vf first = m_load(whole, lanes.first, w + k * p->w_stride);
    vf second = m_load(whole, lanes.second, w + k * p->w_stride + V_ROWS);
    for (int e = 0; ahead && e < M_WIDTH; e += 16) {
      __builtin_prefetch(ahead + (k - begin) * p->w_stride + e);
    }
    for (int h = 0; h < height; h++) {
      vf value = f_splat(x[h * p->x_stride + k]);
      sums[h][0] = f_fma(value, first, sums[h][0]);
      sums[h][1] = f_fma(value, second, sums[h][1]);
    }
  }
}

// `height` rows from `t` on by M_WIDTH outputs from `r` on; fetches `count` weights from `ahead` on,
// which are wanted later. A single row is so quickly done that the processor looks ahead by itself.
CK_INLINE void m_tile(const ck_dense *p, int64_t t, int64_t r, int height, int whole,
                      const float *ahead, int64_t count) {
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
  const float *x = p->x + t * p->x_stride, *w = m_weights(p, r);
  if (height == 1) count = 0;
  if (count > 0) m_products(p, x, w, 0, count, height, whole, lanes, sums, ahead);
  m_products(p, x, w, count, p->depth, height, whole, lanes, sums, NULL);
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

// All rows by M_WIDTH outputs: tiles of M_HEIGHT, the last two about even, since a low one has too
// few sums to hide how long each takes. Each fetches a share of the next outputs' weights.
CK_INLINE void m_column(const ck_dense *p, int64_t r, int whole) {
  int64_t tiles = (p->rows + M_HEIGHT - 1) / M_HEIGHT, begin = 0;
  const float *next = m_weights(p, r + M_WIDTH < p->outputs ? r + M_WIDTH : r);
  for (int64_t t = 0, tile = 1; t < p->rows; tile++) {
    int64_t left = p->rows - t, end = p->depth * tile / tiles, count = end - begin;
    int64_t height = left >= 2 * M_HEIGHT ? M_HEIGHT : left > M_HEIGHT ? (left + 1) / 2 : left;
    const float *ahead = next + begin * p->w_stride;
    switch (height) {
    case 1: m_tile(p, t, r, 1, whole, ahead, count); break;
    case 2: m_tile(p, t, r, 2, whole, ahead, count); break;
    case 3: m_tile(p, t, r, 3, whole, ahead, count); break;
    case 4: m_tile(p, t, r, 4, whole, ahead, count); break;
    case 5: m_tile(p, t, r, 5, whole, ahead, count); break;
    case 6: m_tile(p, t, r, 6, whole, ahead, count); break;
    case 7: m_tile(p, t, r, M_HEIGHT < 7 ? M_HEIGHT : 7, whole, ahead, count); break;
    default: m_tile(p, t, r, M_HEIGHT, whole, ahead, count);
    }
    t += height;
    begin = end;
  }
}

static void m_dense(const ck_dense *p) {
  int64_t r = 0;
  for (; r + M_WIDTH <= p->outputs; r += M_WIDTH) m_column(p, r, 1);
  if (r < p->outputs) m_column(p, r, 0);
}

// `places` side by side from (y, x) on, M_WIDTH channels from `c` on; of several, no window crosses
// the map's left or right edge.
CK_INLINE void m_taps(const ck_depthwise *p, int64_t y, int64_t x, int64_t c, int places,
                      int whole) {
  m_lanes lanes = m_left(c, p->channels);
  int64_t half = p->size / 2;
  vf sums[M_PLACES][2];
  for (int e = 0; e < places; e++) {
    sums[e][0] = m_load(whole, lanes.first, p->bias + c);
    sums[e][1] = m_load(whole, lanes.second, p->bias + c + V_ROWS);
  }
  int64_t top = y < half ? half - y : 0, bottom = p->height - y + half;
  int64_t left = x < half ? half - x : 0, right = p->width - x + half;
  for (int64_t i = top; i < p->size && i < bottom; i++) {
    const float *row = p->x + ((y + i - half) * p->width + x - half) * p->channels + c;
    const float *w = p->w + i * p->size * p->channels + c;
    for (int64_t j = left; j < p->size && j < right; j++) {
      vf first = m_load(whole, lanes.first, w + j * p->channels);
      vf second = m_load(whole, lanes.second, w + j * p->channels + V_ROWS);
      for (int e = 0; e < places; e++) {
        const float *value = row + (j + e) * p->channels;
        sums[e][0] = f_fma(m_load(whole, lanes.first, value), first, sums[e][0]);
        sums[e][1] = f_fma(m_load(whole, lanes.second, value + V_ROWS), second, sums[e][1]);
      }
    }
  }
  for (int e = 0; e < places; e++) {
    float *output = p->y + (y * p->width + x + e) * p->channels + c;
    m_store(whole, lanes.first, output, sums[e][0]);
    m_store(whole, lanes.second, output + V_ROWS, sums[e][1]);
  }
}

CK_INLINE void m_channels(const ck_depthwise *p, int64_t y, int64_t x, int places) {
  int64_t c = 0;
  for (; c + M_WIDTH <= p->channels; c += M_WIDTH) m_taps(p, y, x, c, places, 1);
  if (c < p->channels) m_taps(p, y, x, c, places, 0);
}

static void m_depthwise(const ck_depthwise *p) {
  int64_t half = p->size / 2;
  for (int64_t y = p->row_begin; y < p->row_end; y++) {
    for (int64_t x = 0; x < p->width;) {
      int places = x >= half && x + M_PLACES + half <= p->width ? M_PLACES : 1;
      if (places > 1) m_channels(p, y, x, M_PLACES);
      else m_channels(p, y, x, 1);
      x += places;
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
