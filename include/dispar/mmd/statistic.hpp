#pragma once

#include "dispar/core/error.hpp"
#include "dispar/core/vec.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// Which average estimates MMD^2 from the kernel sums.
enum class estimator {
  unbiased,    ///< i != j within each sample, all cross pairs (Gretton et al. 2012, eq. 3); may be negative
  biased,      ///< all pairs, diagonals included (eq. 5); never negative for coefficients 1, 1, 2
  one_sample,  ///< equal sizes; the cross pairs i = j dropped too: a U-statistic in z_i = (x_i, y_i) (MMD-MP's training form)
};

/// Coefficients of E k(x,x'), E k(y,y') and E k(x,y). The default is MMD^2; `{.yy = 0}` is the multi-population objective MPP
/// (Zhang et al., ICLR 2024), which is not a discrepancy: it is negative, not 0, where both distributions agree.
struct options {
  double xx = 1;                         ///< factor of the mean within X
  double yy = 1;                         ///< factor of the mean within Y
  double xy = 2;                         ///< factor of the mean across, subtracted
  estimator form = estimator::unbiased;  ///< which pairs count
};

/// Sums of k over pairs of rows. States of disjoint pair blocks add up.
struct sums {
  vec<double, 3> k{};              ///< ordered pairs i != j within X, within Y; all pairs across
  vec<double, 3> diagonal{};       ///< k(x_i, x_i), k(y_j, y_j), and the matched k(x_i, y_i) (0 for unequal sizes)
  vec<double, 2> weight{};         ///< sum of the weights of X and of Y (their sizes where unweighted)
  vec<double, 2> square_weight{};  ///< sum of the squared weights

  /// The sums of both sets of pairs.
  friend sums operator+(const sums& a, const sums& b) {
    sums s;
    for (int i = 0; i < 3; ++i) s.k[i] = a.k[i] + b.k[i];
    for (int i = 0; i < 3; ++i) s.diagonal[i] = a.diagonal[i] + b.diagonal[i];
    for (int i = 0; i < 2; ++i) s.weight[i] = a.weight[i] + b.weight[i];
    for (int i = 0; i < 2; ++i) s.square_weight[i] = a.square_weight[i] + b.square_weight[i];
    return s;
  }
};

/// What every entry of `sums` is multiplied with to give the statistic.
struct factors {
  vec<double, 3> k{};         ///< of `sums::k`
  vec<double, 3> diagonal{};  ///< of `sums::diagonal`
};

namespace detail {

/// The factors of a form that is defined for the samples.
[[nodiscard]] DISPAR_FN_APART factors factors_of(const options& o, index n, vec<double, 2> weight, vec<double, 2> square_weight) {
  factors f;
  if (o.form == estimator::biased) {
    f.k = {{o.xx / (weight[0] * weight[0]), o.yy / (weight[1] * weight[1]), -o.xy / (weight[0] * weight[1])}};
    f.diagonal = {{f.k[0], f.k[1], 0}};
    return f;
  }
  if (o.xx != 0) f.k[0] = o.xx / (weight[0] * weight[0] - square_weight[0]);
  if (o.yy != 0) f.k[1] = o.yy / (weight[1] * weight[1] - square_weight[1]);
  if (o.form == estimator::one_sample) {
    f.k[2] = -o.xy / (static_cast<double>(n) * static_cast<double>(n - 1));
    f.diagonal[2] = -f.k[2];
  } else {
    f.k[2] = -o.xy / (weight[0] * weight[1]);
  }
  return f;
}

/// The statistic: xx S_xx + yy S_yy - xy S_xy with the averages of the form.
[[nodiscard]] DISPAR_FN_APART double weighted_total(const sums& s, const factors& f) {
  double total = 0;
  for (int i = 0; i < 3; ++i) total += f.k[i] * s.k[i] + f.diagonal[i] * s.diagonal[i];
  return total;
}

/// Throws `invalid_argument` where the form is undefined for the sizes.
inline void require_form(const options& o, index n, index m) {
  if (o.form == estimator::biased) return;
  require(o.xx == 0 || n >= 2, "mmd: rows of x", "must be at least 2 for an unbiased estimate", static_cast<double>(n));
  require(o.yy == 0 || m >= 2, "mmd: rows of y", "must be at least 2 for an unbiased estimate", static_cast<double>(m));
  if (o.form != estimator::one_sample) return;
  require(n == m, "mmd: one-sample form: rows of y", "must equal the rows of x", static_cast<double>(m));
  require(n >= 2, "mmd: one-sample form: rows", "must be at least 2", static_cast<double>(n));
}

}  // namespace detail

/// Throws `invalid_argument` where the form is undefined: one row only (unbiased forms), unequal sizes (one-sample form).
[[nodiscard]] inline factors statistic_factors(const options& o, index n, index m, vec<double, 2> weight,
                                               vec<double, 2> square_weight) {
  detail::require_form(o, n, m);
  require(o.form != estimator::one_sample || (square_weight[0] == weight[0] && square_weight[1] == weight[1]),
          "mmd: one-sample form", "takes no weights");
  return detail::factors_of(o, n, weight, square_weight);
}

/// The statistic from sums: xx S_xx + yy S_yy - xy S_xy with the averages of the chosen form.
[[nodiscard]] inline double statistic(const sums& s, index n, index m, const options& o = {}) {
  return detail::weighted_total(s, statistic_factors(o, n, m, s.weight, s.square_weight));
}

}  // namespace mmd

DISPAR_NAMESPACE_END
