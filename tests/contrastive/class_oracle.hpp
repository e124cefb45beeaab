#pragma once
/// \file
/// Losses of rows with labels by stored matrices of logits, in double. `derivative` is by every pair of rows.

#include <cmath>
#include <cstdint>
#include <vector>

#include "oracle.hpp"

namespace contrastive_tests {

/// i^2 mod 11: six classes, one half as large as the others.
[[nodiscard]] inline std::vector<std::int64_t> square_labels(dispar::index n) {
  std::vector<std::int64_t> labels;
  for (dispar::index i = 0; i < n; ++i) labels.push_back(i * i % 11);
  return labels;
}

}  // namespace contrastive_tests

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

struct circle_answer {
  double value = 0, anchors = 0;
  std::vector<double> losses, by_x;
};

/// The circle loss of cosines; weights are those of `weighing`, held in the gradient.
[[nodiscard]] inline circle_answer circle(const rows& x, const rows& weighing, const std::vector<std::int64_t>& labels,
                                          double margin, double gamma, bool by_anchor) {
  const scaled_rows u(x, true), w(weighing, true);
  const std::size_t n = x.size();
  rows logit(n, std::vector<double>(n, 0.0)), by_similarity = logit, slope = logit;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      const double s = u.dot(i, u, j), held = w.dot(i, w, j);
      const bool same = labels[i] == labels[j];
      by_similarity[i][j] = gamma * (same ? -std::fmax(1 + margin - held, 0.0) : std::fmax(held + margin, 0.0));
      logit[i][j] = by_similarity[i][j] * (s - (same ? 1 - margin : margin));
    }
  // softplus of the two log-sums over the pairs (i, j) that count, its slopes added; -1 where a kind is missing.
  const auto loss_of = [&](const auto& counts, rows& slopes) {
    double most[2] = {-HUGE_VAL, -HUGE_VAL}, sum[2] = {0, 0}, log_sum[2];
    for (int kind = 0; kind < 2; ++kind) {
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
          if (counts(i, j) && (labels[i] == labels[j]) == (kind == 1)) most[kind] = std::max(most[kind], logit[i][j]);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
          if (counts(i, j) && (labels[i] == labels[j]) == (kind == 1)) sum[kind] += std::exp(logit[i][j] - most[kind]);
      log_sum[kind] = most[kind] + std::log(sum[kind]);
    }
    if (sum[0] == 0 || sum[1] == 0) return -1.0;
    const double total = log_sum[0] + log_sum[1];
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        if (counts(i, j))
          slopes[i][j] +=
              by_similarity[i][j] * std::exp(logit[i][j] - log_sum[labels[i] == labels[j] ? 1 : 0]) / (1 + std::exp(-total));
    return std::fmax(total, 0.0) + std::log1p(std::exp(-std::fabs(total)));
  };
  circle_answer r;
  if (by_anchor) {
    for (std::size_t a = 0; a < n; ++a) {
      const double loss = loss_of([&](std::size_t i, std::size_t j) { return i == a && j != a; }, slope);
      r.losses.push_back(std::fmax(loss, 0.0));
      r.value += r.losses.back();
      r.anchors += loss < 0 ? 0 : 1;
    }
    for (auto& row : slope)
      for (double& v : row) v /= std::fmax(r.anchors, 1.0);
    r.value /= std::fmax(r.anchors, 1.0);
  } else {
    const double loss = loss_of([](std::size_t i, std::size_t j) { return i < j; }, slope);
    r.value = std::fmax(loss, 0.0);
    r.anchors = loss < 0 ? 0 : 1;
  }
  r.by_x = gradients_by_rows(slope, u, u, true).first;
  return r;
}

}  // namespace contrastive_tests::oracle
