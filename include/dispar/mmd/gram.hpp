#pragma once

#include <vector>

#include "dispar/mmd/estimate.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

namespace detail {

template<class U>
struct write_gram_diagonal {
  const double* values;
  dispar::detail::strided<U> matrix;
  DISPAR_FN void operator()(index i) const { matrix(i, i) = static_cast<U>(values[i]); }
};

template<backend B, class Samples, pair_function K, class U>
void write_gram(const B& b, const Samples& samples, const K& k, const matrix_view<U, typename B::space>& out) {
  using T = typename decltype(samples.data)::value_type;
  using space = typename B::space;
  const kernel_value<K, T> operation(k);
  const index rows = samples.n() + samples.m();
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  const std::span<const vector_view<const T, space>> no_operands;
  pairwise(b, samples.data, operation, blocks, no_operands, store<0, U, space>{out});
  array<double, 2, B> diagonal(b, {rows, 1});
  pair_list(b, samples.data, operation, rows, self_pairs{samples.n()}, no_operands, diagonal.view());
  for_each_index(b, rows, write_gram_diagonal<U>{diagonal.data(), dispar::detail::strided_of(out)});
}

}  // namespace detail

/// The kernel matrix over the rows of x and then those of y, k(z_i, z_j), diagonal included: for looking at, for other
/// software, for `given`. The estimates and tests of this folder do not need it.
///
///     std::vector<double> k(N * N);                                                    // N = n + m
///     mmd::gram(cpu{}, x, y, gaussian{2.0}, as_matrix(k, N, N));
///     mmd::gram(cpu{}, x, y, identity<sq_euclidean>{}, as_matrix(d, N, N));            // squared distances
///
/// `out` is (n + m) x (n + m), dense or strided, of float or double whatever the samples have; the upper triangle is computed
/// and mirrored. In memory of the backend it is written asynchronously, as by `estimate` with an output; in memory of the host a
/// GPU's matrix arrives by a wait. Time O((n + m)^2 d / 2); memory beside `out`: one copy of the data, and for a GPU's matrix on
/// the host a second one on both sides. Weights of rows are not applied.
/// Throws `invalid_argument` for empty samples, NaN or infinite elements, different numbers of features, bad kernel
/// parameters, and a matrix of another shape.
template<backend B, sample_like X, sample_like Y, pair_function K, matrix_like Out>
void gram(const B& b, const X& x, const Y& y, const K& k, Out&& out) {
  using space = typename B::space;
  static_assert(reachable<space_of<Out>, space> || reachable<space_of<Out>, host>,
                "dispar: gram writes to a matrix that the backend or the host can reach");
  const auto target = view_of(out);
  using U = typename decltype(target)::value_type;
  const index rows = as_sample(x).rows() + as_sample(y).rows();
  require(target.rows() == rows, "gram: rows of out", "must be the rows of x and y together", static_cast<double>(target.rows()));
  require(target.cols() == rows, "gram: columns of out", "must be the rows of x and y together",
          static_cast<double>(target.cols()));
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  if constexpr (reachable<space_of<Out>, space>) {
    detail::write_gram(b, samples, k, matrix_view<U, space>(target.data(), target.extents(), target.strides()));
  } else {
    array<U, 2, B> matrix(b, {rows, rows});
    detail::write_gram(b, samples, k, matrix.view());
    std::vector<U> copy(static_cast<std::size_t>(rows * rows));
    read_back(b, matrix.data(), copy.data(), rows * rows);
    for (index i = 0; i < rows; ++i)
      for (index j = 0; j < rows; ++j) target(i, j) = copy[static_cast<std::size_t>(i * rows + j)];
  }
}

}  // namespace mmd

DISPAR_NAMESPACE_END
