// Stateless SIMD mathematics over plain pointers.
//
// No allocation, no threads, no I/O: a caller owns all memory and splits the work. Every function
// takes the instruction set to use as its first argument; `ck_best()` chooses it once at start.
//
// Numerics contract. Each output value is computed by one fixed sequence of roundings that depends
// neither on the instruction set, nor on how many rows travel together, nor on how the rows are
// split among threads:
//   - Integer dot products are exact, so their order does not matter.
//   - Quantised matrices: for each block in ascending column order, with `d` the weight's scale,
//     `m` its minimum, `a` the activation's scale and `sum` the exact integer product with zero
//     points removed,
//         acc = fma(d * a, (float)sum, acc)
//     and after it, for Q4_1 and Q5_1, with msum = a * (float)(sum of the activation's integers),
//         acc = fma(m, msum, acc)
//     K-quants: blocks of 256; sub-scales multiply the integers, so `sum` and `msum` are exact
//         acc = fma(d * a, (float)sum, acc);  acc = fma(-(dmin * a), (float)msum, acc)
//   - F32, F16 and BF16 dot products and sums of squares: 16 partial sums, lane j taking the
//     columns that are j modulo 16 in ascending order by fma, then added pairwise: lanes j and
//     j + 8, j and j + 4, j and j + 2, j and j + 1.
//   - exp is the polynomial of `ck_exp` in scalar.h, with the same fma sequence everywhere.
//   - Attention: the order of every sum stands in scalar_attention.c.
//   - Feature maps: dense products and convolutions add by fma, inputs in ascending order.
// Only the payload of a NaN may differ.
#ifndef PACELINE_CKERNELS_H
#define PACELINE_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// GGML's numbers for the weight formats, as they stand in a GGUF file.
enum {
  CK_F32 = 0,
  CK_F16 = 1,
  CK_Q4_0 = 2,
  CK_Q4_1 = 3,
  CK_Q5_0 = 6,
  CK_Q5_1 = 7,
  CK_Q8_0 = 8,
  CK_Q2_K = 10,
  CK_Q3_K = 11,
  CK_Q4_K = 12,
  CK_Q5_K = 13,
  CK_Q6_K = 14,
  CK_BF16 = 30,
  CK_TYPE_LIMIT = 31
};

// Instruction sets, in ascending order of preference on x86.
enum { CK_SCALAR = 0, CK_AVX2 = 1, CK_AVX512 = 2, CK_NEON = 3, CK_ISA_LIMIT = 4 };

// The best instruction set that this processor and operating system can run.
int32_t ck_best(void);
// Nonzero where `isa` can run here.
int32_t ck_supported(int32_t isa);
// "scalar", "avx2", "avx512", "neon"; NULL for an unknown number.
const char *ck_isa_name(int32_t isa);

// Activation rows in the forms that the weight formats multiply with. A form that is not needed may
// be NULL. Pointers are to row 0; row t of `f` starts at f + t * columns, and so on.
typedef struct {
  int64_t columns;
  const float *f;      // [rows, columns]         for F32, F16, BF16
  const int8_t *q32;   // [rows, columns]         blocks of 32, values -127...127
  const float *d32;    // [rows, columns / 32]    scale: amax / 127
  const int32_t *s32;  // [rows, columns / 32]    sum of the block's integers
  const float *m32;    // [rows, columns / 32]    d32 * (float)s32
  const int8_t *q256;  // [rows, columns]         blocks of 256, values -127...127
  const float *d256;   // [rows, columns / 256]
  const int16_t *s256; // [rows, columns / 16]    sums of 16 integers
} ck_rows;

// Quantises one row: per block amax / 127, round to nearest, ties to even; an all-zero block has
// scale 0, and so has one below 2^-118. A block with a value that is not finite has an infinite
// scale and zero integers, so that products with it are NaN.
void ck_quantize32(int32_t isa, const float *x, int64_t columns, int8_t *q, float *d, int32_t *s,
                   float *m);
void ck_quantize256(int32_t isa, const float *x, int64_t columns, int8_t *q, float *d, int16_t *s);

