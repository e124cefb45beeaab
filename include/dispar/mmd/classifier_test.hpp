#pragma once
/// \file
/// The classifier two-sample test from given probabilities. Host only.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "dispar/core/folds/sum.hpp"
#include "dispar/core/random/subset.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// How a classifier two-sample test is made.
struct classifier_options {
  bool labels = false;       ///< compare predicted labels (C2ST-S) instead of probabilities (C2ST-L)
  index permutations = 500;  ///< drawn from `seed`; not used when `given_permutations` is set
  double alpha = 0.05;       ///< level of the test
  std::uint64_t seed = 0;    ///< permutation r is the fork r of this key
  matrix_view<const std::int64_t> given_permutations = {};  ///< one a row, of 0 .. n + m - 1; the first n entries become X
};

/// What a classifier two-sample test says.
struct classifier_result {
  double statistic;              ///< |mean over X - mean over Y|
  double threshold;              ///< the permuted statistic of rank ceil(P (1 - alpha)), counted from 0, in ascending order
  double p_value;                ///< (1 + number of permuted statistics >= statistic) / (P + 1): of exact level
  bool reject;                   ///< statistic > threshold
  std::vector<double> permuted;  ///< the P permuted statistics, in the order of the permutations
};

namespace detail {

/// |mean over members - mean over the others|. Summed by index in compensated arithmetic: equal subsets give equal bits.
[[nodiscard]] inline double mean_difference(const std::vector<double>& values, const std::vector<std::uint64_t>& members,
                                            index n) {
  using total = folds::sum<double>;
  total::state in = total::identity(), out = total::identity();
  const index count = static_cast<index>(values.size());
  for (index i = 0; i < count; ++i) total::lane(is_member(members.data(), i) ? in : out, values[static_cast<std::size_t>(i)]);
  return std::fabs(total::finalize(in) / static_cast<double>(n) - total::finalize(out) / static_cast<double>(count - n));
}

/// The first n entries of a permutation as membership bits; throws when the row is no permutation.
inline void read_permutation(vector_view<const std::int64_t> row, index n, std::vector<std::uint64_t>& members) {
  std::vector<std::uint64_t> seen(members.size(), 0);
  for (index i = 0; i < row.size(); ++i) {
    const std::int64_t at = row(i);
    require(at >= 0 && at < row.size(), "classifier_test: given_permutations", "must hold indices of samples",
            static_cast<double>(at));
    require(!is_member(seen.data(), at), "classifier_test: given_permutations", "must hold every index once a row",
            static_cast<double>(at));
    seen[static_cast<std::size_t>(at / 64)] |= std::uint64_t{1} << (at % 64);
    if (i + 1 == n) members = seen;
  }
}

/// The test on one number per sample.
[[nodiscard]] inline classifier_result test_mean_difference(const std::vector<double>& values, index n,
                                                            const classifier_options& o) {
  const index count = static_cast<index>(values.size());
  require(n > 0 && n < count, "classifier_test: n", "must leave samples for X and for Y", static_cast<double>(n));
  require(!is_nan(o.alpha) && o.alpha > 0 && o.alpha < 1, "classifier_test: alpha", "must lie in (0, 1)", o.alpha);
  const auto& given = o.given_permutations;
  require(!given || given.cols() == count, "classifier_test: given_permutations", "must have one column a sample",
          static_cast<double>(given.cols()));
  const index permutations = given ? given.rows() : o.permutations;
  require(permutations > 0, "classifier_test: permutations", "must be positive", static_cast<double>(permutations));
  // Fenced: P - P alpha, which -ffast-math may make of it, rounds to another rank now and then.
  const auto rank = static_cast<index>(std::ceil(static_cast<double>(permutations) * rounding_fence(1 - o.alpha)));
  require(rank < permutations, "classifier_test: permutations", "must be at least 1 / alpha, else nothing is ever rejected",
          static_cast<double>(permutations));

  classifier_result result{};
  std::vector<std::uint64_t> members(static_cast<std::size_t>(membership_words(count)), 0);
  for (index i = 0; i < n; ++i) members[static_cast<std::size_t>(i / 64)] |= std::uint64_t{1} << (i % 64);
  result.statistic = mean_difference(values, members, n);
  result.permuted.reserve(static_cast<std::size_t>(permutations));
  for (index r = 0; r < permutations; ++r) {
    if (given)
      read_permutation({given.data() + r * given.stride(0), {count}, {given.stride(1)}}, n, members);
    else
      membership_bits(random_key{o.seed}.fork(static_cast<std::uint64_t>(r)), count, n, members);
    result.permuted.push_back(mean_difference(values, members, n));
  }

  std::vector<double> sorted = result.permuted;
  std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.end());
  result.threshold = sorted[static_cast<std::size_t>(rank)];
  // Exchanging X and Y, or samples of equal value, is a tie that rounding must not turn into an order: values are at most 1.
  constexpr double tie = 1e-14;
  result.reject = result.statistic > result.threshold + tie;
  index at_least = 0;
  for (double permuted : result.permuted) at_least += permuted >= result.statistic - tie;
  // Fenced, so that a p-value equal to a level compares equal to it under -ffast-math.
  result.p_value = static_cast<double>(1 + at_least) / rounding_fence(static_cast<double>(permutations + 1));
  return result;
}

