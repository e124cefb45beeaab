#pragma once
/// \file
/// Samples of small integers whose pooled mean is an integer. Centring, distances, products and sums are then exact in float, so
/// that the engine's results can be compared with plain loops by ==.

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "dispar/backend/sample.hpp"
#include "dispar/core/philox.hpp"
#include "dispar/kernels/metric.hpp"

namespace engine_tests {

using dispar::index;  // in a namespace: POSIX has a global index()

/// sum |a - b|^3: a metric as a user writes one.
struct cubed_gap {
  static constexpr bool product = false, translation_invariant = true;
  template<class V>
  DISPAR_FN static V row_term(V acc, V) {
    return acc;
  }
  template<class V>
  DISPAR_FN static V step(V acc, V a, V b) {
    const V gap = abs(a - b);
    return acc + gap * gap * gap;
  }
  template<class V>
  DISPAR_FN static V finish(V acc, V, V) {
    return acc;
  }
  template<class V>
  DISPAR_FN static V slope(V a, V b, V) {
    return V(3) * (a - b) * abs(a - b);
  }
};

/// |a - b|^2 by differences: no product, with a slope that is one.
struct squared_gap {
  static constexpr bool product = false, translation_invariant = true, linear_slope = true;
  static constexpr double own = 2, other = -2;
  template<class V>
  DISPAR_FN static V row_term(V acc, V) {
    return acc;
  }
  template<class V>
  DISPAR_FN static V step(V acc, V a, V b) {
    return acc + (a - b) * (a - b);
  }
  template<class V>
  DISPAR_FN static V finish(V acc, V, V) {
    return acc;
  }
  template<class V>
  DISPAR_FN static V slope(V a, V b, V) {
    return V(2) * (a - b);
  }
};

/// The definitions: what one feature adds to the distance, and the slope d distance / d a.
inline double add_feature(dispar::sq_euclidean, double sum, double a, double b) { return sum + (a - b) * (a - b); }
inline double add_feature(dispar::dot, double sum, double a, double b) { return sum + a * b; }
inline double add_feature(dispar::l1, double sum, double a, double b) { return sum + std::fabs(a - b); }
inline double add_feature(dispar::linf, double sum, double a, double b) { return std::fmax(sum, std::fabs(a - b)); }
inline double add_feature(squared_gap, double sum, double a, double b) { return sum + (a - b) * (a - b); }
inline double add_feature(cubed_gap, double sum, double a, double b) { return sum + std::pow(std::fabs(a - b), 3); }

inline double sign(double x) { return x > 0 ? 1 : (x < 0 ? -1 : 0); }
inline double slope(dispar::sq_euclidean, double a, double b, double) { return 2 * (a - b); }
inline double slope(dispar::dot, double, double b, double) { return b; }
inline double slope(dispar::l1, double a, double b, double) { return sign(a - b); }
inline double slope(dispar::linf, double a, double b, double d) { return std::fabs(a - b) == d ? sign(a - b) : 0; }
inline double slope(squared_gap, double a, double b, double) { return 2 * (a - b); }
inline double slope(cubed_gap, double a, double b, double) { return 3 * (a - b) * std::fabs(a - b); }

/// Rows of all segments one after the other, `features[c]` integers each in channel c, from offset - 3 to offset + 3.
template<class T, int Channels = 1>
struct integer_samples {
  std::vector<index> counts;
  std::array<index, static_cast<std::size_t>(Channels)> features;
  std::array<std::vector<T>, static_cast<std::size_t>(Channels)> channel;

  integer_samples(std::vector<index> rows_of, std::array<index, static_cast<std::size_t>(Channels)> features_of, int offset = 0)
      : counts(std::move(rows_of)), features(features_of) {
    for (int c = 0; c < Channels; ++c) {
      const index d = features[at(c)];
      channel[at(c)].assign(static_cast<std::size_t>(rows() * d), static_cast<T>(offset));
      // Row i and row n - 1 - i lie opposite each other: the mean is the offset.
      for (index i = 0; i < rows() / 2; ++i)
        for (index k = 0; k < d; ++k) {
          const dispar::random_key key{1, static_cast<std::uint64_t>(c)};
          const int gap = static_cast<int>(key.block(static_cast<std::uint64_t>(i * d + k))[0] % 7) - 3;
          channel[at(c)][static_cast<std::size_t>(i * d + k)] = static_cast<T>(offset + gap);
          channel[at(c)][static_cast<std::size_t>((rows() - 1 - i) * d + k)] = static_cast<T>(offset - gap);
        }
    }
  }

  [[nodiscard]] index rows() const {
    index sum = 0;
    for (index n : counts) sum += n;
    return sum;
  }
  [[nodiscard]] index first(int segment) const {
    index sum = 0;
    for (int s = 0; s < segment; ++s) sum += counts[at(s)];
    return sum;
  }
  [[nodiscard]] double feature(int c, index row, index k) const {
    return static_cast<double>(channel[at(c)][static_cast<std::size_t>(row * features[at(c)] + k)]);
  }

  [[nodiscard]] std::vector<dispar::sample<T, Channels>> segments() const {
    std::vector<dispar::sample<T, Channels>> result(counts.size());
    for (int s = 0; s < static_cast<int>(counts.size()); ++s)
      for (int c = 0; c < Channels; ++c)
        result[at(s)].channel[at(c)] = dispar::as_matrix(channel[at(c)], rows(), features[at(c)]).slice(first(s), counts[at(s)]);
    return result;
  }

  template<class Metric>
  [[nodiscard]] double distance(Metric metric, int c, index i, index j) const {
    double sum = 0;
    for (index k = 0; k < features[at(c)]; ++k) sum = add_feature(metric, sum, feature(c, i, k), feature(c, j, k));
    return sum;
  }

private:
  static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
};

}  // namespace engine_tests
