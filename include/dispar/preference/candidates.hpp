#pragma once
/// \file
/// Log-probabilities of some tokens per row of logits, and the correction factors of InTRO. What a program needs of a
/// distribution is its log-sum-exp and a handful of logits: softmax is never stored.

#include "dispar/backend/array.hpp"
#include "dispar/backend/default.hpp"
#include "dispar/backend/rows.hpp"
#include "dispar/backend/strided_matrix.hpp"
#include "dispar/preference/token_targets.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

/// Where `correction_factors` writes, rows x candidates; null views are not written.
template<memory_space S = host>
struct factor_results {
  matrix_view<double, S> factors{};        ///< w
  matrix_view<double, S> log_forward{};    ///< log p of the candidates
  matrix_view<double, S> log_posterior{};  ///< log q of the candidates
};

namespace detail {

/// min(q / p, clip) from logarithms.
[[nodiscard]] DISPAR_FN double clipped_ratio(double log_q, double log_p, double log_clip) {
  const double ratio = log_q - log_p;
  if (is_nan(ratio)) return quiet_nan<double>();  // whatever a compiler flag says of comparisons
  return std::exp(ratio > log_clip ? log_clip : ratio);
}

/// log p of candidates in each of N distributions: logits are gathered into `out`, and lose their log-sum-exp there.
template<int N>
struct candidate_program {
  static constexpr int inputs = N, outputs = 0, results = 0, passes = 1, operands = 0;
  dispar::detail::strided<const std::int64_t> candidates;
  index count, vocabulary;
  double log_clip;
  dispar::detail::strided<double> out[N], factors;

  struct row {
    index i;
  };
  DISPAR_FN static row begin(const vec<double, 0>&) { return {}; }
  template<class X>
  DISPAR_FN void gather(index i, const X& x, row& r) const {
    r.i = i;
    for (index k = 0; k < count; ++k) {
      const std::int64_t c = candidates(i, k);
      const bool there = c >= 0 && c < static_cast<std::int64_t>(vocabulary);
      for (int n = 0; n < N; ++n) out[n](i, k) = there ? x(n, static_cast<index>(c)) : quiet_nan<double>();
    }
  }
  template<int>
  DISPAR_FN static log_sum_exp_pass<N> pass() {
    return {};
  }
  template<int>
  DISPAR_FN void finish(const row_state<N, N>& s, row& r) const {
    for (int n = 0; n < N; ++n) {
      const double log_sum = log_sum_exp_of(s, n);
      for (index k = 0; k < count; ++k) out[n](r.i, k) -= log_sum;
    }
    if constexpr (N == 2)
      for (index k = 0; k < count && factors.data; ++k) factors(r.i, k) = clipped_ratio(out[1](r.i, k), out[0](r.i, k), log_clip);
  }
  template<class V>
  DISPAR_FN static vec<V, 0> write(const vec<V, N>&, const row&) {
    return {};
  }
  DISPAR_FN static vec<double, 0> result(const row&) { return {}; }
};

inline void check_clip(double clip) { require(clip > 0, "clip", "must be above 0", clip); }

template<class M>
void require_candidates(const M& m, index rows, index count, const char* name) {
  if (!m) return;
  require(m.rows() == rows, name, "must have one row per row of logits", static_cast<double>(m.rows()));
  require(m.cols() == count, name, "must have one column per candidate", static_cast<double>(m.cols()));
}

}  // namespace detail

/// out(i, k) = log softmax(logits(i))_(candidates(i, k)): of rows x vocabulary logits, rows x n tokens; doubles.
///
///     preference::candidate_logps(cpu{}, logits, candidates, out);
///
/// NaN for a token outside of the vocabulary, and where a row has no softmax. Time: one exponential per logit; no memory.
/// Returns at once on a GPU, where one thread per row gathers: meant for tens of candidates. Throws `invalid_argument` for shapes
/// that differ.
template<backend B, sample_matrix X, token_matrix C, class Out>
void candidate_logps(const B& b, const X& logits, const C& candidates, Out&& out) {
  using dispar::detail::strided_of;
  using S = space_of<X>;
  static_assert(reachable<space_of<C>, typename B::space>, "dispar: this backend cannot read the memory of the candidates");
  const matrix_view<double, space_of<Out>> view = view_of(out);
  const auto x = view_of(logits);
  const matrix_view<const std::int64_t, space_of<C>> c = view_of(candidates);
  detail::require_candidates(c, x.rows(), view.cols(), "candidates");
  detail::require_candidates(view, x.rows(), c.cols(), "out");
  const detail::candidate_program<1> program{strided_of(c), c.cols(), x.cols(), 0, {strided_of(view)}, {}};
  run_rows(b, program, row_inputs<value_type_of<X>, 1, S>{.x = {x}}, row_outputs<value_type_of<X>, 0, 0, S>{});
}

/// The correction factors of candidate tokens, how much more probable they are for a model that knows the answer:
///
///     w(i, k) = min(softmax(posterior(i))_c / softmax(forward(i))_c, clip),    c = candidates(i, k)
///
/// formed from logarithms, so that nothing overflows. forward, posterior: rows x vocabulary; candidates, results: rows x n.
///
///     preference::correction_factors(cpu{}, forward, posterior, candidates, {.factors = w});
///
/// arXiv 2511.09865 (InTRO), eq. 7 and below, default of the paper. Memory: 16 bytes per candidate. Errors and NaN as in
/// `candidate_logps`, and for a clip that is not above 0.
template<backend B, sample_matrix X, sample_matrix Y, token_matrix C>
void correction_factors(const B& b, const X& forward, const Y& posterior, const C& candidates,
                        const factor_results<space_of<X>>& out, double clip = 200) {
  using dispar::detail::strided_of;
  using T = value_type_of<X>;
  using S = space_of<X>;
  static_assert(reachable<space_of<C>, typename B::space>, "dispar: this backend cannot read the memory of the candidates");
  detail::check_clip(clip);
  const auto x = view_of(forward);
  const matrix_view<const std::int64_t, space_of<C>> c = view_of(candidates);
  const index rows = x.rows(), n = c.cols();
  detail::require_candidates(c, rows, n, "candidates");
  detail::require_candidates(out.factors, rows, n, "factors");
  detail::require_candidates(out.log_forward, rows, n, "log_forward");
  detail::require_candidates(out.log_posterior, rows, n, "log_posterior");
  const bool own = !out.log_forward || !out.log_posterior;
  array<double, 2, B> scratch(b, {own ? 2 * rows : 0, n});
  const auto place = [&](const matrix_view<double, S>& view, index first) {
    return view ? strided_of(view) : dispar::detail::strided<double>{scratch.data() + first * n, n, 1};
  };
  const detail::candidate_program<2> program{
      strided_of(c),          n, x.cols(), std::log(clip), {place(out.log_forward, 0), place(out.log_posterior, rows)},
      strided_of(out.factors)};
  run_rows(b, program, row_inputs<T, 2, S>{.x = {x, view_of(posterior)}}, row_outputs<T, 0, 0, S>{});
}

}  // namespace preference

DISPAR_NAMESPACE_END
