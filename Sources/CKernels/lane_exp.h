// The exponential and the soft cap in each lane, for any vector width; ck_exp and ck_cap are their
// definitions. Include after what a simd_ file gives them.
#ifndef PACELINE_LANE_EXP_H
#define PACELINE_LANE_EXP_H

#if !defined(V_SCALE)
// p * 2^n as two products, like ck_exp; `shifted` is n with the shifter added.
CK_INLINE vf v_scale(vf p, vf shifted) {
  vi exponent = i_sub32(i_and(i_of_bits(shifted), i_splat32(0x7fffff)), i_splat32(0x400000));
  vi half = i_signed_right32(exponent, 1);
  vi rest = i_sub32(exponent, half);
  vf first = f_of_bits(i_left32(i_add32(half, i_splat32(127)), 23));
  vf second = f_of_bits(i_left32(i_add32(rest, i_splat32(127)), 23));
  return f_mul(f_mul(p, first), second);
}
#endif

CK_INLINE vf v_exp(vf x) {
  x = f_clamp(x, f_splat(CK_EXP_LOW), f_splat(CK_EXP_HIGH));
  vf shifted = f_fma(x, f_splat(CK_EXP_LOG2E), f_splat(CK_EXP_SHIFTER));
  vf n = f_sub(shifted, f_splat(CK_EXP_SHIFTER));
  vf r = f_fma(n, f_splat(-CK_EXP_LN2_HIGH), x);
  r = f_fma(n, f_splat(-CK_EXP_LN2_LOW), r);
  vf q = f_fma(f_splat(CK_EXP_Q4), r, f_splat(CK_EXP_Q3));
  q = f_fma(q, r, f_splat(CK_EXP_Q2));
  q = f_fma(q, r, f_splat(CK_EXP_Q1));
  q = f_fma(q, r, f_splat(CK_EXP_Q0));
  vf p = f_add(f_fma(q, f_mul(r, r), r), f_splat(1.0f));
#if defined(V_SCALE)
  return V_SCALE(p, n);
#else
  return v_scale(p, shifted);
#endif
}

CK_INLINE vf v_cap(vf x, vf cap) {
  vf y = f_div(x, cap);
  vf e = v_exp(f_mul(f_splat(-2.0f), v_magnitude(y)));
  vf magnitude = f_div(f_sub(f_splat(1.0f), e), f_add(f_splat(1.0f), e));
  vi sign = i_and(i_of_bits(y), i_splat32(INT32_MIN));
  return f_mul(cap, f_of_bits(i_or(i_of_bits(magnitude), sign)));
}

#endif
