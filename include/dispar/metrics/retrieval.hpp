#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "dispar/core/error.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace metrics {

/// What ranks of queries are worth; 0 where there are none.
struct retrieval_score {
  index queries;                ///< with a rank
  double recall_1;              ///< the share of them with a rank among the first
  double recall_5;              ///< among the first 5
  double recall_10;             ///< among the first 10
  double median_rank;           ///< floor of the median of 0-based ranks, plus 1
  double mean_rank;             ///< mean of ranks from 1
  double mean_reciprocal_rank;  ///< mean of 1 / rank from 1; the mean average precision where one item is correct
};

/// Recall at k: the share of queries whose 0-based rank is below k. Negative ranks are of queries with nothing to be found, and
/// left out.
[[nodiscard]] inline double recall_at(std::span<const index> ranks, index k) {
  require(k >= 1, "recall_at: k", "must be at least 1", static_cast<double>(k));
  double found = 0, queries = 0;
  for (const index rank : ranks) {
    queries += rank >= 0 ? 1 : 0;
    found += rank >= 0 && rank < k ? 1 : 0;
  }
  return queries > 0 ? found / queries : 0;
}

/// The usual scores of cross-modal retrieval from 0-based ranks, as `contrastive::retrieval_ranks` counts them:
///
///     const auto score = metrics::retrieval_scores(ranks);    // 100 * score.recall_1 is R@1 in percent
///
/// On the host, O(n). Folds of a gallery are evaluated one by one, and their scores averaged.
[[nodiscard]] inline retrieval_score retrieval_scores(std::span<const index> ranks) {
  std::vector<index> counted;
  for (const index rank : ranks)
    if (rank >= 0) counted.push_back(rank);
  if (counted.empty()) return {};
  double sum = 0, reciprocal = 0;
  for (const index rank : counted) {
    sum += static_cast<double>(rank) + 1;
    reciprocal += 1 / (static_cast<double>(rank) + 1);
  }
  const std::size_t half = counted.size() / 2;
  const auto middle = counted.begin() + static_cast<std::ptrdiff_t>(half);
  std::nth_element(counted.begin(), middle, counted.end());
  const index upper = *middle, lower = counted.size() % 2 == 1 ? upper : *std::max_element(counted.begin(), middle);
  const double queries = static_cast<double>(counted.size());
  return {static_cast<index>(counted.size()),           recall_at(ranks, 1), recall_at(ranks, 5), recall_at(ranks, 10),
          static_cast<double>((lower + upper) / 2) + 1, sum / queries,       reciprocal / queries};
}

}  // namespace metrics

DISPAR_NAMESPACE_END
