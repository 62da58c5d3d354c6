// Feature maps with AVX2.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_AVX2_SET)
#include "simd_avx2.h"

enum { M_HEIGHT = 6 };
#include "feature_maps.h"

void ck_avx2_dense(const ck_dense *p) { m_dense(p); }
void ck_avx2_depthwise(const ck_depthwise *p) { m_depthwise(p); }
void ck_avx2_sums(const float *x, int64_t count, float *sum, float *squares) {
  m_sums(x, count, sum, squares);
}
void ck_avx2_normalize(const float *x, int64_t count, float scale, float shift,
                         const float *weight, const float *bias, float *y) {
  m_normalize(x, count, scale, shift, weight, bias, y);
}
CK_END_TARGET
#endif
