// Jensen-Shannon on rows: against the formula, central differences, the engine's ways through a row, and what is no row.
#include "dispar/divergence/rows.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "backend/host/any_executor.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/divergence/clamped_jensen_shannon.hpp"
#include "dispar/divergence/entropy.hpp"
#include "dispar/divergence/jensen_shannon.hpp"
#include "oracle.hpp"

namespace divergence_tests {

namespace {

namespace divergence = dispar::divergence;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;
using dispar::view_of;
using divergence::jensen_shannon;

template<class T>
struct logits {
  index rows, cols;
  std::vector<T> a, b;
  logits(index n, index v) : rows(n), cols(v), a(normal_rows<T>(n, v, 1)), b(normal_rows<T>(n, v, 2)) {
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = a[i] + T(0.5) * b[i];
  }
  auto x() const { return as_matrix(a, rows, cols); }
  auto y() const { return as_matrix(b, rows, cols); }
  std::vector<double> expected(const oracle::formula& f) const {
    std::vector<double> d;
    for (index i = 0; i < rows; ++i)
      d.push_back(f(oracle::softmax(a.data() + i * cols, cols), oracle::softmax(b.data() + i * cols, cols)));
    return d;
  }
};

double worst(const std::vector<double>& got, const std::vector<double>& expected) {
  double most = 0;
  for (std::size_t i = 0; i < got.size(); ++i) most = std::fmax(most, std::fabs(got[i] - expected[i]));
  return most;
}

template<class T>
constexpr double accuracy = sizeof(T) == 4 ? 2e-7 : 2e-15;

template<class X>
bool same_bits(const std::vector<X>& a, const std::vector<X>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(X)) == 0;
}

}  // namespace

TEST_CASE_TEMPLATE("jensen_shannon: the formula, at every length around a pack, a tile and a segment", T, float, double) {
  for (const index cols : {1, 2, 15, 16, 17, 2047, 2049, 8192, 20000}) {
    CAPTURE(cols);
    const logits<T> l(3, cols);
    std::vector<double> got(3);
    for (const double w : {0.5, 0.1}) {
      const auto expected = l.expected(oracle::jensen_shannon(w));
      divergence::rows(cpu{}, l.x(), l.y(), jensen_shannon{w}, got);
      CHECK(worst(got, expected) < accuracy<T>);
    }
    divergence::rows(cpu{}, l.x(), l.y(), jensen_shannon{}, got, {.in = divergence::unit::bits});
    auto bits = l.expected(oracle::jensen_shannon(0.5));
    for (double& x : bits) x /= std::log(2.0);
    CHECK(worst(got, bits) < 2 * accuracy<T>);
  }
}

TEST_CASE("jensen_shannon: the worked example of the specification") {
  const std::vector<double> a{std::log(3.0), 0}, b{0, 0};
  CHECK(divergence::mean(as_matrix(a, 1, 2), as_matrix(b, 1, 2), jensen_shannon{}) == doctest::Approx(0.0338221).epsilon(1e-5));
  const std::vector<double> p{0.75, 0.25}, q{0.5, 0.5};
  const double d = divergence::mean(divergence::probabilities(as_matrix(p, 1, 2)), divergence::probabilities(as_matrix(q, 1, 2)),
                                    jensen_shannon{}, {.in = divergence::unit::bits});
  CHECK(d == doctest::Approx(0.0487949).epsilon(1e-5));
}

