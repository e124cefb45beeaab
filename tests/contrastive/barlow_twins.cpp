// Barlow Twins: plain loops, central differences, bands of columns, any layout, edge cases, what is no input.
#include "dispar/contrastive/barlow_twins.hpp"

#include <doctest/doctest.h>

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
using contrastive::barlow_twins;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

struct plain_barlow {
  double on = 0, off = 0;
  plain_barlow(const oracle::numbers& x, const oracle::numbers& y, index n, double eps = 1e-5) {
    const auto c = oracle::correlations(x, y, n, eps);
    const std::size_t d = x.size() / static_cast<std::size_t>(n);
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j) (i == j ? on : off) += (c[i * d + j] - (i == j)) * (c[i * d + j] - (i == j));
  }
  [[nodiscard]] double value(double lambda) const { return on + lambda * off; }
};

template<class T>
std::vector<T> view_like(const std::vector<T>& x, index n, index d, std::uint64_t stream) {
  auto y = normal_rows<T>(n, d, stream);
  for (std::size_t e = 0; e < y.size(); ++e) y[e] = x[e] + y[e] / 2;
  return y;
}

}  // namespace

TEST_CASE_TEMPLATE("barlow twins: plain loops, at sizes around a tile, by bands", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  for (const auto& sizes : {std::array<index, 2>{2, 1}, {5, 3}, {130, 49}, {33, 100}, {700, 16}})
    for (const index band : {0, 48}) {
      const index n = sizes[0], d = sizes[1];
      CAPTURE(n);
      CAPTURE(band);
      const auto x = normal_rows<T>(n, d, 1, 3), y = view_like(x, n, d, 2);
      const plain_barlow expected(oracle::in_double(x), oracle::in_double(y), n);
      const auto loss = barlow_twins(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), {}, {.band_columns = band});
      CHECK(loss.on_diagonal == doctest::Approx(expected.on).epsilon(tolerance));
      CHECK(loss.off_diagonal == doctest::Approx(expected.off).epsilon(tolerance));
      CHECK(loss.value == doctest::Approx(expected.value(0.0051)).epsilon(tolerance));
      std::vector<T> c(static_cast<std::size_t>(d * d));
      contrastive::cross_correlation(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), as_matrix(c, d, d));
      CHECK(oracle::apart(c, oracle::correlations(oracle::in_double(x), oracle::in_double(y), n, 1e-5)) < tolerance);
    }
}

TEST_CASE("barlow twins: gradients by central differences, upstream factors, accumulation, strides, bands") {
  const index n = 7, d = 4;
  const auto x = normal_rows<double>(n, d, 3), y = view_like(x, n, d, 4);
  const double upstream = 0.5, lambda = 0.3, eps = 0.1;
  for (const index band : {0, 1, 3}) {
    std::vector<double> gx(x.size(), 1.0), gy(static_cast<std::size_t>(2 * n * d), 7.0);
    const dispar::matrix_view<double> every_other(gy.data(), {n, d}, {2 * d, 2});
    (void)barlow_twins(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d),
                       {.x = as_matrix(gx, n, d),
                        .y = every_other,
                        .factor = 3,
                        .accumulate = true,
                        .upstream = dispar::scalar_view<const double>(&upstream)},
                       {.lambda = lambda, .eps = eps, .band_columns = band});
    const auto by_x = central_differences(x, [&](const auto& at) { return plain_barlow(at, y, n, eps).value(lambda); });
    const auto by_y = central_differences(y, [&](const auto& at) { return plain_barlow(x, at, n, eps).value(lambda); });
    for (std::size_t e = 0; e < x.size(); ++e) {
      CHECK(gx[e] == doctest::Approx(1 + 1.5 * by_x[e]).epsilon(1e-7));
      CHECK(gy[e / d * 2 * d + 2 * (e % d)] == doctest::Approx(7 + 1.5 * by_y[e]).epsilon(1e-7));
      CHECK(gy[e / d * 2 * d + 2 * (e % d) + 1] == 7.0);
    }
  }
}

