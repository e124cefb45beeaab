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

/// Products on tensor cores, 8 warps in 2 rows of 4, each with `Edge / 2` x `Edge / 4` pairs: the pairs of a thread are where
/// `mma` (mma.hpp) leaves sums, in two rows and two neighbouring columns of each block of 16 x 8. Rows g and g + 8 of a block are
/// rows 2g and 2g + 1 of the tile, so that one access to shared memory reads both.
///
/// 128 x 128 pairs read half as much per product as 64 x 64, from shared memory and from the L2 cache, and hold 64 sums in
/// registers. 64 x 64 is for what needs the space: a tile in shared memory, several channels or outputs.
template<int Edge>
struct tensor_shape {
  static_assert(Edge == 64 || Edge == 128);
  static constexpr int edge = Edge, threads = 256;
  static constexpr int warp_rows = Edge / 2, warp_cols = Edge / 4;
  static constexpr int rows = warp_rows / 8, cols = warp_cols / 4;
  static constexpr int row_lanes = 4, row_warps = 4;
  static constexpr int depth = 16;  ///< words (numbers, or pairs of 16-bit numbers) per row and slice
  static constexpr int slices = 4;  ///< in shared memory: one is multiplied while three are on their way
  static constexpr int pitch =
      Edge + 8;                    ///< four words deep and eight rows wide, or sixteen in two halves, lie in 32 different banks
  static constexpr int piece = 4;  ///< words per asynchronous copy
  /// The first row and column of a thread's warp.
  ///@{
  [[nodiscard]] DISPAR_FN static constexpr int first_row(int thread) { return thread / 128 * warp_rows; }
  [[nodiscard]] DISPAR_FN static constexpr int first_col(int thread) { return thread / 32 % 4 * warp_cols; }
  ///@}
  [[nodiscard]] DISPAR_FN static constexpr int row(int thread, int r) {
    return first_row(thread) + r / 2 * 16 + thread % 32 / 4 * 2 + r % 2;
  }
  [[nodiscard]] DISPAR_FN static constexpr int col(int thread, int s) {
    return first_col(thread) + s / 2 * 8 + thread % 4 * 2 + s % 2;
  }
  [[nodiscard]] DISPAR_FN static constexpr int row_warp(int thread) { return thread / 32 % 4; }
};

}  // namespace detail

DISPAR_NAMESPACE_END
