// The circle loss: stored logits, central differences with weights held, bands, threads, edge cases, what is no input.
#include "dispar/contrastive/circle.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>

#include "class_oracle.hpp"
#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::pairing;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

std::vector<std::int64_t> circle_labels(index n, index classes) {
  std::vector<std::int64_t> labels;
  for (index i = 0; i < n; ++i) labels.push_back(i % 7 == 5 ? 1000 + i : (i * i + 3 * i) % (2 * classes + 1) - classes);
  return labels;
}

}  // namespace

TEST_CASE_TEMPLATE("circle: stored logits, both pairings, at sizes around a tile, by bands", T, float, double) {
  for (const auto& sizes : {std::array<index, 3>{1, 2, 1}, {2, 1, 1}, {5, 3, 1}, {49, 7, 2}, {97, 33, 5}})
    for (const index band : {0, 48})
      for (const double gamma : {4.0, 256.0})
        for (const bool by_anchor : {false, true}) {
          const index n = sizes[0], d = sizes[1];
          CAPTURE(n);
          CAPTURE(band);
          CAPTURE(gamma);
          CAPTURE(by_anchor);
          const auto x = normal_rows<T>(n, d, 1);
          const auto labels = circle_labels(n, sizes[2]);
          const auto rows = oracle::rows_of(x, n);
          const auto expected = oracle::circle(rows, rows, labels, 0.25, gamma, by_anchor);
          std::vector<T> g(x.size(), T(9));
          std::vector<double> losses(static_cast<std::size_t>(n), 9);
          contrastive::circle_options<> o{
              .gamma = gamma, .pairs = by_anchor ? pairing::anchor : pairing::global, .band_rows = band};
          if (by_anchor) o.losses = dispar::view_of(losses);
          const auto got = contrastive::circle(cpu{}, as_matrix(x, n, d), labels, cosine{}, {.x = as_matrix(g, n, d)}, o);
          const double tolerance = sizeof(T) == 4 ? gamma * 5e-7 : 1e-12;
          CHECK(got.anchors == expected.anchors);
          CHECK(std::fabs(got.value - expected.value) <= tolerance);
          CHECK(oracle::apart(g, expected.by_x) < tolerance);
          if (by_anchor) CHECK(oracle::apart(losses, expected.losses) < tolerance);
        }
}

TEST_CASE("circle: central differences with the weights held, upstream factors, accumulation, strides, sum") {
  const index n = 12, d = 3;
  const auto x = normal_rows<double>(n, d, 3);
  const auto labels = circle_labels(n, 1);
  const auto held = oracle::rows_of(x, n);
  const double upstream = 0.5;
  for (const auto pairs : {pairing::global, pairing::anchor}) {
    const auto plain = [&](const std::vector<double>& at) {
      return oracle::circle(oracle::rows_of(at, n), held, labels, 0.4, 3, pairs == pairing::anchor).value;
    };
    std::vector<double> g(2 * x.size(), 7.0), columns(x.size());
    for (index i = 0; i < n; ++i)
      for (index k = 0; k < d; ++k) columns[static_cast<std::size_t>(k * n + i)] = x[static_cast<std::size_t>(i * d + k)];
    const auto rows = as_matrix(std::as_const(columns), d, n).transposed();
    const auto loss = contrastive::circle(cpu{}, rows, labels, cosine{},
                                          {.x = dispar::matrix_view<double>(g.data(), {n, d}, {2 * d, 2}),
                                           .factor = 3,
                                           .accumulate = true,
                                           .upstream = dispar::scalar_view<const double>(&upstream)},
                                          {.margin = 0.4, .gamma = 3, .pairs = pairs, .band_rows = 5});
    CHECK(loss.value == doctest::Approx(plain(x)).epsilon(1e-12));
    const auto expected = central_differences(x, plain);
    for (std::size_t k = 0; k < x.size(); ++k) {
      CHECK(g[k / d * 2 * d + 2 * (k % d)] == doctest::Approx(7 + 1.5 * expected[k]).epsilon(1e-7));
      CHECK(g[k / d * 2 * d + 2 * (k % d) + 1] == 7.0);
    }
    const auto sum = contrastive::circle(rows, labels, cosine{}, {},
                                         {.margin = 0.4, .gamma = 3, .pairs = pairs, .reduce = contrastive::reduction::sum});
    CHECK(sum.value == doctest::Approx(loss.value * loss.anchors));
  }
}

TEST_CASE("circle: threads change nothing, bands nothing but rounding") {
  const index n = 150, d = 11;
  const auto x = normal_rows<double>(n, d, 6);
  const auto labels = circle_labels(n, 4);
  std::vector<double> g(x.size());
  for (const auto pairs : {pairing::global, pairing::anchor}) {
    const auto run = [&](const auto& b, index band) {
      const auto loss = contrastive::circle(b, as_matrix(x, n, d), labels, cosine{}, {.x = as_matrix(g, n, d)},
                                            {.pairs = pairs, .band_rows = band});
      std::vector<double> all{loss.value, loss.anchors};
      all.insert(all.end(), g.begin(), g.end());
      return all;
    };
    const auto whole = run(cpu{}, 0);
    for (const index band : {1, 7, 64, 149}) CHECK(oracle::apart(run(cpu{}, band), whole) < 1e-11);
    const auto serial = run(dispar::cpu{.each = {.threads = 1}}, 64);
    const auto threads = run(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, 64);
    CHECK(std::memcmp(serial.data(), threads.data(), serial.size() * sizeof(double)) == 0);
  }
}

