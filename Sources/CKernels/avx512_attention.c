// Attention with AVX-512; the order of every sum is that of scalar_attention.c.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_AVX512_SET)
#include "simd_avx512.h"

enum { A_LANES = 16, A_QUERIES = 4, A_FEW = 4, A_SCORES = 16, A_WIDTH = 4 };
#define A_CASES A_CASE(1) A_CASE(2) A_CASE(3) A_CASE(4)

CK_INLINE vf a_load(const float *p) { return _mm512_loadu_ps(p); }
CK_INLINE void a_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
CK_INLINE vf a_load_half(const uint16_t *p) { return v_load_half(p); }
CK_INLINE vf a_splat(float x) { return _mm512_set1_ps(x); }
CK_INLINE vf a_add(vf a, vf b) { return _mm512_add_ps(a, b); }
CK_INLINE vf a_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
CK_INLINE vf a_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
CK_INLINE vf a_exp(vf x) { return v_exp(x); }
CK_INLINE vf a_cap(vf x, vf cap) { return v_cap(x, cap); }

CK_INLINE void a_store_halves(float *p, __m256i x) { _mm512_storeu_ps(p, _mm512_cvtph_ps(x)); }
#include "transposed_halves.h"

CK_INLINE void a_scores(const float *const *queries, const uint16_t *const *keys, int64_t dimension,
                        int group, float *scores) {
  int count = group == 3 ? 4 : 16 / group;
  __m512 acc[16];
  for (int i = 0; i < 16; i++) acc[i] = _mm512_setzero_ps();
  for (int64_t d = 0; d < dimension; d += 16) {
    __m512 query[4];
    for (int g = 0; g < group; g++) query[g] = _mm512_loadu_ps(queries[g] + d);
    for (int k = 0; k < count; k++) {
      __m512 key = v_load_half(keys[k] + d);
      for (int g = 0; g < group; g++)
        acc[g * count + k] = _mm512_fmadd_ps(query[g], key, acc[g * count + k]);
    }
  }
  _mm512_storeu_ps(scores, v_sum_lanes16(acc));
}

CK_INLINE float a_greatest(const float *weights) {
  __m512 greatest = _mm512_set1_ps(-__builtin_inff());
  for (int i = 0; i < CK_ATTENTION_TILE; i += 16)
    greatest = _mm512_max_ps(_mm512_loadu_ps(weights + i), greatest);
  return _mm512_reduce_max_ps(greatest);
}

CK_INLINE float a_weights(float *weights, float top) {
  __m512 lanes = _mm512_setzero_ps();
  for (int i = 0; i < CK_ATTENTION_TILE; i += 16) {
    __m512 x = v_exp(_mm512_sub_ps(_mm512_loadu_ps(weights + i), _mm512_set1_ps(top)));
    lanes = _mm512_add_ps(lanes, x);
    _mm512_storeu_ps(weights + i, x);
  }
  return v_sum_lanes(lanes);
}

#include "tiled_attention.h"

void ck_avx512_attend(const ck_attention *a) { a_attend(a); }

void ck_avx512_attend_merge(const float *values, const float *states, int64_t parts, int64_t heads,
                            int64_t dimension, float *output) {
  a_merge(values, states, parts, heads, dimension, output);
}
CK_END_TARGET
#endif
