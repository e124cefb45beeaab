#pragma once
/// \file
/// `run_rows` on the host: a thread takes a row, or a segment of one where rows are few. A row goes through all its passes while
/// it is in the cache.

#include <algorithm>
#include <utility>

#include "dispar/backend/host/call_memory.hpp"
#include "dispar/backend/host/chunks.hpp"
#include "dispar/backend/host/memory_span.hpp"
#include "dispar/backend/host/row_tile.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Whether a program's outputs wait as terms of its last pass.
template<class P>
concept has_row_drafts = (P::outputs > 0) && requires {
  P::first_draft;
};

/// One run of a program on the host.
template<class P, class T, memory_space S, memory_space R>
struct host_rows {
  static constexpr int N = P::inputs, outputs = P::outputs;
  using V = row_pack<T>;
  using row_type = typename P::row;
  template<int I>
  using pass_type = decltype(std::declval<const P&>().template pass<I>());
  template<int I>
  using state_of = row_state<pass_type<I>::maxima, pass_type<I>::sums>;

  static constexpr bool has_drafts = has_row_drafts<P>;

  P program;
  row_inputs<T, N, S, P::operands> in;
  row_outputs<T, outputs, P::results, S, R> out;
  index rows, cols;
  bool drafting = false;
  index ahead = 0;  ///< the thread's next row is probably so many rows on; 0: not known

  [[nodiscard]] index length(index i) const {
    return row_length(program, in.lengths ? strided_of(in.lengths) : strided_vector<const std::int64_t>{}, i, cols);
  }
  [[nodiscard]] row_type begin(index i) const {
    vec<double, P::operands> o;
    for (int k = 0; k < P::operands; ++k) {
      const auto& operand = in.operands[static_cast<std::size_t>(k)];
      o[k] = operand ? operand(i) : 1;
    }
    row_type row = program.begin(o);
    gathered_row<T, N> elements;
    for (int k = 0; k < N; ++k) {
      const auto& x = in.x[static_cast<std::size_t>(k)];
      elements.x[k] = x.data() + i * x.stride(0);
      elements.stride[k] = x.stride(1);
    }
    elements.length = length(i);
    elements.mask = mask_of(i);
    elements.masked = masked_element<P>();
    gather_row(program, i, elements, row);
    return row;
  }

  /// visit(tile, number of its first element) for elements [first, last) of row i. Strided and masked rows are gathered.
  template<class Visit>
  [[gnu::always_inline]] void each_tile(index i, index first, index last, const Visit& visit) const {
    T gathered[static_cast<std::size_t>(N * row_tile_size)];
    for (index at = first; at < last; at += row_tile_size) {
      row_tile<T, N> tile;
      tile.count = last - at < row_tile_size ? last - at : row_tile_size;
      for (int k = 0; k < N; ++k) {
        const auto& x = in.x[static_cast<std::size_t>(k)];
        tile.x[k] = x.data() + i * x.stride(0) + at * x.stride(1);
        if (x.stride(1) != 1 || in.mask) {
          T* const dense = gathered + k * row_tile_size;
          gather(tile.x[k], x.stride(1), mask_at(i, at), tile.count, dense);
          tile.x[k] = dense;
        }
      }
      visit(tile, at);
    }
  }
  [[nodiscard]] mask_of_row mask_of(index i) const { return {mask_at(i, 0), in.mask.stride(1), in.mask_excludes}; }
  [[nodiscard]] const std::uint8_t* mask_at(index i, index j) const {
    return in.mask ? in.mask.data() + i * in.mask.stride(0) + j * in.mask.stride(1) : nullptr;
  }
  [[gnu::noinline]] void gather(const T* x, index stride, const std::uint8_t* mask, index count, T* dense) const {
    if (mask == nullptr) {
      for (index j = 0; j < count; ++j) dense[j] = x[j * stride];
    } else if (stride == 1 && in.mask.stride(1) == 1) {
      in.mask_excludes ? gather_line<true>(x, mask, count, dense) : gather_line<false>(x, mask, count, dense);
    } else {
      const mask_of_row excluded{mask, in.mask.stride(1), in.mask_excludes};
      const T absent = static_cast<T>(masked_element<P>());
      for (index j = 0; j < count; ++j) dense[j] = excluded.excludes(j) ? absent : x[j * stride];
    }
  }
  /// A loop that compilers vectorize.
  template<bool Inverted>
  static void gather_line(const T* x, const std::uint8_t* mask, index count, T* __restrict dense) {
    const T absent = static_cast<T>(masked_element<P>());
    for (index j = 0; j < count; ++j) dense[j] = (mask[j] != 0) == Inverted ? absent : x[j];
  }

