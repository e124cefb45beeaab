#pragma once

#include <cmath>

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/class_passes.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_views.hpp"
#include "dispar/contrastive/labelled_rows.hpp"
#include "dispar/contrastive/matched_softmax.hpp"
#include "dispar/contrastive/uniformity.hpp"
#include "dispar/core/logistic.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// Which pairs of rows the circle loss sets against one another.
enum class pairing {
  global,  ///< all pairs of the same label against all pairs of different ones: one value
  anchor,  ///< for every row those that it is in: a value per row that has both kinds
};

/// The circle loss and how many values it is made of.
struct circle_loss {
  double value;    ///< the loss; 0 where one of the two kinds of pairs is missing
  double anchors;  ///< rows that have both; with `pairing::global` 1, or 0 where a kind is missing
};

/// How the circle loss is made.
template<memory_space S = host>
struct circle_options {
  double margin = 0.25;                ///< m, finite: similarities of positives shall exceed 1 - m, of negatives stay below m
  double gamma = 256;                  ///< factor of the logits, positive
  pairing pairs = pairing::global;     ///< which pairs meet
  reduction reduce = reduction::mean;  ///< over the rows, with `pairing::anchor`
  vector_view<double, S> losses{};     ///< where to write the loss of every row, with `pairing::anchor`; not wanted by default
  index band_rows = 0;                 ///< rows worked on at a time; 0: as many as `band_bytes` hold. Changes last bits
};

namespace detail {

/// Logits of pairs, and their derivatives by the similarity with the weights held.
template<class T>
struct circle_logits {
  T margin, gamma;
  template<class V>
  DISPAR_FN V positive(V s) const {
    return -weight(positive_weight(s)) * (s - V(1 - margin));
  }
  template<class V>
  DISPAR_FN V negative(V s) const {
    return weight(negative_weight(s)) * (s - V(margin));
  }
  template<class V>
  DISPAR_FN V positive_weight(V s) const {
    return V(1 + margin) - s;
  }
  template<class V>
  DISPAR_FN V negative_weight(V s) const {
    return s + V(margin);
  }
  /// gamma max(alpha, 0).
  template<class V>
  DISPAR_FN V weight(V alpha) const {
    return V(gamma) * select(alpha > V(0), alpha, V(0));
  }
};

/// Logits with rows of other classes and of the own class. The operand is the class.
template<class T>
struct circle_by_class {
  static constexpr int channels = 1, outputs = 2, operands = 1;
  circle_logits<T> logit;
  template<class V, class At>
  DISPAR_FN vec<V, 2> operator()(const vec<V, 1>& similarity, const At& at) const {
    const V s = similarity[0];
    const auto same = at.row[0] == at.col[0];
    return {{select(same, V(-largest_finite<T>), logit.negative(s)), select(same, logit.positive(s), V(-largest_finite<T>))}};
  }
};

/// dL / ds, with operands class, N - log sigmoid(u), P - log sigmoid(u): N and P the log-sum-exp of an anchor's negative and
/// positive logits, u = N + P.
template<class T>
struct circle_slopes {
  static constexpr int channels = 1, outputs = 1, operands = 3;
  circle_logits<T> logit;
  bool both;  ///< both rows of a pair are anchors; else it counts once
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& similarity, const At& at) const {
    const V s = similarity[0];
    const auto same = at.row[0] == at.col[0];
    const V z = select(same, logit.positive(s), logit.negative(s));
    const V slope = select(same, -logit.weight(logit.positive_weight(s)), logit.weight(logit.negative_weight(s)));
    V share = exp(z - select(same, at.row[2], at.row[1]));
    if (both) share = share + exp(z - select(same, at.col[2], at.col[1]));
    return {{slope * share}};
  }
};

/// softplus(N + P), and its operands.
template<class T>
struct circle_operands {
  T* operands;  ///< 3 x rows: see `circle_slopes`
  index rows;
  /// The loss, or -1 where a kind of pairs is missing.
  DISPAR_FN double set(index row, const log_sum_exp_state& negatives, const log_sum_exp_state& positives, double doubled) const {
    const double n = folds::log_sum_exp<double>::finalize(negatives) - doubled;
    const double p = folds::log_sum_exp<double>::finalize(positives) - doubled;
    const double largest = static_cast<double>(largest_finite<T> / 4);
    const bool met = !(n < -largest) && !(p < -largest);
    const double missed = met ? softplus(-(n + p)) : 0;
    operands[rows + row] = bounded(met ? n + missed : largest);
    operands[2 * rows + row] = bounded(met ? p + missed : largest);
    return met ? softplus(n + p) : -1;
  }
  [[nodiscard]] DISPAR_FN static T bounded(double x) {
    const double largest = static_cast<double>(largest_finite<T> / 4);
    return static_cast<T>(x < largest ? x : largest);
  }
};

