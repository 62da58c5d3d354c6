// The block formats of GGML, written plainly: the definition that every other version is tested
// against.
#include "kernels.h"

ck_block_shape ck_shape(int32_t type) {
  switch (type) {
  case CK_F32: return (ck_block_shape){1, 4};
  case CK_F16: return (ck_block_shape){1, 2};
  case CK_BF16: return (ck_block_shape){1, 2};
  case CK_Q4_0: return (ck_block_shape){32, 18};
  case CK_Q4_1: return (ck_block_shape){32, 20};
  case CK_Q5_0: return (ck_block_shape){32, 22};
  case CK_Q5_1: return (ck_block_shape){32, 24};
  case CK_Q8_0: return (ck_block_shape){32, 34};
  case CK_Q2_K: return (ck_block_shape){256, 84};
  case CK_Q3_K: return (ck_block_shape){256, 110};
  case CK_Q4_K: return (ck_block_shape){256, 144};
  case CK_Q5_K: return (ck_block_shape){256, 176};
  case CK_Q6_K: return (ck_block_shape){256, 210};
  default: return (ck_block_shape){0, 0};
  }
}

int64_t ck_row_bytes(int32_t type, int64_t columns) {
  ck_block_shape shape = ck_shape(type);
  if (shape.columns == 0 || columns < 0 || columns % shape.columns != 0) return 0;
  int64_t blocks = columns / shape.columns;
  return blocks > INT64_MAX / shape.bytes ? 0 : blocks * shape.bytes;
}

// Columns 0...15 take the low nibbles, 16...31 the high ones; `high_bits` are the fifth bits by
// column.
static void unpack_nibbles(const uint8_t *nibbles, uint32_t high_bits, uint8_t *q) {
  for (int j = 0; j < 16; j++) {
    q[j] = (uint8_t)((nibbles[j] & 15u) | (((high_bits >> j) & 1u) << 4));
    q[j + 16] = (uint8_t)((nibbles[j] >> 4) | (((high_bits >> (j + 16)) & 1u) << 4));
  }
}

void ck_unpack32(int32_t type, const uint8_t *block, ck_block32 *out) {
  out->d = ck_float_of_half(ck_load16(block));
  out->m = 0;
  out->has_minimum = type == CK_Q4_1 || type == CK_Q5_1;
  if (out->has_minimum) out->m = ck_float_of_half(ck_load16(block + 2));
  switch (type) {
  case CK_Q4_0:
    out->zero = 8;
    unpack_nibbles(block + 2, 0, out->q);
    break;
  case CK_Q4_1:
    out->zero = 0;
    unpack_nibbles(block + 4, 0, out->q);
    break;
  case CK_Q5_0:
    out->zero = 16;
    unpack_nibbles(block + 6, ck_load32(block + 2), out->q);
    break;
  case CK_Q5_1:
    out->zero = 0;
    unpack_nibbles(block + 8, ck_load32(block + 4), out->q);
    break;
  default: // Q8_0
    out->zero = 128;
    for (int j = 0; j < 32; j++) out->q[j] = block[2 + j] ^ 0x80u;
    break;
  }
}

// The 6-bit scale and minimum of sub-block j (0...7) of Q4_K and Q5_K, packed in 12 bytes.
static void scale_and_minimum(const uint8_t *packed, int j, int32_t *scale, int32_t *minimum) {
  if (j < 4) {
    *scale = packed[j] & 63;
    *minimum = packed[j + 4] & 63;
  } else {
    *scale = (packed[j + 4] & 15) | ((packed[j - 4] >> 6) << 4);
    *minimum = (packed[j + 4] >> 4) | ((packed[j] >> 6) << 4);
  }
}

// The 6-bit scale of 16 columns j (0...15) of Q3_K, packed in 12 bytes.
static int32_t scale_of_q3(const uint8_t *packed, int j) {
  int low = j < 8 ? packed[j] & 15 : packed[j - 8] >> 4;
  int high = (packed[8 + j % 4] >> (2 * (j / 4))) & 3;
  return (low | (high << 4)) - 32;
}

static void unpack_q2(const uint8_t *block, ck_block256 *out) {
  for (int c = 0; c < 256; c++) {
    uint8_t fields = block[16 + 32 * (c / 128) + c % 32];
    out->q[c] = (int8_t)((fields >> (2 * (c % 128 / 32))) & 3);
  }
  for (int j = 0; j < 16; j++) {
    out->scale[j] = block[j] & 15;
    out->minimum[j] = block[j] >> 4;
  }
  out->d = ck_float_of_half(ck_load16(block + 80));
  out->dmin = ck_float_of_half(ck_load16(block + 82));
}

