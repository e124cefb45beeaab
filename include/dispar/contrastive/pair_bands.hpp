#pragma once
/// \file
/// Similarities of all pairs of rows of a few matrices, by bands of rows: what a call needs beside its arguments then does not
/// grow with the number of rows.

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "dispar/backend/array.hpp"
#include "dispar/backend/pairwise.hpp"
#include "dispar/contrastive/unit_rows.hpp"
#include "dispar/kernels/metric.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

/// A view of memory that the backend reaches, as of its own.
template<backend B, class T, memory_space S>
[[nodiscard]] matrix_view<T, typename B::space> reached(const matrix_view<T, S>& view) {
  static_assert(reachable<S, typename B::space>,
                "dispar: this backend cannot reach that memory; copy the data with to(backend, x) or use another backend");
  return {view.data(), view.extents(), view.strides()};
}

/// A matrix of embeddings with the lengths of its rows.
template<class E, backend B>
struct embeddings {
  matrix_view<const E, typename B::space> rows;
  array<double, 1, B> norm;

  embeddings() = default;
  embeddings(const B& b, const matrix_view<const E, typename B::space>& x) : rows(x), norm(b, {x.rows()}) {
    for_each_index(b, x.rows(), static_cast<double>(x.size()),
                   row_norms<E>{dispar::detail::strided_of(x), x.cols(), norm.data()});
  }
  [[nodiscard]] index count() const { return rows.rows(); }
};

/// Two matrices whose rows meet. A matrix with itself: every pair of different rows once.
struct meeting {
  int rows, cols;
  bool matched = false;  ///< row i of one and row i of the other are a pair that the caller treats apart
};

/// Rows `first` .. `first + count` of matrix `of`.
struct band {
  int of;
  index first, count;
};

/// Bytes of a call's working memory that grow with features times rows, until bands keep them there: 64 MiB on the host, 1 GiB
/// on a device.
template<class Space>
inline constexpr double band_bytes = std::same_as<Space, host> ? 67108864.0 : 1073741824.0;

/// Rows of a band: scaled rows, packed rows and double sums of the gradient of two bands fit. Depends on shapes only.
template<class Space>
[[nodiscard]] constexpr index rows_per_band(index features) {
  constexpr index unit = 768, bytes_per_number = 16;
  const double rows = band_bytes<Space> / static_cast<double>(2 * bytes_per_number * (features > 0 ? features : 1));
  const index bands = static_cast<index>(rows < 1e9 ? rows : 1e9) / unit;
  return (bands > 0 ? bands : 1) * unit;
}

/// Bytes of distances that a call with several passes keeps from the first, where all of them fit: 64 MiB on the host. A
/// device computes them again.
template<class Space>
inline constexpr double kept_bytes = std::same_as<Space, host> ? 67108864.0 : 0.0;

/// Passes over all pairs of bands that meet, `data` packed for `Metric`:
/// visit(data, blocks, rows band, cols band, leaves matched pairs out). In a triangle both bands are the same.
template<class Metric, backend B, class E, std::size_t Count, similarity Similarity>
class band_passes {
  using space = typename B::space;
  using T = computed_type<E>;
  using part = sample<T, 1, space>;
  using packed = decltype(keep_distances(std::declval<const B&>(),
                                         pack_samples<Metric>(std::declval<const B&>(), std::declval<std::array<part, 2>>()),
                                         static_cast<const pair_block*>(nullptr)));

public:
  /// `band_rows`: rows of a band; 0: all where they fit `band_bytes`, else `rows_per_band`. `several`: more than one pass.
  band_passes(const B& b, const std::array<embeddings<E, B>, Count>& matrices, const Similarity& how,
              std::span<const meeting> meetings, index band_rows, bool several)
      : b_(b), matrices_(matrices), how_(how), meetings_(meetings) {
    const index features = matrices[0].rows.cols();
    index most = 0;
    for (const auto& m : matrices) most = m.count() > most ? m.count() : most;
    const bool fits = 32 * static_cast<double>(most) * static_cast<double>(features) <= band_bytes<space>;
    step_ = band_rows > 0 ? band_rows : (fits ? most : rows_per_band<space>(features));
    double pairs = 0;
    for (const meeting& m : meetings) pairs += static_cast<double>(count(m.rows)) * static_cast<double>(count(m.cols));
    keeps_ = several && most <= step_ && pairs * sizeof(T) <= kept_bytes<space>;
  }

