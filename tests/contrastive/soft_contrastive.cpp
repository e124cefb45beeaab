// The soft contrastive loss of probabilistic embeddings: against stored pairs, central differences, bands, edge cases, and what
// is no input.
#include "dispar/contrastive/soft_contrastive.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::distance_logit;
using contrastive::inner_product;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

struct soft_answer {
  double matched = 0, unmatched = 0, by_scale = 0, by_shift = 0;
  oracle::rows gx, gy;
};

/// The formula, pair by pair, in double, of rows as they are.
template<class T>
soft_answer plain_soft(const std::vector<T>& xs, const std::vector<T>& ys, index rows, index samples, const distance_logit& of) {
  const auto x = oracle::rows_of(xs, rows), y = oracle::rows_of(ys, rows);
  const auto k = static_cast<std::size_t>(samples), items = x.size() / k, d = x[0].size();
  soft_answer r;
  r.gx = r.gy = oracle::rows(x.size(), std::vector<double>(d));
  for (std::size_t i = 0; i < items; ++i)
    for (std::size_t j = 0; j < items; ++j) {
      const double m = i == j ? 1 : -1;
      std::vector<double> distance, log_p;
      for (std::size_t e = 0; e < k * k; ++e) {
        double square = of.epsilon;
        for (std::size_t f = 0; f < d; ++f) {
          const double gap = x[i * k + e / k][f] - y[j * k + e % k][f];
          square += gap * gap;
        }
        distance.push_back(std::sqrt(square));
        const double z = -2 * m * (of.shift - of.scale * distance.back());
        log_p.push_back(-(std::fmax(z, 0.0) + std::log1p(std::exp(-std::fabs(z)))));
      }
      double most = log_p[0], sum = 0;
      for (const double l : log_p) most = std::fmax(most, l);
      for (const double l : log_p) sum += std::exp(l - most);
      (i == j ? r.matched : r.unmatched) += 2 * (std::log(static_cast<double>(k * k)) - most - std::log(sum));
      for (std::size_t e = 0; e < k * k; ++e) {
        const double by_logit = 2 * std::exp(log_p[e] - most) / sum * -2 * m * -std::expm1(log_p[e]);
        r.by_shift += by_logit;
        r.by_scale -= distance[e] * by_logit;
        for (std::size_t f = 0; f < d && distance[e] > 0; ++f) {
          const double g = -of.scale / distance[e] * by_logit * (x[i * k + e / k][f] - y[j * k + e % k][f]);
          r.gx[i * k + e / k][f] += g;
          r.gy[j * k + e % k][f] -= g;
        }
      }
    }
  return r;
}

std::vector<double> flat(const oracle::rows& g) {
  std::vector<double> all;
  for (const auto& row : g) all.insert(all.end(), row.begin(), row.end());
  return all;
}

/// Rows of y near those of x of the same item.
template<class T>
std::vector<T> near_rows(const std::vector<T>& x, index rows, index d) {
  auto y = normal_rows<T>(rows, d, 12);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(static_cast<double>(x[i]) + 0.1 * static_cast<double>(y[i]));
  return y;
}

}  // namespace

