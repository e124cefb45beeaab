// Cross-entropy: of two distributions, and with labels, against textbook formulas and central differences; what does not count.
#include "dispar/divergence/cross_entropy.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "dispar/backend/host/rows.hpp"
#include "dispar/backend/host/step.hpp"
#include "dispar/divergence/label_cross_entropy.hpp"
#include "oracle.hpp"

namespace divergence_tests {

namespace {

namespace divergence = dispar::divergence;
using dispar::as_matrix;
using dispar::index;
using dispar::view_of;
using host = dispar::tiled_host<dispar::openmp>;

double central_difference(double& x, const auto& f, double h = 1e-5) {
  const double kept = x;
  x = kept + h;
  const double above = f();
  x = kept - h;
  const double below = f();
  x = kept;
  return (above - below) / (2 * h);
}

/// -sum_v t_v log p_v of a row of logits, t the smoothed target.
double loss_of(const double* logits, index count, index label, double e) {
  const auto p = oracle::softmax(logits, count);
  double able = 0, loss = 0;
  for (const double x : p) able += x > 0 ? 1 : 0;
  for (index j = 0; j < count; ++j) {
    const double target = (j == label ? 1 - e : 0) + (p[static_cast<std::size_t>(j)] > 0 ? e / able : 0);
    if (target > 0) loss -= target * std::log(p[static_cast<std::size_t>(j)]);
  }
  return loss;
}

}  // namespace

TEST_CASE("cross_entropy: the formula, its gradients, from logits and probabilities") {
  constexpr index n = 2, v = 23;
  for (const bool from_logits : {true, false}) {
    CAPTURE(from_logits);
    auto a = normal_rows<double>(n, v, 1), b = normal_rows<double>(n, v, 2);
    if (!from_logits)
      for (auto* x : {&a, &b})
        for (index i = 0; i < n; ++i) {
          const auto p = oracle::softmax(x->data() + i * v, v);
          std::copy(p.begin(), p.end(), x->begin() + i * v);
        }
    const auto expected = [&] {
      double sum = 0;
      for (index i = 0; i < n; ++i) {
        const std::vector<double> pa(a.begin() + i * v, a.begin() + (i + 1) * v), pb(b.begin() + i * v, b.begin() + (i + 1) * v);
        const auto p = from_logits ? oracle::softmax(pa.data(), v) : pa, q = from_logits ? oracle::softmax(pb.data(), v) : pb;
        for (std::size_t j = 0; j < p.size(); ++j) sum -= p[j] * std::log2(q[j]);
      }
      return sum / n;
    };
    std::vector<double> ga(a.size()), gb(b.size());
    const divergence::gradients<double> g{.a = as_matrix(ga, n, v), .b = as_matrix(gb, n, v)};
    const auto x = as_matrix(a, n, v), y = as_matrix(b, n, v);
    const divergence::cross_entropy f;
    const divergence::row_options<> bits{.in = divergence::unit::bits};
    const double value = from_logits ? divergence::mean_and_gradient(host{}, x, y, f, g, bits)
                                     : divergence::mean_and_gradient(host{}, divergence::probabilities(x),
                                                                     divergence::probabilities(y), f, g, bits);
    CHECK(value == doctest::Approx(expected()).epsilon(1e-13));
    double most = 0;
    for (auto [data, gradient] : {std::pair{&a, &ga}, std::pair{&b, &gb}})
      for (std::size_t i = 0; i < data->size(); ++i)
        most = std::fmax(
            most, std::fabs(central_difference((*data)[i], expected, from_logits ? 1e-5 : 1e-5 * (*data)[i]) - (*gradient)[i]));
    CHECK(most < (from_logits ? 1e-9 : 1e-7));
  }
}

TEST_CASE("cross_entropy: infinite where q is 0 and p is not; far tails keep their logarithm") {
  std::vector<double> d(1);
  const auto value = [&](std::vector<double> a, std::vector<double> b) {
    divergence::rows(host{}, as_matrix(a, 1, 2), as_matrix(b, 1, 2), divergence::cross_entropy{}, d);
    return d[0];
  };
  const double none = dispar::negative_infinity<double>();
  CHECK(dispar::is_positive_infinity(value({0, 0}, {0, none})));
  CHECK(value({0, none}, {0, none}) == 0);
  CHECK(value({0, 0}, {0, -2000}) == doctest::Approx(1000).epsilon(1e-14));
}

TEST_CASE_TEMPLATE("label_cross_entropy: the formula, at lengths around a pack, a tile and a segment", T, float, double) {
  for (const index v : {1, 17, 2049, 20000})
    for (const double e : {0.0, 0.2}) {
      CAPTURE(v);
      CAPTURE(e);
      auto logits = normal_rows<T>(3, v, 5);
      for (T& x : logits) x *= 3;
      if (v > 1) logits[1] = dispar::negative_infinity<T>();
      const std::vector<double> exact(logits.begin(), logits.end());
      const std::vector<std::int64_t> labels{0, v - 1, v / 2};
      std::vector<double> values(3);
      std::vector<T> g(logits.size(), T(3));
      divergence::label_cross_entropy(host{}, as_matrix(logits, 3, v), labels, values, {.label_smoothing = e},
                                      {.a = as_matrix(g, 3, v)});
      double most = 0;
      for (index i = 0; i < 3; ++i) {
        const auto label = labels[static_cast<std::size_t>(i)];
        const double* const row = exact.data() + i * v;
        CHECK(values[static_cast<std::size_t>(i)] ==
              doctest::Approx(loss_of(row, v, label, e)).epsilon(sizeof(T) == 4 ? 3e-7 : 1e-13));
        const auto p = oracle::softmax(row, v);
        double able = 0;
        for (const double x : p) able += x > 0 ? 1 : 0;
        for (std::size_t j = 0; j < p.size(); ++j) {
          const double slope = p[j] - (p[j] > 0 ? e / able : 0) - (static_cast<index>(j) == label ? 1 - e : 0);
          most = std::fmax(most, std::fabs(slope - static_cast<double>(g[static_cast<std::size_t>(i * v) + j])));
        }
      }
      CHECK(most < (sizeof(T) == 4 ? 3e-7 : 1e-14));
    }
}

TEST_CASE("label_cross_entropy: rows that do not count, weights, the mean and its gradient by differences") {
  constexpr index n = 5, v = 7;
  auto logits = normal_rows<double>(n, v, 6);
  for (index j = 0; j < v; ++j) logits[static_cast<std::size_t>(v + j)] = dispar::quiet_nan<double>();  // not read
  const std::vector<std::int64_t> labels{3, -1, 0, 6, 2}, lengths{7, 7, 7, 7, 4};
  const std::vector<double> weights{1, 5, 2, 0.5, 3};
  std::vector<std::uint8_t> mask(n * v, 1);
  mask[2 * v + 5] = 0;
  const divergence::label_options<> o{.lengths = view_of(lengths),
                                      .mask = as_matrix(mask, n, v),
                                      .label_smoothing = 0.1,
                                      .ignore_index = -1,
                                      .weights = view_of(weights)};
  const auto expected = [&] {
    double sum = 0;
    for (const index i : {0, 2, 3, 4}) {
      std::vector<double> row(logits.begin() + i * v, logits.begin() + (i + 1) * v);
      for (index j = 0; j < v; ++j)
        if (j >= lengths[static_cast<std::size_t>(i)] || mask[static_cast<std::size_t>(i * v + j)] == 0)
          row[static_cast<std::size_t>(j)] = -oracle::infinity;
      sum += weights[static_cast<std::size_t>(i)] * loss_of(row.data(), v, labels[static_cast<std::size_t>(i)], 0.1);
    }
    return sum / 6.5;
  };
  std::vector<double> g(logits.size(), 1);
  const divergence::gradients<double> out{.a = as_matrix(g, n, v), .factor = 2, .accumulate = true};
  CHECK(divergence::mean_label_cross_entropy(host{}, as_matrix(logits, n, v), labels, o, out) ==
        doctest::Approx(expected()).epsilon(1e-14));
  for (index i = 0; i < n; ++i)
    for (index j = 0; j < v; ++j) {
      const auto at = static_cast<std::size_t>(i * v + j);
      CHECK(g[at] - 1 == doctest::Approx(i == 1 ? 0 : 2 * central_difference(logits[at], expected)).epsilon(1e-8));
    }
  // Over the logits.
  auto over = logits;
  (void)divergence::mean_label_cross_entropy(host{}, as_matrix(over, n, v), labels, o, {.a = as_matrix(over, n, v), .factor = 2});
  bool equal = true;
  for (std::size_t k = 0; k < g.size(); ++k) equal = equal && std::fabs(over[k] + 1 - g[k]) < 1e-14;
  CHECK(equal);
}

TEST_CASE("label_cross_entropy: labels that are none, labels that cannot occur, what is refused") {
  std::vector<double> logits{0, 0, dispar::negative_infinity<double>(), 0, 0, 0}, values(2), g(6);
  const auto x = as_matrix(logits, 2, 3);
  std::vector<std::int64_t> labels{3, -2};
  divergence::label_cross_entropy(host{}, x, labels, values, {}, {.a = as_matrix(g, 2, 3)});
  CHECK(dispar::is_nan(values[0]));
  CHECK(dispar::is_nan(values[1]));
  CHECK(dispar::is_nan(g[0]));
  CHECK_THROWS_WITH_AS((void)divergence::mean_label_cross_entropy(host{}, x, labels),
                       "dispar: label_cross_entropy: labels: that of row 0 is not in the vocabulary, or its weight is NaN",
                       dispar::invalid_argument);
  labels = {2, -100};
  divergence::label_cross_entropy(host{}, x, labels, values, {}, {.a = as_matrix(g, 2, 3)});
  CHECK(dispar::is_positive_infinity(values[0]));
  CHECK(values[1] == 0);
  CHECK(g == std::vector<double>{0.5, 0.5, -1, 0, 0, 0});
  labels = {-100, -100};
  CHECK_THROWS_WITH_AS((void)divergence::mean_label_cross_entropy(host{}, x, labels),
                       "dispar: label_cross_entropy: sum of the weights of rows that count must be positive, got 0",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(divergence::label_cross_entropy(host{}, x, labels, values, {.label_smoothing = 1}),
                       "dispar: label_cross_entropy: label_smoothing must lie in [0, 1), got 1", dispar::invalid_argument);
  labels = {0};
  CHECK_THROWS_WITH_AS(divergence::label_cross_entropy(host{}, x, labels, values),
                       "dispar: label_cross_entropy: labels must have one entry per row, got 1", dispar::invalid_argument);
}

}  // namespace divergence_tests
