#pragma once
/// \file
/// The functions of rows of logits in the form in which tensors call them: options, and the values and gradients of all rows. No
/// torch in here: a .cu file includes it too.

#include "dispar/divergence/entropy.hpp"
#include "dispar/divergence/label_cross_entropy.hpp"
#include "dispar/divergence/top_k.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// What a loss of rows reads and writes; null views are not there, not wanted.
template<class T, memory_space S>
struct row_arguments {
  matrix_view<const T, S> a;                     ///< logits
  matrix_view<const T, S> b;                     ///< the other logits, where the loss has two
  matrix_view<T, S> by_a;                        ///< gradient of every row's value by a
  matrix_view<T, S> by_b;                        ///< the same by b
  vector_view<double, S> values;                 ///< one per row
  vector_view<const std::int64_t, S> labels{};   ///< per row
  vector_view<const std::int64_t, S> lengths{};  ///< tokens per row
  matrix_view<const std::uint8_t, S> mask{};     ///< of tokens

  /// Whether nobody asks for a gradient.
  [[nodiscard]] bool value_only() const { return !by_a && !by_b; }
};

/// `divergence::rows` of the divergence F, or of its k most probable tokens, `divergence::top_k<F>`. A loss of rows has a
/// function `run`.
template<divergence::divergence_of_rows F>
struct divergence_loss {
  F f;                  ///< the divergence
  divergence::unit in;  ///< of the values

  /// Values and gradients.
  template<class B, class T, class S>
  void run(const B& b, const row_arguments<T, S>& x) const {
    const divergence::row_options<S> o{.in = in, .lengths = x.lengths, .mask = x.mask};
    if (x.value_only())
      divergence::rows(b, x.a, x.b, f, x.values, o);
    else
      divergence::rows_and_gradient(b, x.a, x.b, f, x.values, {.a = x.by_a, .b = x.by_b}, o);
  }
};

/// `divergence::entropy`.
struct entropy_loss {
  divergence::unit in;  ///< of the values

  /// Values and gradients.
  template<class B, class T, class S>
  void run(const B& b, const row_arguments<T, S>& x) const {
    divergence::entropy(b, x.a, x.values, {.in = in, .lengths = x.lengths, .mask = x.mask}, {.a = x.by_a});
  }
};

/// `divergence::label_cross_entropy`.
struct label_cross_entropy_loss {
  divergence::unit in;        ///< of the values
  double label_smoothing;     ///< see `divergence::label_options`
  std::int64_t ignore_index;  ///< see `divergence::label_options`

  /// Values and gradients.
  template<class B, class T, class S>
  void run(const B& b, const row_arguments<T, S>& x) const {
    const divergence::label_options<S> o{
        .in = in, .lengths = x.lengths, .mask = x.mask, .label_smoothing = label_smoothing, .ignore_index = ignore_index};
    divergence::label_cross_entropy(b, x.a, x.labels, x.values, o, {.a = x.by_a});
  }
};

}  // namespace autograd

DISPAR_NAMESPACE_END
