#include "dispar/backend/host/pair_list.hpp"

#include <doctest/doctest.h>

#include "backend/host/probe.hpp"
#include "dispar/backend/operations.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "normal_rows.hpp"

namespace engine_tests {

namespace {

const dispar::tiled_host<dispar::serial> b;

}  // namespace

TEST_CASE_TEMPLATE("chosen pairs, on two channels: diagonals, repetitions, any order", T, float, double) {
  for (const auto& counts : segment_sizes()) {
    const integer_samples<T, 2> samples(counts, {4, 2}, 3);
    const auto data = dispar::pack_samples<dispar::sq_euclidean>(b, samples.segments());
    const probe_operands<T> operands(samples.rows());
    const probe_operands<double> exact(samples.rows());
    const index n = samples.rows(), count = 3 * n + 1;
    const auto pair = [&](index p) { return dispar::row_pair{p * 7 % n, p * p % n, static_cast<int>(p % 3)}; };
    std::vector<double> out(static_cast<std::size_t>(count * 3), -1), expected;
    for (index p = 0; p < count; ++p) {
      const auto [i, j, block] = pair(p);
      const double sum =
          samples.distance(dispar::sq_euclidean(), 0, i, j) + 2 * samples.distance(dispar::sq_euclidean(), 1, i, j);
      expected.push_back(sum);
      expected.push_back(sum * exact.first[static_cast<std::size_t>(i)] + exact.second[static_cast<std::size_t>(j)]);
      expected.push_back(block + 1);
    }
    const auto views = operands.views();
    dispar::pair_list(b, data, probe<2>(), count, pair, std::span(views), dispar::as_matrix(out, count, 3));
    CHECK(out == expected);
    dispar::pair_list(b, data, probe<2>(), 0, pair, std::span(views), dispar::matrix_view<double>(out.data(), 0, 3));
    CHECK(out == expected);
  }
}

#if !defined(__FAST_MATH__)  // which may reorder the sum of a single pair
TEST_CASE("a pair by itself and in a tile has the same bits") {
  const index n = 70, d = 33;
  const auto x = normal_rows<float>(n, d, 1);
  const std::vector<dispar::sample<float, 1>> segments{{{dispar::as_matrix(x, n, d)}}};
  const auto data = dispar::pack_samples<dispar::sq_euclidean>(b, segments);
  const dispar::kernel_value<dispar::gaussian, float> operation(dispar::gaussian{4});
  std::vector<double> stored(static_cast<std::size_t>(n * n)), listed(stored.size());
  const std::vector<dispar::pair_block> square{{0, 0}};
  dispar::pairwise(b, data, operation, square, {}, dispar::store<0, double>{dispar::as_matrix(stored, n, n)});
  dispar::pair_list(
      b, data, operation, n * n,
      [&](index p) {
        return dispar::row_pair{p / n, p % n, 0};
      },
      {}, dispar::as_matrix(listed, n * n, 1));
  CHECK(stored == listed);
}
#endif

TEST_CASE("operands and results of another size are refused before anything is written") {
  const integer_samples<float, 2> samples({3, 4}, {2, 2});
  const auto data = dispar::pack_samples<dispar::sq_euclidean>(b, samples.segments());
  const probe_operands<float> operands(7), short_operands(6);
  std::vector<double> out(20 * 3, -1);
  const auto run = [&](const std::vector<dispar::vector_view<const float>>& views, index rows, index cols) {
    dispar::pair_list(
        b, data, probe<2>(), 20,
        [](index) {
          return dispar::row_pair{0, 0, 0};
        },
        std::span(views), dispar::matrix_view<double>(out.data(), rows, cols));
  };
  using bad = dispar::invalid_argument;
  CHECK_THROWS_WITH_AS(run({}, 20, 3), "dispar: pair_list: operands must match the operation, got 0", bad);
  CHECK_THROWS_WITH_AS(run(short_operands.views(), 20, 3), "dispar: pair_list: operand must have one entry per row, got 6", bad);
  CHECK_THROWS_WITH_AS(run(operands.views(), 19, 3), "dispar: pair_list: rows of out must be the pairs, got 19", bad);
  CHECK_THROWS_WITH_AS(run(operands.views(), 20, 2), "dispar: pair_list: cols of out must be the outputs, got 2", bad);
  CHECK(out == std::vector<double>(20 * 3, -1));
}

}  // namespace engine_tests
