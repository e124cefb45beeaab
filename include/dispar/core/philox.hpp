#pragma once
/// \file
/// The Philox 4x32-10 counter-based generator: random bits as a pure function of (key, counter), so that every shard,
/// thread and device computes the same draws without a state to carry around.
///
/// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Agrees with the known answers
/// published with the authors' Random123 library.

#include <cstdint>

#include "dispar/core/vec.hpp"

DISPAR_NAMESPACE_BEGIN

/// 128 random bits for a 128-bit counter and a 64-bit key; ten rounds unless told otherwise (seven pass BigCrush).
/// The map counter -> words is a bijection for every key. About 20 multiplications.
template<int Rounds = 10>
[[nodiscard]] DISPAR_FN constexpr vec<std::uint32_t, 4> philox4x32(vec<std::uint32_t, 4> counter, vec<std::uint32_t, 2> key) {
  for (int round = 0; round < Rounds; ++round) {
    const std::uint64_t even = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t odd = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {{static_cast<std::uint32_t>(odd >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(odd),
                static_cast<std::uint32_t>(even >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(even)}};
    key[0] += 0x9E3779B9u;  // golden ratio
    key[1] += 0xBB67AE85u;  // sqrt(3) - 1
  }
  return counter;
}

/// What a randomized function takes: names 2^64 blocks of 128 random bits, addressed by index.
///
/// `seed` is Philox's key and `stream` the upper half of its counter, so keys that differ in either share no block.
///
///     random_key key{.seed = 1};
///     auto row = key.fork(17);          // an independent key for permutation 17, on any machine
///     vec<std::uint32_t, 4> bits = row.block(0);
struct random_key {
  std::uint64_t seed = 0;    ///< Philox's key
  std::uint64_t stream = 0;  ///< upper half of Philox's counter

  /// The block of 128 random bits at `at`.
  [[nodiscard]] DISPAR_FN constexpr vec<std::uint32_t, 4> block(std::uint64_t at) const {
    return philox4x32({{static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at >> 32), static_cast<std::uint32_t>(stream),
                        static_cast<std::uint32_t>(stream >> 32)}},
                      {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}});
  }

  /// The `child`-th key derived from this one, 128 new bits: one Philox block. Children of children are new keys again.
  [[nodiscard]] DISPAR_FN constexpr random_key fork(std::uint64_t child) const {
    // Another Philox key than `block` uses, else a child would consist of its parent's visible draws.
    const auto words = random_key{seed ^ 0x6A09E667F3BCC908u, stream}.block(child);
    return {words[0] | std::uint64_t{words[1]} << 32, words[2] | std::uint64_t{words[3]} << 32};
  }

  /// Equal keys name the same bits.
  friend constexpr bool operator==(const random_key& a, const random_key& b) = default;
};

DISPAR_NAMESPACE_END
