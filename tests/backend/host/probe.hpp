#pragma once
/// \file
/// An operation that shows everything a pair is told, and the same by its definition: a loop over the pairs of a work list.

#include <span>
#include <string>
#include <vector>

#include "backend/host/integer_samples.hpp"
#include "dispar/backend/pairwise.hpp"

namespace engine_tests {

/// Output 0: the sum over the channels c of (c + 1) distance_c. Output 1, not symmetric: that times operand 0 of the row, plus
/// operand 1 of the column. Output 2: the block's number plus 1, and 0 for matched pairs.
template<int Channels = 1>
struct probe {
  static constexpr int channels = Channels, outputs = 3, operands = 2;
  template<class V, class At>
  DISPAR_FN dispar::vec<V, 3> operator()(dispar::vec<V, Channels> d, const At& at) const {
    V sum(0);
    for (int c = 0; c < Channels; ++c) sum = sum + V(c + 1) * d[c];
    return {{sum, sum * at.row[0] + at.col[1], select(at.matched, V(0), V(at.block + 1))}};
  }
};

/// The operands: small integers, different from row to row.
template<class T>
struct probe_operands {
  std::vector<T> first, second;

  explicit probe_operands(index rows) {
    for (index i = 0; i < rows; ++i) {
      first.push_back(static_cast<T>(i % 5 - 2));
      second.push_back(static_cast<T>(i % 3 + 1));
    }
  }
  [[nodiscard]] std::vector<dispar::vector_view<const T>> views() const {
    return {dispar::view_of(first), dispar::view_of(second)};
  }
};

/// visit(b, i, j, outputs of `probe`) for every pair of every block, rows numbered through all segments, everything in double.
template<class Metric, class T, int Channels, class Visit>
void for_each_pair(const integer_samples<T, Channels>& samples, std::span<const dispar::pair_block> blocks, const Visit& visit) {
  const probe_operands<double> operands(samples.rows());
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const auto& block = blocks[b];
    const index rows = samples.counts[static_cast<std::size_t>(block.rows)];
    const index cols = samples.counts[static_cast<std::size_t>(block.cols)];
    for (index r = 0; r < rows; ++r)
      for (index c = block.triangle ? r + 1 : 0; c < cols; ++c) {
        const index i = samples.first(block.rows) + r, j = samples.first(block.cols) + c;
        double sum = 0;
        for (int ch = 0; ch < Channels; ++ch) sum += (ch + 1) * samples.distance(Metric(), ch, i, j);
        const bool matched = !block.triangle && r == c;
        visit(static_cast<int>(b), i, j,
              dispar::vec<double, 3>{
                  {sum, sum * operands.first[static_cast<std::size_t>(i)] + operands.second[static_cast<std::size_t>(j)],
                   matched ? 0.0 : static_cast<double>(b + 1)}});
      }
  }
}

/// Work lists of every form over three segments, and what they are called in a failure.
struct work_list {
  std::string name;
  std::vector<dispar::pair_block> blocks;
};
inline const std::vector<work_list>& work_lists() {
  static const std::vector<work_list> all{
      {"a triangle", {{.rows = 0, .cols = 0, .triangle = true}}},
      {"a square of a segment with itself", {{.rows = 1, .cols = 1}}},
      {"a cross block", {{.rows = 0, .cols = 1}}},
      {"a cross block below the diagonal", {{.rows = 2, .cols = 0}}},
      {"two samples", {{0, 0, true, 0}, {1, 1, true, 0}, {0, 1, false, 1}}},
      {"groups", {{0, 0, true, 0}, {1, 1, true, 1}, {2, 2, true, 2}}},
      {"everything, in no order",
       {{1, 0, false, 1}, {2, 2, false, 0}, {0, 0, true, 2}, {1, 2, false, 0}, {1, 1, true, 1}, {2, 0}}},
      {"no pair", {}},
  };
  return all;
}

/// Sizes of three segments: single rows, register tiles and their neighbours, several tiles.
inline std::vector<std::vector<index>> segment_sizes() {
  return {{1, 1, 1}, {2, 1, 3}, {5, 8, 13}, {16, 24, 48}, {15, 25, 49}, {97, 31, 64}, {130, 200, 75}};
}

}  // namespace engine_tests
