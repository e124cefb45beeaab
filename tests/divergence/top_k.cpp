// Divergences of the k most probable tokens against sorted rows and textbook formulas, gradients against central differences.
#include "dispar/divergence/top_k.hpp"

#include <doctest/doctest.h>

#include "dispar/backend/host/ranked_rows.hpp"
#include "dispar/backend/host/rows.hpp"
#include "dispar/backend/host/step.hpp"
#include "dispar/divergence/jensen_shannon.hpp"
#include "dispar/divergence/kullback_leibler.hpp"
#include "restricted.hpp"

namespace divergence_tests {

namespace {

namespace divergence = dispar::divergence;
using dispar::as_matrix;
using dispar::index;
using divergence::top_k_of;
using divergence::top_k_rest;
using oracle::restricted;
using oracle::tokens_of;
using host = dispar::tiled_host<dispar::openmp>;

template<class F>
void check(const F& f, const oracle::formula& formula, index v, index k, top_k_of of, top_k_rest rest) {
  CAPTURE(v);
  CAPTURE(k);
  CAPTURE(static_cast<int>(of));
  CAPTURE(static_cast<int>(rest));
  constexpr index n = 2;
  auto a = normal_rows<double>(n, v, 1), b = normal_rows<double>(n, v, 2);
  for (auto* x : {&a, &b})
    for (double& logit : *x) logit = std::round(8 * logit) / 4;  // equal ones among them
  std::vector<std::vector<bool>> in;
  for (index i = 0; i < n; ++i) in.push_back(tokens_of(a.data() + i * v, b.data() + i * v, v, k, of));
  const auto expected = [&](index i) {
    return formula(restricted(a.data() + i * v, in[static_cast<std::size_t>(i)], rest),
                   restricted(b.data() + i * v, in[static_cast<std::size_t>(i)], rest));
  };
  std::vector<double> values(n), ga(a.size(), 5), gb(a.size(), 5);
  const auto x = as_matrix(a, n, v), y = as_matrix(b, n, v);
  const divergence::top_k restriction{f, k, of, rest};
  divergence::rows_and_gradient(host{}, x, y, restriction, values, {.a = as_matrix(ga, n, v), .b = as_matrix(gb, n, v)});
  for (index i = 0; i < n; ++i) CHECK(values[static_cast<std::size_t>(i)] == doctest::Approx(expected(i)).epsilon(1e-12));
  CHECK(divergence::mean(host{}, x, y, restriction) == doctest::Approx((values[0] + values[1]) / 2).epsilon(1e-13));
  double most = 0;
  for (auto [data, gradient] : {std::pair{&a, &ga}, std::pair{&b, &gb}})
    for (std::size_t i = 0; i < data->size(); ++i) {
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
  // Over the arguments, and added.
  auto a_over = a, b_over = b;
  divergence::rows_and_gradient(host{}, as_matrix(a_over, n, v), as_matrix(b_over, n, v), restriction, values,
                                {.a = as_matrix(a_over, n, v), .b = as_matrix(b_over, n, v)});
  std::vector<double> added(a.size(), 1);
  divergence::rows_and_gradient(host{}, x, y, restriction, values,
                                {.b = as_matrix(added, n, v), .factor = -2, .accumulate = true});
  most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::fmax(most, std::fabs(a_over[i] - ga[i]));
    most = std::fmax(most, std::fabs(b_over[i] - gb[i]));
    most = std::fmax(most, std::fabs(added[i] - 1 + 2 * gb[i]));
  }
  CHECK(most < 1e-14);
}

}  // namespace

TEST_CASE("top_k: the formula of the tokens that count, and its gradients") {
  for (const top_k_of of : {top_k_of::first, top_k_of::second, top_k_of::either})
    for (const top_k_rest rest : {top_k_rest::renormalized, top_k_rest::lumped})
      for (const auto& [v, k] : {std::pair<index, index>{23, 1}, {23, 6}, {23, 40}, {2100, 100}}) {
        check(divergence::jensen_shannon{0.3}, oracle::jensen_shannon(0.3), v, k, of, rest);
        if (v == 23) check(divergence::kullback_leibler{}, oracle::kullback_leibler, v, k, of, rest);
      }
}

TEST_CASE("top_k: from float, long rows, far tails") {
  constexpr index v = 30000;
  auto a = normal_rows<float>(2, v, 1), b = normal_rows<float>(2, v, 2);
  for (float& x : a) x *= 4;
  b[3] = a[3] = dispar::negative_infinity<float>();
  const std::vector<double> exact_a(a.begin(), a.end()), exact_b(b.begin(), b.end());
  std::vector<double> values(2);
  for (const top_k_rest rest : {top_k_rest::renormalized, top_k_rest::lumped}) {
    divergence::rows(host{}, as_matrix(a, 2, v), as_matrix(b, 2, v),
                     divergence::top_k{divergence::jensen_shannon{}, 50, top_k_of::first, rest}, values);
    for (index i = 0; i < 2; ++i) {
      const auto in = tokens_of(exact_a.data() + i * v, nullptr, v, 50, top_k_of::first);
      const double expected =
          oracle::jensen_shannon(0.5)(restricted(exact_a.data() + i * v, in, rest), restricted(exact_b.data() + i * v, in, rest));
      CHECK(std::fabs(values[static_cast<std::size_t>(i)] - expected) < 3e-7);
    }
  }
}

TEST_CASE("top_k: rows without an order, infinite divergences, what is refused") {
  const double none = dispar::negative_infinity<double>(), nan = dispar::quiet_nan<double>();
  std::vector<double> d(1);
  const auto value = [&](std::vector<double> a, std::vector<double> b, index k, top_k_of of, top_k_rest rest) {
    divergence::rows(host{}, as_matrix(a, 1, 3), as_matrix(b, 1, 3),
                     divergence::top_k{divergence::kullback_leibler{}, k, of, rest}, d);
    return d[0];
  };
  for (const top_k_rest rest : {top_k_rest::renormalized, top_k_rest::lumped}) {
    CHECK(dispar::is_nan(value({0, nan, 1}, {0, 0, 0}, 1, top_k_of::first, rest)));
    CHECK(dispar::is_nan(value({0, nan, 1}, {0, 0, 1}, 1, top_k_of::either, rest)));
    CHECK(dispar::is_nan(value({none, none, none}, {0, 0, 1}, 2, top_k_of::first, rest)));
    CHECK(dispar::is_positive_infinity(value({1, 0, 0}, {none, 0, 0}, 2, top_k_of::first, rest)));
  }
  // Q has nothing among the tokens of P: no distribution there, but one token of all its mass.
  CHECK(dispar::is_nan(value({1, 0, 0}, {none, 0, 0}, 1, top_k_of::first, top_k_rest::renormalized)));
  CHECK(dispar::is_positive_infinity(value({1, 0, 0}, {none, 0, 0}, 1, top_k_of::first, top_k_rest::lumped)));
  // All the rest cannot occur.
  CHECK(value({0, 0, none}, {0, 0, none}, 2, top_k_of::first, top_k_rest::lumped) == 0);
  CHECK(dispar::is_positive_infinity(value({0, 0, 0}, {0, 0, none}, 2, top_k_of::first, top_k_rest::lumped)));
  CHECK_THROWS_WITH_AS((void)value({0, 0, 0}, {0, 0, 0}, 0, top_k_of::first, top_k_rest::lumped),
                       "dispar: top_k: k must be at least 1, got 0", dispar::invalid_argument);
  const std::vector<double> x(6);
  const std::vector<std::uint8_t> mask(6, 1);
  CHECK_THROWS_WITH_AS(divergence::rows(host{}, as_matrix(x, 2, 3), as_matrix(x, 2, 3),
                                        divergence::top_k{divergence::kullback_leibler{}, 1}, d, {.mask = as_matrix(mask, 2, 3)}),
                       "dispar: top_k: masks and lengths are not supported", dispar::invalid_argument);
}

}  // namespace divergence_tests
