#include "dispar/mmd/block.hpp"

#include <doctest/doctest.h>

#include "dispar/kernels.hpp"
#include "plain_gaussian.hpp"
#include "rejection_rate.hpp"

namespace mmd = dispar::mmd;
using dispar::as_matrix;

namespace {

template<class T>
plain_normal_test oracle(const std::vector<T>& x, const std::vector<T>& y, dispar::index d, double sigma, dispar::index size) {
  const auto rows = static_cast<dispar::index>(std::min(x.size(), y.size())) / d;
  std::vector<double> terms;
  for (dispar::index first = 0; first + size <= rows; first += size) {
    double sum = 0;
    for (dispar::index i = first; i < first + size; ++i)
      for (dispar::index j = first; j < first + size; ++j)
        if (i != j)
          sum += plain_gaussian(x, i, x, j, d, sigma) + plain_gaussian(y, i, y, j, d, sigma) -
                 plain_gaussian(x, i, y, j, d, sigma) - plain_gaussian(x, j, y, i, d, sigma);
    terms.push_back(sum / static_cast<double>(size * (size - 1)));
  }
  return plain_normal_test(terms);
}

}  // namespace

TEST_CASE_TEMPLATE("block_test: statistic, standard error and p-value by their definitions", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-13;
  struct shape {
    dispar::index n, m, d, size, used;
  };
  for (auto [n, m, d, size, used] : {shape{4, 4, 1, 0, 2},
                                     {5, 9, 2, 0, 2},
                                     {30, 30, 3, 0, 5},
                                     {128, 301, 17, 0, 11},
                                     {128, 130, 2, 64, 64},
                                     {101, 101, 2, 2, 2},
                                     {2100, 2101, 1, 2, 2},  // more blocks than are in work at a time
                                     {100, 100, 5, 33, 33}}) {
    const auto x = shifted_rows<T>(n, d, {1, 1}), y = shifted_rows<T>(m, d, {1, 2}, 0.5);
    const double sigma = std::sqrt(static_cast<double>(d));
    const mmd::block_options o{.size = size};
    const auto t = mmd::block_test(dispar::cpu{}, as_matrix(x, n, d), as_matrix(y, m, d), dispar::gaussian{sigma}, o);
    const auto expected = oracle(x, y, d, sigma, used);
    std::vector<mmd::normal_test_result> results{t, {}};
    mmd::block_test(dispar::cpu{}, as_matrix(x, n, d), as_matrix(y, m, d), dispar::gaussian{sigma},
                    dispar::scalar_view<mmd::normal_test_result>(&results[1]), o);
    if (n + m < 1000) {
      const auto gram = plain_gram(x, y, d, sigma);
      results.push_back(mmd::block_test(dispar::cpu{}, mmd::given(as_matrix(gram, n + m, n + m), n), o));
    }
    for (const auto& result : results) {
      CHECK(result.statistic == doctest::Approx(expected.mean).epsilon(tolerance).scale(1));
      CHECK(result.standard_error == doctest::Approx(expected.standard_error).epsilon(10 * tolerance));
      CHECK(result.p_value == doctest::Approx(expected.p_value).epsilon(100 * tolerance));
    }
    CHECK(mmd::block_test(as_matrix(x, n, d), as_matrix(y, m, d), dispar::gaussian{sigma}, o).statistic == t.statistic);
  }
}

TEST_CASE("block_test: level under equal distributions, power under different ones") {
  constexpr dispar::index n = 600, d = 2;
  constexpr int trials = 1500;
  int rejected = 0, found = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const dispar::random_key key = dispar::random_key{2}.fork(static_cast<std::uint64_t>(trial));
    const auto x = shifted_rows<float>(n, d, key.fork(0)), y = shifted_rows<float>(n, d, key.fork(1));
    const auto z = shifted_rows<float>(n, d, key.fork(2), 0.8);
    const auto p = [&](const auto& other) {
      return mmd::block_test(dispar::cpu{.each = {.threads = 1}}, as_matrix(x, n, d), as_matrix(other, n, d),
                             dispar::gaussian{1.5}, {.size = 6})
          .p_value;
    };
    rejected += p(y) <= 0.05;
    found += p(z) <= 0.05;
  }
  CHECK(std::abs(rejected / double(trials) - 0.05) < level_tolerance(0.05, trials));
  CHECK(found > 0.9 * trials);
}

TEST_CASE("block_test: the same bits for every number of threads") {
  constexpr dispar::index n = 500, d = 9;
  const auto x = shifted_rows<float>(n, d, {3, 1}), y = shifted_rows<float>(n, d, {3, 2});
  const auto run = [&](int threads) {
    return mmd::block_test(dispar::cpu{.each = {.threads = threads}}, as_matrix(x, n, d), as_matrix(y, n, d),
                           dispar::gaussian{3});
  };
  for (int threads : {2, 3, 4}) {
    CHECK(run(threads).statistic == run(1).statistic);
    CHECK(run(threads).standard_error == run(1).standard_error);
  }
}

TEST_CASE("block_test: bad input names the argument") {
  const auto x = shifted_rows<double>(20, 2, {4, 0});
  const std::vector<double> weights(20, 1.0);
  const auto all = as_matrix(x, 20, 2);
  const auto run = [&](const auto& a, const auto& b, dispar::index size) {
    return mmd::block_test(dispar::cpu{}, a, b, dispar::gaussian{1}, {.size = size});
  };
  CHECK_THROWS_WITH_AS((void)run(all, all.slice(0, 3), 0), doctest::Contains("smaller sample must be at least 4, got 3"),
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)run(all, all, 1), doctest::Contains("size must be at least 2, got 1"), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)run(all, all, 11), doctest::Contains("at least 2 blocks, got 11"), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)run(all, all, -1), doctest::Contains("size must not be negative"), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)run(dispar::weighted(all, weights), all, 0), doctest::Contains("weights"), dispar::invalid_argument);
}
