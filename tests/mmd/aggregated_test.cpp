#include "dispar/mmd/aggregated_test.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

#include "dispar/backend/cpu.hpp"
#include "dispar/core/random/permutation.hpp"
#include "dispar/kernels/rational_quadratic.hpp"
#include "normal_rows.hpp"
#include "rejection_rate.hpp"

namespace mmd = dispar::mmd;
using dispar::as_matrix;

namespace {

constexpr dispar::cpu cpu{};
/// For thousands of tiny tests: waking threads costs more than the work, and far more on a busy machine.
constexpr dispar::tiled_host<dispar::serial> one_thread{};

}  // namespace

TEST_CASE("aggregated_test: members are single tests at level u w, and the level simulations keep alpha") {
  const dispar::index n = 31, m = 24, d = 2, quantiles = 200, levels = 150, total = n + m;
  const auto x = normal_rows(n, d, 1), y = normal_rows(m, d, 2, 0.5);
  std::vector<std::int64_t> orders(static_cast<std::size_t>((quantiles + levels) * total));
  for (dispar::index p = 0; p < quantiles + levels; ++p)
    dispar::permutation(dispar::random_key{4}.fork(static_cast<std::uint64_t>(p)),
                        std::span(orders).subspan(static_cast<std::size_t>(p * total), static_cast<std::size_t>(total)));
  const std::vector<double> widths{0.5, 2.0}, weights{0.5, 0.3, 0.2};
  const std::vector<double> one_width{1.0};
  const mmd::aggregated_options o{.laplacian_bandwidths = dispar::view_of(one_width),
                                  .gaussian_bandwidths = dispar::view_of(widths),
                                  .weights = dispar::view_of(weights),
                                  .quantile_simulations = quantiles,
                                  .level_simulations = levels,
                                  .permutations = as_matrix(orders, quantiles + levels, total)};
  const auto t = mmd::aggregated_test(cpu, as_matrix(x, n, d), as_matrix(y, m, d), o);
  REQUIRE(t.member.size() == 3);

  // Every statistic again, by permutation tests of single kernels.
  std::vector<std::vector<double>> permuted;
  const auto single = [&](auto k, std::size_t at, mmd::kernel_family family, double width) {
    std::vector<double> values(static_cast<std::size_t>(quantiles + levels));
    const auto s = mmd::permutation_test(cpu, as_matrix(x, n, d), as_matrix(y, m, d), k,
                                         {.given = o.permutations, .permuted = dispar::view_of(values)});
    CHECK(t.member[at].statistic == doctest::Approx(s.statistic).epsilon(1e-12));
    CHECK(t.member[at].kernel == family);
    CHECK(t.member[at].bandwidth == width);
    values.insert(values.begin(), s.statistic);
    permuted.push_back(values);
  };
  single(dispar::laplacian_l1{1.0}, 0, mmd::kernel_family::laplacian_l1, 1.0);
  single(dispar::gaussian{0.5 / std::sqrt(2.0)}, 1, mmd::kernel_family::gaussian, 0.5);
  single(dispar::gaussian{2.0 / std::sqrt(2.0)}, 2, mmd::kernel_family::gaussian, 2.0);

  const auto quantile = [&](std::size_t k, double u) {
    std::vector<double> sorted(permuted[k].begin(), permuted[k].begin() + quantiles + 1);
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<std::size_t>(std::ceil(static_cast<double>(quantiles + 1) * (1 - u * weights[k]))) - 1];
  };
  const auto level = [&](double u) {
    int rejected = 0;
    for (std::size_t p = static_cast<std::size_t>(quantiles) + 1; p < permuted[0].size(); ++p) {
      bool any = false;
      for (std::size_t k = 0; k < 3; ++k) any = any || permuted[k][p] > quantile(k, u) + 1e-10;
      rejected += any;
    }
    return rejected / static_cast<double>(levels);
  };
  CHECK(level(t.u) <= 0.05);
  CHECK(level(t.u + 1e-9) > 0.05);  // u is the largest
  bool any = false;
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(t.member[k].p_value_threshold == doctest::Approx(t.u * weights[k]).epsilon(1e-14));
    CHECK(t.member[k].quantile == doctest::Approx(quantile(k, t.u)).epsilon(1e-10));
    CHECK(t.member[k].reject == (t.member[k].p_value <= t.member[k].p_value_threshold));
    any = any || t.member[k].reject;
  }
  CHECK(t.reject == any);
}