/// Every row an anchor.
template<class T>
struct circle_anchors {
  class_states states;
  double* terms;  ///< rows x 2: loss, whether it is an anchor
  strided_vector<double> by_row;
  circle_operands<T> out;
  DISPAR_FN void operator()(index i) const {
    const double loss = out.set(i, states.negatives[i], states.positives[i], 0);
    terms[2 * i] = loss < 0 ? 0 : loss;
    terms[2 * i + 1] = loss < 0 ? 0 : 1;
    if (by_row.data) by_row(i) = terms[2 * i];
  }
};
struct finish_circle_anchors {
  const double* sums;
  bool mean;
  const double* upstream;
  circle_loss* out;
  double* each;
  DISPAR_FN void operator()() const {
    const double weight = mean ? (sums[1] > 0 ? 1 / sums[1] : 0) : 1;
    *out = {weight * sums[0], sums[1]};
    *each = upstream ? weight * *upstream : weight;
  }
};

/// All pairs at once, from states that count every pair twice: the operands of every row are those of all.
template<class T>
struct finish_circle_pairs {
  const log_sum_exp_state* negatives;
  const log_sum_exp_state* positives;
  index parts;
  circle_operands<T> out;
  const double* upstream;
  circle_loss* loss;
  double* each;
  DISPAR_FN void operator()() const {
    const double value = out.set(0, all(negatives), all(positives), std::log(2.0));
    *loss = {value < 0 ? 0 : value, value < 0 ? 0.0 : 1.0};
    *each = upstream ? *upstream : 1;
  }
  [[nodiscard]] DISPAR_FN log_sum_exp_state all(const log_sum_exp_state* states) const {
    auto merged = folds::log_sum_exp<double>::identity();
    for (index i = 0; i < parts; ++i) folds::log_sum_exp<double>::merge(merged, states[i]);
    return merged;
  }
};
template<class T>
struct spread_operands {
  T* operands;
  index rows;
  DISPAR_FN void operator()(index i) const {
    operands[rows + i + 1] = operands[rows];
    operands[2 * rows + i + 1] = operands[2 * rows];
  }
};

}  // namespace detail

