// Softmax losses of matched rows: against stored logits, by bands, from any layout, and what is no input.
#include <doctest/doctest.h>

#include <cstring>

#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/infonce.hpp"
#include "dispar/contrastive/key_queue.hpp"
#include "dispar/contrastive/logit_matrix.hpp"
#include "dispar/contrastive/ntxent.hpp"
#include "dispar/contrastive/siglip.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::direction;
using contrastive::inner_product;
using contrastive::temperature;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

template<class T>
struct batch {
  index n, m, d;
  std::vector<T> x, y, more, gx, gy, gm;
  batch(index pairs, index negatives, index features, std::uint64_t stream = 1)
      : n(pairs),
        m(negatives),
        d(features),
        x(normal_rows<T>(n, d, stream)),
        y(normal_rows<T>(n, d, stream + 1)),
        more(normal_rows<T>(m, d, stream + 2)),
        gx(x.size()),
        gy(y.size()),
        gm(more.size()) {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i] + y[i];
  }
  [[nodiscard]] auto vx() const { return as_matrix(x, n, d); }
  [[nodiscard]] auto vy() const { return as_matrix(y, n, d); }
  [[nodiscard]] auto vm() const { return as_matrix(more, m, d); }
  [[nodiscard]] contrastive::gradients<T> gradients() {
    return {
        .x = as_matrix(gx, n, d), .y = as_matrix(gy, n, d), .negatives = m > 0 ? as_matrix(gm, m, d) : dispar::matrix_view<T>{}};
  }
  [[nodiscard]] oracle::problem problem(bool both, bool within = false, bool in_batch = true) const {
    return oracle::matched(oracle::rows_of(x, n), oracle::rows_of(y, n), oracle::rows_of(more, m), both, within, in_batch);
  }
  /// Of the gradients, from the oracle's.
  [[nodiscard]] double apart(const oracle::answer& r) const {
    return std::max({oracle::apart(gx, oracle::gradient_of(r, 0, n)), oracle::apart(gy, oracle::gradient_of(r, n, n)),
                     m > 0 ? oracle::apart(gm, oracle::gradient_of(r, 2 * n, m)) : 0.0});
  }
};

template<class T>
constexpr double accuracy = sizeof(T) == 4 ? 3e-6 : 3e-14;

bool near(double got, double expected, double relative) {
  return std::fabs(got - expected) <= relative * (1 + std::fabs(expected));
}

}  // namespace

TEST_CASE_TEMPLATE("infonce: stored logits, in one direction and both, with further negatives, at sizes around a tile", T, float,
                   double) {
  for (const auto& sizes : {std::array<index, 3>{1, 3, 2}, {2, 0, 2}, {5, 4, 7}, {49, 0, 16}, {97, 33, 65}, {200, 0, 3}})
    for (const direction anchors : {direction::rows, direction::both}) {
      const index n = sizes[0], m = sizes[1], d = sizes[2];
      CAPTURE(n);
      CAPTURE(m);
      CAPTURE(d);
      batch<T> of(n, m, d);
      const auto expected = oracle::solve(of.problem(anchors == direction::both), 1 / 0.2, true);
      std::vector<double> losses(static_cast<std::size_t>(n));
      contrastive::infonce_options<T> o{.anchors = anchors, .losses = dispar::view_of(losses)};
      if (m > 0) o.negatives = of.vm();
      const auto got = contrastive::infonce(cpu{}, of.vx(), of.vy(), cosine{}, temperature{0.2}, of.gradients(), o);
      CHECK(near(got.value, expected.loss, accuracy<T>));
      CHECK(near(got.by_temperature, -expected.by_log_scale / 0.2, 10 * accuracy<T>));
      CHECK(of.apart(expected) < accuracy<T>);
      std::vector<double> by_pair;
      for (std::size_t i = 0; i < losses.size(); ++i)
        by_pair.push_back(anchors == direction::both ? (expected.losses[i] + expected.losses[losses.size() + i]) / 2
                                                     : expected.losses[i]);
      CHECK(oracle::apart(losses, by_pair) < accuracy<T>);
    }
}

