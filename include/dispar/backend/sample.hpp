#pragma once

#include <array>
#include <type_traits>

#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

/// A sample as the pairwise primitive takes it: one matrix per channel, the same rows in each, and optional row weights.
template<class T, int Channels, memory_space Space = host>
struct sample {
  /// Type or constant of the sample.
  ///@{
  using element_type = T;
  using value_type = computed_type<T>;  // that of weights, kernels and gradients
  using space = Space;
  static constexpr int channel_count = Channels;
  ///@}
  std::array<matrix_view<const T, Space>, static_cast<std::size_t>(Channels)> channel;  ///< one matrix per channel
  vector_view<const value_type, Space> weights{};  ///< one per row, or the null view: every row counts once

  /// The number of rows.
  [[nodiscard]] index rows() const noexcept { return channel[0].rows(); }
  /// `count` rows from `first` on, in every channel.
  [[nodiscard]] sample slice(index first, index count) const {
    sample part = *this;
    for (auto& view : part.channel) view = view.slice(first, count);
    if (weights) part.weights = weights.slice(first, count);
    return part;
  }
};

/// The same rows as a sample of host memory.
template<class T, int Channels, memory_space Space>
requires reachable<Space, host>
[[nodiscard]] sample<T, Channels> as_host(const sample<T, Channels, Space>& x) noexcept {
  sample<T, Channels> same{};
  for (std::size_t c = 0; c < same.channel.size(); ++c) same.channel[c] = as_host(x.channel[c]);
  same.weights = as_host(x.weights);
  return same;
}

namespace detail {
template<class X>
inline constexpr bool is_sample = false;
template<class T, int C, class S>
inline constexpr bool is_sample<sample<T, C, S>> = true;
}  // namespace detail

/// A matrix (rows are samples), or what `channels` and `weighted` return.
template<class X>
concept sample_like = sample_matrix<X> || detail::is_sample<std::remove_cvref_t<X>>;

/// A matrix as a sample of one channel without weights; a sample as it is. No element is copied.
template<sample_like X>
[[nodiscard]] auto as_sample(const X& x) {
  if constexpr (detail::is_sample<X>) {
    return x;
  } else {
    const auto view = view_of(x);
    return sample<value_type_of<X>, 1, space_of<X>>{{view}};
  }
}

/// What `as_sample` makes of an `X`.
template<class X>
using sample_type = decltype(as_sample(std::declval<const X&>()));

/// One sample seen through several feature maps: `channels(phi, raw)` for the deep kernel. Same rows in every matrix.
template<sample_matrix First, sample_matrix... Rest>
requires(std::same_as<value_type_of<First>, value_type_of<Rest>>&&...) &&
    (std::same_as<space_of<First>, space_of<Rest>> && ...) [[nodiscard]] auto channels(const First& first, const Rest&... rest) {
  using S = sample<value_type_of<First>, 1 + static_cast<int>(sizeof...(Rest)), space_of<First>>;
  S result{{view_of(first), view_of(rest)...}};
  for (const auto& view : result.channel)
    require(view.rows() == result.rows(), "channels: rows", "must be the same in every channel",
            static_cast<double>(view.rows()));
  return result;
}

/// A sample whose row i counts `weights[i]` times. Weights are finite and not negative.
template<sample_like X, vector_like W>
requires std::same_as<typename sample_type<X>::value_type, value_type_of<W>>
[[nodiscard]] auto weighted(const X& x, const W& weights) {
  auto result = as_sample(x);
  result.weights = view_of(weights);
  require(result.weights.size() == result.rows(), "weighted: weights", "must have one entry per row",
          static_cast<double>(result.weights.size()));
  return result;
}

DISPAR_NAMESPACE_END
