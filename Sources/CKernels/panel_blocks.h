// Unpacking of V_ROWS weight rows into panels, for any vector width. Include after simd_avx512.h,
// simd_avx2.h or simd_neon.h.
//
// A panel register holds four adjacent columns of V_ROWS rows as bytes, one row a lane. So a
// product with four broadcast activations adds to all rows at once, sums never cross lanes, and
// every row's order is sequential.
#ifndef PACELINE_PANEL_BLOCKS_H
#define PACELINE_PANEL_BLOCKS_H

#include "panel_groups.h"

// Asks for memory that a later group reads. Rows of a group lie apart and each is short, which no
// hardware prefetcher follows; so the bytes are asked for in address order, into the second-level
// cache: a group may not fit the first.
CK_INLINE void v_prefetch(const uint8_t *p, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(p + i, 0, 2);
}

CK_INLINE vi v_low_nibbles(vi x) { return i_and(x, i_splat8(15)); }
CK_INLINE vi v_high_nibbles(vi x) { return v_low_nibbles(i_right16(x, 4)); }

// 16 bytes of nibbles a row: columns 0...15 low, 16...31 high.
CK_INLINE void v_nibbles(const vi *c, int at, vi w[8]) {
  for (int e = 0; e < 4; e++) {
    vi x = v_dword(c, at + 4 * e);
    w[e] = v_low_nibbles(x);
    w[e + 4] = v_high_nibbles(x);
  }
}

// One block of 32 columns of V_ROWS rows, at byte `at` of the dword columns `c`: 8 registers,
// scales, and minimums where the format has them. Blocks of 18, 22 and 34 bytes are dwords only in
// pairs: every second one straddles.
typedef void (*v_unpack32)(const vi *c, int at, vi w[8], vf *d, vf *m);

CK_INLINE void v_unpack_q4_0(const vi *c, int at, vi w[8], vf *d, vf *m) {
  v_nibbles(c, at + 2, w);
  *d = v_half(c, at);
  *m = f_zero();
}

CK_INLINE void v_unpack_q4_1(const vi *c, int at, vi w[8], vf *d, vf *m) {
  v_nibbles(c, at + 4, w);
  *d = v_half(c, at);
  *m = v_half(c, at + 2);
}

CK_INLINE void v_unpack_q5_0(const vi *c, int at, vi w[8], vf *d, vf *m) {
  v_nibbles(c, at + 6, w);
  v_fifth_bits(v_dword(c, at + 2), w);
  *d = v_half(c, at);
  *m = f_zero();
}

CK_INLINE void v_unpack_q5_1(const vi *c, int at, vi w[8], vf *d, vf *m) {
  v_nibbles(c, at + 8, w);
  v_fifth_bits(v_dword(c, at + 4), w);
  *d = v_half(c, at);
  *m = v_half(c, at + 2);
}

CK_INLINE void v_unpack_q8_0(const vi *c, int at, vi w[8], vf *d, vf *m) {
  for (int e = 0; e < 8; e++) {
    w[e] = i_xor(v_dword(c, at + 2 + 4 * e), i_splat8(V_EIGHT_BIT_FLIP));
  }
  *d = v_half(c, at);
  *m = f_zero();
}

#ifndef V_SCALES_IN_SUMS
// Adds to sum[g * width + t], for each of `groups` groups and `width` tokens, the products of the
// `registers` panel registers at w[g] with the activations at a + t * stride.
CK_INLINE void v_dots(vi *sum, const vi *const *w, int groups, int registers, const int8_t *a,
                      int64_t stride, int width, int greatest) {
  for (int g = 0; g < groups; g++) {
    v_dot(sum + g * width, w[g], registers, a, stride, width, greatest);
  }
}

// Byte i (0...3) of each lane as v_dots_scaled takes its scale: an int32. The second for signed ones.
CK_INLINE vi v_byte_scale(vi x, int i) { return v_byte(x, i); }
CK_INLINE vi v_signed_byte_scale(vi x, int i) {
  return i_signed_right32(i_left32(x, 24 - 8 * i), 24);
}

// Two scales as pairs of int16.
CK_INLINE vi v_scale_pair(vi first, vi second) {
  return i_or(i_and(first, i_splat32(0xffff)), i_left32(second, 16));
}

// Adds to `total` what v_dots adds to `sum`, times scale[g].
CK_INLINE void v_dots_scaled(vi *total, const vi *const *w, int groups, int registers,
                             const int8_t *a, int64_t stride, int width, int greatest,
                             const vi *scale) {
  vi sum[V_GROUPS * V_TOKENS];
  for (int i = 0; i < groups * width; i++) sum[i] = i_zero();
  v_dots(sum, w, groups, registers, a, stride, width, greatest);
  for (int i = 0; i < groups * width; i++) {
    total[i] = i_add32(total[i], i_mul32(sum[i], scale[i / width]));
  }
}
#endif