TEST_CASE_TEMPLATE("ntxent and moco: stored logits", T, float, double) {
  batch<T> of(61, 70, 19);
  SUBCASE("two views") {
    of.m = 0;
    of.more.clear();
    of.gm.clear();
    const auto expected = oracle::solve(of.problem(true, true), 2, true);
    const auto got = contrastive::ntxent(cpu{}, of.vx(), of.vy(), cosine{}, temperature{0.5}, of.gradients());
    CHECK(near(got.value, expected.loss, accuracy<T>));
    CHECK(near(got.by_temperature, -expected.by_log_scale * 2, 10 * accuracy<T>));
    CHECK(of.apart(expected) < accuracy<T>);
  }
  SUBCASE("negatives from a queue only") {
    const auto expected = oracle::solve(of.problem(false, false, false), 1 / 0.07, true);
    const auto got = contrastive::infonce(cpu{}, of.vx(), of.vy(), cosine{}, temperature{}, of.gradients(),
                                          {.negatives = of.vm(), .in_batch = false});
    CHECK(near(got.value, expected.loss, accuracy<T>));
    CHECK(of.apart(expected) < accuracy<T>);
  }
}

TEST_CASE_TEMPLATE("siglip: the formula, central differences, a transposed problem, bands", T, float, double) {
  batch<T> of(31, 0, 6);
  const contrastive::exponential_scale scale{1.5};
  const double factor = std::exp(1.5), bias = -2;
  const auto formula = [&](double add_scale, double add_bias) {
    double sum = 0;
    for (index i = 0; i < 31; ++i)
      for (index j = 0; j < 31; ++j) {
        double xx = 0, yy = 0, xy = 0;
        for (index k = 0; k < 6; ++k) {
          const double a = static_cast<double>(of.vx()(i, k)), b = static_cast<double>(of.vy()(j, k));
          xx += a * a;
          yy += b * b;
          xy += a * b;
        }
        const double z = (i == j ? 1 : -1) * (factor * std::exp(add_scale) * xy / std::sqrt(xx * yy) + bias + add_bias);
        sum += std::log1p(std::exp(-std::fabs(z))) + std::fmax(-z, 0.0);
      }
    return sum / 31;
  };
  const auto loss = contrastive::siglip(cpu{}, of.vx(), of.vy(), cosine{}, scale, of.gradients(), {.bias = bias});
  const double h = 1e-4;
  CHECK(near(loss.value, formula(0, 0), accuracy<T>));
  CHECK(near(loss.by_bias, (formula(0, h) - formula(0, -h)) / (2 * h), 1e-6 + accuracy<T>));
  CHECK(near(loss.by_temperature, (formula(h, 0) - formula(-h, 0)) / (2 * h), 1e-6 + 10 * accuracy<T>));
  const auto gx = of.gx;
  for (const std::size_t at : {0u, 17u, 185u}) {
    const T before = of.x[at];
    const double step = 1e-3;
    of.x[at] = static_cast<T>(static_cast<double>(before) + step);
    const double above = formula(0, 0);
    of.x[at] = static_cast<T>(static_cast<double>(before) - step);
    const double below = formula(0, 0);
    of.x[at] = before;
    CHECK(near(static_cast<double>(gx[at]), (above - below) / (2 * step), 1e-4));
  }
  CHECK(near(contrastive::siglip(cpu{}, of.vx(), of.vy(), cosine{}, scale, {}, {.bias = bias}).value, loss.value, accuracy<T>));
  auto banded = of;
  const auto by_bands =
      contrastive::siglip(cpu{}, banded.vy(), banded.vx(), cosine{}, scale, banded.gradients(), {.bias = bias, .band_rows = 8});
  CHECK(near(by_bands.value, loss.value, accuracy<T>));
  CHECK(oracle::apart(banded.gy, std::vector<double>(gx.begin(), gx.end())) < 10 * accuracy<T>);
  CHECK_THROWS_AS((void)contrastive::siglip(cpu{}, of.vx(), of.vy(), cosine{}, scale, {}, {.bias = dispar::quiet_nan<double>()}),
                  dispar::invalid_argument);
}

