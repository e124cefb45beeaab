#pragma once

#include <cmath>

#include "dispar/core/error.hpp"
#include "dispar/divergence/f_divergence.hpp"

DISPAR_NAMESPACE_BEGIN

namespace divergence {

namespace detail {

/// exp(log_ratio) with p in front of it later: a p that has underflowed must not meet an infinite factor.
template<class V>
[[nodiscard]] DISPAR_FN V safe_exponent(V p, V exponent) {
  const V zero(0);
  return select(p > zero, exponent, select(exponent > zero, zero, exponent));
}

/// p^alpha q^(1 - alpha) - alpha p - (1 - alpha) q.
template<class V>
[[nodiscard]] DISPAR_FN V alpha_term(double alpha, V p, V q, V log_ratio) {
  // The one of the two that cannot overflow for alpha < 1.
  const V below = q * exp(select(log_ratio > V(0), V(0), log_ratio * V(alpha)));
  const V above = p * exp(safe_exponent(p, select(log_ratio > V(0), log_ratio * V(alpha - 1), V(0))));
  return select(log_ratio > V(0), above, below) - V(alpha) * p - V(1 - alpha) * q;
}

inline void check_alpha(double alpha, const char* name) {
  require(alpha > 0 && alpha < 1e3 && (alpha < 1 || alpha > 1), name,
          "must be positive and not 1, whose divergence is kullback_leibler", alpha);
}

}  // namespace detail

/// Pearson's chi^2(P || Q) = sum_v (p_v - q_v)^2 / q_v. Infinite where a q is 0 and its p is not, and where the type overflows.
struct chi_square {
  static constexpr bool without_logarithm = true;  ///< see `f_divergence`
  /// The value of a token.
  template<class V>
  DISPAR_FN static V value(V p, V q, V log_ratio) {
    return (p - q) * (exp(detail::safe_exponent(p, log_ratio)) - V(1));
  }
};

/// The alpha-divergence of Cressie and Read, D_a(P || Q) = (sum_v p_v^a q_v^(1 - a) - 1) / (a (a - 1)): KL(P || Q) for a -> 1,
/// half of chi^2 for a = 2, four times the squared Hellinger distance for a = 1/2.
/// From each term a p + (1 - a) q is subtracted, which sums to the 1 and leaves terms of one sign; gradients by `probabilities`
/// are of that form. Journal of the Royal Statistical Society B 46 (1984).
struct alpha_divergence {
  double alpha = 0.5;  ///< positive, not 1

  static constexpr bool without_logarithm = true;  ///< see `f_divergence`
  /// Throws `invalid_argument` for an alpha out of range.
  void check() const { detail::check_alpha(alpha, "alpha_divergence: alpha"); }
  /// The value of a token.
  template<class V>
  DISPAR_FN V value(V p, V q, V log_ratio) const {
    return detail::alpha_term(alpha, p, q, log_ratio) * V(1 / (alpha * (alpha - 1)));
  }
};

/// Renyi's divergence of order alpha, log(sum_v p_v^a q_v^(1 - a)) / (a - 1): a function of a sum, hence not an f-divergence
/// itself. Infinite for disjoint rows. Renyi, Proc. 4th Berkeley Symposium 1 (1961).
struct renyi {
  double alpha = 0.5;  ///< the order: positive, not 1

  /// Throws `invalid_argument` for an order out of range.
  void check() const { detail::check_alpha(alpha, "renyi: alpha"); }
  /// The value of a token.
  template<class V>
  DISPAR_FN V value(V p, V q, V log_ratio) const {
    return detail::alpha_term(alpha, p, q, log_ratio);
  }
  /// See `f_divergence`: the sum is that of p^a q^(1 - a), less 1.
  ///@{
  [[nodiscard]] DISPAR_FN double of_sum(double sum) const {
    return sum > -1 ? std::log1p(sum) / (alpha - 1) : positive_infinity<double>();
  }
  [[nodiscard]] DISPAR_FN double of_sum_slope(double sum) const { return 1 / ((alpha - 1) * (1 + sum)); }
  ///@}
};

}  // namespace divergence

DISPAR_NAMESPACE_END
