#include "dispar/backend/host/given_matrix.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "backend/host/probe.hpp"
#include "backend/host/with_tile_edge.hpp"
#include "dispar/backend/host/pairwise.hpp"
#include "dispar/core/special_values.hpp"

namespace engine_tests {

namespace {

const dispar::tiled_host<dispar::serial> b;

/// A matrix of distances of `samples`, symmetric.
template<class T>
std::vector<T> distance_matrix(const integer_samples<T>& samples) {
  std::vector<T> matrix;
  for (index i = 0; i < samples.rows(); ++i)
    for (index j = 0; j < samples.rows(); ++j) matrix.push_back(static_cast<T>(samples.distance(dispar::l1(), 0, i, j)));
  return matrix;
}

}  // namespace

TEST_CASE_TEMPLATE("a given matrix takes the place of computed distances, for every work list and width of tiles", T, float,
                   double) {
  for (const auto& counts : segment_sizes()) {
    const integer_samples<T> samples(counts, {3}, 1);
    const auto matrix = distance_matrix(samples);
    const probe_operands<T> operands(samples.rows());
    const index n = samples.rows();
    with_tile_edge data(dispar::given_samples(b, dispar::as_matrix(matrix, n, n), std::array{counts[0], counts[1], counts[2]}),
                        1);
    for (const auto& list : work_lists()) {
      const auto& blocks = list.blocks;
      CAPTURE(list.name);
      std::vector<double> expected(blocks.size() * 3, 0), expected_rows(static_cast<std::size_t>(n), 0);
      for_each_pair<dispar::l1>(samples, blocks, [&](int block, index i, index j, const dispar::vec<double, 3>& out) {
        for (int o = 0; o < 3; ++o) expected[static_cast<std::size_t>(block * 3 + o)] += out[o];
        expected_rows[static_cast<std::size_t>(i)] += out[0];
        expected_rows[static_cast<std::size_t>(j)] += out[0];
      });
      std::vector<dispar::pair_block> one_slot = blocks;
      for (auto& block : one_slot) block.slot = 0;
      for (index width : {1, 2, 4}) {
        data.register_tiles = width;
        std::vector<double> totals(expected.size()), rows(expected_rows.size());
        dispar::pairwise(b, data, probe<1>(), one_slot, operands.views(),
                         dispar::total<0, 3>{dispar::matrix_view<double>(totals.data(), static_cast<index>(blocks.size()), 3)},
                         dispar::row_sums<0>{dispar::as_matrix(rows, n, 1)});
        CHECK(totals == expected);
        CHECK(rows == expected_rows);
      }
    }
  }
}

TEST_CASE("only what the blocks name is read: NaN elsewhere does no harm, NaN there comes out") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const index n = 40;
  std::vector<float> matrix(static_cast<std::size_t>(n * n), nan);
  for (index i = 0; i < n; ++i)
    for (index j = i + 1; j < n; ++j) matrix[static_cast<std::size_t>(i * n + j)] = 1;
  const auto data = dispar::given_samples(b, dispar::as_matrix(std::as_const(matrix), n, n), std::array<index, 2>{23, 17});
  const std::vector<dispar::pair_block> blocks{{0, 0, true}, {1, 1, true}, {0, 1}};
  const probe_operands<float> operands(n);
  double totals[3];
  const auto run = [&] {
    dispar::pairwise(b, data, probe<1>(), blocks, operands.views(),
                     dispar::total<0, 1>{dispar::matrix_view<double>(totals, 3, 1)});
  };
  run();
  CHECK(totals[0] == 23 * 22 / 2);
  CHECK(totals[1] == 17 * 16 / 2);
  CHECK(totals[2] == 23 * 17);
  matrix[22 * 40 + 39] = nan;
  run();
  CHECK(totals[0] == 23 * 22 / 2);
  CHECK(dispar::is_nan(totals[2]));
}

TEST_CASE("strided matrices, single distances, wrong shapes") {
  std::vector<double> memory(200);
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<double>(i);
  const dispar::matrix_view<const double> strided(memory.data() + 1, {5, 5}, {3, 30});
  const auto data = dispar::given_samples(b, strided, std::array<index, 2>{2, 3});
  CHECK(data.rows() == 5);
  CHECK(data.distance(0, data.first_packed(0) + 1, data.first_packed(1) + 2) == strided(1, 4));
  const auto make = [&](index rows, index cols, index first, index second) {
    (void)dispar::given_samples(b, dispar::matrix_view<const double>(memory.data(), rows, cols), std::array{first, second});
  };
  using bad = dispar::invalid_argument;
  CHECK_THROWS_WITH_AS(make(5, 5, 2, 4), "dispar: given: rows of the matrix must be the rows of all segments, got 5", bad);
  CHECK_THROWS_WITH_AS(make(5, 4, 2, 3), "dispar: given: cols of the matrix must be the rows of all segments, got 4", bad);
  CHECK_THROWS_WITH_AS(make(5, 5, 0, 5), "dispar: given: segment must have at least one row, got 0", bad);
}

}  // namespace engine_tests