  template<int I>
  [[nodiscard]] state_of<I> fold_segment(index i, index first, index last, const row_type& row) const {
    if constexpr (I + 1 == P::passes && has_drafts)
      if (drafting)
        return only_first() ? fold_kept<I>(i, first, last, row, draft_sink<1>{*this, i})
                            : fold_kept<I>(i, first, last, row, draft_sink<outputs>{*this, i});
    if constexpr (I + 1 == P::passes)
      if (!writes()) return fold_kept<I>(i, first, last, row, next_row_sink{*this, i});
    return fold_kept<I>(i, first, last, row, no_sink{});
  }
  template<int I, class Sink>
  [[nodiscard]] state_of<I> fold_kept(index i, index first, index last, const row_type& row, const Sink& sink) const {
    const auto pass = program.template pass<I>();
    auto state = empty_row_state<pass_type<I>::maxima, pass_type<I>::sums>(static_cast<double>(row_nothing<T>));
    each_tile(i, first, last, [&](const row_tile<T, N>& tile, index at) {
      merge_rows(pass, state, fold_row_tile(pass, tile, row, sink.at(at)));
    });
    return state;
  }
  /// Fetches the lines of a pack, to be read or written.
  template<int Write>
  [[gnu::always_inline]] static void fetch_pack(const T* x) {
    DISPAR_UNROLL
    for (int i = 0; i < V::width; i += 64 / static_cast<int>(sizeof(T))) __builtin_prefetch(x + i, Write, 2);
  }
  /// The thread's next row, fetched into the cache while this one is computed for the last time: the first pass would wait for
  /// memory, the last is full of arithmetic. One line at a time, since a burst would stand in the way of the row itself.
  struct next_row {
    const T* x[N];
    index step;
    [[gnu::always_inline]] void fetch(index i) const {
      DISPAR_UNROLL
      for (int k = 0; k < N; ++k) fetch_pack<0>(x[k] + i * step);
    }
    template<class Terms>
    [[gnu::always_inline]] void operator()(const Terms&, index i, int) const {
      fetch(i);
    }
  };
  /// Elements `first` .. of it; where it is not known or strided, the same element again and again.
  [[nodiscard]] next_row next(index row, index first) const {
    next_row n{{}, ahead > 0 && row + ahead < rows};
    for (const auto& x : in.x) n.step = x.stride(1) == 1 ? n.step : 0;
    for (int k = 0; k < N; ++k) {
      const auto& x = in.x[static_cast<std::size_t>(k)];
      n.x[k] = x.data() + (n.step == 0 ? 0 : (row + ahead) * x.stride(0) + first);
    }
    return n;
  }
  struct no_sink {
    [[nodiscard]] keep_nothing at(index) const { return {}; }
  };
  struct next_row_sink {
    const host_rows& run;
    index row;
    [[nodiscard]] next_row at(index first) const { return run.next(row, first); }
  };
  /// Stores the drafts of the first `Wanted` outputs.
  template<int Wanted>
  struct draft_sink {
    const host_rows& run;
    index row;
    struct tile {
      next_row following;
      T* y[Wanted];
      template<class Terms>
      [[gnu::always_inline]] void operator()(const Terms& terms, index i, int there) const {
        following.fetch(i);
        DISPAR_UNROLL
        for (int k = 0; k < Wanted; ++k)
          if (Wanted == 1 || y[k]) store_places(terms[P::first_draft + k], y[k] + i, there);
      }
    };
    [[nodiscard]] tile at(index first) const {
      tile t{run.next(row, first), {}};
      for (int k = 0; k < Wanted; ++k) {
        const auto& y = run.out.y[static_cast<std::size_t>(k)];
        t.y[k] = y ? y.data() + row * y.stride(0) + first : nullptr;
      }
      return t;
    }
  };
  /// Whether the terms of the last pass may wait in the outputs: rows of contiguous memory that nobody reads.
  [[nodiscard]] bool can_draft() const {
    if (out.accumulate || (in.mask && out.keep_masked)) return false;
    for (const auto& y : out.y) {
      if (!y) continue;
      if (y.stride(1) != 1) return false;
      for (const auto& x : in.x)
        if (overlap(memory_of(x), memory_of(y))) return false;
    }
    return true;
  }

