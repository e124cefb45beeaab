// The batch-hard triplet loss: plain loops, central differences, bands, ties, who is an anchor, edge cases, what is no input.
#include "dispar/contrastive/triplet.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"
#include "triplet_oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::hinge_margin;
using contrastive::inner_product;
using contrastive::soft_margin;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;
constexpr double soft = -HUGE_VAL;

std::vector<std::int64_t> some_labels(index n, index classes) {
  std::vector<std::int64_t> labels;
  for (index i = 0; i < n; ++i) labels.push_back((i * i + 3 * i) % (2 * classes + 1) - classes);
  return labels;
}

template<class T>
constexpr double accuracy = sizeof(T) == 4 ? 1e-6 : 1e-13;

}  // namespace

TEST_CASE_TEMPLATE("triplet: plain loops, both margins, both similarities, at sizes around a tile, by bands", T, float, double) {
  for (const auto& sizes : {std::array<index, 3>{2, 1, 1}, {5, 3, 1}, {49, 7, 3}, {97, 33, 5}, {200, 16, 20}})
    for (const index band : {0, 48})
      for (const bool on_sphere : {false, true})
        for (const double margin : {0.3, soft}) {
          const index n = sizes[0], d = sizes[1];
          CAPTURE(n);
          CAPTURE(band);
          CAPTURE(on_sphere);
          CAPTURE(margin);
          const auto x = normal_rows<T>(n, d, 1);
          const auto labels = some_labels(n, sizes[2]);
          const auto expected = oracle::triplets(oracle::rows_of(x, n), labels, margin, on_sphere);
          std::vector<T> g(x.size(), T(9));
          std::vector<double> losses(static_cast<std::size_t>(n), 9);
          std::vector<contrastive::hardest_rows> mined(static_cast<std::size_t>(n));
          const auto run = [&](const auto& how, const auto& by) {
            return contrastive::triplet(cpu{}, as_matrix(x, n, d), labels, how, by, {.x = as_matrix(g, n, d)},
                                        {.losses = dispar::view_of(losses), .mined = dispar::view_of(mined), .band_rows = band});
          };
          const auto by_margin = [&](const auto& how) {
            return margin == soft ? run(how, soft_margin{}) : run(how, hinge_margin{margin});
          };
          const auto got = on_sphere ? by_margin(cosine{}) : by_margin(inner_product{});
          CHECK(std::fabs(got.value - expected.value) <= accuracy<T> * (1 + expected.value));
          CHECK(got.anchors == expected.anchors);
          CHECK(got.nonzero == expected.nonzero);
          CHECK(oracle::apart(losses, expected.losses) < accuracy<T>);
          CHECK(oracle::apart(g, expected.gradient) < accuracy<T>);
          for (std::size_t i = 0; i < mined.size(); ++i) {
            REQUIRE(mined[i].positive == expected.positive[i]);
            REQUIRE(mined[i].negative == expected.negative[i]);
            REQUIRE(std::fabs(mined[i].to_positive - expected.to_positive[i]) <= 10 * accuracy<T>);
            REQUIRE(std::fabs(mined[i].to_negative - expected.to_negative[i]) <= 10 * accuracy<T>);
          }
        }
}

TEST_CASE("triplet: gradients by central differences, upstream factors, accumulation, strides, sum, means of nonzero losses") {
  const index n = 12, d = 3;
  const auto x = normal_rows<double>(n, d, 3);
  const auto labels = some_labels(n, 2);
  const double upstream = 0.5;
  for (const bool on_sphere : {false, true})
    for (const bool nonzero : {false, true})
      for (const double margin : {-0.2, soft}) {
        CAPTURE(on_sphere);
        CAPTURE(nonzero);
        CAPTURE(margin);
        std::vector<double> g(static_cast<std::size_t>(2 * n * d), 7.0);
        const dispar::matrix_view<double> every_other(g.data(), {n, d}, {2 * d, 2});
        const auto run = [&](const auto& how, const auto& by) {
          return contrastive::triplet(
              cpu{}, as_matrix(x, n, d), labels, how, by,
              {.x = every_other, .factor = 3, .accumulate = true, .upstream = dispar::scalar_view<const double>(&upstream)},
              {.nonzero_only = nonzero, .band_rows = 5});
        };
        const auto by_margin = [&](const auto& how) {
          return margin == soft ? run(how, soft_margin{}) : run(how, hinge_margin{margin});
        };
        const auto loss = on_sphere ? by_margin(cosine{}) : by_margin(inner_product{});
        const auto plain = [&](const std::vector<double>& at) {
          return oracle::triplets(oracle::rows_of(at, n), labels, margin, on_sphere, nonzero).value;
        };
        CHECK(loss.value == doctest::Approx(plain(x)).epsilon(1e-12));
        const auto expected = central_differences(x, plain);
        for (std::size_t k = 0; k < x.size(); ++k) {
          CHECK(g[k / d * 2 * d + 2 * (k % d)] == doctest::Approx(7 + 1.5 * expected[k]).epsilon(1e-7));
          CHECK(g[k / d * 2 * d + 2 * (k % d) + 1] == 7.0);
        }
      }
  std::vector<double> by_mean(x.size()), by_sum(x.size());
  const auto mean =
      contrastive::triplet(cpu{}, as_matrix(x, n, d), labels, inner_product{}, hinge_margin{}, {.x = as_matrix(by_mean, n, d)});
  const auto sum = contrastive::triplet(cpu{}, as_matrix(x, n, d), labels, inner_product{}, hinge_margin{},
                                        {.x = as_matrix(by_sum, n, d)}, {.reduce = contrastive::reduction::sum});
  CHECK(sum.value == doctest::Approx(mean.value * mean.anchors));
  for (std::size_t k = 0; k < x.size(); ++k) CHECK(by_sum[k] == doctest::Approx(by_mean[k] * mean.anchors));
}

