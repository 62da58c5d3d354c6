// The kernels on feature maps against their scalar versions; a part of kernels.c.
#ifndef PACELINE_MAP_CHECKS_H
#define PACELINE_MAP_CHECKS_H

#include "random_data.h"

// Rows of x and y are longer than what is used of them, and the last group of weights ends with the
// last output. What lies between the rows of y must stay as it was.
static void check_dense(int32_t isa, int64_t rows, int64_t depth, int64_t outputs) {
  int64_t x_stride = depth + random32() % 3, y_stride = outputs + random32() % 3;
  int64_t groups = (outputs + CK_DENSE_GROUP - 1) / CK_DENSE_GROUP;
  // One matrix whose rows hold all outputs, or a matrix of its own for each group.
  int apart = random32() % 2;
  int64_t w_stride = apart ? CK_DENSE_GROUP : outputs;
  int64_t w_group = apart ? depth * CK_DENSE_GROUP : CK_DENSE_GROUP;
  int64_t last = outputs - (groups - 1) * CK_DENSE_GROUP;
  int64_t weights = (groups - 1) * w_group + (depth - 1) * w_stride + last;
  int64_t size = (rows - 1) * y_stride + outputs;
  float *x = random_floats((rows - 1) * x_stride + depth), *w = random_floats(weights);
  float *bias = random_floats(outputs), *expected = random_floats(size);
  float *actual = copy(expected, size * 4);
  ck_dense p = {x, x_stride, rows, depth, w, w_stride, w_group, outputs,
                random32() % 2 ? bias : NULL, expected, y_stride, random32() % 2};
  ck_dense_product(CK_SCALAR, &p);
  p.y = actual;
  ck_dense_product(isa, &p);
  compare("dense_product", isa, actual, expected, size);
  free(x), free(w), free(bias), free(expected), free(actual);
}

// The map's rows in two calls.
static void check_depthwise(int32_t isa, int64_t height, int64_t width, int64_t channels,
                            int64_t size) {
  int64_t count = height * width * channels;
  float *x = random_floats(count), *w = random_floats(size * size * channels);
  float *bias = random_floats(channels), *expected = random_floats(count);
  float *actual = random_floats(count);
  ck_depthwise p = {x, height, width, channels, size, w, bias, 0, height, expected};
  ck_depthwise_convolution(CK_SCALAR, &p);
  p.y = actual, p.row_end = height / 2;
  ck_depthwise_convolution(isa, &p);
  p.row_begin = height / 2, p.row_end = height;
  ck_depthwise_convolution(isa, &p);
  compare("depthwise_convolution", isa, actual, expected, count);
  free(x), free(w), free(bias), free(expected), free(actual);
}

static void check_norms(int32_t isa, int64_t count) {
  float *x = random_floats(count), *weight = random_floats(count), *bias = random_floats(count);
  float sums[2][2];
  ck_sums(CK_SCALAR, x, count, &sums[0][0], &sums[0][1]);
  ck_sums(isa, x, count, &sums[1][0], &sums[1][1]);
  compare("sums", isa, sums[1], sums[0], 2);
  for (int weighted = 0; weighted < 2; weighted++) {
    float *expected = copy(x, count * 4), *actual = copy(x, count * 4);
    const float *factors = weighted ? weight : NULL, *terms = weighted ? bias : NULL;
    ck_normalize(CK_SCALAR, expected, count, 1.7f, 0.3f, factors, terms, expected);
    ck_normalize(isa, actual, count, 1.7f, 0.3f, factors, terms, actual);
    compare("normalize", isa, actual, expected, count);
    free(expected), free(actual);
  }
  free(x), free(weight), free(bias);
}

static void check_maps(int32_t isa) {
  static const int64_t outputs[] = {1, 3, 8, 15, 16, 17, 31, 32, 33, 48, 64, 70, 96, 131};
  for (int64_t rows = 1; rows <= 26; rows++) {
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
      check_dense(isa, rows, 1 + random32() % 40, outputs[i]);
    }
  }
  for (int64_t size = 1; size <= 7; size += 2) {
    for (int64_t width = 1; width <= 17; width += 1 + width / 3) {
      for (int64_t channels = 1; channels <= 70; channels += 1 + channels / 2) {
        check_depthwise(isa, 1 + random32() % 9, width, channels, size);
      }
    }
  }
  for (int64_t count = 1; count <= 70; count++) check_norms(isa, count);
}

#endif
