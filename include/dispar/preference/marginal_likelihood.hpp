#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/backend/rows.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

namespace detail {

/// Log-sum-exp of a row, and its softmax.
struct marginal_program {
  static constexpr int inputs = 1, outputs = 1, results = 1, passes = 1, operands = 0;
  struct row {
    double log_sum;
  };
  DISPAR_FN static row begin(const vec<double, 0>&) { return {}; }
  template<int>
  DISPAR_FN static log_sum_exp_pass<1> pass() {
    return {};
  }
  template<int>
  DISPAR_FN static void finish(const row_state<1, 1>& s, row& r) {
    r.log_sum = log_sum_exp_of(s, 0);
  }
  template<class V>
  DISPAR_FN static vec<V, 1> write(const vec<V, 1>& x, const row& r) {
    return {{exp_below(x[0], r.log_sum)}};
  }
  DISPAR_FN static vec<double, 1> result(const row& r) { return {{r.log_sum}}; }
};

}  // namespace detail

/// The log-likelihood of an answer over the ways that lead to it: from logps(i, z) = log pi(y_i, z | x_i) of the chains of
/// thought z that end in y_i (all of them, or a sample)
///
///     values(i) = log sum_z exp logps(i, z),      posterior(i, z) = exp(logps(i, z) - values(i)) = pi(z | x_i, y_i)
///
/// The posterior is also the gradient of the value by the log-probabilities: given to `sequence_logps_and_gradient` as the
/// upstream derivative it makes the gradient by all logits, the posterior-weighted sum of those of log pi(z) (InTRO, arXiv
/// 2511.09865, proposition 2.1). `values` and `posterior` may be null views.
///
///     preference::marginal_likelihood(cpu{}, logps, values, posterior);
///
/// logps: questions x chains, `lengths` how many of them there are. NaN for a question without a chain of probability above 0.
/// Returns at once on a GPU. Throws `invalid_argument` for shapes that differ.
template<backend B, matrix_like X, class Values, class Posterior>
void marginal_likelihood(const B& b, const X& logps, Values&& values, Posterior&& posterior,
                         const vector_view<const std::int64_t, space_of<X>>& lengths = {}) {
  using T = value_type_of<X>;
  using S = space_of<X>;
  const vector_view<double, space_of<Values>> out = view_of(values);
  const matrix_view<T, S> weights = view_of(posterior);
  run_rows(b, detail::marginal_program{}, row_inputs<T, 1, S>{.x = {view_of(logps)}, .lengths = lengths},
           row_outputs<T, 1, 1, S, space_of<Values>>{.y = {weights}, .results = {out}});
}

}  // namespace preference

DISPAR_NAMESPACE_END