TEST_CASE_TEMPLATE("triplet: among equal distances the lowest row, between points of a grid exactly, whatever the bands", T,
                   float, double) {
  // Corners of squares, repeated: every distance occurs many times, and coincident rows lie in two classes.
  const index n = 60;
  std::vector<T> x;
  std::vector<std::int32_t> labels;
  for (index i = 0; i < n; ++i) {
    x.push_back(static_cast<T>(i % 3));
    x.push_back(static_cast<T>(i / 3 % 2));
    labels.push_back(static_cast<std::int32_t>(i % 4));
  }
  const auto expected = oracle::triplets(oracle::rows_of(x, n), labels, 0.3);
  for (const index band : {0, 7, 48}) {
    CAPTURE(band);
    std::vector<T> g(x.size());
    std::vector<contrastive::hardest_rows> mined(static_cast<std::size_t>(n));
    const auto loss = contrastive::triplet(cpu{}, as_matrix(x, n, 2), labels, inner_product{}, hinge_margin{},
                                           {.x = as_matrix(g, n, 2)}, {.mined = dispar::view_of(mined), .band_rows = band});
    for (std::size_t i = 0; i < mined.size(); ++i) {
      CHECK(mined[i].positive == expected.positive[i]);
      CHECK(mined[i].negative == expected.negative[i]);
      CHECK(mined[i].to_negative == expected.to_negative[i]);
    }
    CHECK(loss.value == doctest::Approx(expected.value));
    CHECK(oracle::apart(g, expected.gradient) < accuracy<T>);
  }
}

TEST_CASE("triplet: no positive, no negative, one row, coincident rows, a hinge of exactly 0, rows of zeros, any magnitude") {
  std::vector<double> x{0, 0, 3, 4, 6, 8}, g(6, 5.0);
  const auto run = [&](const std::vector<std::int64_t>& labels, const auto& how, const auto& margin) {
    const auto n = static_cast<index>(labels.size());
    return contrastive::triplet(cpu{}, as_matrix(x, 3, 2).slice(0, n), labels, how, margin,
                                {.x = as_matrix(g, 3, 2).slice(0, n)});
  };
  const std::vector<double> nothing(6, 0.0);
  for (const auto& labels : {std::vector<std::int64_t>{1, 2, 3}, {4, 4, 4}}) {
    g.assign(6, 5.0);
    const auto loss = run(labels, inner_product{}, soft_margin{});
    CHECK(loss.value == 0);
    CHECK(loss.anchors == 0);
    CHECK(g == nothing);
  }
  g.assign(6, 5.0);
  CHECK(run({1}, inner_product{}, hinge_margin{}).anchors == 0);
  CHECK(g == std::vector<double>{0, 0, 5, 5, 5, 5});
  // Row 1 is at distance 5 from both others: gap 0, hinge exactly 0 without margin.
  auto loss = run({1, 1, 2}, inner_product{}, hinge_margin{0});
  CHECK(loss.value == 0);
  CHECK(loss.anchors == 2);
  CHECK(loss.nonzero == 0);
  CHECK(g == nothing);
  // Coincident rows: no direction.
  x.assign(6, 1.0);
  loss = run({1, 1, 2}, inner_product{}, hinge_margin{0.3});
  CHECK(loss.value == doctest::Approx(0.3));
  CHECK(g == nothing);
  x = {0, 0, 0, 0, 2, 0};
  loss = run({1, 1, 2}, cosine{}, hinge_margin{2});
  CHECK(loss.value == doctest::Approx(1));
  for (const double v : g) CHECK(std::isfinite(v));
  CHECK(g[0] == 0);
  for (const double scale : {1e-120, 1e120}) {
    x = {0, 0, 3 * scale, 4 * scale, 6 * scale, 0};
    loss = run({1, 1, 2}, inner_product{}, hinge_margin{scale});
    CHECK(loss.value == doctest::Approx((0.0 + 1) / 2 * scale));
  }
  std::vector<float> far{-1e18f, 1e18f, 1.1e18f}, by_far(3);
  const std::vector<std::int64_t> labels{1, 1, 2};
  const auto large =
      contrastive::triplet(cpu{}, as_matrix(far, 3, 1), labels, inner_product{}, hinge_margin{}, {.x = as_matrix(by_far, 3, 1)});
  CHECK(large.anchors == 2);
  CHECK(std::isfinite(large.value));
}

