#pragma once
/// \file
/// NaN and infinity by their bits: -ffast-math deletes `x != x` and comparisons with infinity, integers it leaves alone.

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "dispar/core/pack.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

template<class T>
using float_bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
template<class T>
inline constexpr float_bits<T> magnitude_mask = static_cast<float_bits<T>>(~float_bits<T>{0}) >> 1;
template<class T>
inline constexpr float_bits<T> infinity_bits = sizeof(T) == 4 ? static_cast<float_bits<T>>(0x7f800000u)
                                                              : static_cast<float_bits<T>>(0x7ff0000000000000u);

/// A number with these bits, computed where the optimizer cannot see them: it may assume that constants are finite.
template<class T>
DISPAR_FN T hidden_constant(float_bits<T> bits) {
#if !defined(__CUDACC__)
  asm("" : "+r"(bits));
#endif
  return __builtin_bit_cast(T, bits);
}

}  // namespace detail

/// True for every NaN, under every compiler flag.
template<std::floating_point T>
[[nodiscard]] DISPAR_FN constexpr bool is_nan(T x) {
  return (__builtin_bit_cast(detail::float_bits<T>, x) & detail::magnitude_mask<T>) > detail::infinity_bits<T>;
}

/// True for numbers that are neither infinite nor NaN, under every compiler flag.
template<std::floating_point T>
[[nodiscard]] DISPAR_FN constexpr bool is_finite(T x) {
  return (__builtin_bit_cast(detail::float_bits<T>, x) & detail::magnitude_mask<T>) < detail::infinity_bits<T>;
}

template<std::floating_point T>
[[nodiscard]] DISPAR_FN T positive_infinity() {
  return detail::hidden_constant<T>(detail::infinity_bits<T>);
}
template<std::floating_point T>
[[nodiscard]] DISPAR_FN T negative_infinity() {
  return detail::hidden_constant<T>(detail::infinity_bits<T> | ~detail::magnitude_mask<T>);
}
template<std::floating_point T>
[[nodiscard]] DISPAR_FN T quiet_nan() {
  return detail::hidden_constant<T>(detail::infinity_bits<T> | (detail::infinity_bits<T> >> 1));
}

DISPAR_NAMESPACE_END
