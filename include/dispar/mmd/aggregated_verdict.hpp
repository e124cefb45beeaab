#pragma once
/// \file
/// What an aggregated test says, from the statistics of its single tests, where they are.

#include <cmath>
#include <span>
#include <utility>

#include "dispar/backend/operations.hpp"
#include "dispar/backend/sort.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/core/rounding_fence.hpp"
#include "dispar/mmd/labelled_statistics.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// Where a single test's kernel comes from.
enum class kernel_family {
  laplacian_l1,  ///< exp(-|x - y|_1 / b) in MMDAgg, exp(-sqrt(2) |x - y|_1 / b) in MMD-FUSE
  gaussian,      ///< exp(-|x - y|^2 / b^2) in MMDAgg, exp(-|x - y|^2 / (2 b^2)) in MMD-FUSE
  given,         ///< the caller's list of kernels or kernel matrices
};

/// One kernel's part in an aggregated test.
struct aggregated_member {
  kernel_family kernel;      ///< its family
  double bandwidth;          ///< b of the family's formula; NaN for given kernels
  double statistic;          ///< MMD^2: unbiased, or the one-sample U statistic under the wild bootstrap
  double quantile;           ///< the simulated statistic it has to exceed
  double p_value;            ///< of this test alone: share of the B1 simulations and the observed one that reach it
  double p_value_threshold;  ///< u times its weight: the level at which it is tested
  bool reject;               ///< statistic > quantile
};

/// What all of them say together.
struct aggregated_verdict {
  bool reject;  ///< some member rejects
  double u;     ///< the largest correction found with which the level is kept
};

namespace detail {

/// What is known of single test k, labellings being the observed one, B1 for the quantiles and B2 for the level.
struct single_tests {
  const double* value;   ///< [test][labelling]
  const double* sorted;  ///< [test]: the first 1 + B1 of them, ascending
  const double* scale;   ///< [test]: the size of the terms that cancel in the statistics
  const double* weight;  ///< [test]
  index tests, ranked, labels;
  double rounding;  ///< differences up to this share of `scale` are rounding: they decide nothing

  [[nodiscard]] DISPAR_FN double tie(index k) const { return rounding * scale[k]; }
  /// The (1 - u w)-quantile. Each operation rounds: a contracted product would take another rank where u w is a whole rank.
  [[nodiscard]] DISPAR_FN double quantile(index k, double u) const {
    const double share = rounding_fence(1 - rounded_product(u, weight[k]));
    const double rank = std::ceil(rounded_product(static_cast<double>(ranked), share)) - 1;
    return sorted[k * ranked + (rank > 0 ? static_cast<index>(rank) : 0)];
  }
};

/// Between which corrections the level passes alpha.
struct correction {
  double low, high;
};

/// Family, bandwidth and weight of some single tests.
struct describe_members {
  kernel_family family;
  vec<double, kernels_per_pass> bandwidth, weight;
  double* weights;
  aggregated_member* member;
  DISPAR_FN void operator()(index k) const {
    weights[k] = weight[static_cast<int>(k)];
    member[k] = {family, bandwidth[static_cast<int>(k)], 0, 0, 0, 0, false};
  }
};

/// Puts an element where it belongs among the `ranked` first of its row: a GPU's sort by counting.
struct rank_statistic {
  const double* value;
  index ranked, labels;
  double* sorted;
  DISPAR_FN void operator()(index at) const {
    using dispar::detail::ordered_bits;
    const double* const row = value + at / ranked * labels;
    const index i = at % ranked;
    const auto own = ordered_bits<double>(row[i], 0);
    index rank = 0;
    for (index j = 0; j < ranked; ++j) {
      const auto other = ordered_bits<double>(row[j], 0);
      rank += other < own || (other == own && j < i) ? 1 : 0;
    }
    sorted[at - i + rank] = row[i];
  }
};

struct start_correction {
  double high;
  correction* state;
  DISPAR_FN void operator()() const { *state = {0, high}; }
};
/// What test k has to exceed with the correction in the middle.
struct bound_statistic {
  single_tests all;
  const correction* state;
  double* bound;
  DISPAR_FN void operator()(index k) const { bound[k] = all.quantile(k, (state->high + state->low) / 2) + all.tie(k); }
};
/// Whether a simulation for the level is rejected, 1 or 0.
struct reject_simulation {
  single_tests all;
  const double* bound;
  double* rejected;
  DISPAR_FN void operator()(index p) const {
    double any = 0;
    for (index k = 0; k < all.tests && any == 0; ++k) any = all.value[k * all.labels + all.ranked + p] > bound[k] ? 1 : 0;
    rejected[p] = any;
  }
};
struct halve_correction {
  const double* rejected;  ///< their sum
  double simulations, alpha;
  correction* state;
  DISPAR_FN void operator()() const {
    const double u = (state->high + state->low) / 2;
    (*rejected / simulations <= alpha ? state->low : state->high) = u;
  }
};

struct write_member {
  single_tests all;
  const correction* state;
  aggregated_member* member;
  DISPAR_FN void operator()(index k) const {
    const double observed = all.value[k * all.labels];
    aggregated_member& m = member[k];
    m.statistic = observed;
    m.quantile = all.quantile(k, state->low);
    m.p_value_threshold = state->low * all.weight[k];
    double reaching = 0;
    for (index i = 0; i < all.ranked; ++i) reaching += all.sorted[k * all.ranked + i] >= observed - all.tie(k) ? 1 : 0;
    m.p_value = reaching / static_cast<double>(all.ranked);
    m.reject = observed - m.quantile > all.tie(k);
  }
};
struct write_aggregated_verdict {
  const aggregated_member* member;
  index tests;
  const correction* state;
  aggregated_verdict* out;
  DISPAR_FN void operator()() const {
    aggregated_verdict v{false, state->low};
    for (index k = 0; k < tests; ++k) v.reject = v.reject || member[k].reject;
    *out = v;
  }
};

/// Single tests that come one after the other, and the decision on all of them.
template<backend B>
class aggregation {
public:
  /// `ranked`: 1 + B1; `rounding`: see `single_tests`. Weights stay the caller's.
  aggregation(const B& b, std::span<const double> weights, index ranked, index labels, double rounding)
      : backend_(b),
        given_weights_(weights),
        ranked_(ranked),
        labels_(labels),
        rounding_(rounding),
        tests_(static_cast<index>(weights.size())),
        value_(b, {tests_, labels}),
        scale_(b, {tests_}),
        weight_(b, {tests_}),
        member_(b, {tests_}) {}

