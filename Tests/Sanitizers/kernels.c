// Runs every kernel of every instruction set on random data in exactly sized blocks of memory, so
// that the address and undefined-behaviour sanitizers see each access. Also compares with the
// scalar version. See run.sh.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckernels.h"

static uint64_t state = 42;
static int failures = 0;

static uint32_t random32(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 32);
}

static float random_float(void) { return (float)(int32_t)random32() * 0x1p-31f; }

static float *random_floats(int64_t count) {
  float *x = malloc((size_t)count * 4);
  for (int64_t i = 0; i < count; i++) x[i] = random_float();
  return x;
}

static void *copy(const void *source, int64_t bytes) {
  void *memory = malloc((size_t)bytes);
  memcpy(memory, source, (size_t)bytes);
  return memory;
}

// NaN may differ in payload.
static void compare(const char *what, int32_t isa, const float *a, const float *b, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    if (memcmp(a + i, b + i, 4) == 0 || (isnan(a[i]) && isnan(b[i]))) continue;
    printf("%s differs on %s at %lld: %a, scalar %a\n", what, ck_isa_name(isa), (long long)i, a[i],
           b[i]);
    failures++;
    return;
  }
}

static ck_rows quantize(int32_t isa, const float *x, int64_t columns, int64_t tokens) {
  int64_t count = columns * tokens;
  ck_rows rows = {.columns = columns, .f = x};
  if (columns % 32 == 0) {
    int8_t *q = malloc((size_t)count);
    float *d = malloc((size_t)count / 32 * 4);
    int32_t *s = malloc((size_t)count / 32 * 4);
    ck_quantize32(isa, x, count, q, d, s);
    rows.q32 = q, rows.d32 = d, rows.s32 = s;
  }
  if (columns % 256 == 0) {
    int8_t *q = malloc((size_t)count);
    float *d = malloc((size_t)count / 256 * 4);
    int16_t *s = malloc((size_t)count / 16 * 2);
    ck_quantize256(isa, x, count, q, d, s);
    rows.q256 = q, rows.d256 = d, rows.s256 = s;
  }
  return rows;
}

static void release(ck_rows rows) {
  free((void *)rows.q32), free((void *)rows.d32), free((void *)rows.s32);
  free((void *)rows.q256), free((void *)rows.d256), free((void *)rows.s256);
}

// Weights of any bits: a file may hold anything, so scales may be infinite or NaN.
static void check_matmul(int32_t isa, int32_t type, int64_t rows, int64_t columns, int64_t tokens) {
  int64_t bytes = ck_row_bytes(type, columns) * rows;
  if (bytes == 0) return;
  uint8_t *weight = malloc((size_t)bytes);
  for (int64_t i = 0; i < bytes; i++) weight[i] = (uint8_t)random32();
  float *x = random_floats(columns * tokens);
  float *expected = calloc((size_t)(rows * tokens), 4),
        *actual = calloc((size_t)(rows * tokens), 4);
  ck_rows scalar = quantize(CK_SCALAR, x, columns, tokens),
          vector = quantize(isa, x, columns, tokens);
  int64_t cut = rows / 3;
  ck_matmul(CK_SCALAR, type, weight, 0, rows, &scalar, tokens, expected, rows);
  ck_matmul(isa, type, weight, 0, cut, &vector, tokens, actual, rows);
  ck_matmul(isa, type, weight, cut, rows, &vector, tokens, actual, rows);
  compare("matmul", isa, actual, expected, rows * tokens);
  float *row = malloc((size_t)columns * 4);
  ck_dequantize(isa, type, weight, columns, row);
  free(row), free(weight), free(x), free(expected), free(actual);
  release(scalar), release(vector);
}

