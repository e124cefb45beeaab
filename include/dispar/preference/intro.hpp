#pragma once
/// \file
/// InTRO, in-token rationality optimization: a model's own rationales, token by token weighted by how much more probable they are
/// when the answer is known. arXiv 2511.09865 (AAAI 2026).
///
/// Logits are rationales x positions x vocabulary: `forward` of the model that reads the question, `posterior` of the same model
/// that reads question and answer, row by row at the same position of the rationale. Nothing is differentiated by the posterior.
///
/// NaN: a candidate outside of the vocabulary, and a row without a softmax. Time: two exponentials per logit (of both), one more
/// with a gradient. Memory: 16 bytes per candidate, none per logit. Returns at once on a GPU.

#include "dispar/preference/candidates.hpp"
#include "dispar/preference/row_totals.hpp"
#include "dispar/preference/sequence_logps.hpp"
#include "dispar/preference/shares.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

/// Options of `intro`.
template<memory_space S = host>
struct intro_options {
  double clip = 200;                             ///< upper bound of the correction factors, the paper's
  vector_view<const std::int64_t, S> lengths{};  ///< T of each rationale, end token included; null: all positions
  vector_view<const double, S> weights{};        ///< 1 where the answer is right, 0: dropped; null: all 1
};

/// Where the results of `intro` go; null views are not written.
template<memory_space S = host>
struct intro_results {
  vector_view<double, S> objective{};  ///< of each rationale, dropped ones too
  scalar_view<double, S> loss{};       ///< minus the mean objective over those that are kept; 0 where none is
};

namespace detail {

/// A position: w of its candidates, sum_i w_i log p_i / (n T), and the gradient of minus that.
struct intro_program {
  static constexpr int inputs = 2, outputs = 1, results = 1, passes = 1, operands = 0;
  const std::int64_t* candidates;
  index stride[3];  ///< of the candidates: rationale, position, candidate
  index count, vocabulary, time, first;
  double log_clip, factor;
  dispar::detail::strided_vector<const std::int64_t> lengths;
  dispar::detail::strided_vector<const double> upstream;
  const double* share;
  dispar::detail::strided<double> log_p, log_q;

  struct row {
    index i;
    double log_sum, objective, total, scale;
  };
  DISPAR_FN index rationale(index i) const { return first + i / time; }
  DISPAR_FN index length(index g) const {
    const index n = lengths.data ? static_cast<index>(lengths(g)) : time;
    return n < time ? n : time;
  }
  DISPAR_FN std::int64_t candidate(index i, index k) const {
    return candidates[rationale(i) * stride[0] + (i % time) * stride[1] + k * stride[2]];
  }
  DISPAR_FN static row begin(const vec<double, 0>&) { return {}; }
  DISPAR_FN bool skips(index i) const { return i % time >= length(rationale(i)); }
  template<class X>
  DISPAR_FN void gather(index i, const X& x, row& r) const {
    r.i = i;
    if (x.length == 0) return;
    const index g = rationale(i);
    r.scale =
        factor * share[g] * (upstream.data ? upstream(g) : 1) / (static_cast<double>(count) * static_cast<double>(length(g)));
    for (index k = 0; k < count; ++k) {
      const std::int64_t c = candidate(i, k);
      const bool there = c >= 0 && c < static_cast<std::int64_t>(vocabulary);
      log_p(i, k) = there ? x(0, static_cast<index>(c)) : quiet_nan<double>();
      log_q(i, k) = there ? x(1, static_cast<index>(c)) : quiet_nan<double>();
    }
  }
  template<int>
  DISPAR_FN static log_sum_exp_pass<2> pass() {
    return {};
  }
  template<int>
  DISPAR_FN void finish(const row_state<2, 2>& s, row& r) const {
    if (skips(r.i)) return;
    r.log_sum = log_sum_exp_of(s, 0);
    const double of_posterior = log_sum_exp_of(s, 1);
    for (index k = 0; k < count; ++k) {
      log_p(r.i, k) -= r.log_sum;
      log_q(r.i, k) -= of_posterior;
      const double w = factor_of(r.i, k);
      r.total += w;
      r.objective += w * log_p(r.i, k);
    }
    r.objective /= static_cast<double>(count) * static_cast<double>(length(rationale(r.i)));
    if (is_nan(r.objective)) r.scale = quiet_nan<double>();
  }
  /// Of minus the objective: (p_j S - W_j) / (n T), with S the sum of all w and W_j that of the candidates equal to j.
  template<class V>
  DISPAR_FN static vec<V, 1> write(const vec<V, 2>& x, const row& r) {
    return {{V(r.scale * r.total) * exp_below(x[0], r.log_sum)}};
  }
  template<class Y>
  DISPAR_FN void scatter(index i, const Y& y, const row& r) const {
    for (index k = 0; k < count; ++k) {
      const std::int64_t c = candidate(i, k);
      if (c < 0 || c >= static_cast<std::int64_t>(vocabulary)) continue;
      bool again = false;
      for (index m = 0; m < k && !again; ++m) again = candidate(i, m) == c;
      if (again) continue;
      double w = 0;
      for (index m = k; m < count; ++m)
        if (candidate(i, m) == c) w += factor_of(i, m);
      const double mass = r.total * std::exp(log_p(i, k));
      y.replace(0, static_cast<index>(c), r.scale * mass, r.scale * (mass - w));
    }
  }
  DISPAR_FN static vec<double, 1> result(const row& r) { return {{r.objective}}; }

private:
  DISPAR_FN double factor_of(index i, index k) const { return clipped_ratio(log_q(i, k), log_p(i, k), log_clip); }
};

}  // namespace detail

