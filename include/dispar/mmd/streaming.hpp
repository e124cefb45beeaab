#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/mmd/labels.hpp"
#include "dispar/mmd/median_heuristic.hpp"
#include "dispar/mmd/run_length.hpp"
#include "dispar/mmd/two_samples.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// How a stream is watched.
struct online_options {
  index window = 20;                ///< rows of the stream that are compared with the reference
  double expected_run_time = 1000;  ///< mean number of rows, from an empty window, to an alarm while nothing has changed
  std::uint64_t seed = 0;           ///< of the simulation that finds the threshold
  index runs = 400;                 ///< simulated streams; the mean run has a relative error of about 1 / sqrt(runs)
  index calibration_rows = 1000;    ///< rows of the reference that streams are drawn from, at most; their squares are stored
};

/// The state after one row of the stream.
struct online_result {
  double statistic;  ///< unbiased MMD^2 of the last `window` rows against the reference; 0 before there are as many
  double threshold;  ///< what the statistic has to exceed
  bool drift;        ///< full and statistic > threshold
  bool filled;       ///< whether the window was full
};

/// Watches a stream: MMD^2 between a reference sample and a sliding window of the last rows, with a threshold for a wanted mean
/// time to a false alarm.
///
///     mmd::online_detector detector(cpu{}, reference, gaussian{sigma}, {.window = 50, .expected_run_time = 10000});
///     for (...) if (detector.update(row).drift) { ... detector.reset(); }
///
/// The threshold is one number for all times, found by simulation: references and streams are drawn from the rows of the
/// reference, and the threshold is the least whose mean time to the first exceedance is `expected_run_time`. The time
/// includes the first `window` rows, while the window fills. It is a mean over references as well: for one reference the
/// mean run differs the more, the smaller n / window is; have n of at least ten windows. Rows must be independent while
/// nothing changes. Power against a change within a window grows with the window; so does the delay.
///
/// A new row costs n + window - 1 kernel values, whatever the window has seen before. Larger batches go faster: each call
/// packs the reference anew. The constructor costs n^2 d / 2 and runs x (r^2 + 5 expected_run_time window) for
/// r = min(n, calibration_rows) rows. Memory: r^2 elements while constructing, then the window.
/// Holds a view of the reference, which must outlive it. Not for use by several threads at once.
/// Throws as `mmd::estimate`, for weights, window < 2, fewer reference rows than twice the window, expected_run_time <= window,
/// runs < 10 and calibration_rows < 2. An update that throws leaves the detector as it was.
///
/// After Cobb, Van Looveren and Klaise, "Sequential multivariate change detection with calibrated and memoryless false
/// detection rates", AISTATS 2022 (alibi-detect's MMDDriftOnline), with one threshold instead of one per time.
template<backend B, class Sample, pair_function K>
class online_detector {
  using T = typename Sample::value_type;
  using metric_type = typename K::metric;
  static constexpr std::size_t channels = static_cast<std::size_t>(Sample::channel_count);
  static_assert(std::is_same_v<typename B::space, host>, "dispar: online_detector keeps its window in host memory");

public:
  /// Packs the reference and simulates the threshold. Cost and errors: above.
  template<sample_like R>
  online_detector(const B& b, const R& reference, const K& k, const online_options& o = {})
      : backend_(b),
        reference_(as_sample(reference)),
        kernel_(k),
        window_size_(checked_window(reference_, o)),
        window_(window_size_) {
    const index n = reference_.rows();
    const kernel_value<K, T> operation(k);
    const auto data = pack_samples<metric_type>(b, std::array<Sample, 1>{reference_});
    const std::array<pair_block, 1> triangle{{{0, 0, true}}};
    double above = 0;
    pairwise(b, data, operation, triangle, no_operands(), total<0, 1>{matrix_view<double>(&above, 1, 1)});
    within_ = 2 * above / (static_cast<double>(n) * static_cast<double>(n - 1));

    const std::array<Sample, 1> drawn{
        dispar::detail::every_row(reference_, dispar::detail::subsample_step(n, 0, o.calibration_rows))};
    const index rows = drawn[0].rows();
    detail::simulated_world<T> world{std::vector<T>(static_cast<std::size_t>(rows * rows)), rows, n, window_size_};
    pairwise(b, pack_samples<metric_type>(b, drawn), operation, triangle, no_operands(),
             store<0, T>{matrix_view<T>(world.gram.data(), rows, rows)});
    detail::centre_diagonal(world);
    threshold_ = detail::run_length_threshold(detail::host_executor(b, 1e9), world,
                                              o.expected_run_time - static_cast<double>(window_size_ - 1), o.runs, o.seed);
  }

