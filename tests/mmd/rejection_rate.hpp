#pragma once

#include <cmath>

#include "dispar/core/view.hpp"

/// The share of `trials` in which `test(trial)` rejects.
template<class Test>
double rejection_rate(int trials, const Test& test) {
  int rejections = 0;
  for (int trial = 0; trial < trials; ++trial) rejections += test(trial) ? 1 : 0;
  return rejections / static_cast<double>(trials);
}

/// Half the width of the interval that holds the rate of a test of level `level` with probability 0.999.
inline double level_tolerance(double level, int trials) { return 3.3 * std::sqrt(level * (1 - level) / trials); }
