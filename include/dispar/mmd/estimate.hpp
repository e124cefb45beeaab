#pragma once

#include "dispar/backend/array.hpp"
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

/// The part of `sums` that needs no pass over the pairs: k(x_i, x_i), k(y_j, y_j), the matched pairs, the weights.
template<bool Weighted, backend B, class Samples, pair_function K>
[[nodiscard]] sums diagonal_sums(const B& b, const Samples& samples, const K& k) {
  using T = typename decltype(samples.data)::value_type;
  const index n = samples.n(), m = samples.m(), count = n + m + (n == m ? n : 0);
  std::vector<double> values(static_cast<std::size_t>(count));
  const auto pair_of = [n, m](index p) { return p < n + m ? row_pair{p, p, p < n ? 0 : 1} : row_pair{p - n - m, p - m, 2}; };
  pair_list(b, samples.data, kernel_value<K, T, Weighted>(k), count, pair_of, weight_operands<Weighted, T>(samples),
            matrix_view<double>(values.data(), count, 1));
  sums s;
  for (index p = 0; p < count; ++p) s.diagonal[pair_of(p).block] += values[static_cast<std::size_t>(p)];
  s.weight = samples.weight;
  s.square_weight = samples.square_weight;
  return s;
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] sums diagonal_sums(const B& b, const Samples& samples, const K& k) {
  return samples.weighted() ? diagonal_sums<true>(b, samples, k) : diagonal_sums<false>(b, samples, k);
}

template<bool Weighted, backend B, class Samples, pair_function K>
[[nodiscard]] sums pair_sums(const B& b, const Samples& samples, const K& k) {
  using T = typename decltype(samples.data)::value_type;
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  std::array<double, 3> by_block{};
  pairwise(b, samples.data, kernel_value<K, T, Weighted>(k), blocks, weight_operands<Weighted, T>(samples),
           total<0, 1>{matrix_view<double>(by_block.data(), 3, 1)});
  sums s = diagonal_sums<Weighted>(b, samples, k);
  s.k = {{2 * by_block[0], 2 * by_block[1], by_block[2]}};
  return s;
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] sums pair_sums(const B& b, const Samples& samples, const K& k) {
  return samples.weighted() ? pair_sums<true>(b, samples, k) : pair_sums<false>(b, samples, k);
}

}  // namespace detail

/// The kernel sums behind every estimator, in one pass over the pairs; add those of disjoint blocks to work in parts.
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] sums accumulate(const B& b, const X& x, const Y& y, const K& k) {
  return detail::pair_sums(b, detail::make_two_samples<typename K::metric>(b, x, y), k);
}

/// MMD^2(X, Y) = E k(x,x') + E k(y,y') - 2 E k(x,y), estimated from the rows of x (n x d) and y (m x d).
///
///     double v = mmd::estimate(cpu{}, x, y, gaussian{.sigma = 2}, {.form = mmd::estimator::biased});
///
/// Time O((n + m)^2 d / 2); memory one copy of the data. Error against float64 of the float result: about 1e-9.
/// Throws `invalid_argument` for empty samples, NaN or infinite elements, different numbers of features, non-positive
/// bandwidths, and forms that are undefined for the sizes. Gretton et al., JMLR 13 (2012).
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] double estimate(const B& b, const X& x, const Y& y, const K& k, const options& o = {}) {
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  (void)statistic_factors(o, samples.n(), samples.m(), samples.weight, samples.square_weight);  // before the work
  return statistic(detail::pair_sums(b, samples, k), samples.n(), samples.m(), o);
}

/// The same from a kernel matrix: `mmd::estimate(cpu{}, mmd::given(gram, n))`.
template<backend B, class T, class S>
[[nodiscard]] double estimate(const B& b, const given_gram<T, S>& gram, const options& o = {}) {
  const auto samples = detail::make_two_samples(b, gram);
  return statistic(detail::pair_sums(b, samples, identity<>{}), samples.n(), samples.m(), o);
}

/// The same on the default backend.
template<sample_like X, sample_like Y, pair_function K>
[[nodiscard]] double estimate(const X& x, const Y& y, const K& k, const options& o = {}) {
  return estimate(default_backend{}, x, y, k, o);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
