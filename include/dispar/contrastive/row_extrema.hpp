#pragma once
/// \file
/// Extrema of rows over bands: the states of `row_extremum`, whose positions count within a band, merged into those of all rows.

#include "dispar/core/folds/extremum.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

/// A state per row that has met nothing yet.
template<class Order>
struct clear_extrema {
  using fold = folds::extremum<double, Order>;
  typename fold::state* states;
  DISPAR_FN void operator()(index i) const { states[i] = fold::identity(); }
};

/// The states of a band's rows and of those it met, merged into those of the matrices.
template<class Order>
struct merge_extrema {
  using fold = folds::extremum<double, Order>;
  using state = typename fold::state;
  const state* from;
  state* rows;
  state* cols;
  index row_count;
  index first_row, first_col;  ///< numbers of the bands' first rows in their matrices
  DISPAR_FN void operator()(index i) const {
    state s = from[i];
    if (s.at < 0) return;
    s.at += i < row_count ? first_col : first_row;
    fold::merge(i < row_count ? rows[i] : cols[i - row_count], s);
  }
};

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