  /// Where the statistics of the next tests go, at most `kernels_per_pass` of them.
  [[nodiscard]] labelled_outputs next(kernel_family family, std::span<const double> bandwidths) {
    describe_members d{family, {}, {}, weight_.data() + added_, member_.data() + added_};
    for (std::size_t k = 0; k < bandwidths.size(); ++k) {
      d.bandwidth[static_cast<int>(k)] = bandwidths[k];
      d.weight[static_cast<int>(k)] = given_weights_[static_cast<std::size_t>(added_) + k];
    }
    const auto count = static_cast<index>(bandwidths.size());
    for_each_index(backend_, count, d);
    const labelled_outputs out{value_.data() + added_ * labels_, scale_.data() + added_};
    added_ += count;
    return out;
  }

  /// After all have been computed.
  void decide(double alpha, index bisections, const vector_view<aggregated_member, typename B::space>& member,
              aggregated_verdict* out) {
    using space = typename B::space;
    const B& b = backend_;
    const index simulations = labels_ - ranked_;
    array<double, 2, B> sorted(b, {tests_, ranked_}), rejected(b, {simulations, 1});
    array<double, 1, B> bound(b, {tests_}), sum(b, {1});
    array<correction, 1, B> state(b, {1});
    if constexpr (std::is_same_v<space, host>)
      for (index k = 0; k < tests_; ++k)
        sort_keys(b, vector_view<const double>(value_.data() + k * labels_, ranked_),
                  vector_view<double>(sorted.data() + k * ranked_, ranked_));
    else
      for_each_index(b, tests_ * ranked_, rank_statistic{value_.data(), ranked_, labels_, sorted.data()});
    const single_tests all{value_.data(), sorted.data(), scale_.data(), weight_.data(), tests_, ranked_, labels_, rounding_};
    double largest = 0;
    for (double w : given_weights_) largest = largest < w ? w : largest;
    in_order(b, start_correction{1 / largest, state.data()});
    for (index step = 0; step < bisections; ++step) {
      for_each_index(b, tests_, bound_statistic{all, state.data(), bound.data()});
      for_each_index(b, simulations, reject_simulation{all, bound.data(), rejected.data()});
      column_sums(b, std::as_const(rejected).view(), sum.view());
      in_order(b, halve_correction{sum.data(), static_cast<double>(simulations), alpha, state.data()});
    }
    for_each_index(b, tests_, write_member{all, state.data(), member_.data()});
    in_order(b, write_aggregated_verdict{member_.data(), tests_, state.data(), out});
    if (member)
      for_each_index(b, tests_, dispar::detail::copy_element<aggregated_member>{member_.data(), member.data(), member.stride(0)});
  }

private:
  B backend_;
  std::span<const double> given_weights_;
  index ranked_, labels_;
  double rounding_;
  index tests_, added_ = 0;
  array<double, 2, B> value_;
  array<double, 1, B> scale_, weight_;
  array<aggregated_member, 1, B> member_;
};

}  // namespace detail

}  // namespace mmd

DISPAR_NAMESPACE_END
