#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/backend/strided_vector.hpp"
#include "dispar/kernels/identity.hpp"
#include "dispar/mmd/statistic.hpp"
#include "dispar/mmd/two_samples.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

namespace detail {

/// Completes `sums` after the passes over pairs: triangles count twice, weights, diagonals that nobody wanted; and the statistic,
/// where it is wanted.
struct finish_sums {
  sums* s;
  dispar::detail::strided_vector<const double> by_block;  ///< sums of k, i < j within the samples
  vec<int, 3> has_diagonal;
  vec<double, 2> weight, square_weight;
  const double* weight_sums;  ///< in place of the two; null: unweighted
  index n;
  options o;
  double* statistic;  ///< or null

  DISPAR_FN void operator()() const {
    for (int i = 0; i < 3; ++i) s->k[i] = i < 2 ? 2 * by_block(i) : by_block(i);
    for (int i = 0; i < 2; ++i) {
      s->weight[i] = weight_sums ? weight_sums[i] : weight[i];
      s->square_weight[i] = weight_sums ? weight_sums[2 + i] : square_weight[i];
    }
    for (int i = 0; i < 3; ++i)
      if (!has_diagonal[i]) s->diagonal[i] = 0;
    if (statistic) *statistic = weighted_total(*s, factors_of(o, n, s->weight, s->square_weight));
  }
};

/// The diagonals of X and of Y, then the matched pairs, as many of each as are wanted.
struct diagonal_pairs {
  static constexpr bool on_device = true;
  index n, x, y;
  DISPAR_FN row_pair operator()(index p) const {
    if (p < x) return {p, p, 0};
    if (p < x + y) return {p - x + n, p - x + n, 1};
    return {p - x - y, p - x - y + n, 2};
  }
};

/// Which diagonals count in a form.
[[nodiscard]] inline vec<int, 3> diagonals_of(const options& o) {
  const bool biased = o.form == estimator::biased;
  return {{biased && o.xx != 0, biased && o.yy != 0, o.form == estimator::one_sample && o.xy != 0}};
}

/// `sums::diagonal` where wanted.
template<bool Weighted, backend B, class Samples, pair_function K>
void sum_diagonals(const B& b, const Samples& samples, const K& k, vec<int, 3> wanted, sums* s) {
  using T = typename decltype(samples.data)::value_type;
  using space = typename B::space;
  const index n = samples.n(), m = samples.m();
  const vec<index, 3> counts{{wanted[0] ? n : 0, wanted[1] ? m : 0, wanted[2] && n == m ? n : 0}};
  const index all = counts[0] + counts[1] + counts[2];
  if (all == 0) return;
  array<double, 2, B> values(b, {all, 1});
  const auto operands = weight_operands<Weighted, B, T>(samples);
  pair_list(b, samples.data, kernel_value<K, T, Weighted>(k), all, diagonal_pairs{n, counts[0], counts[1]},
            std::span<const vector_view<const T, space>>(operands), values.view());
  for (index i = 0, first = 0; i < 3; first += counts[static_cast<int>(i++)])
    if (counts[static_cast<int>(i)] > 0)
      column_sums(b, std::as_const(values).view().slice(first, counts[static_cast<int>(i)]),
                  vector_view<double, space>(&s->diagonal[static_cast<int>(i)], 1));
}

/// What follows the pass over the pairs, which wrote `by_block`: `sums` at `s`, and the statistic unless `statistic` is null.
template<bool Weighted, backend B, class Samples, pair_function K>
void finish_from(const B& b, const Samples& samples, const K& k, const options& o, vec<int, 3> diagonals,
                 dispar::detail::strided_vector<const double> by_block, sums* s, double* statistic) {
  if (samples.n() != samples.m()) diagonals[2] = 0;
  sum_diagonals<Weighted>(b, samples, k, diagonals, s);
  in_order(b, finish_sums{s, by_block, diagonals, samples.weight, samples.square_weight, samples.weight_sums.data(), samples.n(),
                          o, statistic});
}

/// `sums` at `s`, and the statistic unless `statistic` is null.
template<bool Weighted, backend B, class Samples, pair_function K>
void write_sums(const B& b, const Samples& samples, const K& k, const options& o, vec<int, 3> diagonals, sums* s,
                double* statistic) {
  using T = typename decltype(samples.data)::value_type;
  using space = typename B::space;
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  const auto operands = weight_operands<Weighted, B, T>(samples);
  array<double, 2, B> by_block(b, {3, 1});
  pairwise(b, samples.data, kernel_value<K, T, Weighted>(k), blocks, std::span<const vector_view<const T, space>>(operands),
           total<0, 1, space>{by_block.view()});
  finish_from<Weighted>(b, samples, k, o, diagonals, {by_block.data(), 1}, s, statistic);
}

/// The statistic of packed samples: what is undefined throws before the pass over the pairs.
template<backend B, class Samples, pair_function K>
void estimate(const B& b, const Samples& samples, const K& k, const options& o, double* out) {
  require_form(samples, o);
  result<sums, B> s(b);
  if (samples.weighted())
    write_sums<true>(b, samples, k, o, diagonals_of(o), s.view().data(), out);
  else
    write_sums<false>(b, samples, k, o, diagonals_of(o), s.view().data(), out);
}

}  // namespace detail

