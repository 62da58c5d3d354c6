// What the files of this target share: the table of one instruction set's functions and small
// scalar helpers.
#ifndef PACELINE_KERNELS_H
#define PACELINE_KERNELS_H

#include <string.h>

#include "include/ckernels.h"

// Results must not depend on what a compiler finds worth fusing: only explicit fma calls fuse.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

// Functions between BEGIN and END may use these instructions; the rest of the target stays
// portable.
#define CK_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define CK_BEGIN_TARGET(set)                                                                       \
  CK_PRAGMA(clang attribute push(__attribute__((target(set))), apply_to = function))
#define CK_END_TARGET CK_PRAGMA(clang attribute pop)
#elif defined(__GNUC__)
#define CK_BEGIN_TARGET(set) CK_PRAGMA(GCC push_options) CK_PRAGMA(GCC target(set))
#define CK_END_TARGET CK_PRAGMA(GCC pop_options)
#endif
#define CK_AVX2_SET "avx2,fma,f16c"
#define CK_AVX512_SET "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"
#define CK_NEON_DOT_SET "arch=armv8.2-a+dotprod"
#define CK_INLINE static inline __attribute__((always_inline))

// One instruction set. Contracts are those of the ck_ functions of the same names; ck_quantize32 adds
// the scaled sums itself.
typedef struct {
  void (*quantize32)(const float *, int64_t, int8_t *, float *, int32_t *);
  void (*quantize256)(const float *, int64_t, int8_t *, float *, int16_t *);
  void (*matmul)(const ck_product *);
  void (*dequantize)(int32_t, const void *, int64_t, float *);
  void (*rms_norm)(const float *, const float *, int64_t, float, float *);
  void (*rotate)(float *, const float *, const float *, int64_t, int32_t);
  void (*silu_multiply)(const float *, const float *, int64_t, float *);
  void (*gelu_multiply)(const float *, const float *, int64_t, float *);
  void (*add)(float *, const float *, int64_t);
  void (*scale)(float *, float, int64_t);
  void (*softcap)(float *, float, int64_t);
  void (*to_half)(const float *, uint16_t *, int64_t);
  void (*from_half)(const uint16_t *, float *, int64_t);
  void (*attend)(const ck_attention *);
  void (*attend_merge)(const float *, const float *, int64_t, int64_t, int64_t, float *);
  int64_t (*argmax)(const float *, int64_t);
  float (*max)(const float *, int64_t);
  float (*sum_exp)(const float *, float, int64_t, float *);
  int64_t (*select_above)(const float *, int64_t, float, int32_t *, int64_t);
  void (*summarize_blocks)(const float *, int64_t, float *, float *, float *);
  uint64_t (*stream_read)(const void *, int64_t);
  void (*dense)(const ck_dense *);
  void (*depthwise)(const ck_depthwise *);
  void (*sums)(const float *, int64_t, float *, float *);
  void (*normalize)(const float *, int64_t, float, float, const float *, const float *, float *);
} ck_functions;

extern const ck_functions ck_scalar_functions;
#if defined(__x86_64__)
extern const ck_functions ck_avx2_functions;
extern const ck_functions ck_avx512_functions;
#elif defined(__aarch64__)
extern const ck_functions ck_neon_functions;
#endif

// Shape of a format: columns and bytes of a block, and which activations it multiplies with.
typedef struct {
  int32_t columns;
  int32_t bytes;
} ck_block_shape;
ck_block_shape ck_shape(int32_t type);

// A block of 32 as integers: value = d * (q - zero) + m.
typedef struct {
  uint8_t q[32];
  int32_t zero;
  int32_t has_minimum;
  float d, m;
} ck_block32;
void ck_unpack32(int32_t type, const uint8_t *block, ck_block32 *out);

// A block of 256 as integers, with a scale and a minimum for each 16 columns:
// value = d * scale * q - dmin * minimum.
typedef struct {
  int8_t q[256];
  int32_t scale[16];
  int32_t minimum[16];
  int32_t has_minimum;
  float d, dmin;
} ck_block256;
void ck_unpack256(int32_t type, const uint8_t *block, ck_block256 *out);

static inline uint16_t ck_load16(const void *p) {
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline uint32_t ck_load32(const void *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline float ck_float_of_bits(uint32_t bits) {
  float v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

static inline uint32_t ck_bits_of_float(float v) {
  uint32_t bits;
  memcpy(&bits, &v, sizeof bits);
  return bits;
}

static inline float ck_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

// Exact; a signalling NaN becomes quiet, as the processor's instruction makes it.
static inline float ck_float_of_half(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
  uint32_t exponent = (h >> 10) & 31u;
  uint32_t mantissa = h & 0x3ffu;
  if (exponent == 31) {
    return ck_float_of_bits(sign | 0x7f800000u | (mantissa << 13) | (mantissa ? 0x400000u : 0));
  }
  if (exponent == 0) {
    float magnitude = (float)mantissa * 0x1p-24f;
    return ck_float_of_bits(sign | ck_bits_of_float(magnitude));
  }
  return ck_float_of_bits(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

static inline float ck_float_of_bfloat(uint16_t b) { return ck_float_of_bits((uint32_t)b << 16); }

// The positions [begin, end) that row `row` attends to; empty where end <= begin.
static inline void ck_attended(const ck_attention *a, int64_t row, int64_t *begin, int64_t *end) {
  int64_t position = a->positions ? a->positions[row] : a->position + row;
  int64_t first = a->window > 0 ? position + 1 - a->window : 0;
  *begin = first > a->begin ? first : a->begin;
  *end = position < a->end ? position + 1 : a->end;
}

// The constants of exp: x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) = 1 + r + r^2 q(r).
//
// `shifter` (1.5 * 2^23) rounds to the nearest integer, ties to even, and leaves it in the low
// bits. Below `low` the result is 0, above `high` it is infinite.
#define CK_EXP_LOW (-105.0f)
#define CK_EXP_HIGH (89.0f)
#define CK_EXP_SHIFTER (12582912.0f)
#define CK_EXP_LOG2E (1.44269504088896341f)
#define CK_EXP_LN2_HIGH (0.693145752f)
#define CK_EXP_LN2_LOW (1.42860677e-06f)
#define CK_EXP_Q0 (0.5f)
#define CK_EXP_Q1 (0.16666576f)
#define CK_EXP_Q2 (0.041666463f)
#define CK_EXP_Q3 (0.008363192f)
#define CK_EXP_Q4 (0.0013933667f)

// GELU's tanh form is x * sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)).
#define CK_GELU_CUBIC (0.044715f)
#define CK_GELU_FACTOR (1.59576912f)

// A block whose greatest magnitude lies below this is quantised to zero (its inverse scale would be
// infinite).
#define CK_QUANTIZE_LEAST (0x1p-118f)

#endif
