#pragma once

#include "dispar/divergence/f_divergence.hpp"

DISPAR_NAMESPACE_BEGIN

namespace divergence {

/// Cross-entropy of two distributions, H(P, Q) = -sum_v p_v log q_v = KL(P || Q) + H(P): P is what should be, Q the model. As a
/// loss of Q it has the gradient of KL(P || Q), for one logarithm less. Infinite where a q is 0 and its p is not. No
/// f-divergence: it is H(P), not 0, where both are equal.
///
///     divergence::rows(cpu{}, teacher, student, divergence::cross_entropy{}, values);      // of two matrices of logits
///
/// By logits dH / da_j = -p_j (log q_j + H), dH / db_j = q_j - p_j; by probabilities dH / dp_j = -log q_j, dH / dq_j = -p_j /
/// q_j. Targets that are indices of tokens: `label_cross_entropy`. Good, Journal of the Royal Statistical Society B 14 (1952).
struct cross_entropy {
  static constexpr bool infinite_without_q = true;  ///< see `f_divergence`
  /// The value of a token, and its slopes, of the logarithms themselves: see `token_sum`.
  template<class V>
  DISPAR_FN static vec<V, 3> value_and_slopes(V p, V, V, V log_q) {
    return {{-p * log_q, -p * log_q, -p}};
  }
};

}  // namespace divergence

DISPAR_NAMESPACE_END
