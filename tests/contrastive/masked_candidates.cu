// Padding and false negatives on the GPU: stored logits, run to run the same bits, captured in a graph with items that change.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/infonce.hpp"
#include "dispar/contrastive/logit_states.hpp"
#include "dispar/contrastive/ntxent.hpp"
#include "masked_oracle.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"
#include "normal_rows.hpp"
#include "on_host.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::direction;
using contrastive::temperature;
using dispar::as_matrix;
using dispar::gpu;
using dispar::index;
using numbers = std::vector<std::int64_t>;

template<class T>
void check(index n, index m, index d, bool views, double tolerance) {
  CAPTURE(n);
  CAPTURE(views);
  dispar::cuda_context context;
  const gpu g{&context};
  const auto x = normal_rows<T>(n, d, 1), y = normal_rows<T>(n, d, 2), more = normal_rows<T>(m, d, 3);
  const numbers items = some_items(n);
  numbers more_items;
  for (index j = 0; j < m; ++j) more_items.push_back(j % 4 == 1 ? -3 : items[static_cast<std::size_t>(j % n)]);
  const auto expected = oracle::solve(oracle::masked(oracle::rows_of(x, n), oracle::rows_of(y, n), oracle::rows_of(more, m), true,
                                                     views, true, items, more_items),
                                      5, true);
  const auto dx = to(g, as_matrix(x, n, d)), dy = to(g, as_matrix(y, n, d));
  const auto di = to(g, items), dmi = to(g, more_items);
  dispar::array<T, 2, gpu> dm;
  if (m > 0) dm = to(g, as_matrix(more, m, d));
  dispar::array<T, 2, gpu> gx(g, {n, d}), gy(g, {n, d}), gm(g, {m, d});
  contrastive::softmax_loss loss{}, again{};
  const contrastive::gradients<T, dispar::device> gradients{.x = gx.view(), .y = gy.view(), .negatives = gm.view()};
  std::vector<T> first;
  for (auto* out : {&loss, &again}) {
    if (views)
      *out = contrastive::ntxent(g, dx, dy, cosine{}, temperature{0.2}, gradients, {.items = di.view(), .band_rows = 48});
    else
      *out = contrastive::infonce(g, dx, dy, cosine{}, temperature{0.2}, gradients,
                                  {.anchors = direction::both,
                                   .negatives = std::as_const(dm).view(),
                                   .items = di.view(),
                                   .negative_items = dmi.view(),
                                   .band_rows = 48});
    if (out == &loss) first = on_host(g, gx);
  }
  CHECK(loss.value == doctest::Approx(expected.loss).epsilon(tolerance));
  CHECK(loss.by_temperature == doctest::Approx(-5 * expected.by_log_scale).epsilon(10 * tolerance));
  CHECK(loss.value == again.value);
  CHECK(first == on_host(g, gx));
  CHECK(oracle::apart(on_host(g, gx), oracle::gradient_of(expected, 0, n)) < 3 * tolerance);
  CHECK(oracle::apart(on_host(g, gy), oracle::gradient_of(expected, n, n)) < 3 * tolerance);
  if (m > 0) CHECK(oracle::apart(on_host(g, gm), oracle::gradient_of(expected, 2 * n, m)) < 3 * tolerance);
}

}  // namespace

TEST_CASE("masked infonce, ntxent on the gpu: stored logits; by bands; run to run the same bits") {
  check<float>(70, 20, 17, false, 2e-6);
  check<double>(70, 20, 17, false, 1e-13);
  check<float>(65, 0, 5, true, 2e-6);
}

