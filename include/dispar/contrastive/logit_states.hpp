#pragma once
/// \file
/// Log-sum-exp of rows over candidates that come in shards: from other workers, from disk, one after another.

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_targets.hpp"
#include "dispar/contrastive/gradient_views.hpp"
#include "dispar/contrastive/softmax_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// What a row knows of the candidates it has met: the largest logit and the sum of exp(logit - largest).
/// `folds::log_sum_exp<double>::merge` puts two together, `finalize` gives the log-sum-exp.
using logit_state = folds::log_sum_exp<double>::state;

/// What rows and candidates show, by number, as `items` of `infonce_options`: a candidate with the number of a row is none of its
/// candidates, for example its own positive; one with a negative number is nobody's, and a row with one has none.
template<memory_space S = host>
struct logit_items {
  vector_view<const std::int64_t, S> rows{};        ///< of every row of x; the null view: all are different
  vector_view<const std::int64_t, S> candidates{};  ///< of every candidate; the null view: none that a row shows
};

/// How logits of a shard are worked on.
template<memory_space S = host>
struct logit_states_options {
  bool accumulate = false;  ///< merge into the states that are there: of the shards before
  logit_items<S> items{};   ///< who is no candidate of whom; by default all are of all
  index band_rows = 0;      ///< as in `infonce_options`
};

namespace detail {

template<class R, backend B, sample_matrix X, sample_matrix Y, logit_scale Scale>
[[nodiscard]] auto row_and_candidate_embeddings(const B& b, const X& rows_of_x, const Y& candidates, const Scale& scale,
                                                index states, index band_rows) {
  using E = value_type_of<X>;
  using S = space_of<X>;
  static_assert(has_pairwise<B>, "dispar: this backend cannot compute over pairs of rows: it has no member has_pairwise = true");
  static_assert(std::same_as<E, value_type_of<Y>> && std::same_as<S, space_of<Y>>,
                "dispar: both matrices must have the same element type and memory space");
  static_assert(reachable<R, typename B::space>, "dispar: this backend cannot write to that memory");
  const matrix_view<const E, S> x = view_of(rows_of_x), y = view_of(candidates);
  const auto number = [](index n) { return static_cast<double>(n); };
  scale.check();
  require(band_rows >= 0, "logit_states: band_rows", "must not be negative", number(band_rows));
  require(x.rows() > 0 && x.cols() > 0, "logit_states: x", "must have rows and columns", number(x.rows()));
  require(y.rows() > 0, "logit_states: candidates", "must be at least 1", number(y.rows()));
  require(y.cols() == x.cols(), "logit_states: columns of candidates", "must be those of x", number(y.cols()));
  require(states == x.rows(), "logit_states: states", "must have one entry per row of x", number(states));
  std::array<embeddings<E, B>, 2> both{embeddings<E, B>(b, reached<B>(x)), embeddings<E, B>(b, reached<B>(y))};
  require_finite(both[0], "x");
  require_finite(both[1], "candidates");
  return both;
}

template<memory_space S>
[[nodiscard]] candidate_items<S> checked_items(const logit_items<S>& items, index rows, index candidates) {
  const auto require_each = [](const auto& of, index count, const char* name) {
    if (of) require(of.size() == count, name, "must be one per row", static_cast<double>(of.size()));
  };
  require_each(items.rows, rows, "logit_states: items of rows");
  require_each(items.candidates, candidates, "logit_states: items of candidates");
  return {items.rows, items.candidates};
}

/// Numbers of rows, of which those of x come first, for the rows of a band of x and a band of candidates. Null: the null view.
template<backend B, class T>
[[nodiscard]] vector_view<const T, typename B::space> gather_shard(const B& b, const T* all, index x_rows, const band& r,
                                                                   const band& c, T* own) {
  const index count = r.count + c.count;
  if (all) for_each_index(b, count, gather_operands<T>{all + r.first, all + x_rows + c.first, r.count, own});
  return {all ? own : nullptr, count};
}

/// The states of a band's rows, merged into those of all.
struct merge_row_states {
  const logit_state* from;
  strided_vector<logit_state> rows;
  index first;
  DISPAR_FN void operator()(index i) const { folds::log_sum_exp<double>::merge(rows(first + i), from[i]); }
};
struct clear_row_states {
  strided_vector<logit_state> states;
  DISPAR_FN void operator()(index i) const { states(i) = folds::log_sum_exp<double>::identity(); }
};

/// Operands of the rows: log-sum-exp and weight; candidates are nobody's anchors.
template<class T>
struct state_operands {
  strided_vector<const logit_state> states;
  strided_vector<const double> weights;
  index anchors, rows;
  T* operands;
  DISPAR_FN void operator()(index i) const {
    const bool anchor = i < anchors;
    const bool meets = anchor && states(i).sum > 0;
    operands[i] = meets ? static_cast<T>(folds::log_sum_exp<double>::finalize(states(i))) : largest_finite<T> / 4;
    operands[rows + i] = anchor ? static_cast<T>(weights(i)) : T(0);
  }
};

template<logit_scale Scale>
struct finish_temperature {
  const double* slopes;
  Scale scale;
  double factor;
  const double* upstream;
  double* out;
  DISPAR_FN void operator()() const { *out = scale.derivative(*slopes) * (upstream ? factor * *upstream : factor); }
};

}  // namespace detail

