#pragma once

#include <concepts>

#include "dispar/core/pack.hpp"

DISPAR_NAMESPACE_BEGIN

/// The same number, rounded here: no compiler flag can reassociate, contract or simplify an expression across the fence.
/// Costs no instruction. Error-free transformations are correct under -ffast-math only with it.
/// On a GPU it does nothing and need not: nvcc reassociates under no flag (it may contract products into sums; `two_sum` has
/// none).
template<std::floating_point T>
[[nodiscard]] DISPAR_FN T rounding_fence(T x) {
#if defined(__CUDA_ARCH__)
#elif defined(__x86_64__)
  asm("" : "+x"(x));
#elif defined(__aarch64__)
  asm("" : "+w"(x));
#else
  asm("" : "+m"(x));
#endif
  return x;
}

/// a b rounded, which no compiler contracts into a sum, on a GPU neither.
[[nodiscard]] DISPAR_FN double rounded_product(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __dmul_rn(a, b);
#else
  return rounding_fence(a * b);
#endif
}

#if !defined(__CUDACC__)
/// `rounding_fence` in every place of a pack.
template<class T, int W>
[[nodiscard]] DISPAR_FN pack<T, W> rounding_fence(pack<T, W> x) {
#if defined(__x86_64__)
  if constexpr (W * sizeof(T) >= 16 && W * sizeof(T) <= static_cast<std::size_t>(vector_bytes))
    asm("" : "+x"(x.value));
  else
    asm("" : "+m"(x.value));
#elif defined(__aarch64__)
  if constexpr (W * sizeof(T) == 16)
    asm("" : "+w"(x.value));
  else
    asm("" : "+m"(x.value));
#else
  asm("" : "+m"(x.value));
#endif
  return x;
}
#else
template<class T>
[[nodiscard]] DISPAR_FN lane<T> rounding_fence(lane<T> x) {
  return lane<T>(rounding_fence(x.value));
}
#endif

/// `rounded + error == a + b` exactly, whatever the magnitudes (Knuth's TwoSum). V is a floating-point type or a pack.
/// Only sums and differences occur, so contraction to fused multiply-adds cannot touch it.
template<class V>
struct exact_sum {
  /// The rounded sum, and what rounding took from it.
  ///@{
  V rounded, error;
  ///@}
};
/// The exact sum of a and b: six additions and subtractions. D. E. Knuth, TAOCP 2, section 4.2.2.
template<class V>
[[nodiscard]] DISPAR_FN exact_sum<V> two_sum(V a, V b) {
  const V rounded = rounding_fence(a + b);
  const V b_part = rounding_fence(rounded - a);
  const V a_part = rounding_fence(rounded - b_part);
  return {rounded, rounding_fence(rounding_fence(a - a_part) + rounding_fence(b - b_part))};
}

DISPAR_NAMESPACE_END
