// Feature maps with NEON.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "kernels.h"

#include "simd_neon.h"

enum { M_HEIGHT = 8 };
#include "feature_maps.h"

void ck_neon_dense(const ck_dense *p) { m_dense(p); }
void ck_neon_depthwise(const ck_depthwise *p) { m_depthwise(p); }
void ck_neon_sums(const float *x, int64_t count, float *sum, float *squares) {
  m_sums(x, count, sum, squares);
}
void ck_neon_normalize(const float *x, int64_t count, float scale, float shift,
                         const float *weight, const float *bias, float *y) {
  m_normalize(x, count, scale, shift, weight, bias, y);
}
#endif
