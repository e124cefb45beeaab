#pragma once
/// \file
/// The bandwidths that MMDAgg and MMD-FUSE try: grids between quantiles of the distances.

#include <algorithm>
#include <cmath>
#include <vector>

#include "dispar/backend/host/order_statistics.hpp"
#include "dispar/core/rounding_fence.hpp"
#include "dispar/kernels/identity.hpp"
#include "dispar/mmd/two_samples.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

namespace detail {

/// Output t: 1 where the distance is at most threshold t.
template<class T, int Thresholds>
struct distance_ranks {
  static constexpr int channels = 1, outputs = Thresholds, operands = 0;
  vec<T, Thresholds> threshold;
  template<class V, class At>
  DISPAR_FN vec<V, Thresholds> operator()(vec<V, 1> d, const At&) const {
    vec<V, Thresholds> out;
    DISPAR_UNROLL
    for (int t = 0; t < Thresholds; ++t) out[t] = select(d[0] <= V(threshold[t]), V(1), V(0));
    return out;
  }
};

/// How many pairs i < j of the pooled rows are at most each threshold apart. One pass over the pairs.
template<int Thresholds, backend B, class Data>
[[nodiscard]] std::array<double, Thresholds> count_pairs(const B& b, const Data& data,
                                                         vec<typename Data::value_type, Thresholds> threshold) {
  using T = typename Data::value_type;
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  std::array<double, 3 * static_cast<std::size_t>(Thresholds)> by_block{};
  pairwise(b, data, distance_ranks<T, Thresholds>{threshold}, blocks, std::span<const vector_view<const T>>(),
           total<0, Thresholds>{matrix_view<double>(by_block.data(), 3, Thresholds)});
  std::array<double, Thresholds> count{};
  for (std::size_t i = 0; i < by_block.size(); ++i) count[i % count.size()] += by_block[i];
  return count;
}

/// Two order statistics (ranks from 0, ascending) of the distances of all pairs i < j, exactly and in no memory: the order of
/// floating-point numbers that are not negative is that of their bits, and each pass over the pairs settles two bits.
template<backend B, class Data>
[[nodiscard]] std::array<double, 2> order_statistics(const B& b, const Data& data, std::array<double, 2> rank) {
  using T = typename Data::value_type;
  using bits = typename dispar::detail::ieee<T>::bits;
  std::array<bits, 2> low{}, high{};  // the answer lies in [low, high]
  high.fill(dispar::detail::ieee<T>::infinity - 1);
  while (low[0] < high[0] || low[1] < high[1]) {
    vec<T, 6> threshold{};
    std::array<bits, 6> at{};
    for (std::size_t t = 0; t < 6; ++t) {
      const bits span = high[t / 3] - low[t / 3];
      const bits part = static_cast<bits>(t % 3);
      at[t] = static_cast<bits>(low[t / 3] + span / 4 * (part + 1) + (part + 1) * (span % 4) / 4);
      if (at[t] >= high[t / 3] && span > 0) at[t] = high[t / 3] - 1;
      threshold[static_cast<int>(t)] = __builtin_bit_cast(T, at[t]);
    }
    const auto count = count_pairs<6>(b, data, threshold);
    for (std::size_t t = 0; t < 6; ++t) {
      const std::size_t r = t / 3;
      if (low[r] == high[r]) continue;
      if (count[t] > rank[r]) {
        high[r] = std::min(high[r], at[t]);
      } else if (at[t] < high[r]) {
        low[r] = static_cast<bits>(std::max<bits>(low[r], static_cast<bits>(at[t] + 1)));
      }
    }
  }
  return {static_cast<double>(__builtin_bit_cast(T, low[0])), static_cast<double>(__builtin_bit_cast(T, low[1]))};
}

/// What the metric calls a distance, as a length.
template<metric Metric>
[[nodiscard]] double length(double distance) {
  return std::is_same_v<Metric, sq_euclidean> ? std::sqrt(distance) : distance;
}

/// floor(share * count) in plain double arithmetic, whatever the flags.
[[nodiscard]] inline double quantile_rank(double count, double share) { return std::floor(rounding_fence(count * share)); }

/// MMD-FUSE's grid on two samples that are packed already; see `fused_bandwidths`.
template<backend B, class Data>
[[nodiscard]] std::vector<double> fused_grid(const B& b, const Data& data, index count) {
  using T = typename Data::value_type;
  require(count >= 1, "fused_bandwidths: count", "must be at least 1", static_cast<double>(count));
  const auto rows = static_cast<double>(data.rows());
  const double entries = rows * (rows + 1) / 2;
  // The list has one zero per row before the distances of the pairs.
  const double lower_middle = std::floor((entries - 1) / 2), upper_middle = std::floor(entries / 2);
  const double coincident = count_pairs<1>(b, data, vec<T, 1>{{T(0)}})[0], zeros = rows + coincident;
  const auto middle = order_statistics(b, data, {std::max(0.0, lower_middle - rows), std::max(0.0, upper_middle - rows)});
  const double median = ((lower_middle < rows ? 0 : length<typename Data::metric_type>(middle[0])) +
                         (upper_middle < rows ? 0 : length<typename Data::metric_type>(middle[1]))) /
                        2;
  require(median > 0, "fused_bandwidths: samples", "must not coincide in more than half of their pairs: the median distance is",
          median);
  // Every zero becomes a median. Entry r of the new order is the r-th positive distance where that lies below the median;
  // behind the medians it is the (r - zeros)-th.
  const auto entry = [&](double share) {
    const double r = quantile_rank(entries, share), positive = entries - zeros;
    const auto d = order_statistics(b, data, {coincident + std::min(r, positive - 1), coincident + std::max(0.0, r - zeros)});
    const double before = length<typename Data::metric_type>(d[0]), behind = length<typename Data::metric_type>(d[1]);
    if (r < positive && before < median) return before;
    return r >= zeros && behind > median ? behind : median;
  };
  const double low = entry(0.05) / 2, high = entry(0.95) * 2;
  std::vector<double> grid;
  for (index i = 0; i < count; ++i)
    grid.push_back(count == 1 ? low : low + (high - low) * (static_cast<double>(i) / static_cast<double>(count - 1)));
  return grid;
}

}  // namespace detail

