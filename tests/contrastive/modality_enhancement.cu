// The modality-shared enhancement loss on the GPU: as on the host, captured in a graph, NaN for labels that do not fit.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include "dispar/backend/cpu.hpp"
#include "dispar/backend/gpu/sort.hpp"
#include "dispar/contrastive/modality_enhancement.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"
#include "on_host.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using dispar::as_matrix;
using dispar::gpu;
using dispar::index;

std::vector<std::int32_t> every(index n, index k) {
  std::vector<std::int32_t> labels;
  for (index i = 0; i < n; ++i) labels.push_back(static_cast<std::int32_t>(i % (n / k)));
  return labels;
}

}  // namespace

TEST_CASE(
    "modality enhancement on the gpu: as on the host; a second call does not allocate, upload or wait; a graph replays it") {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  const index n = 36, d = 11, k = 4;
  const auto labels = every(n, k);
  const auto of_rows = to(g, labels);
  gpu_tests::changing_rows<float> x(g, n, d), y(g, n, d);
  dispar::array<float, 2, gpu> gx(g, {n, d}), gy(g, {n, d});
  dispar::result<double, gpu> loss(g);
  const auto run = [&] {
    contrastive::modality_enhancement(g, x.view(), y.view(), of_rows, of_rows, cosine{}, loss.view(),
                                      {.x = gx.view(), .y = gy.view()}, {.rows_per_identity = k});
  };
  x.fill(1);
  y.fill(2);
  run();
  g.wait();
  const long before = on.forbidden_calls();
  run();
  CHECK(on.forbidden_calls() == before);
  const gpu_tests::graph replay(on.stream(), run);
  x.fill(3);
  replay.launch();
  const auto hx = normal_rows<float>(n, d, 3), hy = normal_rows<float>(n, d, 2);
  std::vector<float> expected(hx.size());
  const double on_cpu = contrastive::modality_enhancement(dispar::cpu{}, as_matrix(hx, n, d), as_matrix(hy, n, d), labels, labels,
                                                          cosine{}, {.y = as_matrix(expected, n, d)}, {.rows_per_identity = k});
  CHECK(loss.get() == doctest::Approx(on_cpu).epsilon(1e-12));
  CHECK(oracle::apart(on_host(g, gy), std::vector<double>(expected.begin(), expected.end())) < 1e-6);

  contrastive::modality_enhancement(g, x.view(), y.view(), of_rows, of_rows, cosine{}, loss.view(), {.x = gx.view()},
                                    {.rows_per_identity = k - 1});
  CHECK(std::isnan(loss.get()));
  CHECK(std::isnan(on_host(g, gx)[0]));
}

}  // namespace contrastive_tests
