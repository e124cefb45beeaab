#pragma once

#include "dispar/interop/torch/embedding_loss.hpp"
#include "dispar/interop/torch/learnt.hpp"
#include "dispar/interop/torch/pair_losses.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// Options of `infonce`: see `contrastive::infonce_options`.
struct infonce_options {
  contrastive::direction anchors = contrastive::direction::rows;  ///< who is an anchor
  contrastive::reduction reduce = contrastive::reduction::mean;   ///< over the pairs
  at::Tensor negatives{};                                         ///< further negatives of the rows of x: a queue
  bool in_batch = true;                                           ///< the other rows of y are negatives
  at::Tensor items{};                                             ///< int64, what every pair shows; negative: padding
  at::Tensor negative_items{};                                    ///< int64, the same of `negatives`
  index band_rows = 0;                                            ///< rows worked on at a time; 0: chosen
};

/// Options of `ntxent`: see `contrastive::ntxent_options`.
struct ntxent_options {
  contrastive::reduction reduce = contrastive::reduction::mean;  ///< over the pairs
  at::Tensor items{};                                            ///< as in `infonce_options`
  index band_rows = 0;                                           ///< as in `infonce_options`
};

/// Options of `rolled_infonce`.
struct matched_options {
  contrastive::reduction reduce = contrastive::reduction::mean;  ///< over the pairs
  index band_rows = 0;                                           ///< as in `infonce_options`
};

/// Options of `siglip`.
struct siglip_options {
  scalar bias = -10;                                             ///< added to every logit; a tensor: learnt
  contrastive::reduction reduce = contrastive::reduction::mean;  ///< see `contrastive::siglip_options`
  index band_rows = 0;                                           ///< as in `infonce_options`
};

/// Options of `soft_contrastive`: see `contrastive::soft_contrastive_options` and `contrastive::distance_logit`.
struct soft_contrastive_options {
  scalar scale = 15.0;                                          ///< the negative scale a; a tensor: learnt
  scalar shift = 15.0;                                          ///< the shift b; a tensor: learnt
  double epsilon = 1e-6;                                        ///< keeps distances of equal rows from 0
  index samples = 1;                                            ///< embeddings of an item, rows that follow one another
  contrastive::reduction reduce = contrastive::reduction::sum;  ///< over all pairs in both directions
  index band_rows = 0;                                          ///< as in `infonce_options`
};

/// Options of `uniformity`.
struct uniformity_options {
  double t = 2;         ///< factor of the squared distance
  index band_rows = 0;  ///< as in `infonce_options`
};

/// `contrastive::infonce` as a scalar in the graph: row i of y belongs to row i of x. backward() reaches x, y, `negatives` and a
/// `learnt` scale.
///
///     auto loss = autograd::infonce(queries, keys, contrastive::cosine{}, contrastive::temperature{0.07});
///     auto clip = autograd::infonce(images, texts, contrastive::cosine{}, autograd::learnt<contrastive::exponential_scale>(t),
///                                   {.anchors = contrastive::direction::both});
///     auto moco = autograd::infonce(q, k.detach(), contrastive::cosine{}, contrastive::temperature{0.07},
///                                   {.negatives = queue, .in_batch = false});
///     auto masked = autograd::infonce(images, texts, contrastive::cosine{}, contrastive::temperature{0.07},
///                                     {.items = image_ids});       // -1: padding; equal: no negatives of one another
///
/// Time, memory and accuracy of the function below it; in the place of a matrix product, its logits and F.cross_entropy.
template<contrastive::similarity Similarity, tensor_scale Scale>
[[nodiscard]] at::Tensor infonce(const at::Tensor& x, const at::Tensor& y, const Similarity& how, const Scale& scale,
                                 const infonce_options& o = {}) {
  const auto now = detail::scale_now(scale);
  detail::embedding_tensors tensors{.rows = {{{"x", x}, {"y", y}}}};
  if (o.negatives.defined()) tensors.rows[2] = {"negatives", o.negatives};
  if (o.items.defined()) tensors.labels[0] = {"items", o.items};
  if (o.negative_items.defined()) {
    require(o.negatives.defined(), "infonce: negative_items", "need negatives");
    tensors.labels[2] = {"negative_items", o.negative_items};
  }
  return detail::embedding_loss(
      tensors, {detail::trained(scale)},
      infonce_loss<Similarity, std::remove_const_t<decltype(now)>>{how, now, o.anchors, o.reduce, o.in_batch, o.band_rows});
}

/// `contrastive::ntxent` as a scalar in the graph: SimCLR's loss of two views. backward() reaches both and a `learnt` scale.
///
///     autograd::ntxent(net(view1), net(view2), contrastive::cosine{}, contrastive::temperature{0.5}).backward();
template<contrastive::similarity Similarity, tensor_scale Scale>
[[nodiscard]] at::Tensor ntxent(const at::Tensor& x, const at::Tensor& y, const Similarity& how, const Scale& scale,
                                const ntxent_options& o = {}) {
  const auto now = detail::scale_now(scale);
  detail::embedding_tensors tensors{.rows = {{{"x", x}, {"y", y}}}};
  if (o.items.defined()) tensors.labels[0] = {"items", o.items};
  return detail::embedding_loss(tensors, {detail::trained(scale)},
                                ntxent_loss<Similarity, std::remove_const_t<decltype(now)>>{how, now, o.reduce, o.band_rows});
}

