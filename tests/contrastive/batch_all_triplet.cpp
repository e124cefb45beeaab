// The batch-all triplet loss: plain loops over triplets, central differences, bands, edge cases, what is no input.
#include "dispar/contrastive/batch_all_triplet.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "class_oracle.hpp"
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

/// loss(similarity, margin) for the two of either.
template<class Loss>
auto with_policies(bool on_sphere, double margin, const Loss& loss) {
  if (margin == soft) return on_sphere ? loss(cosine{}, soft_margin{}) : loss(inner_product{}, soft_margin{});
  return on_sphere ? loss(cosine{}, hinge_margin{margin}) : loss(inner_product{}, hinge_margin{margin});
}

template<class T>
constexpr double accuracy = sizeof(T) == 4 ? 2e-6 : 1e-13;

}  // namespace

TEST_CASE_TEMPLATE("batch-all triplet: plain loops, both margins, both similarities, at sizes around a tile, by bands", T, float,
                   double) {
  for (const auto& sizes : {std::array<index, 2>{1, 3}, {2, 1}, {5, 3}, {49, 7}, {97, 33}})
    for (const index band : {0, 20})
      for (const bool on_sphere : {false, true})
        for (const double margin : {0.3, soft}) {
          const index n = sizes[0], d = sizes[1];
          CAPTURE(n);
          CAPTURE(band);
          CAPTURE(on_sphere);
          CAPTURE(margin);
          const auto x = normal_rows<T>(n, d, 1);
          const auto labels = square_labels(n);
          const auto expected = oracle::batch_all(oracle::rows_of(x, n), labels, margin, on_sphere);
          std::vector<T> g(x.size(), T(9));
          std::vector<double> losses(static_cast<std::size_t>(n), 9);
          const auto run = [&](const contrastive::row_gradient<T>& by) {
            return with_policies(on_sphere, margin, [&](const auto& how, const auto& loss) {
              return contrastive::batch_all_triplet(cpu{}, as_matrix(x, n, d), labels, how, loss, by,
                                                    {.losses = dispar::view_of(losses), .band_rows = band});
            });
          };
          const auto got = run({.x = as_matrix(g, n, d)});
          CHECK(std::fabs(got.value - expected.value) <= accuracy<T> * (1 + expected.value));
          CHECK(got.triplets == expected.triplets);
          CHECK(got.nonzero == expected.nonzero);
          CHECK(oracle::apart(losses, expected.losses) < accuracy<T>);
          if (expected.triplets > 0)
            CHECK(oracle::apart(g, expected.gradient) < accuracy<T>);
          else
            for (const T v : g) CHECK(v == 0);
          CHECK(run({}).value == got.value);
        }
}

TEST_CASE("batch-all triplet: central differences, upstream factors, accumulation, strides, sum, means of nonzero losses") {
  const index n = 12, d = 3;
  const auto x = normal_rows<double>(n, d, 3);
  const auto labels = square_labels(n);
  const double upstream = 0.5;
  for (const bool on_sphere : {false, true})
    for (const bool nonzero : {false, true})
      for (const double margin : {-0.2, soft}) {
        CAPTURE(on_sphere);
        CAPTURE(nonzero);
        CAPTURE(margin);
        std::vector<double> g(static_cast<std::size_t>(2 * n * d), 7.0);
        const dispar::matrix_view<double> every_other(g.data(), {n, d}, {2 * d, 2});
        const auto loss = with_policies(on_sphere, margin, [&](const auto& how, const auto& by) {
          return contrastive::batch_all_triplet(
              cpu{}, as_matrix(x, n, d), labels, how, by,
              {.x = every_other, .factor = 3, .accumulate = true, .upstream = dispar::scalar_view<const double>(&upstream)},
              {.nonzero_only = nonzero, .band_rows = 5});
        });
        const auto plain = [&](const std::vector<double>& at) {
          return oracle::batch_all(oracle::rows_of(at, n), labels, margin, on_sphere, nonzero).value;
        };
        CHECK(loss.value == doctest::Approx(plain(x)).epsilon(1e-12));
        const auto expected = central_differences(x, plain);
        for (std::size_t k = 0; k < x.size(); ++k) {
          CHECK(g[k / d * 2 * d + 2 * (k % d)] == doctest::Approx(7 + 1.5 * expected[k]).epsilon(1e-7));
          CHECK(g[k / d * 2 * d + 2 * (k % d) + 1] == 7.0);
        }
      }
  std::vector<double> by_mean(x.size()), by_sum(x.size());
  const auto run = [&](std::vector<double>& g, contrastive::reduction reduce) {
    return contrastive::batch_all_triplet(as_matrix(x, n, d), labels, inner_product{}, hinge_margin{}, {.x = as_matrix(g, n, d)},
                                          {.reduce = reduce});
  };
  const auto mean = run(by_mean, contrastive::reduction::mean), sum = run(by_sum, contrastive::reduction::sum);
  CHECK(sum.value == doctest::Approx(mean.value * mean.triplets));
  for (std::size_t k = 0; k < x.size(); ++k) CHECK(by_sum[k] == doctest::Approx(by_mean[k] * mean.triplets));
}

