// Alignment, uniformity, InfoNCE with the positive twice, means of tokens: against plain loops, central differences, bands, edge
// cases, and what is no input.
#include "dispar/contrastive/alignment.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/rolled_infonce.hpp"
#include "dispar/contrastive/token_means.hpp"
#include "dispar/contrastive/token_spread.hpp"
#include "dispar/contrastive/uniformity.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::inner_product;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

template<class T>
oracle::rows scaled(const std::vector<T>& x, index n, bool unit) {
  oracle::rows u = oracle::rows_of(x, n);
  for (auto& row : u) {
    double square = 0;
    for (const double v : row) square += v * v;
    if (unit)
      for (double& v : row) v /= std::max(std::sqrt(square), 1e-12);
  }
  return u;
}

double square_distance(const std::vector<double>& a, const std::vector<double>& b) {
  double square = 0;
  for (std::size_t k = 0; k < a.size(); ++k) square += (a[k] - b[k]) * (a[k] - b[k]);
  return square;
}

template<class T>
double plain_alignment(const std::vector<T>& x, const std::vector<T>& y, index n, double alpha, bool unit) {
  const auto u = scaled(x, n, unit), v = scaled(y, n, unit);
  double sum = 0;
  for (std::size_t i = 0; i < u.size(); ++i) sum += std::pow(square_distance(u[i], v[i]), alpha / 2);
  return sum / static_cast<double>(n);
}

template<class T>
double plain_uniformity(const std::vector<T>& x, index n, double t, bool unit) {
  const auto u = scaled(x, n, unit);
  double nearest = HUGE_VAL, sum = 0;
  for (std::size_t i = 0; i < u.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) nearest = std::min(nearest, square_distance(u[i], u[j]));
  for (std::size_t i = 0; i < u.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) sum += std::exp(-t * (square_distance(u[i], u[j]) - nearest));
  return std::log(2 * sum / (static_cast<double>(n) * static_cast<double>(n - 1))) - t * nearest;
}

}  // namespace

TEST_CASE_TEMPLATE("alignment and uniformity: plain loops, at sizes around a tile and a band", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
  for (const auto& sizes : {std::array<index, 2>{2, 1}, {3, 2}, {48, 7}, {97, 33}, {200, 16}}) {
    const index n = sizes[0], d = sizes[1];
    CAPTURE(n);
    const auto x = normal_rows<T>(n, d, 1), y = normal_rows<T>(n, d, 2);
    const auto vx = as_matrix(x, n, d), vy = as_matrix(y, n, d);
    for (const double alpha : {1.0, 2.0, 3.5})
      CHECK(contrastive::alignment(cpu{}, vx, vy, cosine{}, {}, {.alpha = alpha}) ==
            doctest::Approx(plain_alignment(x, y, n, alpha, true)).epsilon(tolerance));
    for (const index band : {0, 48}) {
      const auto loss = contrastive::uniformity(cpu{}, vx, cosine{}, {}, {.t = 3, .band_rows = band});
      CHECK(loss.value == doctest::Approx(plain_uniformity(x, n, 3, true)).epsilon(tolerance));
      CHECK(loss.pairs == static_cast<double>(n) * static_cast<double>(n - 1) / 2);
    }
  }
}

