// A Thrust host system gives the bits of the CPU backend.
#include "dispar/backend/thrust.hpp"

#include <doctest/doctest.h>

#include "dispar/core/random.hpp"
#include "dispar/mmd.hpp"

TEST_CASE("estimate, gradient and permutation test on a Thrust system: the bits of cpu") {
  using namespace dispar;
  const on_thrust<DISPAR_TEST_SYSTEM> system;
  const dispar::index n = 500, m = 421, d = 17;
  std::vector<float> a(static_cast<std::size_t>(n * d)), b(static_cast<std::size_t>(m * d)), on_cpu(a.size()),
      on_system(a.size());
  fill_normal(random_key{1, 0}, 0, std::span<float>(a));
  fill_normal(random_key{2, 0}, 0, std::span<float>(b));
  const auto x = as_matrix(a, n, d), y = as_matrix(b, m, d);
  const rational_quadratic k{.scale = 3, .alpha = 1.5};
  CHECK(mmd::estimate(system, x, y, k) == mmd::estimate(cpu{}, x, y, k));
  const double v = mmd::value_and_gradient(system, x, y, k, {.x = {as_matrix(on_system, n, d)}});
  CHECK(v == mmd::value_and_gradient(cpu{}, x, y, k, {.x = {as_matrix(on_cpu, n, d)}}));
  CHECK(on_system == on_cpu);
  const auto t = mmd::permutation_test(system, x, y, k, {.permutations = 64}),
             s = mmd::permutation_test(cpu{}, x, y, k, {.permutations = 64});
  CHECK(t.statistic == s.statistic);
  CHECK(t.p_value == s.p_value);
  CHECK(t.null_deviation == s.null_deviation);
}
