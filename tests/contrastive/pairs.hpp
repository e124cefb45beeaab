#pragma once
/// \file
/// Losses of matched rows: gradients against central differences of a value in double.

#include <doctest/doctest.h>

#include <vector>

#include "dispar/core/view.hpp"

namespace contrastive_tests {

/// Compares some elements of `gradient` with (value(x + h) - value(x - h)) / 2h.
template<class T, class Value>
void check_differences(const std::vector<T>& gradient, const std::vector<double>& x, const Value& value, double near,
                       double h = 1e-6) {
  for (const std::size_t at : {std::size_t{0}, x.size() / 3, x.size() / 2, x.size() - 1}) {
    auto up = x, down = x;
    up[at] += h, down[at] -= h;
    CAPTURE(at);
    CHECK(static_cast<double>(gradient[at]) == doctest::Approx((value(up) - value(down)) / (2 * h)).epsilon(near).scale(0.01));
  }
}

}  // namespace contrastive_tests
