#pragma once
/// \file
/// Steps on rows that a similarity scales: their lengths, the scaled rows, and the gradient by the rows as they are.

#include <cmath>

#include "dispar/backend/step.hpp"
#include "dispar/backend/strided_matrix.hpp"
#include "dispar/contrastive/similarity.hpp"
#include "dispar/core/special_values.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

using dispar::detail::strided;

/// An element as the steps compute with it.
template<class E>
[[nodiscard]] DISPAR_FN double in_double(E x) {
  return static_cast<double>(static_cast<computed_type<E>>(x));
}

/// sum_k f(k) in double: eight sums, which do not wait for one another, put together in a fixed order.
template<class F>
[[nodiscard]] DISPAR_FN double feature_sum(index features, const F& f) {
  double sum[8] = {};
  const index whole = features - features % 8;
  for (index k = 0; k < whole; k += 8)
    for (int l = 0; l < 8; ++l) sum[l] += f(k + l);
  for (index k = whole; k < features; ++k) sum[0] += f(k);
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

/// norm[i] = |x_i|, of rows of any magnitude.
template<class E>
struct row_norms {
  strided<const E> x;
  index features;
  double* norm;
  DISPAR_FN void operator()(index i) const {
    double square = feature_sum(features, [&](index k) {
      const auto v = in_double(x(i, k));
      return v * v;
    });
    if (square > 1e-280 && square < 1e280) {
      norm[i] = std::sqrt(square);
      return;
    }
    // Too large or small to be squared, zero, or not a number.
    double largest = 0;
    bool bad = false;
    for (index k = 0; k < features; ++k) {
      const double v = std::fabs(in_double(x(i, k)));
      bad = bad || is_special(v);
      largest = v > largest ? v : largest;
    }
    if (bad || !(largest > 0)) {
      norm[i] = bad ? quiet_nan<double>() : 0;
      return;
    }
    int exponent;
    std::frexp(largest, &exponent);
    square = feature_sum(features, [&](index k) {
      const double v = std::ldexp(in_double(x(i, k)), -exponent);
      return v * v;
    });
    norm[i] = std::ldexp(std::sqrt(square), exponent);
  }
};

/// Row first + i of x, scaled, to row i of `out`.
template<class E, class T, similarity Similarity>
struct scale_rows {
  strided<const E> x;
  index features, first;
  const double* norm;
  Similarity how;
  int side;
  T* out;
  DISPAR_FN void operator()(index i) const {
    const double factor = how.row_factor(norm[first + i], side);
    T* const to = out + i * features;
    if constexpr (std::is_same_v<E, T>) {
      if (x.col_stride == 1) {
        const T* const from = x.data + (first + i) * x.row_stride;
        for (index k = 0; k < features; ++k) to[k] = static_cast<T>(static_cast<double>(from[k]) * factor);
        return;
      }
    }
    for (index k = 0; k < features; ++k) to[k] = static_cast<T>(in_double(x(first + i, k)) * factor);
  }
};

/// Row i of another matrix, scaled, times a number of row i: what a matched pair adds to a gradient.
template<class E, similarity Similarity>
struct partner_rows {
  strided<const E> x;  ///< null: no partners
  const double* norm;
  Similarity how;
  int side;
  const double* weight;
  [[nodiscard]] DISPAR_FN double factor(index i) const { return x.data ? weight[i] * how.row_factor(norm[i], side) : 0; }
};

/// From g (plus the partner's part), the gradient by a scaled row, that by the row itself: factor (g - u <u, g>) on the sphere, u
/// the unit row; factor g else. Then times `upstream`, written or added to `out`, which may be g.
template<class E, class T, similarity Similarity>
struct gradient_by_rows {
  strided<const E> x;
  strided<const T> g;
  index features;
  const double* norm;
  Similarity how;
  int side;
  partner_rows<E, Similarity> partner;
  double factor;
  const double* upstream;  ///< one more factor, or null
  bool accumulate;
  strided<T> out;
  DISPAR_FN void operator()(index i) const {
    const double length = norm[i], row = how.row_factor(length, side), other = partner.factor(i);
    const auto by_scaled = [&](index k) {
      const auto sum = static_cast<double>(g(i, k));
      return partner.x.data ? sum + other * in_double(partner.x(i, k)) : sum;
    };
    double along = 0;
    if (how.on_sphere(length, side))
      along = row * feature_sum(features, [&](index k) { return row * in_double(x(i, k)) * by_scaled(k); });
    const double scale = row * (upstream ? factor * *upstream : factor);
    for (index k = 0; k < features; ++k) {
      const double by_row = scale * (by_scaled(k) - along * in_double(x(i, k)));
      out(i, k) = static_cast<T>(accumulate ? static_cast<double>(out(i, k)) + by_row : by_row);
    }
  }
};

/// All elements of a row 0.
template<class T>
struct clear_rows {
  strided<T> out;
  index features;
  DISPAR_FN void operator()(index i) const {
    for (index k = 0; k < features; ++k) out(i, k) = T(0);
  }
};

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
