// Clients' vectors put together: against the definition, with and without the own item, one client, a corrupted one.
#include "dispar/contrastive/global_local.hpp"

#include <doctest/doctest.h>

#include <cmath>
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
}

}  // namespace contrastive_tests