TEST_CASE("alignment and uniformity: gradients by central differences, upstream factors, accumulation, strides, bands") {
  const index n = 7, d = 3;
  const auto x = normal_rows<double>(n, d, 3), y = normal_rows<double>(n, d, 4);
  const double upstream = 0.5;
  for (const bool unit : {true, false})
    for (const double alpha : {1.0, 2.0, 3.0}) {
      CAPTURE(unit);
      CAPTURE(alpha);
      std::vector<double> gx(x.size(), 1.0), gy(static_cast<std::size_t>(2 * n * d), 7.0), ux(x.size(), 1.0);
      const dispar::matrix_view<double> every_other(gy.data(), {n, d}, {2 * d, 2});
      const auto run = [&](const auto& how) {
        (void)contrastive::alignment(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), how,
                                     {.x = as_matrix(gx, n, d),
                                      .y = every_other,
                                      .factor = 3,
                                      .accumulate = true,
                                      .upstream = dispar::scalar_view<const double>(&upstream)},
                                     {.alpha = alpha});
        (void)contrastive::uniformity(
            cpu{}, as_matrix(x, n, d), how,
            {.x = as_matrix(ux, n, d), .factor = 3, .accumulate = true, .upstream = dispar::scalar_view<const double>(&upstream)},
            {.t = alpha, .band_rows = 3});
      };
      unit ? run(cosine{}) : run(inner_product{});
      const auto by_x = central_differences(x, [&](const auto& at) { return plain_alignment(at, y, n, alpha, unit); });
      const auto by_y = central_differences(y, [&](const auto& at) { return plain_alignment(x, at, n, alpha, unit); });
      const auto uniform = central_differences(x, [&](const auto& at) { return plain_uniformity(at, n, alpha, unit); });
      for (std::size_t k = 0; k < x.size(); ++k) {
        const std::size_t i = k / d, j = k % d;
        CHECK(gx[k] == doctest::Approx(1 + 1.5 * by_x[k]).epsilon(1e-7));
        CHECK(gy[i * 2 * d + 2 * j] == doctest::Approx(7 + 1.5 * by_y[k]).epsilon(1e-7));
        CHECK(ux[k] == doctest::Approx(1 + 1.5 * uniform[k]).epsilon(1e-7));
        CHECK(gy[i * 2 * d + 2 * j + 1] == 7.0);
      }
    }
}

TEST_CASE("alignment: coincident rows, rows of zeros, any magnitude, terms of pairs") {
  const std::vector<double> x{3, 4, 0, 0, 1e300, 0, 1e-300, 0}, y{6, 8, 1, 0, 0, 1e-300, -1e300, 0};
  std::vector<double> gx(8), gy(8), terms(4);
  const double loss = contrastive::alignment(cpu{}, as_matrix(x, 4, 2), as_matrix(y, 4, 2), cosine{.floor = 0},
                                             {.x = as_matrix(gx, 4, 2), .y = as_matrix(gy, 4, 2)},
                                             {.alpha = 1, .losses = dispar::view_of(terms)});
  CHECK(terms[0] == doctest::Approx(0).epsilon(1e-15));
  CHECK(terms[1] == doctest::Approx(1));
  CHECK(terms[2] == doctest::Approx(std::sqrt(2)));
  CHECK(terms[3] == doctest::Approx(2));
  CHECK(loss == doctest::Approx((3 + std::sqrt(2)) / 4));
  CHECK(gx[2] == 0);
  CHECK(gx[3] == 0);
  for (const double v : gx) CHECK(std::isfinite(v));
  std::vector<double> same(4, 1.0), g(4, 5.0);
  CHECK(contrastive::alignment(cpu{}, as_matrix(same, 2, 2), as_matrix(same, 2, 2), cosine{}, {.x = as_matrix(g, 2, 2)},
                               {.alpha = 0.5}) == 0);
  for (const double v : g) CHECK(v == 0);
}

TEST_CASE("uniformity: one row has no pair, coincident rows give 0, far rows do not underflow, threads change nothing") {
  std::vector<double> x{1, 2}, g{5, 5};
  const auto one = contrastive::uniformity(cpu{}, as_matrix(x, 1, 2), cosine{}, {.x = as_matrix(g, 1, 2)});
  CHECK(one.value == 0);
  CHECK(one.pairs == 0);
  CHECK(g == std::vector<double>{0, 0});
  const std::vector<float> same(10, 0.5f);
  CHECK(contrastive::uniformity(cpu{}, as_matrix(same, 5, 2), cosine{}).value == doctest::Approx(0).epsilon(1e-6));
  const std::vector<float> apart{1, 0, -1, 0};
  CHECK(contrastive::uniformity(cpu{}, as_matrix(apart, 2, 2), cosine{}, {}, {.t = 1000}).value == doctest::Approx(-4000));
  const auto rows = normal_rows<float>(300, 9, 5);
  std::vector<float> first(rows.size()), second(rows.size());
  const auto alone = contrastive::uniformity(dispar::cpu{.each = {.threads = 1}}, as_matrix(rows, 300, 9), cosine{},
                                             {.x = as_matrix(first, 300, 9)});
  const auto many = contrastive::uniformity(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, as_matrix(rows, 300, 9), cosine{},
                                            {.x = as_matrix(second, 300, 9)});
  CHECK(alone.value == many.value);
  CHECK(first == second);
}

