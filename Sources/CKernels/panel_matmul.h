// Products of quantised matrices, in groups of V_ROWS rows, for any vector width. Include after
// panel_blocks.h.
//
// One token, or two with blocks of 32: each weight block is unpacked in registers and used at once.
// More: it is unpacked to a panel in the first-level cache, and tiles of tokens run over that.
// Unfinished sums wait in `output`; storing loses nothing.
#ifndef PACELINE_PANEL_MATMUL_H
#define PACELINE_PANEL_MATMUL_H

#include "panel_blocks.h"

// The rows of a group that are there. A part of a register is slow to store, so that whole ones go
// another way.
typedef struct {
  vm mask;
  int whole;
} v_lanes;

CK_INLINE v_lanes v_lanes_of(int64_t rows) { return (v_lanes){v_mask(rows), rows == V_ROWS}; }
CK_INLINE vf v_load_sums(v_lanes lanes, const float *p) {
  return lanes.whole ? f_load(p) : f_load_rows(lanes.mask, p);
}
CK_INLINE void v_store_sums(float *p, v_lanes lanes, vf sums) {
  if (lanes.whole) f_store(p, sums);
  else f_store_rows(p, lanes.mask, sums);
}

// What sets one format of blocks of 32 apart. `greatest` bounds the unpacked bytes.
typedef struct {
  v_unpack32 unpack;
  int32_t bytes, zero, has_minimum, greatest;
} v_format32;

// A panel of so many blocks, with the activations that a tile of tokens takes at a time, fits the
// first-level cache; the more there are, the less often unfinished sums are stored.
enum { V_PANEL_BLOCKS = 20 };

typedef struct {
  vi w[V_PANEL_BLOCKS][8];
  vf d[V_PANEL_BLOCKS], m[V_PANEL_BLOCKS];
} v_panel32;

// Blocks of each panel of a row of `blocks`, about evenly; fours, since these are unpacked at once.
CK_INLINE int64_t v_panel_blocks(int64_t blocks) {
  int64_t panels = (blocks + V_PANEL_BLOCKS - 1) / V_PANEL_BLOCKS;
  int64_t even = ((blocks + panels - 1) / panels + 3) / 4 * 4;
  return even < V_PANEL_BLOCKS ? even : V_PANEL_BLOCKS;
}

// One block by `width` tokens: the exact sums, then one rounding for the scale and one for the
// minimum.
CK_INLINE void v_block32(v_format32 format, const vi *w, vf d, vf m, const ck_rows *x,
                         int64_t index, vf *acc, int width) {
  int64_t blocks = x->columns / 32;
  vi sum[V_TOKENS];
  for (int t = 0; t < width; t++) sum[t] = i_splat32(-format.zero * x->s32[index + t * blocks]);
  v_dot(sum, w, 8, x->q32 + 32 * index, x->columns, width, format.greatest);
  for (int t = 0; t < width; t++) {
    float scale = x->d32[index + t * blocks];
    acc[t] = f_fma(f_mul(d, f_splat(scale)), f_of_i(sum[t]), acc[t]);
    if (format.has_minimum) acc[t] = f_fma(m, f_splat(x->m32[index + t * blocks]), acc[t]);
  }
}

// `count` blocks of one panel by `width` tokens from `token` on.
CK_INLINE void v_tile32(v_format32 format, const v_panel32 *panel, const ck_product *product,
                        int64_t token, int64_t block, int64_t count, v_lanes lanes, int width) {
  const ck_rows *x = product->x;
  int64_t index = token * (x->columns / 32) + block;
  float *place = product->output + token * product->stride;
  vf acc[V_TOKENS];
  for (int t = 0; t < width; t++) {
    acc[t] = block == 0 ? f_zero() : v_load_sums(lanes, place + t * product->stride);
  }
  for (int64_t b = 0; b < count; b++) {
    v_block32(format, panel->w[b], panel->d[b], panel->m[b], x, index + b, acc, width);
  }
  for (int t = 0; t < width; t++) v_store_sums(place + t * product->stride, lanes, acc[t]);
}

// Copies `bytes` bytes of each of `count` rows to rows of `step` bytes, so that a part of a group
// can be read as a whole one. The other rows keep what they had.
static const uint8_t *v_stage(uint8_t *stage, int64_t step, const uint8_t *p, int64_t row_bytes,
                              int64_t count, int64_t bytes) {
  for (int64_t r = 0; r < count; r++) memcpy(stage + r * step, p + r * row_bytes, (size_t)bytes);
  return stage;
}