  /// The next rows of the stream; one result for each.
  template<sample_like Y>
  std::vector<online_result> update(const Y& batch) {
    static_assert(std::is_same_v<Sample, sample_type<Y>>,
                  "dispar: reference and stream must have the same element type, number of channels and memory space");
    const Sample fresh = as_sample(batch);
    require(!fresh.weights, "online_detector: batch", "must have no weights");
    require(fresh.rows() > 0, "online_detector: rows of the batch", "must be at least 1", static_cast<double>(fresh.rows()));
    const std::vector<double> across = means_against_reference(fresh);
    auto rows = recent_;
    for (std::size_t c = 0; c < channels; ++c) append(fresh.channel[c], rows[c]);
    const std::vector<double> values = lagged_values(rows, fresh);

    std::vector<online_result> results;
    const index lags = window_size_ - 1;
    for (index i = 0; i < fresh.rows(); ++i) {
      window_.push([&](index lag) { return values[static_cast<std::size_t>(i * lags + lag - 1)]; },
                   across[static_cast<std::size_t>(i)]);
      const bool filled = window_.full();
      const double s = filled ? window_.statistic(within_) : 0;
      results.push_back({s, threshold_, filled && s > threshold_, filled});
    }
    held_ = std::min(held_ + fresh.rows(), lags);
    for (std::size_t c = 0; c < channels; ++c) rows[c].erase(rows[c].begin(), rows[c].end() - held_ * fresh.channel[c].cols());
    recent_ = std::move(rows);
    return results;
  }

  /// The next row alone (kernels of one channel).
  template<vector_like Y>
  online_result update(const Y& row) requires(Sample::channel_count == 1) {
    const auto v = view_of(row);
    return update(matrix_view<const T, typename Sample::space>(v.data(), {1, v.size()}, {0, v.stride(0)})).front();
  }

  /// Empties the window, as after an alarm that was dealt with.
  void reset() noexcept {
    window_.clear();
    for (auto& rows : recent_) rows.clear();
    held_ = 0;
  }

  /// What was found, and the length of the window in rows.
  ///@{
  [[nodiscard]] double threshold() const noexcept { return threshold_; }
  [[nodiscard]] index window() const noexcept { return window_size_; }
  ///@}

private:
  using row_storage = std::array<std::vector<T>, channels>;

  static std::span<const vector_view<const T>> no_operands() { return {}; }

  static index checked_window(const Sample& reference, const online_options& o) {
    require(!reference.weights, "online_detector: reference", "must have no weights");
    require(o.window >= 2, "online_detector: window", "must be at least 2", static_cast<double>(o.window));
    require(reference.rows() >= 2 * o.window, "online_detector: rows of the reference", "must be at least twice the window",
            static_cast<double>(reference.rows()));
    require(o.expected_run_time > static_cast<double>(o.window) && o.expected_run_time < 1e9,
            "online_detector: expected_run_time", "must exceed the window (and be below 1e9)", o.expected_run_time);
    require(o.runs >= 10, "online_detector: runs", "must be at least 10", static_cast<double>(o.runs));
    require(o.calibration_rows >= 2, "online_detector: calibration_rows", "must be at least 2",
            static_cast<double>(o.calibration_rows));
    return o.window;
  }

  /// Mean of k(reference, y) for every new row y.
  std::vector<double> means_against_reference(const Sample& fresh) const {
    const std::array<Sample, 2> both{reference_, fresh};
    const auto data = pack_samples<metric_type>(backend_, both);
    const std::array<pair_block, 1> block{{{0, 1, false}}};
    std::vector<double> sums(static_cast<std::size_t>(data.rows()));
    pairwise(backend_, data, kernel_value<K, T>(kernel_), block, no_operands(),
             row_sums<0>{matrix_view<double>(sums.data(), data.rows(), 1)});
    sums.erase(sums.begin(), sums.begin() + data.first(1));
    for (double& s : sums) s /= static_cast<double>(reference_.rows());
    return sums;
  }

  /// k of every new row with the window - 1 rows before it; what lies before the stream is anything.
  std::vector<double> lagged_values(const row_storage& rows, const Sample& fresh) const {
    Sample all = fresh;
    for (std::size_t c = 0; c < channels; ++c)
      all.channel[c] = matrix_view<const T>(rows[c].data(), held_ + fresh.rows(), fresh.channel[c].cols());
    const index lags = window_size_ - 1, count = fresh.rows() * lags;
    const auto pair_of = [held = held_, lags](index p) {
      const index row = held + p / lags, before = row - 1 - p % lags;
      return row_pair{before < 0 ? row : before, row, 0};
    };
    std::vector<double> values(static_cast<std::size_t>(count));
    pair_list(backend_, pack_samples<metric_type>(backend_, std::array<Sample, 1>{all}), kernel_value<K, T>(kernel_), count,
              pair_of, no_operands(), matrix_view<double>(values.data(), count, 1));
    return values;
  }

  static void append(const matrix_view<const T>& rows, std::vector<T>& target) {
    for (index i = 0; i < rows.rows(); ++i)
      for (index j = 0; j < rows.cols(); ++j) target.push_back(rows(i, j));
  }

  B backend_;
  Sample reference_;
  K kernel_;
  index window_size_;
  detail::sliding_window window_;
  row_storage recent_{};  ///< by channel, the last window - 1 rows
  index held_ = 0;        ///< how many of them there are
  double within_ = 0;
  double threshold_ = 0;
};

/// The class for a backend, a reference and a kernel.
///@{
template<backend B, sample_like R, pair_function K>
online_detector(const B&, const R&, const K&) -> online_detector<B, sample_type<R>, K>;
template<backend B, sample_like R, pair_function K>
online_detector(const B&, const R&, const K&, const online_options&) -> online_detector<B, sample_type<R>, K>;
///@}

}  // namespace mmd

DISPAR_NAMESPACE_END
