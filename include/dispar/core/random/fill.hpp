#pragma once

#include <cstdint>
#include <span>

#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// out[i] = draw number first + i, each block computed once. `block(b)` returns the draws of block b as a vec.
template<class T, class Block>
void fill_from_blocks(index first, std::span<T> out, Block block) {
  constexpr index width = decltype(block(std::uint64_t{}))::size();
  const index count = static_cast<index>(out.size());
  for (index i = 0; i < count;) {
    const index at = first + i;
    const auto draws = block(static_cast<std::uint64_t>(at / width));
    for (index k = at % width; k < width && i < count; ++k, ++i) out[static_cast<std::size_t>(i)] = draws[static_cast<int>(k)];
  }
}

}  // namespace detail

DISPAR_NAMESPACE_END
