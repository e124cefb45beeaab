#pragma once
/// \file
/// The discrepancy under many kernels, for the choice of a bandwidth.

#include "dispar/mmd/estimate.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

namespace detail {

template<bool Weighted, backend B, class Samples, pair_function K>
[[nodiscard]] std::vector<double> estimate_each(const B& b, const Samples& samples, std::span<const K> kernels,
                                                const options& o) {
  using T = typename decltype(samples.data)::value_type;
  const factors f = statistic_factors(o, samples.n(), samples.m(), samples.weight, samples.square_weight);
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  std::vector<double> values;
  for_each_pass<T>(kernels, [&](std::span<const K> together) {
    const auto count = static_cast<index>(together.size());
    std::vector<double> by_block(together.size() * 3);
    pairwise(b, samples.data, kernel_values<K, T, Weighted>(together), blocks, weight_operands<Weighted, T>(samples),
             total<0, 1>{matrix_view<double>(by_block.data(), 3 * count, 1)});
    for (std::size_t i = 0; i < together.size(); ++i) {
      sums s = diagonal_sums<Weighted>(b, samples, together[i], f);
      s.k = {{2 * by_block[3 * i], 2 * by_block[3 * i + 1], by_block[3 * i + 2]}};
      values.push_back(statistic(s, samples.n(), samples.m(), o));
    }
  });
  return values;
}

}  // namespace detail

/// `estimate` for each of a list of kernels of one type. Five at a time share a pass over the pairs: distances are computed once
/// for them, which is most of the work with many features.
///
///     const std::array kernels{gaussian{1}, gaussian{2}, gaussian{4}};
///     std::vector<double> v = mmd::estimate_each(cpu{}, x, y, std::span<const gaussian>(kernels));
///
/// Throws as `estimate`, for whichever kernel, before the first pass; no kernels give no values.
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] std::vector<double> estimate_each(const B& b, const X& x, const Y& y, std::span<const K> kernels,
                                                const options& o = {}) {
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  return samples.weighted() ? detail::estimate_each<true>(b, samples, kernels, o)
                            : detail::estimate_each<false>(b, samples, kernels, o);
}

/// The same on the default backend.
template<backend B = default_backend, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] std::vector<double> estimate_each(const X& x, const Y& y, std::span<const K> kernels, const options& o = {}) {
  return estimate_each(B{}, x, y, kernels, o);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
