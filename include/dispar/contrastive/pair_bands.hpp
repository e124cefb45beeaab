#pragma once
/// \file
/// Similarities of all pairs of rows of a few matrices, by bands of rows: what a call needs beside its arguments then does not
/// grow with the number of rows.

#include <array>
#include <span>

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

/// visit(data, blocks, rows band, cols band, leaves matched pairs out) for every pair of bands that meet, `data` packed for
/// `Metric`. In a triangle both bands are the same. `band_rows`: of a band; 0: `rows_per_band`.
template<class Metric = dot, backend B, class E, std::size_t Count, similarity Similarity, class Visit>
void for_each_band_pair(const B& b, const std::array<embeddings<E, B>, Count>& matrices, const Similarity& how,
                        std::span<const meeting> meetings, index band_rows, const Visit& visit) {
  using space = typename B::space;
  using T = computed_type<E>;
  const index features = matrices[0].rows.cols(), step = band_rows > 0 ? band_rows : rows_per_band<space>(features);
  index most = 0;
  for (const auto& m : matrices) most = m.count() > most ? m.count() : most;
  most = most < step ? most : step;
  array<T, 2, B> scaled(b, {2 * most, features});
  const auto scale = [&](const band& rows, index at) {
    const auto& from = matrices[static_cast<std::size_t>(rows.of)];
    for_each_index(b, rows.count, static_cast<double>(rows.count) * static_cast<double>(features),
                   scale_rows<E, T, Similarity>{dispar::detail::strided_of(from.rows), features, rows.first, from.norm.data(),
                                                how, rows.of, scaled.data() + at * features});
  };
  using part = sample<T, 1, space>;
  const auto segment = [&](index at, index count) { return part{{std::as_const(scaled).view().slice(at, count)}}; };
  for (const meeting& m : meetings) {
    const index n = matrices[static_cast<std::size_t>(m.rows)].count(), k = matrices[static_cast<std::size_t>(m.cols)].count();
    for (index i = 0; i < n; i += step) {
      const band rows{m.rows, i, n - i < step ? n - i : step};
      scale(rows, 0);
      for (index j = m.rows == m.cols ? i : 0; j < k; j += step) {
        const band cols{m.cols, j, k - j < step ? k - j : step};
        const bool square = m.rows == m.cols && i == j;
        const std::array<pair_block, 1> blocks{{{0, square ? 0 : 1, square}}};
        if (square) {
          visit(pack_samples<Metric>(b, std::array{segment(0, rows.count)}), blocks, rows, cols, false);
        } else {
          scale(cols, most);
          visit(pack_samples<Metric>(b, std::array{segment(0, rows.count), segment(most, cols.count)}), blocks, rows, cols,
                m.matched && i == j);
        }
      }
    }
  }
}

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