TEST_CASE("alignment and uniformity: errors name what is wrong before any work") {
  std::vector<double> x{1, 2, 3, 4}, g{5, 5, 5, 5};
  const auto v = as_matrix(x, 2, 2);
  check_refused([&] { (void)contrastive::alignment(cpu{}, v, v.slice(0, 1), cosine{}); }, "rows of y");
  check_refused([&] { (void)contrastive::alignment(cpu{}, v.slice(0, 0), v.slice(0, 0), cosine{}); }, "rows of x");
  check_refused([&] { (void)contrastive::alignment(cpu{}, v, v, cosine{}, {}, {.alpha = 0}); }, "alpha");
  check_refused([&] { (void)contrastive::alignment(cpu{}, v, v, cosine{}, {.y = as_matrix(g, 4, 1)}); }, "gradient by y");
  check_refused([&] { (void)contrastive::uniformity(cpu{}, v, cosine{}, {}, {.t = -1}); }, "uniformity: t");
  check_refused([&] { (void)contrastive::uniformity(cpu{}, v, cosine{}, {}, {.band_rows = -1}); }, "band_rows");
  check_refused([&] { (void)contrastive::uniformity(cpu{}, v, cosine{}, {.x = as_matrix(g, 4, 1)}); }, "gradient by x");
  x[3] = std::numeric_limits<double>::quiet_NaN();
  check_refused([&] { (void)contrastive::uniformity(cpu{}, v, cosine{}, {.x = as_matrix(g, 2, 2)}); }, "row 1");
  check_refused([&] { (void)contrastive::alignment(cpu{}, v, v, cosine{}, {.x = as_matrix(g, 2, 2)}); }, "row 1");
  CHECK(g == std::vector<double>{5, 5, 5, 5});
}

TEST_CASE("rolled infonce: stored logits with the positive twice, one pair is log 2, accumulation, errors") {
  const index n = 11, d = 4;
  const auto x = normal_rows<double>(n, d, 7), y = normal_rows<double>(n, d, 8);
  const auto vx = as_matrix(x, n, d), vy = as_matrix(y, n, d);
  const contrastive::temperature scale{0.3};
  const auto p = oracle::matched(oracle::rows_of(x, n), oracle::rows_of(y, n), oracle::rows_of(y, n), false, false, false);
  const auto expected = oracle::solve(p, 1 / 0.3, true);
  std::vector<double> gx(x.size(), 9.0), gy(y.size(), 9.0), losses(static_cast<std::size_t>(n));
  const auto loss =
      contrastive::rolled_infonce(cpu{}, vx, vy, cosine{}, scale, {.x = as_matrix(gx, n, d), .y = as_matrix(gy, n, d)},
                                  {.losses = dispar::view_of(losses), .band_rows = 4});
  auto by_y = oracle::gradient_of(expected, n, n);
  const auto as_negatives = oracle::gradient_of(expected, 2 * n, n);
  for (std::size_t k = 0; k < by_y.size(); ++k) by_y[k] += as_negatives[k];
  CHECK(loss.value == doctest::Approx(expected.loss).epsilon(1e-12));
  CHECK(loss.by_temperature == doctest::Approx(-expected.by_log_scale / 0.3).epsilon(1e-12));
  CHECK(oracle::apart(losses, expected.losses) < 1e-12);
  CHECK(oracle::apart(gx, oracle::gradient_of(expected, 0, n)) < 1e-12);
  CHECK(oracle::apart(gy, by_y) < 1e-12);
  const auto once = gy;
  (void)contrastive::rolled_infonce(cpu{}, vx, vy, cosine{}, scale, {.y = as_matrix(gy, n, d), .accumulate = true});
  for (std::size_t k = 0; k < gy.size(); ++k) CHECK(gy[k] == doctest::Approx(2 * once[k]).epsilon(1e-10));

  std::vector<double> g1(d, 9.0), g2(d, 9.0);
  const auto one = contrastive::rolled_infonce(cpu{}, vx.slice(0, 1), vy.slice(0, 1), cosine{}, scale,
                                               {.x = as_matrix(g1, 1, d), .y = as_matrix(g2, 1, d)});
  CHECK(one.value == doctest::Approx(std::log(2.0)).epsilon(1e-14));
  for (const auto* g : {&g1, &g2})
    for (const double v : *g) CHECK(std::fabs(v) < 1e-14);
  std::vector<double> kept(x.size(), 5.0);
  check_refused([&] { (void)contrastive::rolled_infonce(cpu{}, vx, vy, cosine{}, scale, {.negatives = as_matrix(kept, n, d)}); },
                "negatives");
  check_refused(
      [&] { (void)contrastive::rolled_infonce(cpu{}, vx, vy.slice(0, 2), cosine{}, scale, {.x = as_matrix(kept, n, d)}); },
      "rows of y");
  CHECK(kept == std::vector<double>(x.size(), 5.0));
}

