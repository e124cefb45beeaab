#pragma once

#include <cstdint>
#include <span>

#include "dispar/core/random/bounded.hpp"

DISPAR_NAMESPACE_BEGIN

/// Writes a uniformly random permutation of 0, ..., out.size() - 1: Fisher and Yates' shuffle (Durstenfeld, CACM 7, 1964)
/// driven by the consecutive words of `key`. The same on every backend; O(n) time, no memory of its own.
///
///     std::vector<std::int64_t> order(n);
///     permutation(key.fork(row), std::span(order));
constexpr void permutation(random_key key, std::span<std::int64_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::int64_t>(i);
  random_sequence draws(key);
  for (std::size_t left = out.size(); left > 1; --left) {
    const auto chosen = static_cast<std::size_t>(draws.below(left));
    const std::int64_t moved = out[chosen];
    out[chosen] = out[left - 1];
    out[left - 1] = moved;
  }
}

DISPAR_NAMESPACE_END
