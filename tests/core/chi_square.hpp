#pragma once

#include <cmath>
#include <vector>

/// Pearson's statistic for equally likely cells.
inline double chi_square(const std::vector<long>& counts) {
  double total = 0, statistic = 0;
  for (long c : counts) total += static_cast<double>(c);
  const double expected = total / static_cast<double>(counts.size());
  for (long c : counts) statistic += (static_cast<double>(c) - expected) * (static_cast<double>(c) - expected) / expected;
  return statistic;
}

/// The quantile of the chi-square distribution that chance exceeds once in a million (Wilson and Hilferty, 1931).
inline double chi_square_limit(double degrees_of_freedom) {
  const double v = 2 / (9 * degrees_of_freedom);
  return degrees_of_freedom * std::pow(1 - v + 4.7534 * std::sqrt(v), 3);
}
