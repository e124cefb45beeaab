#pragma once
/// \file
/// Policy gradients by groups of responses, the methods that InTRO is compared with: advantages of rewards, and the loss of
/// clipped probability ratios, from log-probabilities of tokens.

#include "dispar/backend/array.hpp"
#include "dispar/backend/default.hpp"
#include "dispar/backend/rows.hpp"
#include "dispar/backend/strided_matrix.hpp"
#include "dispar/preference/shares.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

/// How a reward is compared with those of the other responses to the same question.
enum class advantage {
  group_normalized,  ///< (R - mean) / (population standard deviation + 1e-8): GRPO, arXiv 2402.03300
  group_mean,        ///< R - mean: GPG, arXiv 2504.02546
  leave_one_out,     ///< R - mean of the others: LaTRO, arXiv 2411.04282; RLOO
};

namespace detail {

struct advantage_step {
  dispar::detail::strided<const double> rewards;
  dispar::detail::strided<double> out;
  index responses;
  advantage kind;
  DISPAR_FN void operator()(index i) const {
    const auto n = static_cast<double>(responses);
    double sum = 0, squares = 0;
    for (index k = 0; k < responses; ++k) sum += rewards(i, k);
    const double mean = sum / n;
    for (index k = 0; k < responses; ++k) squares += (rewards(i, k) - mean) * (rewards(i, k) - mean);
    const double scale = kind == advantage::group_normalized ? 1 / (std::sqrt(squares / n) + 1e-8) : 1;
    for (index k = 0; k < responses; ++k) {
      const double reward = rewards(i, k);
      out(i, k) = kind == advantage::leave_one_out ? reward - (sum - reward) / (n - 1) : scale * (reward - mean);
    }
  }
};

}  // namespace detail

/// out(i, k): the advantage of response k to question i, from rewards(i, k); doubles, questions x responses. `out` may be the
/// rewards for every kind but `leave_one_out`.
///
///     preference::group_advantages(cpu{}, rewards, out, preference::advantage::group_normalized);
///
/// Returns at once on a GPU. Throws `invalid_argument` for shapes that differ, no responses, and one response to leave out.
template<backend B, matrix_like R, class Out>
void group_advantages(const B& b, const R& rewards, Out&& out, advantage kind = advantage::group_normalized) {
  const matrix_view<const double, space_of<R>> r = view_of(rewards);
  const matrix_view<double, space_of<Out>> a = view_of(out);
  static_assert(reachable<space_of<R>, typename B::space> && reachable<space_of<Out>, typename B::space>,
                "dispar: this backend cannot read that memory; copy the data with dispar::to(backend, x)");
  require(a.extents() == r.extents(), "group_advantages: out", "must have the shape of the rewards",
          static_cast<double>(a.size()));
  require(r.cols() >= (kind == advantage::leave_one_out ? 2 : 1), "group_advantages: responses",
          "must be at least 1, 2 to leave one out", static_cast<double>(r.cols()));
  using dispar::detail::strided_of;
  for_each_index(b, r.rows(), detail::advantage_step{strided_of(r), strided_of(a), r.cols(), kind});
}

/// Log-probabilities of the tokens of responses: responses x positions.
template<class T, memory_space S = host>
struct policy_log_probs {
  matrix_view<const T, S> current{};             ///< by the policy that is trained
  matrix_view<const T, S> old{};                 ///< by the policy that the responses were drawn from
  matrix_view<const T, S> reference{};           ///< by the reference; null where `kl` is 0
  vector_view<const double, S> advantages{};     ///< per response; null: all 1
  vector_view<const double, S> weights{};        ///< per response, in the mean; null: all 1. RAFT: 1 where right, else 0
  vector_view<const std::int64_t, S> lengths{};  ///< tokens of each response; null: all
};

/// Options of `clipped_ratio`. Defaults: the fixtures of InTRO's baselines and GRPO's paper.
struct clipped_ratio_options {
  double clip_below = 0.2;  ///< ratios count as at least 1 - this where that is less; above 0, infinity: no bound
  double clip_above = 0.2;  ///< and as at most 1 + this
  double kl = 0;            ///< beta, the weight of the estimate of KL(policy || reference); 0.04 in GRPO; at least 0
};

/// Where the results of `clipped_ratio` go; null views are not written.
template<memory_space S = host>
struct ratio_results {
  vector_view<double, S> responses{};  ///< the loss of each
  scalar_view<double, S> loss{};       ///< their weighted mean, 0 where nothing has a weight
};

/// Where the gradient of `clipped_ratio` goes.
template<class T, memory_space S = host>
struct ratio_gradient {
  matrix_view<T, S> current{};  ///< by the log-probabilities of the policy; null: not computed
  double factor = 1;            ///< the upstream derivative of the loss
  bool accumulate = false;      ///< add to what the view holds instead of overwriting it
};

namespace detail {

/// -(min(s A, clip(s) A) - beta k3) of every token, the mean over tokens, and the gradient.
struct clipped_ratio_program {
  static constexpr int inputs = 3, outputs = 1, results = 1, passes = 1, operands = 2;
  double least, most, kl, factor;

