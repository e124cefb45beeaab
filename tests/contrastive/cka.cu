// CKA on the GPU: as on the host, run to run the same bits.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/cka.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "mmd/gpu/device_rows.hpp"
#include "normal_rows.hpp"
#include "on_host.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::hsic_estimator;
using dispar::as_matrix;
using dispar::cpu;
using dispar::gaussian;
using dispar::gpu;
using dispar::index;

template<class T, class K>
void check(const K& kernel, hsic_estimator form, double tolerance) {
  const index n = 70, d = 9, e = 5;
  const auto x = normal_rows<T>(n, d, 1, 2), noise = normal_rows<T>(n, e, 2);
  std::vector<T> y(noise.size());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = noise[i] + x[i / e * d + i % e];
  std::vector<T> ex(x.size()), ey(y.size());
  const auto expected = contrastive::cka(cpu{}, as_matrix(x, n, d), as_matrix(y, n, e), kernel, kernel,
                                         {.x = as_matrix(ex, n, d), .y = as_matrix(ey, n, e)}, {form});
  dispar::cuda_context context;
  const gpu g{&context};
  const auto dx = to(g, as_matrix(x, n, d)), dy = to(g, as_matrix(y, n, e));
  dispar::array<T, 2, gpu> gx(g, {n, d}), gy(g, {n, e}), again(g, {n, d});
  const auto value = contrastive::cka(g, dx, dy, kernel, kernel, {.x = gx.view(), .y = gy.view()}, {form});
  const auto second = contrastive::cka(g, dx, dy, kernel, kernel, {.x = again.view(), .y = gy.view()}, {form});
  CHECK(value.value == doctest::Approx(expected.value).epsilon(tolerance));
  CHECK(value.hsic_xx == doctest::Approx(expected.hsic_xx).epsilon(tolerance));
  CHECK(value.value == second.value);
  CHECK(on_host(g, gx) == on_host(g, again));
  CHECK(oracle::apart(on_host(g, gx), std::vector<double>(ex.begin(), ex.end())) < 5 * tolerance);
  CHECK(oracle::apart(on_host(g, gy), std::vector<double>(ey.begin(), ey.end())) < 5 * tolerance);
}

}  // namespace

TEST_CASE("cka on the gpu: as on the host; run to run the same bits") {
  check<float>(gaussian{3}, hsic_estimator::unbiased, 5e-6);
  check<double>(gaussian{3}, hsic_estimator::biased, 1e-12);
}

}  // namespace contrastive_tests
