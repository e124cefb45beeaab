#pragma once

#include <concepts>

#include "dispar/core/philox.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

/// Draw number `at` of a fair sign, +1 or -1: bit at % 128 of block at / 128, set for +1. The same on every backend. The
/// wild bootstrap's signs of row r are `rademacher<T>(key.fork(r), i)`. `at` >= 0.
template<class T>
requires std::floating_point<T> || std::signed_integral<T>
[[nodiscard]] DISPAR_FN constexpr T rademacher(random_key key, index at) {
  const auto words = key.block(static_cast<std::uint64_t>(at / 128));
  return (words[static_cast<int>(at % 128 / 32)] >> (at % 32)) & 1 ? T(1) : T(-1);
}

namespace detail {
/// Draws 64 word .. 64 word + 63 of `rademacher` as bits.
[[nodiscard]] DISPAR_FN constexpr std::uint64_t sign_word(random_key key, index word) {
  const auto words = key.block(static_cast<std::uint64_t>(word / 2));
  return word % 2 == 0 ? words[0] | std::uint64_t{words[1]} << 32 : words[2] | std::uint64_t{words[3]} << 32;
}
}  // namespace detail

DISPAR_NAMESPACE_END