TEST_CASE_TEMPLATE("circle: a missing kind of pairs, coincident rows, rows of zeros, huge gamma, lengths of any magnitude", T,
                   float, double) {
  const index n = 10, d = 3;
  auto x = normal_rows<T>(n, d, 7);
  std::vector<T> g(x.size());
  std::vector<std::int64_t> alone, one_class(static_cast<std::size_t>(n), 4), three;
  for (index i = 0; i < n; ++i) {
    alone.push_back(-i);
    three.push_back(i % 3);
  }
  for (const auto pairs : {pairing::global, pairing::anchor}) {
    const auto run = [&](const auto& labels, double gamma = 256) {
      g.assign(g.size(), T(9));
      return contrastive::circle(cpu{}, as_matrix(x, n, d), labels, cosine{.floor = 0}, {.x = as_matrix(g, n, d)},
                                 {.gamma = gamma, .pairs = pairs});
    };
    for (const auto* labels : {&alone, &one_class}) {
      const auto none = run(*labels);
      CHECK(none.value == 0);
      CHECK(none.anchors == 0);
      for (const T v : g) CHECK(v == 0);
    }
    // The largest logits alone count: L / gamma is their sum.
    const double huge = run(three, 1e10).value, large = run(three, 1e5).value;
    CHECK(huge / 1e10 == doctest::Approx(large / 1e5).epsilon(1e-3));
    for (const T v : g) CHECK(!dispar::is_special(v));
    const double before = run(three).value;
    auto scaled = x;
    for (std::size_t k = 0; k < x.size(); ++k) scaled[k] = x[k] * (k / d % 2 == 0 ? T(1e-20) : T(1e18));
    std::swap(x, scaled);
    CHECK(run(three).value == doctest::Approx(before).epsilon(1e-5));
    std::swap(x, scaled);
    scaled = x;
    for (std::size_t k = 0; k < d; ++k) {
      x[k] = 0;
      x[2 * d + k] = x[d + k];
    }
    CHECK(!dispar::is_special(run(three).value));
    for (std::size_t k = 0; k < d; ++k) CHECK(g[k] == 0);
    x = scaled;
  }
  // Perfect classes at a right angle, one positive pair and two negative ones: every logit is -gamma m^2.
  const std::vector<T> unit{1, 0, 0, 1, 1, 0};
  const std::vector<std::int64_t> two{0, 1, 0};
  const auto small = contrastive::circle(as_matrix(unit, 3, 2), two, cosine{}, {}, {.gamma = 256});
  CHECK(small.value == doctest::Approx(2 * std::exp(-2 * 256 * 0.0625)).epsilon(1e-4));
}

TEST_CASE("circle: errors name what is wrong") {
  const index n = 4, d = 3;
  auto x = normal_rows<float>(n, d, 8);
  const std::vector<std::int32_t> labels{1, 1, 2, 2};
  const auto rows = as_matrix(std::as_const(x), n, d);
  std::vector<float> g(12);
  std::vector<double> losses(4);
  const auto run = [&](const auto& v, const auto& l, const contrastive::row_gradient<float>& to = {},
                       const contrastive::circle_options<>& o = {}) { (void)contrastive::circle(cpu{}, v, l, cosine{}, to, o); };
  check_refused([&] { run(rows.slice(0, 0), labels); }, "circle: rows of x must be at least 1");
  check_refused([&] { run(rows.slice(0, 3), labels); }, "circle: labels must be one per row, got 4");
  check_refused([&] { run(rows, labels, {.x = as_matrix(g, 3, 4)}); }, "circle: gradient by x");
  check_refused([&] { run(rows, labels, {}, {.margin = HUGE_VAL}); }, "circle: margin");
  check_refused([&] { run(rows, labels, {}, {.gamma = 0}); }, "circle: gamma");
  check_refused([&] { run(rows, labels, {}, {.losses = dispar::view_of(losses)}); }, "circle: losses need pairing::anchor");
  losses.pop_back();
  check_refused([&] { run(rows, labels, {}, {.pairs = pairing::anchor, .losses = dispar::view_of(losses)}); },
                "circle: losses must have one entry per row");
  check_refused([&] { run(rows, labels, {}, {.band_rows = -1}); }, "circle: band_rows");
  x[7] = std::numeric_limits<float>::infinity();
  check_refused([&] { run(rows, labels); }, "x: row 2 holds NaN or infinity");
}

}  // namespace contrastive_tests