// One block of 256 columns of V_ROWS rows.
//
// `w[j]` holds columns 32j...32j+31. `scale` is one register of v_byte_scale for each 32 columns
// (Q4_K, Q5_K) or each 16. `pairs[k]` holds for columns 32k...32k+31 two int16 a row, which multiply
// the two sums of 16 activations: the minimums, or for a format with a zero point the scales.
typedef struct {
  vi w[8][8];
  vi scale[16];
  vi pairs[8];
  vf d, dmin;
} v_panel256;

// Where unpacked columns go: into the panel, or straight into the product with one or two tokens.
typedef struct {
  v_panel256 *panel;
  const uint8_t *ahead; // what a later group reads
  int32_t bytes, fine, greatest;
  int32_t direct;  // tokens, or 0; known at compile time, so no test of it remains
  const int8_t *a; // where direct: the first token's 256 activations
  int64_t stride;  // where direct: from a token's activations to the next one's
  vi total[2];     // where direct: each token's scaled sums
} v_sink;
typedef void (*v_unpack256)(const v_group *g, v_sink *sink);

// Asks for its part, of the sixteen that a block has, of what a later group reads.
CK_INLINE void v_ask(const v_sink *sink, int part) {
  int64_t share = V_ROWS * sink->bytes / 16;
  v_prefetch(sink->ahead + part * share, share);
}

// Adds the products of `registers` columns from `column` on, times `scale`. The sums are not added to
// where they lie: that would keep the whole sink out of registers.
CK_INLINE void v_take(v_sink *sink, const vi *w, int registers, int column, vi scale) {
  vi total[2] = {sink->total[0], sink->total[1]};
  v_dots_scaled(total, &w, 1, registers, sink->a + column, sink->stride, sink->direct,
                sink->greatest, &scale);
  sink->total[0] = total[0];
  sink->total[1] = total[1];
}

// Takes columns 32j + 16 half to 32j + 16 half + 15 of a format with a scale for each 16.
CK_INLINE void v_emit16(v_sink *sink, int j, int half, const vi w[4]) {
  v_ask(sink, 2 * j + half);
  if (sink->direct) {
    v_take(sink, w, 4, 32 * j + 16 * half, sink->panel->scale[2 * j + half]);
  } else {
    for (int e = 0; e < 4; e++) sink->panel->w[j][4 * half + e] = w[e];
  }
}

// Takes columns 32j to 32j + 31 of a format with a scale for each 32.
CK_INLINE void v_emit32(v_sink *sink, int j, const vi w[8]) {
  v_ask(sink, 2 * j);
  v_ask(sink, 2 * j + 1);
  if (sink->direct) {
    v_take(sink, w, 8, 32 * j, sink->panel->scale[j]);
  } else {
    for (int e = 0; e < 8; e++) sink->panel->w[j][e] = w[e];
  }
}

// In each byte: the field at bit `from`, moved to bit `to`; `mask` has the field's width.
CK_INLINE vi v_move_bits(vi x, int from, int to, int mask) {
  vi moved = from >= to ? i_right16(x, from - to) : i_left16(x, to - from);
  return i_and(moved, i_splat8(mask << to));
}

// 16 signed bytes a row: for the products, and as pairs of int16 for the zero points.
CK_INLINE void v_signed_scales(const vi scales[4], v_panel256 *out) {
  V_UNROLL
  for (int j = 0; j < 16; j++) out->scale[j] = v_signed_byte_scale(scales[j / 4], j % 4);
  V_UNROLL
  for (int k = 0; k < 8; k++) {
    out->pairs[k] = v_scale_pair(out->scale[2 * k], out->scale[2 * k + 1]);
  }
}

// d, dmin, 8 scales and 8 minimums of 6 bits: the 16 bytes at the head of Q4_K and Q5_K.
CK_INLINE void v_head_q4_k(const v_group *g, v_panel256 *out) {
  vi head[4];
  v_transpose(g, 0, head);
  out->d = v_low_half(head[0]);
  out->dmin = v_high_half(head[0]);
  vi six = i_splat8(63), four = i_splat8(15), two = i_splat8(0x30);
  vi scales[2], minimums[2];
  scales[0] = i_and(head[1], six);
  minimums[0] = i_and(head[2], six);
  scales[1] = i_or(i_and(head[3], four), i_and(i_right32(head[1], 2), two));
  minimums[1] = i_or(i_and(i_right32(head[3], 4), four), i_and(i_right32(head[2], 2), two));
  V_UNROLL
  for (int j = 0; j < 8; j++) {
    out->scale[j] = v_byte_scale(scales[j / 4], j % 4);
    out->pairs[j] = v_byte_pair(minimums[j / 4], j % 4);
  }
}

CK_INLINE void v_unpack_q4_k(const v_group *g, v_sink *sink) {
  v_head_q4_k(g, sink->panel);
  V_UNROLL
  for (int c = 0; c < 4; c++) {
    vi x[8], w[8];
    v_transpose(g, 16 + 32 * c, x);
    v_transpose(g, 32 + 32 * c, x + 4);
  V_UNROLL
    for (int e = 0; e < 8; e++) w[e] = v_low_nibbles(x[e]);
    v_emit32(sink, 2 * c, w);
  V_UNROLL
    for (int e = 0; e < 8; e++) w[e] = v_high_nibbles(x[e]);
    v_emit32(sink, 2 * c + 1, w);
  }
}

