// The soft contrastive loss on the GPU: as on the host, run to run the same bits, captured in a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/soft_contrastive.hpp"
#include "oracle.hpp"
#include "replayed.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::inner_product;
using dispar::as_matrix;
using dispar::gpu;
using dispar::index;

}  // namespace

TEST_CASE("soft contrastive on the gpu: as on the host, by bands; run to run the same bits; probabilities") {
  dispar::cuda_context context;
  const gpu g{&context};
  const index n = 60, d = 17;
  const auto x = normal_rows<float>(n, d, 1), y = normal_rows<float>(n, d, 2);
  const auto dx = to(g, as_matrix(x, n, d)), dy = to(g, as_matrix(y, n, d));
  for (index samples = 1; samples < 4; samples += 2) {
    CAPTURE(samples);
    const contrastive::distance_logit logit{3, 15, 1e-6};
    const contrastive::soft_contrastive_options all{.samples = samples}, bands{.samples = samples, .band_rows = 24};
    std::vector<float> gx(x.size()), gy(y.size());
    const auto expected = contrastive::soft_contrastive(dispar::cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), inner_product{},
                                                        logit, {.x = as_matrix(gx, n, d), .y = as_matrix(gy, n, d)}, all);
    dispar::array<float, 2, gpu> hx(g, {n, d}), hy(g, {n, d}), again(g, {n, d});
    const auto loss = contrastive::soft_contrastive(g, dx, dy, inner_product{}, logit, {.x = hx.view(), .y = hy.view()}, bands);
    const auto second = contrastive::soft_contrastive(g, dx, dy, inner_product{}, logit, {.x = again.view()}, bands);
    CHECK(loss.value == doctest::Approx(expected.value).epsilon(1e-5));
    CHECK(loss.by_scale == doctest::Approx(expected.by_scale).epsilon(1e-4));
    CHECK(loss.by_shift == doctest::Approx(expected.by_shift).epsilon(1e-4));
    CHECK(loss.value == second.value);
    CHECK(on_host(g, hx) == on_host(g, again));
    CHECK(oracle::apart(on_host(g, hx), std::vector<double>(gx.begin(), gx.end())) < 1e-4);
    CHECK(oracle::apart(on_host(g, hy), std::vector<double>(gy.begin(), gy.end())) < 1e-4);

    const index items = n / samples;
    dispar::array<double, 2, gpu> p(g, {items, items});
    contrastive::match_probability(g, dx, dy, inner_product{}, logit, p.view(), samples);
    std::vector<double> on_cpu(static_cast<std::size_t>(items * items));
    contrastive::match_probability(dispar::cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), inner_product{}, logit,
                                   as_matrix(on_cpu, items, items), samples);
    CHECK(oracle::apart(on_host(g, p), on_cpu) < 1e-12);
  }
}

TEST_CASE("soft contrastive on the gpu: a second call does not allocate, upload or wait; a graph replays it") {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  const index n = 40, d = 6;
  gpu_tests::changing_rows<float> x(g, n, d), y(g, n, d);
  for (index samples = 1; samples < 3; ++samples) {
    dispar::array<float, 2, gpu> gx(g, {n, d}), gy(g, {n, d});
    dispar::result<contrastive::soft_contrastive_loss, gpu> loss(g);
    const auto run = [&] {
      contrastive::soft_contrastive(g, x.view(), y.view(), inner_product{}, contrastive::distance_logit{3, 3, 1e-6}, loss.view(),
                                    {.x = gx.view(), .y = gy.view()}, {.samples = samples, .band_rows = 16});
    };
    y.fill(2);
    check_replayed(
        on, x, run, [&] { return numbers_of(loss.get()); }, gx, gy);
  }
}

}  // namespace contrastive_tests
