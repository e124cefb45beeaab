#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/matched_softmax.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// Who is an anchor.
enum class direction {
  rows,  ///< the rows of the first matrix: InfoNCE
  both,  ///< the rows of both, each direction counting half: the image-text loss of CLIP
};

/// How InfoNCE is made.
template<class E, memory_space S = host>
struct infonce_options {
  direction anchors = direction::rows;  ///< who is an anchor
  reduction reduce = reduction::mean;   ///< over the pairs
  matrix_view<const E, S> negatives{};  ///< further negatives of the rows of x, in rows: a queue, other workers' keys
  bool in_batch = true;                 ///< the other rows of y are negatives; else only `negatives` are (MoCo)
  /// What every pair shows, by number: pairs with the same one are no negatives of one another; a negative number is padding, a
  /// pair that takes no part. The null view: all pairs are different.
  vector_view<const std::int64_t, S> items{};
  /// The same of `negatives`: those that show what a pair shows are none of its negatives. The null view: all are different.
  vector_view<const std::int64_t, S> negative_items{};
  vector_view<double, S> losses{};  ///< where to write the loss of every pair; not wanted by default
  index band_rows = 0;              ///< rows worked on at a time; 0: as many as `band_bytes` hold. Changes last bits
};

/// How a loss of pairs is made that leaves no other choice: `rolled_infonce`.
template<memory_space S = host>
struct matched_options {
  reduction reduce = reduction::mean;  ///< over the pairs
  vector_view<double, S> losses{};     ///< where to write the loss of every pair; not wanted by default
  index band_rows = 0;                 ///< as in `infonce_options`
};

namespace detail {

/// Checks arguments, measures rows.
template<class R, backend B, sample_matrix X, sample_matrix Y, logit_scale Scale, class Loss>
[[nodiscard]] auto matched_embeddings(const B& b, const X& rows_of_x, const Y& rows_of_y,
                                      const matrix_view<const value_type_of<X>, space_of<X>>& negatives, const Scale& scale,
                                      const scalar_view<Loss, R>& out, const gradients_of<X>& g,
                                      const vector_view<double, space_of<X>>& losses, index band_rows) {
  using E = value_type_of<X>;
  using S = space_of<X>;
  static_assert(has_pairwise<B>, "dispar: this backend cannot compute over pairs of rows: it has no member has_pairwise = true");
  static_assert(std::same_as<E, value_type_of<Y>> && std::same_as<S, space_of<Y>>,
                "dispar: both matrices must have the same element type and memory space");
  static_assert(reachable<R, typename B::space>, "dispar: this backend cannot write to that memory");
  const matrix_view<const E, S> x = view_of(rows_of_x), y = view_of(rows_of_y);
  const auto number = [](index n) { return static_cast<double>(n); };
  require(static_cast<bool>(out), "contrastive: out", "must not be the null view");
  scale.check();
  require(band_rows >= 0, "contrastive: band_rows", "must not be negative", number(band_rows));
  require(x.rows() > 0, "contrastive: rows of x", "must be at least 1", number(x.rows()));
  require(x.cols() > 0, "contrastive: columns of x", "must be at least 1", number(x.cols()));
  require(y.rows() == x.rows(), "contrastive: rows of y", "must be those of x", number(y.rows()));
  require(y.cols() == x.cols(), "contrastive: columns of y", "must be those of x", number(y.cols()));
  if (negatives)
    require(negatives.cols() == x.cols(), "contrastive: columns of negatives", "must be those of x", number(negatives.cols()));
  const auto same_shape = [&](const auto& by, const matrix_view<const E, S>& of, const char* name) {
    if (by)
      require(by.rows() == of.rows() && by.cols() == of.cols(), name, "must have the shape of what it is a gradient by",
              number(by.rows()));
  };
  same_shape(g.x, x, "contrastive: gradient by x");
  same_shape(g.y, y, "contrastive: gradient by y");
  same_shape(g.negatives, negatives, "contrastive: gradient by negatives");
  if (g.pairs)
    require(g.pairs.size() == x.rows(), "contrastive: factors of pairs", "must be one per pair", number(g.pairs.size()));
  if (losses) require(losses.size() == x.rows(), "contrastive: losses", "must have one entry per pair", number(losses.size()));
  std::array<embeddings<E, B>, 3> all{embeddings<E, B>(b, reached<B>(x)), embeddings<E, B>(b, reached<B>(y)),
                                      negatives ? embeddings<E, B>(b, reached<B>(negatives)) : embeddings<E, B>{}};
  require_finite(all[0], "x");
  require_finite(all[1], "y");
  require_finite(all[2], "negatives");
  return all;
}

}  // namespace detail

