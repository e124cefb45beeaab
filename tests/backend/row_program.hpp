#pragma once
/// \file
/// A row program as a user writes it, and what it should give, for tests of every backend: logits of two models are merged where
/// a third row, a mask of zeros and ones, allows it.

#include <cmath>
#include <vector>

#include "dispar/backend/rows.hpp"
#include "normal_rows.hpp"

namespace engine_tests {

using dispar::index;
using dispar::vec;

/// log-sum-exp of the first row under the mask, and the mean of the second weighted with that softmax.
struct masked_pass {
  static constexpr int maxima = 1, sums = 2;
  template<class V, class Row>
  DISPAR_FN static vec<V, 1> shifts(const vec<V, 3>& x, const Row&) {
    return {{select(x[2] > V(0), x[0], V(dispar::row_nothing<typename V::scalar>))}};
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, 2> terms(const vec<V, 3>& x, const vec<V, 1>& maximum, const Row&) {
    const V e = select(x[2] > V(0), exp(x[0] - maximum[0]), V(0));
    return {{e, e * x[1]}};
  }
  DISPAR_FN static void rescale(vec<double, 2>& sum, const vec<double, 1>& drop) {
    for (int i = 0; i < 2; ++i) sum[i] *= std::exp(drop[0]);
  }
};

/// The sum of squares around that mean, under the mask.
struct spread_pass {
  static constexpr int maxima = 0, sums = 1;
  template<class V, class Row>
  DISPAR_FN static vec<V, 0> shifts(const vec<V, 3>&, const Row&) {
    return {};
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, 1> terms(const vec<V, 3>& x, const vec<V, 0>&, const Row& row) {
    const V apart = x[1] - V(row.mean);
    return {{x[2] * apart * apart}};
  }
  DISPAR_FN static void rescale(vec<double, 1>&, const vec<double, 0>&) {}
};

struct contrast {
  static constexpr int inputs = 3, outputs = 1, results = 2, passes = 2, operands = 1;
  double alpha;
  struct row {
    double weight, log_sum, mean, spread;
  };
  DISPAR_FN row begin(const vec<double, 1>& of_row) const { return {alpha * of_row[0], 0, 0, 0}; }
  template<int Pass>
  DISPAR_FN static auto pass() {
    if constexpr (Pass == 0)
      return masked_pass{};
    else
      return spread_pass{};
  }
  template<int Pass, int M, int S>
  DISPAR_FN static void finish(const dispar::row_state<M, S>& s, row& r) {
    if constexpr (Pass == 0) {
      r.log_sum = s.maximum[0] + std::log(s.sum[0]);
      r.mean = s.sum[1] / s.sum[0];
    } else {
      r.spread = s.sum[0];
    }
  }
  template<class V>
  DISPAR_FN static vec<V, 1> write(const vec<V, 3>& x, const row& r) {
    const V merged = x[0] - V(r.log_sum) + V(r.weight) * (x[1] - V(r.mean));
    return {{select(x[2] > V(0), merged, V(-1000))}};
  }
  DISPAR_FN static vec<double, 2> result(const row& r) { return {{r.log_sum, r.spread}}; }
};

/// Log-probability of one element per row, known by its number, and its gradient; rows without one are skipped.
struct choice {
  static constexpr int inputs = 1, outputs = 1, results = 1, passes = 1, operands = 0;
  const std::int64_t* chosen;
  struct row {
    index chosen;
    double logit, log_sum;
  };
  DISPAR_FN static row begin(const vec<double, 0>&) { return {}; }
  DISPAR_FN bool skips(index i) const { return chosen[i] < 0; }
  template<class X>
  DISPAR_FN void gather(index i, const X& x, row& r) const {
    r.chosen = static_cast<index>(chosen[i]);
    r.logit = x.length > 0 ? x(0, r.chosen) : -7;
  }
  template<int>
  DISPAR_FN static auto pass() {
    return dispar::log_sum_exp_pass<1>{};
  }
  template<int, int M, int S>
  DISPAR_FN static void finish(const dispar::row_state<M, S>& s, row& r) {
    r.log_sum = r.chosen < 0 ? 0 : dispar::log_sum_exp_of(s, 0);
  }
  template<class V>
  DISPAR_FN static vec<V, 1> write(const vec<V, 1>& x, const row& r) {
    return {{-dispar::exp_below(x[0], r.log_sum)}};
  }
  template<class Y>
  DISPAR_FN static void scatter(index, const Y& y, const row& r) {
    const double p = std::exp(r.logit - r.log_sum);
    y.replace(0, r.chosen, -p, 1 - p);
  }
  DISPAR_FN static vec<double, 1> result(const row& r) { return {{r.logit - r.log_sum}}; }
};

/// Logits for `choice`; the second row is skipped.
struct choice_case {
  index cols;
  std::vector<double> logits, gradient, results;
  std::vector<std::int64_t> chosen;
  explicit choice_case(index v)
      : cols(v),
        logits(normal_rows<double>(3, v, 7)),
        gradient(static_cast<std::size_t>(3 * v), 10),
        results(3),
        chosen{v - 1, -1, v / 2} {}
  /// As `row_program_case::worst`; `before` is what outputs were added to.
  [[nodiscard]] double worst(double before) const {
    double most = 0;
    for (index i = 0; i < 3; ++i) {
      const double* const x = logits.data() + i * cols;
      const bool skipped = i == 1;
      const index c = static_cast<index>(chosen[static_cast<std::size_t>(i)]);
      double sum = 0;
      for (index j = 0; j < cols; ++j) sum += std::exp(x[j]);
      most = std::fmax(most, std::fabs(results[static_cast<std::size_t>(i)] - (skipped ? -7 : x[c] - std::log(sum))));
      for (index j = 0; j < cols; ++j)
        most = std::fmax(most, std::fabs(gradient[static_cast<std::size_t>(i * cols + j)] - before -
                                         (skipped ? 0 : (j == c) - std::exp(x[j]) / sum)));
    }
    return most;
  }
};

/// Inputs on the host, and what comes out. `apart`: columns in every second place, in reverse.
template<class T>
struct row_program_case {
  index rows, cols, step;
  std::vector<T> x[3], merged;
  std::vector<double> weights, results;

