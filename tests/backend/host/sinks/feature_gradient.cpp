#include "backend/host/sinks/gradient_checks.hpp"

namespace engine_tests {

TEST_CASE_TEMPLATE("gradients of metrics that are products, or whose slopes are", Metric, dispar::sq_euclidean, dispar::dot,
                   squared_gap) {
  for (const auto& counts : segment_sizes()) check_gradient<Metric>(integer_samples<float>(counts, {5}, 1));
  for (index d : {1, 16, 47, 64, 191, 192, 193}) check_gradient<Metric>(integer_samples<float>({3, 11, 6}, {d}, 1));
}

TEST_CASE("factor, accumulation, null views, strided results, fewer segments than there are") {
  const integer_samples<float> samples({20, 30, 7}, {3}, 2);
  const dispar::tiled_host<dispar::serial> b;
  const with_tile_edge data(dispar::pack_samples<dispar::sq_euclidean>(b, samples.segments()), 1);
  const probe_operands<float> operands(samples.rows());
  const std::vector<dispar::pair_block> blocks{{0, 0, true}, {0, 1}, {2, 1}, {2, 0}};
  const auto expected = defined_gradient<dispar::sq_euclidean>(samples, blocks, 0);
  const auto run = [&](const auto& sink) { dispar::pairwise(b, data, probe<1>(), blocks, operands.views(), sink); };

  std::vector<float> gradient(expected.size(), 5);
  auto views = rows_of_segments(gradient, samples, 3);
  views[1] = {};
  run(dispar::feature_gradient<1, 0, float, 3>{views, -0.5, true});
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const bool of_segment_1 = i >= 20 * 3 && i < 50 * 3;
    CHECK(static_cast<double>(gradient[i]) == (of_segment_1 ? 5 : 5 - 0.5 * expected[i]));
  }

  std::vector<float> columns(20 * 3 * 2, 5);
  const dispar::matrix_view<float> strided(columns.data(), {20, 3}, {2, 40});
  run(dispar::feature_gradient<1, 0, float, 1>{{strided}});
  for (index i = 0; i < 20; ++i)
    for (index k = 0; k < 3; ++k) {
      CHECK(static_cast<double>(strided(i, k)) == expected[static_cast<std::size_t>(i * 3 + k)]);
      CHECK(columns[static_cast<std::size_t>(2 * i + 40 * k + 1)] == 5);
    }
}

TEST_CASE("gradients of another shape than the sample are refused before anything is written") {
  const integer_samples<float> samples({4, 5, 6}, {3});
  const dispar::tiled_host<dispar::serial> b;
  const with_tile_edge data(dispar::pack_samples<dispar::sq_euclidean>(b, samples.segments()), 1);
  const probe_operands<float> operands(samples.rows());
  const std::vector<dispar::pair_block> blocks{{0, 1}};
  std::vector<float> memory(15 * 3, 5);
  const auto run = [&](dispar::matrix_view<float> of_segment_1) {
    auto views = rows_of_segments(memory, samples, 3);
    views[1] = of_segment_1;
    dispar::pairwise(b, data, probe<1>(), blocks, operands.views(), dispar::feature_gradient<1, 0, float, 3>{views});
  };
  CHECK_THROWS_WITH_AS(run({memory.data(), 4, 3}), "dispar: gradient: rows must be those of the sample, got 4",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(run({memory.data(), 5, 2}), "dispar: gradient: cols must be the features of the sample, got 2",
                       dispar::invalid_argument);
  CHECK(memory == std::vector<float>(15 * 3, 5));
}

}  // namespace engine_tests
