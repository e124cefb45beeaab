#pragma once
/// \file
/// Losses of pairs and groups from logits, with the gradient by every logit: log-probabilities of sequences, the loss of the
/// groups, and its gradient by sequences as the upstream derivative of the logits'. Two passes over the logits.

#include "dispar/preference/pairs.hpp"
#include "dispar/preference/sequence_logps.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

/// How the sequences of a batch form groups.
enum class sequence_order {
  grouped,       ///< the K chosen ones of a group and its rejected one, then the next group
  chosen_first,  ///< all chosen ones, group by group, then all rejected ones: TRL's concatenated forward pass for K = 1
};

/// Sequences, groups, and what is known of the sequences.
template<memory_space S = host>
struct group_options {
  index samples = 1;                                      ///< K, chosen answers per group
  sequence_order order = sequence_order::grouped;         ///< of the batch
  token_options<S> tokens{};                              ///< which tokens count
  vector_view<const double, S> reference{};               ///< log-probabilities by the reference, in the batch's order; null: 0
  vector_view<double, S> policy{};                        ///< receives those by the policy; null: not wanted
  vector_view<const std::int64_t, S> samples_of_group{};  ///< see `log_probs`
};

namespace detail {

/// Numbers of sequences as the chosen ones and the rejected one of each group.
template<class T, class S>
struct grouped_numbers {
  matrix_view<T, S> chosen;
  vector_view<T, S> rejected;
};
template<class T, class S>
[[nodiscard]] grouped_numbers<T, S> grouped(const vector_view<T, S>& x, index samples, sequence_order order) {
  if (!x) return {};
  const index groups = x.size() / (samples + 1), s = x.stride(0);
  if (order == sequence_order::grouped)
    return {{x.data(), {groups, samples}, {(samples + 1) * s, s}}, {x.data() + samples * s, {groups}, {(samples + 1) * s}}};
  return {{x.data(), {groups, samples}, {samples * s, s}}, {x.data() + groups * samples * s, {groups}, {s}}};
}

}  // namespace detail

/// `losses` of the sequences of a batch of logits, batch x positions x vocabulary, with batch = groups (K + 1), and the gradient
/// by the policy's logits: that of g.factor sum_i g.sequences(i) loss(i), so g.factor = 1 / groups for the mean.
///
///     preference::sequence_logps(gpu, reference_logits, labels, reference);                       // once, where it is frozen
///     preference::losses_from_logits(gpu, preference::d2o{}, logits, labels, {.mean = loss}, {.logits = gradient, .factor = 1.0
///     / n},
///                                    {.samples = 11, .reference = reference.view()});
///
/// `g.sequences` has one entry per group here. For a loss per token the lengths are those of the labels. Memory: 16 bytes per
/// row of logits and 24 per sequence. Asynchronous, errors and NaN as in `sequence_logps` and `losses`; throws for a batch that
/// is no multiple of K + 1, and for `over_tokens::mean` with a loss that divides by the tokens itself.
template<backend B, pair_loss F, sequence_logits X, token_matrix L, memory_space R>
void losses_from_logits(const B& b, const F& f, const X& logits, const L& labels, const group_results<R>& out,
                        const logit_gradient<value_type_of<X>, space_of<X>>& g, const group_options<space_of<X>>& o) {
  using S = space_of<X>;
  using space = typename B::space;
  const index batch = view_of(logits).extent(0), samples = detail::reads_chosen<F> ? o.samples : 0;
  require(o.samples >= 1, "losses_from_logits: samples", "must be at least 1", static_cast<double>(o.samples));
  require(batch % (samples + 1) == 0, "losses_from_logits: batch", "must be a multiple of the answers of a group",
          static_cast<double>(batch));
  require(!detail::counts_tokens<F> || o.tokens.reduce == over_tokens::sum, "losses_from_logits: tokens.reduce",
          "must be sum where the loss divides by the number of tokens");
  const auto per_sequence = [batch](const auto& v, const char* name) {
    if (v) require(v.size() == batch, name, "must have one entry per sequence", static_cast<double>(v.size()));
  };
  per_sequence(o.reference, "losses_from_logits: reference");
  per_sequence(o.policy, "losses_from_logits: policy");
  const auto grouped = [&](const auto& v) { return detail::grouped(v, samples, o.order); };

  array<double, 1, B> policy(b, {batch}), by_policy(b, {g.logits ? batch : 0});
  array<double, 1, B> tokens(b, {detail::counts_tokens<F> ? batch : 0});
  sequence_logps(b, logits, labels, policy.view(), o.tokens);
  log_probs<double, space> x;
  const auto p = grouped(vector_view<const double, space>(policy.view()));
  const auto r = grouped(vector_view<const double, space>(o.reference.data(), o.reference.extents(), o.reference.strides()));
  x.chosen = p.chosen, x.rejected = p.rejected;
  x.reference_chosen = r.chosen, x.reference_rejected = r.rejected;
  x.samples_of_group = {o.samples_of_group.data(), o.samples_of_group.extents(), o.samples_of_group.strides()};
  if constexpr (detail::counts_tokens<F>) {
    const auto& w = o.tokens.weights;
    const auto& n = o.tokens.lengths;
    using label_options = token_options<space_of<L>>;
    token_counts(b, labels, tokens.view(),
                 label_options{.ignore = o.tokens.ignore,
                               .shift = o.tokens.shift,
                               .lengths = {n.data(), n.extents(), n.strides()},
                               .weights = {w.data(), w.extents(), w.strides()}});
    const auto t = grouped(vector_view<const double, space>(tokens.view()));
    x.chosen_tokens = t.chosen, x.rejected_tokens = t.rejected;
  }
  log_prob_gradients<double, space> by;
  if (g.logits) {
    const auto d = grouped(by_policy.view());
    by.chosen = d.chosen, by.rejected = d.rejected;
    by.factor = g.factor;
    by.rows = {g.sequences.data(), g.sequences.extents(), g.sequences.strides()};
  }
  losses(b, f, x, out, by);
  if (o.policy) for_each_index(b, batch, detail::write_tokens{policy.data(), {o.policy.data(), o.policy.stride(0), 0}, 1});
  if (!g.logits) return;
  logit_gradient<value_type_of<X>, S> to_logits{.logits = g.logits, .accumulate = g.accumulate};
  to_logits.sequences = {by_policy.data(), {batch}, {1}};
  sequence_logps_and_gradient(b, logits, labels, vector_view<double, space>(), to_logits, o.tokens);
}

}  // namespace preference

DISPAR_NAMESPACE_END
