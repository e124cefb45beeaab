#pragma once
/// \file
/// The one call into dispar: did these two samples come from the same distribution?

#include <cstddef>
#include <cstdint>
#include <string>

#include "table_file.hpp"

namespace quickstart {

struct settings {
  int permutations = 1000;
  double alpha = 0.01;  ///< one run without files asks thirteen times: 0.05 would often raise a false alarm
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0: all of the machine's
};

struct outcome {
  double statistic = 0;         ///< unbiased MMD^2
  double threshold = 0;         ///< what MMD^2 exceeds with probability alpha when nothing has changed
  double p_value = 1;           ///< share of relabellings with an MMD^2 at least as large
  double standard_score = 0;    ///< how many standard deviations of the relabelled MMD^2 the statistic is above their mean
  bool drift = false;           ///< the null hypothesis "same distribution" is rejected at level alpha
  double bandwidth = 0;         ///< sigma of the Gaussian kernel: the median distance in the pooled sample
  double milliseconds = 0;      ///< bandwidth and test together
  std::size_t extra_bytes = 0;  ///< most memory allocated at any moment of the test, beside the two samples
};

/// Tests whether the rows of `reference` and `current` come from one distribution. Both need the same columns.
[[nodiscard]] outcome drift_test(const table& reference, const table& current, const settings& how);

/// The backend as spelled in the build, e.g. "dispar::cpu", and the instruction set it was compiled for.
[[nodiscard]] std::string backend_name();
[[nodiscard]] std::string instruction_set_name();

}  // namespace quickstart
