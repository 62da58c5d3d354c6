// Attention of many queries that walk the keys and values together, for every vector instruction
// set; the order of every sum is that of scalar_attention.c.
//
// Include after the vector's building blocks and these:
//   A_LANES                 floats in a register
//   A_QUERIES, A_SCORES     widest block of queries; scores that one call of a_scores gives
//   A_FEW                   so many queries read keys and values as they lie; at least A_QUERIES
//   a_load, a_store, a_load_half, a_splat, a_add, a_mul, a_fma, a_exp, a_cap
//   a_scores(queries, keys, dimension, group, scores)
//                           dot products of `group` queries with A_SCORES / group keys (4 of 12 for
//                           3); scores[g * keys + k]
//   a_transpose(rows, d, columns)
//                           columns d...d+15 of 16 rows of half precision, as floats [16, 16]
//   a_greatest(weights)     maximum of a tile, NaN disregarded
//   a_weights(weights, top) replaces a tile's scores by exp(score - top); returns their sum
//   A_CASES                 A_CASE(n) for each n up to A_FEW
//   A_WIDTH                 registers of values that a block of queries sums at a time
#ifndef PACELINE_TILED_ATTENTION_H
#define PACELINE_TILED_ATTENTION_H

#include "tiled_scores.h"

// Turns the scores of one tile into weights. Absent positions score -inf, so their weight is 0,
// which changes neither maximum nor sum.
static void a_softmax(a_block *b, const a_tile *tile) {
  CK_ALIGNED float shifts[A_LIMIT] = {0};
  int64_t start = tile->begin / A_TILE * A_TILE;
  float cap = b->a->softcap;
  for (int64_t q = tile->first; q < tile->last; q++) {
    float *weights = b->weights[q];
    int64_t from = a_most(b->begin[q], tile->begin) - start;
    int64_t to = a_least(b->end[q], tile->end) - start;
    if (from >= to) continue;
    for (int64_t i = 0; i < A_TILE && cap != 0; i += A_LANES)
      a_store(weights + i, a_cap(a_load(weights + i), a_splat(cap)));
    for (int64_t i = 0; i < from; i++) weights[i] = -__builtin_inff();
    for (int64_t i = to; i < A_TILE; i++) weights[i] = -__builtin_inff();
    float top = a_greatest(weights);
    if (b->sum[q] != 0) {
      top = b->maximum[q] > top ? b->maximum[q] : top;
      shifts[q] = b->maximum[q] - top;
    }
    b->maximum[q] = top;
  }
  for (int64_t q = tile->first / A_LANES * A_LANES; q < tile->last; q += A_LANES)
    a_store(b->factors + q, a_exp(a_load(shifts + q)));
  for (int64_t q = tile->first; q < tile->last; q++) {
    if (b->begin[q] >= tile->end || b->end[q] <= tile->begin) continue;
    float sum = a_weights(b->weights[q], b->maximum[q]);
    float kept = b->sum[q] * b->factors[q];
    b->sum[q] = kept + sum;
  }
}

// Adds the values of positions [begin, end) to the columns from d on of queries [q, q + group),
// after multiplying what they held by `factors`, where there are such. `values` holds the columns
// of the tile's positions, converted, in rows of `stride`; NULL: they are read where they lie.
CK_INLINE void a_value_block(a_block *b, const a_tile *tile, int64_t q, int64_t begin, int64_t end,
                             const float *factors, int64_t d, const float *values, int64_t stride,
                             int group, int width) {
  const ck_attention *a = b->a;
  float *sums = b->sums + q * a->dimension + d;
  vf acc[A_FEW * A_WIDTH];
  for (int g = 0; g < group; g++) {
    for (int w = 0; w < width; w++) {
      vf old = a_load(sums + g * a->dimension + A_LANES * w);
      acc[g * width + w] = factors ? a_mul(old, a_splat(factors[q + g])) : old;
    }
  }
  for (int64_t p = begin; p < end; p++) {
    const uint16_t *halves = a->values + tile->offsets[p % A_TILE] + d;
    if (!values) a_prefetch(a, halves, width * A_LANES);
    const float *floats = values ? values + (p - tile->begin) * stride : NULL;
    for (int w = 0; w < width; w++) {
      vf value = values ? a_load(floats + A_LANES * w) : a_load_half(halves + A_LANES * w);
      for (int g = 0; g < group; g++) {
        vf weight = a_splat(b->weights[q + g][p % A_TILE]);
        acc[g * width + w] = a_fma(weight, value, acc[g * width + w]);
      }
    }
  }
  for (int g = 0; g < group; g++) {
    for (int w = 0; w < width; w++)
      a_store(sums + g * a->dimension + A_LANES * w, acc[g * width + w]);
  }
}

