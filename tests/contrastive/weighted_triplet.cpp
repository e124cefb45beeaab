// The weighted regularisation triplet: stored weights, central differences, the released code's floor and sums without it, bands,
// edge cases, what is no input.
#include "dispar/contrastive/weighted_triplet.hpp"

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

struct stored_weights {
  double value = 0;
  oracle::rows distances, positives, negatives;
  std::vector<double> losses, gradient;
};

/// By matrices, in double; the gradient by the chain rule through the weights and their largest distance.
template<class Label>
stored_weights by_matrices(const oracle::rows& given, const std::vector<Label>& label, bool floor, bool on_sphere = false) {
  const oracle::rows x = on_sphere ? oracle::unit(given) : given;
  const std::size_t n = x.size(), d = x[0].size();
  const oracle::rows zeros(n, std::vector<double>(n, 0.0));
  stored_weights r{0, zeros, zeros, zeros, {}, std::vector<double>(n * d, 0.0)};
  const double e = floor ? 1e-6 : 0;
  for (std::size_t i = 0; i < n; ++i) {
    auto& far = r.distances[i];
    for (std::size_t j = 0; j < n; ++j) far[j] = i == j ? 1e-6 : std::max(oracle::distance(x[i], x[j]), 1e-6);
    double largest = 0, nearest = HUGE_VAL, same = 0, other = 0;
    std::size_t farthest = i;
    for (std::size_t j = 0; j < n; ++j)
      if (label[j] == label[i] && far[j] > largest) {
        largest = far[j];
        farthest = j;
      } else if (label[j] != label[i]) {
        nearest = std::min(nearest, far[j]);
      }
    if (floor) nearest = 0;
    for (std::size_t j = 0; j < n; ++j)
      if (label[j] == label[i])
        same += std::exp(far[j] - largest);
      else
        other += std::exp(nearest - far[j]);
    double to_same = 0, to_other = 0;
    for (std::size_t j = 0; j < n; ++j)
      if (label[j] == label[i])
        to_same += far[j] * (r.positives[i][j] = std::exp(far[j] - largest) / (same + e));
      else
        to_other += far[j] * (r.negatives[i][j] = std::exp(nearest - far[j]) / (other + e));
    const double gap = to_same - to_other, slope = 1 / (1 + std::exp(-gap)) / static_cast<double>(n);
    r.losses.push_back(gap > 0 ? gap + std::log1p(std::exp(-gap)) : std::log1p(std::exp(gap)));
    r.value += r.losses.back() / static_cast<double>(n);
    for (std::size_t j = 0; j < n; ++j) {
      double by_distance =
          label[j] == label[i] ? r.positives[i][j] * (1 + far[j] - to_same) : -r.negatives[i][j] * (1 - far[j] + to_other);
      if (j == farthest) by_distance -= e / (same + e) * to_same;
      if (far[j] <= 1e-6) continue;
      for (std::size_t k = 0; k < d; ++k) {
        const double part = slope * by_distance * (x[i][k] - x[j][k]) / far[j];
        r.gradient[i * d + k] += part;
        r.gradient[j * d + k] -= part;
      }
    }
  }
  if (on_sphere) oracle::through_unit(given, r.gradient);
  return r;
}

std::vector<std::int64_t> some_labels(index n, index classes) {
  std::vector<std::int64_t> labels;
  for (index i = 0; i < n; ++i) labels.push_back((i * i + 3 * i) % (2 * classes + 1) - classes);
  return labels;
}

template<class T>
constexpr double accuracy = sizeof(T) == 4 ? 5e-6 : 1e-12;

}  // namespace

TEST_CASE_TEMPLATE("weighted triplet: stored weights, with the floor and without, at sizes around a tile, by bands", T, float,
                   double) {
  for (const auto& sizes : {std::array<index, 3>{1, 2, 1}, {2, 2, 1}, {5, 3, 1}, {49, 7, 3}, {97, 33, 5}, {200, 16, 20}})
    for (const index band : {0, 48})
      for (const bool on_sphere : {false, true})
        for (const bool floor : {true, false}) {
          const index n = sizes[0], d = sizes[1];
          CAPTURE(n);
          CAPTURE(band);
          CAPTURE(on_sphere);
          CAPTURE(floor);
          const auto x = normal_rows<T>(n, d, 1);
          const auto labels = some_labels(n, sizes[2]);
          const auto expected = by_matrices(oracle::rows_of(x, n), labels, floor, on_sphere);
          std::vector<T> g(x.size(), T(9));
          std::vector<double> losses(static_cast<std::size_t>(n), 9);
          const auto run = [&](const auto& how) {
            return contrastive::weighted_triplet(cpu{}, as_matrix(x, n, d), labels, how, {.x = as_matrix(g, n, d)},
                                                 {.released_floor = floor, .losses = dispar::view_of(losses), .band_rows = band});
          };
          const double got = on_sphere ? run(cosine{}) : run(inner_product{});
          CHECK(std::fabs(got - expected.value) <= accuracy<T> * (1 + expected.value));
          CHECK(oracle::apart(losses, expected.losses) < accuracy<T>);
          CHECK(oracle::apart(g, expected.gradient) < accuracy<T>);
        }
}

