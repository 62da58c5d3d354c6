// The rate of integer products in registers: for each instruction set the instructions that its
// quantised matrix products consist of, without the loads and the unpacking.
//
// A step multiplies lanes that repeat 16 small weights and 16 activations. Both pass through an
// empty assembler statement before each use, so that no compiler folds or hoists a product.
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif
#endif

// Weights of at most 15 allow most additions in 16 bits where a set needs them: 8 pairs stay below
// 2^15.
enum { RUN = 8 };
static const uint8_t weights[16] = {3, 14, 1, 15, 9, 2, 6, 5, 0, 8, 12, 7, 13, 4, 11, 10};
static const int8_t activations[16] = {127, -31, 64,  -127, 5,  99,  -88, 0,
                                       17,  -64, 111, -2,   76, -45, 33,  -119};

// Chains of dependent sums: enough to cover the latency of the instruction that adds to them.
enum { AVX512_CHAINS = 12, AVX2_CHAINS = 4, NEON_DOT_CHAINS = 12, NEON_CHAINS = 4 };

static uint32_t scalar_products(int64_t steps) {
  const uint8_t *w = weights;
  const int8_t *a = activations;
  uint32_t total = 0;
  for (int64_t step = 0; step < steps; step++) {
    __asm__ volatile("" : "+r"(w), "+r"(a));
    int32_t sum = 0;
    for (int j = 0; j < 16; j++) sum += (int32_t)w[j] * a[j];
    total += (uint32_t)sum;
  }
  return total;
}

#if defined(__x86_64__)
CK_BEGIN_TARGET(CK_AVX512_SET)
CK_INLINE __m512i opaque512(__m512i x) {
  __asm__ volatile("" : "+v"(x));
  return x;
}

static uint32_t avx512_products(int64_t steps) {
  __m512i w = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)weights));
  __m512i a = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)activations));
  __m512i sum[AVX512_CHAINS];
  for (int c = 0; c < AVX512_CHAINS; c++) sum[c] = _mm512_setzero_si512();
  for (int64_t step = 0; step < steps; step++) {
    w = opaque512(w);
    for (int c = 0; c < AVX512_CHAINS; c++) {
      sum[c] = opaque512(_mm512_dpbusd_epi32(sum[c], w, a));
    }
  }
  for (int c = 1; c < AVX512_CHAINS; c++) sum[0] = _mm512_add_epi32(sum[0], sum[c]);
  return (uint32_t)_mm512_reduce_add_epi32(sum[0]);
}
CK_END_TARGET

CK_BEGIN_TARGET(CK_AVX2_SET)
CK_INLINE __m256i opaque256(__m256i x) {
  __asm__ volatile("" : "+x"(x));
  return x;
}

static uint32_t avx2_products(int64_t steps) {
  __m256i w = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)weights));
  __m256i a = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)activations));
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sum[AVX2_CHAINS];
  for (int c = 0; c < AVX2_CHAINS; c++) sum[c] = _mm256_setzero_si256();
  for (int64_t step = 0; step < steps; step++) {
    __m256i part[AVX2_CHAINS];
    for (int c = 0; c < AVX2_CHAINS; c++) part[c] = _mm256_setzero_si256();
    for (int k = 0; k < RUN; k++) {
      for (int c = 0; c < AVX2_CHAINS; c++) {
        w = opaque256(w);
        part[c] = _mm256_add_epi16(part[c], _mm256_maddubs_epi16(w, a));
      }
    }
    for (int c = 0; c < AVX2_CHAINS; c++) {
      sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(part[c], ones));
    }
  }
  for (int c = 1; c < AVX2_CHAINS; c++) sum[0] = _mm256_add_epi32(sum[0], sum[c]);
  uint32_t lanes[8], total = 0;
  _mm256_storeu_si256((__m256i *)lanes, sum[0]);
  for (int i = 0; i < 8; i++) total += lanes[i];
  return total;
}
CK_END_TARGET

#elif defined(__aarch64__)
static int has_dot(void) {
#if defined(__ARM_FEATURE_DOTPROD)
  return 1;
#elif defined(__linux__)
  return (getauxval(AT_HWCAP) & (1ul << 20)) != 0; // HWCAP_ASIMDDP
#else
  return 0;
#endif
}

CK_INLINE int8x16_t opaque128(int8x16_t x) {
  __asm__ volatile("" : "+w"(x));
  return x;
}

CK_BEGIN_TARGET(CK_NEON_DOT_SET)
static uint32_t neon_dot_products(int64_t steps) {
  int8x16_t w = vld1q_s8((const int8_t *)weights), a = vld1q_s8(activations);
  int32x4_t sum[NEON_DOT_CHAINS];
  for (int c = 0; c < NEON_DOT_CHAINS; c++) sum[c] = vdupq_n_s32(0);
  for (int64_t step = 0; step < steps; step++) {
    for (int c = 0; c < NEON_DOT_CHAINS; c++) {
      __asm__ volatile("" : "+w"(w));
      sum[c] = vdotq_s32(sum[c], w, a);
    }
  }
  for (int c = 1; c < NEON_DOT_CHAINS; c++) sum[0] = vaddq_s32(sum[0], sum[c]);
  return (uint32_t)vaddvq_s32(sum[0]);
}
CK_END_TARGET

static uint32_t neon_products(int64_t steps) {
  int8x16_t w = vld1q_s8((const int8_t *)weights), a = vld1q_s8(activations);
  int32x4_t sum[NEON_CHAINS];
  for (int c = 0; c < NEON_CHAINS; c++) sum[c] = vdupq_n_s32(0);
  for (int64_t step = 0; step < steps; step++) {
    int16x8_t low[NEON_CHAINS], high[NEON_CHAINS];
    for (int c = 0; c < NEON_CHAINS; c++) low[c] = high[c] = vdupq_n_s16(0);
    for (int k = 0; k < RUN; k++) {
      for (int c = 0; c < NEON_CHAINS; c++) {
        w = opaque128(w);
        low[c] = vmlal_s8(low[c], vget_low_s8(w), vget_low_s8(a));
        high[c] = vmlal_high_s8(high[c], w, a);
      }
    }
    for (int c = 0; c < NEON_CHAINS; c++) {
      sum[c] = vpadalq_s16(sum[c], vpaddq_s16(low[c], high[c]));
    }
  }
  for (int c = 1; c < NEON_CHAINS; c++) sum[0] = vaddq_s32(sum[0], sum[c]);
  return (uint32_t)vaddvq_s32(sum[0]);
}
#endif

int64_t ck_integer_products_per_step(int32_t isa) {
#if defined(__x86_64__)
  if (isa == CK_AVX512) return AVX512_CHAINS * 64;
  if (isa == CK_AVX2) return AVX2_CHAINS * RUN * 32;
#elif defined(__aarch64__)
  if (isa == CK_NEON) return has_dot() ? NEON_DOT_CHAINS * 16 : NEON_CHAINS * RUN * 16;
#endif
  (void)isa;
  return 16;
}

uint32_t ck_integer_products(int32_t isa, int64_t steps) {
#if defined(__x86_64__)
  if (isa == CK_AVX512) return avx512_products(steps);
  if (isa == CK_AVX2) return avx2_products(steps);
#elif defined(__aarch64__)
  if (isa == CK_NEON) return has_dot() ? neon_dot_products(steps) : neon_products(steps);
#endif
  (void)isa;
  return scalar_products(steps);
}
