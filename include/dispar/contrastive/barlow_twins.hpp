#pragma once

#include <cmath>

#include "dispar/backend/default.hpp"
#include "dispar/backend/operations.hpp"
#include "dispar/contrastive/columns.hpp"
#include "dispar/kernels/identity.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// Barlow Twins' loss and its parts.
struct barlow_twins_loss {
  double value;         ///< on_diagonal + lambda off_diagonal
  double on_diagonal;   ///< sum_i (C_ii - 1)^2: how far both views are from agreeing
  double off_diagonal;  ///< sum_{i != j} C_ij^2: how much features repeat one another
};

/// How it is made.
struct barlow_twins_options {
  double lambda = 0.0051;  ///< weight of the redundancy; the paper's
  double eps = 1e-5;       ///< added to a variance, as in batch normalisation
  index band_columns = 0;  ///< columns worked on at a time; 0: as many as `band_bytes` hold. Changes last bits
};

namespace detail {

/// Of the correlation C of two features: dL / dC, and C^2. Features that are to agree: 0.
template<class T>
struct redundancies {
  static constexpr int channels = 1, outputs = 2, operands = 0;
  T slope;
  bool without_matched;
  template<class V, class At>
  DISPAR_FN vec<V, 2> operator()(const vec<V, 1>& correlation, const At& at) const {
    const V c = without_matched ? select(at.matched, V(0), correlation[0]) : correlation[0];
    return {{V(slope) * c, c * c}};
  }
};

/// factor[k] = 1 / sqrt(var_k + eps).
struct standard_factors {
  const double* square;
  double count, eps;
  double* factor;
  DISPAR_FN void operator()(index k) const { factor[k] = 1 / std::sqrt(square[k] / count + eps); }
};

/// A matrix with standardised columns; these divided by sqrt(rows), so that inner products are correlations.
template<class E, backend B>
struct standard_columns {
  using T = computed_type<E>;
  column_moments<E, B> moments;
  array<double, 1, B> factor;
  array<T, 2, B> columns;

  standard_columns(const B& b, const matrix_view<const E, typename B::space>& x, double eps)
      : moments(b, x), factor(b, {x.cols()}), columns(b, {x.cols(), x.rows()}) {
    const auto rows = static_cast<double>(x.rows());
    for_each_index(b, x.cols(), standard_factors{moments.square.data(), rows, eps, factor.data()});
    copy_columns(b, moments, factor.data(), 1 / std::sqrt(rows), columns.view());
  }
};

/// Of feature k: C_kk, (C_kk - 1)^2, sum_{j != k} C_kj^2.
struct matched_correlations {
  const double* product;
  const double* factor_x;
  const double* factor_y;
  const double* squares;
  double count;
  double* matched;
  double* terms;  ///< columns x 2
  DISPAR_FN void operator()(index k) const {
    const double c = product[k] * factor_x[k] * factor_y[k] / count;
    matched[k] = c;
    terms[2 * k] = (c - 1) * (c - 1);
    terms[2 * k + 1] = squares[k];
  }
};
struct finish_barlow_twins {
  const double* sums;
  double lambda;
  barlow_twins_loss* out;
  DISPAR_FN void operator()() const { *out = {sums[0] + lambda * sums[1], sums[0], sums[1]}; }
};

/// The gradient by a matrix from that by its correlations: with z^ the standardised columns, G = dL / dC,
///
///     dL / dz_k = 1 / (n sigma_k) (sum_j G_kj z^'_j - z^_k sum_j G_kj C_kj).
///
/// The mean of the sum, which batch normalisation takes off, is 0: the columns are centred.
template<class E, class T>
struct standardised_gradient {
  index rows;
  strided<const E> own, other;
  const double* mean;
  const double* other_mean;
  const double* factor;
  const double* other_factor;
  const T* sums;  ///< columns x rows: sum_{j != k} G_kj z^'_j / sqrt(n)
  const double* matched;
  const double* squares;
  double lambda, weight;
  const double* upstream;
  bool accumulate;
  strided<T> out;
  struct column {
    double root, by_matched, along, scale, mean, factor, other_mean, other_factor;
  };
  [[nodiscard]] DISPAR_FN column of(index k) const {
    const auto n = static_cast<double>(rows);
    const double c = matched[k], by = 2 * (c - 1), scale = factor[k] / n * (upstream ? weight * *upstream : weight);
    return {std::sqrt(n), by, by * c + 2 * lambda * squares[k], scale, mean[k], factor[k], other_mean[k], other_factor[k]};
  }
  DISPAR_FN void operator()(index i, index k, const column& c) const {
    const double z = (in_double(own(i, k)) - c.mean) * c.factor;
    const double partner = (in_double(other(i, k)) - c.other_mean) * c.other_factor;
    const double by = c.scale * (c.root * static_cast<double>(sums[k * rows + i]) + c.by_matched * partner - c.along * z);
    out(i, k) = static_cast<T>(accumulate ? static_cast<double>(out(i, k)) + by : by);
  }
};

inline void require_eps(double eps) { require(eps > 0 && eps < 1e30, "barlow_twins: eps", "must be positive and finite", eps); }

/// visit(packed columns, block, band of x, band of y, whether the same features meet) for all pairs of bands of columns.
template<backend B, class E, class Visit>
void for_each_correlation(const B& b, const std::array<standard_columns<E, B>, 2>& z, index band_columns, const Visit& visit) {
  const std::array<embeddings<computed_type<E>, B>, 2> matrices{as_embeddings(b, z[0].columns), as_embeddings(b, z[1].columns)};
  const std::array<meeting, 1> met{{{0, 1, true}}};
  for_each_band_pair(b, matrices, inner_product{}, met, band_columns, visit);
}

}  // namespace detail

