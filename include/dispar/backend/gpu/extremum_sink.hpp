#pragma once

#include "dispar/backend/gpu/row_state_sink.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// `row_extremum`: the lanes that share a row agree on its first value, and the one thread that owns the row merges the warps'.
template<int Output, class Order>
struct extremum_on_device : row_states_on_device<folds::extremum<double, Order>> {
  using fold = folds::extremum<double, Order>;

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
    auto& own = this->of(at, thread);
    for (int w = 0; w < shape::row_warps; ++w) {
      const double place = shared.row_sums[w][thread];
      if (place >= 0) fold::merge(own, {found[w], at.other.local + static_cast<index>(place)});
    }
  }

private:
  template<class T>
  __device__ static void merge(folds::ranked<T>& into, const folds::ranked<T>& from) {
    folds::extremum<T, Order>::merge(into, from);
  }
};

template<int Output, class Order, memory_space S, class Data>
class device_sink<row_extremum<Output, Order, S>, Data>
    : public row_state_sink<extremum_on_device<Output, Order>, row_extremum<Output, Order, S>> {
public:
  device_sink(const gpu& b, const row_extremum<Output, Order, S>& sink, const Data& data, const device_schedule& schedule, index)
      : row_state_sink<extremum_on_device<Output, Order>, row_extremum<Output, Order, S>>("row_extremum", b, sink, data.rows(),
                                                                                          schedule) {}
};

}  // namespace detail

DISPAR_NAMESPACE_END