TEST_CASE("weighted triplet: gradients by central differences, upstream factors, accumulation, strides, sum") {
  const index n = 11, d = 3;
  const auto labels = some_labels(n, 2);
  const double upstream = 0.5;
  for (const double scale : {1.0, 12.0})
    for (const bool on_sphere : {false, true})
      for (const bool floor : {false, true}) {
        CAPTURE(scale);
        CAPTURE(on_sphere);
        CAPTURE(floor);
        auto x = normal_rows<double>(n, d, 3);
        for (double& v : x) v *= scale;
        std::vector<double> g(static_cast<std::size_t>(2 * n * d), 7.0);
        const dispar::matrix_view<double> every_other(g.data(), {n, d}, {2 * d, 2});
        const auto run = [&](const auto& how) {
          return contrastive::weighted_triplet(
              cpu{}, as_matrix(x, n, d), labels, how,
              {.x = every_other, .factor = 3, .accumulate = true, .upstream = dispar::scalar_view<const double>(&upstream)},
              {.released_floor = floor, .reduce = contrastive::reduction::sum, .band_rows = 5});
        };
        const double loss = on_sphere ? run(cosine{}) : run(inner_product{});
        const auto plain = [&](const std::vector<double>& at) {
          return static_cast<double>(n) * by_matrices(oracle::rows_of(at, n), labels, floor, on_sphere).value;
        };
        CHECK(loss == doctest::Approx(plain(x)).epsilon(1e-12));
        const auto expected = central_differences(x, plain, 1e-6 * scale);
        for (std::size_t k = 0; k < x.size(); ++k) {
          CHECK(g[k / d * 2 * d + 2 * (k % d)] == doctest::Approx(7 + 1.5 * expected[k]).epsilon(3e-7));
          CHECK(g[k / d * 2 * d + 2 * (k % d) + 1] == 7.0);
        }
      }
}

TEST_CASE("weighted triplet: far negatives weigh nothing in the released code, and 1 without its floor") {
  std::vector<double> x{0, 3, 50, 90}, g(4);
  const std::vector<std::int32_t> labels{1, 1, 2, 3};
  const auto run = [&](bool floor) {
    return contrastive::weighted_triplet(cpu{}, as_matrix(x, 4, 1), labels, inner_product{}, {.x = as_matrix(g, 4, 1)},
                                         {.released_floor = floor});
  };
  const double same = std::exp(1e-6 - 3) * 1e-6 + 3, divisor = 1 + std::exp(1e-6 - 3);
  const double with_floor = (2 * std::log1p(std::exp(same / (divisor + 1e-6))) + 2 * std::log(2.0)) / 4;
  CHECK(run(true) == doctest::Approx(with_floor).epsilon(1e-6));
  CHECK(run(false) < 0.1 * with_floor);
  for (double& v : x) v *= 1e100;
  CHECK(std::isfinite(run(true)));
  for (const double v : g) CHECK(std::isfinite(v));
  CHECK(run(false) >= 0);
}

TEST_CASE_TEMPLATE("weighted triplet: coincident rows, one class, one row, rows of zeros", T, float, double) {
  std::vector<T> x(12, T(1000.3)), g(12, T(5));
  const std::vector<std::int64_t> two{1, 1, 2, 2, 1, 2}, one(6, 4);
  for (const auto& labels : {two, one}) {
    const double loss =
        contrastive::weighted_triplet(cpu{}, as_matrix(x, 6, 2), labels, inner_product{}, {.x = as_matrix(g, 6, 2)});
    CHECK(loss == doctest::Approx(std::log(2.0)).epsilon(1e-6));
    for (const T v : g) CHECK(v == 0);
  }
  const double alone = contrastive::weighted_triplet(cpu{}, as_matrix(x, 6, 2).slice(0, 1), std::vector<std::int64_t>{3},
                                                     inner_product{}, {.x = as_matrix(g, 6, 2).slice(0, 1)});
  CHECK(alone == doctest::Approx(std::log1p(std::exp(1e-6 / (1 + 1e-6)))).epsilon(1e-12));
  std::vector<T> zeros(12, T(0));
  zeros[10] = T(2);
  const double loss = contrastive::weighted_triplet(cpu{}, as_matrix(zeros, 6, 2), two, cosine{}, {.x = as_matrix(g, 6, 2)});
  CHECK(std::isfinite(loss));
  CHECK(g[0] == 0);
  for (const T v : g) CHECK(std::isfinite(v));
}

