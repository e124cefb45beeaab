#pragma once

#include "dispar/interop/torch/embedding_loss.hpp"
#include "dispar/interop/torch/label_losses.hpp"
#include "dispar/interop/torch/learnt.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// Options of `supcon`: see `contrastive::supcon_options`.
struct supcon_options {
  contrastive::positives_mean positives = contrastive::positives_mean::out;  ///< which of the two losses
  contrastive::reduction reduce = contrastive::reduction::mean;              ///< over the anchors
  double base_temperature = 0;                                               ///< where above 0, the loss times tau / that
  index band_rows = 0;                                                       ///< rows worked on at a time; 0: chosen
};

/// Options of `circle`: see `contrastive::circle_options`.
struct circle_options {
  double margin = 0.25;                                          ///< m
  double gamma = 256;                                            ///< factor of the logits
  contrastive::pairing pairs = contrastive::pairing::global;     ///< which pairs meet
  contrastive::reduction reduce = contrastive::reduction::mean;  ///< over the rows, with `pairing::anchor`
  index band_rows = 0;                                           ///< as in `supcon_options`
};

/// Options of `triplet` and `batch_all_triplet`: see `contrastive::triplet_options` and `contrastive::batch_all_options`.
struct triplet_options {
  contrastive::reduction reduce = contrastive::reduction::mean;  ///< over the anchors, over the triplets
  bool nonzero_only = false;                                     ///< the mean is over those with a loss above 0 only
  index band_rows = 0;                                           ///< rows worked on at a time; 0: chosen
};

/// Options of `weighted_triplet`: see `contrastive::weighted_triplet_options`.
struct weighted_triplet_options {
  bool released_floor = true;                                    ///< 1e-6 is added to the sums of weights
  contrastive::reduction reduce = contrastive::reduction::mean;  ///< over the rows
  index band_rows = 0;                                           ///< as in `triplet_options`
};

/// Options of `modality_enhancement`: see `contrastive::modality_enhancement_options`.
struct modality_enhancement_options {
  index rows_per_identity = 4;                                   ///< of each modality, at least 2
  contrastive::reduction reduce = contrastive::reduction::mean;  ///< over the rows of both modalities
};

/// `contrastive::supcon` as a scalar in the graph: the supervised contrastive loss. backward() reaches x and a `learnt` scale;
/// labels: int64, one per row.
///
///     auto loss = autograd::supcon(net(batch), labels, contrastive::cosine{}, contrastive::temperature{0.1});
template<contrastive::similarity Similarity, tensor_scale Scale>
[[nodiscard]] at::Tensor supcon(const at::Tensor& x, const at::Tensor& labels, const Similarity& how, const Scale& scale,
                                const supcon_options& o = {}) {
  const auto now = detail::scale_now(scale);
  return detail::embedding_loss({.rows = {{{"x", x}}}, .labels = {{{"labels", labels}}}}, {detail::trained(scale)},
                                supcon_loss<Similarity, std::remove_const_t<decltype(now)>>{how, now, o.positives, o.reduce,
                                                                                            o.base_temperature, o.band_rows});
}

/// The same between anchors x and candidates y. backward() reaches both and a `learnt` scale.
///
///     auto loss = autograd::supcon(images, labels, texts, classes, contrastive::inner_product{}, contrastive::temperature{1});
template<contrastive::similarity Similarity, tensor_scale Scale>
[[nodiscard]] at::Tensor supcon(const at::Tensor& x, const at::Tensor& labels_of_x, const at::Tensor& y,
                                const at::Tensor& labels_of_y, const Similarity& how, const Scale& scale,
                                const supcon_options& o = {}) {
  const auto now = detail::scale_now(scale);
  return detail::embedding_loss(
      {.rows = {{{"x", x}, {"y", y}}}, .labels = {{{"labels of x", labels_of_x}, {"labels of y", labels_of_y}}}},
      {detail::trained(scale)},
      supcon_across_loss<Similarity, std::remove_const_t<decltype(now)>>{how, now, o.positives, o.reduce, o.base_temperature,
                                                                         o.band_rows});
}

/// `contrastive::circle` as a scalar in the graph: the circle loss. labels: int64, one per row.
///
///     auto loss = autograd::circle(net(batch), labels, contrastive::cosine{}, {.gamma = 80, .pairs =
///     contrastive::pairing::anchor});
template<contrastive::similarity Similarity = contrastive::cosine>
[[nodiscard]] at::Tensor circle(const at::Tensor& x, const at::Tensor& labels, const Similarity& how = {},
                                const circle_options& o = {}) {
  return detail::embedding_loss({.rows = {{{"x", x}}}, .labels = {{{"labels", labels}}}}, {},
                                circle_loss<Similarity>{how, o.margin, o.gamma, o.pairs, o.reduce, o.band_rows});
}

