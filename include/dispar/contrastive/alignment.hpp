#pragma once

#include <cmath>

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_views.hpp"
#include "dispar/contrastive/similarity.hpp"
#include "dispar/contrastive/sums.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How alignment is made.
template<memory_space S = host>
struct alignment_options {
  double alpha = 2;                 ///< power of the distance, positive
  vector_view<double, S> losses{};  ///< where to write the term of every pair; not wanted by default
};

namespace detail {

/// d_i^2 = |u_i - v_i|^2 of scaled rows, and d_i^alpha.
template<class E, similarity Similarity>
struct alignment_terms {
  strided<const E> x, y;
  index features;
  const double* norm_x;
  const double* norm_y;
  Similarity how;
  double alpha;
  double* square;
  double* term;
  dispar::detail::strided_vector<double> by_pair;
  DISPAR_FN void operator()(index i) const {
    const double fx = how.row_factor(norm_x[i], 0), fy = how.row_factor(norm_y[i], 1);
    const double s = feature_sum(features, [&](index k) {
      const double difference = fx * in_double(x(i, k)) - fy * in_double(y(i, k));
      return difference * difference;
    });
    square[i] = s;
    term[i] = s == 0 ? 0 : std::pow(s, alpha / 2);
    if (by_pair.data) by_pair(i) = term[i];
  }
};

/// The gradient by row i of `own`: with g = weight alpha d^(alpha - 2) (u - v), factor (g - u <u, g>) on the sphere.
template<class E, class T, similarity Similarity>
struct alignment_gradient {
  strided<const E> own, other;
  index features;
  const double* norm_own;
  const double* norm_other;
  Similarity how;
  int side;
  double alpha;
  const double* square;
  double weight;
  const double* upstream;
  bool accumulate;
  strided<T> out;
  DISPAR_FN void operator()(index i) const {
    const double f = how.row_factor(norm_own[i], side), h = how.row_factor(norm_other[i], 1 - side);
    const double s = square[i], slope = s == 0 ? 0 : alpha * std::pow(s, alpha / 2 - 1);
    const auto unit = [&](index k) { return f * in_double(own(i, k)); };
    const auto difference = [&](index k) { return unit(k) - h * in_double(other(i, k)); };
    double along = 0;
    if (how.on_sphere(norm_own[i], side)) along = feature_sum(features, [&](index k) { return unit(k) * difference(k); });
    const double scale = slope * f * (upstream ? weight * *upstream : weight);
    for (index k = 0; k < features; ++k) {
      const double by_row = scale * (difference(k) - along * unit(k));
      out(i, k) = static_cast<T>(accumulate ? static_cast<double>(out(i, k)) + by_row : by_row);
    }
  }
};

}  // namespace detail

/// Alignment: how far apart paired rows lie on the sphere,
///
///     L = mean_i |u_i - v_i|^alpha,    u_i = x_i / |x_i|,  v_i = y_i / |y_i|,
///
/// with another similarity than `cosine` u and v are the rows as that scales them. Gradients are by the rows as they are given;
/// at rows that coincide the gradient is 0, for alpha < 2 too.
///
///     double loss = contrastive::alignment(cpu{}, x, y, contrastive::cosine{}, {.x = gx, .y = gy});
///
/// x, y: n x d of one type, any strides. Defaults: alpha 2, as the paper. Computed in double. Time: O(n d); memory: four numbers
/// per pair. The bits do not depend on the number of threads.
///
/// Throws `invalid_argument` for matrices without rows or columns, shapes that differ, alpha that is not positive and finite, and
/// on the host for NaN or infinity in a row; on a GPU those give NaN. Wang & Isola, ICML 2020, section 4.1.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity>
[[nodiscard]] double alignment(const B& b, const X& x, const Y& y, const Similarity& how, const paired_gradients_of<X>& g = {},
                               const alignment_options<space_of<X>>& o = {}) {
  result<double, B> loss(b);
  alignment(b, x, y, how, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, class R>
void alignment(const B& b, const X& rows_of_x, const Y& rows_of_y, const Similarity& how, const scalar_view<double, R>& out,
               const paired_gradients_of<X>& g = {}, const alignment_options<space_of<X>>& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using S = space_of<X>;
  using space = typename B::space;
  static_assert(std::same_as<E, value_type_of<Y>> && std::same_as<S, space_of<Y>>,
                "dispar: both matrices must have the same element type and memory space");
  static_assert(reachable<R, space>, "dispar: this backend cannot write to that memory");
  const matrix_view<const E, S> x = view_of(rows_of_x), y = view_of(rows_of_y);
  const auto number = [](index n) { return static_cast<double>(n); };
  require(static_cast<bool>(out), "alignment: out", "must not be the null view");
  require(o.alpha > 0 && o.alpha < 1e6, "alignment: alpha", "must be positive and finite", o.alpha);
  require(x.rows() > 0, "alignment: rows of x", "must be at least 1", number(x.rows()));
  require(x.cols() > 0, "alignment: columns of x", "must be at least 1", number(x.cols()));
  require(y.rows() == x.rows(), "alignment: rows of y", "must be those of x", number(y.rows()));
  require(y.cols() == x.cols(), "alignment: columns of y", "must be those of x", number(y.cols()));
  detail::require_like(g.x, x, "alignment: gradient by x");
  detail::require_like(g.y, y, "alignment: gradient by y");
  if (o.losses)
    require(o.losses.size() == x.rows(), "alignment: losses", "must have one entry per pair", number(o.losses.size()));
  const std::array<detail::embeddings<E, B>, 2> both{detail::embeddings<E, B>(b, detail::reached<B>(x)),
                                                     detail::embeddings<E, B>(b, detail::reached<B>(y))};
  detail::require_finite(both[0], "x");
  detail::require_finite(both[1], "y");

  const index pairs = x.rows(), features = x.cols();
  const double work = number(x.size());
  array<double, 2, B> terms(b, {pairs, 1});
  array<double, 1, B> squares(b, {pairs}), sum(b, {1});
  const auto strided_x = dispar::detail::strided_of(both[0].rows), strided_y = dispar::detail::strided_of(both[1].rows);
  for_each_index(
      b, pairs, 4 * work,
      detail::alignment_terms<E, Similarity>{strided_x, strided_y, features, both[0].norm.data(), both[1].norm.data(), how,
                                             o.alpha, squares.data(), terms.data(), dispar::detail::strided_of(o.losses)});
  column_sums(b, std::as_const(terms).view(), vector_view<double, space>(sum.data(), 1));
  in_order(b, detail::mean_of_pairs{sum.data(), number(pairs), out.data()});
  const auto gradient = [&](const matrix_view<T, S>& by, int side) {
    if (!by) return;
    for_each_index(b, pairs, 8 * work,
                   detail::alignment_gradient<E, T, Similarity>{
                       side == 0 ? strided_x : strided_y, side == 0 ? strided_y : strided_x, features,
                       both[static_cast<std::size_t>(side)].norm.data(), both[static_cast<std::size_t>(1 - side)].norm.data(),
                       how, side, o.alpha, squares.data(), g.factor / number(pairs), g.upstream.data(), g.accumulate,
                       dispar::detail::strided_of(detail::reached<B>(by))});
  };
  gradient(g.x, 0);
  gradient(g.y, 1);
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y, similarity Similarity>
[[nodiscard]] double alignment(const X& x, const Y& y, const Similarity& how, const paired_gradients_of<X>& g = {},
                               const alignment_options<space_of<X>>& o = {}) {
  return alignment(B{}, x, y, how, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