// output[t * stride + r] = dot(weight row r, activation row t) for r in [row_begin, row_end), t in
// [0, tokens).
typedef struct {
  int32_t type;
  const void *weight; // row 0 of a row-major matrix of x->columns columns
  int64_t row_begin, row_end;
  const ck_rows *x;
  int64_t tokens;
  float *output;
  int64_t stride;
  // Weights are asked for some way ahead of their use; when the rows run out, this is: what the
  // caller will read next. May be empty.
  const void *next;
  int64_t next_bytes;
} ck_product;
void ck_matmul(int32_t isa, const ck_product *p);

// Bytes of one row of `columns` values; 0 for an unknown type or a column count that is no whole
// number of blocks.
int64_t ck_row_bytes(int32_t type, int64_t columns);

// One weight row to floats, exactly (each value is one product and at most one sum of the stored
// scales).
void ck_dequantize(int32_t isa, int32_t type, const void *row, int64_t columns, float *output);

// output[i] = x[i] * (1 / sqrt(mean(x^2) + epsilon)) * weight[i]; weight may be NULL; output may be
// x.
void ck_rms_norm(int32_t isa, const float *x, const float *weight, int64_t count, float epsilon,
                 float *output);

// Rotary embedding of one head, in place. cosine and sine: [dimension / 2] for this position.
// interleaved: pairs (2i, 2i+1); otherwise halves (i, i + dimension / 2).
void ck_rotate(int32_t isa, float *x, const float *cosine, const float *sine, int64_t dimension,
               int32_t interleaved);

// output[i] = silu(gate[i]) * up[i]; output may be gate or up.
void ck_silu_multiply(int32_t isa, const float *gate, const float *up, int64_t count,
                      float *output);
// The same with GELU in its tanh form.
void ck_gelu_multiply(int32_t isa, const float *gate, const float *up, int64_t count,
                      float *output);
// x[i] += y[i]
void ck_add(int32_t isa, float *x, const float *y, int64_t count);
// x[i] *= factor
void ck_scale(int32_t isa, float *x, float factor, int64_t count);
// x[i] = cap * tanh(x[i] / cap)
void ck_softcap(int32_t isa, float *x, float cap, int64_t count);
// IEEE half precision, round to nearest even.
void ck_to_half(int32_t isa, const float *x, uint16_t *output, int64_t count);
void ck_from_half(int32_t isa, const uint16_t *x, float *output, int64_t count);

// Attention of the query heads that share one key-value head, for the rows of one pass.
//
// Positions are walked in segments of CK_ATTENTION_SEGMENT and tiles of CK_ATTENTION_TILE, both
// aligned to absolute positions, with an online softmax: one maximum, one rescaling and one sum per
// tile, and one merge per segment. So a row's bits do not depend on what else is computed.
enum { CK_ATTENTION_TILE = 64, CK_ATTENTION_SEGMENT = 512 };
// Queries that walk together at most, and how many floats their values may be. More in one call are
// cut into blocks.
enum { CK_ATTENTION_QUERIES = 64, CK_ATTENTION_SUMS = 16384 };
typedef struct {
  // Query g of row r lies at queries + (r * heads + g) * dimension, and its output likewise.
  const float *queries;   // rotated
  const uint16_t *keys;   // [slots, dimension], half precision, rotated
  const uint16_t *values; // [slots, dimension], half precision
  // Row r stands at positions[r]; where that is NULL, at position + r. It attends to the positions
  // from begin to end and to its own (inclusive), of these to the last `window` (0: all). Without
  // `states` that must be at least one.
  const int32_t *positions;
  int64_t position;
  int64_t begin, end;
  int64_t window;
  // NULL: position p lies in slot p. Else for row r in slots[r * slots_stride + p - slots_begin]
  // for p >= slots_begin, and in slot p below that.
  const int32_t *slots;
  int64_t slots_begin, slots_stride;
  int64_t rows, group, heads, dimension; // group: of the `heads` in a row those computed here
  float scale;                           // multiplies the dot products
  float softcap;                         // 0: none
  float *output;
  // NULL: the outputs are finished. Else [begin, end) lies in one segment, outputs are sums still
  // to be divided, and states + 2 * (r * heads + g) takes the maximum and the sum of weights (0
  // where the row attends to nothing here), for ck_attend_merge.
  float *states;
} ck_attention;
void ck_attend(int32_t isa, const ck_attention *a);
// Merges the parts of one query, one for each segment, ascending: part i has its values at
// values + i * heads * dimension and its state at states + 2 * i * heads.
void ck_attend_merge(int32_t isa, const float *values, const float *states, int64_t parts,
                     int64_t heads, int64_t dimension, float *output);