CK_INLINE void a_value_columns(a_block *b, const a_tile *tile, int64_t q, int64_t begin,
                               int64_t end, const float *factors, int64_t d, int64_t columns,
                               const float *values, int group) {
  int64_t first = d;
  for (; d + A_WIDTH * A_LANES <= first + columns; d += A_WIDTH * A_LANES) {
    const float *floats = values ? values + d - first : NULL;
    a_value_block(b, tile, q, begin, end, factors, d, floats, columns, group, A_WIDTH);
  }
  for (; d < first + columns; d += 16) {
    const float *floats = values ? values + d - first : NULL;
    a_value_block(b, tile, q, begin, end, factors, d, floats, columns, group, 16 / A_LANES);
  }
}

static void a_value_group(a_block *b, const a_tile *tile, int64_t q, int64_t group, int64_t begin,
                          int64_t end, const float *factors, int64_t d, int64_t columns,
                          const float *values) {
#define A_CASE(n)                                                                                  \
  case n:                                                                                          \
    if (values) a_value_columns(b, tile, q, begin, end, factors, d, columns, values, n);           \
    else a_value_columns(b, tile, q, begin, end, factors, d, columns, NULL, n);                    \
    break;
  switch (group) { A_CASES }
#undef A_CASE
}

// The same for queries that do not all attend to the same positions of the tile: no query may add
// even a product with 0, which could change the sign of a zero.
static void a_value_ragged(a_block *b, const a_tile *tile, int64_t q, int64_t group, int64_t d,
                           int64_t columns, const float *values) {
  int64_t begin = tile->begin, end = tile->end; // what all attend to
  for (int64_t i = q; i < q + group; i++) {
    begin = a_most(begin, b->begin[i]);
    end = a_least(end, b->end[i]);
  }
  int64_t from = tile->begin, to = tile->end;
  a_reach(b, q, group, &from, &to);
  if (begin == from && end == to) {
    a_value_group(b, tile, q, group, begin, end, b->factors, d, columns, values);
    return;
  }
  for (int64_t i = q; i < q + group; i++) {
    int64_t start = a_most(b->begin[i], tile->begin), stop = a_least(b->end[i], tile->end);
    if (begin < end) stop = a_least(stop, begin);
    a_value_group(b, tile, i, 1, start, stop, b->factors, d, columns, values);
  }
  if (begin >= end) return;
  a_value_group(b, tile, q, group, begin, end, NULL, d, columns, values);
  for (int64_t i = q; i < q + group; i++) {
    int64_t stop = a_least(b->end[i], tile->end);
    if (end < stop) a_value_group(b, tile, i, 1, end, stop, NULL, d, columns, values);
  }
}

static void a_value_tile(a_block *b, const a_tile *tile) {
  const ck_attention *a = b->a;
  int is_half = tile->last - tile->first <= A_FEW, step = is_half ? A_FEW : A_QUERIES;
  int64_t width = is_half ? a->dimension : A_NEAR / A_TILE;
  for (int64_t d = 0; d < a->dimension; d += width) {
    int64_t columns = a_least(width, a->dimension - d);
    for (int64_t p = tile->begin; p < tile->end && !is_half; p++) {
      const uint16_t *value = a->values + tile->offsets[p % A_TILE] + d;
      float *floats = b->converted + (p - tile->begin) * columns;
      a_prefetch(a, value, columns);
      for (int64_t i = 0; i < columns; i += A_LANES) a_store(floats + i, a_load_half(value + i));
    }
    for (int64_t q = tile->first; q < tile->last; q += step) {
      int64_t group = a_least(step, tile->last - q);
      a_value_ragged(b, tile, q, group, d, columns, is_half ? NULL : b->converted);
    }
  }
}

// The queries of [first, last) that attend to the tile, and what they attend to of it.
static void a_walk_tile(a_block *b, int64_t begin, int64_t end, int64_t first, int64_t last,
                        const int32_t *slots) {
  const ck_attention *a = b->a;
  while (first < last && (b->begin[first] >= end || b->end[first] <= begin)) first++;
  while (first < last && (b->begin[last - 1] >= end || b->end[last - 1] <= begin)) last--;
  if (first == last) return;
  a_tile tile = {begin, end, first, last, {0}};
  a_reach(b, first, last - first, &tile.begin, &tile.end);
  for (int64_t p = tile.begin; p < tile.end; p++) {
    int64_t slot = slots && p >= a->slots_begin ? slots[p - a->slots_begin] : p;
    tile.offsets[p % A_TILE] = slot * a->dimension;
  }
  a_score_tile(b, &tile);
  a_softmax(b, &tile);
  a_value_tile(b, &tile);
}