  [[nodiscard]] bool writes() const {
    for (const auto& y : out.y)
      if (y) return true;
    return false;
  }

  /// Where only the first output is wanted, the compiler leaves out what the others need.
  [[nodiscard]] bool only_first() const {
    bool only = static_cast<bool>(out.y[0]);
    for (std::size_t k = 1; k < outputs; ++k) only = only && !out.y[k];
    return only;
  }
  /// Writes elements [first, last) of row i.
  void write(index i, index first, index last, const row_type& row) const {
    if (!in.mask) return write_all(i, first, last, row);
    for (index at = first; at < last; at += row_tile_size) write_masked(i, at, std::min(at + row_tile_size, last), row);
  }
  /// One tile of them: what a program writes of masked elements is undone.
  void write_masked(index i, index first, index last, const row_type& row) const {
    T before[outputs][row_tile_size];
    const auto each_output = [&](const auto& visit) {
      for (std::size_t k = 0; k < outputs; ++k)
        for (index j = first; out.y[k] && j < last; ++j) visit(before[k][j - first], out.y[k](i, j), j);
    };
    const bool keep = out.accumulate || out.keep_masked;
    if (keep) each_output([](T& kept, T& y, index) { kept = y; });
    write_all(i, first, last, row);
    const mask_of_row mask = mask_of(i);
    each_output([&](T& kept, T& y, index j) {
      if (mask.excludes(j)) y = keep ? kept : T(0);
    });
  }
  void write_all(index i, index first, index last, const row_type& row) const {
    if constexpr (has_drafts)
      if (drafting)
        return only_first() ? write_wanted<1, true>(i, first, last, row) : write_wanted<outputs, true>(i, first, last, row);
    write_wanted<outputs, false>(i, first, last, row);
  }
  template<int Wanted, bool Drafts>
  void write_wanted(index i, index first, index last, const row_type& row) const {
    each_tile(i, first, last, [&](const row_tile<T, N>& tile, index at) {
      const next_row following = next(i, at);
      T* y[Wanted];
      index stride[Wanted], next_y[Wanted];  // where the thread's next row will be drafted
      for (int k = 0; k < Wanted; ++k) {
        const auto& view = out.y[static_cast<std::size_t>(k)];
        stride[k] = view ? view.stride(1) : 0;
        y[k] = view ? view.data() + i * view.stride(0) + at * view.stride(1) : nullptr;
        next_y[k] = ahead > 0 && i + ahead < rows ? ahead * view.stride(0) : 0;
      }
      tile.each([&](const vec<V, N>& x, index j, int there) DISPAR_ROW_VISIT {
        if constexpr (!Drafts) following.fetch(j);
        vec<V, outputs> result;
        if constexpr (Drafts) {
          vec<V, outputs> drafts{};
          DISPAR_UNROLL
          for (int k = 0; k < Wanted; ++k)
            if (Wanted == 1 || y[k]) {
              drafts[k] = load_places(y[k] + j, there);
              fetch_pack<1>(y[k] + next_y[k] + j);
            }
          result = program.write(x, drafts, row);
        } else {
          result = program.write(x, row);
        }
        DISPAR_UNROLL
        for (int k = 0; k < Wanted; ++k)
          if (Wanted == 1 || y[k]) store(result[k], y[k] + j * stride[k], stride[k], there);
      });
    });
  }
  [[gnu::always_inline]] static void store_places(V values, T* y, int there) {
    if (there == V::width) return values.store(y);
    T places[V::width];
    values.store(places);
    for (int j = 0; j < there; ++j) y[j] = places[j];
  }
  [[gnu::always_inline]] static V load_places(const T* y, int there) {
    if (there == V::width) return V::load(y);
    T places[V::width] = {};
    for (int j = 0; j < there; ++j) places[j] = y[j];
    return V::load(places);
  }
  [[gnu::always_inline]] void store(V values, T* y, index stride, int there) const {
    if (stride == 1) return store_places(out.accumulate ? values + load_places(y, there) : values, y, there);
    T places[V::width];
    values.store(places);
    for (int j = 0; j < there; ++j) y[j * stride] = out.accumulate ? y[j * stride] + places[j] : places[j];
  }
  /// Numbers of the row, single elements, and what lies behind its length.
  void end(index i, index length_of_row, const row_type& row) const {
    if constexpr (row_scatters<P, T>)
      if (writes() && length_of_row > 0) {
        scattered_row<T, outputs> elements;
        for (int k = 0; k < outputs; ++k) {
          const auto& y = out.y[static_cast<std::size_t>(k)];
          elements.y[k] = y ? y.data() + i * y.stride(0) : nullptr;
          elements.stride[k] = y.stride(1);
        }
        elements.accumulate = out.accumulate;
        elements.mask = mask_of(i);
        program.scatter(i, elements, row);
      }
    const auto numbers = program.result(row);
    for (int k = 0; k < P::results; ++k)
      if (const auto& view = out.results[static_cast<std::size_t>(k)]) view(i) = numbers[k];
    if (out.accumulate) return;
    for (const auto& y : out.y) {
      if (!y) continue;
      T* const behind = y.data() + i * y.stride(0) + length_of_row * y.stride(1);
      if (y.stride(1) == 1)
        std::fill_n(behind, cols - length_of_row, T(0));
      else
        for (index j = 0; j < cols - length_of_row; ++j) behind[j * y.stride(1)] = 0;
    }
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
    if constexpr (P::passes > 0) fold_row<0>(i, count, row);
    if constexpr (outputs > 0)
      if (writes()) write(i, 0, count, row);
    end(i, count, row);
  }

