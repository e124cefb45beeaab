// Every divergence against its textbook formula and central differences; what is infinite; a user's functor.
#include <doctest/doctest.h>

#include "dispar/divergence.hpp"
#include "oracle.hpp"

namespace divergence_tests {

namespace {

namespace divergence = dispar::divergence;
using dispar::as_matrix;
using dispar::index;

double power_sum(double a, const std::vector<double>& p, const std::vector<double>& q) {
  double sum = 0;
  for (std::size_t v = 0; v < p.size(); ++v) sum += std::pow(p[v], a) * std::pow(q[v], 1 - a);
  return sum;
}
template<class Token>
oracle::formula sum_of(const Token& token) {
  return [token](const std::vector<double>& p, const std::vector<double>& q) {
    double sum = 0;
    for (std::size_t v = 0; v < p.size(); ++v) sum += token(p[v], q[v]);
    return sum;
  };
}

/// Le Cam's triangular discrimination, as a user writes it.
struct triangular {
  template<class V>
  DISPAR_FN static V value(V p, V q, V) {
    const V sum = p + q;
    return select(sum > V(0), (p - q) * (p - q) / select(sum > V(0), sum, V(1)), V(0));
  }
};

template<class F>
void check(const F& f, const oracle::formula& formula) {
  constexpr index n = 2, v = 19;
  auto a = normal_rows<double>(n, v, 1), b = normal_rows<double>(n, v, 2);
  std::vector<double> ga(a.size()), gb(b.size()), values(n);
  const auto x = as_matrix(a, n, v), y = as_matrix(b, n, v);
  divergence::rows_and_gradient(dispar::cpu{}, x, y, f, values, {.a = as_matrix(ga, n, v), .b = as_matrix(gb, n, v)});
  const auto expected = [&](index i) { return formula(oracle::softmax(&x(i, 0), v), oracle::softmax(&y(i, 0), v)); };
  for (index i = 0; i < n; ++i) CHECK(values[static_cast<std::size_t>(i)] == doctest::Approx(expected(i)).epsilon(1e-13));
  double most = 0;
  for (auto [data, gradient] : {std::pair{&a, &ga}, std::pair{&b, &gb}})
    for (std::size_t i = 0; i < data->size(); i += 3) {
      const double h = 1e-5, kept = (*data)[i];
      const index row = static_cast<index>(i) / v;
      (*data)[i] = kept + h;
      const double above = expected(row);
      (*data)[i] = kept - h;
      const double below = expected(row);
      (*data)[i] = kept;
      most = std::fmax(most, std::fabs((above - below) / (2 * h) - (*gradient)[i]));
    }
  CHECK(most < 2e-9);
  divergence::rows_and_gradient(dispar::cpu{}, x, x, f, values, {});
  CHECK(values == std::vector<double>(n, 0.0));
}

template<class F>
double of_two_tokens(const F& f, std::vector<double> a, std::vector<double> b) {
  std::vector<double> d(1);
  // With gradients, none of them wanted: one program per divergence is compiled.
  divergence::rows_and_gradient(dispar::cpu{}, as_matrix(a, 1, 2), as_matrix(b, 1, 2), f, d, {});
  return d[0];
}

}  // namespace

TEST_CASE("divergences: formulas and gradients") {
  check(divergence::kullback_leibler{}, oracle::kullback_leibler);
  check(divergence::reverse_kullback_leibler{}, [](const auto& p, const auto& q) { return oracle::kullback_leibler(q, p); });
  check(divergence::jeffreys{},
        [](const auto& p, const auto& q) { return oracle::kullback_leibler(p, q) + oracle::kullback_leibler(q, p); });
  check(divergence::total_variation{}, sum_of([](double p, double q) { return std::fabs(p - q) / 2; }));
  check(divergence::squared_hellinger{}, sum_of([](double p, double q) { return std::pow(std::sqrt(p) - std::sqrt(q), 2) / 2; }));
  check(divergence::chi_square{}, sum_of([](double p, double q) { return (p - q) * (p - q) / q; }));
  for (const double a : {0.3, 2.0}) {
    check(divergence::alpha_divergence{a},
          [a](const auto& p, const auto& q) { return (power_sum(a, p, q) - 1) / (a * (a - 1)); });
    check(divergence::renyi{a}, [a](const auto& p, const auto& q) { return std::log(power_sum(a, p, q)) / (a - 1); });
  }
  check(triangular{}, sum_of([](double p, double q) { return (p - q) * (p - q) / (p + q); }));
}

TEST_CASE_TEMPLATE("entropy: the formula and its gradient", T, float, double) {
  constexpr index n = 2, v = 5000;
  auto a = normal_rows<T>(n, v, 1);
  for (T& x : a) x *= 4;
  a[7] = dispar::negative_infinity<T>();
  a[v + 9] = T(-2000);  // underflows
  std::vector<double> values(n);
  std::vector<T> g(a.size());
  divergence::entropy(dispar::cpu{}, as_matrix(a, n, v), values, {}, {.a = as_matrix(g, n, v)});
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  for (index i = 0; i < n; ++i) {
    const auto p = oracle::softmax(a.data() + i * v, v);
    double h = 0, most = 0;
    for (const double x : p) h -= x > 0 ? x * std::log(x) : 0;
    CHECK(std::fabs(values[static_cast<std::size_t>(i)] - h) < tolerance);
    for (std::size_t j = 0; j < p.size(); ++j) {
      const double expected = p[j] > 0 ? -p[j] * (std::log(p[j]) + h) : 0;
      most = std::fmax(most, std::fabs(static_cast<double>(g[static_cast<std::size_t>(i * v) + j]) - expected));
    }
    CHECK(most < tolerance);
  }
}

TEST_CASE("entropy of probabilities: the formula, its gradient, what is none") {
  std::vector<double> p{0.5, 0.25, 0, 0.25, 0.7, 0.3, 0.2, -0.2}, values(2), g(8);
  divergence::entropy(dispar::cpu{}, divergence::probabilities(as_matrix(p, 2, 4)), values, {.in = divergence::unit::bits},
                      {.a = as_matrix(g, 2, 4), .factor = 2});
  CHECK(values[0] == doctest::Approx(1.5).epsilon(1e-14));
  CHECK(dispar::is_nan(values[1]));
  for (const std::size_t j : {0, 1, 3}) CHECK(g[j] == doctest::Approx(-2 * (std::log(p[j]) + 1) / std::log(2.0)).epsilon(1e-14));
  CHECK(g[2] == 0);
}

TEST_CASE("divergences: tokens that one side cannot produce") {
  const double none = dispar::negative_infinity<double>();
  const auto infinite = [](double d) { return dispar::is_positive_infinity(d); };
  const double half = std::log(2.0);
  CHECK(infinite(of_two_tokens(divergence::kullback_leibler{}, {0, 0}, {0, none})));
  CHECK(of_two_tokens(divergence::kullback_leibler{}, {0, none}, {0, 0}) == doctest::Approx(half).epsilon(1e-14));
  CHECK(of_two_tokens(divergence::reverse_kullback_leibler{}, {0, 0}, {0, none}) == doctest::Approx(half).epsilon(1e-14));
  CHECK(infinite(of_two_tokens(divergence::reverse_kullback_leibler{}, {0, none}, {0, 0})));
  CHECK(infinite(of_two_tokens(divergence::jeffreys{}, {0, none}, {0, 0})));
  CHECK(infinite(of_two_tokens(divergence::chi_square{}, {0, 0}, {0, none})));
  CHECK(of_two_tokens(divergence::chi_square{}, {0, none}, {0, 0}) == doctest::Approx(1).epsilon(1e-14));
  CHECK(of_two_tokens(divergence::total_variation{}, {0, none}, {none, 0}) == 1);
  CHECK(of_two_tokens(divergence::squared_hellinger{}, {0, none}, {none, 0}) == 1);
  CHECK(infinite(of_two_tokens(divergence::renyi{0.5}, {0, none}, {none, 0})));
  CHECK(infinite(of_two_tokens(divergence::alpha_divergence{2}, {0, 0}, {0, none})));
  // Logits so far apart that both probabilities underflow: the logarithms still tell.
  CHECK(of_two_tokens(divergence::kullback_leibler{}, {0, -800}, {0, -1300}) == 0);
  CHECK(of_two_tokens(divergence::kullback_leibler{}, {0, 0}, {0, -500}) == doctest::Approx(250 - half).epsilon(1e-14));
  CHECK(of_two_tokens(divergence::chi_square{}, {0, -800}, {0, -1600}) == 0);
  CHECK_THROWS_WITH_AS(of_two_tokens(divergence::renyi{1}, {0, 0}, {0, 0}),
                       "dispar: renyi: alpha must be positive and not 1, whose divergence is kullback_leibler, got 1",
                       dispar::invalid_argument);
}

}  // namespace divergence_tests
