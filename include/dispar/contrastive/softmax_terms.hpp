#pragma once
/// \file
/// What the softmax losses compute of a pair, of a row and of everything.

#include "dispar/backend/strided_vector.hpp"
#include "dispar/contrastive/candidate_items.hpp"
#include "dispar/contrastive/sums.hpp"
#include "dispar/contrastive/temperature.hpp"
#include "dispar/core/folds/log_sum_exp.hpp"
#include "dispar/core/special_values.hpp"
#include "dispar/core/vec.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// A softmax loss and its parts.
struct softmax_loss {
  double value;           ///< the loss
  double rows;            ///< its part with every row of the first matrix as anchor, reduced as the loss
  double cols;            ///< the part with the rows of the second as anchors; 0 where they are none
  double by_temperature;  ///< derivative by the parameter of the logit scale, times the upstream factor
};

namespace detail {

using dispar::detail::strided_vector;
using log_sum_exp_state = folds::log_sum_exp<double>::state;

/// Logits z = scale similarity; those of matched pairs are left out where wanted, and with items, whose numbers are the operand,
/// those of pairs that are no candidates.
template<class T>
struct logits {
  static constexpr int channels = 1, outputs = 1, operands = 1;
  T scale;
  bool without_matched, with_items = false;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& similarity, const At& at) const {
    const V z = V(scale) * similarity[0], none(-largest_finite<T>);
    const V other = without_matched ? select(at.matched, none, z) : z;
    return {{with_items ? select(apart_or_zero(at.row[0], at.col[0]) == V(0), none, other) : other}};
  }
};
/// The operand of `logits` without items.
template<class T, memory_space S>
inline constexpr std::array<vector_view<const T, S>, 1> no_items{};

/// With operands (log-sum-exp, weight of the anchor, number of the item): dL / d similarity_ij and (dL / dz_ij) z_ij,
///
///     dL / dz_ij = a_i exp(z_ij - lse_i) + a_j exp(z_ij - lse_j).
template<class T>
struct softmax_slopes {
  static constexpr int channels = 1, outputs = 2, operands = 3;
  T scale;
  bool without_matched, with_items = false;
  template<class V, class At>
  DISPAR_FN vec<V, 2> operator()(const vec<V, 1>& similarity, const At& at) const {
    const V z = V(scale) * similarity[0];
    const V both = at.row[1] * exp(z - at.row[0]) + at.col[1] * exp(z - at.col[0]);
    const V other = without_matched ? select(at.matched, V(0), both) : both;
    if (!with_items) return {{V(scale) * other, z * other}};
    const auto masked = apart_or_zero(at.row[2], at.col[2]) == V(0);  // where z may be anything
    return {{select(masked, V(0), V(scale) * other), select(masked, V(0), z * other)}};
  }
};

/// The states of a band's rows and of those it met, merged into those of the matrices.
struct merge_states {
  const log_sum_exp_state* from;
  log_sum_exp_state* rows;
  log_sum_exp_state* cols;
  index row_count;
  DISPAR_FN void operator()(index i) const {
    folds::log_sum_exp<double>::merge(i < row_count ? rows[i] : cols[i - row_count], from[i]);
  }
};
struct clear_states {
  log_sum_exp_state* states;
  DISPAR_FN void operator()(index i) const { states[i] = folds::log_sum_exp<double>::identity(); }
};

/// States i, i + parts, i + 2 parts, ... merged: in a fixed order, with many threads.
struct fold_states {
  const log_sum_exp_state* states;
  index count, parts;
  log_sum_exp_state* out;
  DISPAR_FN void operator()(index part) const {
    auto all = folds::log_sum_exp<double>::identity();
    for (index i = part; i < count; i += parts) folds::log_sum_exp<double>::merge(all, states[i]);
    out[part] = all;
  }
};

/// Numbers of a band's rows and of those it meets, one after the other.
template<class T>
struct gather_operands {
  const T* rows;
  const T* cols;
  index row_count;
  T* out;
  DISPAR_FN void operator()(index i) const { out[i] = i < row_count ? rows[i] : cols[i - row_count]; }
};

/// How the anchors of one matrix count: the same for all, times a number per row where there are any.
struct anchor_weight {
  double each;
  strided_vector<const double> by_row;
  const double* anchors = nullptr;  ///< each is shared out among so many
  [[nodiscard]] DISPAR_FN double operator()(index i) const {
    const double one = anchors ? each / *anchors : each;
    return by_row.data ? one * by_row(i) : one;
  }
};

/// Of anchor i with the positive logit z and log-sum-exp L of its negatives:
///
///     loss = log(exp(z) + exp(L)) - z = log(1 + exp(L - z)),   dloss / dz = -1 / (1 + exp(z - L)).
struct anchor_terms {
  double loss, slope;
};
[[nodiscard]] DISPAR_FN anchor_terms terms_of_anchor(const log_sum_exp_state& negatives, double z) {
  const double gap = folds::log_sum_exp<double>::finalize(negatives) - z;
  if (is_nan(gap)) return {gap, gap};
  if (!(gap > -1e300)) return {0, 0};
  const double e = std::exp(gap > 0 ? -gap : gap);
  return {(gap > 0 ? gap : 0) + std::log1p(e), -(gap > 0 ? 1 : e) / (1 + e)};
}

}  // namespace detail

}  // namespace contrastive

DISPAR_NAMESPACE_END
