// Log-probabilities of sequences and unlikelihood: formulas, options, strides, and what is no number.
#include "dispar/preference/sequence_logps.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "backend/host/any_executor.hpp"
#include "dispar/backend/cpu.hpp"
#include "sequence_checks.hpp"

namespace preference_tests {

namespace preference = dispar::preference;
using dispar::as_matrix;
using dispar::cpu;
using dispar::view_of;
using preference::as_sequences;
using preference::over_tokens;
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST_CASE_TEMPLATE("sequence_logps and unlikelihood: the formulas and gradients, with every option", T, float, double) {
  for (const bool shift : {false, true})
    for (const bool weighted : {false, true})
      for (const bool mean : {false, true})
        for (const bool accumulate : {false, true}) {
          CAPTURE(shift);
          CAPTURE(weighted);
          CAPTURE(mean);
          batch<T> c(3, 7, 37);
          preference::token_options<> o{.reduce = mean ? over_tokens::mean : over_tokens::sum, .shift = shift};
          if (weighted) o.weights = as_matrix(c.weights, 3, 7);
          const preference::logit_gradient<T> g{.logits = c.g(), .sequences = view_of(c.upstream), .accumulate = accumulate};
          const double tolerance = sizeof(T) == 4 ? 4e-6 : 1e-13;
          preference::sequence_logps_and_gradient(cpu{}, c.x(), c.y(), c.values, g, o);
          CHECK(c.worst(shift, weighted, mean, accumulate ? 3 : 0, log_probability, log_probability_slope) < tolerance);
          std::fill(c.gradient.begin(), c.gradient.end(), T(3));
          preference::unlikelihood(cpu{}, c.x(), c.y(), c.values, g, o);
          CHECK(c.worst(shift, weighted, mean, accumulate ? 3 : 0, surprise, surprise_slope) < tolerance);
        }
}

TEST_CASE("sequence_logps: lengths, counts and terms; slices of a batch that are no matrix; in place") {
  batch<double> c(3, 6, 21);
  const std::vector<std::int64_t> lengths{6, 0, 3};
  std::vector<double> counts(3), terms(18), again(3);
  const preference::token_options<> o{.lengths = view_of(lengths)};
  preference::sequence_logps(cpu{}, c.x(), c.y(), c.values, o);
  preference::token_counts(cpu{}, c.y(), counts, o);
  preference::token_logps(cpu{}, c.x(), c.y(), as_matrix(terms, 3, 6), o);
  CHECK(counts == std::vector<double>{5, 0, 2});
  CHECK(c.values[1] == 0);
  for (std::size_t s = 0; s < 3; ++s) {
    double sum = 0;
    for (std::size_t t = 0; t < 6; ++t) sum += terms[6 * s + t];
    CHECK(c.values[s] == doctest::Approx(sum).epsilon(1e-14));
  }
  // Without the last position: the rows of one sequence do not follow those of the one before.
  const auto without_last = [](auto m) {
    return dispar::tensor_view<typename decltype(m)::element_type, 3>(m.data(), {3, 5, 21}, m.strides());
  };
  const dispar::matrix_view<const std::int64_t> labels(c.labels.data(), {3, 5}, {6, 1});
  std::vector<double> gradient = c.gradient;
  preference::sequence_logps_and_gradient(cpu{}, without_last(c.x()), labels, c.values,
                                          {.logits = without_last(as_sequences(as_matrix(gradient, 18, 21), 3))});
  const std::vector<std::int64_t> five(3, 5);
  preference::sequence_logps_and_gradient(cpu{}, c.x(), c.y(), again, {.logits = c.g()}, {.lengths = view_of(five)});
  CHECK(again == c.values);
  for (std::size_t i = 0; i < gradient.size(); ++i) CHECK(gradient[i] == (i / 21 % 6 == 5 ? 3 : c.gradient[i]));
  std::vector<double> in_place = c.logits;
  const auto same = as_sequences(as_matrix(in_place, 18, 21), 3);
  preference::sequence_logps_and_gradient(cpu{}, same, c.y(), again, {.logits = same}, {.lengths = view_of(five)});
  CHECK(in_place == c.gradient);
}

TEST_CASE("sequence_logps: the same bits for every way through a row") {
  batch<float> one(1, 2, 40000), other = one;
  preference::sequence_logps_and_gradient(dispar::cpu{.each = {.threads = 1}}, one.x(), one.y(), one.values, {.logits = one.g()});
  for (const auto& each : {engine_tests::backwards(), engine_tests::threads(3, 3)}) {
    preference::sequence_logps_and_gradient(dispar::tiled_host<engine_tests::any_executor>{each}, other.x(), other.y(),
                                            other.values, {.logits = other.g()});
    CHECK(one.values == other.values);
    CHECK(one.gradient == other.gradient);
  }
}

TEST_CASE("sequence_logps and unlikelihood: certain tokens, impossible ones, ties, and what is no number") {
  const auto run = [](std::vector<double> logits, std::int64_t label, bool unlikely, over_tokens reduce = over_tokens::sum) {
    const auto n = static_cast<index>(logits.size());
    std::vector<double> result(1), gradient(logits.size());
    const std::vector<std::int64_t> labels{label};
    const auto x = as_sequences(as_matrix(logits, 1, n), 1);
    const preference::logit_gradient<double> g{.logits = as_sequences(as_matrix(gradient, 1, n), 1)};
    if (unlikely)
      preference::unlikelihood(cpu{}, x, as_matrix(labels, 1, 1), result, g, {.reduce = reduce});
    else
      preference::sequence_logps_and_gradient(cpu{}, x, as_matrix(labels, 1, 1), result, g, {.reduce = reduce});
    result.insert(result.end(), gradient.begin(), gradient.end());
    return result;
  };
  const auto certain = run({0, 100, 0}, 1, true);  // 1 - p = 2 e^-100
  CHECK(certain[0] == doctest::Approx(100 - std::log(2.0)).epsilon(1e-14));
  CHECK(certain[1] == doctest::Approx(-0.5).epsilon(1e-14));
  CHECK(certain[2] == doctest::Approx(1).epsilon(1e-14));
  CHECK(run({0, 100, 0}, 1, false)[2] == doctest::Approx(2 * std::exp(-100.0)).epsilon(1e-12));
  const auto tie = run({1, 1, 1}, 1, true);  // 1 - p = 2 / 3
  CHECK(tie[0] == doctest::Approx(std::log(1.5)).epsilon(1e-14));
  CHECK(tie[1] == doctest::Approx(-1.0 / 6).epsilon(1e-14));
  CHECK(tie[2] == doctest::Approx(1.0 / 3).epsilon(1e-14));
  const auto impossible = run({0, -infinity, 0}, 1, false);
  CHECK(impossible[0] == -infinity);
  CHECK(impossible[1] == -0.5);
  CHECK(impossible[2] == 1);
  CHECK(run({0, -infinity, 0}, 1, true)[0] == 0);
  CHECK(run({7}, 0, true)[0] == infinity);
  for (const bool unlikely : {false, true}) {
    CAPTURE(unlikely);
    CHECK(dispar::is_nan(run({0, 1}, 2, unlikely)[0]));
    CHECK(dispar::is_nan(run({0, 1}, -1, unlikely)[1]));
    CHECK(dispar::is_nan(run({infinity, 1}, 1, unlikely)[0]));
    CHECK(dispar::is_nan(run({infinity, 1}, 0, unlikely)[0]));
    CHECK(dispar::is_nan(run({dispar::quiet_nan<double>(), 1}, 1, unlikely)[2]));
    CHECK(dispar::is_nan(run({-infinity, -infinity}, 1, unlikely)[0]));
    CHECK(run({dispar::quiet_nan<double>(), 1}, -100, unlikely) == std::vector<double>{0, 0, 0});  // not read
    CHECK(dispar::is_nan(run({0, 1}, -100, unlikely, over_tokens::mean)[0]));
    CHECK(run({0, 1}, -100, unlikely, over_tokens::mean)[1] == 0);
  }
}

TEST_CASE("sequence_logps: shapes that differ are named") {
  batch<double> c(2, 3, 5);
  const std::vector<std::int64_t> labels(4);
  std::vector<double> three(3);
  CHECK_THROWS_WITH_AS(preference::sequence_logps(cpu{}, c.x(), as_matrix(labels, 2, 2), c.values),
                       "dispar: labels: columns must be as many as positions of logits, got 2", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(preference::sequence_logps(cpu{}, c.x(), c.y(), three),
                       "dispar: values must have one entry per sequence, got 3", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)as_sequences(as_matrix(c.logits, 6, 5), 4),
                       "dispar: as_sequences: batch must divide the number of rows, got 4", dispar::invalid_argument);
}

}  // namespace preference_tests
