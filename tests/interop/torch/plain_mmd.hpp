// The objectives of MMD in plain torch operations, with the n x m matrices that dispar does without: what its values and
// gradients are compared with.
#pragma once

#include <torch/types.h>

#include "dispar/mmd/criterion.hpp"

namespace torch_tests {

inline torch::Tensor squared_distances(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.unsqueeze(1) - b.unsqueeze(0)).square().sum(2);
}

struct plain_gaussian {
  torch::Tensor sigma;
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& a, const torch::Tensor& b) const {
    return (squared_distances(a, b) / (-2 * sigma.square())).exp();
  }
};

/// On samples whose first columns are phi.
struct plain_deep_kernel {
  torch::Tensor s, s0, e;
  std::int64_t phi_columns;
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& a, const torch::Tensor& b) const {
    const auto phi = squared_distances(a.narrow(1, 0, phi_columns), b.narrow(1, 0, phi_columns));
    const auto raw = squared_distances(a.slice(1, phi_columns), b.slice(1, phi_columns));
    const auto epsilon = e.square(), by_raw = (-raw / s.square()).exp();
    return ((1 - epsilon) * (-phi / s0.square()).exp() + epsilon) * by_raw;
  }
};

template<class Kernel>
torch::Tensor plain_estimate(const torch::Tensor& x, const torch::Tensor& y, const Kernel& k, const dispar::mmd::options& o) {
  using dispar::mmd::estimator;
  const auto xx = k(x, x), yy = k(y, y), xy = k(x, y);
  const auto n = static_cast<double>(x.size(0)), m = static_cast<double>(y.size(0));
  if (o.form == estimator::biased) return o.xx * xx.mean() + o.yy * yy.mean() - o.xy * xy.mean();
  const auto across = o.form == estimator::one_sample ? (xy.sum() - xy.trace()) / (n * (n - 1)) : xy.mean();
  return o.xx * (xx.sum() - xx.trace()) / (n * (n - 1)) + o.yy * (yy.sum() - yy.trace()) / (m * (m - 1)) - o.xy * across;
}

/// U and V of the matrix H of all pairs.
struct plain_h1 {
  torch::Tensor statistic, variance;
};
template<class Kernel>
plain_h1 plain_statistic_and_variance(const torch::Tensor& x, const torch::Tensor& y, const Kernel& k, double xx, double yy,
                                      double xy) {
  const auto across = k(x, y);
  const auto h = xx * k(x, x) + yy * k(y, y) - xy / 2 * (across + across.t());
  const auto n = static_cast<double>(x.size(0));
  const auto rows = h.sum(1);
  return {(h.sum() - h.trace()) / (n * (n - 1)), 4 * (rows.square().sum() / (n * n * n) - rows.sum().square() / (n * n * n * n))};
}
template<class Kernel>
torch::Tensor plain_criterion(const torch::Tensor& x, const torch::Tensor& y, const Kernel& k,
                              const dispar::mmd::criterion_options& o) {
  const auto h = plain_statistic_and_variance(x, y, k, o.xx, o.yy, o.xy);
  return h.statistic / (h.variance + o.lambda).sqrt();
}

}  // namespace torch_tests
