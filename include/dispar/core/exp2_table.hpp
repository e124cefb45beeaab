#pragma once
/// \file
/// 2^x for x <= 0 by a table that lives in a register: about half the multiplications of a polynomial over a whole octave. For
/// AVX-512, which looks up 16 entries, rounds to fractions of an octave and scales by 2^k in one instruction each.

#include "dispar/core/pack.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

#if defined(__AVX512F__) && !defined(__CUDACC__)

inline constexpr bool has_exp2_table = true;

/// 2^(i / entries), and (2^r - 1) / r for |r| <= 1 / (2 entries): relative error of 2^r at most 2e-9 in float, 3e-18 in double
/// (near-minimax, fitted). `round` takes x to the nearest 1 / entries, `scale` gives a * 2^floor(k), 0 where that is too small.
template<class T>
struct exp2_table;

template<>
struct exp2_table<float> {
  static constexpr int places = 4;  ///< log2 of the number of entries
  alignas(64) static constexpr float entry[] = {1.0f,        1.04427378f, 1.09050773f, 1.13878863f, 1.18920712f, 1.24185781f,
                                                1.29683955f, 1.35425555f, 1.41421356f, 1.47682615f, 1.54221083f, 1.61049033f,
                                                1.68179283f, 1.75625216f, 1.83400809f, 1.91520656f};
  static constexpr float c[] = {0.69314718266671894399f, 0.24023428805002032484f, 0.055502136390290569527f};
  using V = pack<float, 16>::native;
  using index_bits = mask<float, 16>::native;
  DISPAR_FN static V round(V x) { return (V)__builtin_ia32_rndscaleps_mask(x, places << 4, x, std::uint16_t(-1), 4); }
  DISPAR_FN static V scale(V a, V k) { return (V)__builtin_ia32_scalefps512_mask(a, k, a, std::uint16_t(-1), 4); }
  DISPAR_FN static V look_up(V table, index_bits i) {
#if defined(__clang__)
    return (V)__builtin_ia32_permvarsf512(table, i);
#else
    return __builtin_shuffle(table, i);
#endif
  }
};

template<>
struct exp2_table<double> {
  static constexpr int places = 3;
  alignas(64) static constexpr double entry[] = {1.0,
                                                 1.0905077326652576592,
                                                 1.1892071150027210667,
                                                 1.2968395546510096659,
                                                 1.4142135623730950488,
                                                 1.5422108254079408236,
                                                 1.6817928305074290861,
                                                 1.8340080864093424635};
  static constexpr double c[] = {0.69314718055994531811,    0.24022650695911516085,   0.055504108664802353028,
                                 0.0096181290851785097709,  0.0013333558238952553914, 0.00015404521949619992815,
                                 0.000015251844290169823276};
  using V = pack<double, 8>::native;
  using index_bits = mask<double, 8>::native;
  DISPAR_FN static V round(V x) { return (V)__builtin_ia32_rndscalepd_mask(x, places << 4, x, std::uint8_t(-1), 4); }
  DISPAR_FN static V scale(V a, V k) { return (V)__builtin_ia32_scalefpd512_mask(a, k, a, std::uint8_t(-1), 4); }
  DISPAR_FN static V look_up(V table, index_bits i) {
#if defined(__clang__)
    return (V)__builtin_ia32_permvardf512(table, i);
#else
    return __builtin_shuffle(table, i);
#endif
  }
};

/// The steps of `exp2_in_steps` on one register.
///@{
template<class T, int W>
DISPAR_FN pack<T, W> exp2_round(pack<T, W> x) {
  return pack<T, W>(exp2_table<T>::round(x.value));
}
/// `sum`: its last bits are the number of the entry.
template<class T, int W>
DISPAR_FN pack<T, W> exp2_entry(pack<T, W> sum) {
  typename exp2_table<T>::index_bits i;
  std::memcpy(&i, &sum.value, sizeof i);
  return pack<T, W>(exp2_table<T>::look_up(pack<T, W>::load(exp2_table<T>::entry).value, i));
}
template<class T, int W>
DISPAR_FN pack<T, W> exp2_scale(pack<T, W> a, pack<T, W> k) {
  return pack<T, W>(exp2_table<T>::scale(a.value, k.value));
}
///@}

/// 2^x of a pack or several at once.
template<class V>
DISPAR_FN V exp2_in_steps(V x) {
  using T = typename V::scalar;
  using table = exp2_table<T>;
  constexpr int mantissa = sizeof(T) == 4 ? 23 : 52;
  const V k = exp2_round(x);
  const V r = x - k;
  // One unit in the last place of this sum is 1 / entries.
  const V power = exp2_entry(k + V(1.5 * static_cast<double>(std::int64_t{1} << (mantissa - table::places))));
  constexpr int terms = static_cast<int>(sizeof(table::c) / sizeof(T));
  V p(table::c[terms - 1]);
  DISPAR_UNROLL
  for (int t = terms - 2; t >= 0; --t) p = fma(p, r, V(table::c[t]));
  return exp2_scale(fma(power * r, p, power), k);
}

/// 2^x, gradually 0 below the normal range; NaN for NaN. Nothing here that -ffast-math could simplify. Fewer numbers than fill
/// a register get the same bits.
template<class T, int W>
requires(W <= native_width<T>) DISPAR_FN pack<T, W> exp2_by_table(pack<T, W> x) {
  if constexpr (W < native_width<T>) {
    native_pack<T> whole(0);
    std::memcpy(&whole.value, &x.value, sizeof x.value);
    whole = exp2_in_steps(whole);
    std::memcpy(&x.value, &whole.value, sizeof x.value);
    return x;
  } else {
    return exp2_in_steps(x);
  }
}

#else

inline constexpr bool has_exp2_table = false;
template<class X>
X exp2_by_table(X x);  // never called

#endif

}  // namespace detail

DISPAR_NAMESPACE_END
