#pragma once
/// \file
/// exp and log of packs. No rounding trick that -ffast-math could delete: every rounding is a conversion to integer.

#include "dispar/core/pack.hpp"

DISPAR_NAMESPACE_BEGIN

#if !defined(__CUDACC__)

namespace detail {

/// (2^r - 1) / r for |r| <= 1/2: relative error of 2^r at most 2e-9 in float (near-minimax, fitted), 4e-18 in double (Taylor).
template<class T>
struct exp2_polynomial;
template<>
struct exp2_polynomial<float> {
  static constexpr float c[] = {0.6931472028559703f,   0.24022647913498293f,  0.05550332469693217f,
                                0.009618437366489308f, 0.001339887486687427f, 0.00015353360611941496f};
};
template<>
struct exp2_polynomial<double> {
  static constexpr double c[] = {6.9314718055994530942e-1,  2.4022650695910071233e-1,  5.5504108664821579953e-2,
                                 9.6181291076284771619e-3,  1.3333558146428443423e-3,  1.5403530393381609954e-4,
                                 1.5252733804059840280e-5,  1.3215486790144309488e-6,  1.0178086009239699728e-7,
                                 7.0549116208011233299e-9,  4.4455382718708114976e-10, 2.5678435993488205142e-11,
                                 1.3691488853904128881e-12};
};

template<class T>
inline constexpr int exponent_bias = sizeof(T) == 4 ? 127 : 1023;
template<class T>
inline constexpr int mantissa_bits = sizeof(T) == 4 ? 23 : 52;

/// Truncation to a 32-bit integer; double goes through 32 bits too, since 64-bit conversions need AVX-512.
template<class T, int W>
DISPAR_FN auto to_int32(pack<T, W> x) {
  typedef std::int32_t native [[gnu::vector_size(W * 4)]];
  return __builtin_convertvector(x.value, native);
}

/// 2^r for |r| <= 1/2.
template<class T, int W>
DISPAR_FN pack<T, W> exp2_fraction(pack<T, W> r) {
  using V = pack<T, W>;
  constexpr int terms = static_cast<int>(sizeof(exp2_polynomial<T>::c) / sizeof(T));
  V p(exp2_polynomial<T>::c[terms - 1]);
  for (int i = terms - 2; i >= 0; --i) p = fma(p, r, V(exp2_polynomial<T>::c[i]));
  return fma(p, r, V(1));
}

/// 2^i as a pack, i biased: the exponent field itself.
template<class T, int W, class I>
DISPAR_FN pack<T, W> from_exponent_field(I biased) {
  using wide = typename mask<T, W>::native;
  const wide shifted = __builtin_convertvector(biased, wide) << mantissa_bits<T>;
  pack<T, W> r;
  std::memcpy(&r.value, &shifted, sizeof r.value);
  return r;
}

}  // namespace detail

/// 2^x for x <= 0, results below the smallest normal number flushed to 0: the exponential of every decaying kernel.
/// Relative error 1e-7 (float), 3e-16 (double) beyond the rounding of x.
template<class T, int W>
DISPAR_FN pack<T, W> exp2_nonpositive(pack<T, W> x) {
  using V = pack<T, W>;
  constexpr int bias = detail::exponent_bias<T>;
  const V bounded = select(x < V(-bias), V(-bias), x);
  const auto field = detail::to_int32(bounded + V(bias + 0.5));  // truncation of a nonnegative number: rounds to nearest
  const V r = bounded - V(__builtin_convertvector(field - bias, typename V::native));
  // The field is 0 where x <= -bias - 1/2 rounds there, which scales the result to exactly 0.
  return detail::exp2_fraction(r) * detail::from_exponent_field<T, W>(field);
}

/// 2^x; results below twice the smallest normal number are flushed to 0; infinity above the range, NaN for NaN.
/// Relative error 1e-7 (float), 3e-16 (double) beyond the rounding of x.
template<class T, int W>
DISPAR_FN pack<T, W> exp2(pack<T, W> x) {
  using V = pack<T, W>;
  constexpr int bias = detail::exponent_bias<T>;
  const V low = select(x < V(1 - bias), V(1 - bias), x);
  const V bounded = select(low > V(bias + 2), V(bias + 2), low);
  // The field of 2^(n-1), doubled at the end: 2^n itself has no field for the largest finite results.
  const auto field = detail::to_int32(bounded + V(bias - 0.5));
  const V r = bounded - V(__builtin_convertvector(field - (bias - 1), typename V::native));
  return detail::exp2_fraction(r) * V(2) * detail::from_exponent_field<T, W>(field);
}

