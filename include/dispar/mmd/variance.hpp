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

/// What the variances need, from one pass, in the backend's memory.
template<backend B>
struct row_statistics {
  array<double, 2, B> by_row;    ///< rows of X and then Y: sums of k within its sample (without the diagonal) and across
  array<double, 2, B> pairs;     ///< k(z_i, z_i) of X and then Y, then the matched k(x_i, y_i)
  array<double, 2, B> by_block;  ///< sums of k and of k^2 within X, within Y (each unordered pair once), and across
};

/// Equal sizes, no weights: what every variance here asks for.
template<class Samples>
void require_paired(const Samples& samples, const char* caller) {
  require(samples.n() == samples.m(), caller, "needs as many rows in y as in x", static_cast<double>(samples.m()));
  require(samples.n() >= 2, caller, "needs at least 2 rows in each sample", static_cast<double>(samples.n()));
  require(!samples.weighted(), caller, "takes no weights");
}

/// The diagonals of X and Y, then the matched pairs.
struct diagonal_and_matched_pairs {
  static constexpr bool on_device = true;
  index n;
  DISPAR_FN row_pair operator()(index p) const {
    return p < 2 * n ? row_pair{p, p, p < n ? 0 : 1} : row_pair{p - 2 * n, p - n, 2};
  }
};

template<backend B, class Samples, pair_function K>
[[nodiscard]] row_statistics<B> sum_by_row(const B& b, const Samples& samples, const K& k) {
  using T = typename decltype(samples.data)::value_type;
  using space = typename B::space;
  const index n = samples.n();
  const std::span<const vector_view<const T, space>> no_operands;
  const std::array<pair_block, 3> blocks{{{0, 0, true, 0}, {1, 1, true, 0}, {0, 1, false, 1}}};
  row_statistics<B> s{{b, {2 * n, 2}}, {b, {3 * n, 1}}, {b, {3, 2}}};
  pairwise(b, samples.data, kernel_moments<K, T>(k), blocks, no_operands, row_sums<0, space>{s.by_row.view()},
           total<0, 2, space>{s.by_block.view()});
  pair_list(b, samples.data, kernel_value<K, T>(k), 3 * n, diagonal_and_matched_pairs{n}, no_operands, s.pairs.view());
  return s;
}

/// rows[i] = {sum over j != i of H_ij, r_i}: H_ij = xx k(x_i,x_j) + yy k(y_i,y_j) - (xy/2)(k(x_i,y_j) + k(x_j,y_i)).
struct h1_row_sums {
  const double *by_row, *pairs;
  options o;
  index n;
  double* rows;

  DISPAR_FN void operator()(index i) const {
    const double off_diagonal = o.xx * by_row[2 * i] + o.yy * by_row[2 * (n + i)] -
                                o.xy * ((by_row[2 * i + 1] + by_row[2 * (n + i) + 1]) / 2 - pairs[2 * n + i]);
    rows[2 * i] = off_diagonal;
    rows[2 * i + 1] = off_diagonal + (o.xx * pairs[i] + o.yy * pairs[n + i] - o.xy * pairs[2 * n + i]);
  }
};
/// rows[i] = {c^2, c}, c = r_i less their mean: sum r^2 - (sum r)^2 / n as a sum of squares is never negative, and nothing
/// cancels.
struct centre_rows {
  const double* sums;
  index n;
  double* rows;

  DISPAR_FN void operator()(index i) const {
    const double centred = rows[2 * i + 1] - sums[1] / static_cast<double>(n);
    rows[2 * i] = centred * centred;
    rows[2 * i + 1] = centred;
  }
};

/// The one-sample U statistic and its H1 variance, V = 4 (sum r_i^2 / n^3 - (sum r_i)^2 / n^4), in the backend's memory.
template<backend B>
struct h1_statistics {
  array<double, 2, B> rows;  ///< {c_i^2, c_i}: row sums r_i of H, diagonal included, less their mean
  array<double, 1, B> sums;  ///< of H without its diagonal, of r; then of c^2 and of c
};
[[nodiscard]] DISPAR_FN_APART double h1_statistic(const double* sums, index rows) {
  const auto n = static_cast<double>(rows);
  return sums[0] / (n * (n - 1));
}
[[nodiscard]] DISPAR_FN_APART double h1_variance(const double* sums, index rows) {
  const auto n = static_cast<double>(rows);
  return 4 * sums[2] / (n * n * n);
}

