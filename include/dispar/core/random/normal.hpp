#pragma once

#include <cmath>

#include "dispar/core/random/uniform.hpp"
#include "dispar/core/rounding_fence.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Cosine and sine of 2 pi `turn` / 2^bits. The octant comes off in integers, so the angle given to the library's functions
/// lies in [0, pi/4] and keeps all its digits; the eight-fold symmetry is exact.
template<class T, class U>
DISPAR_FN vec<T, 2> circle_point(U turn) {
  constexpr int low_bits = 8 * static_cast<int>(sizeof(U)) - 3;
  constexpr U octant_size = U{1} << low_bits;
  const int octant = static_cast<int>(turn >> low_bits);
  const U along = turn & (octant_size - 1);
  constexpr T quarter_pi = static_cast<T>(0.785398163397448309615660845819876L);
  const T steps = static_cast<T>((octant & 1) ? octant_size - along : along);
  const T angle = rounding_fence(steps * (quarter_pi / static_cast<T>(octant_size)));
  const T c = std::cos(angle), s = std::sin(angle);
  const bool swapped = ((octant + 1) >> 1) & 1;
  const T x = swapped ? s : c, y = swapped ? c : s;
  return {{((octant + 2) >> 2) & 1 ? -x : x, octant >> 2 ? -y : y}};
}

/// Two independent normal draws from two words. Fenced, so that -ffast-math does not make draws depend on the calling loop.
template<class T, class U>
DISPAR_FN vec<T, 2> box_muller(U radius_word, U angle_word) {
  constexpr T scale = T(1) / (T(4) * static_cast<T>(U{1} << (8 * sizeof(U) - 2)));
  const T u = rounding_fence((static_cast<T>(radius_word) + T(1)) * scale);
  const T radius = rounding_fence(std::sqrt(rounding_fence(T(-2) * std::log(u))));
  const auto direction = circle_point<T>(angle_word);
  return {{rounding_fence(radius * direction[0]), rounding_fence(radius * direction[1])}};
}

template<class T>
DISPAR_FN vec<T, 16 / static_cast<int>(sizeof(T))> normal_block(vec<std::uint32_t, 4> words) {
  if constexpr (sizeof(T) == 4) {
    const auto first = box_muller<T>(words[0], words[1]), second = box_muller<T>(words[2], words[3]);
    return {{first[0], first[1], second[0], second[1]}};
  } else {
    return box_muller<T>(join_words(words[0], words[1]), join_words(words[2], words[3]));
  }
}

}  // namespace detail

/// Draw number `at` of a standard normal variable, by Box and Muller (1958) from 64 bits (float) or 128 bits (double) a pair.
///
/// |draw| <= 6.67 (float) or 9.42 (double). Backends agree to 4 ulps, given log, sin and cos of at most 1 ulp in the C
/// library; on a GPU compiled with --use_fast_math only to 2^-20. `at` >= 0.
template<std::floating_point T>
[[nodiscard]] DISPAR_FN T normal(random_key key, index at) {
  constexpr index width = 16 / sizeof(T);
  return detail::normal_block<T>(key.block(static_cast<std::uint64_t>(at / width)))[static_cast<int>(at % width)];
}

/// out[i] = normal<T>(key, first + i), with each Philox block computed once.
template<std::floating_point T>
void fill_normal(random_key key, index first, std::span<T> out) {
  detail::fill_from_blocks(first, out, [key](std::uint64_t b) { return detail::normal_block<T>(key.block(b)); });
}

DISPAR_NAMESPACE_END
