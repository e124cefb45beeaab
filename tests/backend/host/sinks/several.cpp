// Every kind of sink in one pass, on two channels: none disturbs another.
#include "backend/host/sinks/gradient_checks.hpp"

namespace engine_tests {

template<class T>
void check_all_sinks(const integer_samples<T, 2>& samples) {
  using Metric = dispar::sq_euclidean;
  const dispar::tiled_host<dispar::serial> b;
  with_tile_edge data(dispar::pack_samples<Metric>(b, samples.segments()), 1);
  const probe_operands<T> operands(samples.rows());
  const index n = samples.rows();
  const std::vector<dispar::pair_block> blocks{{0, 0, true, 0}, {1, 1, false, 1}, {2, 0, false, 0}, {1, 2, false, 1}};
  std::vector<double> expected_totals(4 * 2, 0), expected_rows(static_cast<std::size_t>(n * 2), 0),
      expected_stored(static_cast<std::size_t>(n * n), -1);
  for_each_pair<Metric>(samples, blocks, [&](int block, index i, index j, const dispar::vec<double, 3>& out) {
    const auto& segments = blocks[static_cast<std::size_t>(block)];
    for (int o = 0; o < 2; ++o) expected_totals[static_cast<std::size_t>(block * 2 + o)] += out[o + 1];
    expected_rows[static_cast<std::size_t>(i * 2 + segments.slot)] += out[0];
    expected_rows[static_cast<std::size_t>(j * 2 + segments.slot)] += out[0];
    expected_stored[static_cast<std::size_t>(i * n + j)] = out[2];
    if (segments.triangle || segments.rows != segments.cols) expected_stored[static_cast<std::size_t>(j * n + i)] = out[2];
  });
  const auto first = defined_gradient<Metric>(samples, blocks, 0), second = defined_gradient<Metric>(samples, blocks, 1);
  for (index width : {1, 2, 4}) {
    CAPTURE(width);
    data.register_tiles = width;
    std::vector<double> totals(expected_totals.size(), -1), rows(expected_rows.size(), -1), stored(expected_stored.size(), -1);
    std::vector<T> gradient_0(first.size(), T(-1)), gradient_1(second.size(), T(-1));
    dispar::pairwise(b, data, probe<2>(), blocks, operands.views(),
                     dispar::feature_gradient<1, 1, T, 3>{rows_of_segments(gradient_1, samples, samples.features[1])},
                     dispar::total<1, 2>{dispar::as_matrix(totals, 4, 2)}, dispar::row_sums<0>{dispar::as_matrix(rows, n, 2)},
                     dispar::feature_gradient<1, 0, T, 3>{rows_of_segments(gradient_0, samples, samples.features[0])},
                     dispar::store<2, double>{dispar::as_matrix(stored, n, n)});
    CHECK(totals == expected_totals);
    CHECK(rows == expected_rows);
    CHECK(stored == expected_stored);
    CHECK(std::vector<double>(gradient_0.begin(), gradient_0.end()) == first);
    CHECK(std::vector<double>(gradient_1.begin(), gradient_1.end()) == second);
  }
}

TEST_CASE_TEMPLATE("total, row sums, a matrix and the gradients by two channels in one pass", T, float, double) {
  for (const auto& counts : segment_sizes()) check_all_sinks(integer_samples<T, 2>(counts, {2, 5}, 1));
}

}  // namespace engine_tests
