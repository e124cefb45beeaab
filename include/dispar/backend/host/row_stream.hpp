#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "dispar/backend/host/pair_list.hpp"
#include "dispar/backend/operations.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// `stream_against` on the host. Holds a view of the reference, and the last rows.
template<class B, class Sample, pair_function K>
class host_row_stream {
  using T = typename Sample::value_type;
  using metric_type = typename K::metric;
  static constexpr std::size_t channels = static_cast<std::size_t>(Sample::channel_count);

public:
  host_row_stream(const B& b, const Sample& reference, const K& k, index lags)
      : backend_(b), reference_(reference), operation_(k), lags_(lags) {}

  void meet(const Sample& fresh) {
    std::vector<double> across = means_against_reference(fresh);
    auto rows = kept_;
    for (std::size_t c = 0; c < channels; ++c) append(fresh.channel[c], rows[c]);
    lagged_ = lagged_values(rows, fresh);
    across_ = std::move(across);
    met_ = std::move(rows);
    for (std::size_t c = 0; c < channels; ++c) features_[c] = fresh.channel[c].cols();
    fresh_ = fresh.rows();
  }
  [[nodiscard]] double across(index row) const { return across_[static_cast<std::size_t>(row)]; }
  [[nodiscard]] double value(index row, index lag) const { return lagged_[static_cast<std::size_t>(row * lags_ + lag - 1)]; }

  void keep() {
    held_ = std::min(held_ + fresh_, lags_);
    kept_ = std::move(met_);
    for (std::size_t c = 0; c < channels; ++c) kept_[c].erase(kept_[c].begin(), kept_[c].end() - held_ * features_[c]);
    fresh_ = 0;
  }
  void clear() noexcept {
    for (auto& rows : kept_) rows.clear();
    held_ = 0;
  }

private:
  using row_storage = std::array<std::vector<T>, channels>;

  static std::span<const vector_view<const T>> no_operands() { return {}; }

  std::vector<double> means_against_reference(const Sample& fresh) const {
    const std::array<Sample, 2> both{reference_, fresh};
    const auto data = pack_samples<metric_type>(backend_, both);
    const std::array<pair_block, 1> block{{{0, 1, false}}};
    std::vector<double> sums(static_cast<std::size_t>(data.rows()));
    pairwise(backend_, data, operation_, block, no_operands(), row_sums<0>{matrix_view<double>(sums.data(), data.rows(), 1)});
    sums.erase(sums.begin(), sums.begin() + data.first(1));
    for (double& s : sums) s /= static_cast<double>(reference_.rows());
    return sums;
  }

  /// What lies before the stream is anything.
  std::vector<double> lagged_values(const row_storage& rows, const Sample& fresh) const {
    Sample all = fresh;
    for (std::size_t c = 0; c < channels; ++c)
      all.channel[c] = matrix_view<const T>(rows[c].data(), held_ + fresh.rows(), fresh.channel[c].cols());
    const index count = fresh.rows() * lags_;
    const auto pair_of = [held = held_, lags = lags_](index p) {
      const index row = held + p / lags, before = row - 1 - p % lags;
      return row_pair{before < 0 ? row : before, row, 0};
    };
    std::vector<double> values(static_cast<std::size_t>(count));
    pair_list(backend_, pack_samples<metric_type>(backend_, std::array<Sample, 1>{all}), operation_, count, pair_of,
              no_operands(), matrix_view<double>(values.data(), count, 1));
    return values;
  }

  static void append(const matrix_view<const T>& rows, std::vector<T>& target) {
    for (index i = 0; i < rows.rows(); ++i)
      for (index j = 0; j < rows.cols(); ++j) target.push_back(rows(i, j));
  }

  B backend_;
  Sample reference_;
  kernel_value<K, T> operation_;
  index lags_, held_ = 0, fresh_ = 0;
  row_storage kept_{}, met_{};  ///< by channel
  std::array<index, channels> features_{};
  std::vector<double> across_, lagged_;
};

}  // namespace detail

/// Rows that come one after the other: their kernel values with a reference, and with the rows before them.
/// - `meet(fresh)` evaluates k for new rows, a sample. Throws `invalid_argument` for bad ones; nothing has changed then.
/// - `across(row)` is the mean of k(reference, new row), `value(row, lag)` is k of it and the row `lag` before, anything
///   where there is none, 1 <= lag <= lags. After `meet`.
/// - `keep()` makes the rows that were met part of the stream; `clear()` empties the stream.
///
/// Time of `meet`: n + lags kernel values per row, and packing the reference. The reference must outlive the stream.
template<class Each, class Memory, class Sample, pair_function K>
[[nodiscard]] auto stream_against(const tiled_host<Each, Memory>& b, const Sample& reference, const K& k, index lags) {
  return detail::host_row_stream<tiled_host<Each, Memory>, Sample, K>(b, reference, k, lags);
}

DISPAR_NAMESPACE_END
