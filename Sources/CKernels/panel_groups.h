// Reading of V_ROWS weight rows at once, for any vector width. Include after simd_avx512.h,
// simd_avx2.h or simd_neon.h.
//
// A dword column is a register that holds four adjacent bytes of V_ROWS rows, one row a lane.
#ifndef PACELINE_PANEL_GROUPS_H
#define PACELINE_PANEL_GROUPS_H

// Before a loop whose index must become a constant, so that what it indexes stays in registers.
#if defined(__clang__)
#define V_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define V_UNROLL _Pragma("GCC unroll 16")
#endif

// The addresses of V_ROWS rows that lie `stride` apart. The processor adds a row's distance from
// the nearest fourth row to an address for nothing; the empty assembly keeps the compiler from
// making one pointer for each row instead, for which there are not enough registers.
typedef struct {
  const uint8_t *fourth[V_ROWS / 4];
  int64_t stride, three;
} v_group;

CK_INLINE v_group v_group_at(const uint8_t *p, int64_t stride) {
  v_group g = {.stride = stride, .three = 3 * stride};
  __asm__("" : "+r"(g.three));
  for (int i = 0; i < V_ROWS / 4; i++) {
    g.fourth[i] = p + 4 * i * stride;
    __asm__("" : "+r"(g.fourth[i]));
  }
  return g;
}

CK_INLINE const uint8_t *v_row(const v_group *g, int row, int offset) {
  int64_t distance = row % 4 == 3 ? g->three : row % 4 * g->stride;
  return g->fourth[row / 4] + distance + offset;
}

// 16 bytes of each row, transposed: out[e] holds bytes 4e...4e+3, lane r those of row r.
CK_INLINE void v_transpose(const v_group *g, int offset, vi out[4]) {
  vi x[4]; // x[j] holds rows j, j + 4, j + 8...: the lanes of each four rows make a quad
  for (int j = 0; j < 4; j++) {
    v_quad quads[V_ROWS / 4];
    for (int i = 0; i < V_ROWS / 4; i++) quads[i] = v_quad_at(v_row(g, 4 * i + j, offset));
    x[j] = v_join(quads);
  }
  vi ab_low = i_zip_low32(x[0], x[1]), ab_high = i_zip_high32(x[0], x[1]);
  vi cd_low = i_zip_low32(x[2], x[3]), cd_high = i_zip_high32(x[2], x[3]);
  out[0] = i_zip_low64(ab_low, cd_low);
  out[1] = i_zip_high64(ab_low, cd_low);
  out[2] = i_zip_low64(ab_high, cd_high);
  out[3] = i_zip_high64(ab_high, cd_high);
}

// 4 bytes of each row.
CK_INLINE vi v_gather32(const v_group *g, int offset) {
  v_quad quads[V_ROWS / 4];
  for (int i = 0; i < V_ROWS / 4; i++) {
    quads[i] =
        v_quad_of(ck_load32(v_row(g, 4 * i, offset)), ck_load32(v_row(g, 4 * i + 1, offset)),
                  ck_load32(v_row(g, 4 * i + 2, offset)), ck_load32(v_row(g, 4 * i + 3, offset)));
  }
  return v_join(quads);
}

// Reads dword columns 0...count-1 of V_ROWS rows, of which `c` has the first `have` already;
// returns how many it has then. The last read may overlap, so that none leaves the `total` dwords.
CK_INLINE int v_columns(const v_group *g, int have, int count, int total, vi *c) {
  while (have < count) {
    int at = have + 4 <= total ? have : total - 4;
    v_transpose(g, 4 * at, c + at);
    have = at + 4;
  }
  return have;
}

// The four bytes of each row at byte `at` of the columns; `at` is even.
CK_INLINE vi v_dword(const vi *c, int at) {
  return at % 4 == 0 ? c[at / 4] : v_straddle(c[at / 4], c[at / 4 + 1]);
}

// The half-precision number of each row at byte `at` of the columns.
CK_INLINE vf v_half(const vi *c, int at) {
  return at % 4 == 0 ? v_low_half(c[at / 4]) : v_high_half(c[at / 4]);
}

// Byte i (0...3) of each lane: as a number, and twice as a number of 16 bits.
CK_INLINE vi v_byte(vi x, int i) {
  vi places = i_quads(0x80808000u, 0x80808004u, 0x80808008u, 0x8080800cu);
  return i_shuffle8(x, i_add32(places, i_splat32(i)));
}
CK_INLINE vi v_byte_pair(vi x, int i) {
  vi places = i_quads(0x80008000u, 0x80048004u, 0x80088008u, 0x800c800cu);
  return i_shuffle8(x, i_add32(places, i_splat32(i * 0x10001)));
}

// Sets bit 4, which is clear, of each byte whose column's bit is set in the lane's word.
CK_INLINE void v_fifth_bits(vi bits, vi w[8]) {
  const vi even = i_splat32(0x08040201), odd = i_splat32((int32_t)0x80402010u);
  const vi sixteen = v_sixteen(), lanes = i_quads(0, 0x04040404u, 0x08080808u, 0x0c0c0c0cu);
  for (int i = 0; i < 4; i++) {
    vi spread = i_shuffle8(bits, i_add32(lanes, i_splat8(i)));
    w[2 * i] = v_add_where(w[2 * i], spread, even, sixteen);
    w[2 * i + 1] = v_add_where(w[2 * i + 1], spread, odd, sixteen);
  }
}

#endif
