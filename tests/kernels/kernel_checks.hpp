#pragma once
/// \file
/// What every kernel owes: derivatives that match central differences, and the same values in packs as in double.

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

#include "dispar/kernels/pair_function.hpp"

namespace kernel_tests {

using real = dispar::lane<double>;

/// k at distances x[0 .. channels) and parameters x[channels ..), in double.
template<class K>
double value_at(const dispar::vec<double, K::channels + K::parameters>& x) {
  dispar::vec<real, K::channels> d{};
  dispar::vec<real, K::parameters> p{};
  for (int i = 0; i < K::channels; ++i) d[i] = real(x[i]);
  for (int i = 0; i < K::parameters; ++i) p[i] = real(x[K::channels + i]);
  return K::value(d, dispar::prepare_constants<K>(p)).value;
}

/// Derivatives by every distance and every parameter, through `dual`, against central differences.
template<class K>
void check_derivatives(const K& k, const dispar::vec<double, K::channels>& distances) {
  constexpr int count = K::channels + K::parameters;
  using D = dispar::dual<real, count>;
  dispar::vec<double, count> x{};
  dispar::vec<D, K::channels> d{};
  dispar::vec<D, K::parameters> p{};
  const auto theta = k.theta();
  for (int i = 0; i < K::channels; ++i) d[i] = D::variable(real(x[i] = distances[i]), i);
  for (int i = 0; i < K::parameters; ++i) p[i] = D::variable(real(x[K::channels + i] = theta[i]), K::channels + i);
  const D result = K::value(d, dispar::prepare_constants<K>(p));
  CHECK(result.value.value == doctest::Approx(dispar::evaluate(k, distances)).epsilon(1e-15));
  for (int i = 0; i < count; ++i) {
    const double step = 1e-5 * (1 + std::abs(x[i]));
    auto below = x, above = x;
    below[i] -= step, above[i] += step;
    const double difference = (value_at<K>(above) - value_at<K>(below)) / (2 * step);
    CAPTURE(i);
    CHECK(std::abs(result.d[i].value - difference) <= 1e-8 * (1 + std::abs(difference)));
  }
}

/// Packs of T give what `evaluate` gives in double, up to `tolerance` times the larger of the value and 1e-3.
template<class T, class K>
void check_packs(const K& k, const dispar::vec<double, K::channels>& distances, double tolerance) {
  using V = dispar::native_pack<T>;
  const auto narrowed = dispar::narrowed_constants<K, T>(k);
  dispar::vec<V, K::channels> d{};
  dispar::vec<V, dispar::constants_of<K>> c{};
  for (int i = 0; i < K::channels; ++i) d[i] = V(static_cast<T>(distances[i]));
  for (int i = 0; i < dispar::constants_of<K>; ++i) c[i] = V(narrowed[i]);
  T lanes[V::width];
  K::value(d, c).store(lanes);
  const double expected = dispar::evaluate(k, distances);
  for (const T lane : lanes)
    CHECK(std::abs(static_cast<double>(lane) - expected) <= tolerance * std::fmax(std::abs(expected), 1e-3));
}

/// All of this at distances from tiny to far, for a kernel of one channel.
template<class K>
void check_kernel(const K& k, double float_tolerance = 2e-6) {
  for (double d : {1e-3, 0.3, 1.0, 2.5, 9.0, 40.0}) {
    CAPTURE(d);
    check_derivatives(k, {{d}});
    check_packs<float>(k, {{d}}, float_tolerance);
    check_packs<double>(k, {{d}}, 1e-14);
  }
}

}  // namespace kernel_tests
