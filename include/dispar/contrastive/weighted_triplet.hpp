#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_targets.hpp"
#include "dispar/contrastive/gradient_views.hpp"
#include "dispar/contrastive/labelled_rows.hpp"
#include "dispar/contrastive/weighted_triplet_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// The weighted regularisation triplet loss: every row against all rows of its class and all others, far positives and near
/// negatives weighing most,
///
///     L = mean_i softplus(sum_j wp_ij d_ij - sum_j wn_ij d_ij),    d_ij = sqrt(max(|u_i - u_j|^2, 1e-12)),
///     wp_ij = exp(d_ij - M_i) / (sum_k exp(d_ik - M_i) + e) over the rows k of the class of i, i itself among them, M_i the
///             largest of these distances,
///     wn_ij = exp(-d_ij) / (sum_k exp(-d_ik) + e) over all other rows,
///
/// u the rows as the similarity scales them (`inner_product`: as they are; `cosine`: unit rows). e = 1e-6 as in the released
/// code, whose negatives therefore weigh nothing once all are farther than about 14; with `.released_floor = false` e = 0, and
/// the sums are taken relative to the nearest negative. The weights have their part in the gradient, which is by the rows as they
/// are given; a distance at its floor has the gradient 0. A row without negatives has the weighted negative distance 0.
///
///     double loss = contrastive::weighted_triplet(cpu{}, x, labels, contrastive::inner_product{}, {.x = gx});
///
/// x: n x d, any strides; labels: n integers of 32 or 64 bits. Distances in the type of the rows, added up from differences; the
/// sums by log-sum-exp in double. Accuracy in float: 1e-6 times the largest distance.
///
/// Time: n^2 d / 2 subtractions and multiply-adds for the value (n^2 d on a GPU), three times that with the gradient. Memory:
/// some numbers per row, bands of rows and kept distances as in `uniformity`. The bits depend on shapes only, not on the number
/// of threads. On a GPU include `dispar/backend/gpu/sort.hpp` too.
///
/// Throws `invalid_argument` for a matrix without rows or columns, labels of another number, views of other shapes, more than
/// 2^24 rows in float, and NaN or infinity in a row (on a GPU at the next wait). Ye, Shen, Lin, Xiang, Shao & Hoi, "Deep Learning
/// for Person Re-Identification: A Survey and Outlook", IEEE TPAMI 2022, section 4; `TripletLoss_WRT` of CSDN, IEEE TMM 2025.
template<backend B, sample_matrix X, label_vector Labels, similarity Similarity = inner_product>
[[nodiscard]] double weighted_triplet(const B& b, const X& x, const Labels& labels, const Similarity& how = {},
                                      const row_gradient_of<X>& g = {}, const weighted_triplet_options<space_of<X>>& o = {}) {
  result<double, B> loss(b);
  weighted_triplet(b, x, labels, how, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, label_vector Labels, similarity Similarity, class R>
void weighted_triplet(const B& b, const X& rows_of_x, const Labels& labels_of_x, const Similarity& how,
                      const scalar_view<double, R>& out, const row_gradient_of<X>& g = {},
                      const weighted_triplet_options<space_of<X>>& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using S = space_of<X>;
  using space = typename B::space;
  const matrix_view<const E, S> x = view_of(rows_of_x);
  const auto number = [](index n) { return static_cast<double>(n); };
  const auto label = detail::labels_of<B>(x, labels_of_x, "weighted_triplet", out, g, o);
  const std::array<detail::embeddings<E, B>, 1> matrices{detail::embeddings<E, B>(b, detail::reached<B>(x))};
  detail::require_finite(matrices[0], "x");

  const index n = x.rows();
  const detail::row_classes<B> classes(b, label);
  const array<T, 1, B> class_numbers = classes.template operand<T>(b);
  array<T, 2, B> operands(b, {detail::weight_operands - 1, n});
  array<detail::log_sum_exp_state, 2, B> states(b, {4, n});
  for_each_index(b, 4 * n, detail::clear_states{states.data()});
  array<folds::ranked<double>, 1, B> farthest(b, {n});
  for_each_index(b, n, detail::clear_extrema<folds::largest_first>{farthest.data()});
  const auto gathered = [&](const auto& data, const detail::band& r, const detail::band& c, index count) {
    array<T, 2, B> own(b, {count, data.rows()});
    for (index k = 0; k < count; ++k) {
      const T* const from = k == detail::class_of_row ? class_numbers.data() : operands.data() + (k - 1) * n;
      for_each_index(b, data.rows(),
                     detail::gather_operands<T>{from + r.first, from + c.first, r.count, own.data() + k * data.rows()});
    }
    return own;
  };
  const std::array<detail::meeting, 1> met{{{0, 0}}};
  auto passes =
      detail::passes_over_bands<detail::squared_differences<true>>(b, matrices, how, met, o.band_rows, static_cast<bool>(g.x));
  passes.for_each([&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
    const index rows = data.rows();
    const array<T, 2, B> of_band = gathered(data, r, c, 1);
    const std::array<vector_view<const T, space>, 1> by_row{{{of_band.data(), rows}}};
    array<detail::log_sum_exp_state, 3, B> own(b, {4, rows, 1});
    array<folds::ranked<double>, 2, B> far(b, {rows, 1});
    const auto state = [&](index k) { return matrix_view<detail::log_sum_exp_state, space>(own.data() + k * rows, rows, 1); };
    pairwise(b, data, detail::weight_exponents<T>{}, blocks, std::span<const vector_view<const T, space>>(by_row),
             row_log_sum_exp<0, space>{state(0)}, row_log_sum_exp<1, space>{state(1)}, row_log_sum_exp<2, space>{state(2)},
             row_log_sum_exp<3, space>{state(3)}, row_extremum<0, folds::largest_first, space>{far.view()});
    for (index k = 0; k < 4; ++k)
      for_each_index(
          b, rows,
          detail::merge_states{own.data() + k * rows, states.data() + k * n + r.first, states.data() + k * n + c.first, r.count});
    for_each_index(b, rows,
                   detail::merge_extrema<folds::largest_first>{far.data(), farthest.data() + r.first, farthest.data() + c.first,
                                                               r.count, r.first, c.first});
  });

  const double each = o.reduce == reduction::mean ? 1 / number(n) : 1;
  array<double, 2, B> terms(b, {n, 1}), slopes(b, {n, 2});
  array<double, 1, B> sum(b, {1});
  array<hardest_rows, 1, B> pulled(b, {n});
  for_each_index(
      b, n,
      detail::weighted_triplet_rows<T>{states.data(), farthest.data(), n, o.released_floor, each, terms.data(),
                                       dispar::detail::strided_of(o.losses), operands.data(), pulled.data(), slopes.data()});
  column_sums(b, std::as_const(terms).view(), sum.view());
  in_order(b, detail::scaled_sum{sum.data(), each, out.data()});
  if (!g.x) return;

  const detail::gradient_targets<B, T, S, 1> targets(b, {g.x}, g.accumulate);
  if (o.released_floor)
    detail::pull_chosen_rows(b, matrices[0], how, pulled.data(), slopes.data(), {nullptr, false, false}, targets.of({0, 0, n}));
  passes.for_each([&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
    const index rows = data.rows();
    const array<T, 2, B> of_band = gathered(data, r, c, detail::weight_operands);
    std::array<vector_view<const T, space>, detail::weight_operands> by_row;
    for (std::size_t k = 0; k < by_row.size(); ++k)
      by_row[k] = vector_view<const T, space>(of_band.data() + static_cast<index>(k) * rows, rows);
    const bool square = data.segments() == 1;
    pairwise(b, data, detail::weighted_triplet_slopes<T>{}, blocks, std::span<const vector_view<const T, space>>(by_row),
             feature_gradient<0, 0, T, 2, space>{{targets.of(r), square ? matrix_view<T, space>{} : targets.of(c)}, 1, true});
  });
  targets.finish(b, matrices, how, nullptr, g.factor, g.upstream.data());
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, label_vector Labels, similarity Similarity = inner_product>
[[nodiscard]] double weighted_triplet(const X& x, const Labels& labels, const Similarity& how = {},
                                      const row_gradient_of<X>& g = {}, const weighted_triplet_options<space_of<X>>& o = {}) {
  return weighted_triplet(B{}, x, labels, how, g, o);
}

/// The distances and weights themselves, for those who want to see them: the loss never stores them.
///
///     contrastive::weighted_triplet_weights(cpu{}, x, labels, contrastive::inner_product{}, {.positives = wp, .negatives = wn});
///
/// Computed in double, from differences, in memory of the backend; returns at once on a GPU. Time O(n^2 d), no memory. Throws as
/// `weighted_triplet`, and for matrices that are not n x n.
template<backend B, sample_matrix X, label_vector Labels, similarity Similarity>
void weighted_triplet_weights(const B& b, const X& rows_of_x, const Labels& labels_of_x, const Similarity& how,
                              const weighted_triplet_matrices<space_of<X>>& out,
                              const weighted_triplet_options<space_of<X>>& o = {}) {
  using E = value_type_of<X>;
  const matrix_view<const E, space_of<X>> x = view_of(rows_of_x);
  const auto label = detail::labels_of<B>(x, labels_of_x, "weighted_triplet");
  const index n = x.rows();
  for (const auto* to : std::array{&out.distances, &out.positives, &out.negatives})
    if (*to)
      require(to->rows() == n && to->cols() == n, "weighted_triplet_weights: out", "must be rows x rows",
              static_cast<double>(to->rows()));
  const detail::embeddings<E, B> rows(b, detail::reached<B>(x));
  detail::require_finite(rows, "x");
  const detail::row_classes<B> classes(b, label);
  const auto strided_out = [](const auto& view) { return dispar::detail::strided_of(detail::reached<B>(view)); };
  for_each_index(b, n, 2 * static_cast<double>(n) * static_cast<double>(x.size()),
                 detail::write_weights<E, Similarity>{dispar::detail::strided_of(rows.rows), n, x.cols(), rows.norm.data(), how,
                                                      classes.table().of, o.released_floor, strided_out(out.distances),
                                                      strided_out(out.positives), strided_out(out.negatives)});
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
