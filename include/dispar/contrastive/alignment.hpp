#pragma once

#include <cmath>

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/paired_rows.hpp"
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

/// d_i^alpha of scaled rows, and the derivative of it by a row's scaled elements over their difference.
template<class E, similarity Similarity>
struct alignment_terms {
  paired_rows<E, Similarity> rows;
  double alpha;
  double* slope;
  double* term;
  dispar::detail::strided_vector<double> by_pair;
  DISPAR_FN void operator()(index i) const {
    const double s = rows.squared_distance(i);
    slope[i] = s == 0 ? 0 : alpha * std::pow(s, alpha / 2 - 1);
    term[i] = s == 0 ? 0 : std::pow(s, alpha / 2);
    if (by_pair.data) by_pair(i) = term[i];
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
void alignment(const B& b, const X& x, const Y& y, const Similarity& how, const scalar_view<double, R>& out,
               const paired_gradients_of<X>& g = {}, const alignment_options<space_of<X>>& o = {}) {
  require(o.alpha > 0 && o.alpha < 1e6, "alignment: alpha", "must be positive and finite", o.alpha);
  const auto both = detail::paired_embeddings<R>(b, x, y, "alignment", out, g, o.losses);
  const auto rows = detail::paired_rows_of(both, how);
  const index pairs = both[0].count();
  array<double, 2, B> terms(b, {pairs, 1});
  array<double, 1, B> slopes(b, {pairs}), sum(b, {1});
  for_each_index(b, pairs, 4 * rows.work(pairs),
                 detail::alignment_terms<value_type_of<X>, Similarity>{rows, o.alpha, slopes.data(), terms.data(),
                                                                       dispar::detail::strided_of(o.losses)});
  column_sums(b, std::as_const(terms).view(), sum.view());
  const auto count = static_cast<double>(pairs);
  in_order(b, detail::mean_of_pairs{sum.data(), count, out.data()});
  detail::paired_difference_gradients(b, rows, pairs, slopes.data(), 1 / count, g);
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y, similarity Similarity>
[[nodiscard]] double alignment(const X& x, const Y& y, const Similarity& how, const paired_gradients_of<X>& g = {},
                               const alignment_options<space_of<X>>& o = {}) {
  return alignment(B{}, x, y, how, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
