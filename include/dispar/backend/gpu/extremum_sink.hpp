#pragma once

#include "dispar/backend/gpu/sinks.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// `row_extremum`: the lanes that share a row agree on its first value, and the one thread that owns the row merges the warps'.
template<int Output, class Order>
struct extremum_on_device {
  static constexpr bool needs_tile = false;
  static constexpr int occupancy = 1;
  using fold = folds::extremum<double, Order>;
  using state = typename fold::state;
  strided<state> out;
  index slots;
  const tile_block* blocks;
  bool accumulate;

  template<class Shared>
  __device__ void begin(const row_strip& own, const Shared&) const {
    const int row = static_cast<int>(threadIdx.x);
    if (!accumulate && row < own.count)
      for (index slot = 0; slot < slots; ++slot) out(own.number + row, slot) = fold::identity();
  }
  template<class Source, class Operation, class Shared>
  __device__ void tile(const tile_values<Source, Operation>& values, const tile_position& at, const Source&,
                       Shared& shared) const {
    using T = typename Source::value_type;
    using shape = typename Source::shape;
    using candidate = folds::ranked<T>;
    constexpr T bound = row_extremum<Output, Order>::template bound<T>;
    static_assert(shape::edge <= shape::threads);
    const int thread = static_cast<int>(threadIdx.x);
    T value[shape::rows];
    int column[shape::rows];  // of the tile
#pragma unroll
    for (int r = 0; r < shape::rows; ++r) {
      candidate first{T(0), -1};
#pragma unroll
      for (int s = 0; s < shape::cols; ++s) {
        const int a = shape::row(thread, r), b = shape::col(thread, s);
        const T x = values.output[r][s][Output].value;
        if (at.counts(a, b) && (is_nan(x) || Order::better(x, bound))) merge<T>(first, {x, b});
      }
      for (int distance = shape::row_lanes / 2; distance > 0; distance /= 2) {
        const T other = __shfl_xor_sync(0xffffffffu, first.value, distance);
        const int other_column = __shfl_xor_sync(0xffffffffu, static_cast<int>(first.at), distance);
        merge<T>(first, {other, other_column});
      }
      value[r] = first.value;
      column[r] = static_cast<int>(first.at);
    }
    // Values and columns take turns in the same shared memory.
    double found[shape::row_warps] = {};
    share_rows<shape>(value, thread, shared);
    if (thread < shape::edge)
      for (int w = 0; w < shape::row_warps; ++w) found[w] = shared.row_sums[w][thread];
    share_rows<shape>(column, thread, shared);
    if (thread >= at.own.count) return;  // no barrier follows
    state& own = out(at.own.number + thread, blocks[at.block].slot);
    for (int w = 0; w < shape::row_warps; ++w) {
      const double place = shared.row_sums[w][thread];
      if (place >= 0) fold::merge(own, {found[w], at.other.local + static_cast<index>(place)});
    }
  }
  template<class... A>
  __device__ void end(const A&...) const {}

private:
  template<class T>
  __device__ static void merge(folds::ranked<T>& into, const folds::ranked<T>& from) {
    folds::extremum<T, Order>::merge(into, from);
  }
};

template<int Output, class Order, memory_space S, class Data>
class device_sink<row_extremum<Output, Order, S>, Data> {
  using state = typename row_extremum<Output, Order, S>::state;

public:
  static constexpr sink_pass pass = sink_pass::rows;
  static constexpr bool in_place = device_result<state, S>::in_place, families = false;
  static constexpr bool needs_tile = extremum_on_device<Output, Order>::needs_tile;

  device_sink(const gpu& b, const row_extremum<Output, Order, S>& sink, const Data& data, const device_schedule& schedule, index)
      : slots_(sink.out.cols()), accumulate_(sink.accumulate) {
    require(sink.out.rows() == data.rows(), "row_extremum: out", "must have one row per sample row",
            static_cast<double>(sink.out.rows()));
    for (const auto& block : schedule.host.blocks)
      require(block.slot >= 0 && block.slot < slots_, "row_extremum: slot", "must be a column of out", block.slot);
    blocks_ = schedule.blocks.on_device();
    result_ = device_result<state, S>(b, sink.out, sink.accumulate);
  }
  [[nodiscard]] extremum_on_device<Output, Order> on_device() { return {result_.on_device(), slots_, blocks_, accumulate_}; }
  void finish(const gpu& b) { result_.start_copy(b); }
  void deliver() const { result_.deliver(); }

private:
  index slots_;
  const tile_block* blocks_;
  bool accumulate_;
  device_result<state, S> result_;
};

}  // namespace detail

DISPAR_NAMESPACE_END