  /// Rows shared out by segments, pass after pass.
  template<class Backend>
  void run_segments(const Backend& b) const {
    const index segments = (cols + row_segment - 1) / row_segment;
    call_memory<row_type, Backend> row(b, rows);
    for (index i = 0; i < rows; ++i) row.data()[i] = begin(i);
    if constexpr (P::passes > 0) fold_segments<0>(b, segments, row.data());
    if constexpr (outputs > 0)
      if (writes())
        for_each_segment(b, segments, [&](index i, index, index first, index last) { write(i, first, last, row.data()[i]); });
    for (index i = 0; i < rows; ++i) end(i, length(i), row.data()[i]);
  }
  template<int I, class Backend>
  void fold_segments(const Backend& b, index segments, row_type* row) const {
    call_memory<state_of<I>, Backend> states(b, rows * segments);
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
  [[nodiscard]] double work() const {
    return (P::passes > 0 ? 30.0 * P::passes : 2.0) * N * static_cast<double>(rows) * static_cast<double>(cols);
  }
};

}  // namespace detail

/// See `dispar/backend/rows.hpp`.
template<class Each, class Memory, row_program P, class T, memory_space S, memory_space R>
void run_rows(const tiled_host<Each, Memory>& b, const P& program, const row_inputs<T, P::inputs, S, P::operands>& in,
              const row_outputs<T, P::outputs, P::results, S, R>& out) {
  detail::require_host_memory<S, R>();
  const auto shape = detail::check_rows(in, out);
  detail::host_rows<P, T, S, R> run{program, in, out, shape[0], shape[1]};
  if constexpr (decltype(run)::has_drafts) run.drafting = run.can_draft();
  if (run.rows < 2 * static_cast<index>(b.each.concurrency()) && run.cols > row_segment && b.each.concurrency() > 1) {
    run.run_segments(b);
    return;
  }
  // Short rows are dealt by the handful: a task costs about a microsecond.
  const index per_task = std::max<index>(1, row_segment / (run.cols > 0 ? run.cols : 1));
  if (per_task == 1) run.ahead = b.each.concurrency();
  b.run((run.rows + per_task - 1) / per_task, run.work(), [&](index t) noexcept {
    for (index i = t * per_task; i < std::min((t + 1) * per_task, run.rows); ++i) run.run_row(i);
  });
}

DISPAR_NAMESPACE_END