CK_INLINE void v_unpack_q5_k(const v_group *g, v_sink *sink) {
  v_head_q4_k(g, sink->panel);
  vi bits[8];
  v_transpose(g, 16, bits);
  v_transpose(g, 32, bits + 4);
  V_UNROLL
  for (int c = 0; c < 4; c++) {
    vi x[8], w[8];
    v_transpose(g, 48 + 32 * c, x);
    v_transpose(g, 64 + 32 * c, x + 4);
  V_UNROLL
    for (int e = 0; e < 8; e++) {
      w[e] = i_or(v_low_nibbles(x[e]), v_move_bits(bits[e], 2 * c, 4, 1));
    }
    v_emit32(sink, 2 * c, w);
  V_UNROLL
    for (int e = 0; e < 8; e++) {
      w[e] = i_or(v_high_nibbles(x[e]), v_move_bits(bits[e], 2 * c + 1, 4, 1));
    }
    v_emit32(sink, 2 * c + 1, w);
  }
}

CK_INLINE void v_unpack_q6_k(const v_group *g, v_sink *sink) {
  vi scales[4];
  v_transpose(g, 192, scales);
  v_signed_scales(scales, sink->panel);
  sink->panel->d = v_high_half(v_gather32(g, 206));
  sink->panel->dmin = f_zero();
  V_UNROLL
  for (int piece = 0; piece < 4; piece++) {
    int n = piece / 2, half = piece % 2;
    vi bits[4];
    v_transpose(g, 128 + 16 * piece, bits);
  V_UNROLL
    for (int s = 0; s < 2; s++) {
      vi x[4];
      v_transpose(g, 64 * n + 32 * s + 16 * half, x);
      vi low[4], high[4];
  V_UNROLL
      for (int e = 0; e < 4; e++) {
        low[e] = i_or(v_low_nibbles(x[e]), v_move_bits(bits[e], 2 * s, 4, 3));
        high[e] = i_or(v_high_nibbles(x[e]), v_move_bits(bits[e], 2 * s + 4, 4, 3));
      }
      v_emit16(sink, 4 * n + s, half, low);
      v_emit16(sink, 4 * n + s + 2, half, high);
    }
  }
}

CK_INLINE void v_unpack_q3_k(const v_group *g, v_sink *sink) {
  vi packed[4], scales[4];
  v_transpose(g, 92, packed); // the last 4 bytes of the fields, then the scales
  V_UNROLL
  for (int g = 0; g < 4; g++) {
    vi low = g < 2 ? v_low_nibbles(packed[1 + g]) : v_high_nibbles(packed[g - 1]);
    vi six = i_or(low, v_move_bits(packed[3], 2 * g, 4, 3));
    scales[g] = i_sub8(six, i_splat8(32));
  }
  v_signed_scales(scales, sink->panel);
  sink->panel->d = v_high_half(v_gather32(g, 106));
  sink->panel->dmin = f_zero();
  V_UNROLL
  for (int half = 0; half < 2; half++) {
    vi bits[4];
    v_transpose(g, 16 * half, bits);
  V_UNROLL
    for (int n = 0; n < 2; n++) {
      vi x[4];
      v_transpose(g, 32 + 32 * n + 16 * half, x);
  V_UNROLL
      for (int j = 4 * n; j < 4 * n + 4; j++) {
        vi w[4];
  V_UNROLL
        for (int e = 0; e < 4; e++) {
          w[e] = i_or(v_move_bits(x[e], 2 * (j % 4), 0, 3), v_move_bits(bits[e], j, 2, 1));
        }
        v_emit16(sink, j, half, w);
      }
    }
  }
}

CK_INLINE void v_unpack_q2_k(const v_group *g, v_sink *sink) {
  vi packed[4];
  v_transpose(g, 0, packed);
  V_UNROLL
  for (int j = 0; j < 16; j++) {
    sink->panel->scale[j] = v_byte_scale(v_low_nibbles(packed[j / 4]), j % 4);
  }
  V_UNROLL
  for (int k = 0; k < 8; k++) {
    vi minimums = v_high_nibbles(packed[k / 2]);
    vi first = v_byte(minimums, 2 * (k % 2)), second = v_byte(minimums, 2 * (k % 2) + 1);
    sink->panel->pairs[k] = i_or(first, i_left32(second, 16));
  }
  vi tail = v_gather32(g, 80);
  sink->panel->d = v_low_half(tail);
  sink->panel->dmin = v_high_half(tail);
  V_UNROLL
  for (int piece = 0; piece < 4; piece++) {
    vi x[4];
    v_transpose(g, 16 + 16 * piece, x);
  V_UNROLL
    for (int f = 0; f < 4; f++) {
      vi w[4];
  V_UNROLL
      for (int e = 0; e < 4; e++) w[e] = v_move_bits(x[e], 2 * f, 0, 3);
      v_emit16(sink, 4 * (piece / 2) + f, piece % 2, w);
    }
  }
}

#endif
