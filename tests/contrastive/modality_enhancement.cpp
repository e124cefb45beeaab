// The modality-shared enhancement loss: plain loops, central differences, any order of rows, edge cases, what is no input.
#include "dispar/contrastive/modality_enhancement.hpp"

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
using contrastive::inner_product;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;
using labels_of_rows = std::vector<std::int64_t>;

/// As the released code does it: the K - 1 largest of the K distances within the modality. Terms of the rows of x, then of y.
std::vector<double> plain_terms(oracle::rows x, oracle::rows y, const labels_of_rows& of_x, const labels_of_rows& of_y,
                                bool on_sphere) {
  if (on_sphere) {
    x = oracle::unit(x);
    y = oracle::unit(y);
  }
  std::vector<double> terms;
  const auto add = [&](const oracle::rows& own, const oracle::rows& other, const labels_of_rows& of_own,
                       const labels_of_rows& of_other) {
    for (std::size_t i = 0; i < own.size(); ++i) {
      std::vector<double> within;
      double cross = 0, count = 0, intra = 0;
      for (std::size_t j = 0; j < own.size(); ++j) {
        if (of_own[j] == of_own[i]) within.push_back(std::max(oracle::distance(own[i], own[j]), 1e-6));
        if (of_other[j] == of_own[i]) {
          cross += std::max(oracle::distance(own[i], other[j]), 1e-6);
          ++count;
        }
      }
      std::sort(within.begin(), within.end());
      for (std::size_t m = 1; m < within.size(); ++m) intra += within[m];
      const double gap = cross / count - intra / (count - 1);
      terms.push_back(gap * gap);
    }
  };
  add(x, y, of_x, of_y);
  add(y, x, of_y, of_x);
  return terms;
}

double mean(const std::vector<double>& terms) {
  double sum = 0;
  for (const double v : terms) sum += v;
  return sum / static_cast<double>(terms.size());
}

/// Labels of k rows each, not in order, and not the same order in both modalities.
labels_of_rows shuffled(index identities, index k, index stride) {
  labels_of_rows labels(static_cast<std::size_t>(identities * k));
  for (index i = 0; i < identities * k; ++i) labels[static_cast<std::size_t>(i * stride % (identities * k))] = 7 * (i / k) - 3;
  return labels;
}

}  // namespace

TEST_CASE_TEMPLATE("modality enhancement: plain loops, both similarities, any order of rows", T, float, double) {
  for (const auto& sizes : {std::array<index, 3>{1, 2, 1}, {2, 3, 4}, {5, 4, 8}, {11, 2, 33}, {30, 4, 9}})
    for (const bool on_sphere : {false, true}) {
      const index k = sizes[1], n = sizes[0] * k, d = sizes[2];
      CAPTURE(n);
      CAPTURE(on_sphere);
      if (on_sphere && d == 1) continue;
      const auto x = normal_rows<T>(n, d, 1), y = normal_rows<T>(n, d, 2);
      const auto of_x = shuffled(sizes[0], k, 1), of_y = shuffled(sizes[0], k, 7);
      const auto expected = plain_terms(oracle::rows_of(x, n), oracle::rows_of(y, n), of_x, of_y, on_sphere);
      std::vector<double> terms(expected.size());
      const auto run = [&](const auto& how) {
        return contrastive::modality_enhancement(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), of_x, of_y, how, {},
                                                 {.rows_per_identity = k, .losses = dispar::view_of(terms)});
      };
      const double got = on_sphere ? run(cosine{}) : run(inner_product{});
      CHECK(got == doctest::Approx(mean(expected)).epsilon(1e-12));
      CHECK(oracle::apart(terms, expected) < 1e-12);
    }
}

TEST_CASE("modality enhancement: gradients by central differences, upstream factors, accumulation, strides, sum, one side") {
  const index k = 3, n = 4 * k, d = 10;
  const auto x = normal_rows<double>(n, d, 3), y = normal_rows<double>(n, d, 4);
  const auto of_x = shuffled(4, k, 5), of_y = shuffled(4, k, 7);
  const double upstream = 0.5;
  for (const bool on_sphere : {false, true}) {
    CAPTURE(on_sphere);
    std::vector<double> gx(x.size(), 1.0), gy(static_cast<std::size_t>(2 * n * d), 7.0), only(x.size(), 5.0);
    const dispar::matrix_view<double> every_other(gy.data(), {n, d}, {2 * d, 2});
    const auto run = [&](const auto& how) {
      (void)contrastive::modality_enhancement(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), of_x, of_y, how,
                                              {.x = as_matrix(only, n, d)}, {.rows_per_identity = k});
      return contrastive::modality_enhancement(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), of_x, of_y, how,
                                               {.x = as_matrix(gx, n, d),
                                                .y = every_other,
                                                .factor = 3,
                                                .accumulate = true,
                                                .upstream = dispar::scalar_view<const double>(&upstream)},
                                               {.rows_per_identity = k, .reduce = contrastive::reduction::sum});
    };
    const double loss = on_sphere ? run(cosine{}) : run(inner_product{});
    const auto plain = [&](const std::vector<double>& a, const std::vector<double>& b) {
      return 2 * static_cast<double>(n) * mean(plain_terms(oracle::rows_of(a, n), oracle::rows_of(b, n), of_x, of_y, on_sphere));
    };
    CHECK(loss == doctest::Approx(plain(x, y)).epsilon(1e-12));
    const auto by_x = central_differences(x, [&](const auto& at) { return plain(at, y); });
    const auto by_y = central_differences(y, [&](const auto& at) { return plain(x, at); });
    for (std::size_t e = 0; e < x.size(); ++e) {
      CHECK(gx[e] == doctest::Approx(1 + 1.5 * by_x[e]).epsilon(1e-7));
      CHECK(only[e] == doctest::Approx(by_x[e] / (2 * static_cast<double>(n))).epsilon(1e-6));
      CHECK(gy[e / d * 2 * d + 2 * (e % d)] == doctest::Approx(7 + 1.5 * by_y[e]).epsilon(1e-7));
      CHECK(gy[e / d * 2 * d + 2 * (e % d) + 1] == 7.0);
    }
  }
}

