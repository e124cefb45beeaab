#pragma once

#include <cmath>

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_views.hpp"
#include "dispar/contrastive/softmax_terms.hpp"
#include "dispar/core/logistic.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How the contrast of models is made.
template<memory_space S = host>
struct model_contrast_options {
  double temperature = 0.5;         ///< above 0; MOON and CreamFL
  vector_view<double, S> losses{};  ///< where to write the loss of every row; not wanted by default
};

namespace detail {

/// The similarities of row i with its positive and its negative, and what the loss makes of them.
template<class E, similarity Similarity>
struct model_contrast_terms {
  strided<const E> x, positive, negative;
  index features;
  const double* norm_x;
  const double* norm_positive;
  const double* norm_negative;
  Similarity how;
  double scale, rows;
  double* term;   ///< softplus(z_i), z = scale (s(x, negative) - s(x, positive))
  double* slope;  ///< dL / dz_i
  strided_vector<double> by_row;
  DISPAR_FN void operator()(index i) const {
    const double fx = how.row_factor(norm_x[i], 0), fp = how.row_factor(norm_positive[i], 1),
                 fn = how.row_factor(norm_negative[i], 2);
    const double z = scale * feature_sum(features, [&](index k) {
                       return fx * in_double(x(i, k)) * (fn * in_double(negative(i, k)) - fp * in_double(positive(i, k)));
                     });
    term[i] = softplus(z);
    slope[i] = sigmoid(z) / rows;
    if (by_row.data) by_row(i) = term[i];
  }
};

/// The gradient by row i: with g = slope scale (v_negative - v_positive), factor (g - u <u, g>) on the sphere.
template<class E, class T, similarity Similarity>
struct model_contrast_gradient {
  model_contrast_terms<E, Similarity> of;
  double factor;
  const double* upstream;
  bool accumulate;
  strided<T> out;
  DISPAR_FN void operator()(index i) const {
    const double fx = of.how.row_factor(of.norm_x[i], 0), fp = of.how.row_factor(of.norm_positive[i], 1),
                 fn = of.how.row_factor(of.norm_negative[i], 2);
    const auto unit = [&](index k) { return fx * in_double(of.x(i, k)); };
    const auto apart = [&](index k) { return fn * in_double(of.negative(i, k)) - fp * in_double(of.positive(i, k)); };
    double along = 0;
    if (of.how.on_sphere(of.norm_x[i], 0)) along = feature_sum(of.features, [&](index k) { return unit(k) * apart(k); });
    const double weight = of.slope[i] * of.scale * fx * (upstream ? factor * *upstream : factor);
    for (index k = 0; k < of.features; ++k) {
      const double by_row = weight * (apart(k) - along * unit(k));
      out(i, k) = static_cast<T>(accumulate ? static_cast<double>(out(i, k)) + by_row : by_row);
    }
  }
};

}  // namespace detail

