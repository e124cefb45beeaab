#pragma once
/// \file
/// `pack<T, W>`: W numbers that a host functor computes on at once, in the compiler's vector extension.
/// Not available under nvcc, which rejects vector types in `__host__ __device__` functions: there `lane` takes its place.

#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "dispar/core/lane.hpp"

DISPAR_NAMESPACE_BEGIN

#if !defined(__CUDACC__)

/// The integer as wide as `T`.
template<class T>
using bits_of = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

/// The result of comparing packs: all bits set where true.
template<class T, int W>
struct mask {
  /// The compiler's vector of integers.
  typedef bits_of<T> native [[gnu::vector_size(W * sizeof(T))]];
  /// All bits set in a place where the comparison holds.
  native value;

  /// And, or, not, place by place.
  ///@{
  DISPAR_FN friend mask operator&(mask a, mask b) { return {a.value & b.value}; }
  DISPAR_FN friend mask operator|(mask a, mask b) { return {a.value | b.value}; }
  DISPAR_FN friend mask operator!(mask a) { return {~a.value}; }
  ///@}
};

/// W numbers of type T in one vector register: what a functor sees as `V` on the host. Functions on it are found by
/// argument-dependent lookup: select, fma, abs, sqrt, exp, exp2, log, log2.
template<class T, int W>
struct pack {
  /// Type or constant of the pack.
  ///@{
  using scalar = T;
  using mask_type = mask<T, W>;
  static constexpr int width = W;
  typedef T native [[gnu::vector_size(W * sizeof(T))]];
  ///@}
  native value;  ///< the compiler's vector

  pack() = default;
  /// From the compiler's vector.
  DISPAR_FN explicit pack(native v) : value(v) {}
  /// The same number in every place.
  template<class C>
  requires std::convertible_to<C, T> DISPAR_FN explicit pack(C c) : value(static_cast<T>(c) - native{}) {}

  /// Reads from, writes to memory of any alignment; the element in one place.
  ///@{
  DISPAR_FN static pack load(const T* p) {
    pack r;
    std::memcpy(&r.value, p, sizeof r.value);
    return r;
  }
  DISPAR_FN void store(T* p) const { std::memcpy(p, &value, sizeof value); }
  DISPAR_FN T operator[](int i) const { return value[i]; }
  ///@}

  /// Arithmetic and comparison, place by place.
  ///@{
  DISPAR_FN friend pack operator+(pack a, pack b) { return pack(a.value + b.value); }
  DISPAR_FN friend pack operator-(pack a, pack b) { return pack(a.value - b.value); }
  DISPAR_FN friend pack operator*(pack a, pack b) { return pack(a.value * b.value); }
  DISPAR_FN friend pack operator/(pack a, pack b) { return pack(a.value / b.value); }
  DISPAR_FN friend pack operator-(pack a) { return pack(-a.value); }
  DISPAR_FN friend mask_type operator<(pack a, pack b) { return {a.value < b.value}; }
  DISPAR_FN friend mask_type operator>(pack a, pack b) { return {a.value > b.value}; }
  DISPAR_FN friend mask_type operator<=(pack a, pack b) { return {a.value <= b.value}; }
  DISPAR_FN friend mask_type operator>=(pack a, pack b) { return {a.value >= b.value}; }
  DISPAR_FN friend mask_type operator==(pack a, pack b) { return {a.value == b.value}; }
  ///@}
};

/// `yes` where the condition holds, `no` elsewhere.
template<class T, int W>
DISPAR_FN pack<T, W> select(mask<T, W> condition, pack<T, W> yes, pack<T, W> no) {
  return pack<T, W>(condition.value ? yes.value : no.value);
}

namespace detail {

/// `x < bound ? bound : x` in one instruction where GCC would compare and blend. A NaN in x stays a NaN.
template<class T, int W>
DISPAR_FN pack<T, W> lower_bounded(pack<T, W> x, pack<T, W> bound) {
  using V [[maybe_unused]] = pack<T, W>;
#if defined(__GNUC__) && !defined(__clang__) && defined(__AVX512F__)
  if constexpr (sizeof(typename V::native) == 64) {
    if constexpr (sizeof(T) == 4)
      return V((typename V::native)__builtin_ia32_maxps512_mask(bound.value, x.value, x.value, std::uint16_t(-1), 4));
    else
      return V((typename V::native)__builtin_ia32_maxpd512_mask(bound.value, x.value, x.value, std::uint8_t(-1), 4));
  }
#endif
#if defined(__GNUC__) && !defined(__clang__) && defined(__AVX__)
  if constexpr (sizeof(typename V::native) == 32) {
    if constexpr (sizeof(T) == 4)
      return V((typename V::native)__builtin_ia32_maxps256(bound.value, x.value));
    else
      return V((typename V::native)__builtin_ia32_maxpd256(bound.value, x.value));
  }
#endif
  return select(x < bound, bound, x);
}

}  // namespace detail

/// a * b + c. One expression, so that every compiler contracts it to the fused instruction where there is one.
template<class T, int W>
DISPAR_FN pack<T, W> fma(pack<T, W> a, pack<T, W> b, pack<T, W> c) {
  return pack<T, W>(a.value * b.value + c.value);
}

/// |x|, by clearing the sign.
template<class T, int W>
DISPAR_FN pack<T, W> abs(pack<T, W> x) {
  using mask_native = typename mask<T, W>::native;
  constexpr auto keep = static_cast<bits_of<T>>(~(std::uint64_t{1} << (8 * sizeof(T) - 1)));
  return pack<T, W>((typename pack<T, W>::native)((mask_native)x.value & keep));
}

/// Adds the places of x to `W` doubles: float work summed without float's rounding.
template<class T, int W>
DISPAR_FN void add_to(double* sums, pack<T, W> x) {
  typedef double wide [[gnu::vector_size(W * sizeof(double))]];
  wide s;
  std::memcpy(&s, sums, sizeof s);
  s += __builtin_convertvector(x.value, wide);
  std::memcpy(sums, &s, sizeof s);
}

/// The width that fills the widest vector register of the instruction set. A wrong width costs up to 50 times the speed.
template<class T>
inline constexpr int native_width = vector_bytes / static_cast<int>(sizeof(T));
/// The pack of that width.
template<class T>
using native_pack = pack<T, native_width<T>>;

namespace detail {
/// One number with the arithmetic of packs (contraction to fused operations included).
template<class T>
using scalar_pack = pack<T, 1>;
}  // namespace detail

#else

template<class T>
inline constexpr int native_width = 1;
template<class T>
using native_pack = lane<T>;

namespace detail {
template<class T>
using scalar_pack = lane<T>;
}  // namespace detail

template<class T>
DISPAR_FN void add_to(double* sums, lane<T> x) {
  *sums += static_cast<double>(x.value);
}

#endif

DISPAR_NAMESPACE_END
