#pragma once

#include "dispar/kernels/pair_function.hpp"

DISPAR_NAMESPACE_BEGIN

/// The distance itself as the value: kernel matrices that the caller computed (`given`), linear kernels (`identity<dot>`),
/// tables of distances.
template<metric Metric = dot>
struct identity {
  using metric = Metric;
  static constexpr int channels = 1, parameters = 0;
  [[nodiscard]] vec<double, 0> theta() const { return {}; }
  template<class V>
  DISPAR_FN static V value(vec<V, 1> d, vec<V, 0>) {
    return d[0];
  }
};

/// (scale x.y + offset)^Degree.
template<int Degree>
requires(Degree >= 1) struct polynomial {
  double scale = 1;   ///< factor of the inner product
  double offset = 1;  ///< added to it
  using metric = dot;
  static constexpr int channels = 1, parameters = 2;
  [[nodiscard]] vec<double, 2> theta() const { return {{scale, offset}}; }
  template<class V>
  DISPAR_FN static V value(vec<V, 1> d, vec<V, 2> p) {
    const V base = fma(p[0], d[0], p[1]);
    V power = base;
    DISPAR_UNROLL
    for (int i = 1; i < Degree; ++i) power = power * base;
    return power;
  }
};

DISPAR_NAMESPACE_END
