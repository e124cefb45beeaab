#pragma once
/// \file
/// Uniformly random subsets of a fixed size as packed bits: the labels of a permutation test.

#include <bit>
#include <cstdint>
#include <span>

#include "dispar/core/error.hpp"
#include "dispar/core/random/bounded.hpp"

DISPAR_NAMESPACE_BEGIN

/// Words of 64 bits that a membership vector of `count` elements takes.
[[nodiscard]] DISPAR_FN constexpr index membership_words(index count) { return (count + 63) / 64; }

/// Whether element `at` belongs to the subset.
[[nodiscard]] DISPAR_FN constexpr bool is_member(const std::uint64_t* words, index at) { return words[at / 64] >> (at % 64) & 1; }

namespace detail {

/// How to draw independent bits of probability close to, and at most, ones / count: the numerator over 2^planes.
struct bit_probability {
  int planes;
  std::uint64_t numerator;
};

/// The cheapest number of planes: one costs count / 128 blocks, and every element still missing about one.
DISPAR_FN constexpr bit_probability near_probability(index count, index ones) {
  bit_probability best{0, 0};
  std::uint64_t best_cost = static_cast<std::uint64_t>(ones);
  for (int planes = 1; planes <= 16; ++planes) {
    const std::uint64_t scaled = static_cast<std::uint64_t>(ones) << planes, n = static_cast<std::uint64_t>(count);
    const std::uint64_t cost = static_cast<std::uint64_t>(planes) * (n / 128 + 1) + ((scaled % n) >> planes);
    if (cost < best_cost) {
      best_cost = cost;
      best = {planes, scaled / n};
    }
  }
  return best;
}

/// A word whose lowest `count` bits are set: none for 0 and below, all from 64 on.
[[nodiscard]] DISPAR_FN constexpr std::uint64_t leading_ones(index count) {
  return count <= 0 ? 0 : count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}
[[nodiscard]] DISPAR_FN index count_ones(std::uint64_t word) {
#if defined(__CUDA_ARCH__)
  return __popcll(word);
#else
  return std::popcount(word);
#endif
}

/// `membership_bits` where count >= 1 and words are `stride` apart, for one thread of a device too.
DISPAR_FN_APART void draw_members(random_key key, index count, index ones, std::uint64_t* words, index stride) {
  // At most half of the elements are chosen, so that a random element is a non-member at least every other time.
  const bool complement = ones > count - ones;
  const index target = complement ? count - ones : ones;
  const bit_probability p = near_probability(count, target);

  const index size = membership_words(count);
  const std::uint64_t last = ~std::uint64_t{0} >> (63 - (count - 1) % 64);
  index members = 0;
  std::uint64_t block = 0;
  for (index w = 0; w < size; w += 2) {
    // The binary digits of the probability from the last to the first: 1 halves it and adds 1/2, 0 halves it.
    std::uint64_t low = 0, high = 0;
    for (int plane = 0; plane < p.planes; ++plane) {
      const auto random = key.block(block++);
      const std::uint64_t a = join_words(random[0], random[1]), b = join_words(random[2], random[3]);
      const std::uint64_t digit = std::uint64_t{0} - (p.numerator >> plane & 1);
      low = (low & a) | (digit & (low | a));
      high = (high & b) | (digit & (high | b));
    }
    if (w + 1 == size) low &= last;
    words[w * stride] = low;
    members += count_ones(low);
    if (w + 1 < size) {
      if (w + 2 == size) high &= last;
      words[(w + 1) * stride] = high;
      members += count_ones(high);
    }
  }

  random_sequence draws(key, block);
  const std::uint64_t surplus = members > target ? 1 : 0;  // whether elements leave (1) or enter (0)
  for (index wrong = members > target ? members - target : target - members; wrong > 0;) {
    const std::uint64_t chosen = draws.below(static_cast<std::uint64_t>(count));
    std::uint64_t& word = words[static_cast<index>(chosen / 64) * stride];
    // Without a branch: whether the chosen element is a member is a coin flip that no predictor knows.
    const std::uint64_t change = (word >> (chosen % 64) & 1) ^ surplus ^ 1;
    word ^= change << (chosen % 64);
    wrong -= static_cast<index>(change);
  }
  if (complement) {
    for (index w = 0; w < size; ++w) words[w * stride] = ~words[w * stride];
    words[(size - 1) * stride] &= last;
  }
}

}  // namespace detail

/// Writes the membership bits of a uniformly random subset of exactly `ones` out of `count` elements: bit i % 64 of
/// words[i / 64] belongs to element i, bits from `count` on are 0.
///
/// Independent bits of probability k / 2^b near ones / count are drawn 128 at a time; then elements chosen at random enter or
/// leave until the count is right, about sqrt(count) of them. Given its size, a set of independent bits is uniform among the
/// sets of that size, and a random entry or exit keeps it so: the result is exactly uniform. All arithmetic is on integers,
/// hence the same bits on every backend. One row of a permutation test is one fork of the key:
///
///     std::vector<std::uint64_t> row(membership_words(n + m));
///     membership_bits(key.fork(r), n + m, n, row);
///
/// Cost: count / 128 Philox blocks per plane (one plane for halves, else about log2(count) / 2) plus the corrections.
/// Throws `invalid_argument` unless 0 <= ones <= count < 2^46 and words.size() == membership_words(count).
inline void membership_bits(random_key key, index count, index ones, std::span<std::uint64_t> words) {
  require(count >= 0 && count < (index{1} << 46), "membership_bits: count", "must lie in [0, 2^46)", static_cast<double>(count));
  require(ones >= 0 && ones <= count, "membership_bits: ones", "must lie in [0, count]", static_cast<double>(ones));
  require(static_cast<index>(words.size()) == membership_words(count), "membership_bits: words",
          "must hold membership_words(count) words", static_cast<double>(words.size()));
  if (count == 0) return;
  detail::draw_members(key, count, ones, words.data(), 1);
}

DISPAR_NAMESPACE_END
