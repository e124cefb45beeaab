#include "dispar/backend/host/quadratic_sink.hpp"

#include <doctest/doctest.h>

#include "backend/host/probe.hpp"
#include "backend/host/sinks/integer_labels.hpp"
#include "backend/host/with_tile_edge.hpp"
#include "dispar/backend/host/pairwise.hpp"

namespace engine_tests {

template<class T>
void check_forms(const integer_samples<T>& samples, index count) {
  const dispar::tiled_host<dispar::serial> b;
  with_tile_edge data(dispar::pack_samples<dispar::l1>(b, samples.segments()), 1);
  const probe_operands<T> operands(samples.rows());
  const integer_labels labels{samples.rows(), count};
  for (const auto& list : work_lists()) {
    const auto& blocks = list.blocks;
    CAPTURE(list.name);
    std::vector<double> expected(static_cast<std::size_t>(count), 0);
    for_each_pair<dispar::l1>(samples, blocks, [&](int, index i, index j, const dispar::vec<double, 3>& out) {
      for (index p = 0; p < count; ++p) expected[static_cast<std::size_t>(p)] += labels.at(i, p) * labels.at(j, p) * out[1];
    });
    for (index width : {1, 2, 4}) {
      data.register_tiles = width;
      std::vector<double> forms(expected.size(), -7);
      dispar::pairwise(b, data, probe<1>(), blocks, operands.views(),
                       dispar::quadratic_forms<1, integer_labels>{labels, dispar::as_matrix(forms, 1, count)});
      CHECK(forms == expected);
    }
  }
}

TEST_CASE("w' K w for any number of labellings") {
  for (const auto& counts : segment_sizes()) check_forms(integer_samples<float>(counts, {5}, 1), 19);
  for (index count : {1, 15, 16, 17, 64, 511, 512, 513, 1030}) check_forms(integer_samples<float>({9, 30, 26}, {2}), count);
  check_forms(integer_samples<double>({9, 30, 26}, {2}), 37);
}

TEST_CASE("labels of other rows and results of another size are refused") {
  const integer_samples<float> samples({3, 4}, {2});
  const dispar::tiled_host<dispar::serial> b;
  const with_tile_edge data(dispar::pack_samples<dispar::l1>(b, samples.segments()), 1);
  const probe_operands<float> operands(7);
  const std::vector<dispar::pair_block> blocks{{0, 1}};
  std::vector<double> forms(5, -7);
  const auto run = [&](integer_labels labels, index members = 1) {
    const dispar::matrix_view<double> out(forms.data(), members, 5);
    dispar::pairwise(b, data, probe<1>(), blocks, operands.views(), dispar::quadratic_forms<1, integer_labels>{labels, out});
  };
  CHECK_THROWS_WITH_AS(run({8, 5}), "dispar: quadratic_forms: rows of labels must be the rows of all segments, got 8",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(run({7, 4}), "dispar: quadratic_forms: cols of out must be the labellings, got 5",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(run({7, 5}, 0), "dispar: quadratic_forms: rows of out must be the operation's members, got 0",
                       dispar::invalid_argument);
  CHECK(forms == std::vector<double>(5, -7));
}

}  // namespace engine_tests