TEST_CASE("modality enhancement: coincident rows, rows of zeros, any magnitude, float and half, threads") {
  std::vector<double> x(8, 1.5), g(8, 5.0);
  const labels_of_rows labels{1, 1, 2, 2};
  const auto run = [&](const auto& how) {
    return contrastive::modality_enhancement(cpu{}, as_matrix(x, 4, 2), as_matrix(x, 4, 2), labels, labels, how,
                                             {.x = as_matrix(g, 4, 2)}, {.rows_per_identity = 2});
  };
  CHECK(run(inner_product{}) == doctest::Approx(0));
  CHECK(g == std::vector<double>(8, 0.0));
  x = {0, 0, 1, 0, 0, 0, 0, 2};
  CHECK(std::isfinite(run(cosine{})));
  CHECK(g[0] == 0);
  for (const double v : g) CHECK(std::isfinite(v));
  for (double& v : x) v *= 1e100;
  CHECK(run(inner_product{}) == doctest::Approx((0.25e200 + 1e200) / 2));
  for (const double v : g) CHECK(std::isfinite(v));

  const index k = 4, n = 40 * k, d = 6;
  const auto of_x = shuffled(40, k, 7), of_y = shuffled(40, k, 3);
  std::vector<dispar::half> a, b;
  oracle::rows exact_a(static_cast<std::size_t>(n)), exact_b(exact_a);
  const auto round = [&](const std::vector<float>& from, std::vector<dispar::half>& to, oracle::rows& exact) {
    for (std::size_t e = 0; e < from.size(); ++e) {
      to.push_back(static_cast<dispar::half>(from[e]));
      exact[e / d].push_back(static_cast<double>(static_cast<float>(to.back())));
    }
  };
  round(normal_rows<float>(n, d, 5), a, exact_a);
  round(normal_rows<float>(n, d, 6), b, exact_b);
  std::vector<float> first(a.size()), second(a.size());
  const double alone =
      contrastive::modality_enhancement(dispar::cpu{.each = {.threads = 1}}, as_matrix(a, n, d), as_matrix(b, n, d), of_x, of_y,
                                        inner_product{}, {.x = as_matrix(first, n, d)});
  const double many =
      contrastive::modality_enhancement(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, as_matrix(a, n, d),
                                        as_matrix(b, n, d), of_x, of_y, inner_product{}, {.x = as_matrix(second, n, d)});
  CHECK(alone == many);
  CHECK(first == second);
  CHECK(alone == doctest::Approx(mean(plain_terms(exact_a, exact_b, of_x, of_y, false))).epsilon(1e-12));
}

TEST_CASE("modality enhancement: errors name what is wrong before any work") {
  std::vector<double> x{1, 2, 3, 4, 5, 6, 7, 8}, g(8, 5.0), one(1);
  const labels_of_rows labels{1, 1, 2, 2}, uneven{1, 2, 2, 2}, few{1};
  const auto v = as_matrix(x, 4, 2);
  const auto run = [&](const auto& y, const labels_of_rows& of_x, const labels_of_rows& of_y,
                       const contrastive::paired_gradients<double>& by, const contrastive::modality_enhancement_options<>& o) {
    (void)contrastive::modality_enhancement(cpu{}, v, y, of_x, of_y, inner_product{}, by, o);
  };
  const contrastive::modality_enhancement_options<> two{.rows_per_identity = 2};
  check_refused([&] { run(v, labels, labels, {}, {}); }, "labels must occur rows_per_identity times");
  check_refused([&] { run(v, labels, uneven, {.x = as_matrix(g, 4, 2)}, two); }, "labels must occur");
  check_refused([&] { run(v, labels, {1, 1, 2, 3}, {}, two); }, "labels must occur");
  check_refused([&] { run(v, labels, labels, {}, {.rows_per_identity = 1}); }, "rows_per_identity");
  check_refused([&] { run(v, few, labels, {}, two); }, "x: labels");
  check_refused([&] { run(v, labels, few, {}, two); }, "y: labels");
  check_refused([&] { run(v.slice(0, 1), labels, few, {}, two); }, "rows of y");
  check_refused([&] { run(as_matrix(x, 8, 1), labels, {1, 1, 1, 1, 2, 2, 2, 2}, {}, two); }, "rows of y");
  check_refused([&] { run(v, labels, labels, {.y = as_matrix(g, 8, 1)}, two); }, "gradient by y");
  check_refused([&] { run(v, labels, labels, {}, {.rows_per_identity = 2, .losses = dispar::view_of(one)}); }, "losses");
  x[3] = std::numeric_limits<double>::quiet_NaN();
  check_refused([&] { run(v, labels, labels, {.x = as_matrix(g, 4, 2)}, two); }, "row 1");
  CHECK(g == std::vector<double>(8, 5.0));
}

}  // namespace contrastive_tests
