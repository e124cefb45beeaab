#include "dispar/backend/gpu/tile_schedule.hpp"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <set>
#include <utility>

namespace {

using dispar::index;
using dispar::pair_block;
using namespace dispar::detail;

/// Segments of some rows each, padded to 64.
struct segments_of_rows {
  std::vector<index> counts;
  [[nodiscard]] int segments() const { return static_cast<int>(counts.size()); }
  [[nodiscard]] index count(int s) const { return counts[static_cast<std::size_t>(s)]; }
  [[nodiscard]] index first(int s) const {
    index sum = 0;
    for (int i = 0; i < s; ++i) sum += count(i);
    return sum;
  }
  [[nodiscard]] index first_packed(int s) const {
    index sum = 0;
    for (int i = 0; i < s; ++i) sum += (count(i) + 63) / 64 * 64;
    return sum;
  }
};

/// The tiles in their order: block, strips.
std::vector<std::array<index, 3>> tiles_of(const tile_schedule& schedule) {
  std::vector<std::array<index, 3>> tiles;
  std::size_t r = 0;
  for (index t = 0; t < schedule.tiles; ++t) {
    while (r + 1 < schedule.runs.size() && schedule.runs[r + 1].begin <= t) ++r;
    const strip_pair pair = tile_of(schedule.runs[r], t - schedule.runs[r].begin);
    tiles.push_back({schedule.runs[r].block, pair.row, pair.col});
  }
  return tiles;
}

TEST_CASE("GPU tile schedule: every pair of strips of every block once") {
  for (const std::array<index, 2> rows : {std::array<index, 2>{1, 1}, {128, 129}, {2048, 2049}, {5000, 300}, {4096, 6200}}) {
    const segments_of_rows data{{rows[0], rows[1]}};
    const std::array<pair_block, 4> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}, {1, 0, false}}};
    const tile_schedule schedule(data, blocks, 128);
    const index n = (rows[0] + 127) / 128, m = (rows[1] + 127) / 128;
    std::map<std::array<index, 3>, int> hits;
    for (const auto& tile : tiles_of(schedule)) ++hits[tile];
    std::size_t expected = 0;
    const auto expect = [&](index block, index row, index col) {
      ++expected;
      CHECK(hits[{block, row, col}] == 1);
    };
    for (index i = 0; i < n; ++i)
      for (index j = i; j < n; ++j) expect(0, i, j);
    for (index i = n; i < n + m; ++i)
      for (index j = i; j < n + m; ++j) expect(1, i, j);
    for (index i = 0; i < n; ++i)
      for (index j = n; j < n + m; ++j) expect(2, i, j), expect(3, j, i);
    CHECK(hits.size() == expected);
    CHECK(schedule.tiles == static_cast<index>(expected));
  }
}

TEST_CASE("GPU tile schedule: tiles that are worked on at a time have few strips") {
  const segments_of_rows data{{20000, 30000}};
  const std::array<pair_block, 2> blocks{{{0, 0, true}, {0, 1, false}}};
  const auto tiles = tiles_of(tile_schedule(data, blocks, 128));
  constexpr std::size_t at_a_time = 256;
  for (std::size_t first = 0; first + at_a_time <= tiles.size(); first += 37) {
    std::set<index> strips;
    for (std::size_t t = first; t < first + at_a_time; ++t) strips.insert(tiles[t][1]), strips.insert(tiles[t][2]);
    CHECK(strips.size() <= 80);  // 16 and 16, or on both sides of the end of a run
  }
}

}  // namespace
