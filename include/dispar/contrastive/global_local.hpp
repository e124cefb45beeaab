#pragma once

#include <cmath>
#include <span>

#include "dispar/contrastive/infonce.hpp"

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

/// From losses of items by client, scores and their softmax over the clients, in place of the losses.
struct weigh_clients {
  strided<double> loss;  ///< clients x items
  index clients;
  bool own_item;
  strided<double> scores;
  strided<double> weights;
  DISPAR_FN void operator()(index k) const {
    double most = 0, sum = 0;
    for (index c = 0; c < clients; ++c) {
      // The loss is log(1 + exp(L - z)), L the log-sum-exp of the others.
      const double score = own_item ? -loss(c, k) : -std::log(std::expm1(loss(c, k)));
      if (scores.data) scores(c, k) = score;
      loss(c, k) = score;
      most = c == 0 || score > most ? score : most;
    }
    for (index c = 0; c < clients; ++c) sum += loss(c, k) = std::exp(loss(c, k) - most);
    for (index c = 0; c < clients; ++c) {
      loss(c, k) /= sum;
      if (weights.data) weights(c, k) = loss(c, k);
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
  detail::require_like(out, global, "global_local: out");
  const auto require_shape = [&](const matrix_view<double, S>& numbers, const char* name) {
    if (numbers)
      require(numbers.rows() == count && numbers.cols() == n, name, "must have a row per client and a column per item",
              number(numbers.rows()));
  };
  require(static_cast<bool>(out), "global_local: out", "must not be the null view");
  require_shape(o.weights, "global_local: weights");
  require_shape(o.scores, "global_local: scores");

  array<double, 2, B> losses(b, {count, n});
  result<softmax_loss, B> mean(b);
  for (index c = 0; c < count; ++c) {
    const auto& client = clients[static_cast<std::size_t>(c)];
    const infonce_options<E, S> options{.losses = vector_view<double, S>(losses.data() + c * n, n)};
    infonce(b, client, global, inner_product{}, temperature{o.temperature}, mean.view(), {}, options);
  }
  const auto numbers = [](const matrix_view<double, S>& view) { return dispar::detail::strided_of(detail::reached<B>(view)); };
  for_each_index(
      b, n, 32 * number(count * n),
      detail::weigh_clients{dispar::detail::strided_of(losses.view()), count, o.own_item, numbers(o.scores), numbers(o.weights)});
  const matrix_view<T, space> to = detail::reached<B>(out);
  for (index c = 0; c < count; ++c)
    for_each_index(
        b, n, number(global.size()),
        detail::add_weighted_rows<E, T>{dispar::detail::strided_of(detail::reached<B>(clients[static_cast<std::size_t>(c)])),
                                        global.cols(), losses.data() + c * n, c == 0, dispar::detail::strided_of(to)});
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
