#include "dispar/mmd/wild_bootstrap.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "dispar/backend/cpu.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "normal_rows.hpp"
#include "rejection_rate.hpp"

namespace mmd = dispar::mmd;
using dispar::as_matrix;

namespace {

constexpr dispar::cpu cpu{};
/// For thousands of tiny tests: waking threads costs more than the work, and far more on a busy machine.
constexpr dispar::tiled_host<dispar::serial> one_thread{};

std::vector<std::int64_t> draw_signs(dispar::index rows, dispar::index n, std::uint64_t seed) {
  std::vector<std::int64_t> signs;
  for (dispar::index p = 0; p < rows; ++p)
    for (dispar::index i = 0; i < n; ++i)
      signs.push_back(dispar::rademacher<std::int64_t>(dispar::random_key{seed}.fork(static_cast<std::uint64_t>(p)), i));
  return signs;
}

/// exp(-|a - b|^2 / (2 sigma^2)) of rows i and j of the pooled rows.
double kernel(const std::vector<double>& z, dispar::index d, dispar::index i, dispar::index j, double sigma) {
  double distance = 0;
  for (dispar::index k = 0; k < d; ++k) {
    const double gap = z[static_cast<std::size_t>(i * d + k)] - z[static_cast<std::size_t>(j * d + k)];
    distance += gap * gap;
  }
  return std::exp(-distance / (2 * sigma * sigma));
}

}  // namespace

TEST_CASE("wild_bootstrap_test: statistics by the definition, from samples and from a kernel matrix") {
  for (dispar::index n : {2, 23, 70}) {
    const dispar::index d = 3, count = 130;
    const double sigma = 1.3;
    const auto x = normal_rows(n, d, 1), y = normal_rows(n, d, 2, 0.4);
    std::vector<double> z = x;
    z.insert(z.end(), y.begin(), y.end());
    const auto signs = draw_signs(count, n, 5);
    std::vector<double> simulated(static_cast<std::size_t>(count)), gram;
    for (dispar::index i = 0; i < 2 * n; ++i)
      for (dispar::index j = 0; j < 2 * n; ++j) gram.push_back(kernel(z, d, i, j, sigma));

    const auto form = [&](dispar::index p) {  // p < 0: the observed signs
      double sum = 0;
      for (dispar::index i = 0; i < n; ++i)
        for (dispar::index j = 0; j < n; ++j) {
          if (i == j) continue;
          const auto k = [&](dispar::index a, dispar::index b) { return gram[static_cast<std::size_t>(a * 2 * n + b)]; };
          const double h = k(i, j) + k(n + i, n + j) - k(i, n + j) - k(n + i, j);
          const auto sign = [&](dispar::index r) { return p < 0 ? 1 : signs[static_cast<std::size_t>(p * n + r)]; };
          sum += static_cast<double>(sign(i) * sign(j)) * h;
        }
      return sum / static_cast<double>(n * (n - 1));
    };
    const mmd::wild_bootstrap_options o{.given = as_matrix(signs, count, n), .simulated = dispar::view_of(simulated)};
    for (int source = 0; source < 2; ++source) {
      const auto t = source == 0
                         ? mmd::wild_bootstrap_test(cpu, as_matrix(x, n, d), as_matrix(y, n, d), dispar::gaussian{sigma}, o)
                         : mmd::wild_bootstrap_test(cpu, mmd::given(as_matrix(gram, 2 * n, 2 * n), n), o);
      CHECK(t.statistic == doctest::Approx(form(-1)).epsilon(1e-11));
      int reaching = 0;
      for (dispar::index p = 0; p < count; ++p) {
        CHECK(std::abs(simulated[static_cast<std::size_t>(p)] - form(p)) < 1e-13);
        reaching += form(p) >= form(-1) - 1e-10;
      }
      CHECK(t.p_value == doctest::Approx((1 + reaching) / 131.0));
      CHECK(t.reject == (t.p_value <= 0.05));
      if (t.threshold < 1e300) CHECK(t.reject == (t.statistic > t.threshold + 1e-10));
    }
    CHECK(form(-1) == doctest::Approx(mmd::estimate(cpu, as_matrix(x, n, d), as_matrix(y, n, d), dispar::gaussian{sigma},
                                                    {.form = mmd::estimator::one_sample})));
  }
}

