// Products of quantised matrices, in groups of V_ROWS rows, for any vector width. Include after
// panel_blocks.h.
//
// One token, or two (V_DIRECT256): each weight block is unpacked in registers and used at once.
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

// How many groups go together of the `rows` rows that are left.
CK_INLINE int v_groups_of(int64_t rows, int64_t tokens, int64_t direct) {
  return tokens > direct && rows >= V_GROUPS * V_ROWS ? V_GROUPS : 1;
}

// How many of the `left` tokens the next tile takes. A low tile has few sums to hide how long each
// takes; so where tiles of any width are made, the last ones are about even.
CK_INLINE int64_t v_tile_width(int64_t left) {
  if (V_TOKENS == 8) return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
  int64_t tiles = (left + V_TOKENS - 1) / V_TOKENS;
  return (left + tiles - 1) / tiles;
}

#include "panel_matmul32.h"
#include "panel_matmul256.h"

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
