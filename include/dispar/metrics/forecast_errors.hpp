#pragma once

#include <cmath>
#include <utility>

#include "dispar/backend/default.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/backend/strided_matrix.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

namespace metrics {

/// How far forecasts p are from the truth t; means over all elements.
struct forecast_error {
  double mae;   ///< mean |p - t|
  double mse;   ///< mean (p - t)^2
  double rmse;  ///< sqrt(mse)
  double mape;  ///< mean |(p - t) / t|; infinite or NaN where a t is 0
  double mspe;  ///< mean ((p - t) / t)^2; likewise
};

namespace detail {

template<class E>
struct row_errors {
  dispar::detail::strided<const E> forecast, truth;
  index cols;
  double* sums;  ///< rows x 4: of |e|, e^2, |e / t|, (e / t)^2
  DISPAR_FN void operator()(index i) const {
    double all[4] = {};
    for (index k = 0; k < cols; ++k) {
      const auto t = static_cast<double>(static_cast<computed_type<E>>(truth(i, k)));
      const double e = static_cast<double>(static_cast<computed_type<E>>(forecast(i, k))) - t, relative = e / t;
      all[0] += std::fabs(e);
      all[1] += e * e;
      all[2] += std::fabs(relative);
      all[3] += relative * relative;
    }
    for (int s = 0; s < 4; ++s) sums[4 * i + s] = all[s];
  }
};
struct finish_forecast_error {
  const double* sums;
  double elements;
  forecast_error* out;
  DISPAR_FN void operator()() const {
    const double mse = sums[1] / elements;
    *out = {sums[0] / elements, mse, std::sqrt(mse), sums[2] / elements, sums[3] / elements};
  }
};

}  // namespace detail

/// The usual errors of forecasts: MAE, MSE, RMSE, MAPE, MSPE.
///
///     auto error = metrics::forecast_errors(cpu{}, forecast, truth);   // error.mae, error.mse, ...
///
/// forecast, truth: n x m of one type, any strides. Computed in double, one pass. Time O(n m); memory: four numbers per row. The
/// bits do not depend on the number of threads; NaN in gives NaN out. Throws `invalid_argument` for shapes that differ and for no
/// elements.
template<backend B, sample_matrix X, sample_matrix Y>
[[nodiscard]] forecast_error forecast_errors(const B& b, const X& forecast, const Y& truth) {
  result<forecast_error, B> error(b);
  forecast_errors(b, forecast, truth, error.view());
  return error.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, class R>
void forecast_errors(const B& b, const X& forecast, const Y& truth, const scalar_view<forecast_error, R>& out) {
  using E = value_type_of<X>;
  static_assert(std::same_as<E, value_type_of<Y>>, "dispar: both matrices must have the same element type");
  static_assert(
      reachable<space_of<X>, typename B::space> && reachable<space_of<Y>, typename B::space> && reachable<R, typename B::space>,
      "dispar: this backend cannot reach that memory");
  const matrix_view<const E, space_of<X>> p = view_of(forecast);
  const matrix_view<const E, space_of<Y>> t = view_of(truth);
  require(static_cast<bool>(out), "forecast_errors: out", "must not be the null view");
  require(p.size() > 0, "forecast_errors: forecast", "must have elements", static_cast<double>(p.size()));
  require(t.rows() == p.rows() && t.cols() == p.cols(), "forecast_errors: truth", "must have the shape of the forecast",
          static_cast<double>(t.rows()));
  array<double, 2, B> by_row(b, {p.rows(), 4});
  array<double, 1, B> sums(b, {4});
  const auto size = static_cast<double>(p.size());
  for_each_index(b, p.rows(), 8 * size,
                 detail::row_errors<E>{dispar::detail::strided_of(p), dispar::detail::strided_of(t), p.cols(), by_row.data()});
  column_sums(b, std::as_const(by_row).view(), sums.view());
  in_order(b, detail::finish_forecast_error{sums.data(), size, out.data()});
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y>
[[nodiscard]] forecast_error forecast_errors(const X& forecast, const Y& truth) {
  return forecast_errors(B{}, forecast, truth);
}

}  // namespace metrics

DISPAR_NAMESPACE_END
