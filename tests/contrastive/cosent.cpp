// CoSENT: the sum over all ordered pairs by its definition, differences, ties, runs of many pairs, huge factors.
#include "dispar/contrastive/cosent.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

double defined(const std::vector<double>& x, const std::vector<double>& y, const std::vector<double>& scores, index d,
               double lambda) {
  std::vector<double> c;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t k = i * static_cast<std::size_t>(d); k < (i + 1) * static_cast<std::size_t>(d); ++k)
      xy += x[k] * y[k], xx += x[k] * x[k], yy += y[k] * y[k];
    c.push_back(xy / std::sqrt(xx * yy));
  }
  double most = 0, sum = 0;
  for (int pass = 0; pass < 2; ++pass) {
    if (pass == 1) sum = std::exp(-most);
    for (std::size_t i = 0; i < c.size(); ++i)
      for (std::size_t j = 0; j < c.size(); ++j) {
        if (!(scores[i] > scores[j])) continue;
        const double z = lambda * (c[j] - c[i]);
        if (pass == 0)
          most = std::max(most, z);
        else
          sum += std::exp(z - most);
      }
  }
  return most + std::log(sum);
}

template<class T>
void check(index n, index levels, double lambda) {
  CAPTURE(n);
  CAPTURE(levels);
  CAPTURE(lambda);
  const index d = 6;
  const auto x = normal_rows<T>(n, d, 1), y = normal_rows<T>(n, d, 2);
  std::vector<T> scores, gx(x.size()), gy(y.size());
  std::vector<double> wide, similar(static_cast<std::size_t>(n));
  for (index i = 0; i < n; ++i) {
    scores.push_back(static_cast<T>((i * 7919) % levels) / T(4) - T(1));
    wide.push_back(static_cast<double>(scores.back()));
  }
  const std::vector<double> wx(x.begin(), x.end()), wy(y.begin(), y.end());
  double loss[2];
  std::vector<T> first;
  for (int threads : {1, 2}) {
    loss[threads - 1] = contrastive::cosent(cpu{.each = {.threads = threads}}, as_matrix(x, n, d), as_matrix(y, n, d), scores,
                                            cosine{}, {.x = as_matrix(gx, n, d), .y = as_matrix(gy, n, d)},
                                            {.lambda = lambda, .similarities = {similar.data(), n}});
    if (threads == 1) first = gx;
  }
  CHECK(loss[0] == loss[1]);
  CHECK(first == gx);
  CHECK(loss[0] == doctest::Approx(defined(wx, wy, wide, d, lambda)).epsilon(1e-11));
  if (n > 60) return;
  const double near = 5e-6;
  CHECK(oracle::apart(gx, central_differences(wx, [&](const auto& v) { return defined(v, wy, wide, d, lambda); })) < near);
  CHECK(oracle::apart(gy, central_differences(wy, [&](const auto& v) { return defined(wx, v, wide, d, lambda); })) < near);
}

}  // namespace

TEST_CASE_TEMPLATE("CoSENT: all ordered pairs, whatever the scores share; any number of threads", T, float, double) {
  check<T>(31, 31, 20);
  check<T>(31, 4, 20);
  check<T>(50, 2, 3);
  check<T>(700, 1000, 20);  // several runs
  check<T>(700, 3, 20);     // scores that span runs
  check<T>(40, 40, 5000);   // exponents that no double holds
}

TEST_CASE("CoSENT: one pair, equal scores and the right order by far") {
  const std::vector<double> x{1, 0, 1, 0, 1, 0}, y{1, 0, 0, 1, -1, 0};
  std::vector<double> g(6, 3.0);
  const auto run = [&](index n, const std::vector<double>& scores) {
    return contrastive::cosent(cpu{}, as_matrix(x, 3, 2).slice(0, n), as_matrix(y, 3, 2).slice(0, n), scores, cosine{},
                               {.x = as_matrix(g, 3, 2).slice(0, n)});
  };
  CHECK(run(1, {5}) == 0.0);
  CHECK(run(3, {2, 2, 2}) == 0.0);
  CHECK(g == std::vector<double>(6, 0.0));
  CHECK(run(3, {3, 2, 1}) == doctest::Approx(std::log1p(2 * std::exp(-20.0) + std::exp(-40.0))).epsilon(1e-12));
}

TEST_CASE("CoSENT: what is refused") {
  const std::vector<double> x(6, 1.0);
  const auto run = [&](const std::vector<double>& scores, double lambda) {
    (void)contrastive::cosent(cpu{}, as_matrix(x, 3, 2), as_matrix(x, 3, 2), scores, cosine{}, {}, {.lambda = lambda});
  };
  CHECK_THROWS_AS(run({1, 2}, 20), dispar::invalid_argument);
  CHECK_THROWS_AS(run({1, 2, 3}, 0), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(run({1, std::nan(""), 3}, 20), doctest::Contains("NaN"), dispar::invalid_argument);
}

}  // namespace contrastive_tests
