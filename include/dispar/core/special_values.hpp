#pragma once
/// \file
/// NaN and infinity by their bits: -ffast-math deletes `x != x` and comparisons with infinity, integers it leaves alone.

#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "dispar/core/config.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// The layout of IEEE 754 numbers as unsigned integers.
template<class T>
struct ieee {
  using bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  static constexpr bits magnitude = static_cast<bits>(~bits{0}) >> 1;
  static constexpr bits infinity = static_cast<bits>(sizeof(T) == 4 ? 0x7f800000u : 0x7ff0000000000000u);
  static constexpr bits quiet_nan = infinity | (infinity >> 1);
};

/// A number with these bits, computed where the optimizer cannot see them: it may assume that constants are finite.
template<class T>
DISPAR_FN T hidden_constant(typename ieee<T>::bits bits) {
#if !defined(__CUDACC__)
  asm("" : "+r"(bits));
#endif
  return __builtin_bit_cast(T, bits);
}

}  // namespace detail

/// The largest finite number: a constant, since kernels may not call the functions of std::numeric_limits.
template<std::floating_point T>
inline constexpr T largest_finite = std::numeric_limits<T>::max();

/// True for every NaN, under every compiler flag.
template<std::floating_point T>
[[nodiscard]] DISPAR_FN constexpr bool is_nan(T x) {
  return (__builtin_bit_cast(typename detail::ieee<T>::bits, x) & detail::ieee<T>::magnitude) > detail::ieee<T>::infinity;
}

/// True for infinity with a positive sign, under every compiler flag.
template<std::floating_point T>
[[nodiscard]] DISPAR_FN constexpr bool is_positive_infinity(T x) {
  return __builtin_bit_cast(typename detail::ieee<T>::bits, x) == detail::ieee<T>::infinity;
}

/// True for infinities and NaN, under every compiler flag.
template<std::floating_point T>
[[nodiscard]] DISPAR_FN constexpr bool is_special(T x) {
  return (__builtin_bit_cast(typename detail::ieee<T>::bits, x) & detail::ieee<T>::magnitude) >= detail::ieee<T>::infinity;
}

/// Constants that survive -ffinite-math-only.
template<std::floating_point T>
[[nodiscard]] DISPAR_FN T positive_infinity() {
  return detail::hidden_constant<T>(detail::ieee<T>::infinity);
}
/// Minus infinity, see `positive_infinity`.
template<std::floating_point T>
[[nodiscard]] DISPAR_FN T negative_infinity() {
  return detail::hidden_constant<T>(detail::ieee<T>::infinity | ~detail::ieee<T>::magnitude);
}
/// A quiet NaN, see `positive_infinity`.
template<std::floating_point T>
[[nodiscard]] DISPAR_FN T quiet_nan() {
  return detail::hidden_constant<T>(detail::ieee<T>::quiet_nan);
}

DISPAR_NAMESPACE_END