/// The kernel sums behind every estimator, in one pass over the pairs of x (n x d) and y (m x d): S_xx and S_yy over i != j,
/// S_xy over all pairs, the diagonals. `statistic` makes any form of MMD^2 of them.
///
///     const mmd::sums s = mmd::accumulate(cpu{}, x, y, gaussian{2.0});
///     double biased = mmd::statistic(s, n, m, {.form = mmd::estimator::biased});
///
/// Sums of disjoint blocks of pairs add with `+`. Cost, memory and errors as `estimate`, plus n + m + min(n, m) kernel values.
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] sums accumulate(const B& b, const X& x, const Y& y, const K& k) {
  result<sums, B> s(b);
  accumulate(b, x, y, k, s.view());
  return s.get();
}

/// The same, written to `out`; asynchronous as `estimate` with an output.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void accumulate(const B& b, const X& x, const Y& y, const K& k, const scalar_view<sums, S>& out) {
  detail::require_output<B>(out, "accumulate: out");
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  if (samples.weighted())
    detail::write_sums<true>(b, samples, k, {}, {{1, 1, 1}}, out.data(), nullptr);
  else
    detail::write_sums<false>(b, samples, k, {}, {{1, 1, 1}}, out.data(), nullptr);
}

/// MMD^2(X, Y) = E k(x,x') + E k(y,y') - 2 E k(x,y), estimated from the rows of x (n x d) and y (m x d):
///
///     S_xx / (n (n - 1)) + S_yy / (m (m - 1)) - 2 S_xy / (n m),    S_xx, S_yy over i != j, S_xy over all pairs
///
/// by default (`estimator::unbiased`, Gretton et al. 2012, eq. 3); the other forms and coefficients are in `options`.
///
///     double v = mmd::estimate(cpu{}, x, y, gaussian{.sigma = 2}, {.form = mmd::estimator::biased});
///
/// Time O((n + m)^2 d / 2); memory one copy of the data. Error against float64 of the float result: about 1e-9.
/// Throws `invalid_argument` for empty samples, NaN or infinite elements, different numbers of features, non-positive
/// bandwidths, and forms that are undefined for the sizes. Gretton et al., JMLR 13 (2012).
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] double estimate(const B& b, const X& x, const Y& y, const K& k, const options& o = {}) {
  result<double, B> value(b);
  estimate(b, x, y, k, value.view(), o);
  return value.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once, and a CUDA graph can capture it after one
/// call of the same shapes; bad elements are thrown by the next wait. On the host `out` is written before it returns.
///
///     mmd::estimate(gpu, x, y, gaussian{2.0}, dispar::scalar_view<double, dispar::device>(loss));   // double* loss
///
/// On a GPU the one-sample form takes no weights. Throws as above, and for the null view.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void estimate(const B& b, const X& x, const Y& y, const K& k, const scalar_view<double, S>& out, const options& o = {}) {
  detail::require_output<B>(out, "estimate: out");
  detail::estimate(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o, out.data());
}

/// The same from a kernel matrix: `mmd::estimate(cpu{}, mmd::given(gram, n))`.
///@{
template<backend B, class T, class S>
[[nodiscard]] double estimate(const B& b, const given_gram<T, S>& gram, const options& o = {}) {
  result<double, B> value(b);
  estimate(b, gram, value.view(), o);
  return value.get();
}
template<backend B, class T, class S, class R>
void estimate(const B& b, const given_gram<T, S>& gram, const scalar_view<double, R>& out, const options& o = {}) {
  detail::require_output<B>(out, "estimate: out");
  detail::estimate(b, detail::make_two_samples(b, gram), identity<>{}, o, out.data());
}
///@}

/// The same on the default backend.
template<backend B = default_backend, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] double estimate(const X& x, const Y& y, const K& k, const options& o = {}) {
  return estimate(B{}, x, y, k, o);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
