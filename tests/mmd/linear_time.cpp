#include "dispar/mmd/linear_time.hpp"

#include <doctest/doctest.h>

#include "dispar/kernels.hpp"
#include "plain_gaussian.hpp"
#include "rejection_rate.hpp"

namespace mmd = dispar::mmd;
using dispar::as_matrix;

namespace {

template<class T>
plain_normal_test oracle(const std::vector<T>& x, const std::vector<T>& y, dispar::index d, double sigma) {
  const auto rows = static_cast<dispar::index>(std::min(x.size(), y.size())) / d;
  std::vector<double> terms;
  for (dispar::index i = 0; i + 1 < rows; i += 2)
    terms.push_back(plain_gaussian(x, i, x, i + 1, d, sigma) + plain_gaussian(y, i, y, i + 1, d, sigma) -
                    plain_gaussian(x, i, y, i + 1, d, sigma) - plain_gaussian(x, i + 1, y, i, d, sigma));
  return plain_normal_test(terms);
}

}  // namespace

TEST_CASE_TEMPLATE("linear_time: statistic, standard error and p-value by their definitions", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-13;
  for (auto [n, m, d] : {std::array<dispar::index, 3>{4, 4, 1}, {5, 9, 2}, {64, 64, 3}, {301, 128, 17}, {40000, 40001, 1}}) {
    const auto x = shifted_rows<T>(n, d, {1, 1}), y = shifted_rows<T>(m, d, {1, 2}, 0.5);
    const double sigma = std::sqrt(static_cast<double>(d));
    const auto t = mmd::linear_time(dispar::cpu{}, as_matrix(x, n, d), as_matrix(y, m, d), dispar::gaussian{sigma});
    const auto expected = oracle(x, y, d, sigma);
    CHECK(t.statistic == doctest::Approx(expected.mean).epsilon(tolerance).scale(1));
    CHECK(t.standard_error == doctest::Approx(expected.standard_error).epsilon(tolerance));
    CHECK(t.p_value == doctest::Approx(expected.p_value).epsilon(50 * tolerance));
    if (n + m < 400) {
      const auto gram = plain_gram(x, y, d, sigma);
      const auto from_gram = mmd::linear_time(dispar::cpu{}, mmd::given(as_matrix(gram, n + m, n + m), n));
      CHECK(from_gram.statistic == doctest::Approx(expected.mean).epsilon(tolerance).scale(1));
    }
    CHECK(mmd::linear_time(as_matrix(x, n, d), as_matrix(y, m, d), dispar::gaussian{sigma}).statistic == t.statistic);
  }
}

TEST_CASE("linear_time: level under equal distributions, power under different ones") {
  constexpr dispar::index n = 400, d = 2;
  constexpr int trials = 2000;
  int rejected = 0, found = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const dispar::random_key key = dispar::random_key{2}.fork(static_cast<std::uint64_t>(trial));
    const auto x = shifted_rows<float>(n, d, key.fork(0)), y = shifted_rows<float>(n, d, key.fork(1));
    const auto z = shifted_rows<float>(n, d, key.fork(2), 1);
    const auto p = [&](const auto& other) {
      return mmd::linear_time(dispar::cpu{.each = {.threads = 1}}, as_matrix(x, n, d), as_matrix(other, n, d),
                              dispar::gaussian{1.5})
          .p_value;
    };
    rejected += p(y) <= 0.05;
    found += p(z) <= 0.05;
  }
  CHECK(std::abs(rejected / double(trials) - 0.05) < level_tolerance(0.05, trials));
  CHECK(found > 0.9 * trials);
}

TEST_CASE("linear_time: samples that are the same") {
  const auto x = shifted_rows<double>(10, 2, {3, 0});
  const auto t = mmd::linear_time(dispar::cpu{}, as_matrix(x, 10, 2), as_matrix(x, 10, 2), dispar::gaussian{1});
  CHECK(t.statistic == 0);
  CHECK(t.standard_error == 0);
  CHECK(t.p_value == 1);
}

TEST_CASE("linear_time: NaN in a kernel matrix gives NaN, also in place of a p-value") {
  std::vector<double> gram(100, 1);
  gram[1] = std::nan("");
  mmd::normal_test_result t{};
  mmd::linear_time(dispar::cpu{}, mmd::given(as_matrix(gram, 10, 10), 5), dispar::scalar_view<mmd::normal_test_result>(&t));
  CHECK(dispar::is_nan(t.statistic));
  CHECK(dispar::is_nan(t.standard_error));
  CHECK(dispar::is_nan(t.p_value));
}

TEST_CASE("linear_time: bad input names the argument") {
  const auto x = shifted_rows<double>(10, 2, {4, 0});
  const std::vector<double> weights(10, 1.0);
  CHECK_THROWS_WITH_AS(
      (void)mmd::linear_time(dispar::cpu{}, as_matrix(x, 10, 2), as_matrix(x, 10, 2).slice(0, 3), dispar::gaussian{1}),
      doctest::Contains("smaller sample must be at least 4, got 3"), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)mmd::linear_time(dispar::cpu{}, dispar::weighted(as_matrix(x, 10, 2), weights), as_matrix(x, 10, 2),
                                              dispar::gaussian{1}),
                       doctest::Contains("weights"), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)mmd::linear_time(dispar::cpu{}, as_matrix(x, 10, 2), as_matrix(x, 10, 2), dispar::gaussian{0}),
                       doctest::Contains("sigma"), dispar::invalid_argument);
}
