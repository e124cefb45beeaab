#pragma once
/// \file
/// The engine against the loop over pairs of probe.hpp, exactly.

#include <doctest/doctest.h>

#include "backend/host/probe.hpp"
#include "backend/host/with_tile_edge.hpp"
#include "dispar/backend/host/pairwise.hpp"

namespace engine_tests {

/// Totals and a matrix of the outputs of `probe`, for every work list and width of tiles.
template<class Metric, class T, int Channels>
void check_outputs(const integer_samples<T, Channels>& samples) {
  const dispar::tiled_host<dispar::serial> b;
  with_tile_edge data(dispar::pack_samples<Metric>(b, samples.segments()), 1);
  const probe_operands<T> operands(samples.rows());
  const index n = samples.rows();
  for (const auto& list : work_lists()) {
    const auto& blocks = list.blocks;
    CAPTURE(list.name);
    std::vector<double> expected_totals(blocks.size() * 3, 0), expected_stored(static_cast<std::size_t>(n * n), -1000);
    for_each_pair<Metric>(samples, blocks, [&](int block, index i, index j, const dispar::vec<double, 3>& out) {
      for (int o = 0; o < 3; ++o) expected_totals[static_cast<std::size_t>(block * 3 + o)] += out[o];
      const auto& segments = blocks[static_cast<std::size_t>(block)];
      expected_stored[static_cast<std::size_t>(i * n + j)] = out[1];
      if (segments.triangle || segments.rows != segments.cols) expected_stored[static_cast<std::size_t>(j * n + i)] = out[1];
    });
    for (index width : {1, 2, 4}) {
      CAPTURE(width);
      data.register_tiles = width;
      std::vector<double> totals(blocks.size() * 3, -1), stored(static_cast<std::size_t>(n * n), -1000);
      dispar::pairwise(b, data, probe<Channels>(), blocks, operands.views(),
                       dispar::total<0, 3>{dispar::matrix_view<double>(totals.data(), static_cast<index>(blocks.size()), 3)},
                       dispar::store<1, double>{dispar::matrix_view<double>(stored.data(), n, n)});
      CHECK(totals == expected_totals);
      CHECK(stored == expected_stored);
    }
  }
}

}  // namespace engine_tests
