// VICReg: plain loops, central differences, bands of columns, edge cases, what is no input.
#include "dispar/contrastive/vicreg.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "columns_oracle.hpp"
#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::vicreg;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

contrastive::vicreg_loss plain_vicreg(const oracle::numbers& x, const oracle::numbers& y, index n,
                                      const contrastive::vicreg_options& o = {}) {
  contrastive::vicreg_loss loss{};
  const std::size_t d = x.size() / static_cast<std::size_t>(n);
  for (std::size_t e = 0; e < x.size(); ++e) loss.invariance += (x[e] - y[e]) * (x[e] - y[e]) / static_cast<double>(x.size());
  for (const auto* view : {&x, &y}) {
    const auto c = oracle::covariance(*view, n);
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j) {
        if (i == j)
          loss.variance += std::max(0.0, o.gamma - std::sqrt(c[i * d + i] + o.eps)) / 2 / static_cast<double>(d);
        else
          loss.covariance += c[i * d + j] * c[i * d + j] / static_cast<double>(d);
      }
  }
  loss.value = o.invariance * loss.invariance + o.variance * loss.variance + o.covariance * loss.covariance;
  return loss;
}

}  // namespace

TEST_CASE_TEMPLATE("vicreg: plain loops, at sizes around a tile, by bands", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-12;
  for (const auto& sizes : {std::array<index, 2>{2, 1}, {5, 3}, {130, 49}, {33, 100}, {700, 16}})
    for (const index band : {0, 48}) {
      const index n = sizes[0], d = sizes[1];
      CAPTURE(n);
      CAPTURE(band);
      const auto x = normal_rows<T>(n, d, 1, 3), y = normal_rows<T>(n, d, 2);
      const auto expected = plain_vicreg(oracle::in_double(x), oracle::in_double(y), n);
      const auto loss = vicreg(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), {}, {.band_columns = band});
      CHECK(loss.invariance == doctest::Approx(expected.invariance).epsilon(1e-12));
      CHECK(loss.variance == doctest::Approx(expected.variance).epsilon(1e-12));
      CHECK(loss.covariance == doctest::Approx(expected.covariance).epsilon(tolerance));
      CHECK(loss.value == doctest::Approx(expected.value).epsilon(tolerance));
    }
}

TEST_CASE("vicreg: gradients by central differences, upstream factors, accumulation, strides, bands") {
  const index n = 7, d = 4;
  const auto x = normal_rows<double>(n, d, 3), y = normal_rows<double>(n, d, 4);
  const double upstream = 0.5;
  for (const index band : {0, 1, 3}) {
    const contrastive::vicreg_options o{2, 3, 5, 1.1, 0.01, band};
    std::vector<double> gx(x.size(), 1.0), gy(static_cast<std::size_t>(2 * n * d), 7.0);
    const dispar::matrix_view<double> every_other(gy.data(), {n, d}, {2 * d, 2});
    (void)vicreg(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d),
                 {.x = as_matrix(gx, n, d),
                  .y = every_other,
                  .factor = 3,
                  .accumulate = true,
                  .upstream = dispar::scalar_view<const double>(&upstream)},
                 o);
    const auto by_x = central_differences(x, [&](const auto& at) { return plain_vicreg(at, y, n, o).value; });
    const auto by_y = central_differences(y, [&](const auto& at) { return plain_vicreg(x, at, n, o).value; });
    for (std::size_t e = 0; e < x.size(); ++e) {
      CHECK(gx[e] == doctest::Approx(1 + 1.5 * by_x[e]).epsilon(1e-6));
      CHECK(gy[e / d * 2 * d + 2 * (e % d)] == doctest::Approx(7 + 1.5 * by_y[e]).epsilon(1e-6));
      CHECK(gy[e / d * 2 * d + 2 * (e % d) + 1] == 7.0);
    }
  }
}