TEST_CASE("batch-all triplet: no triplet, coincident rows, a hinge of exactly 0, rows of zeros, far rows") {
  std::vector<double> x{0, 0, 3, 4, 6, 8}, g(6, 5.0);
  const auto run = [&](const std::vector<std::int64_t>& labels, const auto& how, const auto& margin) {
    return contrastive::batch_all_triplet(cpu{}, as_matrix(x, 3, 2), labels, how, margin, {.x = as_matrix(g, 3, 2)});
  };
  const std::vector<double> nothing(6, 0.0);
  for (const auto& labels : {std::vector<std::int64_t>{1, 2, 3}, {4, 4, 4}}) {
    g.assign(6, 5.0);
    const auto loss = run(labels, inner_product{}, soft_margin{});
    CHECK(loss.value == 0);
    CHECK(loss.triplets == 0);
    CHECK(g == nothing);
  }
  auto loss = run({1, 1, 2}, inner_product{}, hinge_margin{0});
  CHECK(loss.value == 0);
  CHECK(loss.triplets == 2);
  CHECK(loss.nonzero == 0);
  CHECK(g == nothing);
  x.assign(6, 1.0);
  loss = run({1, 1, 2}, inner_product{}, hinge_margin{0.3});
  CHECK(loss.value == doctest::Approx(0.3));
  CHECK(g == nothing);
  x = {0, 0, 0, 0, 2, 0};
  loss = run({1, 1, 2}, cosine{}, hinge_margin{2});
  CHECK(loss.value == doctest::Approx(1));
  for (const double v : g) CHECK(std::isfinite(v));
  CHECK(g[0] == 0);
  std::vector<float> far{-1e18f, 1e18f, 1.1e18f, 3e38f, -3e38f}, by_far(5);
  const std::vector<std::int32_t> labels{1, 1, 2, 2, 1};
  const auto large = contrastive::batch_all_triplet(cpu{}, as_matrix(far, 5, 1), labels, inner_product{}, hinge_margin{},
                                                    {.x = as_matrix(by_far, 5, 1)});
  CHECK(large.triplets == 18);
  CHECK(std::isfinite(large.value));
  for (const float v : by_far) CHECK(std::isfinite(v));
}

TEST_CASE("batch-all triplet: threads change nothing; 32-bit labels; half and bfloat16 as their values") {
  const index n = 150, d = 9;
  const auto x = normal_rows<float>(n, d, 5);
  const auto labels = square_labels(n);
  const std::vector<std::int32_t> narrow(labels.begin(), labels.end());
  std::vector<float> first(x.size()), second(x.size());
  const auto run = [&](index threads, const auto& of, std::vector<float>& g) {
    return contrastive::batch_all_triplet(dispar::tiled_host<dispar::openmp>{{.threads = static_cast<int>(threads)}},
                                          as_matrix(x, n, d), of, cosine{}, hinge_margin{}, {.x = as_matrix(g, n, d)},
                                          {.nonzero_only = true, .band_rows = 64});
  };
  const auto alone = run(1, labels, first), many = run(3, narrow, second);
  CHECK(alone.value == many.value);
  CHECK(alone.nonzero == many.nonzero);
  CHECK(first == second);
  const auto check_rounded = [&](auto example) {
    using E = decltype(example);
    std::vector<E> rounded;
    std::vector<double> exact;
    for (const float v : x) {
      rounded.push_back(static_cast<E>(v));
      exact.push_back(static_cast<double>(static_cast<float>(rounded.back())));
    }
    const auto expected = oracle::batch_all(oracle::rows_of(exact, n), labels, 0.3);
    const auto loss = contrastive::batch_all_triplet(cpu{}, as_matrix(rounded, n, d), labels, inner_product{}, hinge_margin{0.3},
                                                     {.x = as_matrix(first, n, d)});
    CHECK(loss.value == doctest::Approx(expected.value).epsilon(1e-6));
    CHECK(oracle::apart(first, expected.gradient) < 1e-5);
  };
  check_rounded(dispar::half());
  check_rounded(dispar::bfloat16());
}

TEST_CASE("batch-all triplet: errors name what is wrong before any work") {
  std::vector<double> x{1, 2, 3, 4}, g{5, 5, 5, 5}, one(1);
  const std::vector<std::int64_t> labels{1, 2}, few{1};
  const auto v = as_matrix(x, 2, 2);
  const auto run = [&](const auto& rows, const auto& of, double margin, const contrastive::row_gradient<double>& by,
                       const contrastive::batch_all_options<>& o) {
    (void)contrastive::batch_all_triplet(cpu{}, rows, of, inner_product{}, hinge_margin{margin}, by, o);
  };
  check_refused([&] { run(v, few, 0.3, {}, {}); }, "batch_all_triplet: labels");
  check_refused([&] { run(v.slice(0, 0), labels, 0.3, {}, {}); }, "rows of x");
  check_refused([&] { run(v, labels, HUGE_VAL, {}, {}); }, "hinge_margin: margin");
  check_refused([&] { run(v, labels, 0.3, {.x = as_matrix(g, 4, 1)}, {}); }, "gradient by x");
  check_refused([&] { run(v, labels, 0.3, {}, {.losses = dispar::view_of(one)}); }, "batch_all_triplet: losses");
  check_refused([&] { run(v, labels, 0.3, {}, {.band_rows = -1}); }, "band_rows");
  x[3] = std::numeric_limits<double>::quiet_NaN();
  check_refused([&] { run(v, labels, 0.3, {.x = as_matrix(g, 2, 2)}, {}); }, "row 1");
  CHECK(g == std::vector<double>{5, 5, 5, 5});
}

}  // namespace contrastive_tests
