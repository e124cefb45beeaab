#pragma once

#include <cstddef>
#include <utility>

#include "dispar/core/pack.hpp"

DISPAR_NAMESPACE_BEGIN

#if !defined(__CUDACC__)

namespace detail {

/// a and b in turns: of their lower halves, or of the upper ones.
template<bool Upper, class T, int W, std::size_t... I>
[[nodiscard]] DISPAR_FN pack<T, W> interleaved(pack<T, W> a, pack<T, W> b, std::index_sequence<I...>) {
  return pack<T, W>(
      __builtin_shufflevector(a.value, b.value, ((Upper ? W / 2 : 0) + static_cast<int>(I / 2) + (I % 2 == 1 ? W : 0))...));
}

}  // namespace detail

/// A square of W packs transposed in registers: place j of pack i becomes place i of pack j. log2(W) rounds, each of which
/// interleaves one half of the packs with the other.
template<class T, int W>
DISPAR_FN void transpose(pack<T, W> (&square)[W]) {
  constexpr auto places = std::make_index_sequence<static_cast<std::size_t>(W)>();
  DISPAR_UNROLL
  for (int round = 1; round < W; round *= 2) {
    pack<T, W> next[W];
    DISPAR_UNROLL
    for (int i = 0; i < W / 2; ++i) {
      next[2 * i] = detail::interleaved<false>(square[i], square[i + W / 2], places);
      next[2 * i + 1] = detail::interleaved<true>(square[i], square[i + W / 2], places);
    }
    DISPAR_UNROLL
    for (int i = 0; i < W; ++i) square[i] = next[i];
  }
}

#else

template<class T>
DISPAR_FN void transpose(lane<T> (&)[1]) {}

#endif

DISPAR_NAMESPACE_END