TEST_CASE("jensen_shannon: gradients of both arguments are central differences") {
  for (const bool from_logits : {true, false}) {
    CAPTURE(from_logits);
    logits<double> l(2, 21);
    if (!from_logits)
      for (auto* x : {&l.a, &l.b})
        for (index i = 0; i < l.rows; ++i) {
          const auto p = oracle::softmax(x->data() + i * l.cols, l.cols);
          std::copy(p.begin(), p.end(), x->begin() + i * l.cols);
        }
    const jensen_shannon f{0.3};
    const auto value = [&] {
      return from_logits ? divergence::mean(l.x(), l.y(), f)
                         : divergence::mean(divergence::probabilities(l.x()), divergence::probabilities(l.y()), f);
    };
    std::vector<double> ga(l.a.size()), gb(l.b.size());
    const divergence::gradients<double> g{.a = as_matrix(ga, l.rows, l.cols), .b = as_matrix(gb, l.rows, l.cols)};
    const double d = from_logits ? divergence::mean_and_gradient(cpu{}, l.x(), l.y(), f, g)
                                 : divergence::mean_and_gradient(cpu{}, divergence::probabilities(l.x()),
                                                                 divergence::probabilities(l.y()), f, g);
    CHECK(d == doctest::Approx(value()).epsilon(1e-13));
    double most = 0;
    for (auto [x, gradient] : {std::pair{&l.a, &ga}, std::pair{&l.b, &gb}})
      for (std::size_t i = 0; i < x->size(); ++i) {
        const double h = 1e-5 * (from_logits ? 1 : (*x)[i]), kept = (*x)[i];
        (*x)[i] = kept + h;
        const double above = value();
        (*x)[i] = kept - h;
        const double below = value();
        (*x)[i] = kept;
        most = std::fmax(most, std::fabs((above - below) / (2 * h) - (*gradient)[i]));
      }
    CHECK(most < 1e-9);
  }
}

TEST_CASE("rows: strides, in place, accumulation, factors, lengths") {
  const logits<float> l(4, 37);
  const index n = l.rows, v = l.cols;
  std::vector<double> value(4), again(4);
  std::vector<float> ga(l.a.size()), gb(l.b.size());
  const auto view_a = as_matrix(ga, n, v), view_b = as_matrix(gb, n, v);
  const jensen_shannon f;
  divergence::rows_and_gradient(cpu{}, l.x(), l.y(), f, value, {.a = view_a, .b = view_b});

  SUBCASE("columns apart, and every layout") {
    std::vector<float> at(l.a.size()), bt(l.a.size()), gt(l.a.size());
    for (index i = 0; i < n; ++i)
      for (index j = 0; j < v; ++j) {
        at[static_cast<std::size_t>(j * n + i)] = l.x()(i, j);
        bt[static_cast<std::size_t>(j * n + i)] = l.y()(i, j);
      }
    const auto gradient = as_matrix(gt, v, n).transposed();
    divergence::rows_and_gradient(cpu{}, as_matrix(at, v, n).transposed(), as_matrix(bt, v, n).transposed(), f, again,
                                  {.a = gradient});
    CHECK(same_bits(value, again));
    bool equal = true;
    for (index i = 0; i < n; ++i)
      for (index j = 0; j < v; ++j) equal = equal && gradient(i, j) == view_a(i, j);
    CHECK(equal);
  }
  SUBCASE("over the arguments") {
    auto a = l.a, b = l.b;
    divergence::rows_and_gradient(cpu{}, as_matrix(a, n, v), as_matrix(b, n, v), f, again,
                                  {.a = as_matrix(a, n, v), .b = as_matrix(b, n, v)});
    CHECK(same_bits(value, again));
    CHECK(same_bits(a, ga));
    CHECK(same_bits(b, gb));
  }
  SUBCASE("added to what is there, with an upstream derivative per row; no values wanted") {
    std::vector<float> sum(l.a.size(), 1.0f);
    const std::vector<double> upstream{2, 0, -1, 0.5};
    divergence::rows_and_gradient(cpu{}, l.x(), l.y(), f, dispar::vector_view<double>(),
                                  {.a = as_matrix(sum, n, v), .factor = 3, .rows = view_of(upstream), .accumulate = true});
    for (index i = 0; i < n; ++i)
      for (index j = 0; j < v; ++j) {
        const auto at = static_cast<std::size_t>(i * v + j);
        CHECK(sum[at] ==
              doctest::Approx(1 + 3 * upstream[static_cast<std::size_t>(i)] * static_cast<double>(ga[at])).epsilon(1e-6));
      }
  }
  SUBCASE("ragged: as if the row ended there, zeros behind") {
    const std::vector<std::int64_t> lengths{37, 5, 0, 38};
    std::vector<float> g(l.a.size(), 7.0f);
    divergence::rows_and_gradient(cpu{}, l.x(), l.y(), f, again, {.a = as_matrix(g, n, v)}, {.lengths = view_of(lengths)});
    CHECK(again[0] == value[0]);
    const auto row = [&](const std::vector<float>& x) { return oracle::softmax(x.data() + v, 5); };
    CHECK(again[1] == doctest::Approx(oracle::jensen_shannon(0.5)(row(l.a), row(l.b))).epsilon(1e-5));
    CHECK(std::all_of(g.begin() + v + 5, g.end(), [](float x) { return x == 0; }));
    CHECK(dispar::is_nan(again[2]));
    CHECK(dispar::is_nan(again[3]));  // beyond the matrix
  }
}