TEST_CASE("bands of rows change nothing but rounding; threads change nothing") {
  batch<double> of(150, 90, 11);
  const contrastive::exponential_scale scale{2.0};
  const auto run = [&](const auto& b, index band_rows) {
    const auto loss = contrastive::infonce(b, of.vx(), of.vy(), cosine{}, scale, of.gradients(),
                                           {.anchors = direction::both, .negatives = of.vm(), .band_rows = band_rows});
    std::vector<double> all{loss.value, loss.rows, loss.cols, loss.by_temperature};
    for (const auto* g : {&of.gx, &of.gy, &of.gm}) all.insert(all.end(), g->begin(), g->end());
    return all;
  };
  const auto whole = run(cpu{}, 0);
  for (const index band : {1, 7, 64, 149}) CHECK(oracle::apart(run(cpu{}, band), whole) < 1e-13);
  const auto serial = run(dispar::cpu{.each = {.threads = 1}}, 64);
  const auto threads = run(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, 64);
  CHECK(std::memcmp(serial.data(), threads.data(), serial.size() * sizeof(double)) == 0);
  const auto views = [&](index band_rows) {
    const auto loss =
        contrastive::ntxent(cpu{}, of.vx(), of.vy(), cosine{}, scale, {.x = as_matrix(of.gx, 150, 11)}, {.band_rows = band_rows});
    std::vector<double> all{loss.value, loss.by_temperature};
    all.insert(all.end(), of.gx.begin(), of.gx.end());
    return all;
  };
  CHECK(oracle::apart(views(40), views(0)) < 1e-13);
}

TEST_CASE("gradients: central differences, upstream factors, accumulation, strides") {
  batch<double> of(9, 4, 5);
  std::vector<double> upstream(9);
  for (std::size_t i = 0; i < 9; ++i) upstream[i] = 0.3 * static_cast<double>(i) - 0.5;
  std::vector<double> losses(9);
  const auto objective = [&](const contrastive::softplus_scale& scale) {
    (void)contrastive::infonce(cpu{}, of.vx(), of.vy(), contrastive::projection{}, scale, {},
                               {.anchors = direction::both,
                                .reduce = contrastive::reduction::sum,
                                .negatives = of.vm(),
                                .losses = dispar::view_of(losses)});
    double sum = 0;
    for (std::size_t i = 0; i < 9; ++i) sum += upstream[i] * losses[i];
    return sum;
  };
  const contrastive::softplus_scale scale{0.7};
  const double device_factor = 2;
  for (double& v : of.gx) v = 1;
  auto g = of.gradients();
  g.factor = 0.5;
  g.upstream = dispar::scalar_view<const double>(&device_factor);
  g.pairs = dispar::view_of(std::as_const(upstream));
  const contrastive::infonce_options<double> o{
      .anchors = direction::both, .reduce = contrastive::reduction::sum, .negatives = of.vm()};
  const double by_t = contrastive::infonce(cpu{}, of.vx(), of.vy(), contrastive::projection{}, scale, g, o).by_temperature;
  const double h = 1e-5;
  CHECK(by_t == doctest::Approx((objective({0.7 + h}) - objective({0.7 - h})) / (2 * h)).epsilon(1e-7));
  const auto check = [&](std::vector<double>& rows, const std::vector<double>& gradient) {
    for (const std::size_t at : {0u, 3u, 11u, 19u}) {
      const double before = rows[at];
      rows[at] = before + h;
      const double above = objective(scale);
      rows[at] = before - h;
      const double below = objective(scale);
      rows[at] = before;
      CHECK(gradient[at] == doctest::Approx((above - below) / (2 * h)).epsilon(1e-6));
    }
  };
  check(of.x, of.gx);
  check(of.y, of.gy);
  check(of.more, of.gm);

  // Twice as much by accumulation, columns apart from one another.
  std::vector<double> wide(9 * 5 * 2, 0.0), columns(5 * 9);
  for (index i = 0; i < 9; ++i)
    for (index k = 0; k < 5; ++k) columns[static_cast<std::size_t>(k * 9 + i)] = of.x[static_cast<std::size_t>(i * 5 + k)];
  auto again = g;
  again.x = dispar::matrix_view<double>(wide.data(), {9, 5}, {10, 2});
  again.accumulate = true;
  again.y = again.negatives = {};
  for (int twice = 0; twice < 2; ++twice)
    (void)contrastive::infonce(cpu{}, as_matrix(columns, 5, 9).transposed(), of.vy(), contrastive::projection{}, scale, again, o);
  for (index i = 0; i < 9; ++i)
    for (index k = 0; k < 5; ++k)
      CHECK(again.x(i, k) == doctest::Approx(2 * of.gx[static_cast<std::size_t>(i * 5 + k)]).epsilon(1e-12));
}

