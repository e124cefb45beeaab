#pragma once

#include <array>

#include "dispar/backend/gpu/managed_and_pinned.hpp"
#include "dispar/backend/gpu/stream_kernels.hpp"
#include "dispar/backend/gpu/transfer.hpp"
#include "dispar/backend/sample.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// `stream_against` on the GPU: a copy of the reference, the ring and the new rows are in device memory, centred at the mean of
/// the reference. `meet` waits once and allocates only for more rows than ever before.
template<class Sample, pair_function K>
class device_row_stream {
  using T = typename Sample::value_type;
  using Element = typename Sample::element_type;
  using metric_type = typename K::metric;
  static constexpr int channels = Sample::channel_count;
  static_assert(reachable<typename Sample::space, device>,
                "dispar: the gpu backend cannot read host memory; copy the data with dispar::to(gpu, x) or use the cpu backend");

public:
  device_row_stream(const gpu& b, const Sample& reference, const K& k, index lags)
      : backend_(b), operation_(k), references_(reference.rows()), lags_(lags), status_(b, {channels}), samples_(b, {2}) {
    require(references_ > 0, "sample: rows", "must be at least 1", static_cast<double>(references_));
    for (int c = 0; c < channels; ++c) {
      auto& own = channel_[static_cast<std::size_t>(c)];
      const auto& view = reference.channel[static_cast<std::size_t>(c)];
      own.features = view.cols();
      require(own.features > 0, "sample: features", "must be at least 1", static_cast<double>(own.features));
      require(view.rows() == references_, "sample: rows", "must be the same in every channel", static_cast<double>(view.rows()));
      own.mean = mean_of(view);
      own.reference = rows(references_, own.features);
      own.kept = rows(lags, own.features);
    }
    fill_bytes(b, samples_, 0);
    centre(reference, 0, &channel::reference);
    b.wait();
  }

  void meet(const Sample& fresh) {
    const index count = fresh.rows();
    for (int c = 0; c < channels; ++c) {
      const auto& view = fresh.channel[static_cast<std::size_t>(c)];
      require(view.cols() == channel_[static_cast<std::size_t>(c)].features, "sample: features",
              "must be the same in every sample", static_cast<double>(view.cols()));
      require(view.rows() == count, "sample: rows", "must be the same in every channel", static_cast<double>(view.rows()));
    }
    reserve(count);
    centre(fresh, 1, &channel::fresh);
    const index tasks = parts() + (lags_ + stream_threads - 1) / stream_threads;
    launch(backend_, "stream_values_kernel", stream_values_kernel<metric_type, operation_type, T, channels>, count * tasks,
           stream_threads, memory(), operation_, values_.data());
    check_cuda(cudaMemcpyAsync(arrived_.data(), values_.data(), static_cast<std::size_t>(count * width()) * sizeof(double),
                               cudaMemcpyDefault, backend_.stream()),
               "cudaMemcpyAsync");
    backend_.wait();
    met_ = count;
  }
  [[nodiscard]] double across(index row) const {
    const double* const sums = arrived_.data() + row * width();
    double sum = 0;
    for (index p = 0; p < parts(); ++p) sum += sums[p];
    return sum / static_cast<double>(references_);
  }
  [[nodiscard]] double value(index row, index lag) const { return arrived_.data()[row * width() + parts() + lag - 1]; }

  void keep() {
    const index count = met_ < lags_ ? met_ : lags_, first = met_ - count;
    for (auto& own : channel_)
      launch(backend_, "keep_rows_kernel", keep_rows_kernel<T>, (count * own.features + stream_threads - 1) / stream_threads,
             stream_threads, own.fresh.read(), first, count, own.features, own.kept.write(), (seen_ + first) % lags_, lags_);
    seen_ += met_;
    met_ = 0;
  }
  void clear() noexcept { seen_ = 0; }

private:
  using operation_type = kernel_value<K, T>;
  struct row_memory {
    array<T, 1, gpu> values;
    array<double, 1, gpu> terms;
    [[nodiscard]] stream_rows<T> write() { return {values.data(), terms.data(), terms.view().size()}; }
    [[nodiscard]] stream_rows<const T> read() const { return {values.data(), terms.data(), terms.view().size()}; }
  };
  struct channel {
    index features = 0;
    array<T, 1, gpu> mean;
    row_memory reference, kept, fresh;
  };

