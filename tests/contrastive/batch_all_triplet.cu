// The batch-all triplet loss on the GPU: as on the host, run to run the same bits, captured in a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include "dispar/contrastive/batch_all_triplet.hpp"
#include "triplets_on_gpu.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::hinge_margin;
using contrastive::soft_margin;
using dispar::gpu;
using dispar::index;

struct batch_all {
  template<class B, class X, class Labels, class Margin, class Gradient>
  auto operator()(const B& b, const X& x, const Labels& labels, const Margin& margin, const Gradient& by, index band_rows) const {
    return contrastive::batch_all_triplet(b, x, labels, cosine{}, margin, {.x = by}, {.band_rows = band_rows});
  }
};

}  // namespace

TEST_CASE("batch-all triplet on the gpu: as on the host, by bands; run to run the same bits") {
  check_as_on_host<float>(batch_all{}, 70, 17, hinge_margin{0.3}, 2e-6);
  check_as_on_host<double>(batch_all{}, 70, 5, soft_margin{}, 1e-13);
}

TEST_CASE("batch-all triplet on the gpu: a second call does not allocate, upload or wait; a graph replays it") {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  const index n = 40, d = 6;
  gpu_tests::changing_rows<float> x(g, n, d);
  const auto labels = to(g, labels_of_triplets(n));
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