/// `contrastive::triplet` as a scalar in the graph: the batch-hard triplet loss. labels: int64, one per row.
///
///     auto loss = autograd::triplet(net(batch), identities, contrastive::inner_product{}, contrastive::hinge_margin{0.3});
template<contrastive::similarity Similarity = contrastive::inner_product,
         contrastive::triplet_margin Margin = contrastive::hinge_margin>
[[nodiscard]] at::Tensor triplet(const at::Tensor& x, const at::Tensor& labels, const Similarity& how = {},
                                 const Margin& margin = {}, const triplet_options& o = {}) {
  return detail::embedding_loss({.rows = {{{"x", x}}}, .labels = {{{"labels", labels}}}}, {},
                                triplet_loss<Similarity, Margin>{how, margin, o.reduce, o.nonzero_only, o.band_rows});
}

/// `contrastive::batch_all_triplet` as a scalar in the graph: the mean over all triplets. labels: int64, one per row.
///
///     auto loss = autograd::batch_all_triplet(net(batch), identities, contrastive::cosine{}, contrastive::hinge_margin{0.05},
///                                             {.nonzero_only = true});
template<contrastive::similarity Similarity = contrastive::inner_product,
         contrastive::triplet_margin Margin = contrastive::hinge_margin>
[[nodiscard]] at::Tensor batch_all_triplet(const at::Tensor& x, const at::Tensor& labels, const Similarity& how = {},
                                           const Margin& margin = {}, const triplet_options& o = {}) {
  return detail::embedding_loss({.rows = {{{"x", x}}}, .labels = {{{"labels", labels}}}}, {},
                                batch_all_triplet_loss<Similarity, Margin>{how, margin, o.reduce, o.nonzero_only, o.band_rows});
}

/// `contrastive::weighted_triplet` as a scalar in the graph: the weighted regularisation triplet. labels: int64, one per row.
///
///     auto loss = autograd::weighted_triplet(net(batch), identities);
template<contrastive::similarity Similarity = contrastive::inner_product>
[[nodiscard]] at::Tensor weighted_triplet(const at::Tensor& x, const at::Tensor& labels, const Similarity& how = {},
                                          const weighted_triplet_options& o = {}) {
  return detail::embedding_loss({.rows = {{{"x", x}}}, .labels = {{{"labels", labels}}}}, {},
                                weighted_triplet_loss<Similarity>{how, o.released_floor, o.reduce, o.band_rows});
}

/// `contrastive::modality_enhancement` as a scalar in the graph: CSDN's MSEL. backward() reaches both; labels: int64, one per row
/// of each.
///
///     auto loss = autograd::modality_enhancement(visible, infrared, identities, identities);
template<contrastive::similarity Similarity = contrastive::inner_product>
[[nodiscard]] at::Tensor modality_enhancement(const at::Tensor& x, const at::Tensor& y, const at::Tensor& labels_of_x,
                                              const at::Tensor& labels_of_y, const Similarity& how = {},
                                              const modality_enhancement_options& o = {}) {
  return detail::embedding_loss(
      {.rows = {{{"x", x}, {"y", y}}}, .labels = {{{"labels of x", labels_of_x}, {"labels of y", labels_of_y}}}}, {},
      modality_enhancement_loss<Similarity>{how, o.rows_per_identity, o.reduce});
}

/// `contrastive::pairwise_margin` as a scalar in the graph. backward() reaches both; match: int64, one per pair, 0 for pairs that
/// do not match.
///
///     auto loss = autograd::pairwise_margin(net(first), net(second), same_person, contrastive::inner_product{});
template<contrastive::similarity Similarity = contrastive::inner_product>
[[nodiscard]] at::Tensor pairwise_margin(const at::Tensor& x, const at::Tensor& y, const at::Tensor& match,
                                         const Similarity& how = {}, double margin = 1) {
  return detail::embedding_loss({.rows = {{{"x", x}, {"y", y}}}, .labels = {{{"match", match}}}}, {},
                                pairwise_margin_loss<Similarity>{how, margin});
}

/// `contrastive::cosent` as a scalar in the graph: pairs of a higher score shall be more similar. backward() reaches both;
/// scores: one per pair, of the type of the embeddings, constants.
///
///     auto loss = autograd::cosent(net(sentences), net(others), scores);
template<contrastive::similarity Similarity = contrastive::cosine>
[[nodiscard]] at::Tensor cosent(const at::Tensor& x, const at::Tensor& y, const at::Tensor& scores, const Similarity& how = {},
                                double lambda = 20) {
  return detail::embedding_loss({.rows = {{{"x", x}, {"y", y}}}, .numbers = {"scores", scores, true}}, {},
                                cosent_loss<Similarity>{how, lambda});
}

}  // namespace autograd

DISPAR_NAMESPACE_END
