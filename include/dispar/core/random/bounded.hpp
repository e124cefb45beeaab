#pragma once
/// \file
/// Integers in [0, bound) without bias: Lemire, "Fast random integer generation in an interval", ACM TOMACS 29, 2019.

#include "dispar/core/random/uniform.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// The upper and lower half of a product of two words.
template<class U>
struct wide_product {
  U high, low;
};
DISPAR_FN constexpr wide_product<std::uint32_t> multiply_wide(std::uint32_t a, std::uint32_t b) {
  const std::uint64_t p = std::uint64_t{a} * b;
  return {static_cast<std::uint32_t>(p >> 32), static_cast<std::uint32_t>(p)};
}
DISPAR_FN constexpr wide_product<std::uint64_t> multiply_wide(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t mask = 0xFFFFFFFFu, a0 = a & mask, a1 = a >> 32, b0 = b & mask, b1 = b >> 32;
  const std::uint64_t middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (middle & mask);
  return {a1 * b1 + (middle >> 32) + (other >> 32), a * b};
}

/// One attempt: true and the integer in `result`, or false when this word must be rejected. The division runs with
/// probability bound / 2^bits only.
template<class U>
DISPAR_FN constexpr bool scale_to_bound(U word, U bound, U& result) {
  const auto p = multiply_wide(word, bound);
  result = p.high;
  return p.low >= bound || p.low >= static_cast<U>(U{0} - bound) % bound;
}

}  // namespace detail

/// Draw number `at` of an integer uniform on [0, bound), exactly unbiased and the same on every backend.
///
/// Words of block `at` are tried in order; should all be rejected (probability below (bound / 2^32)^4), those of the blocks of
/// `key.fork(at)`. A pure function of its arguments. 1 <= bound; bounds from 2^32 take 64-bit words.
[[nodiscard]] DISPAR_FN constexpr std::uint64_t bounded(random_key key, index at, std::uint64_t bound) {
  const std::uint64_t block = static_cast<std::uint64_t>(at);
  auto words = key.block(block);
  for (std::uint64_t retry = 0;; ++retry) {
    if (bound >> 32 == 0) {
      for (int i = 0; i < 4; ++i) {
        std::uint32_t result = 0;
        if (detail::scale_to_bound(words[i], static_cast<std::uint32_t>(bound), result)) return result;
      }
    } else {
      for (int i = 0; i < 4; i += 2) {
        std::uint64_t result = 0;
        if (detail::scale_to_bound(detail::join_words(words[i], words[i + 1]), bound, result)) return result;
      }
    }
    words = key.fork(block).block(retry);
  }
}

/// Bounded integers one after the other from consecutive words of a key: four times fewer blocks than `bounded`, for
/// algorithms that are sequential anyway (shuffles, sampling without replacement).
class random_sequence {
public:
  /// Starts at the block `first_block` of the key.
  DISPAR_FN constexpr explicit random_sequence(random_key key, std::uint64_t first_block = 0)
      : key_(key), next_block_(first_block) {}

  /// The next 32 random bits.
  [[nodiscard]] DISPAR_FN constexpr std::uint32_t word() {
    if (left_ == 0) {
      words_ = key_.block(next_block_++);
      left_ = 4;
    }
    return words_[4 - left_--];
  }

  /// The next integer in [0, bound), unbiased; bound >= 1.
  [[nodiscard]] DISPAR_FN constexpr std::uint64_t below(std::uint64_t bound) {
    if (bound >> 32 == 0) {
      std::uint32_t result = 0;
      while (!detail::scale_to_bound(word(), static_cast<std::uint32_t>(bound), result)) {
      }
      return result;
    }
    std::uint64_t result = 0;
    for (;;) {
      const std::uint32_t low = word(), high = word();
      if (detail::scale_to_bound(detail::join_words(low, high), bound, result)) return result;
    }
  }

private:
  random_key key_;
  std::uint64_t next_block_;
  vec<std::uint32_t, 4> words_{};
  int left_ = 0;
};

DISPAR_NAMESPACE_END
