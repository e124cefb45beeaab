// Shapes, strides, sizes and values at the edge, against the definition in double.
#include "dispar/mmd/estimate.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "dispar/core/random.hpp"
#include "dispar/kernels.hpp"
#include "dispar/mmd/gradient.hpp"

namespace {

using namespace dispar;
using mmd::estimator;

template<class T>
std::vector<T> normals(std::uint64_t seed, dispar::index count, double shift = 0) {
  std::vector<T> v(static_cast<std::size_t>(count));
  for (dispar::index i = 0; i < count; ++i) v[static_cast<std::size_t>(i)] = static_cast<T>(normal<double>({seed, 0}, i) + shift);
  return v;
}

/// The definition, pair by pair, in double.
template<class X, class Y>
double definition(const X& x, const Y& y, double sigma, estimator form) {
  const auto k = [&](const auto& a, dispar::index i, const auto& b, dispar::index j) {
    double d = 0;
    for (dispar::index c = 0; c < a.cols(); ++c) d += std::pow(static_cast<double>(a(i, c)) - static_cast<double>(b(j, c)), 2);
    return std::exp(-d / (2 * sigma * sigma));
  };
  const auto n = x.rows(), m = y.rows();
  double xx = 0, yy = 0, xy = 0;
  const bool biased = form == estimator::biased;
  for (dispar::index i = 0; i < n; ++i)
    for (dispar::index j = 0; j < n; ++j) xx += biased || i != j ? k(x, i, x, j) : 0;
  for (dispar::index i = 0; i < m; ++i)
    for (dispar::index j = 0; j < m; ++j) yy += biased || i != j ? k(y, i, y, j) : 0;
  for (dispar::index i = 0; i < n; ++i)
    for (dispar::index j = 0; j < m; ++j) xy += k(x, i, y, j);
  const auto a = static_cast<double>(n), b = static_cast<double>(m), drop = biased ? 0.0 : 1.0;
  return xx / (a * (a - drop)) + yy / (b * (b - drop)) - 2 * xy / (a * b);
}

}  // namespace

TEST_CASE_TEMPLATE("every small size, whatever it leaves of a tile", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  for (dispar::index n = 2; n < 100; n += n < 20 ? 1 : 13)
    for (dispar::index m : {2, 3, 15, 16, 17, 47, 48, 49, 97}) {
      const auto a = normals<T>(1, n * 5), b = normals<T>(2, m * 5, 0.2);
      const auto x = as_matrix(a, n, 5), y = as_matrix(b, m, 5);
      for (auto form : {estimator::unbiased, estimator::biased})
        CHECK(std::fabs(mmd::estimate(cpu{}, x, y, gaussian{1.5}, {.form = form}) - definition(x, y, 1.5, form)) < tolerance);
    }
}

TEST_CASE("strided, transposed, column-major, reversed and broadcast views of the same numbers") {
  const dispar::index n = 37, m = 29, d = 6;
  const auto a = normals<double>(3, n * d), b = normals<double>(4, m * d);
  const auto x = as_matrix(a, n, d), y = as_matrix(b, m, d);
  const double expected = mmd::estimate(cpu{}, x, y, gaussian{2});
  std::vector<double> column_major(static_cast<std::size_t>(n * d)), gaps(static_cast<std::size_t>(n * d * 6));
  for (dispar::index i = 0; i < n; ++i)
    for (dispar::index c = 0; c < d; ++c) {
      column_major[static_cast<std::size_t>(c * n + i)] = x(i, c);
      gaps[static_cast<std::size_t>((i * d + c) * 3 + i * d * 3)] = x(i, c);
    }
  CHECK(mmd::estimate(cpu{}, matrix_view<const double>(column_major.data(), {n, d}, {1, n}), y, gaussian{2}) == expected);
  CHECK(mmd::estimate(cpu{}, as_matrix(column_major, d, n).transposed(), y, gaussian{2}) == expected);
  CHECK(mmd::estimate(cpu{}, matrix_view<const double>(gaps.data(), {n, d}, {6 * d, 3}), y, gaussian{2}) == expected);
  const matrix_view<const double> reversed(a.data() + (n - 1) * d, {n, d}, {-d, 1});
  CHECK(mmd::estimate(cpu{}, reversed, y, gaussian{2}) == doctest::Approx(expected).epsilon(1e-12));
  const matrix_view<const double> one_row(a.data(), {n, d}, {0, 1});
  CHECK(mmd::estimate(cpu{}, one_row, one_row, gaussian{2}) == doctest::Approx(0));
}

TEST_CASE("one feature, ten thousand features, a mean offset of 1000") {
  const auto a = normals<double>(5, 40), b = normals<double>(6, 30, 0.5);
  CHECK(mmd::estimate(cpu{}, as_matrix(a, 40, 1), as_matrix(b, 30, 1), gaussian{1}) ==
        doctest::Approx(definition(as_matrix(a, 40, 1), as_matrix(b, 30, 1), 1, estimator::unbiased)).epsilon(1e-12));
  const auto wide_a = normals<float>(7, 20 * 10000), wide_b = normals<float>(8, 20 * 10000, 0.01);
  const auto x = as_matrix(wide_a, 20, 10000), y = as_matrix(wide_b, 20, 10000);
  CHECK(std::fabs(mmd::estimate(cpu{}, x, y, gaussian{100}) - definition(x, y, 100, estimator::unbiased)) < 1e-6);
  const auto far_a = normals<float>(9, 200 * 16, 1000), far_b = normals<float>(10, 200 * 16, 1000.3);
  const auto fx = as_matrix(far_a, 200, 16), fy = as_matrix(far_b, 200, 16);
  CHECK(std::fabs(mmd::estimate(cpu{}, fx, fy, gaussian{4}) - definition(fx, fy, 4, estimator::unbiased)) < 1e-6);
}

