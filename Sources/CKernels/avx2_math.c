// Everything but matrix products and attention, with AVX2. What is left after whole registers is
// done one by one.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_AVX2_SET)
#include "simd_avx2.h"

CK_INLINE vi v_magnitude_bits(const float *x) {
  return _mm256_castps_si256(v_magnitude(_mm256_loadu_ps(x)));
}

// Greatest magnitude of `count` floats (a multiple of 8), as bits, so that NaN counts as greater
// than infinity.
CK_INLINE uint32_t v_greatest(const float *x, int count) {
  vi greatest = v_magnitude_bits(x);
  for (int i = 8; i < count; i += 8) greatest = _mm256_max_epi32(greatest, v_magnitude_bits(x + i));
  __m128i four =
      _mm_max_epi32(_mm256_castsi256_si128(greatest), _mm256_extracti128_si256(greatest, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return (uint32_t)_mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
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
  vi usable = _mm256_set1_epi32(inverse == 0 ? 0 : -1);
  vf factor = _mm256_set1_ps(inverse);
  vi a = _mm256_and_si256(usable, _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), factor)));
  vi b =
      _mm256_and_si256(usable, _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8), factor)));
  vi words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
  __m128i low = _mm256_castsi256_si128(words), high = _mm256_extracti128_si256(words, 1);
  _mm_storeu_si128((__m128i *)q, _mm_packs_epi16(low, high));
  __m128i sums = _mm_madd_epi16(_mm_add_epi16(low, high), _mm_set1_epi16(1));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0xb1)));
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
  vf low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    vf a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + i + 8);
    low = _mm256_fmadd_ps(a, a, low);
    high = _mm256_fmadd_ps(b, b, high);
  }
  float lanes[16];
  _mm256_storeu_ps(lanes, low);
  _mm256_storeu_ps(lanes + 8, high);
  for (; i < count; i++) lanes[i % 16] = ck_fma(x[i], x[i], lanes[i % 16]);
  float scale = 1.0f / __builtin_sqrtf(ck_sum_lanes(lanes) / (float)count + epsilon);
  for (i = 0; i + 8 <= count; i += 8) {
    vf normal = _mm256_mul_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(scale));
    if (weight) normal = _mm256_mul_ps(normal, _mm256_loadu_ps(weight + i));
    _mm256_storeu_ps(output + i, normal);
  }
  for (; i < count; i++) {
    float normal = x[i] * scale;
    output[i] = weight ? normal * weight[i] : normal;
  }
}

// Neighbouring pairs: swapping a with b gives both products of a pair in one register.
CK_INLINE int64_t v_rotate_pairs(float *x, const float *cosine, const float *sine, int64_t half) {
  int64_t i = 0;
  const vi twice = _mm256_set_epi32(3, 3, 2, 2, 1, 1, 0, 0);
  for (; i + 4 <= half; i += 4) {
    vf c = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(cosine + i)), twice);
    vf s = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(sine + i)), twice);
    vf values = _mm256_loadu_ps(x + 2 * i), swapped = _mm256_permute_ps(values, 0xb1);
    vf first = _mm256_fmsub_ps(values, c, _mm256_mul_ps(swapped, s));
    vf second = _mm256_fmadd_ps(swapped, s, _mm256_mul_ps(values, c));
    _mm256_storeu_ps(x + 2 * i, _mm256_blend_ps(first, second, 0xaa));
  }
  return i;
}

CK_INLINE int64_t v_rotate_halves(float *x, const float *cosine, const float *sine, int64_t half) {
  int64_t i = 0;
  for (; i + 8 <= half; i += 8) {
    vf a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + half + i);
    vf c = _mm256_loadu_ps(cosine + i), s = _mm256_loadu_ps(sine + i);
    _mm256_storeu_ps(x + i, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
    _mm256_storeu_ps(x + half + i, _mm256_fmadd_ps(a, s, _mm256_mul_ps(b, c)));
  }
  return i;
}

