#pragma once
/// \file
/// Log-probabilities of sequences, and what unlikelihood training takes instead, from logits: values and gradients.
///
/// Logits are batch x positions x vocabulary with any strides (`as_sequences` makes them of a matrix), labels batch x positions,
/// -100 where a token does not count. Softmax is never stored; a row whose token does not count is not read.
///
/// **What is no number.** NaN: a sequence with a counted row of NaN, of plus infinity or of nothing but minus infinity, and with
/// a label that is neither `ignore` nor in the vocabulary; so is the mean over no token. The sum over no token is 0. A target of
/// logit minus infinity has log-probability minus infinity, and a finite gradient.
///
/// **Accuracy.** Sums beyond a tile and everything per row are in double: from float logits within about 1e-7 per token.
///
/// Time: one exponential per counted logit, two with a gradient. Memory: 16 bytes per row of logits, none per logit.

#include "dispar/backend/array.hpp"
#include "dispar/backend/default.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/preference/row_totals.hpp"
#include "dispar/preference/token_scores.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

/// Where the gradient by logits goes.
template<class T, memory_space S = host>
struct logit_gradient {
  tensor_view<T, 3, S> logits{};             ///< of the shape of the logits, which it may overwrite; null: not computed
  double factor = 1;                         ///< the upstream derivative: the gradient is multiplied with it
  vector_view<const double, S> sequences{};  ///< an upstream derivative per sequence; null: all 1
  bool accumulate = false;                   ///< add to what the view holds instead of overwriting it
};

namespace detail {

/// How much every row counts.
struct write_weights {
  token_targets targets;
  double* out;
  DISPAR_FN void operator()(index i) const { out[i] = targets.weight(i); }
};
/// Numbers of all rows as a matrix of any strides.
struct write_tokens {
  const double* score;
  dispar::detail::strided<double> out;
  index time;
  DISPAR_FN void operator()(index i) const { out(i / time, i % time) = score[i]; }
};

/// Scores of all tokens (null: not wanted), of all sequences, and the gradient of what the sequences get.
template<class Score, class B, class T, class S, class L, class R>
void score_tokens(const B& b, const tensor_view<const T, 3, S>& logits, const matrix_view<const std::int64_t, L>& labels,
                  const vector_view<double, R>& values, const matrix_view<double, R>& tokens, const logit_gradient<T, S>& g,
                  const token_options<S>& o, double sign) {
  static_assert(reachable<L, typename B::space> && reachable<R, typename B::space>,
                "dispar: this backend cannot read the memory of the labels or write that of the results");
  using space = typename B::space;
  token_targets targets = targets_of(logits.extents(), labels, o);
  const index batch = logits.extent(0), time = logits.extent(1), rows = batch * time;
  if (values) require(values.size() == batch, "values", "must have one entry per sequence", static_cast<double>(values.size()));
  if (tokens)
    require(tokens.rows() == batch && tokens.cols() == time, "tokens", "must have the shape of the labels",
            static_cast<double>(tokens.rows()));
  if (g.logits)
    require(g.logits.extents() == logits.extents(), "gradient", "must have the shape of the logits",
            static_cast<double>(g.logits.size()));
  if (g.sequences)
    require(g.sequences.size() == batch, "gradient: sequences", "must have one entry per sequence",
            static_cast<double>(g.sequences.size()));
  require(time > 0, "logits: positions", "must be at least 1");
  if (batch == 0) return;

  const bool mean = o.reduce == over_tokens::mean;
  array<double, 2, B> scratch(b, {2, rows});
  array<double, 1, B> counts(b, {mean && g.logits ? batch : 0});
  double* const weights = scratch.data() + rows;
  const auto by_sequence = [&](double* x) { return matrix_view<const double, space>(x, batch, time); };
  token_program<Score> program{targets, logits.extent(2), sign, g.factor, dispar::detail::strided_of(g.sequences)};
  if (counts.data() != nullptr) {
    for_each_index(b, rows, write_weights{targets, weights});
    sum_rows(b, by_sequence(weights), counts.view());
    program.counts = {counts.data(), 1};
  }
  const vector_view<double, space> score(scratch.data(), rows), weight(weights, rows);
  // One run where the batch is one matrix, else one per sequence.
  const index together = is_one_matrix(logits) && is_one_matrix(g.logits) ? batch : 1;
  for (index first = 0; first < batch; first += together) {
    program.targets.first = first;
    row_outputs<T, 1, 2, S, space> out{
        .y = {rows_of(g.logits, first, together)},
        .results = {score.slice(first * time, together * time), weight.slice(first * time, together * time)},
        .accumulate = g.accumulate};
    run_rows(b, program, row_inputs<T, 1, S>{.x = {rows_of(logits, first, together)}}, out);
  }
  if (tokens) for_each_index(b, rows, write_tokens{scratch.data(), dispar::detail::strided_of(tokens), time});
  if (!values) return;
  if (mean)
    divide_row_sums(b, by_sequence(scratch.data()), by_sequence(weights), values);
  else
    sum_rows(b, by_sequence(scratch.data()), values);
}

/// Views of what callers pass.
template<class Score, class B, class X, class L, class V, class K>
void score_tokens_of(const B& b, const X& logits, const L& labels, const V& values, const K& tokens,
                     const logit_gradient<value_type_of<X>, space_of<X>>& g, const token_options<space_of<X>>& o, double sign) {
  score_tokens<Score, B, value_type_of<X>, space_of<X>, space_of<L>, typename V::space>(b, view_of(logits), view_of(labels),
                                                                                        values, tokens, g, o, sign);
}

}  // namespace detail

