#pragma once

#include "dispar/core/error.hpp"
#include "dispar/divergence/f_divergence.hpp"

DISPAR_NAMESPACE_BEGIN

namespace divergence {

/// The Jensen-Shannon divergence: with m = w p + (1 - w) q
///
///     JS_w(P, Q) = w KL(P || M) + (1 - w) KL(Q || M),    0 <= JS_w <= H(w) = -w log w - (1 - w) log(1 - w)
///
/// log 2 at most for w = 1/2, in nats. Symmetric for w = 1/2, finite for any supports, exactly 0 for equal rows.
/// Lin, IEEE Transactions on Information Theory 37 (1991), eq. 4.1.
struct jensen_shannon {
  double weight = 0.5;  ///< w of the first argument, in (0, 1)

  /// Throws `invalid_argument` for a weight outside (0, 1).
  void check() const { require(weight > 0 && weight < 1, "jensen_shannon: weight", "must lie between 0 and 1", weight); }

  /// The value of a token.
  template<class V>
  DISPAR_FN V value(V p, V q, V log_ratio) const {
    const split<V> s = split_of(p, q, log_ratio);
    return (s.of_more + s.of_less) * s.log_more - s.of_less * s.distance;
  }
  /// The value and its slopes: w p log(p / m), (1 - w) q log(q / m).
  template<class V>
  DISPAR_FN vec<V, 3> value_and_slopes(V p, V q, V log_ratio) const {
    const split<V> s = split_of(p, q, log_ratio);
    const V more = s.of_more * s.log_more, less = s.of_less * (s.log_more - s.distance);
    const auto first_is_more = log_ratio > V(0);
    return {{more + less, select(first_is_more, more, less), select(first_is_more, less, more)}};
  }

private:
  /// The larger of p and q, and the smaller as its multiple by u = exp(-distance): log(larger / m) = -log(1 - w_smaller (1 - u))
  /// has an argument in (0, 1], which is exactly 1 where p = q, and log(smaller / m) is that minus the distance.
  template<class V>
  struct split {
    V of_more, of_less;  ///< weighted with w or 1 - w
    V log_more, distance;
  };
  template<class V>
  DISPAR_FN split<V> split_of(V p, V q, V log_ratio) const {
    const auto first_is_more = log_ratio > V(0);
    const V w(weight), rest(1 - weight);
    const V distance = select(first_is_more, log_ratio, -log_ratio);
    const V of_p = w * p, of_q = rest * q;
    const V weight_of_less = select(first_is_more, rest, w);
    const V u = exp2_nonpositive(distance * V(-detail::log2_e));
    const V log_more = -log(V(1) - weight_of_less * (V(1) - u));
    return {select(first_is_more, of_p, of_q), select(first_is_more, of_q, of_p), log_more, distance};
  }
};

}  // namespace divergence

DISPAR_NAMESPACE_END
