// The supervised contrastive losses on the GPU: stored logits, of float and half, run to run the same bits, captured in a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include "class_oracle.hpp"
#include "dispar/backend/gpu/sort.hpp"
#include "dispar/contrastive/supcon.hpp"
#include "normal_rows.hpp"
#include "replayed.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::positives_mean;
using contrastive::temperature;
using dispar::as_matrix;
using dispar::gpu;
using dispar::index;

/// Normal rows in E, and the same in double.
template<class E>
std::pair<std::vector<E>, oracle::rows> rows_in(index n, index d, std::uint64_t stream) {
  std::vector<E> x;
  std::vector<double> exact;
  for (const float v : normal_rows<float>(n, d, stream)) {
    x.push_back(static_cast<E>(v));
    exact.push_back(static_cast<double>(static_cast<dispar::computed_type<E>>(x.back())));
  }
  return {x, oracle::rows_of(exact, n)};
}

template<class E>
void check(index n, index m, index d, positives_mean positives, double tolerance) {
  CAPTURE(n);
  CAPTURE(m);
  dispar::cuda_context context;
  const gpu g{&context};
  using T = dispar::computed_type<E>;
  const auto x = rows_in<E>(n, d, 1), y = rows_in<E>(m, d, 2);
  const auto of_x = square_labels(n), of_y = square_labels(m);
  const auto expected = oracle::supcon(x.second, of_x, y.second, of_y, 5, true, positives == positives_mean::in);
  const auto dx = to(g, as_matrix(x.first, n, d));
  dispar::array<E, 2, gpu> dy;
  dispar::array<std::int64_t, 1, gpu> ly;
  if (m > 0) {
    dy = to(g, as_matrix(y.first, m, d));
    ly = to(g, of_y);
  }
  const auto lx = to(g, of_x);
  dispar::array<T, 2, gpu> gx(g, {n, d}), gy(g, {m, d});
  const contrastive::supcon_options<dispar::device> options{.positives = positives, .band_rows = 48};
  contrastive::supcon_loss loss{}, again{};
  std::vector<T> first;
  for (auto* out : {&loss, &again}) {
    if (m > 0)
      *out = contrastive::supcon(g, dx, lx, dy, ly, cosine{}, temperature{0.2}, {.x = gx.view(), .y = gy.view()}, options);
    else
      *out = contrastive::supcon(g, dx, lx, cosine{}, temperature{0.2}, {.x = gx.view()}, options);
    if (out == &loss) first = on_host(g, gx);
  }
  CHECK(loss.value == doctest::Approx(expected.value).epsilon(tolerance));
  CHECK(loss.by_temperature == doctest::Approx(-expected.by_log_scale / 0.2).epsilon(10 * tolerance));
  CHECK(loss.anchors == expected.anchors);
  CHECK(loss.value == again.value);
  CHECK(first == on_host(g, gx));
  CHECK(oracle::apart(first, expected.by_x) < 3 * tolerance);
  if (m > 0) CHECK(oracle::apart(on_host(g, gy), expected.by_y) < 3 * tolerance);
}

}  // namespace

TEST_CASE("supcon on the gpu: stored logits, by bands; run to run the same bits") {
  check<float>(70, 0, 17, positives_mean::out, 2e-6);
  check<dispar::half>(33, 70, 5, positives_mean::in, 2e-6);
}

TEST_CASE("supcon on the gpu: a second call does not allocate, upload or wait; a graph replays it; bad rows at the wait") {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  const index n = 40, d = 6;
  gpu_tests::changing_rows<float> x(g, n, d);
  const auto labels = to(g, square_labels(n));
  dispar::array<float, 2, gpu> gx(g, {n, d});
  dispar::result<contrastive::supcon_loss, gpu> loss(g);
  const auto run = [&] {
    contrastive::supcon(g, x.view(), labels, cosine{}, temperature{0.2}, loss.view(), {.x = gx.view()}, {.band_rows = 16});
  };
  check_replayed(
      on, x, run, [&] { return numbers_of(loss.get()); }, gx);
  check_bad_rows(on, x, run);
}

}  // namespace contrastive_tests