TEST_CASE_TEMPLATE("soft contrastive: stored pairs, one embedding and several, at sizes around a tile and by bands", T, float,
                   double) {
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
  for (const auto& sizes : {std::array<index, 3>{1, 1, 3}, {2, 1, 1}, {97, 1, 19}, {5, 3, 4}, {34, 4, 33}, {60, 2, 7}})
    for (const double shift : {15.0, 60.0})
      for (const index band : {0, 48}) {
        const index rows = sizes[0] * sizes[1], d = sizes[2];
        if (rows == 1 && shift > 15) continue;  // its gradient is too small for float
        CAPTURE(rows);
        CAPTURE(sizes[1]);
        CAPTURE(band);
        const auto x = normal_rows<T>(rows, d, 11), y = near_rows(x, rows, d);
        std::vector<T> gx(x.size()), gy(y.size());
        const distance_logit logit{15, shift, 1e-6};
        const auto expected = plain_soft(x, y, rows, sizes[1], logit);
        const auto vx = as_matrix(x, rows, d), vy = as_matrix(y, rows, d);
        const auto got = contrastive::soft_contrastive(cpu{}, vx, vy, inner_product{}, logit,
                                                       {.x = as_matrix(gx, rows, d), .y = as_matrix(gy, rows, d)},
                                                       {.samples = sizes[1], .band_rows = band});
        CHECK(got.value == doctest::Approx(expected.matched + expected.unmatched).epsilon(tolerance));
        CHECK(got.matched == doctest::Approx(expected.matched).epsilon(tolerance));
        CHECK(got.unmatched == doctest::Approx(expected.unmatched).epsilon(tolerance));
        CHECK(got.by_scale == doctest::Approx(expected.by_scale).epsilon(10 * tolerance));
        CHECK(got.by_shift == doctest::Approx(expected.by_shift).epsilon(10 * tolerance));
        CHECK(oracle::apart(gx, flat(expected.gx)) < 10 * tolerance);
        CHECK(oracle::apart(gy, flat(expected.gy)) < 10 * tolerance);
        const auto alone =
            contrastive::soft_contrastive(cpu{}, vx, vy, inner_product{}, logit, {}, {.samples = sizes[1], .band_rows = band});
        CHECK(alone.value == doctest::Approx(got.value).epsilon(1e-7));
        CHECK(alone.by_scale == 0);
      }
}

TEST_CASE("soft contrastive: central differences on the sphere; factor, upstream, accumulation, the mean, strides") {
  const double upstream = 0.5;
  for (const index samples : {1, 2}) {
    const index rows = 6, d = 3;
    const auto x = normal_rows<double>(rows, d, 13), y = normal_rows<double>(rows, d, 14);
    const distance_logit logit{4, 3, 1e-4};
    const contrastive::soft_contrastive_options o{.samples = samples, .reduce = contrastive::reduction::mean};
    const auto value = [&](const std::vector<double>& at_x, const std::vector<double>& at_y, const distance_logit& at) {
      return contrastive::soft_contrastive(cpu{}, as_matrix(at_x, rows, d), as_matrix(at_y, rows, d), cosine{}, at, {}, o).value;
    };
    std::vector<double> gx(x.size(), 1.0), gy(static_cast<std::size_t>(2 * rows * d), 7.0), wide(2 * x.size());
    for (std::size_t i = 0; i < x.size(); ++i) wide[2 * i] = x[i];
    const dispar::matrix_view<double> to_y(gy.data(), {rows, d}, {2 * d, 2});
    const auto loss = contrastive::soft_contrastive(cpu{}, dispar::matrix_view<const double>(wide.data(), {rows, d}, {2 * d, 2}),
                                                    as_matrix(y, rows, d), cosine{}, logit,
                                                    {.x = as_matrix(gx, rows, d),
                                                     .y = to_y,
                                                     .factor = 3,
                                                     .accumulate = true,
                                                     .upstream = dispar::scalar_view<const double>(&upstream)},
                                                    o);
    CHECK(loss.value == doctest::Approx(value(x, y, logit)).epsilon(1e-14));
    const auto by_x = central_differences(x, [&](const auto& at) { return value(at, y, logit); });
    const auto by_y = central_differences(y, [&](const auto& at) { return value(x, at, logit); });
    for (std::size_t i = 0; i < x.size(); ++i) {
      CHECK(gx[i] == doctest::Approx(1 + 1.5 * by_x[i]).epsilon(1e-6));
      CHECK(gy[2 * i] == doctest::Approx(7 + 1.5 * by_y[i]).epsilon(1e-6));
      CHECK(gy[2 * i + 1] == 7);
    }
    const double h = 1e-5;
    CHECK(loss.by_scale == doctest::Approx(1.5 * (value(x, y, {4 + h, 3, 1e-4}) - value(x, y, {4 - h, 3, 1e-4})) / (2 * h)));
    CHECK(loss.by_shift == doctest::Approx(1.5 * (value(x, y, {4, 3 + h, 1e-4}) - value(x, y, {4, 3 - h, 1e-4})) / (2 * h)));
    const auto numbers = contrastive::soft_contrastive(cpu{}, as_matrix(x, rows, d), as_matrix(y, rows, d), cosine{}, logit,
                                                       {.temperature = true, .factor = 1.5}, o);
    CHECK(numbers.by_scale == doctest::Approx(loss.by_scale).epsilon(1e-12));
  }
}

