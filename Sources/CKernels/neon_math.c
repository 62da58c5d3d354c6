// Everything but matrix products and attention, with NEON. What is left after whole registers is
// done one by one.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "kernels.h"
#include "simd_neon.h"

CK_INLINE uint32x4_t v_magnitude_bits(const float *x) {
  return vreinterpretq_u32_f32(vabsq_f32(vld1q_f32(x)));
}

// Greatest magnitude of `count` floats (a multiple of 4), as bits, so that NaN counts as greater
// than infinity.
CK_INLINE uint32_t v_greatest(const float *x, int count) {
  uint32x4_t greatest = v_magnitude_bits(x);
  for (int i = 4; i < count; i += 4) greatest = vmaxq_u32(greatest, v_magnitude_bits(x + i));
  return vmaxvq_u32(greatest);
}

// The inverse scale of a block; see block_scale in scalar_math.c.
CK_INLINE float v_block_scale(uint32_t greatest, float *scale) {
  float amax = ck_float_of_bits(greatest);
  *scale = 0;
  if (greatest >= 0x7f800000u) {
    *scale = __builtin_inff();
  } else if (amax >= CK_QUANTIZE_LEAST) {
    *scale = amax / 127.0f;
    return 127.0f / amax;
  }
  return 0;
}

// 16 floats to integers, stored as bytes; returns their sum. An inverse of 0 gives 0 even for what
// is not finite.
CK_INLINE int32_t v_quantize16(const float *x, float inverse, int8_t *q) {
  vi usable = vdupq_n_s32(inverse == 0 ? 0 : -1);
  int16x4_t words[4];
  for (int k = 0; k < 4; k++) {
    vi rounded = vcvtnq_s32_f32(vmulq_f32(vld1q_f32(x + 4 * k), vdupq_n_f32(inverse)));
    words[k] = vmovn_s32(vandq_s32(usable, rounded));
  }
  int16x8_t low = vcombine_s16(words[0], words[1]), high = vcombine_s16(words[2], words[3]);
  vst1q_s8(q, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
  return vaddlvq_s16(vaddq_s16(low, high));
}

static void quantize32(const float *x, int64_t columns, int8_t *q, float *d, int32_t *s) {
  for (int64_t b = 0; b < columns / 32; b++) {
    float inverse = v_block_scale(v_greatest(x + 32 * b, 32), &d[b]);
    s[b] = v_quantize16(x + 32 * b, inverse, q + 32 * b);
    s[b] += v_quantize16(x + 32 * b + 16, inverse, q + 32 * b + 16);
  }
}

static void quantize256(const float *x, int64_t columns, int8_t *q, float *d, int16_t *s) {
  for (int64_t b = 0; b < columns / 256; b++) {
    float inverse = v_block_scale(v_greatest(x + 256 * b, 256), &d[b]);
    for (int64_t k = 16 * b; k < 16 * b + 16; k++)
      s[k] = (int16_t)v_quantize16(x + 16 * k, inverse, q + 16 * k);
  }
}

static void rms_norm(const float *x, const float *weight, int64_t count, float epsilon,
                     float *output) {
  vf acc[4] = {f_zero(), f_zero(), f_zero(), f_zero()};
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int k = 0; k < 4; k++) {
      vf a = vld1q_f32(x + i + 4 * k);
      acc[k] = vfmaq_f32(acc[k], a, a);
    }
  }
  float lanes[16];
  for (int k = 0; k < 4; k++) vst1q_f32(lanes + 4 * k, acc[k]);
  for (; i < count; i++) lanes[i % 16] = ck_fma(x[i], x[i], lanes[i % 16]);
  float scale = 1.0f / __builtin_sqrtf(ck_sum_lanes(lanes) / (float)count + epsilon);
  for (i = 0; i + 4 <= count; i += 4) {
    vf normal = vmulq_f32(vld1q_f32(x + i), vdupq_n_f32(scale));
    if (weight) normal = vmulq_f32(normal, vld1q_f32(weight + i));
    vst1q_f32(output + i, normal);
  }
  for (; i < count; i++) {
    float normal = x[i] * scale;
    output[i] = weight ? normal * weight[i] : normal;
  }
}

// Four pairs (a, b), turned.
CK_INLINE void v_turn(vf *a, vf *b, const float *cosine, const float *sine) {
  vf c = vld1q_f32(cosine), s = vld1q_f32(sine);
  vf first = vfmaq_f32(vnegq_f32(vmulq_f32(*b, s)), *a, c);
  *b = vfmaq_f32(vmulq_f32(*b, c), *a, s);
  *a = first;
}

