#include "dispar/metrics/roc.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "dispar/core/random/normal.hpp"

namespace metrics = dispar::metrics;

namespace {

/// The definition: all pairs.
template<class T>
double pairs_won(const std::vector<T>& negatives, const std::vector<T>& positives) {
  double won = 0;
  for (T p : positives)
    for (T n : negatives) won += p > n ? 1.0 : p == n ? 0.5 : 0.0;
  return won / (static_cast<double>(negatives.size()) * static_cast<double>(positives.size()));
}

/// Rounded as IEEE 754 does under -ffast-math too.
double quotient(std::ptrdiff_t part, std::size_t whole) {
  const volatile double divisor = static_cast<double>(whole);
  return static_cast<double>(part) / divisor;
}

template<class T>
std::vector<T> scores(std::size_t n, std::uint64_t stream, double shift, int ties) {
  std::vector<T> x(n);
  dispar::fill_normal(dispar::random_key{1, stream}, 0, std::span(x));
  for (T& v : x) v = static_cast<T>(static_cast<int>((static_cast<double>(v) + shift) * ties)) / static_cast<T>(ties);
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("auroc: the share of pairs in the right order, ties one half", T, float, double) {
  for (std::size_t n : {1u, 2u, 30u, 200u}) {
    for (std::size_t m : {1u, 3u, 25u, 300u}) {
      for (int ties : {1, 10, 100000}) {
        const auto negatives = scores<T>(n, 0, 0, ties), positives = scores<T>(m, 1, 0.7, ties);
        CHECK(metrics::auroc(negatives, positives) == doctest::Approx(pairs_won(negatives, positives)).epsilon(1e-14));
        CHECK(metrics::auroc(negatives, positives) + metrics::auroc(positives, negatives) == doctest::Approx(1).epsilon(1e-14));
      }
    }
  }
}

TEST_CASE("auroc: the extremes") {
  const std::vector<double> low{1, 2, 3}, high{4, 5}, same(7, 2.0);
  CHECK(metrics::auroc(low, high) == 1);
  CHECK(metrics::auroc(high, low) == 0);
  CHECK(metrics::auroc(same, same) == 0.5);
  const std::vector<double> infinite{dispar::negative_infinity<double>(), dispar::positive_infinity<double>()};
  CHECK(metrics::auroc(low, infinite) == 0.5);
  CHECK(metrics::auroc(infinite, infinite) == 0.5);
  CHECK(metrics::auroc(std::vector<double>{-0.0}, std::vector<double>{0.0}) == 0.5);
}

TEST_CASE("auroc: strided views and unlike element types") {
  const std::vector<float> both{1, 10, 2, 20, 3, 2.5f};
  const dispar::vector_view<const float> even(both.data(), {3}, {2}), odd(both.data() + 1, {3}, {2});
  CHECK(metrics::auroc(even, odd) == doctest::Approx(8.0 / 9));
  CHECK(metrics::auroc(even, std::vector<double>{10, 20, 2.5}) == doctest::Approx(8.0 / 9));
}

TEST_CASE("roc_curve: scikit-learn's example") {
  // roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], drop_intermediate=False), its documented thresholds and rates.
  const auto points = metrics::roc_curve(std::vector{0.1, 0.4}, std::vector{0.35, 0.8});
  CHECK(points.false_positive_rate == std::vector{0.0, 0.0, 0.5, 0.5, 1.0});
  CHECK(points.true_positive_rate == std::vector{0.0, 0.5, 0.5, 1.0, 1.0});
  REQUIRE(points.threshold.size() == 5);
  CHECK(dispar::is_positive_infinity(points.threshold[0]));
  CHECK(std::vector(points.threshold.begin() + 1, points.threshold.end()) == std::vector{0.8, 0.4, 0.35, 0.1});
}

TEST_CASE("roc_curve: one point per distinct score; its trapezoids have the area") {
  const auto negatives = scores<double>(300, 0, 0, 4), positives = scores<double>(200, 1, 1, 4);
  const auto points = metrics::roc_curve(negatives, positives);
  double area = 0;
  for (std::size_t i = 1; i < points.threshold.size(); ++i) {
    const double t = points.threshold[i];
    CHECK(t < points.threshold[i - 1]);
    const auto at_least = [t](double s) { return s >= t; };
    CHECK(points.false_positive_rate[i] == quotient(std::count_if(negatives.begin(), negatives.end(), at_least), 300));
    CHECK(points.true_positive_rate[i] == quotient(std::count_if(positives.begin(), positives.end(), at_least), 200));
    area += (points.false_positive_rate[i] - points.false_positive_rate[i - 1]) *
            (points.true_positive_rate[i] + points.true_positive_rate[i - 1]) / 2;
  }
  CHECK(points.false_positive_rate.back() == 1);
  CHECK(points.true_positive_rate.back() == 1);
  CHECK(area == doctest::Approx(metrics::auroc(negatives, positives)).epsilon(1e-13));
}

TEST_CASE("true_positive_rate_at: the last point within the limit") {
  const std::vector<double> negatives{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, positives{4.5, 8.5, 8.5, 10};
  const auto rates = metrics::true_positive_rate_at(negatives, positives, std::array{0.0, 0.05, 0.1, 0.15, 0.2, 0.5, 1.0});
  CHECK(rates == std::vector{0.25, 0.25, 0.75, 0.75, 0.75, 1.0, 1.0});
}

TEST_CASE("true_positive_rate_at: nothing but 0 below the first negative, ties enter together") {
  const std::vector<double> limits{0.0, 0.49, 0.5};
  CHECK(metrics::true_positive_rate_at(std::vector{5.0, 1.0}, std::vector{4.0, 3.0}, limits) == std::vector{0.0, 0.0, 1.0});
  CHECK(metrics::true_positive_rate_at(std::vector{5.0, 1.0}, std::vector{5.0, 3.0}, limits) == std::vector{0.0, 0.0, 1.0});
}

TEST_CASE("true_positive_rate_at: a rate equal to the limit is within it, under any flag") {
  for (std::size_t n = 1; n <= 200; ++n) {
    std::vector<double> negatives(n), limits(n);
    for (std::size_t i = 0; i < n; ++i) {
      negatives[i] = static_cast<double>(i);
      limits[i] = quotient(static_cast<std::ptrdiff_t>(i) + 1, n);
    }
    // Positive number i lies just below the i-th highest negative: it is found exactly when the limit admits that one.
    std::vector<double> positives(n);
    for (std::size_t i = 0; i < n; ++i) positives[i] = static_cast<double>(i) - 0.5;
    const auto rates = metrics::true_positive_rate_at(negatives, positives, limits);
    for (std::size_t i = 0; i < n; ++i) CHECK(rates[i] == limits[i]);
  }
}

TEST_CASE("roc: bad input names the argument") {
  const std::vector<double> good{1, 2}, none, bad{1, dispar::quiet_nan<double>()};
  const std::vector<float> bad_float{dispar::quiet_nan<float>()};
  using dispar::invalid_argument;
  CHECK_THROWS_WITH_AS((void)metrics::auroc(none, good), "dispar: auroc: negatives must not be empty", invalid_argument);
  CHECK_THROWS_WITH_AS((void)metrics::auroc(good, bad), "dispar: auroc: positives must not be NaN, got NaN at index 1",
                       invalid_argument);
  CHECK_THROWS_AS((void)metrics::auroc(bad_float, good), invalid_argument);
  CHECK_THROWS_AS((void)metrics::roc_curve(good, none), invalid_argument);
  CHECK_THROWS_AS((void)metrics::roc_curve(bad, good), invalid_argument);
  CHECK_THROWS_AS((void)metrics::true_positive_rate_at(bad, good, good), invalid_argument);
  CHECK_THROWS_WITH_AS((void)metrics::true_positive_rate_at(good, good, std::vector{0.5, 1.5}),
                       "dispar: true_positive_rate_at: fpr_limits must lie in [0, 1], got 1.5", invalid_argument);
  CHECK_THROWS_AS((void)metrics::true_positive_rate_at(good, good, std::vector{-0.1}), invalid_argument);
  CHECK_THROWS_AS((void)metrics::true_positive_rate_at(good, good, bad), invalid_argument);
}
