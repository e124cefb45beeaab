#pragma once
/// \file
/// How the host engine runs each sink of `backend/pairwise.hpp`. A runner is made from the sink, the data, the blocks, the number
/// of tasks and of the operation's members, and has:
/// - `per_row`: tasks of one round must not share rows (tournament order); otherwise any order will do.
/// - `families`: it takes families of operations.
/// - `outputs`: bit mask of the outputs it reads from tile buffers; 0 for sinks that live in registers.
/// - `scratch_bytes()`: working memory per running task.
/// - `tile(task, tile_buffers)`: consumes one tile.
/// - `finish()`, or `finish(backend)`: writes the result.
/// - `begin(backend)`, where there is one: comes before the first tile.

#include <cstdint>
#include <vector>

#include "dispar/backend/host/broadcast_product.hpp"
#include "dispar/backend/host/packed_samples.hpp"
#include "dispar/backend/host/schedule.hpp"
#include "dispar/backend/pairwise.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// A finished tile: outputs in [rows][stride] buffers, invalid pairs zero.
template<class T>
struct tile_buffers {
  const T* const* output;      ///< by number of output, member after member; null where nobody reads it
  int outputs, members;        ///< how many outputs a member has, and how many members there are
  index stride;                ///< row stride of the buffers
  index rows, cols;            ///< extents, in packed rows (multiples of the register tile)
  index first_row, first_col;  ///< packed row numbers
  index row_count, col_count;  ///< rows and columns that exist, the rest is padding
  int block;
  pair_block segments;
  void* scratch;
};

/// add(i, sum over the row i of a tile). `cols` is a multiple of the vector width, padding is zero.
template<class T, class Add>
void for_row_sums(const T* q, index stride, index rows, index cols, const Add& add) {
  using V = native_pack<T>;
  constexpr int lanes = native_width<T>;
  for (index i = 0; i < rows; ++i) {
    V sum(0);
    for (index j = 0; j < cols; j += lanes) sum = sum + V::load(q + i * stride + j);
    alignas(64) double places[lanes] = {};
    add_to(places, sum);
    double total = 0;
    for (double place : places) total += place;
    add(i, total);
  }
}

/// add(j, sum over the column j of a tile), the buffer being whole vectors wide.
template<class T, class Add>
void for_col_sums(const T* q, index stride, index rows, index cols, const Add& add) {
  using V = native_pack<T>;
  constexpr int lanes = native_width<T>;
  for (index j = 0; j < cols; j += lanes) {
    V sum(0);
    for (index i = 0; i < rows; ++i) sum = sum + V::load(q + i * stride + j);
    alignas(64) double places[lanes] = {};
    add_to(places, sum);
    for (int l = 0; l < lanes && j + l < cols; ++l) add(j + l, places[l]);
  }
}

template<class Sink, class Data>
class sink_runner;

/// `total`: lane sums in registers, flushed to double per register tile; one partial sum per task and block.
template<int First, int Count, memory_space S, class Data>
class sink_runner<total<First, Count, S>, Data> {
  using T = typename Data::value_type;
  using V = native_pack<T>;
  static constexpr int lanes = native_width<T>;

public:
  static constexpr bool per_row = false, in_registers = true, families = true;
  static constexpr std::uint32_t outputs = 0;

  sink_runner(const total<First, Count, S>& sink, const Data&, std::span<const pair_block> blocks, index tasks, index members)
      : sink_(sink),
        blocks_(static_cast<index>(blocks.size())),
        members_(members),
        partial_(static_cast<std::size_t>(tasks * members * blocks_ * Count), 0.0) {
    static_assert(reachable<S, host>, "dispar: this backend runs on the host and cannot write to device memory");
    require(sink.out.rows() == members * blocks_, "total: rows of out", "must be the blocks, once per member of the operation",
            static_cast<double>(sink.out.rows()));
    require(sink.out.cols() == Count, "total: cols of out", "must be the outputs", static_cast<double>(sink.out.cols()));
  }

