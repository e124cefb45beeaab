#pragma once
/// \file
/// The order of keys that sorting and order statistics share, as an order of unsigned integers.

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

/// The types that are sorted.
template<class T>
concept sort_key =
    std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t>;

/// Which key comes first. NaN comes last in both, and -0 equals 0.
enum class sort_order { ascending, descending };

namespace detail {

template<sort_key T>
using key_bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

/// What `ordered_bits` takes for an order.
template<sort_key T>
[[nodiscard]] DISPAR_FN constexpr key_bits<T> order_mask(sort_order order) {
  return order == sort_order::ascending ? key_bits<T>{0} : static_cast<key_bits<T>>(~key_bits<T>{0});
}

/// An integer that is less where the key comes first and equal where keys are equal; under any compiler flag, since no floating
/// point is compared. All NaNs are the greatest one.
template<sort_key T>
[[nodiscard]] DISPAR_FN constexpr key_bits<T> ordered_bits(T key, key_bits<T> mask) {
  using bits = key_bits<T>;
  constexpr bits zero = bits{1} << (8 * sizeof(bits) - 1);
  const bits raw = __builtin_bit_cast(bits, key);
  if constexpr (std::is_integral_v<T>) {
    return (raw ^ zero) ^ mask;
  } else {
    const bits magnitude = raw & ieee<T>::magnitude;
    const bits value = (raw == magnitude ? zero + magnitude : zero - magnitude) ^ mask;
    return magnitude > ieee<T>::infinity ? static_cast<bits>(~bits{0}) : value;
  }
}

/// The key with these ordered bits, ascending: 0 for either zero, one quiet NaN for all.
template<sort_key T>
[[nodiscard]] DISPAR_FN constexpr T key_of_ordered_bits(key_bits<T> value) {
  using bits = key_bits<T>;
  constexpr bits zero = bits{1} << (8 * sizeof(bits) - 1);
  if constexpr (std::is_integral_v<T>) {
    return __builtin_bit_cast(T, value ^ zero);
  } else {
    const bits raw = value >= zero ? value - zero : (zero - value) | zero;
    return __builtin_bit_cast(T, value == static_cast<bits>(~bits{0}) ? ieee<T>::quiet_nan : raw);
  }
}

}  // namespace detail

DISPAR_NAMESPACE_END
