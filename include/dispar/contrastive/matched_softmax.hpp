#pragma once
/// \file
/// Softmax losses of matched rows: row i of one matrix belongs to row i of the other, everything else is a negative. InfoNCE in
/// one direction or both, with further negatives, NT-Xent and MoCo differ in which pairs are negatives of which anchors.

#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_targets.hpp"
#include "dispar/contrastive/softmax_terms.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How the losses of the pairs make one number.
enum class reduction {
  mean,  ///< over the pairs
  sum,
};

/// Where gradients by embeddings go; a null view is not computed. They have the shapes of the embeddings, and float for half and
/// bfloat16; they may not be the embeddings themselves.
template<class T, memory_space S = host>
struct gradients {
  matrix_view<T, S> x{};                    ///< by the first matrix (queries, images)
  matrix_view<T, S> y{};                    ///< by the second (keys, texts)
  matrix_view<T, S> negatives{};            ///< by further negatives
  bool temperature = false;                 ///< the derivative by the temperature, without any of these
  double factor = 1;                        ///< the upstream derivative: every gradient is multiplied with it
  bool accumulate = false;                  ///< add to what the views hold; costs a copy of them
  scalar_view<const double, S> upstream{};  ///< one more factor, read where the embeddings are; the null view: 1
  vector_view<const double, S> pairs{};     ///< a factor per pair, the upstream derivative of `losses`; the null view: all 1
};

/// The gradients for embeddings like X, so that braces are enough: `{.x = gx, .y = gy}`.
template<sample_matrix X>
using gradients_of = gradients<computed_type<value_type_of<X>>, space_of<X>>;

