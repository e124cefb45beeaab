#pragma once
/// \file
/// The discrepancy under many kernels, for the choice of a bandwidth.

#include "dispar/mmd/estimate.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

namespace detail {

template<bool Weighted, backend B, class Samples, pair_function K, class S>
void estimate_each(const B& b, const Samples& samples, std::span<const K> kernels, const vector_view<double, S>& out,
                   const options& o) {
  using T = typename decltype(samples.data)::value_type;
  using space = typename B::space;
  require_form(samples, o);
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  const auto operands = weight_operands<Weighted, B, T>(samples);
  double* next = out.data();
  for_each_pass<T>(kernels, [&](std::span<const K> together) {
    array<double, 2, B> by_block(b, {3 * static_cast<index>(together.size()), 1});
    pairwise(b, samples.data, kernel_values<K, T, Weighted>(together), blocks,
             std::span<const vector_view<const T, space>>(operands), total<0, 1, space>{by_block.view()});
    array<sums, 1, B> s(b, {static_cast<index>(together.size())});
    for (std::size_t i = 0; i < together.size(); ++i, next += out.stride(0))
      finish_from<Weighted>(b, samples, together[i], o, diagonals_of(o), {by_block.data() + 3 * i, 1}, s.data() + i, next);
  });
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
  array<double, 1, B> values(b, {static_cast<index>(kernels.size())});
  estimate_each(b, x, y, kernels, values.view(), o);
  std::vector<double> copy(kernels.size());
  read_back(b, values.data(), copy.data(), static_cast<index>(copy.size()));
  return copy;
}

/// The same, written to `out`, one entry per kernel; asynchronous as `estimate` with an output.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void estimate_each(const B& b, const X& x, const Y& y, std::span<const K> kernels, const vector_view<double, S>& out,
                   const options& o = {}) {
  static_assert(reachable<S, typename B::space>, "dispar: this backend cannot write to that memory");
  require(out.size() == static_cast<index>(kernels.size()), "estimate_each: out", "must have one entry per kernel",
          static_cast<double>(out.size()));
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  if (samples.weighted())
    detail::estimate_each<true>(b, samples, kernels, out, o);
  else
    detail::estimate_each<false>(b, samples, kernels, out, o);
}

/// The same on the default backend.
template<backend B = default_backend, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] std::vector<double> estimate_each(const X& x, const Y& y, std::span<const K> kernels, const options& o = {}) {
  return estimate_each(B{}, x, y, kernels, o);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
