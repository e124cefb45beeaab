#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/matched_softmax.hpp"
#include "dispar/contrastive/supcon_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// Where the mean over an anchor's positives is taken: of logarithms or within one.
enum class positives_mean {
  out,  ///< L_out, equation 2 of the paper, which recommends it
  in,   ///< L_in, equation 3; at most L_out
};

/// How a supervised contrastive loss is made.
template<memory_space S = host>
struct supcon_options {
  positives_mean positives = positives_mean::out;  ///< which of the two losses
  reduction reduce = reduction::mean;              ///< over the anchors
  double base_temperature =
      0;  ///< where above 0, the loss is multiplied with tau / that (the authors' code: 0.07), tau = 1 / scale
  vector_view<double, S> losses{};  ///< where to write the loss of every row, 0 for no anchor; not wanted by default
  index band_rows = 0;              ///< rows worked on at a time; 0: as many as `band_bytes` hold. Changes last bits
};

namespace detail {

/// One matrix whose rows meet one another, or anchors and candidates.
template<std::size_t Count, backend B, class E, memory_space S, class L, memory_space SL, similarity Similarity,
         logit_scale Scale, class R>
void supcon_by_classes(const B& b, const std::array<matrix_view<const E, S>, Count>& given,
                       const std::array<vector_view<const L, SL>, Count>& labels, const Similarity& how, const Scale& scale,
                       const scalar_view<supcon_loss, R>& out, const gradients<computed_type<E>, S>& g,
                       const supcon_options<S>& o) {
  using T = computed_type<E>;
  using space = typename B::space;
  static_assert(has_pairwise<B>, "dispar: this backend cannot compute over pairs of rows: it has no member has_pairwise = true");
  static_assert(reachable<R, space> && reachable<SL, space>, "dispar: this backend cannot reach that memory");
  constexpr bool within = Count == 1;
  const auto number = [](index n) { return static_cast<double>(n); };
  const index n = given[0].rows();
  require(static_cast<bool>(out), "supcon: out", "must not be the null view");
  scale.check();
  require(o.band_rows >= 0, "supcon: band_rows", "must not be negative", number(o.band_rows));
  require(o.base_temperature >= 0 && !is_special(o.base_temperature), "supcon: base_temperature", "must be 0 or positive",
          o.base_temperature);
  require(given[0].cols() > 0, "supcon: columns of x", "must be at least 1", number(given[0].cols()));
  for (std::size_t m = 0; m < Count; ++m) {
    require(given[m].rows() > 0, m == 0 ? "supcon: rows of x" : "supcon: rows of y", "must be at least 1",
            number(given[m].rows()));
    require(given[m].cols() == given[0].cols(), "supcon: columns of y", "must be those of x", number(given[m].cols()));
    require(labels[m].size() == given[m].rows(), m == 0 ? "supcon: labels of x" : "supcon: labels of y", "must be one per row",
            number(labels[m].size()));
    require_like(m == 0 ? g.x : g.y, given[m], m == 0 ? "supcon: gradient by x" : "supcon: gradient by y");
  }
  require(!g.negatives && !(within && g.y), "supcon: gradients", "must be by the given matrices only");
  if (g.pairs) require(g.pairs.size() == n, "supcon: factors of anchors", "must be one per row of x", number(g.pairs.size()));
  if (o.losses) require(o.losses.size() == n, "supcon: losses", "must have one entry per row of x", number(o.losses.size()));
  std::array<embeddings<E, B>, Count> matrices{};
  std::array<vector_view<const L, space>, Count> all_labels{};
  for (std::size_t m = 0; m < Count; ++m) {
    matrices[m] = embeddings<E, B>(b, reached<B>(given[m]));
    all_labels[m] = {labels[m].data(), labels[m].extents(), labels[m].strides()};
    require_finite(matrices[m], m == 0 ? "x" : "y");
  }

  const auto first = first_rows(matrices);
  const index rows = first[Count - 1] + matrices[Count - 1].count();
  const row_classes<B> classes(b, all_labels);
  const array<T, 1, B> class_numbers = classes.template operand<T>(b);
  array<T, 2, B> operands(b, {supcon_operands<T>::count, rows});
  const std::array<meeting, 1> met{{{0, within ? 0 : 1}}};
  const bool slopes = g.x || g.y || g.temperature, in = o.positives == positives_mean::in;
  auto passes = passes_over_bands(b, matrices, how, met, o.band_rows, slopes);
  array<log_sum_exp_state, 1, B> negatives(b, {rows}), positives(b, {rows});
  array<double, 1, B> by_row(b, {rows}), sums(b, {3}), slope(b, {1}), upstream(b, {1});
  array<double, 2, B> terms(b, {n, 3});
  const class_states states{negatives.data(), positives.data(), by_row.data()};
  const auto factor = static_cast<T>(scale.scale());
  find_class_states(b, passes, logits_by_class<T>{factor}, class_numbers.data(), rows, first, states);

  const bool based = o.base_temperature > 0;
  const double base = based ? 1 / (scale.scale() * o.base_temperature) : 1;
  for_each_index(b, rows,
                 supcon_anchors<T>{states,
                                   classes.table(),
                                   n,
                                   within,
                                   in,
                                   base,
                                   dispar::detail::strided_of(g.pairs),
                                   terms.data(),
                                   dispar::detail::strided_of(o.losses),
                                   {operands.data(), rows}});
  column_sums(b, std::as_const(terms).view(), sums.view());
  const supcon_weight each{sums.data(), o.reduce == reduction::mean, base};
  finish_supcon<Scale> finish{each, nullptr, upstream.data(), scale, based, g.factor, out.data()};
  if (!slopes) return in_order(b, finish);

  in_order(b, supcon_upstream{each, g.upstream.data(), upstream.data()});
  std::array<matrix_view<T, S>, Count> wanted{};
  for (std::size_t m = 0; m < Count; ++m) wanted[m] = m == 0 ? g.x : g.y;
  const gradient_targets<B, T, S, Count> targets(b, wanted, g.accumulate);
  add_class_gradients(b, passes, supcon_slopes<T>{factor, in ? T(-1) : T(1), within}, operands.data(), rows, first, targets,
                      slope.data());
  targets.finish(b, matrices, how, nullptr, g.factor, upstream.data());
  finish.slopes = slope.data();
  in_order(b, finish);
}

}  // namespace detail

