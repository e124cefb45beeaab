#pragma once
/// \file
/// Losses of pairs of answers, or of groups of chosen answers and a rejected one, from log-probabilities of sequences.
///
/// NaN in gives NaN out in that row; so do log-ratios of minus infinity minus minus infinity, a number of tokens of 0 and a
/// number of samples out of range. Margins may have any size.
///
/// Time O(answers), no memory but one double per group for a mean. Everything is computed in double. Returns at once on a GPU.

#include <string>

#include "dispar/backend/array.hpp"
#include "dispar/backend/default.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/preference/losses.hpp"
#include "dispar/preference/row_totals.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

/// Groups x samples; a vector is a matrix with one sample per group: a pair.
template<class T, memory_space S = host>
struct sample_view : matrix_view<T, S> {
  sample_view() = default;
  /// From a view, also of mutable elements.
  ///@{
  template<class U>
  requires std::is_convertible_v<matrix_view<U, S>, matrix_view<T, S>> sample_view(const matrix_view<U, S>& m)
      : matrix_view<T, S>(m) {}
  template<class U>
  requires std::is_convertible_v<vector_view<U, S>, vector_view<T, S>> sample_view(const vector_view<U, S>& v)
      : matrix_view<T, S>(v.data(), {v.size(), 1}, {v.stride(0), 1}) {}
  ///@}
};

/// Log-probabilities of sequences by the policy and by the reference, one group per row. Null references are 0; a loss that does
/// not look at something does not need it.
///
///     preference::log_probs<double> pairs{.chosen = view_of(w), .rejected = view_of(l),
///                                         .reference_chosen = view_of(rw), .reference_rejected = view_of(rl)};
template<class T, memory_space S = host>
struct log_probs {
  sample_view<const T, S> chosen{};                ///< groups x samples
  vector_view<const T, S> rejected{};              ///< one per group
  sample_view<const T, S> reference_chosen{};      ///< as `chosen`
  vector_view<const T, S> reference_rejected{};    ///< as `rejected`
  sample_view<const double, S> chosen_tokens{};    ///< lengths of the answers, as by `token_counts`, where a loss is per token
  vector_view<const double, S> rejected_tokens{};  ///< as `chosen_tokens`
  vector_view<const std::int64_t, S> samples_of_group{};  ///< how many of the samples there are, the first ones; null: all
};

/// Where the results of groups go; null views are not written.
template<memory_space S = host>
struct group_results {
  vector_view<double, S> loss{};             ///< of each group
  vector_view<double, S> chosen_reward{};    ///< the implicit reward, beta times the (mean) log-ratio; NaN where a loss has none
  vector_view<double, S> rejected_reward{};  ///< the same of the rejected answer
  vector_view<double, S> weight{};           ///< d loss / d rejected reward: for logistic losses sigma(-margin), 0 when learnt
  scalar_view<double, S> mean{};             ///< of the losses
};

/// Where gradients by log-probabilities go; null views are not computed.
template<class T, memory_space S = host>
struct log_prob_gradients {
  sample_view<T, S> chosen{};              ///< by the policy's
  vector_view<T, S> rejected{};            ///< by the policy's
  sample_view<T, S> reference_chosen{};    ///< by the reference's: the negative of `chosen`
  vector_view<T, S> reference_rejected{};  ///< by the reference's
  double factor = 1;                       ///< the upstream derivative; 1 / groups for that of the mean
  vector_view<const double, S> rows{};     ///< an upstream derivative per group; null: all 1
  bool accumulate = false;                 ///< add to what the views hold instead of overwriting it
};

namespace detail {

/// One group.
template<class F, class T>
struct group_step {
  using D = dual<lane<double>, 2>;
  template<class X>
  using matrix = dispar::detail::strided<X>;
  template<class X>
  using vector = dispar::detail::strided_vector<X>;
  F f;
  index samples;
  matrix<const T> chosen, reference_chosen;
  vector<const T> rejected, reference_rejected;
  matrix<const double> chosen_tokens;
  vector<const double> rejected_tokens;
  vector<const std::int64_t> samples_of_group;
  vector<double> loss, chosen_reward, rejected_reward, weight;
  matrix<T> by_chosen, by_reference_chosen;
  vector<T> by_rejected, by_reference_rejected;
  double factor;
  vector<const double> upstream;
  bool accumulate;

