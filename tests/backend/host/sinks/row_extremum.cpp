#include <doctest/doctest.h>

#include "backend/host/any_order.hpp"
#include "backend/host/probe.hpp"
#include "backend/host/with_tile_edge.hpp"
#include "dispar/backend/cpu.hpp"

namespace engine_tests {

/// Output 1 of `probe`, where rows of one class (operand 0) count nothing; NaN where operand 1 of both rows is `bad`.
template<class Order, class T>
struct between_classes {
  static constexpr int channels = 1, outputs = 2, operands = 2;
  double bad = -1;
  template<class V, class At>
  DISPAR_FN dispar::vec<V, 2> operator()(dispar::vec<V, 1> d, const At& at) const {
    using sink = dispar::row_extremum<1, Order>;
    const V out = select(at.row[0] == at.col[0], V(sink::template bound<T>), probe<1>()(d, at)[1]);
    const auto both = [&](V x) { return select(at.row[1] == x, select(at.col[1] == x, V(1), V(0)), V(0)); };
    return {{V(0), select(both(V(static_cast<T>(bad))) == V(1), V(dispar::quiet_nan<T>()), out)}};
  }
};

template<class State>
bool same(const std::vector<State>& a, const std::vector<State>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool values = a[i].value == b[i].value || (dispar::is_nan(a[i].value) && dispar::is_nan(b[i].value));
    if (a[i].at != b[i].at || !values) return false;
  }
  return true;
}

/// First outputs and their places by slot, for every work list, width of tiles and order of tasks. Small integers: full of ties.
template<class Order, class T>
void check_row_extrema(const integer_samples<T>& samples, double bad) {
  using sink = dispar::row_extremum<1, Order>;
  using state = typename sink::state;
  const dispar::tiled_host<any_order> b;
  with_tile_edge data(dispar::pack_samples<dispar::sq_euclidean>(b, samples.segments()), 1);
  const probe_operands<T> operands(samples.rows());
  const index n = samples.rows(), slots = 3;
  const auto start = [&](bool accumulate) {
    return std::vector<state>(static_cast<std::size_t>(n * slots), accumulate ? state{3, 2} : state{-7, 5});
  };
  for (const auto& list : work_lists()) {
    const auto& blocks = list.blocks;
    CAPTURE(list.name);
    for (const bool accumulate : {false, true}) {
      CAPTURE(accumulate);
      auto expected = accumulate ? start(true) : std::vector<state>(static_cast<std::size_t>(n * slots), sink::fold::identity());
      for_each_pair<dispar::sq_euclidean>(samples, blocks, [&](int block, index i, index j, const dispar::vec<double, 3>& out) {
        const auto& of = blocks[static_cast<std::size_t>(block)];
        const auto a = static_cast<std::size_t>(i), c = static_cast<std::size_t>(j);
        const bool nan = operands.second[a] == static_cast<T>(bad) && operands.second[c] == static_cast<T>(bad);
        if (!nan && operands.first[a] == operands.first[c]) return;
        const double value = nan ? dispar::quiet_nan<double>() : out[1];
        sink::fold::lane(expected[static_cast<std::size_t>(i * slots + of.slot)], value, j - samples.first(of.cols));
        sink::fold::lane(expected[static_cast<std::size_t>(j * slots + of.slot)], value, i - samples.first(of.rows));
      });
      for (index width : {1, 2, 4}) {
        data.register_tiles = width;
        for (const any_order& order : orders_of_tasks) {
          auto found = start(accumulate);
          dispar::pairwise(dispar::tiled_host<any_order>{order}, data, between_classes<Order, T>{bad}, blocks, operands.views(),
                           sink{dispar::matrix_view<state>(found.data(), n, slots), accumulate});
          CHECK(same(found, expected));
        }
      }
    }
  }
}

TEST_CASE("row extrema: the first output and the lowest row that has it, whatever the tiles; pairs left out; no pair; merged") {
  for (const auto& counts : segment_sizes()) {
    check_row_extrema<dispar::folds::largest_first>(integer_samples<float>(counts, {5}, 1), -1);
    check_row_extrema<dispar::folds::smallest_first>(integer_samples<float>(counts, {5}, 1), -1);
    check_row_extrema<dispar::folds::largest_first>(integer_samples<double>(counts, {2}, 2), -1);
    check_row_extrema<dispar::folds::smallest_first>(integer_samples<double>(counts, {2}, 2), -1);
  }
}

