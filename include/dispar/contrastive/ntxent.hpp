#pragma once

#include "dispar/contrastive/infonce.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How NT-Xent is made.
template<memory_space S = host>
struct ntxent_options {
  reduction reduce = reduction::mean;          ///< over the pairs, whose loss is the mean of that of both rows
  vector_view<const std::int64_t, S> items{};  ///< as in `infonce_options`: what every pair shows; negative: padding
  vector_view<double, S> losses{};             ///< where to write the loss of every pair; not wanted by default
  index band_rows = 0;                         ///< as in `infonce_options`
};

/// NT-Xent, the loss of SimCLR: two views x and y of the same n things; every row is an anchor, its other view the positive, and
/// all 2 n - 2 other rows of both views are negatives. With Z = [x; y] and z = scale s(Z, Z):
///
///     L = 1 / (2 n) sum_i ( log sum_{a != i} exp(z_ia) - z_i,other view of i )
///
///     auto loss = contrastive::ntxent(cpu{}, view1, view2, contrastive::cosine{}, contrastive::temperature{0.5}, {.x = g1, .y =
///     g2});
///
/// Gradients, accuracy, memory, errors as `infonce`; time twice that. With one pair the loss is 0. With `.items`, rows of pairs
/// that show the same thing are no negatives of one another, and those of padding take no part, as there.
/// Chen, Kornblith, Norouzi & Hinton, ICML 2020, equation 1.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale>
[[nodiscard]] softmax_loss ntxent(const B& b, const X& x, const Y& y, const Similarity& how, const Scale& scale,
                                  const gradients_of<X>& g = {}, const ntxent_options<space_of<X>>& o = {}) {
  result<softmax_loss, B> loss(b);
  ntxent(b, x, y, how, scale, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale, class R>
void ntxent(const B& b, const X& x, const Y& y, const Similarity& how, const Scale& scale,
            const scalar_view<softmax_loss, R>& out, const gradients_of<X>& g = {}, const ntxent_options<space_of<X>>& o = {}) {
  const detail::candidate_items<space_of<X>> items{o.items, {}};
  items.check(view_of(x).rows(), 0);
  const auto matrices = detail::matched_embeddings<R>(b, x, y, {}, scale, out, g, o.losses, o.band_rows);
  detail::matched_softmax(b, matrices, how, scale, {.both = true, .within = true, .reduce = o.reduce, .band_rows = o.band_rows},
                          g, o.losses, out.data(), items);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