// Index of the greatest value, the lowest such index on a tie; NaN is never chosen unless all are
// NaN (then 0).
int64_t ck_argmax(int32_t isa, const float *x, int64_t count);
// Greatest value (-inf for none).
float ck_max(int32_t isa, const float *x, int64_t count);
// Sum of exp(x[i] - shift), in 16 lanes as above. Also stores the terms where `terms` is not NULL.
float ck_sum_exp(int32_t isa, const float *x, float shift, int64_t count, float *terms);
// Copies the indices of the values >= threshold, at most `limit`; returns how many there are in
// all.
int64_t ck_select_above(int32_t isa, const float *x, int64_t count, float threshold,
                        int32_t *indices, int64_t limit);

// Logits are summarised in blocks of so many, the last one shorter.
enum { CK_LOGIT_BLOCK = 64 };
// For each block b of x, with d = x[i] - maxima[b] (x[i] itself where no value is above -inf), not
// less than the least that ck_exp tells from 0:
//     maxima[b] = max(x[i]), as ck_max;  sums[b] = sum of exp(d);  moments[b] = sum of d * exp(d),
// the sums in 16 lanes as above, the moments by fma. NaN or +inf in a block makes its sums NaN.
void ck_summarize_blocks(int32_t isa, const float *x, int64_t count, float *maxima, float *sums,
                         float *moments);
// ck_select_above that reads only the blocks whose maximum is at least `threshold`.
int64_t ck_select_in_blocks(int32_t isa, const float *x, int64_t count, const float *maxima,
                            float threshold, int32_t *indices, int64_t limit);

// Feature maps: pixels of `channels` floats, row by row.
//
// Products with weights whose outputs lie side by side, in groups: weight k of output r is
// w[r / CK_DENSE_GROUP * w_group + k * w_stride + r % CK_DENSE_GROUP]. For t in [0, rows) and r in
// [0, outputs), with sum = bias[r] (0 where that is NULL) and then, k ascending to `depth`,
//     sum = fma(x[t * x_stride + k], weight k of r, sum),
// y[t * y_stride + r] becomes sum, or with `adds` y[t * y_stride + r] + sum.
enum { CK_DENSE_GROUP = 32 };
typedef struct {
  const float *x;
  int64_t x_stride, rows, depth;
  const float *w;
  int64_t w_stride, w_group, outputs;
  const float *bias;
  float *y;
  int64_t y_stride;
  int32_t adds;
} ck_dense;
void ck_dense_product(int32_t isa, const ck_dense *p);

// Each channel of a map [height, width, channels] with size * size weights of its own
// [size, size, channels], size odd, zeros beyond the edges; the map's rows [row_begin, row_end) of
// y. The sum begins with the bias; weights are added by fma in ascending order, those beyond the
// edges left out.
typedef struct {
  const float *x;
  int64_t height, width, channels, size;
  const float *w, *bias;
  int64_t row_begin, row_end;
  float *y;
} ck_depthwise;
void ck_depthwise_convolution(int32_t isa, const ck_depthwise *p);

// Sum and sum of squares in 16 lanes as above.
void ck_sums(int32_t isa, const float *x, int64_t count, float *sum, float *squares);
// y[i] = fma(fma(x[i], scale, shift), weight[i], bias[i]), without the outer fma where weight is
// NULL; y may be x.
void ck_normalize(int32_t isa, const float *x, int64_t count, float scale, float shift,
                  const float *weight, const float *bias, float *y);

// A hint to the processor inside a spin loop.
static inline void ck_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

// The least time that reading `bytes` bytes took: a streaming read that no optimiser removes.
// Returns a checksum.
uint64_t ck_stream_read(int32_t isa, const void *memory, int64_t bytes);

// The least time that integer products take: `steps` steps of what the set's quantised products
// consist of, in registers, in enough independent chains to keep the processor busy. A step is
// ck_integer_products_per_step(isa) multiply-adds of bytes: 16 pairs, over and over. No optimiser
// removes them. Returns the sum of all products modulo 2^32.
uint32_t ck_integer_products(int32_t isa, int64_t steps);
int64_t ck_integer_products_per_step(int32_t isa);

#ifdef __cplusplus
}
#endif
#endif
