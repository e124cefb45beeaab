// Distances, operands, matched pairs and masks, for work lists of every form: float, one channel.
#include "backend/host/pairwise_checks.hpp"

namespace engine_tests {

using dispar::sq_euclidean;

TEST_CASE("squared distances of every pair of every work list") {
  for (const auto& counts : segment_sizes())
    for (index d : {1, 5, 16}) check_outputs<sq_euclidean>(integer_samples<float>(counts, {d}, 2));
}

TEST_CASE("an offset of 1000, duplicates, ten thousand features") {
  check_outputs<sq_euclidean>(integer_samples<float>({30, 20, 10}, {8}, 1000));
  check_outputs<sq_euclidean>(integer_samples<float>({5, 3, 4}, {10000}, 1));
  integer_samples<float> twins({40, 40, 40}, {3});
  for (index i = 1; i < twins.rows() / 2; ++i)
    for (index k = 0; k < 3; ++k) {
      twins.channel[0][static_cast<std::size_t>(i * 3 + k)] = twins.channel[0][static_cast<std::size_t>(k)];
      twins.channel[0][static_cast<std::size_t>((119 - i) * 3 + k)] = -twins.channel[0][static_cast<std::size_t>(k)];
    }
  check_outputs<sq_euclidean>(twins);
}

TEST_CASE("bad operands and blocks are refused before any work") {
  const integer_samples<float> samples({3, 2}, {4});
  const dispar::tiled_host<dispar::serial> b;
  const auto data = dispar::pack_samples<sq_euclidean>(b, samples.segments());
  const probe_operands<float> operands(5), short_operands(4);
  double out[6] = {1, 2, 3, 4, 5, 6};
  std::vector<double> matrix(25, -1);
  const auto run = [&](const std::vector<dispar::pair_block>& blocks,
                       const std::vector<dispar::vector_view<const float>>& of_rows, index rows = 1, index cols = 3,
                       index stored_rows = 5, index stored_cols = 5) {
    dispar::pairwise(b, data, probe<1>(), blocks, of_rows, dispar::total<0, 3>{dispar::matrix_view<double>(out, rows, cols)},
                     dispar::store<1, double>{dispar::matrix_view<double>(matrix.data(), stored_rows, stored_cols)});
  };
  using bad = dispar::invalid_argument;
  const auto views = operands.views();
  CHECK_THROWS_WITH_AS(run({{0, 1}}, {}), "dispar: pairwise: operands must match the operation, got 0", bad);
  CHECK_THROWS_WITH_AS(run({{0, 1}}, short_operands.views()), "dispar: pairwise: operand must have one entry per row, got 4",
                       bad);
  CHECK_THROWS_WITH_AS(run({{-1, 1}}, views), "dispar: pair_block: rows must be a segment, got -1", bad);
  CHECK_THROWS_WITH_AS(run({{0, 2}}, views), "dispar: pair_block: cols must be a segment, got 2", bad);
  CHECK_THROWS_WITH_AS(run({{0, 1, true}}, views), "dispar: pair_block: cols must equal rows in a triangle, got 1", bad);
  CHECK_THROWS_WITH_AS(run({{0, 1}}, views, 2),
                       "dispar: total: rows of out must be the blocks, once per member of the operation, got 2", bad);
  CHECK_THROWS_WITH_AS(run({{0, 1}}, views, 1, 2), "dispar: total: cols of out must be the outputs, got 2", bad);
  CHECK_THROWS_WITH_AS(run({{0, 1}}, views, 1, 3, 4), "dispar: store: rows of out must be the rows of all segments, got 4", bad);
  CHECK_THROWS_WITH_AS(run({{0, 1}}, views, 1, 3, 5, 6), "dispar: store: cols of out must be the rows of all segments, got 6",
                       bad);
  for (int i = 0; i < 6; ++i) CHECK(out[i] == i + 1);
  CHECK(matrix == std::vector<double>(25, -1));
  run({{0, 1}}, views);
  CHECK(out[2] == 4);
}

}  // namespace engine_tests
