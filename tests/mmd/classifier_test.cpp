#include "dispar/mmd/classifier_test.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "dispar/core/random/permutation.hpp"
#include "dispar/core/random/uniform.hpp"

namespace mmd = dispar::mmd;

namespace {

/// n + m probabilities, those of Y moved up by `shift`.
std::vector<double> probabilities(dispar::index n, dispar::index m, double shift, std::uint64_t stream = 0) {
  std::vector<double> p(static_cast<std::size_t>(n + m));
  dispar::fill_uniform(dispar::random_key{1, stream}, 0, std::span(p));
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = 0.6 * p[i] + (static_cast<dispar::index>(i) >= n ? shift : 0);
  return p;
}

/// The statistic's definition, for the split in which the first n of `order` are X.
double mean_difference(const std::vector<double>& v, const std::int64_t* order, std::size_t n) {
  double x = 0, y = 0;
  for (std::size_t i = 0; i < v.size(); ++i) (i < n ? x : y) += v[static_cast<std::size_t>(order[i])];
  return std::abs(x / static_cast<double>(n) - y / static_cast<double>(v.size() - n));
}

}  // namespace

TEST_CASE("classifier_test: statistic, permuted statistics, threshold and p-value by their definitions") {
  constexpr dispar::index n = 14, m = 9, rounds = 60;
  for (bool labels : {false, true}) {
    const auto p = probabilities(n, m, 0.3);
    std::vector<double> values = p;
    if (labels)
      for (double& v : values) v = v > 0.5;
    std::vector<std::int64_t> orders(rounds * (n + m)), identity(n + m);
    std::iota(identity.begin(), identity.end(), 0);
    for (dispar::index r = 0; r < rounds; ++r)
      dispar::permutation(dispar::random_key{1}.fork(static_cast<std::uint64_t>(r)),
                          std::span(orders).subspan(static_cast<std::size_t>(r * (n + m)), n + m));
    const mmd::classifier_options options{.labels = labels, .alpha = 0.1, .given_permutations = {orders.data(), rounds, n + m}};
    const auto t = mmd::classifier_test(p, n, options);

    CHECK(t.statistic == doctest::Approx(mean_difference(values, identity.data(), n)).epsilon(1e-14));
    REQUIRE(t.permuted.size() == rounds);
    std::vector<double> expected;
    int at_least = 0;
    for (dispar::index r = 0; r < rounds; ++r) {
      expected.push_back(mean_difference(values, orders.data() + r * (n + m), n));
      CHECK(t.permuted[static_cast<std::size_t>(r)] == doctest::Approx(expected.back()).epsilon(1e-13));
      at_least += expected.back() > t.statistic - 1e-12;
    }
    std::sort(expected.begin(), expected.end());
    CHECK(t.threshold == doctest::Approx(expected[54]).epsilon(1e-13));  // ceil(60 * 0.9)
    CHECK(t.reject == (t.statistic > expected[54] + 1e-12));
    CHECK(t.p_value == doctest::Approx((1.0 + at_least) / (rounds + 1)).epsilon(1e-14));
  }
}

TEST_CASE("classifier_test: vectors, strided columns and two-column matrices say the same") {
  const auto p = probabilities(20, 20, 0.2);
  std::vector<double> both;
  std::vector<float> narrow;
  for (double v : p) both.insert(both.end(), {1 - v, v}), narrow.push_back(static_cast<float>(v));
  const auto matrix = dispar::as_matrix(both, 40, 2);
  const dispar::vector_view<const double> column(both.data() + 1, {40}, {2});
  for (bool labels : {false, true}) {
    const mmd::classifier_options options{.labels = labels, .seed = 3};
    const auto a = mmd::classifier_test(p, 20, options), b = mmd::classifier_test(matrix, 20, options),
               c = mmd::classifier_test(column, 20, options), d = mmd::classifier_test(narrow, 20, options);
    CHECK(a.permuted == b.permuted);
    CHECK(a.permuted == c.permuted);
    CHECK(a.p_value == d.p_value);
    CHECK(a.reject == d.reject);
  }
}

TEST_CASE("classifier_test: a probability of one half is a label of class 0") {
  const std::vector<double> p{0.5, 0.5, 0.51, 1.0};
  CHECK(mmd::classifier_test(p, 2, {.labels = true}).statistic == 1);
  const std::vector<double> both{0.4, 0.4, 0.3, 0.3, 0.3, 0.4, 0, 1};  // need not add up to 1
  CHECK(mmd::classifier_test(dispar::as_matrix(both, 4, 2), 2, {.labels = true}).statistic == 1);
}

