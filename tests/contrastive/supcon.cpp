// The supervised contrastive losses: stored logits, central differences, identities, bands, threads, edge cases, what is no
// input.
#include "dispar/contrastive/supcon.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>

#include "class_oracle.hpp"
#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/ntxent.hpp"
#include "normal_rows.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::inner_product;
using contrastive::positives_mean;
using contrastive::temperature;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;
using labels_of_rows = std::vector<std::int64_t>;

/// A few classes of many sizes, negative labels, rows alone.
labels_of_rows uneven_labels(index n, index classes) {
  labels_of_rows labels;
  for (index i = 0; i < n; ++i) labels.push_back(i % 7 == 5 ? 1000 + i : (i * i + 3 * i) % (2 * classes + 1) - classes);
  return labels;
}

template<class T>
constexpr double accuracy = sizeof(T) == 4 ? 3e-6 : 3e-14;

bool near(double got, double expected, double relative) {
  return std::fabs(got - expected) <= relative * (1 + std::fabs(expected));
}

}  // namespace

TEST_CASE_TEMPLATE("supcon: stored logits, both means, within a matrix and between two, at sizes around a tile, by bands", T,
                   float, double) {
  for (const auto& sizes : {std::array<index, 4>{1, 3, 2, 1}, {2, 1, 1, 1}, {5, 9, 3, 1}, {49, 20, 7, 2}, {97, 130, 33, 5}})
    for (const index band : {0, 48})
      for (const bool in : {false, true})
        for (const bool within : {false, true}) {
          const index n = sizes[0], m = sizes[1], d = sizes[2];
          CAPTURE(n);
          CAPTURE(band);
          CAPTURE(in);
          CAPTURE(within);
          const auto x = normal_rows<T>(n, d, 1), y = normal_rows<T>(m, d, 2);
          const auto of_x = uneven_labels(n, sizes[3]), of_y = uneven_labels(m, sizes[3] + 1);
          const auto expected = oracle::supcon(oracle::rows_of(x, n), of_x, within ? oracle::rows{} : oracle::rows_of(y, m), of_y,
                                               1 / 0.2, true, in);
          std::vector<T> gx(x.size(), T(9)), gy(y.size(), T(9));
          std::vector<double> losses(static_cast<std::size_t>(n), 9);
          contrastive::supcon_options<> o{
              .positives = in ? positives_mean::in : positives_mean::out, .losses = dispar::view_of(losses), .band_rows = band};
          const auto got = within
                               ? contrastive::supcon(cpu{}, as_matrix(x, n, d), of_x, cosine{}, temperature{0.2},
                                                     {.x = as_matrix(gx, n, d)}, o)
                               : contrastive::supcon(cpu{}, as_matrix(x, n, d), of_x, as_matrix(y, m, d), of_y, cosine{},
                                                     temperature{0.2}, {.x = as_matrix(gx, n, d), .y = as_matrix(gy, m, d)}, o);
          CHECK(got.anchors == expected.anchors);
          CHECK(near(got.value, expected.value, accuracy<T>));
          CHECK(near(got.by_temperature, -expected.by_log_scale / 0.2, 10 * accuracy<T>));
          CHECK(oracle::apart(losses, expected.losses) < accuracy<T>);
          CHECK(oracle::apart(gx, expected.by_x) < accuracy<T>);
          if (!within) CHECK(oracle::apart(gy, expected.by_y) < accuracy<T>);
        }
}

