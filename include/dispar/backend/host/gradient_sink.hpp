#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "dispar/backend/host/sinks.hpp"
#include "dispar/core/pack_transpose.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// `feature_gradient`. For product metrics, sum_j q_ij (own a_i + other b_j) is a product of the tile with the rows it meets,
/// added in double, and a row sum. For the others, every pair adds its slopes.
template<int Output, int Channel, class T, int Segments, memory_space S, class Data>
class sink_runner<feature_gradient<Output, Channel, T, Segments, S>, Data> {
  using R = register_tile<T>;
  using V = typename R::V;
  using Metric = typename Data::metric_type;
  /// Features per pass: bounds the working memory in high dimension.
  static constexpr index chunk = 192 / R::lanes * R::lanes;

public:
  static constexpr bool per_row = true, in_registers = false, families = false;
  static constexpr std::uint32_t outputs = 1u << Output;

  sink_runner(const feature_gradient<Output, Channel, T, Segments, S>& sink, const Data& data, std::span<const pair_block> blocks,
              index, index)
      : sink_(sink), data_(data), edge_(tile_edge(data, blocks)) {
    static_assert(reachable<S, host>, "dispar: this backend runs on the host and cannot write to device memory");
    static_assert(std::is_same_v<T, typename Data::value_type>, "dispar: gradients have the type of the samples");
    if (sink.upstream) sink_.factor *= sink.upstream();
    features_ = data.features(Channel);
    padded_ = (features_ + R::lanes - 1) / R::lanes * R::lanes;
    wanted_.assign(static_cast<std::size_t>(data.segments()), false);
    offset_.assign(wanted_.size(), 0);
    index rows = 0;
    for (int s = 0; s < data.segments() && s < Segments; ++s) {
      const auto& out = sink.out[static_cast<std::size_t>(s)];
      if (!out) continue;
      require(out.rows() == data.count(s), "gradient: rows", "must be those of the sample", static_cast<double>(out.rows()));
      require(out.cols() == features_, "gradient: cols", "must be the features of the sample", static_cast<double>(out.cols()));
      wanted_[static_cast<std::size_t>(s)] = true;
      offset_[static_cast<std::size_t>(s)] = rows;
      rows += data.count(s);
    }
    row_weight_.assign(static_cast<std::size_t>(rows), 0.0);
  }

  /// Large sums take their time to be cleared and written: all threads do.
  template<class Backend>
  void begin(const Backend& b) {
    const std::size_t bytes = row_weight_.size() * static_cast<std::size_t>(padded_) * sizeof(double);
    if (bytes > 0)
      sums_ =
          std::shared_ptr<double[]>(static_cast<double*>(b.allocate(bytes)), [b, bytes](double* p) { b.deallocate(p, bytes); });
    for_runs_of_rows(b, static_cast<index>(row_weight_.size()), [this](index first, index last) {
      std::memset(sums_.get() + first * padded_, 0, static_cast<std::size_t>((last - first) * padded_) * sizeof(double));
    });
  }

  [[nodiscard]] std::size_t scratch_bytes() const { return static_cast<std::size_t>(edge_ * chunk) * sizeof(T); }

  void tile(index, const tile_buffers<T>& t) {
    const T* const q = t.output[Output];
    if (wanted_[static_cast<std::size_t>(t.segments.rows)]) {
      const index row0 = number(t.segments.rows, t.first_row);
      if constexpr (has_linear_slope<Metric>) for_row_sums(q, t.stride, t.row_count, t.cols, add_weight(row0));
      one_side(t, q, t.stride, 1, row0, t.first_row, t.row_count, t.first_col, t.col_count);
    }
    if (wanted_[static_cast<std::size_t>(t.segments.cols)]) {
      const index row0 = number(t.segments.cols, t.first_col);
      if constexpr (has_linear_slope<Metric>) for_col_sums(q, t.stride, t.rows, t.col_count, add_weight(row0));
      one_side(t, q, 1, t.stride, row0, t.first_col, t.col_count, t.first_row, t.row_count);
    }
  }

  template<class Backend>
  void finish(const Backend& b) {
    for (int s = 0; s < data_.segments() && s < Segments; ++s)
      if (wanted_[static_cast<std::size_t>(s)])
        for_runs_of_rows(b, data_.count(s), [this, s](index first, index last) { write(s, first, last); });
  }

private:
  template<class Backend, class Work>
  void for_runs_of_rows(const Backend& b, index rows, const Work& work) const {
    constexpr index run = 32;
    b.run((rows + run - 1) / run, 4 * static_cast<double>(rows) * static_cast<double>(padded_),
          [&](index task) noexcept { work(task * run, task * run + run < rows ? task * run + run : rows); });
  }

