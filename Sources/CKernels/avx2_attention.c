// Attention with AVX2; the order of every sum is that of scalar_attention.c.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_AVX2_SET)
#include "simd_avx2.h"

enum { A_LANES = 8, A_QUERIES = 2, A_FEW = 3, A_SCORES = 8, A_WIDTH = 4 };
#define A_CASES A_CASE(1) A_CASE(2) A_CASE(3)

CK_INLINE vf a_load(const float *p) { return _mm256_loadu_ps(p); }
CK_INLINE void a_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
CK_INLINE vf a_load_half(const uint16_t *p) { return v_load_half(p); }
CK_INLINE vf a_splat(float x) { return _mm256_set1_ps(x); }
CK_INLINE vf a_add(vf a, vf b) { return _mm256_add_ps(a, b); }
CK_INLINE vf a_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
CK_INLINE vf a_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
CK_INLINE vf a_exp(vf x) { return v_exp(x); }
CK_INLINE vf a_cap(vf x, vf cap) { return v_cap(x, cap); }

CK_INLINE void a_store_halves(float *p, __m256i x) {
  _mm256_storeu_ps(p, _mm256_cvtph_ps(_mm256_castsi256_si128(x)));
  _mm256_storeu_ps(p + 8, _mm256_cvtph_ps(_mm256_extracti128_si256(x, 1)));
}
#include "transposed_halves.h"

// Four products at a time, or all six of three queries with two keys: lanes j and j + 8 of each
// take two registers.
CK_INLINE void a_scores(const float *const *queries, const uint16_t *const *keys, int64_t dimension,
                        int group, float *scores) {
  int count = group == 3 ? 2 : 8 / group, part = group == 3 ? 2 : 4 / group;
  vf sums[8];
  for (int i = group * count; i < 8; i++) sums[i] = _mm256_setzero_ps();
  for (int from = 0; from < count; from += part) {
    vf low[6], high[6];
    for (int i = 0; i < group * part; i++) low[i] = high[i] = _mm256_setzero_ps();
    for (int64_t d = 0; d < dimension; d += 16) {
      for (int k = 0; k < part; k++) {
        const uint16_t *key = keys[from + k] + d;
        vf first = v_load_half(key), second = v_load_half(key + 8);
        for (int g = 0; g < group; g++) {
          int i = g * part + k;
          low[i] = _mm256_fmadd_ps(_mm256_loadu_ps(queries[g] + d), first, low[i]);
          high[i] = _mm256_fmadd_ps(_mm256_loadu_ps(queries[g] + d + 8), second, high[i]);
        }
      }
    }
    for (int g = 0; g < group; g++) {
      for (int k = 0; k < part; k++)
        sums[g * count + from + k] = _mm256_add_ps(low[g * part + k], high[g * part + k]);
    }
  }
  _mm256_storeu_ps(scores, v_sum_lanes8(sums));
}

CK_INLINE float a_greatest(const float *weights) {
  vf greatest = _mm256_set1_ps(-__builtin_inff());
  for (int i = 0; i < CK_ATTENTION_TILE; i += 8)
    greatest = _mm256_max_ps(_mm256_loadu_ps(weights + i), greatest);
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(greatest), _mm256_extractf128_ps(greatest, 1));
  four = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

CK_INLINE float a_weights(float *weights, float top) {
  vf low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
  for (int i = 0; i < CK_ATTENTION_TILE; i += 16) {
    vf first = v_exp(_mm256_sub_ps(_mm256_loadu_ps(weights + i), _mm256_set1_ps(top)));
    vf second = v_exp(_mm256_sub_ps(_mm256_loadu_ps(weights + i + 8), _mm256_set1_ps(top)));
    _mm256_storeu_ps(weights + i, first);
    _mm256_storeu_ps(weights + i + 8, second);
    low = _mm256_add_ps(low, first);
    high = _mm256_add_ps(high, second);
  }
  return v_sum_lanes(_mm256_add_ps(low, high));
}

#include "tiled_attention.h"

void ck_avx2_attend(const ck_attention *a) { a_attend(a); }

void ck_avx2_attend_merge(const float *values, const float *states, int64_t parts, int64_t heads,
                          int64_t dimension, float *output) {
  a_merge(values, states, parts, heads, dimension, output);
}
CK_END_TARGET
#endif