/// The circle loss: pairs of rows with the same label shall have similarities above 1 - m, pairs with different ones below m, and
/// pairs far from there count more,
///
///     L = log(1 + sum_n exp(gamma a_n (s_n - m)) sum_p exp(-gamma a_p (s_p - (1 - m)))),
///     a_p = max(1 + m - s_p, 0),   a_n = max(s_n + m, 0),
///
/// the weights a constant in the gradient. With `pairing::global` p and n run over all pairs i < j; with `pairing::anchor` there
/// is a loss for every row and the rows that it meets, and L is the mean over rows that meet both kinds. The gradient is by the
/// rows as they are given.
///
///     auto loss = contrastive::circle(cpu{}, x, labels, contrastive::cosine{}, {.x = gx},
///                                     {.gamma = 80, .pairs = contrastive::pairing::anchor});    // loss.value, .anchors
///
/// x: n x d, any strides; labels: n integers of 32 or 64 bits. Defaults of the paper: m = 0.25, gamma = 256 (faces; 64 to 80 are
/// usual for the identification of persons). Sums by log-sum-exp: no gamma overflows. Accuracy in float: gamma times 5e-7, the
/// gradient as much relatively to its largest number.
///
/// Time: n^2 d / 2 multiply-adds for the value, twice that again with the gradient. Memory: some numbers per row, and bands of
/// rows as in `uniformity`; with `accumulate` a copy of the gradient. The bits depend on shapes only, not on the number of
/// threads. On a GPU include `dispar/backend/gpu/sort.hpp` too.
///
/// Throws `invalid_argument` for a matrix without rows or columns, labels of another number, views of other shapes, a margin that
/// is not finite, gamma that is not positive and finite, `losses` with `pairing::global`, more than 2^24 rows in float, and NaN
/// or infinity in a row (on a GPU at the next wait). Sun et al., CVPR 2020, equations 5 to 8.
template<backend B, sample_matrix X, label_vector Labels, similarity Similarity>
[[nodiscard]] circle_loss circle(const B& b, const X& x, const Labels& labels, const Similarity& how,
                                 const row_gradient_of<X>& g = {}, const circle_options<space_of<X>>& o = {}) {
  result<circle_loss, B> loss(b);
  circle(b, x, labels, how, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, label_vector Labels, similarity Similarity, class R>
void circle(const B& b, const X& rows_of_x, const Labels& labels_of_x, const Similarity& how,
            const scalar_view<circle_loss, R>& out, const row_gradient_of<X>& g = {}, const circle_options<space_of<X>>& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using S = space_of<X>;
  const matrix_view<const E, S> x = view_of(rows_of_x);
  const auto number = [](index n) { return static_cast<double>(n); };
  const bool by_anchor = o.pairs == pairing::anchor;
  require(!is_special(o.margin), "circle: margin", "must be finite", o.margin);
  require(o.gamma > 0 && !is_special(o.gamma), "circle: gamma", "must be positive and finite", o.gamma);
  if (o.losses) require(by_anchor, "circle: losses", "need pairing::anchor");
  const auto label = detail::labels_of<B>(x, labels_of_x, "circle", out, g, o);
  const std::array<detail::embeddings<E, B>, 1> matrices{detail::embeddings<E, B>(b, detail::reached<B>(x))};
  detail::require_finite(matrices[0], "x");

  const index n = x.rows();
  const std::array<index, 1> first{0};
  const detail::row_classes<B> classes(b, label);
  array<T, 2, B> operands(b, {3, n});
  const array<T, 1, B> class_numbers = classes.template operand<T>(b);
  for_each_index(b, n, detail::class_as_operand<T>{classes.table().of, operands.data()});
  const std::array<detail::meeting, 1> met{{{0, 0}}};
  auto passes = detail::passes_over_bands(b, matrices, how, met, o.band_rows, static_cast<bool>(g.x));
  array<detail::log_sum_exp_state, 1, B> negatives(b, {n}), positives(b, {n});
  const detail::class_states states{negatives.data(), positives.data(), nullptr};
  const detail::circle_logits<T> logit{static_cast<T>(o.margin), static_cast<T>(o.gamma)};
  detail::find_class_states(b, passes, detail::circle_by_class<T>{logit}, class_numbers.data(), n, first, states);

  array<double, 1, B> sums(b, {2}), each(b, {1});
  const detail::circle_operands<T> by_row{operands.data(), n};
  if (by_anchor) {
    array<double, 2, B> terms(b, {n, 2});
    for_each_index(b, n, detail::circle_anchors<T>{states, terms.data(), dispar::detail::strided_of(o.losses), by_row});
    column_sums(b, std::as_const(terms).view(), sums.view());
    in_order(b,
             detail::finish_circle_anchors{sums.data(), o.reduce == reduction::mean, g.upstream.data(), out.data(), each.data()});
  } else {
    const index parts = n < 64 ? n : 64;
    array<detail::log_sum_exp_state, 2, B> folded(b, {2, parts});
    for_each_index(b, parts, number(n), detail::fold_states{negatives.data(), n, parts, folded.data()});
    for_each_index(b, parts, number(n), detail::fold_states{positives.data(), n, parts, folded.data() + parts});
    in_order(b, detail::finish_circle_pairs<T>{folded.data(), folded.data() + parts, parts, by_row, g.upstream.data(), out.data(),
                                               each.data()});
    for_each_index(b, n - 1, detail::spread_operands<T>{operands.data(), n});
  }
  if (!g.x) return;

  const detail::gradient_targets<B, T, S, 1> targets(b, {g.x}, g.accumulate);
  detail::add_class_gradients(b, passes, detail::circle_slopes<T>{logit, by_anchor}, operands.data(), n, first, targets, nullptr);
  targets.finish(b, matrices, how, nullptr, g.factor, each.data());
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, label_vector Labels, similarity Similarity>
[[nodiscard]] circle_loss circle(const X& x, const Labels& labels, const Similarity& how, const row_gradient_of<X>& g = {},
                                 const circle_options<space_of<X>>& o = {}) {
  return circle(B{}, x, labels, how, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