/// `contrastive::rolled_infonce` as a scalar in the graph: BALM-TSF's. backward() reaches x, y and a `learnt` scale.
///
///     auto loss = autograd::rolled_infonce(series, texts, contrastive::cosine{},
///     autograd::learnt<contrastive::temperature>(tau));
template<contrastive::similarity Similarity, tensor_scale Scale>
[[nodiscard]] at::Tensor rolled_infonce(const at::Tensor& x, const at::Tensor& y, const Similarity& how, const Scale& scale,
                                        const matched_options& o = {}) {
  const auto now = detail::scale_now(scale);
  return detail::embedding_loss(
      {.rows = {{{"x", x}, {"y", y}}}}, {detail::trained(scale)},
      rolled_infonce_loss<Similarity, std::remove_const_t<decltype(now)>>{how, now, o.reduce, o.band_rows});
}

/// `contrastive::siglip` as a scalar in the graph: the sigmoid loss. backward() reaches x, y, a `learnt` scale and a bias that is
/// a tensor.
///
///     auto loss = autograd::siglip(images, texts, contrastive::cosine{}, autograd::learnt<contrastive::exponential_scale>(t),
///                                  {.bias = b});
template<contrastive::similarity Similarity, tensor_scale Scale>
[[nodiscard]] at::Tensor siglip(const at::Tensor& x, const at::Tensor& y, const Similarity& how, const Scale& scale,
                                const siglip_options& o = {}) {
  const auto now = detail::scale_now(scale);
  return detail::embedding_loss(
      {.rows = {{{"x", x}, {"y", y}}}}, {detail::trained(scale), o.bias.tensor()},
      siglip_loss<Similarity, std::remove_const_t<decltype(now)>>{how, now, o.bias.value("siglip: bias"), o.reduce, o.band_rows});
}

/// `contrastive::soft_contrastive` as a scalar in the graph: the loss of probabilistic embeddings. backward() reaches x, y, and a
/// scale and a shift that are tensors.
///
///     auto loss = autograd::soft_contrastive(images, texts, contrastive::inner_product{}, {.scale = a, .shift = b, .samples =
///     7});
template<contrastive::similarity Similarity = contrastive::inner_product>
[[nodiscard]] at::Tensor soft_contrastive(const at::Tensor& x, const at::Tensor& y, const Similarity& how = {},
                                          const soft_contrastive_options& o = {}) {
  const contrastive::distance_logit logit{
      .scale = o.scale.value("soft_contrastive: scale"), .shift = o.shift.value("soft_contrastive: shift"), .epsilon = o.epsilon};
  return detail::embedding_loss(
      {.rows = {{{"x", x}, {"y", y}}}}, {o.scale.tensor(), o.shift.tensor()},
      soft_contrastive_loss<Similarity>{how, logit, {.samples = o.samples, .reduce = o.reduce, .band_rows = o.band_rows}});
}

/// `contrastive::alignment` as a scalar in the graph: the mean distance of paired rows to the power alpha. backward() reaches
/// both.
///
///     auto loss = autograd::alignment(x, y, contrastive::cosine{}) + autograd::uniformity(x, contrastive::cosine{});
template<contrastive::similarity Similarity>
[[nodiscard]] at::Tensor alignment(const at::Tensor& x, const at::Tensor& y, const Similarity& how, double alpha = 2) {
  return detail::embedding_loss({.rows = {{{"x", x}, {"y", y}}}}, {}, alignment_loss<Similarity>{how, alpha});
}

/// `contrastive::uniformity` as a scalar in the graph: the logarithm of the mean potential of all pairs of rows; 0 with one row.
template<contrastive::similarity Similarity>
[[nodiscard]] at::Tensor uniformity(const at::Tensor& x, const Similarity& how, const uniformity_options& o = {}) {
  return detail::embedding_loss({.rows = {{{"x", x}}}}, {}, uniformity_loss<Similarity>{how, o.t, o.band_rows});
}

/// `contrastive::model_contrast` as a scalar in the graph: MOON's and CreamFL's. backward() reaches x; the others are constants.
///
///     auto loss = autograd::model_contrast(client(batch), server(batch).detach(), before(batch).detach(),
///     contrastive::cosine{});
template<contrastive::similarity Similarity>
[[nodiscard]] at::Tensor model_contrast(const at::Tensor& x, const at::Tensor& positive, const at::Tensor& negative,
                                        const Similarity& how, double temperature = 0.5) {
  return detail::embedding_loss({.rows = {{{"x", x}, {"positive", positive, true}, {"negative", negative, true}}}}, {},
                                model_contrast_loss<Similarity>{how, temperature});
}

/// `contrastive::distillation` as a scalar in the graph: the mean squared distance to a teacher's vectors. backward() reaches x;
/// the target is a constant.
///
///     (task_loss + 0.3 * autograd::distillation(server(batch), aggregated)).backward();
[[nodiscard]] inline at::Tensor distillation(const at::Tensor& x, const at::Tensor& target) {
  return detail::embedding_loss({.rows = {{{"x", x}, {"target", target, true}}}}, {}, distillation_loss{});
}

}  // namespace autograd

DISPAR_NAMESPACE_END
