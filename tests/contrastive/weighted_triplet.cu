// The weighted regularisation triplet on the GPU: as on the host, run to run the same bits, captured in a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include "dispar/backend/cpu.hpp"
#include "dispar/backend/gpu/sort.hpp"
#include "dispar/contrastive/weighted_triplet.hpp"
#include "oracle.hpp"
#include "replayed.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::inner_product;
using dispar::as_matrix;
using dispar::gpu;
using dispar::index;

std::vector<std::int32_t> some_labels(index n) {
  std::vector<std::int32_t> labels;
  for (index i = 0; i < n; ++i) labels.push_back(static_cast<std::int32_t>(i * i % 11));
  return labels;
}

}  // namespace

TEST_CASE("weighted triplet on the gpu: as on the host, by bands; run to run the same bits; its weights") {
  dispar::cuda_context context;
  const gpu g{&context};
  const index n = 70, d = 17;
  const auto x = normal_rows<float>(n, d, 1);
  const auto labels = some_labels(n);
  std::vector<float> expected(x.size());
  const double on_cpu =
      contrastive::weighted_triplet(dispar::cpu{}, as_matrix(x, n, d), labels, inner_product{}, {.x = as_matrix(expected, n, d)});
  const auto dx = to(g, as_matrix(x, n, d));
  const auto dl = to(g, labels);
  dispar::array<float, 2, gpu> gx(g, {n, d}), again(g, {n, d});
  const double loss = contrastive::weighted_triplet(g, dx, dl, inner_product{}, {.x = gx.view()}, {.band_rows = 48});
  const double second = contrastive::weighted_triplet(g, dx, dl, inner_product{}, {.x = again.view()}, {.band_rows = 48});
  CHECK(loss == doctest::Approx(on_cpu).epsilon(3e-6));
  CHECK(loss == second);
  CHECK(on_host(g, gx) == on_host(g, again));
  CHECK(oracle::apart(on_host(g, gx), std::vector<double>(expected.begin(), expected.end())) < 1e-5);

  dispar::array<double, 2, gpu> weights(g, {n, n});
  contrastive::weighted_triplet_weights(g, dx, dl, inner_product{}, {.positives = weights.view()});
  std::vector<double> on_cpu_weights(static_cast<std::size_t>(n * n));
  contrastive::weighted_triplet_weights(dispar::cpu{}, as_matrix(x, n, d), labels, inner_product{},
                                        {.positives = as_matrix(on_cpu_weights, n, n)});
  const auto copy = to_host(g, weights);
  CHECK(oracle::apart(std::vector<double>(copy.data(), copy.data() + n * n), on_cpu_weights) < 1e-12);
}

TEST_CASE("weighted triplet on the gpu: a second call does not allocate, upload or wait; a graph replays it") {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  const index n = 40, d = 6;
  gpu_tests::changing_rows<float> x(g, n, d);
  const auto labels = to(g, some_labels(n));
  dispar::array<float, 2, gpu> gx(g, {n, d});
  dispar::result<double, gpu> loss(g);
  const auto run = [&] {
    contrastive::weighted_triplet(g, x.view(), labels, inner_product{}, loss.view(), {.x = gx.view()}, {.band_rows = 16});
  };
  check_replayed(
      on, x, run, [&] { return numbers_of(loss.get()); }, gx);
}

}  // namespace contrastive_tests