static void a_add_segment(float maximum, float sum, const float *values, int64_t dimension,
                          float *total_maximum, float *total_sum, float *output) {
  if (sum == 0) return;
  if (*total_sum == 0) {
    *total_maximum = maximum;
    *total_sum = sum;
    memcpy(output, values, (size_t)dimension * sizeof(float));
    return;
  }
  float greatest = *total_maximum > maximum ? *total_maximum : maximum;
  float f = ck_exp(*total_maximum - greatest), g = ck_exp(maximum - greatest);
  float kept = *total_sum * f, added = sum * g;
  *total_sum = kept + added;
  *total_maximum = greatest;
  for (int64_t d = 0; d < dimension; d += A_LANES) {
    vf old = a_mul(a_load(output + d), a_splat(f));
    a_store(output + d, a_fma(a_load(values + d), a_splat(g), old));
  }
}

static void a_divide(float *output, int64_t dimension, float sum) {
  vf inverse = a_splat(1.0f / sum);
  for (int64_t d = 0; d < dimension; d += A_LANES)
    a_store(output + d, a_mul(a_load(output + d), inverse));
}

// Adds the segment to the totals and begins another.
static void a_end_segment(a_block *b) {
  int64_t dimension = b->a->dimension;
  for (int64_t q = 0; q < b->count; q++) {
    a_add_segment(b->maximum[q], b->sum[q], b->sums + q * dimension, dimension,
                  b->total_maximum + q, b->total_sum + q, b->outputs[q]);
    b->sum[q] = 0;
  }
  memset(b->sums, 0, (size_t)(b->count * dimension) * sizeof(float));
}

static void a_walk(a_block *b) {
  const ck_attention *a = b->a;
  int64_t position = 0, end = INT64_MAX;
  a_reach(b, 0, b->count, &position, &end);
  for (int64_t limit; position < end; position = limit) {
    limit = a_least((position / A_TILE + 1) * A_TILE, end);
    if (a->slots && limit > a->slots_begin) { // each row has ancestors of its own
      for (int64_t q = 0, next; q < b->count; q = next) {
        for (next = q + 1; next < b->count && b->rows[next] == b->rows[q];) next++;
        a_walk_tile(b, position, limit, q, next, a->slots + b->rows[q] * a->slots_stride);
      }
    } else {
      a_walk_tile(b, position, limit, 0, b->count, NULL);
    }
    if (limit % CK_ATTENTION_SEGMENT == 0) a_end_segment(b);
  }
  a_end_segment(b);
}

// Queries [first, first + count) of all rows.
static void a_attend_block(const ck_attention *a, int64_t first, int64_t count) {
  a_block b;
  b.a = a;
  b.count = count;
  for (int64_t q = 0; q < count; q++) {
    int64_t row = (first + q) / a->group;
    int64_t place = (row * a->heads + (first + q) % a->group) * a->dimension;
    b.rows[q] = row;
    ck_attended(a, row, b.begin + q, b.end + q);
    if (b.end[q] <= b.begin[q]) b.begin[q] = INT64_MAX, b.end[q] = 0; // outside of every tile
    b.queries[q] = a->queries + place;
    b.outputs[q] = a->output + place;
    b.sum[q] = b.total_sum[q] = b.total_maximum[q] = 0;
  }
  memset(b.sums, 0, (size_t)(count * a->dimension) * sizeof(float));
  a_walk(&b);
  for (int64_t q = 0; q < count; q++) {
    if (!a->states) {
      a_divide(b.outputs[q], a->dimension, b.total_sum[q]);
      continue;
    }
    float *state = a->states + 2 * (b.rows[q] * a->heads + (first + q) % a->group);
    state[0] = b.total_maximum[q];
    state[1] = b.total_sum[q];
  }
}

static void a_attend(const ck_attention *a) {
  if (a->dimension % 16 != 0 || a->dimension > A_DIMENSION) {
    ck_scalar_attend(a);
    return;
  }
  int64_t queries = a->rows * a->group;
  int64_t limit = a_least(A_LIMIT, A_SUMS / a->dimension);
  int64_t blocks = (queries + limit - 1) / limit;
  for (int64_t i = 0; i < blocks; i++) {
    int64_t first = queries * i / blocks, last = queries * (i + 1) / blocks;
    a_attend_block(a, first, last - first);
  }
}

static void a_merge(const float *values, const float *states, int64_t parts, int64_t heads,
                    int64_t dimension, float *output) {
  if (dimension % 16 != 0) {
    ck_scalar_attend_merge(values, states, parts, heads, dimension, output);
    return;
  }
  float maximum = 0, sum = 0;
  for (int64_t i = 0; i < parts; i++) {
    const float *state = states + 2 * i * heads;
    a_add_segment(state[0], state[1], values + i * heads * dimension, dimension, &maximum, &sum,
                  output);
  }
  a_divide(output, dimension, sum);
}

#endif
