#include "dispar/mmd/incomplete.hpp"

#include <doctest/doctest.h>

#include "dispar/kernels.hpp"
#include "plain_gaussian.hpp"
#include "rejection_rate.hpp"

namespace mmd = dispar::mmd;
using dispar::as_matrix;

namespace {

template<class T>
double plain_term(const std::vector<T>& x, const std::vector<T>& y, dispar::index d, double sigma, mmd::term_rows t) {
  return plain_gaussian(x, t.x, x, t.other_x, d, sigma) + plain_gaussian(y, t.y, y, t.other_y, d, sigma) -
         plain_gaussian(x, t.x, y, t.other_y, d, sigma) - plain_gaussian(x, t.other_x, y, t.y, d, sigma);
}

/// The unbiased MMD^2 of all pairs, by its definition.
double complete(const std::vector<double>& x, const std::vector<double>& y, dispar::index d, double sigma) {
  const auto n = static_cast<dispar::index>(x.size()) / d, m = static_cast<dispar::index>(y.size()) / d;
  double xx = 0, yy = 0, xy = 0;
  for (dispar::index i = 0; i < n; ++i)
    for (dispar::index j = 0; j < n; ++j) xx += i == j ? 0 : plain_gaussian(x, i, x, j, d, sigma);
  for (dispar::index i = 0; i < m; ++i)
    for (dispar::index j = 0; j < m; ++j) yy += i == j ? 0 : plain_gaussian(y, i, y, j, d, sigma);
  for (dispar::index i = 0; i < n; ++i)
    for (dispar::index j = 0; j < m; ++j) xy += plain_gaussian(x, i, y, j, d, sigma);
  const auto pairs = [](dispar::index a, dispar::index b) { return static_cast<double>(a * b); };
  return xx / pairs(n, n - 1) + yy / pairs(m, m - 1) - 2 * xy / pairs(n, m);
}

}  // namespace

TEST_CASE_TEMPLATE("incomplete: given terms by their definition, two and four columns", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-13;
  constexpr dispar::index n = 23, m = 17, d = 3;
  const double sigma = 1.7;
  const auto x = shifted_rows<T>(n, d, {1, 1}), y = shifted_rows<T>(m, d, {1, 2}, 0.5);
  const auto gram = plain_gram(x, y, d, sigma);
  // Superdiagonals 1 .. 5 of the smaller sample, and every pair in the other order for X only.
  std::vector<std::int64_t> two, four;
  std::vector<double> terms_of_two, terms_of_four;
  for (dispar::index r = 1; r <= 5; ++r)
    for (dispar::index i = 0; i + r < m; ++i) {
      two.insert(two.end(), {i, i + r});
      terms_of_two.push_back(plain_term(x, y, d, sigma, {i, i + r, i, i + r}));
      four.insert(four.end(), {n - 1 - i, n - 1 - i - r, i, i + r});
      terms_of_four.push_back(plain_term(x, y, d, sigma, {n - 1 - i, n - 1 - i - r, i, i + r}));
    }
  const auto check = [&](const std::vector<std::int64_t>& design, dispar::index columns, const std::vector<double>& terms) {
    const mmd::incomplete_options o{.given = {design.data(), static_cast<dispar::index>(terms.size()), columns}};
    const plain_normal_test expected(terms);
    const auto t = mmd::incomplete(dispar::cpu{}, as_matrix(x, n, d), as_matrix(y, m, d), dispar::gaussian{sigma}, o);
    const auto g = mmd::incomplete(dispar::cpu{}, mmd::given(as_matrix(gram, n + m, n + m), n), o);
    for (const auto& result : {t, g}) {
      CHECK(result.statistic == doctest::Approx(expected.mean).epsilon(tolerance).scale(1));
      CHECK(result.standard_error == doctest::Approx(expected.standard_error).epsilon(tolerance));
      CHECK(result.p_value == doctest::Approx(expected.p_value).epsilon(50 * tolerance));
    }
  };
  check(two, 2, terms_of_two);
  check(four, 4, terms_of_four);
}

TEST_CASE("incomplete: all pairs as terms are the complete one-sample statistic") {
  constexpr dispar::index n = 12, d = 2;
  const auto x = shifted_rows<double>(n, d, {2, 1}), y = shifted_rows<double>(n, d, {2, 2}, 1);
  std::vector<std::int64_t> all;
  double expected = 0;
  for (dispar::index i = 0; i < n; ++i)
    for (dispar::index j = 0; j < n; ++j)
      if (i != j) {
        all.insert(all.end(), {i, j});
        expected += plain_term(x, y, d, 1.0, {i, j, i, j}) / double(n * (n - 1));
      }
  const auto t = mmd::incomplete(dispar::cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), dispar::gaussian{1},
                                 {.given = {all.data(), n * (n - 1), 2}});
  CHECK(t.statistic == doctest::Approx(expected).epsilon(1e-13));
}

