#include "dispar/mmd/estimate_each.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/kernels/gaussian.hpp"
#include "normal_rows.hpp"

namespace {

using namespace dispar;

/// More kernels than share a pass, and one left over.
std::vector<gaussian> ladder(int count = 2 * kernels_per_pass + 1) {
  std::vector<gaussian> kernels;
  for (int i = 0; i < count; ++i) kernels.push_back({0.5 + 0.25 * i});
  return kernels;
}

template<class X, class Y>
void check(const X& x, const Y& y, const std::vector<gaussian>& kernels, const mmd::options& o) {
  const auto values = mmd::estimate_each(cpu{}, x, y, std::span<const gaussian>(kernels), o);
  REQUIRE(values.size() == kernels.size());
  for (std::size_t i = 0; i < kernels.size(); ++i)
    CHECK(values[i] == doctest::Approx(mmd::estimate(cpu{}, x, y, kernels[i], o)).epsilon(1e-13).scale(1));
}

}  // namespace

TEST_CASE("estimate_each: every kernel's estimate, for any number of kernels and any form") {
  const dispar::index n = 137, m = 71, d = 5;
  const auto a = normal_rows(n, d, 1), b = normal_rows(m, d, 2, 0.3), c = normal_rows(n, d, 3, 0.1);
  const auto x = as_matrix(a, n, d), y = as_matrix(b, m, d), z = as_matrix(c, n, d);
  for (int count : {0, 1, kernels_per_pass, kernels_per_pass + 1}) check(x, y, ladder(count), {});
  check(x, y, ladder(), {.form = mmd::estimator::biased});
  check(x, y, ladder(), {.yy = 0});
  check(x, z, ladder(), {.form = mmd::estimator::one_sample});
  CHECK(mmd::estimate_each(x, y, std::span<const gaussian>(ladder(2))).size() == 2);
}

TEST_CASE("estimate_each: weighted rows, and floats") {
  const dispar::index n = 40, m = 30, d = 3;
  const auto a = normal_rows<float>(n, d, 1), b = normal_rows<float>(m, d, 2, 0.3f);
  std::vector<float> weights;
  for (dispar::index i = 0; i < n; ++i) weights.push_back(static_cast<float>(1 + i % 4));
  const auto x = as_matrix(a, n, d), y = as_matrix(b, m, d);
  check(x, y, ladder(), {});
  check(weighted(x, view_of(weights)), y, ladder(), {.form = mmd::estimator::biased});
}

TEST_CASE("estimate_each: bad input, in whichever kernel") {
  const auto a = normal_rows(6, 2, 1);
  const auto x = as_matrix(a, 6, 2);
  const auto run = [&](const std::vector<gaussian>& kernels, const mmd::options& o) {
    return mmd::estimate_each(cpu{}, x, x.slice(0, 1), std::span<const gaussian>(kernels), o);
  };
  auto kernels = ladder();
  CHECK_THROWS_AS((void)run(kernels, {}), invalid_argument);  // one row of y
  CHECK_NOTHROW((void)run(kernels, {.yy = 0}));
  kernels.back().sigma = -1;
  CHECK_THROWS_AS((void)run(kernels, {.yy = 0}), invalid_argument);
}