/// Log-probabilities of sequences: with c_t the token that row t scores (`token_options`)
///
///     values(s) = sum_t w_st log softmax(logits(s, t))_(c_t),    or that divided by sum_t w_st for `over_tokens::mean`
///
///     preference::sequence_logps(cpu{}, logits, labels, values, {.shift = true});      // one double per sequence
///
/// As `_get_batch_logps` of the released code of DPO, with `shift`. Returns at once on a GPU. Throws `invalid_argument` for
/// shapes that differ, no positions, no vocabulary.
template<backend B, sequence_logits X, token_matrix L, class Values>
void sequence_logps(const B& b, const X& logits, const L& labels, Values&& values, const token_options<space_of<X>>& o = {}) {
  const vector_view<double, space_of<Values>> out = view_of(values);
  detail::score_tokens_of<detail::log_probability>(b, logits, labels, out, matrix_view<double, space_of<Values>>(), {}, o, 1);
}

/// The same with the gradient, of values that may be the null view:
///
///     g.logits(s, t, j) = g.factor g.sequences(s) w_st ([j = c_t] - softmax(logits(s, t))_j)    (/ sum_t w_st for the mean)
///
/// and 0 (nothing, where accumulating) in rows that do not count. Logits are read once from memory where a row fits a cache.
///
///     preference::sequence_logps_and_gradient(cpu{}, logits, labels, values, {.logits = by_logits, .sequences = upstream});
template<backend B, sequence_logits X, token_matrix L, class Values>
void sequence_logps_and_gradient(const B& b, const X& logits, const L& labels, Values&& values,
                                 const logit_gradient<value_type_of<X>, space_of<X>>& g,
                                 const token_options<space_of<X>>& o = {}) {
  const vector_view<double, space_of<Values>> out = view_of(values);
  detail::score_tokens_of<detail::log_probability>(b, logits, labels, out, matrix_view<double, space_of<Values>>(), g, o, 1);
}

/// The terms of `sequence_logps` before they are summed, w_st log p_(c_t): batch x positions, 0 where nothing counts.
template<backend B, sequence_logits X, token_matrix L, class Tokens>
void token_logps(const B& b, const X& logits, const L& labels, Tokens&& tokens, const token_options<space_of<X>>& o = {}) {
  const matrix_view<double, space_of<Tokens>> out = view_of(tokens);
  detail::score_tokens_of<detail::log_probability>(b, logits, labels, vector_view<double, space_of<Tokens>>(), out, {}, o, 1);
}

/// How many tokens of each sequence count (the sum of their weights): what `over_tokens::mean` divides by.
template<backend B, token_matrix L, class Counts>
void token_counts(const B& b, const L& labels, Counts&& counts, const token_options<space_of<L>>& o = {}) {
  const matrix_view<const std::int64_t, space_of<L>> view = view_of(labels);
  const index batch = view.rows(), time = view.cols();
  const detail::token_targets targets = detail::targets_of({batch, time, 1}, view, o);
  const auto out = view_of(counts);
  require(out.size() == batch, "counts", "must have one entry per sequence", static_cast<double>(out.size()));
  if (batch == 0) return;
  array<double, 2, B> weights(b, {batch, time});
  for_each_index(b, batch * time, detail::write_weights{targets, weights.data()});
  detail::sum_rows(b, matrix_view<const double, typename B::space>(weights.view()), out);
}

/// The unlikelihood loss of tokens that a model should not produce, its values (may be null) and gradient:
///
///     losses(s) = -sum_t w_st log(1 - p_(c_t)) / sum_t w_st
///
/// by default the mean over tokens. log(1 - p) is the difference of the log-sum-exp without c_t and with it, so it is right where
/// p is 1 to the last digit. Infinite in a vocabulary of one token, with a gradient that is not finite.
///
///     preference::unlikelihood(cpu{}, logits, labels, losses, {.logits = by_logits, .factor = 1.0 / batch});
///
/// Welleck et al., ICLR 2020, eq. 4. Rows, options and errors as in `sequence_logps`.
template<backend B, sequence_logits X, token_matrix L, class Values>
void unlikelihood(const B& b, const X& logits, const L& labels, Values&& losses,
                  const logit_gradient<value_type_of<X>, space_of<X>>& g = {},
                  const token_options<space_of<X>>& o = {.reduce = over_tokens::mean}) {
  const vector_view<double, space_of<Values>> out = view_of(losses);
  detail::score_tokens_of<detail::log_complement>(b, logits, labels, out, matrix_view<double, space_of<Values>>(), g, o, -1);
}

/// Its terms before they are summed, -w_st log(1 - p_(c_t)): batch x positions.
template<backend B, sequence_logits X, token_matrix L, class Tokens>
void token_unlikelihood(const B& b, const X& logits, const L& labels, Tokens&& tokens, const token_options<space_of<X>>& o = {}) {
  const matrix_view<double, space_of<Tokens>> out = view_of(tokens);
  detail::score_tokens_of<detail::log_complement>(b, logits, labels, vector_view<double, space_of<Tokens>>(), out, {}, o, -1);
}

}  // namespace preference

DISPAR_NAMESPACE_END