/// MMDAgg's bandwidths: `count` in geometric progression from min/2 to 2 max of the distances (`l1`, or the root of
/// `sq_euclidean`) between the first 500 rows of x and the first 500 of y. A minimum below 0.1 is replaced by the larger of 0.1
/// and the 5 % quantile, a maximum below 0.3 by 0.3: the constants presuppose standardized data. One bandwidth is the
/// geometric mean of the ends. Memory: up to 8 MB for the distances. Schrab et al., JMLR 24 (2023), section 5.2, and their code.
///
///     std::vector<double> b = mmd::aggregated_bandwidths<sq_euclidean>(cpu{}, x, y, 10);
template<metric Metric, backend B, sample_like X, sample_like Y>
[[nodiscard]] std::vector<double> aggregated_bandwidths(const B& b, const X& x, const Y& y, index count) {
  using S = sample_type<X>;
  using T = typename S::value_type;
  static_assert(S::channel_count == 1, "dispar: bandwidths come from one matrix per sample");
  require(count >= 1, "aggregated_bandwidths: count", "must be at least 1", static_cast<double>(count));
  constexpr index most = 500;
  const auto head = [](const auto& s) { return s.slice(0, s.rows() < most ? s.rows() : most); };
  const auto samples = detail::make_two_samples<Metric>(b, head(as_sample(x)), head(as_sample(y)));
  const index n = samples.n(), m = samples.m();
  std::vector<double> all(static_cast<std::size_t>((n + m) * (n + m))), distance;
  const std::array<pair_block, 1> blocks{{{0, 1, false}}};
  pairwise(b, samples.data, kernel_value<identity<Metric>, T>(identity<Metric>{}), blocks,
           std::span<const vector_view<const T>>(), store<0, double>{matrix_view<double>(all.data(), n + m, n + m)});
  for (index i = 0; i < n; ++i)
    for (index j = n; j < n + m; ++j) distance.push_back(detail::length<Metric>(all[static_cast<std::size_t>(i * (n + m) + j)]));
  double low = *std::min_element(distance.begin(), distance.end()), high = *std::max_element(distance.begin(), distance.end());
  if (low < 0.1) {
    const std::array<index, 1> fifth{static_cast<index>(detail::quantile_rank(static_cast<double>(distance.size()), 0.05))};
    order_statistics(tiled_host<serial>{}, view_of(std::as_const(distance)), fifth, vector_view<double>(&low, 1));
    low = std::max(low, 0.1);
  }
  low /= 2;
  high = std::max(high, 0.3) * 2;
  std::vector<double> grid;
  const double power = count > 1 ? std::pow(high / low, 1 / static_cast<double>(count - 1)) : 1;
  for (index i = 0; i < count; ++i)
    grid.push_back(count == 1 ? std::sqrt(low * high) : std::pow(power, static_cast<double>(i)) * low);
  return grid;
}

/// MMD-FUSE's bandwidths: `count` evenly spaced from half the 5 % to twice the 95 % quantile of the distances (`l1`, or the root
/// of `sq_euclidean`) of all pairs i <= j of the pooled rows; zeros, the diagonal among them, count as the median. They depend on
/// the pooled rows only, not on which is X: the test stays exact.
///
/// Exact quantiles in memory linear in the data: about 50 passes over the pairs in float, 100 in double, each of the cost of
/// one MMD estimate; in float and at 64 features a fifth of the time of the default `fused_test`.
/// Throws where half of the pairs coincide. Biggs, Schrab & Gretton, NeurIPS 2023, and their code.
///
///     std::vector<double> b = mmd::fused_bandwidths<l1>(cpu{}, x, y, 10);
template<metric Metric, backend B, sample_like X, sample_like Y>
[[nodiscard]] std::vector<double> fused_bandwidths(const B& b, const X& x, const Y& y, index count) {
  static_assert(sample_type<X>::channel_count == 1, "dispar: bandwidths come from one matrix per sample");
  return detail::fused_grid(b, detail::make_two_samples<Metric>(b, x, y).data, count);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
