#pragma once

#include "dispar/contrastive/infonce.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// The logits themselves, z_ij = scale s(x_i, y_j), for those who want to see them: the losses never store them.
///
///     contrastive::logit_matrix(cpu{}, x, y, contrastive::cosine{}, contrastive::temperature{0.07}, z);
///
/// x: n x d, y: m x d, z: n x m in float or double as the rows compute, in memory of the backend. Time n m d multiply-adds.
/// Throws `invalid_argument` as `infonce`, and for a z of another shape.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale, class Z>
void logit_matrix(const B& b, const X& rows_of_x, const Y& rows_of_y, const Similarity& how, const Scale& scale, Z&& logits) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  static_assert(std::same_as<E, value_type_of<Y>>, "dispar: both matrices must have the same element type");
  const auto x = view_of(rows_of_x);
  const auto y = view_of(rows_of_y);
  const auto all = view_of(logits);
  scale.check();
  const auto number = [](index n) { return static_cast<double>(n); };
  require(x.rows() > 0 && x.cols() > 0, "logit_matrix: x", "must have rows and columns", number(x.rows()));
  require(y.rows() > 0 && y.cols() == x.cols(), "logit_matrix: y", "must have rows, and the columns of x", number(y.cols()));
  require(all.rows() == x.rows(), "logit_matrix: rows of z", "must be those of x", number(all.rows()));
  require(all.cols() == y.rows(), "logit_matrix: columns of z", "must be the rows of y", number(all.cols()));
  const std::array<detail::embeddings<E, B>, 2> matrices{
      detail::embeddings<E, B>(b, detail::reached<B>(matrix_view<const E, space_of<X>>(x))),
      detail::embeddings<E, B>(b, detail::reached<B>(matrix_view<const E, space_of<Y>>(y)))};
  detail::require_finite(matrices[0], "x");
  detail::require_finite(matrices[1], "y");
  const std::array<detail::meeting, 1> met{{{0, 1}}};
  const matrix_view<T, typename B::space> z = detail::reached<B>(all);
  detail::for_each_band_pair(
      b, matrices, how, met, 0, [&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
        const matrix_view<T, typename B::space> part(z.data() + r.first * z.stride(0) + c.first * z.stride(1), {r.count, c.count},
                                                     z.strides());
        pairwise(b, data, detail::logits<T>{static_cast<T>(scale.scale()), false}, blocks,
                 std::span<const vector_view<const T, typename B::space>>(detail::no_items<T, typename B::space>),
                 store_across<0, T, typename B::space>{part});
      });
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
