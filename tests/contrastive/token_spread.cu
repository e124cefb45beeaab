// BALM-TSF's losses on the GPU: as on the host, no allocation, upload or wait in a second call, replayed by a graph.
#include "dispar/contrastive/token_spread.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/backend/cpu.hpp"
#include "dispar/backend/gpu.hpp"
#include "dispar/contrastive/rolled_infonce.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using dispar::array;
using dispar::as_matrix;
using dispar::cpu;
using dispar::gpu;
using dispar::index;

constexpr index n = 40, d = 6;

template<class T>
std::vector<double> numbers_of(const gpu& b, const array<T, 2, gpu>& x) {
  const auto copy = to_host(b, x);
  return {copy.data(), copy.data() + copy.view().size()};
}
template<class T>
std::vector<double> numbers_of(const std::vector<T>& x) {
  return {x.begin(), x.end()};
}

/// `call(backend, x, y, gx, gy)` on both backends, which fills gx and gy.
template<class Call>
void as_on_host(const Call& call) {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  gpu_tests::changing_rows<float> x(g, n, d), y(g, n, d);
  array<float, 2, gpu> gx(g, {n, d}), gy(g, {n, d});
  const auto on_device = [&] { call(g, x.view(), y.view(), gx.view(), gy.view()); };
  const auto check = [&](std::uint64_t seed) {
    const auto hx = normal_rows<float>(n, d, seed), hy = normal_rows<float>(n, d, seed + 50);
    std::vector<float> hgx(hx.size()), hgy(hy.size());
    call(cpu{}, as_matrix(hx, n, d), as_matrix(hy, n, d), as_matrix(hgx, n, d), as_matrix(hgy, n, d));
    CHECK(oracle::apart(numbers_of(g, gx), numbers_of(hgx)) < 5e-6);
    CHECK(oracle::apart(numbers_of(g, gy), numbers_of(hgy)) < 5e-6);
  };
  const auto fill = [&](std::uint64_t seed) {
    x.fill(seed);
    y.fill(seed + 50);
  };
  fill(1);
  on_device();
  check(1);
  const long before = on.forbidden_calls();
  on_device();
  CHECK(on.forbidden_calls() == before);
  const gpu_tests::graph replay(on.stream(), on_device);
  fill(3);
  REQUIRE(cudaMemsetAsync(gx.data(), 0, gx.bytes(), on.stream()) == cudaSuccess);
  replay.launch();
  check(3);
}

}  // namespace

TEST_CASE("rolled_infonce on the gpu") {
  const contrastive::cosine how{};
  const contrastive::temperature scale{0.2};
  as_on_host([&](const auto& b, const auto& x, const auto& y, const auto& gx, const auto& gy) {
    dispar::result<contrastive::softmax_loss, std::remove_cvref_t<decltype(b)>> loss(b);
    contrastive::rolled_infonce(b, x, y, how, scale, loss.view(), {.x = gx, .y = gy}, {.band_rows = 16});
  });
  dispar::cuda_context context;
  const gpu g{&context};
  const auto x = normal_rows<float>(n, d, 1), y = normal_rows<float>(n, d, 2);
  const auto expected = contrastive::rolled_infonce(as_matrix(x, n, d), as_matrix(y, n, d), how, scale, {.temperature = true});
  const auto dx = to(g, as_matrix(x, n, d)), dy = to(g, as_matrix(y, n, d));
  const auto found = contrastive::rolled_infonce(g, dx, dy, how, scale, {.temperature = true});
  CHECK(found.value == doctest::Approx(expected.value).epsilon(2e-6));
  CHECK(found.by_temperature == doctest::Approx(expected.by_temperature).epsilon(2e-5));
}

TEST_CASE("match_token_spread on the gpu, and its gradients") {
  // 5 things of 8 tokens.
  const auto tokens_of = [](const auto& rows) {
    using view = std::remove_cvref_t<decltype(rows)>;
    return dispar::tensor_view<typename view::element_type, 3, typename view::space>(rows.data(), {5, n / 5, d});
  };
  as_on_host([&](const auto& b, const auto& x, const auto& y, const auto& gx, const auto& gy) {
    using view = std::remove_cvref_t<decltype(gx)>;
    using B = std::remove_cvref_t<decltype(b)>;
    contrastive::match_token_spread<B, float, typename view::space>(b, tokens_of(x), tokens_of(y), tokens_of(gx));
    contrastive::match_token_spread<B, float, typename view::space>(b, tokens_of(y), tokens_of(x), tokens_of(gy));
  });
  as_on_host([&](const auto& b, const auto& x, const auto& y, const auto& gx, const auto& gy) {
    using view = std::remove_cvref_t<decltype(gx)>;
    contrastive::match_token_spread_gradient<std::remove_cvref_t<decltype(b)>, float, typename view::space>(
        b, tokens_of(x), tokens_of(y), tokens_of(y), tokens_of(gx), tokens_of(gy));
  });
}

}  // namespace contrastive_tests
