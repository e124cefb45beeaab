#pragma once

#include <cmath>

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/classes.hpp"
#include "dispar/contrastive/paired_rows.hpp"
#include "dispar/contrastive/sums.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How the pairwise margin loss is made.
template<memory_space S = host>
struct pairwise_margin_options {
  double margin = 1;                   ///< distance from which on pairs that do not match cost nothing; above 0
  vector_view<double, S> losses{};     ///< where to write the loss of every pair; not wanted by default
  vector_view<double, S> distances{};  ///< where to write the distance of every pair; not wanted by default
};

namespace detail {

template<class E, class L, similarity Similarity>
struct pairwise_margin_terms {
  paired_rows<E, Similarity> rows;
  dispar::detail::strided_vector<const L> match;
  double margin;
  double* slope;  ///< dl / d(u - v) over u - v
  double* term;
  dispar::detail::strided_vector<double> losses, distances;
  DISPAR_FN void operator()(index i) const {
    const double d = std::sqrt(rows.squared_distance(i)), gap = margin - d;
    const bool matched = match(i) != 0;
    const double loss = matched ? d * d / 2 : (gap > 0 ? gap * gap / 2 : (d - d));  // NaN stays
    term[i] = loss;
    slope[i] = matched ? 1 : (gap > 0 && d > 0 ? -gap / d : 0);
    if (losses.data) losses(i) = loss;
    if (distances.data) distances(i) = d;
  }
};

}  // namespace detail

/// The pairwise margin loss: pairs that match are pulled together, the others pushed apart up to a margin,
///
///     L = mean_i 1/2 ( y_i d_i^2 + (1 - y_i) max(m - d_i, 0)^2 ),    d_i = |u_i - v_i|,
///
/// u and v the rows as the similarity scales them: `inner_product` leaves them as they are, the usual form; `cosine` takes unit
/// rows. Gradients are by the rows as they are given; at d = 0 that of a pair that does not match is 0.
///
///     double loss = contrastive::pairwise_margin(cpu{}, x, y, match, contrastive::inner_product{}, {.x = gx, .y = gy});
///
/// x, y: n x d of one type, any strides; `match`: n integers, 0 for pairs that do not match. Computed in double. Time O(n d);
/// memory: four numbers per pair. The bits do not depend on the number of threads. Throws `invalid_argument` for matrices without
/// rows or columns, shapes that differ, a margin that is not positive and finite, and on the host for NaN or infinity in a row;
/// on a GPU those give NaN. Hadsell, Chopra & LeCun, CVPR 2006, equation 4.
template<backend B, sample_matrix X, sample_matrix Y, label_vector L, similarity Similarity>
[[nodiscard]] double pairwise_margin(const B& b, const X& x, const Y& y, const L& match, const Similarity& how,
                                     const paired_gradients_of<X>& g = {}, const pairwise_margin_options<space_of<X>>& o = {}) {
  result<double, B> loss(b);
  pairwise_margin(b, x, y, match, how, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, label_vector L, similarity Similarity, class R>
void pairwise_margin(const B& b, const X& x, const Y& y, const L& match, const Similarity& how, const scalar_view<double, R>& out,
                     const paired_gradients_of<X>& g = {}, const pairwise_margin_options<space_of<X>>& o = {}) {
  using label = value_type_of<L>;
  static_assert(reachable<space_of<L>, typename B::space>, "dispar: this backend cannot reach the labels");
  const vector_view<const label, space_of<L>> labels = view_of(match);
  require(o.margin > 0 && o.margin < 1e300, "pairwise_margin: margin", "must be positive and finite", o.margin);
  const auto both = detail::paired_embeddings<R>(b, x, y, "pairwise_margin", out, g, o.losses);
  const auto rows = detail::paired_rows_of(both, how);
  const index pairs = both[0].count();
  require(labels.size() == pairs, "pairwise_margin: match", "must have one entry per pair", static_cast<double>(labels.size()));
  if (o.distances)
    require(o.distances.size() == pairs, "pairwise_margin: distances", "must have one entry per pair",
            static_cast<double>(o.distances.size()));
  array<double, 2, B> terms(b, {pairs, 1});
  array<double, 1, B> slopes(b, {pairs}), sum(b, {1});
  for_each_index(b, pairs, 2 * rows.work(pairs),
                 detail::pairwise_margin_terms<value_type_of<X>, label, Similarity>{
                     rows, dispar::detail::strided_of(labels), o.margin, slopes.data(), terms.data(),
                     dispar::detail::strided_of(o.losses), dispar::detail::strided_of(o.distances)});
  column_sums(b, std::as_const(terms).view(), sum.view());
  const auto count = static_cast<double>(pairs);
  in_order(b, detail::mean_of_pairs{sum.data(), count, out.data()});
  detail::paired_difference_gradients(b, rows, pairs, slopes.data(), 1 / count, g);
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y, label_vector L, similarity Similarity>
[[nodiscard]] double pairwise_margin(const X& x, const Y& y, const L& match, const Similarity& how,
                                     const paired_gradients_of<X>& g = {}, const pairwise_margin_options<space_of<X>>& o = {}) {
  return pairwise_margin(B{}, x, y, match, how, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