// What to ask for while `offset` bytes of each row of the group at `row` have been used: as much as
// has been used of the group, at the same place of a later one, or of what comes after the last.
// With nothing to come it is what is used already. Only an address, which may lie past an end.
CK_INLINE const uint8_t *v_ahead(const ck_product *product, int64_t row, int64_t row_bytes,
                                 int64_t offset) {
  int64_t distance = V_ROWS * row_bytes > 16384 ? V_ROWS * row_bytes : 16384;
  int64_t place = row * row_bytes + V_ROWS * offset;
  int64_t beyond = place + distance - product->row_end * row_bytes;
  uintptr_t base = (uintptr_t)product->weight + (uintptr_t)place;
  if (beyond >= product->next_bytes) return (const uint8_t *)base;
  if (beyond >= 0) base = (uintptr_t)product->next + (uintptr_t)beyond;
  else base += (uintptr_t)distance;
  return (const uint8_t *)base;
}

// `n` blocks at `p` of the group at `row`, into `panel` or, for `width` tokens, right into `acc`.
CK_INLINE void v_unpack_blocks(v_format32 format, const ck_product *product, int64_t row,
                               const uint8_t *p, int64_t row_bytes, int n, int64_t block, vf *acc,
                               int width, v_panel32 *panel, int64_t place) {
  int64_t whole = product->x->columns / 32 * format.bytes;
  const uint8_t *ahead = v_ahead(product, row, whole, block * format.bytes);
  vi c[36];
  v_group g = v_group_at(p, row_bytes);
  int have = 0, total = (n * format.bytes + 3) / 4;
  V_UNROLL
  for (int b = 0; b < n; b++) {
    vi w[8];
    vf d, m;
    int64_t share = V_ROWS * format.bytes;
    v_prefetch(ahead + b * share, share);
    have = v_columns(&g, have, ((b + 1) * format.bytes + 3) / 4, total, c);
    format.unpack(c, b * format.bytes, w, &d, &m);
    if (width > 0) {
      v_block32(format, w, d, m, product->x, block + b, acc, width);
    } else {
      for (int e = 0; e < 8; e++) panel->w[place + b][e] = w[e];
      panel->d[place + b] = d;
      panel->m[place + b] = m;
    }
  }
}

// `count` blocks at `p` of the group at `row`: four at a time, then two, then one.
CK_INLINE void v_unpack_chunk(v_format32 format, const ck_product *product, int64_t row,
                              const uint8_t *p, int64_t row_bytes, int64_t block, int64_t count,
                              int64_t rows, vf *acc, int width, v_panel32 *panel) {
  int64_t b = 0, bytes = format.bytes;
  for (; b + 4 <= count; b += 4) {
    v_unpack_blocks(format, product, row, p + b * bytes, row_bytes, 4, block + b, acc, width,
                    panel, b);
  }
  if (b + 2 <= count) {
    v_unpack_blocks(format, product, row, p + b * bytes, row_bytes, 2, block + b, acc, width,
                    panel, b);
    b += 2;
  }
  if (b == count) return;
  // A single block may end in the middle of a dword, which is not to be read beyond the row.
  uint8_t stage[V_ROWS * 36] = {0};
  int64_t step = (bytes + 3) / 4 * 4;
  v_stage(stage, step, p + b * bytes, row_bytes, rows, bytes);
  v_unpack_blocks(format, product, row, stage, step, 1, block + b, acc, width, panel, b);
}

// `count` blocks at `p` of the group at `row`, by so few tokens that no panel is needed.
CK_INLINE void v_direct32(v_format32 format, const ck_product *product, int64_t row,
                          const uint8_t *p, int64_t row_bytes, int64_t block, int64_t count,
                          int64_t rows, int width) {
  v_lanes lanes = v_lanes_of(rows);
  vf acc[2];
  for (int t = 0; t < width; t++) {
    acc[t] = block == 0 ? f_zero() : v_load_sums(lanes, product->output + t * product->stride);
  }
  v_unpack_chunk(format, product, row, p, row_bytes, block, count, rows, acc, width, NULL);
  for (int t = 0; t < width; t++) v_store_sums(product->output + t * product->stride, lanes, acc[t]);
}

