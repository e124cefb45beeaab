#pragma once
/// \file
/// What `linear_algebra` of a backend has to give: matrices with known factors, reconstruction, orthogonality, bad input.

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "dispar/backend/array.hpp"
#include "dispar/backend/linalg.hpp"
#include "dispar/core/special_values.hpp"
#include "normal_rows.hpp"

namespace linalg_checks {

using dispar::array;
using dispar::index;

/// A dense matrix on the host, in double.
struct dense {
  index rows, cols;
  std::vector<double> numbers;
  dense(index r, index c) : rows(r), cols(c), numbers(static_cast<std::size_t>(r * c), 0.0) {}
  dense(index r, index c, std::uint64_t stream) : rows(r), cols(c), numbers(normal_rows<double>(r, c, stream)) {}
  double& operator()(index i, index j) { return numbers[static_cast<std::size_t>(i * cols + j)]; }
  double operator()(index i, index j) const { return numbers[static_cast<std::size_t>(i * cols + j)]; }
};
inline dense operator*(const dense& a, const dense& b) {
  dense c(a.rows, b.cols);
  for (index i = 0; i < a.rows; ++i)
    for (index j = 0; j < b.cols; ++j)
      for (index k = 0; k < a.cols; ++k) c(i, j) += a(i, k) * b(k, j);
  return c;
}
inline dense transposed(const dense& a) {
  dense t(a.cols, a.rows);
  for (index i = 0; i < a.rows; ++i)
    for (index j = 0; j < a.cols; ++j) t(j, i) = a(i, j);
  return t;
}
inline dense diagonal(const std::vector<double>& values, index rows, index cols) {
  dense d(rows, cols);
  for (std::size_t i = 0; i < values.size(); ++i) d(static_cast<index>(i), static_cast<index>(i)) = values[i];
  return d;
}
/// Orthogonal: a product of two reflections.
inline dense orthogonal(index n, std::uint64_t stream) {
  dense q = diagonal(std::vector<double>(static_cast<std::size_t>(n), 1.0), n, n);
  for (const std::uint64_t s : {stream, stream + 1}) {
    const dense v(n, 1, s);
    double square = 0;
    for (const double x : v.numbers) square += x * x;
    dense reflection = diagonal(std::vector<double>(static_cast<std::size_t>(n), 1.0), n, n);
    for (index i = 0; i < n; ++i)
      for (index j = 0; j < n; ++j) reflection(i, j) -= 2 * v(i, 0) * v(j, 0) / square;
    q = q * reflection;
  }
  return q;
}
inline double apart(const dense& a, const dense& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.numbers.size(); ++i) {
    const double difference = std::fabs(a.numbers[i] - b.numbers[i]);
    if (!(difference <= most)) most = difference;  // a NaN stays
  }
  return most;
}

template<class T, class B>
array<T, 2, B> put(const B& b, const dense& m) {
  const std::vector<T> numbers(m.numbers.begin(), m.numbers.end());
  return to(b, dispar::as_matrix(numbers, m.rows, m.cols));
}
template<class A, class B>
dense got(const B& b, const A& a, index rows, index cols) {
  const auto copy = to_host(b, a);
  dense m(rows, cols);
  for (std::size_t i = 0; i < m.numbers.size(); ++i) m.numbers[i] = static_cast<double>(copy.data()[i]);
  return m;
}

/// Rounding of T, times what the sizes here make of it.
template<class T>
constexpr double tolerance = sizeof(T) == 4 ? 2e-5 : 4e-14;