TEST_CASE("aggregated_test: the wild bootstrap for equal sizes, permutations where asked for") {
  const dispar::index n = 40, d = 2;
  const auto x = normal_rows(n, d, 1), y = normal_rows(n, d, 2, 0.3);
  const auto run = [&](mmd::aggregated_options o) {
    o.quantile_simulations = o.level_simulations = 100;
    o.number_bandwidths = 3;
    return mmd::aggregated_test(cpu, as_matrix(x, n, d), as_matrix(y, n, d), o);
  };
  const auto wild = run({}), split = run({.how = mmd::resampling::permutations});
  for (std::size_t k = 0; k < 6; ++k) {
    const double width = wild.member[k].bandwidth;
    const auto estimate = [&](mmd::estimator form) {
      if (k < 3) return mmd::estimate(cpu, as_matrix(x, n, d), as_matrix(y, n, d), dispar::laplacian_l1{width}, {.form = form});
      return mmd::estimate(cpu, as_matrix(x, n, d), as_matrix(y, n, d), dispar::gaussian{width / std::sqrt(2.0)}, {.form = form});
    };
    CHECK(wild.member[k].statistic == doctest::Approx(estimate(mmd::estimator::one_sample)).epsilon(1e-10));
    CHECK(split.member[k].statistic == doctest::Approx(estimate(mmd::estimator::unbiased)).epsilon(1e-10));
  }
  std::vector<std::int64_t> signs;
  for (dispar::index p = 0; p < 200; ++p)
    for (dispar::index i = 0; i < n; ++i)
      signs.push_back(dispar::rademacher<std::int64_t>(dispar::random_key{9}.fork(static_cast<std::uint64_t>(p)), i));
  const auto drawn = run({.seed = 9}), given = run({.signs = as_matrix(signs, 200, n)});
  CHECK(drawn.u == given.u);
  for (std::size_t k = 0; k < 6; ++k) CHECK(drawn.member[k].quantile == given.member[k].quantile);
}

TEST_CASE("aggregated_test: the caller's kernels and kernel matrices") {
  const dispar::index n = 20, m = 15, d = 2;
  const auto x = normal_rows(n, d, 1), y = normal_rows(m, d, 2, 0.5);
  const std::array<dispar::gaussian, 2> kernels{{{0.7}, {2.0}}};
  const mmd::aggregated_options o{.quantile_simulations = 100, .level_simulations = 100, .seed = 2};
  const auto t = mmd::aggregated_test(cpu, as_matrix(x, n, d), as_matrix(y, m, d), std::span<const dispar::gaussian>(kernels), o);
  std::array<std::vector<double>, 2> memory;
  std::vector<mmd::given_gram<double, dispar::host>> grams;
  for (std::size_t k = 0; k < 2; ++k) {
    for (dispar::index i = 0; i < n + m; ++i)
      for (dispar::index j = 0; j < n + m; ++j) {
        double distance = 0;
        for (dispar::index c = 0; c < d; ++c) {
          const auto at = [&](dispar::index r) {
            return r < n ? x[static_cast<std::size_t>(r * d + c)] : y[static_cast<std::size_t>((r - n) * d + c)];
          };
          distance += (at(i) - at(j)) * (at(i) - at(j));
        }
        memory[k].push_back(std::exp(-distance / (2 * kernels[k].sigma * kernels[k].sigma)));
      }
    grams.push_back(mmd::given(as_matrix(memory[k], n + m, n + m), n));
  }
  const auto g = mmd::aggregated_test(cpu, std::span<const mmd::given_gram<double, dispar::host>>(grams), o);
  CHECK(t.u == g.u);
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(dispar::is_nan(t.member[k].bandwidth));
    CHECK(t.member[k].quantile == doctest::Approx(g.member[k].quantile).epsilon(1e-9));
    CHECK(t.member[k].statistic == doctest::Approx(g.member[k].statistic).epsilon(1e-9));
  }
}

TEST_CASE("aggregated_test: level under the hypothesis, power against a shift and against a change of scale") {
  const dispar::index d = 2;
  const auto rejects = [&](int trial, dispar::index n, dispar::index m, double shift, double stretch) {
    const auto stream = static_cast<std::uint64_t>(2 * trial);
    const auto x = normal_rows<float>(n, d, stream);
    auto y = normal_rows<float>(m, d, stream + 1, shift);
    for (float& v : y) v *= static_cast<float>(stretch);
    return mmd::aggregated_test(
               one_thread, as_matrix(x, n, d), as_matrix(y, m, d),
               {.number_bandwidths = 3, .quantile_simulations = 199, .level_simulations = 199, .bisections = 20, .seed = stream})
        .reject;
  };
  // The level is estimated from 199 simulations, which spreads it by 0.015 between tests; the mean stays.
  const double tolerance = level_tolerance(0.05, 1000);
  CHECK(std::abs(rejection_rate(1000, [&](int t) { return rejects(t, 16, 16, 0, 1); }) - 0.05) < tolerance);
  CHECK(std::abs(rejection_rate(1000, [&](int t) { return rejects(t, 12, 18, 0, 1); }) - 0.05) < tolerance);
  const auto power = [&](dispar::index n) { return rejection_rate(100, [&](int t) { return rejects(t, n, n, 1, 1); }); };
  CHECK(power(10) > 0.1);
  CHECK(power(20) > power(10));
  CHECK(power(40) > 0.95);
  CHECK(rejection_rate(60, [&](int t) { return rejects(t, 40, 60, 0, 4); }) > 0.9);
}