TEST_CASE("match probability: the formula; one embedding and several; other numbers of items") {
  const index samples = 3, d = 4;
  const auto x = normal_rows<float>(2 * samples, d, 15), y = normal_rows<float>(3 * samples, d, 16);
  std::vector<double> p(6);
  const distance_logit logit{2, 5, 1e-6};
  contrastive::match_probability(cpu{}, as_matrix(x, 2 * samples, d), as_matrix(y, 3 * samples, d), inner_product{}, logit,
                                 as_matrix(p, 2, 3), samples);
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 3; ++j) {
      double mean = 0;
      for (std::size_t e = 0; e < 9; ++e) {
        double square = 1e-6;
        for (std::size_t f = 0; f < 4; ++f) {
          const double gap = static_cast<double>(x[(3 * i + e / 3) * 4 + f]) - static_cast<double>(y[(3 * j + e % 3) * 4 + f]);
          square += gap * gap;
        }
        mean += 1 / (1 + std::exp(-2 * (5 - 2 * std::sqrt(square)))) / 9;
      }
      CHECK(p[3 * i + j] == doctest::Approx(mean).epsilon(1e-12));
    }
  std::vector<double> wrong(4);
  check_refused(
      [&] {
        contrastive::match_probability(cpu{}, as_matrix(x, 6, d), as_matrix(y, 9, d), inner_product{}, logit,
                                       as_matrix(wrong, 2, 2), samples);
      },
      "columns of p");
}

TEST_CASE_TEMPLATE("soft contrastive: large logits, coincident rows, rows of any magnitude, one pair", T, float, double) {
  SUBCASE("|s| in the thousands: losses stay numbers, those of far pairs vanish") {
    for (const index samples : {1, 2}) {
      auto x = normal_rows<T>(8, 5, 17), y = normal_rows<T>(8, 5, 18);
      for (T& v : y) v *= T(100);
      std::vector<T> gx(x.size());
      const auto expected = plain_soft(x, y, 8, samples, distance_logit{});
      const auto loss = contrastive::soft_contrastive(cpu{}, as_matrix(x, 8, 5), as_matrix(y, 8, 5), inner_product{}, {},
                                                      {.x = as_matrix(gx, 8, 5)}, {.samples = samples});
      CHECK(expected.matched > 1000);
      CHECK(loss.value == doctest::Approx(expected.matched + expected.unmatched).epsilon(1e-12));
      CHECK(oracle::apart(gx, flat(expected.gx)) < 1e-6);
    }
  }
  SUBCASE("all rows are one: no gradient, with and without epsilon") {
    for (const double epsilon : {0.0, 1e-6})
      for (const index samples : {1, 2}) {
        const std::vector<T> x(24, T(0.7));
        std::vector<T> gx(x.size(), T(1)), gy(x.size(), T(1));
        const distance_logit logit{15, 15, epsilon};
        const auto loss =
            contrastive::soft_contrastive(cpu{}, as_matrix(x, 6, 4), as_matrix(x, 6, 4), inner_product{}, logit,
                                          {.x = as_matrix(gx, 6, 4), .y = as_matrix(gy, 6, 4)}, {.samples = samples});
        const auto expected = plain_soft(x, x, 6, samples, logit);
        CHECK(loss.value == doctest::Approx(expected.matched + expected.unmatched).epsilon(1e-6));
        CHECK(oracle::apart(gx, std::vector<double>(24, 0.0)) == 0);
        CHECK(oracle::apart(gy, std::vector<double>(24, 0.0)) == 0);
      }
  }
  SUBCASE("rows whose squares just fit") {
    for (const index samples : {1, 2}) {
      auto x = normal_rows<T>(4, 3, 19), y = normal_rows<T>(4, 3, 20);
      const T factor = sizeof(T) == 4 ? T(1e18) : static_cast<T>(1e150);
      for (auto* all : {&x, &y})
        for (T& v : *all) v *= factor;
      std::vector<T> gx(x.size());
      const auto loss = contrastive::soft_contrastive(cpu{}, as_matrix(x, 4, 3), as_matrix(y, 4, 3), inner_product{}, {},
                                                      {.x = as_matrix(gx, 4, 3)}, {.samples = samples});
      CHECK(std::isfinite(loss.value));
      CHECK(std::isfinite(loss.by_scale));
      for (const T v : gx) CHECK(v == v);
    }
  }
  SUBCASE("a row of zeros on the sphere has no direction") {
    auto x = normal_rows<T>(4, 3, 21);
    const auto y = normal_rows<T>(4, 3, 22);
    for (std::size_t k = 0; k < 3; ++k) x[k] = T(0);
    std::vector<T> gx(x.size(), T(1));
    const auto loss =
        contrastive::soft_contrastive(cpu{}, as_matrix(x, 4, 3), as_matrix(y, 4, 3), cosine{}, {}, {.x = as_matrix(gx, 4, 3)});
    CHECK(std::isfinite(loss.value));
    for (std::size_t k = 0; k < 3; ++k) CHECK(gx[k] == T(0));
  }
}

