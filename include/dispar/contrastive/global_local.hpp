#pragma once

#include <cmath>
#include <span>

#include "dispar/contrastive/logit_states.hpp"
#include "dispar/contrastive/matched_softmax.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How clients' vectors are put together.
template<memory_space S = host>
struct global_local_options {
  double temperature = 1;            ///< above 0; the released code has none
  bool own_item = true;              ///< the item itself is among those it is contrasted with (released code), or only the others
  matrix_view<double, S> weights{};  ///< clients x items: where to write the weights; not wanted by default
  matrix_view<double, S> scores{};   ///< clients x items: where to write the scores; not wanted by default
};

namespace detail {

/// The score of an item from its own logit and the log-sum-exp of the others. Without the own item it is their difference, taken
/// as such: log(expm1(loss)) gives the same, but not where exp overflows or the loss is rounded to 0.
struct score_items {
  const log_sum_exp_state* others;
  const double* own;
  bool own_item;
  double* score;
  DISPAR_FN void operator()(index k) const {
    score[k] = own_item ? -terms_of_anchor(others[k], own[k]).loss : own[k] - folds::log_sum_exp<double>::finalize(others[k]);
  }
};
/// Scores become their softmax over the clients.
struct weigh_clients {
  strided<double> score;  ///< clients x items
  index clients;
  strided<double> scores;
  strided<double> weights;
  DISPAR_FN void operator()(index k) const {
    double most = score(0, k), sum = 0;
    for (index c = 0; c < clients; ++c) {
      if (scores.data) scores(c, k) = score(c, k);
      most = score(c, k) > most ? score(c, k) : most;
    }
    for (index c = 0; c < clients; ++c) sum += score(c, k) = std::exp(score(c, k) - most);
    for (index c = 0; c < clients; ++c) {
      score(c, k) /= sum;
      if (weights.data) weights(c, k) = score(c, k);
    }
  }
};
/// out_k = or += weight_k v_k.
template<class E, class T>
struct add_weighted_rows {
  strided<const E> rows;
  index features;
  const double* weight;
  bool first;
  strided<T> out;
  DISPAR_FN void operator()(index k) const {
    for (index f = 0; f < features; ++f) {
      const double part = weight[k] * in_double(rows(k, f));
      out(k, f) = static_cast<T>(first ? part : static_cast<double>(out(k, f)) + part);
    }
  }
};

/// The scores of a client's items, matched in double apart from the others.
template<backend B, class E, memory_space S>
void score_client(const B& b, const matrix_view<const E, S>& client, const matrix_view<const E, S>& global,
                  const temperature& scale, bool own_item, double* score) {
  using T = computed_type<E>;
  using space = typename B::space;
  const inner_product how{};
  const index n = global.rows();
  const auto both = row_and_candidate_embeddings<space>(b, client, global, scale, n, 0);
  array<log_sum_exp_state, 1, B> others(b, {n});
  array<double, 1, B> own_logits(b, {n});
  const strided_vector<log_sum_exp_state> states = dispar::detail::strided_of(others.view());
  for_each_index(b, n, clear_row_states{states});
  const std::array<meeting, 1> met{{{0, 1, true}}};
  for_each_band_pair(b, both, how, met, 0, [&](const auto& data, const auto& blocks, const band& r, const band&, bool apart) {
    array<log_sum_exp_state, 2, B> own(b, {data.rows(), 1});
    pairwise(b, data, logits<T>{static_cast<T>(scale.scale()), apart}, blocks,
             std::span<const vector_view<const T, space>>(no_items<T, space>), row_log_sum_exp<0, space>{own.view()});
    for_each_index(b, r.count, merge_row_states{own.data(), states, r.first});
  });
  for_each_index(b, n, static_cast<double>(global.size()),
                 matched_logits<E, inner_product>{dispar::detail::strided_of(both[0].rows),
                                                  dispar::detail::strided_of(both[1].rows), global.cols(), both[0].norm.data(),
                                                  both[1].norm.data(), how, scale.scale(), own_logits.data()});
  for_each_index(b, n, score_items{others.data(), own_logits.data(), own_item, score});
}

}  // namespace detail