TEST_CASE("infonce: identities") {
  batch<double> of(12, 0, 6);
  SUBCASE("one pair has no loss and no gradient") {
    batch<float> one(1, 0, 4);
    const auto got = contrastive::infonce(cpu{}, one.vx(), one.vy(), cosine{}, temperature{}, one.gradients());
    CHECK(got.value == 0);
    CHECK(got.by_temperature == 0);
    for (const float v : one.gx) CHECK(v == 0);
    CHECK(contrastive::ntxent(cpu{}, one.vx(), one.vy(), cosine{}, temperature{}).value == 0);
  }
  SUBCASE("equal rows") {
    const std::vector<double> same(12 * 6, 0.5);
    const auto rows = as_matrix(same, 12, 6);
    CHECK(contrastive::ntxent(cpu{}, rows, rows, cosine{}, temperature{0.5}).value ==
          doctest::Approx(std::log(23.0)).epsilon(1e-14));
  }
  SUBCASE("the temperature divides the queries") {
    auto colder = of.x;
    for (double& v : colder) v /= 0.3;
    const double a = contrastive::infonce(cpu{}, of.vx(), of.vy(), inner_product{}, temperature{0.3}).value;
    const double b = contrastive::infonce(cpu{}, as_matrix(colder, 12, 6), of.vy(), inner_product{}, temperature{1}).value;
    CHECK(a == doctest::Approx(b).epsilon(1e-13));
  }
  SUBCASE("sides may be exchanged") {
    const contrastive::infonce_options<double> both{.anchors = direction::both};
    const auto a = contrastive::infonce(cpu{}, of.vx(), of.vy(), cosine{}, temperature{}, {}, both);
    const auto b = contrastive::infonce(cpu{}, of.vy(), of.vx(), cosine{}, temperature{}, {}, both);
    CHECK(a.value == doctest::Approx(b.value).epsilon(1e-14));
    CHECK(a.rows == doctest::Approx(b.cols).epsilon(1e-14));
  }
  SUBCASE("a clamped scale has no derivative") {
    const auto got =
        contrastive::infonce(cpu{}, of.vx(), of.vy(), cosine{}, contrastive::exponential_scale{5}, {.temperature = true});
    CHECK(got.by_temperature == 0);
  }
  SUBCASE("cosines do not depend on lengths, however large or small") {
    const auto expected = contrastive::infonce(cpu{}, of.vx(), of.vy(), cosine{.floor = 0}, temperature{}).value;
    for (const double factor : {1e-200, 1e-30, 1e250}) {
      auto x = of.x;
      for (double& v : x) v *= factor;
      CHECK(contrastive::infonce(cpu{}, as_matrix(x, 12, 6), of.vy(), cosine{.floor = 0}, temperature{}).value ==
            doctest::Approx(expected).epsilon(1e-12));
    }
  }
  SUBCASE("a row of zeros is similar to nothing") {
    for (std::size_t k = 0; k < 6; ++k) of.x[k] = 0;
    const auto got = contrastive::infonce(cpu{}, of.vx(), of.vy(), cosine{}, temperature{}, of.gradients());
    CHECK(near(got.value, oracle::solve(of.problem(false), 1 / 0.07, true).loss, 1e-13));
    for (std::size_t k = 0; k < 6; ++k) CHECK(of.gx[k] == 0);
  }
  SUBCASE("small losses keep their digits") {
    // One negative, at a right angle: log(1 + exp(-100)).
    const std::vector<float> unit{1, 0, 0, 1};
    const auto rows = as_matrix(unit, 2, 2);
    std::vector<float> by_x(4);
    const auto got = contrastive::infonce(cpu{}, rows, rows, inner_product{}, temperature{0.01}, {.x = as_matrix(by_x, 2, 2)});
    CHECK(got.value == doctest::Approx(std::exp(-100.0)).epsilon(1e-12));
    CHECK(by_x[0] == doctest::Approx(-50 * std::exp(-100.0)).epsilon(1e-5));
  }
}