TEST_CASE_TEMPLATE("masks: as minus infinity, whatever is there", T, float, double) {
  for (const index v : {19, 5000})
    for (const bool one_for_all : {false, true}) {
      CAPTURE(v);
      CAPTURE(one_for_all);
      constexpr index n = 3;
      logits<T> l(n, v), excluded(n, v);
      std::vector<std::uint8_t> takes_part(static_cast<std::size_t>(n * v));
      const auto mask = one_for_all ? dispar::matrix_view<const std::uint8_t>(takes_part.data(), {n, v}, {0, 1})
                                    : dispar::matrix_view<const std::uint8_t>(takes_part.data(), n, v);
      for (std::size_t i = 0; i < takes_part.size(); ++i)
        takes_part[i] = (i * i + i / 7) % 3 == 0 ? 0 : static_cast<std::uint8_t>(i % 200 + 1);
      takes_part[static_cast<std::size_t>(&mask(1, 4) - takes_part.data())] = 1;
      for (index i = 0; i < n; ++i)
        for (index j = 0; j < v; ++j) {
          const auto at = static_cast<std::size_t>(i * v + j);
          if (mask(i, j) != 0) continue;
          excluded.a[at] = excluded.b[at] = dispar::negative_infinity<T>();
          l.a[at] = j % 2 ? dispar::quiet_nan<T>() : T(1000);
        }
      std::vector<double> expected(n), got(n);
      std::vector<T> ga(l.a.size()), gb(l.a.size()), masked_a(l.a.size(), T(7)), masked_b(l.a.size());
      const jensen_shannon f{0.3};
      divergence::rows_and_gradient(cpu{}, excluded.x(), excluded.y(), f, expected,
                                    {.a = as_matrix(ga, n, v), .b = as_matrix(gb, n, v)});
      divergence::rows_and_gradient(cpu{}, l.x(), l.y(), f, got, {.a = as_matrix(masked_a, n, v), .b = as_matrix(masked_b, n, v)},
                                    {.mask = mask});
      CHECK(got == expected);
      CHECK(masked_a == ga);
      CHECK(masked_b == gb);
      divergence::rows(cpu{}, l.x(), l.y(), f, got, {.mask = mask});
      CHECK(worst(got, expected) < accuracy<T>);
      divergence::entropy(cpu{}, excluded.x(), expected);
      divergence::entropy(cpu{}, l.x(), got, {.mask = mask});
      CHECK(got == expected);

      // Added, over the arguments, a row without a divergence: masked elements are left alone, or 0.
      const auto broken = static_cast<std::size_t>(v + 4);
      l.b[broken] = dispar::quiet_nan<T>();
      auto a = l.a;
      std::fill(masked_a.begin(), masked_a.end(), T(7));
      divergence::rows_and_gradient(cpu{}, as_matrix(a, n, v), l.y(), f, got,
                                    {.a = as_matrix(masked_a, n, v), .accumulate = true}, {.mask = mask});
      divergence::rows_and_gradient(cpu{}, as_matrix(a, n, v), l.y(), f, got, {.a = as_matrix(a, n, v)}, {.mask = mask});
      CHECK(dispar::is_nan(got[1]));
      bool untouched = true, right = true;
      for (index i = 0; i < n; ++i)
        for (index j = 0; j < v; ++j) {
          const auto at = static_cast<std::size_t>(i * v + j);
          if (mask(i, j) == 0)
            untouched = untouched && masked_a[at] == 7 && a[at] == 0;
          else if (i != 1)
            right = right && std::fabs(a[at] - ga[at]) < T(1e-6) && std::fabs(masked_a[at] - T(7) - ga[at]) < T(1e-6);
          else
            right = right && dispar::is_nan(a[at]);
        }
      CHECK(untouched);
      CHECK(right);
    }
}

