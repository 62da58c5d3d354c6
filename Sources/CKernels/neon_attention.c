// Attention with NEON; the order of every sum is that of scalar_attention.c.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "kernels.h"
#include "simd_neon.h"

// One tile: its absolute positions [begin, begin + count) and where their rows lie.
typedef struct {
  int64_t begin, count;
  int64_t rows[CK_ATTENTION_TILE];  // first element of the position's key and value
  float weights[CK_ATTENTION_TILE]; // of one query, by position modulo the tile
} v_tile;

// The dot products of one query with four positions (those past the end repeat the last).
CK_INLINE vf v_four_dots(const ck_attention *a, const float *query, const v_tile *tile,
                         int64_t from) {
  vf acc[4][4], folded[4];
  const uint16_t *keys[4];
  for (int p = 0; p < 4; p++) {
    int64_t index = from + p < tile->count ? from + p : tile->count - 1;
    keys[p] = a->keys + tile->rows[index];
    for (int k = 0; k < 4; k++) acc[p][k] = f_zero();
  }
  for (int64_t d = 0; d < a->dimension; d += 16) {
    for (int k = 0; k < 4; k++) {
      vf columns = vld1q_f32(query + d + 4 * k);
      for (int p = 0; p < 4; p++)
        acc[p][k] = vfmaq_f32(acc[p][k], columns, v_load_half(keys[p] + d + 4 * k));
    }
  }
  for (int p = 0; p < 4; p++) folded[p] = v_fold(acc[p]);
  return v_sum_lanes4(folded);
}

CK_INLINE void v_scores(const ck_attention *a, const float *query, v_tile *tile) {
  int64_t first = tile->begin % CK_ATTENTION_TILE;
  for (int i = 0; i < CK_ATTENTION_TILE; i++) tile->weights[i] = -__builtin_inff();
  for (int64_t from = 0; from < tile->count; from += 4) {
    vf scores = vmulq_f32(v_four_dots(a, query, tile, from), vdupq_n_f32(a->scale));
    if (a->softcap != 0) scores = v_cap(scores, vdupq_n_f32(a->softcap));
    vm left = v_mask(tile->count - from < 4 ? tile->count - from : 4);
    f_store_rows(tile->weights + first + from, left, scores);
  }
}

// Turns scores into weights; returns the factor for what came before. Absent positions score -inf,
// so their weight is 0, which changes neither maximum nor sum.
CK_INLINE float v_softmax(float *weights, float *maximum, float *sum) {
  vf greatest = vdupq_n_f32(-__builtin_inff());
  for (int i = 0; i < CK_ATTENTION_TILE; i += 4)
    greatest = v_greater(vld1q_f32(weights + i), greatest);
  float top = vmaxvq_f32(greatest), factor = 1;
  if (*sum != 0) {
    top = *maximum > top ? *maximum : top;
    factor = ck_exp(*maximum - top);
  }
  *maximum = top;
  vf acc[4] = {f_zero(), f_zero(), f_zero(), f_zero()};
  for (int i = 0; i < CK_ATTENTION_TILE; i += 16) {
    for (int k = 0; k < 4; k++) {
      vf weight = v_exp(vsubq_f32(vld1q_f32(weights + i + 4 * k), vdupq_n_f32(top)));
      vst1q_f32(weights + i + 4 * k, weight);
      acc[k] = vaddq_f32(acc[k], weight);
    }
  }
  *sum = *sum * factor + v_sum_lanes(acc);
  return factor;
}

// Adds the tile's values to `4 * width` dimensions from `d` on.
CK_INLINE void v_values(const ck_attention *a, float *output, const v_tile *tile, float factor,
                        int64_t d, int width) {
  vf acc[16];
  int64_t first = tile->begin % CK_ATTENTION_TILE;
  for (int w = 0; w < width; w++) {
    acc[w] = vmulq_f32(vld1q_f32(output + d + 4 * w), vdupq_n_f32(factor));
  }
  for (int64_t i = 0; i < tile->count; i++) {
    const uint16_t *value = a->values + tile->rows[i] + d;
    vf weight = vdupq_n_f32(tile->weights[first + i]);
    for (int w = 0; w < width; w++) acc[w] = vfmaq_f32(acc[w], weight, v_load_half(value + 4 * w));
  }
  for (int w = 0; w < width; w++) vst1q_f32(output + d + 4 * w, acc[w]);
}

static void attend_one(const ck_attention *a, const float *query, float *output) {
  v_tile tile;
  float maximum = 0, sum = 0;
  memset(output, 0, (size_t)a->dimension * sizeof(float));
  for (int64_t begin = a->begin; begin < a->end; begin += tile.count) {
    int64_t limit = (begin / CK_ATTENTION_TILE + 1) * CK_ATTENTION_TILE;
    tile.begin = begin;
    tile.count = (limit < a->end ? limit : a->end) - begin;
    for (int64_t i = 0; i < tile.count; i++) {
      int64_t position = begin + i;
      int64_t slot =
          a->slots && position >= a->slots_begin ? a->slots[position - a->slots_begin] : position;
      tile.rows[i] = slot * a->dimension;
    }
    v_scores(a, query, &tile);
    float factor = v_softmax(tile.weights, &maximum, &sum);
    int64_t d = 0;
    for (; d + 64 <= a->dimension; d += 64) v_values(a, output, &tile, factor, d, 16);
    for (; d < a->dimension; d += 16) v_values(a, output, &tile, factor, d, 4);
  }
  vf inverse = vdupq_n_f32(1.0f / sum);
  for (int64_t d = 0; d < a->dimension; d += 4) {
    vst1q_f32(output + d, vmulq_f32(vld1q_f32(output + d), inverse));
  }
}

void ck_neon_attend(const ck_attention *a) {
  if (a->dimension % 16 != 0) {
    ck_scalar_attend(a);
    return;
  }
  for (int64_t g = 0; g < a->group; g++) {
    attend_one(a, a->queries + g * a->dimension, a->output + g * a->dimension);
  }
}
#endif
