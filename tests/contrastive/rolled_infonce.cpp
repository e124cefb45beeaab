// InfoNCE with the positive among its negatives: stored logits, bands, threads, upstream factors, accumulation, what is no input.
#include "dispar/contrastive/rolled_infonce.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>

#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::temperature;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

/// Candidates of row i: its positive, then all rows of y.
oracle::answer by_stored_logits(const oracle::rows& x, const oracle::rows& y, double scale) {
  auto p = oracle::matched(x, y, {}, false, false, false);
  for (auto& candidates : p.candidates)
    for (std::size_t j = 0; j < y.size(); ++j) candidates.push_back(x.size() + j);
  return oracle::solve(p, scale, true);
}

}  // namespace

TEST_CASE_TEMPLATE("rolled_infonce: stored logits at sizes around a tile, by bands; never below log 2", T, float, double) {
  for (const auto& sizes : {std::array<index, 2>{1, 3}, {2, 2}, {49, 7}, {97, 33}})
    for (const index band : {0, 48}) {
      const index n = sizes[0], d = sizes[1];
      CAPTURE(n);
      CAPTURE(band);
      const auto x = normal_rows<T>(n, d, 1), y = normal_rows<T>(n, d, 2);
      const auto expected = by_stored_logits(oracle::rows_of(x, n), oracle::rows_of(y, n), 5);
      std::vector<T> gx(x.size(), T(9)), gy(y.size(), T(9));
      std::vector<double> losses(static_cast<std::size_t>(n));
      const auto got = contrastive::rolled_infonce(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), cosine{}, temperature{0.2},
                                                   {.x = as_matrix(gx, n, d), .y = as_matrix(gy, n, d)},
                                                   {.losses = dispar::view_of(losses), .band_rows = band});
      const double tolerance = sizeof(T) == 4 ? 5e-6 : 3e-14;
      CHECK(std::fabs(got.value - expected.loss) <= tolerance * (1 + expected.loss));
      CHECK(got.by_temperature == doctest::Approx(-expected.by_log_scale / 0.2).epsilon(10 * tolerance));
      CHECK(oracle::apart(losses, expected.losses) < tolerance);
      for (const double loss : losses) CHECK(loss >= std::log(2.0) - tolerance);
      if (n == 1) {
        CHECK(got.value == doctest::Approx(std::log(2.0)).epsilon(tolerance));
        for (const T v : gx) CHECK(std::fabs(v) < tolerance);
        continue;
      }
      CHECK(oracle::apart(gx, oracle::gradient_of(expected, 0, n)) < tolerance);
      CHECK(oracle::apart(gy, oracle::gradient_of(expected, n, n)) < tolerance);
    }
}

TEST_CASE("rolled_infonce: upstream factors, accumulation, sum, one gradient only; threads change nothing") {
  const index n = 70, d = 5;
  const auto x = normal_rows<double>(n, d, 3), y = normal_rows<double>(n, d, 4);
  const auto vx = as_matrix(x, n, d), vy = as_matrix(y, n, d);
  std::vector<double> gx(x.size()), gy(y.size());
  const auto run = [&](const auto& b) {
    const auto loss = contrastive::rolled_infonce(b, vx, vy, cosine{}, temperature{0.3},
                                                  {.x = as_matrix(gx, n, d), .y = as_matrix(gy, n, d)}, {.band_rows = 32});
    std::vector<double> all{loss.value, loss.by_temperature};
    all.insert(all.end(), gx.begin(), gx.end());
    all.insert(all.end(), gy.begin(), gy.end());
    return all;
  };
  const auto serial = run(dispar::cpu{.each = {.threads = 1}});
  const auto threads = run(dispar::tiled_host<dispar::openmp>{{.threads = 3}});
  CHECK(std::memcmp(serial.data(), threads.data(), serial.size() * sizeof(double)) == 0);

  const double upstream = 0.5;
  std::vector<double> added(y.size(), 7.0);
  const auto sum = contrastive::rolled_infonce(
      vx, vy, cosine{}, temperature{0.3},
      {.y = as_matrix(added, n, d), .factor = 3, .accumulate = true, .upstream = dispar::scalar_view<const double>(&upstream)},
      {.reduce = contrastive::reduction::sum});
  CHECK(sum.value == doctest::Approx(serial[0] * n));
  CHECK(sum.by_temperature == doctest::Approx(1.5 * serial[1] * n));
  for (std::size_t k = 0; k < added.size(); ++k) CHECK(added[k] == doctest::Approx(7 + 1.5 * n * gy[k]).epsilon(1e-10));
}

TEST_CASE("rolled_infonce: errors name what is wrong") {
  auto x = normal_rows<float>(4, 3, 5);
  const auto rows = as_matrix(x, 4, 3);
  std::vector<float> g(12);
  const auto run = [&](const auto& a, const auto& b, const contrastive::gradients<float>& to = {}) {
    (void)contrastive::rolled_infonce(cpu{}, a, b, cosine{}, temperature{}, to);
  };
  check_refused([&] { run(rows, rows, {.negatives = as_matrix(g, 4, 3)}); }, "rolled_infonce: gradient by negatives");
  check_refused([&] { run(rows, rows.slice(0, 3)); }, "rows of y");
  check_refused([&] { run(rows.slice(0, 0), rows.slice(0, 0)); }, "rows of x");
  x[4] = std::numeric_limits<float>::quiet_NaN();
  check_refused([&] { run(rows, rows); }, "x: row 1 holds NaN or infinity");
}

}  // namespace contrastive_tests
