#include "dispar/backend/host/kept_distances.hpp"

#include <doctest/doctest.h>

#include "backend/host/probe.hpp"
#include "backend/host/with_tile_edge.hpp"
#include "dispar/backend/host/pairwise.hpp"

namespace engine_tests {

namespace {

const dispar::tiled_host<dispar::serial> b;

/// Row sums and total of one output, as the data gives them.
template<class Data>
std::vector<double> sums(const Data& data, const dispar::pair_block& block,
                         std::span<const dispar::vector_view<const typename Data::value_type>> operands) {
  std::vector<double> all(static_cast<std::size_t>(data.rows() + 1), -7);
  const std::array blocks{block};
  dispar::pairwise(b, data, probe<1>(), blocks, operands,
                   dispar::row_sums<1>{dispar::matrix_view<double>(all.data(), data.rows(), 1)},
                   dispar::total<1, 1>{dispar::matrix_view<double>(all.data() + data.rows(), 1, 1)});
  return all;
}

}  // namespace

TEST_CASE_TEMPLATE("kept distances: the pass that keeps, those that read and one without memory agree to the bit", T, float,
                   double) {
  for (const auto& counts : segment_sizes()) {
    const integer_samples<T> samples(counts, {5}, 1);
    const probe_operands<T> operands(samples.rows());
    const auto packed = [&] { return dispar::pack_samples<dispar::sq_euclidean>(b, samples.segments()); };
    for (const dispar::pair_block& block : {dispar::pair_block{0, 1}, dispar::pair_block{2, 0}, dispar::pair_block{1, 1, true}})
      for (index width : {1, 2}) {
        const auto expected = sums(with_tile_edge(packed(), width), block, operands.views());
        with_tile_edge kept(dispar::keep_distances(b, packed(), &block), width);
        CHECK(sums(kept, block, operands.views()) == expected);
        kept.give();
        CHECK(sums(kept, block, operands.views()) == expected);
        CHECK(sums(kept, block, operands.views()) == expected);
        with_tile_edge computed(dispar::keep_distances(b, packed(), nullptr), width);
        computed.give();
        CHECK(sums(computed, block, operands.views()) == expected);
      }
  }
}

}  // namespace engine_tests
