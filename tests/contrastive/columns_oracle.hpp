#pragma once
/// \file
/// Losses of features by stored matrices of covariances, in double. Matrices are n rows, one after another.

#include <cmath>
#include <vector>

#include "dispar/core/view.hpp"

namespace contrastive_tests::oracle {

using dispar::index;
using numbers = std::vector<double>;

template<class T>
[[nodiscard]] numbers in_double(const std::vector<T>& x) {
  numbers all;
  for (const T v : x) all.push_back(static_cast<double>(static_cast<dispar::computed_type<T>>(v)));
  return all;
}

/// x without the means of its columns.
[[nodiscard]] inline numbers centred(numbers x, index n) {
  const std::size_t rows = static_cast<std::size_t>(n), d = x.size() / rows;
  for (std::size_t k = 0; k < d; ++k) {
    double mean = 0;
    for (std::size_t i = 0; i < rows; ++i) mean += x[i * d + k] / static_cast<double>(n);
    for (std::size_t i = 0; i < rows; ++i) x[i * d + k] -= mean;
  }
  return x;
}

/// a' b over `divisor`, columns of a by columns of b.
[[nodiscard]] inline numbers products(const numbers& a, const numbers& b, index n, double divisor) {
  const std::size_t rows = static_cast<std::size_t>(n), p = a.size() / rows, q = b.size() / rows;
  numbers c(p * q, 0.0);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t k = 0; k < p; ++k)
      for (std::size_t l = 0; l < q; ++l) c[k * q + l] += a[i * p + k] * b[i * q + l] / divisor;
  return c;
}

/// With divisor n - 1.
[[nodiscard]] inline numbers covariance(const numbers& x, index n) {
  return products(centred(x, n), centred(x, n), n, static_cast<double>(n - 1));
}

[[nodiscard]] inline numbers correlations(const numbers& x, const numbers& y, index n, double eps) {
  const auto standard = [&](const numbers& of) {
    numbers z = centred(of, n);
    const auto c = products(z, z, n, static_cast<double>(n));
    const std::size_t d = z.size() / static_cast<std::size_t>(n);
    for (std::size_t e = 0; e < z.size(); ++e) z[e] /= std::sqrt(c[e % d * (d + 1)] + eps);
    return z;
  };
  return products(standard(x), standard(y), n, static_cast<double>(n));
}

}  // namespace contrastive_tests::oracle
