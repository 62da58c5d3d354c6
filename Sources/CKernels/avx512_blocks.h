// Unpacking of 16 weight rows into panels. Include between CK_BEGIN_TARGET and CK_END_TARGET.
//
// A panel register holds four adjacent columns of 16 rows as unsigned bytes, one row a lane. So `vpdpbusd` with four
// broadcast activations adds to 16 rows at once, sums never cross lanes, and every row's order is sequential.
#ifndef PACELINE_AVX512_BLOCKS_H
#define PACELINE_AVX512_BLOCKS_H

#include "avx512.h"

// Bytes ahead of which a panel's memory is asked for: the rows that come next, in address order.
CK_INLINE void v_prefetch(const uint8_t *p, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) _mm_prefetch((const char *)(p + i), _MM_HINT_T0);
}

CK_INLINE __m512i v_low_nibbles(__m512i x) { return _mm512_and_si512(x, _mm512_set1_epi8(15)); }
CK_INLINE __m512i v_high_nibbles(__m512i x) { return v_low_nibbles(_mm512_srli_epi16(x, 4)); }

// 16 bytes of nibbles a row: columns 0...15 low, 16...31 high.
CK_INLINE void v_nibbles(const uint8_t *p, int64_t row_bytes, __m512i w[8]) {
  __m512i x[4];
  v_transpose16(p, row_bytes, x);
  for (int e = 0; e < 4; e++) {
    w[e] = v_low_nibbles(x[e]);
    w[e + 4] = v_high_nibbles(x[e]);
  }
}

// Sets bit 4 of each byte whose column's bit is set in the lane's word.
CK_INLINE void v_fifth_bits(__m512i bits, __m512i w[8]) {
  const __m512i even = _mm512_set1_epi32(0x08040201), odd = _mm512_set1_epi32((int)0x80402010u);
  const __m512i sixteen = _mm512_set1_epi8(16);
  for (int i = 0; i < 4; i++) {
    __m512i byte = _mm512_set1_epi32(0x01010101 * i);
    __m512i lanes = _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
    __m512i spread = _mm512_shuffle_epi8(bits, _mm512_add_epi8(byte, lanes));
    w[2 * i] = _mm512_mask_add_epi8(w[2 * i], _mm512_test_epi8_mask(spread, even), w[2 * i], sixteen);
    w[2 * i + 1] = _mm512_mask_add_epi8(w[2 * i + 1], _mm512_test_epi8_mask(spread, odd), w[2 * i + 1], sixteen);
  }
}

// One block of 32 columns of 16 rows: 8 registers, scales, and minimums where the format has them.
typedef void (*v_unpack32)(const uint8_t *p, int64_t row_bytes, __m512i w[8], __m512 *d, __m512 *m);

CK_INLINE void v_unpack_q4_0(const uint8_t *p, int64_t row_bytes, __m512i w[8], __m512 *d, __m512 *m) {
  v_nibbles(p + 2, row_bytes, w);
  *d = v_low_half(v_gather32(p, row_bytes));
  *m = _mm512_setzero_ps();
}

CK_INLINE void v_unpack_q4_1(const uint8_t *p, int64_t row_bytes, __m512i w[8], __m512 *d, __m512 *m) {
  v_nibbles(p + 4, row_bytes, w);
  __m512i head = v_gather32(p, row_bytes);
  *d = v_low_half(head);
  *m = v_high_half(head);
}

CK_INLINE void v_unpack_q5_0(const uint8_t *p, int64_t row_bytes, __m512i w[8], __m512 *d, __m512 *m) {
  v_nibbles(p + 6, row_bytes, w);
  v_fifth_bits(v_gather32(p + 2, row_bytes), w);
  *d = v_low_half(v_gather32(p, row_bytes));
  *m = _mm512_setzero_ps();
}

CK_INLINE void v_unpack_q5_1(const uint8_t *p, int64_t row_bytes, __m512i w[8], __m512 *d, __m512 *m) {
  v_nibbles(p + 8, row_bytes, w);
  v_fifth_bits(v_gather32(p + 4, row_bytes), w);
  __m512i head = v_gather32(p, row_bytes);
  *d = v_low_half(head);
  *m = v_high_half(head);
}

CK_INLINE void v_unpack_q8_0(const uint8_t *p, int64_t row_bytes, __m512i w[8], __m512 *d, __m512 *m) {
  v_transpose16(p + 2, row_bytes, w);
  v_transpose16(p + 18, row_bytes, w + 4);
  for (int e = 0; e < 8; e++) w[e] = _mm512_xor_si512(w[e], _mm512_set1_epi8(-128));
  *d = v_low_half(v_gather32(p, row_bytes));
  *m = _mm512_setzero_ps();
}

