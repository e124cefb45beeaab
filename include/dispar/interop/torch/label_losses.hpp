#pragma once
/// \file
/// Contrastive losses with labels or scores in the form in which tensors call them, for a `gpu_embedding_entry` of a .cu file. No
/// torch in here.

#include "dispar/contrastive/batch_all_triplet.hpp"
#include "dispar/contrastive/circle.hpp"
#include "dispar/contrastive/cosent.hpp"
#include "dispar/contrastive/modality_enhancement.hpp"
#include "dispar/contrastive/pairwise_margin.hpp"
#include "dispar/contrastive/supcon.hpp"
#include "dispar/contrastive/triplet.hpp"
#include "dispar/contrastive/weighted_triplet.hpp"
#include "dispar/interop/torch/embedding_arguments.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// `contrastive::supcon` of one matrix. Results: the value, its derivative by the scale's parameter.
template<contrastive::similarity Similarity, contrastive::logit_scale Scale>
struct supcon_loss {
  static constexpr int results = 2;       ///< see above
  Similarity how;                         ///< of rows
  Scale scale;                            ///< of logits
  contrastive::positives_mean positives;  ///< which of the two losses
  contrastive::reduction reduce;          ///< over the anchors
  double base_temperature;                ///< see `contrastive::supcon_options`
  index band_rows;                        ///< rows worked on at a time

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 2> run(const B& b, const embedding_arguments<E, S>& x) const {
    const auto loss = contrastive::supcon(
        b, x.rows[0], x.labels[0], how, scale, {.x = x.by[0], .temperature = x.scalars},
        {.positives = positives, .reduce = reduce, .base_temperature = base_temperature, .band_rows = band_rows});
    return {{loss.value, loss.by_temperature}};
  }
};

/// `contrastive::supcon` between two matrices. Results: the value, its derivative by the scale's parameter.
template<contrastive::similarity Similarity, contrastive::logit_scale Scale>
struct supcon_across_loss {
  static constexpr int results = 2;       ///< see above
  Similarity how;                         ///< of rows
  Scale scale;                            ///< of logits
  contrastive::positives_mean positives;  ///< which of the two losses
  contrastive::reduction reduce;          ///< over the anchors
  double base_temperature;                ///< see `contrastive::supcon_options`
  index band_rows;                        ///< rows worked on at a time

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 2> run(const B& b, const embedding_arguments<E, S>& x) const {
    const auto loss = contrastive::supcon(
        b, x.rows[0], x.labels[0], x.rows[1], x.labels[1], how, scale, {.x = x.by[0], .y = x.by[1], .temperature = x.scalars},
        {.positives = positives, .reduce = reduce, .base_temperature = base_temperature, .band_rows = band_rows});
    return {{loss.value, loss.by_temperature}};
  }
};

/// `contrastive::circle`. Result: the value.
template<contrastive::similarity Similarity>
struct circle_loss {
  static constexpr int results = 1;  ///< see above
  Similarity how;                    ///< of rows
  double margin;                     ///< see `contrastive::circle_options`
  double gamma;                      ///< factor of the logits
  contrastive::pairing pairs;        ///< which pairs meet
  contrastive::reduction reduce;     ///< over the rows
  index band_rows;                   ///< rows worked on at a time

  /// Value and gradient.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::circle(b, x.rows[0], x.labels[0], how, {.x = x.by[0]},
                                 {.margin = margin, .gamma = gamma, .pairs = pairs, .reduce = reduce, .band_rows = band_rows})
                 .value}};
  }
};

/// `contrastive::triplet`. Result: the value.
template<contrastive::similarity Similarity, contrastive::triplet_margin Margin>
struct triplet_loss {
  static constexpr int results = 1;  ///< see above
  Similarity how;                    ///< of rows
  Margin margin;                     ///< how a gap becomes a loss
  contrastive::reduction reduce;     ///< over the anchors
  bool nonzero_only;                 ///< whether the mean is over anchors with a loss only
  index band_rows;                   ///< rows worked on at a time

  /// Value and gradient.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::triplet(b, x.rows[0], x.labels[0], how, margin, {.x = x.by[0]},
                                  {.reduce = reduce, .nonzero_only = nonzero_only, .band_rows = band_rows})
                 .value}};
  }
};

/// `contrastive::batch_all_triplet`. Result: the value.
template<contrastive::similarity Similarity, contrastive::triplet_margin Margin>
struct batch_all_triplet_loss {
  static constexpr int results = 1;  ///< see above
  Similarity how;                    ///< of rows
  Margin margin;                     ///< how a gap becomes a loss
  contrastive::reduction reduce;     ///< over the triplets
  bool nonzero_only;                 ///< whether the mean is over triplets with a loss only
  index band_rows;                   ///< anchors worked on at a time

  /// Value and gradient.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::batch_all_triplet(b, x.rows[0], x.labels[0], how, margin, {.x = x.by[0]},
                                            {.reduce = reduce, .nonzero_only = nonzero_only, .band_rows = band_rows})
                 .value}};
  }
};

/// `contrastive::weighted_triplet`. Result: the value.
template<contrastive::similarity Similarity>
struct weighted_triplet_loss {
  static constexpr int results = 1;  ///< see above
  Similarity how;                    ///< of rows
  bool released_floor;               ///< see `contrastive::weighted_triplet_options`
  contrastive::reduction reduce;     ///< over the rows
  index band_rows;                   ///< rows worked on at a time

  /// Value and gradient.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::weighted_triplet(b, x.rows[0], x.labels[0], how, {.x = x.by[0]},
                                           {.released_floor = released_floor, .reduce = reduce, .band_rows = band_rows})}};
  }
};

/// `contrastive::modality_enhancement`. Result: the value.
template<contrastive::similarity Similarity>
struct modality_enhancement_loss {
  static constexpr int results = 1;  ///< see above
  Similarity how;                    ///< of rows
  index rows_per_identity;           ///< of each modality
  contrastive::reduction reduce;     ///< over the rows of both

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {
        {contrastive::modality_enhancement(b, x.rows[0], x.rows[1], x.labels[0], x.labels[1], how, {.x = x.by[0], .y = x.by[1]},
                                           {.rows_per_identity = rows_per_identity, .reduce = reduce})}};
  }
};

/// `contrastive::pairwise_margin`: the first labels say which pairs match. Result: the value.
template<contrastive::similarity Similarity>
struct pairwise_margin_loss {
  static constexpr int results = 1;  ///< see above
  Similarity how;                    ///< of rows
  double margin;                     ///< of pairs that do not match

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::pairwise_margin(b, x.rows[0], x.rows[1], x.labels[0], how, {.x = x.by[0], .y = x.by[1]},
                                          {.margin = margin})}};
  }
};

/// `contrastive::cosent`: the numbers are the scores. Result: the value.
template<contrastive::similarity Similarity>
struct cosent_loss {
  static constexpr int results = 1;  ///< see above
  Similarity how;                    ///< of rows
  double lambda;                     ///< factor of differences of similarities

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::cosent(b, x.rows[0], x.rows[1], x.numbers, how, {.x = x.by[0], .y = x.by[1]}, {.lambda = lambda})}};
  }
};

}  // namespace autograd

DISPAR_NAMESPACE_END
