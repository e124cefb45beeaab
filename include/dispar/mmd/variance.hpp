#pragma once

#include <cmath>

#include "dispar/mmd/estimate.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

namespace detail {

/// Outputs k(d) and k(d)^2.
template<pair_function K, class T>
struct kernel_moments {
  static constexpr int channels = K::channels, outputs = 2, operands = 0;
  kernel_value<K, T> kernel;

  explicit kernel_moments(const K& k) : kernel(k) {}

  template<class V, class At>
  DISPAR_FN vec<V, 2> operator()(vec<V, channels> d, const At& at) const {
    const V value = kernel(d, at)[0];
    return {{value, value * value}};
  }
};

/// What the variances need, from one pass: per row of X and then Y the sums of k within its sample (without the diagonal) and
/// across, and k(z_i, z_i); per block the sum of k^2 (each unordered pair once); the matched k(x_i, y_i).
struct row_statistics {
  std::vector<double> within, across, diagonal, matched;
  vec<double, 3> squares{};
};

/// Equal sizes, no weights: what every variance here asks for.
template<class Samples>
void require_paired(const Samples& samples, const char* caller) {
  require(samples.n() == samples.m(), caller, "needs as many rows in y as in x", static_cast<double>(samples.m()));
  require(samples.n() >= 2, caller, "needs at least 2 rows in each sample", static_cast<double>(samples.n()));
  require(!samples.weighted(), caller, "takes no weights");
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] row_statistics sum_by_row(const B& b, const Samples& samples, const K& k) {
  using T = typename decltype(samples.data)::value_type;
  const index n = samples.n(), rows = n + samples.m();
  const std::span<const vector_view<const T>> no_operands;
  const std::array<pair_block, 3> blocks{{{0, 0, true, 0}, {1, 1, true, 0}, {0, 1, false, 1}}};
  std::vector<double> by_row(static_cast<std::size_t>(2 * rows));
  std::array<double, 6> by_block{};
  pairwise(b, samples.data, kernel_moments<K, T>(k), blocks, no_operands,
           row_sums<0>{matrix_view<double>(by_row.data(), rows, 2)}, total<0, 2>{matrix_view<double>(by_block.data(), 3, 2)});

  // The diagonals of X and Y, then the matched pairs.
  std::vector<double> values(static_cast<std::size_t>(rows + n));
  const auto pair_of = [n, rows](index p) {
    return p < rows ? row_pair{p, p, p < n ? 0 : 1} : row_pair{p - rows, p - rows + n, 2};
  };
  pair_list(b, samples.data, kernel_value<K, T>(k), rows + n, pair_of, no_operands,
            matrix_view<double>(values.data(), rows + n, 1));

  row_statistics s;
  for (index i = 0; i < rows; ++i) {
    s.within.push_back(by_row[static_cast<std::size_t>(2 * i)]);
    s.across.push_back(by_row[static_cast<std::size_t>(2 * i + 1)]);
  }
  s.diagonal.assign(values.begin(), values.begin() + rows);
  s.matched.assign(values.begin() + rows, values.end());
  for (std::size_t block = 0; block < 3; ++block) s.squares[static_cast<int>(block)] = by_block[2 * block + 1];
  return s;
}

/// The one-sample U statistic and its H1 variance, with the row sums r_i of H (diagonal included) less their mean.
struct h1_statistics {
  double statistic;
  double variance;
  std::vector<double> centred_rows;
};

/// H_ij = xx k(x_i,x_j) + yy k(y_i,y_j) - (xy/2)(k(x_i,y_j) + k(x_j,y_i)); V = 4 (sum r_i^2 / n^3 - (sum r_i)^2 / n^4).
[[nodiscard, gnu::noinline]] inline h1_statistics h1_from_rows(const row_statistics& s, const options& o) {
  const std::size_t n = s.matched.size();
  const auto count = static_cast<double>(n);
  h1_statistics h{0, 0, std::vector<double>(n)};
  double mean = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double off_diagonal =
        o.xx * s.within[i] + o.yy * s.within[n + i] - o.xy * ((s.across[i] + s.across[n + i]) / 2 - s.matched[i]);
    const double diagonal = o.xx * s.diagonal[i] + o.yy * s.diagonal[n + i] - o.xy * s.matched[i];
    h.statistic += off_diagonal / (count * (count - 1));
    h.centred_rows[i] = off_diagonal + diagonal;
    mean += h.centred_rows[i] / count;
  }
  // sum r^2 - (sum r)^2 / n as a sum of squares: never negative, and no cancellation.
  for (double& r : h.centred_rows) {
    r -= mean;
    h.variance += 4 * r * r / (count * count * count);
  }
  return h;
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] double variance_h1(const B& b, const Samples& samples, const K& k, const options& o) {
  require_paired(samples, "variance_h1: samples");
  return h1_from_rows(sum_by_row(b, samples, k), o).variance;
}

