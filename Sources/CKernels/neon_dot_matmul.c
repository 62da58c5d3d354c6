// Quantised matrix products with NEON's dot product of bytes, which not every processor has.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_NEON_DOT_SET)
#define CK_NEON_DOT 1
#include "simd_neon.h"
#include "panel_matmul.h"

void ck_neon_dot_matmul(int32_t type, const void *weight, int64_t row_begin, int64_t row_end,
                        const ck_rows *x, int64_t tokens, float *output, int64_t stride) {
  v_matmul(type, (v_product){weight, x, tokens, output, stride}, row_begin, row_end);
}
CK_END_TARGET
#endif