  /// Sums of one register tile, separate by vector so that the additions overlap.
  struct accumulator {
    static constexpr int vectors = register_tile<T>::vectors;
    V sum[Count][vectors];
    [[gnu::always_inline]] accumulator() {
      DISPAR_UNROLL
      for (int o = 0; o < Count; ++o) DISPAR_UNROLL
      for (int v = 0; v < vectors; ++v) sum[o][v] = V(0);
    }
    template<int N>
    [[gnu::always_inline]] void add(int v, const vec<V, N>& outputs) {
      DISPAR_UNROLL
      for (int o = 0; o < Count; ++o) sum[o][v] = sum[o][v] + outputs[First + o];
    }
  };

  /// Lane sums of one tile, in double.
  template<int Members>
  struct tile_state {
    alignas(64) double lane[Members][Count][lanes] = {};
    [[gnu::always_inline]] void flush(int member, const accumulator& a) {
      for (int o = 0; o < Count; ++o) {
        V sum = a.sum[o][0];
        for (int v = 1; v < accumulator::vectors; ++v) sum = sum + a.sum[o][v];
        add_to(lane[member][o], sum);
      }
    }
  };
  template<int Members>
  void end_tile(index task, int block, const tile_state<Members>& state) {
    for (index f = 0; f < members_; ++f) {
      double* const p = partial_.data() + ((task * members_ + f) * blocks_ + block) * Count;
      for (int o = 0; o < Count; ++o) {
        double sum = 0;
        for (int l = 0; l < lanes; ++l) sum += state.lane[f][o][l];
        p[o] += sum;
      }
    }
  }

  [[nodiscard]] std::size_t scratch_bytes() const { return 0; }
  void tile(index, const tile_buffers<T>&) {}
  void finish() {
    for (index b = 0; b < members_ * blocks_; ++b)
      for (int o = 0; o < Count; ++o) {
        double sum = 0;
        for (index at = b * Count + o; at < static_cast<index>(partial_.size()); at += members_ * blocks_ * Count)
          sum += partial_[static_cast<std::size_t>(at)];
        sink_.out(b, o) = sum;
      }
  }

private:
  total<First, Count, S> sink_;
  index blocks_, members_;
  std::vector<double> partial_;
};

/// `row_sums`: added in double, tile by tile.
template<int Output, memory_space S, class Data>
class sink_runner<row_sums<Output, S>, Data> {
  using T = typename Data::value_type;

public:
  static constexpr bool per_row = true, in_registers = false, families = true;
  static constexpr std::uint32_t outputs = 1u << Output;

  sink_runner(const row_sums<Output, S>& sink, const Data& data, std::span<const pair_block> blocks, index, index members)
      : sink_(sink), data_(data), slots_(sink.out.cols() / members) {
    static_assert(reachable<S, host>, "dispar: this backend runs on the host and cannot write to device memory");
    require_row_states("row_sums", sink.out.rows(), slots_, data.rows(), blocks);
    for (index i = 0; i < sink.out.rows(); ++i)
      for (index j = 0; j < sink.out.cols(); ++j) sink.out(i, j) = 0;
  }

  [[nodiscard]] std::size_t scratch_bytes() const { return 0; }
  void tile(index, const tile_buffers<T>& t) {
    const index row0 = data_.first(t.segments.rows) + t.first_row - data_.first_packed(t.segments.rows);
    const index col0 = data_.first(t.segments.cols) + t.first_col - data_.first_packed(t.segments.cols);
    for (int f = 0; f < t.members; ++f) {
      const T* const q = t.output[f * t.outputs + Output];
      const auto add = [&](index first) {
        return [this, first, slot = f * slots_ + t.segments.slot](index i, double sum) { sink_.out(first + i, slot) += sum; };
      };
      for_row_sums(q, t.stride, t.row_count, t.cols, add(row0));
      for_col_sums(q, t.stride, t.rows, t.col_count, add(col0));
    }
  }
  void finish() {}

private:
  row_sums<Output, S> sink_;
  const Data& data_;
  index slots_;
};

/// What sinks have in common that keep a state of a fold per row and slot.
template<class Sink, class Data>
class row_state_runner {
public:
  static constexpr bool per_row = true, in_registers = false, families = false;
  static constexpr std::uint32_t outputs = 1u << Sink::output;

