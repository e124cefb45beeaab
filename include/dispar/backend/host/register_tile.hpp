#pragma once
/// \file
/// The hot loop: the distances of a few rows against a panel of columns, held in vector registers.

#include "dispar/core/view.hpp"
#include "dispar/kernels/metric.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// The shape of the register tile, `rows` x `vectors` accumulators, and of the panels that feed it: a panel holds `panel`
/// rows of the data, feature by feature, so that the same copy serves as rows (broadcast) and as columns (vectors).
template<class T>
struct register_tile {
  using V = native_pack<T>;
  static constexpr int lanes = native_width<T>;
  static constexpr int panel = lanes < 4 ? 4 : lanes;
  static constexpr int panel_vectors = panel / lanes;
  static constexpr int vectors = panel_vectors == 1 ? 3 : 4;
  static constexpr int width = vectors * lanes;

  /// The most rows that divide the panel and leave registers for a row of columns and a broadcast.
  static constexpr int pick_rows() {
    for (int rows : {8, 4, 2})
      if (panel % rows == 0 && rows * vectors + vectors + 1 <= vector_registers) return rows;
    return 1;
  }
  static constexpr int rows = pick_rows();
};

/// Features that a product metric adds up in one go; longer rows add such sums up. Rounding errors then grow with
/// 1024 + depth / 1024, not with the depth: rows may be the columns of a long sample.
inline constexpr index features_per_sum = 1024;
template<metric Metric>
[[nodiscard]] constexpr index features_in_sum(index left) {
  return Metric::product && left > features_per_sum ? features_per_sum : left;
}

/// acc[r][v] = the metric accumulated over `depth` features, at least one, of the rows a[0 .. rows) against the columns of the
/// panels that start at b, `next_panel` apart. Panels are laid out [feature][panel]; `a` points at the first of the rows inside
/// its panel.
template<metric Metric, class T>
[[gnu::always_inline]] inline void accumulate_features(const T* __restrict a, const T* __restrict b, index next_panel,
                                                       index depth,
                                                       native_pack<T> (&acc)[register_tile<T>::rows][register_tile<T>::vectors]) {
  using R = register_tile<T>;
  using V = typename R::V;
  // Without the test for no feature, the compiler keeps the code behind the loop in one block and contracts the products there.
  index k = depth;
  do {
    V col[R::vectors];
    DISPAR_UNROLL
    for (int v = 0; v < R::vectors; ++v)
      col[v] = V::load(b + (v / R::panel_vectors) * next_panel + (v % R::panel_vectors) * R::lanes);
    DISPAR_UNROLL
    for (int r = 0; r < R::rows; ++r) {
      const V row(a[r]);
      DISPAR_UNROLL
      for (int v = 0; v < R::vectors; ++v) acc[r][v] = Metric::step(acc[r][v], row, col[v]);
    }
    a += R::panel;
    b += R::panel;
  } while (--k > 0);
}

/// A register tile in memory.
template<class T>
struct tile_sums {
  native_pack<T> of[register_tile<T>::rows][register_tile<T>::vectors];
};

/// Sums of sums. Not inlined, and by value: what it needs must not push the short loop's sums out of registers.
template<metric Metric, class T>
[[gnu::noinline]] tile_sums<T> accumulate_long_rows(const T* a, const T* b, index depth) {
  using R = register_tile<T>;
  tile_sums<T> all;
  for (auto& row : all.of)
    for (auto& v : row) v = typename R::V(0);
  for (index done = 0; done < depth;) {
    const index run = features_in_sum<Metric>(depth - done);
    tile_sums<T> part;
    for (auto& row : part.of)
      for (auto& v : row) v = typename R::V(0);
    accumulate_features<Metric, T>(a + done * R::panel, b + done * R::panel, depth * R::panel, run, part.of);
    for (int r = 0; r < R::rows; ++r)
      for (int v = 0; v < R::vectors; ++v) all.of[r][v] = all.of[r][v] + part.of[r][v];
    done += run;
  }
  return all;
}

/// acc = the metric accumulated over rows of `depth` features: panels one behind another.
template<metric Metric, class T>
[[gnu::always_inline]] inline void accumulate_distances(
    const T* a, const T* b, index depth, native_pack<T> (&acc)[register_tile<T>::rows][register_tile<T>::vectors]) {
  using R = register_tile<T>;
  if (features_in_sum<Metric>(depth) < depth) {
    const tile_sums<T> sums = accumulate_long_rows<Metric, T>(a, b, depth);
    DISPAR_UNROLL
    for (int r = 0; r < R::rows; ++r) DISPAR_UNROLL
    for (int v = 0; v < R::vectors; ++v) acc[r][v] = sums.of[r][v];
    return;
  }
  DISPAR_UNROLL
  for (int r = 0; r < R::rows; ++r) DISPAR_UNROLL
  for (int v = 0; v < R::vectors; ++v) acc[r][v] = typename R::V(0);
  accumulate_features<Metric, T>(a, b, depth * R::panel, depth, acc);
}

}  // namespace detail

DISPAR_NAMESPACE_END
