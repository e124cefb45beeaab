// HSIC of linear kernels on the GPU, by rows and by columns: as on the host, captured in a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/hsic.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"
#include "replayed.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::hsic_estimator;
using dispar::as_matrix;
using dispar::cpu;
using dispar::gpu;
using dispar::index;
constexpr dispar::identity<dispar::dot> linear{};

}  // namespace

TEST_CASE("hsic on the gpu: as on the host, by rows and by columns") {
  const index n = 70, d = 9, e = 5;
  const auto x = normal_rows<float>(n, d, 1, 2), noise = normal_rows<float>(n, e, 2);
  std::vector<float> y(noise.size());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = noise[i] + x[i / e * d + i % e];
  dispar::cuda_context context;
  const gpu g{&context};
  const auto dx = to(g, as_matrix(x, n, d)), dy = to(g, as_matrix(y, n, e));
  for (const auto form : {hsic_estimator::biased, hsic_estimator::unbiased}) {
    std::vector<float> ex(x.size()), ey(y.size());
    dispar::array<float, 2, gpu> gx(g, {n, d}), gy(g, {n, e});
    const double expected = contrastive::hsic(cpu{}, as_matrix(x, n, d), as_matrix(y, n, e), linear, linear,
                                              {.x = as_matrix(ex, n, d), .y = as_matrix(ey, n, e)}, {form});
    CHECK(contrastive::hsic(g, dx, dy, linear, linear, {.x = gx.view(), .y = gy.view()}, {form}) ==
          doctest::Approx(expected).epsilon(5e-6));
    CHECK(oracle::apart(on_host(g, gx), std::vector<double>(ex.begin(), ex.end())) < 2e-5);
    CHECK(oracle::apart(on_host(g, gy), std::vector<double>(ey.begin(), ey.end())) < 2e-5);
  }
}

TEST_CASE("hsic on the gpu: a second call does not allocate, upload or wait; a graph replays it; bad rows at the wait") {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  const index n = 40, d = 6;
  gpu_tests::changing_rows<float> x(g, n, d), y(g, n, d);
  dispar::array<float, 2, gpu> gx(g, {n, d});
  dispar::result<double, gpu> value(g);
  const auto run = [&] {
    contrastive::hsic(g, x.view(), y.view(), linear, linear, value.view(), {.x = gx.view()});
    contrastive::hsic(g, x.view(), y.view(), linear, linear, value.view(), {.x = gx.view(), .accumulate = true},
                      {hsic_estimator::unbiased});
  };
  y.fill(2);
  check_replayed(
      on, x, run, [&] { return numbers_of(value.get()); }, gx);
  check_bad_rows(on, x, run);
}

}  // namespace contrastive_tests
