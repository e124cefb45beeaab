#pragma once

#include "dispar/backend/host/sinks.hpp"
#include "dispar/core/nan_watch.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// `row_extremum`: the first value of a tile's row or column without its place, which is looked for where it changes the state.
template<int Output, class Order, memory_space S, class Data>
class sink_runner<row_extremum<Output, Order, S>, Data> : public row_state_runner<row_extremum<Output, Order, S>, Data> {
  using T = typename Data::value_type;
  using V = native_pack<T>;
  using sink_type = row_extremum<Output, Order, S>;
  using fold = typename sink_type::fold;
  using state = typename sink_type::state;
  static constexpr int lanes = native_width<T>;
  static constexpr T bound = sink_type::template bound<T>;

public:
  sink_runner(const sink_type& sink, const Data& data, std::span<const pair_block> blocks, index, index)
      : row_state_runner<sink_type, Data>("row_extremum", sink, data, blocks) {}

  void tile(index, const tile_buffers<T>& t) {
    const T* const q = t.output[Output];
    // Numbers within their segments.
    const index row0 = t.first_row - this->data_.first_packed(t.segments.rows);
    const index col0 = t.first_col - this->data_.first_packed(t.segments.cols);
    const auto state_of = [this, &t](int segment, index number) -> state& {
      return this->sink_.out(this->data_.first(segment) + number, t.segments.slot);
    };
    // In a triangle only i < j counts, and what does not holds zeros.
    const bool crossed = t.segments.triangle && row0 + t.row_count > col0;
    for (index i = 0; i < t.row_count; ++i) {
      const index first = crossed && row0 + i + 1 > col0 ? row0 + i + 1 - col0 : 0;
      if (first < t.col_count)
        look(state_of(t.segments.rows, row0 + i), first_of_row(q + i * t.stride + first, t.col_count - first),
             q + i * t.stride + first, 1, t.col_count - first, col0 + first);
    }
    for (index j = 0; j < t.col_count; j += lanes) {
      T found[lanes];
      const index rows = crossed ? 0 : t.row_count;
      first_of_cols(q + j, t.stride, rows, found);
      for (index l = 0; l < lanes && j + l < t.col_count; ++l) {
        const index above = col0 + j + l - row0, count = crossed ? (above < t.row_count ? above : t.row_count) : rows;
        state& own = state_of(t.segments.cols, col0 + j + l);
        if (crossed)
          scan(own, q + j + l, t.stride, count, row0);
        else
          look(own, found[l], q + j + l, t.stride, count, row0);
      }
    }
  }

private:
  /// The first value of a row; NaN if there is one.
  static T first_of_row(const T* x, index count) {
    V best(bound);
    nan_watch<V> watch;
    const index whole = count - count % lanes;
    for (index k = 0; k < whole; k += lanes) {
      const V value = V::load(x + k);
      watch.look(value);
      best = select(Order::better(value, best), value, best);
    }
    T places[lanes], first = bound;
    best.store(places);
    for (const T place : places) first = Order::better(place, first) ? place : first;
    bool bad = watch.any();
    for (index k = whole; k < count; ++k) {
      bad = bad || is_nan(x[k]);
      first = Order::better(x[k], first) ? x[k] : first;
    }
    return bad ? quiet_nan<T>() : first;
  }
  /// The same of each of some columns; if there is a NaN in one of them, NaN for all: `look` then sees to it.
  static void first_of_cols(const T* x, index stride, index count, T* found) {
    V best(bound);
    nan_watch<V> watch;
    for (index i = 0; i < count; ++i) {
      const V value = V::load(x + i * stride);
      watch.look(value);
      best = select(Order::better(value, best), value, best);
    }
    if (watch.any()) best = V(quiet_nan<T>());
    best.store(found);
  }
  /// Merges values whose first is known into a state: none of them is read where that one cannot change it.
  static void look(state& own, T first, const T* x, index stride, index count, index number) {
    if (!is_nan(first)) {
      if (!Order::better(first, bound)) return;
      index at = 0;
      const state earliest{static_cast<double>(first), number};
      if (!folds::comes_before<Order>(earliest, own)) return;
      while (at + 1 < count && x[at * stride] != first) ++at;
      fold::merge(own, {static_cast<double>(x[at * stride]), number + at});
      return;
    }
    scan(own, x, stride, count, number);
  }
  static void scan(state& own, const T* x, index stride, index count, index number) {
    for (index at = 0; at < count; ++at) {
      const T value = x[at * stride];
      if (is_nan(value) || Order::better(value, bound)) fold::merge(own, {static_cast<double>(value), number + at});
    }
  }
};

}  // namespace detail

DISPAR_NAMESPACE_END
