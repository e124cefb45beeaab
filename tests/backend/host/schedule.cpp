#include "dispar/backend/host/schedule.hpp"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <set>
#include <vector>

namespace engine_tests {

using namespace dispar;
using dispar::index;  // in a namespace: POSIX has a global index()

namespace {

using tile = std::array<index, 3>;  // block, row, column

/// Every tile of a work list, by its definition, once.
std::map<tile, int> defined_tiles(const std::vector<pair_block>& blocks, const std::vector<index>& tiles) {
  std::map<tile, int> all;
  for (std::size_t b = 0; b < blocks.size(); ++b)
    for (index r = 0; r < tiles[static_cast<std::size_t>(blocks[b].rows)]; ++r)
      for (index c = blocks[b].triangle ? r : 0; c < tiles[static_cast<std::size_t>(blocks[b].cols)]; ++c)
        ++all[{static_cast<index>(b), r, c}];
  return all;
}

template<class Schedule>
std::map<tile, int> visited_tiles(const Schedule& schedule) {
  std::map<tile, int> all;
  for (index round = 0; round < schedule.rounds(); ++round)
    for (index task = 0; task < schedule.tasks_in_round(round); ++task)
      schedule.for_each_tile(round, task, [&](const detail::tile_at& at) { ++all[{at.block, at.row, at.col}]; });
  return all;
}

/// In no round do two tasks touch a strip of rows: a segment and a tile within it.
void check_strips(const detail::tournament_schedule& schedule, const std::vector<pair_block>& blocks) {
  for (index round = 0; round < schedule.rounds(); ++round) {
    std::map<std::array<index, 2>, std::set<index>> tasks_of_strip;
    for (index task = 0; task < schedule.tasks_in_round(round); ++task)
      schedule.for_each_tile(round, task, [&](const detail::tile_at& at) {
        const auto& b = blocks[static_cast<std::size_t>(at.block)];
        tasks_of_strip[{b.rows, at.row}].insert(task);
        tasks_of_strip[{b.cols, at.col}].insert(task);
      });
    for (const auto& [strip, tasks] : tasks_of_strip) CHECK(tasks.size() == 1);
  }
}

const std::vector<std::vector<pair_block>> lists_of_one{{{0, 0, true}}, {{0, 0, false}}};
const std::vector<std::vector<pair_block>> lists_of_three{
    {{0, 1}},
    {{1, 0}},
    {{0, 0, true}, {1, 1, true}, {0, 1}},
    {{2, 2, true}, {0, 0, true}},
    {{2, 1}, {1, 1, false}, {0, 2}, {0, 0, true}, {2, 2, false}, {1, 0}},
    {{0, 1}, {1, 0}, {0, 1}},       // the same segments, three times
    {{1, 1, true}, {1, 1, false}},  // a triangle and a square of one segment
    {},
};
const std::vector<std::vector<index>> shapes_of_three{{1, 1, 1}, {1, 2, 3}, {3, 1, 2}, {5, 4, 7}, {8, 8, 8}, {1, 20, 1}};

/// Data as `tile_edge` sees it.
struct counted {
  using value_type = float;
  std::vector<index> counts;
  [[nodiscard]] index count(int s) const { return counts[static_cast<std::size_t>(s)]; }
};
struct counted_with_edge : counted {
  [[nodiscard]] index tile_edge() const { return 7 * detail::register_tile<float>::width; }
};

}  // namespace

TEST_CASE("runs visit every tile of every block once, in order, for any number of tasks") {
  const auto check = [](const std::vector<pair_block>& blocks, const std::vector<index>& tiles) {
    for (index most : {1, 2, 3, 7, 256, 100000}) {
      const detail::run_schedule schedule(blocks, tiles, most);
      CHECK(schedule.rounds() == 1);
      CHECK(schedule.tasks() == schedule.tasks_in_round(0));
      const auto expected = defined_tiles(blocks, tiles);
      CHECK(schedule.tasks() == std::min<index>(most, static_cast<index>(expected.size())));
      CHECK(visited_tiles(schedule) == expected);
      tile previous{-1, -1, -1};
      std::size_t smallest = expected.size(), largest = 0;
      for (index task = 0; task < schedule.tasks(); ++task) {
        std::size_t count = 0;
        schedule.for_each_tile(0, task, [&](const detail::tile_at& at) {
          const tile now{at.block, at.row, at.col};
          CHECK(previous < now);
          previous = now;
          ++count;
        });
        smallest = std::min(smallest, count);
        largest = std::max(largest, count);
      }
      if (schedule.tasks() > 0) CHECK(largest - smallest <= 1);
    }
  };
  for (const auto& blocks : lists_of_one)
    for (index tiles = 1; tiles < 14; ++tiles) check(blocks, {tiles});
  for (const auto& blocks : lists_of_three)
    for (const auto& tiles : shapes_of_three) check(blocks, tiles);
}

TEST_CASE("the tournament visits every tile of every block once, no two tasks of a round on one strip") {
  const auto check = [](const std::vector<pair_block>& blocks, const std::vector<index>& tiles) {
    const detail::tournament_schedule schedule(blocks, tiles);
    CHECK(visited_tiles(schedule) == defined_tiles(blocks, tiles));
    check_strips(schedule, blocks);
    for (index round = 0; round < schedule.rounds(); ++round) CHECK(schedule.tasks_in_round(round) <= schedule.tasks());
  };
  for (const auto& blocks : lists_of_one)
    for (index tiles = 1; tiles < 30; ++tiles) check(blocks, {tiles});
  for (const auto& blocks : lists_of_three)
    for (const auto& tiles : shapes_of_three) check(blocks, tiles);
}

TEST_CASE("tiles are four to one register tiles wide, by shape only; data may fix the width") {
  const index width = detail::register_tile<float>::width;
  const std::vector<pair_block> triangle{{0, 0, true}}, cross{{0, 1}};
  CHECK(detail::tile_edge(counted{{1}}, triangle) == width);
  CHECK(detail::tile_edge(counted{{20 * width}}, triangle) == width);      // 10 tiles of two make 55 pairs
  CHECK(detail::tile_edge(counted{{22 * width}}, triangle) == 2 * width);  // 11 make 66
  CHECK(detail::tile_edge(counted{{30 * width}}, triangle) == 2 * width);
  CHECK(detail::tile_edge(counted{{30 * width + 1}}, triangle) == 3 * width);  // 11 of three
  CHECK(detail::tile_edge(counted{{40 * width}}, triangle) == 3 * width);
  CHECK(detail::tile_edge(counted{{40 * width + 1}}, triangle) == 4 * width);  // 11 of four
  CHECK(detail::tile_edge(counted{{32 * width, 32 * width}}, cross) == 4 * width);
  CHECK(detail::tile_edge(counted{{32 * width, 28 * width}}, cross) == 3 * width);
  CHECK(detail::tile_edge(counted{{21 * width, 21 * width}}, cross) == 2 * width);  // 7 of three by 7 would be 49
  CHECK(detail::tile_edge(counted{{100 * width}}, {}) == width);
  CHECK(detail::tile_edge(counted_with_edge{{{100 * width}}}, triangle) == 7 * width);
}

}  // namespace engine_tests
