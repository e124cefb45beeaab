#pragma once
/// \file
/// exp, log and square root of packs. Nothing that -ffast-math could delete: every rounding is a conversion to integer, steps
/// that must not be reassociated are fenced, and infinities and NaN are told apart on bits.

#include "dispar/core/exp2_table.hpp"

/// Keeps -ffast-math from moving arithmetic across: 2 * 2^127 is infinite, 2 * p * 2^127 need not be.
#if defined(__has_builtin)
#if __has_builtin(__arithmetic_fence)
#define DISPAR_FENCE(expression) __arithmetic_fence(expression)
#elif __has_builtin(__builtin_assoc_barrier)
#define DISPAR_FENCE(expression) __builtin_assoc_barrier(expression)
#endif
#endif
#if !defined(DISPAR_FENCE)
#define DISPAR_FENCE(expression) (expression)
#endif

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
  static constexpr double c[] = {6.9314718055994530942e-1, 2.4022650695910071233e-1,  5.5504108664821579953e-2,
                                 9.6181291076284771619e-3, 1.3333558146428443423e-3,  1.5403530393381609954e-4,
                                 1.5252733804059840280e-5, 1.3215486790144309488e-6,  1.0178086009239699728e-7,
                                 7.0549116208011233299e-9, 4.4455382718708114976e-10, 2.5678435993488205142e-11,
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

/// i - shift as a pack. Unsigned, since a NaN converts to the least integer.
template<class T, int W, class I>
DISPAR_FN pack<T, W> minus(I i, unsigned shift) {
  typedef std::uint32_t native [[gnu::vector_size(W * 4)]];
  return pack<T, W>(__builtin_convertvector((I)((native)i - shift), typename pack<T, W>::native));
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

template<class T, int W>
DISPAR_FN pack<T, W> fence(pack<T, W> x) {
  return pack<T, W>(DISPAR_FENCE(x.value));
}

template<class T, int W>
DISPAR_FN typename mask<T, W>::native to_bits(pack<T, W> x) {
  typename mask<T, W>::native bits;
  std::memcpy(&bits, &x.value, sizeof bits);
  return bits;
}
template<class T, int W>
DISPAR_FN pack<T, W> from_bits(typename mask<T, W>::native bits) {
  pack<T, W> x;
  std::memcpy(&x.value, &bits, sizeof bits);
  return x;
}

/// The bits of 1, of the smallest normal number and of infinity.
template<class T>
inline constexpr bits_of<T> one_bits = static_cast<bits_of<T>>(std::int64_t{exponent_bias<T>} << mantissa_bits<T>);
template<class T>
inline constexpr bits_of<T> least_normal_bits = static_cast<bits_of<T>>(std::int64_t{1} << mantissa_bits<T>);
template<class T>
inline constexpr bits_of<T> infinity_bits = static_cast<bits_of<T>>(std::int64_t{2 * exponent_bias<T> + 1} << mantissa_bits<T>);
template<class T>
inline constexpr bits_of<T> magnitude_bits = static_cast<bits_of<T>>(~(std::uint64_t{1} << (8 * sizeof(T) - 1)));

/// `result`, but NaN where x is: compilers told that there is no NaN clamp it to a bound, and a plausible number comes out.
template<class T, int W>
DISPAR_FN pack<T, W> keep_nan([[maybe_unused]] pack<T, W> x, pack<T, W> result) {
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
  return from_bits<T, W>(to_bits(result) | ((to_bits(x) & magnitude_bits<T>) > infinity_bits<T>));
#else
  return result;
#endif
}

/// `result` where x is positive, normal and finite; x where it is positive infinity or NaN; NaN where it is negative;
/// `at_zero` where it is zero or subnormal.
template<class T, int W>
DISPAR_FN pack<T, W> on_positive(pack<T, W> x, pack<T, W> result, bits_of<T> at_zero) {
  const auto bits = to_bits(x);
  const auto inside = (bits >= least_normal_bits<T>)&(bits < infinity_bits<T>);
  const auto tiny = (bits & magnitude_bits<T>) < least_normal_bits<T>;
  const auto outside = (bits | (bits < 0)) & ~tiny;  // a negative number becomes all ones, a NaN
  return from_bits<T, W>((to_bits(result) & inside) | (((tiny & at_zero) | outside) & ~inside));
}

}  // namespace detail

/// 2^x for x <= 0, the exponential of every decaying kernel: NaN for NaN, and 0 where x is too small; whether a result below
/// the normal range (x < -126 in float, -1022 in double) is subnormal or 0 depends on the instruction set.
/// Relative error 1.1e-7 (float), 4e-16 (double) beyond the rounding of x, where the result is normal.
template<class T, int W>
DISPAR_FN pack<T, W> exp2_nonpositive(pack<T, W> x) {
  if constexpr (detail::has_exp2_table && W <= native_width<T>) return detail::exp2_by_table(x);
  using V = pack<T, W>;
  constexpr int bias = detail::exponent_bias<T>;
  const V bounded = detail::lower_bounded(x, V(-bias));
  const auto field = detail::to_int32(bounded + V(bias + 0.5));  // truncation of a nonnegative number: rounds to nearest
  const V r = bounded - detail::minus<T, W>(field, bias);
  // The field is 0 where x <= -bias - 1/2 rounds there, which scales the result to exactly 0.
  return detail::keep_nan(x, detail::exp2_fraction(r) * detail::from_exponent_field<T, W>(field));
}

/// 2^x: 0 for x < -125.5 (float), -1021.5 (double); infinity above the range, NaN for NaN.
/// Relative error 1e-7 (float), 3e-16 (double) beyond the rounding of x.
template<class T, int W>
DISPAR_FN pack<T, W> exp2(pack<T, W> x) {
  using V = pack<T, W>;
  constexpr int bias = detail::exponent_bias<T>;
  const V low = detail::lower_bounded(x, V(1 - bias));
  const V bounded = select(low > V(bias + 2), V(bias + 2), low);
  // The field of 2^(n-1), doubled at the end: 2^n itself has no field for the largest finite results.
  const auto field = detail::to_int32(bounded + V(bias - 0.5));
  const V r = bounded - detail::minus<T, W>(field, bias - 1);
  const V doubled = detail::fence(detail::exp2_fraction(r) * V(2));
  return detail::keep_nan(x, doubled * detail::from_exponent_field<T, W>(field));
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
  const V bounded_below = detail::lower_bounded(x, V((1 - bias) * ln2));
  const V bounded = select(bounded_below > V((bias + 2) * ln2), V((bias + 2) * ln2), bounded_below);
  const auto field = detail::to_int32(fma(bounded, V(1 / ln2), V(bias - 0.5)));
  const V n = detail::minus<T, W>(field, bias - 1);
  const V remainder = fma(n, V(-low), detail::fence(fma(n, V(-high), bounded)));
  const V doubled = detail::fence(detail::exp2_fraction(remainder * V(1 / ln2)) * V(2));
  return detail::keep_nan(x, doubled * detail::from_exponent_field<T, W>(field));
}

/// Square root by Newton's iteration for 1/sqrt(x) and a corrected last step: at most 1 ulp. NaN below 0, infinity at
/// infinity; subnormal arguments count as 0. Portable vector code: `std::sqrt` in a loop stays scalar unless the user
/// compiles with -fno-math-errno.
template<class T, int W>
DISPAR_FN pack<T, W> sqrt(pack<T, W> x) {
  using V = pack<T, W>;
  constexpr auto magic = sizeof(T) == 4 ? bits_of<T>(0x5f375a86) : static_cast<bits_of<T>>(0x5fe6eb50c7b537a9LL);
  V y = detail::from_bits<T, W>(magic - ((detail::to_bits(x) & detail::magnitude_bits<T>) >> 1));
  constexpr int steps = sizeof(T) == 4 ? 3 : 4;
  // Fenced: y * y underflows for large x, x / 2 for small, and so does the difference of x and its squared root.
  for (int i = 0; i < steps; ++i) y = y * fma(detail::fence(x * y) * V(-0.5), y, V(1.5));
  const V root = detail::fence(x * y);
  const V excess = detail::fence(fma(-root, y, V(1)));
  return detail::on_positive(x, fma(root * V(0.5), excess, root), 0);
}

/// log2 x; -infinity at 0, NaN below, infinity at infinity. Relative error of 3 ulps; subnormal arguments count as 0.
template<class T, int W>
DISPAR_FN pack<T, W> log2(pack<T, W> x) {
  using V = pack<T, W>;
  using wide = typename mask<T, W>::native;
  constexpr int shift = detail::mantissa_bits<T>;
  // Mantissa in [sqrt(1/2), sqrt 2): the exponent is taken after adding the distance from sqrt(1/2) to 1. Unsigned, since
  // the sum leaves the signed range for NaN, and since a signed shift of 64 bits is slow before AVX-512.
  using unsigned_bits = std::make_unsigned_t<bits_of<T>>;
  typedef unsigned_bits unsigned_wide [[gnu::vector_size(W * sizeof(T))]];
  constexpr bits_of<T> root = sizeof(T) == 4 ? bits_of<T>(0x3f3504f3) : static_cast<bits_of<T>>(0x3fe6a09e667f3bcdLL);
  const auto adjusted =
      (unsigned_wide)(detail::to_bits(x) & detail::magnitude_bits<T>)+static_cast<unsigned_bits>(detail::one_bits<T> - root);
  const wide exponent = (wide)(adjusted >> shift) - detail::exponent_bias<T>;
  const V m = detail::from_bits<T, W>(((wide)adjusted & ((bits_of<T>(1) << shift) - 1)) + root);
  typedef std::int32_t narrow [[gnu::vector_size(W * 4)]];
  const V e(__builtin_convertvector(__builtin_convertvector(exponent, narrow), typename V::native));
  const V s = (m - V(1)) / (m + V(1)), s2 = s * s;
  constexpr int terms = sizeof(T) == 4 ? 5 : 11;
  V p(1.0 / (2 * terms + 1));
  for (int k = terms - 1; k >= 0; --k) p = fma(p, s2, V(1.0 / (2 * k + 1)));
  constexpr auto minus_infinity = static_cast<bits_of<T>>(~detail::magnitude_bits<T> | detail::infinity_bits<T>);
  return detail::on_positive(x, fma(s * p, V(2 * 1.44269504088896340735992468100), e), minus_infinity);
}

/// Natural logarithm.
template<class T, int W>
DISPAR_FN pack<T, W> log(pack<T, W> x) {
  return log2(x) * pack<T, W>(0.693147180559945309417232121458);
}

#endif

DISPAR_NAMESPACE_END
