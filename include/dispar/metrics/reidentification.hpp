#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "dispar/core/error.hpp"
#include "dispar/core/special_values.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

namespace metrics {

/// How well pictures of persons are found.
struct reidentification_score {
  std::vector<double> cmc;  ///< cumulative matching: the share of queries with a match among the first 1, 2, ... places
  double map;               ///< mean average precision
  double minp;              ///< mean inverse negative penalty: correct pictures / rank of the last of them
  index queries;            ///< those with a correct picture; others are left out. All scores are 0 where there are none
};

/// How persons are looked for.
struct reidentification_options {
  index max_rank = 20;       ///< places of `cmc`; at most the pictures of the gallery unless `by_identity`
  bool by_identity = false;  ///< only the first picture of every identity takes a place in `cmc` (SYSU-MM01)
};

namespace detail {

/// Adds what one query found: `identity` of the gallery in order of distance, pictures that are not to be seen left out.
inline void add_query(const std::vector<std::int64_t>& identity, std::int64_t wanted, bool by_identity,
                      reidentification_score& sums) {
  std::vector<std::int64_t> seen;
  std::size_t place = 0, first = identity.size();
  double correct = 0, precision = 0, last = 0;
  for (std::size_t at = 0; at < identity.size(); ++at) {
    if (identity[at] == wanted) {
      if (correct == 0) first = by_identity ? place : at;
      last = static_cast<double>(at + 1);
      precision += ++correct / last;
    }
    if (by_identity && correct == 0 && std::find(seen.begin(), seen.end(), identity[at]) == seen.end()) {
      seen.push_back(identity[at]);
      ++place;
    }
  }
  if (correct == 0) return;
  ++sums.queries;
  sums.map += precision / correct;
  sums.minp += correct / last;
  for (std::size_t k = first; k < sums.cmc.size(); ++k) sums.cmc[k] += 1;
}

}  // namespace detail

/// Scores of a search for persons from distances of queries and gallery, smaller is closer, the lower number first among equals.
/// `hidden(i, j)` says which pictures of the gallery query i does not see: those of the same place, for example.
///
///     const auto same_place = [&](index i, index j) { return query_camera[i] == 3 && gallery_camera[j] == 2; };   // SYSU-MM01
///     auto score = metrics::reidentification(distances, query_person, gallery_person, {.by_identity = true}, same_place);
///
/// distances: n x m; identities: n and m integers; all on the host. Time O(n m log m), with `by_identity` also n times the square
/// of the identities that come before the right one. Throws `invalid_argument` for shapes that do not fit, no gallery, and NaN.
/// Wu et al., ICCV 2017 (SYSU-MM01); Nguyen et al., Sensors 2017 (RegDB); Ye et al., IEEE TPAMI 2022 (INP).
template<class Distances, class Queries, class Gallery, class Hidden>
[[nodiscard]] reidentification_score reidentification(const Distances& distances, const Queries& query_identities,
                                                      const Gallery& gallery_identities, const reidentification_options& o,
                                                      const Hidden& hidden) {
  const auto distance = view_of(distances);
  const auto query = view_of(query_identities);
  const auto gallery = view_of(gallery_identities);
  const index n = query.size(), m = gallery.size();
  const auto number = [](index count) { return static_cast<double>(count); };
  require(m > 0, "reidentification: gallery", "must not be empty");
  require(distance.rows() == n, "reidentification: rows of distances", "must be the queries", number(distance.rows()));
  require(distance.cols() == m, "reidentification: columns of distances", "must be the gallery", number(distance.cols()));
  require(o.max_rank >= 1, "reidentification: max_rank", "must be at least 1", number(o.max_rank));
  const index places = o.by_identity ? o.max_rank : std::min(o.max_rank, m);
  reidentification_score score{std::vector<double>(static_cast<std::size_t>(places)), 0, 0, 0};
  std::vector<index> order;
  std::vector<std::int64_t> identity;
  for (index i = 0; i < n; ++i) {
    order.clear();
    for (index j = 0; j < m; ++j) {
      require(!is_nan(static_cast<double>(distance(i, j))), "reidentification: distances", "must not be NaN");
      if (!hidden(i, j)) order.push_back(j);
    }
    std::stable_sort(order.begin(), order.end(), [&](index a, index b) { return distance(i, a) < distance(i, b); });
    identity.clear();
    for (const index j : order) identity.push_back(static_cast<std::int64_t>(gallery(j)));
    detail::add_query(identity, static_cast<std::int64_t>(query(i)), o.by_identity, score);
  }
  if (score.queries == 0) return score;
  for (double& share : score.cmc) share /= number(score.queries);
  score.map /= number(score.queries);
  score.minp /= number(score.queries);
  return score;
}

/// The same where every query sees the whole gallery.
template<class Distances, class Queries, class Gallery>
[[nodiscard]] reidentification_score reidentification(const Distances& distances, const Queries& query_identities,
                                                      const Gallery& gallery_identities, const reidentification_options& o = {}) {
  return reidentification(distances, query_identities, gallery_identities, o, [](index, index) { return false; });
}

}  // namespace metrics

DISPAR_NAMESPACE_END
