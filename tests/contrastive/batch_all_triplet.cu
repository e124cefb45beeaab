// The batch-all triplet loss on the GPU: as on the host, run to run the same bits, captured in a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include "dispar/backend/cpu.hpp"
#include "dispar/backend/gpu/sort.hpp"
#include "dispar/contrastive/batch_all_triplet.hpp"
#include "oracle.hpp"
#include "replayed.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::hinge_margin;
using contrastive::soft_margin;
using dispar::as_matrix;
using dispar::gpu;
using dispar::index;

dispar::array<std::int32_t, 1, gpu> labels_on(const gpu& g, index n) {
  std::vector<std::int32_t> labels;
  for (index i = 0; i < n; ++i) labels.push_back(static_cast<std::int32_t>(i * i % 11));
  return to(g, labels);
}

template<class T, class Margin>
void check(index n, index d, const Margin& margin, double tolerance) {
  CAPTURE(n);
  dispar::cuda_context context;
  const gpu g{&context};
  const auto x = normal_rows<T>(n, d, 1);
  std::vector<std::int32_t> labels;
  for (index i = 0; i < n; ++i) labels.push_back(static_cast<std::int32_t>(i * i % 11));
  std::vector<T> expected(x.size());
  const auto on_cpu = contrastive::batch_all_triplet(dispar::cpu{}, as_matrix(x, n, d), labels, cosine{}, margin,
                                                     {.x = as_matrix(expected, n, d)});
  const auto dx = to(g, as_matrix(x, n, d));
  const auto dl = labels_on(g, n);
  dispar::array<T, 2, gpu> gx(g, {n, d}), again(g, {n, d});
  const auto loss = contrastive::batch_all_triplet(g, dx, dl, cosine{}, margin, {.x = gx.view()}, {.band_rows = 48});
  const auto second = contrastive::batch_all_triplet(g, dx, dl, cosine{}, margin, {.x = again.view()}, {.band_rows = 48});
  CHECK(loss.value == doctest::Approx(on_cpu.value).epsilon(tolerance));
  CHECK(loss.triplets == on_cpu.triplets);
  CHECK(loss.nonzero == on_cpu.nonzero);
  CHECK(loss.value == second.value);
  const auto found = on_host(g, gx);
  CHECK(found == on_host(g, again));
  CHECK(oracle::apart(found, std::vector<double>(expected.begin(), expected.end())) < tolerance);
}

}  // namespace

TEST_CASE("batch-all triplet on the gpu: as on the host, by bands; run to run the same bits") {
  check<float>(70, 17, hinge_margin{0.3}, 2e-6);
  check<double>(70, 5, soft_margin{}, 1e-13);
}

TEST_CASE("batch-all triplet on the gpu: a second call does not allocate, upload or wait; a graph replays it") {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  const index n = 40, d = 6;
  gpu_tests::changing_rows<float> x(g, n, d);
  const auto labels = labels_on(g, n);
  dispar::array<float, 2, gpu> gx(g, {n, d});
  dispar::result<contrastive::all_triplets_loss, gpu> loss(g);
  const auto run = [&] {
    contrastive::batch_all_triplet(g, x.view(), labels, cosine{}, hinge_margin{}, loss.view(), {.x = gx.view()},
                                   {.band_rows = 16});
  };
  check_replayed(
      on, x, run, [&] { return numbers_of(loss.get()); }, gx);
}

}  // namespace contrastive_tests