TEST_CASE("supcon: gradients by central differences, the base temperature, upstream factors, accumulation, strides, sum") {
  const index n = 11, m = 8, d = 3;
  const auto x = normal_rows<double>(n, d, 3), y = normal_rows<double>(m, d, 4);
  const auto of_x = uneven_labels(n, 1), of_y = uneven_labels(m, 1);
  std::vector<double> weights;
  for (index i = 0; i < n; ++i) weights.push_back(0.3 * static_cast<double>(i) - 0.5);
  const double upstream = 0.5;
  for (const bool within : {false, true})
    for (const bool in : {false, true})
      for (const double base : {0.0, 0.07}) {
        CAPTURE(within);
        CAPTURE(in);
        CAPTURE(base);
        const positives_mean positives = in ? positives_mean::in : positives_mean::out;
        const auto run = [&](const auto& vx, const auto& vy, const auto& scale, const auto& g, const auto& o) {
          return within ? contrastive::supcon(cpu{}, vx, of_x, cosine{}, scale, g, o)
                        : contrastive::supcon(cpu{}, vx, of_x, vy, of_y, cosine{}, scale, g, o);
        };
        // sum_i weights_i losses_i / anchors.
        const auto plain = [&](const std::vector<double>& a, const std::vector<double>& b, const auto& scale) {
          std::vector<double> losses(x.size() / d);
          const auto loss = run(
              as_matrix(a, n, d), as_matrix(b, m, d), scale, contrastive::gradients<double>{},
              contrastive::supcon_options<>{.positives = positives, .base_temperature = base, .losses = dispar::view_of(losses)});
          double sum = 0, unweighted = 0;
          for (std::size_t i = 0; i < losses.size(); ++i) {
            sum += weights[i] * losses[i];
            unweighted += losses[i];
          }
          CHECK(loss.value == doctest::Approx(unweighted / loss.anchors).epsilon(1e-12));
          return sum / loss.anchors;
        };
        const contrastive::softplus_scale scale{0.7};
        std::vector<double> gx(2 * x.size(), 7.0), gy(y.size(), 7.0), columns(x.size());
        for (index i = 0; i < n; ++i)
          for (index k = 0; k < d; ++k) columns[static_cast<std::size_t>(k * n + i)] = x[static_cast<std::size_t>(i * d + k)];
        contrastive::gradients<double> g{.x = dispar::matrix_view<double>(gx.data(), {n, d}, {2 * d, 2}),
                                         .factor = 3,
                                         .accumulate = true,
                                         .upstream = dispar::scalar_view<const double>(&upstream),
                                         .pairs = dispar::view_of(std::as_const(weights))};
        if (!within) g.y = as_matrix(gy, m, d);
        const auto loss = run(as_matrix(std::as_const(columns), d, n).transposed(), as_matrix(y, m, d), scale, g,
                              contrastive::supcon_options<>{.positives = positives, .base_temperature = base, .band_rows = 5});
        const auto by_x = central_differences(x, [&](const std::vector<double>& at) { return plain(at, y, scale); });
        for (std::size_t k = 0; k < x.size(); ++k) {
          CHECK(gx[k / d * 2 * d + 2 * (k % d)] == doctest::Approx(7 + 1.5 * by_x[k]).epsilon(1e-7));
          CHECK(gx[k / d * 2 * d + 2 * (k % d) + 1] == 7.0);
        }
        if (!within) {
          const auto by_y = central_differences(y, [&](const std::vector<double>& at) { return plain(x, at, scale); });
          for (std::size_t k = 0; k < y.size(); ++k) CHECK(gy[k] == doctest::Approx(7 + 1.5 * by_y[k]).epsilon(1e-7));
        }
        const auto by_t = central_differences(
            {scale.t}, [&](const std::vector<double>& at) { return plain(x, y, contrastive::softplus_scale{at[0]}); });
        CHECK(loss.by_temperature == doctest::Approx(1.5 * by_t[0]).epsilon(1e-7));
        const auto by_tau =
            central_differences({0.3}, [&](const std::vector<double>& at) { return plain(x, y, temperature{at[0]}); });
        const auto cold =
            run(as_matrix(x, n, d), as_matrix(y, m, d), temperature{0.3},
                contrastive::gradients<double>{.temperature = true, .pairs = dispar::view_of(std::as_const(weights))},
                contrastive::supcon_options<>{.positives = positives, .base_temperature = base});
        CHECK(cold.by_temperature == doctest::Approx(by_tau[0]).epsilon(1e-6));
        const auto sum =
            run(as_matrix(x, n, d), as_matrix(y, m, d), temperature{0.3}, contrastive::gradients<double>{.temperature = true},
                contrastive::supcon_options<>{
                    .positives = positives, .reduce = contrastive::reduction::sum, .base_temperature = base});
        CHECK(sum.value == doctest::Approx(cold.value * cold.anchors));
      }
}

