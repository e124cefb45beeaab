#pragma once
/// \file
/// `run_rows` on the host: a thread takes a row, or a segment of one where rows are few. A row goes through all its passes while
/// it is in the cache.

#include <algorithm>
#include <utility>

#include "dispar/backend/array.hpp"
#include "dispar/backend/host/chunks.hpp"
#include "dispar/backend/host/row_tile.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// One run of a program on the host.
template<class P, class T, memory_space S, memory_space R>
struct host_rows {
  static constexpr int N = P::inputs, outputs = P::outputs;
  using V = native_pack<T>;
  using row_type = typename P::row;
  template<int I>
  using pass_type = decltype(std::declval<const P&>().template pass<I>());
  template<int I>
  using state_of = row_state<pass_type<I>::maxima, pass_type<I>::sums>;

  P program;
  row_inputs<T, N, S, P::operands> in;
  row_outputs<T, outputs, P::results, S, R> out;
  index rows, cols;

  [[nodiscard]] index length(index i) const {
    return row_length(in.lengths ? strided_of(in.lengths) : strided_vector<const std::int64_t>{}, i, cols);
  }
  [[nodiscard]] row_type begin(index i) const {
    vec<double, P::operands> o;
    for (int k = 0; k < P::operands; ++k) {
      const auto& operand = in.operands[static_cast<std::size_t>(k)];
      o[k] = operand ? operand(i) : 1;
    }
    return program.begin(o);
  }

  /// visit(tile, number of its first element) for elements [first, last) of row i. Strided rows are gathered.
  template<class Visit>
  [[gnu::always_inline]] void each_tile(index i, index first, index last, const Visit& visit) const {
    T gathered[static_cast<std::size_t>(N * row_tile_size)];
    for (index at = first; at < last; at += row_tile_size) {
      row_tile<T, N> tile;
      tile.count = last - at < row_tile_size ? last - at : row_tile_size;
      for (int k = 0; k < N; ++k) {
        const auto& x = in.x[static_cast<std::size_t>(k)];
        tile.x[k] = x.data() + i * x.stride(0) + at * x.stride(1);
        if (x.stride(1) != 1) {
          T* const dense = gathered + k * row_tile_size;
          for (index j = 0; j < tile.count; ++j) dense[j] = tile.x[k][j * x.stride(1)];
          tile.x[k] = dense;
        }
      }
      visit(tile, at);
    }
  }

  template<int I>
  [[nodiscard]] state_of<I> fold_segment(index i, index first, index last, const row_type& row) const {
    const auto pass = program.template pass<I>();
    auto state = empty_row_state<pass_type<I>::maxima, pass_type<I>::sums>(static_cast<double>(row_nothing<T>));
    each_tile(i, first, last,
              [&](const row_tile<T, N>& tile, index) { merge_rows(pass, state, fold_row_tile(pass, tile, row)); });
    return state;
  }

  [[nodiscard]] bool writes() const {
    for (const auto& y : out.y)
      if (y) return true;
    return false;
  }

  /// Writes elements [first, last) of row i.
  void write(index i, index first, index last, const row_type& row) const {
    if constexpr (outputs > 0) {
      each_tile(i, first, last, [&](const row_tile<T, N>& tile, index at) {
        T* y[outputs];
        index stride[outputs];
        for (int k = 0; k < outputs; ++k) {
          const auto& view = out.y[static_cast<std::size_t>(k)];
          stride[k] = view ? view.stride(1) : 0;
          y[k] = view ? view.data() + i * view.stride(0) + at * view.stride(1) : nullptr;
        }
        tile.each([&](const vec<V, N>& x, index j, int there) {
          const vec<V, outputs> result = program.write(x, row);
          DISPAR_UNROLL
          for (int k = 0; k < outputs; ++k)
            if (y[k]) store(result[k], y[k] + j * stride[k], stride[k], there);
        });
      });
    }
  }
  [[gnu::always_inline]] void store(V values, T* y, index stride, int there) const {
    if (stride == 1 && there == V::width) {
      if (out.accumulate) values = values + V::load(y);
      values.store(y);
      return;
    }
    T places[V::width];
    values.store(places);
    for (int j = 0; j < there; ++j) y[j * stride] = out.accumulate ? y[j * stride] + places[j] : places[j];
  }
  /// Numbers of the row, and what lies behind its length.
  void end(index i, index length_of_row, const row_type& row) const {
    const auto numbers = program.result(row);
    for (int k = 0; k < P::results; ++k)
      if (const auto& view = out.results[static_cast<std::size_t>(k)]) view(i) = numbers[k];
    if (out.accumulate) return;
    for (const auto& y : out.y)
      for (index j = length_of_row; y && j < cols; ++j) y(i, j) = 0;
  }

