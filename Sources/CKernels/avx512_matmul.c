// Matrix products with AVX-512 and VNNI: groups of 16 rows, lanes are rows.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_AVX512_SET)
#include "simd_avx512.h"
#include "panel_matmul.h"
#include "avx512_floats.h"

void ck_avx512_matmul(const ck_product *p) {
  switch (p->type) {
  case CK_F32: v_floats_f32(p); break;
  case CK_F16: v_floats_f16(p); break;
  case CK_BF16: v_floats_bf16(p); break;
  default: v_matmul(*p);
  }
}
CK_END_TARGET
#endif
