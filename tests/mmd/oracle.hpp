#pragma once
/// \file
/// MMD by its definitions, in double, with whole matrices: slow and short.

#include <cmath>
#include <functional>
#include <xtensor/xbuilder.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

#include "dispar/core/view_traits.hpp"
#include "dispar/mmd/statistic.hpp"

namespace oracle {

using matrix = xt::xtensor<double, 2>;
using vector = xt::xtensor<double, 1>;

/// The elements of any matrix view, as they are, in double.
template<class X>
matrix as_double(const X& x) {
  const auto view = dispar::view_of(x);
  matrix copy = matrix::from_shape({static_cast<std::size_t>(view.rows()), static_cast<std::size_t>(view.cols())});
  for (dispar::index i = 0; i < view.rows(); ++i)
    for (dispar::index j = 0; j < view.cols(); ++j) copy(i, j) = static_cast<double>(view(i, j));
  return copy;
}

/// a_ik - b_jk, all i and j: evaluated where it is used.
inline auto gaps(const matrix& a, const matrix& b) {
  return xt::view(a, xt::all(), xt::newaxis(), xt::all()) - xt::view(b, xt::newaxis(), xt::all(), xt::all());
}
inline matrix sq_euclidean(const matrix& a, const matrix& b) { return xt::sum(xt::square(gaps(a, b)), {2}); }
inline matrix l1(const matrix& a, const matrix& b) { return xt::sum(xt::abs(gaps(a, b)), {2}); }
inline matrix linf(const matrix& a, const matrix& b) { return xt::amax(xt::abs(gaps(a, b)), {2}); }
inline matrix dot(const matrix& a, const matrix& b) {
  return xt::sum(xt::view(a, xt::all(), xt::newaxis(), xt::all()) * xt::view(b, xt::newaxis(), xt::all(), xt::all()), {2});
}
inline matrix gaussian(const matrix& a, const matrix& b, double sigma) {
  return xt::exp(-sq_euclidean(a, b) / (2 * sigma * sigma));
}

/// Kernel matrices within X, within Y and across, and the weights of the rows (all 1 by default).
struct grams {
  matrix xx, yy, xy;
  vector x_weights = xt::ones<double>({xx.shape(0)});
  vector y_weights = xt::ones<double>({yy.shape(0)});
};

using kernel = std::function<matrix(const matrix&, const matrix&)>;

inline grams gram_matrices(const matrix& x, const matrix& y, const kernel& k) { return {k(x, x), k(y, y), k(x, y)}; }

/// The weighted mean of k_ij over all pairs, or over those with i != j.
inline double mean_over_pairs(const matrix& k, const vector& u, const vector& v, bool off_diagonal_only) {
  matrix weight = xt::view(u, xt::all(), xt::newaxis()) * xt::view(v, xt::newaxis(), xt::all());
  if (off_diagonal_only) weight *= 1 - xt::eye<double>(weight.shape(0));
  return xt::sum(weight * k)() / xt::sum(weight)();
}

/// xx E k(x,x') + yy E k(y,y') - xy E k(x,y), with the averages of the form.
inline double mmd(const grams& g, const dispar::mmd::options& o = {}) {
  using dispar::mmd::estimator;
  const bool within = o.form != estimator::biased, across = o.form == estimator::one_sample;
  double result = -o.xy * mean_over_pairs(g.xy, g.x_weights, g.y_weights, across);
  if (o.xx != 0) result += o.xx * mean_over_pairs(g.xx, g.x_weights, g.x_weights, within);
  if (o.yy != 0) result += o.yy * mean_over_pairs(g.yy, g.y_weights, g.y_weights, within);
  return result;
}

}  // namespace oracle
