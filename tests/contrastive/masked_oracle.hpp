#pragma once
/// \file
/// Softmax losses of matched rows with masks: the stored logits of oracle.hpp without the candidates that are none.

#include <cstdint>

#include "oracle.hpp"

namespace contrastive_tests {

/// Every fifth pair is padding, the others show each a thing that two or three others show, one far beyond 32 bits.
[[nodiscard]] inline std::vector<std::int64_t> some_items(dispar::index n) {
  std::vector<std::int64_t> items;
  for (dispar::index i = 0; i < n; ++i)
    items.push_back(i % 5 == 3 ? -1 - i : (i * i % (n / 3 + 1)) + (i % 2 == 0 ? std::int64_t{1} << 40 : 0));
  return items;
}

}  // namespace contrastive_tests

namespace contrastive_tests::oracle {

/// As `matched`; `items` of the pairs, `more_items` of further negatives; empty: all different.
[[nodiscard]] inline problem masked(const rows& x, const rows& y, const rows& more, bool both, bool within, bool in_batch,
                                    const std::vector<std::int64_t>& items, const std::vector<std::int64_t>& more_items) {
  problem p = matched(x, y, more, both, within, in_batch);
  const std::size_t n = x.size();
  const auto padding = [&](std::size_t row) {
    return row < 2 * n ? !items.empty() && items[row % n] < 0 : !more_items.empty() && more_items[row - 2 * n] < 0;
  };
  const auto same = [&](std::size_t pair, std::size_t row) {
    if (items.empty() || (row >= 2 * n && more_items.empty())) return false;
    return items[pair] == (row < 2 * n ? items[row % n] : more_items[row - 2 * n]);
  };
  double count = 0;
  for (std::size_t i = 0; i < n; ++i) count += padding(i) ? 0 : 1;
  for (std::size_t a = 0; a < p.anchor.size(); ++a) {
    const std::size_t pair = p.anchor[a] % n;
    std::vector<std::size_t> candidates{p.positive[a]};
    for (const std::size_t row : p.candidates[a])
      if (row != p.positive[a] && !padding(pair) && !padding(row) && !same(pair, row)) candidates.push_back(row);
    p.candidates[a] = candidates;
    p.weight[a] = padding(pair) ? 0 : 1 / count / (both ? 2 : 1);
  }
  return p;
}

}  // namespace contrastive_tests::oracle
