// InTRO and what it is compared with: the worked example, the limit of many candidates, central differences, bad input.
#include "dispar/preference/intro.hpp"

#include <doctest/doctest.h>

#include "dispar/backend/cpu.hpp"
#include "dispar/divergence/kullback_leibler.hpp"
#include "dispar/divergence/rows.hpp"
#include "dispar/preference/draw_candidates.hpp"
#include "dispar/preference/intro_limit.hpp"
#include "dispar/preference/jeffrey.hpp"
#include "dispar/preference/marginal_likelihood.hpp"
#include "dispar/preference/policy_gradient.hpp"
#include "sequence_checks.hpp"

namespace preference_tests {

namespace preference = dispar::preference;
using dispar::as_matrix;
using dispar::cpu;
using dispar::scalar_view;
using dispar::view_of;
using preference::as_sequences;

TEST_CASE("intro: the worked example of the specification") {
  const std::vector<double> forward{0, 0}, posterior{std::log(3.0), 0};
  const std::vector<std::int64_t> candidates{0, 1};
  std::vector<double> w(2), gradient(2), objective(1);
  preference::correction_factors(cpu{}, as_matrix(forward, 1, 2), as_matrix(posterior, 1, 2), as_matrix(candidates, 1, 2),
                                 {.factors = as_matrix(w, 1, 2)});
  const auto one = [](auto& x) { return as_sequences(as_matrix(x, 1, 2), 1); };
  preference::intro(cpu{}, one(forward), one(posterior), one(candidates), {.objective = view_of(objective)},
                    {.logits = one(gradient)});
  CHECK(w[0] == doctest::Approx(1.5));
  CHECK(w[1] == doctest::Approx(0.5));
  CHECK(objective[0] == doctest::Approx(-0.693147).epsilon(1e-6));
  CHECK(gradient[0] == doctest::Approx(-0.25));
  CHECK(gradient[1] == doctest::Approx(0.25));
}

TEST_CASE("intro: central differences with factors held, dropped rationales, lengths, repeated candidates") {
  constexpr index G = 3, T = 4, V = 6, n = 3;
  std::vector<double> forward = normal_rows<double>(G * T, V, 1), weights{1, 0, 2};
  const std::vector<double> posterior = normal_rows<double>(G * T, V, 2);
  std::vector<std::int64_t> candidates;
  for (index i = 0; i < G * T * n; ++i) candidates.push_back((i * i) % 5);
  const std::vector<std::int64_t> lengths{4, 2, 3};
  std::vector<double> w(candidates.size()), gradient(forward.size(), 7), objective(G), logps(candidates.size());
  double loss = 0;
  const auto matrix = [](auto& x, index cols) { return as_matrix(x, G * T, cols); };
  preference::correction_factors(cpu{}, matrix(forward, V), matrix(posterior, V), matrix(candidates, n),
                                 {.factors = matrix(w, n)});
  preference::intro(cpu{}, as_sequences(matrix(forward, V), G), as_sequences(matrix(posterior, V), G),
                    as_sequences(matrix(candidates, n), G), {.objective = view_of(objective), .loss = scalar_view<double>(&loss)},
                    {.logits = as_sequences(matrix(gradient, V), G)}, {.lengths = view_of(lengths), .weights = view_of(weights)});
  const auto plain_loss = [&] {
    preference::candidate_logps(cpu{}, matrix(forward, V), matrix(candidates, n), matrix(logps, n));
    double sum = 0;
    for (index i = 0; i < G * T; ++i) {
      const auto g = static_cast<std::size_t>(i / T);
      if (i % T >= lengths[g]) continue;
      for (std::size_t k = 0; k < n; ++k) {
        const std::size_t at = static_cast<std::size_t>(i * n) + k;
        sum -= weights[g] / 3 * w[at] * logps[at] / static_cast<double>(n * lengths[g]);
      }
    }
    return sum;
  };
  CHECK(loss == doctest::Approx(plain_loss()).epsilon(1e-13));
  double most = 0;
  for (std::size_t i = 0; i < forward.size(); ++i) {
    const double kept = forward[i], h = 1e-5;
    forward[i] = kept + h;
    const double above = plain_loss();
    forward[i] = kept - h;
    most = std::fmax(most, std::fabs((above - plain_loss()) / (2 * h) - gradient[i]));
    forward[i] = kept;
  }
  CHECK(most < 1e-9);
  for (double& x : weights) x = 0;
  preference::intro(cpu{}, as_sequences(matrix(forward, V), G), as_sequences(matrix(posterior, V), G),
                    as_sequences(matrix(candidates, n), G), {.loss = scalar_view<double>(&loss)},
                    {.logits = as_sequences(matrix(gradient, V), G)}, {.weights = view_of(weights)});
  CHECK(loss == 0);
  CHECK(gradient == std::vector<double>(gradient.size()));
}

TEST_CASE(
    "intro_expectation: forward KL without a clip, and what every token as a candidate gives, weighted by its probability") {
  constexpr index rows = 2, V = 5;
  const auto forward = normal_rows<double>(rows, V, 1), posterior = normal_rows<double>(rows, V, 2);
  std::vector<double> limit(forward.size()), kl(forward.size()), loss(rows), largest(rows), w(V), logps(V);
  preference::intro_expectation(cpu{}, as_matrix(forward, rows, V), as_matrix(posterior, rows, V), {.loss = view_of(loss)},
                                {.logits = as_matrix(limit, rows, V)}, dispar::positive_infinity<double>());
  dispar::divergence::rows_and_gradient(cpu{}, as_matrix(posterior, rows, V), as_matrix(forward, rows, V),
                                        dispar::divergence::kullback_leibler{}, dispar::vector_view<double>(),
                                        {.b = as_matrix(kl, rows, V)});
  for (std::size_t i = 0; i < kl.size(); ++i) CHECK(limit[i] == doctest::Approx(kl[i]).epsilon(1e-12));
  const std::vector<std::int64_t> all{0, 1, 2, 3, 4};
  preference::intro_expectation(cpu{}, as_matrix(forward, rows, V), as_matrix(posterior, rows, V),
                                {.loss = view_of(loss), .largest_ratio = view_of(largest)}, {}, 1.2);
  for (index i = 0; i < rows; ++i) {
    const auto row = [i](auto& x) { return as_matrix(x, rows, V).slice(i, 1); };
    preference::correction_factors(cpu{}, row(forward), row(posterior), as_matrix(all, 1, V),
                                   {.factors = as_matrix(w, 1, V), .log_forward = as_matrix(logps, 1, V)}, 1.2);
    double expected = 0;
    for (std::size_t v = 0; v < V; ++v) expected -= std::exp(logps[v]) * w[v] * logps[v];
    CHECK(loss[static_cast<std::size_t>(i)] == doctest::Approx(expected).epsilon(1e-12));
    CHECK(largest[static_cast<std::size_t>(i)] > 1.2);
  }
}

TEST_CASE("clipped_ratio: central differences, advantages, lengths; marginal_likelihood and jeffrey_monte_carlo of one group") {
  constexpr index G = 4, T = 5;
  auto current = normal_rows<double>(G, T, 1);
  const auto old = normal_rows<double>(G, T, 2), reference = normal_rows<double>(G, T, 3);
  std::vector<double> advantages{1, 0, 0, 1}, gradient(current.size());
  const std::vector<std::int64_t> lengths{5, 3, 1, 0};
  preference::group_advantages(cpu{}, as_matrix(advantages, 2, 2), as_matrix(advantages, 2, 2),
                               preference::advantage::group_mean);
  CHECK(advantages == std::vector<double>{0.5, -0.5, -0.5, 0.5});
  double loss = 0;
  const auto run = [&](bool with_gradient) {
    preference::clipped_ratio(cpu{},
                              preference::policy_log_probs<double>{.current = as_matrix(current, G, T),
                                                                   .old = as_matrix(old, G, T),
                                                                   .reference = as_matrix(reference, G, T),
                                                                   .advantages = view_of(advantages),
                                                                   .lengths = view_of(lengths)},
                              {.loss = scalar_view<double>(&loss)},
                              {.current = with_gradient ? as_matrix(gradient, G, T) : dispar::matrix_view<double>()},
                              {.kl = 0.1});
    return loss;
  };
  (void)run(true);
  double most = 0;
  for (std::size_t i = 0; i < current.size(); ++i) {
    const double kept = current[i], h = 1e-6;
    current[i] = kept + h;
    const double above = run(false);
    current[i] = kept - h;
    most = std::fmax(most, std::fabs((above - run(false)) / (2 * h) - gradient[i]));
    current[i] = kept;
  }
  CHECK(most < 1e-8);
  CHECK_THROWS_WITH_AS(preference::clipped_ratio(cpu{}, preference::policy_log_probs<double>{}, {}, {}, {.kl = 1}),
                       "dispar: clipped_ratio: reference must be given for a kl above 0", dispar::invalid_argument);

  const std::vector<double> logps{std::log(0.1), std::log(0.3)};
  std::vector<double> value(1), posterior(2);
  preference::marginal_likelihood(cpu{}, as_matrix(logps, 1, 2), value, as_matrix(posterior, 1, 2));
  CHECK(value[0] == doctest::Approx(std::log(0.4)));
  CHECK(posterior[1] == doctest::Approx(0.75));
  preference::jeffrey_monte_carlo(cpu{}, as_matrix(posterior, 1, 2), as_matrix(logps, 1, 2), value);
  CHECK(value[0] == doctest::Approx(0.5 - std::log(0.03) / 2));
}

TEST_CASE("draw_candidates: the rationale first, given numbers by the inverse of the cumulative sum, shares of many draws") {
  const std::vector<double> forward{std::log(0.1), std::log(0.6), std::log(0.3), 0, dispar::quiet_nan<double>(), 0};
  const std::vector<std::int64_t> rationale{2, 0};
  const std::vector<double> u{0.05, 0.15, 0.69, 0.71, 0.5, 0.5, 0.5, 0.5};
  std::vector<std::int64_t> candidates(10);
  preference::draw_candidates(cpu{}, as_matrix(forward, 2, 3), rationale, as_matrix(candidates, 2, 5),
                              {.uniforms = as_matrix(u, 2, 4)});
  CHECK(candidates == std::vector<std::int64_t>{2, 0, 1, 1, 2, 0, -1, -1, -1, -1});
  std::vector<std::int64_t> many(4001);
  const std::vector<std::int64_t> one{0};
  preference::draw_candidates(cpu{}, as_matrix(forward, 2, 3).slice(0, 1), one, as_matrix(many, 1, 4001), {.key = {.seed = 5}});
  double share = 0;
  for (std::size_t k = 1; k < many.size(); ++k) share += many[k] == 1 ? 1 / 4000.0 : 0;
  CHECK(share == doctest::Approx(0.6).epsilon(0.05));  // 4 standard deviations
  CHECK_THROWS_WITH_AS(preference::draw_candidates(cpu{}, as_matrix(forward, 2, 3), rationale, as_matrix(candidates, 2, 5),
                                                   {.uniforms = dispar::matrix_view<const double>(u.data(), 2, 3)}),
                       "dispar: draw_candidates: uniforms must have n - 1 columns, got 3", dispar::invalid_argument);
}

TEST_CASE("intro: bad input") {
  const std::vector<double> logits(4);
  const std::vector<std::int64_t> candidates{0, 2};
  std::vector<double> w(2);
  const auto run = [&](double clip) {
    preference::correction_factors(cpu{}, as_matrix(logits, 2, 2), as_matrix(logits, 2, 2), as_matrix(candidates, 2, 1),
                                   {.factors = as_matrix(w, 2, 1)}, clip);
  };
  run(200);
  CHECK(w[0] == 1);
  CHECK(dispar::is_nan(w[1]));
  CHECK_THROWS_WITH_AS(run(0), "dispar: clip must be above 0, got 0", dispar::invalid_argument);
}

}  // namespace preference_tests
