#pragma once

#include <cmath>

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_targets.hpp"
#include "dispar/contrastive/gradient_views.hpp"
#include "dispar/contrastive/labelled_rows.hpp"
#include "dispar/contrastive/weighted_triplet_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How the modality-shared enhancement loss is made.
template<memory_space S = host>
struct modality_enhancement_options {
  index rows_per_identity = 4;         ///< of each modality, at least 2; 4 in the paper
  reduction reduce = reduction::mean;  ///< over the rows of both modalities
  vector_view<double, S> losses{};     ///< where to write the term of every row, those of x first; not wanted by default
};

namespace detail {

/// Rows of two modalities, numbered through, as the similarity scales them.
template<class E, similarity Similarity>
struct modality_rows {
  strided<const E> x, y;
  const double* norm_x;
  const double* norm_y;
  index first_of_y, features;
  Similarity how;
  [[nodiscard]] DISPAR_FN bool in_x(index row) const { return row < first_of_y; }
  [[nodiscard]] DISPAR_FN double factor(index row) const {
    return in_x(row) ? how.row_factor(norm_x[row], 0) : how.row_factor(norm_y[row - first_of_y], 1);
  }
  [[nodiscard]] DISPAR_FN double element(index row, index k) const {
    return in_x(row) ? in_double(x(row, k)) : in_double(y(row - first_of_y, k));
  }
};

/// Distances of row i to the rows of its identity, in the order of the class, and its term: (cross - intra)^2.
template<class E, similarity Similarity>
struct modality_gaps {
  modality_rows<E, Similarity> rows;
  class_table classes;
  index each_side;    ///< rows of an identity in each modality
  double* distances;  ///< rows x 2 each_side
  double* gaps;       ///< cross - intra
  double* terms;
  strided_vector<double> by_row;
  DISPAR_FN void operator()(index i) const {
    double sum[2] = {};  // of the other modality, of its own
    if (complete(i)) {
      const double own = rows.factor(i);
      for (index m = 0; m < 2 * each_side; ++m) {
        const index j = classes.members[classes.first[i] + m];
        const double other = rows.factor(j);
        const double square = feature_sum(rows.features, [&](index k) {
          const double gap = own * rows.element(i, k) - other * rows.element(j, k);
          return gap * gap;
        });
        const double d = std::sqrt(square > least_square ? square : least_square);
        distances[i * 2 * each_side + m] = d;
        if (j != i) sum[rows.in_x(i) == rows.in_x(j) ? 1 : 0] += d;
      }
    }
    const auto count = static_cast<double>(each_side);
    gaps[i] = complete(i) ? sum[0] / count - sum[1] / (count - 1) : quiet_nan<double>();
    terms[i] = gaps[i] * gaps[i];
    if (by_row.data) by_row(i) = terms[i];
  }
  [[nodiscard]] DISPAR_FN bool complete(index i) const {
    return classes.size[i] == 2 * each_side && classes.below(i, rows.first_of_y) == each_side;
  }
};

/// The gradient by scaled rows, a piece of features at a time. Of d(i, j) both rows' terms have a part.
template<class E, class T, similarity Similarity>
struct modality_gradient {
  modality_rows<E, Similarity> rows;
  class_table classes;
  index each_side;
  const double* distances;
  const double* gaps;
  double each;
  index first, pieces;  ///< number of the first row of `out`
  strided<T> out;
  DISPAR_FN void operator()(index at) const {
    const index row = first + at / pieces, begin = at % pieces * features_per_piece, left = rows.features - begin;
    const int count = static_cast<int>(left < features_per_piece ? left : features_per_piece);
    double own[features_per_piece], sum[features_per_piece] = {};
    const double factor = rows.factor(row);
    for (int k = 0; k < count; ++k) own[k] = factor * rows.element(row, begin + k);
    // An identity without its rows makes the loss NaN: no member is read that is not there.
    const index members = is_nan(gaps[row]) ? 0 : 2 * each_side;
    for (index m = 0; m < members; ++m) {
      const index j = classes.members[classes.first[row] + m];
      const double d = distances[row * 2 * each_side + m];
      if (j == row || !(d > self_distance)) continue;
      const auto partners = static_cast<double>(each_side);
      const double share = rows.in_x(row) == rows.in_x(j) ? -1 / (partners - 1) : 1 / partners;
      const double slope = 2 * each * (gaps[row] + gaps[j]) * share / d, f = rows.factor(j);
      for (int k = 0; k < count; ++k) sum[k] += slope * (own[k] - f * rows.element(j, begin + k));
    }
    for (int k = 0; k < count; ++k) out(row - first, begin + k) = static_cast<T>(members > 0 ? sum[k] : quiet_nan<double>());
  }
};

}  // namespace detail

