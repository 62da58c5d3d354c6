// Matrix products with AVX-512 and VNNI: groups of 16 rows, lanes are rows.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_AVX512_SET)
#include "simd_avx512.h"
#include "panel_matmul.h"
#include "avx512_floats.h"

void ck_avx512_matmul(int32_t type, const void *weight, int64_t row_begin, int64_t row_end,
                      const ck_rows *x, int64_t tokens, float *output, int64_t stride) {
  switch (type) {
  case CK_F32: v_floats_f32(weight, row_begin, row_end, x, tokens, output, stride); break;
  case CK_F16: v_floats_f16(weight, row_begin, row_end, x, tokens, output, stride); break;
  case CK_BF16: v_floats_bf16(weight, row_begin, row_end, x, tokens, output, stride); break;
  default: v_matmul(type, (v_product){weight, x, tokens, output, stride}, row_begin, row_end);
  }
}
CK_END_TARGET
#endif
