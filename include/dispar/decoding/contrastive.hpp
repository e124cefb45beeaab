#pragma once
/// \file
/// Contrastive decoding: an expert against an amateur.

#include "dispar/decoding/cad.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// What the expert's plausible tokens are scored by.
enum class contrastive_form {
  log_ratio,  ///< log p_expert - log p_amateur: Li et al. (2023)
  logits      ///< (1 + beta) expert - beta amateur: O'Brien and Lewis (2023)
};

/// Options of `contrastive`.
struct contrastive_options {
  contrastive_form form = contrastive_form::log_ratio;  ///< the score
  double plausibility = 0.1;                            ///< a: tokens below this share of the expert's best are cut; 0: none is
  double beta = 0.5;                                    ///< weight of the amateur in the form `logits`
  double amateur_temperature = 1;                       ///< tau > 0, that divides the amateur's logits; 0.5 in some settings
};

namespace detail {

/// Maximum and sum of exponentials of x_0 and of x_1 / temperature.
struct two_softmax_pass : log_sum_exp_pass<2> {
  double per_temperature;
  template<class V, class Row>
  DISPAR_FN vec<V, 2> shifts(const vec<V, 2>& x, const Row&) const {
    return {{x[0], x[1] * V(per_temperature)}};
  }
  template<class V, class Row>
  DISPAR_FN vec<V, 2> terms(const vec<V, 2>& x, const vec<V, 2>& maximum, const Row& row) const {
    return log_sum_exp_pass<2>::terms(shifts(x, row), maximum, row);
  }
};

struct log_ratio_program {
  static constexpr int inputs = 2, outputs = 1, results = 0, passes = 1, operands = 0;
  plausibility plausible;
  double per_temperature;

  struct row {
    double log_sum[2], least;
  };
  DISPAR_FN static row begin(const vec<double, 0>&) { return {}; }
  template<int>
  DISPAR_FN two_softmax_pass pass() const {
    return {{}, per_temperature};
  }
  template<int>
  DISPAR_FN void finish(const row_state<2, 2>& s, row& r) const {
    for (int i = 0; i < 2; ++i) r.log_sum[i] = log_sum_exp_of(s, i);
    r.least = plausible.least(s.maximum[0]);
  }
  template<class V>
  DISPAR_FN vec<V, 1> write(const vec<V, 2>& x, const row& r) const {
    const V ratio = (x[0] - V(r.log_sum[0])) - (x[1] * V(per_temperature) - V(r.log_sum[1]));
    return {{cut(x[0], r.least, select(is_excluded(x[0]), excluded(x[0]), ratio))}};
  }
  DISPAR_FN static vec<double, 0> result(const row&) { return {}; }
};

}  // namespace detail

/// Contrastive decoding: what the expert finds likely and the amateur does not. The expert is a large model, the amateur a small
/// one, or the same model with and without context. Within K = { v : p_expert(v) >= a max p_expert },
///
///     merged = log p_expert - log p_amateur       or       (1 + beta) expert - beta amateur,        softmax(amateur / tau) being
///     p_amateur
///
/// and minus infinity elsewhere. The threshold in logits: expert >= max expert + log a.
///
///     decoding::contrastive(cpu{}, expert, amateur, scores);
///     decoding::contrastive(cpu{}, expert, amateur, scores, {.form = decoding::contrastive_form::logits, .beta = 0.5});
///
/// Two passes. Tokens as in `contrast.hpp`. A NaN, plus infinity or nothing but minus infinity in one of the rows gives NaN for
/// every token that is not cut in the form `log_ratio`. Throws `invalid_argument` for shapes that differ, a outside [0, 1], a
/// temperature that is not positive and a beta that is not finite.
///
/// Li et al., "Contrastive Decoding: Open-ended Text Generation as Optimization", ACL 2023, eq. 2 and 3; O'Brien and Lewis,
/// arXiv 2309.09117.
template<backend B, sample_matrix E, sample_matrix A, class Out>
void contrastive(const B& b, const E& expert, const A& amateur, Out&& merged, const contrastive_options& o = {}) {
  using T = value_type_of<E>;
  using S = space_of<E>;
  require(o.amateur_temperature > 0 && !is_special(o.amateur_temperature), "contrastive: amateur_temperature",
          "must be positive and finite", o.amateur_temperature);
  const detail::plausibility plausible(o.plausibility, "contrastive: plausibility");
  if (o.form == contrastive_form::logits) {
    detail::contrast<true>(b, expert, amateur, merged, "contrastive: beta", {o.beta, plausible, 1 / o.amateur_temperature});
  } else {
    run_rows(b, detail::log_ratio_program{plausible, 1 / o.amateur_temperature},
             row_inputs<T, 2, S>{.x = detail::merge_inputs(expert, amateur)},
             row_outputs<T, 1, 0, S>{.y = {detail::merge_output(expert, merged)}});
  }
}

}  // namespace decoding

DISPAR_NAMESPACE_END
