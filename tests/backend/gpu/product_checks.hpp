#pragma once
/// \file
/// Distances of all pairs of two samples by the GPU engine, against products in double.

#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

#include "dispar/backend/operations.hpp"
#include "dispar/kernels/identity.hpp"
#include "normal_rows.hpp"

namespace gpu_tests {

using dispar::index;

inline dispar::cuda_context& context() {
  static dispar::cuda_context one;
  return one;
}

/// n x m distances of metric Metric, by `store`.
template<class Metric, class T>
std::vector<double> distances(const dispar::gpu& b, const std::vector<T>& x, const std::vector<T>& y, index d) {
  using namespace dispar;
  const auto n = static_cast<index>(x.size()) / d, m = static_cast<index>(y.size()) / d, all = n + m;
  const auto gx = to(b, as_matrix(x, n, d)), gy = to(b, as_matrix(y, m, d));
  const std::array<sample<T, 1, device>, 2> segments{as_sample(gx), as_sample(gy)};
  const auto data = pack_samples<Metric>(b, segments);
  using number = typename decltype(data)::value_type;
  std::vector<double> square(static_cast<std::size_t>(all * all), -1), result;
  const std::array<pair_block, 1> blocks{{{0, 1, false}}};
  pairwise(b, data, kernel_value<identity<Metric>, number>({}), blocks, std::span<const vector_view<const number>>(),
           store<0, double>{as_matrix(square, all, all)});
  for (index i = 0; i < n; ++i)
    for (index j = n; j < all; ++j) result.push_back(square[static_cast<std::size_t>(i * all + j)]);
  return result;
}

/// Largest error against double over all pairs, in units of `bound` per S and `norm_bound` per |x|^2 + |y|^2, both after
/// centring where the metric is `sq_euclidean` and `centred`: S = sum |x_k y_k|. Above 1: a bound was broken.
template<class Metric>
double largest_error(const std::vector<double>& found, std::vector<double> x, std::vector<double> y, index d, double bound,
                     double norm_bound, bool centred = true) {
  constexpr bool squared = std::is_same_v<Metric, dispar::sq_euclidean>;
  const auto n = static_cast<index>(x.size()) / d, m = static_cast<index>(y.size()) / d;
  if (squared && centred)
    for (index k = 0; k < d; ++k) {
      double mean = 0;
      for (const auto* rows : {&x, &y})
        for (std::size_t i = static_cast<std::size_t>(k); i < rows->size(); i += static_cast<std::size_t>(d)) mean += (*rows)[i];
      mean = static_cast<double>(static_cast<float>(mean / static_cast<double>(n + m)));
      for (auto* rows : {&x, &y})
        for (std::size_t i = static_cast<std::size_t>(k); i < rows->size(); i += static_cast<std::size_t>(d)) (*rows)[i] -= mean;
    }
  double largest = 0;
  for (index i = 0; i < n; ++i)
    for (index j = 0; j < m; ++j) {
      double product = 0, sum = 0, norms = 0, distance = 0;
      for (index k = 0; k < d; ++k) {
        const double a = x[static_cast<std::size_t>(i * d + k)], b = y[static_cast<std::size_t>(j * d + k)];
        product += a * b;
        sum += std::fabs(a * b);
        norms += a * a + b * b;
        distance += (a - b) * (a - b);
      }
      const double error = std::fabs(found[static_cast<std::size_t>(i * m + j)] - (squared ? distance : product));
      if (!(error >= 0)) return HUGE_VAL;
      const double allowed = squared ? 2 * bound * sum + norm_bound * norms : bound * sum;
      largest = std::fmax(largest, error / (allowed + 1e-300));
    }
  return largest;
}

template<class T>
std::vector<double> as_double(const std::vector<T>& x) {
  std::vector<double> y;
  for (const T value : x) y.push_back(static_cast<double>(static_cast<dispar::computed_type<T>>(value)));
  return y;
}

}  // namespace gpu_tests
