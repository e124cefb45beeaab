// The contrast of models: against its definition, differences, ends.
#include "dispar/contrastive/model_contrast.hpp"

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

constexpr index n = 13, d = 11;

/// By definition, with rows scaled to unit length where `unit`.
double defined(const std::vector<double>& x, const std::vector<double>& p, const std::vector<double>& m, double tau, bool unit) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double xp = 0, xm = 0, xx = 0, pp = 0, mm = 0;
    for (std::size_t k = i * d; k < (i + 1) * d; ++k) {
      xp += x[k] * p[k], xm += x[k] * m[k];
      xx += x[k] * x[k], pp += p[k] * p[k], mm += m[k] * m[k];
    }
    if (unit) xp /= std::sqrt(xx * pp), xm /= std::sqrt(xx * mm);
    sum += -std::log(std::exp(xp / tau) / (std::exp(xp / tau) + std::exp(xm / tau)));
  }
  return sum / static_cast<double>(n);
}

template<class Similarity>
void check(const Similarity& how, bool unit) {
  const auto x = normal_rows<double>(n, d, 1), p = normal_rows<double>(n, d, 2), m = normal_rows<double>(n, d, 3);
  const auto view = [](const std::vector<double>& rows) { return as_matrix(rows, n, d); };
  std::vector<double> gx(x.size(), 1.0), losses(static_cast<std::size_t>(n));
  const double twice = 2;
  const double loss = contrastive::model_contrast(
      cpu{}, view(x), view(p), view(m), how,
      {.x = as_matrix(gx, n, d), .factor = 3, .accumulate = true, .upstream = dispar::scalar_view<const double>(&twice)},
      {.temperature = 0.7, .losses = dispar::vector_view<double>(losses.data(), n)});
  CHECK(loss == doctest::Approx(defined(x, p, m, 0.7, unit)).epsilon(1e-12));
  double mean = 0;
  for (const double l : losses) mean += l / static_cast<double>(n);
  CHECK(mean == doctest::Approx(loss).epsilon(1e-12));
  for (const std::size_t at : {std::size_t{0}, std::size_t{17}, std::size_t{142}}) {
    auto up = x, down = x;
    up[at] += 1e-6, down[at] -= 1e-6;
    const double slope = (defined(up, p, m, 0.7, unit) - defined(down, p, m, 0.7, unit)) / 2e-6;
    CHECK(gx[at] - 1 == doctest::Approx(6 * slope).epsilon(1e-7));
  }
}

}  // namespace

TEST_CASE("model contrast: the two-way cross-entropy, gradients by differences, added, with both factors") {
  check(contrastive::inner_product{}, false);
  check(contrastive::cosine{}, true);
}

TEST_CASE("model contrast: positives equal to negatives give log 2 and no gradient; far apart nothing overflows") {
  const auto x = normal_rows<float>(n, d, 1), p = normal_rows<float>(n, d, 2);
  std::vector<float> gx(x.size(), 9.0f);
  const auto view = [](const std::vector<float>& rows) { return as_matrix(rows, n, d); };
  CHECK(contrastive::model_contrast(cpu{}, view(x), view(p), view(p), contrastive::inner_product{}, {.x = as_matrix(gx, n, d)}) ==
        doctest::Approx(std::log(2.0)).epsilon(1e-15));
  for (const float g : gx) CHECK(g == 0.0f);
  std::vector<double> a(2, 1e4), b(2, 1e4), c(2, -1e4);
  const auto row = [](const std::vector<double>& v) { return as_matrix(v, 1, 2); };
  CHECK(contrastive::model_contrast(cpu{}, row(a), row(b), row(c), contrastive::inner_product{}) == 0.0);
  CHECK(contrastive::model_contrast(cpu{}, row(a), row(c), row(b), contrastive::inner_product{}) == 8e8);
}

TEST_CASE("model contrast: what is refused") {
  std::vector<double> x(4, 1.0), bad{1, 2, std::nan(""), 4};
  const auto two = as_matrix(std::as_const(x), 2, 2), one = two.slice(0, 1), nan = as_matrix(std::as_const(bad), 2, 2);
  const auto run = [&](const auto& a, const auto& p, const auto& m, double tau) {
    (void)contrastive::model_contrast(cpu{}, a, p, m, contrastive::cosine{}, {}, {.temperature = tau});
  };
  CHECK_THROWS_AS(run(two, one, two, 1), dispar::invalid_argument);
  CHECK_THROWS_AS(run(two, two, two, 0), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(run(two, two, nan, 1), doctest::Contains("negative: row 1"), dispar::invalid_argument);
}

}  // namespace contrastive_tests
