#pragma once
/// \file
/// The batch-hard and the batch-all triplet loss by plain loops in double.

#include <algorithm>

#include "oracle.hpp"

namespace contrastive_tests::oracle {

struct hard_triplets {
  double value = 0, anchors = 0, nonzero = 0;
  std::vector<double> losses, to_positive, to_negative, gradient;
  std::vector<index> positive, negative;
};

[[nodiscard]] inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double square = 0;
  for (std::size_t k = 0; k < a.size(); ++k) square += (a[k] - b[k]) * (a[k] - b[k]);
  return std::sqrt(square);
}

/// Rows of length 1; zeros stay.
[[nodiscard]] inline rows unit(rows x) {
  const std::vector<double> zero(x.empty() ? 0 : x[0].size(), 0.0);
  for (auto& row : x) {
    const double length = distance(row, zero);
    for (double& v : row) v = length > 0 ? v / length : 0;
  }
  return x;
}

/// From the gradient by unit rows to that by the rows.
inline void through_unit(const rows& x, std::vector<double>& gradient) {
  const rows u = unit(x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t d = x[i].size();
    double* const g = gradient.data() + i * d;
    double along = 0;
    for (std::size_t k = 0; k < d; ++k) along += u[i][k] * g[k];
    const double length = distance(x[i], std::vector<double>(d, 0.0));
    for (std::size_t k = 0; k < d; ++k) g[k] = length > 0 ? (g[k] - along * u[i][k]) / length : 0;
  }
}

/// `margin` below -1e300: soft.
template<class Label>
[[nodiscard]] hard_triplets triplets(const rows& given, const std::vector<Label>& label, double margin, bool on_sphere = false,
                                     bool nonzero_only = false) {
  const rows x = on_sphere ? unit(given) : given;
  const std::size_t n = x.size(), d = x.empty() ? 0 : x[0].size();
  hard_triplets r;
  r.gradient.assign(n * d, 0);
  std::vector<double> slopes;
  for (std::size_t i = 0; i < n; ++i) {
    index positive = -1, negative = -1;
    double far = 0, near = 0;
    for (std::size_t j = 0; j < n; ++j) {
      const double between = distance(x[i], x[j]);
      if (label[j] == label[i] && j != i && (positive < 0 || between > far)) {
        positive = static_cast<index>(j);
        far = between;
      }
      if (label[j] != label[i] && (negative < 0 || between < near)) {
        negative = static_cast<index>(j);
        near = between;
      }
    }
    const bool anchor = positive >= 0 && negative >= 0;
    const double gap = far - near;
    const bool soft = margin < -1e300;
    const double loss = !anchor ? 0 : (soft ? std::log1p(std::exp(gap)) : std::max(gap + margin, 0.0));
    slopes.push_back(!anchor ? 0 : (soft ? 1 / (1 + std::exp(-gap)) : (gap + margin > 0 ? 1.0 : 0.0)));
    r.losses.push_back(loss);
    r.positive.push_back(anchor ? positive : -1);
    r.negative.push_back(anchor ? negative : -1);
    r.to_positive.push_back(anchor ? far : 0);
    r.to_negative.push_back(anchor ? near : 0);
    r.value += loss;
    r.anchors += anchor ? 1 : 0;
    r.nonzero += loss > 0 ? 1 : 0;
  }
  const double count = nonzero_only ? r.nonzero : r.anchors, each = count > 0 ? 1 / count : 0;
  r.value *= each;
  for (std::size_t i = 0; i < n; ++i) {
    const auto pull = [&](index other, double between, double slope) {
      if (other < 0 || !(between > 0)) return;
      for (std::size_t k = 0; k < d; ++k) {
        const double part = each * slope * (x[i][k] - x[static_cast<std::size_t>(other)][k]) / between;
        r.gradient[i * d + k] += part;
        r.gradient[static_cast<std::size_t>(other) * d + k] -= part;
      }
    };
    pull(r.positive[i], r.to_positive[i], slopes[i]);
    pull(r.negative[i], r.to_negative[i], -slopes[i]);
  }
  if (on_sphere) through_unit(given, r.gradient);
  return r;
}

struct all_triplets {
  double value = 0, triplets = 0, nonzero = 0;
  std::vector<double> losses, gradient;
};

/// `margin` below -1e300: soft.
template<class Label>
[[nodiscard]] all_triplets batch_all(const rows& given, const std::vector<Label>& label, double margin, bool on_sphere = false,
                                     bool nonzero_only = false) {
  const rows x = on_sphere ? unit(given) : given;
  const std::size_t n = x.size(), d = x.empty() ? 0 : x[0].size();
  const bool soft = margin < -1e300;
  all_triplets r;
  r.gradient.assign(n * d, 0);
  for (std::size_t i = 0; i < n; ++i) {
    r.losses.push_back(0);
    for (std::size_t p = 0; p < n; ++p)
      for (std::size_t m = 0; m < n; ++m) {
        if (p == i || label[p] != label[i] || label[m] == label[i]) continue;
        const double far = distance(x[i], x[p]), near = distance(x[i], x[m]), gap = far - near;
        const double loss = soft ? std::log1p(std::exp(gap)) : std::max(gap + margin, 0.0);
        const double slope = soft ? 1 / (1 + std::exp(-gap)) : (gap + margin > 0 ? 1.0 : 0.0);
        r.losses[i] += loss;
        r.triplets += 1;
        r.nonzero += loss > 0 ? 1 : 0;
        const auto pull = [&](std::size_t other, double between, double by) {
          if (!(between > 0)) return;
          for (std::size_t k = 0; k < d; ++k) {
            const double part = by * (x[i][k] - x[other][k]) / between;
            r.gradient[i * d + k] += part;
            r.gradient[other * d + k] -= part;
          }
        };
        pull(p, far, slope);
        pull(m, near, -slope);
      }
    r.value += r.losses[i];
  }
  const double count = nonzero_only ? r.nonzero : r.triplets, each = count > 0 ? 1 / count : 0;
  r.value *= each;
  for (double& v : r.gradient) v *= each;
  if (on_sphere) through_unit(given, r.gradient);
  return r;
}

}  // namespace contrastive_tests::oracle