  // Not inlined, so that the same products are contracted on every executor.
  [[gnu::noinline]] void write(int s, index first, index last) const {
    const auto& out = sink_.out[static_cast<std::size_t>(s)];
    for (index i = first; i < last; ++i) {
      const index at = offset_[static_cast<std::size_t>(s)] + i;
      const double weight = row_weight_[static_cast<std::size_t>(at)];
      const T* const own = data_.row(Channel, data_.first_packed(s) + i);
      for (index k = 0; k < features_; ++k) {
        double g = sums_.get()[at * padded_ + k];
        if constexpr (has_linear_slope<Metric>)
          g = Metric::other * g + Metric::own * weight * static_cast<double>(own[k * Data::panel]);
        g *= sink_.factor;
        out(i, k) = static_cast<T>(sink_.accumulate ? static_cast<double>(out(i, k)) + g : g);
      }
    }
  }

  /// The place of a packed row among the rows whose gradient is wanted.
  [[nodiscard]] index number(int segment, index packed_row) const {
    return offset_[static_cast<std::size_t>(segment)] + packed_row - data_.first_packed(segment);
  }
  auto add_weight(index row0) {
    return [this, row0](index i, double sum) { row_weight_[static_cast<std::size_t>(row0 + i)] += sum; };
  }

  /// The tile's contribution to the rows of one side; the weight of (i, j) is q[i * step_i + j * step_j].
  void one_side(const tile_buffers<T>& t, const T* q, index step_i, index step_j, index row0, index first_i, index count_i,
                index first_j, index count_j) {
    T* const slab = static_cast<T*>(t.scratch);
    for (index k0 = 0; k0 < padded_; k0 += chunk) {
      const index width = padded_ - k0 < chunk ? padded_ - k0 : chunk;
      unpack(slab, first_j, count_j, k0, width);
      if constexpr (has_linear_slope<Metric>)
        broadcast_product(q, step_i, step_j, count_i, count_j, slab, chunk, width,
                          [&](index row, index column, const auto& acc, int rows) {
                            constexpr int vectors = static_cast<int>(sizeof(acc[0]) / sizeof(V));
                            for (int r = 0; r < rows; ++r)
                              for (int v = 0; v < vectors; ++v)
                                add_to(sums_.get() + (row0 + row + r) * padded_ + k0 + column + v * R::lanes, acc[r][v]);
                          });
      else
        add_slopes(slab, q, step_i, step_j, row0, first_i, count_i, first_j, count_j, k0, width);
    }
  }

  /// Rows first .. first + count of the packed data, features k0 .. k0 + width, as a row-major matrix.
  void unpack(T* slab, index first, index count, index k0, index width) const {
    const index features = features_ - k0 < width ? features_ - k0 : width, whole = features - features % R::lanes;
    for (index j0 = 0; j0 < count; j0 += Data::panel) {
      const T* const from = data_.row(Channel, first + j0) + k0 * Data::panel;
      T* const to = slab + j0 * chunk;
      const index rows = count - j0 < Data::panel ? count - j0 : Data::panel;
      for (index r = 0; r < rows; r += R::lanes)
        for (index k = 0; k < whole; k += R::lanes) {
          V square[R::lanes];
          DISPAR_UNROLL
          for (int l = 0; l < R::lanes; ++l) square[l] = V::load(from + (k + l) * Data::panel + r);
          transpose(square);
          for (index l = 0; l < R::lanes && r + l < rows; ++l) square[l].store(to + (r + l) * chunk + k);
        }
      for (index r = 0; r < rows; ++r)
        for (index k = whole; k < width; ++k) to[r * chunk + k] = k < features ? from[k * Data::panel + r] : T(0);
    }
  }

  void add_slopes(const T* slab, const T* q, index step_i, index step_j, index row0, index first_i, index count_i, index first_j,
                  index count_j, index k0, index width) {
    alignas(64) T own[chunk];
    for (index i = 0; i < count_i; ++i) {
      const T* const from = data_.row(Channel, first_i + i);
      for (index k = 0; k < width; ++k) own[k] = k0 + k < features_ ? from[(k0 + k) * Data::panel] : T(0);
      double* const target = sums_.get() + (row0 + i) * padded_ + k0;
      for (index k = 0; k < width; k += R::lanes) {
        V sum(0);
        const V a = V::load(own + k);
        for (index j = 0; j < count_j; ++j) {
          const T weight = q[i * step_i + j * step_j];
          if (weight == T(0)) continue;
          const V distance(needs_distance ? data_.distance(Channel, first_i + i, first_j + j) : T(0));
          sum = fma(V(weight), Metric::slope(a, V::load(slab + j * chunk + k), distance), sum);
        }
        add_to(target + k, sum);
      }
    }
  }

  static constexpr bool needs_distance = requires { Metric::slope_needs_distance; };

  feature_gradient<Output, Channel, T, Segments, S> sink_;
  const Data& data_;
  index edge_, features_ = 0, padded_ = 0;
  std::vector<bool> wanted_;
  std::vector<index> offset_;
  std::shared_ptr<double[]> sums_;
  std::vector<double> row_weight_;
};

}  // namespace detail

DISPAR_NAMESPACE_END
