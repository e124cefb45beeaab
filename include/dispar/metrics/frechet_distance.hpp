#pragma once
/// \file
/// The Frechet distance between the normal distributions fitted to two samples: between features of pictures, the FID.
///
///     #include "dispar/backend/host/linalg.hpp"                      // the backend's linear algebra
///     double fid = metrics::frechet_distance(real, generated).distance;

#include <cmath>
#include <vector>

#include "dispar/backend/array.hpp"
#include "dispar/backend/default.hpp"
#include "dispar/backend/linalg.hpp"

DISPAR_NAMESPACE_BEGIN

namespace metrics {

/// The normal distribution fitted to a sample, where the backend keeps its memory.
template<backend B>
struct normal_fit {
  array<double, 1, B> mean;        ///< of the columns
  array<double, 2, B> covariance;  ///< divided by the number of rows less 1
};

/// The squared distance and what it is the sum of: mean_term + trace_x + trace_y - 2 cross_trace.
struct frechet_result {
  double distance;     ///< not clamped: equal samples give 0 up to rounding, maybe below
  double mean_term;    ///< |mu_x - mu_y|^2
  double trace_x;      ///< tr S_x
  double trace_y;      ///< tr S_y
  double cross_trace;  ///< tr (S_x S_y)^(1/2)
};

namespace detail {

/// A sum that a device writes and the host reads after the wait.
template<backend B>
class sums_on {
public:
  sums_on(const B& b, index count) : backend_(b), memory_(b, {count}) {}
  [[nodiscard]] auto operator[](index i) { return scalar_view<double, typename B::space>(memory_.data() + i); }
  [[nodiscard]] auto on_host() const { return to_host(backend_, memory_); }

private:
  B backend_;
  array<double, 1, B> memory_;
};

template<matrix_like X>
[[nodiscard]] auto rows_of_sample(const X& x, const char* argument) {
  const auto view = view_of(x);
  require(view.rows() >= 2, argument, "must have at least 2 rows for a covariance", static_cast<double>(view.rows()));
  require(view.cols() >= 1, argument, "must have columns");
  return view;
}

/// Of the differences of rows to their means, or of roots of covariances: both are factors F with S = F'F / divisor.
template<backend B, class Algebra, class F, class G>
[[nodiscard]] frechet_result from_factors(const B& b, Algebra& algebra, const array<double, 1, B>& mean_x,
                                          const array<double, 1, B>& mean_y, const F& f, const G& g, double divisor_x,
                                          double divisor_y) {
  // The sum of the singular values of F G': no root of a number that is only rounding (recap, 4.2: "factor form").
  array<double, 2, B> cross(b, {f.rows(), g.rows()});
  array<double, 1, B> singular(b, {f.rows() < g.rows() ? f.rows() : g.rows()});
  algebra.product(f, g.transposed(), cross);
  algebra.singular_values(cross, singular);
  sums_on<B> sums(b, 2);
  algebra.inner_product(f, f, sums[0]);
  algebra.inner_product(g, g, sums[1]);
  algebra.wait();
  const auto mu_x = to_host(b, mean_x), mu_y = to_host(b, mean_y), sigma = to_host(b, singular), squares = sums.on_host();
  frechet_result r{};
  for (index k = 0; k < mu_x.view().size(); ++k) {
    const double difference = mu_x.view()(k) - mu_y.view()(k);
    r.mean_term += difference * difference;
  }
  for (index k = 0; k < sigma.view().size(); ++k) r.cross_trace += sigma.view()(k);
  r.cross_trace /= std::sqrt(divisor_x * divisor_y);
  r.trace_x = squares.view()(0) / divisor_x;
  r.trace_y = squares.view()(1) / divisor_y;
  r.distance = r.mean_term + r.trace_x + r.trace_y - 2 * r.cross_trace;
  return r;
}

}  // namespace detail

/// Mean and covariance of the rows of x, in double; O(n d^2) time, memory of 4,096 centred rows and the result.
/// Throws `invalid_argument` for fewer than 2 rows, and for NaN and infinity.
///
///     auto reference = metrics::fit_normal(backend, x);    // kept for many comparisons
template<backend B, matrix_like X>
[[nodiscard]] normal_fit<B> fit_normal(const B& b, const X& x) {
  const auto rows = detail::rows_of_sample(x, "fit_normal: x");
  const index n = rows.rows(), d = rows.cols();
  constexpr index chunk = 4096;
  normal_fit<B> fit{array<double, 1, B>(b, {d}), array<double, 2, B>(b, {d, d})};
  array<double, 2, B> centered(b, {n < chunk ? n : chunk, d});
  auto algebra = linear_algebra(b);
  algebra.column_means(rows, fit.mean);
  for (index first = 0; first < n; first += chunk) {
    const index count = n - first < chunk ? n - first : chunk;
    const auto part = centered.view().slice(0, count);
    algebra.centered(rows.slice(first, count), fit.mean, part);
    algebra.product(part.transposed(), part, fit.covariance, {.factor = 1 / static_cast<double>(n - 1), .accumulate = first > 0});
  }
  algebra.wait();
  return fit;
}

/// The squared Frechet distance between two normal distributions of which only the moments are there:
/// |mu_x - mu_y|^2 + tr S_x + tr S_y - 2 tr (S_x S_y)^(1/2), the last by the singular values of the product of the symmetric
/// roots. O(d^3). The root of a singular covariance keeps half of the digits in the directions that it lacks.
template<backend B>
[[nodiscard]] frechet_result frechet_distance(const B& b, const normal_fit<B>& x, const normal_fit<B>& y) {
  const index d = x.mean.view().size();
  require(y.mean.view().size() == d, "frechet_distance: y", "must have as many features as x",
          static_cast<double>(y.mean.view().size()));
  auto algebra = linear_algebra(b);
  array<double, 2, B> root_x(b, {d, d}), root_y(b, {d, d});
  algebra.square_root(x.covariance, root_x);
  algebra.square_root(y.covariance, root_y);
  return detail::from_factors(b, algebra, x.mean, y.mean, root_x.view(), root_y.view(), 1, 1);
}

/// The squared Frechet distance (Dowson and Landau, 1982) between the normal distributions fitted to the rows of x and y; of
/// features of pictures the FID (Heusel et al., 2017). Covariances are divided by n - 1, as in pytorch-fid.
///
/// Where a sample has no more rows than features, the singular values of the n x m products of centred rows give tr (S_x
/// S_y)^(1/2) without a covariance: exact for singular ones, where roots of matrices lose half of the digits. Otherwise by
/// `fit_normal`. All in double, whatever the samples have. Time O(min(n, m, d) squared times the other sizes); memory: centred
/// copies in double and the n x m products, or 6 d x d matrices. On a GPU the host waits, and reads O(d) numbers.
///
/// The distance is biased by about 1/n: compare at equal n. Throws `invalid_argument` for fewer than 2 rows, different numbers of
/// features, NaN and infinity.
template<backend B, matrix_like X, matrix_like Y>
[[nodiscard]] frechet_result frechet_distance(const B& b, const X& x, const Y& y) {
  const auto rows_x = detail::rows_of_sample(x, "frechet_distance: x");
  const auto rows_y = detail::rows_of_sample(y, "frechet_distance: y");
  const index n = rows_x.rows(), m = rows_y.rows(), d = rows_x.cols();
  require(rows_y.cols() == d, "frechet_distance: y", "must have as many columns as x", static_cast<double>(rows_y.cols()));
  if (n > d && m > d) return frechet_distance(b, fit_normal(b, rows_x), fit_normal(b, rows_y));
  auto algebra = linear_algebra(b);
  array<double, 1, B> mean_x(b, {d}), mean_y(b, {d});
  array<double, 2, B> centered_x(b, {n, d}), centered_y(b, {m, d});
  algebra.column_means(rows_x, mean_x);
  algebra.column_means(rows_y, mean_y);
  algebra.centered(rows_x, mean_x, centered_x);
  algebra.centered(rows_y, mean_y, centered_y);
  return detail::from_factors(b, algebra, mean_x, mean_y, centered_x.view(), centered_y.view(), static_cast<double>(n - 1),
                              static_cast<double>(m - 1));
}

/// The same on the default backend.
template<backend B = default_backend, matrix_like X, matrix_like Y>
[[nodiscard]] frechet_result frechet_distance(const X& x, const Y& y) {
  return frechet_distance(B{}, x, y);
}

}  // namespace metrics

DISPAR_NAMESPACE_END
