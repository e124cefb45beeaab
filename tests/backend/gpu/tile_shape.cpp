#include "dispar/backend/gpu/tile_shape.hpp"

#include <doctest/doctest.h>

#include <set>
#include <vector>

namespace {

using dispar::detail::fma_shape;
using dispar::detail::tensor_shape;

/// Every pair of the tile is one thread's; rows are where `row_lanes` and `row_warps` say.
template<class Shape>
void check_positions() {
  std::vector<int> hits(static_cast<std::size_t>(Shape::edge * Shape::edge));
  std::vector<std::set<int>> lanes(Shape::edge), warps(Shape::edge);
  for (int thread = 0; thread < Shape::threads; ++thread)
    for (int r = 0; r < Shape::rows; ++r) {
      const int row = Shape::row(thread, r);
      REQUIRE(row >= 0);
      REQUIRE(row < Shape::edge);
      lanes[static_cast<std::size_t>(row)].insert(thread / Shape::row_lanes);
      CHECK(Shape::row_warp(thread) >= 0);
      CHECK(Shape::row_warp(thread) < Shape::row_warps);
      warps[static_cast<std::size_t>(row)].insert(Shape::row_warp(thread));
      for (int s = 0; s < Shape::cols; ++s) {
        const int col = Shape::col(thread, s);
        REQUIRE(col >= 0);
        REQUIRE(col < Shape::edge);
        ++hits[static_cast<std::size_t>(row) * Shape::edge + static_cast<std::size_t>(col)];
      }
    }
  for (const int count : hits) CHECK(count == 1);
  for (const auto& of_row : lanes) CHECK(of_row.size() == Shape::row_warps);  // whole groups of lanes, one per warp
  for (const auto& of_row : warps) CHECK(of_row.size() == Shape::row_warps);
}

/// The words that lanes read at once lie in different banks of shared memory: columns by 32 lanes, pairs of rows by 16.
template<class Shape>
void check_banks() {
  std::set<int> of_columns, of_rows;
  for (int lane = 0; lane < 32; ++lane) of_columns.insert((lane % 4 * Shape::pitch + lane / 4) % 32);
  for (int lane = 0; lane < 16; ++lane)
    for (int word = 0; word < 2; ++word) of_rows.insert((lane % 4 * Shape::pitch + lane / 4 * 2 + word) % 32);
  CHECK(of_columns.size() == 32);
  CHECK(of_rows.size() == 32);
  CHECK(Shape::pitch % Shape::piece == 0);
}

}  // namespace

TEST_CASE("tile shapes: every pair belongs to one thread") {
  check_positions<fma_shape<float>>();
  check_positions<fma_shape<double>>();
  check_positions<tensor_shape<64>>();
  check_positions<tensor_shape<128>>();
}

TEST_CASE("tile shapes: pairs are where the instruction leaves sums: blocks of 16 x 8, columns 2t and 2t + 1") {
  using shape = tensor_shape<128>;
  for (int thread = 0; thread < shape::threads; ++thread) {
    const int g = thread % 32 / 4, t = thread % 4;
    CHECK(shape::row(thread, 0) == shape::first_row(thread) + 2 * g);
    CHECK(shape::row(thread, 1) == shape::first_row(thread) + 2 * g + 1);
    CHECK(shape::row(thread, 6) == shape::first_row(thread) + 48 + 2 * g);
    CHECK(shape::col(thread, 0) == shape::first_col(thread) + 2 * t);
    CHECK(shape::col(thread, 1) == shape::first_col(thread) + 2 * t + 1);
    CHECK(shape::col(thread, 7) == shape::first_col(thread) + 24 + 2 * t + 1);
  }
}

TEST_CASE("tile shapes: no bank conflicts") {
  check_banks<tensor_shape<64>>();
  check_banks<tensor_shape<128>>();
}
