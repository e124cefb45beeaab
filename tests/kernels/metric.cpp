#include "dispar/kernels/metric.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace {

using real = dispar::lane<double>;
using row = std::vector<double>;

/// The distance of two rows, as the engine accumulates it.
template<class Metric>
double distance(const row& a, const row& b) {
  real acc(0.0), of_a(0.0), of_b(0.0);
  for (std::size_t k = 0; k < a.size(); ++k) {
    acc = Metric::step(acc, real(a[k]), real(b[k]));
    of_a = Metric::row_term(of_a, real(a[k]));
    of_b = Metric::row_term(of_b, real(b[k]));
  }
  return Metric::finish(acc, of_a, of_b).value;
}

const row a{1.5, -2.0, 0.25, 3.0}, b{-0.5, 1.0, 0.75, 2.0};

/// slope against the central difference in every feature of the first row.
template<class Metric>
void check_slope() {
  const double step = 1e-6, d = distance<Metric>(a, b);
  for (std::size_t k = 0; k < a.size(); ++k) {
    row below = a, above = a;
    below[k] -= step, above[k] += step;
    const double difference = (distance<Metric>(above, b) - distance<Metric>(below, b)) / (2 * step);
    CHECK(std::abs(Metric::slope(real(a[k]), real(b[k]), real(d)).value - difference) <= 1e-8);
  }
}

struct not_a_metric {
  static constexpr bool product = true;
};

}  // namespace

TEST_CASE("metrics: distances by their definitions") {
  CHECK(distance<dispar::sq_euclidean>(a, b) == doctest::Approx(4 + 9 + 0.25 + 1).epsilon(1e-15));
  CHECK(distance<dispar::dot>(a, b) == doctest::Approx(-0.75 - 2 + 0.1875 + 6).epsilon(1e-15));
  CHECK(distance<dispar::l1>(a, b) == doctest::Approx(2 + 3 + 0.5 + 1).epsilon(1e-15));
  CHECK(distance<dispar::linf>(a, b) == doctest::Approx(3).epsilon(1e-15));
}

TEST_CASE("metrics: slopes against central differences") {
  check_slope<dispar::sq_euclidean>();
  check_slope<dispar::dot>();
  check_slope<dispar::l1>();
  check_slope<dispar::linf>();
}

TEST_CASE("metrics: a row has distance 0 from itself, and slope 0") {
  CHECK(distance<dispar::sq_euclidean>(a, a) == 0);
  CHECK(distance<dispar::l1>(a, a) == 0);
  CHECK(distance<dispar::linf>(a, a) == 0);
  for (double x : a) {
    CHECK(dispar::sq_euclidean::slope(real(x), real(x), real(0.0)).value == 0);
    CHECK(dispar::l1::slope(real(x), real(x), real(0.0)).value == 0);
    CHECK(dispar::linf::slope(real(x), real(x), real(0.0)).value == 0);
  }
}

TEST_CASE("sq_euclidean: rounding below 0 is clamped, a NaN stays a NaN") {
  CHECK(dispar::sq_euclidean::finish(real(1.0000001), real(1.0), real(1.0)).value == 0);
  const real nan(std::numeric_limits<double>::quiet_NaN());
  CHECK(std::isnan(dispar::sq_euclidean::finish(nan, real(1.0), real(1.0)).value));
}

TEST_CASE("linf: the slope goes to every feature that attains the maximum") {
  CHECK(dispar::linf::slope(real(3.0), real(1.0), real(2.0)).value == 1);
  CHECK(dispar::linf::slope(real(1.0), real(3.0), real(2.0)).value == -1);
  CHECK(dispar::linf::slope(real(2.5), real(1.0), real(2.0)).value == 0);
}

TEST_CASE("the concept knows metrics") {
  static_assert(dispar::metric<dispar::sq_euclidean> && dispar::metric<dispar::dot> && dispar::metric<dispar::l1> &&
                dispar::metric<dispar::linf>);
  static_assert(!dispar::metric<not_a_metric> && !dispar::metric<int>);
}
