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

/// A matrix in blocks of a few neighbouring columns and some rows, so that few long columns keep many threads busy, and what lies
/// in a cache line is used at once.
struct column_blocks {
  static constexpr index length = 64;  ///< rows of a block; sums depend on it, not on the threads
  static constexpr int width = 8;      ///< columns of one
  index rows, cols;

  [[nodiscard]] DISPAR_FN index down() const { return (rows + length - 1) / length; }
  [[nodiscard]] DISPAR_FN index across() const { return (cols + width - 1) / width; }
  [[nodiscard]] DISPAR_FN index count() const { return down() * across(); }
  /// visit(first column, columns, first row, behind the last row) of block e.
  template<class Visit>
  DISPAR_FN void visit(index e, const Visit& visit) const {
    const index column = e % across() * width, row = e / across() * length;
    visit(column, cols - column < width ? static_cast<int>(cols - column) : width, row,
          rows - row < length ? rows : row + length);
  }
};

/// For every element of a block: `step.of(k)` is what is computed once of a column, `step(i, k, that)` the work.
template<class Step>
struct element_steps {
  column_blocks blocks;
  Step step;
  DISPAR_FN void operator()(index e) const {
    blocks.visit(e, [&](index column, int columns, index first, index last) {
      decltype(step.of(0)) known[column_blocks::width];
      for (int l = 0; l < columns; ++l) known[l] = step.of(column + l);
      for (index i = first; i < last; ++i)
        for (int l = 0; l < columns; ++l) step(i, column + l, known[l]);
    });
  }
};
/// The same for all blocks, of together `work` multiply-adds for each element.
template<backend B, class Step>
void for_each_element(const B& b, const column_blocks& blocks, double work, const Step& step) {
  for_each_index(b, blocks.count(), static_cast<double>(blocks.rows) * static_cast<double>(blocks.cols) * work,
                 element_steps<Step>{blocks, step});
}

/// The sums of term(i, k) over the rows of block e, by column.
template<class Term>
struct sum_blocks {
  column_blocks blocks;
  Term term;
  double* out;  ///< blocks one below another x columns
  DISPAR_FN void operator()(index e) const {
    blocks.visit(e, [&](index column, int columns, index first, index last) {
      double sum[column_blocks::width] = {};
      if (columns == column_blocks::width) {
        for (index i = first; i < last; ++i)
          for (int l = 0; l < column_blocks::width; ++l) sum[l] += term(i, column + l);
      } else {
        for (index i = first; i < last; ++i)
          for (int l = 0; l < columns; ++l) sum[l] += term(i, column + l);
      }
      double* const to = out + first / column_blocks::length * blocks.cols + column;
      for (int l = 0; l < columns; ++l) to[l] = sum[l];
    });
  }
};

/// out(k) = sum_i term(i, k) in double, in an order that depends on shapes only.
template<backend B, class Term>
void sum_over_rows(const B& b, const column_blocks& blocks, const Term& term, const vector_view<double, typename B::space>& out) {
  array<double, 2, B> partial(b, {blocks.down(), blocks.cols});
  for_each_index(b, blocks.count(), static_cast<double>(blocks.rows) * static_cast<double>(blocks.cols) * 2,
                 sum_blocks<Term>{blocks, term, partial.data()});
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
    sum_over_rows(b, blocks(), distance_from_first<E>{elements()}, mean.view());
    for_each_index(b, x.cols(), mean_from_first<E>{elements(), static_cast<double>(x.rows()), mean.data()});
    sum_over_rows(b, blocks(), deviation_product<E>{elements(), elements(), mean.data(), mean.data()}, square.view());
  }
  [[nodiscard]] column_blocks blocks() const { return {x.rows(), x.cols()}; }
  [[nodiscard]] strided<const E> elements() const { return dispar::detail::strided_of(x); }
};

/// out(k, i) = scale factor_k (x_ik - mean_k); no factor, no mean where that is null.
template<class E, class T>
struct copy_centred {
  strided<const E> x;
  const double* mean;
  const double* factor;
  double scale;
  strided<T> out;
  struct column {
    double mean, factor;
  };
  [[nodiscard]] DISPAR_FN column of(index k) const { return {mean ? mean[k] : 0, factor ? scale * factor[k] : scale}; }
  DISPAR_FN void operator()(index i, index k, const column& c) const {
    out(k, i) = static_cast<T>((in_double(x(i, k)) - c.mean) * c.factor);
  }
};
/// Writes them, into a matrix of columns x rows.
template<backend B, class E, class T>
void copy_columns(const B& b, const column_moments<E, B>& from, const double* factor, double scale,
                  const matrix_view<T, typename B::space>& to) {
  for_each_element(b, from.blocks(), 2,
                   copy_centred<E, T>{from.elements(), from.mean.data(), factor, scale, dispar::detail::strided_of(to)});
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