TEST_CASE("vicreg: float gradients, bfloat16; threads change nothing") {
  const index n = 90, d = 60;
  const auto x = normal_rows<double>(n, d, 5), y = normal_rows<double>(n, d, 6);
  std::vector<double> gx(x.size());
  const auto exact = vicreg(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), {.x = as_matrix(gx, n, d)});
  std::vector<float> xf(x.begin(), x.end()), yf(y.begin(), y.end()), gf(x.size()), again(x.size());
  const auto loss = vicreg(dispar::cpu{.each = {.threads = 1}}, as_matrix(xf, n, d), as_matrix(yf, n, d),
                           {.x = as_matrix(gf, n, d)}, {.band_columns = 48});
  const auto many = vicreg(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, as_matrix(xf, n, d), as_matrix(yf, n, d),
                           {.x = as_matrix(again, n, d)}, {.band_columns = 48});
  CHECK(loss.value == doctest::Approx(exact.value).epsilon(1e-6));
  CHECK(oracle::apart(gf, gx) < 2e-6);
  CHECK(std::memcmp(&loss, &many, sizeof loss) == 0);
  CHECK(gf == again);
  std::vector<dispar::bfloat16> xb;
  for (const float v : xf) xb.push_back(static_cast<dispar::bfloat16>(v));
  CHECK(vicreg(cpu{}, as_matrix(xb, n, d), as_matrix(xb, n, d), {.x = as_matrix(gf, n, d)}).value ==
        doctest::Approx(plain_vicreg(oracle::in_double(xb), oracle::in_double(xb), n).value).epsilon(1e-6));
}

TEST_CASE("vicreg: equal views are invariant, spread features cost nothing, constant columns are finite") {
  // Columns of a Hadamard matrix: mean 0, orthogonal, variance 4 / 3.
  const std::vector<double> apart{1, 1, 1, -1, 1, -1, 1, -1, -1, -1, -1, 1};
  std::vector<double> g(12, 5.0);
  const auto none = vicreg(cpu{}, as_matrix(apart, 4, 3), as_matrix(apart, 4, 3), {.x = as_matrix(g, 4, 3)});
  CHECK(none.value < 1e-28);
  for (const double v : g) CHECK(std::fabs(v) < 1e-14);
  const auto x = normal_rows<double>(20, 4, 7);
  CHECK(vicreg(cpu{}, as_matrix(x, 20, 4), as_matrix(x, 20, 4)).invariance == 0);
  const std::vector<float> same(8, 0.3f);
  std::vector<float> gs(8, 5.0f);
  const auto constant = vicreg(cpu{}, as_matrix(same, 4, 2), as_matrix(same, 4, 2), {.x = as_matrix(gs, 4, 2)});
  CHECK(constant.variance == doctest::Approx(0.99));
  for (const float v : gs) CHECK(std::fabs(v) < 1e-6f);
}

TEST_CASE("vicreg: errors name what is wrong before any work") {
  std::vector<double> x{1, 2, 3, 4}, g{5, 5, 5, 5};
  const auto v = as_matrix(x, 2, 2);
  check_refused([&] { (void)vicreg(cpu{}, v, v.slice(0, 1)); }, "rows of y");
  check_refused([&] { (void)vicreg(cpu{}, v.slice(0, 1), v.slice(0, 1)); }, "rows of x");
  check_refused([&] { (void)vicreg(cpu{}, v, dispar::matrix_view<const double>(x.data(), 2, 1)); }, "columns of y");
  check_refused([&] { (void)vicreg(cpu{}, v, v, {.x = as_matrix(g, 4, 1)}); }, "gradient by x");
  check_refused([&] { (void)vicreg(cpu{}, v, v, {}, {.invariance = -1}); }, "vicreg: invariance");
  check_refused([&] { (void)vicreg(cpu{}, v, v, {}, {.gamma = HUGE_VAL}); }, "gamma");
  check_refused([&] { (void)vicreg(cpu{}, v, v, {}, {.eps = 0}); }, "eps");
  check_refused([&] { (void)vicreg(cpu{}, v, v, {}, {.band_columns = -1}); }, "band_columns");
  x[3] = std::numeric_limits<double>::infinity();
  check_refused([&] { (void)vicreg(cpu{}, v, v, {.x = as_matrix(g, 2, 2)}); }, "row 1");
  CHECK(g == std::vector<double>{5, 5, 5, 5});
}

}  // namespace contrastive_tests