  [[nodiscard]] std::size_t scratch_bytes() const { return 0; }
  void finish() {}

protected:
  row_state_runner(const char* name, const Sink& sink, const Data& data, std::span<const pair_block> blocks)
      : sink_(sink), data_(data) {
    static_assert(reachable<typename decltype(sink.out)::space, host>,
                  "dispar: this backend runs on the host and cannot write to device memory");
    require_row_states(name, sink.out.rows(), sink.out.cols(), data.rows(), blocks);
    if (!sink.accumulate)
      for (index i = 0; i < sink.out.rows(); ++i)
        for (index j = 0; j < sink.out.cols(); ++j) sink.out(i, j) = Sink::fold::identity();
  }

  Sink sink_;
  const Data& data_;
};

/// `store`: copied out of the tile, and mirrored.
template<int Output, class T, memory_space S, class Data>
class sink_runner<store<Output, T, S>, Data> {
public:
  static constexpr bool per_row = false, in_registers = false, families = false;
  static constexpr std::uint32_t outputs = 1u << Output;

  sink_runner(const store<Output, T, S>& sink, const Data& data, std::span<const pair_block>, index, index)
      : sink_(sink), data_(data) {
    static_assert(reachable<S, host>, "dispar: this backend runs on the host and cannot write to device memory");
    require(sink.out.rows() == data.rows(), "store: rows of out", "must be the rows of all segments",
            static_cast<double>(sink.out.rows()));
    require(sink.out.cols() == data.rows(), "store: cols of out", "must be the rows of all segments",
            static_cast<double>(sink.out.cols()));
  }
  [[nodiscard]] std::size_t scratch_bytes() const { return 0; }
  void tile(index, const tile_buffers<typename Data::value_type>& t) {
    const auto* const q = t.output[Output];
    const index row0 = data_.first(t.segments.rows) + t.first_row - data_.first_packed(t.segments.rows);
    const index col0 = data_.first(t.segments.cols) + t.first_col - data_.first_packed(t.segments.cols);
    // In a square of a segment with itself the mirrored pair is one of its own, in a tile of maybe another task.
    const bool mirrored = t.segments.triangle || t.segments.rows != t.segments.cols;
    for (index i = 0; i < t.row_count; ++i)
      for (index j = 0; j < t.col_count; ++j) {
        if (t.segments.triangle && row0 + i >= col0 + j) continue;
        const T value = static_cast<T>(q[i * t.stride + j]);
        sink_.out(row0 + i, col0 + j) = value;
        if (mirrored) sink_.out(col0 + j, row0 + i) = value;
      }
  }
  void finish() {}

private:
  store<Output, T, S> sink_;
  const Data& data_;
};

/// `store_across`: copied out of the tile.
template<int Output, class T, memory_space S, class Data>
class sink_runner<store_across<Output, T, S>, Data> {
public:
  static constexpr bool per_row = false, in_registers = false, families = false;
  static constexpr std::uint32_t outputs = 1u << Output;

  sink_runner(const store_across<Output, T, S>& sink, const Data& data, std::span<const pair_block> blocks, index, index)
      : sink_(sink), data_(data) {
    static_assert(reachable<S, host>, "dispar: this backend runs on the host and cannot write to device memory");
    require_across(sink, data, blocks);
  }
  [[nodiscard]] std::size_t scratch_bytes() const { return 0; }
  void tile(index, const tile_buffers<typename Data::value_type>& t) {
    const index row0 = t.first_row - data_.first_packed(t.segments.rows),
                col0 = t.first_col - data_.first_packed(t.segments.cols);
    for (index i = 0; i < t.row_count; ++i)
      for (index j = 0; j < t.col_count; ++j) sink_.out(row0 + i, col0 + j) = static_cast<T>(t.output[Output][i * t.stride + j]);
  }
  void finish() {}

private:
  store_across<Output, T, S> sink_;
  const Data& data_;
};

}  // namespace detail

DISPAR_NAMESPACE_END
