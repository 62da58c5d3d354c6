// Columns of 16 rows of half precision, for both x86 versions of the attention. Include between
// CK_BEGIN_TARGET and CK_END_TARGET, after a_store_halves, which stores 16 of them as floats.
#ifndef PACELINE_TRANSPOSED_HALVES_H
#define PACELINE_TRANSPOSED_HALVES_H

// Columns d...d+15 of the rows, as floats [16, 16].
CK_INLINE void a_transpose(const uint16_t *const rows[16], int64_t d, float *columns) {
  for (int side = 0; side < 2; side++, d += 8, columns += 128) {
    // Rows i and i + 8 side by side; then each of three rounds moves a bit of the row's number to
    // the column's.
    __m256i x[8], y[8];
    for (int i = 0; i < 8; i++) {
      x[i] = _mm256_set_m128i(_mm_loadu_si128((const __m128i *)(rows[i + 8] + d)),
                              _mm_loadu_si128((const __m128i *)(rows[i] + d)));
    }
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < 4; i++) {
        y[2 * i] = _mm256_unpacklo_epi16(x[i], x[i + 4]);
        y[2 * i + 1] = _mm256_unpackhi_epi16(x[i], x[i + 4]);
      }
      for (int i = 0; i < 8; i++) x[i] = y[i];
    }
    for (int i = 0; i < 8; i++) a_store_halves(columns + 16 * i, x[i]);
  }
}

#endif
