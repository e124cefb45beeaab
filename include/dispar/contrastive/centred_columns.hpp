#pragma once

#include "dispar/contrastive/centred_kernels.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

/// Of the inner product of two columns: what multiplies either in the gradient by the other. Block 0: x with y, 1: x with x, 2: y
/// with y, where the engine counts every pair of columns twice.
template<class T>
struct column_slopes {
  static constexpr int channels = 1, outputs = 1, operands = 0;
  const centred_slopes* slopes;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& product, const At& at) const {
    const centred_slopes& s = *slopes;
    const double by = at.block == 0 ? 2 * s.by_x : -s.ratio * (at.block == 1 ? s.by_x : s.by_y);
    const double unit = at.block == 1 ? s.unit_x : s.unit_y;
    return {{V(static_cast<T>(by)) * (V(static_cast<T>(unit)) * product[0])}};
  }
};

/// The sums of `centred_kernels` for two linear kernels, biased, by columns: sum_ij K~_ij L~_ij = |X'Y|_F^2 of centred columns.
/// Cheaper where columns are fewer than rows.
template<class E, backend B>
class centred_columns {
  using T = computed_type<E>;
  using space = typename B::space;
  using part = sample<T, 1, space>;
  using packed = decltype(pack_samples<dot>(std::declval<const B&>(), std::declval<std::array<part, 2>>()));
  static constexpr std::array<pair_block, 3> blocks{{{0, 1}, {0, 0}, {1, 1}}};

public:
  centred_columns(const B& b, const matrix_view<const E, space>& x, const matrix_view<const E, space>& y)
      : rows_(x.rows()), data_(packed_columns(b, x, y)) {}

  /// sums(0 .. 2): of K~ L~, and unless `alone` of K~^2, L~^2.
  void products(const B& b, const vector_view<double, space>& sums, bool alone) const {
    const index count = alone ? 1 : 3;
    pairwise(b, data_, square_covariances{}, of_blocks(alone), std::span<const vector_view<const T, space>>(),
             total<0, 1, space>{matrix_view<double, space>(sums.data(), count, 1)});
  }
  /// As `centred_kernels`.
  template<class G>
  void gradient(const B& b, const centred_slopes* slopes, const G& g, bool alone) const {
    pairwise(b, data_, column_slopes<T>{slopes}, of_blocks(alone), std::span<const vector_view<const T, space>>(),
             feature_gradient<0, 0, T, 2, space>{{reached<B>(g.x).transposed(), reached<B>(g.y).transposed()},
                                                 g.factor,
                                                 g.accumulate,
                                                 scalar_view<const double, space>(g.upstream.data())});
  }

  [[nodiscard]] index rows() const { return rows_; }
  /// The sum of a centred linear kernel's values is 0.
  [[nodiscard]] static const double* all(std::size_t) { return nullptr; }

private:
  [[nodiscard]] static std::span<const pair_block> of_blocks(bool alone) {
    return std::span<const pair_block>(blocks).first(alone ? 1 : 3);
  }
  [[nodiscard]] static packed packed_columns(const B& b, const matrix_view<const E, space>& x,
                                             const matrix_view<const E, space>& y) {
    array<T, 2, B> columns_x(b, {x.cols(), x.rows()}), columns_y(b, {y.cols(), y.rows()});
    copy_columns(b, column_moments<E, B>(b, x), nullptr, 1, columns_x.view());
    copy_columns(b, column_moments<E, B>(b, y), nullptr, 1, columns_y.view());
    return pack_samples<dot>(b, std::array{part{{std::as_const(columns_x).view()}}, part{{std::as_const(columns_y).view()}}});
  }

  index rows_;
  packed data_;
};

/// use(sums of products with their gradients), the cheapest for these kernels, everything checked.
template<backend B, sample_matrix X, sample_matrix Y, pair_function KX, pair_function KY, class Use>
void with_centred(const B& b, const X& first, const Y& second, const KX& kx, const KY& ky, const paired_gradients_of<X>& g,
                  hsic_estimator form, const Use& use) {
  using E = value_type_of<X>;
  using S = space_of<X>;
  static_assert(has_pairwise<B>, "dispar: this backend cannot compute over pairs of rows: it has no member has_pairwise = true");
  static_assert(std::same_as<E, value_type_of<Y>> && std::same_as<S, space_of<Y>>,
                "dispar: both matrices must have the same element type and memory space");
  const matrix_view<const E, S> x = view_of(first), y = view_of(second);
  require_dependence(x, y, g, form);
  const auto reached_x = reached<B>(x), reached_y = reached<B>(y);
  require_finite_rows(b, reached_x, "x");
  require_finite_rows(b, reached_y, "y");
  if constexpr (std::same_as<KX, identity<dot>> && std::same_as<KY, identity<dot>>)
    if (form == hsic_estimator::biased && x.cols() + y.cols() <= x.rows())
      return use(centred_columns<E, B>(b, reached_x, reached_y));
  use(centred_kernels<KX, KY, E, B>(b, reached_x, reached_y, kx, ky, form));
}

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