namespace detail {

/// Which pairs are negatives of which anchors.
struct softmax_form {
  bool both = false;     ///< rows of the second matrix are anchors too
  bool within = false;   ///< rows of the same matrix are negatives
  bool in_batch = true;  ///< rows of the other matrix are negatives
  reduction reduce = reduction::mean;
  index band_rows = 0;  ///< see the options of the losses
};

/// z_i = scale <x_i, y_i>, rows scaled, in double.
template<class E, similarity Similarity>
struct matched_logits {
  strided<const E> x, y;
  index features;
  const double* norm_x;
  const double* norm_y;
  Similarity how;
  double scale;
  double* z;
  DISPAR_FN void operator()(index i) const {
    const double fx = how.row_factor(norm_x[i], 0), fy = how.row_factor(norm_y[i], 1);
    z[i] = scale * feature_sum(features, [&](index k) { return fx * in_double(x(i, k)) * (fy * in_double(y(i, k))); });
  }
};

/// Losses of pair i, and what the gradient pass reads of its two rows.
template<class T>
struct finish_pairs {
  const log_sum_exp_state* states;  ///< of both matrices
  const double* z;
  index pairs;
  bool both;
  double scale;
  anchor_weight weight;
  double* terms;  ///< pairs x 3: loss of the row, of the column, (dL / dz_i) z_i
  strided_vector<double> by_pair;
  double* matched;  ///< dL / d<x_i, y_i>
  T* operands;      ///< 2 x all rows: log-sum-exp, weight
  index rows;
  const T* item;  ///< numbers of items, 0 for padding; null: no items
  DISPAR_FN void operator()(index i) const {
    if (item && !(item[i] > T(0))) return leave_out(i);
    const anchor_terms row = terms_of_anchor(states[i], z[i]);
    anchor_terms col{0, 0};
    if (both) col = terms_of_anchor(states[pairs + i], z[i]);
    terms[3 * i] = row.loss;
    terms[3 * i + 1] = col.loss;
    if (by_pair.data) by_pair(i) = both ? (row.loss + col.loss) / 2 : row.loss;
    const double a = weight(i), slope = a * (row.slope + col.slope);
    terms[3 * i + 2] = z[i] * slope;
    matched[i] = scale * slope;
    set(i, z[i] + row.loss, a);
    if (both) set(pairs + i, z[i] + col.loss, a);
  }
  DISPAR_FN void leave_out(index i) const {
    for (int k = 0; k < 3; ++k) terms[3 * i + k] = 0;
    if (by_pair.data) by_pair(i) = 0;
    matched[i] = 0;
    set(i, static_cast<double>(largest_finite<T> / 4), 0);
    if (both) set(pairs + i, static_cast<double>(largest_finite<T> / 4), 0);
  }
  DISPAR_FN void set(index row, double log_sum_exp, double a) const {
    operands[row] = static_cast<T>(log_sum_exp);
    operands[rows + row] = static_cast<T>(a);
  }
};
/// Rows that are nobody's anchors.
template<class T>
struct no_anchors {
  T* operands;
  index first, rows;
  DISPAR_FN void operator()(index i) const {
    operands[first + i] = largest_finite<T> / 4;
    operands[rows + first + i] = T(0);
  }
};

/// The loss from sums over the pairs of losses by direction.
template<logit_scale Scale>
struct finish_loss {
  const double* sums;    ///< of the rows' losses, the columns', the matched pairs' (dL / dz) z
  const double* others;  ///< the other pairs' (dL / dz) z; null: no derivative
  Scale scale;
  double pairs;
  const double* counted;  ///< pairs that are no padding, which may be none; null: `pairs`
  bool both;
  double factor;
  const double* upstream;
  softmax_loss* out;
  DISPAR_FN void operator()() const {
    const double divisor = counted ? (*counted > 0 ? *counted : 1) : pairs;
    const double rows = sums[0] / divisor, cols = sums[1] / divisor;
    *out = {both ? (rows + cols) / 2 : rows, rows, cols, 0};
    if (others) out->by_temperature = scale.derivative(sums[2] + *others) * (upstream ? factor * *upstream : factor);
  }
};

/// See the losses. `matrices`: x, y and further negatives, maybe none. `items`: who takes part.
template<backend B, class E, similarity Similarity, logit_scale Scale, class T, class S, class L>
void matched_softmax(const B& b, const std::array<embeddings<E, B>, 3>& matrices, const Similarity& how, const Scale& scale,
                     const softmax_form& form, const gradients<T, S>& g, const vector_view<double, L>& by_pair, softmax_loss* out,
                     const candidate_items<S>& items = {}) {
  using space = typename B::space;
  const index pairs = matrices[0].count(), features = matrices[0].rows.cols();
  const std::array<index, 3> first{0, pairs, 2 * pairs};
  const index rows = 2 * pairs + matrices[2].count();
  std::array<meeting, 4> list{};
  std::size_t meetings = 0;
  if (form.in_batch) list[meetings++] = {0, 1, true};
  if (form.within) {
    list[meetings++] = {0, 0};
    list[meetings++] = {1, 1};
  }
  if (matrices[2].count() > 0) list[meetings++] = {0, 2};
  const std::span<const meeting> met(list.data(), meetings);
  const double work = static_cast<double>(pairs) * static_cast<double>(features);

  array<log_sum_exp_state, 1, B> states(b, {rows});
  for_each_index(b, rows, clear_states{states.data()});
  const item_numbers<T, B> item(b, items, pairs, matrices[2].count());
  const bool with_items = static_cast<bool>(items);
  const auto of_band = [&](const band& r, auto* all) { return all + first[static_cast<std::size_t>(r.of)] + r.first; };
  // Numbers of the rows of two bands, in the place of which the null view stands where there are none.
  const auto gather = [&](const band& r, const band& c, const T* all, T* own, index count) {
    if (all) for_each_index(b, count, gather_operands<T>{of_band(r, all), of_band(c, all), r.count, own});
    return vector_view<const T, space>(all ? own : nullptr, count);
  };
  const bool slopes = g.x || g.y || g.negatives || g.temperature;
  auto passes = passes_over_bands(b, matrices, how, met, form.band_rows, slopes);
  passes.for_each([&](const auto& data, const auto& blocks, const band& r, const band& c, bool apart) {
    array<log_sum_exp_state, 2, B> own(b, {data.rows(), 1});
    array<T, 1, B> number(b, {with_items ? data.rows() : 0});
    const std::array<vector_view<const T, space>, 1> by_row{gather(r, c, item.number.data(), number.data(), data.rows())};
    pairwise(b, data, logits<T>{static_cast<T>(scale.scale()), apart, with_items}, blocks,
             std::span<const vector_view<const T, space>>(by_row), row_log_sum_exp<0, space>{own.view()});
    for_each_index(b, data.rows(), merge_states{own.data(), of_band(r, states.data()), of_band(c, states.data()), r.count});
  });

  array<double, 1, B> z(b, {pairs}), matched(b, {pairs}), sums(b, {4});
  array<double, 2, B> terms(b, {pairs, 3});
  array<T, 2, B> operands(b, {2, rows});
  const auto x = dispar::detail::strided_of(matrices[0].rows), y = dispar::detail::strided_of(matrices[1].rows);
  for_each_index(b, pairs, work,
                 matched_logits<E, Similarity>{x, y, features, matrices[0].norm.data(), matrices[1].norm.data(), how,
                                               scale.scale(), z.data()});
  const bool mean = form.reduce == reduction::mean;
  const double* const counted = mean ? item.counted.data() : nullptr;  // null without items
  const double each = (mean && !counted ? 1.0 / static_cast<double>(pairs) : 1.0) / (form.both ? 2 : 1);
  const index anchors = form.both ? 2 * pairs : pairs;
  for_each_index(b, rows - anchors, no_anchors<T>{operands.data(), anchors, rows});
  for_each_index(b, pairs,
                 finish_pairs<T>{states.data(),
                                 z.data(),
                                 pairs,
                                 form.both,
                                 scale.scale(),
                                 {each, dispar::detail::strided_of(g.pairs), counted},
                                 terms.data(),
                                 dispar::detail::strided_of(by_pair),
                                 matched.data(),
                                 operands.data(),
                                 rows,
                                 item.number.data()});
  column_sums(b, std::as_const(terms).view(), vector_view<double, space>(sums.data(), 3));
  const double divisor = mean ? static_cast<double>(pairs) : 1.0;
  finish_loss<Scale> finish{sums.data(), nullptr, scale, divisor, counted, form.both, g.factor, g.upstream.data(), out};
  if (!slopes) return in_order(b, finish);

  const gradient_targets<B, T, S, 3> targets(b, {g.x, g.y, g.negatives}, g.accumulate);
  double* const others = sums.data() + 3;
  in_order(b, clear_number{others});
  passes.for_each([&](const auto& data, const auto& blocks, const band& r, const band& c, bool apart) {
    array<T, 2, B> own(b, {3, data.rows()});
    std::array<vector_view<const T, space>, 3> by_row;
    for (index o = 0; o < 3; ++o)
      by_row[static_cast<std::size_t>(o)] =
          gather(r, c, o < 2 ? operands.data() + o * rows : item.number.data(), own.data() + o * data.rows(), data.rows());
    array<double, 2, B> slope(b, {1, 1});
    const bool square = data.segments() == 1;
    pairwise(b, data, softmax_slopes<T>{static_cast<T>(scale.scale()), apart, with_items}, blocks,
             std::span<const vector_view<const T, space>>(by_row), total<1, 1, space>{slope.view()},
             feature_gradient<0, 0, T, 2, space>{{targets.of(r), square ? matrix_view<T, space>{} : targets.of(c)}, 1, true});
    for_each_index(b, 1, add_numbers{slope.data(), others});
  });
  targets.finish(b, matrices, how, matched.data(), g.factor, g.upstream.data());
  finish.others = others;
  in_order(b, finish);
}

}  // namespace detail

}  // namespace contrastive

DISPAR_NAMESPACE_END