  row_program_case(index n, index v, bool apart)
      : rows(n),
        cols(v),
        step(apart ? -2 : 1),
        merged(static_cast<std::size_t>(n * v)),
        results(static_cast<std::size_t>(2 * n)) {
    for (int k = 0; k < 3; ++k) x[k] = normal_rows<T>(n, apart ? 2 * v : v, static_cast<std::uint64_t>(k + 1));
    for (T& m : x[2]) m = m > T(-1) ? T(1) : T(0);
    for (index i = 0; i < n; ++i) {
      x[2][static_cast<std::size_t>(at(i, 0) - x[0].data())] = 1;  // something is allowed
      weights.push_back(static_cast<double>(i + 1));
    }
  }
  /// Where element (i, j) of the first input is.
  [[nodiscard]] const T* at(index i, index j) const {
    return x[0].data() + (step > 0 ? i * cols + j : i * 2 * cols + 2 * (cols - 1 - j));
  }
  [[nodiscard]] auto inputs() const {
    dispar::row_inputs<T, 3, dispar::host, 1> in;
    for (std::size_t k = 0; k < 3; ++k)
      in.x[k] = {x[k].data() + (step > 0 ? 0 : 2 * (cols - 1)), {rows, cols}, {step > 0 ? cols : 2 * cols, step}};
    in.operands = {dispar::view_of(weights)};
    return in;
  }
  [[nodiscard]] auto outputs() {
    const auto result = dispar::vector_view<double>(results.data(), 2 * rows);
    return dispar::row_outputs<T, 1, 2>{.y = {dispar::as_matrix(merged, rows, cols)},
                                        .results = {result.slice(0, rows), result.slice(rows, rows)}};
  }
  /// How far the outputs are off at most, relative to 1 plus what they should be.
  [[nodiscard]] double worst() const {
    double most = 0;
    const auto compare = [&most](double got, double expected) {
      most = std::fmax(most, std::fabs(got - expected) / (1 + std::fabs(expected)));
    };
    for (index i = 0; i < rows; ++i) {
      const auto of = [&](int k, index j) { return static_cast<double>(x[k][static_cast<std::size_t>(at(i, j) - x[0].data())]); };
      double sum = 0, mean = 0, spread = 0;
      for (index j = 0; j < cols; ++j) {
        sum += of(2, j) * std::exp(of(0, j));
        mean += of(2, j) * std::exp(of(0, j)) * of(1, j);
      }
      mean /= sum;
      for (index j = 0; j < cols; ++j) spread += of(2, j) * std::pow(of(1, j) - mean, 2);
      compare(results[static_cast<std::size_t>(i)], std::log(sum));
      compare(results[static_cast<std::size_t>(rows + i)], spread);
      for (index j = 0; j < cols; ++j)
        compare(static_cast<double>(merged[static_cast<std::size_t>(i * cols + j)]),
                of(2, j) > 0 ? of(0, j) - std::log(sum) + 0.5 * weights[static_cast<std::size_t>(i)] * (of(1, j) - mean) : -1000);
    }
    return most;
  }
};

}  // namespace engine_tests