TEST_CASE("weighted triplet: float rows far from 0 and near one another keep their digits") {
  const index n = 40, d = 6;
  auto x = normal_rows<float>(n, d, 8);
  for (float& v : x) v = 1000 + v / 32;
  const auto labels = some_labels(n, 4);
  const auto expected = by_matrices(oracle::rows_of(x, n), labels, true);
  std::vector<float> g(x.size());
  const double got = contrastive::weighted_triplet(cpu{}, as_matrix(x, n, d), labels, inner_product{}, {.x = as_matrix(g, n, d)});
  CHECK(got == doctest::Approx(expected.value).epsilon(1e-6));
  CHECK(oracle::apart(g, expected.gradient) < 1e-5);
}

TEST_CASE("weighted triplet: the weights themselves; threads change nothing; bfloat16") {
  const index n = 60, d = 5;
  const auto x = normal_rows<float>(n, d, 5);
  const auto labels = some_labels(n, 9);
  const auto expected = by_matrices(oracle::rows_of(x, n), labels, true);
  std::vector<double> distances(static_cast<std::size_t>(n * n)), positives(distances), negatives(distances), flat[3];
  contrastive::weighted_triplet_weights(cpu{}, as_matrix(x, n, d), labels, inner_product{},
                                        {.distances = as_matrix(distances, n, n),
                                         .positives = as_matrix(positives, n, n),
                                         .negatives = as_matrix(negatives, n, n)});
  for (std::size_t i = 0; i < expected.distances.size(); ++i) {
    flat[0].insert(flat[0].end(), expected.distances[i].begin(), expected.distances[i].end());
    flat[1].insert(flat[1].end(), expected.positives[i].begin(), expected.positives[i].end());
    flat[2].insert(flat[2].end(), expected.negatives[i].begin(), expected.negatives[i].end());
  }
  CHECK(oracle::apart(distances, flat[0]) < 1e-13);
  CHECK(oracle::apart(positives, flat[1]) < 1e-13);
  CHECK(oracle::apart(negatives, flat[2]) < 1e-13);

  std::vector<float> first(x.size()), second(x.size());
  const double alone = contrastive::weighted_triplet(dispar::cpu{.each = {.threads = 1}}, as_matrix(x, n, d), labels, cosine{},
                                                     {.x = as_matrix(first, n, d)});
  const double many = contrastive::weighted_triplet(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, as_matrix(x, n, d),
                                                    labels, cosine{}, {.x = as_matrix(second, n, d)});
  CHECK(alone == many);
  CHECK(first == second);

  std::vector<dispar::bfloat16> rounded;
  std::vector<double> exact;
  for (const float v : x) {
    rounded.push_back(static_cast<dispar::bfloat16>(v));
    exact.push_back(static_cast<double>(static_cast<float>(rounded.back())));
  }
  const auto of_rounded = by_matrices(oracle::rows_of(exact, n), labels, true);
  CHECK(contrastive::weighted_triplet(as_matrix(rounded, n, d), labels, inner_product{}, {.x = as_matrix(first, n, d)}) ==
        doctest::Approx(of_rounded.value).epsilon(1e-6));
  CHECK(oracle::apart(first, of_rounded.gradient) < 5e-6);
}

TEST_CASE("weighted triplet: errors name what is wrong before any work") {
  std::vector<double> x{1, 2, 3, 4}, g{5, 5, 5, 5}, one(1);
  const std::vector<std::int64_t> labels{1, 2}, few{1};
  const auto v = as_matrix(x, 2, 2);
  const auto run = [&](const auto& rows, const auto& of, const contrastive::row_gradient<double>& by,
                       const contrastive::weighted_triplet_options<>& o) {
    (void)contrastive::weighted_triplet(cpu{}, rows, of, inner_product{}, by, o);
  };
  check_refused([&] { run(v, few, {}, {}); }, "weighted_triplet: labels");
  check_refused([&] { run(v.slice(0, 0), labels, {}, {}); }, "rows of x");
  check_refused([&] { run(v, labels, {.x = as_matrix(g, 4, 1)}, {}); }, "gradient by x");
  check_refused([&] { run(v, labels, {}, {.losses = dispar::view_of(one)}); }, "losses");
  check_refused([&] { run(v, labels, {}, {.band_rows = -1}); }, "band_rows");
  check_refused(
      [&] { contrastive::weighted_triplet_weights(cpu{}, v, labels, inner_product{}, {.negatives = as_matrix(g, 4, 1)}); },
      "weights: out");
  x[3] = std::numeric_limits<double>::quiet_NaN();
  check_refused([&] { run(v, labels, {.x = as_matrix(g, 2, 2)}, {}); }, "row 1");
  CHECK(g == std::vector<double>{5, 5, 5, 5});
}

}  // namespace contrastive_tests
