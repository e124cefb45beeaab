#pragma once
/// \file
/// Losses of the distance of matched rows alone: row i of one matrix and row i of another.

#include "dispar/backend/strided_vector.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_views.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

/// Matched rows as steps see them.
template<class E, similarity Similarity>
struct paired_rows {
  strided<const E> x, y;
  index features;
  const double* norm_x;
  const double* norm_y;
  Similarity how;
  /// |u_i - v_i|^2 of scaled rows, in double and by differences: near rows keep their digits.
  [[nodiscard]] DISPAR_FN double squared_distance(index i) const {
    const double fx = how.row_factor(norm_x[i], 0), fy = how.row_factor(norm_y[i], 1);
    return feature_sum(features, [&](index k) {
      const double difference = fx * in_double(x(i, k)) - fy * in_double(y(i, k));
      return difference * difference;
    });
  }
  /// The same pairs with the matrices exchanged.
  [[nodiscard]] paired_rows exchanged() const { return {y, x, features, norm_y, norm_x, how}; }
  /// Elements of a matrix of so many pairs.
  [[nodiscard]] double work(index pairs) const { return static_cast<double>(pairs) * static_cast<double>(features); }
};
template<class E, backend B, similarity Similarity>
[[nodiscard]] paired_rows<E, Similarity> paired_rows_of(const std::array<embeddings<E, B>, 2>& both, const Similarity& how) {
  return {dispar::detail::strided_of(both[0].rows),
          dispar::detail::strided_of(both[1].rows),
          both[0].rows.cols(),
          both[0].norm.data(),
          both[1].norm.data(),
          how};
}

/// The gradient by row i of x: with g = weight slope_i (u - v), factor (g - u <u, g>) on the sphere.
template<class E, class T, similarity Similarity>
struct paired_difference_gradient {
  paired_rows<E, Similarity> rows;
  int side;  ///< of x
  const double* slope;
  double weight;
  const double* upstream;
  bool accumulate;
  strided<T> out;
  DISPAR_FN void operator()(index i) const {
    const double f = rows.how.row_factor(rows.norm_x[i], side), h = rows.how.row_factor(rows.norm_y[i], 1 - side);
    const auto unit = [&](index k) { return f * in_double(rows.x(i, k)); };
    const auto difference = [&](index k) { return unit(k) - h * in_double(rows.y(i, k)); };
    double along = 0;
    if (rows.how.on_sphere(rows.norm_x[i], side))
      along = feature_sum(rows.features, [&](index k) { return unit(k) * difference(k); });
    const double scale = slope[i] * f * (upstream ? weight * *upstream : weight);
    for (index k = 0; k < rows.features; ++k) {
      const double by_row = scale * (difference(k) - along * unit(k));
      out(i, k) = static_cast<T>(accumulate ? static_cast<double>(out(i, k)) + by_row : by_row);
    }
  }
};
/// Both gradients, where wanted.
template<backend B, class E, class T, memory_space S, similarity Similarity>
void paired_difference_gradients(const B& b, const paired_rows<E, Similarity>& rows, index pairs, const double* slope,
                                 double weight, const paired_gradients<T, S>& g) {
  const auto by = [&](const paired_rows<E, Similarity>& of, int side, const matrix_view<T, S>& view) {
    if (view)
      for_each_index(b, pairs, 8 * rows.work(pairs),
                     paired_difference_gradient<E, T, Similarity>{of, side, slope, g.factor * weight, g.upstream.data(),
                                                                  g.accumulate, dispar::detail::strided_of(reached<B>(view))});
  };
  by(rows, 0, g.x);
  by(rows.exchanged(), 1, g.y);
}

/// Checks arguments, measures rows.
template<class R, backend B, sample_matrix X, sample_matrix Y>
[[nodiscard]] auto paired_embeddings(const B& b, const X& rows_of_x, const Y& rows_of_y, const char* loss,
                                     const scalar_view<double, R>& out, const paired_gradients_of<X>& g,
                                     const vector_view<double, space_of<X>>& by_pair) {
  using E = value_type_of<X>;
  const auto [x, y] = matched_views<B>(loss, rows_of_x, rows_of_y, out, g);
  if (by_pair)
    require(by_pair.size() == x.rows(), (std::string(loss) + ": numbers by pair").c_str(), "must be one per pair",
            static_cast<double>(by_pair.size()));
  std::array<embeddings<E, B>, 2> both{embeddings<E, B>(b, reached<B>(x)), embeddings<E, B>(b, reached<B>(y))};
  require_finite(both[0], "x");
  require_finite(both[1], "y");
  return both;
}

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