static void rotate(float *x, const float *cosine, const float *sine, int64_t dimension,
                   int32_t interleaved) {
  int64_t half = dimension / 2;
  int64_t i =
      interleaved ? v_rotate_pairs(x, cosine, sine, half) : v_rotate_halves(x, cosine, sine, half);
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
  for (; i + 8 <= count; i += 8) {
    vf x = _mm256_loadu_ps(gate + i);
    vf silu = _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0f), v_exp(v_negate(x))));
    _mm256_storeu_ps(output + i, _mm256_mul_ps(silu, _mm256_loadu_ps(up + i)));
  }
  for (; i < count; i++) output[i] = ck_silu(gate[i]) * up[i];
}

static void gelu_multiply(const float *gate, const float *up, int64_t count, float *output) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    vf x = _mm256_loadu_ps(gate + i);
    vf cubic =
        _mm256_fmadd_ps(_mm256_mul_ps(_mm256_set1_ps(CK_GELU_CUBIC), x), _mm256_mul_ps(x, x), x);
    vf e = v_exp(v_negate(_mm256_mul_ps(_mm256_set1_ps(CK_GELU_FACTOR), cubic)));
    vf gelu = _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0f), e));
    _mm256_storeu_ps(output + i, _mm256_mul_ps(gelu, _mm256_loadu_ps(up + i)));
  }
  for (; i < count; i++) output[i] = ck_gelu(gate[i]) * up[i];
}

static void add(float *x, const float *y, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    _mm256_storeu_ps(x + i, _mm256_add_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i)));
  }
  for (; i < count; i++) x[i] = x[i] + y[i];
}

static void scale(float *x, float factor, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    _mm256_storeu_ps(x + i, _mm256_mul_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(factor)));
  }
  for (; i < count; i++) x[i] = x[i] * factor;
}

static void softcap(float *x, float cap, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    _mm256_storeu_ps(x + i, v_cap(_mm256_loadu_ps(x + i), _mm256_set1_ps(cap)));
  for (; i < count; i++) x[i] = ck_cap(x[i], cap);
}

static void to_half(const float *x, uint16_t *output, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128((__m128i *)(output + i), halves);
  }
  for (; i < count; i++) output[i] = ck_half_of_float(x[i]);
}

static void from_half(const uint16_t *x, float *output, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) _mm256_storeu_ps(output + i, v_load_half(x + i));
  for (; i < count; i++) output[i] = ck_float_of_half(x[i]);
}

// `max` takes its second operand where the first is NaN, so NaN never gets into the maxima.
static float maximum(const float *x, int64_t count) {
  vf m[4];
  for (int k = 0; k < 4; k++) m[k] = _mm256_set1_ps(-__builtin_inff());
  int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    for (int k = 0; k < 4; k++) m[k] = _mm256_max_ps(_mm256_loadu_ps(x + i + 8 * k), m[k]);
  }
  float lanes[8], greatest = -__builtin_inff();
  _mm256_storeu_ps(lanes, _mm256_max_ps(_mm256_max_ps(m[0], m[1]), _mm256_max_ps(m[2], m[3])));
  for (int k = 0; k < 8; k++) greatest = lanes[k] > greatest ? lanes[k] : greatest;
  for (; i < count; i++) greatest = x[i] > greatest ? x[i] : greatest;
  return greatest + 0.0f;
}

static int64_t argmax(const float *x, int64_t count) {
  float greatest = maximum(x, count);
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    vf equal = _mm256_cmp_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(greatest), _CMP_EQ_OQ);
    int bits = _mm256_movemask_ps(equal);
    if (bits) return i + __builtin_ctz((unsigned)bits);
  }
  for (; i < count; i++) {
    if (x[i] == greatest) return i;
  }
  return 0;
}