TEST_CASE("wild_bootstrap_test: drawn signs are rademacher's, and threads do not matter") {
  const dispar::index n = 150, d = 5;
  const auto x = normal_rows<float>(n, d, 1), y = normal_rows<float>(n, d, 2);
  const auto signs = draw_signs(200, n, 77);
  std::vector<double> drawn(200), given(200);
  const auto run = [&](auto backend, mmd::wild_bootstrap_options o) {
    return mmd::wild_bootstrap_test(backend, as_matrix(x, n, d), as_matrix(y, n, d), dispar::gaussian{2}, o);
  };
  const auto a = run(cpu, {.simulations = 200, .seed = 77, .simulated = dispar::view_of(drawn)});
  const auto b = run(one_thread, {.given = as_matrix(signs, 200, n), .simulated = dispar::view_of(given)});
  CHECK(drawn == given);
  CHECK(a.statistic == b.statistic);
  CHECK(a.p_value == b.p_value);
  CHECK(run(cpu, {.simulations = 200, .seed = 78}).null_mean != a.null_mean);
}

TEST_CASE("wild_bootstrap_test: level for independent and for paired rows, power on a shift") {
  const dispar::index n = 14, d = 2;
  const auto rejects = [&](std::uint64_t trial, double shift, double shared) {
    auto x = normal_rows<float>(n, d, 3 * trial), y = normal_rows<float>(n, d, 3 * trial + 1, shift);
    const auto common = normal_rows<float>(n, d, 3 * trial + 2);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] += static_cast<float>(shared) * common[i];
      y[i] += static_cast<float>(shared) * common[i];
    }
    return mmd::wild_bootstrap_test(one_thread, as_matrix(x, n, d), as_matrix(y, n, d), dispar::gaussian{1.5},
                                    {.simulations = 199, .seed = trial})
        .reject;
  };
  const double tolerance = level_tolerance(0.05, 2000);
  for (double shared : {0.0, 1.0}) {
    const double rate = rejection_rate(2000, [&](int t) { return rejects(static_cast<std::uint64_t>(t), 0, shared); });
    CHECK(std::abs(rate - 0.05) < tolerance);
  }
  CHECK(rejection_rate(100, [&](int t) { return rejects(static_cast<std::uint64_t>(t), 1.5, 0); }) > 0.9);
}

TEST_CASE("wild_bootstrap_test: bad input") {
  const auto x = normal_rows(6, 2, 1), y = normal_rows(6, 2, 2);
  const auto full = as_matrix(x, 6, 2), other = as_matrix(y, 6, 2);
  const dispar::gaussian k{1};
  std::vector<std::int64_t> signs(30, 1);
  CHECK_THROWS_AS((void)mmd::wild_bootstrap_test(cpu, full, other.slice(0, 5), k), dispar::invalid_argument);
  CHECK_THROWS_AS((void)mmd::wild_bootstrap_test(cpu, full.slice(0, 1), other.slice(0, 1), k), dispar::invalid_argument);
  CHECK_THROWS_AS((void)mmd::wild_bootstrap_test(cpu, full, other, k, {.simulations = 0}), dispar::invalid_argument);
  CHECK_THROWS_AS((void)mmd::wild_bootstrap_test(cpu, full, other, k, {.alpha = 0}), dispar::invalid_argument);
  CHECK_THROWS_AS((void)mmd::wild_bootstrap_test(cpu, full, other, k, {.given = as_matrix(signs, 6, 5)}),
                  dispar::invalid_argument);
  std::vector<double> simulated(4);
  CHECK_THROWS_AS((void)mmd::wild_bootstrap_test(cpu, full, other, k,
                                                 {.given = as_matrix(signs, 5, 6), .simulated = dispar::view_of(simulated)}),
                  dispar::invalid_argument);
  signs[7] = 0;
  CHECK_THROWS_WITH_AS((void)mmd::wild_bootstrap_test(cpu, full, other, k, {.given = as_matrix(signs, 5, 6)}),
                       "dispar: wild bootstrap: signs must be +1 or -1, got 0", dispar::invalid_argument);
  const std::vector<double> weights(6, 1.0);
  CHECK_THROWS_AS((void)mmd::wild_bootstrap_test(cpu, dispar::weighted(full, weights), other, k), std::exception);
}
