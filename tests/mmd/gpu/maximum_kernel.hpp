#pragma once

#include "dispar/kernels/pair_function.hpp"

namespace gpu_tests {

/// A user's kernel of the maximum metric, whose slope reads the distance: 1 / (1 + |a - b|_inf / scale).
struct maximum_kernel {
  double scale = 1.5;
  using metric = dispar::linf;
  static constexpr int channels = 1, parameters = 1;
  dispar::vec<double, 1> theta() const { return {{scale}}; }
  template<class V>
  DISPAR_FN static V value(dispar::vec<V, 1> d, dispar::vec<V, 1> p) {
    return V(1) / (V(1) + d[0] / p[0]);
  }
};

}  // namespace gpu_tests
