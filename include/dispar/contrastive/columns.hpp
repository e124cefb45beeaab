#pragma once
/// \file
/// Statistics of columns for losses of features instead of rows. A covariance of features is the inner product of two centred
/// columns: the pairwise engine computes it over columns as it computes similarities over rows, and no features x features matrix
/// exists. Columns are copied, centred and scaled, one below another.

#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_views.hpp"
#include "dispar/contrastive/similarity.hpp"
#include "dispar/contrastive/softmax_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

/// A matrix in pieces of a column, so that few long columns keep many threads busy: piece e is of column e % cols. Neighbours in
/// memory, where rows are dense, are neighbours in time.
struct column_pieces {
  static constexpr index length = 64;  ///< rows of a piece; sums depend on it, not on the threads
  index rows, cols;

  [[nodiscard]] DISPAR_FN index per_column() const { return (rows + length - 1) / length; }
  [[nodiscard]] DISPAR_FN index count() const { return per_column() * cols; }
  [[nodiscard]] DISPAR_FN index column(index e) const { return e % cols; }
  [[nodiscard]] DISPAR_FN index first(index e) const { return e / cols * length; }
  [[nodiscard]] DISPAR_FN index last(index e) const { return rows - first(e) < length ? rows : first(e) + length; }
};

/// out[e] = sum of term(i, k) over piece e.
template<class Term>
struct sum_pieces {
  column_pieces pieces;
  Term term;
  double* out;
  DISPAR_FN void operator()(index e) const {
    const index k = pieces.column(e), first = pieces.first(e);
    out[e] = feature_sum(pieces.last(e) - first, [&](index i) { return term(first + i, k); });
  }
};

/// out(k) = sum_i term(i, k) in double, in an order that depends on shapes only.
template<backend B, class Term>
void sum_over_rows(const B& b, const column_pieces& pieces, const Term& term, const vector_view<double, typename B::space>& out) {
  array<double, 2, B> partial(b, {pieces.per_column(), pieces.cols});
  for_each_index(b, pieces.count(), static_cast<double>(pieces.rows) * static_cast<double>(pieces.cols) * 2,
                 sum_pieces<Term>{pieces, term, partial.data()});
  column_sums(b, std::as_const(partial).view(), out);
}

/// x_ik - x_0k: means of these keep their digits, and columns of one number deviate from their mean by exactly nothing.
template<class E>
struct distance_from_first {
  strided<const E> x;
  DISPAR_FN double operator()(index i, index k) const { return in_double(x(i, k)) - in_double(x(0, k)); }
};
/// (x_ik - mean_k) (y_ik - mean_k), each by its own mean.
template<class E>
struct deviation_product {
  strided<const E> x, y;
  const double* mean_x;
  const double* mean_y;
  DISPAR_FN double operator()(index i, index k) const {
    return (in_double(x(i, k)) - mean_x[k]) * (in_double(y(i, k)) - mean_y[k]);
  }
};
template<class E>
struct mean_from_first {
  strided<const E> x;
  double rows;
  double* mean;  ///< the sum of the distances at first
  DISPAR_FN void operator()(index k) const { mean[k] = in_double(x(0, k)) + mean[k] / rows; }
};

/// A matrix with the means of its columns and the sums of squared deviations from them, in two passes.
template<class E, backend B>
struct column_moments {
  matrix_view<const E, typename B::space> x;
  array<double, 1, B> mean, square;

  column_moments(const B& b, const matrix_view<const E, typename B::space>& of)
      : x(of), mean(b, {of.cols()}), square(b, {of.cols()}) {
    sum_over_rows(b, pieces(), distance_from_first<E>{elements()}, mean.view());
    for_each_index(b, x.cols(), mean_from_first<E>{elements(), static_cast<double>(x.rows()), mean.data()});
    sum_over_rows(b, pieces(), deviation_product<E>{elements(), elements(), mean.data(), mean.data()}, square.view());
  }
  [[nodiscard]] column_pieces pieces() const { return {x.rows(), x.cols()}; }
  [[nodiscard]] strided<const E> elements() const { return dispar::detail::strided_of(x); }
};

/// out(k, i) = scale factor_k (x_ik - mean_k); no factor, no mean where that is null.
template<class E, class T>
struct copy_centred {
  column_pieces pieces;
  strided<const E> x;
  const double* mean;
  const double* factor;
  double scale;
  strided<T> out;
  DISPAR_FN void operator()(index e) const {
    const index k = pieces.column(e);
    const double f = factor ? scale * factor[k] : scale, from = mean ? mean[k] : 0;
    for (index i = pieces.first(e), last = pieces.last(e); i < last; ++i)
      out(k, i) = static_cast<T>((in_double(x(i, k)) - from) * f);
  }
};
/// Writes them, into a matrix of columns x rows.
template<backend B, class E, class T>
void copy_columns(const B& b, const column_moments<E, B>& from, const double* factor, double scale,
                  const matrix_view<T, typename B::space>& to) {
  const auto pieces = from.pieces();
  for_each_index(b, pieces.count(), static_cast<double>(from.x.size()) * 2,
                 copy_centred<E, T>{pieces, from.elements(), from.mean.data(), factor, scale, dispar::detail::strided_of(to)});
}

/// The square of a covariance of two features.
struct square_covariances {
  static constexpr int channels = 1, outputs = 1, operands = 0;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& covariance, const At&) const {
    return {{covariance[0] * covariance[0]}};
  }
};
/// The covariance itself, half of its square's derivative, and the square.
struct covariances {
  static constexpr int channels = 1, outputs = 2, operands = 0;
  template<class V, class At>
  DISPAR_FN vec<V, 2> operator()(const vec<V, 1>& covariance, const At&) const {
    return {{covariance[0], covariance[0] * covariance[0]}};
  }
};

/// Columns that lie one below another, as rows for bands; and where sums over their pairs go.
///@{
template<class T, backend B>
[[nodiscard]] embeddings<T, B> as_embeddings(const B& b, const array<T, 2, B>& columns) {
  return {b, columns.view()};
}
template<class T, backend B>
[[nodiscard]] array<T, 2, B> zeros(const B& b, index rows, index cols) {
  array<T, 2, B> all(b, {rows, cols});
  for_each_index(b, rows, static_cast<double>(rows) * static_cast<double>(cols),
                 clear_rows<T>{dispar::detail::strided_of(all.view()), cols});
  return all;
}
template<class T, backend B>
[[nodiscard]] matrix_view<T, typename B::space> rows_of_band(array<T, 2, B>& all, const band& rows) {
  return all.data() ? all.view().slice(rows.first, rows.count) : matrix_view<T, typename B::space>{};
}
///@}

/// On the host, throws for NaN or infinity in a row.
template<class E, backend B>
void require_finite_rows(const B& b, const matrix_view<const E, typename B::space>& x, const char* name) {
  if constexpr (std::same_as<typename B::space, host>) require_finite(embeddings<E, B>(b, x), name);
}

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
