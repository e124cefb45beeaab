#pragma once
/// \file
/// The logistic function and its logarithm, without overflow and without loss of digits for any argument.

#include <cmath>

#include "dispar/core/dual.hpp"
#include "dispar/core/lane.hpp"

DISPAR_NAMESPACE_BEGIN

/// 1 / (1 + exp(-x)).
[[nodiscard]] DISPAR_FN double sigmoid(double x) {
  const double e = std::exp(x < 0 ? x : -x);
  return (x < 0 ? e : 1) / (1 + e);
}
/// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)); -log sigmoid(x) is softplus(-x). Infinite for infinity, NaN for NaN.
[[nodiscard]] DISPAR_FN double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

/// The same of what functors see, with derivatives.
///@{
template<class T>
[[nodiscard]] DISPAR_FN lane<T> sigmoid(lane<T> x) {
  return lane<T>(sigmoid(static_cast<double>(x.value)));
}
template<class T>
[[nodiscard]] DISPAR_FN lane<T> softplus(lane<T> x) {
  return lane<T>(softplus(static_cast<double>(x.value)));
}
template<class V, int N>
[[nodiscard]] DISPAR_FN dual<V, N> softplus(dual<V, N> x) {
  return x.chain(softplus(x.value), sigmoid(x.value));
}
///@}

DISPAR_NAMESPACE_END
