#pragma once

#include "dispar/backend/rows.hpp"

/// On a lambda: inlined wherever it is called.
#define DISPAR_ROW_VISIT __attribute__((always_inline))

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Elements that are folded at a time: two rows of float fill half of a first-level cache of 32 KiB.
inline constexpr index row_tile_size = 2048;

/// Aligned pieces of N rows in contiguous memory, as packs.
template<class T, int N>
struct row_tile {
  using V = native_pack<T>;
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
[[nodiscard]] native_pack<T> first_places(native_pack<T> x, int there) {
  T places[native_pack<T>::width];
  x.store(places);
  for (int j = there; j < native_pack<T>::width; ++j) places[j] = 0;
  return native_pack<T>::load(places);
}

template<class T>
[[nodiscard]] inline T largest_place(native_pack<T> x) {
  T places[native_pack<T>::width], greatest = row_nothing<T>;
  x.store(places);
  for (const T place : places) greatest = place > greatest ? place : greatest;
  return greatest;
}

/// Keeps no term.
struct keep_nothing {
  template<class Terms>
  void operator()(const Terms&, index, int) const {}
};

/// The state of one tile: its maxima, then its sums. keep(terms, number of the first element, how many count) for each pack.
template<class Pass, class T, int N, class Row, class Keep = keep_nothing>
[[nodiscard]] row_state<Pass::maxima, Pass::sums> fold_row_tile(const Pass& pass, const row_tile<T, N>& tile, const Row& row,
                                                                const Keep& keep = {}) {
  using V = native_pack<T>;
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
  for (int i = 0; i < S; ++i) {
    T places[V::width];
    sum[i].store(places);
    double total = 0;
    for (const T place : places) total = rounding_fence(total + static_cast<double>(place));
    state.sum[i] = total;
  }
  return state;
}

}  // namespace detail

DISPAR_NAMESPACE_END