TEST_CASE("token means and their gradient, from any layout") {
  std::vector<double> x{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, by(12, 0.0), means(4), by_means{3, 6, 9, 12};
  const dispar::tensor_view<double, 3> tokens(x.data(), {2, 3, 2}), gradient(by.data(), {2, 3, 2});
  contrastive::token_means(cpu{}, tokens, as_matrix(means, 2, 2));
  CHECK(means == std::vector<double>{3, 4, 9, 10});
  const dispar::tensor_view<const double, 3> features_first(x.data(), {2, 3, 2}, {6, 1, 3});
  contrastive::token_means(cpu{}, features_first, as_matrix(means, 2, 2));
  CHECK(means == std::vector<double>{2, 5, 8, 11});
  contrastive::token_means_gradient(cpu{}, as_matrix(by_means, 2, 2), gradient);
  CHECK(by == std::vector<double>{1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4});
  check_refused([&] { contrastive::token_means(cpu{}, tokens, as_matrix(means, 1, 4)); }, "rows of means");
  const dispar::tensor_view<double, 3> none(x.data(), {2, 0, 2});
  check_refused([&] { contrastive::token_means(cpu{}, none, as_matrix(means, 2, 2)); }, "tokens");
}

TEST_CASE("token spreads: as in the other modality, gradients by central differences, one token, errors") {
  const auto x = normal_rows<double>(6, 2, 9), like = normal_rows<double>(4, 2, 10), by = normal_rows<double>(6, 2, 11);
  using read = dispar::tensor_view<const double, 3>;
  using write = dispar::tensor_view<double, 3>;
  const auto tokens = [](const std::vector<double>& v, index n) { return read(v.data(), {2, n, 2}); };
  const auto objective = [&](const std::vector<double>& at, const std::vector<double>& other) {
    std::vector<double> out(at.size());
    contrastive::match_token_spread(cpu{}, tokens(at, 3), tokens(other, 2), write(out.data(), {2, 3, 2}));
    double sum = 0;
    for (std::size_t k = 0; k < out.size(); ++k) sum += by[k] * out[k];
    return sum;
  };
  std::vector<double> by_x(12), by_like(8);
  contrastive::match_token_spread_gradient(cpu{}, tokens(x, 3), tokens(like, 2), tokens(by, 3), write(by_x.data(), {2, 3, 2}),
                                           write(by_like.data(), {2, 2, 2}));
  CHECK(oracle::apart(by_x, central_differences(x, [&](const auto& at) { return objective(at, like); })) < 1e-7);
  CHECK(oracle::apart(by_like, central_differences(like, [&](const auto& at) { return objective(x, at); })) < 1e-7);
  const std::vector<double> one{3}, two{1, 5};
  std::vector<double> out(1);
  contrastive::match_token_spread(cpu{}, read(one.data(), {1, 1, 1}), read(two.data(), {1, 2, 1}), write(out.data(), {1, 1, 1}));
  CHECK(out[0] == doctest::Approx(6e4));
  check_refused(
      [&] {
        contrastive::match_token_spread(cpu{}, read(one.data(), {1, 0, 1}), read(two.data(), {1, 2, 1}),
                                        write(out.data(), {1, 0, 1}));
      },
      "tokens of x");
}

}  // namespace contrastive_tests
