// Softmax losses of matched rows on the GPU: stored logits, from every number type, the same bits again, captured in a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/contrastive/infonce.hpp"
#include "dispar/contrastive/key_queue.hpp"
#include "dispar/contrastive/ntxent.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"
#include "replayed.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::direction;
using contrastive::temperature;
using dispar::as_matrix;
using dispar::gpu;
using dispar::index;

template<class E>
std::vector<E> rounded(index n, index d, std::uint64_t stream) {
  std::vector<E> x;
  for (const float v : normal_rows<float>(n, d, stream)) x.push_back(static_cast<E>(v));
  return x;
}

template<class E>
std::vector<double> in_double(const std::vector<E>& x) {
  std::vector<double> y;
  for (const E v : x) y.push_back(static_cast<double>(static_cast<dispar::computed_type<E>>(v)));
  return y;
}

template<class E>
void check(index n, index m, index d, bool views, double tolerance) {
  CAPTURE(n);
  CAPTURE(d);
  CAPTURE(views);
  using T = dispar::computed_type<E>;
  dispar::cuda_context context;
  const gpu g{&context};
  const auto x = rounded<E>(n, d, 1), y = rounded<E>(n, d, 2), more = rounded<E>(m, d, 3);
  const auto p = oracle::matched(oracle::rows_of(in_double(x), n), oracle::rows_of(in_double(y), n),
                                 oracle::rows_of(in_double(more), m), true, views, true);
  const auto expected = oracle::solve(p, 1 / 0.2, true);
  const auto dx = to(g, as_matrix(x, n, d)), dy = to(g, as_matrix(y, n, d));
  dispar::array<E, 2, gpu> dm;
  if (m > 0) dm = to(g, as_matrix(more, m, d));
  dispar::array<T, 2, gpu> gx(g, {n, d}), gy(g, {n, d}), gm(g, {m, d});
  contrastive::softmax_loss loss{}, again{};
  const contrastive::gradients<T, dispar::device> gradients{.x = gx.view(), .y = gy.view(), .negatives = gm.view()};
  std::vector<T> first;
  for (auto* out : {&loss, &again}) {
    if (views)
      *out = contrastive::ntxent(g, dx, dy, cosine{}, temperature{0.2}, gradients, {.band_rows = 48});
    else
      *out = contrastive::infonce(g, dx, dy, cosine{}, temperature{0.2}, gradients,
                                  {.anchors = direction::both, .negatives = std::as_const(dm).view(), .band_rows = 48});
    if (out == &loss) first = on_host(g, gx);
  }
  CHECK(loss.value == doctest::Approx(expected.loss).epsilon(tolerance));
  CHECK(loss.by_temperature == doctest::Approx(-expected.by_log_scale / 0.2).epsilon(10 * tolerance));
  CHECK(loss.value == again.value);
  CHECK(first == on_host(g, gx));
  CHECK(oracle::apart(on_host(g, gx), oracle::gradient_of(expected, 0, n)) < 3 * tolerance);
  CHECK(oracle::apart(on_host(g, gy), oracle::gradient_of(expected, n, n)) < 3 * tolerance);
  if (m > 0) CHECK(oracle::apart(on_host(g, gm), oracle::gradient_of(expected, 2 * n, m)) < 3 * tolerance);
}

}  // namespace

TEST_CASE("infonce, ntxent on the gpu: stored logits; by bands; run to run the same bits") {
  check<float>(70, 20, 17, false, 2e-6);
  check<double>(70, 20, 17, false, 1e-13);
  check<float>(65, 0, 5, true, 2e-6);
  check<dispar::half>(33, 0, 20, false, 2e-6);
  check<dispar::bfloat16>(33, 0, 20, false, 2e-6);
}

TEST_CASE("infonce on the gpu: a second call does not allocate, upload or wait; a graph replays it; bad rows at the wait") {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  const index n = 40, d = 6;
  gpu_tests::changing_rows<float> x(g, n, d), y(g, n, d);
  dispar::array<float, 2, gpu> gx(g, {n, d});
  dispar::result<contrastive::softmax_loss, gpu> loss(g);
  const auto run = [&] {
    contrastive::infonce(g, x.view(), y.view(), cosine{}, temperature{}, loss.view(), {.x = gx.view()},
                         {.anchors = direction::both, .band_rows = 16});
  };
  y.fill(2);
  check_replayed(
      on, x, run, [&] { return numbers_of(loss.get()); }, gx);
  check_bad_rows(on, x, run);
}

}  // namespace contrastive_tests