TEST_CASE("supcon: identities") {
  const index n = 40, d = 9;
  auto views = normal_rows<double>(2 * n, d, 5);
  labels_of_rows instance;
  for (index i = 0; i < 2 * n; ++i) instance.push_back(i % n);
  for (std::size_t k = 0; k < static_cast<std::size_t>(n * d); ++k) views[static_cast<std::size_t>(n * d) + k] += views[k];
  const auto both = as_matrix(std::as_const(views), 2 * n, d);
  SUBCASE("two views with the numbers of instances as labels: NT-Xent, for either mean") {
    std::vector<double> expected(views.size()), g(views.size());
    const auto all = as_matrix(expected, 2 * n, d);
    const auto ntxent = contrastive::ntxent(cpu{}, both.slice(0, n), both.slice(n, n), cosine{}, temperature{0.5},
                                            {.x = all.slice(0, n), .y = all.slice(n, n)});
    for (const auto positives : {positives_mean::out, positives_mean::in}) {
      const auto got = contrastive::supcon(cpu{}, both, instance, cosine{}, temperature{0.5}, {.x = as_matrix(g, 2 * n, d)},
                                           {.positives = positives});
      CHECK(got.value == doctest::Approx(ntxent.value).epsilon(1e-13));
      CHECK(got.by_temperature == doctest::Approx(ntxent.by_temperature).epsilon(1e-12));
      CHECK(got.anchors == 2 * n);
      CHECK(oracle::apart(g, expected) < 1e-13);
    }
  }
  SUBCASE("L_in is at most L_out; equal at equal rows") {
    const auto labels = uneven_labels(2 * n, 3);
    for (const double tau : {0.05, 0.5, 5.0}) {
      const auto out = contrastive::supcon(cpu{}, both, labels, cosine{}, temperature{tau});
      const auto in = contrastive::supcon(cpu{}, both, labels, cosine{}, temperature{tau}, {}, {.positives = positives_mean::in});
      CHECK(in.value < out.value);
      CHECK(in.anchors == out.anchors);
    }
    const std::vector<double> same(static_cast<std::size_t>(2 * n * d), 0.5);
    const auto rows = as_matrix(same, 2 * n, d);
    const double expected = std::log(2.0 * n - 1);
    CHECK(contrastive::supcon(rows, labels, cosine{}, temperature{}).value == doctest::Approx(expected).epsilon(1e-14));
    CHECK(contrastive::supcon(rows, labels, cosine{}, temperature{}, {}, {.positives = positives_mean::in}).value ==
          doctest::Approx(expected).epsilon(1e-14));
  }
  SUBCASE("against a memory with its row numbers as labels: the softmax over all of it") {
    labels_of_rows numbers, of_x;
    for (index j = 0; j < 2 * n; ++j) numbers.push_back(j);
    for (index i = 0; i < 6; ++i) of_x.push_back(3 * i + 1);
    const auto x = both.slice(0, 6);
    const auto got = contrastive::supcon(x, of_x, both, numbers, inner_product{}, temperature{0.5});
    double expected = 0;
    for (index i = 0; i < 6; ++i) {
      std::vector<double> z;
      double sum = 0;
      for (index j = 0; j < 2 * n; ++j) {
        z.push_back(0);
        for (index k = 0; k < d; ++k) z.back() += 2 * x(i, k) * both(j, k);
        sum += std::exp(z.back());
      }
      expected += (std::log(sum) - z[static_cast<std::size_t>(3 * i + 1)]) / 6;
    }
    CHECK(got.value == doctest::Approx(expected).epsilon(1e-13));
  }
}

