#pragma once

#include "dispar/mmd/estimate.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// The kernel matrix over the rows of x and then those of y, k(z_i, z_j), diagonal included: for looking at, for other
/// software, for `given`. The estimates and tests of this folder do not need it.
///
///     std::vector<double> k(N * N);                                                    // N = n + m
///     mmd::gram(cpu{}, x, y, gaussian{2.0}, as_matrix(k, N, N));
///     mmd::gram(cpu{}, x, y, identity<sq_euclidean>{}, as_matrix(d, N, N));            // squared distances
///
/// `out` is (n + m) x (n + m), dense or strided, of float or double whatever the samples have; the upper triangle is computed
/// and mirrored. Time O((n + m)^2 d / 2); memory beside `out`: one copy of the data. Weights of rows are not applied.
/// Throws `invalid_argument` for empty samples, NaN or infinite elements, different numbers of features, bad kernel
/// parameters, and a matrix of another shape.
template<backend B, sample_like X, sample_like Y, pair_function K, matrix_like Out>
void gram(const B& b, const X& x, const Y& y, const K& k, Out&& out) {
  static_assert(reachable<space_of<Out>, host>, "dispar: gram writes to a matrix that the host can reach");
  const auto target = view_of(out);
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  const index rows = samples.n() + samples.m();
  require(target.rows() == rows, "gram: rows of out", "must be the rows of x and y together", static_cast<double>(target.rows()));
  require(target.cols() == rows, "gram: columns of out", "must be the rows of x and y together",
          static_cast<double>(target.cols()));

  using T = typename decltype(samples.data)::value_type;
  using U = typename decltype(target)::value_type;
  const kernel_value<K, T> operation(k);
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  const std::span<const vector_view<const T>> no_operands;
  pairwise(b, samples.data, operation, blocks, no_operands, store<0, U, space_of<Out>>{target});
  std::vector<double> diagonal(static_cast<std::size_t>(rows));
  pair_list(
      b, samples.data, operation, rows,
      [n = samples.n()](index p) {
        return row_pair{p, p, p < n ? 0 : 1};
      },
      no_operands, matrix_view<double>(diagonal.data(), rows, 1));
  for (index i = 0; i < rows; ++i) target(i, i) = static_cast<U>(diagonal[static_cast<std::size_t>(i)]);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