/// The states of every row of x over one shard of candidates,
///
///     z_ij = scale s(x_i, y_j),    state_i of log sum_j exp(z_ij),
///
/// for softmax losses whose candidates are not in one place: shards are met one after another with `accumulate`, or by several
/// workers whose states are merged. The result does not depend on how candidates are split, beyond rounding.
///
///     for (const auto& shard : shards)
///       contrastive::logit_states(cpu{}, x, shard, contrastive::cosine{}, contrastive::temperature{0.07}, states,
///                                 {.accumulate = &shard != &shards.front()});
///     // InfoNCE: mean over i of finalize(states[i]) - z_ii
///
/// With `.items`, candidates that show what a row shows are left out of its state: its own positive among gathered candidates,
/// say, or a false negative. The state of a row without candidates is that of nothing, whose log-sum-exp is minus infinity.
///
/// x: n x d, candidates m x d of one type, any strides; states n, in memory of the backend. On a GPU it returns at once. Time
/// n m d multiply-adds; memory as the value of `infonce`. Throws `invalid_argument` as `infonce`, and for as many states as x has
/// not rows.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale, class R>
void logit_states(const B& b, const X& x, const Y& candidates, const Similarity& how, const Scale& scale,
                  const vector_view<logit_state, R>& states, const logit_states_options<space_of<X>>& o = {}) {
  using T = computed_type<value_type_of<X>>;
  using space = typename B::space;
  const index n = view_of(x).rows(), m = view_of(candidates).rows();
  const auto items = detail::checked_items(o.items, n, m);
  const auto matrices = detail::row_and_candidate_embeddings<R>(b, x, candidates, scale, states.size(), o.band_rows);
  const detail::item_numbers<T, B> item(b, items, n, m, false);
  const auto all = dispar::detail::strided_of(states);
  if (!o.accumulate) for_each_index(b, states.size(), detail::clear_row_states{all});
  const std::array<detail::meeting, 1> met{{{0, 1}}};
  detail::for_each_band_pair(
      b, matrices, how, met, o.band_rows,
      [&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
        array<logit_state, 2, B> own(b, {data.rows(), 1});
        array<T, 1, B> number(b, {items ? data.rows() : 0});
        const std::array<vector_view<const T, space>, 1> by_row{
            detail::gather_shard(b, item.number.data(), n, r, c, number.data())};
        pairwise(b, data, detail::logits<T>{static_cast<T>(scale.scale()), false, static_cast<bool>(items)}, blocks,
                 std::span<const vector_view<const T, space>>(by_row), row_log_sum_exp<0, space>{own.view()});
        for_each_index(b, r.count, detail::merge_row_states{own.data(), all, r.first});
      });
}

