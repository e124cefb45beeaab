#pragma once
/// \file
/// Numbers of 16 bits, for storage: samples on the GPU. Conversions are in integers, so that no compiler flag and no mode of the
/// processor changes them.

#include <cstdint>

#include "dispar/core/config.hpp"

DISPAR_NAMESPACE_BEGIN

/// IEEE 754 binary16: 11 bits of precision, up to 65,504. The bits are those of CUDA's `__half`, `_Float16` and torch's Half.
///
///     std::vector<half> x(n * d);  x[0] = half(0.1f);  float y = float(x[0]);
struct half {
  std::uint16_t bits;  ///< sign, 5 bits of exponent, 10 of fraction

  half() = default;
  /// The nearest number, of two the even one; what is 65,520 or more becomes infinite.
  DISPAR_FN explicit half(float x) : bits(nearest(__builtin_bit_cast(std::uint32_t, x))) {}
  /// Exactly.
  [[nodiscard]] DISPAR_FN explicit operator float() const {
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
    std::uint32_t result = 0;
    if (magnitude >= 0x7c00u)
      result = 0x7f800000u | (magnitude & 0x3ffu) << 13;
    else if (magnitude >= 0x400u)
      result = (magnitude << 13) + (112u << 23);
    else
      result = __builtin_bit_cast(std::uint32_t, static_cast<float>(magnitude) * 0x1p-24f);
    return __builtin_bit_cast(float, sign | result);
  }

private:
  [[nodiscard]] DISPAR_FN static std::uint16_t nearest(std::uint32_t x) {
    const std::uint32_t sign = x >> 16 & 0x8000u, magnitude = x & 0x7fffffffu;
    std::uint32_t result = 0;
    if (magnitude > 0x7f800000u) {
      result = 0x7e00u | (magnitude >> 13 & 0x3ffu);  // NaN
    } else if (magnitude >= 0x477ff000u) {
      result = 0x7c00u;
    } else if (magnitude >= 0x38800000u) {  // from 2^-14 on the fraction has 10 bits
      result = (magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
    } else if (magnitude > 0x33000000u) {  // above half of 2^-24: a multiple of 2^-24
      const std::uint32_t fraction = (magnitude & 0x7fffffu) | 0x800000u, shift = 126u - (magnitude >> 23);
      const std::uint32_t kept = fraction >> shift, rest = fraction & ((1u << shift) - 1u), middle = 1u << (shift - 1u);
      result = kept + (rest > middle || (rest == middle && (kept & 1u) != 0) ? 1u : 0u);
    }
    return static_cast<std::uint16_t>(sign | result);
  }
};

/// The upper half of a float: 8 bits of precision, the range of float.
struct bfloat16 {
  std::uint16_t bits;  ///< sign, 8 bits of exponent, 7 of fraction

  bfloat16() = default;
  /// The nearest number, of two the even one.
  DISPAR_FN explicit bfloat16(float x) : bits(nearest(__builtin_bit_cast(std::uint32_t, x))) {}
  /// Exactly.
  [[nodiscard]] DISPAR_FN explicit operator float() const {
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16);
  }

private:
  [[nodiscard]] DISPAR_FN static std::uint16_t nearest(std::uint32_t x) {
    if ((x & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>(x >> 16 | 0x40u);  // NaN
    return static_cast<std::uint16_t>((x + 0x7fffu + (x >> 16 & 1u)) >> 16);
  }
};

/// True for infinities and NaN.
///@{
[[nodiscard]] DISPAR_FN constexpr bool is_special(half x) { return (x.bits & 0x7c00u) == 0x7c00u; }
[[nodiscard]] DISPAR_FN constexpr bool is_special(bfloat16 x) { return (x.bits & 0x7f80u) == 0x7f80u; }
///@}

DISPAR_NAMESPACE_END
