#pragma once
/// \file
/// Batches of logits with labels, and what their sequences should get, by the textbook formulas in double.

#include <cmath>
#include <cstdint>
#include <vector>

#include "dispar/preference/token_targets.hpp"
#include "normal_rows.hpp"

namespace preference_tests {

using dispar::index;

template<class T>
struct batch {
  index sequences, time, vocabulary;
  std::vector<T> logits, gradient;
  std::vector<std::int64_t> labels;
  std::vector<double> values, upstream, weights;

  batch(index b, index t, index v)
      : sequences(b),
        time(t),
        vocabulary(v),
        logits(normal_rows<T>(b * t, v, 1)),
        gradient(logits.size(), T(3)),
        values(static_cast<std::size_t>(b)) {
    for (index i = 0; i < b * t; ++i) {
      labels.push_back(i % 5 == 3 ? -100 : static_cast<std::int64_t>((7 * i + 2) % v));
      weights.push_back(i % 4 == 1 ? 0 : 0.5 + static_cast<double>(i % 3));
    }
    for (index i = 0; i < b; ++i) upstream.push_back(static_cast<double>(i) - 0.75);
  }
  auto x() const { return dispar::preference::as_sequences(dispar::as_matrix(logits, sequences * time, vocabulary), sequences); }
  auto g() { return dispar::preference::as_sequences(dispar::as_matrix(gradient, sequences * time, vocabulary), sequences); }
  auto y() const { return dispar::as_matrix(labels, sequences, time); }

  /// The weight of row i, 0 where it does not count, and its label.
  double weight(index i, bool shift, bool weighted) const {
    const index t = i % time + shift, at = i / time * time + t;
    if (t >= time || labels[static_cast<std::size_t>(at)] == -100) return 0;
    return weighted ? weights[static_cast<std::size_t>(at)] : 1;
  }
  index label(index i, bool shift) const { return static_cast<index>(labels[static_cast<std::size_t>(i + shift)]); }
  std::vector<double> softmax(index i) const {
    std::vector<double> p;
    double sum = 0;
    for (index j = 0; j < vocabulary; ++j)
      p.push_back(std::exp(static_cast<double>(logits[static_cast<std::size_t>(i * vocabulary + j)])));
    for (const double e : p) sum += e;
    for (double& e : p) e /= sum;
    return p;
  }
  /// How far values and gradient are off at most. score(p), slope(p, c, j): of a token with distribution p.
  template<class Score, class Slope>
  double worst(bool shift, bool weighted, bool mean, double before, const Score& score, const Slope& slope) const {
    double most = 0;
    for (index s = 0; s < sequences; ++s) {
      double sum = 0, count = 0;
      for (index i = s * time; i < (s + 1) * time; ++i) {
        const double w = weight(i, shift, weighted);
        count += w;
        if (w > 0) sum += w * score(softmax(i), label(i, shift));
      }
      most = std::fmax(most, std::fabs(values[static_cast<std::size_t>(s)] - (mean ? sum / count : sum)));
      for (index i = s * time; i < (s + 1) * time; ++i) {
        const double w = weight(i, shift, weighted) * upstream[static_cast<std::size_t>(s)] / (mean ? count : 1);
        const auto p = softmax(i);
        for (index j = 0; j < vocabulary; ++j) {
          const double expected = w >= 0 && w <= 0 ? 0 : w * slope(p, label(i, shift), j);
          most = std::fmax(
              most, std::fabs(static_cast<double>(gradient[static_cast<std::size_t>(i * vocabulary + j)]) - before - expected));
        }
      }
    }
    return most;
  }
};

inline double log_probability(const std::vector<double>& p, index c) { return std::log(p[static_cast<std::size_t>(c)]); }
inline double log_probability_slope(const std::vector<double>& p, index c, index j) {
  return (j == c) - p[static_cast<std::size_t>(j)];
}
inline double surprise(const std::vector<double>& p, index c) { return -std::log1p(-p[static_cast<std::size_t>(c)]); }
inline double surprise_slope(const std::vector<double>& p, index c, index j) {
  const double pc = p[static_cast<std::size_t>(c)];
  return pc / (1 - pc) * log_probability_slope(p, c, j);
}

}  // namespace preference_tests