TEST_CASE("soft contrastive: half rows, the same bits for any number of threads") {
  const index rows = 120, d = 9;
  const auto x = normal_rows<float>(rows, d, 23), y = near_rows(x, rows, d);
  for (const index samples : {1, 3}) {
    std::vector<dispar::half> hx, hy;
    std::vector<float> fx, fy;
    for (std::size_t i = 0; i < x.size(); ++i) {
      hx.emplace_back(x[i]);
      hy.emplace_back(y[i]);
      fx.push_back(static_cast<float>(hx.back()));
      fy.push_back(static_cast<float>(hy.back()));
    }
    std::vector<float> of_half(x.size()), of_float(x.size());
    const contrastive::soft_contrastive_options o{.samples = samples, .band_rows = 48};
    const auto one = contrastive::soft_contrastive(dispar::cpu{.each = {.threads = 1}}, as_matrix(fx, rows, d),
                                                   as_matrix(fy, rows, d), cosine{}, {}, {.x = as_matrix(of_float, rows, d)}, o);
    const auto many = contrastive::soft_contrastive(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, as_matrix(hx, rows, d),
                                                    as_matrix(hy, rows, d), cosine{}, {}, {.x = as_matrix(of_half, rows, d)}, o);
    CHECK(one.value == many.value);
    CHECK(one.by_scale == many.by_scale);
    CHECK(of_float == of_half);
  }
}

TEST_CASE("soft contrastive: what is refused") {
  const auto x = normal_rows<double>(6, 3, 24);
  const auto v = as_matrix(x, 6, 3);
  const auto call = [&](const distance_logit& logit, const contrastive::soft_contrastive_options& o) {
    return [&v, logit, o] { (void)contrastive::soft_contrastive(cpu{}, v, v, inner_product{}, logit, {}, o); };
  };
  check_refused(call({}, {.samples = 0}), "samples");
  check_refused(call({}, {.samples = 4}), "multiple of samples");
  check_refused(call({}, {.band_rows = -1}), "band_rows");
  check_refused(call({HUGE_VAL, 0, 0}, {}), "distance_logit: scale");
  check_refused(call({1, std::nan(""), 0}, {}), "distance_logit: shift");
  check_refused(call({1, 1, -1}, {}), "distance_logit: epsilon");
  check_refused(
      [&] {
        (void)contrastive::soft_contrastive(cpu{}, v, v, inner_product{}, {},
                                            {.negatives = as_matrix(const_cast<std::vector<double>&>(x), 6, 3)});
      },
      "no negatives");
  auto bad = x;
  bad[4] = std::nan("");
  check_refused([&] { (void)contrastive::soft_contrastive(cpu{}, as_matrix(bad, 6, 3), v); }, "NaN");
  check_refused([&] { (void)contrastive::soft_contrastive(cpu{}, v, as_matrix(x, 3, 6)); }, "rows of y");
}

}  // namespace contrastive_tests
