#include "dispar/metrics/forecast_errors.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"

namespace metrics_tests {

using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

TEST_CASE_TEMPLATE("forecast errors by their definitions, strided, for any number of threads", T, float, double) {
  const index n = 61, m = 7;
  const auto wide = normal_rows<T>(n, 2 * m, 1), truth = normal_rows<T>(n, m, 2);
  const dispar::matrix_view<const T> p(wide.data(), {n, m}, {2 * m, 2});
  double mae = 0, mse = 0, mape = 0, mspe = 0;
  const double size = static_cast<double>(n * m);
  for (index i = 0; i < n; ++i)
    for (index k = 0; k < m; ++k) {
      const double t = static_cast<double>(truth[static_cast<std::size_t>(i * m + k)]), e = static_cast<double>(p(i, k)) - t;
      mae += std::fabs(e) / size, mse += e * e / size, mape += std::fabs(e / t) / size, mspe += e / t * (e / t) / size;
    }
  const auto got = dispar::metrics::forecast_errors(cpu{}, p, as_matrix(truth, n, m));
  const auto one = dispar::metrics::forecast_errors(cpu{.each = {.threads = 1}}, p, as_matrix(truth, n, m));
  CHECK(got.mae == doctest::Approx(mae).epsilon(1e-12));
  CHECK(got.mse == doctest::Approx(mse).epsilon(1e-12));
  CHECK(got.rmse == std::sqrt(got.mse));
  CHECK(got.mape == doctest::Approx(mape).epsilon(1e-12));
  CHECK(got.mspe == doctest::Approx(mspe).epsilon(1e-12));
  CHECK(one.mspe == got.mspe);
}

TEST_CASE("forecast errors: a truth of 0, and what is refused") {
  const std::vector<double> p{1, 2}, t{0, 2};
  const auto got = dispar::metrics::forecast_errors(cpu{}, as_matrix(p, 1, 2), as_matrix(t, 1, 2));
  CHECK(got.mae == 0.5);
  CHECK(std::isinf(got.mape));
  CHECK_THROWS_AS((void)dispar::metrics::forecast_errors(cpu{}, as_matrix(p, 1, 2), as_matrix(t, 2, 1)),
                  dispar::invalid_argument);
  CHECK_THROWS_AS((void)dispar::metrics::forecast_errors(cpu{}, as_matrix(p, 1, 2).slice(0, 0), as_matrix(t, 1, 2).slice(0, 0)),
                  dispar::invalid_argument);
}

}  // namespace metrics_tests
