// Everything but matrix products and attention, with AVX-512.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

CK_BEGIN_TARGET(CK_AVX512_SET)
#include "simd_avx512.h"

// The mask of the lanes that are left at `i` of `count`.
CK_INLINE __mmask16 v_left(int64_t i, int64_t count) {
  return v_mask(count - i < 16 ? count - i : 16);
}

// Scale and inverse scale of a block whose greatest magnitude has these bits; see block_scale in
// scalar_math.c.
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

CK_INLINE __m512i v_magnitude_bits(__m512 x) {
  return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(INT32_MAX));
}

// 16 floats to integers, stored as bytes. An inverse of 0 gives 0 even for values that are not
// finite.
CK_INLINE __m512i v_quantize16(const float *x, float inverse, int8_t *q) {
  __mmask16 usable = inverse == 0 ? 0 : 0xffff;
  __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(inverse));
  __m512i integers = _mm512_maskz_cvtps_epi32(usable, scaled);
  _mm_storeu_si128((__m128i *)q, _mm512_cvtepi32_epi8(integers));
  return integers;
}

static void quantize32(const float *x, int64_t columns, int8_t *q, float *d, int32_t *s) {
  for (int64_t b = 0; b < columns / 32; b++) {
    const float *block = x + 32 * b;
    __m512i greatest = _mm512_max_epi32(v_magnitude_bits(_mm512_loadu_ps(block)),
                                        v_magnitude_bits(_mm512_loadu_ps(block + 16)));
    float inverse = v_block_scale((uint32_t)_mm512_reduce_max_epi32(greatest), &d[b]);
    __m512i first = v_quantize16(block, inverse, q + 32 * b);
    __m512i second = v_quantize16(block + 16, inverse, q + 32 * b + 16);
    s[b] = _mm512_reduce_add_epi32(_mm512_add_epi32(first, second));
  }
}

static void quantize256(const float *x, int64_t columns, int8_t *q, float *d, int16_t *s) {
  for (int64_t b = 0; b < columns / 256; b++) {
    __m512i greatest = _mm512_setzero_si512();
    for (int64_t i = 256 * b; i < 256 * b + 256; i += 16) {
      greatest = _mm512_max_epi32(greatest, v_magnitude_bits(_mm512_loadu_ps(x + i)));
    }
    float inverse = v_block_scale((uint32_t)_mm512_reduce_max_epi32(greatest), &d[b]);
    for (int64_t k = 16 * b; k < 16 * b + 16; k++) {
      s[k] = (int16_t)_mm512_reduce_add_epi32(v_quantize16(x + 16 * k, inverse, q + 16 * k));
    }
  }
}

static void rms_norm(const float *x, const float *weight, int64_t count, float epsilon,
                     float *output) {
  __m512 lanes = _mm512_setzero_ps();
  for (int64_t i = 0; i < count; i += 16) {
    __mmask16 left = v_left(i, count);
    __m512 values = _mm512_maskz_loadu_ps(left, x + i);
    lanes = _mm512_mask3_fmadd_ps(values, values, lanes, left);
  }
  float scale = 1.0f / __builtin_sqrtf(v_sum_lanes(lanes) / (float)count + epsilon);
  for (int64_t i = 0; i < count; i += 16) {
    __mmask16 left = v_left(i, count);
    __m512 normal = _mm512_mul_ps(_mm512_maskz_loadu_ps(left, x + i), _mm512_set1_ps(scale));
    if (weight) normal = _mm512_mul_ps(normal, _mm512_maskz_loadu_ps(left, weight + i));
    _mm512_mask_storeu_ps(output + i, left, normal);
  }
}

