#pragma once

#include <concepts>

#include "dispar/core/philox.hpp"
#include "dispar/core/random/fill.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

DISPAR_FN constexpr std::uint64_t join_words(std::uint32_t low, std::uint32_t high) { return low | std::uint64_t{high} << 32; }

/// (leading bits of each word + offset) * 2^-bits: exact, so the same bits on every backend. Offset 0 or 1.
template<class T>
DISPAR_FN constexpr vec<T, 16 / static_cast<int>(sizeof(T))> unit_interval(vec<std::uint32_t, 4> words, unsigned offset) {
  if constexpr (sizeof(T) == 4) {
    constexpr T scale = T(1) / T(1 << 24);
    return {{static_cast<T>((words[0] >> 8) + offset) * scale, static_cast<T>((words[1] >> 8) + offset) * scale,
             static_cast<T>((words[2] >> 8) + offset) * scale, static_cast<T>((words[3] >> 8) + offset) * scale}};
  } else {
    constexpr T scale = T(1) / T(std::uint64_t{1} << 53);
    return {{static_cast<T>((join_words(words[0], words[1]) >> 11) + offset) * scale,
             static_cast<T>((join_words(words[2], words[3]) >> 11) + offset) * scale}};
  }
}

}  // namespace detail

/// Draw number `at` of a uniform variable on [0, 1): a multiple of 2^-24 (float, four draws a block) or 2^-53 (double,
/// two a block). The same bits on every backend. `at` >= 0.
template<std::floating_point T>
[[nodiscard]] DISPAR_FN constexpr T uniform(random_key key, index at) {
  constexpr index width = 16 / sizeof(T);
  return detail::unit_interval<T>(key.block(static_cast<std::uint64_t>(at / width)), 0)[static_cast<int>(at % width)];
}

/// Draw number `at` of a uniform variable on (0, 1], for logarithms: `uniform` moved up by one step.
template<std::floating_point T>
[[nodiscard]] DISPAR_FN constexpr T open_uniform(random_key key, index at) {
  constexpr index width = 16 / sizeof(T);
  return detail::unit_interval<T>(key.block(static_cast<std::uint64_t>(at / width)), 1)[static_cast<int>(at % width)];
}

/// out[i] = uniform<T>(key, first + i), with each Philox block computed once.
template<std::floating_point T>
void fill_uniform(random_key key, index first, std::span<T> out) {
  detail::fill_from_blocks(first, out, [key](std::uint64_t b) { return detail::unit_interval<T>(key.block(b), 0); });
}

DISPAR_NAMESPACE_END
