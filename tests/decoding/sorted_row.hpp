#pragma once
/// \file
/// What samplers should keep and draw, by sorting, in double: the oracle of every backend.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "dispar/core/view.hpp"

namespace decoding_tests {

using dispar::index;

/// A row sorted by (value descending, position ascending), of which the first ones are kept.
struct sorted_row {
  std::vector<double> x;
  std::vector<index> order;
  std::size_t kept;
  double scale = 1;

  template<class T>
  explicit sorted_row(const std::vector<T>& row) : x(row.begin(), row.end()), order(row.size()), kept(row.size()) {
    std::iota(order.begin(), order.end(), index{0});
    std::stable_sort(order.begin(), order.end(), [this](index a, index b) { return at(a) > at(b); });
  }
  [[nodiscard]] double at(index i) const { return x[static_cast<std::size_t>(i)]; }
  [[nodiscard]] double mass(std::size_t place) const { return std::exp(scale * (at(order[place]) - at(order[0]))); }
  [[nodiscard]] double total() const {
    double sum = 0;
    for (std::size_t i = 0; i < kept; ++i) sum += mass(i);
    return sum;
  }
  sorted_row& top_k(std::size_t k) {
    kept = std::min(kept, k);
    return *this;
  }
  sorted_row& top_p(double p) {
    const double whole = total();
    double before = 0;
    std::size_t i = 0;
    for (; i < kept && (i == 0 || before < p * whole); ++i) before += mass(i);
    kept = i;
    return *this;
  }
  sorted_row& min_p(double p) {
    std::size_t i = 0;
    while (i < kept && at(order[i]) >= at(order[0]) + std::log(p) / scale) ++i;
    kept = std::max<std::size_t>(i, 1);
    return *this;
  }
  [[nodiscard]] std::vector<double> probabilities() const {
    std::vector<double> p(x.size());
    const double whole = total();
    for (std::size_t i = 0; i < kept; ++i) p[static_cast<std::size_t>(order[i])] = mass(i) / whole;
    return p;
  }
  /// The smallest position whose cumulative probability exceeds u.
  [[nodiscard]] std::int64_t draw(double u) const {
    const auto p = probabilities();
    double sum = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      sum += p[i];
      if (sum > u) return static_cast<std::int64_t>(i);
    }
    return -1;
  }
};

}  // namespace decoding_tests