static void rotate(float *x, const float *cosine, const float *sine, int64_t dimension,
                   int32_t interleaved) {
  int64_t half = dimension / 2;
  if (interleaved) {
    // The two of a pair are neighbours: b a b a... times the sines, the first of each pair
    // negative.
    for (int64_t i = 0; i < dimension; i += 16) {
      __mmask16 left = v_left(i, dimension);
      __m512i twice = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
      __mmask16 pairs = v_mask((half - i / 2) < 8 ? half - i / 2 : 8);
      __m512 c = _mm512_permutexvar_ps(twice, _mm512_maskz_loadu_ps(pairs, cosine + i / 2));
      __m512 s = _mm512_permutexvar_ps(twice, _mm512_maskz_loadu_ps(pairs, sine + i / 2));
      __m512 values = _mm512_maskz_loadu_ps(left, x + i);
      __m512 swapped = _mm512_permute_ps(values, 0xb1);
      // First of a pair: fma(a, c, -(b s)). Second: fma(a, s, b c), with a in `swapped` there.
      __m512 first = _mm512_fmsub_ps(values, c, _mm512_mul_ps(swapped, s));
      __m512 second = _mm512_fmadd_ps(swapped, s, _mm512_mul_ps(values, c));
      _mm512_mask_storeu_ps(x + i, left, _mm512_mask_mov_ps(first, 0xaaaa, second));
    }
    return;
  }
  for (int64_t i = 0; i < half; i += 16) {
    __mmask16 left = v_left(i, half);
    __m512 a = _mm512_maskz_loadu_ps(left, x + i), b = _mm512_maskz_loadu_ps(left, x + half + i);
    __m512 c = _mm512_maskz_loadu_ps(left, cosine + i), s = _mm512_maskz_loadu_ps(left, sine + i);
    _mm512_mask_storeu_ps(x + i, left, _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)));
    _mm512_mask_storeu_ps(x + half + i, left, _mm512_fmadd_ps(a, s, _mm512_mul_ps(b, c)));
  }
}

static void silu_multiply(const float *gate, const float *up, int64_t count, float *output) {
  for (int64_t i = 0; i < count; i += 16) {
    __mmask16 left = v_left(i, count);
    __m512 x = _mm512_maskz_loadu_ps(left, gate + i);
    __m512 silu = _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1.0f), v_exp(v_negate(x))));
    _mm512_mask_storeu_ps(output + i, left,
                          _mm512_mul_ps(silu, _mm512_maskz_loadu_ps(left, up + i)));
  }
}

static void gelu_multiply(const float *gate, const float *up, int64_t count, float *output) {
  for (int64_t i = 0; i < count; i += 16) {
    __mmask16 left = v_left(i, count);
    __m512 x = _mm512_maskz_loadu_ps(left, gate + i);
    __m512 cubic =
        _mm512_fmadd_ps(_mm512_mul_ps(_mm512_set1_ps(CK_GELU_CUBIC), x), _mm512_mul_ps(x, x), x);
    __m512 e = v_exp(v_negate(_mm512_mul_ps(_mm512_set1_ps(CK_GELU_FACTOR), cubic)));
    __m512 gelu = _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1.0f), e));
    _mm512_mask_storeu_ps(output + i, left,
                          _mm512_mul_ps(gelu, _mm512_maskz_loadu_ps(left, up + i)));
  }
}

static void add(float *x, const float *y, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) {
    __mmask16 left = v_left(i, count);
    __m512 sum =
        _mm512_add_ps(_mm512_maskz_loadu_ps(left, x + i), _mm512_maskz_loadu_ps(left, y + i));
    _mm512_mask_storeu_ps(x + i, left, sum);
  }
}

static void scale(float *x, float factor, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) {
    __mmask16 left = v_left(i, count);
    _mm512_mask_storeu_ps(
        x + i, left, _mm512_mul_ps(_mm512_maskz_loadu_ps(left, x + i), _mm512_set1_ps(factor)));
  }
}

static void softcap(float *x, float cap, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) {
    __mmask16 left = v_left(i, count);
    _mm512_mask_storeu_ps(x + i, left,
                          v_cap(_mm512_maskz_loadu_ps(left, x + i), _mm512_set1_ps(cap)));
  }
}

