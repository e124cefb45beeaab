#pragma once

#include "dispar/backend/host/sinks.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// add(j, state of column j of a tile), a vector of columns at a time; the buffer is whole vectors wide.
template<class T, class Add>
void for_col_log_sum_exp(const T* q, index stride, index rows, index cols, const Add& add) {
  using V = native_pack<T>;
  using fold = folds::log_sum_exp<T>;
  constexpr int lanes = native_width<T>;
  constexpr T nothing = -(std::numeric_limits<T>::max() / 4);
  for (index j = 0; j < cols; j += lanes) {
    V greatest(nothing);
    nan_watch<V> watch;
    for (index i = 0; i < rows; ++i) {
      const V x = V::load(q + i * stride + j);
      watch.look(x);
      greatest = select(x > greatest, x, greatest);
    }
    T maximum[lanes], sum[lanes];
    greatest.store(maximum);
    bool plain = !watch.any();
    for (const T m : maximum) plain = plain && !is_positive_infinity(m);
    if (plain) {
      V part[2] = {V(0), V(0)};
      index i = 0;
      for (; i + 2 <= rows; i += 2)
        for (int c = 0; c < 2; ++c) part[c] = rounding_fence(part[c] + exp(V::load(q + (i + c) * stride + j) - greatest));
      if (i < rows) part[0] = part[0] + exp(V::load(q + i * stride + j) - greatest);
      (part[0] + part[1]).store(sum);
    }
    for (int l = 0; l < lanes && j + l < cols; ++l) {
      auto state = fold::identity();
      if (!plain)
        for (index i = 0; i < rows; ++i) fold::lane(state, q[i * stride + j + l]);
      else if (maximum[l] > nothing)
        state = {static_cast<double>(maximum[l]), static_cast<double>(sum[l])};
      add(j + l, state);
    }
  }
}

/// `row_log_sum_exp`: tile by tile in the type of the data, merged in double.
template<int Output, memory_space S, class Data>
class sink_runner<row_log_sum_exp<Output, S>, Data> : public row_state_runner<row_log_sum_exp<Output, S>, Data> {
  using T = typename Data::value_type;
  using fold = folds::log_sum_exp<T>;
  using sink_type = row_log_sum_exp<Output, S>;
  using merged = typename sink_type::fold;

public:
  sink_runner(const sink_type& sink, const Data& data, std::span<const pair_block> blocks, index, index)
      : row_state_runner<sink_type, Data>("row_log_sum_exp", sink, data, blocks) {}

  void tile(index, const tile_buffers<T>& t) {
    const T* const q = t.output[Output];
    const index row0 = this->data_.first(t.segments.rows) + t.first_row - this->data_.first_packed(t.segments.rows);
    const index col0 = this->data_.first(t.segments.cols) + t.first_col - this->data_.first_packed(t.segments.cols);
    const auto add = [this, slot = t.segments.slot](index row, const typename fold::state& state) {
      merged::merge(this->sink_.out(row, slot), typename merged::state{state.maximum, state.sum});
    };
    // In a triangle only i < j counts, and what does not holds zeros.
    const bool crossed = t.segments.triangle && row0 + t.row_count > col0;
    for (index i = 0; i < t.row_count; ++i) {
      const index first = crossed && row0 + i + 1 > col0 ? row0 + i + 1 - col0 : 0;
      if (first < t.col_count) add(row0 + i, fold::block(q + i * t.stride + first, t.col_count - first));
    }
    if (!crossed) {
      for_col_log_sum_exp(q, t.stride, t.row_count, t.col_count, [&](index j, const auto& state) { add(col0 + j, state); });
    } else {
      for (index j = 0; j < t.col_count; ++j) {
        auto state = fold::identity();
        for (index i = 0; i < t.row_count && row0 + i < col0 + j; ++i) fold::lane(state, q[i * t.stride + j]);
        add(col0 + j, state);
      }
    }
  }
};

}  // namespace detail

DISPAR_NAMESPACE_END