  template<int I>
  void fold_row(index i, index count, row_type& row) const {
    const auto pass = program.template pass<I>();
    auto state = empty_row_state<pass_type<I>::maxima, pass_type<I>::sums>(static_cast<double>(row_nothing<T>));
    for (index first = 0; first < count; first += row_segment)
      merge_rows(pass, state, fold_segment<I>(i, first, std::min(first + row_segment, count), row));
    program.template finish<I>(state, row);
    if constexpr (I + 1 < P::passes) fold_row<I + 1>(i, count, row);
  }
  /// All of row i.
  void run_row(index i) const {
    row_type row = begin(i);
    const index count = length(i);
    fold_row<0>(i, count, row);
    if (writes()) write(i, 0, count, row);
    end(i, count, row);
  }

  /// Rows shared out by segments, pass after pass.
  template<class Backend>
  void run_segments(const Backend& b) const {
    const index segments = (cols + row_segment - 1) / row_segment;
    array<row_type, 1, Backend> row(b, {rows});
    for (index i = 0; i < rows; ++i) row.data()[i] = begin(i);
    fold_segments<0>(b, segments, row.data());
    if (writes())
      for_each_segment(b, segments, [&](index i, index, index first, index last) { write(i, first, last, row.data()[i]); });
    for (index i = 0; i < rows; ++i) end(i, length(i), row.data()[i]);
  }
  template<int I, class Backend>
  void fold_segments(const Backend& b, index segments, row_type* row) const {
    array<state_of<I>, 1, Backend> states(b, {rows * segments});
    for_each_segment(b, segments, [&](index i, index s, index first, index last) {
      states.data()[i * segments + s] = fold_segment<I>(i, first, last, row[i]);
    });
    const auto pass = program.template pass<I>();
    for (index i = 0; i < rows; ++i) {
      auto state = empty_row_state<pass_type<I>::maxima, pass_type<I>::sums>(static_cast<double>(row_nothing<T>));
      for (index s = 0; s * row_segment < length(i); ++s) merge_rows(pass, state, states.data()[i * segments + s]);
      program.template finish<I>(state, row[i]);
    }
    if constexpr (I + 1 < P::passes) fold_segments<I + 1>(b, segments, row);
  }
  template<class Backend, class Task>
  void for_each_segment(const Backend& b, index segments, const Task& task) const {
    b.run(rows * segments, work(), [&](index t) noexcept {
      const index i = t / segments, s = t % segments, count = length(i);
      if (s * row_segment < count) task(i, s, s * row_segment, std::min((s + 1) * row_segment, count));
    });
  }
  /// In multiply-adds: an exponential and some arithmetic per element and pass.
  [[nodiscard]] double work() const { return 30.0 * N * P::passes * static_cast<double>(rows) * static_cast<double>(cols); }
};

}  // namespace detail

/// See `dispar/backend/rows.hpp`.
template<class Each, class Memory, row_program P, class T, memory_space S, memory_space R>
void run_rows(const tiled_host<Each, Memory>& b, const P& program, const row_inputs<T, P::inputs, S, P::operands>& in,
              const row_outputs<T, P::outputs, P::results, S, R>& out) {
  detail::require_host_memory<S, R>();
  const auto shape = detail::check_rows(in, out);
  const detail::host_rows<P, T, S, R> run{program, in, out, shape[0], shape[1]};
  if (run.rows < 2 * static_cast<index>(b.each.concurrency()) && run.cols > row_segment && b.each.concurrency() > 1) {
    run.run_segments(b);
    return;
  }
  // Short rows are dealt by the handful: a task costs about a microsecond.
  const index per_task = std::max<index>(1, row_segment / (run.cols > 0 ? run.cols : 1));
  b.run((run.rows + per_task - 1) / per_task, run.work(), [&](index t) noexcept {
    for (index i = t * per_task; i < std::min((t + 1) * per_task, run.rows); ++i) run.run_row(i);
  });
}

DISPAR_NAMESPACE_END