template<class T, class B>
void check_products(const B& b) {
  auto algebra = linear_algebra(b);
  for (const auto& [n, k, m] : {std::array<index, 3>{1, 1, 1}, {3, 5, 2}, {130, 9, 33}, {7, 0, 4}, {0, 3, 2}}) {
    const dense x(n, k, 1), y(k, m, 2), z(n, m, 3);
    const auto a = put<T>(b, x), at = put<T>(b, transposed(x)), c = put<T>(b, y), ct = put<T>(b, transposed(y));
    auto out = put<T>(b, z), by_columns = put<T>(b, transposed(z));
    algebra.product(a, c, out);
    CHECK(apart(got(b, out, n, m), x * y) <= tolerance<T> * 20);
    algebra.product(at.view().transposed(), ct.view().transposed(), by_columns.view().transposed(), {.factor = -2});
    dense expected = x * y;
    for (double& value : expected.numbers) value *= -2;
    CHECK(apart(transposed(got(b, by_columns, m, n)), expected) <= tolerance<T> * 40);
    algebra.product(a, ct.view().transposed(), out, {.factor = 3, .accumulate = true});
    for (double& value : expected.numbers) value *= -2;
    CHECK(apart(got(b, out, n, m), expected) <= tolerance<T> * 80);
  }
  // Neither rows nor columns contiguous.
  const dense x(4, 6, 1), y(3, 4, 2);
  const auto a = put<T>(b, x), c = put<T>(b, y);
  auto out = put<T>(b, dense(4, 8));
  using constant = dispar::matrix_view<const T, typename B::space>;
  const constant every_second(a.data(), {4, 3}, {6, 2});
  const dispar::matrix_view<T, typename B::space> target(out.data(), {4, 4}, {8, 2});
  algebra.product(every_second, c, target, {.accumulate = true});
  dense wide(4, 8);
  for (index i = 0; i < 4; ++i)
    for (index j = 0; j < 4; ++j)
      for (index k = 0; k < 3; ++k) wide(i, 2 * j) += x(i, 2 * k) * y(k, j);
  CHECK(apart(got(b, out, 4, 8), wide) <= tolerance<T> * 20);
  CHECK_THROWS_WITH_AS(algebra.product(a, c, out), "dispar: product: b must have as many rows as a has columns, got 3",
                       dispar::invalid_argument);
  algebra.wait();
}

template<class T, class B>
void check_sums(const B& b) {
  auto algebra = linear_algebra(b);
  const index n = 600, d = 5;
  dense x(n, d, 4);
  for (index i = 0; i < n; ++i) x(i, 1) += 1000;
  const auto a = put<T>(b, x);
  array<double, 1, B> mean(b, {d}), sums(b, {2});
  array<double, 2, B> centered(b, {n, d});
  using scalar = dispar::scalar_view<double, typename B::space>;
  algebra.column_means(a, mean);
  algebra.centered(a, mean, centered);
  algebra.inner_product(a, a, scalar(sums.data()));
  algebra.trace(a.view().slice(0, d), scalar(sums.data() + 1));
  algebra.wait();
  const dense stored = got(b, a, n, d), mu = got(b, mean, 1, d), c = got(b, centered, n, d), s = got(b, sums, 1, 2);
  double squares = 0, trace = 0;
  for (index j = 0; j < d; ++j) {
    double sum = 0;
    for (index i = 0; i < n; ++i) {
      sum += stored(i, j);
      squares += stored(i, j) * stored(i, j);
      CHECK(c(i, j) == doctest::Approx(stored(i, j) - mu(0, j)).epsilon(1e-14));
    }
    trace += stored(j, j);
    CHECK(mu(0, j) == doctest::Approx(sum / static_cast<double>(n)).epsilon(1e-12));
  }
  CHECK(s(0, 0) == doctest::Approx(squares).epsilon(1e-13));
  CHECK(s(0, 1) == doctest::Approx(trace).epsilon(1e-13));
}

template<class T, class B>
void check_cholesky(const B& b) {
  auto algebra = linear_algebra(b);
  for (const index n : {0, 1, 2, 17, 40}) {
    CAPTURE(n);
    const dense x(n, n + 3, 5), y(n, 3, 6);
    dense spd = x * transposed(x);
    for (index i = 0; i < n; ++i) spd(i, i) += static_cast<double>(n);
    dense only_lower = spd;
    for (index i = 0; i < n; ++i)
      for (index j = i + 1; j < n; ++j) only_lower(i, j) = dispar::quiet_nan<double>();
    const auto a = put<T>(b, only_lower), right = put<T>(b, y);
    array<T, 2, B> l(b, {n, n}), z(b, {n, 3});
    array<double, 1, B> log_determinant(b, {1});
    algebra.cholesky(a, l);
    algebra.solve(l, right, z);
    algebra.log_determinant(l, dispar::scalar_view<double, typename B::space>(log_determinant.data()));
    algebra.wait();
    const dense lower = got(b, l, n, n);
    double logs = 0;
    for (index i = 0; i < n; ++i) {
      logs += 2 * std::log(lower(i, i));
      for (index j = i + 1; j < n; ++j) CHECK(lower(i, j) == 0);
    }
    CHECK(apart(lower * transposed(lower), spd) <= tolerance<T> * 10 * static_cast<double>(n + 1));
    CHECK(apart(spd * got(b, z, n, 3), y) <= tolerance<T> * 100);
    CHECK(got(b, log_determinant, 1, 1)(0, 0) == doctest::Approx(logs).epsilon(1e-12));
  }
  dense bad = diagonal({1, 2, 3, 4}, 4, 4);
  bad(2, 2) = -3;
  const auto a = put<T>(b, bad);
  array<T, 2, B> l(b, {4, 4});
  CHECK_THROWS_WITH_AS((algebra.cholesky(a, l), algebra.wait()),
                       "dispar: cholesky: a must be positive definite; its first 3 rows and columns are not",
                       dispar::invalid_argument);
  bad(2, 2) = dispar::quiet_nan<double>();
  const auto nan = put<T>(b, bad);
  CHECK_THROWS_WITH_AS((algebra.cholesky(nan, l), algebra.wait()), "dispar: cholesky: a: element (2, 2) is NaN or infinite",
                       dispar::invalid_argument);
  CHECK_NOTHROW(algebra.wait());  // reported once
}

