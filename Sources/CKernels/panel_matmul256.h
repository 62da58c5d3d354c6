// Products of matrices in blocks of 256 columns; a part of panel_matmul.h.
#ifndef PACELINE_PANEL_MATMUL256_H
#define PACELINE_PANEL_MATMUL256_H

// What sets one format of blocks of 256 apart. `fine`: a scale for each 16 columns, not 32. `zero`:
// the zero point (then `pairs` are scales), or 0 for a format with minimums.
typedef struct {
  v_unpack256 unpack;
  int32_t bytes, fine, zero, greatest;
} v_format256;

// The end of one block for one token, whose sum is at `place`: the exact sums, then one rounding for
// the scale and one for the minimum. `d` is the token's scale of the block.
CK_INLINE void v_finish256(v_format256 format, const v_panel256 *panel, float d, int is_first,
                           float *place, v_lanes lanes, vi total, vi pairs) {
  vf acc = is_first ? f_zero() : v_load_sums(lanes, place);
  if (format.zero) total = i_sub32(total, i_mul32(pairs, i_splat32(format.zero)));
  acc = f_fma(f_mul(panel->d, f_splat(d)), f_of_i(total), acc);
  if (!format.zero) acc = f_fnma(f_mul(panel->dmin, f_splat(d)), f_of_i(pairs), acc);
  v_store_sums(place, lanes, acc);
}

CK_INLINE void v_tile256(v_format256 format, const v_panel256 *panels, const ck_product *product,
                         int64_t token, int64_t block, v_lanes lanes, int groups, int width) {
  const ck_rows *x = product->x;
  int64_t index = token * (x->columns / 256) + block;
  const int8_t *a = x->q256 + 256 * index;
  const int16_t *s = x->s256 + 16 * index;
  vi total[V_GROUPS * V_TOKENS], pairs[V_GROUPS * V_TOKENS];
  for (int i = 0; i < groups * width; i++) total[i] = pairs[i] = i_zero();
  for (int j = 0; j < 8; j++) {
    int parts = format.fine ? 2 : 1;
    for (int part = 0; part < parts; part++) {
      const vi *w[V_GROUPS];
      vi scale[V_GROUPS];
      for (int g = 0; g < groups; g++) {
        w[g] = panels[g].w[j] + 4 * part;
        scale[g] = panels[g].scale[parts * j + part];
      }
      v_dots_scaled(total, w, groups, 8 / parts, a + 32 * j + 16 * part, x->columns, width,
                    format.greatest, scale);
    }
  }
  for (int j = 0; j < 8; j++) {
    for (int i = 0; i < groups * width; i++) {
      const int16_t *sums = s + i % width * (x->columns / 16) + 2 * j;
      pairs[i] = v_dot_pairs(pairs[i], panels[i / width].pairs[j], sums);
    }
  }
  float *place = product->output + token * product->stride;
  V_UNROLL
  for (int t = 0; t < width; t++) {
    float d = x->d256[index + t * (x->columns / 256)];
  V_UNROLL
    for (int g = 0; g < groups; g++) {
      v_finish256(format, &panels[g], d, block == 0, place + t * product->stride + g * V_ROWS,
                  lanes, total[g * width + t], pairs[g * width + t]);
    }
  }
}

// All tokens by one block of the panels of `groups` groups.
CK_INLINE void v_tiles256(v_format256 format, const v_panel256 *panels, const ck_product *product,
                          int64_t block, v_lanes lanes, int groups) {
  for (int64_t t = 0, width; t < product->tokens; t += width) {
    width = v_tile_width(product->tokens - t);
    switch (width) {
    case 1: v_tile256(format, panels, product, t, block, lanes, groups, 1); break;
    case 2: v_tile256(format, panels, product, t, block, lanes, groups, 2); break;
    case 3: v_tile256(format, panels, product, t, block, lanes, groups, 3); break;
    case 4: v_tile256(format, panels, product, t, block, lanes, groups, 4); break;
    default: v_tile256(format, panels, product, t, block, lanes, groups, V_TOKENS);
    }
  }
}

// One block of one group at `p` by one or two tokens.
CK_INLINE void v_direct256(v_format256 format, const ck_product *product, const uint8_t *p,
                           int64_t row_bytes, const uint8_t *ahead, int64_t block, v_lanes lanes,
                           int width) {
  const ck_rows *x = product->x;
  v_panel256 panel;
  v_group g = v_group_at(p, row_bytes);
  v_sink sink = {&panel, ahead, format.bytes, format.fine, format.greatest, width,
                 x->q256 + 256 * block, x->columns, {i_zero(), i_zero()}};
  format.unpack(&g, &sink);
  V_UNROLL
  for (int t = 0; t < width; t++) {
    int64_t index = t * (x->columns / 256) + block;
    const int16_t *s = x->s256 + 16 * index;
    vi pairs = i_zero();
    for (int j = 0; j < 8; j++) pairs = v_dot_pairs(pairs, panel.pairs[j], s + 2 * j);
    v_finish256(format, &panel, x->d256[index], block == 0, product->output + t * product->stride,
                lanes, sink.total[t], pairs);
  }
}

// One block at `p` of the `groups` groups from `row` on, `rows` rows, by all tokens.
CK_INLINE void v_block256(v_format256 format, const ck_product *product, int64_t row,
                          const uint8_t *p, int64_t step, int64_t block, int64_t rows,
                          int groups) {
  int64_t row_bytes = product->x->columns / 256 * format.bytes;
  v_panel256 panels[V_GROUPS];
  v_lanes lanes = v_lanes_of(rows < V_ROWS ? rows : V_ROWS);
  for (int i = 0; i < groups; i++) {
    int64_t place = row + i * V_ROWS;
    const uint8_t *ahead = v_ahead(product, place, row_bytes, block * format.bytes);
    const uint8_t *weights = p + i * V_ROWS * step;
    if (product->tokens == 1) {
      v_direct256(format, product, weights, step, ahead, block, lanes, 1);
      return;
    }
    if (V_DIRECT256 == 2 && product->tokens == 2) {
      v_direct256(format, product, weights, step, ahead, block, lanes, 2);
      return;
    }
    v_group g = v_group_at(weights, step);
    v_sink sink = {&panels[i], ahead, format.bytes, format.fine, format.greatest, 0, NULL, 0,
                   {i_zero(), i_zero()}};
    format.unpack(&g, &sink);
  }
  if (groups == V_GROUPS) v_tiles256(format, panels, product, block, lanes, V_GROUPS);
  else v_tiles256(format, panels, product, block, lanes, 1);
}

CK_INLINE void v_product256(v_format256 format, ck_product product) {
  uint8_t stage[V_ROWS * 210];
  int64_t blocks = product.x->columns / 256, row_bytes = blocks * format.bytes;
  float *output = product.output;
  int64_t r = product.row_begin;
  while (r < product.row_end) {
    int64_t left = product.row_end - r;
    int groups = v_groups_of(left, product.tokens, V_DIRECT256);
    int64_t rows = left < groups * V_ROWS ? left : groups * V_ROWS;
    product.output = output + r;
    if (rows < V_ROWS) memset(stage, 0, sizeof stage);
    for (int64_t block = 0; block < blocks; block++) {
      const uint8_t *p = (const uint8_t *)product.weight + r * row_bytes + block * format.bytes;
      int64_t step = row_bytes;
      if (rows < V_ROWS) {
        step = format.bytes;
        p = v_stage(stage, step, p, row_bytes, rows, step);
      }
      v_block256(format, &product, r, p, step, block, rows, groups);
    }
    r += rows;
  }
}

#endif