  [[nodiscard]] row_memory rows(index count, index features) const {
    return {array<T, 1, gpu>(backend_, {count * features}), array<double, 1, gpu>(backend_, {count})};
  }
  /// Sums over the reference per row.
  [[nodiscard]] index parts() const { return (references_ + stream_threads - 1) / stream_threads; }
  [[nodiscard]] index width() const { return parts() + lags_; }

  void reserve(index count) {
    if (count <= capacity_) return;
    for (auto& own : channel_) own.fresh = rows(count, own.features);
    values_ = array<double, 1, gpu>(backend_, {count * width()});
    arrived_ = array<double, 1, pinned_memory>(pinned_memory{backend_.context}, {count * width()});
    capacity_ = count;
  }

  template<class View>
  [[nodiscard]] array<T, 1, gpu> mean_of(const View& view) const {
    if constexpr (metric_type::translation_invariant && real<Element>) {
      const index features = view.cols(), groups = (features + mean_threads - 1) / mean_threads;
      const index chunks = (references_ + mean_chunk - 1) / mean_chunk;
      array<double, 1, gpu> partial(backend_, {chunks * features});
      launch(backend_, "column_sums_kernel", column_sums_kernel<T>, chunks * groups, mean_threads, strided_of(view), references_,
             features, partial.data());
      array<T, 1, gpu> mean(backend_, {features});
      launch(backend_, "column_means_kernel", column_means_kernel<T>, groups, mean_threads, partial.data(), chunks, references_,
             features, mean.data());
      return mean;
    } else {
      return {};
    }
  }
  /// NaN, infinity and overflow are thrown by the next wait, as those of sample `number`.
  void centre(const Sample& sample, int number, row_memory channel::*target) {
    fill_bytes(backend_, status_, 0xff);
    vec<index, channels> features;
    for (int c = 0; c < channels; ++c) {
      auto& own = channel_[static_cast<std::size_t>(c)];
      features[c] = own.features;
      launch(backend_, "centre_rows_kernel", centre_rows_kernel<metric_type, Element, T>, sample.rows(), stream_threads,
             strided_of(sample.channel[static_cast<std::size_t>(c)]), own.features, own.mean.data(), (own.*target).write(),
             status_.data() + c);
    }
    launch(backend_, "report_packing_kernel", report_packing_kernel<channels>, 1, 1, status_.data(), features, samples_.data(),
           number + 1, report_of(backend_));
  }
  [[nodiscard]] stream_memory<T, channels> memory() const {
    stream_memory<T, channels> m{};
    for (int c = 0; c < channels; ++c) {
      const auto& own = channel_[static_cast<std::size_t>(c)];
      m.reference[c] = own.reference.read();
      m.kept[c] = own.kept.read();
      m.fresh[c] = own.fresh.read();
      m.features[c] = own.features;
    }
    m.references = references_;
    m.lags = lags_;
    m.seen = seen_;
    return m;
  }

  gpu backend_;
  operation_type operation_;
  index references_, lags_, capacity_ = 0, met_ = 0, seen_ = 0;
  std::array<channel, static_cast<std::size_t>(channels)> channel_{};
  array<packing_status, 1, gpu> status_;
  array<segment_place, 1, gpu> samples_;  ///< the reference and the new rows: each is numbered from 0
  array<double, 1, gpu> values_;
  array<double, 1, pinned_memory> arrived_;
};

}  // namespace detail

/// `stream_against` on the GPU, see backend/host/row_stream.hpp. Memory: a copy of the reference, `lags` rows, and the rows of
/// the largest call of `meet` with their values.
template<class Sample, pair_function K>
[[nodiscard]] auto stream_against(const gpu& b, const Sample& reference, const K& k, index lags) {
  return detail::device_row_stream<Sample, K>(b, reference, k, lags);
}

DISPAR_NAMESPACE_END