template<backend B>
[[nodiscard]] h1_statistics<B> h1_from_rows(const B& b, const row_statistics<B>& s, const options& o) {
  using space = typename B::space;
  const index n = s.by_row.view().rows() / 2;
  h1_statistics<B> h{{b, {n, 2}}, {b, {4}}};
  for_each_index(b, n, h1_row_sums{s.by_row.data(), s.pairs.data(), o, n, h.rows.data()});
  column_sums(b, std::as_const(h.rows).view(), vector_view<double, space>(h.sums.data(), 2));
  for_each_index(b, n, centre_rows{h.sums.data(), n, h.rows.data()});
  column_sums(b, std::as_const(h.rows).view(), vector_view<double, space>(h.sums.data() + 2, 2));
  return h;
}

struct write_h1_variance {
  const double* sums;
  index n;
  double* out;
  DISPAR_FN void operator()() const { *out = h1_variance(sums, n); }
};

template<backend B, class Samples, pair_function K>
void variance_h1(const B& b, const Samples& samples, const K& k, const options& o, double* out) {
  require_paired(samples, "variance_h1: samples");
  const auto h = h1_from_rows(b, sum_by_row(b, samples, k), o);
  in_order(b, write_h1_variance{h.sums.data(), samples.n(), out});
}

inline constexpr int unbiased_terms = 9;

/// What the unbiased variance sums over the rows, with ~Kx = Kx without its diagonal and e = row sums: ~Kx e, ~Ky e, Kxy e;
/// |~Kx e|^2, |~Ky e|^2, |Kxy e|^2, |Kxy' e|^2; e'~Kx Kxy e, e'~Ky Kxy' e.
struct write_unbiased_terms {
  const double* by_row;
  index n;
  double* out;

  DISPAR_FN void operator()(index i) const {
    const double x = by_row[2 * i], xy = by_row[2 * i + 1], y = by_row[2 * (n + i)], yx = by_row[2 * (n + i) + 1];
    const vec<double, unbiased_terms> terms{{x, y, xy, x * x, y * y, xy * xy, yx * yx, x * xy, y * yx}};
    for (int t = 0; t < unbiased_terms; ++t) out[i * unbiased_terms + t] = terms[t];
  }
};

/// Sutherland et al. 2017, the unbiased estimate from those sums and the block sums {k, k^2}.
[[nodiscard]] DISPAR_FN_APART double unbiased_variance(const double* sums, const double* by_block, index rows) {
  const auto m = static_cast<double>(rows);
  const double xx_e = sums[0], yy_e = sums[1], xy_e = sums[2];
  const double m1 = m - 1, m2 = m * m, m3 = m2 * m;
  return 2 / (m2 * m1 * m1) * (2 * sums[3] - 2 * by_block[1] + 2 * sums[4] - 2 * by_block[3]) -
         (4 * m - 6) / (m3 * m1 * m1 * m1) * (xx_e * xx_e + yy_e * yy_e) + 4 * (m - 2) / (m3 * m1 * m1) * (sums[5] + sums[6]) -
         4 * (m - 3) / (m3 * m1 * m1) * by_block[5] - (8 * m - 12) / (m2 * m3 * m1) * xy_e * xy_e +
         8 / (m3 * m1) * ((xx_e + yy_e) * xy_e / m - sums[7] - sums[8]);
}

/// The unbiased variance, or the ratio of the unbiased MMD^2 to its root.
struct write_unbiased_variance {
  const double *sums, *by_block;
  index n;
  double least_variance;  ///< 0: no ratio
  double* out;

  DISPAR_FN void operator()() const {
    const double variance = unbiased_variance(sums, by_block, n);
    *out = variance;
    if (!(least_variance > 0)) return;
    mmd::sums s;
    for (int i = 0; i < 3; ++i) s.k[i] = sums[i];
    const vec<double, 2> weight{{static_cast<double>(n), static_cast<double>(n)}};
    *out =
        weighted_total(s, factors_of({}, n, weight, weight)) / std::sqrt(variance > least_variance ? variance : least_variance);
  }
};

