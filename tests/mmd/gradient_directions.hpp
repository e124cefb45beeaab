#pragma once
/// \file
/// Gradients of kernels on samples of many tiles, along directions of all elements at once.

#include "mmd/gradient_checks.hpp"

namespace mmd_tests {

/// The derivative along one direction of all elements and, apart from it, by every parameter: central differences of the
/// estimate in double on the same elements.
template<class Case, class T>
void check_along_directions(double tolerance) {
  using K = typename Case::type;
  constexpr dispar::index n = 301, m = 260, d = 37;
  const auto a = normal_rows<T>(n, d, 1), b = normal_rows<T>(m, d, 2, 0.2);
  std::vector<T> gx(a.size()), gy(b.size());
  std::vector<double> gp(K::parameters);
  (void)dispar::mmd::value_and_gradient(
      dispar::cpu{}, dispar::as_matrix(a, n, d), dispar::as_matrix(b, m, d), Case::kernel,
      dispar::mmd::gradients<T>{
          .x = {dispar::as_matrix(gx, n, d)}, .y = {dispar::as_matrix(gy, m, d)}, .parameters = dispar::view_of(gp)});

  const auto value = [&](const K& k, const std::vector<double>& along_x, const std::vector<double>& along_y, double step) {
    std::vector<double> x(a.begin(), a.end()), y(b.begin(), b.end());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += step * along_x[i];
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += step * along_y[i];
    return dispar::mmd::estimate(dispar::as_matrix(x, n, d), dispar::as_matrix(y, m, d), k);
  };
  for (std::uint64_t direction = 0; direction < 3; ++direction) {
    const auto u = normal_rows(n, d, 10 + direction), v = normal_rows(m, d, 20 + direction);
    double derivative = 0, size = 0;
    for (std::size_t i = 0; i < u.size(); ++i) {
      derivative += static_cast<double>(gx[i]) * u[i];
      size += std::abs(static_cast<double>(gx[i]) * u[i]);
    }
    for (std::size_t i = 0; i < v.size(); ++i) {
      derivative += static_cast<double>(gy[i]) * v[i];
      size += std::abs(static_cast<double>(gy[i]) * v[i]);
    }
    const double step = 1e-6, difference = (value(Case::kernel, u, v, step) - value(Case::kernel, u, v, -step)) / (2 * step);
    CAPTURE(size);
    CAPTURE(derivative);
    CHECK(std::abs(derivative - difference) <= tolerance * size);
  }
  const std::vector<double> no_x(a.size()), no_y(b.size());
  auto p = Case::kernel.theta();
  for (int i = 0; i < K::parameters; ++i) {
    const double difference = central_difference(p[i], [&] { return value(Case::with(p), no_x, no_y, 0); });
    CHECK(std::abs(gp[static_cast<std::size_t>(i)] - difference) <= tolerance * 0.1);
  }
}

}  // namespace mmd_tests
