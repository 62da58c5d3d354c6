// The public functions: each passes on to the table of the instruction set that it is asked for.
#include "kernels.h"

int32_t ck_supported(int32_t isa) {
  switch (isa) {
  case CK_SCALAR: return 1;
#if defined(__x86_64__)
  // These ask the operating system too: a set counts only where its registers are saved.
  case CK_AVX2:
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("f16c");
  case CK_AVX512:
    return ck_supported(CK_AVX2) && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__)
  case CK_NEON: return 1; // part of every such processor
#endif
  default: return 0;
  }
}

int32_t ck_best(void) {
  if (ck_supported(CK_AVX512)) return CK_AVX512;
  if (ck_supported(CK_AVX2)) return CK_AVX2;
  if (ck_supported(CK_NEON)) return CK_NEON;
  return CK_SCALAR;
}

const char *ck_isa_name(int32_t isa) {
  switch (isa) {
  case CK_SCALAR: return "scalar";
  case CK_AVX2: return "avx2";
  case CK_AVX512: return "avx512";
  case CK_NEON: return "neon";
  default: return NULL;
  }
}

static const ck_functions *functions(int32_t isa) {
#if defined(__x86_64__)
  if (isa == CK_AVX512) return &ck_avx512_functions;
  if (isa == CK_AVX2) return &ck_avx2_functions;
#elif defined(__aarch64__)
  if (isa == CK_NEON) return &ck_neon_functions;
#endif
  (void)isa;
  return &ck_scalar_functions;
}

void ck_quantize32(int32_t isa, const float *x, int64_t columns, int8_t *q, float *d, int32_t *s,
                   float *m) {
  functions(isa)->quantize32(x, columns, q, d, s);
  for (int64_t b = 0; b < columns / 32; b++) m[b] = d[b] * (float)s[b];
}

void ck_quantize256(int32_t isa, const float *x, int64_t columns, int8_t *q, float *d, int16_t *s) {
  functions(isa)->quantize256(x, columns, q, d, s);
}

void ck_matmul(int32_t isa, const ck_product *p) {
  if (p->x->columns == 0) isa = CK_SCALAR; // the vector versions start an output at its first block
  functions(isa)->matmul(p);
}

void ck_dequantize(int32_t isa, int32_t type, const void *row, int64_t columns, float *output) {
  functions(isa)->dequantize(type, row, columns, output);
}

void ck_rms_norm(int32_t isa, const float *x, const float *weight, int64_t count, float epsilon,
                 float *output) {
  functions(isa)->rms_norm(x, weight, count, epsilon, output);
}

void ck_rotate(int32_t isa, float *x, const float *cosine, const float *sine, int64_t dimension,
               int32_t interleaved) {
  functions(isa)->rotate(x, cosine, sine, dimension, interleaved);
}

void ck_silu_multiply(int32_t isa, const float *gate, const float *up, int64_t count,
                      float *output) {
  functions(isa)->silu_multiply(gate, up, count, output);
}

void ck_gelu_multiply(int32_t isa, const float *gate, const float *up, int64_t count,
                      float *output) {
  functions(isa)->gelu_multiply(gate, up, count, output);
}

void ck_add(int32_t isa, float *x, const float *y, int64_t count) {
  functions(isa)->add(x, y, count);
}

void ck_scale(int32_t isa, float *x, float factor, int64_t count) {
  functions(isa)->scale(x, factor, count);
}

void ck_softcap(int32_t isa, float *x, float cap, int64_t count) {
  functions(isa)->softcap(x, cap, count);
}

void ck_to_half(int32_t isa, const float *x, uint16_t *output, int64_t count) {
  functions(isa)->to_half(x, output, count);
}

void ck_from_half(int32_t isa, const uint16_t *x, float *output, int64_t count) {
  functions(isa)->from_half(x, output, count);
}

void ck_attend(int32_t isa, const ck_attention *a) { functions(isa)->attend(a); }

void ck_attend_merge(int32_t isa, const float *values, const float *states, int64_t parts,
                     int64_t heads, int64_t dimension, float *output) {
  functions(isa)->attend_merge(values, states, parts, heads, dimension, output);
}

int64_t ck_argmax(int32_t isa, const float *x, int64_t count) {
  return functions(isa)->argmax(x, count);
}

float ck_max(int32_t isa, const float *x, int64_t count) { return functions(isa)->max(x, count); }

float ck_sum_exp(int32_t isa, const float *x, float shift, int64_t count, float *terms) {
  return functions(isa)->sum_exp(x, shift, count, terms);
}

int64_t ck_select_above(int32_t isa, const float *x, int64_t count, float threshold,
                        int32_t *indices, int64_t limit) {
  return functions(isa)->select_above(x, count, threshold, indices, limit);
}

void ck_summarize_blocks(int32_t isa, const float *x, int64_t count, float *maxima, float *sums,
                         float *moments) {
  functions(isa)->summarize_blocks(x, count, maxima, sums, moments);
}

int64_t ck_select_in_blocks(int32_t isa, const float *x, int64_t count, const float *maxima,
                            float threshold, int32_t *indices, int64_t limit) {
  const ck_functions *set = functions(isa);
  int64_t found = 0;
  for (int64_t begin = 0; begin < count; begin += CK_LOGIT_BLOCK) {
    if (!(maxima[begin / CK_LOGIT_BLOCK] >= threshold)) continue;
    int64_t length = count - begin < CK_LOGIT_BLOCK ? count - begin : CK_LOGIT_BLOCK;
    int64_t room = limit > found ? limit - found : 0;
    int64_t here = set->select_above(x + begin, length, threshold, indices + limit - room, room);
    for (int64_t k = 0; k < here && k < room; k++) indices[found + k] += (int32_t)begin;
    found += here;
  }
  return found;
}

uint64_t ck_stream_read(int32_t isa, const void *memory, int64_t bytes) {
  return functions(isa)->stream_read(memory, bytes);
}

void ck_dense_product(int32_t isa, const ck_dense *p) { functions(isa)->dense(p); }

void ck_depthwise_convolution(int32_t isa, const ck_depthwise *p) { functions(isa)->depthwise(p); }

void ck_sums(int32_t isa, const float *x, int64_t count, float *sum, float *squares) {
  functions(isa)->sums(x, count, sum, squares);
}

void ck_normalize(int32_t isa, const float *x, int64_t count, float scale, float shift,
                  const float *weight, const float *bias, float *y) {
  functions(isa)->normalize(x, count, scale, shift, weight, bias, y);
}
