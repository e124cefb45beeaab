#pragma once
/// \file
/// Floating-point operations that a result needs, whatever was done to get it: multiply-adds counted twice, symmetric halves
/// once, kernel values not at all.

#include "dispar/core/view.hpp"

namespace workload {

/// A value: half of either square, and the cross block.
[[nodiscard]] inline double estimate_flops(dispar::index n, dispar::index m, dispar::index d) {
  const double rows = static_cast<double>(n), cols = static_cast<double>(m);
  return 2.0 * static_cast<double>(d) * (rows * rows / 2 + cols * cols / 2 + rows * cols);
}

/// Value and gradient in x by the samples' own products: the gradient multiplies the two blocks of x with the rows they meet.
[[nodiscard]] inline double gradient_flops(dispar::index n, dispar::index m, dispar::index d) {
  const double rows = static_cast<double>(n), cols = static_cast<double>(m);
  return estimate_flops(n, m, d) + 2.0 * static_cast<double>(d) * (rows * rows + rows * cols);
}

/// One half of the Gram matrix over all rows, times the labels.
[[nodiscard]] inline double permutation_flops(dispar::index rows, dispar::index d, dispar::index permutations) {
  const double all = static_cast<double>(rows);
  return all * all * static_cast<double>(d + permutations);
}

}  // namespace workload
