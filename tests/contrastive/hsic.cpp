// HSIC: kernel matrices as they are defined, central differences, both estimates, kernels of distances and of products, edge
// cases, what is no input.
#include "dispar/contrastive/hsic.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <limits>

#include "dependence_oracle.hpp"
#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/median_bandwidth.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

using dispar::as_matrix;
using dispar::cpu;
using dispar::gaussian;
using dispar::index;
using dispar::contrastive::hsic;
using dispar::contrastive::hsic_estimator;
using dispar::contrastive::median_bandwidth;
constexpr dispar::identity<dispar::dot> linear{};

double square_plus(double, double dot) { return (0.5 * dot + 1) * (0.5 * dot + 1); }

}  // namespace

TEST_CASE_TEMPLATE("hsic: kernel matrices, both estimates, at sizes around a tile", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-11;
  for (const auto& sizes : {std::array<index, 3>{4, 1, 1}, {7, 3, 2}, {49, 5, 9}, {130, 20, 3}}) {
    const index n = sizes[0], d = sizes[1], e = sizes[2];
    CAPTURE(n);
    const auto x = normal_rows<T>(n, d, 1, 1), y = oracle::depending(x, n, d, e, 2);
    const auto vx = as_matrix(x, n, d), vy = as_matrix(y, n, e);
    const auto dx = oracle::in_double(x), dy = oracle::in_double(y);
    for (const auto form : {hsic_estimator::biased, hsic_estimator::unbiased}) {
      const bool biased = form == hsic_estimator::biased;
      CAPTURE(biased);
      const auto near = [&](double got, const auto& k, const auto& l) {
        const auto gx = oracle::gram(dx, n, k), gy = oracle::gram(dy, n, l);
        const double size = std::sqrt(oracle::biased_hsic(gx, gx, n) * oracle::biased_hsic(gy, gy, n));
        CHECK(std::fabs(got - oracle::hsic(gx, gy, n, biased)) < tolerance * size);
      };
      near(hsic(cpu{}, vx, vy, linear, linear, {}, {form}), oracle::linear, oracle::linear);
      near(hsic(cpu{}, vx, vy, gaussian{2}, gaussian{3}, {}, {form}), oracle::rbf(2), oracle::rbf(3));
      near(hsic(cpu{}, vx, vy, dispar::polynomial<2>{0.5, 1}, linear, {}, {form}), square_plus, oracle::linear);
    }
  }
}

TEST_CASE("hsic: gradients by central differences, both estimates, upstream factors, accumulation, strides") {
  const index n = 7, d = 3, e = 2;
  const auto x = normal_rows<double>(n, d, 3), y = oracle::depending(x, n, d, e, 4);
  const double upstream = 0.5;
  const auto check = [&](const auto& kx, const auto& ky, const auto& k, const auto& l, hsic_estimator form) {
    const bool biased = form == hsic_estimator::biased;
    CAPTURE(biased);
    std::vector<double> gx(x.size(), 1.0), gy(static_cast<std::size_t>(2 * n * e), 7.0);
    const dispar::matrix_view<double> every_other(gy.data(), {n, e}, {2 * e, 2});
    (void)hsic(cpu{}, as_matrix(x, n, d), as_matrix(y, n, e), kx, ky,
               {.x = as_matrix(gx, n, d),
                .y = every_other,
                .factor = 3,
                .accumulate = true,
                .upstream = dispar::scalar_view<const double>(&upstream)},
               {form});
    const auto value = [&](const oracle::numbers& a, const oracle::numbers& b) {
      return oracle::hsic(oracle::gram(a, n, k), oracle::gram(b, n, l), n, biased);
    };
    const auto by_x = central_differences(x, [&](const auto& at) { return value(at, y); });
    const auto by_y = central_differences(y, [&](const auto& at) { return value(x, at); });
    for (std::size_t i = 0; i < x.size(); ++i) CHECK(gx[i] == doctest::Approx(1 + 1.5 * by_x[i]).epsilon(1e-6));
    for (std::size_t i = 0; i < y.size(); ++i) {
      CHECK(gy[i / e * 2 * e + 2 * (i % e)] == doctest::Approx(7 + 1.5 * by_y[i]).epsilon(1e-6));
      CHECK(gy[i / e * 2 * e + 2 * (i % e) + 1] == 7.0);
    }
    std::vector<double> alone(x.size(), 5.0);
    (void)hsic(cpu{}, as_matrix(x, n, d), as_matrix(y, n, e), kx, ky, {.x = as_matrix(alone, n, d)}, {form});
    for (std::size_t i = 0; i < x.size(); ++i) CHECK(alone[i] == doctest::Approx(by_x[i]).epsilon(1e-6));
  };
  for (const auto form : {hsic_estimator::biased, hsic_estimator::unbiased}) {
    check(linear, linear, oracle::linear, oracle::linear, form);
    check(gaussian{2}, gaussian{1.5}, oracle::rbf(2), oracle::rbf(1.5), form);
    check(dispar::polynomial<2>{0.5, 1}, linear, square_plus, oracle::linear, form);
  }
}