/// The InTRO objective of G rationales and the gradient of the loss by the forward logits. With n candidates per position, the
/// token of the rationale first, and w the `correction_factors`, constants in the gradient:
///
///     objective(g) = 1 / (T_g n) sum_(t < T_g) sum_i w_ti log p_t(c_ti),      loss = -sum_g weights(g) objective(g) / sum_g
///     weights(g) d loss / d forward(g, t, j) = share_g / (T_g n) (p_j sum_i w_ti - sum_(i: c_ti = j) w_ti)
///
/// times `g.factor` and `g.sequences(g)`, as `share_g = weights(g) / sum weights`.
///
///     preference::intro(gpu, forward, posterior, candidates, {.loss = loss}, {.logits = by_forward}, {.weights =
///     correct.view()});
///
/// candidates: rationales x positions x n. Eq. 7 of the paper; gradient and filtering as in its algorithm 1. Throws
/// `invalid_argument` for shapes that differ, no candidates and a clip that is not above 0.
template<backend B, sequence_logits X, sequence_logits Y, class C>
void intro(const B& b, const X& forward, const Y& posterior, const C& candidates, const intro_results<space_of<X>>& out,
           const logit_gradient<value_type_of<X>, space_of<X>>& g = {}, const intro_options<space_of<X>>& o = {}) {
  using dispar::detail::strided_of;
  using T = value_type_of<X>;
  using S = space_of<X>;
  using space = typename B::space;
  static_assert(reachable<space_of<C>, space>, "dispar: this backend cannot read the memory of the candidates");
  detail::check_clip(o.clip);
  const tensor_view<const T, 3, S> x = view_of(forward), y = view_of(posterior);
  const tensor_view<const std::int64_t, 3, space_of<C>> c = view_of(candidates);
  const index batch = x.extent(0), time = x.extent(1), n = c.extent(2);
  require(y.extents() == x.extents(), "intro: posterior", "must have the shape of the forward logits",
          static_cast<double>(y.size()));
  require(c.extent(0) == batch && c.extent(1) == time, "intro: candidates", "must be rationales x positions x n",
          static_cast<double>(c.size()));
  require(n > 0 && time > 0 && x.extent(2) > 0, "intro: candidates, positions, vocabulary", "must be at least 1 each");
  if (g.logits)
    require(g.logits.extents() == x.extents(), "intro: gradient", "must have the shape of the logits",
            static_cast<double>(g.logits.size()));
  const auto per_rationale = [batch](const auto& v, const char* name) {
    if (v) require(v.size() == batch, name, "must have one entry per rationale", static_cast<double>(v.size()));
  };
  per_rationale(o.lengths, "intro: lengths");
  per_rationale(o.weights, "intro: weights");
  per_rationale(g.sequences, "intro: gradient: sequences");
  per_rationale(out.objective, "intro: objective");

  const index rows = batch * time;
  array<double, 2, B> logs(b, {2, rows * n});
  array<double, 1, B> share(b, {batch}), token(b, {rows}), own(b, {out.objective ? 0 : batch});
  in_order(b, detail::write_shares{strided_of(o.weights), batch, share.data()});
  const index together = detail::is_one_matrix(x) && detail::is_one_matrix(y) && detail::is_one_matrix(g.logits) ? batch : 1;
  for (index first = 0; first < batch; first += together) {
    double* const p = logs.data() + first * time * n;
    const detail::intro_program program{.candidates = c.data(),
                                        .stride = {c.stride(0), c.stride(1), c.stride(2)},
                                        .count = n,
                                        .vocabulary = x.extent(2),
                                        .time = time,
                                        .first = first,
                                        .log_clip = std::log(o.clip),
                                        .factor = g.factor,
                                        .lengths = strided_of(o.lengths),
                                        .upstream = strided_of(g.sequences),
                                        .share = share.data(),
                                        .log_p = {p, n, 1},
                                        .log_q = {p + rows * n, n, 1}};
    run_rows(b, program, row_inputs<T, 2, S>{.x = {detail::rows_of(x, first, together), detail::rows_of(y, first, together)}},
             row_outputs<T, 1, 1, S, space>{.y = {detail::rows_of(g.logits, first, together)},
                                            .results = {token.view().slice(first * time, together * time)},
                                            .accumulate = g.accumulate});
  }
  if (!out.objective && !out.loss) return;
  const auto objective = out.objective ? strided_of(out.objective) : dispar::detail::strided_vector<double>{own.data(), 1};
  detail::sum_rows(b, matrix_view<const double, space>(token.data(), batch, time),
                   vector_view<double, space>(objective.data, {batch}, {objective.stride}));
  if (out.loss)
    in_order(b, detail::write_share_loss{share.data(), {objective.data, objective.stride}, batch, -1, out.loss.data()});
}

}  // namespace preference

DISPAR_NAMESPACE_END