static void to_half(const float *x, uint16_t *output, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) {
    __mmask16 left = v_left(i, count);
    __m256i halves = _mm512_cvtps_ph(_mm512_maskz_loadu_ps(left, x + i), _MM_FROUND_TO_NEAREST_INT);
    _mm256_mask_storeu_epi16(output + i, left, halves);
  }
}

static void from_half(const uint16_t *x, float *output, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) {
    __mmask16 left = v_left(i, count);
    _mm512_mask_storeu_ps(output + i, left, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(left, x + i)));
  }
}

// `max` takes its second operand where the first is NaN, so NaN never gets into the maxima.
static float maximum(const float *x, int64_t count) {
  __m512 least = _mm512_set1_ps(-__builtin_inff());
  __m512 m[4] = {least, least, least, least};
  int64_t i = 0;
  for (; i + 64 <= count; i += 64) {
    for (int k = 0; k < 4; k++) m[k] = _mm512_max_ps(_mm512_loadu_ps(x + i + 16 * k), m[k]);
  }
  for (; i < count; i += 16) {
    m[0] = _mm512_max_ps(_mm512_mask_loadu_ps(least, v_left(i, count), x + i), m[0]);
  }
  m[0] = _mm512_max_ps(_mm512_max_ps(m[0], m[1]), _mm512_max_ps(m[2], m[3]));
  return _mm512_reduce_max_ps(m[0]) + 0.0f;
}

static int64_t argmax(const float *x, int64_t count) {
  __m512 greatest = _mm512_set1_ps(maximum(x, count));
  for (int64_t i = 0; i < count; i += 16) {
    __mmask16 left = v_left(i, count);
    __mmask16 equal =
        _mm512_mask_cmp_ps_mask(left, _mm512_maskz_loadu_ps(left, x + i), greatest, _CMP_EQ_OQ);
    if (equal) return i + __builtin_ctz(equal);
  }
  return 0;
}

static float sum_exp(const float *x, float shift, int64_t count, float *terms) {
  __m512 lanes = _mm512_setzero_ps();
  for (int64_t i = 0; i < count; i += 16) {
    __mmask16 left = v_left(i, count);
    __m512 term = v_exp(_mm512_sub_ps(_mm512_maskz_loadu_ps(left, x + i), _mm512_set1_ps(shift)));
    lanes = _mm512_mask_add_ps(lanes, left, lanes, term);
    if (terms) _mm512_mask_storeu_ps(terms + i, left, term);
  }
  return v_sum_lanes(lanes);
}

static int64_t select_above(const float *x, int64_t count, float threshold, int32_t *indices,
                            int64_t limit) {
  int64_t found = 0;
  const __m512i order = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  for (int64_t i = 0; i < count; i += 16) {
    __mmask16 left = v_left(i, count);
    __m512 values = _mm512_maskz_loadu_ps(left, x + i);
    __mmask16 above = _mm512_mask_cmp_ps_mask(left, values, _mm512_set1_ps(threshold), _CMP_GE_OQ);
    if (!above) continue;
    int64_t room = limit - found;
    if (room > 0) {
      __m512i packed =
          _mm512_maskz_compress_epi32(above, _mm512_add_epi32(order, _mm512_set1_epi32((int)i)));
      int64_t here = __builtin_popcount(above);
      _mm512_mask_storeu_epi32(indices + found, v_mask(here < room ? here : room), packed);
    }
    found += __builtin_popcount(above);
  }
  return found;
}

// The maximum of a whole block, and the lanes of its sums.
CK_INLINE float v_summarize(const float *x, __m512 *sum, __m512 *moment) {
  __m512 values[4], m[4];
  for (int k = 0; k < 4; k++) {
    values[k] = _mm512_loadu_ps(x + 16 * k);
    m[k] = _mm512_max_ps(values[k], _mm512_set1_ps(-__builtin_inff()));
  }
  m[0] = _mm512_max_ps(_mm512_max_ps(m[0], m[1]), _mm512_max_ps(m[2], m[3]));
  float greatest = _mm512_reduce_max_ps(m[0]);
  __m512 shift = _mm512_set1_ps(greatest > -__builtin_inff() ? greatest : 0);
  *sum = *moment = _mm512_setzero_ps();
  for (int k = 0; k < 4; k++) {
    // The limit comes first in max, so that NaN passes.
    __m512 distance = _mm512_max_ps(_mm512_set1_ps(CK_EXP_LOW), _mm512_sub_ps(values[k], shift));
    __m512 term = v_exp(distance);
    *sum = _mm512_add_ps(*sum, term);
    *moment = _mm512_fmadd_ps(distance, term, *moment);
  }
  return greatest + 0.0f;
}

