#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/kernels/identity.hpp"
#include "dispar/mmd/statistic.hpp"
#include "dispar/mmd/two_samples.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

namespace detail {

template<bool Weighted, class T, class Samples>
[[nodiscard]] std::vector<vector_view<const T>> weight_operands(const Samples& samples) {
  std::vector<vector_view<const T>> operands;
  if constexpr (Weighted) operands.emplace_back(samples.weights.data(), static_cast<index>(samples.weights.size()));
  return operands;
}

/// The part of `sums` that needs no pass over the pairs: the weights, and the diagonals with a factor that is not 0.
template<bool Weighted, backend B, class Samples, pair_function K>
[[nodiscard]] sums diagonal_sums(const B& b, const Samples& samples, const K& k, const factors& wanted) {
  using T = typename decltype(samples.data)::value_type;
  const index n = samples.n(), m = samples.m();
  const index counts[3] = {wanted.diagonal[0] != 0 ? n : 0, wanted.diagonal[1] != 0 ? m : 0,
                           wanted.diagonal[2] != 0 && n == m ? n : 0};
  sums s;
  s.weight = samples.weight;
  s.square_weight = samples.square_weight;
  const index all = counts[0] + counts[1] + counts[2];
  if (all == 0) return s;
  const auto pair_of = [n, x = counts[0], y = counts[1]](index p) {
    if (p < x) return row_pair{p, p, 0};
    if (p < x + y) return row_pair{p - x + n, p - x + n, 1};
    return row_pair{p - x - y, p - x - y + n, 2};
  };
  std::vector<double> values(static_cast<std::size_t>(all));
  pair_list(b, samples.data, kernel_value<K, T, Weighted>(k), all, pair_of, weight_operands<Weighted, T>(samples),
            matrix_view<double>(values.data(), all, 1));
  for (index p = 0; p < all; ++p) s.diagonal[pair_of(p).block] += values[static_cast<std::size_t>(p)];
  return s;
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] sums diagonal_sums(const B& b, const Samples& samples, const K& k, const factors& wanted) {
  return samples.weighted() ? diagonal_sums<true>(b, samples, k, wanted) : diagonal_sums<false>(b, samples, k, wanted);
}

template<bool Weighted, backend B, class Samples, pair_function K>
[[nodiscard]] sums pair_sums(const B& b, const Samples& samples, const K& k, const factors& wanted) {
  using T = typename decltype(samples.data)::value_type;
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  std::array<double, 3> by_block{};
  pairwise(b, samples.data, kernel_value<K, T, Weighted>(k), blocks, weight_operands<Weighted, T>(samples),
           total<0, 1>{matrix_view<double>(by_block.data(), 3, 1)});
  sums s = diagonal_sums<Weighted>(b, samples, k, wanted);
  s.k = {{2 * by_block[0], 2 * by_block[1], by_block[2]}};
  return s;
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] sums pair_sums(const B& b, const Samples& samples, const K& k, const factors& wanted) {
  return samples.weighted() ? pair_sums<true>(b, samples, k, wanted) : pair_sums<false>(b, samples, k, wanted);
}

/// The statistic of packed samples: what is undefined throws before the pass over the pairs.
template<backend B, class Samples, pair_function K>
[[nodiscard]] double estimate(const B& b, const Samples& samples, const K& k, const options& o) {
  const factors f = statistic_factors(o, samples.n(), samples.m(), samples.weight, samples.square_weight);
  return statistic(pair_sums(b, samples, k, f), samples.n(), samples.m(), o);
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
  return detail::pair_sums(b, detail::make_two_samples<typename K::metric>(b, x, y), k, {.diagonal = {{1, 1, 1}}});
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
  return detail::estimate(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o);
}

/// The same from a kernel matrix: `mmd::estimate(cpu{}, mmd::given(gram, n))`.
template<backend B, class T, class S>
[[nodiscard]] double estimate(const B& b, const given_gram<T, S>& gram, const options& o = {}) {
  return detail::estimate(b, detail::make_two_samples(b, gram), identity<>{}, o);
}

/// The same on the default backend.
template<backend B = default_backend, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] double estimate(const X& x, const Y& y, const K& k, const options& o = {}) {
  return estimate(B{}, x, y, k, o);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
