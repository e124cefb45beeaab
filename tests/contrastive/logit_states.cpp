// Log-sum-exp of rows over candidates in shards, and InfoNCE over several workers.
#include "dispar/contrastive/logit_states.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/infonce.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::logit_state;
using contrastive::temperature;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;
using state_fold = dispar::folds::log_sum_exp<double>;

template<class T>
struct problem {
  static constexpr index n = 37, m = 101, d = 19;
  std::vector<T> x = normal_rows<T>(n, d, 1), y = normal_rows<T>(m, d, 2);
  std::vector<double> weights;
  problem() {
    for (index i = 0; i < n; ++i) weights.push_back(0.5 + std::sin(static_cast<double>(i)));
  }
  [[nodiscard]] auto rows() const { return as_matrix(x, n, d); }
  [[nodiscard]] auto shard(index first, index count) const { return as_matrix(y, m, d).slice(first, count); }
  /// sum_i w_i log sum_j exp(z_ij) of one row scaled by 1 + step, one candidate likewise.
  [[nodiscard]] double value(double tau, std::size_t at = 0, double in_x = 0, double in_y = 0) const {
    auto a = oracle::rows_of(x, n), c = oracle::rows_of(y, m);
    a[at / d][at % d] += in_x;
    c[at / d][at % d] += in_y;
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      auto state = state_fold::identity();
      for (const auto& row : c) {
        double dot = 0, aa = 0, cc = 0;
        for (std::size_t k = 0; k < row.size(); ++k) {
          dot += a[i][k] * row[k];
          aa += a[i][k] * a[i][k];
          cc += row[k] * row[k];
        }
        state_fold::lane(state, dot / std::sqrt(aa * cc) / tau);
      }
      sum += weights[i] * state_fold::finalize(state);
    }
    return sum;
  }
};

template<class T, class S>
double weighted(const problem<T>& p, const S& states) {
  double sum = 0;
  for (std::size_t i = 0; i < p.weights.size(); ++i) sum += p.weights[i] * state_fold::finalize(states[i]);
  return sum;
}

}  // namespace

TEST_CASE_TEMPLATE("logit states: shards one after another, shards merged and all at once agree; gradients by differences", T,
                   float, double) {
  const double exact = std::is_same_v<T, float> ? 2e-5 : 1e-12, tau = 0.3;
  const problem<T> p;
  const cpu b{};
  const temperature scale{tau};
  std::vector<logit_state> once(p.n), chained(p.n), merged(p.n, state_fold::identity());
  const auto to = [](std::vector<logit_state>& s) { return dispar::vector_view<logit_state>(s.data(), problem<T>::n); };
  contrastive::logit_states(b, p.rows(), p.shard(0, p.m), cosine{}, scale, to(once), {.band_rows = 48});
  index first = 0;
  for (const index count : {index{1}, index{60}, index{40}}) {
    std::vector<logit_state> own(p.n);
    contrastive::logit_states(b, p.rows(), p.shard(first, count), cosine{}, scale, to(chained), {.accumulate = first > 0});
    contrastive::logit_states(b, p.rows(), p.shard(first, count), cosine{}, scale, to(own));
    for (std::size_t i = 0; i < own.size(); ++i) state_fold::merge(merged[i], own[i]);
    first += count;
  }
  const double expected = p.value(tau);
  for (const auto* states : {&once, &chained, &merged}) CHECK(weighted(p, *states) == doctest::Approx(expected).epsilon(exact));

  std::vector<T> gx(p.x.size(), T(7)), gy(p.y.size(), T(7));
  double by_tau = 0;
  first = 0;
  const dispar::vector_view<const logit_state> states(once.data(), p.n);
  const dispar::vector_view<const double> weights(p.weights.data(), p.n);
  for (const index count : {index{1}, index{60}, index{40}}) {
    double part = 0;
    std::vector<T> own(p.x.size());
    contrastive::logit_states_gradient(b, p.rows(), p.shard(first, count), cosine{}, scale, states, weights,
                                       {.x = as_matrix(own, p.n, p.d), .y = as_matrix(gy, p.m, p.d).slice(first, count)},
                                       dispar::scalar_view<double>(&part), 48);
    for (std::size_t e = 0; e < own.size(); ++e) gx[e] = first == 0 ? own[e] : static_cast<T>(gx[e] + own[e]);
    by_tau += part;
    first += count;
  }
  const double h = 1e-5, near = std::is_same_v<T, float> ? 1e-4 : 1e-7;
  CHECK(by_tau == doctest::Approx((p.value(tau + h) - p.value(tau - h)) / (2 * h)).epsilon(near));
  for (const std::size_t at : {std::size_t{0}, std::size_t{20}, std::size_t{700}}) {
    CHECK(static_cast<double>(gx[at]) == doctest::Approx((p.value(tau, at, h) - p.value(tau, at, -h)) / (2 * h)).epsilon(near));
    CHECK(static_cast<double>(gy[at]) ==
          doctest::Approx((p.value(tau, at, 0, h) - p.value(tau, at, 0, -h)) / (2 * h)).epsilon(near));
  }
}

