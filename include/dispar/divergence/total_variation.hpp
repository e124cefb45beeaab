#pragma once

#include "dispar/divergence/f_divergence.hpp"

DISPAR_NAMESPACE_BEGIN

namespace divergence {

/// TV(P, Q) = 1/2 sum_v |p_v - q_v|, in [0, 1]. Tokens with p = q have gradient 0.
struct total_variation {
  static constexpr bool without_logarithm = true;  ///< see `f_divergence`
  /// The value of a token.
  template<class V>
  DISPAR_FN static V value(V p, V q, V) {
    return abs(p - q) * V(0.5);
  }
};

/// H^2(P, Q) = 1/2 sum_v (sqrt p_v - sqrt q_v)^2 = 1 - sum_v sqrt(p_v q_v), in [0, 1]: the square of Hellinger's distance.
struct squared_hellinger {
  static constexpr bool without_logarithm = true;  ///< see `f_divergence`
  /// The value of a token.
  template<class V>
  DISPAR_FN static V value(V p, V q, V) {
    const V difference = sqrt(p) - sqrt(q);
    return difference * difference * V(0.5);
  }
};

}  // namespace divergence

DISPAR_NAMESPACE_END
