#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/preference/candidates.hpp"
#include "dispar/preference/row_totals.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

/// Where the results of `intro_expectation` go, per row; null views are not written.
template<memory_space S = host>
struct expectation_results {
  vector_view<double, S> loss{};           ///< -sum_v r_v log p_v
  vector_view<double, S> largest_ratio{};  ///< max_v q_v / p_v, before the clip
};

/// Where the gradient of `intro_expectation` goes.
template<class T, memory_space S = host>
struct row_gradient {
  matrix_view<T, S> logits{};           ///< by the forward logits, over which it may be written; null: not computed
  double factor = 1;                    ///< the upstream derivative, 1 / rows for the mean
  vector_view<const double, S> rows{};  ///< an upstream derivative per row; null: all 1
  bool accumulate = false;              ///< add to what the view holds instead of overwriting it
};

namespace detail {

/// r_v = p_v min(q_v / p_v, clip) = min(q_v, clip p_v).
struct expectation_program {
  static constexpr int inputs = 2, outputs = 1, results = 2, passes = 2, operands = 1;
  double log_clip, factor;

  struct row {
    double log_sum[2], log_clip, mass, loss, largest, scale;
  };
  struct ratio_pass {
    static constexpr int maxima = 1, sums = 2;
    template<class V, class Row>
    DISPAR_FN static vec<V, 2> logs(const vec<V, 2>& x, const Row& r) {
      const V nothing(row_nothing<typename V::scalar>);
      return {{dispar::detail::lower_bounded(x[0] - V(r.log_sum[0]), nothing),
               dispar::detail::lower_bounded(x[1] - V(r.log_sum[1]), nothing)}};
    }
    template<class V>
    DISPAR_FN static V clipped(V log_p, V log_q, double log_clip) {
      const V most = log_p + V(log_clip);
      return exp2_nonpositive(select(most < log_q, most, log_q) * V(1.44269504088896340735992468100));
    }
    template<class V, class Row>
    DISPAR_FN static vec<V, 1> shifts(const vec<V, 2>& x, const Row& r) {
      const vec<V, 2> log = logs(x, r);
      return {{log[1] - log[0]}};
    }
    template<class V, class Row>
    DISPAR_FN static vec<V, 2> terms(const vec<V, 2>& x, const vec<V, 1>&, const Row& r) {
      const vec<V, 2> log = logs(x, r);
      const V mass = clipped(log[0], log[1], r.log_clip);
      return {{mass, mass * log[0]}};
    }
    DISPAR_FN static void rescale(vec<double, 2>&, const vec<double, 1>&) {}
  };
  DISPAR_FN row begin(const vec<double, 1>& of_row) const { return {{0, 0}, log_clip, 0, 0, 0, factor * of_row[0]}; }
  template<int Pass>
  DISPAR_FN static auto pass() {
    if constexpr (Pass == 0)
      return log_sum_exp_pass<2>{};
    else
      return ratio_pass{};
  }
  template<int Pass, int M, int S>
  DISPAR_FN static void finish(const row_state<M, S>& s, row& r) {
    if constexpr (Pass == 0) {
      for (int i = 0; i < 2; ++i) r.log_sum[i] = log_sum_exp_of(s, i);
    } else {
      r.mass = s.sum[0];
      r.loss = -s.sum[1];
      r.largest = std::exp(s.maximum[0]);
      if (is_nan(r.log_sum[0]) || is_nan(r.log_sum[1])) r.scale = r.loss = r.largest = quiet_nan<double>();
    }
  }
  template<class V>
  DISPAR_FN static vec<V, 1> write(const vec<V, 2>& x, const row& r) {
    const vec<V, 2> log = ratio_pass::logs(x, r);
    return {{V(r.scale) * (V(r.mass) * exp_below(x[0], r.log_sum[0]) - ratio_pass::clipped(log[0], log[1], r.log_clip))}};
  }
  DISPAR_FN static vec<double, 2> result(const row& r) { return {{r.loss, r.largest}}; }
};

}  // namespace detail

/// What the InTRO loss of a position is in expectation when its candidates are drawn from the forward policy p =
/// softmax(forward), q = softmax(posterior) being the one that knows the answer: the whole vocabulary instead of n samples. With
/// r_v = p_v min(q_v / p_v, clip)
///
///     loss(i) = -sum_v r_v log p_v,      d loss / d forward_j = p_j sum_v r_v - r_j
///
/// Without a clip (infinity) r = q: the cross-entropy of q and p, whose gradient p - q is that of KL(q || p), to be had with its
/// value by `divergence::rows(b, posterior, forward, divergence::kullback_leibler{}, values)`.
///
///     preference::intro_expectation(cpu{}, forward, posterior, {.loss = loss}, {.logits = gradient, .factor = 1.0 / rows});
///
/// forward, posterior: rows x vocabulary. Time: four exponentials per token, six with the gradient. Memory: none. NaN where a row
/// has no softmax. Returns at once on a GPU. Throws `invalid_argument` for shapes that differ and a clip that is not above 0.
template<backend B, sample_matrix X, sample_matrix Y>
void intro_expectation(const B& b, const X& forward, const Y& posterior, const expectation_results<space_of<X>>& out,
                       const row_gradient<value_type_of<X>, space_of<X>>& g = {}, double clip = 200) {
  using T = value_type_of<X>;
  using S = space_of<X>;
  detail::check_clip(clip);
  // A finite number, since it is added to logarithms that are: no ratio is above it.
  const double log_clip = std::log(clip), most = static_cast<double>(-row_nothing<float>) / 4;
  const detail::expectation_program program{log_clip < most ? log_clip : most, g.factor};
  run_rows(b, program, row_inputs<T, 2, S, 1>{.x = {view_of(forward), view_of(posterior)}, .operands = {g.rows}},
           row_outputs<T, 1, 2, S>{.y = {g.logits}, .results = {out.loss, out.largest_ratio}, .accumulate = g.accumulate});
}

}  // namespace preference

DISPAR_NAMESPACE_END
