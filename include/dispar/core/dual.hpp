#pragma once

#include "dispar/core/pack_math.hpp"
#include "dispar/core/vec.hpp"

DISPAR_NAMESPACE_BEGIN

/// A value with N derivatives: a functor written for `V` gives its derivatives when called with `dual<V, N>`.
///
/// Convention at the kinks: sqrt and abs have derivative 0 where their argument is 0, so that coincident points have
/// gradient 0 instead of infinity or NaN.
template<class V, int N>
struct dual {
  /// Type or constant of the value.
  ///@{
  using scalar = typename V::scalar;
  using mask_type = typename V::mask_type;
  static constexpr int width = V::width;
  ///@}
  V value;      ///< the value
  vec<V, N> d;  ///< its derivatives

  dual() = default;
  /// A constant.
  template<class C>
  requires std::convertible_to<C, scalar> DISPAR_FN explicit dual(C c) : value(c) {
    DISPAR_UNROLL
    for (int i = 0; i < N; ++i) d[i] = V(0);
  }
  /// A constant.
  DISPAR_FN explicit dual(V v) : value(v) {
    DISPAR_UNROLL
    for (int i = 0; i < N; ++i) d[i] = V(0);
  }
  /// The variable number `i`: derivative 1 with respect to itself.
  DISPAR_FN static dual variable(V v, int i) {
    dual x(v);
    x.d[i] = V(1);
    return x;
  }

  /// Arithmetic with the rules of differentiation; comparisons are those of the values.
  ///@{
  DISPAR_FN friend dual operator+(dual a, dual b) { return a.combine(a.value + b.value, V(1), b, V(1)); }
  DISPAR_FN friend dual operator-(dual a, dual b) { return a.combine(a.value - b.value, V(1), b, V(-1)); }
  DISPAR_FN friend dual operator*(dual a, dual b) { return a.combine(a.value * b.value, b.value, b, a.value); }
  DISPAR_FN friend dual operator/(dual a, dual b) {
    const V q = a.value / b.value;
    return a.combine(q, V(1) / b.value, b, -q / b.value);
  }
  DISPAR_FN friend dual operator-(dual a) { return a.chain(-a.value, V(-1)); }
  DISPAR_FN friend mask_type operator<(dual a, dual b) { return a.value < b.value; }
  DISPAR_FN friend mask_type operator>(dual a, dual b) { return a.value > b.value; }
  DISPAR_FN friend mask_type operator<=(dual a, dual b) { return a.value <= b.value; }
  DISPAR_FN friend mask_type operator>=(dual a, dual b) { return a.value >= b.value; }
  DISPAR_FN friend mask_type operator==(dual a, dual b) { return a.value == b.value; }
  ///@}

  /// f(a) with f'(a) = `slope`.
  DISPAR_FN dual chain(V result, V slope) const {
    dual r;
    r.value = result;
    DISPAR_UNROLL
    for (int i = 0; i < N; ++i) r.d[i] = slope * d[i];
    return r;
  }
  /// f(a, b) with partial derivatives `by_a` and `by_b`.
  DISPAR_FN dual combine(V result, V by_a, dual b, V by_b) const {
    dual r;
    r.value = result;
    DISPAR_UNROLL
    for (int i = 0; i < N; ++i) r.d[i] = by_a * d[i] + by_b * b.d[i];
    return r;
  }
};

/// `yes` where the condition holds, `no` elsewhere, with its derivatives.
template<class V, int N>
DISPAR_FN dual<V, N> select(typename V::mask_type condition, dual<V, N> yes, dual<V, N> no) {
  dual<V, N> r;
  r.value = select(condition, yes.value, no.value);
  DISPAR_UNROLL
  for (int i = 0; i < N; ++i) r.d[i] = select(condition, yes.d[i], no.d[i]);
  return r;
}
namespace detail {
template<class V, int N>
DISPAR_FN dual<V, N> lower_bounded(dual<V, N> x, dual<V, N> bound) {
  return select(x < bound, bound, x);
}
}  // namespace detail
/// The function of the value, with the derivatives by the chain rule.
///@{
template<class V, int N>
DISPAR_FN dual<V, N> fma(dual<V, N> a, dual<V, N> b, dual<V, N> c) {
  return a * b + c;
}
template<class V, int N>
DISPAR_FN dual<V, N> exp2(dual<V, N> x) {
  const V y = exp2(x.value);
  return x.chain(y, y * V(0.693147180559945309417232121458));
}
template<class V, int N>
DISPAR_FN dual<V, N> exp2_nonpositive(dual<V, N> x) {
  const V y = exp2_nonpositive(x.value);
  return x.chain(y, y * V(0.693147180559945309417232121458));
}
template<class V, int N>
DISPAR_FN dual<V, N> exp(dual<V, N> x) {
  const V y = exp(x.value);
  return x.chain(y, y);
}
template<class V, int N>
DISPAR_FN dual<V, N> log2(dual<V, N> x) {
  return x.chain(log2(x.value), V(1.44269504088896340735992468100) / x.value);
}
template<class V, int N>
DISPAR_FN dual<V, N> log(dual<V, N> x) {
  return x.chain(log(x.value), V(1) / x.value);
}
template<class V, int N>
DISPAR_FN dual<V, N> sqrt(dual<V, N> x) {
  const V y = sqrt(x.value);
  const auto positive = y > V(0);
  return x.chain(y, select(positive, V(0.5) / select(positive, y, V(1)), V(0)));
}
template<class V, int N>
DISPAR_FN dual<V, N> abs(dual<V, N> x) {
  return x.chain(abs(x.value), select(x.value > V(0), V(1), select(x.value < V(0), V(-1), V(0))));
}
///@}

DISPAR_NAMESPACE_END