/// The modality-shared enhancement loss of CSDN: a row shall be as far from the rows of its identity in the other modality as it
/// is from those in its own,
///
///     L = mean_i (cross_i - intra_i)^2 over the rows i of x and of y,
///     cross_i = mean d_ij over the K rows j of the identity in the other modality,
///     intra_i = mean d_ij over the K - 1 other rows j of the identity in its own,    d_ij = sqrt(max(|u_i - u_j|^2, 1e-12)),
///
/// u the rows as the similarity scales them (`inner_product`: as they are, as in the released code). Its K - 1 largest distances
/// of the own modality are these: that of a row to itself is the smallest there can be. Gradients are by the rows as they are
/// given; a distance at its floor has the gradient 0.
///
///     double loss = contrastive::modality_enhancement(cpu{}, visible, infrared, labels, labels, contrastive::inner_product{},
///                                                     {.x = gv, .y = gi}, {.rows_per_identity = 4});
///
/// x, y: n x d of one type, any strides and any order of rows; labels: n integers each, of 32 or 64 bits. Every label must occur
/// exactly K = `rows_per_identity` times in either; K = 4 as in the paper. Computed in double.
///
/// Time: O(n K d), since only rows of one identity meet. Memory: 2 K numbers per row. The bits do not depend on the number of
/// threads. On a GPU include `dispar/backend/gpu/sort.hpp` too.
///
/// Throws `invalid_argument` for matrices without rows or columns, shapes and labels that do not fit, K below 2, a label that
/// does not occur K times in either modality, and NaN or infinity in a row; on a GPU the last two give NaN instead. "CLIP-Driven
/// Semantic Discovery Network for Visible-Infrared Person Re-Identification", IEEE TMM 2025, arXiv 2401.05806; `MSEL` of its
/// code.
template<backend B, sample_matrix X, sample_matrix Y, label_vector LX, label_vector LY, similarity Similarity = inner_product>
[[nodiscard]] double modality_enhancement(const B& b, const X& x, const Y& y, const LX& labels_of_x, const LY& labels_of_y,
                                          const Similarity& how = {}, const paired_gradients_of<X>& g = {},
                                          const modality_enhancement_options<space_of<X>>& o = {}) {
  result<double, B> loss(b);
  modality_enhancement(b, x, y, labels_of_x, labels_of_y, how, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, label_vector LX, label_vector LY, similarity Similarity, class R>
void modality_enhancement(const B& b, const X& rows_of_x, const Y& rows_of_y, const LX& labels_of_x, const LY& labels_of_y,
                          const Similarity& how, const scalar_view<double, R>& out, const paired_gradients_of<X>& g = {},
                          const modality_enhancement_options<space_of<X>>& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using S = space_of<X>;
  static_assert(std::same_as<E, value_type_of<Y>> && std::same_as<S, space_of<Y>>,
                "dispar: both matrices must have the same element type and memory space");
  static_assert(std::same_as<value_type_of<LX>, value_type_of<LY>>, "dispar: both vectors of labels must have the same type");
  static_assert(reachable<R, typename B::space>, "dispar: this backend cannot write to that memory");
  const matrix_view<const E, S> x = view_of(rows_of_x), y = view_of(rows_of_y);
  const auto number = [](index n) { return static_cast<double>(n); };
  require(static_cast<bool>(out), "modality_enhancement: out", "must not be the null view");
  const auto label_x = detail::labels_of<B>(x, labels_of_x, "modality_enhancement: x");
  const auto label_y = detail::labels_of<B>(y, labels_of_y, "modality_enhancement: y");
  const index each_side = o.rows_per_identity, n = x.rows() + y.rows(), features = x.cols();
  require(each_side >= 2, "modality_enhancement: rows_per_identity", "must be at least 2", number(each_side));
  require(y.rows() == x.rows(), "modality_enhancement: rows of y", "must be those of x", number(y.rows()));
  require(y.cols() == features, "modality_enhancement: columns of y", "must be those of x", number(y.cols()));
  detail::require_like(g.x, x, "modality_enhancement: gradient by x");
  detail::require_like(g.y, y, "modality_enhancement: gradient by y");
  if (o.losses)
    require(o.losses.size() == n, "modality_enhancement: losses", "must have one entry per row of both", number(o.losses.size()));
  const std::array<detail::embeddings<E, B>, 2> both{detail::embeddings<E, B>(b, detail::reached<B>(x)),
                                                     detail::embeddings<E, B>(b, detail::reached<B>(y))};
  detail::require_finite(both[0], "x");
  detail::require_finite(both[1], "y");
  const detail::row_classes<B> classes(b, std::array{label_x[0], label_y[0]});

  const double work = 2 * number(each_side) * number(n) * number(features),
               each = o.reduce == reduction::mean ? 1 / number(n) : 1;
  array<double, 2, B> distances(b, {n, 2 * each_side}), terms(b, {n, 1});
  array<double, 1, B> gaps(b, {n}), sum(b, {1});
  const detail::modality_rows<E, Similarity> rows{dispar::detail::strided_of(both[0].rows),
                                                  dispar::detail::strided_of(both[1].rows),
                                                  both[0].norm.data(),
                                                  both[1].norm.data(),
                                                  x.rows(),
                                                  features,
                                                  how};
  const detail::modality_gaps<E, Similarity> gap{
      rows, classes.table(), each_side, distances.data(), gaps.data(), terms.data(), dispar::detail::strided_of(o.losses)};
  if constexpr (std::same_as<typename B::space, host>)
    for (index i = 0; i < n; ++i)
      require(gap.complete(i), "modality_enhancement: labels", "must occur rows_per_identity times in either modality",
              number(classes.table().size[i]));
  for_each_index(b, n, work, gap);
  column_sums(b, std::as_const(terms).view(), sum.view());
  in_order(b, detail::scaled_sum{sum.data(), each, out.data()});

  const detail::gradient_targets<B, T, S, 2> targets(b, {g.x, g.y}, g.accumulate);
  const index pieces = (features + detail::features_per_piece - 1) / detail::features_per_piece;
  for (int side = 0; side < 2; ++side) {
    const auto to = targets.of({side, 0, x.rows()});
    if (!to) continue;
    for_each_index(b, x.rows() * pieces, work,
                   detail::modality_gradient<E, T, Similarity>{rows, classes.table(), each_side, distances.data(), gaps.data(),
                                                               each, side * x.rows(), pieces, dispar::detail::strided_of(to)});
  }
  targets.finish(b, both, how, nullptr, g.factor, g.upstream.data());
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y, label_vector LX, label_vector LY,
         similarity Similarity = inner_product>
[[nodiscard]] double modality_enhancement(const X& x, const Y& y, const LX& labels_of_x, const LY& labels_of_y,
                                          const Similarity& how = {}, const paired_gradients_of<X>& g = {},
                                          const modality_enhancement_options<space_of<X>>& o = {}) {
  return modality_enhancement(B{}, x, y, labels_of_x, labels_of_y, how, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
