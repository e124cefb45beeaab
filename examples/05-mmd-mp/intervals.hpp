#pragma once

#include <cstdint>
#include <vector>

namespace mmd_mp {

struct interval {
  double low, high;
};

/// The rates that a binomial count among `trials` with probability p stays within, with at least this confidence: each tail has
/// at most half of the rest.
[[nodiscard]] interval binomial_range(std::int64_t trials, double p, double confidence);

[[nodiscard]] double mean(const std::vector<double>& values);

/// Half the width of Student's 95 % interval of the mean; 0 for a single value, of which nothing is known.
[[nodiscard]] double half_width(const std::vector<double>& values);

}  // namespace mmd_mp