static void rotate(float *x, const float *cosine, const float *sine, int64_t dimension,
                   int32_t interleaved) {
  int64_t half = dimension / 2, i = 0;
  for (; i + 4 <= half; i += 4) {
    if (interleaved) {
      float32x4x2_t pairs = vld2q_f32(x + 2 * i);
      v_turn(&pairs.val[0], &pairs.val[1], cosine + i, sine + i);
      vst2q_f32(x + 2 * i, pairs);
    } else {
      vf a = vld1q_f32(x + i), b = vld1q_f32(x + half + i);
      v_turn(&a, &b, cosine + i, sine + i);
      vst1q_f32(x + i, a);
      vst1q_f32(x + half + i, b);
    }
  }
  for (; i < half; i++) {
    float *first = interleaved ? x + 2 * i : x + i;
    float *second = interleaved ? x + 2 * i + 1 : x + i + half;
    float a = *first, b = *second;
    *first = ck_fma(a, cosine[i], -(b * sine[i]));
    *second = ck_fma(a, sine[i], b * cosine[i]);
  }
}

static void silu_multiply(const float *gate, const float *up, int64_t count, float *output) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    vf x = vld1q_f32(gate + i);
    vf silu = vdivq_f32(x, vaddq_f32(vdupq_n_f32(1.0f), v_exp(vnegq_f32(x))));
    vst1q_f32(output + i, vmulq_f32(silu, vld1q_f32(up + i)));
  }
  for (; i < count; i++) output[i] = ck_silu(gate[i]) * up[i];
}

static void gelu_multiply(const float *gate, const float *up, int64_t count, float *output) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    vf x = vld1q_f32(gate + i);
    vf cubic = vfmaq_f32(x, vmulq_f32(vdupq_n_f32(CK_GELU_CUBIC), x), vmulq_f32(x, x));
    vf e = v_exp(vnegq_f32(vmulq_f32(vdupq_n_f32(CK_GELU_FACTOR), cubic)));
    vf gelu = vdivq_f32(x, vaddq_f32(vdupq_n_f32(1.0f), e));
    vst1q_f32(output + i, vmulq_f32(gelu, vld1q_f32(up + i)));
  }
  for (; i < count; i++) output[i] = ck_gelu(gate[i]) * up[i];
}

static void add(float *x, const float *y, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) vst1q_f32(x + i, vaddq_f32(vld1q_f32(x + i), vld1q_f32(y + i)));
  for (; i < count; i++) x[i] = x[i] + y[i];
}

static void scale(float *x, float factor, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) vst1q_f32(x + i, vmulq_f32(vld1q_f32(x + i), vdupq_n_f32(factor)));
  for (; i < count; i++) x[i] = x[i] * factor;
}

static void softcap(float *x, float cap, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) vst1q_f32(x + i, v_cap(vld1q_f32(x + i), vdupq_n_f32(cap)));
  for (; i < count; i++) x[i] = ck_cap(x[i], cap);
}

static void to_half(const float *x, uint16_t *output, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4)
    vst1_u16(output + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x + i))));
  for (; i < count; i++) output[i] = ck_half_of_float(x[i]);
}

static void from_half(const uint16_t *x, float *output, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) vst1q_f32(output + i, v_load_half(x + i));
  for (; i < count; i++) output[i] = ck_float_of_half(x[i]);
}

static float maximum(const float *x, int64_t count) {
  vf m[4];
  for (int k = 0; k < 4; k++) m[k] = vdupq_n_f32(-__builtin_inff());
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int k = 0; k < 4; k++) m[k] = v_greater(vld1q_f32(x + i + 4 * k), m[k]);
  }
  // No NaN is left, so any order will do.
  float greatest = vmaxvq_f32(vmaxq_f32(vmaxq_f32(m[0], m[1]), vmaxq_f32(m[2], m[3])));
  for (; i < count; i++) greatest = x[i] > greatest ? x[i] : greatest;
  return greatest + 0.0f;
}

// 16 bits for each lane of a comparison, lane 0 lowest.
CK_INLINE uint64_t v_bits(uint32x4_t truth) {
  return vget_lane_u64(vreinterpret_u64_u16(vmovn_u32(truth)), 0);
}

static int64_t argmax(const float *x, int64_t count) {
  float greatest = maximum(x, count);
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    uint64_t bits = v_bits(vceqq_f32(vld1q_f32(x + i), vdupq_n_f32(greatest)));
    if (bits) return i + __builtin_ctzll(bits) / 16;
  }
  for (; i < count; i++) {
    if (x[i] == greatest) return i;
  }
  return 0;
}

static float sum_exp(const float *x, float shift, int64_t count, float *terms) {
  vf acc[4] = {f_zero(), f_zero(), f_zero(), f_zero()};
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int k = 0; k < 4; k++) {
      vf term = v_exp(vsubq_f32(vld1q_f32(x + i + 4 * k), vdupq_n_f32(shift)));
      acc[k] = vaddq_f32(acc[k], term);
      if (terms) vst1q_f32(terms + i + 4 * k, term);
    }
  }
  float lanes[16];
  for (int k = 0; k < 4; k++) vst1q_f32(lanes + 4 * k, acc[k]);
  for (; i < count; i++) {
    float term = ck_exp(x[i] - shift);
    lanes[i % 16] = lanes[i % 16] + term;
    if (terms) terms[i] = term;
  }
  return ck_sum_lanes(lanes);
}

