#pragma once
/// \file
/// Which tiles exist, and in which order which task runs them. Everything here depends on shapes only, never on the number of
/// threads: that is what makes results reproducible bit by bit.

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "dispar/backend/host/register_tile.hpp"
#include "dispar/backend/pairwise.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Rows and columns of a tile: four register tiles wide, fewer where that would leave too few tiles to share out. By shape only.
/// Data may fix it, in whole register tiles, with a member `tile_edge()`.
template<class Data>
[[nodiscard]] index tile_edge(const Data& data, std::span<const pair_block> blocks) {
  constexpr index width = register_tile<typename Data::value_type>::width;
  if constexpr (requires { data.tile_edge(); }) return data.tile_edge();
  for (index edge : {4, 3, 2}) {
    index tiles = 0;
    for (const auto& b : blocks) {
      const index r = (data.count(b.rows) + edge * width - 1) / (edge * width);
      const index c = (data.count(b.cols) + edge * width - 1) / (edge * width);
      tiles += b.triangle ? r * (r + 1) / 2 : r * c;
    }
    if (tiles >= 64) return edge * width;
  }
  return width;
}

/// Rows and columns in units of tiles within their segments; `block` is the position in the work list.
struct tile_at {
  int block;
  index row, col;
};

/// Tiles dealt to a fixed number of tasks: each takes a contiguous run. For sinks whose results are sums over tiles.
class run_schedule {
public:
  run_schedule(std::span<const pair_block> blocks, std::span<const index> tiles_of_segment, index most_tasks = 256)
      : blocks_(blocks), tiles_(tiles_of_segment) {
    begin_.push_back(0);
    for (const auto& b : blocks) {
      const index r = tiles_[static_cast<std::size_t>(b.rows)], c = tiles_[static_cast<std::size_t>(b.cols)];
      begin_.push_back(begin_.back() + (b.triangle ? r * (r + 1) / 2 : r * c));
    }
    tasks_ = begin_.back() < most_tasks ? begin_.back() : most_tasks;
  }

  [[nodiscard]] index rounds() const noexcept { return 1; }
  [[nodiscard]] index tasks() const noexcept { return tasks_; }
  [[nodiscard]] index tasks_in_round(index) const noexcept { return tasks_; }

  /// Calls visit(tile) for every tile of a task, in order.
  template<class Visit>
  void for_each_tile(index, index task, const Visit& visit) const {
    const index first = begin_.back() * task / tasks_, last = begin_.back() * (task + 1) / tasks_;
    if (first == last) return;
    std::size_t block = 0;
    while (begin_[block + 1] <= first) ++block;
    index row = 0, col = 0, offset = first - begin_[block];
    auto row_length = [&](index r) { return columns(block) - (blocks_[block].triangle ? r : 0); };
    while (offset >= row_length(row)) offset -= row_length(row++);
    col = offset + (blocks_[block].triangle ? row : 0);
    for (index t = first; t < last; ++t) {
      visit(tile_at{static_cast<int>(block), row, col});
      if (++col < columns(block)) continue;
      ++row;
      if (t + 1 == begin_[block + 1]) {
        do ++block;
        while (block + 1 < begin_.size() && begin_[block + 1] == begin_[block]);
        row = 0;
      }
      col = block < blocks_.size() && blocks_[block].triangle ? row : 0;
    }
  }

private:
  [[nodiscard]] index columns(std::size_t block) const { return tiles_[static_cast<std::size_t>(blocks_[block].cols)]; }

  std::span<const pair_block> blocks_;
  std::span<const index> tiles_;
  std::vector<index> begin_;
  index tasks_ = 0;
};

/// A round-robin tournament: in every round each strip of rows meets at most one other, so tasks of a round write to disjoint
/// rows, and each row collects its contributions in the order of the rounds. For sinks along rows.
class tournament_schedule {
public:
  tournament_schedule(std::span<const pair_block> blocks, std::span<const index> tiles_of_segment)
      : blocks_(blocks), segments_(static_cast<index>(tiles_of_segment.size())) {
    for (std::size_t b = 0; b < blocks.size(); ++b)
      meetings_.emplace_back(cell(blocks[b].rows, blocks[b].cols), static_cast<int>(b));
    std::sort(meetings_.begin(), meetings_.end());
    for (index s = 0; s < segments_; ++s)
      for (index t = 0; t < tiles_of_segment[static_cast<std::size_t>(s)]; ++t) strips_.push_back({static_cast<int>(s), t});
    players_ = static_cast<index>(strips_.size());
    if (players_ % 2 == 1) ++players_;  // the odd one out plays nobody
  }

  /// Round 0 is every strip against itself.
  [[nodiscard]] index rounds() const noexcept { return players_; }
  [[nodiscard]] index tasks() const noexcept { return players_; }
  [[nodiscard]] index tasks_in_round(index round) const noexcept { return round == 0 ? players_ : players_ / 2; }

  template<class Visit>
  void for_each_tile(index round, index task, const Visit& visit) const {
    index p = task, q = task;
    if (round > 0) {
      // The circle method: player m-1 stays, the others turn.
      const index m = players_ - 1, r = round - 1;
      p = task == 0 ? m : (r + task) % m;
      q = task == 0 ? r : (r - task + m) % m;
    }
    if (p > q) std::swap(p, q);
    if (q >= static_cast<index>(strips_.size())) return;
    const auto& a = strips_[static_cast<std::size_t>(p)];
    const auto& b = strips_[static_cast<std::size_t>(q)];
    const index both = cell(a.segment, b.segment);
    for (auto m = std::lower_bound(meetings_.begin(), meetings_.end(), meeting{both, 0});
         m != meetings_.end() && m->first == both; ++m) {
      const pair_block& block = blocks_[static_cast<std::size_t>(m->second)];
      const bool square = block.rows == block.cols && !block.triangle;
      if (block.rows == a.segment) visit(tile_at{m->second, a.tile, b.tile});
      if (square ? p != q : block.rows != a.segment) visit(tile_at{m->second, b.tile, a.tile});
    }
  }

private:
  struct strip {
    int segment;
    index tile;
  };
  /// Two segments, in whichever order, and the position of a block that pairs them.
  using meeting = std::pair<index, int>;
  [[nodiscard]] index cell(int a, int b) const { return a < b ? a * segments_ + b : b * segments_ + a; }

  std::span<const pair_block> blocks_;
  index segments_;
  std::vector<meeting> meetings_;
  std::vector<strip> strips_;
  index players_ = 0;
};

}  // namespace detail

DISPAR_NAMESPACE_END