/// Global-local contrastive aggregation of CreamFL: what several clients say of every item of a shared set, weighed by how well a
/// client's vector v_ck of item k finds the server's vector g_k of the item in the *other* modality,
///
///     score_ck = <v_ck, g_k> / tau - log sum_j exp(<v_ck, g_j> / tau),
///     weight_ck = exp(score_ck) / sum_c' exp(score_c'k),    out_k = sum_c weight_ck v_ck.
///
/// With `own_item = false` j runs over the other items only. The result is not scaled to unit length. No gradient.
///
///     const std::vector views{first_client.view(), second_client.view()};
///     contrastive::global_local(cpu{}, views, texts_of_server, images);
///
/// clients: views of n x d each; other: n x d; out: n x d, float for half and bfloat16, apart from all of these. One client has
/// weight 1. Clients are added in their order. Time: clients n^2 d multiply-adds; memory as the value of `infonce`, and a number
/// per client and item. On a GPU it returns at once. Throws `invalid_argument` for no clients, shapes that differ, fewer than two
/// items where `own_item` is false, a temperature that is not above 0, and NaN or infinity. Yu et al., ICLR 2023 (arXiv
/// 2302.08888), section 3.2 and released code, whose n is fixed at 50 000.
template<backend B, class E, memory_space S, sample_matrix Y>
void global_local(const B& b, std::span<const matrix_view<const E, S>> clients, const Y& other,
                  const matrix_view<computed_type<E>, S>& out, const global_local_options<S>& o = {}) {
  using T = computed_type<E>;
  using space = typename B::space;
  const auto number = [](index n) { return static_cast<double>(n); };
  const matrix_view<const E, S> global = view_of(other);
  const index n = global.rows(), count = static_cast<index>(clients.size());
  require(count > 0, "global_local: clients", "must be at least 1", number(count));
  require(o.own_item || n > 1, "global_local: items", "must be at least 2 where the own item does not count", number(n));
  const auto require_like_global = [&](const auto& rows, const char* name) {
    require(rows.rows() == n && rows.cols() == global.cols(), name, "must have the shape of the vectors they are contrasted with",
            number(rows.rows()));
  };
  const auto require_shape = [&](const matrix_view<double, S>& numbers, const char* name) {
    if (numbers)
      require(numbers.rows() == count && numbers.cols() == n, name, "must have a row per client and a column per item",
              number(numbers.rows()));
  };
  require(static_cast<bool>(out), "global_local: out", "must not be the null view");
  require_like_global(out, "global_local: rows of out");
  require_shape(o.weights, "global_local: weights");
  require_shape(o.scores, "global_local: scores");

  const temperature scale{o.temperature};
  scale.check();
  for (const auto& client : clients) require_like_global(client, "global_local: rows of a client");

  array<double, 2, B> scores(b, {count, n});
  for (index c = 0; c < count; ++c)
    detail::score_client(b, clients[static_cast<std::size_t>(c)], global, scale, o.own_item, scores.data() + c * n);
  const auto numbers = [](const matrix_view<double, S>& view) { return dispar::detail::strided_of(detail::reached<B>(view)); };
  for_each_index(b, n, 32 * number(count * n),
                 detail::weigh_clients{dispar::detail::strided_of(scores.view()), count, numbers(o.scores), numbers(o.weights)});
  const matrix_view<T, space> to = detail::reached<B>(out);
  for (index c = 0; c < count; ++c)
    for_each_index(
        b, n, number(global.size()),
        detail::add_weighted_rows<E, T>{dispar::detail::strided_of(detail::reached<B>(clients[static_cast<std::size_t>(c)])),
                                        global.cols(), scores.data() + c * n, c == 0, dispar::detail::strided_of(to)});
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
