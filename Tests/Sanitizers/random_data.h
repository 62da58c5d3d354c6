// Random data and comparisons, for kernels.c and map_checks.h.
#ifndef PACELINE_RANDOM_DATA_H
#define PACELINE_RANDOM_DATA_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckernels.h"

static uint64_t state = 42;
static int failures = 0;

static uint32_t random32(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 32);
}

static float random_float(void) { return (float)(int32_t)random32() * 0x1p-31f; }

static float *random_floats(int64_t count) {
  float *x = malloc((size_t)count * 4);
  for (int64_t i = 0; i < count; i++) x[i] = random_float();
  return x;
}

static void *copy(const void *source, int64_t bytes) {
  void *memory = malloc((size_t)bytes);
  memcpy(memory, source, (size_t)bytes);
  return memory;
}

// NaN may differ in payload.
static void compare(const char *what, int32_t isa, const float *a, const float *b, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    if (memcmp(a + i, b + i, 4) == 0 || (isnan(a[i]) && isnan(b[i]))) continue;
    printf("%s differs on %s at %lld: %a, scalar %a\n", what, ck_isa_name(isa), (long long)i, a[i],
           b[i]);
    failures++;
    return;
  }
}

static void require(int holds, const char *what, int32_t isa, int64_t count) {
  if (holds) return;
  printf("%s differs on %s for %lld\n", what, ck_isa_name(isa), (long long)count);
  failures++;
}

#endif
