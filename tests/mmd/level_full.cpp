// Level and power, by simulation, of the tests that resample: at sizes that people use, at 0.05 and at 0.01.
#include <doctest/doctest.h>

#include <string>

#include "dispar/mmd.hpp"
#include "mmd/plain_gaussian.hpp"
#include "mmd/rejection_rate.hpp"
#include "normal_rows.hpp"

namespace {

using namespace dispar;

const cpu one_thread{.each = {.threads = 1}};
constexpr dispar::index features = 4;

struct data {
  std::vector<float> x, y;
  dispar::index n, m;
  data(int trial, dispar::index n_, dispar::index m_, double shift)
      : x(normal_rows<float>(n_, features, 2 * static_cast<std::uint64_t>(trial))),
        y(normal_rows<float>(m_, features, 2 * static_cast<std::uint64_t>(trial) + 1, shift)),
        n(n_),
        m(m_) {}
  [[nodiscard]] auto view_x() const { return as_matrix(x, n, features); }
  [[nodiscard]] auto view_y() const { return as_matrix(y, m, features); }
};

/// p(data, trial): exact at multiples of 1 / 200. The level at both sizes, and power that grows to nearly 1.
template<class P>
void check_test(const std::string& name, dispar::index n, dispar::index m, double shift, const P& p) {
  CAPTURE(name);
  constexpr int trials = 2000;
  int at_5 = 0, at_1 = 0;
  for (int t = 0; t < trials; ++t) {
    const double value = p(data(t, n, m, 0), static_cast<std::uint64_t>(t));
    at_5 += value <= 0.05;
    at_1 += value <= 0.01;
  }
  CHECK(std::abs(at_5 / double(trials) - 0.05) < level_tolerance(0.05, trials));
  CHECK(std::abs(at_1 / double(trials) - 0.01) < level_tolerance(0.01, trials));
  const auto power = [&](int parts) {
    return rejection_rate(200, [&](int t) {
      return p(data(t + trials, n * parts / 4, m * parts / 4, shift), static_cast<std::uint64_t>(t)) <= 0.05;
    });
  };
  const double quarter = power(1), half = power(2), all = power(4);
  MESSAGE(name << ": rejections at 0.05 " << at_5 / double(trials) << ", at 0.01 " << at_1 / double(trials) << "; power "
               << quarter << ", " << half << ", " << all);
  CHECK(quarter < half);
  CHECK(half <= all);
  CHECK(all > 0.9);
}

double permutation_p(const data& s, std::uint64_t seed, mmd::estimator form) {
  return mmd::permutation_test(one_thread, s.view_x(), s.view_y(), gaussian{2}, {.permutations = 199, .seed = seed, .form = form})
      .p_value;
}

}  // namespace

TEST_CASE("permutation_test: every form, equal and unequal sizes, and a given kernel matrix") {
  using mmd::estimator;
  check_test("unbiased", 60, 60, 0.5, [](const data& s, std::uint64_t t) { return permutation_p(s, t, estimator::unbiased); });
  check_test("unbiased, unequal", 40, 80, 0.5,
             [](const data& s, std::uint64_t t) { return permutation_p(s, t, estimator::unbiased); });
  check_test("biased", 40, 80, 0.5, [](const data& s, std::uint64_t t) { return permutation_p(s, t, estimator::biased); });
  check_test("one-sample", 60, 60, 0.5,
             [](const data& s, std::uint64_t t) { return permutation_p(s, t, estimator::one_sample); });
  check_test("given", 40, 60, 0.5, [](const data& s, std::uint64_t t) {
    const dispar::index rows = s.n + s.m;
    std::vector<float> gram(static_cast<std::size_t>(rows * rows));
    mmd::gram(one_thread, s.view_x(), s.view_y(), laplacian_l1{4}, as_matrix(gram, rows, rows));
    return mmd::permutation_test(one_thread, mmd::given(as_matrix(gram, rows, rows), s.n), {.permutations = 199, .seed = t})
        .p_value;
  });
}

TEST_CASE("wild_bootstrap_test") {
  check_test("wild bootstrap", 60, 60, 0.5, [](const data& s, std::uint64_t t) {
    return mmd::wild_bootstrap_test(one_thread, s.view_x(), s.view_y(), gaussian{2}, {.simulations = 199, .seed = t}).p_value;
  });
}

TEST_CASE("batched_permutation_test: the tests of one call are independent of each other") {
  constexpr dispar::index groups = 2000, size = 30;
  std::vector<dispar::index> offsets;
  for (dispar::index g = 0; g <= groups; ++g) offsets.push_back(g * size);
  const auto p_values = [&](double shift) {
    const auto x = normal_rows<float>(groups * size, features, 1), y = normal_rows<float>(groups * size, features, 2, shift);
    return mmd::batched_permutation_test(cpu{}, mmd::grouped(as_matrix(x, groups * size, features), offsets),
                                         mmd::grouped(as_matrix(y, groups * size, features), offsets), gaussian{2},
                                         {.permutations = 199});
  };
  const auto null = p_values(0), shifted = p_values(0.8);
  for (const double level : {0.05, 0.01}) {
    const auto g = static_cast<int>(groups);
    const auto below = [&](const auto& tests) {
      return rejection_rate(g, [&](int t) { return tests[static_cast<std::size_t>(t)].p_value <= level; });
    };
    CHECK(std::abs(below(null) - level) < level_tolerance(level, g));
    CHECK(below(shifted) > 0.9);
  }
}

TEST_CASE("fused_test and aggregated_test with many bandwidths") {
  check_test("fused", 40, 40, 0.8, [](const data& s, std::uint64_t t) {
    return mmd::fused_test(one_thread, s.view_x(), s.view_y(), {.number_bandwidths = 4, .permutations = 199, .seed = t}).p_value;
  });
  for (const double level : {0.05, 0.01}) {
    // Eight tests share the level: fewer simulations have no ranks as fine as that, and reject too rarely.
    const dispar::index simulations = level < 0.05 ? 1999 : 499;
    const auto rejects = [&](int t, dispar::index n, double shift) {
      const data s(t, n, n, shift);
      return mmd::aggregated_test(one_thread, s.view_x(), s.view_y(),
                                  {.alpha = level,
                                   .number_bandwidths = 4,
                                   .quantile_simulations = simulations,
                                   .level_simulations = simulations,
                                   .bisections = 20,
                                   .seed = static_cast<std::uint64_t>(t)})
          .reject;
    };
    const double rate = rejection_rate(1000, [&](int t) { return rejects(t, 40, 0); });
    const double small = rejection_rate(100, [&](int t) { return rejects(t, 10, 0.7); });
    const double large = rejection_rate(100, [&](int t) { return rejects(t, 40, 0.7); });
    MESSAGE("aggregated: rejections at " << level << ": " << rate << "; power " << small << ", " << large);
    CHECK(std::abs(rate - level) < level_tolerance(level, 1000));
    CHECK(small < large);
    CHECK(large > 0.9);
  }
}

TEST_CASE("classifier_test on probabilities") {
  check_test("classifier", 60, 60, 0.8, [](const data& s, std::uint64_t t) {
    std::vector<double> probability;
    for (const auto* rows : {&s.x, &s.y})
      for (std::size_t i = 0; i < rows->size(); i += features) probability.push_back(1 / (1 + std::exp(-2.0 * (*rows)[i])));
    return mmd::classifier_test(probability, s.n, {.permutations = 199, .seed = t}).p_value;
  });
}
