#pragma once
/// \file
/// Metrics: how a distance between two rows is accumulated feature by feature.
///
/// A metric owns its step, its finish, its feature gradient and whether it is a matrix product. Members:
/// - `product`: the step is `acc + a * b`, so tensor cores and register tiles apply; the feature gradient is then
///   `own * a + other * b`.
/// - `translation_invariant`: rows may be centred before packing, which keeps float digits when the data has an offset.
/// - `row_term(acc, a)`: what one row contributes alone (squared norms), accumulated like `step`.
/// - `step(acc, a, b)`, `finish(acc, row_term_a, row_term_b)`.
/// - `linear_slope` (optional): the feature gradient is `own * a + other * b` though the step is no product; it then is computed
/// as
///   a matrix product.
/// - `slope(a, b, d)`: derivative of the distance d by the feature a. A metric whose slope reads d says so with a member
///   `slope_needs_distance`.

#include <concepts>

#include "dispar/core/dual.hpp"

DISPAR_NAMESPACE_BEGIN

/// |a - b|^2 by |a|^2 + |b|^2 - 2 a.b, clamped at 0 from below (a NaN stays a NaN).
struct sq_euclidean {
  static constexpr bool product = true, translation_invariant = true;
  static constexpr double own = 2, other = -2;
  template<class V>
  DISPAR_FN static V row_term(V acc, V a) {
    return fma(a, a, acc);
  }
  template<class V>
  DISPAR_FN static V step(V acc, V a, V b) {
    return fma(a, b, acc);
  }
  template<class V>
  DISPAR_FN static V finish(V acc, V row, V col) {
    return detail::lower_bounded(fma(V(-2), acc, row + col), V(0));
  }
  template<class V>
  DISPAR_FN static V slope(V a, V b, V) {
    return V(2) * (a - b);
  }
};

/// a.b: linear and polynomial kernels, similarities. Larger means closer.
struct dot {
  static constexpr bool product = true, translation_invariant = false;
  static constexpr double own = 0, other = 1;
  template<class V>
  DISPAR_FN static V row_term(V acc, V) {
    return acc;
  }
  template<class V>
  DISPAR_FN static V step(V acc, V a, V b) {
    return fma(a, b, acc);
  }
  template<class V>
  DISPAR_FN static V finish(V acc, V, V) {
    return acc;
  }
  template<class V>
  DISPAR_FN static V slope(V, V b, V) {
    return b;
  }
};

/// sum |a - b|. Its feature gradient is a sum of signs, not a product; the sign of 0 is 0.
struct l1 {
  static constexpr bool product = false, translation_invariant = true;
  template<class V>
  DISPAR_FN static V row_term(V acc, V) {
    return acc;
  }
  template<class V>
  DISPAR_FN static V step(V acc, V a, V b) {
    return acc + abs(a - b);
  }
  template<class V>
  DISPAR_FN static V finish(V acc, V, V) {
    return acc;
  }
  template<class V>
  DISPAR_FN static V slope(V a, V b, V) {
    return select(a > b, V(1), select(a < b, V(-1), V(0)));
  }
};

/// max |a - b|. The gradient goes to every feature that attains the maximum.
struct linf {
  static constexpr bool product = false, translation_invariant = true, slope_needs_distance = true;
  template<class V>
  DISPAR_FN static V row_term(V acc, V) {
    return acc;
  }
  template<class V>
  DISPAR_FN static V step(V acc, V a, V b) {
    const V gap = abs(a - b);
    return select(gap > acc, gap, acc);
  }
  template<class V>
  DISPAR_FN static V finish(V acc, V, V) {
    return acc;
  }
  template<class V>
  DISPAR_FN static V slope(V a, V b, V d) {
    const V sign = select(a > b, V(1), select(a < b, V(-1), V(0)));
    return select(abs(a - b) >= d, sign, V(0));
  }
};

/// Whether a metric's feature gradient is `own * a + other * b`.
template<class M>
inline constexpr bool has_linear_slope = M::product || requires {
  requires M::linear_slope;
};

/// How a distance between two rows is accumulated, see the head of the file.
template<class M>
concept metric = requires(lane<double> v) {
  { M::product } -> std::convertible_to<bool>;
  { M::translation_invariant } -> std::convertible_to<bool>;
  { M::row_term(v, v) } -> std::same_as<lane<double>>;
  { M::step(v, v, v) } -> std::same_as<lane<double>>;
  { M::finish(v, v, v) } -> std::same_as<lane<double>>;
  { M::slope(v, v, v) } -> std::same_as<lane<double>>;
};

DISPAR_NAMESPACE_END