/// InfoNCE: how well row i of x finds row i of y among the other rows of y and among further negatives,
///
///     z_ij = scale s(x_i, y_j),    L = mean_i ( log sum_j exp(z_ij) - z_ii ),
///
/// s the similarity; with `direction::both` also how well rows of y find theirs, L = (L_x + L_y) / 2: CLIP's loss. Gradients are
/// by the rows as they are given, before the similarity scales them, and by the scale's parameter.
///
///     auto loss = contrastive::infonce(cpu{}, x, y, contrastive::cosine{}, contrastive::temperature{0.07});
///     auto clip = contrastive::infonce(cpu{}, images, texts, contrastive::cosine{}, contrastive::exponential_scale{t},
///                                      {.x = gi, .y = gt}, {.anchors = contrastive::direction::both});
///     // clip.value, clip.rows (images find texts), clip.cols, clip.by_temperature
///
/// **Masks.** Two pairs may show the same thing (two captions of one image), and a batch may be filled up with rows that mean
/// nothing. `.items`, a number per pair, says both: with them j runs over the candidates
///
///     C_i = { i } and all j != i with items_j >= 0 and items_j != items_i,
///     L = 1/N sum_{i : items_i >= 0} ( log sum_{j in C_i} exp(z_ij) - z_ii ),
///
/// N the pairs with items_i >= 0. Padding, items_i < 0, has loss and gradients 0 (its rows must be finite all the same); an
/// anchor whose negatives are all masked loses exactly 0, and so does a batch of padding. `.negative_items` says the same of
/// further negatives. No n x n mask is stored: items are compared where logits are, and n (n + m) times beforehand.
///
///     contrastive::infonce(cpu{}, images, texts, contrastive::cosine{}, contrastive::temperature{0.07}, {.x = gi, .y = gt},
///                          {.anchors = contrastive::direction::both, .items = image_ids});
///
/// x, y: n x d of one type, any strides; `negatives` m x d. The matched pairs are computed in double, apart from the others: with
/// one row and no negatives the loss is exactly 0, and small losses keep their digits. Accuracy in float at a scale of 5: the
/// loss and gradients to 3e-6 of the largest (tests/contrastive/softmax.cpp); errors grow with the scale.
///
/// Time: n (n + m) d multiply-adds for the value, four times that with gradients: logits are computed again. On the host, logits
/// that fit into 64 MiB (`kept_bytes`, n = 4096 in float) are kept instead: three times. Memory: one number per row, and bands of
/// rows, at most 64 MiB on the host and 1 GiB on a device (`band_bytes`) for any n; with `accumulate` a copy of the gradients.
/// The bits depend on shapes only, not on the number of threads.
///
/// Throws `invalid_argument` for matrices without rows or columns, shapes that differ, a scale out of range, items of other
/// numbers than pairs or negatives (or of 2^24 pairs or more in float), and NaN or infinity in a row (on a GPU at the next wait).
/// van den Oord, Li & Vinyals, arXiv 1807.03748 (2018); CLIP: Radford et al., ICML 2021; MoCo: He et al., CVPR 2020.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale>
[[nodiscard]] softmax_loss infonce(const B& b, const X& x, const Y& y, const Similarity& how, const Scale& scale,
                                   const gradients_of<X>& g = {}, const infonce_options<value_type_of<X>, space_of<X>>& o = {}) {
  result<softmax_loss, B> loss(b);
  infonce(b, x, y, how, scale, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale, class R>
void infonce(const B& b, const X& x, const Y& y, const Similarity& how, const Scale& scale,
             const scalar_view<softmax_loss, R>& out, const gradients_of<X>& g = {},
             const infonce_options<value_type_of<X>, space_of<X>>& o = {}) {
  const detail::candidate_items<space_of<X>> items{o.items, o.negative_items};
  items.check(view_of(x).rows(), o.negatives.rows());
  const auto matrices = detail::matched_embeddings<R>(b, x, y, o.negatives, scale, out, g, o.losses, o.band_rows);
  const detail::softmax_form form{o.anchors == direction::both, false, o.in_batch, o.reduce, o.band_rows};
  detail::matched_softmax(b, matrices, how, scale, form, g, o.losses, out.data(), items);
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale>
[[nodiscard]] softmax_loss infonce(const X& x, const Y& y, const Similarity& how, const Scale& scale,
                                   const gradients_of<X>& g = {}, const infonce_options<value_type_of<X>, space_of<X>>& o = {}) {
  return infonce(B{}, x, y, how, scale, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