TEST_CASE("masks: probabilities, rows apart, nothing left, another shape") {
  const std::vector<double> p{0.5, 9, 0.5, 0.2, -1, 0.8}, q{0.25, -1, 0.75, 0.5, 9, 0.5};  // 2 x 3
  const std::vector<std::uint8_t> mask{1, 1, 0, 0, 1, 1, 0, 0};                            // 3 x 2 and more: columns apart
  const dispar::matrix_view<const std::uint8_t> every_second(mask.data(), {2, 3}, {0, 2});
  std::vector<double> got(2);
  const auto x = divergence::probabilities(as_matrix(p, 2, 3)), y = divergence::probabilities(as_matrix(q, 2, 3));
  divergence::rows(cpu{}, x, y, jensen_shannon{}, got, {.mask = every_second});
  const auto expected = oracle::jensen_shannon(0.5);
  CHECK(got[0] == doctest::Approx(expected({0.5, 0.5}, {0.25, 0.75})).epsilon(1e-14));
  CHECK(got[1] == doctest::Approx(expected({0.2, 0.8}, {0.5, 0.5})).epsilon(1e-14));
  const logits<float> l(2, 3);
  const std::vector<std::uint8_t> none(6);
  divergence::rows(cpu{}, l.x(), l.y(), jensen_shannon{}, got, {.mask = as_matrix(none, 2, 3)});
  CHECK(dispar::is_nan(got[0]));
  CHECK_THROWS_WITH_AS(divergence::rows(cpu{}, l.x(), l.y(), jensen_shannon{}, got, {.mask = as_matrix(none, 3, 2)}),
                       "dispar: rows: mask must have the rows of the inputs, got 3", dispar::invalid_argument);
}

TEST_CASE("rows: the same bits for any number of threads, whether rows or segments are shared out") {
  const logits<float> l(2, 30000);  // fewer rows than threads
  const auto compute = [&](const auto& each, index rows) {
    std::vector<double> value(static_cast<std::size_t>(rows));
    std::vector<float> g(static_cast<std::size_t>(2 * rows * l.cols));
    const auto view = as_matrix(g, 2 * rows, l.cols);
    divergence::rows_and_gradient(dispar::tiled_host<std::remove_cvref_t<decltype(each)>>{each}, l.x().slice(0, rows),
                                  l.y().slice(0, rows), jensen_shannon{0.4}, value,
                                  {.a = view.slice(0, rows), .b = view.slice(rows, rows)});
    g.insert(g.end(), value.begin(), value.end());
    return std::pair(g, value);
  };
  for (const index rows : {1, 2}) {
    const auto expected = compute(engine_tests::forwards(), rows);
    for (const auto& each : {engine_tests::backwards(), engine_tests::threads(2, 2), engine_tests::threads(4, 4)}) {
      const auto got = compute(each, rows);
      CHECK(same_bits(got.first, expected.first));
      CHECK(same_bits(got.second, expected.second));
    }
    for (int threads = 1; threads <= 4; ++threads) CHECK(compute(dispar::openmp{threads}, rows).second == expected.second);
  }
}

TEST_CASE_TEMPLATE("jensen_shannon: tokens that cannot occur, extreme logits, equal rows", T, float, double) {
  const T none = dispar::negative_infinity<T>(), large = std::numeric_limits<T>::max() / 8;
  const auto value = [](const std::vector<T>& a, const std::vector<T>& b) {
    std::vector<double> d(1);
    const auto n = static_cast<index>(a.size());
    divergence::rows(cpu{}, as_matrix(a, 1, n), as_matrix(b, 1, n), jensen_shannon{}, d);
    return d[0];
  };
  const double log2 = std::log(2.0);
  CHECK(value({0, none}, {none, 0}) == doctest::Approx(log2).epsilon(1e-6));  // disjoint
  CHECK(value({0, none, none}, {1, none, none}) == 0);                        // both sides
  CHECK(value({1, 2, none}, {1, 2, none}) == 0);
  CHECK(value({large, 0}, {0, large}) == doctest::Approx(log2).epsilon(1e-6));
  CHECK(value({large, -large}, {large, -large}) == 0);
  CHECK(value({0, 0, none}, {0, none, 0}) == doctest::Approx(log2 / 2).epsilon(1e-6));  // half of the mass in common
  std::vector<T> many(5000, none), one = normal_rows<T>(1, 5000, 3);
  many[4321] = 3;
  CHECK(value(many, many) == 0);
  CHECK(value(one, one) == 0);
  auto near = one;
  for (std::size_t i = 0; i < near.size(); i += 2) near[i] += T(1e-4);
  CHECK(value(one, near) >= 0);
  CHECK(value(one, near) < 1e-8 + accuracy<T>);

  const T nan = dispar::quiet_nan<T>(), infinite = dispar::positive_infinity<T>();
  CHECK(dispar::is_nan(value({0, nan}, {0, 0})));
  CHECK(dispar::is_nan(value({0, 0}, {nan, 0})));
  CHECK(dispar::is_nan(value({0, infinite}, {0, 0})));
  CHECK(dispar::is_nan(value({none, none}, {0, 0})));
  CHECK(dispar::is_nan(value({nan, none}, {0, 0})));
}

