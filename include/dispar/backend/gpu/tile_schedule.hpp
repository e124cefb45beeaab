#pragma once
/// \file
/// Which tiles of pairs there are, and their numbers. Depends on shapes only. Plain C++, so that it is tested without a GPU.

#include <cstdint>
#include <span>
#include <vector>

#include "dispar/backend/pairwise.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Up to one tile edge of consecutive rows of one segment.
struct row_strip {
  index packed;  ///< packed number of the first row: every segment starts a strip
  index number;  ///< its number among the rows of all segments
  index local;   ///< its number inside the segment
  int count;     ///< rows that exist, the rest of the strip is padding
  int segment;
};

/// A `pair_block` in strips.
struct tile_block {
  index row_begin, row_end;  ///< strips of the row segment
  index col_begin, col_end;
  int rows, cols;  ///< segments
  int slot;
  bool triangle;
};

/// Tiles of a block that follow one another: up to `strips_per_run` strips of rows with all columns they meet, column after
/// column. The tiles that are worked on at a time, one per multiprocessor or two, then have few strips, which stay in the L2
/// cache: 16 x 16 tiles of 128 rows and 768 floats read 12 MB, a row of 256 tiles 100 MB.
struct tile_run {
  index begin;               ///< number of its first tile
  index row_begin, row_end;  ///< strips
  index col_begin, col_end;
  int block;
  bool triangle;  ///< rows and columns are the same strips: the upper triangle
};
inline constexpr index strips_per_run = 16;

/// Numbers of two strips that meet.
struct strip_pair {
  index row, col;
};

/// Tile `t` of the upper triangle, diagonal included, of an n x n square of tiles; 0 <= t < n (n + 1) / 2.
/// Row f of the triangle is folded onto the row with which it fills a whole line, so that no square root is needed.
[[nodiscard]] DISPAR_FN constexpr strip_pair triangle_tile(index t, index n) {
  const index partner = n % 2 == 0 ? n - 1 : n;  // rows f and partner - f share a line
  const index line = partner + (n % 2 == 0 ? 2 : 0);
  const index f = t / line, c = t % line;
  if (c < n - f) return {f, f + c};
  return {partner - f, partner - f + c - (n - f)};
}

/// The strips of tile `t` of a run, counted from the run's first tile.
[[nodiscard]] DISPAR_FN constexpr strip_pair tile_of(const tile_run& run, index t) {
  const index rows = run.row_end - run.row_begin;
  if (run.triangle) {
    const strip_pair p = triangle_tile(t, rows);
    return {run.row_begin + p.row, run.row_begin + p.col};
  }
  // 32 bits: a run has below 2^31 tiles while rows are below 2^34, and division of 64 bits costs some hundred instructions.
  const auto number = static_cast<std::uint32_t>(t), lines = static_cast<std::uint32_t>(rows);
  return {run.row_begin + number % lines, run.col_begin + number / lines};
}

/// All strips and blocks of a call.
struct tile_schedule {
  std::vector<row_strip> strips;
  std::vector<tile_block> blocks;
  std::vector<tile_run> runs;
  index tiles = 0;
  index edge;  ///< of a tile

  template<class Data>
  tile_schedule(const Data& data, std::span<const pair_block> pair_blocks, index tile_edge) : edge(tile_edge) {
    std::vector<index> begin{0};
    for (int s = 0; s < data.segments(); ++s) {
      for (index first = 0; first < data.count(s); first += edge) {
        const index left = data.count(s) - first;
        strips.push_back(
            {data.first_packed(s) + first, data.first(s) + first, first, static_cast<int>(left < edge ? left : edge), s});
      }
      begin.push_back(static_cast<index>(strips.size()));
    }
    for (const pair_block& b : pair_blocks) {
      require(b.rows >= 0 && b.rows < data.segments(), "pair_block: rows", "must be a segment", b.rows);
      require(b.cols >= 0 && b.cols < data.segments(), "pair_block: cols", "must be a segment", b.cols);
      require(!b.triangle || b.rows == b.cols, "pair_block: cols", "must equal rows in a triangle", b.cols);
      const auto r = static_cast<std::size_t>(b.rows), c = static_cast<std::size_t>(b.cols);
      blocks.push_back({begin[r], begin[r + 1], begin[c], begin[c + 1], b.rows, b.cols, b.slot, b.triangle});
      append_runs(blocks.back(), static_cast<int>(blocks.size()) - 1);
    }
  }

  /// Thread blocks that share the tiles; the partition must not depend on the device, or bits would.
  [[nodiscard]] index thread_blocks() const { return tiles < 1024 ? tiles : 1024; }

private:
  void append_runs(const tile_block& b, int number) {
    for (index first = b.row_begin; first < b.row_end; first += strips_per_run) {
      const index last = first + strips_per_run < b.row_end ? first + strips_per_run : b.row_end, rows = last - first;
      if (b.triangle) {
        runs.push_back({tiles, first, last, first, last, number, true});
        tiles += rows * (rows + 1) / 2;
      }
      const index col_begin = b.triangle ? last : b.col_begin;
      if (col_begin == b.col_end) continue;
      runs.push_back({tiles, first, last, col_begin, b.col_end, number, false});
      tiles += rows * (b.col_end - col_begin);
    }
  }
};

}  // namespace detail

DISPAR_NAMESPACE_END
