#pragma once

#include "dispar/backend/default.hpp"
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
/// A new row costs n + window - 1 kernel values, whatever the window has seen before. Larger batches go faster: on the host each
/// call packs the reference anew, on a GPU it waits once. The constructor costs n^2 d / 2 and runs x (r^2 + 5 expected_run_time
/// window) for r = min(n, calibration_rows) rows. Memory: r^2 elements while constructing, then the window.
/// Holds a view of the reference, which must outlive it (on `gpu` a copy, see below). Not for use by several threads at once.
///
/// On `gpu` samples are in device memory, and so are the window and a copy of the reference, centred once. An update is two
/// kernels per channel, one for the kernel values, and one wait; it allocates only for a larger batch than any before. Products
/// are summed in double, but with `precision::tf32` the mean within the reference and the threshold are those of rounded rows.
/// Tests hold statistics of kernels that are at most 1 within 1e-6 (float rows) and 1e-13 (double) of the cpu's.
/// Throws as `mmd::estimate`, for weights, window < 2, fewer reference rows than twice the window, expected_run_time <= window,
/// runs < 10 and calibration_rows < 2. An update that throws leaves the detector as it was.
///
/// After Cobb, Van Looveren and Klaise, "Sequential multivariate change detection with calibrated and memoryless false
/// detection rates", AISTATS 2022 (alibi-detect's MMDDriftOnline), with one threshold instead of one per time.
template<backend B, class Sample, pair_function K>
class online_detector {
  using T = typename Sample::value_type;
  using metric_type = typename K::metric;

public:
  /// Packs the reference and simulates the threshold. Cost and errors: above.
  template<sample_like R>
  online_detector(const B& b, const R& reference, const K& k, const online_options& o = {})
      : window_size_(checked_window(as_sample(reference), o)),
        window_(window_size_),
        rows_(stream_against(b, as_sample(reference), k, window_size_ - 1)) {
    const Sample all = as_sample(reference);
    const index n = all.rows();
    const kernel_value<K, T> operation(k);
    const auto data = pack_samples<metric_type>(b, std::array<Sample, 1>{all});
    const std::array<pair_block, 1> triangle{{{0, 0, true}}};
    double above = 0;
    pairwise(b, data, operation, triangle, no_operands(), total<0, 1>{matrix_view<double>(&above, 1, 1)});
    within_ = 2 * above / (static_cast<double>(n) * static_cast<double>(n - 1));

    const std::array<Sample, 1> drawn{dispar::detail::every_row(all, dispar::detail::subsample_step(n, 0, o.calibration_rows))};
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
    rows_.meet(fresh);
    std::vector<online_result> results;
    for (index i = 0; i < fresh.rows(); ++i) {
      window_.push([&](index lag) { return rows_.value(i, lag); }, rows_.across(i));
      const bool filled = window_.full();
      const double s = filled ? window_.statistic(within_) : 0;
      results.push_back({s, threshold_, filled && s > threshold_, filled});
    }
    rows_.keep();
    return results;
  }

  /// The next row alone (kernels of one channel).
  template<vector_like Y>
  online_result update(const Y& row) requires(Sample::channel_count == 1) {
    const auto v = view_of(row);
    return update(matrix_view<const typename Sample::element_type, typename Sample::space>(v.data(), {1, v.size()},
                                                                                           {0, v.stride(0)}))
        .front();
  }

  /// Empties the window, as after an alarm that was dealt with.
  void reset() noexcept {
    window_.clear();
    rows_.clear();
  }

  /// What was found, and the length of the window in rows.
  ///@{
  [[nodiscard]] double threshold() const noexcept { return threshold_; }
  [[nodiscard]] index window() const noexcept { return window_size_; }
  ///@}

private:
  using row_stream =
      decltype(stream_against(std::declval<const B&>(), std::declval<const Sample&>(), std::declval<const K&>(), index{}));

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

  index window_size_;
  detail::sliding_window window_;
  row_stream rows_;
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
