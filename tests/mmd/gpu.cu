// The GPU against the CPU: estimate, gradient, permutation test on the same data.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include "dispar/core/random.hpp"
#include "dispar/mmd.hpp"

namespace {

using namespace dispar;

std::vector<float> rows_of(std::uint64_t seed, dispar::index count, float shift) {
  std::vector<float> v(static_cast<std::size_t>(count));
  for (dispar::index i = 0; i < count; ++i) v[static_cast<std::size_t>(i)] = normal<float>({seed, 0}, i) + shift;
  return v;
}

}  // namespace

TEST_CASE("estimate, gradient and permutation test on the GPU agree with the CPU, and repeat bit by bit") {
  cuda_context context;
  const gpu g{&context};
  for (const auto& [n, m, d] : {std::array<dispar::index, 3>{70, 70, 3}, {300, 201, 65}, {1, 5, 1}}) {
    const auto a = rows_of(1, n * d, 0), b = rows_of(2, m * d, 0.2f);
    const auto x = as_matrix(a, n, d), y = as_matrix(b, m, d);
    const auto gx = to(g, x), gy = to(g, y);
    const gaussian k{2};
    const mmd::options o{.form = mmd::estimator::biased};
    const double on_gpu = mmd::estimate(g, gx, gy, k, o);
    CHECK(on_gpu == doctest::Approx(mmd::estimate(cpu{}, x, y, k, o)).epsilon(1e-5));
    CHECK(on_gpu == mmd::estimate(g, gx, gy, k, o));

    array<float, 2, gpu> gradient(g, {n, d});
    std::vector<float> expected(a.size());
    std::vector<double> by_sigma(1), by_sigma_gpu(1);
    (void)mmd::value_and_gradient(g, gx, gy, k, {.x = {gradient.view()}, .parameters = view_of(by_sigma_gpu)}, o);
    (void)mmd::value_and_gradient(cpu{}, x, y, k, {.x = {as_matrix(expected, n, d)}, .parameters = view_of(by_sigma)}, o);
    const auto result = to_host(g, gradient);
    for (dispar::index i = 0; i < n * d; ++i)
      CHECK(result.data()[i] == doctest::Approx(expected[static_cast<std::size_t>(i)]).epsilon(1e-3));
    CHECK(by_sigma_gpu[0] == doctest::Approx(by_sigma[0]).epsilon(1e-4));

    if (n < 2) continue;
    const auto t = mmd::permutation_test(g, gx, gy, k, {.permutations = 200});
    const auto s = mmd::permutation_test(cpu{}, x, y, k, {.permutations = 200});
    CHECK(t.statistic == doctest::Approx(s.statistic).epsilon(1e-4));
    CHECK(t.null_deviation == doctest::Approx(s.null_deviation).epsilon(1e-4));
  }
  auto bad = rows_of(3, 10, 0);
  bad[7] = std::nanf("");
  const auto device_bad = to(g, as_matrix(bad, 5, 2));
  CHECK_THROWS_AS((void)mmd::estimate(g, device_bad, device_bad, gaussian{1}), invalid_argument);
}

TEST_CASE("kernels that share a pass on the GPU agree with the CPU") {
  cuda_context context;
  const gpu g{&context};
  const dispar::index n = 70, m = 33, d = 3;
  const auto a = rows_of(1, n * d, 0), b = rows_of(2, m * d, 0.2f);
  const auto x = as_matrix(a, n, d), y = as_matrix(b, m, d);
  const auto gx = to(g, x), gy = to(g, y);
  const std::array<gaussian, 3> three{{{0.8}, {1.5}, {3}}};
  const std::span<const gaussian> kernels(three);
  const auto values = mmd::estimate_each(g, gx, gy, kernels), expected = mmd::estimate_each(cpu{}, x, y, kernels);
  const auto t = mmd::fused_test(g, gx, gy, kernels, {.permutations = 40});
  const auto s = mmd::fused_test(cpu{}, x, y, kernels, {.permutations = 40});
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(values[k] == doctest::Approx(expected[k]).epsilon(1e-4));
    CHECK(t.member[k].normalized == doctest::Approx(s.member[k].normalized).epsilon(1e-4));
  }
  CHECK(t.threshold == doctest::Approx(s.threshold).epsilon(1e-4));
}
