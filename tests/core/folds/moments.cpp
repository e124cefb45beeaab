#include "dispar/core/folds/moments.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/core/fold.hpp"
#include "dispar/core/random/normal.hpp"

using dispar::reduce;
namespace folds = dispar::folds;

namespace {

/// Two passes in extended precision.
template<class T>
typename folds::moments<T>::result oracle(const std::vector<T>& x) {
  long double total = 0, deviation = 0;
  for (T v : x) total += static_cast<long double>(v);
  const long double n = static_cast<long double>(x.size()), mean = total / n;
  for (T v : x) deviation += (static_cast<long double>(v) - mean) * (static_cast<long double>(v) - mean);
  return {static_cast<double>(n), static_cast<double>(mean), static_cast<double>(deviation / (n - 1)),
          static_cast<double>(deviation / n)};
}

}  // namespace

TEST_CASE_TEMPLATE("moments: against two passes in extended precision, offsets included", T, float, double) {
  for (std::size_t n : {2u, 3u, 8u, 100u, 1024u, 1025u, 5000u}) {
    for (double offset : {0.0, 1000.0, -1e6}) {
      std::vector<T> x(n);
      dispar::fill_normal(dispar::random_key{1}, 0, std::span(x));
      for (T& v : x) v += static_cast<T>(offset);
      const auto expected = oracle(x), got = reduce(folds::moments<T>{}, x);
      CHECK(got.count == expected.count);
      CHECK(got.mean == doctest::Approx(expected.mean).epsilon(1e-14));
      CHECK(std::abs(got.variance / expected.variance - 1) < 1e-9);
      CHECK(std::abs(got.population_variance / expected.population_variance - 1) < 1e-9);
      const folds::moments<T> f;
      auto lanes = f.identity();
      for (T v : x) f.lane(lanes, v);
      CHECK(std::abs(f.finalize(lanes).variance / expected.variance - 1) < 1e-8);
    }
  }
}

TEST_CASE("moments: merging with nothing changes nothing; equal elements have no variance") {
  const folds::moments<double> f;
  const std::vector<double> x(3000, 0.1);
  auto state = f.identity();
  f.merge(state, f.identity());
  CHECK(state.count == 0);
  dispar::accumulate(f, x, state);
  f.merge(state, f.identity());
  CHECK(f.finalize(state).count == 3000);
  CHECK(f.finalize(state).mean == doctest::Approx(0.1).epsilon(1e-15));
  CHECK(f.finalize(state).variance < 1e-30);
}

TEST_CASE("moments: too few elements and NaN say so") {
  CHECK(dispar::is_nan(reduce(folds::moments<float>{}, std::vector<float>{}).mean));
  const auto one = reduce(folds::moments<float>{}, std::vector<float>{3});
  CHECK(one.mean == 3);
  CHECK(dispar::is_nan(one.variance));
  CHECK(one.population_variance == 0);
  std::vector<double> x(100, 1.0);
  x[50] = dispar::quiet_nan<double>();
  CHECK(dispar::is_nan(reduce(folds::moments<double>{}, x).mean));
  CHECK(dispar::is_nan(reduce(folds::moments<double>{}, x).variance));
}