static void summarize_blocks(const float *x, int64_t count, float *maxima, float *sums,
                             float *moments) {
  int64_t b = 0, whole = count / CK_LOGIT_BLOCK;
  __m512 sum[16], moment[16];
  for (; b + 16 <= whole; b += 16) {
    for (int k = 0; k < 16; k++) {
      maxima[b + k] = v_summarize(x + (b + k) * CK_LOGIT_BLOCK, sum + k, moment + k);
    }
    _mm512_storeu_ps(sums + b, v_sum_lanes16(sum));
    _mm512_storeu_ps(moments + b, v_sum_lanes16(moment));
  }
  for (; b < whole; b++) {
    maxima[b] = v_summarize(x + b * CK_LOGIT_BLOCK, sum, moment);
    sums[b] = v_sum_lanes(sum[0]);
    moments[b] = v_sum_lanes(moment[0]);
  }
  if (b * CK_LOGIT_BLOCK < count) {
    ck_summarize_block(x + b * CK_LOGIT_BLOCK, count - b * CK_LOGIT_BLOCK, maxima + b, sums + b,
                       moments + b);
  }
}

static uint64_t stream_read(const void *memory, int64_t bytes) {
  const uint8_t *p = memory;
  __m512i sum[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                    _mm512_setzero_si512()};
  int64_t i = 0;
  for (; i + 256 <= bytes; i += 256) {
    for (int k = 0; k < 4; k++)
      sum[k] = _mm512_add_epi64(sum[k], _mm512_loadu_si512(p + i + 64 * k));
  }
  for (; i < bytes; i += 64) {
    int64_t left = bytes - i;
    __mmask64 mask = left >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1;
    sum[0] = _mm512_add_epi64(sum[0], _mm512_maskz_loadu_epi8(mask, p + i));
  }
  uint64_t words[8], total = 0;
  __m512i all =
      _mm512_add_epi64(_mm512_add_epi64(sum[0], sum[1]), _mm512_add_epi64(sum[2], sum[3]));
  _mm512_storeu_si512(words, all);
  for (int k = 0; k < 8; k++) total += words[k];
  return total;
}
CK_END_TARGET

void ck_avx512_matmul(const ck_product *p);
void ck_avx512_attend(const ck_attention *a);
void ck_avx512_attend_merge(const float *values, const float *states, int64_t parts, int64_t heads,
                            int64_t dimension, float *output);

void ck_avx512_dense(const ck_dense *p);
void ck_avx512_depthwise(const ck_depthwise *p);
void ck_avx512_sums(const float *x, int64_t count, float *sum, float *squares);
void ck_avx512_normalize(const float *x, int64_t count, float scale, float shift,
                         const float *weight, const float *bias, float *y);

const ck_functions ck_avx512_functions = {
    .quantize32 = quantize32,
    .quantize256 = quantize256,
    .matmul = ck_avx512_matmul,
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
    .attend = ck_avx512_attend,
    .attend_merge = ck_avx512_attend_merge,
    .argmax = argmax,
    .max = maximum,
    .sum_exp = sum_exp,
    .select_above = select_above,
    .summarize_blocks = summarize_blocks,
    .stream_read = stream_read,
    .dense = ck_avx512_dense,
    .depthwise = ck_avx512_depthwise,
    .sums = ck_avx512_sums,
    .normalize = ck_avx512_normalize,
};
#endif
