#pragma once
/// \file
/// Losses of rows with labels by stored matrices of logits, in double. `derivative` is by every pair of rows.

#include <cmath>
#include <cstdint>
#include <vector>

#include "oracle.hpp"

namespace contrastive_tests::oracle {

/// Rows as cosines or inner products see them.
struct scaled_rows {
  rows at;
  std::vector<double> norm;
  bool unit;
  scaled_rows(rows x, bool on_sphere) : at(std::move(x)), unit(on_sphere) {
    for (auto& row : at) {
      double square = 0;
      for (const double v : row) square += v * v;
      norm.push_back(std::sqrt(square));
      if (unit)
        for (double& v : row) v = norm.back() > 0 ? v / norm.back() : 0;
    }
  }
  [[nodiscard]] double dot(std::size_t i, const scaled_rows& other, std::size_t j) const {
    double sum = 0;
    for (std::size_t k = 0; k < at[i].size(); ++k) sum += at[i][k] * other.at[j][k];
    return sum;
  }
  /// From the gradient by scaled rows that by rows, one below another.
  [[nodiscard]] std::vector<double> by_rows(const rows& g) const {
    std::vector<double> all;
    for (std::size_t i = 0; i < g.size(); ++i) {
      double along = 0;
      for (std::size_t k = 0; k < g[i].size(); ++k) along += g[i][k] * at[i][k];
      for (std::size_t k = 0; k < g[i].size(); ++k)
        all.push_back(!unit ? g[i][k] : (norm[i] > 0 ? (g[i][k] - along * at[i][k]) / norm[i] : 0));
    }
    return all;
  }
};

/// The gradients from the derivatives by the similarities of x_i and y_j; y is x where both are one matrix.
[[nodiscard]] inline std::pair<std::vector<double>, std::vector<double>> gradients_by_rows(const rows& slope,
                                                                                           const scaled_rows& x,
                                                                                           const scaled_rows& y, bool within) {
  rows gx(x.at.size(), std::vector<double>(x.at[0].size(), 0.0)), gy(y.at.size(), std::vector<double>(x.at[0].size(), 0.0));
  for (std::size_t i = 0; i < gx.size(); ++i)
    for (std::size_t j = 0; j < gy.size(); ++j)
      for (std::size_t k = 0; k < gx[i].size(); ++k) {
        gx[i][k] += slope[i][j] * y.at[j][k];
        (within ? gx : gy)[j][k] += slope[i][j] * x.at[i][k];
      }
  return {x.by_rows(gx), y.by_rows(gy)};
}

struct supcon_answer {
  double value = 0, anchors = 0, by_log_scale = 0;
  std::vector<double> losses, by_x, by_y;
};

/// Rows of x against those of y, or of x itself where y has none. `in`: L_in. `weight`: of every row, or nothing.
[[nodiscard]] inline supcon_answer supcon(const rows& x, const std::vector<std::int64_t>& of_x, const rows& y,
                                          const std::vector<std::int64_t>& of_y, double scale, bool unit, bool in,
                                          const std::vector<double>& weight = {}) {
  const bool within = y.empty();
  const scaled_rows a(x, unit), b(within ? x : y, unit);
  const auto& labels = within ? of_x : of_y;
  supcon_answer r;
  rows slope(x.size(), std::vector<double>(b.at.size(), 0.0)), z = slope;
  const auto log_sum = [&](std::size_t i, bool positives_only) {
    double most = -HUGE_VAL, sum = 0;
    const auto counts = [&](std::size_t j) { return (!within || j != i) && (!positives_only || labels[j] == of_x[i]); };
    for (std::size_t j = 0; j < labels.size(); ++j)
      if (counts(j)) most = std::max(most, z[i][j]);
    for (std::size_t j = 0; j < labels.size(); ++j)
      if (counts(j)) sum += std::exp(z[i][j] - most);
    return most + std::log(sum);
  };
  for (std::size_t i = 0; i < x.size(); ++i) {
    double positives = 0, mean = 0;
    for (std::size_t j = 0; j < labels.size(); ++j) {
      z[i][j] = scale * a.dot(i, b, j);
      if (labels[j] != of_x[i] || (within && j == i)) continue;
      positives += 1;
      mean += z[i][j];
    }
    r.losses.push_back(0);
    if (positives == 0) continue;
    r.anchors += 1;
    const double all = log_sum(i, false), own = log_sum(i, true);
    r.losses.back() = in ? all - own + std::log(positives) : all - mean / positives;
    for (std::size_t j = 0; j < labels.size(); ++j) {
      if (within && j == i) continue;
      const bool positive = labels[j] == of_x[i];
      slope[i][j] = std::exp(z[i][j] - all) - (positive ? (in ? std::exp(z[i][j] - own) : 1 / positives) : 0);
    }
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double each = r.anchors > 0 ? (weight.empty() ? 1 : weight[i]) / r.anchors : 0;
    r.value += r.anchors > 0 ? r.losses[i] / r.anchors : 0;
    for (std::size_t j = 0; j < labels.size(); ++j) {
      r.by_log_scale += each * slope[i][j] * z[i][j];
      slope[i][j] *= each * scale;
    }
  }
  const auto both = gradients_by_rows(slope, a, b, within);
  r.by_x = both.first;
  r.by_y = both.second;
  return r;
}

}  // namespace contrastive_tests::oracle
