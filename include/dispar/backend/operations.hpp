#pragma once
/// \file
/// Operations on pairs that several concepts use: the value of a kernel, its square, weights.

#include "dispar/backend/pairwise.hpp"
#include "dispar/kernels/pair_function.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {
template<class V, class T, int N>
DISPAR_FN vec<V, N> broadcast(const vec<T, N>& values) {
  vec<V, N> result;
  DISPAR_UNROLL
  for (int i = 0; i < N; ++i) result[i] = V(values[i]);
  return result;
}
}  // namespace detail

/// Output 0: k(d); with `Weighted`, times operand 0 of both rows.
template<pair_function K, class T, bool Weighted = false>
struct kernel_value {
  static constexpr int channels = K::channels, outputs = 1, operands = Weighted ? 1 : 0;
  vec<T, constants_of<K>> constants;

  explicit kernel_value(const K& k) : constants(narrowed_constants<K, T>(k)) {}

  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(vec<V, channels> d, const At& at) const {
    V value = K::value(d, detail::broadcast<V>(constants));
    if constexpr (Weighted) value = value * at.row[0] * at.col[0];
    return {{value}};
  }
};

/// Output 0: k(d), and 0 for the matched pairs (x_i, y_i).
template<pair_function K, class T>
struct unmatched_kernel_value {
  static constexpr int channels = K::channels, outputs = 1, operands = 0;
  kernel_value<K, T> kernel;

  explicit unmatched_kernel_value(const K& k) : kernel(k) {}

  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(vec<V, channels> d, const At& at) const {
    return {{select(at.matched, V(0), kernel(d, at)[0])}};
  }
};

/// Output 0: k(d)^2.
template<pair_function K, class T>
struct squared_kernel_value {
  static constexpr int channels = K::channels, outputs = 1, operands = 0;
  kernel_value<K, T> kernel;

  explicit squared_kernel_value(const K& k) : kernel(k) {}

  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(vec<V, channels> d, const At& at) const {
    const V value = kernel(d, at)[0];
    return {{value * value}};
  }
};

DISPAR_NAMESPACE_END
