#pragma once

#include <span>
#include <vector>

#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd::detail {

/// What the last `size` rows of a stream contribute to MMD^2, kept up to date with the kernel values of the new row only.
///
/// Row t keeps the running sums P_t[q] of its values with the q rows before it. The pairs within the window that ends at t add
/// up to sum_i P_{t-i}[size - 1 - i], i = 0 .. size - 2. Nothing is ever subtracted, so no rounding error piles up.
class sliding_window {
public:
  explicit sliding_window(index size)
      : size_(size), before_(static_cast<std::size_t>(size * size), 0.0), across_(static_cast<std::size_t>(size), 0.0) {}

  [[nodiscard]] bool full() const noexcept { return rows_ >= size_; }
  void clear() noexcept { rows_ = 0; }

  /// A new row: `value(lag)` = k(new row, row `lag` before it), asked for those lags 1 .. size - 1 that exist; `across` = mean
  /// of k(reference, new row).
  template<class Value>
  void push(const Value& value, double across) {
    const index slot = rows_ % size_, known = rows_ < size_ ? rows_ : size_ - 1;
    double* const sums = before_.data() + slot * size_;
    sums[0] = 0;
    for (index lag = 1; lag <= known; ++lag) sums[lag] = sums[lag - 1] + value(lag);
    across_[static_cast<std::size_t>(slot)] = across;
    ++rows_;
  }

  /// The unbiased MMD^2 of a full window against the reference, whose mean k within (i != j) is `within`.
  [[nodiscard]] double statistic(double within) const {
    double pairs = 0, across = 0;
    index slot = (rows_ - 1) % size_;
    for (index i = 0; i < size_; ++i) {
      pairs += before_[static_cast<std::size_t>(slot * size_ + size_ - 1 - i)];
      across += across_[static_cast<std::size_t>(slot)];
      slot = slot == 0 ? size_ - 1 : slot - 1;
    }
    const auto rows = static_cast<double>(size_);
    return within + 2 * pairs / (rows * (rows - 1)) - 2 * across / rows;
  }

private:
  index size_, rows_ = 0;
  std::vector<double> before_;  ///< [slot][rows before]
  std::vector<double> across_;
};

}  // namespace mmd::detail

DISPAR_NAMESPACE_END
