// Tests over many kernels on the GPU against the CPU: grids of bandwidths, members, verdicts.
#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/aggregated_test.hpp"
#include "dispar/mmd/estimate_each.hpp"
#include "dispar/mmd/fused_test.hpp"
#include "mmd/gpu/device_rows.hpp"
#include "mmd/gpu/host_results.hpp"

namespace {

using namespace dispar;
using gpu_tests::device_rows;

const gpu g = gpu_tests::device();

[[nodiscard]] host_results::rows<float> on_host(const device_rows<float>& x) { return {x.numbers.data(), x.count, x.features}; }

}  // namespace

TEST_CASE("gpu, aggregated_test: the wild bootstrap and permutations") {
  for (const dispar::index m : {40, 33}) {
    const device_rows<float> x(40, 3, 1), y(m, 3, 2, 0.7);
    const mmd::aggregated_options o{.number_bandwidths = 2, .quantile_simulations = 100, .level_simulations = 60, .seed = 3};
    const auto t = mmd::aggregated_test(g, x.view(), y.view(), o);
    const auto s = host_results::aggregated_test(on_host(x), on_host(y), 2, 100, 60, 3);
    CHECK(t.reject == s.reject);
    REQUIRE(t.member.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(t.member[i].bandwidth == doctest::Approx(s.members[i].bandwidth).epsilon(1e-5));
      CHECK(t.member[i].statistic == doctest::Approx(s.members[i].statistic).epsilon(1e-3));
      CHECK(t.member[i].quantile == doctest::Approx(s.members[i].quantile).epsilon(1e-3));
    }
  }
}

TEST_CASE("gpu, fused_test") {
  const device_rows<float> x(40, 3, 1), y(33, 3, 2, 0.7);
  const mmd::fused_options o{.number_bandwidths = 2, .permutations = 100, .seed = 3};
  const auto t = mmd::fused_test(g, x.view(), y.view(), o);
  const auto s = host_results::fused_test(on_host(x), on_host(y), 2, 100, 3);
  CHECK(t.statistic == doctest::Approx(s.statistic).epsilon(1e-3));
  CHECK(t.threshold == doctest::Approx(s.threshold).epsilon(1e-3));
  REQUIRE(t.member.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(t.member[i].bandwidth == doctest::Approx(s.members[i].bandwidth).epsilon(1e-5));
  CHECK(mmd::fused_test(g, x.view(), y.view(), o).statistic == t.statistic);
}

TEST_CASE("gpu: kernels that share a pass, alone and in a fused test") {
  const device_rows<float> x(70, 3, 1), y(33, 3, 2, 0.2);
  const std::array<gaussian, 3> three{{{0.8}, {1.5}, {3}}};
  const std::span<const gaussian> kernels(three);
  const std::vector<double> sigmas{0.8, 1.5, 3};
  const auto values = mmd::estimate_each(g, x.view(), y.view(), kernels);
  const auto expected = host_results::estimate_each(on_host(x), on_host(y), sigmas);
  const auto t = mmd::fused_test(g, x.view(), y.view(), kernels, {.permutations = 40});
  const auto s = host_results::fused_test(on_host(x), on_host(y), sigmas, 40);
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(values[k] == doctest::Approx(expected[k]).epsilon(1e-4));
    CHECK(values[k] == doctest::Approx(mmd::estimate(g, x.view(), y.view(), three[k])).epsilon(1e-5));
    CHECK(t.member[k].normalized == doctest::Approx(s.members[k].normalized).epsilon(1e-4));
  }
  CHECK(t.threshold == doctest::Approx(s.threshold).epsilon(1e-4));
}
