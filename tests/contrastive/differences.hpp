#pragma once
/// \file
/// Gradients by central differences, and arguments that must be refused by name.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "dispar/core/error.hpp"

namespace contrastive_tests {

/// Central differences of loss(x).
template<class Loss>
[[nodiscard]] std::vector<double> central_differences(std::vector<double> x, const Loss& loss, double h = 1e-6) {
  std::vector<double> g;
  for (double& v : x) {
    const double at = v;
    v = at + h;
    const double above = loss(x);
    v = at - h;
    const double below = loss(x);
    v = at;
    g.push_back((above - below) / (2 * h));
  }
  return g;
}

/// f throws `invalid_argument` whose message has `named` in it.
template<class F>
void check_refused(const F& f, const char* named) {
  CAPTURE(named);
  try {
    f();
    FAIL_CHECK("accepted");
  } catch (const dispar::invalid_argument& e) {
    CAPTURE(e.what());
    CHECK(std::string(e.what()).find(named) != std::string::npos);
  }
}

}  // namespace contrastive_tests
