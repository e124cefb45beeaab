#pragma once

#include <cmath>

#include "dispar/backend/default.hpp"
#include "dispar/backend/sort.hpp"
#include "dispar/contrastive/gradient_targets.hpp"
#include "dispar/contrastive/matched_softmax.hpp"
#include "dispar/contrastive/paired_rows.hpp"
#include "dispar/contrastive/score_order.hpp"
#include "dispar/core/logistic.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How the CoSENT loss is made.
template<memory_space S = host>
struct cosent_options {
  double lambda = 20;                     ///< factor of differences of similarities; above 0
  vector_view<double, S> similarities{};  ///< where to write the similarity of every pair; not wanted by default
};

/// CoSENT: pairs (x_i, y_i) of a higher score shall be more similar than pairs of a lower one,
///
///     L = log( 1 + sum over (i, j) with score_i > score_j of exp(lambda (c_j - c_i)) ),    c_i = s(x_i, y_i).
///
/// Only the order of the scores counts; pairs of equal scores say nothing of each other. Gradients are by the rows as they are
/// given.
///
///     double loss = contrastive::cosent(cpu{}, x, y, scores, contrastive::cosine{}, {.x = gx, .y = gy});
///
/// x, y: n x d of one type, any strides; scores: n numbers, float or double. Default lambda 20, as the released code. Nothing of
/// the sum over pairs is left out, but it takes no n^2 steps: pairs are sorted by score, and what lies below or above a pair
/// comes from log-sum-exp over the sorted pairs. Computed in double; no lambda overflows. Time O(n (d + log n)); memory: a dozen
/// numbers per pair. The bits do not depend on the number of threads. Scores that are all equal: loss and gradients 0.
///
/// On a GPU it needs `dispar/backend/gpu/sort.hpp`. Throws `invalid_argument` for matrices without rows or columns, shapes that
/// differ, lambda that is not positive and finite, and on the host for NaN in scores and NaN or infinity in a row; on a GPU those
/// give NaN. Su, CoSENT (2022), https://spaces.ac.cn/archives/8847.
template<backend B, sample_matrix X, sample_matrix Y, vector_like V, similarity Similarity>
[[nodiscard]] double cosent(const B& b, const X& x, const Y& y, const V& scores, const Similarity& how,
                            const paired_gradients_of<X>& g = {}, const cosent_options<space_of<X>>& o = {}) {
  result<double, B> loss(b);
  cosent(b, x, y, scores, how, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, vector_like V, similarity Similarity, class R>
void cosent(const B& b, const X& x, const Y& y, const V& scores, const Similarity& how, const scalar_view<double, R>& out,
            const paired_gradients_of<X>& g = {}, const cosent_options<space_of<X>>& o = {}) {
  using E = value_type_of<X>;
  using score = value_type_of<V>;
  static_assert(std::floating_point<score>, "dispar: scores are float or double");
  static_assert(reachable<space_of<V>, typename B::space>, "dispar: this backend cannot reach the scores");
  const vector_view<const score, space_of<V>> given = view_of(scores);
  require(o.lambda > 0 && o.lambda < 1e300, "cosent: lambda", "must be positive and finite", o.lambda);
  const auto both = detail::paired_embeddings<R>(b, x, y, "cosent", out, g, o.similarities);
  const index pairs = both[0].count(), features = both[0].rows.cols();
  require(given.size() == pairs, "cosent: scores", "must have one entry per pair", static_cast<double>(given.size()));
  if constexpr (std::same_as<typename B::space, host>)
    for (index i = 0; i < pairs; ++i)
      require(!is_nan(given(i)), "cosent: scores", "must not be NaN, as is number", static_cast<double>(i));

  array<double, 1, B> similar(b, {pairs}), slopes(b, {pairs});
  for_each_index(
      b, pairs, static_cast<double>(pairs) * static_cast<double>(features),
      detail::matched_logits<E, Similarity>{dispar::detail::strided_of(both[0].rows), dispar::detail::strided_of(both[1].rows),
                                            features, both[0].norm.data(), both[1].norm.data(), how, 1, similar.data()});
  if (o.similarities) for_each_index(b, pairs, detail::copy_number{similar.data(), dispar::detail::strided_of(o.similarities)});
  detail::rank_similarities(b, given, similar.view(), o.lambda, slopes.view(), out.data());
  const detail::gradient_targets<B, computed_type<E>, space_of<X>, 2> targets(b, {g.x, g.y}, g.accumulate);
  targets.finish(b, both, how, slopes.data(), g.factor, g.upstream.data());
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y, vector_like V, similarity Similarity>
[[nodiscard]] double cosent(const X& x, const Y& y, const V& scores, const Similarity& how, const paired_gradients_of<X>& g = {},
                            const cosent_options<space_of<X>>& o = {}) {
  return cosent(B{}, x, y, scores, how, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
