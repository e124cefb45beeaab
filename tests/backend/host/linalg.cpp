// Linear algebra on the host, by Eigen, in double: see backend/linalg_checks.hpp; the same bits for any number of threads.
#include "dispar/backend/host/linalg.hpp"

#include <doctest/doctest.h>

#include "backend/linalg_checks.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/metrics/frechet_distance.hpp"

namespace {

using namespace dispar;
using namespace linalg_checks;

}  // namespace

TEST_CASE("linear algebra: products, sums, Cholesky, eigenvalues, singular values") {
  check_products<double>(cpu{});
  check_sums<double>(cpu{});
  check_cholesky<double>(cpu{});
  check_decompositions<double>(cpu{});
}

TEST_CASE("linear algebra: the same bits for any number of threads") {
  const dispar::index n = 300;
  const dense x(n, n, 1);
  std::vector<std::vector<double>> found;
  for (const int threads : {1, 2, 3}) {
    const cpu b{.each = {.threads = threads}};
    auto algebra = linear_algebra(b);
    std::vector<double> numbers(x.numbers.size() + static_cast<std::size_t>(n));
    const auto product = as_matrix(numbers.data(), n, n);
    algebra.product(as_matrix(x.numbers, n, n), as_matrix(x.numbers, n, n).transposed(), product);
    algebra.square_root(product, product);
    algebra.singular_values(as_matrix(x.numbers, n, n), vector_view<double>(numbers.data() + n * n, n));
    found.push_back(numbers);
  }
  CHECK(found[1] == found[0]);
  CHECK(found[2] == found[0]);
}

TEST_CASE("frechet_distance: normal distributions in one dimension, equal samples, a constant sample, bad input") {
  // (mu_x - mu_y)^2 + (s_x - s_y)^2.
  const std::vector<double> x{1, 2, 3, 6}, y{-1, 4, 10};
  const double s_x = std::sqrt(14.0 / 3), s_y = std::sqrt(91.0 / 3);
  const auto r = metrics::frechet_distance(as_matrix(x, 4, 1), as_matrix(y, 3, 1));
  CHECK(r.distance == doctest::Approx(4.0 / 3 * 4.0 / 3 + (s_x - s_y) * (s_x - s_y)).epsilon(1e-13));
  CHECK(r.cross_trace == doctest::Approx(s_x * s_y).epsilon(1e-13));
  const dense many(40, 6, 1), few(5, 6, 2);
  for (const dense* sample : {&many, &few}) {
    const auto rows = as_matrix(sample->numbers, sample->rows, 6);
    const auto same = metrics::frechet_distance(rows, rows);
    CHECK(std::fabs(same.distance) <= 1e-12 * same.trace_x);
  }
  const std::vector<double> constant(12, 3.0);
  const auto from_constant = metrics::frechet_distance(as_matrix(many.numbers, 40, 6), as_matrix(constant, 2, 6));
  CHECK(std::fabs(from_constant.cross_trace) <= 1e-12);
  CHECK(from_constant.trace_y == 0);
  CHECK_THROWS_WITH_AS((void)metrics::frechet_distance(as_matrix(x, 1, 4), as_matrix(x, 2, 2)),
                       "dispar: frechet_distance: x must have at least 2 rows for a covariance, got 1", invalid_argument);
  CHECK_THROWS_WITH_AS((void)metrics::frechet_distance(as_matrix(x, 4, 1), as_matrix(x, 2, 2)),
                       "dispar: frechet_distance: y must have as many columns as x, got 2", invalid_argument);
  auto bad = many.numbers;
  bad[7] = quiet_nan<double>();
  CHECK_THROWS_WITH_AS((void)metrics::frechet_distance(as_matrix(bad, 40, 6), as_matrix(many.numbers, 40, 6)),
                       "dispar: centered: x: element (1, 1) is NaN or infinite", invalid_argument);
}

TEST_CASE("frechet_distance: both forms agree; more rows than one chunk") {
  const dense x(5000, 3, 1), y(4, 3, 2);
  std::vector<double> more = y.numbers;  // 4 rows twice: the same mean; the covariance is divided by 7, not by 6
  more.insert(more.end(), y.numbers.begin(), y.numbers.end());
  const auto rows_x = as_matrix(x.numbers, 5000, 3);
  const auto by_fit = metrics::frechet_distance(cpu{}, metrics::fit_normal(cpu{}, rows_x),
                                                metrics::fit_normal(cpu{}, as_matrix(y.numbers, 4, 3)));
  const auto direct = metrics::frechet_distance(rows_x, as_matrix(y.numbers, 4, 3));
  const auto by_rows = metrics::frechet_distance(rows_x, as_matrix(y.numbers, 4, 3).slice(0, 3));
  const auto fit_of_three = metrics::frechet_distance(cpu{}, metrics::fit_normal(cpu{}, rows_x),
                                                      metrics::fit_normal(cpu{}, as_matrix(y.numbers, 4, 3).slice(0, 3)));
  CHECK(direct.distance == by_fit.distance);
  CHECK(by_rows.distance == doctest::Approx(fit_of_three.distance).epsilon(1e-7));  // a singular covariance
  CHECK(metrics::frechet_distance(rows_x, as_matrix(more, 8, 3)).trace_y ==
        doctest::Approx(6.0 / 7 * direct.trace_y).epsilon(1e-12));
}
