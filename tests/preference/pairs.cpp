// Losses of pairs and groups: every loss by its formula and central differences, huge margins, a loss of the test's own.
#include "dispar/preference/pairs.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "dispar/backend/cpu.hpp"
#include "dispar/preference/from_logits.hpp"
#include "sequence_checks.hpp"

namespace preference_tests {

namespace {

namespace preference = dispar::preference;
using dispar::as_matrix;
using dispar::cpu;
using dispar::vector_view;
using dispar::view_of;

constexpr index groups = 4;

/// Groups with K samples each.
struct numbers {
  index samples;
  std::vector<double> chosen, rejected, reference_chosen, reference_rejected, chosen_tokens, rejected_tokens;
  explicit numbers(index k)
      : samples(k),
        chosen(normal_rows<double>(groups, k, 1)),
        rejected(normal_rows<double>(groups, 1, 2)),
        reference_chosen(normal_rows<double>(groups, k, 3)),
        reference_rejected(normal_rows<double>(groups, 1, 4)),
        chosen_tokens(chosen.size(), 3),
        rejected_tokens(rejected.size(), 2) {}
  preference::log_probs<double> view() const {
    return {.chosen = as_matrix(chosen, groups, samples),
            .rejected = view_of(rejected),
            .reference_chosen = as_matrix(reference_chosen, groups, samples),
            .reference_rejected = view_of(reference_rejected),
            .chosen_tokens = as_matrix(chosen_tokens, groups, samples),
            .rejected_tokens = view_of(rejected_tokens)};
  }
};

/// A user's loss.
struct exponential {
  double beta = 0.1;
  template<class V>
  DISPAR_FN V value(V chosen, V rejected) const {
    return exp(V(-beta) * (chosen - rejected));
  }
};

/// Values by a formula of mean log-ratios (or what the loss takes instead), gradients by central differences.
template<class F, class Formula>
void check(const F& f, const Formula& formula) {
  for (const index samples : {1, 5}) {
    CAPTURE(samples);
    numbers n(samples);
    std::vector<double> loss(groups);
    preference::losses(cpu{}, f, n.view(), preference::group_results<>{.loss = view_of(loss)});
    for (std::size_t i = 0; i < groups; ++i) {
      double u = 0;
      constexpr bool bare = !preference::detail::reads_reference<F>, per_token = preference::detail::counts_tokens<F>;
      for (std::size_t k = 0; k < static_cast<std::size_t>(samples); ++k) {
        const std::size_t at = i * static_cast<std::size_t>(samples) + k;
        u += (n.chosen[at] - (bare ? 0 : n.reference_chosen[at])) / static_cast<double>(samples) / (per_token ? 3 : 1);
      }
      const double v = (n.rejected[i] - (bare ? 0 : n.reference_rejected[i])) / (per_token ? 2 : 1);
      CHECK(loss[i] == doctest::Approx(formula(u, v)).epsilon(1e-13));
    }
    std::vector<double> by_chosen(n.chosen.size()), by_rejected(groups), by_reference(n.chosen.size()), by_other(groups);
    (void)preference::mean(cpu{}, f, n.view(),
                           {.chosen = as_matrix(by_chosen, groups, samples),
                            .rejected = view_of(by_rejected),
                            .reference_chosen = as_matrix(by_reference, groups, samples),
                            .reference_rejected = view_of(by_other)});
    double most = 0;
    for (auto [x, gradient] : {std::pair{&n.chosen, &by_chosen}, std::pair{&n.rejected, &by_rejected},
                               std::pair{&n.reference_chosen, &by_reference}, std::pair{&n.reference_rejected, &by_other}})
      for (std::size_t i = 0; i < x->size(); ++i) {
        const double kept = (*x)[i], h = 1e-5;
        (*x)[i] = kept + h;
        const double above = preference::mean(cpu{}, f, n.view());
        (*x)[i] = kept - h;
        const double below = preference::mean(cpu{}, f, n.view());
        (*x)[i] = kept;
        most = std::fmax(most, std::fabs((above - below) / (2 * h) - (*gradient)[i]));
      }
    CHECK(most < 1e-8);
  }
}

double negative_log_sigmoid(double x) { return std::log1p(std::exp(-x)); }

}  // namespace

TEST_CASE("losses of pairs and groups: formulas and central differences") {
  check(preference::dpo{.beta = 0.4}, [](double u, double v) { return negative_log_sigmoid(0.4 * (u - v)); });
  check(preference::dpo{.beta = 0.4, .label_smoothing = 0.2}, [](double u, double v) {
    return 0.8 * negative_log_sigmoid(0.4 * (u - v)) + 0.2 * negative_log_sigmoid(-0.4 * (u - v));
  });
  check(preference::reference_free_dpo{{.beta = 0.4}}, [](double u, double v) { return negative_log_sigmoid(0.4 * (u - v)); });
  check(preference::d2o{.alpha = 0.3, .beta = 0.7}, [](double u, double v) { return negative_log_sigmoid(0.7 * u - 0.3 * v); });
  check(preference::ipo{.beta = 0.4}, [](double u, double v) { return std::pow(u - v - 1.25, 2); });
  check(preference::slic{.beta = 0.4}, [](double u, double v) { return std::fmax(0, 1 - 0.4 * (u - v)); });
  check(preference::simpo{.beta = 2, .gamma = 0.5}, [](double u, double v) { return negative_log_sigmoid(2 * (u - v) - 0.5); });
  check(preference::npo{.beta = 0.4}, [](double, double v) { return 5 * negative_log_sigmoid(-0.4 * v); });
  check(preference::sequence_unlikelihood{.weight = 0.6}, [](double u, double v) { return 0.6 * v - u; });
  check(preference::gradient_ascent{}, [](double, double v) { return v; });
  check(exponential{.beta = 0.4}, [](double u, double v) { return std::exp(-0.4 * (u - v)); });
}

TEST_CASE("d2o: the worked example, DPO for one sample, never above the mean of the pairs, groups with fewer samples") {
  const std::vector<double> chosen{0.2, -0.1}, rejected{1};
  std::vector<double> weight(1), by_chosen(2), by_rejected(1);
  const preference::log_probs<double> x{.chosen = as_matrix(chosen, 1, 2), .rejected = view_of(rejected)};
  double mean = 0;
  preference::losses(cpu{}, preference::d2o{}, x,
                     preference::group_results<>{.weight = view_of(weight), .mean = dispar::scalar_view<double>(&mean)});
  CHECK(mean == doctest::Approx(0.741775).epsilon(1e-6));
  CHECK(weight[0] == doctest::Approx(0.523732).epsilon(1e-6));
  double of_pairs = 0;
  for (const double c : chosen)
    of_pairs += preference::mean(
                    cpu{}, preference::dpo{},
                    preference::log_probs<double>{.chosen = vector_view<const double>(&c, 1), .rejected = view_of(rejected)}) /
                2;
  CHECK(of_pairs == doctest::Approx(0.741803).epsilon(1e-6));
  CHECK(mean <= of_pairs);

  const std::vector<std::int64_t> one{1}, none{0};
  preference::log_probs<double> ragged = x;
  ragged.samples_of_group = view_of(one);
  const double first = preference::mean(cpu{}, preference::d2o{}, ragged,
                                        {.chosen = as_matrix(by_chosen, 1, 2), .rejected = view_of(by_rejected)});
  CHECK(first == doctest::Approx(0.733947).epsilon(1e-6));
  CHECK(by_chosen[0] < 0);
  CHECK(by_chosen[1] == 0);
  ragged.samples_of_group = view_of(none);
  CHECK_THROWS_AS((void)preference::mean(cpu{}, preference::d2o{}, ragged), dispar::invalid_argument);
}

TEST_CASE_TEMPLATE("losses: margins of 10,000 on both sides, NaN and infinity, accumulation and factors", T, float, double) {
  const std::vector<T> chosen{10000, -10000, 0, dispar::quiet_nan<T>(), -dispar::positive_infinity<T>()}, rejected(5);
  std::vector<T> by_chosen(5, T(2)), by_rejected(5, T(2));
  std::vector<double> loss(5), upstream{1, 2, 3, 1, 1};
  const preference::log_probs<T> x{.chosen = view_of(chosen), .rejected = view_of(rejected)};
  preference::losses(cpu{}, preference::dpo{.beta = 1}, x, preference::group_results<>{.loss = view_of(loss)},
                     {.chosen = view_of(by_chosen),
                      .rejected = view_of(by_rejected),
                      .factor = 10,
                      .rows = view_of(upstream),
                      .accumulate = true});
  CHECK(loss[0] == 0);
  CHECK(loss[1] == 10000);
  CHECK(loss[2] == doctest::Approx(std::log(2.0)));
  CHECK(dispar::is_nan(loss[3]));
  CHECK(loss[4] == dispar::positive_infinity<double>());
  CHECK(by_chosen[0] == 2);
  CHECK(by_chosen[1] == 2 - 20);
  CHECK(by_rejected[1] == 2 + 20);
  CHECK(by_chosen[2] == 2 - 15);
  CHECK(dispar::is_nan(by_rejected[3]));
  CHECK_THROWS_WITH_AS((void)preference::mean(cpu{}, preference::dpo{}, x),
                       "dispar: mean: log-probabilities must be numbers that have a loss in every group",
                       dispar::invalid_argument);
}

TEST_CASE("losses: parameters and shapes out of range are named") {
  const numbers n(2);
  const auto x = n.view();
  CHECK_THROWS_WITH_AS((void)preference::mean(cpu{}, preference::dpo{.beta = 0}, x), "dispar: dpo: beta must be above 0, got 0",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)preference::mean(cpu{}, preference::d2o{.beta = -1}, x), "dispar: d2o: beta must be above 0, got -1",
                       dispar::invalid_argument);
  CHECK_THROWS_AS((void)preference::mean(cpu{}, preference::dpo{.label_smoothing = 0.5}, x), dispar::invalid_argument);
  auto wrong = x;
  wrong.chosen = as_matrix(n.chosen, 2, 4);
  CHECK_THROWS_WITH_AS((void)preference::mean(cpu{}, preference::dpo{}, wrong),
                       "dispar: chosen must have one row per rejected answer, got 2", dispar::invalid_argument);
  auto uncounted = x;
  uncounted.rejected_tokens = {};
  CHECK_THROWS_WITH_AS((void)preference::mean(cpu{}, preference::simpo{}, uncounted),
                       "dispar: rejected_tokens must be given for a loss per token", dispar::invalid_argument);
  CHECK_THROWS_AS((void)preference::mean(cpu{}, preference::dpo{}, preference::log_probs<double>{}), dispar::invalid_argument);
  CHECK_NOTHROW(
      preference::losses(cpu{}, preference::gradient_ascent{}, preference::log_probs<double>{}, preference::group_results<>{}));
}

