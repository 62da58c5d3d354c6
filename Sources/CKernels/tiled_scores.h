// The scores of many queries that walk the keys together: a part of tiled_attention.h.
#ifndef PACELINE_TILED_SCORES_H
#define PACELINE_TILED_SCORES_H

#include "kernels.h"
#include "scalar.h"

#define CK_ALIGNED _Alignas(64)

enum {
  A_LIMIT = CK_ATTENTION_QUERIES,
  A_SUMS = CK_ATTENTION_SUMS,
  A_DIMENSION = 512, // the greatest that the buffers hold
  A_NEAR = 4096,     // converted floats that stay near beside the rest
  A_TILE = CK_ATTENTION_TILE
};

// Queries that share the walk, and what the walk has given so far.
typedef struct {
  const ck_attention *a;
  int64_t count;
  int64_t rows[A_LIMIT], begin[A_LIMIT], end[A_LIMIT];
  const float *queries[A_LIMIT];
  float *outputs[A_LIMIT];
  float maximum[A_LIMIT], sum[A_LIMIT];             // of the segment
  float total_maximum[A_LIMIT], total_sum[A_LIMIT]; // of the segments before
  float factors[A_LIMIT];
  CK_ALIGNED float weights[A_LIMIT][A_TILE]; // by position modulo the tile
  CK_ALIGNED float sums[A_SUMS];             // the segment's values, [count, dimension]
  CK_ALIGNED float converted[16 * A_DIMENSION]; // keys or values of some positions
} a_block;

// The part [begin, end) of a tile that queries [first, last) walk. Key and value of a position p
// start at the element offsets[p % A_TILE].
typedef struct {
  int64_t begin, end;
  int64_t first, last;
  int64_t offsets[A_TILE];
} a_tile;

static int64_t a_least(int64_t x, int64_t y) { return x < y ? x : y; }
static int64_t a_most(int64_t x, int64_t y) { return x > y ? x : y; }

// The positions of [begin, end) that one of the queries attends to.
CK_INLINE void a_reach(const a_block *b, int64_t q, int64_t group, int64_t *begin, int64_t *end) {
  int64_t least = INT64_MAX, most = 0;
  for (int64_t i = q; i < q + group; i++) {
    least = a_least(least, b->begin[i]);
    most = a_most(most, b->end[i]);
  }
  *begin = a_most(*begin, least);
  *end = a_least(*end, most);
}

// Asks for `count` halves of the position a tile ahead, which the processor's own prefetch misses:
// it stops at pages, and keys and values take turns.
CK_INLINE void a_prefetch(const ck_attention *a, const uint16_t *halves, int64_t count) {
  for (int64_t d = 0; d < count; d += 32) __builtin_prefetch(halves + A_TILE * a->dimension + d);
}

// Scores of few queries, from keys as they lie. Writes those of up to A_SCORES positions beside
// [begin, end) too, in the tile.
CK_INLINE void a_score_few(a_block *b, const a_tile *tile, int64_t q, int64_t begin, int64_t end,
                           int group) {
  int at_once = group == 3 ? A_SCORES / 4 : A_SCORES / group;
  const ck_attention *a = b->a;
  for (int64_t from = begin / at_once * at_once; from < end; from += at_once) {
    const uint16_t *keys[A_SCORES];
    for (int k = 0; k < at_once; k++) {
      int64_t p = a_least(a_most(from + k, begin), end - 1);
      keys[k] = a->keys + tile->offsets[p % A_TILE];
      a_prefetch(a, keys[k], a->dimension);
    }
    CK_ALIGNED float scores[A_SCORES];
    a_scores(b->queries + q, keys, a->dimension, group, scores);
    for (int i = 0; i < A_SCORES; i += A_LANES)
      a_store(scores + i, a_mul(a_load(scores + i), a_splat(a->scale)));
    for (int g = 0; g < group; g++) {
      memcpy(b->weights[q + g] + from % A_TILE, scores + g * at_once,
             (size_t)at_once * sizeof(float));
    }
  }
}

enum { A_PARTS = 16 / A_LANES }; // registers that hold a number for each of 16 positions

