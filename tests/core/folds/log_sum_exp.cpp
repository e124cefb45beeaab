#include "dispar/core/folds/log_sum_exp.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "dispar/core/fold.hpp"
#include "dispar/core/random/normal.hpp"

using dispar::reduce;
namespace folds = dispar::folds;

namespace {

template<class T>
double oracle(const std::vector<T>& x) {
  const long double maximum = static_cast<long double>(*std::max_element(x.begin(), x.end()));
  long double sum = 0;
  for (T v : x) sum += std::exp(static_cast<long double>(v) - maximum);
  return static_cast<double>(maximum + std::log(sum));
}

template<class T>
std::vector<T> noise(std::size_t n, T scale, T offset) {
  std::vector<T> x(n);
  dispar::fill_normal(dispar::random_key{1}, 0, std::span(x));
  for (T& v : x) v = v * scale + offset;
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("log_sum_exp: against extended precision, by tiles and by lanes", T, float, double) {
  const double eps = sizeof(T) == 4 ? 4e-7 : 2e-15;
  for (std::size_t n : {1u, 2u, 3u, 15u, 16u, 17u, 33u, 64u, 1000u, 1024u, 1025u, 5000u}) {
    for (double scale : {0.0, 1.0, 30.0}) {
      for (double offset : {0.0, 500.0, -3000.0, 1e5}) {
        const auto x = noise<T>(n, static_cast<T>(scale), static_cast<T>(offset));
        const double expected = oracle(x), room = eps * (1 + (sizeof(T) == 8 ? std::abs(expected) : 0));
        const folds::log_sum_exp<T> f;
        CHECK(std::abs(reduce(f, x) - expected) < room);
        auto lanes = f.identity();
        for (T v : x) f.lane(lanes, v);
        CHECK(std::abs(f.finalize(lanes) - expected) < 4 * room + 1e-12);
      }
    }
  }
}

TEST_CASE_TEMPLATE("log_sum_exp: the largest finite elements do not overflow", T, float, double) {
  const T large = std::numeric_limits<T>::max();
  CHECK(reduce(folds::log_sum_exp<T>{}, std::vector<T>{large, -large, 0}) == static_cast<double>(large));
  CHECK(reduce(folds::log_sum_exp<T>{}, std::vector<T>{0, -large, T(-1000)}) == 0);
}

TEST_CASE_TEMPLATE("log_sum_exp: elements of minus infinity count nothing", T, float, double) {
  const T none = dispar::negative_infinity<T>();
  const folds::log_sum_exp<T> f;
  for (std::size_t n : {1u, 5u, 16u, 40u, 3000u}) {
    std::vector<T> x(n, none);
    CHECK(reduce(f, x) < -1e300);
    CHECK(dispar::is_special(reduce(f, x)));
    x[n / 2] = T(2.5);
    CHECK(reduce(f, x) == 2.5);
    auto lanes = f.identity();
    for (T v : x) f.lane(lanes, v);
    CHECK(f.finalize(lanes) == 2.5);
  }
  CHECK(dispar::is_special(reduce(f, std::vector<T>{})));
  CHECK(reduce(f, std::vector<T>{}) < -1e300);
}

TEST_CASE_TEMPLATE("log_sum_exp: NaN and plus infinity come through, wherever they are", T, float, double) {
  const folds::log_sum_exp<T> f;
  for (std::size_t n : {1u, 5u, 16u, 40u, 3000u}) {
    for (std::size_t where : {std::size_t{0}, n / 2, n - 1}) {
      std::vector<T> x(n, T(1));
      x[where] = dispar::positive_infinity<T>();
      CHECK(dispar::is_positive_infinity(reduce(f, x)));
      auto lanes = f.identity();
      for (T v : x) f.lane(lanes, v);
      CHECK(dispar::is_positive_infinity(f.finalize(lanes)));
      if (n > 1) {
        x[(where + 1) % n] = dispar::negative_infinity<T>();
        CHECK(dispar::is_positive_infinity(reduce(f, x)));
      }
      x[where] = dispar::quiet_nan<T>();
      CHECK(dispar::is_nan(reduce(f, x)));
      lanes = f.identity();
      for (T v : x) f.lane(lanes, v);
      CHECK(dispar::is_nan(f.finalize(lanes)));
      std::fill(x.begin(), x.end(), dispar::negative_infinity<T>());
      x[where] = dispar::quiet_nan<T>();
      CHECK(dispar::is_nan(reduce(f, x)));
    }
  }
}

TEST_CASE("log_sum_exp: merging in any order, with empty states and in float") {
  const auto x = noise<float>(999, 3, 10);
  const folds::log_sum_exp<float> f;
  const folds::log_sum_exp<float, float> g;
  const double expected = oracle(x);
  auto forward = f.identity(), backward = f.identity();
  auto narrow = g.identity();
  for (dispar::index begin = 0; begin < 999; begin += 111) {
    f.merge(forward, f.block(x.data() + begin, 111, begin));
    f.merge(forward, f.identity());
    f.merge(backward, f.block(x.data() + 888 - begin, 111, 888 - begin));
    g.merge(narrow, g.block(x.data() + begin, 111, begin));
  }
  CHECK(std::abs(f.finalize(forward) - expected) < 4e-7);
  CHECK(std::abs(f.finalize(backward) - expected) < 4e-7);
  CHECK(std::abs(static_cast<double>(g.finalize(narrow)) - expected) < 2e-6);
}
