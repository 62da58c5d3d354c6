// Attention with AVX2; the order of every sum is that of scalar_attention.c.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_AVX2_SET)
#include "simd_avx2.h"

// One tile: its absolute positions [begin, begin + count) and where their rows lie.
typedef struct {
  int64_t begin, count;
  int64_t rows[CK_ATTENTION_TILE];  // first element of the position's key and value
  float weights[CK_ATTENTION_TILE]; // of one query, by position modulo the tile
} v_tile;

// Lanes j + (j + 8) of the dot products of one query with four positions (those past the end repeat
// the last).
CK_INLINE void v_four_dots(const ck_attention *a, const float *query, const v_tile *tile,
                           int64_t from, vf sums[4]) {
  vf low[4], high[4];
  const uint16_t *keys[4];
  for (int p = 0; p < 4; p++) {
    int64_t index = from + p < tile->count ? from + p : tile->count - 1;
    keys[p] = a->keys + tile->rows[index];
    low[p] = high[p] = _mm256_setzero_ps();
  }
  for (int64_t d = 0; d < a->dimension; d += 16) {
    vf first = _mm256_loadu_ps(query + d), second = _mm256_loadu_ps(query + d + 8);
    for (int p = 0; p < 4; p++) {
      low[p] = _mm256_fmadd_ps(first, v_load_half(keys[p] + d), low[p]);
      high[p] = _mm256_fmadd_ps(second, v_load_half(keys[p] + d + 8), high[p]);
    }
  }
  for (int p = 0; p < 4; p++) sums[p] = _mm256_add_ps(low[p], high[p]);
}

CK_INLINE void v_scores(const ck_attention *a, const float *query, v_tile *tile) {
  int64_t first = tile->begin % CK_ATTENTION_TILE;
  for (int i = 0; i < CK_ATTENTION_TILE; i++) tile->weights[i] = -__builtin_inff();
  for (int64_t from = 0; from < tile->count; from += 8) {
    vf sums[8];
    v_four_dots(a, query, tile, from, sums);
    v_four_dots(a, query, tile, from + 4, sums + 4);
    vf scores = _mm256_mul_ps(v_sum_lanes8(sums), _mm256_set1_ps(a->scale));
    if (a->softcap != 0) scores = v_cap(scores, _mm256_set1_ps(a->softcap));
    vm left = v_mask(tile->count - from < 8 ? tile->count - from : 8);
    _mm256_maskstore_ps(tile->weights + first + from, left, scores);
  }
}

// Turns scores into weights; returns the factor for what came before. Absent positions score -inf,
// so their weight is 0, which changes neither maximum nor sum.
CK_INLINE float v_softmax(float *weights, float *maximum, float *sum) {
  float top = -__builtin_inff(), factor = 1;
  vf greatest = _mm256_set1_ps(top);
  for (int i = 0; i < CK_ATTENTION_TILE; i += 8)
    greatest = _mm256_max_ps(_mm256_loadu_ps(weights + i), greatest);
  float lanes[8];
  _mm256_storeu_ps(lanes, greatest);
  for (int i = 0; i < 8; i++) top = lanes[i] > top ? lanes[i] : top;
  if (*sum != 0) {
    top = *maximum > top ? *maximum : top;
    factor = ck_exp(*maximum - top);
  }
  *maximum = top;
  vf low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
  for (int i = 0; i < CK_ATTENTION_TILE; i += 16) {
    vf first = v_exp(_mm256_sub_ps(_mm256_loadu_ps(weights + i), _mm256_set1_ps(top)));
    vf second = v_exp(_mm256_sub_ps(_mm256_loadu_ps(weights + i + 8), _mm256_set1_ps(top)));
    _mm256_storeu_ps(weights + i, first);
    _mm256_storeu_ps(weights + i + 8, second);
    low = _mm256_add_ps(low, first);
    high = _mm256_add_ps(high, second);
  }
  *sum = *sum * factor + v_sum_lanes(_mm256_add_ps(low, high));
  return factor;
}

// Adds the tile's values to `8 * width` dimensions from `d` on.
CK_INLINE void v_values(const ck_attention *a, float *output, const v_tile *tile, float factor,
                        int64_t d, int width) {
  vf acc[8];
  int64_t first = tile->begin % CK_ATTENTION_TILE;
  for (int w = 0; w < width; w++) {
    acc[w] = _mm256_mul_ps(_mm256_loadu_ps(output + d + 8 * w), _mm256_set1_ps(factor));
  }
  for (int64_t i = 0; i < tile->count; i++) {
    const uint16_t *value = a->values + tile->rows[i] + d;
    vf weight = _mm256_set1_ps(tile->weights[first + i]);
    for (int w = 0; w < width; w++)
      acc[w] = _mm256_fmadd_ps(weight, v_load_half(value + 8 * w), acc[w]);
  }
  for (int w = 0; w < width; w++) _mm256_storeu_ps(output + d + 8 * w, acc[w]);
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
    for (; d + 64 <= a->dimension; d += 64) v_values(a, output, &tile, factor, d, 8);
    for (; d < a->dimension; d += 16) v_values(a, output, &tile, factor, d, 2);
  }
  vf inverse = _mm256_set1_ps(1.0f / sum);
  for (int64_t d = 0; d < a->dimension; d += 8) {
    _mm256_storeu_ps(output + d, _mm256_mul_ps(_mm256_loadu_ps(output + d), inverse));
  }
}

void ck_avx2_attend(const ck_attention *a) {
  if (a->dimension % 16 != 0) {
    ck_scalar_attend(a);
    return;
  }
  for (int64_t g = 0; g < a->group; g++) {
    attend_one(a, a->queries + g * a->dimension, a->output + g * a->dimension);
  }
}
CK_END_TARGET
#endif
