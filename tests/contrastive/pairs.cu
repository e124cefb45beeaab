// Losses of matched rows on the GPU: the host's numbers, no allocation, upload or wait in a second call, replayed by a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/backend/cpu.hpp"
#include "dispar/backend/gpu/sort.hpp"
#include "dispar/contrastive/alignment.hpp"
#include "dispar/contrastive/cosent.hpp"
#include "dispar/contrastive/distillation.hpp"
#include "dispar/contrastive/global_local.hpp"
#include "dispar/contrastive/model_contrast.hpp"
#include "dispar/contrastive/pairwise_margin.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using dispar::array;
using dispar::as_matrix;
using dispar::cpu;
using dispar::gpu;
using dispar::index;

constexpr index n = 37, d = 9;

template<class T, class A>
std::vector<T> numbers_of(const gpu& b, const A& x) {
  const auto copy = to_host(b, x);
  return {copy.data(), copy.data() + copy.view().size()};
}

/// Memory of one call: a loss, both gradients.
struct outputs_of_call {
  array<double, 1, gpu> loss;
  array<float, 2, gpu> gx, gy;
  explicit outputs_of_call(const gpu& g) : loss(g, {1}), gx(g, {n, d}), gy(g, {n, d}) {}
  [[nodiscard]] auto to() { return dispar::scalar_view<double, dispar::device>(loss.data()); }
  [[nodiscard]] contrastive::paired_gradients<float, dispar::device> gradients() { return {.x = gx.view(), .y = gy.view()}; }
  [[nodiscard]] std::vector<float> found(const gpu& g) {
    std::vector<float> all = numbers_of<float>(g, gx);
    for (const float v : numbers_of<float>(g, gy)) all.push_back(v);
    all.push_back(static_cast<float>(numbers_of<double>(g, loss)[0]));
    return all;
  }
};

/// call(backend, x, y, loss, gradients) gives on the GPU what it gives on the CPU, and promises what asynchronous forms do.
template<class Call>
void check(const Call& call) {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  gpu_tests::changing_rows<float> x(g, n, d), y(g, n, d);
  outputs_of_call out(g);
  const auto fill = [&](std::uint64_t seed) {
    x.fill(seed);
    y.fill(seed + 100);
  };
  REQUIRE(cudaMemsetAsync(out.gy.data(), 0, out.gy.bytes(), on.stream()) == cudaSuccess);
  const auto on_device = [&] { call(g, x.view(), y.view(), out.to(), out.gradients()); };
  std::uint64_t seed = 0;
  const auto on_host = [&] {
    const auto hx = normal_rows<float>(n, d, seed), hy = normal_rows<float>(n, d, seed + 100);
    std::vector<float> gx(hx.size()), gy(hy.size());
    double loss = 0;
    call(cpu{}, as_matrix(hx, n, d), as_matrix(hy, n, d), dispar::scalar_view<double>(&loss),
         contrastive::paired_gradients<float>{.x = as_matrix(gx, n, d), .y = as_matrix(gy, n, d)});
    std::vector<double> all(gx.begin(), gx.end());
    all.insert(all.end(), gy.begin(), gy.end());
    all.push_back(loss);
    return all;
  };
  fill(1);
  on_device();
  seed = 1;
  CHECK(oracle::apart(out.found(g), on_host()) < 2e-6);
  const long before = on.forbidden_calls();
  on_device();
  CHECK(on.forbidden_calls() == before);
  const gpu_tests::graph replay(on.stream(), on_device);
  for (seed = 2; seed < 4; ++seed) {
    fill(seed);
    replay.launch();
    CHECK(oracle::apart(out.found(g), on_host()) < 2e-6);
  }
}

/// Numbers by pair where a backend reads them.
template<class T>
struct by_pair {
  std::vector<T> numbers;
  array<T, 1, gpu> copy;
  by_pair(const gpu& g, std::vector<T> all)
      : numbers(std::move(all)), copy(to(g, dispar::vector_view<const T>(numbers.data(), static_cast<index>(numbers.size())))) {}
  [[nodiscard]] auto on(const gpu&) const { return std::as_const(copy).view(); }
  [[nodiscard]] auto on(const cpu&) const {
    return dispar::vector_view<const T>(numbers.data(), static_cast<index>(numbers.size()));
  }
};

}  // namespace

TEST_CASE("alignment, distillation and the contrast of models on the gpu") {
  check([](const auto& b, const auto& x, const auto& y, const auto& loss, const auto& g) {
    contrastive::alignment(b, x, y, cosine{}, loss, g, {.alpha = 3});
  });
  check([](const auto& b, const auto& x, const auto& y, const auto& loss, const auto& g) {
    contrastive::distillation(b, x, y, loss, {.x = g.x});
  });
  check([](const auto& b, const auto& x, const auto& y, const auto& loss, const auto& g) {
    contrastive::model_contrast(b, x, y, x, cosine{}, loss, {.x = g.x});
  });
}

TEST_CASE("pairwise margin and CoSENT on the gpu") {
  dispar::cuda_context context;
  const gpu g{&context};
  std::vector<std::int64_t> labels;
  std::vector<float> grades;
  for (index i = 0; i < n; ++i) {
    labels.push_back(i % 2);
    grades.push_back(static_cast<float>(i * 5 % 7));
  }
  const by_pair<std::int64_t> match(g, labels);
  const by_pair<float> scores(g, grades);
  check([&](const auto& b, const auto& x, const auto& y, const auto& loss, const auto& by) {
    contrastive::pairwise_margin(b, x, y, match.on(b), contrastive::inner_product{}, loss, by, {.margin = 4});
  });
  check([&](const auto& b, const auto& x, const auto& y, const auto& loss, const auto& by) {
    contrastive::cosent(b, x, y, scores.on(b), cosine{}, loss, by);
  });
}

TEST_CASE("global-local aggregation on the gpu: the host's vectors") {
  dispar::cuda_context context;
  const gpu g{&context};
  const auto a = normal_rows<float>(n, d, 1), c = normal_rows<float>(n, d, 2), other = normal_rows<float>(n, d, 3);
  std::vector<float> expected(a.size());
  using view = dispar::matrix_view<const float>;
  const std::vector<view> clients{as_matrix(a, n, d), as_matrix(c, n, d)};
  const auto da = to(g, clients[0]), dc = to(g, clients[1]), dother = to(g, as_matrix(other, n, d));
  using device_view = dispar::matrix_view<const float, dispar::device>;
  const std::vector<device_view> on_device{da.view(), dc.view()};
  array<float, 2, gpu> out(g, {n, d});
  for (int own_item = 0; own_item < 2; ++own_item) {
    contrastive::global_local(cpu{}, std::span<const view>(clients), as_matrix(other, n, d), as_matrix(expected, n, d),
                              {.own_item = own_item == 1});
    contrastive::global_local(g, std::span<const device_view>(on_device), dother, out.view(), {.own_item = own_item == 1});
    CHECK(oracle::apart(numbers_of<float>(g, out), std::vector<double>(expected.begin(), expected.end())) < 2e-6);
  }
}

}  // namespace contrastive_tests