template<backend B, class Samples, pair_function K>
void variance_unbiased(const B& b, const Samples& samples, const K& k, double least_variance, double* out) {
  require_paired(samples, least_variance > 0 ? "variance_ratio: samples" : "variance_unbiased: samples");
  const index n = samples.n();
  const auto s = sum_by_row(b, samples, k);
  array<double, 2, B> terms(b, {n, unbiased_terms});
  array<double, 1, B> sums(b, {unbiased_terms});
  for_each_index(b, n, write_unbiased_terms{s.by_row.data(), n, terms.data()});
  column_sums(b, std::as_const(terms).view(), sums.view());
  in_order(b, write_unbiased_variance{sums.data(), s.by_block.data(), n, least_variance, out});
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
  result<double, B> value(b);
  variance_h1(b, x, y, k, value.view(), o);
  return value.get();
}
/// The same, written to `out`; asynchronous as `estimate` with an output.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void variance_h1(const B& b, const X& x, const Y& y, const K& k, const scalar_view<double, S>& out, const options& o = {}) {
  detail::require_output<B>(out, "variance_h1: out");
  detail::variance_h1(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o, out.data());
}

/// The same from a kernel matrix.
///@{
template<backend B, class T, class S>
[[nodiscard]] double variance_h1(const B& b, const given_gram<T, S>& gram, const options& o = {}) {
  result<double, B> value(b);
  variance_h1(b, gram, value.view(), o);
  return value.get();
}
template<backend B, class T, class S, class R>
void variance_h1(const B& b, const given_gram<T, S>& gram, const scalar_view<double, R>& out, const options& o = {}) {
  detail::require_output<B>(out, "variance_h1: out");
  detail::variance_h1(b, detail::make_two_samples(b, gram), identity<>{}, o, out.data());
}
///@}

/// An unbiased estimate of the variance of the unbiased MMD^2 (all cross pairs), exact for finite n. May be negative.
///
///     double v = mmd::variance_unbiased(cpu{}, x, y, gaussian{sigma});
///
/// Equal sizes. Time as `estimate`, plus O(n). Throws as `variance_h1`. Sutherland et al., ICLR 2017, appendix A.
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] double variance_unbiased(const B& b, const X& x, const Y& y, const K& k) {
  result<double, B> value(b);
  detail::variance_unbiased(b, detail::make_two_samples<typename K::metric>(b, x, y), k, 0, value.view().data());
  return value.get();
}
/// The same, written to `out`; asynchronous as `estimate` with an output.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void variance_unbiased(const B& b, const X& x, const Y& y, const K& k, const scalar_view<double, S>& out) {
  detail::require_output<B>(out, "variance_unbiased: out");
  detail::variance_unbiased(b, detail::make_two_samples<typename K::metric>(b, x, y), k, 0, out.data());
}

/// The same from a kernel matrix.
///@{
template<backend B, class T, class S>
[[nodiscard]] double variance_unbiased(const B& b, const given_gram<T, S>& gram) {
  result<double, B> value(b);
  variance_unbiased(b, gram, value.view());
  return value.get();
}
template<backend B, class T, class S, class R>
void variance_unbiased(const B& b, const given_gram<T, S>& gram, const scalar_view<double, R>& out) {
  detail::require_output<B>(out, "variance_unbiased: out");
  detail::variance_unbiased(b, detail::make_two_samples(b, gram), identity<>{}, 0, out.data());
}
///@}

/// MMD^2 / sqrt(max(variance, 1e-8)) with the unbiased estimates of both: Sutherland's criterion for choosing a kernel.
///
///     for (double sigma : candidates) ratio.push_back(mmd::variance_ratio(cpu{}, x, y, gaussian{sigma}));
///
/// Choose on rows that the test does not see. Equal sizes. Cost and errors as `variance_unbiased`, and for
/// least_variance <= 0. Sutherland et al., ICLR 2017 (its code has the same floor of the variance).
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] double variance_ratio(const B& b, const X& x, const Y& y, const K& k, double least_variance = 1e-8) {
  require(least_variance > 0, "variance_ratio: least_variance", "must be positive", least_variance);
  result<double, B> value(b);
  detail::variance_unbiased(b, detail::make_two_samples<typename K::metric>(b, x, y), k, least_variance, value.view().data());
  return value.get();
}
/// The same, written to `out`; asynchronous as `estimate` with an output.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void variance_ratio(const B& b, const X& x, const Y& y, const K& k, const scalar_view<double, S>& out,
                    double least_variance = 1e-8) {
  require(least_variance > 0, "variance_ratio: least_variance", "must be positive", least_variance);
  detail::require_output<B>(out, "variance_ratio: out");
  detail::variance_unbiased(b, detail::make_two_samples<typename K::metric>(b, x, y), k, least_variance, out.data());
}

}  // namespace mmd

DISPAR_NAMESPACE_END
