// Everything but matrix products and attention, written plainly.
#include "kernels.h"
#include "scalar.h"

// The block's scale and inverse scale. Not finite: the scale is infinite and all integers are 0, so
// that products with the block are NaN and cannot pass for numbers.
static void block_scale(const float *x, int64_t count, float *scale, float *inverse) {
  uint32_t greatest = 0;
  for (int64_t i = 0; i < count; i++) {
    uint32_t magnitude = ck_bits_of_float(x[i]) & 0x7fffffffu;
    greatest = magnitude > greatest ? magnitude : greatest;
  }
  float amax = ck_float_of_bits(greatest);
  *inverse = 0;
  *scale = 0;
  if (greatest >= 0x7f800000u) {
    *scale = __builtin_inff();
  } else if (amax >= CK_QUANTIZE_LEAST) {
    *scale = amax / 127.0f;
    *inverse = 127.0f / amax;
  }
}

static int32_t quantize(const float *x, int64_t count, float inverse, int8_t *q) {
  int32_t sum = 0;
  for (int64_t i = 0; i < count; i++) {
    q[i] = inverse == 0 ? 0 : (int8_t)ck_round(x[i] * inverse);
    sum += q[i];
  }
  return sum;
}

static void quantize32(const float *x, int64_t columns, int8_t *q, float *d, int32_t *s) {
  for (int64_t b = 0; b < columns / 32; b++) {
    float inverse;
    block_scale(x + 32 * b, 32, &d[b], &inverse);
    s[b] = quantize(x + 32 * b, 32, inverse, q + 32 * b);
  }
}

static void quantize256(const float *x, int64_t columns, int8_t *q, float *d, int16_t *s) {
  for (int64_t b = 0; b < columns / 256; b++) {
    float inverse;
    block_scale(x + 256 * b, 256, &d[b], &inverse);
    for (int64_t k = 16 * b; k < 16 * b + 16; k++) {
      s[k] = (int16_t)quantize(x + 16 * k, 16, inverse, q + 16 * k);
    }
  }
}

static void rms_norm(const float *x, const float *weight, int64_t count, float epsilon,
                     float *output) {
  float lanes[16] = {0};
  for (int64_t i = 0; i < count; i++) lanes[i % 16] = ck_fma(x[i], x[i], lanes[i % 16]);
  float scale = 1.0f / __builtin_sqrtf(ck_sum_lanes(lanes) / (float)count + epsilon);
  for (int64_t i = 0; i < count; i++) {
    float normal = x[i] * scale;
    output[i] = weight ? normal * weight[i] : normal;
  }
}

static void rotate(float *x, const float *cosine, const float *sine, int64_t dimension,
                   int32_t interleaved) {
  int64_t half = dimension / 2;
  for (int64_t i = 0; i < half; i++) {
    float *first = interleaved ? x + 2 * i : x + i;
    float *second = interleaved ? x + 2 * i + 1 : x + i + half;
    float a = *first, b = *second;
    *first = ck_fma(a, cosine[i], -(b * sine[i]));
    *second = ck_fma(a, sine[i], b * cosine[i]);
  }
}

static void silu_multiply(const float *gate, const float *up, int64_t count, float *output) {
  for (int64_t i = 0; i < count; i++) output[i] = ck_silu(gate[i]) * up[i];
}

static void gelu_multiply(const float *gate, const float *up, int64_t count, float *output) {
  for (int64_t i = 0; i < count; i++) output[i] = ck_gelu(gate[i]) * up[i];
}

static void add(float *x, const float *y, int64_t count) {
  for (int64_t i = 0; i < count; i++) x[i] = x[i] + y[i];
}

static void scale(float *x, float factor, int64_t count) {
  for (int64_t i = 0; i < count; i++) x[i] = x[i] * factor;
}

static void softcap(float *x, float cap, int64_t count) {
  for (int64_t i = 0; i < count; i++) x[i] = ck_cap(x[i], cap);
}

static void to_half(const float *x, uint16_t *output, int64_t count) {
  for (int64_t i = 0; i < count; i++) output[i] = ck_half_of_float(x[i]);
}

static void from_half(const uint16_t *x, float *output, int64_t count) {
  for (int64_t i = 0; i < count; i++) output[i] = ck_float_of_half(x[i]);
}

// NaN compares false and is passed over. Adding zero makes -0 into 0, so that no order of
// comparison shows.
static float maximum(const float *x, int64_t count) {
  float greatest = -__builtin_inff();
  for (int64_t i = 0; i < count; i++) greatest = x[i] > greatest ? x[i] : greatest;
  return greatest + 0.0f;
}

static int64_t argmax(const float *x, int64_t count) {
  float greatest = maximum(x, count);
  for (int64_t i = 0; i < count; i++) {
    if (x[i] == greatest) return i;
  }
  return 0;
}

static float sum_exp(const float *x, float shift, int64_t count, float *terms) {
  float lanes[16] = {0};
  for (int64_t i = 0; i < count; i++) {
    float term = ck_exp(x[i] - shift);
    lanes[i % 16] = lanes[i % 16] + term;
    if (terms) terms[i] = term;
  }
  return ck_sum_lanes(lanes);
}

static int64_t select_above(const float *x, int64_t count, float threshold, int32_t *indices,
                            int64_t limit) {
  int64_t found = 0;
  for (int64_t i = 0; i < count; i++) {
    if (!(x[i] >= threshold)) continue;
    if (found < limit) indices[found] = (int32_t)i;
    found++;
  }
  return found;
}

static void summarize_blocks(const float *x, int64_t count, float *maxima, float *sums,
                             float *moments) {
  for (int64_t b = 0; b * CK_LOGIT_BLOCK < count; b++) {
    int64_t left = count - b * CK_LOGIT_BLOCK;
    ck_summarize_block(x + b * CK_LOGIT_BLOCK, left < CK_LOGIT_BLOCK ? left : CK_LOGIT_BLOCK,
                       maxima + b, sums + b, moments + b);
  }
}

// Sum of the 64-bit words (little-endian), the last one padded with zeros.
static uint64_t stream_read(const void *memory, int64_t bytes) {
  const uint8_t *p = memory;
  uint64_t sum = 0, word;
  int64_t i = 0;
  for (; i + 8 <= bytes; i += 8) {
    memcpy(&word, p + i, 8);
    sum += word;
  }
  word = 0;
  memcpy(&word, p + i, (size_t)(bytes - i));
  return sum + word;
}

void ck_scalar_dense(const ck_dense *p);
void ck_scalar_depthwise(const ck_depthwise *p);
void ck_scalar_sums(const float *x, int64_t count, float *sum, float *squares);
void ck_scalar_normalize(const float *x, int64_t count, float scale, float shift,
                         const float *weight, const float *bias, float *y);

const ck_functions ck_scalar_functions = {
    .quantize32 = quantize32,
    .quantize256 = quantize256,
    .matmul = ck_scalar_matmul,
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
    .attend = ck_scalar_attend,
    .attend_merge = ck_scalar_attend_merge,
    .argmax = argmax,
    .max = maximum,
    .sum_exp = sum_exp,
    .select_above = select_above,
    .summarize_blocks = summarize_blocks,
    .stream_read = stream_read,
    .dense = ck_scalar_dense,
    .depthwise = ck_scalar_depthwise,
    .sums = ck_scalar_sums,
    .normalize = ck_scalar_normalize,
};
