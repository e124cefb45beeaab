#pragma once

#include <algorithm>

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_targets.hpp"
#include "dispar/contrastive/gradient_views.hpp"
#include "dispar/contrastive/labelled_rows.hpp"
#include "dispar/contrastive/stored_slopes.hpp"
#include "dispar/contrastive/triplet_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// A loss of all triplets and how many there are.
struct all_triplets_loss {
  double value;     ///< the loss; 0 without triplets
  double triplets;  ///< an anchor, another row of its class, and a row of another class
  double nonzero;   ///< those of them with a loss above 0
};

/// How the loss of all triplets is made.
template<memory_space S = host>
struct batch_all_options {
  reduction reduce = reduction::mean;  ///< over the triplets
  bool nonzero_only = false;           ///< the mean is over triplets with a loss above 0 only
  vector_view<double, S> losses{};     ///< where to write the sum over the triplets of every anchor; not wanted by default
  index band_rows = 0;                 ///< anchors worked on at a time; 0: as many as `band_bytes` hold. Changes last bits
};

namespace detail {

/// Everything of anchor first + i: from squared distances to all rows, which distances take the place of, the sum of its losses,
/// how many there are and how many are above 0; and the derivatives by the squares.
template<class T, triplet_margin Margin>
struct triplets_of_anchor {
  T* squares;  ///< anchors of the band x stride
  T* slopes;   ///< likewise; null: not wanted
  index stride, first, rows;
  class_table classes;
  Margin margin;
  double* terms;  ///< rows x 3
  strided_vector<double> by_row;

  DISPAR_FN void operator()(index i) const {
    const index anchor = first + i, own = classes.of[anchor], size = classes.size[anchor];
    const index* const members = classes.members + classes.first[anchor];
    T* const d = squares + i * stride;
    T* const slope = slopes ? slopes + i * stride : nullptr;
    for (index j = 0; j < rows; ++j) d[j] = sqrt_of(d[j]);
    if (slope)
      for (index j = 0; j < stride; ++j) slope[j] = T(0);
    double loss = 0, nonzero = 0;
    for (index m = 0; m < size; ++m) {
      const index p = members[m];
      if (p == anchor) continue;
      const auto to_positive = static_cast<double>(d[p]);
      double pull = 0;
      for (index j = 0; j < rows; ++j) {
        if (classes.of[j] == own) continue;
        const double gap = to_positive - static_cast<double>(d[j]), one = margin.loss(gap);
        loss += one;
        nonzero += one > 0 ? 1 : 0;
        if (!slope) continue;
        const double push = margin.slope(gap);
        pull += push;
        slope[j] = static_cast<T>(static_cast<double>(slope[j]) - push);
      }
      if (slope) slope[p] = static_cast<T>(pull);
    }
    // Of d by its square; 0 between coincident rows.
    if (slope)
      for (index j = 0; j < rows; ++j) slope[j] = d[j] > T(0) ? slope[j] / (T(2) * d[j]) : T(0);
    terms[3 * anchor] = loss;
    terms[3 * anchor + 1] = static_cast<double>(size - 1) * static_cast<double>(rows - size);
    terms[3 * anchor + 2] = nonzero;
    if (by_row.data) by_row(anchor) = loss;
  }
  [[nodiscard]] DISPAR_FN static T sqrt_of(T square) { return square > T(0) ? static_cast<T>(std::sqrt(square)) : T(0); }
};

struct finish_all_triplets {
  triplet_weight each;
  const double* upstream;
  all_triplets_loss* out;
  double* factor;  ///< of the gradient
  DISPAR_FN void operator()() const {
    *out = {each() * each.sums[0], each.sums[1], each.sums[2]};
    *factor = upstream ? each() * *upstream : each();
  }
};

}  // namespace detail

/// The batch-all triplet loss: the mean over all triplets of an anchor i, another row p of its class and a row n of another
/// class,
///
///     L = mean_{i, p, n} loss(d(i, p) - d(i, n)),
///
/// d the Euclidean distance of rows as the similarity scales them (`inner_product`: as they are; `cosine`: unit rows), loss
/// `hinge_margin` (max(gap + m, 0), m = 0.3) or `soft_margin` (softplus(gap)). Without a triplet the value is 0. With
/// `.nonzero_only` the mean is over triplets with a loss above 0: the paper's L_BA != 0, and what pytorch-metric-learning and
/// sentence-transformers compute. The gradient is by the rows as they are given; it is 0 at distance 0 and at a hinge of exactly
/// 0.
///
///     auto loss = contrastive::batch_all_triplet(cpu{}, x, labels, contrastive::cosine{}, contrastive::hinge_margin{0.05},
///                                                {.x = gx}, {.nonzero_only = true});    // loss.value, .triplets, .nonzero
///
/// x: n x d, any strides; labels: n integers of 32 or 64 bits. Squared distances are added up from differences in the type of
/// the rows, losses in double: in float the loss is exact to 1e-6 of a distance, and a triplet that near to the hinge may fall on
/// either side of it. Distances above a quarter of the root of the largest finite number are alike.
///
/// Time: n^2 d subtractions and multiply-adds for the distances, twice that with the gradient, and a loss for every triplet: n^2
/// times the rows of a class. Memory: distances and slopes of as many anchors as fit into 64 MiB on the host and 1 GiB on a
/// device (2 896 with as many rows, in float), bands of rows as in `uniformity`, and with the gradient a copy of it, with
/// `accumulate` another. The bits depend on shapes only, not on the number of threads. On a GPU include
/// `dispar/backend/gpu/sort.hpp` too; a thread there takes an anchor.
///
/// Throws `invalid_argument` as `triplet`. Hermans, Beyer & Leibe, "In Defense of the Triplet Loss for Person Re-Identification",
/// 2017, equation 6.
template<backend B, sample_matrix X, label_vector Labels, similarity Similarity = inner_product,
         triplet_margin Margin = hinge_margin>
