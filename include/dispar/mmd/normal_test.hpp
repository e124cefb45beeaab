#pragma once

#include <cmath>

#include "dispar/backend/step.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// What the estimators that average independent terms know of themselves.
struct normal_test_result {
  double statistic;       ///< MMD^2, unbiased: may be negative
  double standard_error;  ///< of the statistic, from the spread of the terms
  double p_value;         ///< 1 - Phi(statistic / standard_error): of P = Q against P != Q, one-sided
};

namespace detail {

/// terms[i] = (terms[i] - mean)^2.
struct square_deviations {
  const double* sum;
  index count;
  double* terms;
  DISPAR_FN void operator()(index i) const {
    const double apart = terms[i] - *sum / static_cast<double>(count);
    terms[i] = apart * apart;
  }
};

/// Mean, its standard error and the upper tail of the normal distribution. Terms that are all equal leave no doubt: p is 0 for a
/// positive mean, else 1. NaN gives NaN.
struct write_normal_test {
  const double* sums;  ///< of the terms, of their squared deviations
  index terms;
  normal_test_result* out;
  DISPAR_FN void operator()() const {
    const auto count = static_cast<double>(terms);
    const double mean = sums[0] / count, error = std::sqrt(sums[1] / (count * (count - 1)));
    double p = mean > 0 ? 0.0 : 1.0;
    if (is_nan(error))
      p = error;
    else if (error > 0)
      p = 0.5 * std::erfc(mean / (error * std::sqrt(2.0)));
    *out = {mean, error, p};
  }
};

/// The test by `terms`, which are overwritten; at least two.
template<backend B>
void normal_test(const B& b, array<double, 1, B>& terms, normal_test_result* out) {
  using space = typename B::space;
  const index count = terms.extents()[0];
  array<double, 1, B> sums(b, {2});
  const matrix_view<const double, space> column(terms.data(), count, 1);
  column_sums(b, column, vector_view<double, space>(sums.data(), 1));
  for_each_index(b, count, square_deviations{sums.data(), count, terms.data()});
  column_sums(b, column, vector_view<double, space>(sums.data() + 1, 1));
  in_order(b, write_normal_test{sums.data(), count, out});
}

}  // namespace detail

}  // namespace mmd

DISPAR_NAMESPACE_END
