#pragma once
/// \file
/// The receiver operating characteristic of scores: area under the curve, the curve itself, sensitivity at a false-alarm limit.
/// A score at or above the threshold calls the item positive.
///
///     double area = metrics::auroc(human_scores, machine_scores);    // machine text is what should score high
///     double area = metrics::auroc(backend, negatives, positives);   // scores where that backend can read them
///
/// The backend sorts, O(n + m) time and about twice the memory of the scores; the sorted scores are walked through on the host,
/// as n + m doubles. The results are the same on every backend.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dispar/backend/array.hpp"
#include "dispar/backend/default.hpp"
#include "dispar/backend/sort.hpp"

DISPAR_NAMESPACE_BEGIN

namespace metrics {

/// The points of the curve at distinct thresholds, the highest first. Point 0 is (0, 0) at threshold infinity.
struct roc_points {
  std::vector<double> false_positive_rate;  ///< share of negatives with score >= threshold, nondecreasing
  std::vector<double> true_positive_rate;   ///< share of positives with score >= threshold, nondecreasing
  std::vector<double> threshold;            ///< decreasing
};

namespace detail {

/// The scores in descending order; throws for an empty sample and for NaN, which has no place in an order.
template<backend B, vector_like X>
[[nodiscard]] std::vector<double> descending_scores(const B& b, const X& x, const char* argument) {
  const view_type<X> view = view_of(x);
  require(view.size() > 0, argument, "must not be empty");
  array<value_type_of<X>, 1, B> sorted(b, {view.size()});
  sort_keys(b, view, sorted.view(), sort_order::descending);
  const auto on_host = to_host(b, sorted);
  const vector_view<const value_type_of<X>> in_order = on_host.view();
  if (is_nan(in_order(view.size() - 1))) {  // the last one, if there is any
    std::string place;
    if constexpr (reachable<space_of<X>, host>) {
      index i = 0;
      while (!is_nan(view(i))) ++i;
      place = ", got NaN at index " + std::to_string(i);
    }
    throw invalid_argument(std::string("dispar: ") + argument + " must not be NaN" + place);
  }
  std::vector<double> scores(static_cast<std::size_t>(view.size()));
  for (index i = 0; i < view.size(); ++i) scores[static_cast<std::size_t>(i)] = static_cast<double>(in_order(i));
  return scores;
}

/// visit(threshold, false positives, true positives) for every distinct score, the highest first.
template<class Visit>
void for_each_threshold(const std::vector<double>& negatives, const std::vector<double>& positives, Visit visit) {
  std::size_t fp = 0, tp = 0;
  while (fp < negatives.size() || tp < positives.size()) {
    const bool from_positives = fp == negatives.size() || (tp < positives.size() && positives[tp] > negatives[fp]);
    const double threshold = from_positives ? positives[tp] : negatives[fp];
    while (fp < negatives.size() && negatives[fp] >= threshold) ++fp;
    while (tp < positives.size() && positives[tp] >= threshold) ++tp;
    visit(threshold, fp, tp);
  }
}

/// part / whole as IEEE 754 rounds it: the hoisted reciprocal that -ffast-math makes of a loop's divisor misses limits such
/// as 0.1 by one ulp, hence a divisor that is read anew every time.
[[nodiscard]] inline double share(std::size_t part, std::size_t whole) {
  const volatile double divisor = static_cast<double>(whole);
  return static_cast<double>(part) / divisor;
}

}  // namespace detail

/// The area under the ROC curve: P(positive > negative) + P(positive = negative) / 2 over all pairs (Mann and Whitney, 1947).
///
/// Counted in integers, so exact up to one division. Infinite scores are ordered like numbers.
/// Throws `invalid_argument` when a sample is empty or holds a NaN.
template<backend B, vector_like Negatives, vector_like Positives>
[[nodiscard]] double auroc(const B& b, const Negatives& negatives, const Positives& positives) {
  const auto below = detail::descending_scores(b, negatives, "auroc: negatives");
  const auto above = detail::descending_scores(b, positives, "auroc: positives");
  // Twice the area of the trapezoids, in pairs; ties make the slanted ones.
  std::uint64_t doubled = 0;
  std::size_t last_fp = 0, last_tp = 0;
  detail::for_each_threshold(below, above, [&](double, std::size_t fp, std::size_t tp) {
    doubled += static_cast<std::uint64_t>(fp - last_fp) * static_cast<std::uint64_t>(last_tp + tp);
    last_fp = fp;
    last_tp = tp;
  });
  return static_cast<double>(doubled) / (2.0 * static_cast<double>(below.size()) * static_cast<double>(above.size()));
}

/// The same on the default backend.
template<backend B = default_backend, vector_like Negatives, vector_like Positives>
[[nodiscard]] double auroc(const Negatives& negatives, const Positives& positives) {
  return auroc(B{}, negatives, positives);
}

/// The ROC curve at every distinct score, as scikit-learn's `roc_curve(..., drop_intermediate=False)` gives it.
/// Throws `invalid_argument` when a sample is empty or holds a NaN.
template<backend B, vector_like Negatives, vector_like Positives>
[[nodiscard]] roc_points roc_curve(const B& b, const Negatives& negatives, const Positives& positives) {
  const auto below = detail::descending_scores(b, negatives, "roc_curve: negatives");
  const auto above = detail::descending_scores(b, positives, "roc_curve: positives");
  roc_points points{{0.0}, {0.0}, {positive_infinity<double>()}};
  detail::for_each_threshold(below, above, [&](double threshold, std::size_t fp, std::size_t tp) {
    points.false_positive_rate.push_back(detail::share(fp, below.size()));
    points.true_positive_rate.push_back(detail::share(tp, above.size()));
    points.threshold.push_back(threshold);
  });
  return points;
}

/// The same on the default backend.
template<backend B = default_backend, vector_like Negatives, vector_like Positives>
[[nodiscard]] roc_points roc_curve(const Negatives& negatives, const Positives& positives) {
  return roc_curve(B{}, negatives, positives);
}

/// The true positive rate at each limit of the false positive rate: that of the last point of the ROC curve whose false positive
/// rate is at most the limit. No interpolation between points; 0 when the highest score belongs to a negative and the limit
/// is below 1 / n.
///
/// Throws `invalid_argument` when a sample is empty or holds a NaN, or a limit lies outside [0, 1].
///
///     auto rates = metrics::true_positive_rate_at(negatives, positives, std::vector{0.01, 0.05, 0.1});
template<backend B, vector_like Negatives, vector_like Positives, vector_like Limits>
[[nodiscard]] std::vector<double> true_positive_rate_at(const B& b, const Negatives& negatives, const Positives& positives,
                                                        const Limits& fpr_limits) {
  static_assert(reachable<space_of<Limits>, host>, "dispar: true_positive_rate_at needs limits that the host can read");
  const view_type<Limits> limits = view_of(fpr_limits);
  for (index i = 0; i < limits.size(); ++i) {
    const double limit = static_cast<double>(limits(i));
    require(!is_nan(limit) && limit >= 0 && limit <= 1, "true_positive_rate_at: fpr_limits", "must lie in [0, 1]", limit);
  }
  const auto below = detail::descending_scores(b, negatives, "true_positive_rate_at: negatives");
  const auto above = detail::descending_scores(b, positives, "true_positive_rate_at: positives");
  std::vector<double> rates(static_cast<std::size_t>(limits.size()), 0.0);
  detail::for_each_threshold(below, above, [&](double, std::size_t fp, std::size_t tp) {
    const double false_positive_rate = detail::share(fp, below.size());
    for (index i = 0; i < limits.size(); ++i)
      if (false_positive_rate <= static_cast<double>(limits(i)))
        rates[static_cast<std::size_t>(i)] = detail::share(tp, above.size());
  });
  return rates;
}

/// The same on the default backend.
template<backend B = default_backend, vector_like Negatives, vector_like Positives, vector_like Limits>
[[nodiscard]] std::vector<double> true_positive_rate_at(const Negatives& negatives, const Positives& positives,
                                                        const Limits& fpr_limits) {
  return true_positive_rate_at(B{}, negatives, positives, fpr_limits);
}

}  // namespace metrics

DISPAR_NAMESPACE_END
