// Attention, written plainly: the definition of the order of every sum.
//
// For each tile of 64 absolute positions, ascending:
//   score(p)  = scale * dot(query, key p), then softcap. The dot product has 16 lanes over the
//               dimension and the tree of `ck_sum_lanes`.
//   maximum   = the greatest so far; factor = exp(old maximum - maximum), none for the first tile
//   weight(p) = exp(score(p) - maximum)
//   sum       = sum * factor + the tile's sum, two roundings. Lane j of the tile's sum takes the
//               positions that are j modulo 16, ascending; then the tree.
//   value[d]  = value[d] * factor, then fma(weight(p), V[p][d], value[d]) for ascending p
// At the end output[d] = value[d] * (1 / sum).
#include "kernels.h"
#include "scalar.h"

typedef struct {
  float maximum, sum;
} softmax_state;

static int64_t slot_of(const ck_attention *a, int64_t position) {
  return a->slots && position >= a->slots_begin ? a->slots[position - a->slots_begin] : position;
}

static float score(const ck_attention *a, const float *query, int64_t slot) {
  float lanes[16] = {0};
  for (int64_t d = 0; d < a->dimension; d++) {
    float key = ck_float_of_half(a->keys[slot * a->dimension + d]);
    lanes[d % 16] = ck_fma(query[d], key, lanes[d % 16]);
  }
  float dot = ck_sum_lanes(lanes) * a->scale;
  return a->softcap != 0 ? ck_cap(dot, a->softcap) : dot;
}

// Positions [begin, end) of one tile, for one query.
static void attend_tile(const ck_attention *a, const float *query, int64_t begin, int64_t end,
                        softmax_state *state, float *output) {
  float weights[CK_ATTENTION_TILE];
  float greatest = -__builtin_inff();
  int64_t count = end - begin;
  for (int64_t i = 0; i < count; i++) {
    weights[i] = score(a, query, slot_of(a, begin + i));
    greatest = weights[i] > greatest ? weights[i] : greatest;
  }
  if (state->sum != 0) {
    greatest = state->maximum > greatest ? state->maximum : greatest;
    float factor = ck_exp(state->maximum - greatest);
    state->sum = state->sum * factor;
    for (int64_t d = 0; d < a->dimension; d++) output[d] = output[d] * factor;
  }
  state->maximum = greatest;
  float lanes[16] = {0};
  for (int64_t i = 0; i < count; i++) {
    weights[i] = ck_exp(weights[i] - greatest);
    lanes[(begin + i) % 16] += weights[i];
    const uint16_t *value = a->values + slot_of(a, begin + i) * a->dimension;
    for (int64_t d = 0; d < a->dimension; d++) {
      output[d] = ck_fma(weights[i], ck_float_of_half(value[d]), output[d]);
    }
  }
  state->sum = state->sum + ck_sum_lanes(lanes);
}

void ck_scalar_attend(const ck_attention *a) {
  for (int64_t g = 0; g < a->group; g++) {
    softmax_state state = {0, 0};
    float *output = a->output + g * a->dimension;
    memset(output, 0, (size_t)a->dimension * sizeof(float));
    int64_t begin = a->begin;
    while (begin < a->end) {
      int64_t limit = (begin / CK_ATTENTION_TILE + 1) * CK_ATTENTION_TILE;
      int64_t end = limit < a->end ? limit : a->end;
      attend_tile(a, a->queries + g * a->dimension, begin, end, &state, output);
      begin = end;
    }
    float inverse = 1.0f / state.sum;
    for (int64_t d = 0; d < a->dimension; d++) output[d] = output[d] * inverse;
  }
}
