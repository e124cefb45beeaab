#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_targets.hpp"
#include "dispar/contrastive/gradient_views.hpp"
#include "dispar/contrastive/labelled_rows.hpp"
#include "dispar/contrastive/triplet_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// The batch-hard triplet loss: every row is an anchor, and of all triplets of an anchor, a row of its class and a row of another
/// one, the hardest counts,
///
///     L = mean_i loss(d(i, p_i) - d(i, n_i)),
///     p_i = argmax d(i, j) over j != i with the label of i,    n_i = argmin d(i, j) over j with another label,
///
/// d the Euclidean distance of rows as the similarity scales them (`inner_product`: as they are; `cosine`: unit rows), loss
/// `hinge_margin` (max(gap + m, 0), m = 0.3) or `soft_margin` (softplus(gap)). Rows without one of the two are no anchors; no
/// anchor: value 0. Among equal distances the row with the lowest number is taken. The gradient is by the rows as they are given,
/// p_i and n_i held; it is 0 at distance 0 and at a hinge of exactly 0.
///
///     auto loss = contrastive::triplet(cpu{}, x, labels, contrastive::inner_product{}, contrastive::hinge_margin{0.3},
///                                      {.x = gx});                  // loss.value, .anchors, .nonzero
///
/// x: n x d, any strides; labels: n integers of 32 or 64 bits. Hardest rows are found by squared distances in the type of the
/// rows, added up from differences, so that coincident rows are at distance 0 and ties between points of a grid are exact; the
/// distances that make the loss are computed anew in double. Distances above a quarter of the root of the largest finite number
/// are alike.
///
/// Time: n^2 d / 2 subtractions and multiply-adds on the host (n^2 d on a GPU); the gradient O(n d) more, without atomics.
/// Memory: some numbers per row, and bands of rows as in `uniformity`; with `accumulate` a copy of the gradient. The bits depend
/// on shapes only, not on the number of threads. On a GPU include `dispar/backend/gpu/sort.hpp` too.
///
/// Throws `invalid_argument` for a matrix without rows or columns, labels of another number, views of other shapes, a margin that
/// is not finite, more than 2^24 rows in float, and NaN or infinity in a row (on a GPU at the next wait). Hermans, Beyer & Leibe,
/// "In Defense of the Triplet Loss for Person Re-Identification", 2017, equation 5.
template<backend B, sample_matrix X, label_vector Labels, similarity Similarity = inner_product,
         triplet_margin Margin = hinge_margin>
[[nodiscard]] triplet_loss triplet(const B& b, const X& x, const Labels& labels, const Similarity& how = {},
                                   const Margin& margin = {}, const row_gradient_of<X>& g = {},
                                   const triplet_options<space_of<X>>& o = {}) {
  result<triplet_loss, B> loss(b);
  triplet(b, x, labels, how, margin, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, label_vector Labels, similarity Similarity, triplet_margin Margin, class R>
void triplet(const B& b, const X& rows_of_x, const Labels& labels_of_x, const Similarity& how, const Margin& margin,
             const scalar_view<triplet_loss, R>& out, const row_gradient_of<X>& g = {},
             const triplet_options<space_of<X>>& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using S = space_of<X>;
  using space = typename B::space;
  const matrix_view<const E, S> x = view_of(rows_of_x);
  const auto number = [](index n) { return static_cast<double>(n); };
  margin.check();
  const auto label = detail::labels_of<B>(x, labels_of_x, "triplet", out, g, o);
  if (o.mined) require(o.mined.size() == x.rows(), "triplet: mined", "must have one entry per row", number(o.mined.size()));
  const std::array<detail::embeddings<E, B>, 1> matrices{detail::embeddings<E, B>(b, detail::reached<B>(x))};
  detail::require_finite(matrices[0], "x");

  const index n = x.rows(), features = x.cols();
  const double work = number(x.size());
  const detail::row_classes<B> classes(b, label);
  const array<T, 1, B> operand = classes.template operand<T>(b);
  using farthest = row_extremum<0, folds::largest_first, space>;
  using nearest = row_extremum<1, folds::smallest_first, space>;
  array<folds::ranked<double>, 1, B> positives(b, {n}), negatives(b, {n});
  for_each_index(b, n, detail::clear_extrema<folds::largest_first>{positives.data()});
  for_each_index(b, n, detail::clear_extrema<folds::smallest_first>{negatives.data()});
  const std::array<detail::meeting, 1> met{{{0, 0}}};
  detail::for_each_band_pair<detail::squared_differences<false>>(
      b, matrices, how, met, o.band_rows,
      [&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
        const index rows = data.rows();
        array<T, 1, B> own(b, {rows});
        for_each_index(b, rows,
                       detail::gather_operands<T>{operand.data() + r.first, operand.data() + c.first, r.count, own.data()});
        const std::array<vector_view<const T, space>, 1> by_row{{{own.data(), rows}}};
        array<folds::ranked<double>, 2, B> far(b, {rows, 1}), near(b, {rows, 1});
        pairwise(b, data, detail::squares_by_class<T>{}, blocks, std::span<const vector_view<const T, space>>(by_row),
                 farthest{far.view()}, nearest{near.view()});
        for_each_index(b, rows,
                       detail::merge_extrema<folds::largest_first>{far.data(), positives.data() + r.first,
                                                                   positives.data() + c.first, r.count, r.first, c.first});
        for_each_index(b, rows,
                       detail::merge_extrema<folds::smallest_first>{near.data(), negatives.data() + r.first,
                                                                    negatives.data() + c.first, r.count, r.first, c.first});
      });

  const auto strided_x = dispar::detail::strided_of(matrices[0].rows);
  array<hardest_rows, 1, B> mined(b, {n});
  array<double, 2, B> terms(b, {n, 3}), slopes(b, {n, 2});
  array<double, 1, B> sums(b, {3});
  for_each_index(b, n, 6 * work,
                 detail::triplet_terms<E, Similarity, Margin>{
                     strided_x, features, matrices[0].norm.data(), how, margin, positives.data(), negatives.data(), mined.data(),
                     terms.data(), slopes.data(), dispar::detail::strided_of(o.losses), dispar::detail::strided_of(o.mined)});
  column_sums(b, std::as_const(terms).view(), sums.view());
  const detail::triplet_weight each{sums.data(), o.reduce == reduction::mean, o.nonzero_only};
  in_order(b, detail::finish_triplet{each, out.data()});
  if (!g.x) return;

  const detail::gradient_targets<B, T, S, 1> targets(b, {g.x}, g.accumulate);
  detail::pull_chosen_rows(b, matrices[0], how, mined.data(), slopes.data(), each, targets.of({0, 0, n}));
  targets.finish(b, matrices, how, nullptr, g.factor, g.upstream.data());
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, label_vector Labels, similarity Similarity = inner_product,
         triplet_margin Margin = hinge_margin>
[[nodiscard]] triplet_loss triplet(const X& x, const Labels& labels, const Similarity& how = {}, const Margin& margin = {},
                                   const row_gradient_of<X>& g = {}, const triplet_options<space_of<X>>& o = {}) {
  return triplet(B{}, x, labels, how, margin, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
