#pragma once
/// \file
/// What a test says, from its statistic and those of chance, where they are.

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "dispar/backend/order_statistics.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// How a p-value counts the permuted statistics.
enum class p_value_rule {
  at_least,          ///< (1 + #{permuted >= observed}) / (P + 1): the level holds for every P (Phipson & Smyth 2010)
  strictly_greater,  ///< #{permuted > observed} / P: the released MMD-MP code; can be exactly 0
};

/// What a test says.
struct test_result {
  double statistic;       ///< the observed value
  double p_value;         ///< how often chance does at least as much, by `p_value_rule`
  double threshold;       ///< reject exactly where the statistic exceeds it
  bool reject;            ///< p_value <= alpha
  double null_mean;       ///< mean of the permuted statistics
  double null_deviation;  ///< their standard deviation
  /// Standard deviations between the statistic and the permuted ones: an effect size that does not saturate as a p-value does.
  [[nodiscard]] double standard_score() const { return null_deviation > 0 ? (statistic - null_mean) / null_deviation : 0; }
};

namespace detail {

/// Statistics that differ by less than this share of the terms that cancel in them are ties: rounding must not turn the observed
/// split, met again, into an exceedance.
inline constexpr double tie_share = 1e-10;

/// Whether a statistic of chance counts, and its part of the mean.
struct compare_statistic {
  const double *statistics, *scale;  ///< the observed one first
  p_value_rule rule;
  double count;
  double* terms;  ///< [statistic][both]
  DISPAR_FN void operator()(index i) const {
    const double observed = statistics[0], s = statistics[1 + i], tie = tie_share * *scale;
    const bool counts = rule == p_value_rule::at_least ? s >= observed - tie : s > observed + tie;
    terms[2 * i] = counts ? 1 : 0;
    terms[2 * i + 1] = s / count;
  }
};

struct square_deviation {
  const double *statistics, *mean;
  double count;
  double* squares;
  DISPAR_FN void operator()(index i) const {
    const double deviation = statistics[1 + i] - *mean;
    squares[i] = deviation * deviation / count;
  }
};

struct write_verdict {
  const double *observed, *sums;  ///< sums: exceedances, mean, variance, threshold
  p_value_rule rule;
  double alpha, count;
  bool attainable;
  test_result* out;
  DISPAR_FN void operator()() const {
    test_result r{};
    r.statistic = *observed;
    r.p_value = rule == p_value_rule::at_least ? (1 + sums[0]) / (count + 1) : sums[0] / count;
    r.threshold = attainable ? sums[3] : __builtin_huge_val();
    r.null_mean = sums[1];
    r.null_deviation = std::sqrt(sums[2]);
    if (is_nan(r.statistic) || is_nan(r.null_mean)) r.p_value = r.threshold = quiet_nan<double>();
    r.reject = !is_nan(r.p_value) && r.p_value <= alpha * (1 + 1e-12);
    *out = r;
  }
};

/// The verdict on the first of the statistics, given the others, which are those of chance. `scale` is the size of the terms that
/// cancel in them.
template<backend B>
void judge(const B& b, const vector_view<const double, typename B::space>& statistics, const double* scale, double alpha,
           p_value_rule rule, test_result* out) {
  using space = typename B::space;
  const index others = statistics.size() - 1;
  const auto count = static_cast<double>(others);
  // The most exceedances with which p <= alpha still holds; below 0 where there are too few statistics to reach alpha.
  const double allowed = rule == p_value_rule::at_least ? std::floor(alpha * (count + 1) * (1 + 1e-12)) - 1
                                                        : std::floor(alpha * count * (1 + 1e-12));
  array<double, 2, B> terms(b, {others, 2});
  array<double, 1, B> sums(b, {4});
  for_each_index(b, others, compare_statistic{statistics.data(), scale, rule, count, terms.data()});
  column_sums(b, std::as_const(terms).view(), vector_view<double, space>(sums.data(), 2));
  for_each_index(b, others, square_deviation{statistics.data(), sums.data() + 1, count, terms.data()});
  column_sums(b, matrix_view<const double, space>(terms.data(), others, 1), vector_view<double, space>(sums.data() + 2, 1));
  if (allowed >= 0) {
    const std::array<index, 1> rank{allowed >= count ? 0 : others - 1 - static_cast<index>(allowed)};
    order_statistics(b, statistics.slice(1, others), std::span<const index>(rank),
                     vector_view<double, space>(sums.data() + 3, 1));
  }
  in_order(b, write_verdict{statistics.data(), sums.data(), rule, alpha, count, allowed >= 0, out});
}

/// Where statistics of chance are wanted: the view of the options, which is the host's, or the form's own.
template<backend B>
[[nodiscard]] vector_view<double, typename B::space> wanted_statistics(const vector_view<double>& of_options,
                                                                       const vector_view<double, typename B::space>& own,
                                                                       index count, const char* name) {
  require(!of_options || !own, name, "is wanted twice: by the options and by the last argument");
  const index size = of_options ? of_options.size() : own ? own.size() : count;
  require(size == count, name, "must have one entry per labelling beyond the observed one", static_cast<double>(size));
  if constexpr (std::is_same_v<typename B::space, host>)
    return of_options ? of_options : own;
  else
    require(!of_options, name, "in the options is memory of the host: give a view of the backend's as the last argument");
  return own;
}

/// The result of the form `write(out, statistics)` that writes it, and its statistics to a view of the host that is null where
/// they are not wanted. Waits.
template<backend B, class Write>
[[nodiscard]] test_result waited_for(const B& b, const vector_view<double>& wanted, const Write& write) {
  result<test_result, B> verdict(b);
  if constexpr (std::is_same_v<typename B::space, host>) {
    write(verdict.view(), wanted);
    return verdict.get();
  } else {
    array<double, 1, B> statistics(b, {wanted.size()});
    write(verdict.view(), statistics.view());
    const test_result r = verdict.get();
    std::vector<double> here(static_cast<std::size_t>(wanted.size()));
    if (wanted) read_back(b, statistics.data(), here.data(), wanted.size());
    for (index i = 0; i < wanted.size(); ++i) wanted(i) = here[static_cast<std::size_t>(i)];
    return r;
  }
}

}  // namespace detail

}  // namespace mmd

DISPAR_NAMESPACE_END
