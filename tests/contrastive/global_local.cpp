// Clients' vectors put together: against the definition, with and without the own item, one client, a corrupted one.
#include "dispar/contrastive/global_local.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

constexpr index n = 19, d = 6;

template<class T>
struct put_together {
  std::vector<T> out = std::vector<T>(static_cast<std::size_t>(n * d));
  std::vector<double> weights, scores;

  put_together(const std::vector<std::vector<T>>& clients, const std::vector<T>& other, bool own_item, double tau)
      : weights(clients.size() * n), scores(clients.size() * n) {
    std::vector<dispar::matrix_view<const T>> views;
    for (const auto& client : clients) views.push_back(as_matrix(client, n, d));
    const auto count = static_cast<index>(clients.size());
    contrastive::global_local(cpu{}, std::span<const dispar::matrix_view<const T>>(views), as_matrix(other, n, d),
                              as_matrix(out, n, d),
                              {.temperature = tau,
                               .own_item = own_item,
                               .weights = as_matrix(weights, count, n),
                               .scores = as_matrix(scores, count, n)});
  }
};

}  // namespace

TEST_CASE_TEMPLATE("global-local aggregation: scores, weights and sum by their definitions", T, float, double) {
  const std::vector<std::vector<T>> clients{normal_rows<T>(n, d, 1), normal_rows<T>(n, d, 2), normal_rows<T>(n, d, 3)};
  const auto other = normal_rows<T>(n, d, 4);
  const double near = std::is_same_v<T, float> ? 1e-5 : 1e-12, tau = 0.8;
  for (const bool own_item : {true, false}) {
    const put_together<T> got(clients, other, own_item, tau);
    std::vector<double> expected(clients.size() * n), sum(static_cast<std::size_t>(n * d), 0.0);
    for (std::size_t k = 0; k < n; ++k) {
      double total = 0;
      for (std::size_t c = 0; c < clients.size(); ++c) {
        double denominator = 0, own = 0;
        for (std::size_t j = 0; j < n; ++j) {
          double dot = 0;
          for (std::size_t f = 0; f < d; ++f)
            dot += static_cast<double>(clients[c][k * d + f]) * static_cast<double>(other[j * d + f]) / tau;
          if (j == k) own = dot;
          if (own_item || j != k) denominator += std::exp(dot);
        }
        expected[c * n + k] = own - std::log(denominator);
        total += std::exp(expected[c * n + k]);
      }
      for (std::size_t c = 0; c < clients.size(); ++c)
        for (std::size_t f = 0; f < d; ++f)
          sum[k * d + f] += std::exp(expected[c * n + k]) / total * static_cast<double>(clients[c][k * d + f]);
    }
    CHECK(oracle::apart(got.scores, expected) < near);
    CHECK(oracle::apart(got.out, sum) < near);
  }
}

TEST_CASE("global-local aggregation: one client has weight 1; noise weighs less than what matches") {
  const auto client = normal_rows<double>(n, d, 1), noise = normal_rows<double>(n, d, 2);
  const put_together<double> one({client}, client, true, 1);
  CHECK(one.out == client);
  for (const double w : one.weights) CHECK(w == 1.0);
  const put_together<double> two({client, noise}, client, true, 1);
  double of_client = 0;
  for (std::size_t k = 0; k < n; ++k) of_client += two.weights[k] / static_cast<double>(n);
  CHECK(of_client > 0.75);
}

TEST_CASE("global-local aggregation: logits far beyond what exp holds") {
  constexpr index items = 3;
  for (const double length : {20.0, 27.0, 40.0, 1e4})
    for (const double sign : {1.0, -1.0})
      for (const bool own_item : {true, false}) {
        CAPTURE(length);
        CAPTURE(sign);
        CAPTURE(own_item);
        std::vector<double> other(9), near(9), far(9), out(9), weights(6), scores(6);
        for (std::size_t i = 0; i < 9; i += 4)
          other[i] = length, near[i] = sign * length, far[i] = sign * (length + 1 / length);  // own logits differ by 1
        const std::vector<dispar::matrix_view<const double>> views{as_matrix(near, items, 3), as_matrix(far, items, 3)};
        contrastive::global_local(
            cpu{}, std::span<const dispar::matrix_view<const double>>(views), as_matrix(other, items, 3),
            as_matrix(out, items, 3),
            {.own_item = own_item, .weights = as_matrix(weights, 2, items), .scores = as_matrix(scores, 2, items)});
        // All other logits are 0. With the own item, one that is found for certain has score 0.
        const double gap = own_item && sign > 0 ? 0 : sign,
                     first = own_item && sign > 0 ? 0 : sign * length * length - std::log(2.0);
        const double weight = 1 / (1 + std::exp(gap));
        for (std::size_t k = 0; k < 3; ++k) {
          CHECK(scores[k] == doctest::Approx(first).epsilon(1e-12));
          CHECK(scores[3 + k] == doctest::Approx(first + gap).epsilon(1e-12));
          CHECK(weights[k] == doctest::Approx(weight).epsilon(1e-6));
          CHECK(weights[k] + weights[3 + k] == doctest::Approx(1).epsilon(1e-15));
          CHECK(out[4 * k] == doctest::Approx(weight * near[4 * k] + (1 - weight) * far[4 * k]).epsilon(1e-12));
        }
      }
}

TEST_CASE("global-local aggregation: what is refused") {
  const auto rows = normal_rows<double>(n, d, 1);
  std::vector<double> out(rows.size());
  using views = std::vector<dispar::matrix_view<const double>>;
  const auto run = [&](const views& clients, index items, const contrastive::global_local_options<>& o) {
    contrastive::global_local(cpu{}, std::span<const dispar::matrix_view<const double>>(clients),
                              as_matrix(rows, n, d).slice(0, items), as_matrix(out, n, d).slice(0, items), o);
  };
  const auto all = as_matrix(rows, n, d);
  CHECK_THROWS_AS(run({}, n, {}), dispar::invalid_argument);
  CHECK_THROWS_AS(run({all.slice(0, 1)}, 1, {.own_item = false}), dispar::invalid_argument);
  CHECK_THROWS_AS(run({all, all.slice(0, 3)}, n, {}), dispar::invalid_argument);
  CHECK_THROWS_AS(run({all}, n, {.temperature = -1}), dispar::invalid_argument);
  auto with_nan = rows;
  with_nan[7] = std::nan("");
  CHECK_THROWS_AS(run({all, as_matrix(std::as_const(with_nan), n, d)}, n, {}), dispar::invalid_argument);
}

}  // namespace contrastive_tests