// Adds lanes j and j + 8 of the dot products of 16 positions with each query.
CK_INLINE void a_two_lanes(const a_block *b, int64_t q, const float *keys, int group, int j,
                           vf *sums) {
  vf low[A_FEW * A_PARTS], high[A_FEW * A_PARTS];
  for (int i = 0; i < group * A_PARTS; i++) low[i] = high[i] = a_splat(0);
  for (int64_t d = j; d < b->a->dimension; d += 16) {
    for (int part = 0; part < A_PARTS; part++) {
      vf first = a_load(keys + 16 * d + part * A_LANES);
      vf second = a_load(keys + 16 * (d + 8) + part * A_LANES);
      for (int g = 0; g < group; g++) {
        int i = g * A_PARTS + part;
        low[i] = a_fma(a_splat(b->queries[q + g][d]), first, low[i]);
        high[i] = a_fma(a_splat(b->queries[q + g][d + 8]), second, high[i]);
      }
    }
  }
  for (int i = 0; i < group * A_PARTS; i++) sums[i] = a_add(low[i], high[i]);
}

CK_INLINE void a_four_lanes(const a_block *b, int64_t q, const float *keys, int group, int j,
                            vf *sums) {
  vf others[A_FEW * A_PARTS];
  a_two_lanes(b, q, keys, group, j, sums);
  a_two_lanes(b, q, keys, group, j + 4, others);
  for (int i = 0; i < group * A_PARTS; i++) sums[i] = a_add(sums[i], others[i]);
}

CK_INLINE void a_eight_lanes(const a_block *b, int64_t q, const float *keys, int group, int j,
                             vf *sums) {
  vf others[A_FEW * A_PARTS];
  a_four_lanes(b, q, keys, group, j, sums);
  a_four_lanes(b, q, keys, group, j + 2, others);
  for (int i = 0; i < group * A_PARTS; i++) sums[i] = a_add(sums[i], others[i]);
}

// Scores for 16 positions, whose keys lie column by column: [dimension, 16]. A lane of a register
// is a position, so each of the 16 lanes of a dot product is a register of its own, and the tree
// that adds them needs no shuffle. It is walked depth first, so that few registers are in use.
CK_INLINE void a_score_columns(a_block *b, int64_t q, int64_t position, const float *keys,
                               int group) {
  vf sums[A_FEW * A_PARTS], others[A_FEW * A_PARTS];
  a_eight_lanes(b, q, keys, group, 0, sums);
  a_eight_lanes(b, q, keys, group, 1, others);
  for (int i = 0; i < group * A_PARTS; i++) {
    float *place = b->weights[q + i / A_PARTS] + position % A_TILE + i % A_PARTS * A_LANES;
    a_store(place, a_mul(a_add(sums[i], others[i]), a_splat(b->a->scale)));
  }
}

// Keys of the tile's positions [begin, end), begin a multiple of 16, in blocks of 16 column by
// column; a position outside of the tile repeats another.
static void a_convert_keys(a_block *b, const a_tile *tile, int64_t begin, int64_t end) {
  float *place = b->converted;
  for (int64_t from = begin; from < end; from += 16) {
    const uint16_t *keys[16];
    for (int k = 0; k < 16; k++) {
      int64_t p = a_least(a_most(from + k, tile->begin), tile->end - 1);
      keys[k] = b->a->keys + tile->offsets[p % A_TILE];
      a_prefetch(b->a, keys[k], b->a->dimension);
    }
    for (int64_t d = 0; d < b->a->dimension; d += 16, place += 256) a_transpose(keys, d, place);
  }
}

static void a_score_few_queries(a_block *b, const a_tile *tile) {
#define A_CASE(n)                                                                                  \
  case n: a_score_few(b, tile, tile->first, tile->begin, tile->end, n); break;
  switch (tile->last - tile->first) { A_CASES }
#undef A_CASE
}

static void a_score_group(a_block *b, int64_t q, int64_t group, int64_t position,
                          const float *keys) {
#define A_CASE(n)                                                                                  \
  case n: a_score_columns(b, q, position, keys, n); break;
  switch (group) { A_CASES }
#undef A_CASE
}

static void a_score_tile(a_block *b, const a_tile *tile) {
  if (tile->last - tile->first <= A_FEW) {
    a_score_few_queries(b, tile);
    return;
  }
  int64_t rows = a_most(16, a_least(A_TILE, A_NEAR / b->a->dimension / 16 * 16));
  for (int64_t begin = tile->begin / 16 * 16; begin < tile->end; begin += rows) {
    int64_t end = a_least(begin + rows, tile->end);
    a_convert_keys(b, tile, begin, end);
    for (int64_t q = tile->first; q < tile->last; q += A_QUERIES) {
      int64_t group = a_least(A_QUERIES, tile->last - q), from = begin, to = end;
      a_reach(b, q, group, &from, &to);
      for (int64_t p = from / 16 * 16; p < to; p += 16)
        a_score_group(b, q, group, p, b->converted + (p - begin) * b->a->dimension);
    }
  }
}

#endif