TEST_CASE("supcon: threads change nothing, bands nothing but rounding") {
  const index n = 150, m = 90, d = 11;
  const auto x = normal_rows<double>(n, d, 6), y = normal_rows<double>(m, d, 7);
  const auto of_x = uneven_labels(n, 4), of_y = uneven_labels(m, 4);
  std::vector<double> gx(x.size()), gy(y.size());
  const auto run = [&](const auto& b, bool within, index band) {
    const auto loss = within ? contrastive::supcon(b, as_matrix(x, n, d), of_x, cosine{}, temperature{},
                                                   {.x = as_matrix(gx, n, d)}, {.band_rows = band})
                             : contrastive::supcon(b, as_matrix(x, n, d), of_x, as_matrix(y, m, d), of_y, cosine{}, temperature{},
                                                   {.x = as_matrix(gx, n, d), .y = as_matrix(gy, m, d)}, {.band_rows = band});
    std::vector<double> all{loss.value, loss.anchors, loss.by_temperature};
    all.insert(all.end(), gx.begin(), gx.end());
    all.insert(all.end(), gy.begin(), gy.end());
    return all;
  };
  for (const bool within : {false, true}) {
    const auto whole = run(cpu{}, within, 0);
    for (const index band : {1, 7, 64, 149}) CHECK(oracle::apart(run(cpu{}, within, band), whole) < 1e-13);
    const auto serial = run(dispar::cpu{.each = {.threads = 1}}, within, 64);
    const auto threads = run(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, within, 64);
    CHECK(std::memcmp(serial.data(), threads.data(), serial.size() * sizeof(double)) == 0);
  }
}

TEST_CASE_TEMPLATE("supcon: logits of hundreds stay as exact as their type", T, float, double) {
  // As CSDN's features: inner products between 1024 numbers, with what all rows share.
  const index n = 24, m = 30, d = 1024;
  auto x = normal_rows<T>(n, d, 8), y = normal_rows<T>(m, d, 9);
  for (T& v : x) v = T(0.3) * v + T(0.4);
  for (T& v : y) v = T(0.3) * v + T(0.4);
  labels_of_rows of_x, of_y;
  for (index i = 0; i < n; ++i) of_x.push_back(i % 6);
  for (index j = 0; j < m; ++j) of_y.push_back(j % 6);
  for (const bool in : {false, true}) {
    const auto expected = oracle::supcon(oracle::rows_of(x, n), of_x, oracle::rows_of(y, m), of_y, 1, false, in);
    std::vector<T> gx(x.size()), gy(y.size());
    const auto got = contrastive::supcon(cpu{}, as_matrix(x, n, d), of_x, as_matrix(y, m, d), of_y, inner_product{},
                                         temperature{1}, {.x = as_matrix(gx, n, d), .y = as_matrix(gy, m, d)},
                                         {.positives = in ? positives_mean::in : positives_mean::out});
    const double tolerance = sizeof(T) == 4 ? 1e-4 : 1e-13;
    CHECK(near(got.value, expected.value, tolerance));
    CHECK(near(got.by_temperature, -expected.by_log_scale, 10 * tolerance));
    CHECK(oracle::apart(gx, expected.by_x) < tolerance);
    CHECK(oracle::apart(gy, expected.by_y) < tolerance);
  }
}

TEST_CASE("supcon: small losses of single positives keep their digits") {
  const std::vector<float> x{1, 0, 0, 1}, y{1, 0, 0, 1};
  const labels_of_rows labels{3, 4};
  for (const auto positives : {positives_mean::out, positives_mean::in}) {
    std::vector<float> g(4);
    const auto got = contrastive::supcon(cpu{}, as_matrix(x, 2, 2), labels, as_matrix(y, 2, 2), labels, inner_product{},
                                         temperature{0.02}, {.x = as_matrix(g, 2, 2)}, {.positives = positives});
    CHECK(got.value == doctest::Approx(std::exp(-50.0)).epsilon(1e-5));
    CHECK(g[0] == doctest::Approx(-25 * std::exp(-50.0)).epsilon(1e-5));
    CHECK(g[1] == doctest::Approx(25 * std::exp(-50.0)).epsilon(1e-5));
    CHECK(got.by_temperature == doctest::Approx(50 / 0.02 * std::exp(-50.0)).epsilon(1e-5));
  }
}