TEST_CASE("triplet: a batch twice is the same batch; threads change nothing; half and bfloat16") {
  const index n = 150, d = 9;
  const auto x = normal_rows<float>(n, d, 5);
  const auto labels = some_labels(n, 9);
  std::vector<float> first(x.size()), second(x.size());
  const auto alone = contrastive::triplet(dispar::cpu{.each = {.threads = 1}}, as_matrix(x, n, d), labels, cosine{},
                                          hinge_margin{}, {.x = as_matrix(first, n, d)});
  const auto many = contrastive::triplet(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, as_matrix(x, n, d), labels, cosine{},
                                         hinge_margin{}, {.x = as_matrix(second, n, d)});
  CHECK(alone.value == many.value);
  CHECK(first == second);
  REQUIRE(alone.anchors == n);
  auto twice = x;
  twice.insert(twice.end(), x.begin(), x.end());
  auto labels_twice = labels;
  labels_twice.insert(labels_twice.end(), labels.begin(), labels.end());
  CHECK(contrastive::triplet(as_matrix(twice, 2 * n, d), labels_twice, cosine{}).value ==
        doctest::Approx(alone.value).epsilon(1e-12));

  std::vector<dispar::half> rounded;
  std::vector<double> exact;
  for (const float v : x) {
    rounded.push_back(static_cast<dispar::half>(v));
    exact.push_back(static_cast<double>(static_cast<float>(rounded.back())));
  }
  const auto expected = oracle::triplets(oracle::rows_of(exact, n), labels, 0.3);
  const auto loss = contrastive::triplet(cpu{}, as_matrix(rounded, n, d), labels, inner_product{}, hinge_margin{0.3},
                                         {.x = as_matrix(first, n, d)});
  CHECK(loss.value == doctest::Approx(expected.value).epsilon(1e-6));
  CHECK(oracle::apart(first, expected.gradient) < 1e-6);
}

TEST_CASE("triplet: errors name what is wrong before any work") {
  std::vector<double> x{1, 2, 3, 4}, g{5, 5, 5, 5}, one(1);
  std::vector<contrastive::hardest_rows> three(3);
  const std::vector<std::int64_t> labels{1, 2}, few{1};
  const auto v = as_matrix(x, 2, 2);
  const auto run = [&](const auto& rows, const auto& of, double margin, const contrastive::row_gradient<double>& by,
                       const contrastive::triplet_options<>& o) {
    (void)contrastive::triplet(cpu{}, rows, of, inner_product{}, hinge_margin{margin}, by, o);
  };
  check_refused([&] { run(v, few, 0.3, {}, {}); }, "triplet: labels");
  check_refused([&] { run(v.slice(0, 0), labels, 0.3, {}, {}); }, "rows of x");
  check_refused([&] { run(v, labels, HUGE_VAL, {}, {}); }, "hinge_margin: margin");
  check_refused([&] { run(v, labels, 0.3, {.x = as_matrix(g, 4, 1)}, {}); }, "gradient by x");
  check_refused([&] { run(v, labels, 0.3, {}, {.losses = dispar::view_of(one)}); }, "triplet: losses");
  check_refused([&] { run(v, labels, 0.3, {}, {.mined = dispar::view_of(three)}); }, "triplet: mined");
  check_refused([&] { run(v, labels, 0.3, {}, {.band_rows = -1}); }, "band_rows");
  x[3] = std::numeric_limits<double>::quiet_NaN();
  check_refused([&] { run(v, labels, 0.3, {.x = as_matrix(g, 2, 2)}, {}); }, "row 1");
  CHECK(g == std::vector<double>{5, 5, 5, 5});
}

}  // namespace contrastive_tests