  struct row {
    double least, most, kl, advantage, scale, loss;
  };
  /// Loss and slope of a token.
  template<class V>
  DISPAR_FN static vec<V, 2> token(const vec<V, 3>& x, const row& r) {
    using T = typename V::scalar;
    const V one(1), advantage(r.advantage), least(r.least), most(r.most), bound(T(sizeof(T) == 4 ? 80 : 700));
    // Bounded, so that an advantage of 0 is 0 times a number.
    const auto exponential = [&](V d) { return exp(select(d > bound, bound, d)); };
    const V ratio = exponential(x[0] - x[1]), log_reference = x[2] - x[0], k = exponential(log_reference);
    const V clipped = select(ratio < least, least, select(ratio > most, most, ratio));
    const V free = ratio * advantage, held = clipped * advantage;
    const auto is_held = held < free;
    return {
        {V(r.kl) * (k - log_reference - one) - select(is_held, held, free), V(r.kl) * (one - k) - select(is_held, V(0), free)}};
  }
  struct sums_pass {
    static constexpr int maxima = 0, sums = 2;
    template<class V, class Row>
    DISPAR_FN static vec<V, 0> shifts(const vec<V, 3>&, const Row&) {
      return {};
    }
    template<class V, class Row>
    DISPAR_FN static vec<V, 2> terms(const vec<V, 3>& x, const vec<V, 0>&, const Row& r) {
      return {{token(x, r)[0], V(1)}};
    }
    DISPAR_FN static void rescale(vec<double, 2>&, const vec<double, 0>&) {}
  };
  DISPAR_FN row begin(const vec<double, 2>& of_row) const { return {least, most, kl, of_row[0], factor * of_row[1], 0}; }
  template<int>
  DISPAR_FN static sums_pass pass() {
    return {};
  }
  template<int>
  DISPAR_FN static void finish(const row_state<0, 2>& s, row& r) {
    r.loss = s.sum[1] > 0 ? s.sum[0] / s.sum[1] : 0;
    r.scale = s.sum[1] > 0 ? r.scale / s.sum[1] : 0;
  }
  template<class V>
  DISPAR_FN static vec<V, 1> write(const vec<V, 3>& x, const row& r) {
    return {{V(r.scale) * token(x, r)[1]}};
  }
  DISPAR_FN static vec<double, 1> result(const row& r) { return {{r.loss}}; }
};

}  // namespace detail

/// The clipped-ratio loss of responses and its gradient by the policy's log-probabilities. With s = exp(current - old), A the
/// response's advantage, d = reference - current
///
///     loss(g) = -(1 / T_g) sum_t [ min(s A, clip(s, 1 - e, 1 + e') A) - beta (exp(d) - d - 1) ],    loss = sum_g w_g loss(g) /
///     sum w
///
/// GRPO with `advantage::group_normalized` and kl = 0.04 (Shao et al., arXiv 2402.03300, eq. 3 and 4); RAFT++ with A = 1 and the
/// weights of right responses 1, of others 0; GPG with `advantage::group_mean` and clips of infinity. The derivative where s A is
/// clipped is 0.
///
///     preference::clipped_ratio(cpu{}, x, {.loss = loss}, {.current = gradient}, {.kl = 0.04});
///
/// A response of length 0 has loss 0. NaN in, NaN out. Ratios are exp(80) at most in float, exp(700) in double. Time: four
/// exponentials per token. Memory: 16 bytes per response. Returns at once on a GPU. Throws `invalid_argument` for shapes that
/// differ, options out of range, and for kl without a reference.
template<backend B, class T, memory_space S>
void clipped_ratio(const B& b, const policy_log_probs<T, S>& x, const ratio_results<S>& out, const ratio_gradient<T, S>& g = {},
                   const clipped_ratio_options& o = {}) {
  using dispar::detail::strided_of;
  using space = typename B::space;
  require(o.clip_below > 0, "clipped_ratio: clip_below", "must be above 0", o.clip_below);
  require(o.clip_above > 0, "clipped_ratio: clip_above", "must be above 0", o.clip_above);
  require(o.kl >= 0, "clipped_ratio: kl", "must be at least 0", o.kl);
  require(x.reference || o.kl <= 0, "clipped_ratio: reference", "must be given for a kl above 0");
  const index responses = x.current.rows();
  if (x.weights)
    require(x.weights.size() == responses, "clipped_ratio: weights", "must have one entry per response",
            static_cast<double>(x.weights.size()));
  if (responses == 0) return;

  array<double, 1, B> share(b, {responses}), own(b, {out.responses ? 0 : responses});
  in_order(b, detail::write_shares{strided_of(x.weights), responses, share.data()});
  constexpr double bound = 1e30;  // finite in float
  const detail::clipped_ratio_program program{o.clip_below < bound ? 1 - o.clip_below : -bound,
                                              o.clip_above < bound ? 1 + o.clip_above : bound, o.kl, g.factor};
  const vector_view<double, space> losses =
      out.responses ? vector_view<double, space>(out.responses.data(), out.responses.extents(), out.responses.strides())
                    : own.view();
  row_inputs<T, 3, S, 2> in{.x = {x.current, x.old, x.reference ? x.reference : x.current}, .lengths = x.lengths};
  in.operands = {x.advantages, {share.data(), {responses}, {1}}};
  run_rows(b, program, in, row_outputs<T, 1, 1, S, space>{.y = {g.current}, .results = {losses}, .accumulate = g.accumulate});
  if (out.loss)
    in_order(b, detail::write_share_loss{share.data(), {losses.data(), losses.stride(0)}, responses, 1, out.loss.data()});
}

}  // namespace preference

DISPAR_NAMESPACE_END
