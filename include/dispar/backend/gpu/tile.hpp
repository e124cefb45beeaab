#pragma once
/// \file
/// One tile of pairs on a GPU: `edge` x `edge` pairs by 16 x 16 threads, each with a square of pairs in registers.
///
/// Rule for shared memory throughout: whoever writes it synchronizes before (others may still read) and after.
/// Every thread of a block runs through the same tiles, so that all reach every barrier.

#include <cassert>

#include "dispar/backend/gpu/context.hpp"
#include "dispar/backend/gpu/tile_schedule.hpp"
#include "dispar/kernels/metric.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

template<class T>
struct tile_shape {
  static constexpr int side = 16, threads = side * side;
  static constexpr int edge = sizeof(T) == 4 ? 64 : 32;
  static constexpr int micro = edge / side;  ///< pairs per thread and direction: 16 bytes, one shared-memory access
  static constexpr int depth = 16;           ///< features per step
};

/// Shared memory of a thread block.
template<class T>
struct tile_memory {
  using shape = tile_shape<T>;
  static constexpr int pitch = shape::edge + 1;          // odd: columns lie in different banks
  alignas(16) T slices[2 * shape::depth * shape::edge];  ///< rows and columns, [feature][row]
  T tile[shape::edge * pitch];                           ///< an output, [row][column]
  T distance[shape::edge * pitch];                       ///< the distances, for metrics whose slope needs them
  double warp_sums[shape::threads / 32];
};

/// The `micro` numbers of a thread, read at once.
template<class T>
struct alignas(16) micro_row {
  T of[tile_shape<T>::micro];
};

/// Which of two strips gives the row of a pair (i, j) and which the column.
enum class pair_order {
  own_is_row,  ///< own row i, other row j
  own_is_col,
  sorted,  ///< both in one segment, i < j
};

/// Packed rows as kernels see them: values[feature * stride + packed row], each segment padded to whole tiles.
template<class T, class Metric, int Channels>
struct packed_source {
  using value_type = T;
  using metric_type = Metric;
  using shape = tile_shape<T>;
  static constexpr int channels = Channels;
  const T* values[Channels];
  const T* terms[Channels];
  index features[Channels];
  index stride;

  /// Distances of channel c of the own strip's rows ty * micro + r to the other's rows tx * micro + s.
  __device__ void distances(int c, const row_strip& own, const row_strip& other, pair_order, tile_memory<T>& shared,
                            lane<T> (&d)[shape::micro][shape::micro]) const {
    constexpr int edge = shape::edge, depth = shape::depth, micro = shape::micro;
    const int tid = static_cast<int>(threadIdx.x), tx = tid % shape::side, ty = tid / shape::side;
    T* const rows = shared.slices;
    T* const cols = shared.slices + depth * edge;
    const T* const own_values = values[c] + own.packed;
    const T* const other_values = values[c] + other.packed;
    assert(own.packed % edge == 0 && own.packed + edge <= stride && other.packed + edge <= stride);
#pragma unroll
    for (int r = 0; r < micro; ++r)
#pragma unroll
      for (int s = 0; s < micro; ++s) d[r][s] = lane<T>(0);
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
        for (int k = 0; k < depth; ++k) step(rows + k * edge + ty * micro, cols + k * edge + tx * micro, d);
      } else {
#pragma unroll 1
        for (int k = 0; k < left; ++k) step(rows + k * edge + ty * micro, cols + k * edge + tx * micro, d);
      }
    }
#pragma unroll
    for (int r = 0; r < micro; ++r)
#pragma unroll
      for (int s = 0; s < micro; ++s)
        d[r][s] = Metric::finish(d[r][s], lane<T>(terms[c][own.packed + ty * micro + r]),
                                 lane<T>(terms[c][other.packed + tx * micro + s]));
  }

  /// One distance, with the same operations in the same order as the tiles; i and j are packed rows.
  __device__ lane<T> distance(int c, index i, index j) const {
    assert(i >= 0 && i < stride && j >= 0 && j < stride);
    lane<T> acc(0);
    for (index k = 0; k < features[c]; ++k)
      acc = Metric::step(acc, lane<T>(values[c][k * stride + i]), lane<T>(values[c][k * stride + j]));
    return Metric::finish(acc, lane<T>(terms[c][i]), lane<T>(terms[c][j]));
  }

private:
  __device__ static void step(const T* row, const T* col, lane<T> (&d)[shape::micro][shape::micro]) {
    const auto a = *reinterpret_cast<const micro_row<T>*>(row);
    const auto b = *reinterpret_cast<const micro_row<T>*>(col);
#pragma unroll
    for (int r = 0; r < shape::micro; ++r)
#pragma unroll
      for (int s = 0; s < shape::micro; ++s) d[r][s] = Metric::step(d[r][s], lane<T>(a.of[r]), lane<T>(b.of[s]));
  }
};

/// The caller's matrix of distances over the rows of all segments.
template<class T>
struct given_source {
  using value_type = T;
  using metric_type = dot;
  using shape = tile_shape<T>;
  static constexpr int channels = 1;
  strided<const T> matrix;

