#pragma once
/// \file
/// CoSENT's sum over ordered pairs of numbers, by log-sum-exp over the numbers in the order of their scores.

#include <cmath>

#include "dispar/backend/sort.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/contrastive/softmax_terms.hpp"
#include "dispar/core/logistic.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

struct copy_number {
  const double* from;
  strided_vector<double> to;
  DISPAR_FN void operator()(index i) const { to(i) = from[i]; }
};

/// Numbers z in ascending order of their scores; runs of them are walked through at once.
struct ordered_numbers {
  const index* order;
  const double* z;  ///< by pair
  index count, runs, run;
  [[nodiscard]] DISPAR_FN double operator()(index place) const { return z[order[place]]; }
  [[nodiscard]] DISPAR_FN index end_of(index r) const { return (r + 1) * run < count ? (r + 1) * run : count; }
};

/// State of log sum exp(z) over each run, and of log sum exp(-z).
struct fold_runs {
  ordered_numbers numbers;
  log_sum_exp_state* below;
  log_sum_exp_state* above;
  DISPAR_FN void operator()(index r) const {
    auto up = folds::log_sum_exp<double>::identity(), down = up;
    for (index p = r * numbers.run; p < numbers.end_of(r); ++p) {
      folds::log_sum_exp<double>::lane(up, numbers(p));
      folds::log_sum_exp<double>::lane(down, -numbers(p));
    }
    below[r] = up;
    above[r] = down;
  }
};
/// From states of runs to those of all runs before, and of all after.
struct scan_runs {
  index runs;
  log_sum_exp_state* below;
  log_sum_exp_state* above;
  DISPAR_FN void operator()() const {
    auto all = folds::log_sum_exp<double>::identity();
    for (index r = 0; r < runs; ++r) pass(all, below[r]);
    all = folds::log_sum_exp<double>::identity();
    for (index r = runs - 1; r >= 0; --r) pass(all, above[r]);
  }
  DISPAR_FN static void pass(log_sum_exp_state& all, log_sum_exp_state& own) {
    const log_sum_exp_state before = all;
    folds::log_sum_exp<double>::merge(all, own);
    own = before;
  }
};
/// log sum exp(z) over all places before p, log sum exp(-z) over p and all behind.
struct walk_runs {
  ordered_numbers numbers;
  const log_sum_exp_state* below;
  const log_sum_exp_state* above;
  double* before;
  double* behind;
  DISPAR_FN void operator()(index r) const {
    auto state = below[r];
    for (index p = r * numbers.run; p < numbers.end_of(r); ++p) {
      before[p] = folds::log_sum_exp<double>::finalize(state);
      folds::log_sum_exp<double>::lane(state, numbers(p));
    }
    state = above[r];
    for (index p = numbers.end_of(r) - 1; p >= r * numbers.run; --p) {
      folds::log_sum_exp<double>::lane(state, -numbers(p));
      behind[p] = folds::log_sum_exp<double>::finalize(state);
    }
  }
};

/// Of the number at place p: log sum exp(z_j - z) over lower scores, and log sum exp(z - z_i) over higher ones.
template<class T>
struct meet_scores {
  ordered_numbers numbers;
  strided_vector<const T> scores;
  const double* before;
  const double* behind;
  double* over_lower;   ///< by place
  double* over_higher;  ///< by place
  log_sum_exp_state* states;
  DISPAR_FN void operator()(index p) const {
    const T own = scores(numbers.order[p]);
    const index begin = first(own, false), end = first(own, true);
    const double z = numbers(p), nothing = negative_infinity<double>();
    over_lower[p] = begin > 0 ? before[begin] - z : nothing;
    over_higher[p] = end < numbers.count ? behind[end] + z : nothing;
    auto state = folds::log_sum_exp<double>::identity();
    folds::log_sum_exp<double>::lane(state, is_nan(own) ? quiet_nan<double>() : over_lower[p]);
    states[p] = state;
  }
  /// The first place whose score is at least `own`, or above it.
  [[nodiscard]] DISPAR_FN index first(T own, bool above) const {
    index low = 0, high = numbers.count;
    while (low < high) {
      const index middle = (low + high) / 2;
      const T there = scores(numbers.order[middle]);
      if (there < own || (above && !(there > own)))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
};

/// L = log(1 + exp(log-sum-exp of all ordered pairs)).
struct finish_ranking {
  const log_sum_exp_state* parts;
  index count;
  double* loss;
  DISPAR_FN void operator()() const {
    auto all = folds::log_sum_exp<double>::identity();
    for (index i = 0; i < count; ++i) folds::log_sum_exp<double>::merge(all, parts[i]);
    const double sum = folds::log_sum_exp<double>::finalize(all);
    *loss = sum > -1e300 || is_nan(sum) ? softplus(sum) : 0;
  }
};
/// dL / dc of the pair at place p: lambda times the shares of the terms where it is the lower less those where it is the higher.
struct ranking_slopes {
  const index* order;
  const double* over_lower;
  const double* over_higher;
  const double* loss;
  double lambda;
  double* slope;  ///< by pair
  DISPAR_FN void operator()(index p) const {
    const auto share = [&](double log_sum) { return is_special(log_sum) && !is_nan(log_sum) ? 0 : std::exp(log_sum - *loss); };
    slope[order[p]] = lambda * (share(over_higher[p]) - share(over_lower[p]));
  }
};
struct times {
  double factor;
  double* numbers;
  DISPAR_FN void operator()(index i) const { numbers[i] *= factor; }
};

/// The loss, and its derivative by every c. `c` is left multiplied with lambda.
template<backend B, class T, memory_space S>
void rank_similarities(const B& b, const vector_view<const T, S>& scores, const vector_view<double, typename B::space>& c,
                       double lambda, const vector_view<double, typename B::space>& slopes, double* loss) {
  using space = typename B::space;
  const index n = c.size(), run = 256, runs = (n + run - 1) / run, parts = n < 1024 ? n : 1024;
  array<index, 1, B> order(b, {n});
  const vector_view<const T, space> reachable_scores(scores.data(), scores.extents(), scores.strides());
  sort_indices(b, reachable_scores, order.view());
  for_each_index(b, n, times{lambda, c.data()});
  array<log_sum_exp_state, 1, B> below(b, {runs}), above(b, {runs}), states(b, {n}), folded(b, {parts});
  array<double, 1, B> before(b, {n}), behind(b, {n}), over_lower(b, {n}), over_higher(b, {n});
  const ordered_numbers numbers{order.data(), c.data(), n, runs, run};
  const double work = 32 * static_cast<double>(n);
  for_each_index(b, runs, work, fold_runs{numbers, below.data(), above.data()});
  in_order(b, scan_runs{runs, below.data(), above.data()});
  for_each_index(b, runs, 2 * work, walk_runs{numbers, below.data(), above.data(), before.data(), behind.data()});
  for_each_index(b, n, work,
                 meet_scores<T>{numbers, dispar::detail::strided_of(reachable_scores), before.data(), behind.data(),
                                over_lower.data(), over_higher.data(), states.data()});
  for_each_index(b, parts, static_cast<double>(n), fold_states{states.data(), n, parts, folded.data()});
  in_order(b, finish_ranking{folded.data(), parts, loss});
  for_each_index(b, n, work, ranking_slopes{order.data(), over_lower.data(), over_higher.data(), loss, lambda, slopes.data()});
}

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