TEST_CASE("clamped_jensen_shannon: the exact one where nothing vanishes; one vanishing token concerns the whole batch") {
  const logits<double> l(3, 50);
  std::vector<double> exact(3), clamped(3);
  divergence::rows(cpu{}, l.x(), l.y(), jensen_shannon{}, exact);
  divergence::rows(cpu{}, l.x(), l.y(), divergence::clamped_jensen_shannon{}, clamped);
  CHECK(worst(clamped, exact) < 1e-15);
  auto a = l.a;
  a[60] = -2000;  // in row 1
  const auto x = as_matrix(a, 3, 50);
  divergence::rows(cpu{}, x, l.y(), divergence::clamped_jensen_shannon{0.01}, clamped);
  CHECK(std::fabs(clamped[0] - exact[0]) < 1e-15);
  CHECK(std::fabs(clamped[1] - exact[1]) > 1e-3);
  const double mean = divergence::mean(cpu{}, x, l.y(), divergence::clamped_jensen_shannon{0.01});
  CHECK(std::fabs(mean - (clamped[0] + clamped[1] + clamped[2]) / 3) > 1e-3);  // rows 0 and 2 are clamped as well
}

TEST_CASE("rows: bad input throws before any work, or where a number is returned") {
  const std::vector<float> x(12), y(12);
  std::vector<double> value(3);
  const auto a = as_matrix(x, 3, 4);
  CHECK_THROWS_WITH_AS(divergence::rows(cpu{}, a, as_matrix(y, 4, 3), jensen_shannon{}, value),
                       "dispar: rows: number of rows must be the same in every matrix, got 4", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(divergence::rows(cpu{}, a, a, jensen_shannon{1}, value),
                       "dispar: jensen_shannon: weight must lie between 0 and 1, got 1", dispar::invalid_argument);
  CHECK_THROWS_AS(divergence::rows(cpu{}, as_matrix(x, 2, 6), as_matrix(y, 2, 6), jensen_shannon{}, value),
                  dispar::invalid_argument);  // three values for two rows
  const std::vector<float> nothing;
  CHECK_THROWS_AS((void)divergence::mean(as_matrix(nothing, 0, 4), as_matrix(nothing, 0, 4), jensen_shannon{}),
                  dispar::invalid_argument);
  CHECK_THROWS_AS((void)divergence::mean(as_matrix(nothing, 3, 0), as_matrix(nothing, 3, 0), jensen_shannon{}),
                  dispar::invalid_argument);
  auto broken = y;
  broken[5] = dispar::quiet_nan<float>();
  CHECK_THROWS_WITH_AS(
      (void)divergence::mean(a, as_matrix(broken, 3, 4), jensen_shannon{}),
      "dispar: divergence: row 1 has no divergence: it holds NaN, infinity or a negative probability, or nothing",
      dispar::invalid_argument);
  auto negative = std::vector<float>(12, 0.25f);
  negative[0] = -0.25f;
  CHECK_THROWS_AS((void)divergence::mean(divergence::probabilities(as_matrix(negative, 3, 4)), divergence::probabilities(a),
                                         jensen_shannon{}),
                  dispar::invalid_argument);
}

}  // namespace divergence_tests
