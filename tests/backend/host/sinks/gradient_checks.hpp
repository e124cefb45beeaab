#pragma once
/// \file
/// The gradient sink against the loop over pairs, exactly.

#include <doctest/doctest.h>

#include "backend/host/probe.hpp"
#include "backend/host/with_tile_edge.hpp"
#include "dispar/backend/host/gradient_sink.hpp"
#include "dispar/backend/host/pairwise.hpp"

namespace engine_tests {

/// By definition: every pair gives output 1 times the slope to its row and to its column. All rows, `features[channel]` wide.
template<class Metric, class T, int Channels>
std::vector<double> defined_gradient(const integer_samples<T, Channels>& samples, std::span<const dispar::pair_block> blocks,
                                     int channel) {
  const index d = samples.features[static_cast<std::size_t>(channel)];
  std::vector<double> gradient(static_cast<std::size_t>(samples.rows() * d), 0);
  for_each_pair<Metric>(samples, blocks, [&](int, index i, index j, const dispar::vec<double, 3>& out) {
    const double distance = samples.distance(Metric(), channel, i, j);
    for (index k = 0; k < d; ++k) {
      const double a = samples.feature(channel, i, k), b = samples.feature(channel, j, k);
      gradient[static_cast<std::size_t>(i * d + k)] += out[1] * slope(Metric(), a, b, distance);
      gradient[static_cast<std::size_t>(j * d + k)] += out[1] * slope(Metric(), b, a, distance);
    }
  });
  return gradient;
}

/// The rows of all segments as one view each.
template<class T, int Channels>
std::array<dispar::matrix_view<T>, 3> rows_of_segments(std::vector<T>& memory, const integer_samples<T, Channels>& samples,
                                                       index features) {
  const auto all = dispar::as_matrix(memory, samples.rows(), features);
  return {all.slice(samples.first(0), samples.counts[0]), all.slice(samples.first(1), samples.counts[1]),
          all.slice(samples.first(2), samples.counts[2])};
}

template<class Metric, class T>
void check_gradient(const integer_samples<T>& samples) {
  const dispar::tiled_host<dispar::serial> b;
  with_tile_edge data(dispar::pack_samples<Metric>(b, samples.segments()), 1);
  const probe_operands<T> operands(samples.rows());
  for (const auto& list : work_lists()) {
    const auto& blocks = list.blocks;
    CAPTURE(list.name);
    const auto expected = defined_gradient<Metric>(samples, blocks, 0);
    for (index width : {1, 2, 4}) {
      CAPTURE(width);
      data.register_tiles = width;
      std::vector<T> gradient(expected.size(), T(-7));
      dispar::pairwise(b, data, probe<1>(), blocks, operands.views(),
                       dispar::feature_gradient<1, 0, T, 3>{rows_of_segments(gradient, samples, samples.features[0])});
      CHECK(std::vector<double>(gradient.begin(), gradient.end()) == expected);
    }
  }
}

}  // namespace engine_tests
