#pragma once
/// \file
/// The functions of `dispar/preference.hpp` on torch tensors: log-probabilities of sequences, losses of pairs and groups, InTRO.
///
/// Tensors are float or double on the CPU, of any strides, and are not copied; logits of `sequence_logps` and `unlikelihood` also
/// on a CUDA device, with a `gpu_row_entry` of `sequence_logps_loss` or `unlikelihood_loss`. Softmax is never stored: what is
/// kept until backward() is the gradient, and nothing is computed for what does not require one. Values that are no number stay
/// NaN, as torch's do. A second derivative throws. Bad input throws `dispar::invalid_argument`, which is no c10::Error.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "dispar/backend/host/rows.hpp"
#include "dispar/backend/host/step.hpp"
#include "dispar/interop/torch/function.hpp"
#include "dispar/interop/torch/rows.hpp"
#include "dispar/interop/torch/sequence_losses.hpp"
#include "dispar/interop/torch/typed_views.hpp"
#include "dispar/preference/from_logits.hpp"
#include "dispar/preference/intro.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// Options of functions of sequences: see `preference::token_options`.
struct sequence_options {
  preference::over_tokens reduce = preference::over_tokens::sum;  ///< over the tokens of a sequence
  std::int64_t ignore_index = -100;                               ///< the label of what does not count
  bool shift = true;     ///< logits at position t score label t + 1: what causal models give; false: label t
  at::Tensor weights{};  ///< doubles of the labels' shape, 0: does not count; undefined: all 1
};

/// Log-probabilities of answers, one group per row: see `preference::log_probs`. Vectors, `chosen` and its reference also groups
/// x samples; undefined references are 0. Numbers of tokens are doubles.
struct preference_log_probs {
  at::Tensor chosen;                ///< by the policy
  at::Tensor rejected;              ///< by the policy
  at::Tensor reference_chosen{};    ///< by the reference
  at::Tensor reference_rejected{};  ///< by the reference
  at::Tensor chosen_tokens{};       ///< lengths, for a loss per token
  at::Tensor rejected_tokens{};     ///< lengths, for a loss per token
};

/// Options of `intro`: see `preference::intro_options`.
struct intro_options {
  double clip = 200;     ///< upper bound of the correction factors
  at::Tensor lengths{};  ///< int64 per rationale; undefined: all positions
  at::Tensor weights{};  ///< double per rationale, 0: dropped; undefined: all 1
};

namespace detail {

[[nodiscard]] inline tiled_host<openmp> torch_threads() { return {.each = {.threads = at::get_num_threads()}}; }

/// Tensors of integers, which are no samples.
template<int Rank>
[[nodiscard]] tensor_view<const std::int64_t, Rank> integers(const at::Tensor& t, const char* name) {
  using V = tensor_view<const std::int64_t, Rank>;
  if (!t.defined()) return {};
  dispar::detail::require_strided(t, name);
  dispar::detail::torch_require(t.scalar_type() == at::kLong, name, "must be int64", c10::toString(t.scalar_type()));
  dispar::detail::torch_require(t.device().is_cpu(), name, "must be on the CPU", t.device().str());
  require(t.dim() == Rank, name, ("must have " + std::to_string(Rank) + " dimensions").c_str(), static_cast<double>(t.dim()));
  typename V::extents_type extents{}, strides{};
  for (int axis = 0; axis < Rank; ++axis) {
    extents[static_cast<std::size_t>(axis)] = static_cast<index>(t.size(axis));
    strides[static_cast<std::size_t>(axis)] = static_cast<index>(t.stride(axis));
  }
  return V(t.data_ptr<std::int64_t>(), extents, strides);
}
[[nodiscard]] inline preference::token_options<> tokens_of(const sequence_options& o) {
  return {.reduce = o.reduce, .ignore = o.ignore_index, .shift = o.shift, .weights = view_if_defined<const double, 2>(o.weights)};
}

/// The same where the logits are on a CUDA device: by the `gpu_row_entry` of a .cu file.
template<class T, sequence_score Score>
void sequences_on_device(const at::Tensor& logits, const at::Tensor& labels, const sequence_options& o,
                         const at::Tensor& gradient, const at::Tensor& values) {
  require(!o.weights.defined(), "weights", "must be undefined for CUDA tensors: label what does not count with ignore_index");
  require(logits.size(0) > 0, "logits: size(0)", "must be at least 1", 0);
  dispar::detail::torch_require(labels.defined() && labels.sizes() == logits.sizes().slice(0, 2), "labels",
                                "must be batch x positions", labels.defined() ? c10::str(labels.sizes()) : "an undefined tensor");
  row_tensors x;
  x.a = as_rows(logits);
  x.labels = row_integers(labels, "labels", logits, x.a.size(0));
  x.values = values;
  if (gradient.defined()) x.by_a = gradient.view({x.a.size(0), -1});
  rows_on_device<T>(x, sequence_loss<Score>{o.reduce, o.ignore_index, o.shift});
}

/// One value per sequence in the graph.
template<sequence_score Score>
[[nodiscard]] at::Tensor of_sequences(const at::Tensor& logits, const at::Tensor& labels, const sequence_options& o) {
  dispar::detail::require_strided(logits, "logits");
  require(logits.dim() == 3, "logits: dim()", "must be 3: batch, positions, vocabulary", static_cast<double>(logits.dim()));
  return differentiable({logits}, [&](const std::vector<at::Tensor>& gradients) {
    return of_type(logits, "logits", [&]<class T>() {
      auto values = at::empty({logits.size(0), 1}, logits.options().dtype(at::kDouble).requires_grad(false));
      if (logits.is_cuda()) {
        sequences_on_device<T, Score>(logits, labels, o, gradients[0], values);
      } else {
        const auto x = from_torch<const T, 3>(logits.detach());
        const auto y = integers<2>(labels, "labels");
        const auto out = from_torch<double, 1>(values.select(1, 0));
        const preference::logit_gradient<T> g{.logits = view_if_defined<T, 3>(gradients[0])};
        if constexpr (Score == sequence_score::unlikelihood)
          preference::unlikelihood(torch_threads(), x, y, out, g, tokens_of(o));
        else
          preference::sequence_logps_and_gradient(torch_threads(), x, y, out, g, tokens_of(o));
      }
      return values.select(1, 0);
    });
  });
}

}  // namespace detail

