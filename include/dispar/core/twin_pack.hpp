#pragma once
/// \file
/// `twin<V>`: two packs that are computed with in turns, for long chains of arithmetic on each element. A processor looks ahead
/// for work that does not wait for a result, but not far enough to reach the next element behind a chain of a hundred cycles;
/// here it is the next instruction. Twice the registers: for instruction sets with 32 of them.

#include "dispar/core/pack_math.hpp"
#include "dispar/core/rounding_fence.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// The result of comparing twins.
template<class M>
struct twin_mask {
  M first, second;
  DISPAR_FN friend twin_mask operator&(twin_mask a, twin_mask b) { return {a.first & b.first, a.second & b.second}; }
  DISPAR_FN friend twin_mask operator|(twin_mask a, twin_mask b) { return {a.first | b.first, a.second | b.second}; }
  DISPAR_FN friend twin_mask operator!(twin_mask a) { return {!a.first, !a.second}; }
};

/// Two packs with the functions of one.
template<class V>
struct twin {
  using scalar = typename V::scalar;
  using mask_type = twin_mask<typename V::mask_type>;
  static constexpr int width = 2 * V::width;
  V first, second;

  twin() = default;
  DISPAR_FN twin(V a, V b) : first(a), second(b) {}
  template<class C>
  requires std::convertible_to<C, scalar> DISPAR_FN explicit twin(C c) : first(c), second(c) {}

  DISPAR_FN static twin load(const scalar* p) { return {V::load(p), V::load(p + V::width)}; }
  DISPAR_FN void store(scalar* p) const {
    first.store(p);
    second.store(p + V::width);
  }

  DISPAR_FN friend twin operator+(twin a, twin b) { return {a.first + b.first, a.second + b.second}; }
  DISPAR_FN friend twin operator-(twin a, twin b) { return {a.first - b.first, a.second - b.second}; }
  DISPAR_FN friend twin operator*(twin a, twin b) { return {a.first * b.first, a.second * b.second}; }
  DISPAR_FN friend twin operator/(twin a, twin b) { return {a.first / b.first, a.second / b.second}; }
  DISPAR_FN friend twin operator-(twin a) { return {-a.first, -a.second}; }
  DISPAR_FN friend mask_type operator<(twin a, twin b) { return {a.first < b.first, a.second < b.second}; }
  DISPAR_FN friend mask_type operator>(twin a, twin b) { return {a.first > b.first, a.second > b.second}; }
  DISPAR_FN friend mask_type operator<=(twin a, twin b) { return {a.first <= b.first, a.second <= b.second}; }
  DISPAR_FN friend mask_type operator>=(twin a, twin b) { return {a.first >= b.first, a.second >= b.second}; }
  DISPAR_FN friend mask_type operator==(twin a, twin b) { return {a.first == b.first, a.second == b.second}; }

  DISPAR_FN friend twin select(mask_type condition, twin yes, twin no) {
    return {select(condition.first, yes.first, no.first), select(condition.second, yes.second, no.second)};
  }
  DISPAR_FN friend twin fma(twin a, twin b, twin c) {
    return {fma(a.first, b.first, c.first), fma(a.second, b.second, c.second)};
  }
  DISPAR_FN friend twin rounding_fence(twin x) { return {rounding_fence(x.first), rounding_fence(x.second)}; }
  DISPAR_FN friend twin abs(twin x) { return {abs(x.first), abs(x.second)}; }
  DISPAR_FN friend twin sqrt(twin x) { return {sqrt(x.first), sqrt(x.second)}; }
  DISPAR_FN friend twin exp(twin x) { return {exp(x.first), exp(x.second)}; }
  DISPAR_FN friend twin exp2(twin x) { return {exp2(x.first), exp2(x.second)}; }
  DISPAR_FN friend twin log(twin x) { return {log(x.first), log(x.second)}; }
  DISPAR_FN friend twin log2(twin x) { return {log2(x.first), log2(x.second)}; }
#if defined(__AVX512F__) && !defined(__CUDACC__)
  DISPAR_FN friend twin exp2_nonpositive(twin x) { return exp2_in_steps(x); }
  /// The steps.
  ///@{
  DISPAR_FN friend twin exp2_round(twin x) { return {exp2_round(x.first), exp2_round(x.second)}; }
  DISPAR_FN friend twin exp2_entry(twin sum) { return {exp2_entry(sum.first), exp2_entry(sum.second)}; }
  DISPAR_FN friend twin exp2_scale(twin a, twin k) { return {exp2_scale(a.first, k.first), exp2_scale(a.second, k.second)}; }
  ///@}
#else
  DISPAR_FN friend twin exp2_nonpositive(twin x) { return {exp2_nonpositive(x.first), exp2_nonpositive(x.second)}; }
#endif
};

template<class V>
DISPAR_FN twin<V> lower_bounded(twin<V> x, twin<V> bound) {
  return {lower_bounded(x.first, bound.first), lower_bounded(x.second, bound.second)};
}

}  // namespace detail

DISPAR_NAMESPACE_END
