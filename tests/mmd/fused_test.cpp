#include "dispar/mmd/fused_test.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "dispar/backend/cpu.hpp"
#include "dispar/core/random/permutation.hpp"
#include "normal_rows.hpp"
#include "rejection_rate.hpp"

namespace mmd = dispar::mmd;
using dispar::as_matrix;

namespace {

constexpr dispar::cpu cpu{};
/// For thousands of tiny tests: waking threads costs more than the work, and far more on a busy machine.
constexpr dispar::tiled_host<dispar::serial> one_thread{};

std::vector<std::int64_t> draw_permutations(dispar::index count, dispar::index total) {
  std::vector<std::int64_t> orders(static_cast<std::size_t>(count * total));
  for (dispar::index p = 0; p < count; ++p)
    dispar::permutation(dispar::random_key{4}.fork(static_cast<std::uint64_t>(p)),
                        std::span(orders).subspan(static_cast<std::size_t>(p * total), static_cast<std::size_t>(total)));
  return orders;
}

/// The pooled rows' distances by the definition.
double distance(const std::vector<double>& z, dispar::index d, dispar::index i, dispar::index j, bool l1) {
  double sum = 0;
  for (dispar::index k = 0; k < d; ++k) {
    const double gap = z[static_cast<std::size_t>(i * d + k)] - z[static_cast<std::size_t>(j * d + k)];
    sum += l1 ? std::abs(gap) : gap * gap;
  }
  return l1 ? sum : std::sqrt(sum);
}

/// MMD-FUSE's grid from a sorted list, as its authors write it.
std::vector<double> grid_of_list(std::vector<double> list, dispar::index count) {
  std::sort(list.begin(), list.end());
  const std::size_t size = list.size();
  const double median = (list[(size - 1) / 2] + list[size / 2]) / 2;
  for (double& v : list)
    if (v == 0) v = median;
  std::sort(list.begin(), list.end());
  const auto at = [&](double share) { return list[static_cast<std::size_t>(std::floor(static_cast<double>(size) * share))]; };
  std::vector<double> grid;
  for (dispar::index i = 0; i < count; ++i)
    grid.push_back(at(0.05) / 2 + (at(0.95) * 2 - at(0.05) / 2) * static_cast<double>(i) / static_cast<double>(count - 1));
  return grid;
}

}  // namespace

TEST_CASE("fused_bandwidths: exact quantiles of all distances, coincident points included") {
  for (dispar::index n : {2, 5, 30})
    for (dispar::index m : {3, 40})
      for (double step : {0.0, 0.5, 2.0}) {  // rounding to a lattice makes points coincide
        const dispar::index d = 2;
        auto z = normal_rows(n + m, d, 3);
        if (step > 0)
          for (double& v : z) v = std::round(v / step) * step;
        for (bool l1 : {true, false}) {
          std::vector<double> list;
          for (dispar::index i = 0; i < n + m; ++i)
            for (dispar::index j = i; j < n + m; ++j) list.push_back(distance(z, d, i, j, l1));
          const auto expected = grid_of_list(list, 4);
          const auto all = as_matrix(z, n + m, d);
          const auto grid = [&] {
            return l1 ? mmd::fused_bandwidths<dispar::l1>(one_thread, all.slice(0, n), all.slice(n, m), 4)
                      : mmd::fused_bandwidths<dispar::sq_euclidean>(one_thread, all.slice(0, n), all.slice(n, m), 4);
          };
          if (expected[0] == 0) {
            CHECK_THROWS_AS((void)grid(), dispar::invalid_argument);
            continue;
          }
          const auto got = grid();
          REQUIRE(got.size() == 4);
          for (std::size_t i = 0; i < 4; ++i) CHECK(got[i] == doctest::Approx(expected[i]).epsilon(1e-11));
        }
      }
}