TEST_CASE_TEMPLATE("supcon: no anchors, one class only, rows of zeros, lengths of any magnitude", T, float, double) {
  const index n = 12, d = 4;
  auto x = normal_rows<T>(n, d, 10);
  std::vector<T> g(x.size(), T(9));
  const auto run = [&](const labels_of_rows& labels, positives_mean positives) {
    return contrastive::supcon(cpu{}, as_matrix(x, n, d), labels, cosine{.floor = 0}, temperature{0.1}, {.x = as_matrix(g, n, d)},
                               {.positives = positives, .base_temperature = 0.07});
  };
  labels_of_rows alone;
  for (index i = 0; i < n; ++i) alone.push_back(i);
  for (const auto positives : {positives_mean::out, positives_mean::in}) {
    const auto none = run(alone, positives);
    CHECK(none.value == 0);
    CHECK(none.anchors == 0);
    CHECK(none.by_temperature == 0);
    for (const T v : g) CHECK(v == 0);

    const labels_of_rows one_class(static_cast<std::size_t>(n), -1);
    const auto all = run(one_class, positives);
    const auto expected = oracle::supcon(oracle::rows_of(x, n), one_class, {}, {}, 10, true, positives == positives_mean::in);
    CHECK(near(all.value, expected.value * 0.1 / 0.07, accuracy<T>));
    CHECK(all.anchors == n);
    for (std::size_t k = 0; k < g.size(); ++k) CHECK(std::fabs(g[k] - static_cast<T>(expected.by_x[k] / 0.7)) <= 3e-5);

    const auto labels = uneven_labels(n, 1);
    const auto before = run(labels, positives);
    auto scaled = x;
    for (std::size_t k = 0; k < x.size(); ++k) scaled[k] = x[k] * (k / d % 2 == 0 ? T(1e-20) : T(1e18));
    std::swap(x, scaled);
    CHECK(near(run(labels, positives).value, before.value, 10 * accuracy<T>));
    std::swap(x, scaled);
    for (std::size_t k = 0; k < d; ++k) x[k] = 0;
    CHECK(!dispar::is_special(run(labels, positives).value));
    for (std::size_t k = 0; k < d; ++k) CHECK(g[k] == 0);
    x = normal_rows<T>(n, d, 10);
  }
}

TEST_CASE("supcon: errors name what is wrong") {
  const index n = 4, d = 3;
  auto x = normal_rows<float>(n, d, 11);
  const std::vector<std::int32_t> labels{1, 1, 2, 2};
  const auto rows = as_matrix(std::as_const(x), n, d);
  const auto run = [&](const auto& v, const auto& l, double tau, const contrastive::gradients<float>& g = {},
                       const contrastive::supcon_options<>& o = {}) {
    (void)contrastive::supcon(cpu{}, v, l, cosine{}, temperature{tau}, g, o);
  };
  std::vector<float> g(12);
  std::vector<double> losses(3);
  check_refused([&] { run(rows.slice(0, 0), labels, 1); }, "supcon: rows of x must be at least 1");
  check_refused([&] { run(rows.slice(0, 3), labels, 1); }, "supcon: labels of x must be one per row, got 4");
  check_refused([&] { run(rows, labels, 0); }, "temperature: tau");
  check_refused([&] { run(rows, labels, 1, {.x = as_matrix(g, 3, 4)}); }, "supcon: gradient by x");
  check_refused([&] { run(rows, labels, 1, {.y = as_matrix(g, 4, 3)}); }, "supcon: gradients");
  check_refused([&] { run(rows, labels, 1, {.pairs = dispar::view_of(std::as_const(losses))}); }, "supcon: factors of anchors");
  check_refused([&] { run(rows, labels, 1, {}, {.base_temperature = -1}); }, "supcon: base_temperature");
  check_refused([&] { run(rows, labels, 1, {}, {.losses = dispar::view_of(losses)}); }, "supcon: losses");
  check_refused([&] { run(rows, labels, 1, {}, {.band_rows = -1}); }, "supcon: band_rows");
  const auto across = [&](const auto& y, const auto& l) {
    (void)contrastive::supcon(cpu{}, rows, labels, y, l, cosine{}, temperature{1});
  };
  check_refused([&] { across(rows.slice(0, 0), labels); }, "supcon: rows of y");
  check_refused([&] { across(as_matrix(g, 3, 4), labels); }, "supcon: columns of y");
  check_refused([&] { across(rows.slice(0, 2), labels); }, "supcon: labels of y");
  x[7] = std::numeric_limits<float>::quiet_NaN();
  check_refused([&] { run(rows, labels, 1); }, "x: row 2 holds NaN or infinity");
}

}  // namespace contrastive_tests