TEST_CASE_TEMPLATE("logit states with items: what shows what a row shows is none of its candidates; shards, bands, differences",
                   T, float, double) {
  const double tau = 0.3, near = std::is_same_v<T, float> ? 1e-4 : 1e-7;
  const index n = 9, m = 23, d = 4;
  auto x = normal_rows<T>(n, d, 1), y = normal_rows<T>(m, d, 2);
  const std::vector<std::int64_t> of_x{5, 1, -1, 5, 2, 8, 9, 77, 3};
  std::vector<std::int64_t> of_y;
  for (index j = 0; j < m; ++j) of_y.push_back(j % 6 == 4 ? -2 : j % 10);
  std::vector<double> weights;
  for (index i = 0; i < n; ++i)
    weights.push_back(of_x[static_cast<std::size_t>(i)] < 0 ? 0 : 0.5 + std::sin(static_cast<double>(i)));
  const auto value = [&](const std::vector<double>& ax, const std::vector<double>& ay, double t) {
    double sum = 0;
    for (std::size_t i = 0; i < of_x.size(); ++i) {
      if (of_x[i] < 0) continue;
      auto state = state_fold::identity();
      for (std::size_t j = 0; j < of_y.size(); ++j) {
        double dot = 0, aa = 0, cc = 0;
        for (std::size_t k = 0; k < d; ++k) {
          dot += ax[i * d + k] * ay[j * d + k];
          aa += ax[i * d + k] * ax[i * d + k];
          cc += ay[j * d + k] * ay[j * d + k];
        }
        if (of_y[j] >= 0 && of_x[i] != of_y[j]) state_fold::lane(state, dot / std::sqrt(aa * cc) / t);
      }
      sum += weights[i] * state_fold::finalize(state);
    }
    return sum;
  };
  const std::vector<double> ax(x.begin(), x.end()), ay(y.begin(), y.end());
  std::vector<logit_state> states(n);
  std::vector<T> gx(x.size()), gy(y.size());
  double by_tau = 0;
  const dispar::vector_view<logit_state> all(states.data(), n);
  const auto items = [&](index first, index count) {
    return contrastive::logit_items<>{dispar::view_of(of_x), dispar::view_of(of_y).slice(first, count)};
  };
  const auto shard = [&](index first, index count) { return as_matrix(std::as_const(y), m, d).slice(first, count); };
  for (const index first : {index{0}, index{10}})
    contrastive::logit_states(cpu{}, as_matrix(x, n, d), shard(first, first == 0 ? 10 : 13), cosine{}, temperature{tau}, all,
                              {.accumulate = first > 0, .items = items(first, first == 0 ? 10 : 13), .band_rows = 5});
  CHECK(states[2].sum == 0);
  double sum = 0;
  for (std::size_t i = 0; i < of_x.size(); ++i) sum += of_x[i] < 0 ? 0 : weights[i] * state_fold::finalize(states[i]);
  CHECK(sum == doctest::Approx(value(ax, ay, tau)).epsilon(std::is_same_v<T, float> ? 2e-6 : 1e-13));
  const dispar::vector_view<const double> w(weights.data(), n);
  for (const index first : {index{0}, index{10}}) {
    const index count = first == 0 ? 10 : 13;
    double part = 0;
    contrastive::logit_states_gradient(
        cpu{}, as_matrix(std::as_const(x), n, d), shard(first, count), cosine{}, temperature{tau},
        dispar::vector_view<const logit_state>(all), w,
        {.x = as_matrix(gx, n, d), .y = as_matrix(gy, m, d).slice(first, count), .accumulate = true},
        dispar::scalar_view<double>(&part), 5, items(first, count));
    by_tau += part;
  }
  const double h = 1e-6;
  CHECK(by_tau == doctest::Approx((value(ax, ay, tau + h) - value(ax, ay, tau - h)) / (2 * h)).epsilon(near));
  CHECK(oracle::apart(gx, central_differences(ax, [&](const auto& v) { return value(v, ay, tau); })) < near);
  CHECK(oracle::apart(gy, central_differences(ay, [&](const auto& v) { return value(ax, v, tau); })) < near);
  for (std::size_t k = 0; k < d; ++k) CHECK(gx[2 * d + k] == 0);
  check_refused(
      [&] {
        contrastive::logit_states(cpu{}, as_matrix(x, n, d), shard(0, m), cosine{}, temperature{tau}, all,
                                  {.items = {.candidates = dispar::view_of(of_x)}});
      },
      "logit_states: items of candidates");
}

