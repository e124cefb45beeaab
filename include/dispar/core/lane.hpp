#pragma once

#include <cmath>
#include <concepts>

#include "dispar/core/config.hpp"

DISPAR_NAMESPACE_BEGIN

/// One number as a functor sees it on a GPU, and for the double-precision work done once per call. Same functions as `pack`.
template<class T>
struct lane {
  /// Type or constant of the lane.
  ///@{
  using scalar = T;
  using mask_type = bool;
  static constexpr int width = 1;
  ///@}
  T value;  ///< the number

  lane() = default;
  /// From any number.
  template<class C>
  requires std::convertible_to<C, T> DISPAR_FN constexpr explicit lane(C c) : value(static_cast<T>(c)) {}

  /// Reads from, writes to memory.
  ///@{
  DISPAR_FN static lane load(const T* p) { return lane(*p); }
  DISPAR_FN void store(T* p) const { *p = value; }
  ///@}

  /// Arithmetic and comparison.
  ///@{
  DISPAR_FN friend lane operator+(lane a, lane b) { return lane(a.value + b.value); }
  DISPAR_FN friend lane operator-(lane a, lane b) { return lane(a.value - b.value); }
  DISPAR_FN friend lane operator*(lane a, lane b) { return lane(a.value * b.value); }
  DISPAR_FN friend lane operator/(lane a, lane b) { return lane(a.value / b.value); }
  DISPAR_FN friend lane operator-(lane a) { return lane(-a.value); }
  DISPAR_FN friend bool operator<(lane a, lane b) { return a.value < b.value; }
  DISPAR_FN friend bool operator>(lane a, lane b) { return a.value > b.value; }
  DISPAR_FN friend bool operator<=(lane a, lane b) { return a.value <= b.value; }
  DISPAR_FN friend bool operator>=(lane a, lane b) { return a.value >= b.value; }
  DISPAR_FN friend bool operator==(lane a, lane b) { return a.value == b.value; }
  ///@}
};

/// `yes` where the condition holds, else `no`.
template<class T>
DISPAR_FN lane<T> select(bool condition, lane<T> yes, lane<T> no) {
  return condition ? yes : no;
}

namespace detail {
/// `x < bound ? bound : x`; a NaN in x stays a NaN.
template<class T>
DISPAR_FN lane<T> lower_bounded(lane<T> x, lane<T> bound) {
  return select(x < bound, bound, x);
}
}  // namespace detail

/// a * b + c with one rounding.
template<class T>
DISPAR_FN lane<T> fma(lane<T> a, lane<T> b, lane<T> c) {
  return lane<T>(std::fma(a.value, b.value, c.value));
}
/// As in the standard library; `exp2_nonpositive` may count on x <= 0.
///@{
template<class T>
DISPAR_FN lane<T> exp2(lane<T> x) {
  return lane<T>(std::exp2(x.value));
}
template<class T>
DISPAR_FN lane<T> exp2_nonpositive(lane<T> x) {
#if defined(__CUDA_ARCH__)
  // exp2f spends three instructions on results below 2^-126, which are 0 here.
  if constexpr (sizeof(T) == 4) {
    T y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x.value));
    return lane<T>(y);
  }
#endif
  return exp2(x);
}
template<class T>
DISPAR_FN lane<T> exp(lane<T> x) {
  return lane<T>(std::exp(x.value));
}
template<class T>
DISPAR_FN lane<T> log2(lane<T> x) {
  return lane<T>(std::log2(x.value));
}
template<class T>
DISPAR_FN lane<T> log(lane<T> x) {
  return lane<T>(std::log(x.value));
}
template<class T>
DISPAR_FN lane<T> sqrt(lane<T> x) {
  return lane<T>(std::sqrt(x.value));
}
template<class T>
DISPAR_FN lane<T> abs(lane<T> x) {
  return lane<T>(std::fabs(x.value));
}
///@}

DISPAR_NAMESPACE_END
