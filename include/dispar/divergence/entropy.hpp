#pragma once

#include "dispar/divergence/rows.hpp"

DISPAR_NAMESPACE_BEGIN

namespace divergence {

namespace detail {

/// Sums of e = exp(x - m) and of e (x - m), of one row.
struct entropy_pass {
  static constexpr int maxima = 1, sums = 2;
  template<class V, class Row>
  DISPAR_FN static vec<V, 1> shifts(const vec<V, 1>& x, const Row&) {
    return x;
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, 2> terms(const vec<V, 1>& x, const vec<V, 1>& maximum, const Row&) {
    const V below = dispar::detail::lower_bounded(x[0] - maximum[0], V(row_nothing<typename V::scalar>));
    const V e = exp2_nonpositive(below * V(log2_e));
    return {{e, e * below}};
  }
  DISPAR_FN static void rescale(vec<double, 2>& sum, const vec<double, 1>& drop) {
    const double factor = std::exp(drop[0]);
    sum[1] = factor > 0 ? factor * (sum[1] + drop[0] * sum[0]) : 0;
    sum[0] *= factor;
  }
};

template<row_kind Kind>
struct entropy_program;

template<>
struct entropy_program<row_kind::logits> {
  static constexpr int inputs = 1, outputs = 1, results = 1, passes = 1, operands = 1;
  double per_nat, factor;
  struct row {
    double log_sum, entropy, scale;
  };
  DISPAR_FN row begin(const vec<double, 1>& of_row) const { return {0, 0, factor * per_nat * of_row[0]}; }
  template<int>
  DISPAR_FN static entropy_pass pass() {
    return {};
  }
  template<int>
  DISPAR_FN static void finish(const row_state<1, 2>& s, row& r) {
    const bool none = is_special(s.sum[0]) || !(s.sum[0] > 0);
    const double log_of_sum = none ? quiet_nan<double>() : std::log(s.sum[0]);
    r.log_sum = s.maximum[0] + log_of_sum;
    r.entropy = none ? log_of_sum : log_of_sum - s.sum[1] / s.sum[0];
  }
  /// -p_j (log p_j + H).
  template<class V>
  DISPAR_FN static vec<V, 1> write(const vec<V, 1>& x, const row& r) {
    const V log_p = dispar::detail::lower_bounded(x[0] - V(r.log_sum), V(row_nothing<typename V::scalar>));
    return {{V(-r.scale) * exp2_nonpositive(log_p * V(log2_e)) * (log_p + V(r.entropy))}};
  }
  DISPAR_FN vec<double, 1> result(const row& r) const { return {{per_nat * r.entropy}}; }
};

/// Sums of p log p, and the number of negative p.
struct probability_entropy_pass {
  static constexpr int maxima = 0, sums = 2;
  template<class V>
  [[nodiscard]] DISPAR_FN static V log_of(V p) {
    return dispar::detail::lower_bounded(log(p), V(row_nothing<typename V::scalar>));
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, 0> shifts(const vec<V, 1>&, const Row&) {
    return {};
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, 2> terms(const vec<V, 1>& x, const vec<V, 0>&, const Row&) {
    return {{x[0] * log_of(x[0]), select(x[0] < V(0), V(1), V(0))}};
  }
  DISPAR_FN static void rescale(vec<double, 2>&, const vec<double, 0>&) {}
};

template<>
struct entropy_program<row_kind::probabilities> {
  static constexpr int inputs = 1, outputs = 1, results = 1, passes = 1, operands = 1;
  double per_nat, factor;
  struct row {
    double entropy, scale;
  };
  DISPAR_FN static double masked() { return 0; }
  DISPAR_FN row begin(const vec<double, 1>& of_row) const { return {0, factor * per_nat * of_row[0]}; }
  template<int>
  DISPAR_FN static probability_entropy_pass pass() {
    return {};
  }
  template<int>
  DISPAR_FN static void finish(const row_state<0, 2>& s, row& r) {
    r.entropy = s.sum[1] > 0 || is_special(s.sum[0]) ? quiet_nan<double>() : -s.sum[0];
    r.scale = is_nan(r.entropy) ? r.entropy : r.scale;
  }
  template<class V>
  DISPAR_FN static vec<V, 1> write(const vec<V, 1>& x, const row& r) {
    return {{V(-r.scale) * select(x[0] > V(0), probability_entropy_pass::log_of(x[0]) + V(1), V(0))}};
  }
  DISPAR_FN vec<double, 1> result(const row& r) const { return {{per_nat * r.entropy}}; }
};

}  // namespace detail

/// The entropy of every row, H_i = -sum_v p_v log p_v with p = softmax(a_i), and where a gradient is wanted (`g.a`)
/// dH / da_j = -p_j (log p_j + H). One pass, in which maximum, sum and weighted sum are folded at once, and one to write. Of
/// `probabilities(...)`: dH / dp_j = -(log p_j + 1), as 0 where p_j is 0.
///
///     divergence::entropy(cpu{}, a, values);                    // one double per row
///     divergence::entropy(cpu{}, a, values, {}, {.a = ga});     // with the gradient
///
/// Rows, options, errors and what is NaN as in `divergence::rows`. Shannon, Bell System Technical Journal 27 (1948).
template<backend B, row_like A, class Values>
void entropy(const B& b, const A& a, Values&& values, const row_options<detail::argument_space<A>>& o = {},
             const gradients<detail::argument_value<A>, detail::argument_space<A>>& g = {}) {
  using T = detail::argument_value<A>;
  using S = detail::argument_space<A>;
  const auto out = view_of(values);
  const detail::entropy_program<detail::row_argument<A>::kind> p{o.in == unit::bits ? detail::log2_e : 1.0, g.factor};
  run_rows(
      b, p,
      row_inputs<T, 1, S, 1>{.x = {detail::row_argument<A>::view(a)}, .lengths = o.lengths, .operands = {g.rows}, .mask = o.mask},
      row_outputs<T, 1, 1, S, typename decltype(out)::space>{.y = {g.a}, .results = {out}, .accumulate = g.accumulate});
}

}  // namespace divergence

DISPAR_NAMESPACE_END