/// e^x = 2^n e^r with n log(2) subtracted in two parts, so that large arguments keep their digits. Range as `exp2`.
template<class T, int W>
DISPAR_FN pack<T, W> exp(pack<T, W> x) {
  using V = pack<T, W>;
  constexpr int bias = detail::exponent_bias<T>;
  constexpr double ln2 = 0.693147180559945309417232121458;
  // The high part ends in zeros: n * high is exact for every exponent n.
  constexpr T high = sizeof(T) == 4 ? T(0.693145751953125) : T(6.93147180369123816490e-01);
  constexpr T low = sizeof(T) == 4 ? T(ln2 - 0.693145751953125) : T(1.90821492927058770002e-10);
  const V bounded_below = select(x < V((1 - bias) * ln2), V((1 - bias) * ln2), x);
  const V bounded = select(bounded_below > V((bias + 2) * ln2), V((bias + 2) * ln2), bounded_below);
  const auto field = detail::to_int32(fma(bounded, V(1 / ln2), V(bias - 0.5)));
  const V n(__builtin_convertvector(field - (bias - 1), typename V::native));
  const V remainder = fma(n, V(-low), fma(n, V(-high), bounded));
  return detail::exp2_fraction(remainder * V(1 / ln2)) * V(2) * detail::from_exponent_field<T, W>(field);
}

/// Square root of x >= 0 by Newton's iteration for 1/sqrt(x) and a corrected last step: at most 1 ulp. Portable vector
/// code: `std::sqrt` in a loop stays scalar unless the user compiles with -fno-math-errno.
template<class T, int W>
DISPAR_FN pack<T, W> sqrt(pack<T, W> x) {
  using V = pack<T, W>;
  using wide = typename mask<T, W>::native;
  constexpr auto magic = sizeof(T) == 4 ? bits_of<T>(0x5f375a86) : static_cast<bits_of<T>>(0x5fe6eb50c7b537a9LL);
  wide bits;
  std::memcpy(&bits, &x.value, sizeof bits);
  bits = magic - (bits >> 1);
  V y;
  std::memcpy(&y.value, &bits, sizeof bits);
  const V half = x * V(0.5);
  constexpr int steps = sizeof(T) == 4 ? 3 : 4;
  for (int i = 0; i < steps; ++i) y = y * fma(-half * y, y, V(1.5));
  const V root = x * y;
  return select(x > V(0), fma(fma(-root, root, x) * y, V(0.5), root), x);
}

/// log2 x for x > 0; -infinity at 0, NaN below. Relative error of a few ulps; subnormal arguments count as 0.
template<class T, int W>
DISPAR_FN pack<T, W> log2(pack<T, W> x) {
  using V = pack<T, W>;
  using wide = typename mask<T, W>::native;
  constexpr int shift = detail::mantissa_bits<T>;
  wide bits;
  std::memcpy(&bits, &x.value, sizeof bits);
  // Mantissa in [sqrt(1/2), sqrt 2): the exponent is taken after adding the distance from sqrt(1/2) to 1.
  constexpr bits_of<T> one = static_cast<bits_of<T>>(static_cast<std::int64_t>(detail::exponent_bias<T>) << shift);
  constexpr bits_of<T> root = sizeof(T) == 4 ? bits_of<T>(0x3f3504f3) : static_cast<bits_of<T>>(0x3fe6a09e667f3bcdLL);
  const wide adjusted = bits + (one - root);
  const wide exponent = (adjusted >> shift) - detail::exponent_bias<T>;
  const wide mantissa_field = (adjusted & ((bits_of<T>(1) << shift) - 1)) + root;
  V m;
  std::memcpy(&m.value, &mantissa_field, sizeof m.value);
  typedef std::int32_t narrow [[gnu::vector_size(W * 4)]];
  const V e(__builtin_convertvector(__builtin_convertvector(exponent, narrow), typename V::native));
  const V s = (m - V(1)) / (m + V(1)), s2 = s * s;
  constexpr int terms = sizeof(T) == 4 ? 5 : 11;
  V p(1.0 / (2 * terms + 1));
  for (int k = terms - 1; k >= 0; --k) p = fma(p, s2, V(1.0 / (2 * k + 1)));
  const V result = fma(s * p, V(2 * 1.44269504088896340735992468100), e);
  const V infinity(__builtin_huge_val());
  const V at_zero = select(x <= V(0), select(x < V(0), V(__builtin_nan("")), -infinity), result);
  return select(x == infinity, infinity, at_zero);
}

/// Natural logarithm.
template<class T, int W>
DISPAR_FN pack<T, W> log(pack<T, W> x) {
  return log2(x) * pack<T, W>(0.693147180559945309417232121458);
}

#endif

DISPAR_NAMESPACE_END