TEST_CASE("infonce: errors name what is wrong before any work") {
  batch<float> of(4, 2, 3);
  const auto message = [&](const auto& call) {
    try {
      call();
    } catch (const dispar::invalid_argument& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const auto x = of.vx(), y = of.vy();
  const auto value = [&](const auto& a, const auto& b) { (void)contrastive::infonce(cpu{}, a, b, cosine{}, temperature{}); };
  CHECK(message([&] { value(x.slice(0, 0), y.slice(0, 0)); }) == "dispar: contrastive: rows of x must be at least 1, got 0");
  CHECK(message([&] { value(x, y.slice(0, 3)); }) == "dispar: contrastive: rows of y must be those of x, got 3");
  CHECK(message([&] { value(x, as_matrix(of.more, 1, 6)); }) == "dispar: contrastive: rows of y must be those of x, got 1");
  CHECK(message([&] { (void)contrastive::infonce(cpu{}, x, y, cosine{}, temperature{0}); }) ==
        "dispar: temperature: tau must be above 0, got 0");
  CHECK(message([&] { (void)contrastive::infonce(cpu{}, x, y, cosine{}, temperature{}, {.y = as_matrix(of.gm, 2, 3)}); }) ==
        "dispar: contrastive: gradient by y must have the shape of what it is a gradient by, got 2");
  of.y[7] = std::numeric_limits<float>::quiet_NaN();
  CHECK(message([&] { value(x, y); }) == "dispar: contrastive: y: row 2 holds NaN or infinity");
}

TEST_CASE("logit_matrix and key_queue") {
  batch<float> of(30, 7, 5);
  std::vector<float> z(30 * 7);
  contrastive::logit_matrix(cpu{}, of.vx(), of.vm(), cosine{}, temperature{0.5}, as_matrix(z, 30, 7));
  double norm_x = 0, norm_y = 0, dot = 0;
  for (std::size_t k = 0; k < 5; ++k) {
    const double a = static_cast<double>(of.x[29 * 5 + k]), b = static_cast<double>(of.more[6 * 5 + k]);
    norm_x += a * a;
    norm_y += b * b;
    dot += a * b;
  }
  CHECK(static_cast<double>(z.back()) == doctest::Approx(2 * dot / std::sqrt(norm_x * norm_y)).epsilon(1e-6));

  contrastive::key_queue<float, cpu> queue(cpu{}, 8, 5);
  CHECK(queue.rows().rows() == 0);
  queue.push(of.vx().slice(0, 6));
  CHECK(queue.rows().rows() == 6);
  queue.push(of.vm());  // wraps around
  CHECK(queue.rows().rows() == 8);
  CHECK(queue.position() == 5);
  CHECK(static_cast<double>(queue.rows()(4, 0)) ==
        doctest::Approx(static_cast<double>(of.more[6 * 5]) / std::sqrt(norm_y)).epsilon(1e-6));
  queue.push(of.vx());  // more than it holds
  CHECK(static_cast<double>(queue.rows()((5 + 29) % 8, 1)) ==
        doctest::Approx(static_cast<double>(of.x[29 * 5 + 1]) / std::sqrt(norm_x)).epsilon(1e-6));
  CHECK_THROWS_AS((contrastive::key_queue<float, cpu>(cpu{}, 0, 5)), dispar::invalid_argument);
  CHECK_THROWS_AS(queue.push(as_matrix(of.more, 5, 7)), dispar::invalid_argument);
}

}  // namespace contrastive_tests