  /// One pass.
  template<class Visit>
  void for_each(const Visit& visit) {
    if (!kept_.empty()) {
      for (const visited& v : kept_) visit(v.data, v.blocks, v.rows, v.cols, v.matched);
      return;
    }
    for (const meeting& m : meetings_)
      for (index i = 0; i < count(m.rows); i += step_)
        for (index j = m.rows == m.cols ? i : 0; j < count(m.cols); j += step_)
          visit_pair(m, rows_of(m.rows, i), rows_of(m.cols, j), visit);
  }

private:
  struct visited {
    packed data;
    std::array<pair_block, 1> blocks;
    band rows, cols;
    bool matched;
  };

  [[nodiscard]] index count(int matrix) const { return matrices_[static_cast<std::size_t>(matrix)].count(); }
  [[nodiscard]] band rows_of(int matrix, index first) const {
    const index left = count(matrix) - first;
    return {matrix, first, left < step_ ? left : step_};
  }
  void scale(const band& rows, T* to) const {
    const auto& from = matrices_[static_cast<std::size_t>(rows.of)];
    const index features = from.rows.cols();
    for_each_index(b_, rows.count, static_cast<double>(rows.count) * static_cast<double>(features),
                   scale_rows<E, T, Similarity>{dispar::detail::strided_of(from.rows), features, rows.first, from.norm.data(),
                                                how_, rows.of, to});
  }
  /// The scaled rows themselves are given back before anything is computed of them.
  [[nodiscard]] packed pack(const band& rows, const band& cols, const pair_block& block) const {
    const index features = matrices_[0].rows.cols();
    array<T, 2, B> scaled(b_, {block.triangle ? rows.count : rows.count + cols.count, features});
    const auto segment = [&](index at, index size) { return part{{std::as_const(scaled).view().slice(at, size)}}; };
    scale(rows, scaled.data());
    const pair_block* const kept = keeps_ ? &block : nullptr;
    if (block.triangle) return keep_distances(b_, pack_samples<Metric>(b_, std::array{segment(0, rows.count)}), kept);
    scale(cols, scaled.data() + rows.count * features);
    return keep_distances(b_, pack_samples<Metric>(b_, std::array{segment(0, rows.count), segment(rows.count, cols.count)}),
                          kept);
  }
  template<class Visit>
  void visit_pair(const meeting& m, const band& rows, const band& cols, const Visit& visit) {
    const bool square = m.rows == m.cols && rows.first == cols.first;
    const pair_block block{0, square ? 0 : 1, square};
    visited v{pack(rows, cols, block), {{block}}, rows, cols, m.matched && !square && rows.first == cols.first};
    visit(v.data, v.blocks, v.rows, v.cols, v.matched);
    if (!keeps_) return;
    if constexpr (requires { v.data.give(); }) {
      v.data.give();
      kept_.push_back(std::move(v));
    }
  }

  const B& b_;
  const std::array<embeddings<E, B>, Count>& matrices_;
  Similarity how_;
  std::span<const meeting> meetings_;
  index step_ = 0;
  bool keeps_ = false;
  std::vector<visited> kept_{};
};

/// `Metric` by name, the rest from the arguments; see `band_passes`.
template<class Metric = dot, backend B, class E, std::size_t Count, similarity Similarity>
[[nodiscard]] auto passes_over_bands(const B& b, const std::array<embeddings<E, B>, Count>& matrices, const Similarity& how,
                                     std::span<const meeting> meetings, index band_rows, bool several) {
  return band_passes<Metric, B, E, Count, Similarity>(b, matrices, how, meetings, band_rows, several);
}

/// A single pass.
template<class Metric = dot, backend B, class E, std::size_t Count, similarity Similarity, class Visit>
void for_each_band_pair(const B& b, const std::array<embeddings<E, B>, Count>& matrices, const Similarity& how,
                        std::span<const meeting> meetings, index band_rows, const Visit& visit) {
  passes_over_bands<Metric>(b, matrices, how, meetings, band_rows, false).for_each(visit);
}

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
