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

/// acc[r][v] = the metric accumulated over `depth` features of the rows a[0 .. rows) against the columns of the panels that
/// start at b. Panels are laid out [feature][panel]; `a` points at the first of the rows inside its panel.
template<metric Metric, class T>
[[gnu::always_inline]] inline void accumulate_distances(
    const T* __restrict a, const T* __restrict b, index depth,
    native_pack<T> (&acc)[register_tile<T>::rows][register_tile<T>::vectors]) {
  using R = register_tile<T>;
  using V = typename R::V;
  const index next_panel = depth * R::panel;
  // At least one feature exists. Without the test for none, the compiler keeps the code behind the loop in one block and
  // contracts the products there.
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

}  // namespace detail

DISPAR_NAMESPACE_END