template<class T, class B>
void check_symmetric(const B& b, const std::vector<double>& values) {
  auto algebra = linear_algebra(b);
  const auto n = static_cast<index>(values.size());
  const dense q = orthogonal(n, 7), m = q * diagonal(values, n, n) * transposed(q);
  const double scale = tolerance<T> * std::fmax(1.0, n > 0 ? std::fabs(values.back()) : 0.0) * 4;
  const auto a = put<T>(b, m);
  array<T, 1, B> lambda(b, {n}), alone(b, {n});
  array<T, 2, B> vectors(b, {n, n}), root(b, {n, n});
  algebra.symmetric_eigen(a, lambda, vectors);
  algebra.symmetric_eigen(a, alone);
  algebra.square_root(a, root);
  algebra.wait();
  const dense v = got(b, vectors, n, n), found = got(b, lambda, 1, n), r = got(b, root, n, n);
  CHECK(apart(got(b, alone, 1, n), found) <= scale);
  CHECK(apart(transposed(v) * v, diagonal(std::vector<double>(values.size(), 1.0), n, n)) <= tolerance<T> * 20);
  CHECK(apart(v * diagonal(found.numbers, n, n) * transposed(v), m) <= scale * 4);
  for (index i = 0; i < n; ++i) CHECK(std::fabs(found(0, i) - values[static_cast<std::size_t>(i)]) <= scale);
  CHECK(apart(r, transposed(r)) <= scale);
  CHECK(apart(r * r, m) <= scale * 8);
}

/// Of m rows and n columns.
template<class T, class B>
void check_singular(const B& b, index m, index n, const std::vector<double>& values) {
  auto algebra = linear_algebra(b);
  const auto a = put<T>(b, orthogonal(m, 11) * diagonal(values, m, n) * orthogonal(n, 13));
  array<T, 1, B> sigma(b, {static_cast<index>(values.size())}), same(b, {static_cast<index>(values.size())});
  algebra.singular_values(a, sigma);
  algebra.singular_values(a.view().transposed(), same);
  algebra.wait();
  const dense found = got(b, sigma, 1, static_cast<index>(values.size())), again = got(b, same, 1, found.cols);
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(std::fabs(found.numbers[i] - values[i]) <= tolerance<T> * values[0]);
    CHECK(std::fabs(again.numbers[i] - values[i]) <= tolerance<T> * values[0]);
  }
}

template<class T, class B>
void check_decompositions(const B& b) {
  check_symmetric<T>(b, {});
  check_symmetric<T>(b, {3});
  check_symmetric<T>(b, {1, 1, 1, 1});                                         // ties
  check_symmetric<T>(b, {0, 0, 0, 0, 2, 2, 5});                                // singular
  check_symmetric<T>(b, {0.5, 1, 1.000001, 1.0000011, 1.00001, 2, 4, 4, 40});  // clustered
  check_singular<T>(b, 1, 1, {2});
  check_singular<T>(b, 9, 4, {5, 5, 1, 0});
  check_singular<T>(b, 5, 5, {3, 2, 1.00001, 1.000001, 1e-3});
  check_singular<T>(b, 3, 20, {7, 0, 0});
  auto algebra = linear_algebra(b);
  array<T, 1, B> none(b, {0});
  CHECK_NOTHROW(algebra.singular_values(put<T>(b, dense(3, 0)), none));
  dense bad(2, 3, 1);
  bad(1, 2) = dispar::positive_infinity<double>();
  const auto a = put<T>(b, bad);
  array<T, 1, B> sigma(b, {2});
  CHECK_THROWS_WITH_AS((algebra.singular_values(a, sigma), algebra.wait()),
                       "dispar: singular_values: a: element (1, 2) is NaN or infinite", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(algebra.symmetric_eigen(a, sigma), "dispar: symmetric_eigen: a must be square, got 3",
                       dispar::invalid_argument);
}

}  // namespace linalg_checks