/// Barlow Twins: features of two views shall agree with themselves and not repeat one another,
///
///     C = z^_x' z^_y / n,    z^ = (z - mean) / sqrt(var + eps) by column, var with divisor n,
///     L = sum_i (C_ii - 1)^2 + lambda sum_{i != j} C_ij^2.
///
/// Gradients are by the matrices as they are given, through the standardisation.
///
///     auto loss = contrastive::barlow_twins(cpu{}, x, y, {.x = gx, .y = gy});   // loss.value, .on_diagonal, .off_diagonal
///
/// x, y: n x d of one type, any strides; row i of both is the same thing. Defaults: lambda 0.0051 (the paper's), eps 1e-5 (that
/// of batch normalisation). The diagonal is computed in double. A constant column, and any with n = 1, correlates with nothing:
/// its gradient is finite. No negatives: batches may be small, n = 256 and more.
///
/// Time: n d^2 multiply-adds for the value, three times that with gradients. Memory: two standardised copies of the type computed
/// in, with gradients two more, and bands of columns as `band_bytes`; never d x d. The bits depend on shapes only, not on the
/// number of threads.
///
/// Throws `invalid_argument` for matrices without rows or columns, shapes that differ, eps that is not positive, and NaN or
/// infinity in a row (on a GPU at the next wait). Zbontar, Jing, Misra, LeCun & Deny, ICML 2021, section 2.
template<backend B, sample_matrix X, sample_matrix Y>
[[nodiscard]] barlow_twins_loss barlow_twins(const B& b, const X& x, const Y& y, const paired_gradients_of<X>& g = {},
                                             const barlow_twins_options& o = {}) {
  result<barlow_twins_loss, B> loss(b);
  barlow_twins(b, x, y, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, class R>
void barlow_twins(const B& b, const X& first_view, const Y& second_view, const scalar_view<barlow_twins_loss, R>& out,
                  const paired_gradients_of<X>& g = {}, const barlow_twins_options& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using space = typename B::space;
  static_assert(has_pairwise<B>, "dispar: this backend cannot compute over pairs of rows: it has no member has_pairwise = true");
  require(!is_special(o.lambda), "barlow_twins: lambda", "must be finite", o.lambda);
  detail::require_eps(o.eps);
  require(o.band_columns >= 0, "barlow_twins: band_columns", "must not be negative", static_cast<double>(o.band_columns));
  const auto [x, y] = detail::matched_views<B>("barlow_twins", first_view, second_view, out, g);
  detail::require_finite_rows(b, detail::reached<B>(x), "x");
  detail::require_finite_rows(b, detail::reached<B>(y), "y");

  const index n = x.rows(), d = x.cols();
  const bool slopes = g.x || g.y;
  const std::array<detail::standard_columns<E, B>, 2> z{detail::standard_columns<E, B>(b, detail::reached<B>(x), o.eps),
                                                        detail::standard_columns<E, B>(b, detail::reached<B>(y), o.eps)};
  std::array<array<T, 2, B>, 2> sums;
  if (g.x) sums[0] = detail::zeros<T>(b, d, n);
  if (g.y) sums[1] = detail::zeros<T>(b, d, n);
  auto squares = detail::zeros<double>(b, 2, d);
  const std::span<const vector_view<const T, space>> no_operands;
  detail::for_each_correlation(
      b, z, o.band_columns, [&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool apart) {
        array<double, 2, B> own(b, {data.rows(), 1});
        const detail::redundancies<T> operation{static_cast<T>(2 * o.lambda), apart};
        const row_sums<1, space> by_column{own.view()};
        if (slopes)
          pairwise(
              b, data, operation, blocks, no_operands, by_column,
              feature_gradient<0, 0, T, 2, space>{{detail::rows_of_band(sums[0], r), detail::rows_of_band(sums[1], c)}, 1, true});
        else
          pairwise(b, data, operation, blocks, no_operands, by_column);
        for_each_index(b, r.count, detail::add_numbers{own.data(), squares.data() + r.first});
        for_each_index(b, c.count, detail::add_numbers{own.data() + r.count, squares.data() + d + c.first});
      });

  array<double, 1, B> product(b, {d}), matched(b, {d}), parts(b, {2});
  array<double, 2, B> terms(b, {d, 2});
  const auto& mx = z[0].moments;
  const auto& my = z[1].moments;
  detail::sum_over_rows(
      b, mx.blocks(), detail::deviation_product<E>{mx.elements(), my.elements(), mx.mean.data(), my.mean.data()}, product.view());
  for_each_index(b, d,
                 detail::matched_correlations{product.data(), z[0].factor.data(), z[1].factor.data(), squares.data(),
                                              static_cast<double>(n), matched.data(), terms.data()});
  column_sums(b, std::as_const(terms).view(), parts.view());
  in_order(b, detail::finish_barlow_twins{parts.data(), o.lambda, out.data()});
  const auto gradient = [&](const matrix_view<T, space_of<X>>& by, std::size_t side) {
    if (!by) return;
    const auto& own = z[side];
    const auto& other = z[1 - side];
    detail::for_each_element(
        b, own.moments.blocks(), 8,
        detail::standardised_gradient<E, T>{n, own.moments.elements(), other.moments.elements(), own.moments.mean.data(),
                                            other.moments.mean.data(), own.factor.data(), other.factor.data(), sums[side].data(),
                                            matched.data(), squares.data() + static_cast<index>(side) * d, o.lambda, g.factor,
                                            g.upstream.data(), g.accumulate, dispar::detail::strided_of(detail::reached<B>(by))});
  };
  gradient(g.x, 0);
  gradient(g.y, 1);
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y>
[[nodiscard]] barlow_twins_loss barlow_twins(const X& x, const Y& y, const paired_gradients_of<X>& g = {},
                                             const barlow_twins_options& o = {}) {
  return barlow_twins(B{}, x, y, g, o);
}

/// The matrix C of `barlow_twins`, d x d, for those who want to look at it: `out(i, j)` is the correlation of feature i of x with
/// feature j of y.
///
///     contrastive::cross_correlation(cpu{}, x, y, c);
///
/// On a GPU it returns at once. `out` is of the type that is computed in, any strides. Time n d^2 multiply-adds; memory two
/// standardised copies, and bands of columns as `band_bytes`. Throws as `barlow_twins`, and for `out` of another shape.
template<backend B, sample_matrix X, sample_matrix Y, class T, memory_space R>
void cross_correlation(const B& b, const X& first_view, const Y& second_view, const matrix_view<T, R>& out, double eps = 1e-5) {
  using E = value_type_of<X>;
  using space = typename B::space;
  static_assert(std::same_as<T, computed_type<E>>, "dispar: out must have the type that is computed in");
  detail::require_eps(eps);
  const auto [x, y] = detail::matched_views("barlow_twins", first_view, second_view);
  require(out.rows() == x.cols() && out.cols() == x.cols(), "cross_correlation: out", "must be columns x columns",
          static_cast<double>(out.rows()));
  const auto to = detail::reached<B>(out);
  const std::array<detail::standard_columns<E, B>, 2> z{detail::standard_columns<E, B>(b, detail::reached<B>(x), eps),
                                                        detail::standard_columns<E, B>(b, detail::reached<B>(y), eps)};
  detail::for_each_correlation(b, z, 0,
                               [&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
                                 const matrix_view<T, space> part(to.data() + r.first * to.stride(0) + c.first * to.stride(1),
                                                                  {r.count, c.count}, to.strides());
                                 pairwise(b, data, kernel_value<identity<dot>, T>(identity<dot>{}), blocks,
                                          std::span<const vector_view<const T, space>>(), store_across<0, T, space>{part});
                               });
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
