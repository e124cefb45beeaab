#pragma once

#include "dispar/backend/rows.hpp"

/// On a lambda: inlined wherever it is called.
#define DISPAR_ROW_VISIT __attribute__((always_inline))

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// What a pass sees of a row: two packs in turns where there are registers for them.
#if defined(__AVX512F__) && !defined(__CUDACC__)
template<class T>
using row_pack = twin<native_pack<T>>;
#else
template<class T>
using row_pack = native_pack<T>;
#endif

/// Elements that are folded at a time: two rows of float fill half of a first-level cache of 32 KiB.
inline constexpr index row_tile_size = 2048;

/// Aligned pieces of N rows in contiguous memory, as packs.
template<class T, int N>
struct row_tile {
  using V = row_pack<T>;
  static constexpr int width = V::width;
  const T* x[N];
  index count;

  /// visit(elements, number of the first, how many count) pack by pack. Where the last pack is not full, its last element is
  /// repeated: a number that maxima do not mind. Visits have to be DISPAR_ROW_VISIT, or they are called twice and inlined never.
  template<class Visit>
  [[gnu::always_inline]] void each(const Visit& visit) const {
    index i = 0;
    for (; i + width <= count; i += width) {
      vec<V, N> v;
      DISPAR_UNROLL
      for (int k = 0; k < N; ++k) v[k] = V::load(x[k] + i);
      visit(v, i, width);
    }
    if (i < count) visit(last(i), i, static_cast<int>(count - i));
  }
  [[nodiscard]] vec<V, N> last(index i) const {
    vec<V, N> v;
    for (int k = 0; k < N; ++k) {
      T places[width];
      for (index j = 0; j < width; ++j) places[j] = x[k][i + j < count ? i + j : count - 1];
      v[k] = V::load(places);
    }
    return v;
  }
};

/// 0 in all places but the first `there`.
template<class T, int N>
[[nodiscard]] row_pack<T> first_places(row_pack<T> x, int there) {
  T places[row_pack<T>::width];
  x.store(places);
  for (int j = there; j < row_pack<T>::width; ++j) places[j] = 0;
  return row_pack<T>::load(places);
}

/// The largest place, and the sum of all in double, by halves: one after the other they would take longer than a tile's half.
///@{
template<class T>
[[nodiscard]] inline T largest_place(row_pack<T> x) {
  constexpr int width = row_pack<T>::width;
  T places[width];
  x.store(places);
  for (int half = width / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) places[i] = places[i + half] > places[i] ? places[i + half] : places[i];
  return places[0] > row_nothing<T> ? places[0] : row_nothing<T>;
}
template<class T>
[[nodiscard]] inline double sum_of_places(row_pack<T> x) {
  constexpr int width = row_pack<T>::width;
  T places[width];
  double sum[width];
  x.store(places);
  for (int i = 0; i < width; ++i) sum[i] = static_cast<double>(places[i]);
  DISPAR_UNROLL
  for (int half = width / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) sum[i] = rounding_fence(sum[i] + sum[i + half]);
  return sum[0];
}
///@}

/// Keeps no term.
struct keep_nothing {
  template<class Terms>
  void operator()(const Terms&, index, int) const {}
};

/// The state of one tile: its maxima, then its sums. keep(terms, number of the first element, how many count) for each pack.
template<class Pass, class T, int N, class Row, class Keep = keep_nothing>
[[nodiscard]] row_state<Pass::maxima, Pass::sums> fold_row_tile(const Pass& pass, const row_tile<T, N>& tile, const Row& row,
                                                                const Keep& keep = {}) {
  using V = row_pack<T>;
  constexpr int M = Pass::maxima, S = Pass::sums;
  vec<V, M> greatest{};
  DISPAR_UNROLL
  for (int i = 0; i < M; ++i) greatest[i] = V(row_nothing<T>);
  if constexpr (M > 0) {
    tile.each([&](const vec<V, N>& x, index, int) DISPAR_ROW_VISIT {
      const vec<V, M> s = pass.shifts(x, row);
      DISPAR_UNROLL
      for (int i = 0; i < M; ++i) greatest[i] = lower_bounded(s[i], greatest[i]);
    });
  }
  row_state<M, S> state{};
  vec<V, M> maximum{};
  DISPAR_UNROLL
  for (int i = 0; i < M; ++i) {
    const T m = largest_place<T>(greatest[i]);
    state.maximum[i] = static_cast<double>(m);
    maximum[i] = V(m);
  }
  vec<V, S> sum;
  DISPAR_UNROLL
  for (int i = 0; i < S; ++i) sum[i] = V(0);
  tile.each([&](const vec<V, N>& x, index i, int there) DISPAR_ROW_VISIT {
    const vec<V, S> t = pass.terms(x, maximum, row);
    keep(t, i, there);
    DISPAR_UNROLL
    for (int s = 0; s < S; ++s) sum[s] = rounding_fence(sum[s] + (there == V::width ? t[s] : first_places<T, N>(t[s], there)));
  });
  for (int i = 0; i < S; ++i) state.sum[i] = sum_of_places<T>(sum[i]);
  return state;
}

}  // namespace detail

DISPAR_NAMESPACE_END