static int64_t select_above(const float *x, int64_t count, float threshold, int32_t *indices,
                            int64_t limit) {
  int64_t found = 0, i = 0;
  for (; i + 4 <= count; i += 4) {
    uint64_t bits = v_bits(vcgeq_f32(vld1q_f32(x + i), vdupq_n_f32(threshold)));
    while (bits) {
      int lane = __builtin_ctzll(bits) / 16;
      if (found < limit) indices[found] = (int32_t)i + lane;
      found++;
      bits &= ~(0xffffull << (16 * lane));
    }
  }
  for (; i < count; i++) {
    if (!(x[i] >= threshold)) continue;
    if (found < limit) indices[found] = (int32_t)i;
    found++;
  }
  return found;
}

static void summarize_blocks(const float *x, int64_t count, float *maxima, float *sums,
                             float *moments) {
  for (int64_t b = 0; b * CK_LOGIT_BLOCK < count; b++) {
    const float *block = x + b * CK_LOGIT_BLOCK;
    int64_t left = count - b * CK_LOGIT_BLOCK;
    if (left < CK_LOGIT_BLOCK) {
      ck_summarize_block(block, left, maxima + b, sums + b, moments + b);
      return;
    }
    float greatest = maximum(block, CK_LOGIT_BLOCK);
    vf shift = vdupq_n_f32(greatest > -__builtin_inff() ? greatest : 0);
    vf sum[4] = {f_zero(), f_zero(), f_zero(), f_zero()};
    vf moment[4] = {f_zero(), f_zero(), f_zero(), f_zero()};
    for (int k = 0; k < CK_LOGIT_BLOCK / 4; k++) {
      // vmaxq passes NaN on.
      vf distance = vmaxq_f32(vdupq_n_f32(CK_EXP_LOW), vsubq_f32(vld1q_f32(block + 4 * k), shift));
      vf term = v_exp(distance);
      sum[k % 4] = vaddq_f32(sum[k % 4], term);
      moment[k % 4] = vfmaq_f32(moment[k % 4], distance, term);
    }
    maxima[b] = greatest;
    sums[b] = v_sum_lanes(sum);
    moments[b] = v_sum_lanes(moment);
  }
}

static uint64_t stream_read(const void *memory, int64_t bytes) {
  const uint8_t *p = memory;
  uint64x2_t sum[4];
  for (int k = 0; k < 4; k++) sum[k] = vdupq_n_u64(0);
  int64_t i = 0;
  for (; i + 64 <= bytes; i += 64) {
    for (int k = 0; k < 4; k++) {
      sum[k] = vaddq_u64(sum[k], vreinterpretq_u64_u8(vld1q_u8(p + i + 16 * k)));
    }
  }
  uint64x2_t all = vaddq_u64(vaddq_u64(sum[0], sum[1]), vaddq_u64(sum[2], sum[3]));
  return vaddvq_u64(all) + ck_scalar_functions.stream_read(p + i, bytes - i);
}

void ck_neon_matmul(const ck_product *p);
void ck_neon_attend(const ck_attention *a);
void ck_neon_attend_merge(const float *values, const float *states, int64_t parts, int64_t heads,
                          int64_t dimension, float *output);

void ck_neon_dense(const ck_dense *p);
void ck_neon_depthwise(const ck_depthwise *p);
void ck_neon_sums(const float *x, int64_t count, float *sum, float *squares);
void ck_neon_normalize(const float *x, int64_t count, float scale, float shift,
                       const float *weight, const float *bias, float *y);

const ck_functions ck_neon_functions = {
    .quantize32 = quantize32,
    .quantize256 = quantize256,
    .matmul = ck_neon_matmul,
    .dequantize = ck_scalar_dequantize,
    .rms_norm = rms_norm,
    .rotate = rotate,
    .silu_multiply = silu_multiply,
    .gelu_multiply = gelu_multiply,
    .add = add,
    .scale = scale,
    .softcap = softcap,
    .to_half = to_half,
    .from_half = from_half,
    .attend = ck_neon_attend,
    .attend_merge = ck_neon_attend_merge,
    .argmax = argmax,
    .max = maximum,
    .sum_exp = sum_exp,
    .select_above = select_above,
    .summarize_blocks = summarize_blocks,
    .stream_read = stream_read,
    .dense = ck_neon_dense,
    .depthwise = ck_neon_depthwise,
    .sums = ck_neon_sums,
    .normalize = ck_neon_normalize,
};
#endif
