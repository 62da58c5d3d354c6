// Runs every kernel of every instruction set on random data in exactly sized blocks of memory, so
// that the address and undefined-behaviour sanitizers see each access. Also compares with the
// scalar version. See run.sh, emulate.sh and emulate-avx512.sh.
//
// Arguments name the instruction sets to check, each of which must be there; without any, all that
// are there are checked. `-few` before them takes a tenth of the attention cases, which take nearly
// all of the time: for an emulator of a whole machine.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckernels.h"
#include "random_data.h"
#include "map_checks.h"

static const char *const type_names[CK_TYPE_LIMIT] = {
    [CK_F32] = "F32",   [CK_F16] = "F16",   [CK_BF16] = "BF16", [CK_Q4_0] = "Q4_0",
    [CK_Q4_1] = "Q4_1", [CK_Q5_0] = "Q5_0", [CK_Q5_1] = "Q5_1", [CK_Q8_0] = "Q8_0",
    [CK_Q2_K] = "Q2_K", [CK_Q3_K] = "Q3_K", [CK_Q4_K] = "Q4_K", [CK_Q5_K] = "Q5_K",
    [CK_Q6_K] = "Q6_K"};

static ck_rows quantize(int32_t isa, const float *x, int64_t columns, int64_t tokens) {
  int64_t count = columns * tokens;
  ck_rows rows = {.columns = columns, .f = x};
  if (columns % 32 == 0) {
    int8_t *q = malloc((size_t)count);
    float *d = malloc((size_t)count / 32 * 4);
    int32_t *s = malloc((size_t)count / 32 * 4);
    float *m = malloc((size_t)count / 32 * 4);
    ck_quantize32(isa, x, count, q, d, s, m);
    rows.q32 = q, rows.d32 = d, rows.s32 = s, rows.m32 = m;
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

// Integers, scales and sums of both.
static void compare_rows(int32_t isa, ck_rows a, ck_rows b, int64_t tokens) {
  int64_t count = a.columns * tokens;
  if (a.q32) {
    require(memcmp(a.q32, b.q32, (size_t)count) == 0, "quantize32", isa, count);
    require(memcmp(a.s32, b.s32, (size_t)count / 32 * 4) == 0, "sums of 32", isa, count);
    compare("scales of 32", isa, a.d32, b.d32, count / 32);
    compare("scaled sums of 32", isa, a.m32, b.m32, count / 32);
  }
  if (a.q256) {
    require(memcmp(a.q256, b.q256, (size_t)count) == 0, "quantize256", isa, count);
    require(memcmp(a.s256, b.s256, (size_t)count / 16 * 2) == 0, "sums of 16", isa, count);
    compare("scales of 256", isa, a.d256, b.d256, count / 256);
  }
}

static void release(ck_rows rows) {
  free((void *)rows.q32), free((void *)rows.d32), free((void *)rows.s32);
  free((void *)rows.m32);
  free((void *)rows.q256), free((void *)rows.d256), free((void *)rows.s256);
}

// Makes each number of a row-major matrix, or each scale and minimum of its blocks, less than 2 in
// magnitude: then a result is a number, and every rounding shows.
static void tame(int32_t type, uint8_t *weight, int64_t bytes) {
  int64_t block = 0;
  for (int64_t columns = 1; block == 0; columns *= 2) block = ck_row_bytes(type, columns);
  for (int64_t at = 0; at < bytes; at += block) {
    uint8_t *p = weight + at;
    switch (type) {
    case CK_F32: p[3] &= 0xbf; break;
    case CK_F16:
    case CK_BF16:
    case CK_Q4_0:
    case CK_Q5_0:
    case CK_Q8_0: p[1] &= 0xbf; break;
    case CK_Q2_K: p[81] &= 0xbf, p[83] &= 0xbf; break;
    case CK_Q3_K: p[109] &= 0xbf; break;
    case CK_Q6_K: p[209] &= 0xbf; break;
    default: p[1] &= 0xbf, p[3] &= 0xbf; break; // a scale and a minimum at the head
    }
  }
}

// Weights of any bits, where `wild`: a file may hold anything, so scales may be infinite or NaN.
// `extreme`: activations of the greatest magnitude only, so that sums come near their limits.
static void check_matmul(int32_t isa, int32_t type, int64_t rows, int64_t columns, int64_t tokens,
                         int wild, int extreme) {
  int64_t bytes = ck_row_bytes(type, columns) * rows;
  if (bytes == 0) return;
  uint8_t *weight = malloc((size_t)bytes);
  for (int64_t i = 0; i < bytes; i++) weight[i] = (uint8_t)random32();
  if (extreme) {
    static const uint8_t fills[] = {0x7f, 0x80, 0xff};
    uint8_t fill = fills[random32() % 3];
    for (int64_t i = 0; i < bytes; i++) weight[i] = fill;
  }
  if (!wild) tame(type, weight, bytes);
  float *x = random_floats(columns * tokens);
  if (extreme) {
    for (int64_t i = 0; i < columns * tokens; i++) x[i] = tokens % 2 ? -1 : 1;
  }
  float *expected = calloc((size_t)(rows * tokens), 4),
        *actual = calloc((size_t)(rows * tokens), 4);
  ck_rows scalar = quantize(CK_SCALAR, x, columns, tokens),
          vector = quantize(isa, x, columns, tokens);
  int64_t cut = rows / 3;
  ck_product p = {type, weight, 0, rows, &scalar, tokens, expected, rows, NULL, 0};
  ck_matmul(CK_SCALAR, &p);
  p = (ck_product){type, weight, 0, cut, &vector, tokens, actual, rows, weight, bytes};
  ck_matmul(isa, &p);
  p.row_begin = cut, p.row_end = rows;
  ck_matmul(isa, &p);
  compare_rows(isa, vector, scalar, tokens);
  compare(type_names[type], isa, actual, expected, rows * tokens);
  for (int64_t i = 0; !wild && i < rows * tokens; i++) {
    if (isfinite(expected[i])) continue;
    printf("%s: tamed weights gave %a\n", type_names[type], expected[i]);
    failures++;
    break;
  }
  float *row = malloc((size_t)columns * 4), *expected_row = malloc((size_t)columns * 4);
  ck_dequantize(isa, type, weight, columns, row);
  ck_dequantize(CK_SCALAR, type, weight, columns, expected_row);
  compare("dequantize", isa, row, expected_row, columns);
  free(row), free(expected_row), free(weight), free(x), free(expected), free(actual);
  release(scalar), release(vector);
}

static void check_reductions(int32_t isa, const float *x, int64_t count) {
  int64_t limit = count / 2;
  int32_t *indices = calloc((size_t)limit + 1, 4), *expected = calloc((size_t)limit + 1, 4);
  require(ck_select_above(isa, x, count, 0, indices, limit) ==
              ck_select_above(CK_SCALAR, x, count, 0, expected, limit),
          "count above", isa, count);
  require(memcmp(indices, expected, (size_t)limit * 4) == 0, "indices above", isa, count);
  require(ck_argmax(isa, x, count) == ck_argmax(CK_SCALAR, x, count), "argmax", isa, count);
  float pair[2][2] = {{ck_max(isa, x, count), ck_sum_exp(isa, x, 3, count, NULL)},
                      {ck_max(CK_SCALAR, x, count), ck_sum_exp(CK_SCALAR, x, 3, count, NULL)}};
  compare("max or sum_exp", isa, pair[0], pair[1], 2);
  int64_t blocks = (count + CK_LOGIT_BLOCK - 1) / CK_LOGIT_BLOCK;
  float *sums = malloc((size_t)blocks * 12), *expected_sums = malloc((size_t)blocks * 12);
  ck_summarize_blocks(isa, x, count, sums, sums + blocks, sums + 2 * blocks);
  ck_summarize_blocks(CK_SCALAR, x, count, expected_sums, expected_sums + blocks,
                      expected_sums + 2 * blocks);
  compare("summarize_blocks", isa, sums, expected_sums, 3 * blocks);
  require(ck_select_in_blocks(isa, x, count, sums, 0, indices, limit) ==
              ck_select_above(CK_SCALAR, x, count, 0, expected, limit),
          "count in blocks", isa, count);
  require(memcmp(indices, expected, (size_t)limit * 4) == 0, "indices in blocks", isa, count);
  free(sums), free(expected_sums);
  int64_t bytes = count * 4 - 1;
  require(ck_stream_read(isa, x, bytes) == ck_stream_read(CK_SCALAR, x, bytes), "stream_read", isa,
          count);
  free(indices), free(expected);
}

// `special`: with values that are not finite, signalling NaN among them.
static void check_elementwise(int32_t isa, int64_t count, int special) {
  float *x = random_floats(count), *y = random_floats(count);
  for (int64_t i = 0; i < count; i++) x[i] *= 50;
  if (special) {
    for (int64_t i = 0; i < count; i += 3) {
      static const uint32_t bits[] = {0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0x00000001,
                                      0x80000000, 0x477fefff, 0x477ff000, 0x33000001, 0x38800000};
      uint32_t chosen = random32() % 12;
      uint32_t value = chosen < 10 ? bits[chosen] : random32();
      memcpy(x + i, &value, 4);
    }
  }
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
  check_reductions(isa, x, count);
  if (count % 32 == 0) {
    ck_rows actual = quantize(isa, x, count, 1), expected = quantize(CK_SCALAR, x, count, 1);
    compare_rows(isa, actual, expected, 1);
    release(actual), release(expected);
  }
  free(x), free(y);
}

// One lane of the sum of squares outweighs the others, so that each of its roundings shows.
static void check_rms_norm(int32_t isa) {
  enum { COUNT = 83 };
  for (int repeat = 0; repeat < 64; repeat++) {
    float *x = random_floats(COUNT), expected[COUNT], actual[COUNT];
    for (int i = 0; i < COUNT; i++) x[i] = ldexpf(x[i], -(i + repeat) % 16);
    ck_rms_norm(CK_SCALAR, x, NULL, COUNT, 1e-6f, expected);
    ck_rms_norm(isa, x, NULL, COUNT, 1e-6f, actual);
    compare("rms_norm", isa, actual, expected, COUNT);
    free(x);
  }
}

static void check_rotate(int32_t isa, int64_t dimension, int32_t interleaved) {
  float *x = random_floats(dimension), *expected = copy(x, dimension * 4);
  float *cosine = random_floats(dimension / 2), *sine = random_floats(dimension / 2);
  ck_rotate(CK_SCALAR, expected, cosine, sine, dimension, interleaved);
  ck_rotate(isa, x, cosine, sine, dimension, interleaved);
  compare("rotate", isa, x, expected, dimension);
  free(x), free(expected), free(cosine), free(sine);
}

// Keys and values of `capacity` slots, and the queries of some rows.
typedef struct {
  float *queries, *expected, *actual;
  uint16_t *keys, *values;
  int32_t *positions, *slots;
} attention_memory;

static attention_memory attention_random(const ck_attention *a, int64_t capacity) {
  int64_t count = capacity * a->dimension, size = a->rows * a->heads * a->dimension;
  float *floats = random_floats(count);
  attention_memory m = {random_floats(size),
                        random_floats(size),
                        NULL,
                        malloc((size_t)count * 2),
                        malloc((size_t)count * 2),
                        malloc((size_t)a->rows * 4),
                        malloc((size_t)(a->rows * a->slots_stride) * 4)};
  m.actual = copy(m.expected, size * 4);
  ck_to_half(CK_SCALAR, floats, m.values, count);
  for (int64_t i = 0; i < count; i++) m.keys[i] = (uint16_t)(random32() & 0xbbff);
  for (int64_t r = 0; r < a->rows; r++) m.positions[r] = (int32_t)(a->position + r / 2);
  for (int64_t i = 0; i < a->rows * a->slots_stride; i++)
    m.slots[i] = (int32_t)(a->slots_begin + random32() % (uint64_t)(capacity - a->slots_begin));
  free(floats);
  return m;
}

static void attention_free(attention_memory m) {
  free(m.queries), free(m.expected), free(m.actual);
  free(m.keys), free(m.values), free(m.positions), free(m.slots);
}

// The whole call, then the same in parts that are merged. Heads that are not asked for stay as they
// were. `is_tree`: rows share positions and have their own ancestors from slots_begin on.
static void check_attention(int32_t isa, ck_attention a, int is_tree) {
  int64_t size = a.rows * a.heads * a.dimension;
  attention_memory m = attention_random(&a, a.position + a.rows);
  a.queries = m.queries, a.keys = m.keys, a.values = m.values;
  if (is_tree) a.positions = m.positions, a.slots = m.slots;
  a.output = m.expected;
  ck_attend(CK_SCALAR, &a);
  a.output = m.actual;
  ck_attend(isa, &a);
  compare("attend", isa, m.actual, m.expected, size);

  int64_t parts = (a.end - 1) / CK_ATTENTION_SEGMENT + 1, part = a.rows * a.heads;
  float *values = malloc((size_t)(parts * size) * 4), *states = malloc((size_t)(parts * part) * 8);
  for (int64_t i = 0; i < parts; i++) {
    ck_attention step = a;
    int64_t begin = i * CK_ATTENTION_SEGMENT;
    step.begin = begin > a.begin ? begin : a.begin;
    step.end = begin + CK_ATTENTION_SEGMENT < a.end ? begin + CK_ATTENTION_SEGMENT : a.end;
    step.output = values + i * size, step.states = states + i * part * 2;
    ck_attend(isa, &step);
  }
  for (int64_t i = 0; i < a.rows * a.group; i++) {
    int64_t place = i / a.group * a.heads + i % a.group;
    ck_attend_merge(isa, values + place * a.dimension, states + 2 * place, parts, part,
                    a.dimension, m.actual + place * a.dimension);
  }
  compare("attend in parts", isa, m.actual, m.expected, size);
  free(values), free(states);
  attention_free(m);
}

static void check_attentions(int32_t isa, int cases) {
  static const int64_t dimensions[] = {16, 20, 64, 80, 128, 256, 528};
  static const int64_t positions[] = {0, 37, 63, 250, 300, 700};
  for (int repeat = 0; repeat < cases; repeat++) {
    int64_t rows = 1 + random32() % (repeat % 4 ? 17 : 70), group = 1 + random32() % 9;
    int64_t position = positions[random32() % 6];
    ck_attention a = {.rows = rows,
                      .group = group,
                      .heads = group + random32() % 3,
                      .dimension = dimensions[random32() % 7],
                      .position = position,
                      .begin = position ? random32() % 3 * position / 3 : 0,
                      .end = position + rows,
                      .window = random32() % 2 ? 1 + random32() % 100 : 0,
                      .slots_begin = position - random32() % 30 % (uint64_t)(position + 1),
                      .slots_stride = rows + 30,
                      .scale = 0.1f,
                      .softcap = random32() % 4 ? 0 : 2};
    if (a.dimension > 80 && rows > 6) a.rows = 1 + rows % 6, a.end = position + a.rows;
    check_attention(isa, a, repeat % 3 == 0);
  }
}

// A sum of products that does not depend on how many make a step.
static void check_integer_products(int32_t isa) {
  int64_t factor = ck_integer_products_per_step(isa) / ck_integer_products_per_step(CK_SCALAR);
  for (int64_t steps = 0; steps <= 300; steps += 7) {
    uint32_t expected = ck_integer_products(CK_SCALAR, steps * factor);
    require(ck_integer_products(isa, steps) == expected, "integer_products", isa, steps);
  }
}

static void check_all(int32_t isa, int few) {
  static const int64_t counts[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65, 256, 771, 1024};
  for (int32_t type = 0; type < CK_TYPE_LIMIT; type++) {
    for (int64_t tokens = 1; tokens <= 9; tokens++) {
      for (int wild = 0; wild < 2; wild++) {
        check_matmul(isa, type, 1, 256, tokens, wild, 0);
        check_matmul(isa, type, 35, 512, tokens, wild, 0);
        check_matmul(isa, type, 17, 96, tokens, wild, 0);
        check_matmul(isa, type, 16, 13, tokens, wild, 0);
      }
      check_matmul(isa, type, 5, 256, tokens, 0, 1);
    }
    for (int64_t tokens = 16; tokens <= 33; tokens += tokens == 16 ? 1 : 16) {
      check_matmul(isa, type, 9, 256, tokens, 0, 0);
    }
  }
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    check_elementwise(isa, counts[i], 0);
    check_elementwise(isa, counts[i], 1);
  }
  check_rms_norm(isa);
  check_integer_products(isa);
  for (int64_t dimension = 2; dimension <= 80; dimension += 2) {
    check_rotate(isa, dimension, 0);
    check_rotate(isa, dimension, 1);
  }
  check_maps(isa);
  check_attentions(isa, few ? 40 : 400);
}

static int is_named(int count, char **names, int32_t isa) {
  for (int i = 0; i < count; i++) {
    if (strcmp(names[i], ck_isa_name(isa)) == 0) return 1;
  }
  return 0;
}

int main(int count, char **arguments) {
  int few = count > 1 && strcmp(arguments[1], "-few") == 0;
  int wanted = count - 1 - few, checked = 0;
  char **names = arguments + 1 + few;
  printf("best instruction set here: %s\n", ck_isa_name(ck_best()));
  for (int32_t isa = 0; isa < CK_ISA_LIMIT; isa++) {
    if (!ck_supported(isa) || (wanted && !is_named(wanted, names, isa))) continue;
    printf("%s\n", ck_isa_name(isa));
    check_all(isa, few);
    checked++;
  }
  if (checked < wanted) {
    printf("instruction sets asked for: %d, of which are here: %d\n", wanted, checked);
    return 2;
  }
  printf(failures ? "%d differences\n" : "kernels: no differences\n", failures);
  return failures != 0;
}
