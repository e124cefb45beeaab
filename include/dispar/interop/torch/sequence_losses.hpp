#pragma once
/// \file
/// The functions of sequences of logits in the form in which CUDA tensors call them, for a `gpu_row_entry` of a .cu file. No
/// torch in here.

#include "dispar/interop/torch/row_losses.hpp"
#include "dispar/preference/sequence_logps.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// What the tokens of a sequence score.
enum class sequence_score {
  log_probability,  ///< `preference::sequence_logps`
  unlikelihood      ///< `preference::unlikelihood`
};

/// A function of sequences, all positions of which are rows: `values` has one entry per sequence, `labels` one per row.
template<sequence_score Score>
struct sequence_loss {
  preference::over_tokens reduce;  ///< over the tokens of a sequence
  std::int64_t ignore_index;       ///< the label of what does not count
  bool shift;                      ///< see `preference::token_options`

  /// Values and gradients.
  template<class B, class T, class S>
  void run(const B& b, const row_arguments<T, S>& x) const {
    const index batch = x.values.size();
    require(batch > 0 && x.a.rows() % batch == 0, "sequences: values", "must divide the number of rows",
            static_cast<double>(batch));
    const index time = x.a.rows() / batch, stride = x.labels.stride(0);
    const matrix_view<const std::int64_t, S> labels(x.labels.data(), {batch, time}, {time * stride, stride});
    preference::logit_gradient<T, S> g;
    if (x.by_a) g.logits = preference::as_sequences(x.by_a, batch);
    const preference::token_options<S> o{.reduce = reduce, .ignore = ignore_index, .shift = shift};
    if constexpr (Score == sequence_score::unlikelihood)
      preference::unlikelihood(b, preference::as_sequences(x.a, batch), labels, x.values, g, o);
    else
      preference::sequence_logps_and_gradient(b, preference::as_sequences(x.a, batch), labels, x.values, g, o);
  }
};

/// What to give to `gpu_row_entry`.
///@{
using sequence_logps_loss = sequence_loss<sequence_score::log_probability>;
using unlikelihood_loss = sequence_loss<sequence_score::unlikelihood>;
///@}

}  // namespace autograd

DISPAR_NAMESPACE_END