/// The gradient of sum_i weights_i log sum_j exp(z_ij) over all shards, by the rows and by the candidates of this one, given the
/// states over all shards:
///
///     dz_ij = weights_i exp(z_ij - state_i).
///
///     contrastive::logit_states_gradient(cpu{}, x, shard, how, scale, states, weights, {.x = gx, .y = by_shard}, by_t);
///
/// `g.x` is this shard's part: the parts of all shards add up (`accumulate`). `by_temperature`: this shard's part of the
/// derivative by the scale's parameter, times the upstream factor; the null view: not wanted. `items_of`: as for the states. What
/// the positives add, -weights_i z_ii in InfoNCE, is the caller's. On a GPU it returns at once. Time 4 n m d multiply-adds;
/// memory as the gradients of `infonce`. Throws as `logit_states`.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale, class R>
void logit_states_gradient(const B& b, const X& x, const Y& candidates, const Similarity& how, const Scale& scale,
                           const vector_view<const logit_state, R>& states, const vector_view<const double, R>& weights,
                           const paired_gradients_of<X>& g, const scalar_view<double, R>& by_temperature = {},
                           index band_rows = 0, const logit_items<space_of<X>>& items_of = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using space = typename B::space;
  const index n = view_of(x).rows(), m = view_of(candidates).rows(), rows = n + m;
  const auto items = detail::checked_items(items_of, n, m);
  const auto matrices = detail::row_and_candidate_embeddings<R>(b, x, candidates, scale, states.size(), band_rows);
  require(weights.size() == states.size(), "logit_states_gradient: weights", "must have one entry per row of x",
          static_cast<double>(weights.size()));
  detail::require_like(g.x, matrix_view<const E, space_of<X>>(view_of(x)), "logit_states_gradient: gradient by x");
  detail::require_like(g.y, matrix_view<const E, space_of<X>>(view_of(candidates)),
                       "logit_states_gradient: gradient by candidates");
  const detail::item_numbers<T, B> item(b, items, n, m, false);
  array<T, 2, B> operands(b, {2, rows});
  array<double, 2, B> slope(b, {1, 1}), slopes(b, {1, 1});
  for_each_index(b, rows,
                 detail::state_operands<T>{dispar::detail::strided_of(states), dispar::detail::strided_of(weights), n, rows,
                                           operands.data()});
  in_order(b, detail::clear_number{slopes.data()});
  const detail::gradient_targets<B, T, space_of<X>, 2> targets(b, {g.x, g.y}, g.accumulate);
  const std::array<detail::meeting, 1> met{{{0, 1}}};
  detail::for_each_band_pair(
      b, matrices, how, met, band_rows,
      [&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
        array<T, 2, B> own(b, {3, data.rows()});
        std::array<vector_view<const T, space>, 3> by_row;
        for (index o = 0; o < 3; ++o)
          by_row[static_cast<std::size_t>(o)] = detail::gather_shard(b, o < 2 ? operands.data() + o * rows : item.number.data(),
                                                                     n, r, c, own.data() + o * data.rows());
        pairwise(b, data, detail::softmax_slopes<T>{static_cast<T>(scale.scale()), false, static_cast<bool>(items)}, blocks,
                 std::span<const vector_view<const T, space>>(by_row), total<1, 1, space>{slope.view()},
                 feature_gradient<0, 0, T, 2, space>{{targets.of(r), targets.of(c)}, 1, true});
        for_each_index(b, 1, detail::add_numbers{slope.data(), slopes.data()});
      });
  targets.finish(b, matrices, how, nullptr, g.factor, g.upstream.data());
  if (by_temperature)
    in_order(b, detail::finish_temperature<Scale>{slopes.data(), scale, g.factor, g.upstream.data(), by_temperature.data()});
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
