// CORAL: plain loops, central differences, bands of columns, equal samples, what is no input.
#include "dispar/contrastive/coral.hpp"

#include <doctest/doctest.h>

#include <array>
#include <limits>

#include "columns_oracle.hpp"
#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

using dispar::as_matrix;
using dispar::cpu;
using dispar::index;
using dispar::contrastive::coral;

double plain_coral(const oracle::numbers& s, const oracle::numbers& t, index n, index m) {
  const auto cs = oracle::covariance(s, n), ct = oracle::covariance(t, m);
  double sum = 0;
  for (std::size_t e = 0; e < cs.size(); ++e) sum += (cs[e] - ct[e]) * (cs[e] - ct[e]);
  return sum / (4 * static_cast<double>(cs.size()));
}

}  // namespace

TEST_CASE_TEMPLATE("coral: plain loops, at sizes around a tile, by bands", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 5e-6 : 1e-12;
  for (const auto& sizes : {std::array<index, 3>{2, 3, 1}, {5, 2, 3}, {130, 77, 49}, {33, 50, 100}, {700, 300, 16}})
    for (const index band : {0, 48}) {
      const index n = sizes[0], m = sizes[1], d = sizes[2];
      CAPTURE(n);
      CAPTURE(band);
      const auto s = normal_rows<T>(n, d, 1, 3);
      auto t = normal_rows<T>(m, d, 2);
      for (T& v : t) v *= 2;
      CHECK(coral(cpu{}, as_matrix(s, n, d), as_matrix(t, m, d), {}, {.band_columns = band}) ==
            doctest::Approx(plain_coral(oracle::in_double(s), oracle::in_double(t), n, m)).epsilon(tolerance));
    }
}

TEST_CASE("coral: gradients by central differences, upstream factors, accumulation, strides, bands") {
  const index n = 7, m = 5, d = 4;
  const auto s = normal_rows<double>(n, d, 3), t = normal_rows<double>(m, d, 4);
  const double upstream = 0.5;
  for (const index band : {0, 1, 3}) {
    std::vector<double> gs(s.size(), 1.0), gt(static_cast<std::size_t>(2 * m * d), 7.0);
    const dispar::matrix_view<double> every_other(gt.data(), {m, d}, {2 * d, 2});
    (void)coral(cpu{}, as_matrix(s, n, d), as_matrix(t, m, d),
                {.x = as_matrix(gs, n, d),
                 .y = every_other,
                 .factor = 3,
                 .accumulate = true,
                 .upstream = dispar::scalar_view<const double>(&upstream)},
                {.band_columns = band});
    const auto by_s = central_differences(s, [&](const auto& at) { return plain_coral(at, t, n, m); });
    const auto by_t = central_differences(t, [&](const auto& at) { return plain_coral(s, at, n, m); });
    for (std::size_t e = 0; e < s.size(); ++e) CHECK(gs[e] == doctest::Approx(1 + 1.5 * by_s[e]).epsilon(1e-7));
    for (std::size_t e = 0; e < t.size(); ++e) {
      CHECK(gt[e / d * 2 * d + 2 * (e % d)] == doctest::Approx(7 + 1.5 * by_t[e]).epsilon(1e-7));
      CHECK(gt[e / d * 2 * d + 2 * (e % d) + 1] == 7.0);
    }
  }
}

TEST_CASE("coral: equal samples give 0 and no gradient, however large; threads change nothing; one gradient alone") {
  const index n = 90, d = 60;
  auto s = normal_rows<float>(n, d, 5, 10);
  for (float& v : s) v *= 1000;
  std::vector<float> gs(s.size(), 5.0f), again(s.size());
  // Covariances are 1e6: the loss would be of order 1 by a difference of squared norms.
  CHECK(coral(cpu{}, as_matrix(s, n, d), as_matrix(s, n, d), {.x = as_matrix(gs, n, d)}) < 1e-2);
  std::vector<double> exact(s.begin(), s.end());
  CHECK(coral(cpu{}, as_matrix(exact, n, d), as_matrix(exact, n, d)) < 1e-18);
  const auto t = normal_rows<float>(70, d, 6);
  const auto one = coral(dispar::cpu{.each = {.threads = 1}}, as_matrix(s, n, d), as_matrix(t, 70, d), {.x = as_matrix(gs, n, d)},
                         {.band_columns = 48});
  const auto three = coral(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, as_matrix(s, n, d), as_matrix(t, 70, d),
                           {.x = as_matrix(again, n, d)}, {.band_columns = 48});
  CHECK(one == three);
  CHECK(gs == again);
  std::vector<dispar::half> xh;
  for (const float v : t) xh.push_back(static_cast<dispar::half>(v));
  const auto half = as_matrix(xh, 70, d);
  CHECK(coral(cpu{}, half.slice(0, 30), half.slice(30, 40)) ==
        doctest::Approx(plain_coral(oracle::in_double(std::vector(xh.begin(), xh.begin() + 30 * d)),
                                    oracle::in_double(std::vector(xh.begin() + 30 * d, xh.end())), 30, 40))
            .epsilon(1e-5));
  std::vector<float> gt(t.size());
  (void)coral(cpu{}, as_matrix(s, n, d), as_matrix(t, 70, d), {.y = as_matrix(gt, 70, d)});
  CHECK(gt[0] != 0);
}

TEST_CASE("coral: a hundred thousand rows in float keep the digits of a few") {
  const index n = 100000, d = 16;
  const auto s = normal_rows<float>(n, d, 7, 1);
  const std::vector<double> exact_s(s.begin(), s.end());
  std::vector<float> g(s.size());
  std::vector<double> exact(s.size());
  // Samples of two distributions, and of one, whose covariances differ by a hundredth.
  for (const float scale : {1.5f, 1.0f}) {
    auto t = normal_rows<float>(n, d, 8);
    for (float& v : t) v *= scale;
    const std::vector<double> exact_t(t.begin(), t.end());
    const double loss = coral(cpu{}, as_matrix(s, n, d), as_matrix(t, n, d), {.x = as_matrix(g, n, d)});
    const double expected = coral(cpu{}, as_matrix(exact_s, n, d), as_matrix(exact_t, n, d), {.x = as_matrix(exact, n, d)});
    CHECK(loss == doctest::Approx(expected).epsilon(scale > 1 ? 1e-6 : 1e-4));
    CHECK(oracle::apart(g, exact) < (scale > 1 ? 2e-6 : 4e-5));
  }
}

TEST_CASE("coral: errors name what is wrong before any work") {
  std::vector<double> x{1, 2, 3, 4}, g{5, 5, 5, 5};
  const auto v = as_matrix(x, 2, 2);
  check_refused([&] { (void)coral(cpu{}, v.slice(0, 1), v); }, "rows of source");
  check_refused([&] { (void)coral(cpu{}, v, v.slice(0, 1)); }, "rows of target");
  check_refused([&] { (void)coral(cpu{}, v, dispar::matrix_view<const double>(x.data(), 2, 1)); }, "columns of target");
  check_refused([&] { (void)coral(cpu{}, v, v, {.y = as_matrix(g, 4, 1)}); }, "gradient by target");
  check_refused([&] { (void)coral(cpu{}, v, v, {}, {.band_columns = -1}); }, "band_columns");
  x[3] = std::numeric_limits<double>::quiet_NaN();
  check_refused([&] { (void)coral(cpu{}, v, v, {.x = as_matrix(g, 2, 2)}); }, "source: row 1");
  CHECK(g == std::vector<double>{5, 5, 5, 5});
}

}  // namespace contrastive_tests
