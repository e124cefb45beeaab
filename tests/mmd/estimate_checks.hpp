#pragma once

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "dispar/mmd.hpp"
#include "mmd/kernel_cases.hpp"
#include "normal_rows.hpp"

namespace mmd_tests {

namespace mmd = dispar::mmd;
using mmd::estimator;

/// Every form with and without weights, against the definition on the same elements in double.
template<class Case, class T>
void check_estimates(double tolerance) {
  constexpr dispar::index d = 5;
  for (const auto& [n, m] : {std::pair<dispar::index, dispar::index>{37, 61}, {29, 29}}) {
    const auto a = normal_rows<T>(n, d, 1), b = normal_rows<T>(m, d, 2, 0.4);
    const auto x = dispar::as_matrix(a, n, d), y = dispar::as_matrix(b, m, d);
    auto g = oracle::gram_matrices(oracle::as_double(x), oracle::as_double(y), Case::definition);
    for (auto form : {estimator::unbiased, estimator::biased, estimator::one_sample}) {
      if (form == estimator::one_sample && n != m) continue;
      CAPTURE(static_cast<int>(form));
      CHECK(std::abs(mmd::estimate(x, y, Case::kernel, {.form = form}) - oracle::mmd(g, {.form = form})) <= tolerance);
      const mmd::options mpp{.xx = 0.7, .yy = 0, .xy = 1.3, .form = form};
      CHECK(std::abs(mmd::estimate(x, y, Case::kernel, mpp) - oracle::mmd(g, mpp)) <= tolerance);
    }
    std::vector<T> u, v;
    for (dispar::index i = 0; i < n; ++i) u.push_back(static_cast<T>(0.25 * static_cast<double>(1 + i % 5)));
    for (dispar::index j = 0; j < m; ++j) v.push_back(static_cast<T>(0.5 * static_cast<double>(j % 3)));  // zeros too
    for (dispar::index i = 0; i < n; ++i) g.x_weights(i) = static_cast<double>(u[static_cast<std::size_t>(i)]);
    for (dispar::index j = 0; j < m; ++j) g.y_weights(j) = static_cast<double>(v[static_cast<std::size_t>(j)]);
    for (auto form : {estimator::unbiased, estimator::biased})
      CHECK(std::abs(mmd::estimate(dispar::weighted(x, u), dispar::weighted(y, v), Case::kernel, {.form = form}) -
                     oracle::mmd(g, {.form = form})) <= tolerance);
  }
}

}  // namespace mmd_tests