TEST_CASE("fused_test: the soft maximum of normalized statistics, whichever sample is the larger") {
  const dispar::index n = 22, m = 31, d = 2, count = 99;
  const auto x = normal_rows(n, d, 1), y = normal_rows(m, d, 2, 0.4);
  std::vector<double> z = x;
  z.insert(z.end(), y.begin(), y.end());
  const auto orders = draw_permutations(count, n + m);
  std::vector<double> permuted(static_cast<std::size_t>(count));
  const auto t = mmd::fused_test(
      cpu, as_matrix(x, n, d), as_matrix(y, m, d),
      {.number_bandwidths = 2, .lambda = 0.7, .given = as_matrix(orders, count, n + m), .permuted = dispar::view_of(permuted)});
  REQUIRE(t.member.size() == 4);

  std::vector<double> sum(static_cast<std::size_t>(count) + 1, 0);
  for (std::size_t k = 0; k < 4; ++k) {
    const bool l1 = k < 2;
    const double width = t.member[k].bandwidth;
    double squares = 0;
    for (dispar::index i = 0; i < n + m; ++i)
      for (dispar::index j = 0; j < n + m; ++j) {
        const double r = distance(z, d, i, j, l1);
        const double value = l1 ? std::exp(-std::sqrt(2.0) * r / width) : std::exp(-r * r / (2 * width * width));
        if (i != j) squares += value * value;
      }
    std::vector<double> values(static_cast<std::size_t>(count));
    const mmd::permutation_options o{.given = as_matrix(orders, count, n + m), .permuted = dispar::view_of(values)};
    const double observed =
        l1 ? mmd::permutation_test(cpu, as_matrix(x, n, d), as_matrix(y, m, d), dispar::laplacian_l1{width / std::sqrt(2.0)}, o)
                 .statistic
           : mmd::permutation_test(cpu, as_matrix(x, n, d), as_matrix(y, m, d), dispar::gaussian{width}, o).statistic;
    values.push_back(observed);
    const double scale = std::pow(22.0 * 21.0, 1.5) / std::sqrt(squares);
    CHECK(t.member[k].normalized == doctest::Approx(observed * scale).epsilon(1e-10));
    for (std::size_t p = 0; p < sum.size(); ++p) sum[p] += std::exp(0.7 * scale * values[p]) / 4;
  }
  CHECK(t.statistic == doctest::Approx(std::log(sum.back())).epsilon(1e-10));
  int reaching = 0;
  for (std::size_t p = 0; p < permuted.size(); ++p) {
    CHECK(permuted[p] == doctest::Approx(std::log(sum[p])).epsilon(1e-9));
    reaching += sum[p] >= sum.back();
  }
  CHECK(t.p_value == doctest::Approx((1 + reaching) / 100.0));
  CHECK(t.reject == (t.p_value <= 0.05));
  CHECK(t.reject == (t.statistic > t.threshold));

  const auto swapped =
      mmd::fused_test(cpu, as_matrix(y, m, d), as_matrix(x, n, d), {.number_bandwidths = 2, .lambda = 0.7, .permutations = 20});
  CHECK(swapped.statistic == doctest::Approx(t.statistic).epsilon(1e-10));
}

TEST_CASE("fused_test: a seed is reproducible, kernels and kernel matrices can be given") {
  const dispar::index n = 20, m = 15, d = 2;
  const auto x = normal_rows(n, d, 1), y = normal_rows(m, d, 2, 0.5);
  const auto run = [&](auto backend, std::uint64_t seed) {
    return mmd::fused_test(backend, as_matrix(x, n, d), as_matrix(y, m, d),
                           {.number_bandwidths = 2, .permutations = 50, .seed = seed});
  };
  CHECK(run(cpu, 3).threshold == run(one_thread, 3).threshold);
  CHECK(run(cpu, 3).threshold != run(cpu, 4).threshold);

  std::vector<double> z = x;
  z.insert(z.end(), y.begin(), y.end());
  const std::array<dispar::gaussian, 2> kernels{{{0.7}, {2.0}}};
  std::array<std::vector<double>, 2> memory;
  std::vector<mmd::given_gram<double, dispar::host>> grams;
  for (std::size_t k = 0; k < 2; ++k) {
    for (dispar::index i = 0; i < n + m; ++i)
      for (dispar::index j = 0; j < n + m; ++j)
        memory[k].push_back(std::exp(-std::pow(distance(z, d, i, j, false), 2) / (2 * kernels[k].sigma * kernels[k].sigma)));
    grams.push_back(mmd::given(as_matrix(memory[k], n + m, n + m), n));
  }
  const mmd::fused_options o{.permutations = 50, .seed = 3};
  const auto a = mmd::fused_test(cpu, as_matrix(x, n, d), as_matrix(y, m, d), std::span<const dispar::gaussian>(kernels), o);
  const auto b = mmd::fused_test(cpu, std::span<const mmd::given_gram<double, dispar::host>>(grams), o);
  CHECK(a.statistic == doctest::Approx(b.statistic).epsilon(1e-9));
  CHECK(a.threshold == doctest::Approx(b.threshold).epsilon(1e-9));
  CHECK(a.p_value == b.p_value);
}

