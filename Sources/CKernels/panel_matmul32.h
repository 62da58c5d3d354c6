// Products of matrices in blocks of 32 columns; a part of panel_matmul.h.
#ifndef PACELINE_PANEL_MATMUL32_H
#define PACELINE_PANEL_MATMUL32_H

// What sets one format of blocks of 32 apart. `greatest` bounds the unpacked bytes.
typedef struct {
  v_unpack32 unpack;
  int32_t bytes, zero, has_minimum, greatest;
} v_format32;

// The panels that a tile of tokens multiplies, with the activations that it takes at a time, fit the
// first-level cache; the longer they are, the less often unfinished sums are stored.
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

// One block of `groups` groups by `width` tokens: the exact sums, then one rounding for the scale and
// one for the minimum.
CK_INLINE void v_block32(v_format32 format, const vi *const *w, const vf *d, const vf *m,
                         const ck_rows *x, int64_t index, vf *acc, int groups, int width) {
  int64_t blocks = x->columns / 32;
  vi sum[V_GROUPS * V_TOKENS];
  for (int t = 0; t < width; t++) {
    vi start = i_splat32(-format.zero * x->s32[index + t * blocks]);
    for (int g = 0; g < groups; g++) sum[g * width + t] = start;
  }
  v_dots(sum, w, groups, 8, x->q32 + 32 * index, x->columns, width, format.greatest);
  for (int t = 0; t < width; t++) {
    vf scale = f_splat(x->d32[index + t * blocks]), minimum = f_splat(x->m32[index + t * blocks]);
    for (int g = 0; g < groups; g++) {
      vf *total = &acc[g * width + t];
      *total = f_fma(f_mul(d[g], scale), f_of_i(sum[g * width + t]), *total);
      if (format.has_minimum) *total = f_fma(m[g], minimum, *total);
    }
  }
}

// `count` blocks of the panels of `groups` groups by `width` tokens from `token` on; asks for what
// lies `ahead` of each group, where that is not NULL.
CK_INLINE void v_tile32(v_format32 format, const v_panel32 *panels, const ck_product *product,
                        const uint8_t *const *ahead, int64_t token, int64_t block, int64_t count,
                        v_lanes lanes, int groups, int width) {
  const ck_rows *x = product->x;
  int64_t index = token * (x->columns / 32) + block;
  float *place = product->output + token * product->stride;
  vf acc[V_GROUPS * V_TOKENS];
  for (int i = 0; i < groups * width; i++) {
    float *sums = place + i / width * V_ROWS + i % width * product->stride;
    acc[i] = block == 0 ? f_zero() : v_load_sums(lanes, sums);
  }
  for (int64_t b = 0; b < count; b++) {
    const vi *w[V_GROUPS];
    vf d[V_GROUPS], m[V_GROUPS];
    for (int g = 0; g < groups; g++) {
      int64_t share = V_ROWS * format.bytes;
      if (ahead) v_prefetch(ahead[g] + b * share, share);
      w[g] = panels[g].w[b];
      d[g] = panels[g].d[b];
      m[g] = panels[g].m[b];
    }
    v_block32(format, w, d, m, x, index + b, acc, groups, width);
  }
  for (int i = 0; i < groups * width; i++) {
    v_store_sums(place + i / width * V_ROWS + i % width * product->stride, lanes, acc[i]);
  }
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
    if (width > 0 || !V_TILES_ASK) v_prefetch(ahead + b * share, share);
    have = v_columns(&g, have, ((b + 1) * format.bytes + 3) / 4, total, c);
    format.unpack(c, b * format.bytes, w, &d, &m);
    if (width > 0) {
      const vi *columns = w;
      v_block32(format, &columns, &d, &m, product->x, block + b, acc, 1, width);
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

// All tokens by `count` blocks of the panels of `groups` groups. The first tile asks for what lies
// `ahead`: all at once while unpacking it would wait for memory, which then rested while tiles run.
CK_INLINE void v_tiles32(v_format32 format, const v_panel32 *panels, const ck_product *product,
                         const uint8_t *const *ahead, int64_t block, int64_t count, v_lanes lanes,
                         int groups) {
  for (int64_t t = 0, width; t < product->tokens; t += width) {
    const uint8_t *const *asked = V_TILES_ASK && t == 0 ? ahead : NULL;
    width = v_tile_width(product->tokens - t);
    switch (width) {
    case 1: v_tile32(format, panels, product, asked, t, block, count, lanes, groups, 1); break;
    case 2: v_tile32(format, panels, product, asked, t, block, count, lanes, groups, 2); break;
    case 3: v_tile32(format, panels, product, asked, t, block, count, lanes, groups, 3); break;
    case 4: v_tile32(format, panels, product, asked, t, block, count, lanes, groups, 4); break;
    default: v_tile32(format, panels, product, asked, t, block, count, lanes, groups, V_TOKENS);
    }
  }
}

// `count` blocks at `p` of the `groups` groups from `row` on; where there are more than two tokens,
// at most a panel's. There are `rows` rows, and only a single group may lack some.
CK_INLINE void v_chunk32(v_format32 format, const ck_product *product, int64_t row,
                         const uint8_t *p, int64_t row_bytes, int64_t block, int64_t count,
                         int64_t rows, int groups) {
  if (product->tokens == 1) {
    v_direct32(format, product, row, p, row_bytes, block, count, rows, 1);
    return;
  }
  if (product->tokens == 2) {
    v_direct32(format, product, row, p, row_bytes, block, count, rows, 2);
    return;
  }
  v_panel32 panels[V_GROUPS];
  const uint8_t *ahead[V_GROUPS];
  int64_t each = rows < V_ROWS ? rows : V_ROWS, whole = product->x->columns / 32 * format.bytes;
  for (int g = 0; g < groups; g++) {
    ahead[g] = v_ahead(product, row + g * V_ROWS, whole, block * format.bytes);
    v_unpack_chunk(format, product, row + g * V_ROWS, p + g * V_ROWS * row_bytes, row_bytes, block,
                   count, each, NULL, 0, &panels[g]);
  }
  v_lanes lanes = v_lanes_of(each);
  if (groups == V_GROUPS) v_tiles32(format, panels, product, ahead, block, count, lanes, V_GROUPS);
  else v_tiles32(format, panels, product, ahead, block, count, lanes, 1);
}

CK_INLINE void v_product32(v_format32 format, ck_product product) {
  uint8_t stage[V_ROWS * V_PANEL_BLOCKS * 34];
  int64_t blocks = product.x->columns / 32, row_bytes = blocks * format.bytes;
  float *output = product.output;
  int64_t r = product.row_begin;
  while (r < product.row_end) {
    int64_t left = product.row_end - r;
    int groups = v_groups_of(left, product.tokens, 2);
    int64_t rows = left < groups * V_ROWS ? left : groups * V_ROWS;
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
      v_chunk32(format, &product, r, p, step, block, count, rows, groups);
    }
    r += rows;
  }
}

#endif