  DISPAR_FN void operator()(index i) const {
    const index count = samples_of_group.data ? static_cast<index>(samples_of_group(i)) : samples;
    const bool there = count >= 1 && count <= samples;
    double u = 0;
    if constexpr (reads_chosen<F>) {
      for (index k = 0; k < count && there; ++k) u += side(chosen(i, k), reference(reference_chosen, i, k)) * per_token(i, k);
      u = there ? u / static_cast<double>(count) : quiet_nan<double>();
    }
    const double v = side(rejected(i), reference_rejected.data ? reference_rejected(i) : T(0)) * per_token(i);
    const D chosen_side = D::variable(lane<double>(u), 0), rejected_side = D::variable(lane<double>(v), 1);
    const D value = f.value(chosen_side, rejected_side);
    write(loss, i, value.value.value);
    if constexpr (requires { f.rewards(chosen_side, rejected_side); }) {
      const vec<D, 2> r = f.rewards(chosen_side, rejected_side);
      write(chosen_reward, i, r[0].value.value);
      write(rejected_reward, i, r[1].value.value);
      write(weight, i, value.d[1].value / r[1].d[1].value);
    } else {
      write(chosen_reward, i, quiet_nan<double>());
      write(rejected_reward, i, quiet_nan<double>());
      write(weight, i, quiet_nan<double>());
    }
    const double scale = factor * (upstream.data ? upstream(i) : 1);
    const double by_u = scale * value.d[0].value / static_cast<double>(there ? count : 1), by_v = scale * value.d[1].value;
    for (index k = 0; k < samples; ++k) {
      const double d = k < count || !there ? by_u * (reads_chosen<F> ? per_token(i, k) : 1) : 0;
      add(by_chosen, i, k, d);
      add(by_reference_chosen, i, k, reads_reference<F> ? -d : 0);
    }
    add(by_rejected, i, by_v * per_token(i));
    add(by_reference_rejected, i, reads_reference<F> ? -by_v * per_token(i) : 0);
  }

private:
  DISPAR_FN static double side(T policy, T reference) {
    return reads_reference<F> ? static_cast<double>(policy) - static_cast<double>(reference) : static_cast<double>(policy);
  }
  DISPAR_FN static T reference(const matrix<const T>& x, index i, index k) { return x.data ? x(i, k) : T(0); }
  DISPAR_FN double per_token(index i, index k) const { return counts_tokens<F> ? inverse(chosen_tokens(i, k)) : 1; }
  DISPAR_FN double per_token(index i) const { return counts_tokens<F> ? inverse(rejected_tokens(i)) : 1; }
  DISPAR_FN static double inverse(double tokens) { return tokens > 0 ? 1 / tokens : quiet_nan<double>(); }
  DISPAR_FN static void write(const vector<double>& out, index i, double x) {
    if (out.data) out(i) = x;
  }
  DISPAR_FN void add(const vector<T>& out, index i, double x) const {
    if (out.data) out(i) = static_cast<T>(accumulate ? static_cast<double>(out(i)) + x : x);
  }
  DISPAR_FN void add(const matrix<T>& out, index i, index k, double x) const {
    if (out.data) out(i, k) = static_cast<T>(accumulate ? static_cast<double>(out(i, k)) + x : x);
  }
};

/// How many groups, and how many samples in each; checks all shapes.
template<class F, class T, class S, class R>
[[nodiscard]] std::array<index, 2> group_shape(const F& f, const log_probs<T, S>& x, const group_results<R>& out,
                                               const log_prob_gradients<T, S>& g) {
  if constexpr (requires { f.check(); }) f.check();
  const index groups = x.rejected.size();
  const index samples = reads_chosen<F> || x.chosen ? x.chosen.cols() : 1;
  require(!reads_chosen<F> || samples >= 1, "chosen: samples", "must be at least 1 per group", static_cast<double>(samples));
  const auto as_rejected = [groups](const auto& v, const char* name) {
    if (v) require(v.size() == groups, name, "must have one entry per rejected answer", static_cast<double>(v.size()));
  };
  const auto as_chosen = [groups, samples](const auto& m, const char* name) {
    if (!m) return;
    require(m.rows() == groups, name, "must have one row per rejected answer", static_cast<double>(m.rows()));
    require(m.cols() == samples, name, "must have the samples of the chosen answers", static_cast<double>(m.cols()));
  };
  if constexpr (reads_chosen<F>) require(x.chosen || groups == 0, "chosen", "must not be the null view");
  if constexpr (counts_tokens<F>) {
    require(x.chosen_tokens || groups == 0, "chosen_tokens", "must be given for a loss per token");
    require(x.rejected_tokens || groups == 0, "rejected_tokens", "must be given for a loss per token");
  }
  as_chosen(x.chosen, "chosen");
  as_chosen(x.reference_chosen, "reference_chosen");
  as_chosen(x.chosen_tokens, "chosen_tokens");
  as_rejected(x.reference_rejected, "reference_rejected");
  as_rejected(x.rejected_tokens, "rejected_tokens");
  as_rejected(x.samples_of_group, "samples_of_group");
  as_rejected(out.loss, "loss");
  as_rejected(out.chosen_reward, "chosen_reward");
  as_rejected(out.rejected_reward, "rejected_reward");
  as_rejected(out.weight, "weight");
  as_chosen(g.chosen, "gradient: chosen");
  as_chosen(g.reference_chosen, "gradient: reference_chosen");
  as_rejected(g.rejected, "gradient: rejected");
  as_rejected(g.reference_rejected, "gradient: reference_rejected");
  as_rejected(g.rows, "gradient: rows");
  return {groups, samples};
}

}  // namespace detail