/// The supervised contrastive loss: rows with the same label are positives of one another, all other rows of x negatives,
///
///     z_ij = scale s(x_i, x_j),  P_i = { j != i with the label of i },  Z_i = log sum_{j != i} exp(z_ij),
///
///     L_out = mean_i ( Z_i - mean_{p in P_i} z_ip ),    L_in = mean_i ( Z_i - log mean_{p in P_i} exp(z_ip) ),
///
/// the mean over rows with a positive, which are counted; the others still are negatives. Where each label occurs twice, both
/// are NT-Xent. `.base_temperature` multiplies by tau / base, whose dependence on tau the derivative by the scale's parameter
/// takes in. Gradients are by the rows as they are given.
///
///     auto loss = contrastive::supcon(cpu{}, x, labels, contrastive::cosine{}, contrastive::temperature{0.1}, {.x = gx});
///     // loss.value, loss.anchors, loss.by_temperature
///
/// x: n x d, any strides; labels: n integers of 32 or 64 bits. Defaults: L_out, as the paper recommends; its temperature is 0.1.
/// `g.pairs`: a factor per row, the upstream derivative of `.losses`; `y` and `negatives` of the gradients must be null.
///
/// Accuracy: logits in float are off by about 2e-7 times the lengths of both rows times the scale, the loss as much, the
/// gradient as much relatively to its largest number: 1e-5 where logits are tens, 1e-4 where they are hundreds. Only an anchor
/// with a single positive can have a loss below log 2; then the loss and its gradient keep their digits however small.
///
/// Time: n^2 d / 2 multiply-adds for the value, twice that again with gradients. Memory: some numbers per row, and bands of rows
/// as in `uniformity`; with `accumulate` a copy of the gradient. The bits depend on shapes only, not on the number of threads.
/// On a GPU include `dispar/backend/gpu/sort.hpp` too.
///
/// Throws `invalid_argument` for a matrix without rows or columns, labels of another number, views of other shapes, a scale out
/// of range, a negative base temperature, more than 2^24 rows in float, and NaN or infinity in a row (on a GPU at the next wait).
/// Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, equations 2 and 3.
template<backend B, sample_matrix X, label_vector Labels, similarity Similarity, logit_scale Scale>
[[nodiscard]] supcon_loss supcon(const B& b, const X& x, const Labels& labels, const Similarity& how, const Scale& scale,
                                 const gradients_of<X>& g = {}, const supcon_options<space_of<X>>& o = {}) {
  result<supcon_loss, B> loss(b);
  supcon(b, x, labels, how, scale, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, label_vector Labels, similarity Similarity, logit_scale Scale, class R>
void supcon(const B& b, const X& x, const Labels& labels, const Similarity& how, const Scale& scale,
            const scalar_view<supcon_loss, R>& out, const gradients_of<X>& g = {}, const supcon_options<space_of<X>>& o = {}) {
  const std::array<matrix_view<const value_type_of<X>, space_of<X>>, 1> matrices{view_of(x)};
  const std::array<vector_view<const value_type_of<Labels>, space_of<Labels>>, 1> all_labels{view_of(labels)};
  detail::supcon_by_classes<1>(b, matrices, all_labels, how, scale, out, g, o);
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, label_vector Labels, similarity Similarity, logit_scale Scale>
[[nodiscard]] supcon_loss supcon(const X& x, const Labels& labels, const Similarity& how, const Scale& scale,
                                 const gradients_of<X>& g = {}, const supcon_options<space_of<X>>& o = {}) {
  return supcon(B{}, x, labels, how, scale, g, o);
}

/// The same between two matrices: rows of x are anchors, all rows of y their candidates, nobody is left out,
///
///     z_ij = scale s(x_i, y_j),  P_i = { j with the label of i },  Z_i = log sum_j exp(z_ij).
///
/// Rows of x without a positive are no anchors. One direction; the other is another call with the sides exchanged. CSDN's image
/// to text loss: `inner_product`, temperature 1. With labels that are numbers of rows it is the softmax over all of a memory
/// bank: CreamFL's contrast between modalities, with temperature 0.5.
///
///     auto i2t = contrastive::supcon(cpu{}, images, image_labels, texts, text_labels, contrastive::inner_product{},
///                                    contrastive::temperature{1}, {.x = by_images, .y = by_texts});
///
/// x: n x d, y: m x d of one type, labels of one type. Time: n m d multiply-adds for the value, four times that with gradients.
/// Accuracy, memory and errors as above. CSDN: `SupConLoss` of the released code, IEEE TMM 2025; CreamFL: Yu et al., ICLR 2023
/// (arXiv 2302.08888).
template<backend B, sample_matrix X, label_vector LX, sample_matrix Y, label_vector LY, similarity Similarity, logit_scale Scale>
[[nodiscard]] supcon_loss supcon(const B& b, const X& x, const LX& labels_of_x, const Y& y, const LY& labels_of_y,
                                 const Similarity& how, const Scale& scale, const gradients_of<X>& g = {},
                                 const supcon_options<space_of<X>>& o = {}) {
  result<supcon_loss, B> loss(b);
  supcon(b, x, labels_of_x, y, labels_of_y, how, scale, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, label_vector LX, sample_matrix Y, label_vector LY, similarity Similarity, logit_scale Scale,
         class R>
void supcon(const B& b, const X& x, const LX& labels_of_x, const Y& y, const LY& labels_of_y, const Similarity& how,
            const Scale& scale, const scalar_view<supcon_loss, R>& out, const gradients_of<X>& g = {},
            const supcon_options<space_of<X>>& o = {}) {
  using E = value_type_of<X>;
  using L = value_type_of<LX>;
  static_assert(std::same_as<E, value_type_of<Y>> && std::same_as<space_of<X>, space_of<Y>>,
                "dispar: both matrices must have the same element type and memory space");
  static_assert(std::same_as<L, value_type_of<LY>> && std::same_as<space_of<LX>, space_of<LY>>,
                "dispar: labels of both matrices must have the same type and memory space");
  const std::array<matrix_view<const E, space_of<X>>, 2> matrices{view_of(x), view_of(y)};
  const std::array<vector_view<const L, space_of<LX>>, 2> all_labels{view_of(labels_of_x), view_of(labels_of_y)};
  detail::supcon_by_classes<2>(b, matrices, all_labels, how, scale, out, g, o);
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, label_vector LX, sample_matrix Y, label_vector LY, similarity Similarity,
         logit_scale Scale>
[[nodiscard]] supcon_loss supcon(const X& x, const LX& labels_of_x, const Y& y, const LY& labels_of_y, const Similarity& how,
                                 const Scale& scale, const gradients_of<X>& g = {}, const supcon_options<space_of<X>>& o = {}) {
  return supcon(B{}, x, labels_of_x, y, labels_of_y, how, scale, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
