#pragma once
/// \file
/// What supervised contrastive losses compute of a pair, of an anchor and of everything.

#include "dispar/contrastive/class_passes.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// A supervised contrastive loss.
struct supcon_loss {
  double value;           ///< the loss; 0 without anchors
  double anchors;         ///< rows that have a positive: those the mean is over
  double by_temperature;  ///< derivative by the parameter of the logit scale, times the upstream factor; 0 unless wanted
};

namespace detail {

/// Logits with rows of other classes, of the own class, and the latter once more with 0 elsewhere. The operand is the class.
template<class T>
struct logits_by_class {
  static constexpr int channels = 1, outputs = 3, operands = 1;
  T scale;
  template<class V, class At>
  DISPAR_FN vec<V, 3> operator()(const vec<V, 1>& similarity, const At& at) const {
    const V z = V(scale) * similarity[0];
    const auto same = at.row[0] == at.col[0];
    return {{select(same, V(-largest_finite<T>), z), select(same, z, V(-largest_finite<T>)), select(same, z, V(0))}};
  }
};

/// Per anchor i, beside its class: numbers such that
///
///     dL_i / dz_ij = exp(z_ij - others) for a negative,    sign exp(z_ij - own) + constant for a positive,
///
/// and the weight of the anchor. `supcon_anchors` finds them; no two of the terms cancel where a single positive is found well.
template<class T>
struct supcon_operands {
  static constexpr int count = 5;
  T* operands;  ///< count x rows: class, others, own, constant, weight
  index rows;
  DISPAR_FN void set(index row, double others, double own, double constant, double weight) const {
    operands[rows + row] = bounded(others);
    operands[2 * rows + row] = bounded(own);
    operands[3 * rows + row] = static_cast<T>(constant);
    operands[4 * rows + row] = static_cast<T>(weight);
  }
  /// Nobody's anchor: exp(z - others) is 0.
  DISPAR_FN void set_none(index row) const { set(row, largest(), largest(), 0, 0); }

  [[nodiscard]] DISPAR_FN static double largest() { return static_cast<double>(largest_finite<T> / 4); }
  [[nodiscard]] DISPAR_FN static T bounded(double x) { return static_cast<T>(x < largest() ? x : largest()); }
};

/// dL / d similarity_ij, and (dL / dz_ij) (z_ij - lse_i), which sums up to what (dL / dz_ij) z_ij does, since the slopes of an
/// anchor sum to 0: large logits that all candidates of an anchor share do not cancel then.
template<class T>
struct supcon_slopes {
  static constexpr int channels = 1, outputs = 2, operands = supcon_operands<T>::count;
  T scale, sign;
  bool within;  ///< both rows of a pair are anchors
  template<class V, class At>
  DISPAR_FN vec<V, 2> operator()(const vec<V, 1>& similarity, const At& at) const {
    const V z = V(scale) * similarity[0];
    const auto same = at.row[0] == at.col[0];
    const V factor = select(same, V(sign), V(1));
    const auto slope = [&](const vec<V, operands>& anchor) {
      const V e = exp(z - select(same, anchor[2], anchor[1]));
      return anchor[4] * (factor * e + select(same, anchor[3], V(0)));
    };
    V sum = slope(at.row), by_scale = sum * (z - at.row[1]);
    if (within) {
      const V other = slope(at.col);
      sum = sum + other;
      by_scale = by_scale + other * (z - at.col[1]);
    }
    return {{V(scale) * sum, by_scale}};
  }
};

/// Of row i, with log-sum-exp N of its negatives, P of its positives, p of them with mean logit m, gap = N - P:
///
///     L_in = log p + log(1 + exp(gap)),    L_out = (P - m) + log(1 + exp(gap)).
template<class T>
struct supcon_anchors {
  class_states states;
  class_table classes;
  index anchors;  ///< rows of the first matrix
  bool within;    ///< positives are among these, else among the rows that follow
  bool in;        ///< L_in, else L_out
  double factor;
  strided_vector<const double> weights;
  double* terms;  ///< anchors x 3: loss, whether it is an anchor, weight times loss
  strided_vector<double> by_row;
  supcon_operands<T> out;

  DISPAR_FN void operator()(index i) const {
    out.operands[i] = static_cast<T>(classes.of[i]);
    if (i >= anchors) return out.set_none(i);
    const index count = within ? classes.size[i] - 1 : classes.size[i] - classes.below(i, anchors);
    const bool anchor = count > 0;
    const double weight = weights.data ? weights(i) : 1;
    const double loss = anchor ? describe(i, static_cast<double>(count), weight) : 0;
    if (!anchor) out.set_none(i);
    terms[3 * i] = loss;
    terms[3 * i + 1] = anchor ? 1 : 0;
    terms[3 * i + 2] = weight * loss;
    if (by_row.data) by_row(i) = factor * loss;
  }

private:
  [[nodiscard]] DISPAR_FN double describe(index i, double count, double weight) const {
    const double own = folds::log_sum_exp<double>::finalize(states.positives[i]);
    const anchor_terms against = terms_of_anchor(states.negatives[i], own);
    const double all = own + against.loss, missed = -against.slope;  // the share of negatives in the softmax
    // A single positive: (1 - missed) - 1 = -missed, in either form.
    if (count == 1)
      out.set(i, all, out.largest(), -missed, weight);
    else if (in)
      out.set(i, all, missed > 0 ? own - std::log(missed) : out.largest(), 0, weight);
    else
      out.set(i, all, all, -1 / count, weight);
    if (count == 1) return against.loss;
    return against.loss + (in ? std::log(count) : own - states.sums[i] / count);
  }
};

/// What every anchor counts, with the factor tau / tau_base.
struct supcon_weight {
  const double* sums;  ///< losses, anchors, weighted losses
  bool mean;
  double factor;
  [[nodiscard]] DISPAR_FN double operator()() const {
    if (!(sums[1] > 0)) return 0;
    return mean ? factor / sums[1] : factor;
  }
};
/// That times the caller's upstream derivative.
struct supcon_upstream {
  supcon_weight each;
  const double* upstream;
  double* out;
  DISPAR_FN void operator()() const { *out = each() * (upstream ? *upstream : 1); }
};

/// With a factor proportional to tau, that is to 1 / scale, the derivative by log scale is the factor's times (dL - L).
template<logit_scale Scale>
struct finish_supcon {
  supcon_weight each;
  const double* slopes;    ///< sum of (dL / dz) z; null: no derivative
  const double* upstream;  ///< of `supcon_upstream`
  Scale scale;
  bool based;
  double factor;
  supcon_loss* out;
  DISPAR_FN void operator()() const {
    *out = {each() * each.sums[0], each.sums[1], 0};
    if (slopes) out->by_temperature = scale.derivative(*slopes - (based ? each.sums[2] : 0)) * factor * *upstream;
  }
};

}  // namespace detail

}  // namespace contrastive

DISPAR_NAMESPACE_END