// `count` blocks at `p` of the group at `row`; where there are more than two tokens, at most a
// panel's.
CK_INLINE void v_chunk32(v_format32 format, const ck_product *product, int64_t row,
                         const uint8_t *p, int64_t row_bytes, int64_t block, int64_t count,
                         int64_t rows) {
  if (product->tokens == 1) {
    v_direct32(format, product, row, p, row_bytes, block, count, rows, 1);
    return;
  }
  if (product->tokens == 2) {
    v_direct32(format, product, row, p, row_bytes, block, count, rows, 2);
    return;
  }
  v_lanes lanes = v_lanes_of(rows);
  v_panel32 panel;
  v_unpack_chunk(format, product, row, p, row_bytes, block, count, rows, NULL, 0, &panel);
  int64_t t = 0;
  for (; V_TOKENS == 8 && t + 8 <= product->tokens; t += 8) {
    v_tile32(format, &panel, product, t, block, count, lanes, V_TOKENS);
  }
  for (; t + 4 <= product->tokens; t += 4)
    v_tile32(format, &panel, product, t, block, count, lanes, 4);
  for (; t + 2 <= product->tokens; t += 2)
    v_tile32(format, &panel, product, t, block, count, lanes, 2);
  for (; t < product->tokens; t++) v_tile32(format, &panel, product, t, block, count, lanes, 1);
}

CK_INLINE void v_product32(v_format32 format, ck_product product) {
  uint8_t stage[V_ROWS * V_PANEL_BLOCKS * 34];
  int64_t blocks = product.x->columns / 32, row_bytes = blocks * format.bytes;
  float *output = product.output;
  for (int64_t r = product.row_begin; r < product.row_end; r += V_ROWS) {
    int64_t rows = product.row_end - r < V_ROWS ? product.row_end - r : V_ROWS;
    int64_t most = rows == V_ROWS && product.tokens <= 2 ? blocks : v_panel_blocks(blocks);
    product.output = output + r;
    if (rows < V_ROWS) memset(stage, 0, sizeof stage);
    for (int64_t block = 0; block < blocks; block += most) {
      int64_t count = blocks - block < most ? blocks - block : most, step = row_bytes;
      const uint8_t *p = (const uint8_t *)product.weight + r * row_bytes + block * format.bytes;
      if (rows < V_ROWS) {
        step = count * format.bytes;
        p = v_stage(stage, step, p, row_bytes, rows, step);
      }
      v_chunk32(format, &product, r, p, step, block, count, rows);
    }
  }
}

// What sets one format of blocks of 256 apart. `fine`: a scale for each 16 columns, not 32. `zero`:
// the zero point (then `pairs` are scales), or 0 for a format with minimums.
typedef struct {
  v_unpack256 unpack;
  int32_t bytes, fine, zero, greatest;
} v_format256;

// The end of one block for one token: the exact sums, then one rounding for the scale and one for
// the minimum.
CK_INLINE void v_finish256(v_format256 format, const v_panel256 *panel, const ck_product *product,
                           int64_t token, int64_t block, v_lanes lanes, vi total, vi pairs) {
  float *place = product->output + token * product->stride;
  vf acc = block == 0 ? f_zero() : v_load_sums(lanes, place);
  vf scale = f_splat(product->x->d256[token * (product->x->columns / 256) + block]);
  if (format.zero) total = i_sub32(total, i_mul32(pairs, i_splat32(format.zero)));
  acc = f_fma(f_mul(panel->d, scale), f_of_i(total), acc);
  if (!format.zero) acc = f_fnma(f_mul(panel->dmin, scale), f_of_i(pairs), acc);
  v_store_sums(place, lanes, acc);
}

CK_INLINE void v_tile256(v_format256 format, const v_panel256 *panel, const ck_product *product,
                         int64_t token, int64_t block, v_lanes lanes, int width) {
  const ck_rows *x = product->x;
  int64_t index = token * (x->columns / 256) + block;
  const int8_t *a = x->q256 + 256 * index;
  const int16_t *s = x->s256 + 16 * index;
  vi total[V_TOKENS], pairs[V_TOKENS];
  for (int t = 0; t < width; t++) total[t] = pairs[t] = i_zero();
  for (int j = 0; j < 8; j++) {
    int parts = format.fine ? 2 : 1;
    for (int part = 0; part < parts; part++) {
      v_dot_scaled(total, panel->w[j] + 4 * part, 8 / parts, a + 32 * j + 16 * part, x->columns,
                   width, format.greatest, panel->scale[parts * j + part]);
    }
    for (int t = 0; t < width; t++) {
      pairs[t] = v_dot_pairs(pairs[t], panel->pairs[j], s + t * (x->columns / 16) + 2 * j);
    }
  }
  for (int t = 0; t < width; t++) {
    v_finish256(format, panel, product, token + t, block, lanes, total[t], pairs[t]);
  }
}

