// Attention, written plainly: the definition of the order of every sum.
//
// Positions are walked in segments of CK_ATTENTION_SEGMENT absolute positions, ascending, and these
// in tiles of CK_ATTENTION_TILE. For each tile of a segment:
//   score(p)  = scale * dot(query, key p), then softcap. The dot product has 16 lanes over the
//               dimension and the tree of `ck_sum_lanes`.
//   maximum   = the greatest so far; factor = exp(old maximum - maximum), none for the first tile
//   weight(p) = exp(score(p) - maximum)
//   sum       = sum * factor + the tile's sum, two roundings. Lane j of the tile's sum takes the
//               positions that are j modulo 16, ascending; then the tree.
//   value[d]  = value[d] * factor, then fma(weight(p), V[p][d], value[d]) for ascending p
// The first segment's result is the total. Each later one is merged into it:
//   maximum   = the greater one; f = exp(total's maximum - maximum), g = exp(segment's - maximum)
//   sum       = total's sum * f + segment's sum * g, three roundings
//   value[d]  = fma(segment's value[d], g, total's value[d] * f)
// At the end output[d] = value[d] * (1 / sum).
#include "kernels.h"
#include "scalar.h"

typedef struct {
  float maximum, sum;
} softmax_state;

// One query: which row it belongs to, and the columns of the values that are summed.
typedef struct {
  const ck_attention *a;
  const float *query;
  int64_t row, first, columns;
} one_query;

enum { COLUMNS = 256 };

static int64_t slot_of(const one_query *q, int64_t position) {
  const ck_attention *a = q->a;
  if (!a->slots || position < a->slots_begin) return position;
  return a->slots[q->row * a->slots_stride + position - a->slots_begin];
}

static float score(const one_query *q, int64_t position) {
  const ck_attention *a = q->a;
  const uint16_t *key = a->keys + slot_of(q, position) * a->dimension;
  float lanes[16] = {0};
  for (int64_t d = 0; d < a->dimension; d++) {
    lanes[d % 16] = ck_fma(q->query[d], ck_float_of_half(key[d]), lanes[d % 16]);
  }
  float dot = ck_sum_lanes(lanes) * a->scale;
  return a->softcap != 0 ? ck_cap(dot, a->softcap) : dot;
}

// Positions [begin, end) of one tile. A sum of 0 says that it is the first of its segment.
static void attend_tile(const one_query *q, int64_t begin, int64_t end, softmax_state *state,
                        float *values) {
  float weights[CK_ATTENTION_TILE];
  float greatest = -__builtin_inff();
  int64_t count = end - begin;
  for (int64_t i = 0; i < count; i++) {
    weights[i] = score(q, begin + i);
    greatest = weights[i] > greatest ? weights[i] : greatest;
  }
  if (state->sum == 0) {
    memset(values, 0, (size_t)q->columns * sizeof(float));
  } else {
    greatest = state->maximum > greatest ? state->maximum : greatest;
    float factor = ck_exp(state->maximum - greatest);
    state->sum = state->sum * factor;
    for (int64_t d = 0; d < q->columns; d++) values[d] = values[d] * factor;
  }
  state->maximum = greatest;
  float lanes[16] = {0};
  for (int64_t i = 0; i < count; i++) {
    weights[i] = ck_exp(weights[i] - greatest);
    lanes[(begin + i) % 16] += weights[i];
    const uint16_t *value = q->a->values + slot_of(q, begin + i) * q->a->dimension + q->first;
    for (int64_t d = 0; d < q->columns; d++) {
      values[d] = ck_fma(weights[i], ck_float_of_half(value[d]), values[d]);
    }
  }
  state->sum = state->sum + ck_sum_lanes(lanes);
}

// Adds a segment to the total; one without positions has a sum of 0.
static void merge(softmax_state *total, float *output, softmax_state segment, const float *values,
                  int64_t columns) {
  if (segment.sum == 0) return;
  if (total->sum == 0) {
    *total = segment;
    memcpy(output, values, (size_t)columns * sizeof(float));
    return;
  }
  float greatest = total->maximum > segment.maximum ? total->maximum : segment.maximum;
  float f = ck_exp(total->maximum - greatest), g = ck_exp(segment.maximum - greatest);
  float kept = total->sum * f, added = segment.sum * g;
  total->sum = kept + added;
  total->maximum = greatest;
  for (int64_t d = 0; d < columns; d++) output[d] = ck_fma(values[d], g, output[d] * f);
}

// Where the tile or segment that holds `position` ends.
static int64_t limit_of(int64_t position, int64_t size, int64_t end) {
  int64_t limit = (position / size + 1) * size;
  return limit < end ? limit : end;
}

static void divide(float *output, int64_t count, float sum) {
  float inverse = 1.0f / sum;
  for (int64_t d = 0; d < count; d++) output[d] = output[d] * inverse;
}

static softmax_state attend_query(const one_query *q, float *output) {
  softmax_state total = {0, 0};
  int64_t begin, end;
  ck_attended(q->a, q->row, &begin, &end);
  while (begin < end) {
    int64_t limit = limit_of(begin, CK_ATTENTION_SEGMENT, end);
    softmax_state segment = {0, 0};
    float values[COLUMNS];
    while (begin < limit) {
      int64_t next = limit_of(begin, CK_ATTENTION_TILE, limit);
      attend_tile(q, begin, next, &segment, values);
      begin = next;
    }
    merge(&total, output, segment, values, q->columns);
  }
  if (!q->a->states) divide(output, q->columns, total.sum);
  return total;
}

void ck_scalar_attend(const ck_attention *a) {
  for (int64_t i = 0; i < a->rows * a->group; i++) {
    int64_t place = i / a->group * a->heads + i % a->group;
    one_query q = {a, a->queries + place * a->dimension, i / a->group, 0, 0};
    for (; q.first < a->dimension; q.first += COLUMNS) {
      q.columns = a->dimension - q.first < COLUMNS ? a->dimension - q.first : COLUMNS;
      softmax_state state = attend_query(&q, a->output + place * a->dimension + q.first);
      if (a->states) {
        a->states[2 * place] = state.maximum;
        a->states[2 * place + 1] = state.sum;
      }
    }
  }
}

void ck_scalar_attend_merge(const float *values, const float *states, int64_t parts, int64_t heads,
                            int64_t dimension, float *output) {
  softmax_state total = {0, 0};
  for (int64_t i = 0; i < parts; i++) {
    softmax_state part = {states[2 * i * heads], states[2 * i * heads + 1]};
    merge(&total, output, part, values + i * heads * dimension, dimension);
  }
  divide(output, dimension, total.sum);
}
