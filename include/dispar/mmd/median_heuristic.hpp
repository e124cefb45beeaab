#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "dispar/backend/default.hpp"
#include "dispar/backend/host/order_statistics.hpp"
#include "dispar/backend/operations.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/core/special_values.hpp"
#include "dispar/kernels/identity.hpp"

DISPAR_NAMESPACE_BEGIN

/// How a median distance is found.
struct median_options {
  index most_rows = 1000;  ///< pooled rows that are used at most; the matrix of their distances takes most_rows^2 elements
};

namespace detail {

/// The least step for which every step-th row of both samples are at most `most` rows.
[[nodiscard]] inline index subsample_step(index n, index m, index most) {
  index step = (n + m + most - 1) / most;
  while ((n + step - 1) / step + (m + step - 1) / step > most) ++step;
  return step;
}

/// Rows 0, step, 2 step, ... of a sample: a stride, so that nothing moves.
template<class T, int C, class S>
[[nodiscard]] sample<T, C, S> every_row(sample<T, C, S> x, index step) {
  for (auto& all : x.channel)
    all =
        matrix_view<const T, S>(all.data(), {(all.rows() + step - 1) / step, all.cols()}, {all.stride(0) * step, all.stride(1)});
  x.weights = {};
  return x;
}

/// Infinity on the diagonal of a matrix, behind every distance.
template<class T>
struct write_diagonal {
  T* matrix;
  index rows;
  DISPAR_FN void operator()(index i) const { matrix[i * (rows + 1)] = positive_infinity<T>(); }
};
/// The mean of the two distances in the middle; of roots for squared ones.
template<class T>
struct write_median {
  const T* middle;
  bool squared;
  double* out;
  DISPAR_FN void operator()() const {
    const auto a = static_cast<double>(middle[0]), b = static_cast<double>(middle[1]);
    *out = squared ? (std::sqrt(a) + std::sqrt(b)) / 2 : (a + b) / 2;
  }
};

/// The median of the distances between rows of the data, `rows` of them.
template<backend B, class Data>
void median_of_pairs(const B& b, const Data& data, double* out) {
  using T = typename Data::value_type;
  using Metric = typename Data::metric_type;
  using space = typename B::space;
  const index rows = data.rows(), pairs = rows * (rows - 1) / 2;
  array<T, 2, B> distances(b, {rows, rows});
  array<T, 1, B> middle(b, {2});
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  const auto run = [&] {
    pairwise(b, data, kernel_value<identity<Metric>, T>(identity<Metric>{}), blocks,
             std::span<const vector_view<const T, space>>(), store<0, T, space>{distances.view()});
  };
  if constexpr (std::is_same_v<space, host>) {
    run();
    // The pairs below the diagonal, moved together: row i lands before the place it comes from.
    T* const begin = distances.data();
    T* end = begin;
    for (index i = 1; i < rows; ++i) end = std::copy_n(begin + i * rows, i, end);
    const std::array<index, 2> ranks{(pairs - 1) / 2, pairs / 2};
    order_statistics(b, vector_view<const T>(begin, pairs), std::span<const index>(ranks), middle.view());
  } else {
    // Every pair is there twice, and the diagonal is behind all of them.
    for_each_index(b, rows, write_diagonal<T>{distances.data(), rows});
    run();
    const std::array<index, 2> ranks{(pairs - 1) / 2 * 2, pairs / 2 * 2};
    order_statistics(b, vector_view<const T, space>(distances.data(), rows * rows), std::span<const index>(ranks), middle.view());
  }
  in_order(b, write_median<T>{middle.data(), std::is_same_v<Metric, sq_euclidean>, out});
}

}  // namespace detail

