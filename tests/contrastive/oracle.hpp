#pragma once
/// \file
/// Softmax losses of matched rows by stored matrices of logits, in double.

#include <cmath>
#include <vector>

#include "dispar/core/view.hpp"

namespace contrastive_tests::oracle {

using rows = std::vector<std::vector<double>>;
using dispar::index;

template<class T>
[[nodiscard]] rows rows_of(const std::vector<T>& numbers, index n) {
  rows result(static_cast<std::size_t>(n));
  const std::size_t d = n > 0 ? numbers.size() / result.size() : 0;
  for (std::size_t i = 0; i < result.size(); ++i)
    for (std::size_t k = 0; k < d; ++k) result[i].push_back(static_cast<double>(numbers[i * d + k]));
  return result;
}

/// What is computed: every row of `anchors` has its positive and its candidates among the rows of all matrices, one below
/// another.
struct problem {
  rows all;                                          ///< every row of every matrix
  std::vector<std::size_t> anchor;                   ///< row numbers
  std::vector<std::size_t> positive;                 ///< of each anchor
  std::vector<std::vector<std::size_t>> candidates;  ///< of each anchor, the positive among them
  std::vector<double> weight;                        ///< of each anchor in the loss
};

/// InfoNCE: n rows of x, n of y, m more.
[[nodiscard]] inline problem matched(const rows& x, const rows& y, const rows& more, bool both, bool within, bool in_batch) {
  problem p;
  for (const auto* matrix : {&x, &y, &more}) p.all.insert(p.all.end(), matrix->begin(), matrix->end());
  const std::size_t n = x.size();
  for (std::size_t side = 0; side < (both ? 2u : 1u); ++side)
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t own = side * n + i, positive = (1 - side) * n + i;
      std::vector<std::size_t> candidates{positive};
      for (std::size_t j = 0; j < n; ++j) {
        if (in_batch && j != i) candidates.push_back((1 - side) * n + j);
        if (within && j != i) candidates.push_back(side * n + j);
      }
      for (std::size_t j = 0; side == 0 && j < more.size(); ++j) candidates.push_back(2 * n + j);
      p.anchor.push_back(own);
      p.positive.push_back(positive);
      p.candidates.push_back(candidates);
      p.weight.push_back(1.0 / static_cast<double>(n) / (both ? 2 : 1));
    }
  return p;
}

struct answer {
  double loss = 0, by_log_scale = 0;
  std::vector<double> losses;  ///< by anchor
  rows gradient;               ///< by all rows
};

/// Cosines where `unit`.
[[nodiscard]] inline answer solve(const problem& p, double scale, bool unit) {
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
    return sum;
  };
  rows u = p.all;
  std::vector<double> norm;
  for (auto& row : u) {
    norm.push_back(std::sqrt(dot(row, row)));
    if (unit)
      for (double& v : row) v = norm.back() > 0 ? v / std::max(norm.back(), 1e-12) : 0;
  }
  answer r;
  r.gradient.assign(u.size(), std::vector<double>(u[0].size(), 0.0));
  for (std::size_t a = 0; a < p.anchor.size(); ++a) {
    std::vector<double> z;
    for (const std::size_t j : p.candidates[a]) z.push_back(scale * dot(u[p.anchor[a]], u[j]));
    double most = z[0], sum = 0;
    for (const double v : z) most = std::max(most, v);
    for (const double v : z) sum += std::exp(v - most);
    const double lse = most + std::log(sum);
    r.losses.push_back(lse - z[0]);
    r.loss += p.weight[a] * r.losses.back();
    for (std::size_t c = 0; c < z.size(); ++c) {
      const double g = p.weight[a] * (std::exp(z[c] - lse) - (c == 0 ? 1 : 0));
      r.by_log_scale += g * z[c];
      for (std::size_t k = 0; k < u[0].size(); ++k) {
        r.gradient[p.anchor[a]][k] += g * scale * u[p.candidates[a][c]][k];
        r.gradient[p.candidates[a][c]][k] += g * scale * u[p.anchor[a]][k];
      }
    }
  }
  if (unit)
    for (std::size_t i = 0; i < u.size(); ++i) {
      const double along = dot(u[i], r.gradient[i]);
      for (std::size_t k = 0; k < u[0].size(); ++k)
        r.gradient[i][k] = norm[i] > 0 ? (r.gradient[i][k] - along * u[i][k]) / norm[i] : 0;
    }
  return r;
}

/// The gradient by the rows first .. first + count, one below another.
[[nodiscard]] inline std::vector<double> gradient_of(const answer& r, index first, index count) {
  std::vector<double> g;
  for (index i = first; i < first + count; ++i)
    for (const double v : r.gradient[static_cast<std::size_t>(i)]) g.push_back(v);
  return g;
}

/// The largest distance, relative to the largest magnitude expected.
template<class T>
[[nodiscard]] double apart(const std::vector<T>& got, const std::vector<double>& expected) {
  double most = 0, largest = 1e-300;
  if (got.size() != expected.size()) return HUGE_VAL;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double distance = std::fabs(static_cast<double>(got[i]) - expected[i]);
    if (!(distance <= most)) most = distance;  // NaN stays
    largest = std::max(largest, std::fabs(expected[i]));
  }
  return most / largest;
}

}  // namespace contrastive_tests::oracle