TEST_CASE("losses_from_logits: both orders, central differences by logits, a loss per token") {
  const auto run = [](const auto& f, preference::sequence_order order, index samples) {
    batch<double> c(2 * (samples + 1), 4, 7);
    const auto reference = normal_rows<double>(c.sequences, 1, 9);
    std::vector<double> policy(reference.size());
    double mean = 0;
    const preference::group_options<> o{.samples = samples,
                                        .order = order,
                                        .tokens = {.shift = true},
                                        .reference = view_of(reference),
                                        .policy = view_of(policy)};
    const preference::group_results<> out{.mean = dispar::scalar_view<double>(&mean)};
    const auto value = [&] {
      preference::losses_from_logits(cpu{}, f, c.x(), c.y(), out, {}, o);
      return mean;
    };
    preference::losses_from_logits(cpu{}, f, c.x(), c.y(), out, {.logits = c.g(), .factor = 0.5}, o);
    double most = 0;
    for (std::size_t i = 0; i < c.logits.size(); ++i) {
      const double kept = c.logits[i], h = 1e-5;
      c.logits[i] = kept + h;
      const double above = value();
      c.logits[i] = kept - h;
      const double below = value();
      c.logits[i] = kept;
      most = std::fmax(most, std::fabs((above - below) / (2 * h) - c.gradient[i]));
    }
    CHECK(most < 1e-9);
    return value();
  };
  using preference::sequence_order;
  (void)run(preference::d2o{}, sequence_order::grouped, 3);
  (void)run(preference::simpo{}, sequence_order::chosen_first, 1);
  (void)run(preference::dpo{}, sequence_order::chosen_first, 2);
  (void)run(preference::ipo{}, sequence_order::grouped, 1);
}

}  // namespace preference_tests
