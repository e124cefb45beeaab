#pragma once

#include "dispar/kernels/pair_function.hpp"

DISPAR_NAMESPACE_BEGIN

/// k(x, y) = (1 + |x - y|^2 / scale^2)^-1/2: the inverse multiquadric with value 1 at distance 0.
struct inverse_multiquadric {
  double scale = 1;  ///< > 0, in the unit of the data
  using metric = sq_euclidean;
  static constexpr int channels = 1, parameters = 1, constants = 1;
  [[nodiscard]] vec<double, 1> theta() const { return {{scale}}; }
  void validate() const { require(scale > 0, "inverse_multiquadric: scale", "must be positive", scale); }
  template<class R>
  DISPAR_FN static vec<R, 1> prepare(vec<R, 1> p) {
    return {{R(1) / (p[0] * p[0])}};
  }
  template<class V>
  DISPAR_FN static V value(vec<V, 1> d, vec<V, 1> c) {
    return V(1) / sqrt(fma(d[0], c[0], V(1)));
  }
};

DISPAR_NAMESPACE_END