/// The median distance between two different rows of the pooled samples, by a metric: `median_distance<l1>(cpu{}, x, y)` is the
/// usual scale of `laplacian_l1`. `sq_euclidean` gives the Euclidean distance, not its square.
///
/// Of an even number of pairs it is the mean of the two in the middle, as in NumPy. Where x and y together have more than
/// `most_rows` rows, every s-th row of each is used, with the least s that keeps to the limit: deterministic, and even along
/// the samples, so shuffle rows whose order has a period. Weights do not count.
///
/// Time O(r^2 d) and memory r^2 elements for r rows used. Throws `invalid_argument` for empty samples, fewer than two rows in
/// all, most_rows < 2, NaN or infinite elements, and a median of 0 (most rows are duplicates): no bandwidth follows from that.
template<metric Metric, backend B, sample_like X, sample_like Y>
[[nodiscard]] double median_distance(const B& b, const X& x, const Y& y, const median_options& o = {}) {
  result<double, B> value(b);
  median_distance<Metric>(b, x, y, value.view(), o);
  const double median = value.get();
  require(median > 0, "median_distance: median", "must not be 0: half of the pairs or more are duplicates", median);
  return median;
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once, and a CUDA graph can capture it after one
/// call of the same shapes. A median of 0 is written, not thrown.
template<metric Metric, backend B, sample_like X, sample_like Y, class R>
void median_distance(const B& b, const X& x, const Y& y, const scalar_view<double, R>& out, const median_options& o = {}) {
  using S = sample_type<X>;
  static_assert(std::is_same_v<S, sample_type<Y>>, "dispar: both samples must have the same element type and memory space");
  static_assert(S::channel_count == 1, "dispar: the median distance is that of one channel; give it the matrix, not channels()");
  static_assert(Metric::translation_invariant, "dispar: the median needs a distance; a dot product is none");
  static_assert(reachable<R, typename B::space>, "dispar: this backend cannot write to that memory");
  require(static_cast<bool>(out), "median_distance: out", "must not be the null view");
  const std::array<S, 2> all{as_sample(x), as_sample(y)};
  require(all[0].rows() > 0, "median_distance: rows of x", "must be at least 1", static_cast<double>(all[0].rows()));
  require(all[1].rows() > 0, "median_distance: rows of y", "must be at least 1", static_cast<double>(all[1].rows()));
  require(o.most_rows >= 2, "median_distance: most_rows", "must be at least 2", static_cast<double>(o.most_rows));
  const index step = detail::subsample_step(all[0].rows(), all[1].rows(), o.most_rows);
  const std::array<S, 2> used{detail::every_row(all[0], step), detail::every_row(all[1], step)};
  detail::median_of_pairs(b, pack_samples<Metric>(b, used), out.data());
}

/// The median heuristic: sigma = the median Euclidean distance of the pooled sample, for `gaussian{sigma}`, which is
/// exp(-d^2 / (2 sigma^2)), and for `laplacian_l2{sigma}`. See `median_distance` for subsampling, cost and errors.
///
///     const double sigma = median_heuristic(cpu{}, x, y);   // {.most_rows = 1000} unless told otherwise
///
/// Some authors take sigma^2 = median^2 / 2, i.e. exp(-d^2 / median^2): that is `gaussian{sigma / sqrt(2)}`.
/// Gretton et al., JMLR 13 (2012), section 8; Garreau, Jitkrittum and Kanagawa, arXiv 1707.07269.
template<backend B, sample_like X, sample_like Y>
[[nodiscard]] double median_heuristic(const B& b, const X& x, const Y& y, const median_options& o = {}) {
  return median_distance<sq_euclidean>(b, x, y, o);
}
/// The same, written to `out`: see `median_distance` with an output.
template<backend B, sample_like X, sample_like Y, class R>
void median_heuristic(const B& b, const X& x, const Y& y, const scalar_view<double, R>& out, const median_options& o = {}) {
  median_distance<sq_euclidean>(b, x, y, out, o);
}

/// The same on the default backend.
template<backend B = default_backend, sample_like X, sample_like Y>
[[nodiscard]] double median_heuristic(const X& x, const Y& y, const median_options& o = {}) {
  return median_heuristic(B{}, x, y, o);
}

DISPAR_NAMESPACE_END