[[nodiscard]] all_triplets_loss batch_all_triplet(const B& b, const X& x, const Labels& labels, const Similarity& how = {},
                                                  const Margin& margin = {}, const row_gradient_of<X>& g = {},
                                                  const batch_all_options<space_of<X>>& o = {}) {
  result<all_triplets_loss, B> loss(b);
  batch_all_triplet(b, x, labels, how, margin, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, label_vector Labels, similarity Similarity, triplet_margin Margin, class R>
void batch_all_triplet(const B& b, const X& rows_of_x, const Labels& labels_of_x, const Similarity& how, const Margin& margin,
                       const scalar_view<all_triplets_loss, R>& out, const row_gradient_of<X>& g = {},
                       const batch_all_options<space_of<X>>& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using S = space_of<X>;
  using space = typename B::space;
  const matrix_view<const E, S> x = view_of(rows_of_x);
  const auto number = [](index n) { return static_cast<double>(n); };
  margin.check();
  const auto label = detail::labels_of<B>(x, labels_of_x, "batch_all_triplet", out, g, o);
  require(sizeof(T) > 4 || x.rows() <= 16777216, "batch_all_triplet: rows of x", "must be at most 2^24 in float",
          number(x.rows()));
  using embedded = detail::embeddings<E, B>;
  const matrix_view<const E, space> all = detail::reached<B>(x);
  std::array<embedded, 2> matrices{embedded(b, all), embedded{}};  // all rows, and the anchors of a band
  detail::require_finite(matrices[0], "x");

  const index n = x.rows(), stride = n + detail::stored_slopes<T>::overhang;
  const bool slopes = static_cast<bool>(g.x);
  const detail::row_classes<B> classes(b, label);
  const double bytes = (slopes ? 2 : 1) * number(stride) * sizeof(T);
  const index fit = std::max<index>(1, static_cast<index>(std::min(detail::band_bytes<space> / bytes, number(n))));
  const index band = o.band_rows > 0 ? std::min(o.band_rows, fit) : fit;
  array<T, 2, B> squares(b, {band, stride}), by_square(b, {slopes ? band : 0, stride});
  array<double, 2, B> terms(b, {n, 3});
  const detail::gradient_targets<B, T, S, 1> targets(b, {g.x}, g.accumulate);
  array<T, 2, B> by_others(b, {slopes ? n : 0, x.cols()});  // apart: a row may be an anchor and another's positive in one pass
  if (slopes)
    for_each_index(b, n, number(x.size()), detail::clear_rows<T>{dispar::detail::strided_of(by_others.view()), x.cols()});
  const detail::first_side<Similarity> scaled{how};
  const std::array<detail::meeting, 1> met{{{1, 0}}};
  for (index first = 0; first < n; first += band) {
    const index count = std::min(band, n - first);
    matrices[1] = embedded(b, all.slice(first, count));
    auto passes = detail::passes_over_bands<detail::squared_differences<true>>(b, matrices, scaled, met, o.band_rows, false);
    passes.for_each([&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
      const matrix_view<T, space> to(squares.data() + r.first * stride + c.first, {r.count, c.count}, {stride, 1});
      pairwise(b, data, detail::bounded_squares<T>{}, blocks, std::span<const vector_view<const T, space>>(),
               store_across<0, T, space>{to});
    });
    const double per_anchor = number(n) * number(n);
    for_each_index(b, count, number(count) * per_anchor,
                   detail::triplets_of_anchor<T, Margin>{squares.data(), by_square.data(), stride, first, n, classes.table(),
                                                         margin, terms.data(), dispar::detail::strided_of(o.losses)});
    if (!slopes) continue;
    passes.for_each([&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
      const index rows = data.rows();
      array<T, 1, B> places(b, {rows});
      for_each_index(b, rows, detail::number_places<T>{r.first, c.first, r.count, places.data()});
      const std::array<vector_view<const T, space>, 1> by_row{{{places.data(), rows}}};
      pairwise(b, data, detail::stored_slopes<T>{by_square.data(), stride}, blocks,
               std::span<const vector_view<const T, space>>(by_row),
               feature_gradient<0, 0, T, 2, space>{
                   {targets.of({0, first + r.first, r.count}), by_others.view().slice(c.first, c.count)}, 1, true});
    });
  }

  array<double, 1, B> sums(b, {3}), factor(b, {1});
  column_sums(b, std::as_const(terms).view(), sums.view());
  in_order(b, detail::finish_all_triplets{
                  {sums.data(), o.reduce == reduction::mean, o.nonzero_only}, g.upstream.data(), out.data(), factor.data()});
  if (!slopes) return;
  for_each_index(b, n, number(x.size()),
                 detail::add_rows<T>{dispar::detail::strided_of(std::as_const(by_others).view()), x.cols(),
                                     dispar::detail::strided_of(targets.of({0, 0, n}))});
  targets.finish(b, matrices, scaled, nullptr, g.factor, factor.data());
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, label_vector Labels, similarity Similarity = inner_product,
         triplet_margin Margin = hinge_margin>
[[nodiscard]] all_triplets_loss batch_all_triplet(const X& x, const Labels& labels, const Similarity& how = {},
                                                  const Margin& margin = {}, const row_gradient_of<X>& g = {},
                                                  const batch_all_options<space_of<X>>& o = {}) {
  return batch_all_triplet(B{}, x, labels, how, margin, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
