#pragma once

#include "dispar/backend/host/sinks.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// `quadratic_forms`: every tile is multiplied by the labels of its columns while it is in cache, then folded with the labels of
/// its rows. Labels become numbers a few hundred at a time, so working memory does not grow with their count, and once for all
/// members of a family.
template<int Output, class Labels, memory_space S, class Data>
class sink_runner<quadratic_forms<Output, Labels, S>, Data> {
  using T = typename Data::value_type;
  using R = register_tile<T>;
  using V = typename R::V;
  static constexpr index chunk = 512 / R::lanes * R::lanes;

public:
  static constexpr bool per_row = false, in_registers = false, families = true;
  static constexpr std::uint32_t outputs = 1u << Output;

  sink_runner(const quadratic_forms<Output, Labels, S>& sink, const Data& data, std::span<const pair_block> blocks, index tasks,
              index members)
      : sink_(sink),
        data_(data),
        edge_(tile_edge(data, blocks)),
        padded_((sink.out.cols() + R::lanes - 1) / R::lanes * R::lanes),
        partial_(static_cast<std::size_t>(tasks * members * padded_), 0.0) {
    static_assert(reachable<S, host>, "dispar: this backend runs on the host and cannot write to device memory");
    require(sink.labels.rows == data.rows(), "quadratic_forms: rows of labels", "must be the rows of all segments",
            static_cast<double>(sink.labels.rows));
    require(sink.out.rows() == members, "quadratic_forms: rows of out", "must be the operation's members",
            static_cast<double>(sink.out.rows()));
    require(sink.out.cols() == sink.labels.labels, "quadratic_forms: cols of out", "must be the labellings",
            static_cast<double>(sink.out.cols()));
  }

  [[nodiscard]] std::size_t scratch_bytes() const { return static_cast<std::size_t>(2 * edge_ * chunk) * sizeof(T); }

  void tile(index task, const tile_buffers<T>& t) {
    T* const row_labels = static_cast<T*>(t.scratch);
    T* const col_labels = row_labels + edge_ * chunk;
    const index row0 = data_.first(t.segments.rows) + t.first_row - data_.first_packed(t.segments.rows);
    const index col0 = data_.first(t.segments.cols) + t.first_col - data_.first_packed(t.segments.cols);
    const bool same = row0 == col0;
    for (index p = 0; p < padded_; p += chunk) {
      const index count = padded_ - p < chunk ? padded_ - p : chunk;
      sink_.labels.expand(col_labels, col0, t.col_count, p, count, chunk);
      if (!same) sink_.labels.expand(row_labels, row0, t.row_count, p, count, chunk);
      const T* const rows = same ? col_labels : row_labels;
      for (int f = 0; f < t.members; ++f) {
        double* const sums = partial_.data() + (task * t.members + f) * padded_ + p;
        broadcast_product(t.output[f * t.outputs + Output], t.stride, 1, t.row_count, t.col_count, col_labels, chunk, count,
                          [&](index row, index column, const auto& acc, int register_rows) {
                            constexpr int vectors = static_cast<int>(sizeof(acc[0]) / sizeof(V));
                            for (int v = 0; v < vectors; ++v) {
                              V sum(0);
                              for (int r = 0; r < register_rows; ++r)
                                sum = fma(acc[r][v], V::load(rows + (row + r) * chunk + column + v * R::lanes), sum);
                              add_to(sums + column + v * R::lanes, sum);
                            }
                          });
      }
    }
  }

  void finish() {
    const auto part = static_cast<std::size_t>(sink_.out.rows() * padded_);
    std::vector<double> sum(part, 0.0);
    for (std::size_t at = 0; at < partial_.size(); at += part)
      for (std::size_t i = 0; i < part; ++i) sum[i] += partial_[at + i];
    for (index f = 0; f < sink_.out.rows(); ++f)
      for (index p = 0; p < sink_.out.cols(); ++p) sink_.out(f, p) = sum[static_cast<std::size_t>(f * padded_ + p)];
  }

private:
  quadratic_forms<Output, Labels, S> sink_;
  const Data& data_;
  index edge_, padded_;
  std::vector<double> partial_;
};

}  // namespace detail

DISPAR_NAMESPACE_END