static void check_elementwise(int32_t isa, int64_t count) {
  float *x = random_floats(count), *y = random_floats(count);
  for (int64_t i = 0; i < count; i++) x[i] *= 50;
  if (count > 20) x[7] = INFINITY, x[8] = -INFINITY, x[9] = NAN, x[10] = 1e-42f, x[11] = -0.0f;
  for (int kind = 0; kind < 8; kind++) {
    float *results[2];
    for (int which = 0; which < 2; which++) {
      int32_t set = which == 0 ? CK_SCALAR : isa;
      float *out = results[which] = copy(x, count * 4);
      switch (kind) {
      case 0: ck_add(set, out, y, count); break;
      case 1: ck_scale(set, out, 0.3f, count); break;
      case 2: ck_softcap(set, out, 30, count); break;
      case 3: ck_silu_multiply(set, out, y, count, out); break;
      case 4: ck_gelu_multiply(set, x, out, count, out); break;
      case 5: ck_rms_norm(set, out, y, count, 1e-6f, out); break;
      case 6: ck_sum_exp(set, x, 3, count, out); break;
      default: {
        uint16_t *half = malloc((size_t)count * 2);
        ck_to_half(set, x, half, count);
        ck_from_half(set, half, out, count);
        free(half);
      }
      }
    }
    compare("elementwise", isa, results[1], results[0], count);
    free(results[0]), free(results[1]);
  }
  int32_t *indices = malloc((size_t)(count / 2) * 4);
  if (ck_select_above(isa, x, count, 0, indices, count / 2) !=
          ck_select_above(CK_SCALAR, x, count, 0, NULL, 0) ||
      ck_argmax(isa, x, count) != ck_argmax(CK_SCALAR, x, count) ||
      ck_max(isa, x, count) != ck_max(CK_SCALAR, x, count) ||
      ck_stream_read(isa, x, count * 4 - 1) != ck_stream_read(CK_SCALAR, x, count * 4 - 1)) {
    printf("a reduction differs on %s for %lld\n", ck_isa_name(isa), (long long)count);
    failures++;
  }
  if (count % 256 == 0) release(quantize(isa, x, count, 1));
  free(indices), free(x), free(y);
}

static void check_rotate(int32_t isa, int64_t dimension, int32_t interleaved) {
  float *x = random_floats(dimension), *expected = copy(x, dimension * 4);
  float *cosine = random_floats(dimension / 2), *sine = random_floats(dimension / 2);
  ck_rotate(CK_SCALAR, expected, cosine, sine, dimension, interleaved);
  ck_rotate(isa, x, cosine, sine, dimension, interleaved);
  compare("rotate", isa, x, expected, dimension);
  free(x), free(expected), free(cosine), free(sine);
}

static void check_attention(int32_t isa, int64_t dimension, int64_t group, int64_t begin,
                            int64_t end) {
  float *queries = random_floats(group * dimension), *values = random_floats(end * dimension);
  uint16_t *keys = malloc((size_t)(end * dimension) * 2),
           *halves = malloc((size_t)(end * dimension) * 2);
  ck_to_half(CK_SCALAR, values, halves, end * dimension);
  for (int64_t i = 0; i < end * dimension; i++) keys[i] = (uint16_t)(random32() & 0xbbff);
  int64_t slots_begin = (begin + end) / 2;
  int32_t *slots = malloc((size_t)(end - slots_begin) * 4);
  for (int64_t i = slots_begin; i < end; i++)
    slots[i - slots_begin] = (int32_t)(end - 1 - (i - slots_begin));
  float *expected = malloc((size_t)(group * dimension) * 4),
        *actual = malloc((size_t)(group * dimension) * 4);
  ck_attention step = {queries, keys,  halves,    slots, slots_begin, begin,
                       end,     group, dimension, 0.1f,  0,           expected};
  ck_attend(CK_SCALAR, &step);
  step.output = actual;
  ck_attend(isa, &step);
  compare("attend", isa, actual, expected, group * dimension);
  free(queries), free(values), free(keys), free(halves), free(slots), free(expected), free(actual);
}

static void check_all(int32_t isa) {
  static const int64_t counts[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 65, 256, 771};
  for (int32_t type = 0; type < CK_TYPE_LIMIT; type++) {
    for (int64_t tokens = 1; tokens <= 15; tokens = tokens * 2 + 1) {
      check_matmul(isa, type, 1, 256, tokens);
      check_matmul(isa, type, 35, 512, tokens);
      check_matmul(isa, type, 17, 96, tokens);
      check_matmul(isa, type, 16, 13, tokens);
    }
  }
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) check_elementwise(isa, counts[i]);
  for (int64_t dimension = 2; dimension <= 80; dimension += 2) {
    check_rotate(isa, dimension, 0);
    check_rotate(isa, dimension, 1);
  }
  for (int64_t group = 1; group <= 9; group += 2) {
    check_attention(isa, 64, group, 0, 1);
    check_attention(isa, 80, group, 50, 131);
    check_attention(isa, 256, group, 64, 140);
    check_attention(isa, 20, group, 3, 70);
  }
}

int main(void) {
  for (int32_t isa = 0; isa < CK_ISA_LIMIT; isa++) {
    if (ck_supported(isa)) check_all(isa);
  }
  printf(failures ? "%d differences\n" : "kernels: no differences\n", failures);
  return failures != 0;
}
