#pragma once
/// \file
/// HSIC and CKA by stored kernel matrices, in double, as they are defined. Matrices are n rows, one after another.

#include <cmath>

#include "columns_oracle.hpp"
#include "normal_rows.hpp"

namespace contrastive_tests::oracle {

/// Rows of e numbers that depend on those of x.
template<class T>
[[nodiscard]] std::vector<T> depending(const std::vector<T>& x, index n, index d, index e, std::uint64_t stream) {
  auto y = normal_rows<T>(n, e, stream, 2);
  for (index i = 0; i < n; ++i)
    for (index k = 0; k < e; ++k) y[static_cast<std::size_t>(i * e + k)] += x[static_cast<std::size_t>(i * d + k % d)];
  return y;
}

/// f(squared distance, inner product) of all pairs.
template<class F>
[[nodiscard]] numbers gram(const numbers& x, index n, const F& f) {
  const std::size_t rows = static_cast<std::size_t>(n), d = x.size() / rows;
  numbers k;
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < rows; ++j) {
      double square = 0, dot = 0;
      for (std::size_t l = 0; l < d; ++l) {
        const double a = x[i * d + l], b = x[j * d + l];
        square += (a - b) * (a - b);
        dot += a * b;
      }
      k.push_back(f(square, dot));
    }
  return k;
}

[[nodiscard]] inline double linear(double, double dot) { return dot; }
[[nodiscard]] inline auto rbf(double sigma) {
  return [sigma](double square, double) { return std::exp(-square / (2 * sigma * sigma)); };
}

/// H K H, both products of matrices written out.
[[nodiscard]] inline numbers doubly_centred(const numbers& k, index n) {
  const numbers rows = centred(k, n);  // H K
  numbers turned(k.size());
  const std::size_t m = static_cast<std::size_t>(n);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < m; ++j) turned[j * m + i] = rows[i * m + j];
  return centred(turned, n);
}

[[nodiscard]] inline double biased_hsic(const numbers& k, const numbers& l, index n) {
  const numbers a = doubly_centred(k, n), b = doubly_centred(l, n);
  double trace = 0;
  for (std::size_t e = 0; e < a.size(); ++e) trace += a[e] * b[e];
  return trace / (static_cast<double>(n - 1) * static_cast<double>(n - 1));
}

[[nodiscard]] inline double unbiased_hsic(numbers k, numbers l, index n) {
  const std::size_t m = static_cast<std::size_t>(n);
  for (std::size_t i = 0; i < m; ++i) k[i * m + i] = l[i * m + i] = 0;
  double trace = 0, sum_k = 0, sum_l = 0, between = 0;
  for (std::size_t i = 0; i < m; ++i) {
    double row_k = 0, row_l = 0;
    for (std::size_t j = 0; j < m; ++j) {
      trace += k[i * m + j] * l[i * m + j];
      row_k += k[i * m + j];
      row_l += l[i * m + j];
    }
    sum_k += row_k;
    sum_l += row_l;
    between += row_k * row_l;
  }
  const auto rows = static_cast<double>(n);
  return (trace + sum_k * sum_l / ((rows - 1) * (rows - 2)) - 2 / (rows - 2) * between) / (rows * (rows - 3));
}

[[nodiscard]] inline double hsic(const numbers& k, const numbers& l, index n, bool biased) {
  return biased ? biased_hsic(k, l, n) : unbiased_hsic(k, l, n);
}
[[nodiscard]] inline double cka(const numbers& k, const numbers& l, index n, bool biased) {
  return hsic(k, l, n, biased) / std::sqrt(hsic(k, k, n, biased) * hsic(l, l, n, biased));
}

}  // namespace contrastive_tests::oracle