TEST_CASE("logit states with items on the gpu: as on the host") {
  const index n = 37, m = 60, d = 9;
  const auto x = normal_rows<double>(n, d, 1), y = normal_rows<double>(m, d, 2);
  const numbers of_x = some_items(n), of_y = some_items(m);
  const std::vector<double> weights(static_cast<std::size_t>(n), 0.5);
  using state = contrastive::logit_state;
  using fold = dispar::folds::log_sum_exp<double>;
  std::vector<state> expected(static_cast<std::size_t>(n));
  std::vector<double> by_x(x.size()), by_y(y.size());
  const dispar::cpu host;
  const dispar::vector_view<state> all(expected.data(), n);
  const contrastive::logit_items<> items{dispar::view_of(of_x), dispar::view_of(of_y)};
  contrastive::logit_states(host, as_matrix(x, n, d), as_matrix(y, m, d), cosine{}, temperature{0.2}, all, {.items = items});
  contrastive::logit_states_gradient(host, as_matrix(x, n, d), as_matrix(y, m, d), cosine{}, temperature{0.2},
                                     dispar::vector_view<const state>(all), dispar::vector_view<const double>(weights.data(), n),
                                     {.x = as_matrix(by_x, n, d), .y = as_matrix(by_y, m, d)}, {}, 0, items);
  dispar::cuda_context context;
  const gpu g{&context};
  const auto dx = to(g, as_matrix(x, n, d)), dy = to(g, as_matrix(y, m, d));
  const auto di = to(g, of_x), dj = to(g, of_y);
  const auto dw = to(g, weights);
  dispar::array<state, 1, gpu> states(g, {n});
  dispar::array<double, 2, gpu> gx(g, {n, d}), gy(g, {m, d});
  const contrastive::logit_items<dispar::device> there{di.view(), dj.view()};
  contrastive::logit_states(g, dx, dy, cosine{}, temperature{0.2}, states.view(), {.items = there, .band_rows = 16});
  contrastive::logit_states_gradient(g, dx, dy, cosine{}, temperature{0.2}, std::as_const(states).view(), dw.view(),
                                     {.x = gx.view(), .y = gy.view()}, {}, 16, there);
  const auto got = on_host(g, states);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK((got[i].sum == 0) == (expected[i].sum == 0));
    if (expected[i].sum > 0) CHECK(fold::finalize(got[i]) == doctest::Approx(fold::finalize(expected[i])).epsilon(1e-13));
  }
  CHECK(oracle::apart(on_host(g, gx), by_x) < 1e-13);
  CHECK(oracle::apart(on_host(g, gy), by_y) < 1e-13);
}

TEST_CASE("masked infonce on the gpu: a second call does not allocate, upload or wait; a graph reads the items of its launch") {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  const index n = 40, d = 6;
  gpu_tests::changing_rows<float> x(g, n, d);
  const auto y = to(g, as_matrix(normal_rows<float>(n, d, 2), n, d));
  const numbers some = some_items(n), padding(static_cast<std::size_t>(n), -1);
  auto items = to(g, some);
  dispar::array<float, 2, gpu> gx(g, {n, d});
  dispar::result<contrastive::softmax_loss, gpu> loss(g);
  const auto run = [&] {
    contrastive::infonce(g, x.view(), y, cosine{}, temperature{}, loss.view(), {.x = gx.view()},
                         {.anchors = direction::both, .items = std::as_const(items).view(), .band_rows = 16});
  };
  x.fill(1);
  run();
  g.wait();
  const long before = on.forbidden_calls();
  run();
  CHECK(on.forbidden_calls() == before);
  const gpu_tests::graph replay(on.stream(), run);
  for (const numbers* now : {&some, &padding}) {
    x.fill(3);
    REQUIRE(cudaMemcpyAsync(items.data(), now->data(), items.bytes(), cudaMemcpyHostToDevice, on.stream()) == cudaSuccess);
    run();
    const auto expected = loss.get();
    const auto gradient = on_host(g, gx);
    REQUIRE(cudaMemsetAsync(gx.data(), 0, gx.bytes(), on.stream()) == cudaSuccess);
    replay.launch();
    CHECK(loss.get().value == expected.value);
    CHECK(on_host(g, gx) == gradient);
    CHECK((expected.value == 0) == (now == &padding));
  }
}

}  // namespace contrastive_tests