TEST_CASE(
    "InfoNCE over workers: each has its pairs, the others' rows are further negatives; losses and gradients add up to CLIP's") {
  const index n = 10, d = 7, half = 4;
  const auto x = normal_rows<double>(n, d, 1), y = normal_rows<double>(n, d, 2);
  const auto all_x = as_matrix(x, n, d), all_y = as_matrix(y, n, d);
  const cpu b{};
  const temperature scale{0.2};
  std::vector<double> gx(x.size()), gy(y.size()), sum_x(x.size(), 0.0), sum_y(y.size(), 0.0);
  const auto whole = contrastive::infonce(b, all_x, all_y, cosine{}, scale, {.x = as_matrix(gx, n, d), .y = as_matrix(gy, n, d)},
                                          {.anchors = contrastive::direction::both});
  double value = 0, by_tau = 0;
  const auto worker = [&](index first, index count, index other_first, index other_count) {
    const auto rows = [&](std::vector<double>& g, index at, index size) { return as_matrix(g, n, d).slice(at, size); };
    const auto one_way = [&](const auto& a, const auto& c, std::vector<double>& ga, std::vector<double>& gc) {
      const double share = static_cast<double>(count) / static_cast<double>(n) / 2;
      const auto loss = contrastive::infonce(b, a.slice(first, count), c.slice(first, count), cosine{}, scale,
                                             {.x = rows(ga, first, count),
                                              .y = rows(gc, first, count),
                                              .negatives = rows(gc, other_first, other_count),
                                              .factor = share,
                                              .accumulate = true},
                                             {.negatives = c.slice(other_first, other_count)});
      value += share * loss.value;
      by_tau += loss.by_temperature;
    };
    one_way(all_x, all_y, sum_x, sum_y);
    one_way(all_y, all_x, sum_y, sum_x);
  };
  worker(0, half, half, n - half);
  worker(half, n - half, 0, half);
  CHECK(value == doctest::Approx(whole.value).epsilon(1e-12));
  CHECK(by_tau == doctest::Approx(whole.by_temperature).epsilon(1e-11));
  CHECK(oracle::apart(sum_x, gx) < 1e-12);
  CHECK(oracle::apart(sum_y, gy) < 1e-12);
}

TEST_CASE("logit states: what is refused") {
  const problem<double> p;
  std::vector<logit_state> states(p.n);
  const dispar::vector_view<logit_state> all(states.data(), p.n);
  const auto run = [&](const auto& x, const auto& y, const auto& out) {
    contrastive::logit_states(cpu{}, x, y, cosine{}, temperature{}, out);
  };
  CHECK_THROWS_AS(run(p.rows(), p.shard(0, 0), all), dispar::invalid_argument);
  CHECK_THROWS_AS(run(p.rows(), p.shard(0, 3), all.slice(0, 3)), dispar::invalid_argument);
  auto bad = p;
  bad.y[5] = std::nan("");
  CHECK_THROWS_WITH_AS(run(p.rows(), bad.shard(0, 3), all), doctest::Contains("row 0 holds NaN"), dispar::invalid_argument);
}

}  // namespace contrastive_tests