// One block of 256 columns of 16 rows.
//
// `w[j]` holds columns 32j...32j+31. `scale` is one register of int32 for each 32 columns (Q4_K, Q5_K) or each 16.
// `pairs[k]` holds for columns 32k...32k+31 two int16 a row, which multiply the two sums of 16 activations: the
// minimums, or for a format with a zero point the scales.
typedef struct {
  __m512i w[8][8];
  __m512i scale[16];
  __m512i pairs[8];
  __m512 d, dmin;
} v_panel256;
typedef void (*v_unpack256)(const uint8_t *p, int64_t row_bytes, v_panel256 *out);

// Byte i (0...3) of each lane, as an unsigned number.
CK_INLINE __m512i v_byte(__m512i x, int i) {
  return _mm512_and_si512(_mm512_srli_epi32(x, (unsigned)(8 * i)), _mm512_set1_epi32(255));
}

// In each byte: the field at bit `from`, moved to bit `to`; `mask` has the field's width.
CK_INLINE __m512i v_move_bits(__m512i x, int from, int to, int mask) {
  __m512i moved = from >= to ? _mm512_srli_epi16(x, (unsigned)(from - to)) : _mm512_slli_epi16(x, (unsigned)(to - from));
  return _mm512_and_si512(moved, _mm512_set1_epi8((char)(mask << to)));
}

// 16 signed bytes a row: as int32 for the products, as pairs of int16 for the zero points.
CK_INLINE void v_signed_scales(const __m512i scales[4], v_panel256 *out) {
  for (int j = 0; j < 16; j++) {
    out->scale[j] = _mm512_srai_epi32(_mm512_slli_epi32(scales[j / 4], (unsigned)(24 - 8 * (j % 4))), 24);
  }
  for (int k = 0; k < 8; k++) {
    __m512i low = _mm512_and_si512(out->scale[2 * k], _mm512_set1_epi32(0xffff));
    out->pairs[k] = _mm512_or_si512(low, _mm512_slli_epi32(out->scale[2 * k + 1], 16));
  }
}

// d, dmin, 8 scales and 8 minimums of 6 bits: the 16 bytes at the head of Q4_K and Q5_K.
CK_INLINE void v_head_q4_k(const uint8_t *p, int64_t row_bytes, v_panel256 *out) {
  __m512i head[4];
  v_transpose16(p, row_bytes, head);
  out->d = v_low_half(head[0]);
  out->dmin = v_high_half(head[0]);
  __m512i six = _mm512_set1_epi8(63), four = _mm512_set1_epi8(15), two = _mm512_set1_epi8(0x30);
  __m512i scales[2], minimums[2];
  scales[0] = _mm512_and_si512(head[1], six);
  minimums[0] = _mm512_and_si512(head[2], six);
  scales[1] = _mm512_or_si512(_mm512_and_si512(head[3], four),
                              _mm512_and_si512(_mm512_srli_epi32(head[1], 2), two));
  minimums[1] = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(head[3], 4), four),
                                _mm512_and_si512(_mm512_srli_epi32(head[2], 2), two));
  for (int j = 0; j < 8; j++) {
    out->scale[j] = v_byte(scales[j / 4], j % 4);
    __m512i minimum = v_byte(minimums[j / 4], j % 4);
    out->pairs[j] = _mm512_or_si512(minimum, _mm512_slli_epi32(minimum, 16));
  }
}

CK_INLINE void v_unpack_q4_k(const uint8_t *p, int64_t row_bytes, v_panel256 *out) {
  v_head_q4_k(p, row_bytes, out);
  for (int c = 0; c < 4; c++) {
    for (int half = 0; half < 2; half++) {
      __m512i x[4];
      v_transpose16(p + 16 + 32 * c + 16 * half, row_bytes, x);
      for (int e = 0; e < 4; e++) {
        out->w[2 * c][4 * half + e] = v_low_nibbles(x[e]);
        out->w[2 * c + 1][4 * half + e] = v_high_nibbles(x[e]);
      }
    }
  }
}

