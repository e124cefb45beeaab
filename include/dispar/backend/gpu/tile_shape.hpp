#pragma once
/// \file
/// How the pairs of a tile are dealt to the threads of a block. A shape is a struct with
/// - `edge`: rows and columns of a tile; `threads` of a block;
/// - `rows` x `cols`: the grid of pairs of one thread, pair (r, s) at `row(thread, r)`, `col(thread, s)` of the tile;
/// - `row_lanes`, `row_warps`: a row's pairs are with that many neighbouring lanes (lane 0 of them a multiple of `row_lanes`) in
///   that many warps, this thread in the `row_warp(thread)`-th of these.
/// Sinks know no more than this, so that each works with every shape.

#include "dispar/core/config.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Multiply-adds of a thread: a square of neighbouring pairs, whose rows and columns are one shared-memory access of 16 bytes.
template<class T>
struct fma_shape {
  static constexpr int side = 16, threads = side * side;
  static constexpr int edge = sizeof(T) == 4 ? 64 : 32;
  static constexpr int rows = edge / side, cols = rows;
  static constexpr int row_lanes = side, row_warps = 1;
  static constexpr int depth = 16;  ///< features per step
  [[nodiscard]] DISPAR_FN static constexpr int row(int thread, int r) { return thread / side * rows + r; }
  [[nodiscard]] DISPAR_FN static constexpr int col(int thread, int s) { return thread % side * cols + s; }
  [[nodiscard]] DISPAR_FN static constexpr int row_warp(int) { return 0; }
};

}  // namespace detail

DISPAR_NAMESPACE_END