TEST_CASE("hsic: far from the origin, half; threads change nothing") {
  const index n = 150, d = 5, e = 3;
  const auto x = normal_rows<float>(n, d, 5), y = oracle::depending(x, n, d, e, 6);
  std::vector<double> dx = oracle::in_double(x);
  const double near = hsic(cpu{}, as_matrix(dx, n, d), as_matrix(oracle::in_double(y), n, e), linear, linear);
  for (double& v : dx) v += 1e5;
  CHECK(hsic(cpu{}, as_matrix(dx, n, d), as_matrix(oracle::in_double(y), n, e), linear, linear) ==
        doctest::Approx(near).epsilon(1e-9));
  std::vector<float> gx(x.size()), again(x.size());
  for (const auto form : {hsic_estimator::biased, hsic_estimator::unbiased}) {
    const auto run = [&](const auto& b, std::vector<float>& g) {
      return hsic(b, as_matrix(x, n, d), as_matrix(y, n, e), linear, linear, {.x = as_matrix(g, n, d)}, {form});
    };
    CHECK(run(dispar::cpu{.each = {.threads = 1}}, gx) == run(dispar::cpu{.each = {.threads = 3}}, again));
    CHECK(gx == again);
  }
  std::vector<dispar::half> xh, yh;
  for (const float v : x) xh.push_back(static_cast<dispar::half>(v));
  for (const float v : y) yh.push_back(static_cast<dispar::half>(v));
  const auto hx = oracle::in_double(xh), hy = oracle::in_double(yh);
  CHECK(hsic(cpu{}, as_matrix(xh, n, d), as_matrix(yh, n, e), linear, linear, {.x = as_matrix(gx, n, d)}) ==
        doctest::Approx(oracle::biased_hsic(oracle::gram(hx, n, oracle::linear), oracle::gram(hy, n, oracle::linear), n))
            .epsilon(1e-5));
  CHECK(hsic(cpu{}, as_matrix(xh, n, d), as_matrix(yh, n, e), gaussian{2}, gaussian{2}, {.x = as_matrix(gx, n, d)}) ==
        doctest::Approx(oracle::biased_hsic(oracle::gram(hx, n, oracle::rbf(2)), oracle::gram(hy, n, oracle::rbf(2)), n))
            .epsilon(1e-4));
}

TEST_CASE("median bandwidth: all pairs, the mean of the middle two, a fraction, errors") {
  const std::vector<double> x{0, 1, 3, 7};  // distances 1 2 3 4 6 7
  CHECK(median_bandwidth(cpu{}, as_matrix(x, 4, 1)) == doctest::Approx(3.5));
  CHECK(median_bandwidth(cpu{}, as_matrix(x, 4, 1).slice(0, 3), {.fraction = 0.5}) == doctest::Approx(1));
  const auto many = normal_rows<float>(1201, 3, 7);
  std::vector<double> distances;
  for (std::size_t i = 0; i < 1201; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      double square = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        const double a = static_cast<double>(many[3 * i + k]) - static_cast<double>(many[3 * j + k]);
        square += a * a;
      }
      distances.push_back(std::sqrt(square));
    }
  std::sort(distances.begin(), distances.end());
  const double exact = (distances[(distances.size() - 1) / 2] + distances[distances.size() / 2]) / 2;
  CHECK(median_bandwidth(cpu{}, as_matrix(many, 1201, 3)) == doctest::Approx(exact).epsilon(1e-6));
  CHECK(median_bandwidth(cpu{}, as_matrix(many, 1201, 3), {.most_rows = 300}) == doctest::Approx(exact).epsilon(0.1));
  const std::vector<double> same(4, 2.0);
  check_refused([&] { (void)median_bandwidth(cpu{}, as_matrix(same, 4, 1)); }, "median");
  check_refused([&] { (void)median_bandwidth(cpu{}, as_matrix(x, 1, 4)); }, "rows of x");
  check_refused([&] { (void)median_bandwidth(cpu{}, as_matrix(x, 4, 1), {.fraction = 0}); }, "fraction");
}

TEST_CASE("hsic: errors name what is wrong before any work") {
  std::vector<double> x{1, 2, 3, 4, 5, 6}, g(6, 5.0);
  const auto v = as_matrix(x, 3, 2);
  check_refused([&] { (void)hsic(cpu{}, v, v.slice(0, 2), linear, linear); }, "rows of y");
  check_refused([&] { (void)hsic(cpu{}, v.slice(0, 1), v.slice(0, 1), linear, linear); }, "rows of x");
  check_refused([&] { (void)hsic(cpu{}, v, v, linear, linear, {}, {hsic_estimator::unbiased}); }, "rows of x");
  check_refused([&] { (void)hsic(cpu{}, v, v, linear, linear, {.y = as_matrix(g, 2, 3)}); }, "gradient by y");
  check_refused([&] { (void)hsic(cpu{}, v, v, gaussian{0}, gaussian{1}); }, "sigma");
  x[3] = std::numeric_limits<double>::quiet_NaN();
  check_refused([&] { (void)hsic(cpu{}, v, v, linear, linear, {.x = as_matrix(g, 3, 2)}); }, "row 1");
  check_refused([&] { (void)hsic(cpu{}, v, v, gaussian{1}, gaussian{1}, {.x = as_matrix(g, 3, 2)}); }, "row 1");
  CHECK(g == std::vector<double>(6, 5.0));
}

}  // namespace contrastive_tests
