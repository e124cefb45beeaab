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
    const vec<V, 3> v = value_and_slopes(p, q, log_ratio);
    return v[0];
  }
  /// The value and its slopes: w p log(p / m), (1 - w) q log(q / m). Their logarithms come from that of the larger, which is
  /// small where p and q are close, and from log_ratio.
  template<class V>
  DISPAR_FN vec<V, 3> value_and_slopes(V p, V q, V log_ratio) const {
    const V zero(0), w(weight), rest(1 - weight);
    const V log_larger = log_of_larger(p, q);
    const auto first_is_larger = log_ratio > zero;
    const V of_p = w * p * (log_larger + select(first_is_larger, zero, log_ratio));
    const V of_q = rest * q * (log_larger - select(first_is_larger, log_ratio, zero));
    return {{of_p + of_q, of_p, of_q}};
  }

private:
  /// log(larger / m), exactly 0 where p = q.
  template<class V>
  DISPAR_FN V log_of_larger(V p, V q) const {
    using T = typename V::scalar;
    const V least(row_least<T>);  // nothing is divided by 0 where both vanish
    const auto first_is_larger = p > q;
    const V larger = dispar::detail::lower_bounded(p, q), smaller = p + q - larger;
    if constexpr (sizeof(T) == 4) {
      if (even()) {
        // log(2 l / (l + s)) = 2 atanh(r), r = (l - s) / (3 l + s) <= 1/3: relative error of the polynomial 4e-9 (fitted).
        const V r = (larger - smaller) / dispar::detail::lower_bounded(fma(larger, V(3), smaller), least), z = r * r;
        V a = fma(z, V(0.28178334772325213), V(0.27960603193894458));
        a = fma(a, z, V(0.40024910211992304));
        a = fma(a, z, V(0.66666314685163974));
        return r * fma(a, z, V(2.0000000079206985));
      }
    }
    const V weight_of_smaller = select(first_is_larger, V(1 - weight), V(weight));
    return -log(V(1) - weight_of_smaller * ((larger - smaller) / dispar::detail::lower_bounded(larger, least)));
  }
  [[nodiscard]] DISPAR_FN bool even() const { return weight <= 0.5 && weight >= 0.5; }
};

}  // namespace divergence

DISPAR_NAMESPACE_END