TEST_CASE("aggregated_bandwidths: a geometric grid between the distances, by MMDAgg's rule") {
  // Distances 0.5, 1, ..., and 0.01: below 0.1, so that the 5 % quantile, again below 0.1, gives way to 0.1.
  const std::vector<double> x{0, 1, 2}, y{0.01, 5};
  const auto grid = mmd::aggregated_bandwidths<dispar::l1>(cpu, as_matrix(x, 3, 1), as_matrix(y, 2, 1), 3);
  REQUIRE(grid.size() == 3);
  CHECK(grid[0] == doctest::Approx(0.05).epsilon(1e-14));
  CHECK(grid[2] == doctest::Approx(10).epsilon(1e-12));
  CHECK(grid[1] == doctest::Approx(std::sqrt(0.5)).epsilon(1e-12));
  const std::vector<double> far{7, 9};  // distances from 5 to 9
  const auto wide = mmd::aggregated_bandwidths<dispar::sq_euclidean>(cpu, as_matrix(x, 3, 1), as_matrix(far, 2, 1), 2);
  CHECK(wide[0] == doctest::Approx(2.5).epsilon(1e-12));
  CHECK(wide[1] == doctest::Approx(18).epsilon(1e-12));
  const auto same = mmd::aggregated_bandwidths<dispar::l1>(cpu, as_matrix(x, 1, 3), as_matrix(x, 1, 3), 2);
  CHECK(same[0] == doctest::Approx(0.05));
  CHECK(same[1] == doctest::Approx(0.6));
  CHECK_THROWS_AS((void)mmd::aggregated_bandwidths<dispar::l1>(cpu, as_matrix(x, 3, 1), as_matrix(y, 2, 1), 0),
                  dispar::invalid_argument);
}

TEST_CASE("aggregated_test: bad input") {
  const auto x = normal_rows(6, 2, 1), y = normal_rows(7, 2, 2);
  const auto run = [&](const mmd::aggregated_options& o) {
    return mmd::aggregated_test(cpu, as_matrix(x, 6, 2), as_matrix(y, 7, 2), o);
  };
  using wrong = dispar::invalid_argument;
  const std::vector<double> negative{-1.0}, uneven{0.5, 0.6}, widths{1.0, 2.0};
  const std::vector<std::int64_t> labels(130, 0);
  CHECK_THROWS_AS((void)run({.alpha = 1}), wrong);
  CHECK_THROWS_AS((void)run({.number_bandwidths = 0}), wrong);
  CHECK_THROWS_AS((void)run({.laplacian_l1 = false, .gaussian = false}), wrong);
  CHECK_THROWS_AS((void)run({.gaussian_bandwidths = dispar::view_of(negative)}), wrong);
  CHECK_THROWS_AS(
      (void)run({.laplacian_l1 = false, .gaussian_bandwidths = dispar::view_of(widths), .weights = dispar::view_of(uneven)}),
      wrong);
  CHECK_THROWS_AS((void)run({.weights = dispar::view_of(widths)}), wrong);
  CHECK_THROWS_AS((void)run({.quantile_simulations = 0}), wrong);
  CHECK_THROWS_AS((void)run({.level_simulations = 0}), wrong);
  CHECK_THROWS_AS((void)run({.bisections = 0}), wrong);
  CHECK_THROWS_AS((void)run({.how = mmd::resampling::wild_bootstrap}), wrong);
  CHECK_THROWS_AS((void)run({.quantile_simulations = 5, .level_simulations = 5, .permutations = as_matrix(labels, 10, 13)}),
                  wrong);
  CHECK_THROWS_AS((void)run({.quantile_simulations = 5, .level_simulations = 4, .permutations = as_matrix(labels, 10, 13)}),
                  wrong);
  CHECK_THROWS_AS((void)mmd::aggregated_test(cpu, as_matrix(x, 6, 2), as_matrix(y, 7, 2), std::span<const dispar::gaussian>()),
                  wrong);
}
