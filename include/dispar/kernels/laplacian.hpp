#pragma once

#include "dispar/kernels/pair_function.hpp"

DISPAR_NAMESPACE_BEGIN

/// k(x, y) = exp(-|x - y|_1 / scale): the Laplace kernel of MMDAgg (Schrab et al., JMLR 2023).
struct laplacian_l1 {
  double scale = 1;  ///< > 0, in the unit of the data
  using metric = l1;
  static constexpr int channels = 1, parameters = 1, constants = 1;
  [[nodiscard]] vec<double, 1> theta() const { return {{scale}}; }
  void validate() const { require(scale > 0, "laplacian_l1: scale", "must be positive", scale); }
  template<class R>
  DISPAR_FN static vec<R, 1> prepare(vec<R, 1> p) {
    return {{R(-1.44269504088896340735992468100) / p[0]}};
  }
  template<class V>
  DISPAR_FN static V value(vec<V, 1> d, vec<V, 1> c) {
    return exp2_nonpositive(d[0] * c[0]);
  }
};

/// k(x, y) = exp(-|x - y|_2 / scale). Not differentiable where x = y; the gradient there is 0.
struct laplacian_l2 {
  double scale = 1;  ///< > 0, in the unit of the data
  using metric = sq_euclidean;
  static constexpr int channels = 1, parameters = 1, constants = 1;
  [[nodiscard]] vec<double, 1> theta() const { return {{scale}}; }
  void validate() const { require(scale > 0, "laplacian_l2: scale", "must be positive", scale); }
  template<class R>
  DISPAR_FN static vec<R, 1> prepare(vec<R, 1> p) {
    return {{R(-1.44269504088896340735992468100) / p[0]}};
  }
  template<class V>
  DISPAR_FN static V value(vec<V, 1> d, vec<V, 1> c) {
    return exp2_nonpositive(sqrt(d[0]) * c[0]);
  }
};

DISPAR_NAMESPACE_END
