#pragma once

#include "dispar/divergence/f_divergence.hpp"

DISPAR_NAMESPACE_BEGIN

namespace divergence {

/// KL(P || Q) = sum_v p_v log(p_v / q_v), computed as sum_v (p log(p / q) - p + q), whose terms are not negative. Infinite where
/// a q is 0 and its p is not. Gradients by `probabilities` are those of the second form: log(p / q) by p, without the 1 that is
/// the same for all tokens and moves no distribution. Kullback and Leibler, Annals of Mathematical Statistics 22 (1951).
struct kullback_leibler {
  static constexpr bool infinite_without_q = true;  ///< see `f_divergence`
  /// The value of a token, and its slopes.
  ///@{
  template<class V>
  DISPAR_FN static V value(V p, V q, V log_ratio) {
    return p * log_ratio - p + q;
  }
  template<class V>
  DISPAR_FN static vec<V, 3> value_and_slopes(V p, V q, V log_ratio) {
    return {{p * log_ratio - p + q, p * log_ratio, q - p}};
  }
  ///@}
};

/// KL(Q || P): the other direction, which seeks a mode of P where `kullback_leibler` covers all of them.
struct reverse_kullback_leibler {
  static constexpr bool infinite_without_p = true;  ///< see `f_divergence`
  /// The value of a token, and its slopes.
  ///@{
  template<class V>
  DISPAR_FN static V value(V p, V q, V log_ratio) {
    return p - q - q * log_ratio;
  }
  template<class V>
  DISPAR_FN static vec<V, 3> value_and_slopes(V p, V q, V log_ratio) {
    return {{p - q - q * log_ratio, p - q, -q * log_ratio}};
  }
  ///@}
};

/// J(P, Q) = KL(P || Q) + KL(Q || P) = sum_v (p_v - q_v) log(p_v / q_v): no half. Jeffreys, Proc. Royal Society A 186 (1946).
struct jeffreys {
  static constexpr bool infinite_without_q = true;  ///< see `f_divergence`
  static constexpr bool infinite_without_p = true;  ///< see `f_divergence`
  /// The value of a token.
  template<class V>
  DISPAR_FN static V value(V p, V q, V log_ratio) {
    return (p - q) * log_ratio;
  }
};

}  // namespace divergence

DISPAR_NAMESPACE_END
