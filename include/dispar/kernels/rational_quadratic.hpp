#pragma once

#include "dispar/kernels/pair_function.hpp"

DISPAR_NAMESPACE_BEGIN

/// k(x, y) = (1 + |x - y|^2 / (2 alpha scale^2))^-alpha (Rasmussen & Williams 2006, eq. 4.19).
struct rational_quadratic {
  double scale = 1;  ///< > 0, in the unit of the data
  double alpha = 1;  ///< > 0; towards infinity it becomes `gaussian{scale}`
  using metric = sq_euclidean;
  static constexpr int channels = 1, parameters = 2, constants = 2;
  [[nodiscard]] vec<double, 2> theta() const { return {{scale, alpha}}; }
  void validate() const {
    require(scale > 0, "rational_quadratic: scale", "must be positive", scale);
    require(alpha > 0, "rational_quadratic: alpha", "must be positive", alpha);
  }
  template<class R>
  DISPAR_FN static vec<R, 2> prepare(vec<R, 2> p) {
    return {{R(0.5) / (p[1] * p[0] * p[0]), -p[1]}};
  }
  template<class V>
  DISPAR_FN static V value(vec<V, 1> d, vec<V, 2> c) {
    return exp2_nonpositive(c[1] * log2(fma(d[0], c[0], V(1))));
  }
};

DISPAR_NAMESPACE_END