TEST_CASE("classifier_test: the seed decides, and only the seed") {
  const auto p = probabilities(50, 50, 0);
  CHECK(mmd::classifier_test(p, 50, {.seed = 1}).permuted == mmd::classifier_test(p, 50, {.seed = 1}).permuted);
  CHECK(mmd::classifier_test(p, 50, {.seed = 1}).permuted != mmd::classifier_test(p, 50, {.seed = 2}).permuted);
}

TEST_CASE("classifier_test: splits of equal value are ties, not exceedances") {
  // All splits of constant probabilities, and the exchange of X and Y, tie with the observed one.
  const std::vector<double> constant(13, 0.1);
  const auto t = mmd::classifier_test(constant, 6);
  CHECK(t.p_value == 1);
  CHECK_FALSE(t.reject);
  const std::vector<double> p{0.1, 0.2, 0.3, 0.7, 0.8, 0.95};
  std::vector<std::int64_t> exchange;
  for (int r = 0; r < 20; ++r) exchange.insert(exchange.end(), {5, 3, 4, 2, 0, 1});
  const auto swapped = mmd::classifier_test(p, 3, {.given_permutations = {exchange.data(), 20, 6}});
  CHECK(swapped.p_value == 1);
  CHECK_FALSE(swapped.reject);
}

TEST_CASE("classifier_test: type-I error at the level, power under a difference") {
  constexpr int trials = 1000;
  for (bool labels : {false, true}) {
    int rejected = 0, small_p = 0, found = 0;
    for (int t = 0; t < trials; ++t) {
      const auto stream = static_cast<std::uint64_t>(t) + 10;
      const mmd::classifier_options options{.labels = labels, .permutations = 100, .seed = stream};
      const auto null = mmd::classifier_test(probabilities(40, 30, 0, stream), 40, options);
      rejected += null.reject;
      small_p += null.p_value <= 0.05;
      found += mmd::classifier_test(probabilities(40, 30, 0.2, stream), 40, options).reject;
    }
    // Four standard deviations of the binomial count above 50; labels tie often, which makes the test conservative.
    CHECK(rejected < 78);
    CHECK(small_p < 78);
    if (!labels) CHECK(rejected > 22);
    CHECK(found > trials * 8 / 10);
  }
}

TEST_CASE("classifier_test: bad input names the argument") {
  const auto p = probabilities(10, 10, 0);
  using dispar::invalid_argument;
  const auto run = [&](dispar::index n, const mmd::classifier_options& o) { (void)mmd::classifier_test(p, n, o); };
  CHECK_THROWS_WITH_AS(run(10, {.alpha = 0}), "dispar: classifier_test: alpha must lie in (0, 1), got 0", invalid_argument);
  CHECK_THROWS_AS(run(10, {.alpha = 1}), invalid_argument);
  CHECK_THROWS_AS(run(10, {.alpha = dispar::quiet_nan<double>()}), invalid_argument);
  CHECK_THROWS_AS(run(0, {}), invalid_argument);
  CHECK_THROWS_AS(run(20, {}), invalid_argument);
  CHECK_THROWS_AS(run(10, {.permutations = 0}), invalid_argument);
  CHECK_THROWS_AS(run(10, {.permutations = 19, .alpha = 0.05}), invalid_argument);
  CHECK_NOTHROW(run(10, {.permutations = 20, .alpha = 0.05}));
  std::vector<std::int64_t> orders(40 * 20);
  for (std::size_t i = 0; i < orders.size(); ++i) orders[i] = static_cast<std::int64_t>(i % 20);
  CHECK_NOTHROW(run(10, {.given_permutations = {orders.data(), 40, 20}}));
  CHECK_THROWS_AS(run(10, {.given_permutations = {orders.data(), 80, 10}}), invalid_argument);
  orders[25] = 20;
  CHECK_THROWS_AS(run(10, {.given_permutations = {orders.data(), 40, 20}}), invalid_argument);
  orders[25] = -1;
  CHECK_THROWS_AS(run(10, {.given_permutations = {orders.data(), 40, 20}}), invalid_argument);
  orders[25] = 6;
  CHECK_THROWS_AS(run(10, {.given_permutations = {orders.data(), 40, 20}}), invalid_argument);
  const auto check_value = [](double bad) {
    const std::vector<double> v{0.5, 0.5, bad, 0.5};
    CHECK_THROWS_AS((void)mmd::classifier_test(v, 2), invalid_argument);
    CHECK_THROWS_AS((void)mmd::classifier_test(dispar::as_matrix(v, 2, 2), 1), invalid_argument);
  };
  check_value(1.5);
  check_value(-0.1);
  check_value(dispar::quiet_nan<double>());
  CHECK_THROWS_AS((void)mmd::classifier_test(dispar::as_matrix(p, 4, 5), 2), invalid_argument);
  CHECK_THROWS_AS((void)mmd::classifier_test(std::vector<double>{}, 1), invalid_argument);
}
