// The circle loss on the GPU: stored logits, run to run the same bits, captured in a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include "class_oracle.hpp"
#include "dispar/backend/gpu/sort.hpp"
#include "dispar/contrastive/circle.hpp"
#include "normal_rows.hpp"
#include "replayed.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::pairing;
using dispar::as_matrix;
using dispar::gpu;
using dispar::index;

}  // namespace

TEST_CASE("circle on the gpu: stored logits, by bands; run to run the same bits") {
  const index n = 70, d = 17;
  dispar::cuda_context context;
  const gpu g{&context};
  const auto x = normal_rows<float>(n, d, 1);
  const auto labels = square_labels(n);
  const auto rows = oracle::rows_of(x, n);
  const auto dx = to(g, as_matrix(x, n, d));
  const auto dl = to(g, labels);
  dispar::array<float, 2, gpu> gx(g, {n, d});
  for (const bool by_anchor : {false, true}) {
    CAPTURE(by_anchor);
    const auto expected = oracle::circle(rows, rows, labels, 0.25, 10, by_anchor);
    const contrastive::circle_options<dispar::device> options{
        .gamma = 10, .pairs = by_anchor ? pairing::anchor : pairing::global, .band_rows = 48};
    const auto loss = contrastive::circle(g, dx, dl, cosine{}, {.x = gx.view()}, options);
    const auto first = on_host(g, gx);
    const auto again = contrastive::circle(g, dx, dl, cosine{}, {.x = gx.view()}, options);
    CHECK(std::fabs(loss.value - expected.value) < 5e-6);
    CHECK(loss.anchors == expected.anchors);
    CHECK(loss.value == again.value);
    CHECK(first == on_host(g, gx));
    CHECK(oracle::apart(first, expected.by_x) < 5e-6);
  }
}

TEST_CASE("circle on the gpu: a second call does not allocate, upload or wait; a graph replays it") {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  const index n = 40, d = 6;
  gpu_tests::changing_rows<float> x(g, n, d);
  const auto labels = to(g, square_labels(n));
  dispar::array<float, 2, gpu> gx(g, {n, d});
  dispar::result<contrastive::circle_loss, gpu> loss(g);
  pairing pairs = pairing::global;
  const auto run = [&] {
    contrastive::circle(g, x.view(), labels, cosine{}, loss.view(), {.x = gx.view()}, {.pairs = pairs, .band_rows = 16});
  };
  for (const int kind : {0, 1}) {
    pairs = kind == 0 ? pairing::global : pairing::anchor;
    check_replayed(
        on, x, run, [&] { return numbers_of(loss.get()); }, gx);
  }
}

}  // namespace contrastive_tests