TEST_CASE("fused_test: level under the hypothesis, power against a shift and against a change of scale") {
  const dispar::index d = 2;
  const auto rejects = [&](int trial, dispar::index n, dispar::index m, double shift, double stretch) {
    const auto stream = static_cast<std::uint64_t>(2 * trial);
    const auto x = normal_rows<float>(n, d, stream);
    auto y = normal_rows<float>(m, d, stream + 1, shift);
    for (float& v : y) v *= static_cast<float>(stretch);
    return mmd::fused_test(one_thread, as_matrix(x, n, d), as_matrix(y, m, d),
                           {.number_bandwidths = 6, .permutations = 199, .seed = stream})
        .reject;
  };
  const double tolerance = level_tolerance(0.05, 1000);
  CHECK(std::abs(rejection_rate(1000, [&](int t) { return rejects(t, 15, 15, 0, 1); }) - 0.05) < tolerance);
  CHECK(std::abs(rejection_rate(1000, [&](int t) { return rejects(t, 18, 11, 0, 1); }) - 0.05) < tolerance);
  const auto power = [&](dispar::index n) { return rejection_rate(100, [&](int t) { return rejects(t, n, n, 1, 1); }); };
  CHECK(power(10) > 0.1);
  CHECK(power(20) > power(10));
  CHECK(power(40) > 0.95);
  CHECK(rejection_rate(60, [&](int t) { return rejects(t, 40, 60, 0, 4); }) > 0.9);
}

TEST_CASE("fused_test: bad input") {
  const auto x = normal_rows(6, 2, 1), y = normal_rows(7, 2, 2);
  const auto run = [&](const mmd::fused_options& o) { return mmd::fused_test(cpu, as_matrix(x, 6, 2), as_matrix(y, 7, 2), o); };
  using wrong = dispar::invalid_argument;
  const std::vector<double> zero{0.0}, tiny{1e-4};
  const std::vector<std::int64_t> labels(24, 0);
  std::vector<double> permuted(3);
  CHECK_THROWS_AS((void)run({.alpha = 0}), wrong);
  CHECK_THROWS_AS((void)run({.number_bandwidths = 0}), wrong);
  CHECK_THROWS_AS((void)run({.laplacian_l1 = false, .gaussian = false}), wrong);
  CHECK_THROWS_AS((void)run({.laplacian_bandwidths = dispar::view_of(zero)}), wrong);
  CHECK_THROWS_AS((void)run({.laplacian_l1 = false, .gaussian_bandwidths = dispar::view_of(tiny)}), wrong);
  CHECK_THROWS_AS((void)run({.lambda = 0}), wrong);
  CHECK_THROWS_AS((void)run({.permutations = 0}), wrong);
  CHECK_THROWS_AS((void)run({.given = as_matrix(labels, 2, 12)}), wrong);
  CHECK_THROWS_AS((void)run({.permutations = 4, .permuted = dispar::view_of(permuted)}), wrong);
  CHECK_THROWS_AS((void)mmd::fused_test(cpu, as_matrix(x, 6, 2).slice(0, 1), as_matrix(y, 7, 2)), wrong);
  const std::vector<double> same(20, 1.0);
  CHECK_THROWS_AS((void)mmd::fused_test(cpu, as_matrix(same, 5, 2), as_matrix(same, 5, 2)), wrong);
}
