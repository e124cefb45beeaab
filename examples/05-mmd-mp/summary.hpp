#pragma once
/// \file
/// What an experiment says, over its seeds.

#include <string>
#include <vector>

#include "experiment.hpp"
#include "intervals.hpp"

namespace mmd_mp {

/// A mean over seeds and half the width of its 95 % interval.
struct estimate {
  double value = 0, half_width = 0;
};

struct row {
  std::string setting, method;
  estimate power, auroc;
  bool has_auroc = true;
  rejections level;
  bool level_kept = true;      ///< not above the binomial range
  bool level_in_range = true;  ///< not below it either
};

/// MMD-MP less MMD-D, by seed.
struct comparison {
  std::string setting;
  estimate power, auroc;
};

struct summary {
  std::vector<row> rows;
  std::vector<comparison> comparisons;
  /// Of the rates of type-I errors, for all rows together with 95 % confidence.
  interval level_range{};
  bool level_kept = true;

  [[nodiscard]] const row& at(const std::string& setting, const std::string& method) const;
};
[[nodiscard]] summary summarize(const experiment_result& result, double alpha);

/// "above" or "below" where the interval leaves out 0, else "not shown".
[[nodiscard]] std::string verdict(const estimate& difference);

void print_table(const summary& s, double alpha);
void print_verdict(const summary& s);

}  // namespace mmd_mp
