// CKA: kernel matrices as they are defined, central differences, what it is invariant to, rows that are all the same.
#include "dispar/contrastive/cka.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "dependence_oracle.hpp"
#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

using dispar::as_matrix;
using dispar::cpu;
using dispar::gaussian;
using dispar::index;
using dispar::contrastive::cka;
using dispar::contrastive::hsic_estimator;
constexpr dispar::identity<dispar::dot> linear{};

}  // namespace

TEST_CASE_TEMPLATE("cka: kernel matrices, both estimates, at sizes around a tile", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-11;
  for (const auto& sizes : {std::array<index, 3>{4, 3, 3}, {7, 3, 2}, {49, 5, 9}, {130, 20, 3}, {60, 100, 90}}) {
    const index n = sizes[0], d = sizes[1], e = sizes[2];
    CAPTURE(n);
    const auto x = normal_rows<T>(n, d, 1, 1), y = oracle::depending(x, n, d, e, 2);
    const auto vx = as_matrix(x, n, d), vy = as_matrix(y, n, e);
    const auto dx = oracle::in_double(x), dy = oracle::in_double(y);
    for (const auto form : {hsic_estimator::biased, hsic_estimator::unbiased}) {
      const bool biased = form == hsic_estimator::biased;
      CAPTURE(biased);
      const auto near = [&](const auto& got, const auto& k, const auto& l) {
        const auto gx = oracle::gram(dx, n, k), gy = oracle::gram(dy, n, l);
        CHECK(got.value == doctest::Approx(oracle::cka(gx, gy, n, biased)).epsilon(tolerance));
        CHECK(got.hsic_xx == doctest::Approx(oracle::hsic(gx, gx, n, biased)).epsilon(tolerance));
        CHECK(got.hsic_yy == doctest::Approx(oracle::hsic(gy, gy, n, biased)).epsilon(tolerance));
      };
      near(cka(cpu{}, vx, vy, linear, linear, {}, {form}), oracle::linear, oracle::linear);
      near(cka(cpu{}, vx, vy, gaussian{4}, gaussian{5}, {}, {form}), oracle::rbf(4), oracle::rbf(5));
    }
  }
}

TEST_CASE("cka: gradients by central differences, both estimates and kernels, factors, accumulation; float") {
  const index d = 3, e = 2;
  const double upstream = 0.5;
  const auto check = [&](index n, const auto& kx, const auto& ky, const auto& k, const auto& l, hsic_estimator form) {
    const auto x = normal_rows<double>(n, d, 3), y = oracle::depending(x, n, d, e, 4);
    CAPTURE(n);
    const bool biased = form == hsic_estimator::biased;
    CAPTURE(biased);
    std::vector<double> gx(x.size(), 1.0), gy(static_cast<std::size_t>(2 * n * e), 7.0);
    const dispar::matrix_view<double> every_other(gy.data(), {n, e}, {2 * e, 2});
    (void)cka(cpu{}, as_matrix(x, n, d), as_matrix(y, n, e), kx, ky,
              {.x = as_matrix(gx, n, d),
               .y = every_other,
               .factor = -3,
               .accumulate = true,
               .upstream = dispar::scalar_view<const double>(&upstream)},
              {form});
    const auto value = [&](const oracle::numbers& a, const oracle::numbers& b) {
      return oracle::cka(oracle::gram(a, n, k), oracle::gram(b, n, l), n, biased);
    };
    const auto by_x = central_differences(x, [&](const auto& at) { return value(at, y); });
    const auto by_y = central_differences(y, [&](const auto& at) { return value(x, at); });
    for (std::size_t i = 0; i < x.size(); ++i) CHECK(gx[i] == doctest::Approx(1 - 1.5 * by_x[i]).epsilon(1e-6));
    for (std::size_t i = 0; i < y.size(); ++i) {
      CHECK(gy[i / e * 2 * e + 2 * (i % e)] == doctest::Approx(7 - 1.5 * by_y[i]).epsilon(1e-6));
      CHECK(gy[i / e * 2 * e + 2 * (i % e) + 1] == 7.0);
    }
    const std::vector<float> xf(x.begin(), x.end()), yf(y.begin(), y.end());
    std::vector<float> gf(x.size());
    (void)cka(cpu{}, as_matrix(xf, n, d), as_matrix(yf, n, e), kx, ky, {.x = as_matrix(gf, n, d)}, {form});
    CHECK(oracle::apart(gf, by_x) < 2e-5);
  };
  for (const auto form : {hsic_estimator::biased, hsic_estimator::unbiased}) {
    check(7, linear, linear, oracle::linear, oracle::linear, form);
    check(7, gaussian{2}, gaussian{1.5}, oracle::rbf(2), oracle::rbf(1.5), form);
  }
  check(4, linear, linear, oracle::linear, oracle::linear, hsic_estimator::biased);  // fewer rows than columns
}