TEST_CASE("duplicates, tiny and huge bandwidths, equal samples") {
  const std::vector<double> same(24, 3.25);
  const auto x = as_matrix(same, 12, 2);
  CHECK(mmd::estimate(cpu{}, x, x, gaussian{1}) == 0);
  CHECK(mmd::estimate(cpu{}, x, x, gaussian{1}, {.form = estimator::biased}) == 0);
  const auto a = normals<float>(11, 30 * 4), b = normals<float>(12, 20 * 4);
  const auto p = as_matrix(a, 30, 4), q = as_matrix(b, 20, 4);
  CHECK(mmd::estimate(cpu{}, p, q, gaussian{1e-3}) == 0);              // no two rows are alike
  CHECK(std::fabs(mmd::estimate(cpu{}, p, q, gaussian{1e6})) < 1e-9);  // all rows are
  CHECK(mmd::estimate(cpu{}, p, p, gaussian{1}, {.form = estimator::biased}) == doctest::Approx(0));
}

TEST_CASE("bad input is named, with its place and value") {
  auto a = normals<float>(13, 10 * 3);
  const auto b = normals<float>(14, 10 * 3);
  const auto y = as_matrix(b, 10, 3);
  const gaussian k{1};
  CHECK_THROWS_WITH_AS((void)mmd::estimate(cpu{}, as_matrix(a, 10, 3), y, gaussian{-1}),
                       "dispar: gaussian: sigma must be positive, got -1", invalid_argument);
  CHECK_THROWS_AS((void)mmd::estimate(cpu{}, as_matrix(a, 10, 3), as_matrix(b, 15, 2), k), invalid_argument);
  CHECK_THROWS_AS((void)mmd::estimate(cpu{}, as_matrix(a, 10, 3).slice(0, 0), y, k), invalid_argument);
  CHECK_THROWS_AS((void)mmd::estimate(cpu{}, as_matrix(a, 10, 3).slice(0, 1), y, k), invalid_argument);
  CHECK(std::isfinite(mmd::estimate(cpu{}, as_matrix(a, 10, 3).slice(0, 1), y, k, {.form = estimator::biased})));
  CHECK_THROWS_AS(
      (void)mmd::estimate(cpu{}, as_matrix(a, 10, 3), as_matrix(b, 10, 3).slice(0, 4), k, {.form = estimator::one_sample}),
      invalid_argument);
  for (const float value : {std::nanf(""), -HUGE_VALF, HUGE_VALF}) {
    a[7 * 3 + 2] = value;
    CHECK_THROWS_WITH_AS((void)mmd::estimate(cpu{}, as_matrix(a, 10, 3), y, k),
                         "dispar: sample 0: element (7, 2) is NaN or infinite", invalid_argument);
    CHECK_THROWS_WITH_AS((void)mmd::estimate(cpu{}, y, as_matrix(a, 10, 3), laplacian_l1{1}),
                         "dispar: sample 1: element (7, 2) is NaN or infinite", invalid_argument);
  }
  a[7 * 3 + 2] = 1e25f;
  CHECK_THROWS_AS((void)mmd::estimate(cpu{}, as_matrix(a, 10, 3), y, k), invalid_argument);
}

TEST_CASE("float stays within 1e-8 of double") {
  const dispar::index n = 700, d = 64;
  const auto a = normals<float>(15, n * d), b = normals<float>(16, n * d, 0.1);
  const std::vector<double> a2(a.begin(), a.end()), b2(b.begin(), b.end());
  CHECK(std::fabs(mmd::estimate(cpu{}, as_matrix(a, n, d), as_matrix(b, n, d), gaussian{8}) -
                  mmd::estimate(cpu{}, as_matrix(a2, n, d), as_matrix(b2, n, d), gaussian{8})) < 1e-8);
}

TEST_CASE("sums of k add up over parts of Y") {
  const auto a = normals<double>(17, 30 * 2), b = normals<double>(18, 40 * 2);
  const auto x = as_matrix(a, 30, 2), y = as_matrix(b, 40, 2);
  const auto whole = mmd::accumulate(cpu{}, x, y, gaussian{1});
  const auto first = mmd::accumulate(cpu{}, x, y.slice(0, 15), gaussian{1}),
             second = mmd::accumulate(cpu{}, x, y.slice(15, 25), gaussian{1});
  CHECK(first.k[2] + second.k[2] == doctest::Approx(whole.k[2]).epsilon(1e-12));
  CHECK((first + second).diagonal[1] == doctest::Approx(whole.diagonal[1]).epsilon(1e-12));
  CHECK((first + second).weight[1] == whole.weight[1]);
}

TEST_CASE("gradients accumulate, take a factor, and leave what is not named alone") {
  const auto a = normals<double>(19, 9 * 2), b = normals<double>(20, 11 * 2);
  const auto x = as_matrix(a, 9, 2), y = as_matrix(b, 11, 2);
  std::vector<double> once(a.size()), twice(a.size());
  (void)mmd::value_and_gradient(cpu{}, x, y, gaussian{1}, {.x = {as_matrix(once, 9, 2)}});
  const mmd::gradients<double> more{.x = {as_matrix(twice, 9, 2)}, .factor = -2, .accumulate = true};
  for (int i = 0; i < 2; ++i) (void)mmd::value_and_gradient(cpu{}, x, y, gaussian{1}, more);
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(twice[i] == doctest::Approx(-4 * once[i]).epsilon(1e-12));
  std::vector<double> wrong(8);
  CHECK_THROWS_AS((void)mmd::value_and_gradient(cpu{}, x, y, gaussian{1}, {.x = {as_matrix(wrong, 4, 2)}}), invalid_argument);
}