/// Sutherland et al. 2017, the unbiased estimate: tilde = zero diagonal, e = row sums.
[[nodiscard, gnu::noinline]] inline double unbiased_variance_from_rows(const row_statistics& s) {
  const std::size_t rows = s.matched.size();
  const auto m = static_cast<double>(rows);
  double xx_e = 0, yy_e = 0, xy_e = 0;                              // e'~Kx e, e'~Ky e, e'Kxy e
  double xx_square = 0, yy_square = 0, x_across = 0, y_across = 0;  // |~Kx e|^2, |~Ky e|^2, |Kxy e|^2, |Kxy' e|^2
  double x_mixed = 0, y_mixed = 0;                                  // e'~Kx Kxy e, e'~Ky Kxy' e
  for (std::size_t i = 0; i < rows; ++i) {
    const double x = s.within[i], y = s.within[rows + i], xy = s.across[i], yx = s.across[rows + i];
    xx_e += x;
    yy_e += y;
    xy_e += xy;
    xx_square += x * x;
    yy_square += y * y;
    x_across += xy * xy;
    y_across += yx * yx;
    x_mixed += x * xy;
    y_mixed += y * yx;
  }
  const double m1 = m - 1, m2 = m * m, m3 = m2 * m;
  return 2 / (m2 * m1 * m1) * (2 * xx_square - 2 * s.squares[0] + 2 * yy_square - 2 * s.squares[1]) -
         (4 * m - 6) / (m3 * m1 * m1 * m1) * (xx_e * xx_e + yy_e * yy_e) + 4 * (m - 2) / (m3 * m1 * m1) * (x_across + y_across) -
         4 * (m - 3) / (m3 * m1 * m1) * s.squares[2] - (8 * m - 12) / (m2 * m3 * m1) * xy_e * xy_e +
         8 / (m3 * m1) * ((xx_e + yy_e) * xy_e / m - x_mixed - y_mixed);
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] double variance_unbiased(const B& b, const Samples& samples, const K& k) {
  require_paired(samples, "variance_unbiased: samples");
  return unbiased_variance_from_rows(sum_by_row(b, samples, k));
}

}  // namespace detail

/// The variance of sqrt(n) times the one-sample U statistic under H1: V = 4 (sum_i r_i^2 / n^3 - (sum_i r_i)^2 / n^4) with r_i
/// the row sums of H, diagonal included. Biased, never negative.
///
///     double v = mmd::variance_h1(cpu{}, x, y, gaussian{sigma});
///
/// Equal sizes. Time as `estimate`, plus O(n). Throws as `estimate`, and for n = 1, unequal sizes and weights.
/// Liu et al., ICML 2020, eq. 5; `{.yy = 0}`: Zhang et al., ICLR 2024.
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] double variance_h1(const B& b, const X& x, const Y& y, const K& k, const options& o = {}) {
  return detail::variance_h1(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o);
}

/// The same from a kernel matrix.
template<backend B, class T, class S>
[[nodiscard]] double variance_h1(const B& b, const given_gram<T, S>& gram, const options& o = {}) {
  return detail::variance_h1(b, detail::make_two_samples(b, gram), identity<>{}, o);
}

/// An unbiased estimate of the variance of the unbiased MMD^2 (all cross pairs), exact for finite n. May be negative.
///
///     double v = mmd::variance_unbiased(cpu{}, x, y, gaussian{sigma});
///
/// Equal sizes. Time as `estimate`, plus O(n). Throws as `variance_h1`. Sutherland et al., ICLR 2017, appendix A.
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] double variance_unbiased(const B& b, const X& x, const Y& y, const K& k) {
  return detail::variance_unbiased(b, detail::make_two_samples<typename K::metric>(b, x, y), k);
}

/// The same from a kernel matrix.
template<backend B, class T, class S>
[[nodiscard]] double variance_unbiased(const B& b, const given_gram<T, S>& gram) {
  return detail::variance_unbiased(b, detail::make_two_samples(b, gram), identity<>{});
}

/// MMD^2 / sqrt(max(variance, 1e-8)) with the unbiased estimates of both: Sutherland's criterion for choosing a kernel.
///
///     for (double sigma : candidates) ratio.push_back(mmd::variance_ratio(cpu{}, x, y, gaussian{sigma}));
///
/// Choose on rows that the test does not see. Equal sizes. Cost and errors as `variance_unbiased`, and for
/// least_variance <= 0. Sutherland et al., ICLR 2017 (its code has the same floor of the variance).
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] double variance_ratio(const B& b, const X& x, const Y& y, const K& k, double least_variance = 1e-8) {
  require(least_variance > 0, "variance_ratio: least_variance", "must be positive", least_variance);
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  detail::require_paired(samples, "variance_ratio: samples");
  const auto s = detail::sum_by_row(b, samples, k);
  sums total_sums;
  total_sums.weight = samples.weight;
  total_sums.square_weight = samples.square_weight;
  const std::size_t n = s.matched.size();
  for (std::size_t i = 0; i < n; ++i) {
    total_sums.k[0] += s.within[i];
    total_sums.k[1] += s.within[n + i];
    total_sums.k[2] += s.across[i];
  }
  const double variance = detail::unbiased_variance_from_rows(s);
  return statistic(total_sums, samples.n(), samples.m()) / std::sqrt(variance > least_variance ? variance : least_variance);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
