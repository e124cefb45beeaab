#pragma once

#include <cmath>
#include <span>

#include "dispar/core/vec.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// What the estimators that average independent terms know of themselves.
struct normal_test_result {
  double statistic;       ///< MMD^2, unbiased: may be negative
  double standard_error;  ///< of the statistic, from the spread of the terms
  double p_value;         ///< 1 - Phi(statistic / standard_error): of P = Q against P != Q, one-sided
};

namespace detail {

/// Mean, its standard error and the upper tail of the normal distribution. At least two terms. Terms that are all equal leave
/// no doubt: p is 0 for a positive mean, else 1.
[[nodiscard]] inline normal_test_result normal_test(std::span<const double> terms) {
  const auto count = static_cast<double>(terms.size());
  double mean = 0, square = 0;
  for (double t : terms) mean += t;
  mean /= count;
  for (double t : terms) square += (t - mean) * (t - mean);
  normal_test_result r{};
  r.statistic = mean;
  r.standard_error = std::sqrt(square / (count * (count - 1)));
  r.p_value = r.standard_error > 0 ? 0.5 * std::erfc(mean / (r.standard_error * std::sqrt(2.0))) : (mean > 0 ? 0.0 : 1.0);
  return r;
}

}  // namespace detail

}  // namespace mmd

DISPAR_NAMESPACE_END
