#pragma once
/// \file
/// Pairs whose derivatives are found row by row, from all distances of a row at once, and stored: operations that write and read
/// them.

#include "dispar/contrastive/unit_rows.hpp"
#include "dispar/core/vec.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

/// A similarity where all matrices are the first one.
template<similarity Similarity>
struct first_side {
  Similarity how;
  [[nodiscard]] DISPAR_FN double row_factor(double norm, int) const { return how.row_factor(norm, 0); }
  [[nodiscard]] DISPAR_FN bool on_sphere(double norm, int) const { return how.on_sphere(norm, 0); }
};

/// Squared distances, so bounded that differences of distances are finite.
template<class T>
struct bounded_squares {
  static constexpr int channels = 1, outputs = 1, operands = 0;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& square, const At&) const {
    constexpr T most = largest_finite<T> / 16;
    return {{select(square[0] > V(most), V(most), square[0])}};
  }
};

/// Places of a band's rows and of those it meets among the rows and columns of a stored matrix: the operand of `stored_slopes`.
template<class T>
struct number_places {
  index first_row, first_col, row_count;
  T* out;
  DISPAR_FN void operator()(index i) const {
    out[i] = static_cast<T>(i < row_count ? first_row + i : first_col + (i - row_count));
  }
};

/// The stored number of a pair, whatever its distance. The columns of a pack follow one another; of those behind the last row of
/// a segment, at place 0 or in the overhang of a stored row, nothing counts.
template<class T>
struct stored_slopes {
  static constexpr int channels = 1, outputs = 1, operands = 1;
  static constexpr index overhang = 16;  ///< columns of a stored row behind the last, as many as a pack has
  const T* slopes;
  index stride;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>&, const At& at) const {
    static_assert(V::width <= overhang);
    return {{V::load(slopes + place(at.row[0]) * stride + place(at.col[0]))}};
  }
  template<class V>
  [[nodiscard]] DISPAR_FN static index place(const V& numbers) {
    T number[V::width];
    numbers.store(number);
    return static_cast<index>(number[0]);
  }
};

/// Rows added to others.
template<class T>
struct add_rows {
  strided<const T> from;
  index features;
  strided<T> to;
  DISPAR_FN void operator()(index i) const {
    for (index k = 0; k < features; ++k) to(i, k) += from(i, k);
  }
};

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