static void unpack_q3(const uint8_t *block, ck_block256 *out) {
  for (int c = 0; c < 256; c++) {
    uint8_t fields = block[32 + 32 * (c / 128) + c % 32];
    int low = (fields >> (2 * (c % 128 / 32))) & 3;
    int high = (block[c % 32] >> (c / 32)) & 1;
    out->q[c] = (int8_t)(low - (high ? 0 : 4));
  }
  for (int j = 0; j < 16; j++) out->scale[j] = scale_of_q3(block + 96, j);
  out->d = ck_float_of_half(ck_load16(block + 108));
}

static void unpack_q4_or_q5(int32_t type, const uint8_t *block, ck_block256 *out) {
  const uint8_t *high = type == CK_Q5_K ? block + 16 : NULL;
  const uint8_t *nibbles = type == CK_Q5_K ? block + 48 : block + 16;
  for (int c = 0; c < 256; c++) {
    uint8_t pair = nibbles[32 * (c / 64) + c % 32];
    int low = c % 64 < 32 ? pair & 15 : pair >> 4;
    int fifth = high ? (high[c % 32] >> (c / 32)) & 1 : 0;
    out->q[c] = (int8_t)(low | (fifth << 4));
  }
  for (int j = 0; j < 16; j++) {
    scale_and_minimum(block + 4, j / 2, &out->scale[j], &out->minimum[j]);
  }
  out->d = ck_float_of_half(ck_load16(block));
  out->dmin = ck_float_of_half(ck_load16(block + 2));
}

static void unpack_q6(const uint8_t *block, ck_block256 *out) {
  for (int c = 0; c < 256; c++) {
    uint8_t pair = block[64 * (c / 128) + c % 64];
    int low = c % 128 < 64 ? pair & 15 : pair >> 4;
    int high = (block[128 + 32 * (c / 128) + c % 32] >> (2 * (c % 128 / 32))) & 3;
    out->q[c] = (int8_t)((low | (high << 4)) - 32);
  }
  for (int j = 0; j < 16; j++) out->scale[j] = (int8_t)block[192 + j];
  out->d = ck_float_of_half(ck_load16(block + 208));
}

void ck_unpack256(int32_t type, const uint8_t *block, ck_block256 *out) {
  out->has_minimum = type == CK_Q2_K || type == CK_Q4_K || type == CK_Q5_K;
  out->dmin = 0;
  memset(out->minimum, 0, sizeof out->minimum);
  switch (type) {
  case CK_Q2_K: unpack_q2(block, out); break;
  case CK_Q3_K: unpack_q3(block, out); break;
  case CK_Q6_K: unpack_q6(block, out); break;
  default: unpack_q4_or_q5(type, block, out); break;
  }
}

static void dequantize_plain(int32_t type, const uint8_t *row, int64_t columns, float *output) {
  for (int64_t c = 0; c < columns; c++) {
    if (type == CK_F32) output[c] = ck_float_of_bits(ck_load32(row + 4 * c));
    if (type == CK_F16) output[c] = ck_float_of_half(ck_load16(row + 2 * c));
    if (type == CK_BF16) output[c] = ck_float_of_bfloat(ck_load16(row + 2 * c));
  }
}

void ck_scalar_dequantize(int32_t type, const void *row, int64_t columns, float *output) {
  ck_block_shape shape = ck_shape(type);
  if (shape.columns == 1) dequantize_plain(type, row, columns, output);
  if (shape.columns == 32) {
    for (int64_t b = 0; b < columns / 32; b++) {
      ck_block32 block;
      ck_unpack32(type, (const uint8_t *)row + b * shape.bytes, &block);
      for (int j = 0; j < 32; j++) {
        float product = block.d * (float)((int32_t)block.q[j] - block.zero);
        output[32 * b + j] = block.has_minimum ? product + block.m : product;
      }
    }
  }
  if (shape.columns == 256) {
    for (int64_t b = 0; b < columns / 256; b++) {
      ck_block256 block;
      ck_unpack256(type, (const uint8_t *)row + b * shape.bytes, &block);
      for (int j = 0; j < 256; j++) {
        float product = block.d * (float)block.scale[j / 16] * (float)block.q[j];
        float minimum = block.dmin * (float)block.minimum[j / 16];
        output[256 * b + j] = block.has_minimum ? product - minimum : product;
      }
    }
  }
}
