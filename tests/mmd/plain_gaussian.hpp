#pragma once
/// \file
/// Normal samples and the Gaussian kernel in double, for the tests of estimators.

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "dispar/core/random/normal.hpp"
#include "dispar/core/view_traits.hpp"

/// n x d standard normal draws, the first feature moved up by `shift`.
template<class T>
std::vector<T> shifted_rows(dispar::index n, dispar::index d, dispar::random_key key, double shift = 0) {
  std::vector<T> x(static_cast<std::size_t>(n * d));
  dispar::fill_normal(key, 0, std::span(x));
  for (std::size_t i = 0; i < x.size(); i += static_cast<std::size_t>(d)) x[i] += static_cast<T>(shift);
  return x;
}

/// exp(-|a_i - b_j|^2 / (2 sigma^2)) by its definition.
template<class T>
double plain_gaussian(const std::vector<T>& a, dispar::index i, const std::vector<T>& b, dispar::index j, dispar::index d,
                      double sigma) {
  double square = 0;
  for (dispar::index k = 0; k < d; ++k) {
    const double gap =
        static_cast<double>(a[static_cast<std::size_t>(i * d + k)]) - static_cast<double>(b[static_cast<std::size_t>(j * d + k)]);
    square += gap * gap;
  }
  return std::exp(-square / (2 * sigma * sigma));
}

/// The kernel matrix of the pooled rows.
template<class T>
std::vector<T> plain_gram(const std::vector<T>& x, const std::vector<T>& y, dispar::index d, double sigma) {
  std::vector<T> all = x, gram;
  all.insert(all.end(), y.begin(), y.end());
  const auto rows = static_cast<dispar::index>(all.size()) / d;
  for (dispar::index i = 0; i < rows; ++i)
    for (dispar::index j = 0; j < rows; ++j) gram.push_back(static_cast<T>(plain_gaussian(all, i, all, j, d, sigma)));
  return gram;
}

/// What a normal test makes of terms, in the textbook's words.
struct plain_normal_test {
  double mean = 0, standard_error = 0, p_value = 0;
  explicit plain_normal_test(const std::vector<double>& terms) {
    const auto n = static_cast<double>(terms.size());
    for (double t : terms) mean += t / n;
    double variance = 0;
    for (double t : terms) variance += (t - mean) * (t - mean) / (n - 1);
    standard_error = std::sqrt(variance / n);
    p_value = 1 - 0.5 * (1 + std::erf(mean / standard_error / std::sqrt(2.0)));
  }
};
