#include <doctest/doctest.h>

#include "backend/host/probe.hpp"
#include "backend/host/with_tile_edge.hpp"
#include "dispar/backend/host/pairwise.hpp"

namespace engine_tests {

/// Row sums of the asymmetric output of `probe` by slot, for every work list and width of tiles.
template<class Metric, class T>
void check_row_sums(const integer_samples<T>& samples) {
  const dispar::tiled_host<dispar::serial> b;
  with_tile_edge data(dispar::pack_samples<Metric>(b, samples.segments()), 1);
  const probe_operands<T> operands(samples.rows());
  const index n = samples.rows(), slots = 3;
  for (const auto& list : work_lists()) {
    const auto& blocks = list.blocks;
    CAPTURE(list.name);
    std::vector<double> expected(static_cast<std::size_t>(n * slots), 0);
    for_each_pair<Metric>(samples, blocks, [&](int block, index i, index j, const dispar::vec<double, 3>& out) {
      const index slot = blocks[static_cast<std::size_t>(block)].slot;
      expected[static_cast<std::size_t>(i * slots + slot)] += out[1];
      expected[static_cast<std::size_t>(j * slots + slot)] += out[1];
    });
    for (index width : {1, 2, 4}) {
      data.register_tiles = width;
      std::vector<double> sums(expected.size(), -7);
      dispar::pairwise(b, data, probe<1>(), blocks, operands.views(),
                       dispar::row_sums<1>{dispar::matrix_view<double>(sums.data(), n, slots)});
      CHECK(sums == expected);
    }
  }
}

TEST_CASE("row sums count every pair for both of its rows, by slot") {
  for (const auto& counts : segment_sizes()) {
    check_row_sums<dispar::sq_euclidean>(integer_samples<float>(counts, {5}, 1));
    check_row_sums<dispar::sq_euclidean>(integer_samples<double>(counts, {4}, 1));
  }
}

TEST_CASE("row sums into a view with gaps; wrong shapes and slots are refused before anything is written") {
  const integer_samples<float> samples({3, 4}, {2});
  const dispar::tiled_host<dispar::serial> b;
  const with_tile_edge data(dispar::pack_samples<dispar::sq_euclidean>(b, samples.segments()), 1);
  const probe_operands<float> operands(7);
  std::vector<double> memory(7 * 6, -7);
  const auto run = [&](const std::vector<dispar::pair_block>& blocks, index rows, index cols) {
    const dispar::matrix_view<double> out(memory.data(), {rows, cols}, {6, 2});
    dispar::pairwise(b, data, probe<1>(), blocks, operands.views(), dispar::row_sums<1>{out});
  };
  using bad = dispar::invalid_argument;
  CHECK_THROWS_WITH_AS(run({{0, 1}}, 6, 2), "dispar: row_sums: out must have one row per sample row, got 6", bad);
  CHECK_THROWS_WITH_AS(run({{0, 1, false, 2}}, 7, 2), "dispar: row_sums: slot must be a column of out, got 2", bad);
  CHECK_THROWS_WITH_AS(run({{0, 1, false, -1}}, 7, 2), "dispar: row_sums: slot must be a column of out, got -1", bad);
  CHECK(memory == std::vector<double>(7 * 6, -7));
  run({{0, 1, false, 1}}, 7, 2);
  for (std::size_t i = 0; i < memory.size(); ++i) {
    if (i % 6 == 0) CHECK(memory[i] == 0);  // slot 0, where no block adds
    if (i % 6 != 0 && i % 6 != 2) CHECK(memory[i] == -7);
  }
}

}  // namespace engine_tests
