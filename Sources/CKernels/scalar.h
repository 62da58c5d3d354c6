// Scalar functions that other files of this target call: pieces of the definitions and fallbacks.
#ifndef PACELINE_SCALAR_H
#define PACELINE_SCALAR_H

#include "kernels.h"

// Lanes j and j + 8, then j and j + 4, j and j + 2, j and j + 1. Overwrites the lanes.
static inline float ck_sum_lanes(float *lanes) {
  for (int width = 8; width > 0; width /= 2) {
    for (int j = 0; j < width; j++) lanes[j] = lanes[j] + lanes[j + width];
  }
  return lanes[0];
}

static inline float ck_exp(float x) {
  // NaN compares false, so it passes both limits.
  if (x < CK_EXP_LOW) x = CK_EXP_LOW;
  if (x > CK_EXP_HIGH) x = CK_EXP_HIGH;
  float shifted = ck_fma(x, CK_EXP_LOG2E, CK_EXP_SHIFTER);
  float n = shifted - CK_EXP_SHIFTER;
  float r = ck_fma(n, -CK_EXP_LN2_HIGH, x);
  r = ck_fma(n, -CK_EXP_LN2_LOW, r);
  float q = ck_fma(CK_EXP_Q4, r, CK_EXP_Q3);
  q = ck_fma(q, r, CK_EXP_Q2);
  q = ck_fma(q, r, CK_EXP_Q1);
  q = ck_fma(q, r, CK_EXP_Q0);
  float p = ck_fma(q, r * r, r) + 1.0f;
  // Two factors, so that neither overflows: the product is rounded once, in the second
  // multiplication.
  int32_t exponent = (int32_t)((ck_bits_of_float(shifted) & 0x7fffffu) - 0x400000u);
  int32_t half = exponent >> 1;
  float first = ck_float_of_bits((uint32_t)(half + 127) << 23);
  float second = ck_float_of_bits((uint32_t)(exponent - half + 127) << 23);
  return p * first * second;
}

static inline float ck_silu(float x) { return x / (1.0f + ck_exp(-x)); }

static inline float ck_gelu(float x) {
  float cubic = ck_fma(CK_GELU_CUBIC * x, x * x, x);
  return x / (1.0f + ck_exp(-(CK_GELU_FACTOR * cubic)));
}

// cap * tanh(x / cap), tanh(y) = (1 - e) / (1 + e) with e = exp(-2 |y|) and y's sign.
static inline float ck_cap(float x, float cap) {
  float y = x / cap;
  float e = ck_exp(-2.0f * ck_float_of_bits(ck_bits_of_float(y) & 0x7fffffffu));
  float magnitude = (1.0f - e) / (1.0f + e);
  uint32_t sign = ck_bits_of_float(y) & 0x80000000u;
  return cap * ck_float_of_bits(ck_bits_of_float(magnitude) | sign);
}

static inline uint16_t ck_half_of_float(float x) {
  uint32_t bits = ck_bits_of_float(x);
  uint32_t sign = (bits >> 16) & 0x8000u;
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { // NaN: quiet, top bits of the payload
    return (uint16_t)(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  }
  if (magnitude >= 0x47800000u) return (uint16_t)(sign | 0x7c00u); // 65,536 and more
  if (magnitude >=
      0x38800000u) { // normal: rebias, add just under half a unit plus the lowest kept bit
    uint32_t rebiased = magnitude - 0x38000000u;
    return (uint16_t)(sign | ((rebiased + 0xfffu + ((rebiased >> 13) & 1u)) >> 13));
  }
  // Subnormal: adding 0.5 leaves the multiple of 2^-24, rounded to nearest even, in the low bits.
  float aligned = ck_float_of_bits(magnitude) + 0.5f;
  return (uint16_t)(sign | (ck_bits_of_float(aligned) - 0x3f000000u));
}

// One block of ck_summarize_blocks.
static inline void ck_summarize_block(const float *x, int64_t count, float *maximum, float *sum,
                                      float *moment) {
  float greatest = -__builtin_inff(), sums[16] = {0}, moments[16] = {0};
  for (int64_t i = 0; i < count; i++) greatest = x[i] > greatest ? x[i] : greatest;
  *maximum = greatest + 0.0f;
  float shift = greatest > -__builtin_inff() ? greatest : 0;
  for (int64_t i = 0; i < count; i++) {
    float distance = x[i] - shift;
    if (distance < CK_EXP_LOW) distance = CK_EXP_LOW;
    float term = ck_exp(distance);
    sums[i % 16] = sums[i % 16] + term;
    moments[i % 16] = ck_fma(distance, term, moments[i % 16]);
  }
  *sum = ck_sum_lanes(sums);
  *moment = ck_sum_lanes(moments);
}

// Nearest integer, ties to even, for magnitudes below 2^22.
static inline int32_t ck_round(float x) { return (int32_t)((x + CK_EXP_SHIFTER) - CK_EXP_SHIFTER); }

void ck_scalar_matmul(const ck_product *p);
void ck_scalar_dequantize(int32_t type, const void *row, int64_t columns, float *output);
void ck_scalar_attend(const ck_attention *a);
void ck_scalar_attend_merge(const float *values, const float *states, int64_t parts, int64_t heads,
                            int64_t dimension, float *output);

#endif
