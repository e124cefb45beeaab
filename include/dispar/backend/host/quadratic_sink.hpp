#pragma once

#include "dispar/backend/host/sinks.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// `quadratic_forms`: every tile is multiplied by the labels of its columns while it is in cache, then folded with the labels of
/// its rows. Labels become numbers a few hundred at a time, so working memory does not grow with their count.
template<int Output, class Labels, class Data>
class sink_runner<quadratic_forms<Output, Labels>, Data> {
  using T = typename Data::value_type;
  using R = register_tile<T>;
  using V = typename R::V;
  static constexpr index chunk = 512 / R::lanes * R::lanes;

public:
  static constexpr bool per_row = false, in_registers = false;
  static constexpr std::uint32_t outputs = 1u << Output;

  sink_runner(const quadratic_forms<Output, Labels>& sink, const Data& data, std::span<const pair_block> blocks, index tasks)
      : sink_(sink),
        data_(data),
        edge_(tile_edge(data, blocks)),
        padded_((sink.out.size() + R::lanes - 1) / R::lanes * R::lanes),
        partial_(static_cast<std::size_t>(tasks * padded_), 0.0) {
    require(sink.labels.rows == data.rows(), "quadratic_forms: rows of labels", "must be the rows of all segments",
            static_cast<double>(sink.labels.rows));
    require(sink.out.size() == sink.labels.labels, "quadratic_forms: out", "must have one entry per labelling",
            static_cast<double>(sink.out.size()));
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
      double* const sums = partial_.data() + task * padded_ + p;
      broadcast_product(t.output[Output], t.stride, 1, t.row_count, t.col_count, col_labels, chunk, count,
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

  void finish() {
    for (index p = 0; p < sink_.out.size(); ++p) {
      double sum = 0;
      for (index at = p; at < static_cast<index>(partial_.size()); at += padded_) sum += partial_[static_cast<std::size_t>(at)];
      sink_.out(p) = sum;
    }
  }

private:
  quadratic_forms<Output, Labels> sink_;
  const Data& data_;
  index edge_, padded_;
  std::vector<double> partial_;
};

}  // namespace detail

DISPAR_NAMESPACE_END