TEST_CASE("incomplete: random terms tend to the complete unbiased statistic, unequal sizes too") {
  constexpr dispar::index n = 9, m = 31, d = 2;
  const auto x = shifted_rows<double>(n, d, {3, 1}), y = shifted_rows<double>(m, d, {3, 2}, 1);
  const auto estimate = [&](dispar::index terms, std::uint64_t seed) {
    return mmd::incomplete(dispar::cpu{}, as_matrix(x, n, d), as_matrix(y, m, d), dispar::gaussian{1},
                           {.terms = terms, .seed = seed});
  };
  const auto t = estimate(200000, 1);
  CHECK(std::abs(t.statistic - complete(x, y, d, 1)) < 4 * t.standard_error);
  CHECK(t.standard_error < 2e-3);
  CHECK(estimate(500, 7).statistic == estimate(500, 7).statistic);
  CHECK(estimate(500, 7).statistic != estimate(500, 8).statistic);
  CHECK(estimate(0, 7).statistic == estimate(2 * n, 7).statistic);
}

TEST_CASE("incomplete: level under equal distributions, power under different ones") {
  constexpr dispar::index n = 200, m = 150, d = 2;
  constexpr int trials = 2000;
  int rejected = 0, found = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const dispar::random_key key = dispar::random_key{4}.fork(static_cast<std::uint64_t>(trial));
    const auto x = shifted_rows<float>(n, d, key.fork(0)), y = shifted_rows<float>(m, d, key.fork(1));
    const auto z = shifted_rows<float>(m, d, key.fork(2), 1);
    const auto p = [&](const auto& other) {
      return mmd::incomplete(dispar::cpu{.each = {.threads = 1}}, as_matrix(x, n, d), as_matrix(other, m, d),
                             dispar::gaussian{1.5}, {.seed = static_cast<std::uint64_t>(trial)})
          .p_value;
    };
    rejected += p(y) <= 0.05;
    found += p(z) <= 0.05;
  }
  CHECK(std::abs(rejected / double(trials) - 0.05) < level_tolerance(0.05, trials));
  CHECK(found > 0.9 * trials);
}

TEST_CASE("incomplete: bad input names the argument") {
  constexpr dispar::index n = 6, d = 2;
  const auto x = shifted_rows<double>(n, d, {5, 1});
  const auto run = [&](const mmd::incomplete_options& o, dispar::index rows = 6) {
    return mmd::incomplete(dispar::cpu{}, as_matrix(x, n, d), as_matrix(x, n, d).slice(0, rows), dispar::gaussian{1}, o);
  };
  using dispar::invalid_argument;
  const auto design = [](std::vector<std::int64_t>& values, dispar::index columns) {
    return mmd::incomplete_options{.given = {values.data(), static_cast<dispar::index>(values.size()) / columns, columns}};
  };
  std::vector<std::int64_t> outside{0, 1, 2, 6}, negative{0, 1, -1, 2}, equal{0, 1, 3, 3}, three{0, 1, 2, 1, 2, 3}, one{0, 1};
  CHECK_THROWS_WITH_AS((void)run(design(outside, 2)), doctest::Contains("numbers of rows, got 6"), invalid_argument);
  CHECK_THROWS_WITH_AS((void)run(design(negative, 2)), doctest::Contains("numbers of rows, got -1"), invalid_argument);
  CHECK_THROWS_WITH_AS((void)run(design(equal, 2)), doctest::Contains("two different rows"), invalid_argument);
  CHECK_THROWS_WITH_AS((void)run(design(three, 3)), doctest::Contains("2 or 4 columns, got 3"), invalid_argument);
  CHECK_THROWS_WITH_AS((void)run(design(one, 2)), doctest::Contains("terms must be at least 2, got 1"), invalid_argument);
  CHECK_THROWS_WITH_AS((void)run({.terms = -1}), doctest::Contains("terms must not be negative"), invalid_argument);
  CHECK_THROWS_WITH_AS((void)run({}, 1), doctest::Contains("rows of y must be at least 2"), invalid_argument);
}