[[nodiscard]] inline double checked_probability(double p) {
  require(!is_nan(p) && p >= 0 && p <= 1, "classifier_test: probabilities", "must lie in [0, 1]", p);
  return p;
}

}  // namespace detail

/// The classifier two-sample test: X and Y differ if a classifier that was trained to tell them apart does so on held-out
/// samples (Lopez-Paz and Oquab, ICLR 2017; the permutation form and C2ST-L: Liu et al., ICML 2020).
///
/// `probabilities` are the classifier's for class 1, of the n samples of X first and then those of Y. The statistic is the
/// absolute difference of their means, or with `.labels` that of the predicted labels (probability > 1/2: ties go to class
/// 0). Under the hypothesis of equal distributions every split is as likely, hence the permutation threshold.
///
/// Throws `invalid_argument` for probabilities outside [0, 1] or NaN, a sample without elements, alpha outside (0, 1), fewer
/// than 1 / alpha permutations, rows that are no permutations. Time O(P (n + m)), memory O(n + m + P).
///
///     auto t = mmd::classifier_test(probabilities, n, {.permutations = 1000, .alpha = 0.01, .seed = 7});
template<vector_like P>
[[nodiscard]] classifier_result classifier_test(const P& probabilities, index n, const classifier_options& options = {}) {
  static_assert(reachable<space_of<P>, host>,
                "dispar: classifier_test runs on the host and needs probabilities that it can read");
  const view_type<P> view = view_of(probabilities);
  std::vector<double> values(static_cast<std::size_t>(view.size()));
  for (index i = 0; i < view.size(); ++i) {
    const double p = detail::checked_probability(static_cast<double>(view(i)));
    values[static_cast<std::size_t>(i)] = options.labels ? static_cast<double>(p > 0.5) : p;
  }
  return detail::test_mean_difference(values, n, options);
}

/// The same from both columns of a classifier's output: one row a sample, class 0 and class 1. The label is the larger column.
template<matrix_like P>
[[nodiscard]] classifier_result classifier_test(const P& probabilities, index n, const classifier_options& options = {}) {
  static_assert(reachable<space_of<P>, host>,
                "dispar: classifier_test runs on the host and needs probabilities that it can read");
  const view_type<P> view = view_of(probabilities);
  require(view.cols() == 2, "classifier_test: probabilities", "must have two columns, class 0 and class 1",
          static_cast<double>(view.cols()));
  std::vector<double> values(static_cast<std::size_t>(view.rows()));
  for (index i = 0; i < view.rows(); ++i) {
    const double other = detail::checked_probability(static_cast<double>(view(i, 0)));
    const double p = detail::checked_probability(static_cast<double>(view(i, 1)));
    values[static_cast<std::size_t>(i)] = options.labels ? static_cast<double>(p > other) : p;
  }
  return detail::test_mean_difference(values, n, options);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
