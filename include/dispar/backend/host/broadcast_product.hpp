#pragma once

#include "dispar/backend/host/register_tile.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// The product of a tile with a row-major matrix, in registers: for rows r and columns c of vectors,
/// acc[r][c] = sum_j q[r * row_stride + j * depth_stride] * b[j * b_stride + c].
/// `consume(row, column, acc, rows)` gets each finished register block of `Vectors` packs per row.
template<class T, int Vectors, class Consume>
[[gnu::always_inline]] inline void broadcast_block(const T* __restrict q, index row_stride, index depth_stride, int rows,
                                                   index depth, const T* __restrict b, index b_stride, index row, index column,
                                                   const Consume& consume) {
  using R = register_tile<T>;
  using V = typename R::V;
  V acc[R::rows][Vectors];
  DISPAR_UNROLL
  for (int r = 0; r < R::rows; ++r) DISPAR_UNROLL
  for (int v = 0; v < Vectors; ++v) acc[r][v] = V(0);
  if (rows == R::rows) {
    for (index j = 0; j < depth; ++j) {
      V col[Vectors];
      DISPAR_UNROLL
      for (int v = 0; v < Vectors; ++v) col[v] = V::load(b + j * b_stride + v * R::lanes);
      DISPAR_UNROLL
      for (int r = 0; r < R::rows; ++r) {
        const V weight(q[r * row_stride + j * depth_stride]);
        DISPAR_UNROLL
        for (int v = 0; v < Vectors; ++v) acc[r][v] = fma(weight, col[v], acc[r][v]);
      }
    }
  } else {
    for (index j = 0; j < depth; ++j)
      for (int r = 0; r < rows; ++r) {
        const V weight(q[r * row_stride + j * depth_stride]);
        for (int v = 0; v < Vectors; ++v) acc[r][v] = fma(weight, V::load(b + j * b_stride + v * R::lanes), acc[r][v]);
      }
  }
  consume(row, column, acc, rows);
}

/// The whole product: `rows` x (`columns`, a multiple of the vector width). Blocks of 3, then 2 or 1 vectors per row.
template<class T, class Consume>
void broadcast_product(const T* q, index row_stride, index depth_stride, index rows, index depth, const T* b, index b_stride,
                       index columns, const Consume& consume) {
  using R = register_tile<T>;
  constexpr int wide = R::vectors < 3 ? R::vectors : 3;
  for (index c = 0; c < columns;) {
    const index left = (columns - c) / R::lanes;
    // 4 vectors left are two pairs: a triple and a single would waste the registers of the single.
    const int vectors = left >= 5 || left == 3 ? wide : (left >= 2 ? 2 : 1);
    for (index i = 0; i < rows; i += R::rows) {
      const int count = static_cast<int>(rows - i < R::rows ? rows - i : R::rows);
      const T* const from = q + i * row_stride;
      if (vectors == 3)
        broadcast_block<T, 3>(from, row_stride, depth_stride, count, depth, b + c, b_stride, i, c, consume);
      else if (vectors == 2)
        broadcast_block<T, 2>(from, row_stride, depth_stride, count, depth, b + c, b_stride, i, c, consume);
      else
        broadcast_block<T, 1>(from, row_stride, depth_stride, count, depth, b + c, b_stride, i, c, consume);
    }
    c += vectors * R::lanes;
  }
}

}  // namespace detail

DISPAR_NAMESPACE_END
