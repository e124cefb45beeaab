// SigLIP, uniformity and log-sum-exp over shards on the GPU: the host's numbers, no allocation, upload or wait in a second call,
// replayed by a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/logit_states.hpp"
#include "dispar/contrastive/siglip.hpp"
#include "dispar/contrastive/uniformity.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::exponential_scale;
using contrastive::temperature;
using dispar::array;
using dispar::as_matrix;
using dispar::cpu;
using dispar::gpu;
using dispar::index;

constexpr index n = 40, d = 6;

template<class T, int Rank>
std::vector<double> numbers_of(const gpu& b, const array<T, Rank, gpu>& x) {
  const auto copy = to_host(b, x);
  return {copy.data(), copy.data() + copy.view().size()};
}

/// `call(backend, x, y, gx, gy, loss)` on both backends; `numbers(loss)` of what it wrote.
template<class Loss, class Call, class Numbers>
void check(const Call& call, const Numbers& numbers) {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  gpu_tests::changing_rows<float> x(g, n, d), y(g, n, d);
  array<float, 2, gpu> gx(g, {n, d}), gy(g, {n, d});
  dispar::result<Loss, gpu> loss(g);
  const auto on_device = [&] { call(g, x.view(), y.view(), gx.view(), gy.view(), loss.view()); };
  const auto found = [&] {
    std::vector<double> all = numbers_of(g, gx), other = numbers_of(g, gy);
    all.insert(all.end(), other.begin(), other.end());
    for (const double v : numbers(loss.get())) all.push_back(v);
    return all;
  };
  const auto expected = [&](std::uint64_t seed) {
    const auto hx = normal_rows<float>(n, d, seed), hy = normal_rows<float>(n, d, seed + 50);
    std::vector<float> hgx(hx.size()), hgy(hy.size());
    Loss value{};
    call(cpu{}, as_matrix(hx, n, d), as_matrix(hy, n, d), as_matrix(hgx, n, d), as_matrix(hgy, n, d),
         dispar::scalar_view<Loss>(&value));
    std::vector<double> all(hgx.begin(), hgx.end());
    all.insert(all.end(), hgy.begin(), hgy.end());
    for (const double v : numbers(value)) all.push_back(v);
    return all;
  };
  const auto fill = [&](std::uint64_t seed) {
    x.fill(seed);
    y.fill(seed + 50);
  };
  REQUIRE(cudaMemsetAsync(gy.data(), 0, gy.bytes(), on.stream()) == cudaSuccess);
  fill(1);
  on_device();
  CHECK(oracle::apart(found(), expected(1)) < 5e-6);
  const long before = on.forbidden_calls();
  on_device();
  CHECK(on.forbidden_calls() == before);
  const gpu_tests::graph replay(on.stream(), on_device);
  for (const std::uint64_t seed : {3u, 4u}) {
    fill(seed);
    replay.launch();
    CHECK(oracle::apart(found(), expected(seed)) < 5e-6);
  }
}

}  // namespace

TEST_CASE("siglip on the gpu") {
  check<contrastive::siglip_loss>(
      [](const auto& b, const auto& x, const auto& y, const auto& gx, const auto& gy, const auto& loss) {
        contrastive::siglip(b, x, y, cosine{}, exponential_scale{1}, loss, {.x = gx, .y = gy}, {.bias = -1, .band_rows = 16});
      },
      [](const contrastive::siglip_loss& l) {
        return std::vector<double>{l.value, l.by_temperature, l.by_bias};
      });
}

TEST_CASE("uniformity on the gpu") {
  check<contrastive::uniformity_loss>(
      [](const auto& b, const auto& x, const auto&, const auto& gx, const auto&, const auto& loss) {
        contrastive::uniformity(b, x, cosine{}, loss, {.x = gx}, {.band_rows = 16});
      },
      [](const contrastive::uniformity_loss& l) { return std::vector<double>{l.value}; });
}

TEST_CASE("log-sum-exp over two shards on the gpu, and its gradient") {
  dispar::cuda_context context;
  const gpu g{&context};
  const auto x = normal_rows<float>(n, d, 1), y = normal_rows<float>(n, d, 2);
  const std::vector<double> ones(n, 1.0);
  std::vector<contrastive::logit_state> states(n);
  std::vector<float> gx(x.size()), gy(y.size());
  double by_tau = 0;
  const auto run = [&](const auto& b, const auto& rows, const auto& candidates, const auto& to, const auto& known,
                       const auto& weights, const auto& by_x, const auto& by_y, const auto& slope) {
    contrastive::logit_states(b, rows, candidates.slice(0, 13), cosine{}, temperature{0.2}, to);
    contrastive::logit_states(b, rows, candidates.slice(13, n - 13), cosine{}, temperature{0.2}, to, {.accumulate = true});
    contrastive::logit_states_gradient(b, rows, candidates, cosine{}, temperature{0.2}, known, weights, {.x = by_x, .y = by_y},
                                       slope, 16);
  };
  using host_states = dispar::vector_view<contrastive::logit_state>;
  run(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), host_states(states.data(), n),
      dispar::vector_view<const contrastive::logit_state>(states.data(), n), dispar::vector_view<const double>(ones.data(), n),
      as_matrix(gx, n, d), as_matrix(gy, n, d), dispar::scalar_view<double>(&by_tau));
  const auto dx = to(g, as_matrix(x, n, d)), dy = to(g, as_matrix(y, n, d));
  const auto weights = to(g, dispar::vector_view<const double>(ones.data(), n));
  array<contrastive::logit_state, 1, gpu> device_states(g, {n});
  array<float, 2, gpu> dgx(g, {n, d}), dgy(g, {n, d});
  array<double, 1, gpu> slope(g, {1});
  run(g, std::as_const(dx).view(), std::as_const(dy).view(), device_states.view(), std::as_const(device_states).view(),
      std::as_const(weights).view(), dgx.view(), dgy.view(), dispar::scalar_view<double, dispar::device>(slope.data()));
  CHECK(oracle::apart(numbers_of(g, dgx), std::vector<double>(gx.begin(), gx.end())) < 5e-6);
  CHECK(oracle::apart(numbers_of(g, dgy), std::vector<double>(gy.begin(), gy.end())) < 5e-6);
  CHECK(numbers_of(g, slope)[0] == doctest::Approx(by_tau).epsilon(1e-5));
}

}  // namespace contrastive_tests
