#pragma once
/// \file
/// Contrastive losses without labels in the form in which tensors call them, for a `gpu_embedding_entry` of a .cu file. No torch
/// in here.

#include "dispar/contrastive/alignment.hpp"
#include "dispar/contrastive/distillation.hpp"
#include "dispar/contrastive/infonce.hpp"
#include "dispar/contrastive/model_contrast.hpp"
#include "dispar/contrastive/ntxent.hpp"
#include "dispar/contrastive/rolled_infonce.hpp"
#include "dispar/contrastive/siglip.hpp"
#include "dispar/contrastive/soft_contrastive.hpp"
#include "dispar/contrastive/uniformity.hpp"
#include "dispar/interop/torch/embedding_arguments.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// `contrastive::infonce`; the first and the third labels are the items of pairs and of further negatives, where there are any.
/// Results: the value, its derivative by the scale's parameter.
template<contrastive::similarity Similarity, contrastive::logit_scale Scale>
struct infonce_loss {
  static constexpr int results = 2;  ///< see above
  Similarity how;                    ///< of rows
  Scale scale;                       ///< of logits
  contrastive::direction anchors;    ///< see `contrastive::infonce_options`
  contrastive::reduction reduce;     ///< over the pairs
  bool in_batch;                     ///< whether other rows of y are negatives
  index band_rows;                   ///< rows worked on at a time

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 2> run(const B& b, const embedding_arguments<E, S>& x) const {
    const auto loss = contrastive::infonce(b, x.rows[0], x.rows[1], how, scale,
                                           {.x = x.by[0], .y = x.by[1], .negatives = x.by[2], .temperature = x.scalars},
                                           {.anchors = anchors,
                                            .reduce = reduce,
                                            .negatives = x.rows[2],
                                            .in_batch = in_batch,
                                            .items = x.labels[0],
                                            .negative_items = x.labels[2],
                                            .band_rows = band_rows});
    return {{loss.value, loss.by_temperature}};
  }
};

/// `contrastive::ntxent`; the first labels are the items of pairs. Results: the value, its derivative by the scale's parameter.
template<contrastive::similarity Similarity, contrastive::logit_scale Scale>
struct ntxent_loss {
  static constexpr int results = 2;  ///< see above
  Similarity how;                    ///< of rows
  Scale scale;                       ///< of logits
  contrastive::reduction reduce;     ///< over the pairs
  index band_rows;                   ///< rows worked on at a time

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 2> run(const B& b, const embedding_arguments<E, S>& x) const {
    const auto loss =
        contrastive::ntxent(b, x.rows[0], x.rows[1], how, scale, {.x = x.by[0], .y = x.by[1], .temperature = x.scalars},
                            {.reduce = reduce, .items = x.labels[0], .band_rows = band_rows});
    return {{loss.value, loss.by_temperature}};
  }
};

/// `contrastive::rolled_infonce`. Results: the value, its derivative by the scale's parameter.
template<contrastive::similarity Similarity, contrastive::logit_scale Scale>
struct rolled_infonce_loss {
  static constexpr int results = 2;  ///< see above
  Similarity how;                    ///< of rows
  Scale scale;                       ///< of logits
  contrastive::reduction reduce;     ///< over the pairs
  index band_rows;                   ///< rows worked on at a time

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 2> run(const B& b, const embedding_arguments<E, S>& x) const {
    const auto loss =
        contrastive::rolled_infonce(b, x.rows[0], x.rows[1], how, scale, {.x = x.by[0], .y = x.by[1], .temperature = x.scalars},
                                    {.reduce = reduce, .band_rows = band_rows});
    return {{loss.value, loss.by_temperature}};
  }
};

/// `contrastive::siglip`. Results: the value, its derivatives by the scale's parameter and by the bias.
template<contrastive::similarity Similarity, contrastive::logit_scale Scale>
struct siglip_loss {
  static constexpr int results = 3;  ///< see above
  Similarity how;                    ///< of rows
  Scale scale;                       ///< of logits
  double bias;                       ///< added to every logit
  contrastive::reduction reduce;     ///< over the pairs
  index band_rows;                   ///< rows worked on at a time

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 3> run(const B& b, const embedding_arguments<E, S>& x) const {
    const auto loss =
        contrastive::siglip(b, x.rows[0], x.rows[1], how, scale, {.x = x.by[0], .y = x.by[1], .temperature = x.scalars},
                            {.bias = bias, .reduce = reduce, .band_rows = band_rows});
    return {{loss.value, loss.by_temperature, loss.by_bias}};
  }
};

/// `contrastive::soft_contrastive`. Results: the value, its derivatives by the scale and by the shift.
template<contrastive::similarity Similarity>
struct soft_contrastive_loss {
  static constexpr int results = 3;         ///< see above
  Similarity how;                           ///< of rows
  contrastive::distance_logit logit;        ///< of distances
  contrastive::soft_contrastive_options o;  ///< of the function

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 3> run(const B& b, const embedding_arguments<E, S>& x) const {
    const auto loss = contrastive::soft_contrastive(b, x.rows[0], x.rows[1], how, logit,
                                                    {.x = x.by[0], .y = x.by[1], .temperature = x.scalars}, o);
    return {{loss.value, loss.by_scale, loss.by_shift}};
  }
};

/// `contrastive::alignment`. Result: the value.
template<contrastive::similarity Similarity>
struct alignment_loss {
  static constexpr int results = 1;  ///< see above
  Similarity how;                    ///< of rows
  double alpha;                      ///< power of the distance

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::alignment(b, x.rows[0], x.rows[1], how, {.x = x.by[0], .y = x.by[1]}, {.alpha = alpha})}};
  }
};

/// `contrastive::uniformity`. Result: the value.
template<contrastive::similarity Similarity>
struct uniformity_loss {
  static constexpr int results = 1;  ///< see above
  Similarity how;                    ///< of rows
  double t;                          ///< factor of the squared distance
  index band_rows;                   ///< rows worked on at a time

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::uniformity(b, x.rows[0], how, {.x = x.by[0]}, {.t = t, .band_rows = band_rows}).value}};
  }
};

/// `contrastive::model_contrast`: the third matrix is the negative. Result: the value.
template<contrastive::similarity Similarity>
struct model_contrast_loss {
  static constexpr int results = 1;  ///< see above
  Similarity how;                    ///< of rows
  double temperature;                ///< similarities are divided by it

  /// Value and gradient.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::model_contrast(b, x.rows[0], x.rows[1], x.rows[2], how, {.x = x.by[0]}, {.temperature = temperature})}};
  }
};

/// `contrastive::distillation`: the second matrix is the target. Result: the value.
struct distillation_loss {
  static constexpr int results = 1;  ///< see above

  /// Value and gradient.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::distillation(b, x.rows[0], x.rows[1], {.x = x.by[0]})}};
  }
};

}  // namespace autograd

DISPAR_NAMESPACE_END
