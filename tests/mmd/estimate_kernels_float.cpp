#include "mmd/estimate_checks.hpp"

namespace mmd = dispar::mmd;
using mmd::estimator;

TEST_CASE_TEMPLATE("estimate: float, as defined on the same elements", Case, kernel_cases::gaussian, kernel_cases::laplacian_l1,
                   kernel_cases::rational_quadratic, kernel_cases::cauchy_linf) {
  mmd_tests::check_estimates<Case, float>(1e-7);
}

TEST_CASE_TEMPLATE("estimate: the deep kernel on features and raw inputs", P, dispar::squared_parameters,
                   dispar::logistic_parameters) {
  constexpr dispar::index n = 33, m = 47;
  const auto phi_a = normal_rows(n, 3, 1), raw_a = normal_rows(n, 8, 2), phi_b = normal_rows(m, 3, 3, 0.5),
             raw_b = normal_rows(m, 8, 4, 0.2);
  const auto phi_x = dispar::as_matrix(phi_a, n, 3), raw_x = dispar::as_matrix(raw_a, n, 8);
  const auto phi_y = dispar::as_matrix(phi_b, m, 3), raw_y = dispar::as_matrix(raw_b, m, 8);
  const auto x = dispar::channels(phi_x, raw_x), y = dispar::channels(phi_y, raw_y);
  const double s = 1.8, s0 = 1.1, e = 0.6;
  const double epsilon = std::is_same_v<P, dispar::squared_parameters> ? e * e : 1 / (1 + std::exp(-e));
  const auto definition = [&](const auto& phi_i, const auto& phi_j, const auto& raw_i, const auto& raw_j) {
    const auto features = oracle::sq_euclidean(oracle::as_double(phi_i), oracle::as_double(phi_j));
    const auto raw = oracle::sq_euclidean(oracle::as_double(raw_i), oracle::as_double(raw_j));
    return oracle::matrix(((1 - epsilon) * xt::exp(-features / (s0 * s0)) + epsilon) * xt::exp(-raw / (s * s)));
  };
  const oracle::grams g{definition(phi_x, phi_x, raw_x, raw_x), definition(phi_y, phi_y, raw_y, raw_y),
                        definition(phi_x, phi_y, raw_x, raw_y)};
  for (auto form : {estimator::unbiased, estimator::biased})
    CHECK(std::abs(mmd::estimate(x, y, dispar::deep_kernel<P>{s, s0, e}, {.form = form}) - oracle::mmd(g, {.form = form})) <=
          1e-14);
  // epsilon = 1: the Gaussian on the raw inputs, and its bandwidth without the factor 2
  if constexpr (std::is_same_v<P, dispar::squared_parameters>)
    CHECK(std::abs(mmd::estimate(x, y, dispar::deep_kernel<P>{s, s0, 1}) -
                   mmd::estimate(raw_x, raw_y, dispar::gaussian{s / std::sqrt(2.0)})) <= 1e-14);
}
