// Products, convolutions and norms of feature maps, written plainly.
#include "scalar.h"

void ck_scalar_dense(const ck_dense *p) {
  for (int64_t t = 0; t < p->rows; t++) {
    for (int64_t r = 0; r < p->outputs; r++) {
      const float *w = p->w + r / CK_DENSE_GROUP * p->w_group + r % CK_DENSE_GROUP;
      float sum = p->bias ? p->bias[r] : 0;
      for (int64_t k = 0; k < p->depth; k++) {
        sum = ck_fma(p->x[t * p->x_stride + k], w[k * p->w_stride], sum);
      }
      float *y = p->y + t * p->y_stride + r;
      *y = p->adds ? *y + sum : sum;
    }
  }
}

void ck_scalar_depthwise(const ck_depthwise *p) {
  int64_t half = p->size / 2;
  for (int64_t y = p->row_begin; y < p->row_end; y++) {
    for (int64_t x = 0; x < p->width; x++) {
      for (int64_t c = 0; c < p->channels; c++) {
        float sum = p->bias[c];
        for (int64_t i = 0; i < p->size; i++) {
          for (int64_t j = 0; j < p->size; j++) {
            int64_t row = y + i - half, column = x + j - half;
            if (row < 0 || row >= p->height || column < 0 || column >= p->width) continue;
            sum = ck_fma(p->x[(row * p->width + column) * p->channels + c],
                         p->w[(i * p->size + j) * p->channels + c], sum);
          }
        }
        p->y[(y * p->width + x) * p->channels + c] = sum;
      }
    }
  }
}

void ck_scalar_sums(const float *x, int64_t count, float *sum, float *squares) {
  float sums[16] = {0}, products[16] = {0};
  for (int64_t i = 0; i < count; i++) {
    sums[i % 16] = sums[i % 16] + x[i];
    products[i % 16] = ck_fma(x[i], x[i], products[i % 16]);
  }
  *sum = ck_sum_lanes(sums);
  *squares = ck_sum_lanes(products);
}

void ck_scalar_normalize(const float *x, int64_t count, float scale, float shift,
                         const float *weight, const float *bias, float *y) {
  for (int64_t i = 0; i < count; i++) {
    float normal = ck_fma(x[i], scale, shift);
    y[i] = weight ? ck_fma(normal, weight[i], bias[i]) : normal;
  }
}
