#pragma once
/// \file
/// Losses of the statistics of embeddings in the form in which tensors call them, for a `gpu_embedding_entry` of a .cu file. No
/// torch in here.

#include "dispar/contrastive/barlow_twins.hpp"
#include "dispar/contrastive/cka.hpp"
#include "dispar/contrastive/coral.hpp"
#include "dispar/contrastive/hsic.hpp"
#include "dispar/contrastive/vicreg.hpp"
#include "dispar/interop/torch/embedding_arguments.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// `contrastive::barlow_twins`. Result: the value.
struct barlow_twins_loss {
  static constexpr int results = 1;     ///< see above
  contrastive::barlow_twins_options o;  ///< of the function

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::barlow_twins(b, x.rows[0], x.rows[1], {.x = x.by[0], .y = x.by[1]}, o).value}};
  }
};

/// `contrastive::vicreg`. Result: the value.
struct vicreg_loss {
  static constexpr int results = 1;  ///< see above
  contrastive::vicreg_options o;     ///< of the function

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::vicreg(b, x.rows[0], x.rows[1], {.x = x.by[0], .y = x.by[1]}, o).value}};
  }
};

/// `contrastive::coral`. Result: the value.
struct coral_loss {
  static constexpr int results = 1;  ///< see above
  contrastive::coral_options o;      ///< of the function

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::coral(b, x.rows[0], x.rows[1], {.x = x.by[0], .y = x.by[1]}, o)}};
  }
};

/// `contrastive::hsic` by two kernels. Result: the value.
template<pair_function KX, pair_function KY>
struct hsic_loss {
  static constexpr int results = 1;  ///< see above
  KX kx;                             ///< of rows of x
  KY ky;                             ///< of rows of y
  contrastive::hsic_options o;       ///< of the function

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::hsic(b, x.rows[0], x.rows[1], kx, ky, {.x = x.by[0], .y = x.by[1]}, o)}};
  }
};

/// `contrastive::cka` by two kernels. Result: the value.
template<pair_function KX, pair_function KY>
struct cka_loss {
  static constexpr int results = 1;  ///< see above
  KX kx;                             ///< of rows of x
  KY ky;                             ///< of rows of y
  contrastive::cka_options o;        ///< of the function

  /// Value and gradients.
  template<class B, class E, memory_space S>
  [[nodiscard]] vec<double, 1> run(const B& b, const embedding_arguments<E, S>& x) const {
    return {{contrastive::cka(b, x.rows[0], x.rows[1], kx, ky, {.x = x.by[0], .y = x.by[1]}, o).value}};
  }
};

}  // namespace autograd

DISPAR_NAMESPACE_END
