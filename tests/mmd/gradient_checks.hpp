#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "dispar/mmd.hpp"
#include "mmd/kernel_cases.hpp"
#include "normal_rows.hpp"

namespace mmd_tests {

namespace mmd = dispar::mmd;
using mmd::estimator;

/// d f / d value by central differences; `value` is left as it was. Steps are small against the gaps between the elements, so
/// that L1 and maximum metrics stay on one side of their kinks.
template<class F>
double central_difference(double& value, const F& f) {
  const double before = value, step = 1e-5;
  value = before + step;
  const double above = f();
  value = before - step;
  const double below = f();
  value = before;
  return (above - below) / (2 * step);
}

/// Gradients by every element of x and y and by every parameter against central differences of `estimate`, for every form, with
/// and without weights.
template<class Case>
void check_gradients() {
  constexpr dispar::index n = 13, d = 3;
  using K = typename Case::type;
  for (const dispar::index m : {n, n + 4})
    for (auto form : {estimator::unbiased, estimator::biased, estimator::one_sample})
      for (const bool with_weights : {false, true}) {
        if (form == estimator::one_sample && (with_weights || n != m)) continue;
        CAPTURE(static_cast<int>(form));
        CAPTURE(with_weights);
        auto a = normal_rows(n, d, 1), b = normal_rows(m, d, 2, 0.4);
        std::vector<double> u, v;
        for (dispar::index i = 0; i < n; ++i) u.push_back(0.25 * static_cast<double>(1 + i % 5));
        for (dispar::index j = 0; j < m; ++j) v.push_back(0.5 * static_cast<double>(j % 3));
        auto x = dispar::as_sample(dispar::as_matrix(a, n, d)), y = dispar::as_sample(dispar::as_matrix(b, m, d));
        if (with_weights) x = dispar::weighted(x, u), y = dispar::weighted(y, v);
        const mmd::options o{.xx = 0.8, .yy = 1.1, .xy = 1.7, .form = form};

        std::vector<double> gx(a.size(), 7), gy(b.size(), 7), gp(K::parameters, 7);
        const double value = mmd::value_and_gradient(
            dispar::cpu{}, x, y, Case::kernel,
            mmd::gradients<double>{
                .x = {dispar::as_matrix(gx, n, d)}, .y = {dispar::as_matrix(gy, m, d)}, .parameters = dispar::view_of(gp)},
            o);
        CHECK(std::abs(value - mmd::estimate(x, y, Case::kernel, o)) <= 1e-14);

        const auto at_x = [&] { return mmd::estimate(x, y, Case::kernel, o); };
        for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(gx[i] - central_difference(a[i], at_x)) <= 2e-9);
        for (std::size_t i = 0; i < b.size(); ++i) CHECK(std::abs(gy[i] - central_difference(b[i], at_x)) <= 2e-9);
        auto p = Case::kernel.theta();
        for (int i = 0; i < K::parameters; ++i)
          CHECK(std::abs(gp[static_cast<std::size_t>(i)] -
                         central_difference(p[i], [&] { return mmd::estimate(x, y, Case::with(p), o); })) <= 2e-9);
      }
}

}  // namespace mmd_tests
