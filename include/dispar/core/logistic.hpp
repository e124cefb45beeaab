#pragma once
/// \file
/// The logistic function and its logarithm, without overflow and without loss of digits for any argument.

#include <cmath>

#include "dispar/core/dual.hpp"
#include "dispar/core/lane.hpp"
#include "dispar/core/pack_math.hpp"
#include "dispar/core/rounding_fence.hpp"

DISPAR_NAMESPACE_BEGIN

/// 1 / (1 + exp(-x)).
[[nodiscard]] DISPAR_FN double sigmoid(double x) {
  const double e = std::exp(x < 0 ? x : -x);
  return (x < 0 ? e : 1) / (1 + e);
}
/// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)); -log sigmoid(x) is softplus(-x). Infinite for infinity, NaN for NaN.
[[nodiscard]] DISPAR_FN double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

/// The same of what functors see, in their precision, with derivatives.
///@{
template<class T>
[[nodiscard]] DISPAR_FN lane<T> sigmoid(lane<T> x) {
  const T e = std::exp(x.value < 0 ? x.value : -x.value);
  return lane<T>((x.value < 0 ? e : 1) / (1 + e));
}
template<class T>
[[nodiscard]] DISPAR_FN lane<T> softplus(lane<T> x) {
  return lane<T>(x.value > 0 ? x.value + std::log1p(std::exp(-x.value)) : std::log1p(std::exp(x.value)));
}
#if !defined(__CUDACC__)
template<class T, int W>
[[nodiscard]] DISPAR_FN pack<T, W> sigmoid(pack<T, W> x) {
  using V = pack<T, W>;
  const V e = exp(-abs(x));
  return select(x < V(0), e, V(1)) / (V(1) + e);
}
template<class T, int W>
[[nodiscard]] DISPAR_FN pack<T, W> softplus(pack<T, W> x) {
  using V = pack<T, W>;
  const V e = exp(-abs(x));
  // What 1 + e lost to rounding, log(1 + e) lost too, and in the same proportion.
  const V rounded = rounding_fence(V(1) + e), kept = rounding_fence(rounded - V(1));
  return select(x > V(0), x, V(0)) + select(kept > V(0), log(rounded) * (e / kept), e);
}
#endif
template<class V, int N>
[[nodiscard]] DISPAR_FN dual<V, N> softplus(dual<V, N> x) {
  return x.chain(softplus(x.value), sigmoid(x.value));
}
///@}

DISPAR_NAMESPACE_END
