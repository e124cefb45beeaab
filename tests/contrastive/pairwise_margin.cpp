// The pairwise margin loss: definition, differences, the margin, rows that coincide.
#include "dispar/contrastive/pairwise_margin.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

constexpr index n = 23, d = 7;

std::vector<double> in_double(const auto& v) { return {v.begin(), v.end()}; }

double defined(const std::vector<double>& x, const std::vector<double>& y, const std::vector<int>& match, double margin,
               bool unit) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double xx = 0, yy = 0, square = 0;
    for (std::size_t k = i * d; k < (i + 1) * d; ++k) xx += x[k] * x[k], yy += y[k] * y[k];
    const double fx = unit ? 1 / std::sqrt(xx) : 1, fy = unit ? 1 / std::sqrt(yy) : 1;
    for (std::size_t k = i * d; k < (i + 1) * d; ++k) square += std::pow(fx * x[k] - fy * y[k], 2);
    const double gap = std::max(margin - std::sqrt(square), 0.0);
    sum += match[i] ? square / 2 : gap * gap / 2;
  }
  return sum / static_cast<double>(n);
}

template<class T, class Similarity>
void check(const Similarity& how, bool unit, double margin) {
  const auto x = normal_rows<T>(n, d, 1), y = normal_rows<T>(n, d, 2);
  std::vector<int> match;
  std::vector<std::int64_t> labels;
  for (index i = 0; i < n; ++i) labels.push_back(i % 3 == 0), match.push_back(i % 3 == 0);
  std::vector<T> gx(x.size()), gy(y.size());
  std::vector<double> losses(n), distances(n);
  const double loss = contrastive::pairwise_margin(
      cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), labels, how, {.x = as_matrix(gx, n, d), .y = as_matrix(gy, n, d)},
      {.margin = margin, .losses = {losses.data(), n}, .distances = {distances.data(), n}});
  const auto wx = in_double(x), wy = in_double(y);
  const double near = std::is_same_v<T, float> ? 1e-6 : 1e-8;
  CHECK(loss == doctest::Approx(defined(wx, wy, match, margin, unit)).epsilon(1e-12));
  double mean = 0;
  for (const double l : losses) mean += l / static_cast<double>(n);
  CHECK(mean == doctest::Approx(loss).epsilon(1e-12));
  CHECK(oracle::apart(gx, central_differences(wx, [&](const auto& v) { return defined(v, wy, match, margin, unit); })) < near);
  CHECK(oracle::apart(gy, central_differences(wy, [&](const auto& v) { return defined(wx, v, match, margin, unit); })) < near);
}

}  // namespace

TEST_CASE_TEMPLATE("pairwise margin: definition and gradients, rows as they are and unit", T, float, double) {
  check<T>(contrastive::inner_product{}, false, 4);
  check<T>(contrastive::cosine{}, true, 1.5);
}

TEST_CASE("pairwise margin: beyond the margin and at distance 0 there is no gradient; factors multiply, gradients add") {
  const std::vector<double> x{0, 0, 1, 1, 3, 0}, y{0, 0, 1, 1, 0, 0};
  const std::vector<std::int32_t> match{0, 1, 0};
  std::vector<double> gx(6, 5.0), distances(3);
  const auto view = [](const std::vector<double>& v) { return as_matrix(v, 3, 2); };
  const double half = 0.5;
  const double loss = contrastive::pairwise_margin(
      cpu{}, view(x), view(y), match, contrastive::inner_product{},
      {.x = as_matrix(gx, 3, 2), .factor = 2, .accumulate = true, .upstream = dispar::scalar_view<const double>(&half)},
      {.distances = {distances.data(), 3}});
  CHECK(loss == doctest::Approx(0.5 / 3).epsilon(1e-15));  // the first pair lies in one place, the third beyond the margin
  CHECK(gx == std::vector<double>(6, 5.0));
  CHECK(distances == std::vector<double>{0, 0, 3});
}

TEST_CASE("pairwise margin: what is refused") {
  const std::vector<double> x(6, 1.0);
  const std::vector<std::int64_t> match(2, 0);
  const auto run = [&](index rows, double margin) {
    (void)contrastive::pairwise_margin(cpu{}, as_matrix(x, 3, 2).slice(0, rows), as_matrix(x, 3, 2).slice(0, rows), match,
                                       contrastive::inner_product{}, {}, {.margin = margin});
  };
  CHECK_NOTHROW(run(2, 1));
  CHECK_THROWS_AS(run(3, 1), dispar::invalid_argument);
  CHECK_THROWS_AS(run(0, 1), dispar::invalid_argument);
  CHECK_THROWS_AS(run(2, 0), dispar::invalid_argument);
}

}  // namespace contrastive_tests