TEST_CASE("row extrema: NaN comes first, the lowest row among several") {
  check_row_extrema<dispar::folds::largest_first>(integer_samples<float>({15, 25, 49}, {3}, 1), 2);
  check_row_extrema<dispar::folds::smallest_first>(integer_samples<double>({15, 25, 49}, {3}, 1), 2);
}

TEST_CASE("row extrema: states of bands, with their first rows added, merge to those of all rows") {
  using sink = dispar::row_extremum<0, dispar::folds::smallest_first>;
  using state = sink::state;
  const index n = 70, first = 48;
  const integer_samples<double> samples({n}, {2}, 3);
  const dispar::tiled_host<dispar::serial> b;
  const auto all = samples.segments()[0].channel[0];
  const auto run = [&](const std::vector<dispar::sample<double, 1>>& segments, const dispar::pair_block& block) {
    const auto data = dispar::pack_samples<dispar::dot>(b, std::span<const dispar::sample<double, 1>>(segments));
    std::vector<state> out(static_cast<std::size_t>(data.rows()));
    const std::vector<dispar::pair_block> blocks{block};
    const probe_operands<double> operands(data.rows());
    dispar::pairwise(b, data, probe<1>(), blocks, operands.views(), sink{dispar::matrix_view<state>(out.data(), data.rows(), 1)});
    return out;
  };
  const auto expected = run({{{all}}}, {0, 0, true});
  std::vector<state> merged(static_cast<std::size_t>(n), sink::fold::identity());
  const auto add = [&](index row, state s, index first_met) {
    if (s.at >= 0) s.at += first_met;
    sink::fold::merge(merged[static_cast<std::size_t>(row)], s);
  };
  const auto low = all.slice(0, first), high = all.slice(first, n - first);
  const auto within_low = run({{{low}}}, {0, 0, true}), within_high = run({{{high}}}, {0, 0, true});
  const auto across = run({{{low}}, {{high}}}, {0, 1});
  for (index i = 0; i < n; ++i) {
    const auto k = static_cast<std::size_t>(i), own = static_cast<std::size_t>(i < first ? i : i - first);
    add(i, i < first ? within_low[own] : within_high[own], i < first ? 0 : first);
    add(i, across[k], i < first ? first : 0);
  }
  CHECK(same(merged, expected));
}

TEST_CASE("row extrema into a view with gaps; wrong shapes and slots are refused before anything is written") {
  using sink = dispar::row_extremum<1, dispar::folds::largest_first>;
  using state = sink::state;
  const integer_samples<float> samples({3, 4}, {2});
  const dispar::tiled_host<dispar::serial> b;
  const with_tile_edge data(dispar::pack_samples<dispar::sq_euclidean>(b, samples.segments()), 1);
  const probe_operands<float> operands(7);
  std::vector<state> memory(7 * 6, {-7, -7});
  const auto run = [&](const std::vector<dispar::pair_block>& blocks, index rows, index cols) {
    const dispar::matrix_view<state> out(memory.data(), {rows, cols}, {6, 2});
    dispar::pairwise(b, data, probe<1>(), blocks, operands.views(), sink{out});
  };
  using bad = dispar::invalid_argument;
  CHECK_THROWS_WITH_AS(run({{0, 1}}, 6, 2), "dispar: row_extremum: out must have one row per sample row, got 6", bad);
  CHECK_THROWS_WITH_AS(run({{0, 1, false, 2}}, 7, 2), "dispar: row_extremum: slot must be a column of out, got 2", bad);
  CHECK_THROWS_WITH_AS(run({{0, 1, false, -1}}, 7, 2), "dispar: row_extremum: slot must be a column of out, got -1", bad);
  CHECK(same(memory, std::vector<state>(7 * 6, {-7, -7})));
  run({{0, 1, false, 1}}, 7, 2);
  for (std::size_t i = 0; i < memory.size(); ++i) {
    if (i % 6 == 0) CHECK((memory[i].at == -1 && memory[i].value == 0));  // slot 0, where no block adds
    if (i % 6 != 0 && i % 6 != 2) CHECK(memory[i].at == -7);
  }
}

}  // namespace engine_tests