static float sum_exp(const float *x, float shift, int64_t count, float *terms) {
  vf low = _mm256_setzero_ps(), high = _mm256_setzero_ps(), amount = _mm256_set1_ps(shift);
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    vf a = v_exp(_mm256_sub_ps(_mm256_loadu_ps(x + i), amount));
    vf b = v_exp(_mm256_sub_ps(_mm256_loadu_ps(x + i + 8), amount));
    low = _mm256_add_ps(low, a);
    high = _mm256_add_ps(high, b);
    if (terms) {
      _mm256_storeu_ps(terms + i, a);
      _mm256_storeu_ps(terms + i + 8, b);
    }
  }
  float lanes[16];
  _mm256_storeu_ps(lanes, low);
  _mm256_storeu_ps(lanes + 8, high);
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
  for (; i + 8 <= count; i += 8) {
    vf above = _mm256_cmp_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(threshold), _CMP_GE_OQ);
    for (unsigned bits = (unsigned)_mm256_movemask_ps(above); bits; bits &= bits - 1) {
      if (found < limit) indices[found] = (int32_t)i + __builtin_ctz(bits);
      found++;
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
    vf shift = _mm256_set1_ps(greatest > -__builtin_inff() ? greatest : 0);
    vf sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    vf moment[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (int k = 0; k < CK_LOGIT_BLOCK / 8; k++) {
      // The limit comes first in max, so that NaN passes.
      vf distance = _mm256_max_ps(_mm256_set1_ps(CK_EXP_LOW),
                                  _mm256_sub_ps(_mm256_loadu_ps(block + 8 * k), shift));
      vf term = v_exp(distance);
      sum[k % 2] = _mm256_add_ps(sum[k % 2], term);
      moment[k % 2] = _mm256_fmadd_ps(distance, term, moment[k % 2]);
    }
    maxima[b] = greatest;
    sums[b] = v_sum_lanes(_mm256_add_ps(sum[0], sum[1]));
    moments[b] = v_sum_lanes(_mm256_add_ps(moment[0], moment[1]));
  }
}

static uint64_t stream_read(const void *memory, int64_t bytes) {
  const uint8_t *p = memory;
  vi sum[4];
  for (int k = 0; k < 4; k++) sum[k] = _mm256_setzero_si256();
  int64_t i = 0;
  for (; i + 128 <= bytes; i += 128) {
    for (int k = 0; k < 4; k++) {
      sum[k] = _mm256_add_epi64(sum[k], _mm256_loadu_si256((const __m256i *)(p + i + 32 * k)));
    }
  }
  uint64_t words[4];
  vi all = _mm256_add_epi64(_mm256_add_epi64(sum[0], sum[1]), _mm256_add_epi64(sum[2], sum[3]));
  _mm256_storeu_si256((__m256i *)words, all);
  return words[0] + words[1] + words[2] + words[3] +
         ck_scalar_functions.stream_read(p + i, bytes - i);
}
CK_END_TARGET

void ck_avx2_matmul(const ck_product *p);
void ck_avx2_attend(const ck_attention *a);
void ck_avx2_attend_merge(const float *values, const float *states, int64_t parts, int64_t heads,
                          int64_t dimension, float *output);

void ck_avx2_dense(const ck_dense *p);
void ck_avx2_depthwise(const ck_depthwise *p);
void ck_avx2_sums(const float *x, int64_t count, float *sum, float *squares);
void ck_avx2_normalize(const float *x, int64_t count, float scale, float shift,
                       const float *weight, const float *bias, float *y);

const ck_functions ck_avx2_functions = {
    .quantize32 = quantize32,
    .quantize256 = quantize256,
    .matmul = ck_avx2_matmul,
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
    .attend = ck_avx2_attend,
    .attend_merge = ck_avx2_attend_merge,
    .argmax = argmax,
    .max = maximum,
    .sum_exp = sum_exp,
    .select_above = select_above,
    .summarize_blocks = summarize_blocks,
    .stream_read = stream_read,
    .dense = ck_avx2_dense,
    .depthwise = ck_avx2_depthwise,
    .sums = ck_avx2_sums,
    .normalize = ck_avx2_normalize,
};
#endif