CK_INLINE void v_unpack_q5_k(const uint8_t *p, int64_t row_bytes, v_panel256 *out) {
  v_head_q4_k(p, row_bytes, out);
  for (int half = 0; half < 2; half++) {
    __m512i bits[4];
    v_transpose16(p + 16 + 16 * half, row_bytes, bits);
    for (int c = 0; c < 4; c++) {
      __m512i x[4];
      v_transpose16(p + 48 + 32 * c + 16 * half, row_bytes, x);
      for (int e = 0; e < 4; e++) {
        __m512i low = v_move_bits(bits[e], 2 * c, 4, 1), high = v_move_bits(bits[e], 2 * c + 1, 4, 1);
        out->w[2 * c][4 * half + e] = _mm512_or_si512(v_low_nibbles(x[e]), low);
        out->w[2 * c + 1][4 * half + e] = _mm512_or_si512(v_high_nibbles(x[e]), high);
      }
    }
  }
}

CK_INLINE void v_unpack_q6_k(const uint8_t *p, int64_t row_bytes, v_panel256 *out) {
  __m512i scales[4];
  v_transpose16(p + 192, row_bytes, scales);
  v_signed_scales(scales, out);
  out->d = v_high_half(v_gather32(p + 206, row_bytes));
  out->dmin = _mm512_setzero_ps();
  for (int piece = 0; piece < 4; piece++) {
    int n = piece / 2, half = piece % 2;
    __m512i bits[4];
    v_transpose16(p + 128 + 16 * piece, row_bytes, bits);
    for (int s = 0; s < 2; s++) {
      __m512i x[4];
      v_transpose16(p + 64 * n + 32 * s + 16 * half, row_bytes, x);
      for (int e = 0; e < 4; e++) {
        __m512i low = v_move_bits(bits[e], 2 * s, 4, 3), high = v_move_bits(bits[e], 2 * s + 4, 4, 3);
        out->w[4 * n + s][4 * half + e] = _mm512_or_si512(v_low_nibbles(x[e]), low);
        out->w[4 * n + s + 2][4 * half + e] = _mm512_or_si512(v_high_nibbles(x[e]), high);
      }
    }
  }
}

CK_INLINE void v_unpack_q3_k(const uint8_t *p, int64_t row_bytes, v_panel256 *out) {
  __m512i packed[4], scales[4];
  v_transpose16(p + 92, row_bytes, packed); // the last 4 bytes of the fields, then the scales
  for (int g = 0; g < 4; g++) {
    __m512i low = g < 2 ? v_low_nibbles(packed[1 + g]) : v_high_nibbles(packed[g - 1]);
    __m512i six = _mm512_or_si512(low, v_move_bits(packed[3], 2 * g, 4, 3));
    scales[g] = _mm512_sub_epi8(six, _mm512_set1_epi8(32));
  }
  v_signed_scales(scales, out);
  out->d = v_high_half(v_gather32(p + 106, row_bytes));
  out->dmin = _mm512_setzero_ps();
  for (int half = 0; half < 2; half++) {
    __m512i bits[4];
    v_transpose16(p + 16 * half, row_bytes, bits);
    for (int n = 0; n < 2; n++) {
      __m512i x[4];
      v_transpose16(p + 32 + 32 * n + 16 * half, row_bytes, x);
      for (int j = 4 * n; j < 4 * n + 4; j++) {
        for (int e = 0; e < 4; e++) {
          __m512i low = v_move_bits(x[e], 2 * (j % 4), 0, 3);
          out->w[j][4 * half + e] = _mm512_or_si512(low, v_move_bits(bits[e], j, 2, 1));
        }
      }
    }
  }
}

CK_INLINE void v_unpack_q2_k(const uint8_t *p, int64_t row_bytes, v_panel256 *out) {
  __m512i packed[4];
  v_transpose16(p, row_bytes, packed);
  for (int j = 0; j < 16; j++) out->scale[j] = v_byte(v_low_nibbles(packed[j / 4]), j % 4);
  for (int k = 0; k < 8; k++) {
    __m512i minimums = v_high_nibbles(packed[k / 2]);
    __m512i first = v_byte(minimums, 2 * (k % 2)), second = v_byte(minimums, 2 * (k % 2) + 1);
    out->pairs[k] = _mm512_or_si512(first, _mm512_slli_epi32(second, 16));
  }
  __m512i tail = v_gather32(p + 80, row_bytes);
  out->d = v_low_half(tail);
  out->dmin = v_high_half(tail);
  for (int piece = 0; piece < 4; piece++) {
    __m512i x[4];
    v_transpose16(p + 16 + 16 * piece, row_bytes, x);
    for (int f = 0; f < 4; f++) {
      for (int e = 0; e < 4; e++) {
        out->w[4 * (piece / 2) + f][4 * (piece % 2) + e] = v_move_bits(x[e], 2 * f, 0, 3);
      }
    }
  }
}

#endif
