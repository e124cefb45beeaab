#include "dispar/core/folds/sum.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "dispar/core/fold.hpp"
#include "dispar/core/random/uniform.hpp"

using dispar::reduce;
namespace folds = dispar::folds;

TEST_CASE("sum: keeps what plain summation loses, in any order and under any flag") {
  // 1e16 + n ones - 1e16: every one is below half an ulp of the running total.
  for (dispar::index n : {1, 7, 100, 3000}) {
    std::vector<double> x(static_cast<std::size_t>(n), 1.0);
    x.insert(x.begin(), 1e16);
    x.push_back(-1e16);
    CHECK(reduce(folds::sum<double>{}, x) == static_cast<double>(n));
    std::rotate(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2), x.end());
    CHECK(reduce(folds::sum<double>{}, x) == static_cast<double>(n));
  }
}

TEST_CASE("sum: element by element as tile by tile") {
  std::vector<double> x(2000);
  dispar::fill_uniform(dispar::random_key{1}, 0, std::span(x));
  for (std::size_t i = 0; i < x.size(); i += 2) x[i] *= -1e12;
  long double exact = 0;
  for (double v : x) exact += static_cast<long double>(v);
  const folds::sum<double> f;
  auto lanes = f.identity();
  for (std::size_t i = 0; i < x.size(); ++i) f.lane(lanes, x[i], static_cast<dispar::index>(i));
  CHECK(std::abs(f.finalize(lanes) / static_cast<double>(exact) - 1) < 3e-16);
  CHECK(std::abs(reduce(f, x) / static_cast<double>(exact) - 1) < 3e-16);
}

TEST_CASE("sum: float elements, every count around the register widths") {
  std::vector<float> x;
  double expected = 0;
  for (int n = 0; n < 70; ++n) {
    CHECK(reduce(folds::sum<float>{}, x) == expected);
    x.push_back(static_cast<float>(n) * 0.25f - 3);
    expected += n * 0.25 - 3;
  }
}

TEST_CASE("sum: infinity and NaN come through") {
  for (std::size_t n : {1u, 5u, 40u, 3000u}) {
    for (std::size_t where : {std::size_t{0}, n / 2, n - 1}) {
      std::vector<double> x(n, 1.0);
      x[where] = dispar::positive_infinity<double>();
      CHECK(dispar::is_positive_infinity(reduce(folds::sum<double>{}, x)));
      x[where] = dispar::quiet_nan<double>();
      CHECK(dispar::is_nan(reduce(folds::sum<double>{}, x)));
    }
  }
}