/// The loss of every group, what else is known of it, and its gradients by the log-probabilities:
///
///     loss(i) = f(u_i, v_i),   u_i = (1 / K) sum_k (chosen(i, k) - reference_chosen(i, k)),   v_i = rejected(i) -
///     reference_rejected(i)
///
///     preference::losses(cpu{}, preference::dpo{.beta = 0.1}, pairs, {.loss = view_of(loss)});
///     preference::losses(cpu{}, preference::d2o{}, groups, {.mean = mean}, {.chosen = by_chosen, .rejected = by_rejected});
///
/// Throws `invalid_argument` for parameters of f out of range, shapes that differ, no samples, and for a mean of no groups.
template<backend B, pair_loss F, class T, memory_space S, memory_space R = S>
void losses(const B& b, const F& f, const log_probs<T, S>& x, const group_results<R>& out,
            const log_prob_gradients<T, S>& g = {}) {
  static_assert(real<T>, "dispar: log-probabilities of sequences are float or double");
  static_assert(reachable<S, typename B::space> && reachable<R, typename B::space>,
                "dispar: this backend cannot read that memory; copy the data with dispar::to(backend, x)");
  const auto [groups, samples] = detail::group_shape(f, x, out, g);
  require(!out.mean || groups > 0, "losses: number of groups", "must be at least 1 for a mean");
  if (groups == 0) return;
  using dispar::detail::strided_of;
  array<double, 1, B> own(b, {out.mean && !out.loss ? groups : 0});
  const auto loss = out.loss ? strided_of(out.loss) : dispar::detail::strided_vector<double>{own.data(), 1};
  for_each_index(b, groups,
                 detail::group_step<F, T>{f,
                                          samples,
                                          strided_of(x.chosen),
                                          strided_of(x.reference_chosen),
                                          strided_of(x.rejected),
                                          strided_of(x.reference_rejected),
                                          strided_of(x.chosen_tokens),
                                          strided_of(x.rejected_tokens),
                                          strided_of(x.samples_of_group),
                                          loss,
                                          strided_of(out.chosen_reward),
                                          strided_of(out.rejected_reward),
                                          strided_of(out.weight),
                                          strided_of(g.chosen),
                                          strided_of(g.reference_chosen),
                                          strided_of(g.rejected),
                                          strided_of(g.reference_rejected),
                                          g.factor,
                                          strided_of(g.rows),
                                          g.accumulate});
  if (out.mean) {
    const matrix_view<const double, typename B::space> row(loss.data, {1, groups}, {groups, loss.stride});
    detail::sum_rows(b, row, vector_view<double, R>(out.mean.data(), 1), 1 / static_cast<double>(groups));
  }
}

/// The mean loss over groups, and its gradients where views are given: those of `losses`, divided by the number of groups.
///
///     const double loss = preference::mean(cpu{}, preference::dpo{}, pairs, {.chosen = by_chosen, .rejected = by_rejected});
///
/// Waits. Throws as `losses`, for no groups, and for a mean that is NaN.
template<backend B, pair_loss F, class T, memory_space S>
double mean(const B& b, const F& f, const log_probs<T, S>& x, log_prob_gradients<T, S> g = {}) {
  require(x.rejected.size() > 0, "mean: number of groups", "must be at least 1");
  g.factor /= static_cast<double>(x.rejected.size());
  result<double, B> value(b);
  losses(b, f, x, group_results<typename B::space>{.mean = value.view()}, g);
  const double there = value.get();
  require(!is_nan(there), "mean: log-probabilities", "must be numbers that have a loss in every group");
  return there;
}

}  // namespace preference

DISPAR_NAMESPACE_END