/// Log-probabilities of sequences, batch: of logits, batch x positions x vocabulary, and labels, batch x positions of int64. In
/// the place of log_softmax, gather, masking and a sum.
///
///     auto logps = autograd::sequence_logps(model(tokens), tokens.masked_fill(is_prompt, -100));
///
/// See `preference::sequence_logps`.
[[nodiscard]] inline at::Tensor sequence_logps(const at::Tensor& logits, const at::Tensor& labels,
                                               const sequence_options& o = {}) {
  return detail::of_sequences<sequence_score::log_probability>(logits, labels, o);
}

/// The unlikelihood loss of sequences, batch, from logits; a mean over tokens unless told otherwise. See
/// `preference::unlikelihood`.
[[nodiscard]] inline at::Tensor unlikelihood(const at::Tensor& logits, const at::Tensor& labels,
                                             const sequence_options& o = {.reduce = preference::over_tokens::mean}) {
  return detail::of_sequences<sequence_score::unlikelihood>(logits, labels, o);
}

/// Losses of pairs or groups from log-probabilities, one per row: any `preference::pair_loss`, yours too. backward() reaches all
/// four log-probabilities.
///
///     auto loss = autograd::preference_losses(preference::dpo{.beta = 0.1}, {w, l, ref_w, ref_l}).mean();
///     auto d2o = autograd::preference_losses(preference::d2o{}, {self, negative, ref_self, ref_negative}).mean();  // self: B x
///     K
///
/// For a loss without chosen answers (`preference::npo`) `chosen` may be undefined. See `preference::losses`.
template<preference::pair_loss F>
[[nodiscard]] at::Tensor preference_losses(const F& f, const preference_log_probs& x) {
  const std::vector<at::Tensor> all{x.rejected, x.chosen, x.reference_chosen, x.reference_rejected};
  std::vector<at::Tensor> inputs;
  std::vector<int> place(all.size(), -1);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].defined()) {
      place[i] = static_cast<int>(inputs.size());
      inputs.push_back(all[i]);
    }
  dispar::detail::require_strided(x.rejected, "rejected");
  return differentiable(inputs, [&](const std::vector<at::Tensor>& gradients) {
    return detail::of_type(x.rejected, "rejected", [&]<class T>() {
      const auto by = [&](std::size_t i) { return place[i] < 0 ? at::Tensor() : gradients[static_cast<std::size_t>(place[i])]; };
      const auto samples = [](const at::Tensor& t) { return t.defined() && t.dim() == 1 ? t.unsqueeze(1) : t; };
      const auto plain = [](const at::Tensor& t) { return t.defined() ? t.detach() : t; };
      const preference::log_probs<T> y{
          .chosen = detail::view_if_defined<const T, 2>(samples(plain(x.chosen))),
          .rejected = from_torch<const T, 1>(x.rejected.detach()),
          .reference_chosen = detail::view_if_defined<const T, 2>(samples(plain(x.reference_chosen))),
          .reference_rejected = detail::view_if_defined<const T, 1>(plain(x.reference_rejected)),
          .chosen_tokens = detail::view_if_defined<const double, 2>(samples(x.chosen_tokens)),
          .rejected_tokens = detail::view_if_defined<const double, 1>(x.rejected_tokens)};
      auto values = at::empty({x.rejected.size(0)}, x.rejected.options().dtype(at::kDouble).requires_grad(false));
      preference::losses(detail::torch_threads(), f, y, preference::group_results<>{.loss = from_torch<double, 1>(values)},
                         {.chosen = detail::view_if_defined<T, 2>(samples(by(1))),
                          .rejected = detail::view_if_defined<T, 1>(by(0)),
                          .reference_chosen = detail::view_if_defined<T, 2>(samples(by(2))),
                          .reference_rejected = detail::view_if_defined<T, 1>(by(3))});
      return values;
    });
  });
}

/// The InTRO loss, a scalar, of logits with and without the answer, rationales x positions x vocabulary, and candidates,
/// rationales x positions x n of int64. backward() reaches `forward` only. See `preference::intro`.
///
///     auto loss = autograd::intro(model(question), model(question_and_answer).detach(), candidates, {.weights = is_right});
[[nodiscard]] inline at::Tensor intro(const at::Tensor& forward, const at::Tensor& posterior, const at::Tensor& candidates,
                                      const intro_options& o = {}) {
  return differentiable({forward}, [&](const std::vector<at::Tensor>& gradients) {
    return detail::of_type(forward, "forward", [&]<class T>() {
      double loss = 0;
      preference::intro(detail::torch_threads(), from_torch<const T, 3>(forward.detach()),
                        from_torch<const T, 3>(posterior.detach()), detail::integers<3>(candidates, "candidates"),
                        {.loss = scalar_view<double>(&loss)}, {.logits = detail::view_if_defined<T, 3>(gradients[0])},
                        {.clip = o.clip,
                         .lengths = detail::integers<1>(o.lengths, "lengths"),
                         .weights = detail::view_if_defined<const double, 1>(o.weights)});
      return loss;
    });
  });
}

}  // namespace autograd

DISPAR_NAMESPACE_END
