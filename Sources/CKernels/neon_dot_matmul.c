// Quantised matrix products with NEON's dot product of bytes, which not every processor has.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_NEON_DOT_SET)
#define CK_NEON_DOT 1
#include "simd_neon.h"
#include "panel_matmul.h"

void ck_neon_dot_matmul(const ck_product *p) { v_matmul(*p); }
CK_END_TARGET
#endif