/// Model contrast: every row shall lie nearer to its row of one model than to that of another,
///
///     L = mean_i softplus( (s(x_i, n_i) - s(x_i, p_i)) / tau )
///       = mean_i -log( exp(s(x_i, p_i) / tau) / (exp(s(x_i, p_i) / tau) + exp(s(x_i, n_i) / tau)) ):
///
/// MOON's loss, and CreamFL's contrast within a modality, where x are a client's vectors, p the server's and n those of the
/// client as it was when the round began. The gradient is by x as it is given; p and n are constants. Where p equals n the loss
/// is log 2 and the gradient 0.
///
///     double loss = contrastive::model_contrast(cpu{}, x, positive, negative, contrastive::cosine{}, {.x = gx});
///
/// All n x d of one type, any strides. Computed in double. Time O(n d); memory: five numbers per row. The bits do not depend on
/// the number of threads. Throws `invalid_argument` for matrices without rows or columns, shapes that differ, a temperature that
/// is not above 0, and on the host for NaN or infinity in a row; on a GPU those give NaN. Li, He & Song, CVPR 2021, equation 3;
/// Yu et al., ICLR 2023 (arXiv 2302.08888).
template<backend B, sample_matrix X, sample_matrix P, sample_matrix N, similarity Similarity>
[[nodiscard]] double model_contrast(const B& b, const X& x, const P& positive, const N& negative, const Similarity& how,
                                    const row_gradient_of<X>& g = {}, const model_contrast_options<space_of<X>>& o = {}) {
  result<double, B> loss(b);
  model_contrast(b, x, positive, negative, how, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix P, sample_matrix N, similarity Similarity, class R>
void model_contrast(const B& b, const X& rows_of_x, const P& positive, const N& negative, const Similarity& how,
                    const scalar_view<double, R>& out, const row_gradient_of<X>& g = {},
                    const model_contrast_options<space_of<X>>& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using S = space_of<X>;
  static_assert(std::same_as<E, value_type_of<P>> && std::same_as<S, space_of<P>> && std::same_as<E, value_type_of<N>> &&
                    std::same_as<S, space_of<N>>,
                "dispar: all matrices must have the same element type and memory space");
  static_assert(reachable<R, typename B::space>, "dispar: this backend cannot write to that memory");
  const std::array<matrix_view<const E, S>, 3> given{view_of(rows_of_x), view_of(positive), view_of(negative)};
  const auto number = [](index n) { return static_cast<double>(n); };
  const index rows = given[0].rows(), features = given[0].cols();
  require(static_cast<bool>(out), "model_contrast: out", "must not be the null view");
  require(o.temperature > 0, "model_contrast: temperature", "must be above 0", o.temperature);
  require(rows > 0 && features > 0, "model_contrast: x", "must have rows and columns", number(rows));
  for (const auto& other : given)
    require(other.rows() == rows && other.cols() == features, "model_contrast: positive and negative", "must have the shape of x",
            number(other.rows()));
  detail::require_like(g.x, given[0], "model_contrast: gradient by x");
  if (o.losses)
    require(o.losses.size() == rows, "model_contrast: losses", "must have one entry per row", number(o.losses.size()));
  std::array<detail::embeddings<E, B>, 3> all{};
  for (std::size_t m = 0; m < all.size(); ++m) all[m] = detail::embeddings<E, B>(b, detail::reached<B>(given[m]));
  detail::require_finite(all[0], "x");
  detail::require_finite(all[1], "positive");
  detail::require_finite(all[2], "negative");

  const double work = number(given[0].size());
  array<double, 2, B> terms(b, {rows, 1});
  array<double, 1, B> slopes(b, {rows}), sum(b, {1});
  const detail::model_contrast_terms<E, Similarity> step{dispar::detail::strided_of(all[0].rows),
                                                         dispar::detail::strided_of(all[1].rows),
                                                         dispar::detail::strided_of(all[2].rows),
                                                         features,
                                                         all[0].norm.data(),
                                                         all[1].norm.data(),
                                                         all[2].norm.data(),
                                                         how,
                                                         1 / o.temperature,
                                                         number(rows),
                                                         terms.data(),
                                                         slopes.data(),
                                                         dispar::detail::strided_of(o.losses)};
  for_each_index(b, rows, 6 * work, step);
  column_sums(b, std::as_const(terms).view(), sum.view());
  in_order(b, detail::mean_of_pairs{sum.data(), number(rows), out.data()});
  if (g.x)
    for_each_index(b, rows, 8 * work,
                   detail::model_contrast_gradient<E, T, Similarity>{step, g.factor, g.upstream.data(), g.accumulate,
                                                                     dispar::detail::strided_of(detail::reached<B>(g.x))});
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix P, sample_matrix N, similarity Similarity>
[[nodiscard]] double model_contrast(const X& x, const P& positive, const N& negative, const Similarity& how,
                                    const row_gradient_of<X>& g = {}, const model_contrast_options<space_of<X>>& o = {}) {
  return model_contrast(B{}, x, positive, negative, how, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
