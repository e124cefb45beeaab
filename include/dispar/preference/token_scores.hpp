#pragma once
/// \file
/// The row program of a target token: what it scores, and the gradient by all logits of its row.

#include "dispar/backend/rows.hpp"
#include "dispar/core/logistic.hpp"
#include "dispar/preference/token_targets.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference::detail {

/// log p_c = z_c - log sum_j exp z_j; its derivative is [j = c] - p_j.
struct log_probability {
  using pass = log_sum_exp_pass<1>;
  template<class Row>
  DISPAR_FN static void finish(const row_state<1, 1>& s, Row& r) {
    r.log_sum = log_sum_exp_of(s, 0);
    r.value = r.logit - r.log_sum;
    r.written = -r.scale * std::exp(r.value);
    r.wanted = -r.scale * std::expm1(r.value);
  }
  template<class V, class Row>
  DISPAR_FN static V derivative(V x, const Row& r) {
    return V(-r.scale) * exp_below(x, r.log_sum);
  }
};

/// Maximum and sum of exp(x - maximum) of all elements but the target's, and how many are equal to it: it is one of them.
struct others_pass {
  static constexpr int maxima = 1, sums = 2;
  template<class V, class Row>
  DISPAR_FN static vec<V, 1> shifts(const vec<V, 1>& x, const Row& r) {
    return {{select(x[0] == V(r.logit), V(row_nothing<typename V::scalar>), x[0])}};
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, 2> terms(const vec<V, 1>& x, const vec<V, 1>& maximum, const Row& r) {
    const auto equal = x[0] == V(r.logit);
    const V one(1), zero(0), e = exp2_nonpositive((select(equal, maximum[0], x[0]) - maximum[0]) * V(1.44269504088896340736));
    return {{select(equal, zero, e), select(equal, one, zero)}};
  }
  DISPAR_FN static void rescale(vec<double, 2>& sum, const vec<double, 1>& drop) { sum[0] *= std::exp(drop[0]); }
};

/// log(1 - p_c) = -softplus(z_c - m), m = log sum_(j != c) exp z_j, without a difference that cancels where p_c is close to 1.
/// Its derivative is -p_c at c and p_c exp(z_j - m) elsewhere.
struct log_complement {
  using pass = others_pass;
  template<class Row>
  DISPAR_FN static void finish(const row_state<1, 2>& s, Row& r) {
    const double equals = s.sum[1] - 1, top = equals > 0 && r.logit > s.maximum[0] ? r.logit : s.maximum[0];
    const double sum = s.sum[0] * std::exp(s.maximum[0] - top) + (equals > 0 ? equals * std::exp(r.logit - top) : 0);
    const double above = r.logit - (top + std::log(sum)), p = sigmoid(above);
    r.log_sum = top + std::log(sum);
    r.value = -softplus(above);
    if (!(sum > 0)) r.value = is_special(r.logit) ? quiet_nan<double>() : negative_infinity<double>();  // one token, or none
    if (is_special(sum) || is_nan(r.logit) || is_positive_infinity(r.logit)) r.value = quiet_nan<double>();
    r.wanted = -r.scale * p;
    r.scale *= p;
    r.written = above <= 0 ? r.scale * std::exp(above) : 0;
  }
  template<class V, class Row>
  DISPAR_FN static V derivative(V x, const Row& r) {
    return select(x == V(r.logit), V(r.written), V(r.scale) * exp_below(x, r.log_sum));
  }
};

/// A row of logits and its target: sign x weight x score, weight, and the gradient of the first times factor x upstream.
template<class Score>
struct token_program {
  static constexpr int inputs = 1, outputs = 1, results = 2, passes = 1, operands = 0;
  token_targets targets;
  index vocabulary;
  double sign;                                                        ///< of the score: 1 or -1
  double factor;                                                      ///< of the gradient
  dispar::detail::strided_vector<const double> upstream{}, counts{};  ///< per sequence; null: 1

  struct row {
    index target;
    double logit, log_sum, value, weight, scale;
    double written, wanted;  ///< the target's derivative by `write`, and the exact one
  };
  DISPAR_FN static row begin(const vec<double, 0>&) { return {}; }
  DISPAR_FN bool skips(index i) const {
    const double w = targets.weight(i);
    return w >= 0 && w <= 0;
  }
  template<class X>
  DISPAR_FN void gather(index i, const X& x, row& r) const {
    if (x.length == 0) return;
    const std::int64_t label = targets.label(i);
    const index s = targets.sequence(i);
    const bool there = label >= 0 && label < static_cast<std::int64_t>(vocabulary);
    r.target = there ? static_cast<index>(label) : 0;
    r.logit = there ? x(0, r.target) : quiet_nan<double>();
    r.weight = targets.weight(i);
    r.scale = sign * factor * r.weight;
    if (upstream.data != nullptr) r.scale *= upstream(s);
    if (counts.data != nullptr) r.scale /= counts(s);
  }
  template<int>
  DISPAR_FN static auto pass() {
    return typename Score::pass{};
  }
  template<int, int M, int S>
  DISPAR_FN static void finish(const row_state<M, S>& s, row& r) {
    const double w = r.weight;
    if (w >= 0 && w <= 0) return;
    Score::finish(s, r);
    if (is_nan(r.value)) r.scale = r.written = r.wanted = quiet_nan<double>();
  }
  template<class V>
  DISPAR_FN static vec<V, 1> write(const vec<V, 1>& x, const row& r) {
    return {{Score::derivative(x[0], r)}};
  }
  template<class Y>
  DISPAR_FN static void scatter(index, const Y& y, const row& r) {
    y.replace(0, r.target, r.written, r.wanted);
  }
  DISPAR_FN vec<double, 2> result(const row& r) const {
    const double w = r.weight;
    return {{w >= 0 && w <= 0 ? 0 : sign * w * r.value, w}};
  }
};

}  // namespace preference::detail

DISPAR_NAMESPACE_END
