#pragma once

#include "dispar/kernels/pair_function.hpp"

DISPAR_NAMESPACE_BEGIN

/// k(x, y) = exp(-|x - y|^2 / (2 sigma^2)). `sigma` has the unit of the data; with the scikit-learn name, gamma = 1/(2 sigma^2).
///
///     double v = mmd::estimate(cpu{}, x, y, gaussian{.sigma = 2.0});
struct gaussian {
  double sigma = 1;  ///< bandwidth, > 0, in the unit of the data
  using metric = sq_euclidean;
  static constexpr int channels = 1, parameters = 1, constants = 1;
  [[nodiscard]] vec<double, 1> theta() const { return {{sigma}}; }
  void validate() const { require(sigma > 0, "gaussian: sigma", "must be positive", sigma); }
  template<class R>
  DISPAR_FN static vec<R, 1> prepare(vec<R, 1> p) {
    return {{R(-0.5 * 1.44269504088896340735992468100) / (p[0] * p[0])}};
  }
  template<class V>
  DISPAR_FN static V value(vec<V, 1> d, vec<V, 1> c) {
    return exp2_nonpositive(d[0] * c[0]);
  }
};

DISPAR_NAMESPACE_END
