#pragma once
/// \file
/// Where the distances of a tile come from: packed rows by multiply-adds, or a matrix of the caller's.

#include <cassert>

#include "dispar/backend/gpu/tile.hpp"
#include "dispar/kernels/metric.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Packed rows as kernels see them: words[feature * stride + packed row]. Rows up to a whole tile are there from every row on
/// that starts a strip: padding, or rows of the next segment.
template<class T, class Metric, int Channels>
struct packed_source {
  using value_type = T;
  using metric_type = Metric;
  using shape = fma_shape<T>;
  static constexpr int channels = Channels;
  static constexpr bool split = false;
  const T* words[Channels];
  const T* terms[Channels];
  index features[Channels];
  index stride;

  /// What `distances` keeps in shared memory: rows and columns, [feature][row].
  struct slices {
    alignas(16) T rows[shape::depth * shape::edge];
    alignas(16) T cols[shape::depth * shape::edge];
  };

  /// Distances of channel c of the own strip's rows to the other's.
  template<class Shared>
  __device__ void distances(int c, const row_strip& own, const row_strip& other, pair_order, Shared& shared,
                            lane<T> (&d)[shape::rows][shape::cols]) const {
    constexpr int edge = shape::edge, depth = shape::depth;
    const int tid = static_cast<int>(threadIdx.x), row = shape::row(tid, 0), col = shape::col(tid, 0);
    T* const rows = shared.slices.rows;
    T* const cols = shared.slices.cols;
    const T* const own_values = words[c] + own.packed;
    const T* const other_values = words[c] + other.packed;
    assert(own.packed + edge <= stride && other.packed + edge <= stride);
#pragma unroll
    for (int r = 0; r < shape::rows; ++r)
#pragma unroll
      for (int s = 0; s < shape::cols; ++s) d[r][s] = lane<T>(0);
    for (index k0 = 0; k0 < features[c]; k0 += depth) {
      const int left = features[c] - k0 < depth ? static_cast<int>(features[c] - k0) : depth;
      __syncthreads();
#pragma unroll
      for (int e = tid; e < depth * edge; e += shape::threads) {
        const int k = e / edge, i = e % edge;
        if (k < left) {
          rows[e] = own_values[(k0 + k) * stride + i];
          cols[e] = other_values[(k0 + k) * stride + i];
        }
      }
      __syncthreads();
      // Two loops: the whole slice is unrolled.
      if (left == depth) {
#pragma unroll
        for (int k = 0; k < depth; ++k) step(rows + k * edge + row, cols + k * edge + col, d);
      } else {
#pragma unroll 1
        for (int k = 0; k < left; ++k) step(rows + k * edge + row, cols + k * edge + col, d);
      }
    }
#pragma unroll
    for (int r = 0; r < shape::rows; ++r)
#pragma unroll
      for (int s = 0; s < shape::cols; ++s)
        d[r][s] = Metric::finish(d[r][s], lane<T>(terms[c][own.packed + row + r]), lane<T>(terms[c][other.packed + col + s]));
  }

  /// One distance, with the same operations in the same order as the tiles; i and j are packed rows.
  __device__ lane<T> distance(int c, index i, index j) const {
    assert(i >= 0 && i < stride && j >= 0 && j < stride);
    lane<T> acc(0);
    for (index k = 0; k < features[c]; ++k) acc = Metric::step(acc, lane<T>(value(c, k, i)), lane<T>(value(c, k, j)));
    return Metric::finish(acc, lane<T>(terms[c][i]), lane<T>(terms[c][j]));
  }

  /// Feature k of a packed row.
  __device__ T value(int c, index k, index row) const { return words[c][k * stride + row]; }

private:
  /// The numbers of a thread, read at once.
  struct alignas(16) some {
    T of[shape::rows];
  };

  __device__ static void step(const T* row, const T* col, lane<T> (&d)[shape::rows][shape::cols]) {
    const auto a = *reinterpret_cast<const some*>(row);
    const auto b = *reinterpret_cast<const some*>(col);
#pragma unroll
    for (int r = 0; r < shape::rows; ++r)
#pragma unroll
      for (int s = 0; s < shape::cols; ++s) d[r][s] = Metric::step(d[r][s], lane<T>(a.of[r]), lane<T>(b.of[s]));
  }
};

/// The caller's matrix of distances over the rows of all segments.
template<class T>
struct given_source {
  using value_type = T;
  using metric_type = dot;
  using shape = fma_shape<T>;
  static constexpr int channels = 1;
  static constexpr bool split = false;
  strided<const T> matrix;

  struct slices {};

  /// Only what lies above the diagonal of blocks is read; padding reads some row that exists, and is masked later.
  template<class Shared>
  __device__ void distances(int, const row_strip& own, const row_strip& other, pair_order order, Shared&,
                            lane<T> (&d)[shape::rows][shape::cols]) const {
    const int tid = static_cast<int>(threadIdx.x);
    for (int r = 0; r < shape::rows; ++r)
      for (int s = 0; s < shape::cols; ++s) {
        const int a = shape::row(tid, r), b = shape::col(tid, s);
        const index i = own.number + (a < own.count ? a : own.count - 1);
        const index j = other.number + (b < other.count ? b : other.count - 1);
        const bool swap = order == pair_order::own_is_col || (order == pair_order::sorted && i > j);
        d[r][s] = lane<T>(swap ? matrix(j, i) : matrix(i, j));
      }
  }
  __device__ lane<T> distance(int, index i, index j) const { return lane<T>(matrix(i, j)); }
};

}  // namespace detail

DISPAR_NAMESPACE_END
