#pragma once

#include "dispar/contrastive/infonce.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// InfoNCE whose negatives are all rows of y, moved on by one row: the positive is among them and counts twice,
///
///     z_ij = scale s(x_i, y_j),    L = mean_i ( log( exp(z_ii) + sum_j exp(z_ij) ) - z_ii ),
///
/// as the released code of BALM-TSF computes it. L is never below log 2, and is that with one pair, whose gradient is 0. The
/// order of the negatives changes nothing. Take `infonce` unless results of that code are to be met.
///
///     auto loss = contrastive::rolled_infonce(cpu{}, series, texts, contrastive::cosine{}, contrastive::temperature{0.07},
///                                             {.x = gs, .y = gt});
///     const double by_log_temperature = 0.07 * loss.by_temperature;
///
/// Arguments, defaults, accuracy, time and errors as `infonce` with n further negatives and none in the batch; `g.negatives` is
/// refused, since they are y. Memory beside: a copy of each gradient.
/// Zhou, Schöner, Lyu, Fouché & Wang, CIKM 2025 (arXiv 2509.00622), LearnableTemperatureInfoNCELoss.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale>
[[nodiscard]] softmax_loss rolled_infonce(const B& b, const X& x, const Y& y, const Similarity& how, const Scale& scale,
                                          const gradients_of<X>& g = {}, const matched_options<space_of<X>>& o = {}) {
  result<softmax_loss, B> loss(b);
  rolled_infonce(b, x, y, how, scale, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale, class R>
void rolled_infonce(const B& b, const X& x, const Y& y, const Similarity& how, const Scale& scale,
                    const scalar_view<softmax_loss, R>& out, const gradients_of<X>& g = {},
                    const matched_options<space_of<X>>& o = {}) {
  using T = computed_type<value_type_of<X>>;
  require(!g.negatives, "rolled_infonce: gradient by negatives", "must be the null view: the negatives are y");
  const matrix_view<const value_type_of<Y>, space_of<Y>> negatives = view_of(y);
  const auto matrices = detail::matched_embeddings<R>(b, x, y, negatives, scale, out, g, o.losses, o.band_rows);
  // y has two parts of its gradient, as positive and as negative: the second is added to the first.
  gradients_of<X> both = g;
  both.negatives = g.y;
  both.accumulate = true;
  const auto clear = [&](const auto& by) {
    if (by && !g.accumulate)
      for_each_index(b, by.rows(), static_cast<double>(by.size()),
                     detail::clear_rows<T>{dispar::detail::strided_of(detail::reached<B>(by)), by.cols()});
  };
  clear(g.x);
  clear(g.y);
  const detail::softmax_form form{.in_batch = false, .reduce = o.reduce, .band_rows = o.band_rows};
  detail::matched_softmax(b, matrices, how, scale, form, both, o.losses, out.data());
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale>
[[nodiscard]] softmax_loss rolled_infonce(const X& x, const Y& y, const Similarity& how, const Scale& scale,
                                          const gradients_of<X>& g = {}, const matched_options<space_of<X>>& o = {}) {
  return rolled_infonce(B{}, x, y, how, scale, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
