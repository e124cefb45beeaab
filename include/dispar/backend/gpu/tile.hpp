#pragma once
/// \file
/// One tile of pairs on a GPU: `edge` x `edge` pairs by the threads of a block, each with a grid of pairs in registers.
///
/// Rule for shared memory throughout: whoever writes it synchronizes before (others may still read) and after.
/// Every thread of a block runs through the same tiles, so that all reach every barrier.

#include "dispar/backend/gpu/context.hpp"
#include "dispar/backend/gpu/tile_schedule.hpp"
#include "dispar/backend/gpu/tile_shape.hpp"
#include "dispar/kernels/metric.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Metrics whose slope reads the distance.
template<class Metric>
inline constexpr bool slope_needs_distance = requires {
  Metric::slope_needs_distance;
};

/// Numbers per pair in shared memory, for sinks that need a whole tile of them.
template<class Source, bool WithTile>
struct pairs_in_shared_memory {};
template<class Source>
struct pairs_in_shared_memory<Source, true> {
  using T = typename Source::value_type;
  static constexpr int edge = Source::shape::edge;
  static constexpr int pitch = edge + 1;  // odd: columns lie in different banks
  static constexpr int scratch_depth = 16;
  static constexpr int scratch_pitch = scratch_depth + 1;
  T tile[edge * pitch];  ///< an output, [row][column]
  T distance[slope_needs_distance<typename Source::metric_type> ? edge * pitch : 1];
  T scratch[edge * scratch_pitch];
};

/// Shared memory of a thread block.
template<class Source, bool WithTile>
struct tile_memory : pairs_in_shared_memory<Source, WithTile> {
  using shape = typename Source::shape;
  [[no_unique_address]] typename Source::slices slices;
  double row_sums[shape::row_warps][shape::edge];
  double warp_sums[shape::threads / 32];
};

/// What kernels with these sinks keep in shared memory: `Sinks::memory<Source>` where the sinks bring their own.
template<class Source, class Sinks>
struct memory_with_sinks {
  using type = tile_memory<Source, Sinks::needs_tile>;
};
template<class Source, class Sinks>
requires requires { typename Sinks::template memory<Source>; }
struct memory_with_sinks<Source, Sinks> {
  using type = typename Sinks::template memory<Source>;
};

/// Which of two strips gives the row of a pair (i, j) and which the column.
enum class pair_order {
  own_is_row,  ///< own row i, other row j
  own_is_col,
  sorted,  ///< both in one segment, i < j
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

  /// Whether row a and column b of the tile are a pair of the block: no padding, and in a triangle not twice or with itself.
  [[nodiscard]] DISPAR_FN bool counts(int a, int b) const {
    const index i = own.local + a, j = other.local + b;
    const bool wanted = !triangle || (order == pair_order::sorted ? i != j : i < j);
    return wanted && a < own.count && b < other.count;
  }
};

/// The distances of a thread's pairs and the outputs of one member; those of pairs that do not count are 0.
template<class Source, class Operation>
struct tile_values {
  using T = typename Source::value_type;
  using V = lane<T>;
  using shape = typename Source::shape;
  V distance[Source::channels][shape::rows][shape::cols];
  vec<V, Operation::outputs> output[shape::rows][shape::cols];

  /// visit(the tile with its member's number) whenever the outputs of a member are there.
  template<class Shared, class Visit>
  __device__ void for_each_member(const Source& source, const Operation& operation,
                                  const device_operands<T, Operation::operands>& rows, tile_position at, Shared& shared,
                                  const Visit& visit) {
#pragma unroll
    for (int c = 0; c < Source::channels; ++c) source.distances(c, at.own, at.other, at.order, shared, distance[c]);
    for (at.member = 0; at.member < members_of(operation); ++at.member) {
      evaluate(operation, rows, at);
      visit(at);
    }
  }

  /// visit(r, s, row of the tile, column of the tile) for this thread's pairs.
  template<class Visit>
  __device__ static void for_each_pair(const Visit& visit) {
    const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int r = 0; r < shape::rows; ++r)
#pragma unroll
      for (int s = 0; s < shape::cols; ++s) visit(r, s, shape::row(thread, r), shape::col(thread, s));
  }

  /// Sum of an output over this thread's columns in its row r. In the data's type: conversions to double are slow.
  template<int Output>
  [[nodiscard]] __device__ T row_part(int r) const {
    T sum = output[r][0][Output].value;
#pragma unroll
    for (int s = 1; s < shape::cols; ++s) sum += output[r][s][Output].value;
    return sum;
  }

private:
  __device__ void evaluate(const Operation& operation, const device_operands<T, Operation::operands>& rows,
                           const tile_position& at) {
    for_each_pair([&](int r, int s, int a, int b) {
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
    });
    // Most tiles are whole: what does not count is found in a second pass, which those leave out.
    const bool touches_diagonal = at.triangle && at.own.local == at.other.local;
    if (!touches_diagonal && at.own.count == shape::edge && at.other.count == shape::edge) return;
    for_each_pair([&](int r, int s, int a, int b) {
      const bool counts = at.counts(a, b);
#pragma unroll
      for (int o = 0; o < Operation::outputs; ++o)
        if (!counts) output[r][s][o] = V(0);
    });
  }
};

/// A number for each of this thread's rows, the same in all lanes that share the row, to `shared.row_sums` by warp.
template<class Shape, class T, class Shared>
__device__ void share_rows(const T (&numbers)[Shape::rows], int thread, Shared& shared) {
  __syncthreads();
  if (thread % Shape::row_lanes == 0) {
#pragma unroll
    for (int r = 0; r < Shape::rows; ++r)
      shared.row_sums[Shape::row_warp(thread)][Shape::row(thread, r)] = static_cast<double>(numbers[r]);
  }
  __syncthreads();
}

/// visit(row of the tile, sum of an output over the row) in thread `row` of the block: fixed order, whatever the shape.
template<int Output, class Values, class Shared, class Visit>
__device__ void for_each_row_sum(const Values& values, Shared& shared, const Visit& visit) {
  using shape = typename Values::shape;
  static_assert(shape::edge <= shape::threads);
  const int thread = static_cast<int>(threadIdx.x);
  double sums[shape::rows];
#pragma unroll
  for (int r = 0; r < shape::rows; ++r) {
    sums[r] = static_cast<double>(values.template row_part<Output>(r));
    for (int distance = shape::row_lanes / 2; distance > 0; distance /= 2)
      sums[r] += __shfl_xor_sync(0xffffffffu, sums[r], distance);
  }
  share_rows<shape>(sums, thread, shared);
  if (thread < shape::edge) {
    double sum = 0;
#pragma unroll
    for (int w = 0; w < shape::row_warps; ++w) sum += shared.row_sums[w][thread];
    visit(thread, sum);
  }
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
