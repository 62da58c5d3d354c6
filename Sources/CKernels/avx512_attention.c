// Attention with AVX-512; the order of every sum is that of scalar_attention.c.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_AVX512_SET)
#include "simd_avx512.h"

// One tile: its absolute positions [begin, begin + count) and where their rows lie.
typedef struct {
  int64_t begin, count;
  int64_t rows[CK_ATTENTION_TILE];     // first element of the position's key and value
  float weights[4][CK_ATTENTION_TILE]; // of up to four queries, by position modulo the tile
} v_tile;

// Up to four queries that walk the keys and values together.
typedef struct {
  const float *queries;
  float *output;
  float maximum[4], sum[4];
} v_queries;

// Scores of `group` queries for 16 / group positions from `from` on (those past the end repeat the
// last).
CK_INLINE void v_scores(const ck_attention *a, const v_queries *q, v_tile *tile, int64_t from,
                        int group) {
  int positions = group == 3 ? 4 : 16 / group;
  __m512 acc[16];
  for (int i = 0; i < 16; i++) acc[i] = _mm512_setzero_ps();
  const uint16_t *keys[16];
  for (int p = 0; p < positions; p++) {
    int64_t index = from + p < tile->count ? from + p : tile->count - 1;
    keys[p] = a->keys + tile->rows[index];
  }
  for (int64_t d = 0; d < a->dimension; d += 16) {
    __m512 query[4];
    for (int g = 0; g < group; g++) query[g] = _mm512_loadu_ps(q->queries + g * a->dimension + d);
    for (int p = 0; p < positions; p++) {
      __m512 key = v_load_half(keys[p] + d);
      for (int g = 0; g < group; g++) {
        acc[g * positions + p] = _mm512_fmadd_ps(query[g], key, acc[g * positions + p]);
      }
    }
  }
  __m512 scores = _mm512_mul_ps(v_sum_lanes16(acc), _mm512_set1_ps(a->scale));
  if (a->softcap != 0) scores = v_cap(scores, _mm512_set1_ps(a->softcap));
  float values[16];
  _mm512_storeu_ps(values, scores);
  int64_t first = tile->begin % CK_ATTENTION_TILE + from;
  for (int g = 0; g < group; g++) {
    for (int p = 0; p < positions && from + p < tile->count; p++) {
      tile->weights[g][first + p] = values[g * positions + p];
    }
  }
}

// Turns one query's scores into weights; returns the factor for what came before. Absent positions
// score -inf, so their weight is 0, which changes neither maximum nor sum.
CK_INLINE float v_softmax(float *weights, float *maximum, float *sum) {
  __m512 score[4], greatest = _mm512_set1_ps(-__builtin_inff());
  for (int i = 0; i < 4; i++) {
    score[i] = _mm512_loadu_ps(weights + 16 * i);
    greatest = _mm512_max_ps(score[i], greatest);
  }
  float top = _mm512_reduce_max_ps(greatest);
  float factor = 1;
  if (*sum != 0) {
    top = *maximum > top ? *maximum : top;
    factor = ck_exp(*maximum - top);
  }
  *maximum = top;
  __m512 lanes = _mm512_setzero_ps();
  for (int i = 0; i < 4; i++) {
    score[i] = v_exp(_mm512_sub_ps(score[i], _mm512_set1_ps(top)));
    lanes = _mm512_add_ps(lanes, score[i]);
    _mm512_storeu_ps(weights + 16 * i, score[i]);
  }
  *sum = *sum * factor + v_sum_lanes(lanes);
  return factor;
}

// Adds the tile's values to `16 * width` dimensions from `d` on of `group` queries.
CK_INLINE void v_values(const ck_attention *a, v_queries *q, const v_tile *tile,
                        const float *factors, int64_t d, int group, int width) {
  __m512 acc[16];
  for (int g = 0; g < group; g++) {
    for (int w = 0; w < width; w++) {
      __m512 old = _mm512_loadu_ps(q->output + g * a->dimension + d + 16 * w);
      acc[g * width + w] = _mm512_mul_ps(old, _mm512_set1_ps(factors[g]));
    }
  }
  int64_t first = tile->begin % CK_ATTENTION_TILE;
  for (int64_t i = 0; i < tile->count; i++) {
    const uint16_t *value = a->values + tile->rows[i] + d;
    for (int w = 0; w < width; w++) {
      __m512 v = v_load_half(value + 16 * w);
      for (int g = 0; g < group; g++) {
        __m512 weight = _mm512_set1_ps(tile->weights[g][first + i]);
        acc[g * width + w] = _mm512_fmadd_ps(weight, v, acc[g * width + w]);
      }
    }
  }
  for (int g = 0; g < group; g++) {
    for (int w = 0; w < width; w++) {
      _mm512_storeu_ps(q->output + g * a->dimension + d + 16 * w, acc[g * width + w]);
    }
  }
}

CK_INLINE void v_attend_tile(const ck_attention *a, v_queries *q, v_tile *tile, int group) {
  float factors[4];
  int positions = group == 3 ? 4 : 16 / group;
  for (int g = 0; g < group; g++) {
    for (int i = 0; i < 4; i++)
      _mm512_storeu_ps(tile->weights[g] + 16 * i, _mm512_set1_ps(-__builtin_inff()));
  }
  for (int64_t from = 0; from < tile->count; from += positions) v_scores(a, q, tile, from, group);
  for (int g = 0; g < group; g++)
    factors[g] = v_softmax(tile->weights[g], &q->maximum[g], &q->sum[g]);
  int64_t d = 0;
  for (; d + 64 <= a->dimension; d += 64) v_values(a, q, tile, factors, d, group, 4);
  for (; d < a->dimension; d += 16) v_values(a, q, tile, factors, d, group, 1);
}

CK_INLINE void v_attend_group(const ck_attention *a, int64_t head, int group) {
  v_queries q = {a->queries + head * a->dimension, a->output + head * a->dimension, {0}, {0}};
  v_tile tile;
  memset(q.output, 0, (size_t)(group * a->dimension) * sizeof(float));
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
    v_attend_tile(a, &q, &tile, group);
  }
  for (int g = 0; g < group; g++) {
    __m512 inverse = _mm512_set1_ps(1.0f / q.sum[g]);
    for (int64_t d = 0; d < a->dimension; d += 16) {
      float *place = q.output + g * a->dimension + d;
      _mm512_storeu_ps(place, _mm512_mul_ps(_mm512_loadu_ps(place), inverse));
    }
  }
}

static void attend_4(const ck_attention *a, int64_t head) { v_attend_group(a, head, 4); }
static void attend_3(const ck_attention *a, int64_t head) { v_attend_group(a, head, 3); }
static void attend_2(const ck_attention *a, int64_t head) { v_attend_group(a, head, 2); }
static void attend_1(const ck_attention *a, int64_t head) { v_attend_group(a, head, 1); }

void ck_avx512_attend(const ck_attention *a) {
  if (a->dimension % 16 != 0) {
    ck_scalar_attend(a);
    return;
  }
  int64_t head = 0;
  for (; head + 4 <= a->group; head += 4) attend_4(a, head);
  if (a->group - head == 3) attend_3(a, head);
  if (a->group - head == 2) attend_2(a, head);
  if (a->group - head == 1) attend_1(a, head);
}
CK_END_TARGET
#endif