  /// Only what lies above the diagonal of blocks is read; padding reads some row that exists, and is masked later.
  __device__ void distances(int, const row_strip& own, const row_strip& other, pair_order order, tile_memory<T>&,
                            lane<T> (&d)[shape::micro][shape::micro]) const {
    constexpr int micro = shape::micro;
    const int tid = static_cast<int>(threadIdx.x), tx = tid % shape::side, ty = tid / shape::side;
    for (int r = 0; r < micro; ++r)
      for (int s = 0; s < micro; ++s) {
        const int a = ty * micro + r, b = tx * micro + s;
        const index i = own.number + (a < own.count ? a : own.count - 1);
        const index j = other.number + (b < other.count ? b : other.count - 1);
        const bool swap = order == pair_order::own_is_col || (order == pair_order::sorted && i > j);
        d[r][s] = lane<T>(swap ? matrix(j, i) : matrix(i, j));
      }
  }
  __device__ lane<T> distance(int, index i, index j) const { return lane<T>(matrix(i, j)); }
};

/// Per-row numbers in packed order.
template<class T, int Operands>
struct device_operands {
  const T* first = nullptr;
  index stride = 0;
  DISPAR_FN T operator()(int o, index packed) const { return first[o * stride + packed]; }
};

/// A tile whose outputs are in registers.
struct tile_position {
  row_strip own, other;
  int block;
  pair_order order;
  bool triangle;
  int member = 0;  ///< of a family of operations: whose outputs they are
};

/// The distances of a thread's pairs and the outputs of one member; those of pairs that do not count are 0.
template<class Source, class Operation>
struct tile_values {
  using T = typename Source::value_type;
  using V = lane<T>;
  static constexpr int micro = tile_shape<T>::micro;
  V distance[Source::channels][micro][micro];
  vec<V, Operation::outputs> output[micro][micro];

  /// visit(the tile with its member's number) whenever the outputs of a member are there.
  template<class Visit>
  __device__ void for_each_member(const Source& source, const Operation& operation,
                                  const device_operands<T, Operation::operands>& rows, tile_position at, tile_memory<T>& shared,
                                  const Visit& visit) {
#pragma unroll
    for (int c = 0; c < Source::channels; ++c) source.distances(c, at.own, at.other, at.order, shared, distance[c]);
    for (at.member = 0; at.member < members_of(operation); ++at.member) {
      evaluate(operation, rows, at);
      visit(at);
    }
  }

private:
  __device__ void evaluate(const Operation& operation, const device_operands<T, Operation::operands>& rows,
                           const tile_position& at) {
    const int tid = static_cast<int>(threadIdx.x), tx = tid % tile_shape<T>::side, ty = tid / tile_shape<T>::side;
#pragma unroll
    for (int r = 0; r < micro; ++r)
#pragma unroll
      for (int s = 0; s < micro; ++s) {
        const int a = ty * micro + r, b = tx * micro + s;
        const index i = at.own.local + a, j = at.other.local + b;
        const bool own_is_col = at.order == pair_order::own_is_col || (at.order == pair_order::sorted && i > j);
        pair_at<V, Operation::operands> pair{};
        pair.block = at.block;
        pair.member = at.member;
        pair.matched = !at.triangle && i == j;
#pragma unroll
        for (int o = 0; o < Operation::operands; ++o) {
          const V own_number(rows(o, at.own.packed + a)), other_number(rows(o, at.other.packed + b));
          pair.row[o] = own_is_col ? other_number : own_number;
          pair.col[o] = own_is_col ? own_number : other_number;
        }
        vec<V, Source::channels> d;
#pragma unroll
        for (int c = 0; c < Source::channels; ++c) d[c] = distance[c][r][s];
        output[r][s] = operation(d, pair);
        const bool wanted = !at.triangle || (at.order == pair_order::sorted ? i != j : i < j);
        const bool counts = wanted && a < at.own.count && b < at.other.count;
#pragma unroll
        for (int o = 0; o < Operation::outputs; ++o)
          if (!counts) output[r][s][o] = V(0);
      }
  }
};

/// Sum over the 16 threads of a half-warp, the same in all of them, in a fixed order.
__device__ inline double half_warp_sum(double x) {
  for (int distance = 8; distance > 0; distance /= 2) x += __shfl_xor_sync(0xffffffffu, x, distance);
  return x;
}

/// Sum over a thread block, valid in thread 0, in a fixed order.
__device__ inline double thread_block_sum(double x, double* warp_sums) {
  const int tid = static_cast<int>(threadIdx.x), warps = static_cast<int>(blockDim.x) / 32;
  for (int distance = 16; distance > 0; distance /= 2) x += __shfl_xor_sync(0xffffffffu, x, distance);
  __syncthreads();
  if (tid % 32 == 0) warp_sums[tid / 32] = x;
  __syncthreads();
  double sum = 0;
  if (tid == 0)
    for (int w = 0; w < warps; ++w) sum += warp_sums[w];
  return sum;
}

}  // namespace detail

DISPAR_NAMESPACE_END