// One block of one group at `p`.
CK_INLINE void v_block256(v_format256 format, const ck_product *product, const uint8_t *p,
                          int64_t row_bytes, const uint8_t *ahead, int64_t block, v_lanes lanes) {
  v_panel256 panel;
  v_group g = v_group_at(p, row_bytes);
  v_sink sink = {&panel, ahead, format.bytes, format.fine, format.greatest, 0, NULL, i_zero()};
  if (product->tokens == 1) {
    const int16_t *s = product->x->s256 + 16 * block;
    sink.direct = 1;
    sink.a = product->x->q256 + 256 * block;
    format.unpack(&g, &sink);
    vi pairs = i_zero();
    for (int j = 0; j < 8; j++) pairs = v_dot_pairs(pairs, panel.pairs[j], s + 2 * j);
    v_finish256(format, &panel, product, 0, block, lanes, sink.total, pairs);
    return;
  }
  format.unpack(&g, &sink);
  int64_t t = 0;
  for (; V_TOKENS == 8 && t + 8 <= product->tokens; t += 8) {
    v_tile256(format, &panel, product, t, block, lanes, V_TOKENS);
  }
  for (; t + 4 <= product->tokens; t += 4) v_tile256(format, &panel, product, t, block, lanes, 4);
  for (; t + 2 <= product->tokens; t += 2) v_tile256(format, &panel, product, t, block, lanes, 2);
  for (; t < product->tokens; t++) v_tile256(format, &panel, product, t, block, lanes, 1);
}

CK_INLINE void v_product256(v_format256 format, ck_product product) {
  uint8_t stage[V_ROWS * 210];
  int64_t blocks = product.x->columns / 256, row_bytes = blocks * format.bytes;
  float *output = product.output;
  for (int64_t r = product.row_begin; r < product.row_end; r += V_ROWS) {
    int64_t rows = product.row_end - r < V_ROWS ? product.row_end - r : V_ROWS;
    v_lanes lanes = v_lanes_of(rows);
    product.output = output + r;
    if (rows < V_ROWS) memset(stage, 0, sizeof stage);
    for (int64_t block = 0; block < blocks; block++) {
      const uint8_t *p = (const uint8_t *)product.weight + r * row_bytes + block * format.bytes;
      const uint8_t *ahead = v_ahead(&product, r, row_bytes, block * format.bytes);
      int64_t step = row_bytes;
      if (rows < V_ROWS) {
        step = format.bytes;
        p = v_stage(stage, step, p, row_bytes, rows, step);
      }
      v_block256(format, &product, p, step, ahead, block, lanes);
    }
  }
}

#define V_FORMAT(kind, name, ...)                                                                  \
  static void v_product_##name(ck_product product) {                                               \
    v_product##kind((v_format##kind){v_unpack_##name, __VA_ARGS__}, product);                      \
  }
V_FORMAT(32, q4_0, 18, 8, 0, 15)
V_FORMAT(32, q4_1, 20, 0, 1, 15)
V_FORMAT(32, q5_0, 22, 16, 0, 31)
V_FORMAT(32, q5_1, 24, 0, 1, 31)
V_FORMAT(32, q8_0, 34, V_EIGHT_BIT_FLIP & 255, 0, 255)
V_FORMAT(256, q2_k, 84, 1, 0, 3)
V_FORMAT(256, q3_k, 110, 1, 4, 7)
V_FORMAT(256, q4_k, 144, 0, 0, 15)
V_FORMAT(256, q5_k, 176, 0, 0, 31)
V_FORMAT(256, q6_k, 210, 1, 32, 63)

// The product of a quantised type; nothing for any other.
static void v_matmul(ck_product product) {
  switch (product.type) {
  case CK_Q4_0: v_product_q4_0(product); break;
  case CK_Q4_1: v_product_q4_1(product); break;
  case CK_Q5_0: v_product_q5_0(product); break;
  case CK_Q5_1: v_product_q5_1(product); break;
  case CK_Q8_0: v_product_q8_0(product); break;
  case CK_Q2_K: v_product_q2_k(product); break;
  case CK_Q3_K: v_product_q3_k(product); break;
  case CK_Q4_K: v_product_q4_k(product); break;
  case CK_Q5_K: v_product_q5_k(product); break;
  case CK_Q6_K: v_product_q6_k(product); break;
  default: break;
  }
}

#endif
