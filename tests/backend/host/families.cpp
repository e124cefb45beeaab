// A family of operations: every member as if it were alone, in every sink that takes families and in a list of pairs.
#include <doctest/doctest.h>

#include "backend/host/probe.hpp"
#include "backend/host/with_tile_edge.hpp"
#include "dispar/backend/host/labels.hpp"
#include "dispar/backend/host/pair_list.hpp"
#include "dispar/backend/host/quadratic_sink.hpp"

namespace engine_tests {

/// Member f: f + 1 times the outputs of `probe`.
struct probe_family {
  static constexpr int channels = 1, outputs = 3, operands = 2, most_members = 3;
  int count;

  [[nodiscard]] DISPAR_FN int members() const { return count; }
  template<class V, class At>
  DISPAR_FN dispar::vec<V, 3> operator()(dispar::vec<V, 1> d, const At& at) const {
    dispar::vec<V, 3> out = probe<1>()(d, at);
    for (int o = 0; o < 3; ++o) out[o] = out[o] * V(at.member + 1);
    return out;
  }
};

template<class T>
void check_family(const integer_samples<T>& samples, int members) {
  using Metric = dispar::sq_euclidean;
  const dispar::tiled_host<dispar::serial> b;
  with_tile_edge data(dispar::pack_samples<Metric>(b, samples.segments()), 1);
  const probe_operands<T> operands(samples.rows());
  const index n = samples.rows(), slots = 2, labellings = 37;
  const auto labels = draw_labels(dispar::tiled_host<dispar::serial>(), n, labellings, dispar::subset_labels{{3, 0}, n, n / 2});
  const auto sign = [&](index i, index p) { return labels.view().template at<double>(i, p); };
  const std::vector<dispar::pair_block> blocks{{0, 0, true, 0}, {1, 1, false, 1}, {2, 0, false, 0}, {1, 2, false, 1}};
  const auto count = static_cast<index>(blocks.size());
  std::vector<double> totals(static_cast<std::size_t>(members * count * 2)), rows(static_cast<std::size_t>(n * members * slots)),
      forms(static_cast<std::size_t>(members * labellings));
  const auto total_of = dispar::as_matrix(totals, members * count, 2), row_of = dispar::as_matrix(rows, n, members * slots),
             form_of = dispar::as_matrix(forms, members, labellings);
  for_each_pair<Metric>(samples, blocks, [&](int block, index i, index j, const dispar::vec<double, 3>& out) {
    for (int f = 0; f < members; ++f) {
      const int factor = f + 1;
      for (int o = 0; o < 2; ++o) total_of(f * count + block, o) += factor * out[o + 1];
      const index slot = f * slots + blocks[static_cast<std::size_t>(block)].slot;
      row_of(i, slot) += factor * out[0];
      row_of(j, slot) += factor * out[0];
      for (index p = 0; p < labellings; ++p) form_of(f, p) += factor * sign(i, p) * sign(j, p) * out[1];
    }
  });
  for (index width : {1, 2, 4}) {
    CAPTURE(width);
    data.register_tiles = width;
    std::vector<double> got_totals(totals.size(), -1), got_rows(rows.size(), -1), got_forms(forms.size(), -1);
    dispar::pairwise(
        b, data, probe_family{members}, blocks, operands.views(),
        dispar::total<1, 2>{dispar::as_matrix(got_totals, members * count, 2)},
        dispar::row_sums<0>{dispar::as_matrix(got_rows, n, members * slots)},
        dispar::quadratic_forms<1, dispar::label_view>{labels.view(), dispar::as_matrix(got_forms, members, labellings)});
    CHECK(got_totals == totals);
    CHECK(got_rows == rows);
    CHECK(got_forms == forms);
  }
}

TEST_CASE_TEMPLATE("totals, row sums and forms of a family are those of its members", T, float, double) {
  for (const auto& counts : segment_sizes())
    for (int members : {1, 2, 3}) check_family(integer_samples<T>(counts, {3}, 1), members);
}

TEST_CASE("a list of pairs has a column for every output of every member") {
  const integer_samples<float> samples({4, 5}, {3});
  const dispar::tiled_host<dispar::serial> b;
  const auto data = dispar::pack_samples<dispar::l1>(b, samples.segments());
  const probe_operands<float> operands(9);
  const auto pair_of = [](index p) { return dispar::row_pair{p, 8 - p, 2}; };
  std::vector<double> alone(4 * 3), together(4 * 6);
  dispar::pair_list(b, data, probe<1>(), 4, pair_of, operands.views(), dispar::as_matrix(alone, 4, 3));
  const auto family = dispar::as_matrix(together, 4, 6);
  dispar::pair_list(b, data, probe_family{2}, 4, pair_of, operands.views(), family);
  for (index p = 0; p < 4; ++p)
    for (index o = 0; o < 3; ++o) {
      CHECK(family(p, o) == alone[static_cast<std::size_t>(3 * p + o)]);
      CHECK(family(p, 3 + o) == 2 * family(p, o));
    }
  CHECK_THROWS_WITH_AS(dispar::pair_list(b, data, probe_family{2}, 4, pair_of, operands.views(), dispar::as_matrix(alone, 4, 3)),
                       "dispar: pair_list: cols of out must be the outputs, got 3", dispar::invalid_argument);
}

}  // namespace engine_tests