TEST_CASE("barlow twins: float gradients, half, columns first; threads change nothing") {
  const index n = 90, d = 60;
  const auto x = normal_rows<double>(n, d, 5), y = view_like(x, n, d, 6);
  std::vector<double> gx(x.size());
  const auto exact = barlow_twins(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), {.x = as_matrix(gx, n, d)});
  std::vector<float> xf(x.begin(), x.end()), yf(y.begin(), y.end()), gf(x.size()), again(x.size());
  const auto loss = barlow_twins(dispar::cpu{.each = {.threads = 1}}, as_matrix(xf, n, d), as_matrix(yf, n, d),
                                 {.x = as_matrix(gf, n, d)}, {.band_columns = 48});
  const auto many = barlow_twins(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, as_matrix(xf, n, d), as_matrix(yf, n, d),
                                 {.x = as_matrix(again, n, d)}, {.band_columns = 48});
  CHECK(loss.value == doctest::Approx(exact.value).epsilon(1e-6));
  CHECK(oracle::apart(gf, gx) < 2e-6);
  CHECK(std::memcmp(&loss, &many, sizeof loss) == 0);
  CHECK(gf == again);
  std::vector<dispar::half> xh, yh;
  for (const float v : xf) xh.push_back(static_cast<dispar::half>(v));
  for (const float v : yf) yh.push_back(static_cast<dispar::half>(v));
  CHECK(barlow_twins(cpu{}, as_matrix(xh, n, d), as_matrix(yh, n, d), {.x = as_matrix(gf, n, d)}).value ==
        doctest::Approx(plain_barlow(oracle::in_double(xh), oracle::in_double(yh), n).value(0.0051)).epsilon(1e-6));
  std::vector<double> columns(x.size()), gt(x.size());
  for (std::size_t e = 0; e < x.size(); ++e) columns[e % d * n + e / d] = x[e];
  const auto turned =
      barlow_twins(cpu{}, as_matrix(columns, d, n).transposed(), as_matrix(y, n, d), {.x = as_matrix(gt, d, n).transposed()});
  CHECK(turned.value == exact.value);
  for (std::size_t e = 0; e < x.size(); ++e) CHECK(gt[e % d * n + e / d] == gx[e]);
}

TEST_CASE("barlow twins: equal uncorrelated views give 0, constant columns, one row, large offsets") {
  // Columns of a Hadamard matrix: mean 0, variance 1, orthogonal.
  const std::vector<double> apart{1, 1, 1, -1, 1, -1, 1, -1, -1, -1, -1, 1};
  std::vector<double> g(12, 5.0);
  const auto none = barlow_twins(cpu{}, as_matrix(apart, 4, 3), as_matrix(apart, 4, 3), {.x = as_matrix(g, 4, 3)});
  CHECK(none.value < 1e-9);  // eps of the standardisation
  CHECK(none.off_diagonal < 1e-30);
  for (const double v : g) CHECK(std::fabs(v) < 1e-4);

  const std::vector<float> x{0.1f, 1, 0.1f, 2, 0.1f, 4}, y{3, 1, 5, 1, 4, 1};
  std::vector<float> gx(6), gy(6);
  const auto constant =
      barlow_twins(cpu{}, as_matrix(x, 3, 2), as_matrix(y, 3, 2), {.x = as_matrix(gx, 3, 2), .y = as_matrix(gy, 3, 2)});
  CHECK(constant.on_diagonal == doctest::Approx(2));
  for (const auto* all : {&gx, &gy})
    for (const float v : *all) CHECK(std::isfinite(v));
  const auto one = barlow_twins(cpu{}, as_matrix(x, 1, 6), as_matrix(y, 1, 6), {.x = as_matrix(gx, 1, 6)});
  CHECK(one.value == 6);
  for (const float v : gx) CHECK(v == 0);

  const auto z = normal_rows<float>(50, 4, 7), w = view_like(z, 50, 4, 8);
  std::vector<double> far(z.begin(), z.end()), there(w.begin(), w.end());
  const double near = barlow_twins(cpu{}, as_matrix(far, 50, 4), as_matrix(there, 50, 4)).value;
  for (double& v : far) v += 1e6;
  CHECK(barlow_twins(cpu{}, as_matrix(far, 50, 4), as_matrix(there, 50, 4)).value == doctest::Approx(near).epsilon(1e-8));
}

TEST_CASE("barlow twins: errors name what is wrong before any work") {
  std::vector<double> x{1, 2, 3, 4}, g{5, 5, 5, 5};
  const auto v = as_matrix(x, 2, 2);
  check_refused([&] { (void)barlow_twins(cpu{}, v, v.slice(0, 1)); }, "rows of y");
  check_refused([&] { (void)barlow_twins(cpu{}, v.slice(0, 0), v.slice(0, 0)); }, "rows of x");
  check_refused([&] { (void)barlow_twins(cpu{}, v, dispar::matrix_view<const double>(x.data(), 2, 1)); }, "columns of y");
  check_refused([&] { (void)barlow_twins(cpu{}, v, v, {.y = as_matrix(g, 4, 1)}); }, "gradient by y");
  check_refused([&] { (void)barlow_twins(cpu{}, v, v, {}, {.eps = 0}); }, "eps");
  check_refused([&] { (void)barlow_twins(cpu{}, v, v, {}, {.lambda = HUGE_VAL}); }, "lambda");
  check_refused([&] { (void)barlow_twins(cpu{}, v, v, {}, {.band_columns = -1}); }, "band_columns");
  check_refused([&] { contrastive::cross_correlation(cpu{}, v, v, as_matrix(g, 4, 1)); }, "cross_correlation: out");
  x[3] = std::numeric_limits<double>::quiet_NaN();
  check_refused([&] { (void)barlow_twins(cpu{}, v, v, {.x = as_matrix(g, 2, 2)}); }, "row 1");
  CHECK(g == std::vector<double>{5, 5, 5, 5});
}

}  // namespace contrastive_tests