TEST_CASE("cka: 1 for a scaled rotation, unchanged by one order of both, destroyed by an order of one") {
  const index n = 60, d = 2;
  const auto x = normal_rows<double>(n, d, 7);
  std::vector<double> y(x.size()), turned_x(x.size()), turned_y(x.size()), mixed(x.size());
  for (std::size_t i = 0; i < x.size(); i += 2) {
    y[i] = 3 * (0.6 * x[i] - 0.8 * x[i + 1]) + 10;
    y[i + 1] = 3 * (0.8 * x[i] + 0.6 * x[i + 1]) - 5;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t from = (i / 2 * 7 + 3) % 60 * 2 + i % 2;
    turned_x[i] = x[from];
    turned_y[i] = y[from];
    mixed[i] = y[from];
  }
  const auto of = [&](const auto& a, const auto& b, const auto& k, const auto& l) {
    return cka(cpu{}, as_matrix(a, n, d), as_matrix(b, n, d), k, l).value;
  };
  std::vector<double> g(x.size());
  const auto rotated = cka(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), linear, linear, {.x = as_matrix(g, n, d)});
  CHECK(rotated.value == doctest::Approx(1).epsilon(1e-13));
  for (const double v : g) CHECK(std::fabs(v) < 1e-13);
  CHECK(of(x, y, gaussian{1}, gaussian{3}) == doctest::Approx(1).epsilon(1e-12));
  const auto z = oracle::depending(x, n, d, d, 8);
  std::vector<double> turned_z(z.size());
  for (std::size_t i = 0; i < z.size(); ++i) turned_z[i] = z[(i / 2 * 7 + 3) % 60 * 2 + i % 2];
  CHECK(of(turned_x, turned_z, linear, linear) == doctest::Approx(of(x, z, linear, linear)).epsilon(1e-12));
  CHECK(of(turned_x, turned_z, gaussian{1}, gaussian{1}) == doctest::Approx(of(x, z, gaussian{1}, gaussian{1})).epsilon(1e-12));
  CHECK(of(turned_x, turned_y, linear, linear) == doctest::Approx(1).epsilon(1e-12));
  CHECK(of(x, mixed, linear, linear) < 0.2);
  CHECK(of(x, mixed, gaussian{1}, gaussian{3}) < 0.3);
}

TEST_CASE("cka: rows that are all the same give 0 without a gradient; any magnitude; threads change nothing") {
  const index n = 50, d = 3;
  const auto x = normal_rows<float>(n, d, 9);
  const std::vector<float> same(x.size(), 0.1f);
  std::vector<float> gx(x.size(), 5.0f), gs(x.size(), 5.0f);
  for (const auto form : {hsic_estimator::biased, hsic_estimator::unbiased}) {
    const auto check = [&](const auto& kernel) {
      const auto none = cka(cpu{}, as_matrix(x, n, d), as_matrix(same, n, d), kernel, kernel,
                            {.x = as_matrix(gx, n, d), .y = as_matrix(gs, n, d)}, {form});
      CHECK(none.value == 0);
      for (const auto* all : {&gx, &gs})
        for (const float v : *all) CHECK(v == 0);
    };
    check(linear);
    check(gaussian{1});
  }
  std::vector<float> large = x;
  for (float& v : large) v *= 1e8f;
  const auto y = oracle::depending(x, n, d, d, 10);
  const double usual = cka(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), linear, linear, {.x = as_matrix(gx, n, d)}).value;
  CHECK(cka(cpu{}, as_matrix(large, n, d), as_matrix(y, n, d), linear, linear, {.x = as_matrix(gs, n, d)}).value ==
        doctest::Approx(usual).epsilon(1e-6));
  for (std::size_t i = 0; i < gs.size(); ++i) CHECK(gs[i] * 1e8f == doctest::Approx(gx[i]).epsilon(1e-3));
  const auto one = cka(dispar::cpu{.each = {.threads = 1}}, as_matrix(x, n, d), as_matrix(y, n, d), gaussian{1}, gaussian{1},
                       {.x = as_matrix(gx, n, d)});
  const auto three = cka(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, as_matrix(x, n, d), as_matrix(y, n, d), gaussian{1},
                         gaussian{1}, {.x = as_matrix(gs, n, d)});
  CHECK(std::memcmp(&one, &three, sizeof one) == 0);
  CHECK(gx == gs);
}

TEST_CASE("cka: a hundred thousand rows in float, by columns, keep the digits of a few") {
  const index n = 100000, d = 16;
  const auto x = normal_rows<float>(n, d, 11, 1);
  auto y = normal_rows<float>(n, d, 12);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += 0.5f * x[i];
  std::vector<float> g(x.size());
  const double value = cka(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), linear, linear, {.x = as_matrix(g, n, d)}).value;
  const std::vector<double> exact_x(x.begin(), x.end()), exact_y(y.begin(), y.end());
  std::vector<double> exact(x.size());
  const double expected =
      cka(cpu{}, as_matrix(exact_x, n, d), as_matrix(exact_y, n, d), linear, linear, {.x = as_matrix(exact, n, d)}).value;
  CHECK(value == doctest::Approx(expected).epsilon(1e-6));
  CHECK(oracle::apart(g, exact) < 2e-6);
}

TEST_CASE("cka: errors name what is wrong") {
  const std::vector<double> x{1, 2, 3, 4, 5, 6};
  const auto v = as_matrix(x, 3, 2);
  check_refused([&] { (void)cka(cpu{}, v, v.slice(0, 2), linear, linear); }, "rows of y");
  check_refused([&] { (void)cka(cpu{}, v.slice(0, 1), v.slice(0, 1), linear, linear); }, "rows of x");
  check_refused([&] { (void)cka(cpu{}, v, v, linear, linear, {}, {hsic_estimator::unbiased}); }, "rows of x");
}

}  // namespace contrastive_tests
